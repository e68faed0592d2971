// Content parts, documents, calls and citations: Cohere's forms to and from the model's.

#include <algorithm>
#include <array>

#include "dialect/cohere/cohere.h"
#include "dialect/plain.h"
#include "dialect/turns.h"

namespace cardea::dialect::cohere_v2 {

using json::Type;
using json::Value;
using model::Part;

namespace {

/// A document's `data` as text: itself when it is one, else a line for each member.
std::string data_text(const Value& data) {
  if (const auto* text = data.as_string()) return *text;
  if (!data.is(Type::object)) return data.dump();
  std::string out;
  for (const auto& [key, value] : data.members()) {
    if (!out.empty()) out += '\n';
    out += cat(key, ": ", value.as_string() != nullptr ? *value.as_string() : value.dump());
  }
  return out;
}

/// Among other texts a document needs its bounds and its name.
std::string tagged(const Value& document) {
  const auto* data = given(document, "data");
  const auto* id = text_at(document, "id");
  const std::string name = id != nullptr ? cat(" id=", json::quote(*id)) : "";
  const std::string text = document.is(Type::object) ? data != nullptr ? data_text(*data) : "" : data_text(document);
  return cat("<document", name, ">\n", text, "\n</document>");
}

Status check_document(const Value& document, std::string_view path) {
  if (document.is(Type::string)) return {};
  if (!document.is(Type::object)) return wrong_type(path, "a string or an object", document.type());
  const auto* data = given(document, "data");
  if (data == nullptr) return bad_field(cat(path, ".data"), "is missing");
  if (!data->is(Type::object) && !data->is(Type::string)) {
    return wrong_type(cat(path, ".data"), "an object or a string", data->type());
  }
  return {};
}

Status decode_text(const Value& value, std::string_view path, Place /*place*/, Part& out) {
  auto text = required_string(value, "text", path);
  if (!text) return fail_with(text);
  out.value = model::Text{.text = std::move(*text)};
  return {};
}

Status decode_thinking(const Value& value, std::string_view path, Place /*place*/, Part& out) {
  auto text = required_string(value, "thinking", path);
  if (!text) return fail_with(text);
  model::Thinking thinking;
  thinking.text = std::move(*text);
  auto status = read_member(value, "signature", path, thinking.signature);
  out.value = std::move(thinking);
  return status;
}

Status decode_image(const Value& value, std::string_view path, Place /*place*/, Part& out) {
  constexpr std::array<std::string_view, 2> known{"url", "detail"};
  auto inner = required_object(value, "image_url", path);
  if (!inner) return fail_with(inner);
  const auto inner_path = cat(path, ".image_url");
  auto url = required_string(**inner, "url", inner_path);
  if (!url) return fail_with(url);
  model::Image image{.media = media_of_url(*url)};
  auto status = read_member(**inner, "detail", inner_path, image.detail);
  out.value = std::move(image);
  collect_inner(**inner, "image_url", known, out.extras);
  return status;
}

Status decode_document_part(const Value& value, std::string_view path, Place place, Part& out) {
  const auto* document = given(value, "document");
  const auto inner_path = cat(path, ".document");
  if (document == nullptr) return bad_field(inner_path, "is missing");
  auto status = check_document(*document, inner_path);
  if (!status) return status;
  const auto* data = given(*document, "data");
  const auto& bare_data = data != nullptr ? *data : *document;
  const auto* bare_text = bare_data.as_string();
  std::string text = tagged(*document);
  if (place == Place::result) text = bare_text != nullptr ? *bare_text : bare_data.dump();
  out.value = model::Text{.text = std::move(text)};
  out.extras.push_back({"document", {document->dump()}});
  return {};
}

struct PartForm {
  std::string_view type;
  Status (*decode)(const Value& value, std::string_view path, Place place, Part& out);
  std::array<std::string_view, 3> known;
};
constexpr std::array<PartForm, 4> part_forms{{
    {"text", decode_text, {"type", "text", "text"}},
    {"thinking", decode_thinking, {"type", "thinking", "signature"}},
    {"image_url", decode_image, {"type", "image_url", "image_url"}},
    {"document", decode_document_part, {"type", "document", "document"}},
}};

Status decode_part(const Value& value, std::string_view path, Place place, std::vector<Part>& out) {
  if (!value.is(Type::object)) return wrong_type(path, "an object", value.type());
  auto type = required_string(value, "type", path);
  if (!type) return fail_with(type);
  auto& part = out.emplace_back();
  for (const auto& form : part_forms) {
    if (form.type != *type) continue;
    auto status = form.decode(value, path, place, part);
    collect_extras(value, form.known, part.extras);
    return status;
  }
  part.value = model::Opaque{.dialect = std::string{dialect_name}, .value = {value.dump()}};
  return {};
}

Status decode_call(const Value& value, std::string_view path, Part& out) {
  constexpr std::array<std::string_view, 4> known{"id", "type", "function", "signature"};
  constexpr std::array<std::string_view, 2> known_inner{"name", "arguments"};
  if (!value.is(Type::object)) return wrong_type(path, "an object", value.type());
  model::ToolCall call;
  auto inner = required_object(value, "function", path);
  if (!inner) return fail_with(inner);
  auto name = required_string(**inner, "name", cat(path, ".function"));
  if (!name) return fail_with(name);
  call.name = std::move(*name);
  auto status = read_member(value, "id", path, call.id);
  if (status) status = read_member(value, "signature", path, call.signature);
  if (const auto* arguments = given(**inner, "arguments")) {
    call.arguments = arguments->as_string() != nullptr ? *arguments->as_string() : arguments->dump();
  }
  out.value = std::move(call);
  collect_extras(value, known, out.extras);
  collect_inner(**inner, "function", known_inner, out.extras);
  return status;
}

/// The text that a citation is in: by its index among the parts of content, else the first text. `first`: of content.
model::Text* cited_text(std::vector<Part>& parts, std::size_t first, std::size_t plan, const Value& citation) {
  const auto* type = text_at(citation, "type");
  if (type != nullptr && *type == "PLAN") return plan < parts.size() ? std::get_if<model::Text>(&parts[plan].value) : nullptr;
  if (type != nullptr && *type == "THINKING_CONTENT") return nullptr;
  const auto* index = given(citation, "content_index");
  if (const auto at = index != nullptr ? index->as_u64() : std::nullopt) {
    return *at < parts.size() - first ? std::get_if<model::Text>(&parts[first + *at].value) : nullptr;
  }
  for (auto& part : parts) {
    if (auto* text = std::get_if<model::Text>(&part.value)) return text;
  }
  return nullptr;
}

/// The bytes from character `start` to character `end` of a text.
std::string_view characters(std::string_view text, std::uint64_t start, std::uint64_t end) {
  std::size_t from = text.size();
  std::size_t to = text.size();
  std::uint64_t at = 0;
  for (std::size_t i = 0; i < text.size(); ++i) {
    const bool begins = (static_cast<unsigned char>(text[i]) & 0xC0) != 0x80;
    if (!begins) continue;
    if (at == start) from = i;
    if (at == end) to = i;
    ++at;
  }
  return from < to ? text.substr(from, to - from) : std::string_view{};
}

}  // namespace

Status decode_content(const Value& content, std::string_view path, Place place, std::vector<Part>& out) {
  if (content.is(Type::null)) return {};
  if (const auto* text = content.as_string()) {
    out.push_back({.value = model::Text{.text = *text}});
    return {};
  }
  if (!content.is(Type::array)) return wrong_type(path, "a string or an array of parts", content.type());
  for (std::size_t i = 0; i < content.elements().size(); ++i) {
    auto status = decode_part(content.elements()[i], cat(path, '[', i, ']'), place, out);
    if (!status) return status;
  }
  return {};
}

Status decode_document(const Value& document, std::string_view path, std::vector<Part>& out) {
  auto status = check_document(document, path);
  if (!status) return status;
  out.push_back({.value = model::Text{.text = tagged(document)}, .cache = {}, .extras = {{"documents", {document.dump()}}}});
  return {};
}

const model::Extra* document_in(const Part& part, std::string_view key) noexcept {
  if (!std::holds_alternative<model::Text>(part.value)) return nullptr;
  const auto found = std::ranges::find(part.extras, key, &model::Extra::key);
  return found != part.extras.end() ? &*found : nullptr;
}

std::span<const std::string_view> assistant_fields() noexcept {
  static constexpr std::array<std::string_view, 5> names{"role", "content", "tool_plan", "tool_calls", "citations"};
  return names;
}

Status decode_assistant(const Value& message, std::string_view path, std::vector<Part>& parts, model::Extras& extras) {
  const auto first = parts.size();
  Status status;
  if (const auto* content = message.find("content"))
    status = decode_content(*content, cat(path, ".content"), Place::message, parts);
  if (!status) return status;
  std::optional<std::string> plan;
  status = read_member(message, "tool_plan", path, plan);
  if (!status) return status;
  const auto plan_at = plan && !plan->empty() ? parts.size() : std::string::npos;
  // What the model says before it calls.
  if (plan && !plan->empty()) parts.push_back({.value = model::Text{.text = std::move(*plan)}});
  if (const auto* calls = given(message, "tool_calls")) {
    const auto calls_path = cat(path, ".tool_calls");
    if (!calls->is(Type::array)) return wrong_type(calls_path, "an array", calls->type());
    for (std::size_t i = 0; i < calls->elements().size(); ++i) {
      status = decode_call(calls->elements()[i], cat(calls_path, '[', i, ']'), parts.emplace_back());
      if (!status) return status;
    }
  }
  auto stray = Value::array();
  if (const auto* citations = given(message, "citations")) {
    for (const auto& citation : citations->elements()) {
      if (auto* text = cited_text(parts, first, plan_at, citation)) {
        decode_citation(citation, text->citations);
      } else {
        stray.edit_elements().push_back(citation);
      }
    }
  }
  if (!stray.elements().empty()) extras.push_back({"citations", {stray.dump()}});
  return {};
}

void decode_citation(const Value& citation, std::vector<model::Citation>& out) {
  const auto number = [&](std::string_view key) {
    const auto* value = citation.find(key);
    return value != nullptr ? value->as_u64() : std::nullopt;
  };
  const model::Citation common{.start = number("start"), .end = number("end")};
  const auto* sources = given(citation, "sources");
  if (sources == nullptr || sources->elements().empty()) {
    out.push_back(common);
    return;
  }
  for (const auto& source : sources->elements()) {
    auto& one = out.emplace_back(common);
    const auto text = [](const Value& object, std::string_view key) {
      const auto* found = text_at(object, key);
      return found != nullptr ? std::optional{*found} : std::nullopt;
    };
    for (const auto form : {"document", "tool_output"}) {
      const auto* document = given(source, form);
      if (document == nullptr) continue;
      one.url = text(*document, "url");
      one.title = text(*document, "title");
      for (const auto key : {"snippet", "text", "content"}) {
        if (!one.cited_text) one.cited_text = text(*document, key);
      }
    }
    // "doc:2" is the name of a document that the request gave none.
    constexpr std::string_view numbered = "doc:";
    const auto id = text(source, "id");
    if (id && id->starts_with(numbered))
      one.document = parse_number<std::uint64_t>(std::string_view{*id}.substr(numbered.size()));
    if (!one.title && !one.document) one.title = id;
  }
}

void encode_citation(json::Writer& w, const model::Citation& citation, const CitedPlace& place) {
  w.begin_object();
  write(w, "start", citation.start);
  write(w, "end", citation.end);
  if (citation.start && citation.end) {
    const auto text = characters(place.text, *citation.start, *citation.end);
    if (!text.empty()) w.key("text").string(text);
  }
  w.key("sources").begin_array();
  if (citation.document || citation.url || citation.title || citation.cited_text) {
    w.begin_object().key("type").string("document");
    if (citation.document) {
      w.key("id").string(cat("doc:", *citation.document));
    } else {
      write(w, "id", citation.title ? citation.title : citation.url);
    }
    w.key("document").begin_object();
    write(w, "title", citation.title);
    write(w, "url", citation.url);
    write(w, "snippet", citation.cited_text);
    w.end_object().end_object();
  }
  w.end_array();
  write(w, "content_index", place.content_index);
  w.key("type").string(place.type).end_object();
}

void encode_call(json::Writer& w, const Part& part, Whose whose) {
  const bool own = whose == Whose::own;
  const auto& call = std::get<model::ToolCall>(part.value);
  w.begin_object();
  write(w, "id", call.id);
  w.key("type").string("function").key("function").begin_object().key("name").string(call.name);
  // An object, as the model spelled it.
  w.key("arguments").string(own || is_object(call.arguments) ? call.arguments : arguments_object(call.arguments));
  if (own) write_inner(w, part.extras, "function");
  w.end_object();
  write(w, "signature", call.signature);
  if (own) write_extras(w, part.extras, std::array<std::string_view, 1>{"function"});
  w.end_object();
}

}  // namespace cardea::dialect::cohere_v2
