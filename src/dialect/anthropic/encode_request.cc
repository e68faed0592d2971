// A model::Chat becomes a request to an upstream.

#include <algorithm>
#include <array>

#include "dialect/anthropic/anthropic.h"
#include "dialect/anthropic/schema.h"
#include "dialect/plain.h"

namespace cardea::dialect::claude {

using json::Type;
using json::Value;
using json::Writer;
using model::Chat;

namespace {

/// What stands in for JSON mode, which Anthropic lacks: with a schema it has its own form, without one it must be told.
constexpr std::string_view json_mode = "Answer with one valid JSON object and nothing else.";

class RequestWriter {
 public:
  RequestWriter(Writer& w, const Chat& chat, const Encoding& encoding)
      : w_{w},
        chat_{chat},
        encoding_{encoding},
        conversation_{arrange(chat, encoding)},
        choice_{choice_of(chat)},
        thought_{think(chat, conversation_, encoding)} {}

  void write_all() {
    w_.begin_object().key("model").string(chat_.model).key("max_tokens").number(thought_.max_tokens);
    instructions();
    messages();
    tools();
    tool_choice();
    sampling();
    stop();
    reasoning();
    user();
    tier();
    write(w_, "stream", chat_.stream);
    rest();
    if (encoding_.own) {
      write_extras(w_, chat_.extras, inner);
    } else {
      encoding_.lose_extras(chat_.extras, {});
    }
    w_.end_object();
  }

 private:
  static constexpr std::array<std::string_view, 4> inner{"tool_choice", "thinking", "output_config", "metadata"};

  [[nodiscard]] bool has_inner(std::string_view key) const {
    return encoding_.own && std::ranges::find(chat_.extras, key, &model::Extra::key) != chat_.extras.end();
  }
  void inner_extras(std::string_view key) {
    if (encoding_.own) write_inner(w_, chat_.extras, key);
  }

  void instructions() {
    using Form = model::ResponseFormat::Kind;
    const bool told = chat_.response_format && chat_.response_format->kind == Form::json_object;
    if (conversation_.system.empty() && !told) return;
    w_.key("system");
    if (!told) {
      encode_content(w_, conversation_.system, encoding_);
      return;
    }
    encoding_.detail("response_format", "said as an instruction");
    const model::Part last{.value = model::Text{.text = std::string{json_mode}, .citations = {}}, .cache = {}, .extras = {}};
    auto blocks = conversation_.system;
    blocks.push_back({.part = &last});
    encode_content(w_, blocks, encoding_);
  }

  void messages() {
    w_.key("messages").begin_array();
    for (const auto& turn : conversation_.turns) {
      w_.begin_object().key("role").string(name(turn.role)).key("content");
      encode_content(w_, turn.blocks, encoding_);
      if (encoding_.own) {
        for (const auto* extras : turn.extras) write_extras(w_, *extras, {});
      }
      w_.end_object();
    }
    w_.end_array();
  }

  // --- tools ----------------------------------------------------------------------------------------------------------------

  /// A built-in tool as Anthropic's; nothing when it has none like it.
  [[nodiscard]] std::optional<std::string> built_in(const std::optional<model::Json>& tool, std::string_view path) {
    if (encoding_.own && tool) return tool->text;
    const auto value = tool ? json::parse(tool->text) : Result<Value>{Value{}};
    const bool names_taken =
        searches_ || (chat_.tools && std::ranges::find(*chat_.tools, "web_search", function_name) != chat_.tools->end());
    auto search = value && !names_taken ? web_search_of(*value, path, encoding_) : std::nullopt;
    if (search) {
      searches_ = true;
      encoding_.detail(std::string{path}, "said as anthropic's own search");
    } else {
      encoding_.meaning(std::string{path}, "a tool of another vendor's own");
    }
    return search;
  }
  static std::string_view function_name(const model::Tool& tool) {
    return tool.kind == model::Tool::Kind::built_in ? std::string_view{} : std::string_view{tool.name};
  }

