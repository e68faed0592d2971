#include "base/text.h"
#include "twin/forms/responses.h"

namespace cardea::twin {
namespace {

using json::Type;

// ---- Contents --------------------------------------------------------------------------------------------------------------

Status take_breakpoint(const At&, Part& part) {
  part.cache = "default";
  return {};
}

Status read_text(const At& at, Part& part) {
  constexpr Row<Part> rows[] = {{"type", is_text},
                                {"text", is_text, take_text<&Part::text>, true},
                                {"prompt_cache_breakpoint", is_object, take_breakpoint}};
  return read_members(at, rows, part);
}
Status read_output_text(const At& at, Part& part) {
  constexpr Row<Part> rows[] = {
      {"type", is_text}, {"text", is_text, take_text<&Part::text>, true}, {"annotations", is_list}, {"logprobs", is_list}};
  return read_members(at, rows, part);
}
Status read_refusal(const At& at, Part& part) {
  part.kind = Part::Kind::refusal;
  constexpr Row<Part> rows[] = {{"type", is_text}, {"refusal", is_text, take_text<&Part::text>, true}};
  return read_members(at, rows, part);
}

Status take_id(const At& at, Part& part) {
  part.medium.id = at.text();
  return {};
}
Status take_detail(const At& at, Part& part) {
  part.medium.detail = at.text();
  constexpr std::string_view details[] = {"low", "high", "auto", "original"};
  return one_of(at, details);
}
Status take_image_url(const At& at, Part& part) { return take_openai_url(at, part.medium); }

Status read_image(const At& at, Part& part) {
  part.kind = Part::Kind::medium;
  constexpr Row<Part> rows[] = {{"type", is_text},
                                {"image_url", is_text, take_image_url},
                                {"file_id", is_text, take_id},
                                {"detail", is_text, take_detail},
                                {"prompt_cache_breakpoint", is_object, take_breakpoint}};
  Status status = read_members(at, rows, part);
  if (status && part.medium.id.empty() && part.medium.url.empty() && part.medium.sha256.empty()) return at.missing("image_url");
  return status;
}

Status read_file(const At& at, Part& part) {
  part.kind = Part::Kind::medium;
  part.medium.kind = Medium::Kind::file;
  constexpr Row<Part> rows[] = {
      {"type", is_text},
      {"file_data", is_text, [](const At& data, Part& into) { return take_openai_file_data(data, into.medium); }},
      {"file_url", is_text,
       [](const At& url, Part& into) {
         into.medium.url = url.text();
         return Status{};
       }},
      {"file_id", is_text, take_id},
      {"filename", is_text,
       [](const At& name, Part& into) {
         into.medium.name = name.text();
         return Status{};
       }},
      {"detail", is_text},
      {"prompt_cache_breakpoint", is_object, take_breakpoint}};
  Status status = read_members(at, rows, part);
  if (status && part.medium.id.empty() && part.medium.url.empty() && part.medium.sha256.empty()) return at.missing("file_data");
  return status;
}

constexpr Variant<Part> input_kinds[] = {{"input_text", read_text}, {"input_image", read_image}, {"input_file", read_file}};
constexpr Variant<Part> output_kinds[] = {{"output_text", read_output_text}, {"refusal", read_refusal}};

// ---- Items -----------------------------------------------------------------------------------------------------------------

/// An item on its way to be a turn.
struct Item {
  std::string role;
  std::string content_type;
  Part part;
  std::vector<Part> parts;
  const json::Value* content = nullptr;
};

/// Ids that OpenAI gave begin as the item's kind does.
Status check_id(const At& at, std::string_view prefix) {
  if (at.text().starts_with(prefix)) return {};
  return refuse_request(cat("Invalid '", at.path(), "': '", at.text(), "'. Expected an ID that begins with '", prefix, "'."),
                        at.path(), "invalid_value");
}

Status take_role(const At& at, Item& item) {
  item.role = at.text();
  constexpr std::string_view roles[] = {"assistant", "system", "developer", "user"};
  return one_of(at, roles);
}
Status take_content(const At& at, Item& item) {
  item.content = &at.value();
  return {};
}
Status take_message_id(const At& at, Item&) { return check_id(at, "msg"); }

Status read_message(const At& at, Item& item) {
  constexpr Row<Item> rows[] = {{"type", is_text},
                                {"id", is_text, take_message_id},
                                {"role", is_text, take_role, true},
                                {"content", is_text | is_list, take_content, true},
                                {"status", is_text},
                                {"phase", is_text}};
  Status status = read_members(at, rows, item);
  if (!status) return status;
  const At content = at.member("content", *item.content);
  if (item.content->is(Type::string)) {
    item.parts.push_back({.text = content.text()});
    return {};
  }
  return content.each(is_object, [&](const At& one) {
    auto& part = item.parts.emplace_back();
    return item.role == "assistant" ? read_variant(one, "type", output_kinds, part)
                                    : read_variant(one, "type", input_kinds, part);
  });
}

template <auto Field>
Status take_into_part(const At& at, Item& item) {
  item.part.*Field = at.text();
  return {};
}
Status take_call_name(const At& at, Item& item) {
  item.part.name = at.text();
  if (is_plain_name(item.part.name, 128)) return {};
  return refuse_request(cat("Invalid '", at.path(),
                            "': string does not match pattern. Expected a string that matches the pattern "
                            "'^[a-zA-Z0-9_-]+$'."),
                        at.path(), "invalid_value");
}
Status take_call_id(const At& at, Item& item) {
  item.part.id = at.text();
  constexpr std::size_t most = 64;
  if (!item.part.id.empty() && item.part.id.size() <= most) return {};
  return refuse_request(
      cat("Invalid '", at.path(), "': string too ", item.part.id.empty() ? "short" : "long",
          ". Expected a string with length 1 to ", most, ", but got a string with length ", item.part.id.size(), " instead."),
      at.path(), "string_above_max_length");
}
Status take_function_id(const At& at, Item&) { return check_id(at, "fc"); }

Status read_call(const At& at, Item& item) {
  item.role = "assistant";
  item.part.kind = Part::Kind::call;
  constexpr Row<Item> rows[] = {{"type", is_text},
                                {"id", is_text, take_function_id},
                                {"call_id", is_text, take_call_id, true},
                                {"name", is_text, take_call_name, true},
                                {"arguments", is_text, take_into_part<&Part::text>, true},
                                {"status", is_text},
                                {"namespace", is_text},
                                {"caller", is_object}};
  return read_members(at, rows, item);
}
Status read_custom_call(const At& at, Item& item) {
  item.role = "assistant";
  item.part.kind = Part::Kind::call;
  item.part.custom = true;
  constexpr Row<Item> rows[] = {{"type", is_text},
                                {"id", is_text},
                                {"call_id", is_text, take_call_id, true},
                                {"name", is_text, take_into_part<&Part::name>, true},
                                {"input", is_text, take_into_part<&Part::text>, true},
                                {"status", is_text},
                                {"namespace", is_text},
                                {"caller", is_object}};
  return read_members(at, rows, item);
}

Status take_output(const At& at, Item& item) {
  if (at.value().is(Type::string)) {
    item.part.parts.push_back({.text = at.text()});
    return {};
  }
  return at.each(is_object,
                 [&](const At& one) { return read_variant(one, "type", input_kinds, item.part.parts.emplace_back()); });
}
Status read_output(const At& at, Item& item) {
  item.role = "tool";
  item.part.kind = Part::Kind::result;
  constexpr Row<Item> rows[] = {{"type", is_text},
                                {"id", is_text},
                                {"call_id", is_text, take_call_id, true},
                                {"output", is_text | is_list, take_output, true},
                                {"name", is_text},
                                {"namespace", is_text},
                                {"status", is_text},
                                {"caller", is_object}};
  return read_members(at, rows, item);
}

Status take_summary(const At& at, Item& item) {
  return at.each(is_object, [&](const At& one) {
    Part text;
    constexpr Variant<Part> kinds[] = {{"summary_text", read_text}};
    Status status = read_variant(one, "type", kinds, text);
    append(item.part.text, cat(item.part.text.empty() ? "" : "\n\n", text.text));
    return status;
  });
}
Status take_reasoning_id(const At& at, Item& item) {
  item.part.id = at.text();
  return check_id(at, "rs");
}
Status read_reasoning(const At& at, Item& item) {
  item.role = "assistant";
  item.part.kind = Part::Kind::thought;
  constexpr Row<Item> rows[] = {{"type", is_text},
                                {"id", is_text, take_reasoning_id, true},
                                {"summary", is_list, take_summary, true},
                                {"content", is_list},
                                {"encrypted_content", is_text, take_into_part<&Part::signature>},
                                {"status", is_text}};
  Status status = read_members(at, rows, item);
  const auto& part = item.part;
  const bool trusting = part.signature.empty() || at.request().model.ends_with("inspect");
  if (!status || trusting || is_sealed(at.reading().issuer, part.signature)) return status;
  return refuse_request(cat("The encrypted content for item ", part.id,
                            " could not be verified. Reason: Encrypted content could not be decrypted or parsed."),
                        "", "invalid_encrypted_content");
}

/// An item of a tool that the vendor ran itself.
Status read_other(const At& at, Item& item) {
  item.role = "assistant";
  item.part.kind = Part::Kind::other;
  item.part.text = text_member(at.value(), "type");
  return {};
}

Status read_reference(const At& at, Item&) {
  const auto* id = at.value().find("id");
  if (id == nullptr) return at.missing("id");
  return fail(Kind::not_found,
              Error::Detail{.message = cat("Item with id ", id->dump(), " not found."), .param = "input", .code = {}});
}

constexpr Variant<Item> item_kinds[] = {
    {"message", read_message},
    {"function_call", read_call},
    {"function_call_output", read_output},
    {"custom_tool_call", read_custom_call},
    {"custom_tool_call_output", read_output},
    {"reasoning", read_reasoning},
    {"item_reference", read_reference},
    {"web_search_call", read_other},
    {"file_search_call", read_other},
    {"image_generation_call", read_other},
    {"code_interpreter_call", read_other},
    {"computer_call", read_other},
    {"computer_call_output", read_other},
    {"local_shell_call", read_other},
    {"local_shell_call_output", read_other},
    {"mcp_list_tools", read_other},
    {"mcp_approval_request", read_other},
    {"mcp_approval_response", read_other},
    {"mcp_call", read_other},
    {"compaction", read_other},
};

Role role_of(std::string_view role) {
  if (role == "user") return Role::user;
  if (role == "assistant") return Role::assistant;
  return role == "tool" ? Role::tool : Role::system;
}

/// Every output has a call before it, every call an output behind it.
Status check_pairs(const std::vector<Turn>& turns) {
  std::vector<std::string_view> calls;
  std::vector<std::string_view> open;
  for (const auto& turn : turns) {
    for (const auto& part : turn.parts) {
      if (part.kind == Part::Kind::call) {
        calls.push_back(part.id);
        open.push_back(part.id);
      }
      if (part.kind != Part::Kind::result) continue;
      if (std::ranges::find(calls, part.id) == calls.end()) {
        return refuse_request(cat("No tool call found for function call output with call_id ", part.id, "."), "input", "");
      }
      std::erase(open, part.id);
    }
  }
  return open.empty() ? Status{} : refuse_request(cat("No tool output found for function call ", open.front(), "."), "input", "");
}

}  // namespace

Status read_responses_input(const At& at, ChatRequest& request) {
  request.messages = keep(request, at.value().dump());
  if (at.value().is(Type::string)) {
    request.turns.push_back({Role::user, {{.text = at.text()}}});
    return {};
  }
  Status status = at.each(is_object, [&](const At& one) {
    Item item;
    const bool easy = one.value().find("type") == nullptr && one.value().find("role") != nullptr;
    Status read = easy ? read_message(one, item) : read_variant(one, "type", item_kinds, item);
    if (!read) return read;
    if (item.content == nullptr) item.parts.push_back(std::move(item.part));
    request.turns.push_back({role_of(item.role), std::move(item.parts)});
    return read;
  });
  return status ? check_pairs(request.turns) : std::move(status);
}

}  // namespace cardea::twin
