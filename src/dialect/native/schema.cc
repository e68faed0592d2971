// The XML form: the table of shape.h as the table of json/xml.h.

#include <cassert>

#include "dialect/native/codec.h"
#include "dialect/native/native.h"
#include "dialect/native/task_shape.h"
#include "json/xml.h"
#include "wire/sse.h"

namespace cardea::dialect {
namespace native_format {
namespace {

using json::XmlField;
using json::XmlType;
using Kind_of = XmlField::Kind;

template <class T>
const XmlType* type_of();

/// What one value of T is.
template <class T>
void describe(XmlField& out) {
  if constexpr (is_optional<T>) {
    describe<typename T::value_type>(out);
  } else if constexpr (std::is_same_v<T, std::string>) {
    out.kind = Kind_of::string;
  } else if constexpr (std::is_same_v<T, bool>) {
    out.kind = Kind_of::boolean;
  } else if constexpr (std::is_same_v<T, std::uint64_t>) {
    out.kind = Kind_of::integer;
  } else if constexpr (std::is_same_v<T, model::Number>) {
    out.kind = Kind_of::number;
  } else if constexpr (std::is_same_v<T, model::Json> || std::is_same_v<T, model::Extras>) {
    out.kind = Kind_of::json;
  } else if constexpr (std::is_enum_v<T>) {
    out.words = Words<T>::all;
  } else if constexpr (is_map<T>) {
    out.many = XmlField::Many::map;
  } else if constexpr (is_vector<T>) {
    describe<typename T::value_type>(out);
    out.many = XmlField::Many::list;
  } else if constexpr (Mirrored<T>) {
    describe<typename Shape<T>::Written>(out);
  } else {
    out.kind = Tagged<T> ? Kind_of::choice : Kind_of::object;
    out.type = type_of<T>();
  }
}

template <class T>
XmlField field_of(std::string_view name) {
  XmlField out{.name = name};
  describe<T>(out);
  return out;
}

template <class T>
void add_fields(XmlType& type) {
  T probe{};
  each_field<T>(probe, [&]<class Row, class Member>(const Row& row, const Member&) {
    XmlField field = field_of<Member>(row.name);
    field.item = row.item;
    field.required = row.need == Need::required;
    field.about = row.about;
    type.fields.push_back(field);
  });
}

/// Types hold one another (results hold parts): each is filled once, and has its name before its members are looked at. Called
/// within tables() alone, so by one thread.
template <class T>
const XmlType* type_of() {
  static XmlType type;
  if (!type.name.empty()) return &type;
  type.name = Shape<T>::name;
  type.about = Shape<T>::about;
  if constexpr (!Tagged<T>) {
    add_fields<T>(type);
  } else {
    each_alternative<std::remove_cvref_t<decltype(choice_in(std::declval<T&>()))>>([&]<class A>() {
      XmlField field = field_of<A>(Shape<A>::tag);
      // What every alternative may have is among its own.
      if constexpr (!is_variant<T>) {
        auto& own = const_cast<XmlType&>(*field.type);  // NOLINT: filled above, by us
        const bool there = std::ranges::find(own.fields, "extras", &XmlField::name) != own.fields.end();
        if (!there) add_fields<T>(own);
      }
      type.fields.push_back(field);
    });
  }
  return &type;
}

/// In the order of Root.
const std::array<XmlField, 17>& tables() {
  static const std::array<XmlField, 17> roots{
      field_of<model::Chat>("chat"),
      field_of<model::Answer>("answer"),
      field_of<Failure>("failure"),
      field_of<ListedModels>("models"),
      field_of<NativeModel>("model"),
      field_of<Tokens>("token_count"),
      field_of<Said>("event"),
      field_of<model::Embed>("embed"),
      field_of<model::Embedded>("embedded"),
      field_of<model::Rerank>("rerank"),
      field_of<model::Reranked>("reranked"),
      field_of<model::Moderate>("moderate"),
      field_of<model::Moderated>("moderated"),
      field_of<model::Tokenize>("tokenize"),
      field_of<model::Tokenized>("tokenized"),
      field_of<model::Detokenize>("detokenize"),
      field_of<model::Detokenized>("detokenized"),
  };
  return roots;
}

const XmlField& table_of(Root root) { return tables()[static_cast<std::size_t>(root)]; }

void append_xml_of(std::string& out, std::string_view json, Root root, json::XmlLines lines) {
  const auto value = json::parse(json, upstream_scan());
  [[maybe_unused]] const Status status = value ? json::append_xml(out, *value, table_of(root), lines) : Status{};
  assert(value && status);  // both sides are made from one table
}

}  // namespace

std::string in_form(std::string json, Root root, Form form) {
  if (form == Form::json) return json;
  std::string out{json::xml_declaration};
  append_xml_of(out, json, root, json::XmlLines::kept);
  out += '\n';
  return out;
}

void append_event(std::string& out, const Said& said, Form form) {
  const std::string json = json_of(said);
  if (form == Form::json) return wire::append_event(out, {}, json);
  std::string xml;
  append_xml_of(xml, json, Root::event, json::XmlLines::one);
  wire::append_event(out, {}, xml);
}

Result<std::string> json_from(std::string_view xml, Root root) { return json::xml_to_json(xml, table_of(root)); }

}  // namespace native_format

using native_format::Root;

namespace {

/// Requests and answers of a task stand next to each other, in the order of Task.
Root root_of(Task task, int offset) {
  return static_cast<Root>(static_cast<int>(Root::embed) + 2 * static_cast<int>(task) + offset);
}

}  // namespace

Result<std::string> native_request(std::string_view xml, std::optional<Task> task) {
  return native_format::json_from(xml, task ? root_of(*task, 0) : Root::chat);
}

std::string native_task_answer(const Dialect& dialect, Task task, std::string json) {
  const bool xml = &dialect == &native_xml();
  return native_format::in_form(std::move(json), root_of(task, 1), xml ? native_format::Form::xml : native_format::Form::json);
}

std::string native_xsd() {
  return json::xsd_of(
      "Cardea's native format (docs/native.md). Generated by './dev docs' from the table that reads and writes it.",
      native_format::tables());
}

}  // namespace cardea::dialect
