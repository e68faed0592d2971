#include "twin/render.h"

#include "base/text.h"
#include "json/writer.h"
#include "twin/tokens.h"

namespace cardea::twin {
namespace {

constexpr std::string_view vendor_fields = R"("service_tier":"default","system_fingerprint":"fp_twin")";
constexpr std::size_t fragment_bytes = 8;  ///< of a call's arguments

void append_nullable(std::string& out, std::string_view text) {
  if (text.empty()) {
    out += "null";
  } else {
    json::append_string(out, text);
  }
}

void append_usage(std::string& out, const Answer& answer) {
  out += R"({"prompt_tokens":)";
  append(out, answer.prompt_tokens);
  out += R"(,"completion_tokens":)";
  append(out, answer.completion_tokens);
  out += R"(,"total_tokens":)";
  append(out, answer.prompt_tokens + answer.completion_tokens);
  out += R"(,"prompt_tokens_details":{"cached_tokens":0,"audio_tokens":0},"completion_tokens_details":{"reasoning_tokens":)";
  append(out, answer.reasoning_tokens);
  out += R"(,"audio_tokens":0,"accepted_prediction_tokens":0,"rejected_prediction_tokens":0}})";
}

/// -0.000 … -0.999: how sure a model that knows its answer pretends to be.
void append_probability(std::string& out, std::uint64_t thousandths) {
  out += "-0.";
  const auto digits = cat(1000 + thousandths % 1000);
  out.append(digits, 1);
}

void append_one_logprob(std::string& out, std::string_view token, std::uint64_t thousandths) {
  out += R"({"token":)";
  json::append_string(out, token);
  out += R"(,"logprob":)";
  append_probability(out, thousandths);
  out += R"(,"bytes":[)";
  for (std::size_t i = 0; i < token.size(); ++i) {
    if (i != 0) out += ',';
    append(out, static_cast<unsigned>(static_cast<unsigned char>(token[i])));
  }
  out += ']';
}

void append_logprob(std::string& out, std::string_view token, std::uint64_t top) {
  const auto chance = fingerprint(token) % 500;
  append_one_logprob(out, token, chance);
  out += R"(,"top_logprobs":[)";
  for (std::uint64_t i = 0; i < top; ++i) {
    if (i != 0) out += ',';
    append_one_logprob(out, i == 0 ? std::string{token} : cat(token, i), chance + i * 25);
    out += '}';
  }
  out += "]}";
}

void append_logprobs(std::string& out, std::string_view text, const Form& form) {
  if (!form.logprobs) {
    out += "null";
    return;
  }
  out += R"({"content":[)";
  for (std::size_t at = 0; at < text.size();) {
    if (at != 0) out += ',';
    const auto end = token_end(text, at);
    append_logprob(out, text.substr(at, end - at), form.top_logprobs);
    at = end;
  }
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

void append_choice(std::string& out, const Choice& choice, std::size_t index, const Form& form) {
  out += R"({"index":)";
  append(out, index);
  out += R"(,"message":{"role":"assistant","content":)";
  // A text that was cut to nothing is empty; one that was never meant is null.
  if (choice.calls.empty() && choice.refusal.empty()) {
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
  out += R"(,"annotations":[]},"logprobs":)";
  append_logprobs(out, choice.text, form);
  out += R"(,"finish_reason":)";
  json::append_string(out, choice.finish);
  out += '}';
}

void append_opening(std::string& out, const Answer& answer, const Form& form, std::string_view object) {
  out += R"({"id":")";
  out += answer.id;
  out += R"(","object":")";
  out += object;
  out += R"(","created":)";
  append(out, form.created);
  out += R"(,"model":)";
  json::append_string(out, form.model);
}

std::size_t fragment_end(std::string_view text, std::size_t at) {
  std::size_t end = std::min(text.size(), at + fragment_bytes);
  while (end < text.size() && (static_cast<unsigned char>(text[end]) & 0xc0) == 0x80) ++end;
  return end;
}

}  // namespace

std::string completion(const Answer& answer, const Form& form) {
  std::string out;
  std::size_t text = 0;
  for (const auto& choice : answer.choices) text += choice.text.size() + 256;
  out.reserve(640 + text);
  append_opening(out, answer, form, "chat.completion");
  out += R"(,"choices":[)";
  for (std::size_t i = 0; i < answer.choices.size(); ++i) {
    if (i != 0) out += ',';
    append_choice(out, answer.choices[i], i, form);
  }
  out += R"(],"usage":)";
  append_usage(out, answer);
  out += ',';
  out += vendor_fields;
  out += '}';
  return out;
}

std::string error_object(std::string_view message, std::string_view type, std::string_view param, std::string_view code) {
  std::string out = R"({"error":{"message":)";
  json::append_string(out, message);
  out += R"(,"type":)";
  json::append_string(out, type);
  out += R"(,"param":)";
  append_nullable(out, param);
  out += R"(,"code":)";
  append_nullable(out, code);
  out += "}}";
  return out;
}

ChunkSource::ChunkSource(const Answer& answer, const Form& form)
    : answer_{answer}, form_{form}, cursors_(answer.choices.size()), left_{answer.choices.size()} {
  append_opening(prefix_, answer, form, "chat.completion.chunk");
  prefix_ += ',';
  prefix_ += vendor_fields;
  prefix_ += R"(,"choices":[)";
  suffix_ = form.include_usage ? R"(],"usage":null})" : "]}";
}

bool ChunkSource::next(std::string& out) {
  was_token_ = false;
  if (left_ == 0) {
    if (!form_.include_usage || usage_said_) return false;
    usage(out);
    return true;
  }
  while (cursors_[turn_].phase == Phase::over) turn_ = (turn_ + 1) % cursors_.size();
  out += prefix_;
  chunk(turn_, out);
  out += suffix_;
  turn_ = (turn_ + 1) % cursors_.size();
  return true;
}

void ChunkSource::usage(std::string& out) {
  usage_said_ = true;
  out += prefix_;
  out += R"(],"usage":)";
  append_usage(out, answer_);
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
  was_token_ = true;
  if (!form_.logprobs || key != "content") {
    out += R"(},"logprobs":null,"finish_reason":null})";
    return;
  }
  out += R"(},"logprobs":{"content":[)";
  append_logprob(out, part, form_.top_logprobs);
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
  was_token_ = true;
  out += R"(]},"logprobs":null,"finish_reason":null})";
}

void ChunkSource::chunk(std::size_t index, std::string& out) {
  auto& cursor = cursors_[index];
  const auto& choice = answer_.choices[index];
  skip_empty(choice, cursor);
  out += R"({"index":)";
  append(out, index);
  out += R"(,"delta":)";
  switch (cursor.phase) {
    case Phase::role:
      out += R"({"role":"assistant","content":)";
      out += choice.calls.empty() && choice.refusal.empty() ? R"("")" : "null";
      out += R"(,"refusal":null},"logprobs":null,"finish_reason":null})";
      cursor.phase = Phase::reasoning;
      return;
    case Phase::reasoning: return token("reasoning_content", choice.reasoning, cursor, out);
    case Phase::refusal: return token("refusal", choice.refusal, cursor, out);
    case Phase::text: return token("content", choice.text, cursor, out);
    case Phase::calls: return call_fragment(choice, cursor, out);
    case Phase::finish:
      out += R"({},"logprobs":null,"finish_reason":)";
      json::append_string(out, choice.finish);
      out += '}';
      cursor.phase = Phase::over;
      --left_;
      return;
    case Phase::over: return;
  }
}

}  // namespace cardea::twin
