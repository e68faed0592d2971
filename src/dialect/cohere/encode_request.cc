// A model::Chat becomes a request to an upstream.

#include <algorithm>
#include <array>

#include "dialect/cohere/cohere.h"
#include "dialect/translate.h"
#include "dialect/turns.h"

namespace cardea::dialect::cohere_v2 {

using json::Writer;
using model::Chat;
using model::Role;

namespace {

constexpr std::size_t stop_sequences_max = 5;

using Items = std::vector<const Turn::Item*>;

/// Writes one request. Short-lived.
class Encoding {
 public:
  Encoding(const Chat& chat, Losses& losses, std::string& out)
      : chat_{chat}, losses_{losses}, w_{out}, own_{chat.dialect == dialect_name} {}

  void write_all();

 private:
  void turn(const Turn& turn);
  void result(const Turn& turn);
  void assistant(const Turn& turn);
  void content(const Items& items);
  void tool_plan(const Items& texts);
  void tool_calls(const Items& calls);
  void part(const Turn::Item& item);
  void image(const model::Image& image, const model::Part& part);
  void text(std::string_view text, const model::Part& part);
  [[nodiscard]] bool sayable(const Turn::Item& item, Role role);
  void citations(const Items& texts, std::string_view type);
  void tools();
  void documents();
  void response_format(const model::ResponseFormat& format);
  void thinking(const model::Reasoning& reasoning);
  void sampling();
  void stop();
  void close_message(const Turn& turn) {
    lose_around_message(turn, own_ ? Whose::own : Whose::foreign, losses_);
    if (own_ && turn.message != nullptr) write_extras(w_, turn.message->extras, std::array<std::string_view, 1>{"citations"});
    w_.end_object();
  }

