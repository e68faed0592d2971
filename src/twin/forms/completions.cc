#include "base/text.h"
#include "json/writer.h"
#include "twin/forms/openai.h"
#include "twin/forms/steps.h"
#include "twin/tokens.h"

// OpenAI's legacy completions (platform.openai.com/docs/api-reference/completions): a prompt instead of messages.

namespace cardea::twin {
namespace {

using json::Type;
using json::Writer;

// ---- Reading ---------------------------------------------------------------------------------------------------------------

void add_prompt(ChatRequest& request, std::string text) {
  request.prompts.push_back(keep(request, text));
  request.turns.push_back({Role::user, {{.text = std::move(text)}}});
}

/// A text, texts, tokens, or lists of tokens; what tokens stand for only their model knows.
Status take_prompt(const At& at, ChatRequest& request) {
  request.messages = keep(request, at.value().dump());
  if (at.value().is(Type::string)) {
    add_prompt(request, at.text());
    return {};
  }
  const auto& all = at.value().elements();
  if (all.empty()) return at.refuse("empty array.");
  if (all.front().is(Type::number)) {
    Status status = at.each(is_number, [](const At&) { return Status{}; });
    if (status) add_prompt(request, at.value().dump());
    return status;
  }
  return at.each(is_text | is_list, [&](const At& one) -> Status {
    add_prompt(request, one.value().is(Type::string) ? one.text() : one.value().dump());
    return {};
  });
}

Status take_stop(const At& at, ChatRequest& request) {
  if (at.value().is(Type::array)) return take_stops(at, 4);
  request.stop.push_back(at.text());
  return {};
}
Status take_logprobs(const At& at, ChatRequest& request) {
  request.logprobs = true;
  return check_whole(at, 0, 5, request.top_logprobs);
}
Status read_stream_options(const At& at, ChatRequest& request) {
  constexpr Row<ChatRequest> rows[] = {{"include_usage", is_bool, take_bool<&ChatRequest::include_usage>},
                                       {"include_obfuscation", is_bool}};
  return read_members(at, rows, request);
}
template <char Which>
Status take_number(const At& at, ChatRequest&) {
  switch (Which) {
    case 't': return take_sampling(at, "temperature", 0, 2);
    case 'p': return take_sampling(at, "top_p", 0, 1);
    case 'f': return take_sampling(at, "frequency_penalty", -2, 2);
    default: return take_sampling(at, "presence_penalty", -2, 2);
  }
}
Status note(const At& at, ChatRequest&) { return take_note(at, at.path()); }

constexpr Row<ChatRequest> rows[] = {
    {"model", is_text, nullptr, true},
    {"prompt", is_text | is_list, take_prompt, true},
    {"best_of", is_whole},
    {"echo", is_bool, note},
    {"suffix", is_text, note},
    {"max_tokens", is_whole, take_whole<&ChatRequest::max_tokens>},
    {"n", is_whole, take_whole<&ChatRequest::n, 1, 128>},
    {"stop", is_text | is_list, take_stop},
    {"stream", is_bool, take_bool<&ChatRequest::stream>},
    {"stream_options", is_object, read_stream_options},
    {"logprobs", is_whole, take_logprobs},
    {"logit_bias", is_object, note},
    {"temperature", is_number, take_number<'t'>},
    {"top_p", is_number, take_number<'p'>},
    {"frequency_penalty", is_number, take_number<'f'>},
    {"presence_penalty", is_number, take_number<'r'>},
    {"seed", is_whole, [](const At& at, ChatRequest&) { return take_seed(at, "seed"); }},
    {"user", is_text, note},
};

Status read_completions(const Ask& ask, ChatRequest& out) {
  constexpr std::uint64_t tokens_by_default = 16;
  Status parsed = parse_document(ask, out);
  if (!parsed) {
    return refuse_request(cat("We could not parse the JSON body of your request. (", parsed.error().message(), ")"), "", "");
  }
  const auto* model = out.document.find("model");
  if (model != nullptr && model->as_string() != nullptr) out.model = *model->as_string();
  // As in OpenAI's chat, many vendors speak this, with fields of their own.
  Reading reading{.request = out, .words = openai_words, .strict = ask.strict.value_or(false)};
  Status status = read_members(At{reading, out.document, ""}, rows, out);
  if (!status) return status;
  settle(out);
  if (!out.max_tokens) out.max_tokens = tokens_by_default;
  return {};
}

// ---- Writing ---------------------------------------------------------------------------------------------------------------

std::string_view finish_reason(Finish finish) {
  return finish == Finish::length ? "length" : finish == Finish::filter ? "content_filter" : "stop";
}

void write_opening(Writer& writer, const Answer& answer, const Scene& scene) {
  writer.begin_object().key("id").string(answer.id).key("object").string("text_completion").key("created").number(scene.created);
  writer.key("model").string(scene.model).key("system_fingerprint").string("fp_twin");
}

/// The old form of log-probabilities: four lists.
void write_logprobs(Writer& writer, const ChatRequest& request, std::string_view text, std::size_t offset) {
  writer.key("logprobs");
  if (!request.logprobs) {
    writer.null();
    return;
  }
  std::vector<std::string_view> tokens;
  for (std::size_t at = 0; at < text.size(); at = token_end(text, at))
    tokens.push_back(text.substr(at, token_end(text, at) - at));
  const auto each = [&](std::string_view key, auto write) {
    writer.key(key).begin_array();
    for (const auto token : tokens) write(token);
    writer.end_array();
  };
  const auto probability = [](std::string_view token) { return -static_cast<double>(fingerprint(token) % 500) / 1000; };
  writer.begin_object();
  each("tokens", [&](std::string_view token) { writer.string(token); });
  each("token_logprobs", [&](std::string_view token) { writer.number(probability(token)); });
  each("top_logprobs", [&](std::string_view token) {
    writer.begin_object();
    if (request.top_logprobs != 0) writer.key(token).number(probability(token));
    writer.end_object();
  });
  each("text_offset",
       [&](std::string_view token) { writer.number(offset + static_cast<std::size_t>(token.data() - text.data())); });
  writer.end_object();
}

void write_choice(Writer& writer, std::string_view text, std::size_t offset, std::size_t index, const Choice* finished,
                  const Scene& scene) {
  writer.begin_object().key("text").string(text).key("index").number(index);
  write_logprobs(writer, scene.request, text, offset);
  writer.key("finish_reason");
  if (finished != nullptr) {
    writer.string(finish_reason(finished->finish));
  } else {
    writer.null();
  }
  writer.end_object();
}

/// What a choice says; a refusal is a text here.
std::string text_of(const Answer& answer, std::size_t index, const Scene& scene) {
  const auto& choice = answer.choices[index];
  const auto* echo = scene.request.document.find("echo");
  const bool echoes = echo != nullptr && echo->as_bool().value_or(false);
  const auto& prompts = scene.request.prompts;
  const auto prompt =
      echoes ? prompts[index / std::max<std::size_t>(1, answer.choices.size() / prompts.size())] : std::string_view{};
  return cat(prompt, choice.text, choice.refusal);
}

class Stream final : public EventSource {
 public:
  Stream(const Answer& answer, const Scene& scene) : answer_{answer}, scene_{scene} {
    if (!answer.choices.empty()) text_ = text_of(answer, 0, scene);
  }
  bool next(Event& out) override;

