#include <algorithm>

#include "base/text.h"
#include "json/writer.h"
#include "twin/forms/bedrock.h"
#include "twin/forms/steps.h"
#include "twin/tokens.h"

namespace cardea::twin {
namespace {

using json::Writer;

struct Exception {
  unsigned status;
  std::string_view name;
};
// Converse, "Errors".
constexpr Exception exceptions[] = {
    {400, "ValidationException"},       {401, "UnrecognizedClientException"}, {403, "AccessDeniedException"},
    {404, "ResourceNotFoundException"}, {408, "ModelTimeoutException"},       {409, "ConflictException"},
    {424, "ModelErrorException"},       {429, "ThrottlingException"},         {503, "ServiceUnavailableException"}};

std::string_view exception_of(const Failure& failure) {
  if (failure.code.ends_with("Exception")) return failure.code;
  const auto* found = std::ranges::find(exceptions, failure.status, &Exception::status);
  if (found != std::end(exceptions)) return found->name;
  return failure.status >= 500 ? "InternalServerException" : "ValidationException";
}

/// There is no word for a refusal but the filter's; what the filter cuts is the guardrail's.
std::string_view stop_reason(Finish finish) {
  switch (finish) {
    case Finish::stop: return "end_turn";
    case Finish::stop_sequence: return "stop_sequence";
    case Finish::length: return "max_tokens";
    case Finish::tool_calls: return "tool_use";
    case Finish::refusal: return "content_filtered";
    case Finish::filter: return "guardrail_intervened";
  }
  return "end_turn";
}

struct Blocks {
  const Answer& answer;
  const Scene& scene;
  [[nodiscard]] Issuer issuer() const { return {bedrock_form.name, scene.issuer}; }
  [[nodiscard]] bool redacted() const { return !answer.choices.empty() && answer.choices.front().redacted; }
};

void write_usage(Writer& writer, const Answer& answer) {
  const auto input = answer.prompt_tokens - answer.cached_tokens - answer.cache_write_tokens;
  writer.key("usage").begin_object().key("inputTokens").number(input).key("outputTokens").number(answer.completion_tokens);
  writer.key("totalTokens").number(answer.prompt_tokens + answer.completion_tokens);
  if (answer.cached_tokens + answer.cache_write_tokens != 0) {
    writer.key("cacheReadInputTokens").number(answer.cached_tokens);
    writer.key("cacheWriteInputTokens").number(answer.cache_write_tokens);
  }
  writer.end_object();
}

void write_citation(Writer& writer, const Citation& citation) {
  writer.begin_object().key("title").string(citation.title);
  writer.key("sourceContent").begin_array().begin_object().key("text").string(citation.quote).end_object().end_array();
  writer.key("location").begin_object().key("web").begin_object().key("url").string(citation.url);
  writer.key("domain").string("example.com").end_object().end_object().end_object();
}

void write_block(Writer& writer, const Section& section, const Blocks& blocks) {
  writer.begin_object();
  switch (section.kind) {
    case Section::Kind::thought:
      writer.key("reasoningContent").begin_object();
      if (blocks.redacted()) {
        writer.key("redactedContent").string(seal(blocks.issuer(), section.text));
      } else {
        writer.key("reasoningText").begin_object().key("text").string(section.text);
        writer.key("signature").string(sign(blocks.issuer(), section.text)).end_object();
      }
      writer.end_object();
      break;
    case Section::Kind::search:
    case Section::Kind::text:
    case Section::Kind::refusal:
      if (section.citations.empty()) {
        writer.key("text").string(section.text);
        break;
      }
      writer.key("citationsContent").begin_object().key("content").begin_array().begin_object().key("text").string(section.text);
      writer.end_object().end_array().key("citations").begin_array();
      for (const auto& citation : section.citations) write_citation(writer, citation);
      writer.end_array().end_object();
      break;
    case Section::Kind::call:
      writer.key("toolUse").begin_object().key("toolUseId").string(section.call->id).key("name").string(section.call->name);
      writer.key("input").raw(json::parse(section.text) ? section.text : "{}").end_object();
      break;
  }
  writer.end_object();
}

const Choice* only_choice(const Answer& answer) { return answer.choices.empty() ? nullptr : &answer.choices.front(); }

// ---- Streams ---------------------------------------------------------------------------------------------------------------

class Stream final : public StepSource {
 public:
  Stream(const Answer& answer, const Scene& scene)
      : StepSource{answer, scene, {.text = Cut::Text::split}}, blocks_{answer_, scene_} {}

