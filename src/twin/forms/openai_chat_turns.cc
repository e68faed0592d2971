#include "base/text.h"
#include "twin/forms/openai_chat.h"
#include "twin/media.h"

namespace cardea::twin {
namespace {

using json::Type;

struct Draft {
  Role role = Role::user;
  std::string role_name;
  std::string call_id;
  Turn turn;
};

Status ignore_part(const At&, Part&) { return {}; }
Status take_breakpoint(const At&, Part& part) {
  part.cache = "default";
  return {};
}

// ---- Parts of a content ----------------------------------------------------------------------------------------------------

Status read_text(const At& at, Part& part) {
  constexpr Row<Part> rows[] = {{"type", is_text},
                                {"text", is_text, take_text<&Part::text>, true},
                                {"prompt_cache_breakpoint", is_object, take_breakpoint}};
  return read_members(at, rows, part);
}

Status read_refusal(const At& at, Part& part) {
  part.kind = Part::Kind::refusal;
  constexpr Row<Part> rows[] = {{"type", is_text}, {"refusal", is_text, take_text<&Part::text>, true}};
  return read_members(at, rows, part);
}

Status read_image(const At& at, Part& part) {
  constexpr Row<Part> rows[] = {{"type", is_text},
                                {"image_url", is_object, take_openai_image, true},
                                {"prompt_cache_breakpoint", is_object, take_breakpoint}};
  return read_members(at, rows, part);
}

Status take_audio(const At& at, Part& part) {
  part.kind = Part::Kind::medium;
  part.medium.kind = Medium::Kind::audio;
  constexpr Row<Part> rows[] = {{"format", is_text,
                                 [](const At& format, Part& into) {
                                   constexpr std::string_view formats[] = {"wav", "mp3"};
                                   into.medium.media_type = type_of_format(format.text());
                                   return one_of(format, formats);
                                 },
                                 true},
                                {"data", is_text,
                                 [](const At& data, Part& into) {
                                   return take_base64(data.text(), into.medium)
                                              ? Status{}
                                              : refuse_request("Invalid base64 audio data.", data.path(), "invalid_value");
                                 },
                                 true}};
  return read_members(at, rows, part);
}
Status read_audio(const At& at, Part& part) {
  constexpr Row<Part> rows[] = {
      {"type", is_text}, {"input_audio", is_object, take_audio, true}, {"prompt_cache_breakpoint", is_object, take_breakpoint}};
  return read_members(at, rows, part);
}

Status take_file(const At& at, Part& part) {
  part.kind = Part::Kind::medium;
  part.medium.kind = Medium::Kind::file;
  constexpr Row<Part> rows[] = {
      {"filename", is_text,
       [](const At& name, Part& into) {
         into.medium.name = name.text();
         return Status{};
       }},
      {"file_data", is_text, [](const At& data, Part& into) { return take_openai_file_data(data, into.medium); }},
      {"file_id", is_text,
       [](const At& id, Part& into) {
         into.medium.id = id.text();
         return Status{};
       }},
  };
  Status status = read_members(at, rows, part);
  if (status && part.medium.sha256.empty() && part.medium.id.empty()) return at.missing("file_id");
  return status;
}
Status read_file(const At& at, Part& part) {
  constexpr Row<Part> rows[] = {
      {"type", is_text}, {"file", is_object, take_file, true}, {"prompt_cache_breakpoint", is_object, take_breakpoint}};
  return read_members(at, rows, part);
}

constexpr Variant<Part> part_kinds[] = {
    {"text", read_text}, {"image_url", read_image}, {"input_audio", read_audio}, {"refusal", read_refusal}, {"file", read_file}};

/// What OpenAI says of an image in the wrong place.
Status check_medium(const At& at, const Draft& draft, const Part& part) {
  if (part.kind != Part::Kind::medium || draft.role == Role::user) return {};
  const auto where = at.path().substr(0, at.path().find(']') + 1);
  return refuse_request(
      cat("Invalid '", where, "'. Image URLs are only allowed for messages with role 'user', but this message with role '",
          draft.role_name, "' contains an image URL."),
      where, "invalid_value");
}

Status read_content(const At& at, Draft& draft) {
  if (at.value().is(Type::string)) {
    draft.turn.parts.push_back({.text = at.text()});
    return {};
  }
  return at.each(is_object, [&](const At& one) -> Status {
    auto& part = draft.turn.parts.emplace_back();
    Status status = read_variant(one, "type", part_kinds, part);
    return status ? check_medium(one, draft, part) : std::move(status);
  });
}

// ---- Calls -----------------------------------------------------------------------------------------------------------------

Status take_call_function(const At& at, Part& part) {
  constexpr Row<Part> rows[] = {{"name", is_text, take_text<&Part::name>, true},
                                {"arguments", is_text, take_text<&Part::text>, true}};
  return read_members(at, rows, part);
}
Status take_call_custom(const At& at, Part& part) {
  part.custom = true;
  constexpr Row<Part> rows[] = {{"name", is_text, take_text<&Part::name>, true},
                                {"input", is_text, take_text<&Part::text>, true}};
  return read_members(at, rows, part);
}
Status read_function_call(const At& at, Part& part) {
  constexpr Row<Part> rows[] = {{"id", is_text, take_text<&Part::id>, true},
                                {"type", is_text},
                                {"index", is_number, ignore_part},  // SDKs send streamed calls back as they came
                                {"function", is_object, take_call_function, true}};
  return read_members(at, rows, part);
}
Status read_custom_call(const At& at, Part& part) {
  constexpr Row<Part> rows[] = {
      {"id", is_text, take_text<&Part::id>, true}, {"type", is_text}, {"custom", is_object, take_call_custom, true}};
  return read_members(at, rows, part);
}

Status read_calls(const At& at, Draft& draft) {
  return at.each(is_object, [&](const At& one) {
    constexpr Variant<Part> kinds[] = {{"function", read_function_call}, {"custom", read_custom_call}};
    auto& part = draft.turn.parts.emplace_back(Part{.kind = Part::Kind::call});
    return read_variant(one, "type", kinds, part);
  });
}

// ---- Messages --------------------------------------------------------------------------------------------------------------

constexpr Row<Draft> message_rows[] = {
    {"role", is_text},
    {"content", is_text | is_list, read_content},
    {"name", is_text},
    {"refusal", is_text,
     [](const At& at, Draft& draft) {
       draft.turn.parts.push_back({.kind = Part::Kind::refusal, .text = at.text()});
       return Status{};
     }},
    {"audio", is_object},
    {"annotations", is_list},
    {"tool_calls", is_list, read_calls},
    {"function_call", is_object},
    {"tool_call_id", is_text, take_text<&Draft::call_id>},
};

Status read_turn(const At& at) {
  Draft draft;
  draft.role_name = *at.value().find("role")->as_string();
  const auto& role = draft.role_name;
  const bool tool = role == "tool" || role == "function";
  draft.role = role == "user" ? Role::user : role == "assistant" ? Role::assistant : tool ? Role::tool : Role::system;
  Status status = read_members(at, message_rows, draft);
  if (!status) return status;
  draft.turn.role = draft.role;
  if (tool) {
    Part result{.kind = Part::Kind::result, .id = std::move(draft.call_id)};
    result.parts = std::move(draft.turn.parts);
    draft.turn.parts.clear();
    draft.turn.parts.push_back(std::move(result));
  }
  at.request().turns.push_back(std::move(draft.turn));
  return {};
}

}  // namespace

Status read_turns(UnknownFields unknown, ChatRequest& out) {
  auto messages = json::parse(out.messages);
  if (!messages) return fail_with(messages);
  out.document = std::move(*messages);
  Reading reading{.request = out, .words = openai_words, .strict = unknown == UnknownFields::refused};
  return At{reading, out.document, "messages"}.each(is_object, read_turn);
}

}  // namespace cardea::twin
