// XML becomes JSON: expat finds the elements, the table says what they are. The only file that knows expat.

#include <expat.h>
#include <simdjson.h>

#include <algorithm>
#include <memory>

#include "base/base64.h"
#include "base/text.h"
#include "json/writer.h"
#include "json/xml.h"

namespace cardea::json {
namespace {

using Kind_of = XmlField::Kind;
using Many = XmlField::Many;

/// XML's white space.
constexpr std::string_view space = " \t\r\n";

std::string_view trimmed(std::string_view text) {
  const auto first = text.find_first_not_of(space);
  if (first == std::string_view::npos) return {};
  return text.substr(first, text.find_last_not_of(space) + 1 - first);
}

constexpr XmlField entry_fields[] = {{.name = "key"}, {.name = "value"}};

/// What of a document is open, and the JSON written so far. Called by expat; the first problem stops it.
class Reader {
 public:
  Reader(const XmlField& root, const XmlLimits& limits, XML_Parser parser) : root_{root}, limits_{limits}, parser_{parser} {}

  void begin(std::string_view name, const XML_Char** attributes);
  void end();
  void text(std::string_view text);
  void declare(const XML_Char* version, const XML_Char* encoding);
  void refuse(std::string_view problem);

  [[nodiscard]] bool failed() const noexcept { return !problem_.empty(); }
  [[nodiscard]] std::unexpected<Error> problem() { return fail(Kind::bad_request, std::move(problem_), std::move(path_)); }
  [[nodiscard]] std::string take() { return std::move(out_); }

 private:
  enum class Role : std::uint8_t { leaf, object, list, choice, map, entry };
  struct Frame {
    Role role;
    const XmlField* field;  ///< null: an entry
    std::span<const XmlField> fields;
    std::uint64_t seen = 0;   ///< fields that were given
    std::uint32_t count = 0;  ///< children
  };

  void push(Role role, const XmlField* field, std::span<const XmlField> fields = {}) { stack_.push_back({role, field, fields}); }
  void enter_root(std::string_view name);
  void enter_member(Frame& top, std::string_view name);
  void enter_item(Frame& top, std::string_view name);
  void enter_alternative(const XmlField& choice, std::string_view name);
  void open(const XmlField& field);
  void open_one(const XmlField& field);
  void read_attributes(const XML_Char** attributes);
  void unknown(std::string_view name, std::span<const XmlField> fields);
  void leave_leaf(const XmlField& field);
  void say(const XmlField& field, std::string_view said);
  [[nodiscard]] bool decode();
  [[nodiscard]] std::string path() const;

