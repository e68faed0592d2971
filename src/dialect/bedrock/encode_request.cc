// A model::Chat becomes a request to an upstream.

#include <algorithm>
#include <array>
#include <charconv>

#include "dialect/bedrock/bedrock.h"

namespace cardea::dialect::converse {

using json::Writer;
using model::Chat;
using model::Message;
using model::Role;
using Mode = model::ToolChoice::Mode;

namespace {

/// A turn of Bedrock's: users and assistants alternate, so neighbours of one role are one turn.
struct Turn {
  Role role = Role::user;
  std::vector<std::string> results;  ///< of tools: first in their turn
  std::vector<std::string> moved;    ///< what these could not hold
  std::vector<std::string> blocks;   ///< all others; of Bedrock's own clients all, in their order
  model::Extras extras;
};

class RequestEncoder {
 public:
  RequestEncoder(const Chat& chat, const Encoding& encoding)
      : chat_{chat}, encoding_{encoding}, additional_{encode_additional(chat, encoding)} {}

  std::string encode();

 private:
  void system_message(const Message& message, std::string_view path);
  void message(const Message& message, std::string_view path);
  [[nodiscard]] Message trimmed(const Message& message, std::string_view path) const;
  void turns();
  void suit();
  void write_turns();
  void inference();
  void tools();
  void forbid(bool old);
  void tool_choice(bool any_tools);
  [[nodiscard]] std::optional<std::string> schema();
  void output();
  void metadata();
  void rest();
  void additional();
  void inner(std::string_view name) {
    if (encoding_.own) write_inner(w_, chat_.extras, name);
  }
  [[nodiscard]] bool has_inner(std::string_view name) const {
    return encoding_.own && std::ranges::find(chat_.extras, name, &model::Extra::key) != chat_.extras.end();
  }
  [[nodiscard]] bool forbids_tools() const { return chat_.tool_choice && chat_.tool_choice->mode == Mode::none; }
  void number(std::string_view key, std::string_view name, const std::optional<model::Number>& value);

