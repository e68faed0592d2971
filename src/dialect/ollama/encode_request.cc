// A model::Chat becomes a request to an upstream, in either form.

#include <algorithm>
#include <array>

#include "dialect/ollama/ollama.h"
#include "dialect/translate.h"
#include "dialect/turns.h"

namespace cardea::dialect::ollama_native {

using json::Writer;
using model::Chat;
using model::Role;

namespace {

/// Fields of /api/generate that change what is asked; /api/chat has none of them.
constexpr std::array<std::string_view, 4> generate_only{"suffix", "template", "raw", "context"};

/// The parts of a message, sorted.
struct Sorted {
  Said said;
  bool any = false;
};

/// Writes one request. Short-lived.
class Encoding {
 public:
  Encoding(const Chat& chat, Form form, Losses& losses, std::string& out)
      : chat_{chat}, form_{form}, losses_{losses}, w_{out}, own_{is_own(chat.dialect)} {}

  void write_all();

 private:
  [[nodiscard]] Sorted sort(const Turn& turn);
  void turn(const Turn& turn);
  void result(const Turn& turn);
  void prompt(const std::vector<Turn>& turns);
  void images(const Said& said);
  void tools();
  void format(const model::ResponseFormat& format);
  void options();
  void think(const model::Reasoning& reasoning);
  void extras();

