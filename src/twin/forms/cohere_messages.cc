#include "base/text.h"
#include "twin/forms/cohere.h"
#include "twin/media.h"

namespace cardea::twin {
namespace {

using json::Type;

struct Draft {
  std::string role;
  std::string call_id;
  std::vector<Part> parts;
  std::vector<Part> calls;
  const json::Value* content = nullptr;
};

// ---- Contents --------------------------------------------------------------------------------------------------------------

Status read_text(const At& at, Part& part) {
  constexpr Row<Part> rows[] = {{"type", is_text}, {"text", is_text, take_text<&Part::text>, true}};
  return read_members(at, rows, part);
}
Status read_thinking(const At& at, Part& part) {
  part.kind = Part::Kind::thought;
  constexpr Row<Part> rows[] = {{"type", is_text}, {"thinking", is_text, take_text<&Part::text>, true}};
  return read_members(at, rows, part);
}

Status take_url_member(const At& at, Part& part) {
  return take_url(at.text(), part.medium) ? Status{} : at.refuse("image_url.url is not a valid base64 data URL");
}
Status take_detail(const At& at, Part& part) {
  part.medium.detail = at.text();
  constexpr std::string_view details[] = {"auto", "low", "high"};
  return one_of(at, details);
}
Status take_image(const At& at, Part& part) {
  constexpr Row<Part> rows[] = {{"url", is_text, take_url_member, true}, {"detail", is_text, take_detail}};
  return read_members(at, rows, part);
}
Status read_image(const At& at, Part& part) {
  part.kind = Part::Kind::medium;
  constexpr Row<Part> rows[] = {{"type", is_text}, {"image_url", is_object, take_image, true}};
  return read_members(at, rows, part);
}

Status take_document(const At& at, Part& part) {
  constexpr Row<Part> rows[] = {{"data", is_object | is_text,
                                 [](const At& data, Part& into) {
                                   into.text = data.value().is(Type::string) ? data.text() : data.value().dump();
                                   return Status{};
                                 },
                                 true},
                                {"id", is_text}};
  return read_members(at, rows, part);
}
Status read_document(const At& at, Part& part) {
  constexpr Row<Part> rows[] = {{"type", is_text}, {"document", is_object, take_document, true}};
  return read_members(at, rows, part);
}

constexpr Variant<Part> user_kinds[] = {{"text", read_text}, {"image_url", read_image}};
constexpr Variant<Part> assistant_kinds[] = {{"text", read_text}, {"thinking", read_thinking}};
constexpr Variant<Part> system_kinds[] = {{"text", read_text}};
constexpr Variant<Part> tool_kinds[] = {{"text", read_text}, {"document", read_document}};

Status read_content(const At& at, Draft& draft) {
  if (at.value().is(Type::string)) {
    draft.parts.push_back({.text = at.text()});
    return {};
  }
  return at.each(is_object, [&](const At& one) {
    auto& part = draft.parts.emplace_back();
    if (draft.role == "user") return read_variant(one, "type", user_kinds, part);
    if (draft.role == "assistant") return read_variant(one, "type", assistant_kinds, part);
    return draft.role == "tool" ? read_variant(one, "type", tool_kinds, part) : read_variant(one, "type", system_kinds, part);
  });
}

// ---- Calls -----------------------------------------------------------------------------------------------------------------

Status take_function(const At& at, Part& part) {
  constexpr Row<Part> rows[] = {{"name", is_text, take_text<&Part::name>, true},
                                {"arguments", is_text, take_text<&Part::text>, true}};
  Status status = read_members(at, rows, part);
  if (!status) return status;
  auto parsed = json::parse(part.text);
  return parsed && parsed->is(Type::object) ? Status{} : at.refuse(cat(at.path(), ".arguments must be a JSON object"));
}
Status read_call(const At& at, Draft& draft) {
  constexpr Row<Part> rows[] = {{"id", is_text, take_text<&Part::id>, true},
                                {"type", is_text,
                                 [](const At& type, Part&) {
                                   constexpr std::string_view types[] = {"function"};
                                   return one_of(type, types);
                                 }},
                                {"function", is_object, take_function, true}};
  return read_members(at, rows, draft.calls.emplace_back(Part{.kind = Part::Kind::call}));
}

// ---- Messages --------------------------------------------------------------------------------------------------------------

constexpr Row<Draft> user_rows[] = {{"role", is_text},
                                    {"content", is_text | is_list,
                                     [](const At& at, Draft& draft) {
                                       draft.content = &at.value();
                                       return read_content(at, draft);
                                     },
                                     true}};
constexpr Row<Draft> assistant_rows[] = {
    {"role", is_text},
    {"content", is_text | is_list, read_content},
    {"tool_calls", is_list,
     [](const At& at, Draft& draft) { return at.each(is_object, [&](const At& one) { return read_call(one, draft); }); }},
    // What a plan says a model said before its calls.
    {"tool_plan", is_text,
     [](const At& at, Draft& draft) {
       draft.parts.push_back({.text = at.text()});
       return Status{};
     }},
    {"citations", is_list}};
constexpr Row<Draft> tool_rows[] = {{"role", is_text},
                                    {"tool_call_id", is_text, take_text<&Draft::call_id>, true},
                                    {"content", is_text | is_list, read_content, true}};

Status read_message(const At& at, Draft& draft) {
  const auto* role = at.value().find("role");
  if (role == nullptr) return at.missing("role");
  const At inner = at.member("role", *role);
  if (role->as_string() == nullptr) return inner.wrong_type(is_text);
  draft.role = inner.text();
  constexpr std::string_view roles[] = {"user", "assistant", "system", "tool"};
  Status known = one_of(inner, roles);
  if (!known) return known;
  if (draft.role == "assistant") return read_members(at, assistant_rows, draft);
  if (draft.role == "tool") return read_members(at, tool_rows, draft);
  return read_members(at, user_rows, draft);
}

/// Calls are answered before anything else is said.
class Pairing {
 public:
  [[nodiscard]] Status add(const At& at, const Draft& draft);
  [[nodiscard]] Status check_answered(const At& at) const {
    return open_.empty() ? Status{} : at.refuse(cat("no tool message found for the tool call with id '", open_.front(), "'"));
  }