  const Chat& chat_;
  Losses& losses_;
  Writer w_;
  bool own_;
};

/// A part that content can hold. Names the others.
bool Encoding::sayable(const Turn::Item& item, Role role) {
  const auto& part = *item.part;
  if (own_ && document_in(part, "documents") != nullptr) return false;  // said on the top level
  const auto text = text_of(part);
  if (!own_ && text && text->empty()) return false;  // "must be at least 1 token long"
  bool said = text.has_value();
  if (const auto* image = std::get_if<model::Image>(&part.value)) {
    said = role == Role::user && (image->media.base64 || image->media.url);
  }
  if (const auto* thinking = std::get_if<model::Thinking>(&part.value)) {
    said = role == Role::assistant;
    if (thinking->text.empty() && !thinking->signature) return false;  // nothing to say
  }
  if (const auto* opaque = std::get_if<model::Opaque>(&part.value)) said = own_ && opaque->dialect == dialect_name;
  if (!said) lose_part(part, item.path, losses_);
  return said;
}

void Encoding::text(std::string_view text, const model::Part& part) {
  const auto* document = own_ ? document_in(part, "document") : nullptr;
  w_.begin_object();
  if (document != nullptr) {
    w_.key("type").string("document").key("document").raw(document->value.text);
  } else {
    w_.key("type").string("text").key("text").string(text);
  }
  if (own_) write_extras(w_, part.extras, std::array<std::string_view, 2>{"document", "documents"});
  w_.end_object();
}

void Encoding::image(const model::Image& image, const model::Part& part) {
  w_.begin_object().key("type").string("image_url").key("image_url").begin_object();
  w_.key("url").string(image.media.base64 ? data_url_of(image.media) : *image.media.url);
  write(w_, "detail", image.detail);
  if (own_) write_inner(w_, part.extras, "image_url");
  w_.end_object();
  if (own_) write_extras(w_, part.extras, std::array<std::string_view, 1>{"image_url"});
  w_.end_object();
}

void Encoding::part(const Turn::Item& item) {
  const auto& part = *item.part;
  lose_around_text(part, item.path, own_ ? Whose::own : Whose::foreign, losses_);
  if (const auto* opaque = std::get_if<model::Opaque>(&part.value)) {
    w_.raw(opaque->value.text);
  } else if (const auto* shown = std::get_if<model::Image>(&part.value)) {
    image(*shown, part);
  } else if (const auto* thinking = std::get_if<model::Thinking>(&part.value)) {
    w_.begin_object().key("type").string("thinking").key("thinking").string(thinking->text);
    write(w_, "signature", thinking->signature);
    if (own_) write_extras(w_, part.extras, {});
    w_.end_object();
    if (thinking->redacted || thinking->encrypted) losses_.detail(cat(item.path, ".thinking"), "opaque data");
  } else {
    text(*text_of(part), part);
  }
}

void Encoding::content(const Items& items) {
  const bool plain = items.size() == 1 && std::holds_alternative<model::Text>(items[0]->part->value) &&
                     (!own_ || items[0]->part->extras.empty());
  w_.key("content");
  if (plain) {
    lose_around_text(*items[0]->part, items[0]->path, own_ ? Whose::own : Whose::foreign, losses_);
    w_.string(std::get<model::Text>(items[0]->part->value).text);
    return;
  }
  w_.begin_array();
  for (const auto* item : items) part(*item);
  w_.end_array();
}

void Encoding::result(const Turn& turn) {
  w_.begin_object().key("role").string("tool");
  write(w_, "tool_call_id", turn.result->call_id ? turn.result->call_id : turn.result->name);
  Items items;
  for (const auto& item : turn.items) {
    if (sayable(item, Role::tool)) items.push_back(&item);
  }
  const bool failed = turn.result->is_error.value_or(false);
  if (items.empty() || failed) {
    std::string said;
    for (const auto* item : items) said += cat(said.empty() ? "" : "\n", text_of(*item->part).value_or(""));
    w_.key("content").string(result_text(turn, std::move(said), losses_));
  } else {
    content(items);
  }
  close_message(turn);
}

/// Beside calls Cohere takes no text in `content` ("text content is not allowed when tool_calls are provided … use
/// 'tool_plan'"): what the model said before it called is its plan.
void Encoding::assistant(const Turn& turn) {
  Items said;
  Items calls;
  for (const auto& item : turn.items) {
    if (std::holds_alternative<model::ToolCall>(item.part->value)) {
      calls.push_back(&item);
    } else if (sayable(item, Role::assistant)) {
      said.push_back(&item);
    }
  }
  const bool nothing = said.empty() && calls.empty();
  if (nothing && (!own_ || !turn.items.empty())) return;
  w_.begin_object().key("role").string("assistant");
  if (calls.empty()) {
    if (nothing) w_.key("content").string("");
    if (!nothing) content(said);
    citations(said, "TEXT_CONTENT");
  } else {
    Items blocks;
    Items texts;
    for (const auto* item : said) (text_of(*item->part) ? texts : blocks).push_back(item);
    if (!blocks.empty()) content(blocks);
    tool_plan(texts);
    tool_calls(calls);
    citations(texts, "PLAN");
  }
  close_message(turn);
}

void Encoding::tool_plan(const Items& texts) {
  std::string plan;
  for (const auto* item : texts) {
    lose_around_text(*item->part, item->path, own_ ? Whose::own : Whose::foreign, losses_);
    plan += *text_of(*item->part);
  }
  if (!plan.empty()) w_.key("tool_plan").string(plan);
}

void Encoding::tool_calls(const Items& calls) {
  w_.key("tool_calls").begin_array();
  for (const auto* item : calls) {
    encode_call(w_, *item->part, own_ ? Whose::own : Whose::foreign);
    lose_around_text(*item->part, item->path, own_ ? Whose::own : Whose::foreign, losses_);
    const bool custom = std::get<model::ToolCall>(item->part->value).kind == model::ToolKind::custom;
    if (custom) losses_.detail(cat(item->path, ".custom"), "said as a function");
  }
  w_.end_array();
}

void Encoding::citations(const Items& items, std::string_view type) {
  if (!own_) return;  // named as lost with their text: the sources are not this vendor's
  std::vector<std::string> said;
  for (std::size_t i = 0; i < items.size(); ++i) {
    const auto* text = std::get_if<model::Text>(&items[i]->part->value);
    if (text == nullptr) continue;
    const CitedPlace place{.type = type, .content_index = type == "PLAN" ? std::nullopt : std::optional{i}, .text = text->text};
    for (const auto& citation : text->citations) {
      Writer w{said.emplace_back()};
      encode_citation(w, citation, place);
    }
  }
  if (said.empty()) return;
  w_.key("citations").begin_array();
  for (const auto& one : said) w_.raw(one);
  w_.end_array();
}

void Encoding::turn(const Turn& turn) {
  if (turn.result != nullptr) return result(turn);
  if (turn.role == Role::assistant) return assistant(turn);
  Items items;
  for (const auto& item : turn.items) {
    if (sayable(item, turn.role)) items.push_back(&item);
  }
  if (items.empty() && (!own_ || !turn.items.empty())) return;
  // `developer` is OpenAI's later name for it.
  w_.begin_object().key("role").string(turn.role == Role::user ? "user" : "system");
  if (items.empty()) {
    w_.key("content").string("");
  } else {
    content(items);
  }
  close_message(turn);
}

void Encoding::tools() {
  using Mode = model::ToolChoice::Mode;
  const auto mode = chat_.tool_choice ? chat_.tool_choice->mode : Mode::automatic;
  const auto named = [&](const model::Tool& tool) { return tool.name == chat_.tool_choice->name; };
  const bool restricted = mode == Mode::named && chat_.tools && std::ranges::any_of(*chat_.tools, named);
  const ToolsForm form{.own = own_, .only = restricted ? std::string_view{chat_.tool_choice->name} : std::string_view{}};
  const bool said = encode_function_tools(w_, chat_, form, losses_);
  std::size_t strict = 0;
  std::size_t loose = 0;
  bool told = false;
  if (chat_.tools) {
    for (const auto& tool : *chat_.tools) {
      const bool counts = tool.kind == model::Tool::Kind::function && (!restricted || named(tool));
      if (!counts) continue;
      ++(tool.strict.value_or(false) ? strict : loose);
      told = told || tool.strict;
    }
  }
  if (told) w_.key("strict_tools").boolean(strict != 0);
  if (strict != 0 && loose != 0) losses_.detail("tools.strict", "one word for all tools");
  if (!said && !own_) {
    // Without tools there is nothing to choose.
    if (mode == Mode::required || mode == Mode::named) losses_.meaning("tool_choice", "there is no tool to call");
    return;
  }
  if (mode == Mode::named) losses_.detail("tool_choice", "said as any call with that tool alone");
  if (mode == Mode::raw) losses_.meaning("tool_choice", "only all tools or none can be chosen");
  if (mode == Mode::none) w_.key("tool_choice").string("NONE");
  if (mode == Mode::required || mode == Mode::named) w_.key("tool_choice").string("REQUIRED");
}

void Encoding::documents() {
  if (!own_) return;
  std::vector<std::string_view> said;
  for (const auto& message : chat_.messages) {
    for (const auto& part : message.parts) {
      if (const auto* document = document_in(part, "documents")) said.push_back(document->value.text);
    }
  }
  if (said.empty()) return;
  w_.key("documents").begin_array();
  for (const auto one : said) w_.raw(one);
  w_.end_array();
}

void Encoding::response_format(const model::ResponseFormat& format) {
  using Form = model::ResponseFormat::Kind;
  if (format.kind == Form::raw) {
    if (own_ && format.raw) {
      w_.key("response_format").raw(format.raw->text);
    } else {
      losses_.meaning("response_format", "JSON schemas only");
    }
    return;
  }
  w_.key("response_format").begin_object().key("type").string(format.kind == Form::text ? "text" : "json_object");
  if (format.kind == Form::json_schema) write(w_, "json_schema", format.schema);
  w_.end_object();
  if (format.name) losses_.detail("response_format.name");
  if (format.description) losses_.detail("response_format.description");
  if (format.strict == false) losses_.detail("response_format.strict", "a schema is always enforced");
}

void Encoding::thinking(const model::Reasoning& reasoning) {
  const auto& effort = reasoning.effort;
  const bool none = reasoning.mode == "disabled" || effort == "none" || (!reasoning.mode && reasoning.budget_tokens == 0U);
  if (!none && !reasoning.mode && !effort && !reasoning.budget_tokens) return;
  w_.key("thinking").begin_object().key("type").string(none ? "disabled" : "enabled");
  if (reasoning.budget_tokens && (own_ || !none)) {
    w_.key("token_budget").number(*reasoning.budget_tokens);
  } else if (effort && !none) {
    w_.key("token_budget").number(budget_of(*effort));
  }
  if (own_) write_inner(w_, chat_.extras, "thinking");
  w_.end_object();
}

void Encoding::stop() {
  if (!chat_.stop) return;
  const auto& all = *chat_.stop;
  const auto count = own_ ? all.size() : std::min(all.size(), stop_sequences_max);
  w_.key("stop_sequences").begin_array();
  for (std::size_t i = 0; i < count; ++i) w_.string(all[i]);
  w_.end_array();
  for (auto i = count; i < all.size(); ++i) losses_.meaning(cat("stop[", i, ']'), "five stop sequences at most");
}

/// The ranges are the reference's. What a client of this dialect says goes as it is: the vendor may judge.
void Encoding::sampling() {
  const auto& sampling = chat_.sampling;
  const auto put = [&](std::string_view key, const std::optional<model::Number>& number, std::string_view low,
                       std::string_view high,
                       std::string_view name) { write(w_, key, own_ ? number : clamped(number, low, high, name, losses_)); };
  put("temperature", sampling.temperature, "0", "1", "temperature");
  put("seed", sampling.seed, "0", "", "seed");
  put("frequency_penalty", sampling.frequency_penalty, "0", "1", "frequency_penalty");
  put("presence_penalty", sampling.presence_penalty, "0", "1", "presence_penalty");
  put("k", sampling.top_k, "0", "500", "top_k");
  put("p", sampling.top_p, "0.01", "0.99", "top_p");
  if (sampling.min_p) losses_.detail("min_p");
  if (sampling.repetition_penalty) losses_.detail("repetition_penalty");
  write(w_, "logprobs", chat_.logprobs);
  if (chat_.top_logprobs.value_or(0) != 0) losses_.detail("top_logprobs", "the chosen tokens only");
}

void Encoding::write_all() {
  w_.begin_object().key("model").string(chat_.model).key("messages").begin_array();
  for (const auto& one : turns_of(chat_)) turn(one);
  w_.end_array();
  tools();
  documents();
  if (chat_.response_format) response_format(*chat_.response_format);
  write(w_, "max_tokens", chat_.limits.max_output_tokens ? chat_.limits.max_output_tokens : chat_.limits.max_tokens);
  stop();
  sampling();
  if (chat_.reasoning) thinking(*chat_.reasoning);
  write(w_, "stream", chat_.stream);
  lose_common(chat_, own_ ? Whose::own : Whose::foreign, losses_);
  if (own_) write_extras(w_, chat_.extras, std::array<std::string_view, 1>{"thinking"});
  w_.end_object();
}

}  // namespace

std::string Cohere::encode_request(const Chat& chat, Losses& losses) const {
  std::string out;
  Encoding{chat, losses, out}.write_all();
  return out;
}

}  // namespace cardea::dialect::cohere_v2
