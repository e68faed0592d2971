#include "base/text.h"
#include "json/writer.h"
#include "twin/forms/openai_chat.h"
#include "twin/forms/steps.h"
#include "twin/tokens.h"

namespace cardea::twin {
namespace {

constexpr std::string_view vendor_fields = R"("service_tier":"default","system_fingerprint":"fp_twin")";

void append_nullable(std::string& out, std::string_view text) {
  if (text.empty()) {
    out += "null";
  } else {
    json::append_string(out, text);
  }
}

/// A refusal is known by its text, not by its reason.
std::string_view finish_reason(Finish finish) {
  switch (finish) {
    case Finish::stop:
    case Finish::stop_sequence:
    case Finish::refusal: return "stop";
    case Finish::length: return "length";
    case Finish::tool_calls: return "tool_calls";
    case Finish::filter: return "content_filter";
  }
  return "stop";
}

/// OpenAI counts characters (platform.openai.com/docs/guides/tools-web-search, "Output and citations").
void append_annotations(std::string& out, const Choice& choice) {
  out += '[';
  const std::string_view text = choice.text;
  for (const auto& citation : choice.citations) {
    if (&citation != choice.citations.data()) out += ',';
    out += R"({"type":"url_citation","url_citation":{"start_index":)";
    append(out, count_characters(text.substr(0, citation.start)));
    out += R"(,"end_index":)";
    append(out, count_characters(text.substr(0, citation.end)));
    out += R"(,"title":)";
    json::append_string(out, citation.title);
    out += R"(,"url":)";
    json::append_string(out, citation.url);
    out += "}}";
  }
  out += ']';
}

void append_logprobs(std::string& out, std::string_view text, const ChatRequest& request) {
  if (!request.logprobs) {
    out += "null";
    return;
  }
  out += R"({"content":[)";
  append_openai_logprobs(out, text, request.top_logprobs);
  out += R"(],"refusal":null})";
}

void append_call(std::string& out, const ToolCall& call, std::string_view arguments) {
  out += R"("id":)";
  json::append_string(out, call.id);
  out += call.custom ? R"(,"type":"custom","custom":{"name":)" : R"(,"type":"function","function":{"name":)";
  json::append_string(out, call.name);
  out += call.custom ? R"(,"input":)" : R"(,"arguments":)";
  json::append_string(out, arguments);
  out += "}}";
}

bool has_content(const Choice& choice) { return !choice.text.empty() || (choice.calls.empty() && choice.refusal.empty()); }

void append_choice(std::string& out, const Choice& choice, std::size_t index, const ChatRequest& request) {
  out += R"({"index":)";
  append(out, index);
  out += R"(,"message":{"role":"assistant","content":)";
  // A text that was cut to nothing is empty; one that was never meant is null.
  if (has_content(choice)) {
    json::append_string(out, choice.text);
  } else {
    out += "null";
  }
  if (!choice.reasoning.empty()) {
    out += R"(,"reasoning_content":)";
    json::append_string(out, choice.reasoning);
  }
  for (std::size_t i = 0; i < choice.calls.size(); ++i) {
    out += i == 0 ? R"(,"tool_calls":[{)" : ",{";
    append_call(out, choice.calls[i], choice.calls[i].arguments);
  }
  if (!choice.calls.empty()) out += ']';
  out += R"(,"refusal":)";
  append_nullable(out, choice.refusal);
  out += R"(,"annotations":)";
  append_annotations(out, choice);
  out += R"(},"logprobs":)";
  append_logprobs(out, choice.text, request);
  out += R"(,"finish_reason":)";
  json::append_string(out, finish_reason(choice.finish));
  out += '}';
}

void append_opening(std::string& out, const Answer& answer, const Scene& scene, std::string_view object) {
  out += R"({"id":")";
  out += answer.id;
  out += R"(","object":")";
  out += object;
  out += R"(","created":)";
  append(out, scene.created);
  out += R"(,"model":)";
  json::append_string(out, scene.model);
}

/// The chat.completion.chunk objects of one stream: role, then text token by token or calls in fragments, finish, and usage when
/// asked for. Several choices take turns.
class ChunkSource final : public EventSource {
 public:
  ChunkSource(const Answer& answer, const Scene& scene);
  bool next(Event& out) override;

 private:
  enum class Phase : std::uint8_t { role, reasoning, refusal, text, annotations, calls, finish, over };
  struct Cursor {
    Phase phase = Phase::role;
    std::size_t at = 0;  ///< in the text or the arguments of the phase
    std::size_t call = 0;
    bool named = false;  ///< the call has been introduced
  };
  bool chunk(std::size_t index, std::string& out);
  void skip_empty(const Choice& choice, Cursor& cursor) const;
  void token(std::string_view key, std::string_view text, Cursor& cursor, std::string& out);
  void call_fragment(const Choice& choice, Cursor& cursor, std::string& out);
  void usage(std::string& out);

  const Answer& answer_;
  const ChatRequest& request_;
  std::string prefix_;
  std::string suffix_;
  std::vector<Cursor> cursors_;
  std::size_t turn_ = 0;
  std::size_t left_;
  bool usage_said_ = false;
};

ChunkSource::ChunkSource(const Answer& answer, const Scene& scene)
    : answer_{answer}, request_{scene.request}, cursors_(answer.choices.size()), left_{answer.choices.size()} {
  append_opening(prefix_, answer, scene, "chat.completion.chunk");
  prefix_ += ',';
  prefix_ += vendor_fields;
  prefix_ += R"(,"choices":[)";
  suffix_ = request_.include_usage ? R"(],"usage":null})" : "]}";
}