 private:
  std::vector<std::string> open_;
};

Status Pairing::add(const At& at, const Draft& draft) {
  if (draft.role == "tool") {
    if (std::erase(open_, draft.call_id) != 0) return {};
    return at.refuse(
        cat("tool_call_id '", draft.call_id, "' of ", at.path(), " does not match any tool call of the message before"));
  }
  Status answered = check_answered(at);
  for (const auto& call : draft.calls) open_.push_back(call.id);
  return answered;
}

Status check_content(const At& at, const Draft& draft) {
  const auto says = [](const Part& part) { return part.kind != Part::Kind::text || !part.text.empty(); };
  if (draft.role == "tool" || !draft.calls.empty() || std::ranges::any_of(draft.parts, says)) return {};
  return at.refuse(cat("the content of ", at.path(), " must be at least 1 token long"));
}

}  // namespace

Status read_cohere_messages(const At& at) {
  if (at.value().elements().empty()) return at.refuse("messages must have at least one element");
  Pairing pairing;
  Status status = at.each(is_object, [&](const At& one) -> Status {
    Draft draft;
    Status read = read_message(one, draft);
    if (read) read = check_content(one, draft);
    if (read) read = pairing.add(one, draft);
    if (!read) return read;
    const bool tool = draft.role == "tool";
    Turn turn{tool                        ? Role::tool
              : draft.role == "user"      ? Role::user
              : draft.role == "assistant" ? Role::assistant
                                          : Role::system,
              {}};
    if (tool) {
      Part result{.kind = Part::Kind::result, .id = std::move(draft.call_id)};
      result.parts = std::move(draft.parts);
      turn.parts.push_back(std::move(result));
    } else {
      turn.parts = std::move(draft.parts);
      for (auto& call : draft.calls) turn.parts.push_back(std::move(call));
    }
    one.request().turns.push_back(std::move(turn));
    return read;
  });
  return status ? pairing.check_answered(at) : std::move(status);
}

}  // namespace cardea::twin
