// The conversation: systemInstruction and contents.

#include <algorithm>
#include <array>
#include <map>
#include <ranges>

#include "dialect/gemini/gemini.h"

namespace cardea::dialect::google {

using json::Type;
using json::Value;
using json::Writer;
using model::Chat;
using model::Message;
using model::Part;
using model::Role;

namespace {

constexpr std::array<std::string_view, 2> content_fields{"role", "parts"};

bool is_plain_text(const Part& part) { return std::holds_alternative<model::Text>(part.value) && part.extras.empty(); }
bool is_empty_text(const Part& part) { return is_plain_text(part) && std::get<model::Text>(part.value).text.empty(); }

/// Several Contents of the model in a row are one turn: clients of streams keep one for each event. What was cut is joined, and
/// the empty texts of last events are nothing.
class ModelTurn {
 public:
  explicit ModelTurn(Message& message) : message_{message}, seam_{message.parts.size()} {}

  void added() {
    auto& parts = message_.parts;
    if (parts.empty()) return;
    if (is_empty_text(parts.back())) {
      parts.pop_back();
      return;
    }
    const bool at_seam = seam_ != 0 && parts.size() == seam_ + 1;
    if (at_seam && is_plain_text(parts[seam_]) && is_plain_text(parts[seam_ - 1])) {
      std::get<model::Text>(parts[seam_ - 1].value).text += std::get<model::Text>(parts[seam_].value).text;
      parts.pop_back();
      seam_ = 0;
    }
  }

 private:
  Message& message_;
  std::size_t seam_;  ///< parts of the Contents before
};

Status decode_parts(const Value& content, std::string_view path, Message& out) {
  const auto parts = field(content, "parts");
  auto status = expect(parts, Type::array, path);
  if (!status || !parts) return status;
  ModelTurn turn{out};
  for (std::size_t i = 0; i < parts.value->elements().size(); ++i) {
    status = decode_part(parts.value->elements()[i], cat(below(path, parts.key), '[', i, ']'), out.parts);
    if (!status) return status;
    if (out.role == Role::assistant) turn.added();
  }
  return {};
}

Status decode_content(const Value& content, std::string_view path, Chat& chat) {
  struct Word {
    std::string_view word;
    Role role;
  };
  constexpr std::array<Word, 4> words{
      {{"user", Role::user}, {"model", Role::assistant}, {"function", Role::tool}, {"tool", Role::tool}}};
  if (!content.is(Type::object)) return wrong_type(path, "an object", content.type());
  std::optional<std::string> word;
  auto status = read_field(content, "role", path, word);
  if (!status) return status;
  const auto* known = std::ranges::find(words, std::string_view{word ? *word : "user"}, &Word::word);
  if (word && word->empty()) known = words.begin();  // protobuf's default
  if (known == words.end()) return bad_field(cat(path, ".role"), cat("is '", *word, "'; it must be 'user' or 'model'"));
  const bool goes_on = known->role == Role::assistant && !chat.messages.empty() && chat.messages.back().role == Role::assistant;
  if (!goes_on) chat.messages.push_back({.role = known->role, .name = {}, .parts = {}, .extras = {}});
  auto& message = chat.messages.back();
  status = decode_parts(content, path, message);
  collect_rest(content, content_fields, message.extras);
  // A turn in which the model said nothing (an answer that was blocked, say) is none.
  if (status && known->role == Role::assistant && message.parts.empty() && message.extras.empty()) chat.messages.pop_back();
  return status;
}

Status decode_system(const Field& instruction, Chat& chat) {
  Message message{.role = Role::system, .name = {}, .parts = {}, .extras = {}};
  if (const auto* text = instruction.value->as_string()) {
    message.parts.push_back({.value = model::Text{.text = *text}});
  } else {
    auto status = expect(instruction, Type::object, {});
    if (status) status = decode_parts(*instruction.value, instruction.key, message);
    if (!status) return status;
    collect_rest(*instruction.value, content_fields, message.extras);
  }
  message.place.path = instruction.key;
  chat.messages.push_back(std::move(message));
  return {};
}

}  // namespace

Status decode_contents(const Value& request, Chat& chat) {
  if (const auto instruction = field(request, "systemInstruction")) {
    auto status = decode_system(instruction, chat);
    if (!status) return status;
  }
  const auto contents = field(request, "contents");
  if (!contents) return bad_field("contents", "is missing; give at least one");
  if (!contents.value->is(Type::array)) return wrong_type("contents", "an array", contents.value->type());
  if (contents.value->elements().empty()) return bad_field("contents", "is empty; give at least one element");
  for (std::size_t i = 0; i < contents.value->elements().size(); ++i) {
    const auto path = cat("contents[", i, ']');
    const auto before = chat.messages.size();
    auto status = decode_content(contents.value->elements()[i], path, chat);
    if (!status) return status;
    for (auto m = before; m < chat.messages.size(); ++m) chat.messages[m].place.path = path;
  }
  return {};
}

// --- writing ------------------------------------------------------------------------------------------------------------------

namespace {

bool is_system(const Message& message) { return message.role == Role::system || message.role == Role::developer; }

struct Item {
  const Part* part;
  std::string path;
};
/// Messages of one side in a row.
struct Turn {
  bool model = false;
  std::vector<Item> items;
  std::vector<std::string> parts;  ///< as JSON
};

void write_parts(Writer& w, const std::vector<std::string>& parts) {
  w.key("parts").begin_array();
  for (const auto& part : parts) w.raw(part);
  w.end_array();
}

/// Gemini 3 refuses a step whose first call has no signature. This one is for calls that it did not make itself
/// (docs.cloud.google.com/vertex-ai/generative-ai/docs/thought-signatures): another model's, or those of a client that forgets.
constexpr std::string_view stand_in_signature = "skip_thought_signature_validator";

/// Is any of the calls?
bool is_signed(auto&& parts) {
  return std::ranges::any_of(parts, [](const Part& part) {
    const auto* call = std::get_if<model::ToolCall>(&part.value);
    return call != nullptr && call->signature;
  });
}

/// What a conversation of any dialect becomes.
class Conversation {
 public:
  Conversation(const Chat& chat, const Encoding& encoding) : chat_{chat}, encoding_{encoding} {}