  const Chat& chat_;
  Form form_;
  Losses& losses_;
  Writer w_;
  bool own_;
};

/// Texts of one message are one text: an assistant's follow each other, another's stand in lines of their own.
Sorted Encoding::sort(const Turn& turn) {
  Sorted out;
  const std::string_view between = turn.role == Role::assistant ? "" : "\n";
  std::size_t thoughts = 0;
  bool text_after_image = false;
  bool text_first = false;
  for (const auto& item : turn.items) {
    const auto& part = *item.part;
    bool said = true;
    if (const auto text = text_of(part)) {
      text_after_image = text_after_image || !out.said.images.empty();
      text_first = text_first || out.said.images.empty();
      if (!out.said.text.empty() && !text->empty()) out.said.text += between;
      out.said.text += *text;
    } else if (const auto* thinking = std::get_if<model::Thinking>(&part.value)) {
      if (!out.said.thinking.empty() && !thinking->text.empty()) out.said.thinking += "\n\n";
      out.said.thinking += thinking->text;
      out.said.signature = thinking->signature;
      const bool alone = ++thoughts == 1;
      if (!alone) out.said.signature.reset();
      const bool lost = (!alone && thinking->signature) || thinking->redacted || thinking->encrypted;
      if (lost) losses_.detail(cat(item.path, ".thinking.signature"));
      said = !thinking->text.empty() || thinking->signature;
    } else if (std::holds_alternative<model::ToolCall>(part.value) && turn.role == Role::assistant) {
      out.said.calls.push_back(&part);
      const bool custom = std::get<model::ToolCall>(part.value).kind == model::ToolKind::custom;
      if (custom) losses_.detail(cat(item.path, ".custom"), "said as a function");
    } else if (const auto* image = std::get_if<model::Image>(&part.value); image != nullptr && image->media.base64) {
      out.said.images.push_back(&part);
      if (image->detail.value_or("auto") != "auto") losses_.detail(cat(item.path, ".image.detail"));
    } else {
      said = false;
      if (image != nullptr) {
        losses_.meaning(cat(item.path, ".image"), "images must come as bytes");
      } else {
        lose_part(part, item.path, losses_);
      }
    }
    if (said) lose_around_text(part, item.path, own_ ? Whose::own : Whose::foreign, losses_);
    out.any = out.any || said;
  }
  if (text_first && text_after_image) losses_.detail(cat(turn.path, ".content"), "images stand apart from the text");
  return out;
}

void Encoding::images(const Said& said) {
  if (said.images.empty()) return;
  w_.key("images").begin_array();
  for (const auto* part : said.images) w_.string(*std::get<model::Image>(part->value).media.base64);
  w_.end_array();
}

void Encoding::result(const Turn& turn) {
  const auto sorted = sort(turn);
  w_.begin_object().key("role").string("tool").key("content").string(result_text(turn, sorted.said.text, losses_));
  write(w_, "tool_name", turn.result->name);
  write(w_, "tool_call_id", turn.result->call_id);
  lose_around_message(turn, own_ ? Whose::own : Whose::foreign, losses_);
  if (own_) write_extras(w_, turn.message->extras, {});
  w_.end_object();
}

void Encoding::turn(const Turn& turn) {
  if (turn.result != nullptr) return result(turn);
  const auto sorted = sort(turn);
  if (!sorted.any && !turn.items.empty()) return;
  // `developer` is OpenAI's later name for it.
  w_.begin_object().key("role").string(turn.role == Role::developer ? "system" : name(turn.role));
  w_.key("content").string(sorted.said.text);
  encode_beside_text(w_, sorted.said, own_ ? Whose::own : Whose::foreign);
  lose_around_message(turn, own_ ? Whose::own : Whose::foreign, losses_);
  if (own_ && turn.message != nullptr) write_extras(w_, turn.message->extras, {});
  w_.end_object();
}

/// /api/generate: the system prompts, and the last user turn; there is no place for what was said before.
void Encoding::prompt(const std::vector<Turn>& turns) {
  std::string system;
  const Turn* last = nullptr;
  for (const auto& one : turns) {
    if (one.role == Role::user) last = &one;
  }
  for (const auto& one : turns) {
    const bool instruction = one.role == Role::system || one.role == Role::developer;
    if (!instruction && &one != last) losses_.meaning(one.path, "one prompt only");
    if (!instruction) continue;
    if (!system.empty()) system += '\n';
    system += sort(one).said.text;
  }
  if (!system.empty()) w_.key("system").string(system);
  if (last == nullptr) return;
  const auto sorted = sort(*last);
  w_.key("prompt").string(sorted.said.text);
  images(sorted.said);
  lose_around_message(*last, own_ ? Whose::own : Whose::foreign, losses_);
}

void Encoding::tools() {
  using Mode = model::ToolChoice::Mode;
  const auto mode = chat_.tool_choice ? chat_.tool_choice->mode : Mode::automatic;
  if (form_ == Form::generate) {
    if (mode == Mode::none) return;  // nothing to leave out
    if (chat_.tools && !chat_.tools->empty()) losses_.meaning("tools", "/api/generate has none");
    return;
  }
  const bool some = chat_.tools && !chat_.tools->empty();
  if (mode == Mode::none && some) {
    // The model cannot call what it does not know of.
    losses_.detail("tool_choice", "said by leaving the tools out");
    return;
  }
  if (mode == Mode::required || mode == Mode::named) losses_.meaning("tool_choice", "a call cannot be demanded");
  if (mode == Mode::raw) losses_.meaning("tool_choice", "tools cannot be chosen");
  const auto named = [&](const model::Tool& tool) { return tool.name == chat_.tool_choice->name; };
  const bool restricted = mode == Mode::named && some && std::ranges::any_of(*chat_.tools, named);
  encode_function_tools(
      w_, chat_,
      {.own = own_, .strict = false, .only = restricted ? std::string_view{chat_.tool_choice->name} : std::string_view{}},
      losses_);
}

void Encoding::format(const model::ResponseFormat& format) {
  using Kind_of = model::ResponseFormat::Kind;
  if (format.kind == Kind_of::json_schema && format.schema) {
    write(w_, "format", format.schema);
  } else if (format.kind == Kind_of::json_object || format.kind == Kind_of::json_schema) {
    w_.key("format").string("json");
  } else if (format.kind == Kind_of::raw) {
    losses_.meaning("response_format", "JSON schemas only");
  }
  if (format.name) losses_.detail("response_format.name");
  if (format.description) losses_.detail("response_format.description");
  if (format.strict == false) losses_.detail("response_format.strict", "a schema is always enforced");
}

void Encoding::options() {
  std::string inside;
  Writer w{inside};
  const auto& sampling = chat_.sampling;
  w.begin_object();
  write(w, "temperature", sampling.temperature);
  write(w, "top_p", sampling.top_p);
  write(w, "top_k", sampling.top_k);
  write(w, "min_p", sampling.min_p);
  write(w, "seed", sampling.seed);
  write(w, "repeat_penalty", sampling.repetition_penalty);
  write(w, "presence_penalty", sampling.presence_penalty);
  write(w, "frequency_penalty", sampling.frequency_penalty);
  write(w, "num_predict", chat_.limits.max_output_tokens ? chat_.limits.max_output_tokens : chat_.limits.max_tokens);
  write(w, "stop", chat_.stop);
  if (own_) write_inner(w, chat_.extras, "options");
  w.end_object();
  if (inside != "{}") w_.key("options").raw(inside);
}

/// Levels are all that is known of how much; `true` leaves it to the model.
void Encoding::think(const model::Reasoning& reasoning) {
  struct Row {
    std::string_view effort;
    std::string_view level;
  };
  constexpr std::array<Row, 5> rows{
      {{"minimal", "low"}, {"low", "low"}, {"medium", "medium"}, {"high", "high"}, {"xhigh", "max"}}};
  const bool none = reasoning.mode == "disabled" || reasoning.effort == "none" ||
                    (!reasoning.mode && !reasoning.effort && reasoning.budget_tokens == 0U);
  if (none) {
    w_.key("think").boolean(false);
    return;
  }
  std::string_view effort = reasoning.effort ? std::string_view{*reasoning.effort} : std::string_view{};
  if (effort.empty() && reasoning.budget_tokens) effort = effort_of(*reasoning.budget_tokens);
  if (reasoning.budget_tokens) losses_.detail("reasoning.budget_tokens", "said as a level");
  if (effort == "minimal" && reasoning.effort) losses_.detail("reasoning.effort", "low is the least");
  const auto* row = std::ranges::find(rows, effort, &Row::effort);
  if (row != rows.end()) {
    w_.key("think").string(row->level);
  } else if (reasoning.mode || !effort.empty()) {
    w_.key("think").boolean(true);
  }
}

void Encoding::extras() {
  const bool moved = own_ && chat_.dialect != name_of(form_);
  for (const auto& extra : chat_.extras) {
    if (!own_ || extra.key == "options") continue;
    const bool absent_here = moved && std::ranges::find(generate_only, extra.key) != generate_only.end();
    const bool says_nothing = extra.value.text == "\"\"" || extra.value.text == "false" || extra.value.text == "[]";
    if (!absent_here) {
      w_.key(extra.key).raw(extra.value.text);
    } else if (!says_nothing) {
      losses_.meaning(extra.key, "/api/generate alone has it");
    }
  }
}

void Encoding::write_all() {
  w_.begin_object().key("model").string(chat_.model);
  const auto turns = turns_of(chat_);
  if (form_ == Form::chat) {
    w_.key("messages").begin_array();
    for (const auto& one : turns) turn(one);
    w_.end_array();
  } else {
    prompt(turns);
  }
  tools();
  if (chat_.response_format) format(*chat_.response_format);
  options();
  if (chat_.reasoning) think(*chat_.reasoning);
  w_.key("stream").boolean(chat_.stream.value_or(false));  // silence would mean true
  write(w_, "logprobs", chat_.logprobs);
  write(w_, "top_logprobs", chat_.top_logprobs);
  lose_common(chat_, own_ ? Whose::own : Whose::foreign, losses_);
  extras();
  w_.end_object();
}

}  // namespace

std::string Ollama::encode_request(const Chat& chat, Losses& losses) const {
  std::string out;
  Encoding{chat, form_, losses, out}.write_all();
  return out;
}

}  // namespace cardea::dialect::ollama_native
