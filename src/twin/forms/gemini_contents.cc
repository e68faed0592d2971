#include "base/base64.h"
#include "base/text.h"
#include "twin/forms/gemini.h"
#include "twin/media.h"

namespace cardea::twin {
namespace {

using json::Type;

/// Google takes both alphabets of base64, with or without padding.
std::string plain_base64(std::string_view text) {
  std::string plain{text};
  for (char& c : plain) c = c == '-' ? '+' : c == '_' ? '/' : c;
  while (plain.size() % 4 != 0) plain += '=';
  return plain;
}

Status no_base64(const At& at) {
  return fail(Kind::bad_request, cat("Invalid value at '", at.path(), "' (TYPE_BYTES), Base64 decoding failed for \"",
                                     at.text().substr(0, 40), "\""));
}

/// A part, and which of its members hold its data: exactly one must.
struct Draft {
  Part part;
  int data = 0;
  bool thought = false;
};

// ---- Media -----------------------------------------------------------------------------------------------------------------

Status take_type(const At& at, Medium& medium) {
  medium.media_type = std::string{normal_type(at.text())};
  return {};
}
Status take_data(const At& at, Medium& medium) {
  const std::string said = std::move(medium.media_type);
  medium.media_type.clear();
  if (!take_base64(plain_base64(at.text()), medium)) return no_base64(at);
  if (!said.empty()) medium.media_type = said;
  return {};
}

Status read_inline(const At& at, Medium& medium) {
  constexpr Row<Medium> rows[] = {{"mimeType", is_text, take_type, true},
                                  {"data", is_text, take_data, true},
                                  {"displayName", is_text, take_text<&Medium::name>}};
  Status status = read_members(at, rows, medium);
  if (!status) return status;
  auto type = text_member(at.value(), "mimeType");
  if (type.empty()) type = text_member(at.value(), "mime_type");
  medium.media_type = std::string{normal_type(type)};
  medium.kind = kind_of_type(medium.media_type);
  return {};
}
Status read_file(const At& at, Medium& medium) {
  constexpr Row<Medium> rows[] = {{"mimeType", is_text, take_type},
                                  {"fileUri", is_text, take_text<&Medium::url>, true},
                                  {"displayName", is_text, take_text<&Medium::name>}};
  Status status = read_members(at, rows, medium);
  medium.kind = kind_of_type(medium.media_type);
  return status;
}

template <Status (*Read)(const At&, Medium&)>
Status take_medium(const At& at, Draft& draft) {
  ++draft.data;
  draft.part.kind = Part::Kind::medium;
  return Read(at, draft.part.medium);
}

// ---- Calls and responses ---------------------------------------------------------------------------------------------------

Status take_args(const At& at, Part& part) {
  part.text = at.value().dump();
  return {};
}
Status take_call(const At& at, Draft& draft) {
  ++draft.data;
  draft.part.kind = Part::Kind::call;
  draft.part.text = "{}";
  constexpr Row<Part> rows[] = {
      {"name", is_text, take_text<&Part::name>, true}, {"args", is_object, take_args}, {"id", is_text, take_text<&Part::id>}};
  return read_members(at, rows, draft.part);
}

/// "Use `output` for the output and `error` for error details; without them the whole is the output" (FunctionResponse.response).
Status take_response(const At& at, Part& part) {
  const auto& members = at.value().members();
  const auto text = [](const json::Value& value) { return value.as_string() != nullptr ? *value.as_string() : value.dump(); };
  const bool alone = members.size() == 1;
  part.error = alone && members.front().first == "error";
  const bool wrapped = part.error || (alone && (members.front().first == "output" || members.front().first == "result"));
  part.parts.insert(part.parts.begin(), {.text = wrapped ? text(members.front().second) : at.value().dump()});
  return {};
}
Status take_response_parts(const At& at, Part& part) {
  return at.each(is_object, [&](const At& one) {
    Part inner{.kind = Part::Kind::medium};
    constexpr Row<Medium> rows[] = {{"inlineData", is_object, read_inline}, {"fileData", is_object, read_file}};
    Status status = read_members(one, rows, inner.medium);
    part.parts.push_back(std::move(inner));
    return status;
  });
}
Status take_result(const At& at, Draft& draft) {
  ++draft.data;
  draft.part.kind = Part::Kind::result;
  constexpr Row<Part> rows[] = {{"name", is_text, take_text<&Part::name>, true},
                                {"response", is_object, take_response, true},
                                {"id", is_text, take_text<&Part::id>},
                                {"parts", is_list, take_response_parts},
                                {"scheduling", is_text},
                                {"willContinue", is_bool}};
  return read_members(at, rows, draft.part);
}

// ---- Parts -----------------------------------------------------------------------------------------------------------------

Status take_plain(const At& at, Draft& draft) {
  ++draft.data;
  draft.part.text = at.text();
  return {};
}
Status take_other(const At& at, Draft& draft) {
  ++draft.data;
  draft.part.kind = Part::Kind::other;
  draft.part.text = at.path().substr(at.path().rfind('.') + 1);
  return {};
}
Status take_signature(const At& at, Draft& draft) {
  draft.part.signature = at.text();
  return from_base64(plain_base64(at.text())) ? Status{} : no_base64(at);
}

constexpr Row<Draft> part_rows[] = {{"text", is_text, take_plain},
                                    {"inlineData", is_object, take_medium<read_inline>},
                                    {"fileData", is_object, take_medium<read_file>},
                                    {"functionCall", is_object, take_call},
                                    {"functionResponse", is_object, take_result},
                                    {"executableCode", is_object, take_other},
                                    {"codeExecutionResult", is_object, take_other},
                                    {"toolCall", is_object, take_other},
                                    {"toolResponse", is_object, take_other},
                                    {"thought", is_bool, take_bool<&Draft::thought>},
                                    {"thoughtSignature", is_text, take_signature},
                                    {"videoMetadata", is_object},
                                    {"partMetadata", is_object},
                                    {"mediaResolution", is_object}};

Status read_part(const At& at, std::vector<Part>& parts) {
  Draft draft;
  Status status = read_members(at, part_rows, draft);
  if (!status) return status;
  if (draft.data == 0) {
    return at.words().refuse(cat(at.path(), ".data"), "required oneof field 'data' must have one initialized field");
  }
  if (draft.data > 1) {
    return fail(Kind::bad_request,
                cat("Invalid value at '", at.path(), "' (oneof), oneof field 'data' is already set. Cannot set another one."));
  }
  if (draft.thought && draft.part.kind == Part::Kind::text) draft.part.kind = Part::Kind::thought;
  draft.part.wire_path = at.path();
  parts.push_back(std::move(draft.part));
  return {};
}

Status read_parts(const At& at, std::vector<Part>& parts) {
  if (at.value().elements().empty()) return at.refuse("contents.parts must not be empty.");
  return at.each(is_object, [&](const At& one) { return read_part(one, parts); });
}

// ---- Turns -----------------------------------------------------------------------------------------------------------------

struct Content {
  std::string role = "user";
  std::vector<Part> parts;
};
Status take_parts(const At& at, Content& content) { return read_parts(at, content.parts); }
constexpr Row<Content> content_rows[] = {{"role", is_text, take_text<&Content::role>}, {"parts", is_list, take_parts, true}};

/// Pairs responses with the calls of the turn before: by id, else by name and order.
class Pairing {
 public:
  [[nodiscard]] Status add(std::size_t index, Content& content);
  [[nodiscard]] Status finish() const { return open_.empty() ? Status{} : unequal(); }