bool ChunkSource::next(Event& out) {
  if (left_ == 0) {
    if (!request_.include_usage || usage_said_) return false;
    usage(out.data);
    return true;
  }
  while (cursors_[turn_].phase == Phase::over) turn_ = (turn_ + 1) % cursors_.size();
  out.data += prefix_;
  out.token = chunk(turn_, out.data);
  out.data += suffix_;
  turn_ = (turn_ + 1) % cursors_.size();
  return true;
}

void ChunkSource::usage(std::string& out) {
  usage_said_ = true;
  out += prefix_;
  out += R"(],"usage":)";
  append_openai_usage(out, answer_);
  out += '}';
}

void ChunkSource::skip_empty(const Choice& choice, Cursor& cursor) const {
  const auto over = [&](std::string_view text) { return cursor.at >= text.size(); };
  while (true) {
    bool done = false;
    switch (cursor.phase) {
      case Phase::reasoning: done = over(choice.reasoning); break;
      case Phase::refusal: done = over(choice.refusal); break;
      case Phase::text: done = over(choice.text); break;
      case Phase::annotations: done = cursor.at > 0 || choice.citations.empty(); break;
      case Phase::calls: done = cursor.call == choice.calls.size(); break;
      default: break;
    }
    if (!done) return;
    cursor.phase = static_cast<Phase>(static_cast<int>(cursor.phase) + 1);
    cursor.at = 0;
  }
}

void ChunkSource::token(std::string_view key, std::string_view text, Cursor& cursor, std::string& out) {
  const auto end = token_end(text, cursor.at);
  const auto part = text.substr(cursor.at, end - cursor.at);
  out += R"({")";
  out += key;
  out += R"(":)";
  json::append_string(out, part);
  cursor.at = end;
  if (!request_.logprobs || key != "content") {
    out += R"(},"logprobs":null,"finish_reason":null})";
    return;
  }
  out += R"(},"logprobs":{"content":[)";
  append_openai_logprobs(out, part, request_.top_logprobs);
  out += R"(],"refusal":null},"finish_reason":null})";
}

void ChunkSource::call_fragment(const Choice& choice, Cursor& cursor, std::string& out) {
  const auto& call = choice.calls[cursor.call];
  out += R"({"tool_calls":[{"index":)";
  append(out, cursor.call);
  out += ',';
  if (!cursor.named) {
    append_call(out, call, "");
    cursor.named = true;
  } else {
    const auto end = fragment_end(call.arguments, cursor.at);
    out += call.custom ? R"("custom":{"input":)" : R"("function":{"arguments":)";
    json::append_string(out, std::string_view{call.arguments}.substr(cursor.at, end - cursor.at));
    out += "}}";
    cursor.at = end;
  }
  if (cursor.at == call.arguments.size()) {
    ++cursor.call;
    cursor.at = 0;
    cursor.named = false;
  }
  out += R"(]},"logprobs":null,"finish_reason":null})";
}

/// True: made of a token.
bool ChunkSource::chunk(std::size_t index, std::string& out) {
  auto& cursor = cursors_[index];
  const auto& choice = answer_.choices[index];
  skip_empty(choice, cursor);
  out += R"({"index":)";
  append(out, index);
  out += R"(,"delta":)";
  switch (cursor.phase) {
    case Phase::role:
      out += R"({"role":"assistant","content":)";
      out += has_content(choice) ? R"("")" : "null";
      out += R"(,"refusal":null},"logprobs":null,"finish_reason":null})";
      cursor.phase = Phase::reasoning;
      return false;
    case Phase::reasoning: token("reasoning_content", choice.reasoning, cursor, out); return true;
    case Phase::refusal: token("refusal", choice.refusal, cursor, out); return true;
    case Phase::text: token("content", choice.text, cursor, out); return true;
    case Phase::annotations:
      cursor.at = 1;
      out += R"({"annotations":)";
      append_annotations(out, choice);
      out += R"(},"logprobs":null,"finish_reason":null})";
      return false;
    case Phase::calls: call_fragment(choice, cursor, out); return true;
    case Phase::finish:
      out += R"({},"logprobs":null,"finish_reason":)";
      json::append_string(out, finish_reason(choice.finish));
      out += '}';
      cursor.phase = Phase::over;
      --left_;
      return false;
    case Phase::over: break;
  }
  return false;
}

}  // namespace

std::string openai_chat_document(const Answer& answer, const Scene& scene) {
  std::string out;
  std::size_t text = 0;
  for (const auto& choice : answer.choices) text += choice.text.size() + 256;
  out.reserve(640 + text);
  append_opening(out, answer, scene, "chat.completion");
  out += R"(,"choices":[)";
  for (std::size_t i = 0; i < answer.choices.size(); ++i) {
    if (i != 0) out += ',';
    append_choice(out, answer.choices[i], i, scene.request);
  }
  out += R"(],"usage":)";
  append_openai_usage(out, answer);
  out += ',';
  out += vendor_fields;
  out += '}';
  return out;
}

std::unique_ptr<EventSource> openai_chat_events(const Answer& answer, const Scene& scene) {
  return std::make_unique<ChunkSource>(answer, scene);
}

}  // namespace cardea::twin