  void write(Writer& w) {
    gather();
    for (auto& turn : turns_) {
      if (turn.model) {
        model_turn(turn);
      } else {
        user_turn(turn);
      }
    }
    join();
    if (turns_.empty()) speak_system();
    w.key("contents").begin_array();
    for (const auto& turn : turns_) {
      w.begin_object().key("role").string(turn.model ? "model" : "user");
      write_parts(w, turn.parts);
      w.end_object();
    }
    w.end_array();
    if (system_.empty()) return;
    w.key("systemInstruction").begin_object();
    write_parts(w, system_);
    w.end_object();
  }

 private:
  void gather() {
    for (std::size_t i = 0; i < chat_.messages.size(); ++i) {
      const auto& message = chat_.messages[i];
      const auto path = cat("messages[", i, ']');
      if (message.name) encoding_.lose(cat(path, ".name"));
      for (const auto& extra : message.extras) encoding_.lose(cat(path, '.', extra.key));
      if (is_system(message)) {
        gather_system(message, path);
        continue;
      }
      const bool model = message.role == Role::assistant;
      if (turns_.empty() || turns_.back().model != model) turns_.push_back({.model = model, .items = {}, .parts = {}});
      for (std::size_t p = 0; p < message.parts.size(); ++p) {
        turns_.back().items.push_back({&message.parts[p], cat(path, ".content[", p, ']')});
      }
    }
  }
  void gather_system(const Message& message, const std::string& path) {
    if (!turns_.empty()) encoding_.lose(cat(path, ".role"), "moved to the front with all that the system says");
    PartsWriter writer{system_, encoding_};
    for (std::size_t p = 0; p < message.parts.size(); ++p) {
      const auto part_path = cat(path, ".content[", p, ']');
      // "Currently, text only".
      if (is_media(message.parts[p])) {
        encoding_.lose_meaning(part_path, "the system says text only");
      } else {
        writer.write(message.parts[p], part_path);
      }
    }
    writer.finish();
  }
  void model_turn(Turn& turn) {
    PartsWriter writer{turn.parts, encoding_};
    const auto part = [](const Item& item) -> const Part& { return *item.part; };
    if (encoding_.gemini_3 && !is_signed(turn.items | std::views::transform(part))) writer.sign_next_call(stand_in_signature);
    calls_.clear();
    for (const auto& item : turn.items) {
      writer.write(*item.part, item.path);
      const auto* call = std::get_if<model::ToolCall>(&item.part->value);
      if (call == nullptr || !call->id) continue;
      calls_.push_back(*call->id);
      names_[*call->id] = call->name;
    }
    writer.finish();
  }
  /// The results of a turn stand together directly behind the calls, in their order; media that they cannot hold, and what else
  /// the user says, come behind.
  void user_turn(Turn& turn) {
    struct Placed {
      std::ptrdiff_t place;  ///< among the calls
      std::size_t index;
    };
    std::vector<Placed> results;
    for (std::size_t i = 0; i < turn.items.size(); ++i) {
      const auto* result = std::get_if<model::ToolResult>(&turn.items[i].part->value);
      if (result == nullptr) continue;
      const auto call = result->call_id ? std::ranges::find(calls_, *result->call_id) : calls_.end();
      results.push_back({call - calls_.begin(), i});
    }
    std::ranges::sort(
        results, [](const Placed& a, const Placed& b) { return a.place != b.place ? a.place < b.place : a.index < b.index; });
    std::vector<Moved> moved;
    for (const auto& placed : results) result(turn.items[placed.index], turn, moved);
    PartsWriter writer{turn.parts, encoding_};
    for (const auto& [part, path] : moved) {
      writer.write(*part, path);
      encoding_.lose(path, "said behind the results of the turn");
    }
    for (const auto& item : turn.items) {
      if (!std::holds_alternative<model::ToolResult>(item.part->value)) writer.write(*item.part, item.path);
    }
    writer.finish();
  }
  void result(const Item& item, Turn& turn, std::vector<Moved>& moved) {
    const auto& result = std::get<model::ToolResult>(item.part->value);
    std::string name = result.name.value_or("");
    if (name.empty() && result.call_id) name = names_.contains(*result.call_id) ? names_[*result.call_id] : *result.call_id;
    if (item.part->cache) encoding_.lose(cat(item.path, ".cache"));
    for (const auto& extra : item.part->extras) encoding_.lose(cat(item.path, '.', extra.key));
    Writer w{turn.parts.emplace_back()};
    write_result(w, *item.part, name.empty() ? "unknown" : name, item.path, encoding_, moved);
  }
  /// Turns of which nothing can be said leave no empty ones behind.
  void join() {
    std::vector<Turn> out;
    for (auto& turn : turns_) {
      if (turn.parts.empty()) continue;
      if (!out.empty() && out.back().model == turn.model) {
        std::ranges::move(turn.parts, std::back_inserter(out.back().parts));
      } else {
        out.push_back(std::move(turn));
      }
    }
    turns_ = std::move(out);
  }
  /// The API wants a content: where nobody else speaks, the last that the system says is asked by the user.
  void speak_system() {
    if (system_.empty()) return;
    turns_.push_back({.model = false, .items = {}, .parts = {system_.back()}});
    system_.pop_back();
    encoding_.lose("messages[0].role", "a chat needs a turn of the user");
  }