  void tools() {
    std::vector<std::string> said;
    const std::size_t count = chat_.tools ? chat_.tools->size() : 0;
    for (std::size_t i = 0; i < count; ++i) {
      const auto& one = (*chat_.tools)[i];
      if (choice_ && !choice_->allows(one)) continue;
      if (one.kind != model::Tool::Kind::built_in) {
        said.push_back(tool(one, cat("tools[", i, ']')));
      } else if (auto text = built_in(one.builtin, cat("tools[", i, "].", one.name))) {
        said.push_back(std::move(*text));
      }
    }
    if (chat_.web_search) {
      if (auto text = built_in(chat_.web_search, "web_search_options")) said.push_back(std::move(*text));
    }
    any_tools_ = !said.empty();
    if (!any_tools_ && !(encoding_.own && chat_.tools)) return;
    w_.key("tools").begin_array();
    for (const auto& text : said) w_.raw(text);
    w_.end_array();
  }

  [[nodiscard]] std::string tool(const model::Tool& tool, const std::string& path) {
    std::string out;
    Writer w{out};
    w.begin_object().key("name").string(tool.name);
    write(w, "description", tool.description);
    if (tool.kind == model::Tool::Kind::custom) {
      // A free text is an object with the text in it, so that at least the call arrives.
      encoding_.meaning(cat(path, ".custom"), "anthropic calls tools with JSON alone");
      w.key("input_schema").raw(R"({"type":"object","properties":{"input":{"type":"string"}},"required":["input"]})");
    } else {
      input_schema(w, tool, path);
    }
    encode_cache(w, tool.cache);
    if (encoding_.own) {
      write_extras(w, tool.extras, {});
    } else {
      encoding_.lose_extras(tool.extras, path);
    }
    w.end_object();
    return out;
  }

  /// An object in any case. A strict one must stay within the subset: else it is not strict.
  void input_schema(Writer& w, const model::Tool& tool, const std::string& path) {
    w.key("input_schema");
    auto schema = tool.parameters ? json::parse(tool.parameters->text) : Result<Value>{Value::object()};
    if (!schema || !schema->is(Type::object)) schema = Value::object();
    auto strict = tool.strict;
    if (strict.value_or(false) && !encoding_.own && encoding_.rules.claude && !encoding_.rules.schemas) {
      strict.reset();
      encoding_.detail(cat(path, ".strict"), "this model has none");
    }
    if (strict.value_or(false) && !encoding_.own) {
      std::string problem;
      auto subset = to_subset(*schema, cat(path, ".parameters"), encoding_.losses, problem);
      if (subset) {
        schema = std::move(*subset);
      } else {
        strict.reset();
        encoding_.detail(cat(path, ".strict"), "the schema has what anthropic cannot check");
      }
    }
    const bool typed = schema->find("type") != nullptr;
    if (typed) {
      w.raw(schema->dump());
    } else {
      auto object = Value::object({{"type", Value::string("object")}});
      for (auto& member : schema->members()) object.edit_members().push_back(member);
      if (object.find("properties") == nullptr && object.members().size() == 1) object.set("properties", Value::object());
      w.raw(object.dump());
    }
    write(w, "strict", strict);
  }

  void tool_choice() {
    using Mode = model::ToolChoice::Mode;
    const bool single = chat_.parallel_tool_calls == false;
    const bool raw = chat_.tool_choice && chat_.tool_choice->mode == Mode::raw;
    if (!any_tools_ && !encoding_.own) {
      const bool forced = raw || (choice_ && (choice_->mode == Mode::required || choice_->mode == Mode::named));
      if (forced) encoding_.meaning("tool_choice", "there is no tool to choose");
      return;
    }
    if (raw && !choice_) encoding_.meaning("tool_choice", "anthropic has no such choice");
    if (raw && choice_) encoding_.detail("tool_choice", "said by leaving out the other tools");
    if (!choice_ && !single) return;
    const auto mode = choice_ ? choice_->mode : Mode::automatic;
    w_.key("tool_choice").begin_object().key("type").string(choice_word(mode));
    if (mode == Mode::named) w_.key("name").string(choice_->name);
    const bool said = chat_.parallel_tool_calls && (single || encoding_.own) && (mode != Mode::none || encoding_.own);
    if (said) w_.key("disable_parallel_tool_use").boolean(single);
    inner_extras("tool_choice");
    w_.end_object();
  }
  static std::string_view choice_word(model::ToolChoice::Mode mode) {
    constexpr std::array<std::string_view, 4> words{"none", "auto", "any", "tool"};  // in the order of Mode
    return words[static_cast<std::size_t>(mode)];
  }

  // --- the rest -------------------------------------------------------------------------------------------------------------

  [[nodiscard]] static double value_of(const model::Number& number) { return Value::number(number.text).as_double().value_or(0); }

