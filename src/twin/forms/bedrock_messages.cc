#include "base/text.h"
#include "twin/forms/bedrock.h"
#include "twin/media.h"

namespace cardea::twin {
namespace {

using json::Type;

struct Draft {
  std::string role;
  std::vector<Part> parts;
};

// ---- Media -----------------------------------------------------------------------------------------------------------------

Status take_format(const At& at, Part& part) {
  part.medium.media_type = type_of_format(at.text());
  const bool fits = !part.medium.media_type.empty() &&
                    (part.medium.kind == Medium::Kind::file || kind_of_type(part.medium.media_type) == part.medium.kind);
  return fits ? Status{}
              : at.wrong_value("png, jpeg, gif, webp, pdf, csv, doc, docx, xls, xlsx, html, txt, md, mp4, wav, mp3, …");
}
Status take_bytes_member(const At& at, Part& part) {
  const std::string said = part.medium.media_type;
  if (!take_base64(at.text(), part.medium)) {
    return fail(Kind::bad_request,
                Error::Detail{.message = "Invalid base64 encoding", .param = {}, .code = "SerializationException"});
  }
  if (!said.empty()) part.medium.media_type = said;
  return {};
}
Status take_plain(const At& at, Part& part) {
  take_bytes(at.text(), part.medium);
  return {};
}
Status take_content(const At& at, Part& part) {
  take_bytes(at.value().dump(), part.medium);
  return {};
}
Status take_s3(const At& at, Part& part) {
  constexpr Row<Part> rows[] = {{"uri", is_text,
                                 [](const At& uri, Part& into) {
                                   into.medium.url = uri.text();
                                   return Status{};
                                 },
                                 true},
                                {"bucketOwner", is_text}};
  return read_members(at, rows, part);
}
Status read_source(const At& at, Part& part) {
  constexpr Row<Part> rows[] = {{"bytes", is_text, take_bytes_member}, {"s3Location", is_object, take_s3}};
  Status status = check_union(at, "source");
  return status ? read_members(at, rows, part) : std::move(status);
}
Status read_document_source(const At& at, Part& part) {
  constexpr Row<Part> rows[] = {{"bytes", is_text, take_bytes_member},
                                {"s3Location", is_object, take_s3},
                                {"text", is_text, take_plain},
                                {"content", is_list, take_content}};
  Status status = check_union(at, "DocumentSource");
  return status ? read_members(at, rows, part) : std::move(status);
}

template <Medium::Kind Kind>
Status read_medium(const At& at, Part& part) {
  part.kind = Part::Kind::medium;
  part.medium.kind = Kind;
  constexpr Row<Part> rows[] = {
      {"format", is_text, take_format, true}, {"source", is_object, read_source, true}, {"error", is_object}};
  Status status = read_members(at, rows, part);
  if (status) part.medium.media_type = type_of_format(text_member(at.value(), "format"));
  return status;
}

/// "The name can only contain alphanumeric characters, whitespace (no more than one in a row), hyphens, parentheses, square
/// brackets" (DocumentBlock.name).
Status take_document_name(const At& at, Part& part) {
  part.medium.name = at.text();
  char before = 0;
  bool fits = !part.medium.name.empty() && part.medium.name.size() <= 200;
  for (const char c : part.medium.name) {
    const bool letter = (ascii_lower(c) >= 'a' && ascii_lower(c) <= 'z') || (c >= '0' && c <= '9');
    const bool mark = c == '-' || c == '(' || c == ')' || c == '[' || c == ']' || (c == ' ' && before != ' ');
    fits &= letter || mark;
    before = c;
  }
  if (fits) return {};
  return at.refuse(
      "The document file name can only contain alphanumeric characters, whitespace characters, hyphens, parentheses, and square "
      "brackets. The name can't contain more than one consecutive whitespace character.");
}
Status read_document(const At& at, Part& part) {
  part.kind = Part::Kind::medium;
  part.medium.kind = Medium::Kind::file;
  constexpr Row<Part> rows[] = {{"format", is_text, take_format},
                                {"name", is_text, take_document_name, true},
                                {"source", is_object, read_document_source, true},
                                {"context", is_text},
                                {"citations", is_object}};
  Status status = read_members(at, rows, part);
  const auto format = text_member(at.value(), "format");
  if (status && !format.empty()) part.medium.media_type = type_of_format(format);
  return status;
}

// ---- Calls and results -----------------------------------------------------------------------------------------------------

Status take_id(const At& at, Part& part) {
  part.id = at.text();
  if (is_plain_name(part.id, 64)) return {};
  return at.refuse(cat("1 validation error detected: Value '", part.id, "' at '", at.path(),
                       "' failed to satisfy constraint: Member must satisfy regular expression pattern: [a-zA-Z0-9_-]+"));
}
Status take_name(const At& at, Part& part) {
  part.name = at.text();
  if (is_plain_name(part.name, 64)) return {};
  return at.refuse(cat("1 validation error detected: Value '", part.name, "' at '", at.path(),
                       "' failed to satisfy constraint: Member must satisfy regular expression pattern: [a-zA-Z0-9_-]+"));
}
Status take_input(const At& at, Part& part) {
  part.text = at.value().dump();
  if (at.value().is(Type::object)) return {};
  return at.refuse(
      cat("The format of the value at ", at.path(), " is invalid. Provide a json object for the field and try again."));
}
Status read_tool_use(const At& at, Part& part) {
  part.kind = Part::Kind::call;
  constexpr Row<Part> rows[] = {{"toolUseId", is_text, take_id, true},
                                {"name", is_text, take_name, true},
                                {"input", is_any, take_input, true},
                                {"type", is_text}};
  return read_members(at, rows, part);
}

Status take_text_member(const At& at, Part& part) {
  part.text = at.text();
  return {};
}
Status take_json(const At& at, Part& part) {
  part.text = at.value().dump();
  return at.value().is(Type::object) ? Status{} : at.refuse(cat("The json field at ", at.path(), " must be an object."));
}
Status take_other(const At& at, Part& part) {
  part.kind = Part::Kind::other;
  part.text = at.path().substr(at.path().rfind('.') + 1);
  return {};
}
constexpr Row<Part> result_rows[] = {{"text", is_text, take_text_member},
                                     {"json", is_any, take_json},
                                     {"image", is_object, read_medium<Medium::Kind::image>},
                                     {"document", is_object, read_document},
                                     {"video", is_object, read_medium<Medium::Kind::video>},
                                     {"searchResult", is_object, take_other}};

Status take_result_content(const At& at, Part& part) {
  return at.each(is_object, [&](const At& one) {
    Status status = check_union(one, "ToolResultContentBlock");
    return status ? read_members(one, result_rows, part.parts.emplace_back()) : std::move(status);
  });
}
Status take_status(const At& at, Part& part) {
  part.error = at.text() == "error";
  constexpr std::string_view words[] = {"success", "error"};
  return one_of(at, words);
}
Status read_tool_result(const At& at, Part& part) {
  part.kind = Part::Kind::result;
  constexpr Row<Part> rows[] = {{"toolUseId", is_text, take_id, true},
                                {"content", is_list, take_result_content, true},
                                {"status", is_text, take_status},
                                {"type", is_text}};
  Status status = read_members(at, rows, part);
  if (!status || !part.error || !part.parts.empty()) return status;
  return at.refuse(cat("The content field at ", at.path(), " cannot be empty when status value is error."));
}

// ---- Reasoning -------------------------------------------------------------------------------------------------------------

Status foreign_signature(const At& at) {
  const auto where = at.path().substr(0, at.path().find(".reasoningContent"));
  return at.refuse(cat("The model returned the following errors: ", where, ": Invalid `signature` in `thinking` block"));
}
bool verifies(const At& at) { return !at.request().model.ends_with("inspect"); }

Status read_reasoning_text(const At& at, Part& part) {
  constexpr Row<Part> rows[] = {{"text", is_text, take_text<&Part::text>, true},
                                {"signature", is_text, take_text<&Part::signature>}};
  Status status = read_members(at, rows, part);
  if (!status || !verifies(at)) return status;
  return is_signed(at.reading().issuer, part.text, part.signature) ? Status{} : foreign_signature(at);
}
Status take_redacted(const At& at, Part& part) {
  part.redacted = true;
  part.signature = at.text();
  return !verifies(at) || is_sealed(at.reading().issuer, part.signature) ? Status{} : foreign_signature(at);
}
Status read_reasoning(const At& at, Part& part) {
  part.kind = Part::Kind::thought;
  constexpr Row<Part> rows[] = {{"reasoningText", is_object, read_reasoning_text}, {"redactedContent", is_text, take_redacted}};
  Status status = check_union(at, "ReasoningContentBlock");
  return status ? read_members(at, rows, part) : std::move(status);
}

// ---- Blocks ----------------------------------------------------------------------------------------------------------------

Status blank(const At& at, std::string_view object) {
  const auto block = at.path().substr(0, at.path().rfind('.'));
  return at.refuse(
      cat("The text field in the ", object, " object at ", block, " is blank. Add text to the text field, and try again."));
}
Status take_text_block(const At& at, Part& part) {
  part.text = at.text();
  return at.text().find_first_not_of(" \t\r\n") == std::string::npos ? blank(at, "ContentBlock") : Status{};
}
Status take_cited(const At& at, Part& part) {
  const auto* content = at.value().find("content");
  if (content == nullptr) return at.missing("content");
  for (const auto& one : content->elements()) {
    const auto* text = one.find("text");
    if (text != nullptr && text->as_string() != nullptr) part.text += *text->as_string();
  }
  return {};
}
Status take_guarded(const At& at, Part& part) {
  const auto* text = at.value().find("text");
  const auto* inner = text != nullptr ? text->find("text") : nullptr;
  if (inner == nullptr || inner->as_string() == nullptr) return take_other(at, part);
  part.text = *inner->as_string();
  return {};
}

constexpr Row<Part> block_rows[] = {{"text", is_text, take_text_block},
                                    {"image", is_object, read_medium<Medium::Kind::image>},
                                    {"document", is_object, read_document},
                                    {"video", is_object, read_medium<Medium::Kind::video>},
                                    {"audio", is_object, read_medium<Medium::Kind::audio>},
                                    {"toolUse", is_object, read_tool_use},
                                    {"toolResult", is_object, read_tool_result},
                                    {"reasoningContent", is_object, read_reasoning},
                                    {"citationsContent", is_object, take_cited},
                                    {"guardContent", is_object, take_guarded},
                                    {"searchResult", is_object, take_other}};

Status read_block(const At& at, Draft& draft) {
  Status status = check_union(at, "ContentBlock");
  if (!status) return status;
  if (const auto* point = at.value().find("cachePoint")) {
    if (draft.parts.empty()) return at.refuse("A cache point must follow a content block.");
    return take_cache_point(at.member("cachePoint", *point), draft.parts.back().cache);
  }
  auto& part = draft.parts.emplace_back();
  part.wire_path = at.path();
  return read_members(at, block_rows, part);
}

Status take_role(const At& at, Draft& draft) {
  draft.role = at.text();
  constexpr std::string_view roles[] = {"user", "assistant"};
  return one_of(at, roles);
}
Status take_blocks(const At& at, Draft& draft) {
  if (!at.value().elements().empty()) {
    return at.each(is_object, [&](const At& one) { return read_block(one, draft); });
  }
  const auto message = at.path().substr(0, at.path().rfind('.'));
  return at.refuse(cat("The content field in the Message object at ", message,
                       " is empty. Add a ContentBlock object to the content field and try again."));
}

// ---- Messages --------------------------------------------------------------------------------------------------------------

/// What may stand where, and which calls wait for results.
class Order {
 public:
  [[nodiscard]] Status add(const At& at, const Draft& draft);

