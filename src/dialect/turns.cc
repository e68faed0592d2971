#include "dialect/turns.h"

#include <algorithm>
#include <array>
#include <cstdlib>

#include "base/base64.h"

namespace cardea::dialect {

using json::Type;
using json::Value;
using model::Part;

namespace {

constexpr std::string_view base64_mark = ";base64,";

/// Texts by their media type; everything else is bytes.
bool is_text_type(std::string_view type) {
  constexpr std::array<std::string_view, 6> types{"application/json",   "application/xml",  "application/yaml",
                                                  "application/x-yaml", "application/toml", "application/javascript"};
  const auto bare = trim(type.substr(0, type.find(';')));
  return bare.starts_with("text/") || std::ranges::find(types, bare) != types.end();
}

/// What stands between <document> tags, with its name when it has one.
std::string document_text(std::string_view name, std::string_view text) {
  const std::string open = name.empty() ? "<document>" : cat("<document name=", json::quote(name), '>');
  return cat(open, '\n', text, text.ends_with('\n') ? "" : "\n", "</document>");
}

std::string_view name_of(const Part& part) {
  constexpr std::array<std::string_view, 9> names{"text",     "image",     "audio",       "file",  "refusal",
                                                  "thinking", "tool_call", "tool_result", "opaque"};
  return names[part.value.index()];
}

}  // namespace

// --- media ------------------------------------------------------------------------------------------------------------------

model::Media media_of_url(std::string_view url) {
  model::Media media;
  const auto mark = url.starts_with("data:") ? url.find(base64_mark) : std::string_view::npos;
  if (mark == std::string_view::npos) {
    media.url = url;
    return media;
  }
  if (mark > 5) media.media_type = url.substr(5, mark - 5);
  media.base64 = url.substr(mark + base64_mark.size());
  return media;
}

std::string_view image_type_of(std::string_view base64) noexcept {
  struct Row {
    std::string_view front;
    std::string_view type;
  };
  static constexpr std::array<Row, 4> rows{
      {{"/9j/", "image/jpeg"}, {"iVBORw0KGgo", "image/png"}, {"R0lGOD", "image/gif"}, {"UklGR", "image/webp"}}};
  for (const auto& row : rows) {
    if (base64.starts_with(row.front)) return row.type;
  }
  return {};
}

std::string data_url_of(const model::Media& media) {
  std::string_view type = media.media_type ? std::string_view{*media.media_type} : image_type_of(*media.base64);
  return cat("data:", type, base64_mark, *media.base64);
}

// --- parts ------------------------------------------------------------------------------------------------------------------

std::optional<std::string> text_of(const Part& part) {
  if (const auto* text = std::get_if<model::Text>(&part.value)) return text->text;
  if (const auto* refusal = std::get_if<model::Refusal>(&part.value)) return refusal->text;
  const auto* file = std::get_if<model::File>(&part.value);
  if (file == nullptr || !file->media.base64 || !is_text_type(file->media.media_type.value_or(""))) return std::nullopt;
  const auto text = from_base64(*file->media.base64);
  return text ? std::optional{document_text(file->name.value_or(""), *text)} : std::nullopt;
}

void lose_part(const Part& part, std::string_view path, Losses& losses) {
  losses.meaning(cat(path, '.', name_of(part)), "this model's format has no such part");
}

void lose_around_text(const Part& part, std::string_view path, Whose whose, Losses& losses) {
  const bool own = whose == Whose::own;
  if (part.cache) losses.detail(cat(path, ".cache"));
  if (std::holds_alternative<model::File>(part.value)) losses.detail(cat(path, ".file"), "said as text");
  const auto* text = std::get_if<model::Text>(&part.value);
  if (text != nullptr && !text->citations.empty() && !own) losses.detail(cat(path, ".citations"));
  if (own) return;
  for (const auto& extra : part.extras) losses.detail(cat(path, '.', extra.key));
}

std::string arguments_object(std::string_view arguments) {
  if (trim(arguments).empty()) return "{}";
  const auto value = json::parse(arguments);
  if (value && value->is(Type::object)) return value->dump();
  return cat(R"({"input":)", json::quote(arguments), '}');
}

bool is_object(std::string_view arguments) {
  const auto type = json::validate(arguments);
  return type && *type == Type::object;
}

// --- turns ------------------------------------------------------------------------------------------------------------------

std::vector<Turn> turns_of(const model::Chat& chat) {
  std::vector<Turn> out;
  std::vector<Turn::Item> pending;  // what results could not hold
  const auto flush = [&](const std::string& path) {
    if (pending.empty()) return;
    out.push_back({.role = model::Role::user, .path = path, .items = std::move(pending)});
    pending.clear();
  };
  for (std::size_t m = 0; m < chat.messages.size(); ++m) {
    const auto& message = chat.messages[m];
    Turn rest{.role = message.role, .message = &message, .path = cat("messages[", m, ']')};
    if (rest.role == model::Role::tool) rest.role = model::Role::user;
    for (std::size_t p = 0; p < message.parts.size(); ++p) {
      const auto& part = message.parts[p];
      auto path = cat(rest.path, ".content[", p, ']');
      const auto* result = std::get_if<model::ToolResult>(&part.value);
      if (result == nullptr) {
        rest.items.push_back({&part, std::move(path)});
        continue;
      }
      Turn turn{.role = model::Role::tool, .message = &message, .result = result, .path = rest.path};
      for (std::size_t i = 0; i < result->parts.size(); ++i) {
        const auto& inner = result->parts[i];
        const bool text = text_of(inner) || std::holds_alternative<model::Opaque>(inner.value);
        (text ? turn.items : pending).push_back({&inner, cat(path, ".tool_result.content[", i, ']')});
      }
      out.push_back(std::move(turn));
    }
    if (rest.items.empty() && !message.parts.empty()) continue;
    if (rest.role == model::Role::user) {
      rest.items.insert(rest.items.begin(), pending.begin(), pending.end());
      pending.clear();
    }
    flush(rest.path);
    out.push_back(std::move(rest));
  }
  flush("messages");
  return out;
}

std::string result_text(const Turn& turn, std::string text, Losses& losses) {
  constexpr std::string_view mark = "Error: ";
  if (!turn.result->is_error.value_or(false)) return text;
  losses.detail(cat(turn.path, ".tool_result.is_error"), "said in the text");
  return text.starts_with(mark) ? text : cat(mark, text);
}

void lose_around_message(const Turn& turn, Whose whose, Losses& losses) {
  const bool own = whose == Whose::own;
  if (turn.message == nullptr) return;
  if (turn.message->name) losses.detail(cat(turn.path, ".name"));
  if (own) return;
  for (const auto& extra : turn.message->extras) losses.detail(cat(turn.path, '.', extra.key));
}

// --- requests ---------------------------------------------------------------------------------------------------------------

namespace {

Status decode_function_tool(const Value& value, std::string_view path, model::Tool& out) {
  constexpr std::array<std::string_view, 2> known{"type", "function"};
  constexpr std::array<std::string_view, 3> known_inner{"name", "description", "parameters"};
  if (!value.is(Type::object)) return wrong_type(path, "an object", value.type());
  std::optional<std::string> type;
  auto status = read_member(value, "type", path, type);
  if (!status) return status;
  if (type.value_or("function") != "function") {
    out.kind = model::Tool::Kind::built_in;
    out.name = *type;
    out.builtin = model::Json{value.dump()};
    return {};
  }
  auto inner = required_object(value, "function", path);
  if (!inner) return fail_with(inner);
  const auto inner_path = cat(path, ".function");
  auto name = required_string(**inner, "name", inner_path);
  if (!name) return fail_with(name);
  out.name = std::move(*name);
  status = read_member(**inner, "description", inner_path, out.description);
  if (status) status = read_member(**inner, "parameters", inner_path, out.parameters);
  collect_extras(value, known, out.extras);
  collect_inner(**inner, "function", known_inner, out.extras);
  return status;
}

/// Names what of the tool cannot be said; false when that is all of it.
bool sayable(const model::Tool& tool, std::size_t index, const ToolsForm& form, Losses& losses) {
  const auto path = cat("tools[", index, ']');
  if (tool.kind == model::Tool::Kind::built_in) {
    const bool said = form.own && tool.builtin;
    if (!said) losses.meaning(cat(path, '.', tool.name), "no such built-in tool");
    return said;
  }
  if (tool.kind == model::Tool::Kind::custom) {
    losses.meaning(cat(path, ".custom"), "tools are functions only");
    return false;
  }
  if (tool.cache) losses.detail(cat(path, ".cache"));
  if (!form.strict && tool.strict.value_or(false)) losses.detail(cat(path, ".strict"));
  if (!form.own) {
    for (const auto& extra : tool.extras) losses.detail(cat(path, '.', extra.key));
  }
  return true;
}

void encode_function_tool(json::Writer& w, const model::Tool& tool, bool own) {
  if (tool.kind == model::Tool::Kind::built_in) {
    w.raw(tool.builtin->text);
    return;
  }
  w.begin_object().key("type").string("function").key("function").begin_object().key("name").string(tool.name);
  write(w, "description", tool.description);
  if (tool.parameters) {
    write(w, "parameters", tool.parameters);
  } else if (!own) {
    w.key("parameters").raw(R"({"type":"object","properties":{}})");  // both references demand it
  }
  if (own) write_inner(w, tool.extras, "function");
  w.end_object();
  if (own) write_extras(w, tool.extras, std::array<std::string_view, 1>{"function"});
  w.end_object();
}

}  // namespace

Status decode_function_tools(const Value& value, std::string_view path, std::optional<std::vector<model::Tool>>& out) {
  if (!value.is(Type::array)) return wrong_type(path, "an array", value.type());
  out.emplace();
  for (std::size_t i = 0; i < value.elements().size(); ++i) {
    auto status = decode_function_tool(value.elements()[i], cat(path, '[', i, ']'), out->emplace_back());
    if (!status) return status;
  }
  return {};
}

bool encode_function_tools(json::Writer& w, const model::Chat& chat, const ToolsForm& form, Losses& losses) {
  if (!chat.tools) return false;
  std::vector<const model::Tool*> said;
  for (std::size_t i = 0; i < chat.tools->size(); ++i) {
    const auto& tool = (*chat.tools)[i];
    const bool wanted = form.only.empty() || tool.name == form.only;
    if (wanted && sayable(tool, i, form, losses)) said.push_back(&tool);
  }
  if (said.empty() && !(form.own && chat.tools->empty())) return false;
  w.key("tools").begin_array();
  for (const auto* tool : said) encode_function_tool(w, *tool, form.own);
  w.end_array();
  return !said.empty();
}

void lose_common(const model::Chat& chat, Whose whose, Losses& losses) {
  const bool own = whose == Whose::own;
  const auto detail = [&](bool lost, std::string_view field) {
    if (lost) losses.detail(std::string{field});
  };
  const auto meaning = [&](bool lost, std::string_view field, std::string_view reason) {
    if (lost) losses.meaning(std::string{field}, reason);
  };
  const auto& modalities = chat.modalities;
  const bool text_only = !modalities || (modalities->size() == 1 && modalities->front() == "text");
  meaning(chat.n.value_or(1) > 1, "n", "one answer only");
  meaning(!text_only, "modalities", "answers are text only");
  meaning(text_only && chat.audio, "audio", "answers are text only");
  meaning(chat.web_search.has_value(), "web_search_options", "no such built-in tool");
  detail(chat.sampling.logit_bias.has_value(), "logit_bias");
  detail(chat.parallel_tool_calls == false, "parallel_tool_calls");
  detail(chat.verbosity.has_value(), "verbosity");
  detail(chat.service_tier.has_value(), "service_tier");
  detail(chat.user.has_value(), "user");
  detail(chat.safety_identifier.has_value(), "safety_identifier");
  detail(chat.prompt_cache_key.has_value(), "prompt_cache_key");
  detail(chat.prompt_cache_retention.has_value(), "prompt_cache_retention");
  detail(chat.metadata.has_value(), "metadata");
  detail(chat.store.value_or(false), "store");
  detail(chat.prediction.has_value(), "prediction");
  detail(chat.safety.has_value(), "safety");
  detail(chat.reasoning && chat.reasoning->summary, "reasoning.summary");
  detail(chat.reasoning && chat.reasoning->include == false, "reasoning.include");
  if (own) return;
  for (const auto& extra : chat.extras) losses.detail(extra.key);
}

std::optional<model::Number> clamped(const std::optional<model::Number>& number, std::string_view low, std::string_view high,
                                     std::string_view path, Losses& losses) {
  if (!number) return number;
  const auto value_of = [](std::string_view text) { return std::strtod(std::string{text}.c_str(), nullptr); };
  const double value = value_of(number->text);
  const std::string_view bound = value < value_of(low) ? low : !high.empty() && value > value_of(high) ? high : "";
  if (bound.empty()) return number;
  losses.detail(std::string{path}, cat("brought to the nearest that the vendor takes: ", bound));
  return model::Number{std::string{bound}};
}

// --- answers ----------------------------------------------------------------------------------------------------------------

const model::Choice* only_choice(const model::Answer& answer, Losses& losses) {
  for (std::size_t i = 1; i < answer.choices.size(); ++i) losses.detail(cat("choices[", i, ']'), "one answer only");
  return answer.choices.empty() ? nullptr : &answer.choices.front();
}

void lose_answer_part(const Part& part, Losses& losses) { losses.detail(cat("choices[0].message.", name_of(part))); }

void lose_around_answer(const model::Answer& answer, const model::Choice& choice, Losses& losses) {
  if (answer.service_tier) losses.detail("service_tier");
  for (const auto& extra : answer.extras) losses.detail(extra.key);
  for (const auto& extra : choice.extras) losses.detail(cat("choices[0].", extra.key));
  for (const auto& extra : choice.message_extras) losses.detail(cat("choices[0].message.", extra.key));
}

void lose_counts(const model::Usage& usage, Losses& losses) {
  if (usage.cache_write.value_or(0) != 0) losses.detail("usage.cache_write");
  if (usage.reasoning.value_or(0) != 0) losses.detail("usage.reasoning");
}

namespace {

void write_token(json::Writer& w, const TokenLogprob& token, bool alternatives) {
  w.begin_object().key("token").string(token.token).key("logprob").raw(token.logprob).key("bytes").begin_array();
  for (const char byte : token.token) w.number(static_cast<unsigned>(static_cast<unsigned char>(byte)));
  w.end_array();
  if (alternatives) {
    w.key("top_logprobs").begin_array();
    for (const auto& other : token.top) write_token(w, other, false);
    w.end_array();
  }
  w.end_object();
}

TokenLogprob read_token(const Value& value) {
  TokenLogprob out;
  if (const auto* token = value.find("token"); token != nullptr && token->as_string() != nullptr) out.token = *token->as_string();
  const auto* number = value.find("logprob");
  out.logprob = number != nullptr && number->as_number() != nullptr ? *number->as_number() : "0";
  if (const auto* top = value.find("top_logprobs")) {
    for (const auto& other : top->elements()) out.top.push_back(read_token(other));
  }
  return out;
}

}  // namespace

model::Json logprobs_of(std::span<const TokenLogprob> tokens) {
  model::Json out;
  json::Writer w{out.text};
  w.begin_object().key("content").begin_array();
  for (const auto& token : tokens) write_token(w, token, true);
  w.end_array().end_object();
  return out;
}

std::vector<TokenLogprob> tokens_of(const model::Json& logprobs) {
  std::vector<TokenLogprob> out;
  const auto value = json::parse(logprobs.text, upstream_scan());
  const auto* content = value ? value->find("content") : nullptr;
  if (content == nullptr) return out;
  for (const auto& token : content->elements()) out.push_back(read_token(token));
  return out;
}

}  // namespace cardea::dialect