  /// Writes a sampling field unless the model, or thinking, takes none but `neutral`.
  void sample(std::string_view key, const std::optional<model::Number>& number, double neutral) {
    if (!number) return;
    const bool bound = !encoding_.own && (encoding_.rules.fixed_sampling || thought_.thinks());
    if (bound && value_of(*number) == neutral) return;
    if (bound) {
      encoding_.detail(std::string{key}, thought_.thinks() ? "thinking forbids it" : "this model takes none");
      return;
    }
    write(w_, key, number);
  }

  void sampling() {
    const auto& sampling = chat_.sampling;
    auto temperature = sampling.temperature;
    constexpr double highest = 1;
    if (temperature && !encoding_.own && value_of(*temperature) > highest) {
      temperature = model::Number{"1"};
      encoding_.detail("temperature", "anthropic takes 0 to 1");
    }
    sample("temperature", temperature, 1);
    auto top_p = sampling.top_p;
    const bool both = temperature && top_p && encoding_.rules.one_of_two_samplings && !encoding_.own;
    if (both && value_of(*top_p) == 1) top_p.reset();  // says nothing
    sample("top_p", top_p, 1);
    sample("top_k", sampling.top_k, 0);
    const auto lose = [&](std::string_view key, const std::optional<model::Number>& number, double neutral) {
      if (number && value_of(*number) != neutral) encoding_.detail(std::string{key}, "anthropic has none");
    };
    lose("min_p", sampling.min_p, 0);
    lose("frequency_penalty", sampling.frequency_penalty, 0);
    lose("presence_penalty", sampling.presence_penalty, 0);
    lose("repetition_penalty", sampling.repetition_penalty, 1);
    if (sampling.seed) encoding_.detail("seed", "anthropic has none");
    if (sampling.logit_bias && sampling.logit_bias->text != "{}") encoding_.detail("logit_bias", "anthropic has none");
  }

  void stop() {
    if (!chat_.stop) return;
    std::vector<std::string> said;
    for (std::size_t i = 0; i < chat_.stop->size(); ++i) {
      const auto& sequence = (*chat_.stop)[i];
      if (encoding_.own || !is_blank(sequence)) {
        said.push_back(sequence);
      } else {
        encoding_.meaning(cat("stop[", i, ']'), "anthropic takes none of white space alone");
      }
    }
    if (!said.empty() || encoding_.own) write(w_, "stop_sequences", std::optional{std::move(said)});
  }

  /// The answer's schema; null while it cannot be said.
  [[nodiscard]] std::string format() {
    using Form = model::ResponseFormat::Kind;
    if (!chat_.response_format) return {};
    const auto& format = *chat_.response_format;
    if (format.kind == Form::raw) {
      if (encoding_.own && format.raw) return format.raw->text;
      encoding_.meaning("response_format", "anthropic has no such format");
    }
    if (format.kind != Form::json_schema || !format.schema) return {};
    std::string schema = format.schema->text;
    if (!encoding_.own) {
      if (format.name) encoding_.detail("response_format.name", "anthropic names no schemas");
      if (format.description) encoding_.detail("response_format.description", "anthropic describes no schemas");
      std::string problem;
      const auto value = json::parse(schema);
      const auto subset = value ? to_subset(*value, "response_format.schema", encoding_.losses, problem) : std::nullopt;
      if (!subset) {
        encoding_.meaning("response_format.schema", problem);
        return {};
      }
      schema = subset->dump();
    }
    return cat(R"({"type":"json_schema","schema":)", schema, '}');
  }

  void reasoning() {
    if (!thought_.type.empty()) {
      w_.key("thinking").begin_object().key("type").string(thought_.type);
      write(w_, "budget_tokens", thought_.budget);
      if (thought_.show) w_.key("display").string(*thought_.show ? "summarized" : "omitted");
      inner_extras("thinking");
      w_.end_object();
    }
    const auto schema = format();
    if (schema.empty() && thought_.effort.empty() && !has_inner("output_config")) return;
    w_.key("output_config").begin_object();
    if (!thought_.effort.empty()) w_.key("effort").string(thought_.effort);
    if (!schema.empty()) w_.key("format").raw(schema);
    inner_extras("output_config");
    w_.end_object();
  }

