#include "base/text.h"
#include "twin/forms/anthropic.h"

namespace cardea::twin {
namespace {

using json::Type;

/// One message after the other, and which calls wait for results. Neighbours of one role are one turn, as Anthropic has it.
class MessageReader {
 public:
  explicit MessageReader(const At& list) : list_{list} {}
  [[nodiscard]] Status read(const At& at, std::size_t index);
  [[nodiscard]] Status finish();

 private:
  struct Draft {
    std::string role;
    std::vector<Part> parts;
    const json::Value* content = nullptr;
  };
  [[nodiscard]] static Status read_role(const At& at, Draft& draft);
  [[nodiscard]] static Status read_content(const At& at, Draft& draft);
  [[nodiscard]] Status check_block(const Part& part, std::string_view where, bool assistant, bool& other_seen);
  [[nodiscard]] Status check_answered();
  void keep_turns(Draft&& draft);

  const At& list_;
  std::string role_;               ///< of the message before
  std::size_t assistant_ = 0;      ///< index of the last message with calls
  std::vector<std::string> open_;  ///< calls that wait for results
  std::vector<std::string> used_;  ///< ids of all calls
};

Status MessageReader::read_role(const At& at, Draft& draft) {
  draft.role = at.text();
  constexpr std::string_view roles[] = {"user", "assistant", "system"};
  return one_of(at, roles);
}

Status MessageReader::read_content(const At& at, Draft& draft) {
  draft.content = &at.value();
  if (at.value().is(Type::string)) {
    draft.parts.push_back({.text = at.text()});
    return {};
  }
  return at.each(is_object, [&](const At& one) {
    auto& part = draft.parts.emplace_back();
    part.wire_path = one.path();
    return read_anthropic_block(one, part);
  });
}

Status MessageReader::check_block(const Part& part, std::string_view where, bool assistant, bool& other_seen) {
  const auto refuse = [&](std::string_view message) { return list_.words().refuse(where, message); };
  const bool call = part.kind == Part::Kind::call;
  const bool result = part.kind == Part::Kind::result;
  if (!assistant && (call || part.kind == Part::Kind::thought)) {
    return refuse(cat("`", call ? "tool_use" : "thinking", "` blocks can only be in `assistant` messages"));
  }
  if (assistant && (result || part.kind == Part::Kind::medium)) {
    return refuse(cat("`", result ? "tool_result" : "image", "` blocks can only be in `user` messages"));
  }
  if (call) {
    if (std::ranges::find(used_, part.id) != used_.end()) return refuse("`tool_use` ids must be unique");
    used_.push_back(part.id);
    open_.push_back(part.id);
  }
  if (result) {
    const auto found = std::ranges::find(open_, part.id);
    if (found == open_.end()) {
      return list_.words().refuse(part.wire_path,
                                  cat("unexpected `tool_use_id` found in `tool_result` blocks: ", part.id,
                                      ". Each `tool_result` block must have a corresponding `tool_use` block in the "
                                      "previous message."));
    }
    // Results come first: "Any text must come after all tool results".
    if (other_seen) return check_answered();
    open_.erase(found);
  }
  other_seen |= !result;
  return {};
}

Status MessageReader::check_answered() {
  if (open_.empty()) return {};
  std::string ids;
  for (const auto& id : open_) append(ids, cat(ids.empty() ? "" : ", ", id));
  return list_.words().refuse(cat("messages.", assistant_),
                              cat("`tool_use` ids were found without `tool_result` blocks immediately after: ", ids,
                                  ". Each `tool_use` block must have a corresponding `tool_result` block in the next message."));
}

/// Results are turns of their own, as in the dialects that have a role for them.
void MessageReader::keep_turns(Draft&& draft) {
  const Role role = draft.role == "assistant" ? Role::assistant : draft.role == "system" ? Role::system : Role::user;
  auto& turns = list_.request().turns;
  bool open = false;
  for (auto& part : draft.parts) {
    const Role own = part.kind == Part::Kind::result ? Role::tool : role;
    if (!open || turns.back().role != own) turns.push_back({own, {}});
    open = true;
    turns.back().parts.push_back(std::move(part));
  }
}

Status MessageReader::read(const At& at, std::size_t index) {
  Draft draft;
  constexpr Row<Draft> rows[] = {{"role", is_text, read_role, true}, {"content", is_text | is_list, read_content, true}};
  Status status = read_members(at, rows, draft);
  if (!status) return status;
  const bool assistant = draft.role == "assistant";
  const bool last = index + 1 == list_.value().elements().size();
  if (index == 0 && assistant) return list_.refuse("first message must use the \"user\" role");
  const bool empty = draft.parts.empty() || (draft.content->is(Type::string) && draft.parts.front().text.empty());
  if (empty && !(assistant && last)) {
    return at.refuse("all messages must have non-empty content except for the optional final assistant message");
  }
  if (assistant && role_ != "assistant") {
    Status answered = check_answered();
    if (!answered) return answered;
  }
  if (!assistant && role_ == "assistant" && draft.role != "user") {
    Status answered = check_answered();
    if (!answered) return answered;
  }
  bool other_seen = false;
  for (const auto& part : draft.parts) {
    Status fits = check_block(part, at.path(), assistant, other_seen);
    if (!fits) return fits;
    if (part.kind == Part::Kind::call) assistant_ = index;
  }
  const bool trailing = assistant && last && !draft.parts.empty() && draft.parts.back().kind == Part::Kind::text &&
                        (draft.parts.back().text.ends_with(' ') || draft.parts.back().text.ends_with('\n'));
  if (trailing) return list_.refuse("final assistant content cannot end with trailing whitespace");
  role_ = draft.role;
  keep_turns(std::move(draft));
  return {};
}

Status MessageReader::finish() { return check_answered(); }

}  // namespace

Status read_anthropic_messages(const At& at) {
  if (at.value().elements().empty()) return at.refuse("at least one message is required");
  MessageReader reader{at};
  for (std::size_t i = 0; i < at.value().elements().size(); ++i) {
    const At one = at.element(i);
    if (!one.value().is(Type::object)) return one.wrong_type(is_object);
    Status read = reader.read(one, i);
    if (!read) return read;
  }
  return reader.finish();
}

}  // namespace cardea::twin