 private:
  [[nodiscard]] Status check_results(const At& at, const Draft& draft);
  std::string role_;
  std::vector<std::string> open_;
};

Status Order::check_results(const At& at, const Draft& draft) {
  std::vector<std::string> missing = open_;
  std::size_t results = 0;
  for (const auto& part : draft.parts) {
    if (part.kind != Part::Kind::result) continue;
    ++results;
    std::erase(missing, part.id);
    if (results > open_.size() || std::ranges::find(open_, part.id) == open_.end()) {
      return at.refuse(cat("The number of toolResult blocks at ", at.path(),
                           ".content exceeds the number of toolUse blocks of previous turn."));
    }
  }
  if (missing.empty()) return {};
  std::string ids;
  for (const auto& id : missing) append(ids, cat(ids.empty() ? "" : ", ", id));
  return at.refuse(cat("Expected toolResult blocks at ", at.path(), ".content for the following Ids: ", ids));
}

Status Order::add(const At& at, const Draft& draft) {
  if (role_.empty() && draft.role != "user") {
    return at.refuse(
        "A conversation must start with a user message. Try again with a conversation that starts with a user message.");
  }
  if (draft.role == role_) {
    return at.refuse(
        "A conversation must alternate between user and assistant roles. Make sure the conversation alternates between user and "
        "assistant roles and try again.");
  }
  const bool user = draft.role == "user";
  const auto has = [&](auto test) { return std::ranges::any_of(draft.parts, test); };
  const auto own = [](const Part& part) { return part.kind == Part::Kind::call || part.kind == Part::Kind::thought; };
  const auto given = [](const Part& part) { return part.kind == Part::Kind::result || part.kind == Part::Kind::medium; };
  if (user && has(own))
    return at.refuse(cat("toolUse and reasoningContent blocks at ", at.path(), " are only allowed in assistant messages."));
  if (!user && has(given))
    return at.refuse(cat("image, document and toolResult blocks at ", at.path(), " are only allowed in user messages."));
  const auto document = [](const Part& part) {
    return part.kind == Part::Kind::medium && part.medium.kind == Medium::Kind::file;
  };
  const auto text = [](const Part& part) { return part.kind == Part::Kind::text; };
  if (has(document) && !has(text)) {
    return at.refuse(cat("The message at ", at.path(), " has a document block; add a text block to it and try again."));
  }
  if (user) {
    Status results = check_results(at, draft);
    if (!results) return results;
  }
  open_.clear();
  for (const auto& part : draft.parts) {
    if (part.kind == Part::Kind::call) open_.push_back(part.id);
  }
  role_ = draft.role;
  return {};
}

void keep_turns(ChatRequest& request, Draft&& draft) {
  const Role role = draft.role == "assistant" ? Role::assistant : Role::user;
  bool open = false;
  for (auto& part : draft.parts) {
    const Role own = part.kind == Part::Kind::result ? Role::tool : role;
    if (!open || request.turns.back().role != own) request.turns.push_back({own, {}});
    open = true;
    request.turns.back().parts.push_back(std::move(part));
  }
}

}  // namespace

Status read_bedrock_messages(const At& at) {
  Order order;
  return at.each(is_object, [&](const At& one) {
    Draft draft;
    constexpr Row<Draft> rows[] = {{"role", is_text, take_role, true}, {"content", is_list, take_blocks, true}};
    Status status = read_members(one, rows, draft);
    if (status) status = order.add(one, draft);
    if (status) keep_turns(one.request(), std::move(draft));
    return status;
  });
}

Status read_bedrock_system(const At& at, ChatRequest& request) {
  Turn turn{Role::system, {}};
  Status status = at.each(is_object, [&](const At& one) -> Status {
    Status alone = check_union(one, "SystemContentBlock");
    if (!alone) return alone;
    if (const auto* point = one.value().find("cachePoint")) {
      if (turn.parts.empty()) return one.refuse("A cache point must follow a content block.");
      return take_cache_point(one.member("cachePoint", *point), turn.parts.back().cache);
    }
    constexpr Row<Part> rows[] = {{"text", is_text,
                                   [](const At& text, Part& part) {
                                     part.text = text.text();
                                     return part.text.empty() ? blank(text, "SystemContentBlock") : Status{};
                                   }},
                                  {"guardContent", is_object, take_guarded}};
    return read_members(one, rows, turn.parts.emplace_back());
  });
  request.turns.insert(request.turns.begin(), std::move(turn));
  return status;
}

}  // namespace cardea::twin