  /// One id of the user's: the one that is meant for it, else the older one, else the one in the metadata.
  void user() {
    const std::string* id = chat_.safety_identifier ? &*chat_.safety_identifier : nullptr;
    if (chat_.user) {
      if (id != nullptr && *id != *chat_.user) encoding_.detail("user", "safety_identifier is said in its place");
      if (id == nullptr) id = &*chat_.user;
    }
    if (chat_.metadata) {
      for (const auto& entry : *chat_.metadata) {
        if (entry.key == "user_id" && id == nullptr) {
          id = &entry.value;
        } else {
          encoding_.detail("metadata", "anthropic takes the user's id alone");
        }
      }
    }
    if (id == nullptr && !has_inner("metadata")) return;
    w_.key("metadata").begin_object();
    if (id != nullptr) w_.key("user_id").string(*id);
    inner_extras("metadata");
    w_.end_object();
  }

  void tier() {
    if (!chat_.service_tier) return;
    struct Row {
      std::string_view tier;
      std::string_view word;
      bool exact;
    };
    constexpr std::array<Row, 4> rows{
        {{"auto", "auto", true}, {"default", "standard_only", true}, {"priority", "auto", false}, {"scale", "auto", false}}};
    const auto* row = std::ranges::find(rows, std::string_view{*chat_.service_tier}, &Row::tier);
    const bool known = row != rows.end();
    if (!encoding_.own && (!known || !row->exact)) encoding_.detail("service_tier", "anthropic has auto and standard_only");
    if (known && (row->exact || !encoding_.own)) {
      w_.key("service_tier").string(row->word);
    } else if (encoding_.own) {
      write(w_, "service_tier", chat_.service_tier);
    }
  }

  /// What the API has no place for at all.
  void rest() {
    if (chat_.n.value_or(1) > 1) encoding_.meaning("n", "anthropic gives one answer");
    if (chat_.logprobs.value_or(false)) encoding_.meaning("logprobs", "anthropic tells none");
    if (chat_.top_logprobs.value_or(0) > 0) encoding_.detail("top_logprobs", "anthropic tells none");
    if (chat_.verbosity) encoding_.detail("verbosity", "anthropic has none");
    if (chat_.prompt_cache_key) encoding_.detail("prompt_cache_key", "anthropic marks what to cache in the messages");
    if (chat_.prompt_cache_retention) encoding_.detail("prompt_cache_retention", "anthropic marks what to cache in the messages");
    if (chat_.store.value_or(false)) encoding_.detail("store", "anthropic keeps no answers");
    if (chat_.prediction) encoding_.detail("prediction", "anthropic has none");
    if (chat_.safety && !chat_.safety->empty()) encoding_.detail("safety", "anthropic has no settings");
    const bool more = chat_.modalities && std::ranges::any_of(*chat_.modalities, [](const auto& m) { return m != "text"; });
    if (more) encoding_.meaning("modalities", "anthropic answers in text");
    if (chat_.audio) encoding_.meaning("audio", "anthropic answers in text");
  }

  Writer& w_;
  const Chat& chat_;
  const Encoding& encoding_;
  Conversation conversation_;
  std::optional<ToolsChoice> choice_;
  Thought thought_;
  bool any_tools_ = false;
  bool searches_ = false;
};

}  // namespace

/// JSON mode is told. A schema is the answer's format where the model takes formats and the subset can say it; else a tool that
/// must be called takes any schema of an object.
Traits::Schema Anthropic::schema_of(const Chat& chat) const {
  using Form = model::ResponseFormat::Kind;
  const auto* format = chat.response_format ? &*chat.response_format : nullptr;
  if (format == nullptr || format->kind != Form::json_schema || !format->schema) return Traits::Schema::native;
  const auto value = json::parse(format->schema->text);
  const auto* type = value ? text_at(*value, "type") : nullptr;
  if (type == nullptr || *type != "object") return Traits::Schema::native;
  Losses unused;
  std::string problem;
  const bool said = rules_of(chat.model).schemas && to_subset(*value, {}, unused, problem);
  return said ? Traits::Schema::native : Traits::Schema::forced_tool;
}

std::string Anthropic::encode_request(const Chat& chat, Losses& losses) const {
  std::map<std::string, std::string, std::less<>> ids;
  const Encoding encoding{.losses = losses, .own = chat.dialect == dialect_name, .rules = rules_of(chat.model), .ids = ids};
  std::string out;
  Writer w{out};
  RequestWriter{w, chat, encoding}.write_all();
  return out;
}

}  // namespace cardea::dialect::claude