 private:
  void write(const Step& step) override;
  void piece(const Step& step);
  void close(const Step& step);
  void end();
  /// An event; `p` makes its length say nothing about its text, as Bedrock does.
  template <class Fill>
  void event(std::string_view type, Fill&& fill, Made made = Made::frame) {
    constexpr std::string_view padding = "abcdefghijklmnopqrstuvwxyz";
    Writer writer{emit(type, made).data};
    writer.begin_object();
    fill(writer);
    writer.key("p").string(padding.substr(0, 1 + number_++ * 7 % padding.size())).end_object();
  }
  template <class Fill>
  void delta(const Step& step, Fill&& fill, Made made) {
    event(
        "contentBlockDelta",
        [&](Writer& writer) {
          writer.key("contentBlockIndex").number(step.section).key("delta").begin_object();
          fill(writer);
          writer.end_object();
        },
        made);
  }

  Blocks blocks_;
  std::size_t number_ = 0;
};

void Stream::piece(const Step& step) {
  delta(
      step,
      [&](Writer& writer) {
        if (step.what->kind == Section::Kind::call) {
          writer.key("toolUse").begin_object().key("input").string(step.text).end_object();
        } else if (step.what->kind == Section::Kind::thought) {
          writer.key("reasoningContent").begin_object().key("text").string(step.text).end_object();
        } else {
          writer.key("text").string(step.text);
        }
      },
      Made::token);
}

void Stream::close(const Step& step) {
  for (const auto& citation : step.what->citations) {
    delta(
        step,
        [&](Writer& writer) {
          writer.key("citation");
          write_citation(writer, citation);
        },
        Made::frame);
  }
  if (step.what->kind == Section::Kind::thought) {
    delta(
        step,
        [&](Writer& writer) {
          writer.key("reasoningContent").begin_object().key(blocks_.redacted() ? "redactedContent" : "signature");
          writer.string(blocks_.redacted() ? seal(blocks_.issuer(), step.what->text) : sign(blocks_.issuer(), step.what->text));
          writer.end_object();
        },
        Made::frame);
  }
  event("contentBlockStop", [&](Writer& writer) { writer.key("contentBlockIndex").number(step.section); });
}

void Stream::end() {
  const auto* choice = only_choice(answer_);
  if (choice != nullptr) {
    event("messageStop", [&](Writer& writer) { writer.key("stopReason").string(stop_reason(choice->finish)); });
  }
  event("metadata", [&](Writer& writer) {
    write_usage(writer, answer_);
    writer.key("metrics").begin_object().key("latencyMs").number(1).end_object();
  });
}

void Stream::write(const Step& step) {
  switch (step.kind) {
    case Step::Kind::begin: event("messageStart", [](Writer& writer) { writer.key("role").string("assistant"); }); break;
    case Step::Kind::open:
      // Only calls are announced.
      if (step.what->kind != Section::Kind::call) break;
      event("contentBlockStart", [&](Writer& writer) {
        writer.key("contentBlockIndex").number(step.section).key("start").begin_object().key("toolUse").begin_object();
        writer.key("toolUseId").string(step.what->call->id).key("name").string(step.what->call->name).end_object().end_object();
      });
      break;
    case Step::Kind::piece:
      if (step.what->kind != Section::Kind::thought || !blocks_.redacted()) piece(step);
      break;
    case Step::Kind::close: close(step); break;
    case Step::Kind::finish: break;
    case Step::Kind::end: end(); break;
  }
}

}  // namespace

std::string bedrock_document(const Answer& answer, const Scene& scene) {
  std::string out;
  Writer writer{out};
  const Blocks blocks{answer, scene};
  const auto* choice = only_choice(answer);
  writer.begin_object().key("metrics").begin_object().key("latencyMs").number(1).end_object();
  writer.key("output").begin_object().key("message").begin_object().key("content").begin_array();
  if (choice != nullptr) {
    for (const auto& section : sections_of(*choice, {.text = Cut::Text::split})) write_block(writer, section, blocks);
  }
  writer.end_array().key("role").string("assistant").end_object().end_object();
  if (choice != nullptr) writer.key("stopReason").string(stop_reason(choice->finish));
  write_usage(writer, answer);
  writer.end_object();
  return out;
}

std::unique_ptr<EventSource> bedrock_events(const Answer& answer, const Scene& scene) {
  return std::make_unique<Stream>(answer, scene);
}

std::string bedrock_failure(const Failure& failure) {
  std::string out;
  Writer{out}.begin_object().key("message").string(failure.message).end_object();
  return out;
}

std::string bedrock_failure_headers(const Failure& failure) { return cat("x-amzn-errortype: ", exception_of(failure), "\r\n"); }

/// In streams exceptions are members, whose names begin small.
void bedrock_failure_event(const Failure& failure, std::uint64_t, Event& out) {
  out.type = exception_of(failure);
  out.type[0] = ascii_lower(out.type[0]);
  out.data = bedrock_failure(failure);
}

}  // namespace cardea::twin