 private:
  void usage(Event& out);
  const Answer& answer_;
  Scene scene_;
  std::string text_;
  std::size_t choice_ = 0;
  std::size_t at_ = 0;
  bool usage_said_ = false;
};

void Stream::usage(Event& out) {
  usage_said_ = true;
  Writer writer{out.data};
  write_opening(writer, answer_, scene_);
  std::string sums;
  append_openai_usage(sums, answer_);
  writer.key("choices").begin_array().end_array().key("usage").raw(sums).end_object();
}

bool Stream::next(Event& out) {
  if (choice_ == answer_.choices.size()) {
    if (usage_said_ || !scene_.request.include_usage) return false;
    usage(out);
    return true;
  }
  const bool over = at_ == text_.size();
  const std::size_t end = over ? at_ : token_end(text_, at_);
  Writer writer{out.data};
  write_opening(writer, answer_, scene_);
  writer.key("choices").begin_array();
  const auto piece = std::string_view{text_}.substr(at_, end - at_);
  write_choice(writer, piece, at_, choice_, over ? &answer_.choices[choice_] : nullptr, scene_);
  writer.end_array();
  if (scene_.request.include_usage) writer.key("usage").null();
  writer.end_object();
  out.token = !over;
  at_ = end;
  if (!over) return true;
  at_ = 0;
  text_ = ++choice_ < answer_.choices.size() ? text_of(answer_, choice_, scene_) : std::string{};
  return true;
}

std::string document(const Answer& answer, const Scene& scene) {
  std::string out;
  Writer writer{out};
  write_opening(writer, answer, scene);
  writer.key("choices").begin_array();
  for (std::size_t i = 0; i < answer.choices.size(); ++i) {
    write_choice(writer, text_of(answer, i, scene), 0, i, &answer.choices[i], scene);
  }
  std::string sums;
  append_openai_usage(sums, answer);
  writer.end_array().key("usage").raw(sums).end_object();
  return out;
}

std::unique_ptr<EventSource> events(const Answer& answer, const Scene& scene) { return std::make_unique<Stream>(answer, scene); }

}  // namespace

const Form completions_form{.name = "completions",
                            .ids = {"cmpl-twin-", ""},
                            .read = read_completions,
                            .document = document,
                            .events = events,
                            .count = nullptr,
                            .failure = openai_failure,
                            .failure_event = openai_failure_event,
                            .framing = Framing::sse,
                            .done = "[DONE]",
                            .id_line = "openai-version: 2020-10-01\r\nx-request-id: req_"};

}  // namespace cardea::twin