 private:
  struct Open {
    std::string id;
    std::string name;
  };
  [[nodiscard]] static Status unequal() {
    return fail(Kind::bad_request,
                "Please ensure that the number of function response parts is equal to the number of function call parts of the "
                "function call turn.");
  }
  [[nodiscard]] Status add_result(Part& part);
  std::vector<Open> open_;
  std::size_t calls_ = 0;
};

Status Pairing::add_result(Part& part) {
  auto found = std::ranges::find_if(open_, [&](const Open& one) { return !part.id.empty() && one.id == part.id; });
  if (found == open_.end() && !part.id.empty()) {
    return fail(Kind::bad_request, cat("The function response id '", part.id, "' matches no function call."));
  }
  if (found == open_.end()) found = std::ranges::find(open_, part.name, &Open::name);
  if (found == open_.end()) return unequal();
  part.id = found->id;
  open_.erase(found);
  return {};
}

Status Pairing::add(std::size_t index, Content& content) {
  const auto is = [](Part::Kind kind) { return [kind](const Part& part) { return part.kind == kind; }; };
  const bool results = std::ranges::any_of(content.parts, is(Part::Kind::result));
  if (results && open_.empty()) {
    return fail(Kind::bad_request, "Please ensure that function response turn comes immediately after a function call turn.");
  }
  for (auto& part : content.parts) {
    if (part.kind != Part::Kind::result) continue;
    Status status = add_result(part);
    if (!status) return status;
  }
  if (!open_.empty()) return unequal();
  const bool calls = std::ranges::any_of(content.parts, is(Part::Kind::call));
  if (calls && (content.role != "model" || index == 0)) {
    return fail(Kind::bad_request,
                "Please ensure that function call turn comes immediately after a user turn or after a function response turn.");
  }
  for (auto& part : content.parts) {
    if (part.kind != Part::Kind::call) continue;
    ++calls_;
    if (part.id.empty()) part.id = cat("#", calls_);
    open_.push_back({part.id, part.name});
  }
  return {};
}

void keep_turns(ChatRequest& request, Content&& content) {
  const Role role = content.role == "model" ? Role::assistant : Role::user;
  bool open = false;
  for (auto& part : content.parts) {
    const Role own = part.kind == Part::Kind::result ? Role::tool : role;
    if (!open || request.turns.back().role != own) request.turns.push_back({own, {}});
    open = true;
    request.turns.back().parts.push_back(std::move(part));
  }
}

}  // namespace

Status read_gemini_contents(const At& at) {
  if (at.value().elements().empty()) return at.refuse("contents is not specified");
  Pairing pairing;
  for (std::size_t i = 0; i < at.value().elements().size(); ++i) {
    const At one = at.element(i);
    if (!one.value().is(Type::object)) return one.wrong_type(is_object);
    Content content;
    Status status = read_members(one, content_rows, content);
    if (!status) return status;
    if (content.role != "user" && content.role != "model" && content.role != "function") {
      return fail(Kind::bad_request, "Please use a valid role: user, model.");
    }
    Status paired = pairing.add(i, content);
    if (!paired) return paired;
    keep_turns(at.request(), std::move(content));
  }
  return pairing.finish();
}

Status read_gemini_system(const At& at, ChatRequest& request) {
  Content content;
  Status status = read_members(at, content_rows, content);
  const auto no_text = [](const Part& part) { return part.kind != Part::Kind::text; };
  if (status && std::ranges::any_of(content.parts, no_text)) return at.refuse("system instructions are text only");
  request.turns.insert(request.turns.begin(), Turn{Role::system, std::move(content.parts)});
  return status;
}

Status check_gemini_signatures(const Reading& reading, Signatures signatures) {
  // Documented for histories that another model made (ai.google.dev/gemini-api/docs/thought-signatures).
  constexpr std::string_view dummies[] = {"context_engineering_is_the_way_to_go", "skip_thought_signature_validator"};
  const auto& turns = reading.request.turns;
  if (reading.request.model.ends_with("inspect")) return {};
  std::size_t current = turns.size();
  while (current > 0 && turns[current - 1].role != Role::user) --current;
  for (std::size_t i = 0; i < turns.size(); ++i) {
    bool first = true;
    for (const auto& part : turns[i].parts) {
      if (part.signature.empty()) {
        if (signatures == Signatures::required && part.kind == Part::Kind::call && first && i >= current) {
          return fail(
              Kind::bad_request,
              cat("Function call is missing a thought_signature in functionCall parts. This is required for tools to work "
                  "correctly, and missing thought_signature may lead to degraded model performance. Additional data, function "
                  "call `default_api:",
                  part.name, "` , position ", i + 1,
                  ". Please refer to https://ai.google.dev/gemini-api/docs/thought-signatures for more details."));
        }
      } else if (std::ranges::find(dummies, part.signature) == std::end(dummies) &&
                 !is_sealed(reading.issuer, plain_base64(part.signature))) {
        return fail(Kind::bad_request, "Corrupted thought signature.");
      }
      if (part.kind == Part::Kind::call) first = false;
    }
  }
  return {};
}

}  // namespace cardea::twin