  const Chat& chat_;
  const Encoding& encoding_;
  std::vector<std::string> system_;
  std::vector<Turn> turns_;
  std::vector<std::string> calls_;            ///< ids, of the turn before
  std::map<std::string, std::string> names_;  ///< of all calls so far, by id
};

std::string_view role_word(Role role) {
  if (role == Role::assistant) return "model";
  return role == Role::tool ? "function" : "user";
}

/// As it came.
void write_own_message(Writer& w, const Message& message, const Encoding& encoding) {
  std::vector<std::string> parts;
  PartsWriter writer{parts, encoding};
  if (message.role == Role::assistant && encoding.gemini_3 && !is_signed(message.parts))
    writer.sign_next_call(stand_in_signature);
  std::vector<Moved> moved;
  for (const auto& part : message.parts) {
    if (const auto* result = std::get_if<model::ToolResult>(&part.value)) {
      writer.finish();
      Writer json{parts.emplace_back()};
      write_result(json, part, result->name.value_or(""), {}, encoding, moved);
    } else {
      writer.write(part, {});
    }
  }
  writer.finish();
  w.begin_object();
  if (message.role != Role::system) w.key("role").string(role_word(message.role));
  write_parts(w, parts);
  write_extras(w, message.extras, {});
  w.end_object();
}

}  // namespace

void write_contents(Writer& w, const Chat& chat, const Encoding& encoding) {
  if (!encoding.own) {
    Conversation{chat, encoding}.write(w);
    return;
  }
  w.key("contents").begin_array();
  for (const auto& message : chat.messages) {
    if (!is_system(message)) write_own_message(w, message, encoding);
  }
  w.end_array();
  const auto system = std::ranges::find_if(chat.messages, is_system);
  if (system == chat.messages.end()) return;
  w.key("systemInstruction");
  write_own_message(w, *system, encoding);
}

}  // namespace cardea::dialect::google