  const XmlField& root_;
  const XmlLimits& limits_;
  XML_Parser parser_;
  std::vector<Frame> stack_;
  std::string out_;
  Writer writer_{out_};
  std::string text_;         ///< of the open leaf
  bool is_base64_ = false;   ///< it is said so
  std::string key_, value_;  ///< of the open entry
  std::uint32_t elements_ = 0;
  std::string problem_, path_;
};

std::string Reader::path() const {
  std::string out;
  for (std::size_t i = 1; i < stack_.size(); ++i) {
    const Frame& parent = stack_[i - 1];
    if (parent.role == Role::list) out += cat('[', parent.count - 1, ']');
    if (parent.role == Role::object && stack_[i].field != nullptr) out += cat(out.empty() ? "" : ".", stack_[i].field->name);
  }
  return out;
}

void Reader::refuse(std::string_view problem) {
  if (failed()) return;
  path_ = path();
  problem_ = cat(limits_.what, " at line ", XML_GetCurrentLineNumber(parser_), ", column ",
                 XML_GetCurrentColumnNumber(parser_) + 1, ": ", problem);
  XML_StopParser(parser_, XML_FALSE);
}

void Reader::unknown(std::string_view name, std::span<const XmlField> fields) {
  std::vector<std::string_view> names;
  for (const auto& field : fields) names.push_back(field.name);
  name = name.substr(0, 64);
  const auto near = nearest(name, names.data(), names.size());
  refuse(near.empty() ? cat("<", name, "> is not known here")
                      : cat("<", name, "> is not known here; did you mean <", near, ">?"));
}

void Reader::declare(const XML_Char* version, const XML_Char* encoding) {
  if (version != nullptr && std::string_view{version} != "1.0") return refuse("only XML 1.0 is read");
  if (encoding != nullptr && !iequals(encoding, "utf-8")) refuse("only the encoding UTF-8 is read");
}

void Reader::begin(std::string_view name, const XML_Char** attributes) {
  if (failed()) return;
  if (++elements_ > limits_.elements) return refuse(cat("it holds more than ", limits_.elements, " elements"));
  if (stack_.size() >= limits_.depth) return refuse(cat("it is nested deeper than ", limits_.depth, " elements"));
  if (stack_.empty()) {
    enter_root(name);
  } else {
    Frame& top = stack_.back();
    switch (top.role) {
      case Role::leaf: return refuse(cat("<", top.field->name, "> holds text, not elements"));
      case Role::object:
      case Role::entry: enter_member(top, name); break;
      case Role::list:
      case Role::choice:
      case Role::map: enter_item(top, name); break;
    }
  }
  if (!failed()) read_attributes(attributes);
}

void Reader::enter_root(std::string_view name) {
  if (root_.kind == Kind_of::choice) return enter_alternative(root_, name);
  if (name != root_.name) return unknown(name, {&root_, 1});
  open_one(root_);
}

void Reader::enter_member(Frame& top, std::string_view name) {
  const auto field = std::ranges::find(top.fields, name, &XmlField::name);
  if (field == top.fields.end()) return unknown(name, top.fields);
  const auto bit = std::uint64_t{1} << (field - top.fields.begin());
  if ((top.seen & bit) != 0) return refuse(cat("<", name, "> is given twice"));
  top.seen |= bit;
  if (top.role == Role::entry) return push(Role::leaf, &*field);
  writer_.key(field->name);
  open(*field);
}

void Reader::enter_item(Frame& top, std::string_view name) {
  const XmlField& field = *top.field;
  if (++top.count > 1 && top.role == Role::choice) return refuse(cat("<", field.name, "> holds one element, not several"));
  if (top.role == Role::map) {
    constexpr XmlField entry{.name = "entry"};
    if (name != entry.name) return unknown(name, {&entry, 1});
    key_.clear();
    value_.clear();
    return push(Role::entry, nullptr, entry_fields);
  }
  if (field.kind == Kind_of::choice) return enter_alternative(field, name);
  const XmlField item{.name = field.item};
  if (name != field.item) return unknown(name, {&item, 1});
  open_one(field);
}

void Reader::enter_alternative(const XmlField& choice, std::string_view name) {
  const auto& fields = choice.type->fields;
  const auto field = std::ranges::find(fields, name, &XmlField::name);
  if (field == fields.end()) return unknown(name, fields);
  writer_.begin_object().key("type").string(field->name);
  push(Role::object, &*field, field->type->fields);
}

void Reader::open(const XmlField& field) {
  switch (field.many) {
    case Many::one: return open_one(field);
    case Many::list: writer_.begin_array(); return push(Role::list, &field);
    case Many::map: writer_.begin_object(); return push(Role::map, &field);
  }
}

void Reader::open_one(const XmlField& field) {
  if (field.kind == Kind_of::object) {
    writer_.begin_object();
    return push(Role::object, &field, field.type->fields);
  }
  push(field.kind == Kind_of::choice ? Role::choice : Role::leaf, &field);
}

void Reader::read_attributes(const XML_Char** attributes) {
  text_.clear();
  is_base64_ = false;
  const Frame& top = stack_.back();
  const bool texts = top.role == Role::leaf && (top.field->kind == Kind_of::string || top.field->kind == Kind_of::json);
  for (; *attributes != nullptr; attributes += 2) {
    const std::string_view name{attributes[0]};
    // What tools write to name the schema says nothing to us.
    if (stack_.size() == 1 && (name == "xmlns" || name.starts_with("xmlns:") || name.starts_with("xsi:"))) continue;
    if (!texts || name != "encoding")
      return refuse(cat("the attribute '", name.substr(0, 64), "' is not known here; everything is said in elements"));
    if (std::string_view{attributes[1]} != "base64") return refuse("the attribute 'encoding' can only be 'base64'");
    is_base64_ = true;
  }
}

void Reader::text(std::string_view text) {
  if (failed()) return;
  if (!stack_.empty() && stack_.back().role == Role::leaf) {
    text_ += text;
  } else if (text.find_first_not_of(space) != std::string_view::npos) {
    refuse(stack_.empty() || stack_.back().field == nullptr ? std::string{"text stands where only elements may"}
                                                            : cat("<", stack_.back().field->name, "> holds elements, not text"));
  }
}

/// The open leaf's text, when it came as base64.
bool Reader::decode() {
  if (!is_base64_) return true;
  auto bytes = from_base64(trimmed(text_));
  if (!bytes || !simdjson::validate_utf8(*bytes)) {
    refuse("this text is not the base64 of UTF-8, as its attribute says");
    return false;
  }
  text_ = std::move(*bytes);
  return true;
}

void Reader::leave_leaf(const XmlField& field) {
  if (!decode()) return;
  if (stack_.size() > 1 && stack_[stack_.size() - 2].role == Role::entry) {
    (&field == &entry_fields[0] ? key_ : value_) = std::move(text_);
    return;
  }
  say(field, text_);
}

void Reader::say(const XmlField& field, std::string_view said) {
  if (field.kind == Kind_of::string) {
    writer_.string(said);
    return;
  }
  said = trimmed(said);
  const auto type = validate(said);
  switch (field.kind) {
    case Kind_of::number:
    case Kind_of::integer:
      if (!type || *type != Type::number) return refuse(cat("<", field.name, "> must be a number"));
      break;
    case Kind_of::boolean:
      if (!type || *type != Type::boolean) return refuse(cat("<", field.name, "> must be true or false"));
      break;
    default:
      if (!type) return refuse(cat("<", field.name, "> must be JSON: ", type.error().message()));
  }
  writer_.raw(said);
}

void Reader::end() {
  if (failed()) return;
  const Frame top = stack_.back();
  switch (top.role) {
    case Role::leaf: leave_leaf(*top.field); break;
    case Role::object:
    case Role::map: writer_.end_object(); break;
    case Role::list: writer_.end_array(); break;
    case Role::choice:
      if (top.count == 0) refuse(cat("<", top.field->name, "> must hold one element"));
      break;
    case Role::entry:
      if (top.seen != 3) refuse("<entry> must hold a <key> and a <value>");
      if (!failed()) writer_.key(key_).string(value_);
      break;
  }
  if (!failed()) stack_.pop_back();
}

Reader& reader_of(void* data) { return *static_cast<Reader*>(data); }

void listen(XML_Parser parser) {
  XML_SetElementHandler(
      parser, [](void* data, const XML_Char* name, const XML_Char** attributes) { reader_of(data).begin(name, attributes); },
      [](void* data, const XML_Char*) { reader_of(data).end(); });
  XML_SetCharacterDataHandler(parser, [](void* data, const XML_Char* text, int length) {
    reader_of(data).text({text, static_cast<std::size_t>(length)});
  });
  XML_SetXmlDeclHandler(parser, [](void* data, const XML_Char* version, const XML_Char* encoding, int) {
    reader_of(data).declare(version, encoding);
  });
  // Called before anything inside it is read.
  XML_SetStartDoctypeDeclHandler(parser, [](void* data, const XML_Char*, const XML_Char*, const XML_Char*, int) {
    reader_of(data).refuse("a document type (DOCTYPE) is not accepted");
  });
  XML_SetProcessingInstructionHandler(parser, [](void* data, const XML_Char*, const XML_Char*) {
    reader_of(data).refuse("processing instructions are not accepted");
  });
}

struct FreeParser {
  void operator()(XML_Parser parser) const { XML_ParserFree(parser); }
};

}  // namespace

Result<std::string> xml_to_json(std::string_view text, const XmlField& root, const XmlLimits& limits) {
  // Expat counts in int.
  const auto bytes_max = std::min<std::size_t>(limits.bytes, 1u << 30);
  if (text.size() > bytes_max) return fail(Kind::too_large, cat(limits.what, " is larger than ", bytes_max, " bytes"));
  if (!simdjson::validate_utf8(text)) return fail(Kind::bad_request, cat(limits.what, " must be UTF-8"));
  const std::unique_ptr<XML_ParserStruct, FreeParser> parser{XML_ParserCreate("UTF-8")};
  if (!parser) return fail(Kind::internal, "there is no memory for an XML parser");
  Reader reader{root, limits, parser.get()};
  XML_SetUserData(parser.get(), &reader);
  listen(parser.get());
  // All at once: a long token in pieces would be read again with each.
  const auto status = XML_Parse(parser.get(), text.data(), static_cast<int>(text.size()), XML_TRUE);
  if (status != XML_STATUS_OK && !reader.failed()) reader.refuse(XML_ErrorString(XML_GetErrorCode(parser.get())));
  if (reader.failed()) return reader.problem();
  return reader.take();
}

}  // namespace cardea::json