  const Chat& chat_;
  const Encoding& encoding_;
  Additional additional_;
  std::string out_;
  Writer w_{out_};
  std::vector<std::string> system_;
  std::vector<Turn> turns_;
};

// --- messages ---------------------------------------------------------------------------------------------------------------

void lose_name(const Message& message, std::string_view path, const Encoding& encoding) {
  if (message.name) encoding.lose(cat(path, ".name"));
  if (encoding.own) return;
  for (const auto& extra : message.extras) encoding.lose(cat(path, '.', extra.key));
}

void RequestEncoder::system_message(const Message& message, std::string_view path) {
  if (!turns_.empty()) encoding_.lose(std::string{path}, "system text stands before the conversation");
  std::vector<std::string> nowhere;
  for (std::size_t i = 0; i < message.parts.size(); ++i) {
    const auto& part = message.parts[i];
    const auto part_path = cat(path, ".content[", i, ']');
    const bool text = std::holds_alternative<model::Text>(part.value) || std::holds_alternative<model::Refusal>(part.value);
    if (text || encoding_.own) {
      encode_blocks(part, part_path, Role::system, encoding_, system_, nowhere);
    } else {
      const auto key = media_key(part);
      encoding_.lose_meaning(cat(part_path, '.',
                                 key.empty()         ? "opaque"
                                 : key == "document" ? "file"
                                                     : key),
                             "a system prompt is text");
    }
  }
  lose_name(message, path, encoding_);
}

void RequestEncoder::message(const Message& message, std::string_view path) {
  const bool system = message.role == Role::system || message.role == Role::developer;
  // Bedrock's own clients may say a system text between turns, to models that know this role.
  if (system && (!encoding_.own || turns_.empty())) return system_message(message, path);
  const Role role = system ? Role::system : message.role == Role::assistant ? Role::assistant : Role::user;
  Turn said{.role = role, .results = {}, .moved = {}, .blocks = {}, .extras = {}};
  for (std::size_t i = 0; i < message.parts.size(); ++i) {
    const bool result = std::holds_alternative<model::ToolResult>(message.parts[i].value) && !encoding_.own;
    encode_blocks(message.parts[i], cat(path, ".content[", i, ']'), role, encoding_, result ? said.results : said.blocks,
                  said.moved);
  }
  lose_name(message, path, encoding_);
  const bool merges = !turns_.empty() && turns_.back().role == role;
  if (!merges && said.results.empty() && said.moved.empty() && said.blocks.empty()) return;  // an empty turn is refused
  if (!merges) turns_.push_back({.role = role, .results = {}, .moved = {}, .blocks = {}, .extras = {}});
  auto& turn = turns_.back();
  std::ranges::move(said.results, std::back_inserter(turn.results));
  std::ranges::move(said.moved, std::back_inserter(turn.moved));
  std::ranges::move(said.blocks, std::back_inserter(turn.blocks));
  if (encoding_.own) turn.extras.insert(turn.extras.end(), message.extras.begin(), message.extras.end());
}

/// The last words of an assistant that is to go on must not end in white space.
Message RequestEncoder::trimmed(const Message& message, std::string_view path) const {
  Message out = message;
  auto* text = out.parts.empty() ? nullptr : std::get_if<model::Text>(&out.parts.back().value);
  if (text == nullptr || is_blank(text->text)) return out;
  const auto end = text->text.find_last_not_of(" \t\r\n") + 1;
  if (end != text->text.size()) encoding_.lose(cat(path, ".content[", out.parts.size() - 1, ']'), "no white space at the end");
  text->text.resize(end);
  return out;
}

void RequestEncoder::turns() {
  for (std::size_t i = 0; i < chat_.messages.size(); ++i) {
    const auto path = cat("messages[", i, ']');
    const bool prefill = i + 1 == chat_.messages.size() && chat_.messages[i].role == Role::assistant && !encoding_.own;
    if (prefill) {
      message(trimmed(chat_.messages[i], path), path);
    } else {
      message(chat_.messages[i], path);
    }
  }
  if (!encoding_.own) suit();
}

bool begins(const std::vector<std::string>& blocks, std::string_view key) {
  return std::ranges::any_of(blocks, [&](const std::string& block) { return block.starts_with(key); });
}

/// A conversation begins with a user's turn, and a document needs a text beside it.
void RequestEncoder::suit() {
  const auto user = [](std::vector<std::string> blocks) {
    return Turn{.role = Role::user, .results = {}, .moved = {}, .blocks = std::move(blocks), .extras = {}};
  };
  if (turns_.empty() && !system_.empty()) {
    encoding_.lose("messages[0].role", "a system prompt alone is said as the user's turn");
    turns_.push_back(user(std::exchange(system_, {})));
  } else if (!turns_.empty() && turns_.front().role == Role::assistant) {
    encoding_.lose("messages[0]", "a turn of the user must stand before it");
    turns_.insert(turns_.begin(), user({R"({"text":"."})"}));
  }
  for (auto& turn : turns_) {
    if (!begins(turn.blocks, R"({"document":)") || begins(turn.blocks, R"({"text":)")) continue;
    encoding_.lose("messages", "a document needs a text beside it");
    turn.blocks.emplace_back(R"({"text":"."})");
  }
  // JSON of any form is no schema, and a schema is all that Converse takes.
  const bool json = chat_.response_format && chat_.response_format->kind == model::ResponseFormat::Kind::json_object;
  if (!json) return;
  encoding_.lose("response_format", "said as an instruction");
  system_.emplace_back(R"({"text":"Answer with one valid JSON object and nothing else."})");
}

void RequestEncoder::write_turns() {
  w_.key("messages").begin_array();
  for (const auto& turn : turns_) {
    w_.begin_object().key("role").string(name(turn.role)).key("content").begin_array();
    for (const auto* blocks : {&turn.results, &turn.moved, &turn.blocks}) {
      for (const auto& block : *blocks) w_.raw(block);
    }
    w_.end_array();
    write_extras(w_, turn.extras, {});
    w_.end_object();
  }
  w_.end_array();
  if (system_.empty()) return;
  w_.key("system").begin_array();
  for (const auto& block : system_) w_.raw(block);
  w_.end_array();
}

// --- sampling ---------------------------------------------------------------------------------------------------------------

std::optional<double> value_of(const model::Number& number) {
  double value{};
  const auto* end = number.text.data() + number.text.size();
  const auto [read, error] = std::from_chars(number.text.data(), end, value);
  return error == std::errc{} && read == end ? std::optional{value} : std::nullopt;
}

/// Temperature and topP go from 0 to 1 here.
void RequestEncoder::number(std::string_view key, std::string_view name, const std::optional<model::Number>& value) {
  if (!value) return;
  const auto number = value_of(*value);
  if (encoding_.own || !number) {
    w_.key(key).raw(value->text);
    return;
  }
  // Beside thinking Claude takes temperature 1 and topP from 0.95 only; since 4.7 it takes neither.
  const bool fixed = fixes_sampling(encoding_.model);
  if (fixed || (additional_.thinks && *number < (name == "temperature" ? 1.0 : 0.95))) {
    if (*number != 1) encoding_.lose(std::string{name}, fixed ? "this model takes none" : "excluded by thinking");
    return;
  }
  const bool outside = *number < 0 || *number > 1;
  if (outside) encoding_.lose(std::string{name}, "clamped to 0 to 1");
  w_.key(key).raw(!outside ? std::string_view{value->text} : *number < 0 ? "0" : "1");
}

void RequestEncoder::inference() {
  std::vector<std::string_view> stops;
  if (chat_.stop) {
    // An empty one is refused and would match nothing.
    for (const auto& stop : *chat_.stop) {
      if (!stop.empty() || encoding_.own) stops.push_back(stop);
    }
  }
  const auto limit = chat_.limits.max_output_tokens ? chat_.limits.max_output_tokens : chat_.limits.max_tokens;
  if (chat_.limits.max_output_tokens && chat_.limits.max_tokens && chat_.limits.max_output_tokens != chat_.limits.max_tokens) {
    encoding_.lose("max_tokens", "max_completion_tokens counts");
  }
  const std::size_t before = out_.size();
  w_.key("inferenceConfig").begin_object();
  const std::size_t opened = out_.size();
  write(w_, "maxTokens", limit);
  number("temperature", "temperature", chat_.sampling.temperature);
  const bool one_of_two = encoding_.model.vendor == Vendor::claude && encoding_.model.version >= 41 && !encoding_.own;
  if (one_of_two && chat_.sampling.temperature && chat_.sampling.top_p && !fixes_sampling(encoding_.model)) {
    encoding_.lose("top_p", "this model takes temperature or top_p");
  } else {
    number("topP", "top_p", chat_.sampling.top_p);
  }
  if (!stops.empty() || (chat_.stop && encoding_.own)) {
    w_.key("stopSequences").begin_array();
    for (const auto stop : stops) w_.string(stop);
    w_.end_array();
  }
  inner("inferenceConfig");
  const bool said = out_.size() != opened;
  w_.end_object();
  if (!said) out_.resize(before);
}

// --- tools ------------------------------------------------------------------------------------------------------------------

void RequestEncoder::tools() {
  const auto called = names_called(chat_);
  std::vector<std::string> said;
  // Without a call in the conversation, tools that must not be called need not be known.
  const bool hidden = forbids_tools() && called.empty() && !encoding_.own;
  if (chat_.tools && !hidden) said = encode_tools(*chat_.tools, encoding_);
  const bool given = !said.empty();
  if (!given && !encoding_.own) std::ranges::transform(called, std::back_inserter(said), declared_tool);
  const bool choice_alone = chat_.tool_choice && encoding_.own && chat_.tool_choice->mode != Mode::none;
  const bool config = !said.empty() || has_inner("toolConfig") || (encoding_.own && chat_.tools) || choice_alone;
  if (config) {
    w_.key("toolConfig").begin_object();
    if (!said.empty() || chat_.tools) {
      w_.key("tools").begin_array();
      for (const auto& tool : said) w_.raw(tool);
      w_.end_array();
    }
    tool_choice(given);
    inner("toolConfig");
    w_.end_object();
  }
  if (!said.empty() || encoding_.own) forbid(!given);
}

/// Converse itself has no word for tools that must not be called; Claude has. `old`: they were declared for the sake of calls in
/// the conversation.
void RequestEncoder::forbid(bool old) {
  const bool none = forbids_tools();
  if (!none && (!old || encoding_.own)) return;
  if (encoding_.own || encoding_.model.vendor == Vendor::claude) {
    const auto key = [](const auto& field) { return std::string_view{field.first}; };
    const auto said = std::ranges::find(additional_.fields, std::string_view{"tool_choice"}, key);
    if (said == additional_.fields.end()) additional_.fields.emplace_back("tool_choice", R"({"type":"none"})");
  } else if (none) {
    encoding_.lose_meaning("tool_choice", "this model cannot be kept from the tools of the conversation");
  } else {
    encoding_.lose("tools", "declared from the conversation's calls");
  }
}

void RequestEncoder::tool_choice(bool any_tools) {
  if (!chat_.tool_choice || (!any_tools && !encoding_.own)) return;
  const auto& choice = *chat_.tool_choice;
  switch (choice.mode) {
    case Mode::none: break;
    case Mode::automatic: w_.key("toolChoice").raw(R"({"auto":{}})"); break;
    case Mode::required: w_.key("toolChoice").raw(R"({"any":{}})"); break;
    case Mode::named:
      w_.key("toolChoice").begin_object().key("tool").begin_object().key("name").string(choice.name).end_object().end_object();
      break;
    case Mode::raw:
      if (encoding_.own && choice.raw) {
        w_.key("toolChoice").raw(choice.raw->text);
      } else {
        encoding_.lose_meaning("tool_choice");
      }
  }
}

// --- the rest ---------------------------------------------------------------------------------------------------------------

void write_schema(Writer& w, const model::ResponseFormat& format, std::string_view schema) {
  w.key("textFormat").begin_object().key("type").string("json_schema").key("structure").begin_object();
  w.key("jsonSchema").begin_object();
  w.key("schema").string(schema);  // a string that holds JSON
  write(w, "name", format.name);
  write(w, "description", format.description);
  w.end_object().end_object().end_object();
}

/// The schema as the model takes it; nothing when it does not.
std::optional<std::string> RequestEncoder::schema() {
  using Form = model::ResponseFormat::Kind;
  const auto* format = chat_.response_format ? &*chat_.response_format : nullptr;
  if (format == nullptr || format->kind == Form::text || format->kind == Form::raw) return std::nullopt;
  if (format->kind == Form::json_schema && format->schema && encoding_.own) return format->schema->text;
  if (format->kind == Form::json_object && !encoding_.own) return std::nullopt;  // an instruction, see suit()
  std::string problem{format->schema ? "this model takes none" : "bedrock needs one"};
  auto said = format->schema && encoding_.model.schemas
                  ? sayable_schema(format->schema->text, "response_format.schema", encoding_, problem)
                  : std::nullopt;
  if (!said) encoding_.lose_meaning("response_format.schema", problem);
  return said;
}

void RequestEncoder::output() {
  using Form = model::ResponseFormat::Kind;
  const auto said = schema();
  const bool raw = chat_.response_format && chat_.response_format->kind == Form::raw;
  if (raw && !encoding_.own) encoding_.lose_meaning("response_format", "a format of another vendor");
  const bool own_raw = raw && encoding_.own && chat_.response_format->raw;
  if (!said && !own_raw && !additional_.effort && !has_inner("outputConfig")) return;
  w_.key("outputConfig").begin_object();
  if (said) write_schema(w_, *chat_.response_format, *said);
  if (own_raw) w_.key("textFormat").raw(chat_.response_format->raw->text);
  write(w_, "effort", additional_.effort);
  inner("outputConfig");
  w_.end_object();
}

/// What invocation logs take (RequestMetadata).
bool is_loggable(std::string_view text) {
  constexpr std::size_t longest = 256;
  constexpr std::string_view marks = " \t\r\n:_@$#=/+,-.";
  return text.size() <= longest && std::ranges::all_of(text, [&](char c) {
           return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || marks.contains(c);
         });
}

void RequestEncoder::metadata() {
  if (!chat_.metadata) return;
  constexpr std::size_t most = 16;
  std::vector<const model::Metadata*> said;
  for (const auto& entry : *chat_.metadata) {
    const bool fits = !entry.key.empty() && said.size() < most && is_loggable(entry.key) && is_loggable(entry.value);
    if (fits || encoding_.own) {
      said.push_back(&entry);
    } else {
      encoding_.lose(cat("metadata.", entry.key), "not of the form of request metadata");
    }
  }
  if (said.empty() && !encoding_.own) return;
  w_.key("requestMetadata").begin_object();
  for (const auto* entry : said) w_.key(entry->key).string(entry->value);
  w_.end_object();
}

void RequestEncoder::additional() {
  constexpr std::string_view key = "additionalModelRequestFields";
  if (additional_.fields.empty() && !has_inner(key)) return;
  w_.key(key).begin_object();
  for (const auto& [name, raw] : additional_.fields) w_.key(name).raw(raw);
  inner(key);
  w_.end_object();
}

void RequestEncoder::rest() {
  constexpr std::array<std::string_view, 5> inside{"inferenceConfig", "toolConfig", "additionalModelRequestFields",
                                                   "outputConfig", "serviceTier"};
  if (chat_.service_tier) {
    const auto tier = encoding_.own ? std::string_view{*chat_.service_tier} : tier_of(*chat_.service_tier);
    if (tier.empty() && !encoding_.own) {
      encoding_.lose("service_tier");
    } else if (tier != "auto" || encoding_.own) {
      w_.key("serviceTier").begin_object().key("type").string(tier);
      inner("serviceTier");
      w_.end_object();
    }
  }
  // Which of the stop sequences ended the answer is told only when it is asked for.
  const bool asks_stop = !encoding_.own && chat_.stop && !chat_.stop->empty() && encoding_.dialect == "anthropic";
  if (asks_stop) w_.key("additionalModelResponseFieldPaths").begin_array().string("/stop_sequence").end_array();
  if (encoding_.own) {
    write_extras(w_, chat_.extras, inside);
  } else {
    for (const auto& extra : chat_.extras) encoding_.lose(extra.key);
  }
}

/// What Converse has no field for.
void lose_rest(const Chat& chat, const Encoding& encoding) {
  if (chat.n && *chat.n > 1) encoding.lose_meaning("n", "one answer a request");
  if (chat.logprobs.value_or(false)) encoding.lose_meaning("logprobs");
  if (chat.top_logprobs && *chat.top_logprobs != 0) encoding.lose("top_logprobs");
  if (chat.web_search) encoding.lose_meaning("web_search");
  if (chat.modalities) {
    for (const auto& modality : *chat.modalities) {
      if (!iequals(modality, "text")) encoding.lose_meaning("modalities", "text only");
    }
  }
  const auto lose = [&](bool given, std::string_view field) {
    if (given) encoding.lose(std::string{field});
  };
  lose(chat.audio.has_value(), "audio");
  lose(chat.prediction.has_value(), "prediction");
  lose(chat.verbosity.has_value(), "verbosity");
  lose(chat.user.has_value(), "user");
  lose(chat.safety_identifier.has_value(), "safety_identifier");
  lose(chat.prompt_cache_key.has_value(), "prompt_cache_key");
  lose(chat.prompt_cache_retention.has_value(), "prompt_cache_retention");
  lose(chat.store.value_or(false), "store");
  lose(chat.safety.has_value(), "safety");
}

std::string RequestEncoder::encode() {
  turns();
  w_.begin_object();
  write_turns();
  inference();
  tools();
  output();
  metadata();
  additional();
  lose_rest(chat_, encoding_);
  rest();
  w_.end_object();
  return std::move(out_);
}

}  // namespace

/// JSON mode is told. A schema is the answer's format where the model takes formats that can say it; else a tool that must be
/// called takes any schema of an object.
Traits::Schema Bedrock::schema_of(const Chat& chat) const {
  using Form = model::ResponseFormat::Kind;
  const auto* format = chat.response_format ? &*chat.response_format : nullptr;
  if (format == nullptr || format->kind != Form::json_schema || !format->schema) return Traits::Schema::native;
  const auto value = json::parse(format->schema->text);
  const auto* type = value ? value->find("type") : nullptr;
  if (type == nullptr || type->as_string() == nullptr || *type->as_string() != "object") return Traits::Schema::native;
  const auto model = model_traits(chat.model);
  Losses unused;
  std::string problem;
  const Encoding encoding{.losses = unused, .own = false, .dialect = chat.dialect, .model = model};
  const bool said = model.schemas && sayable_schema(format->schema->text, {}, encoding, problem);
  return said ? Traits::Schema::native : Traits::Schema::forced_tool;
}

std::string Bedrock::encode_request(const Chat& chat, Losses& losses) const {
  std::set<std::string, std::less<>> names;
  const Encoding encoding{.losses = losses,
                          .own = chat.dialect == dialect_name,
                          .dialect = chat.dialect,
                          .model = model_traits(chat.model),
                          .answer = false,
                          .names = &names};
  return RequestEncoder{chat, encoding}.encode();
}

}  // namespace cardea::dialect::converse
