#include <chrono>

#include "base/text.h"
#include "json/writer.h"
#include "twin/forms/ollama.h"
#include "twin/forms/openai.h"
#include "twin/forms/steps.h"

namespace cardea::twin {
namespace {

using json::Writer;

constexpr std::uint64_t ns_per_token = 1'000'000;

std::string_view done_reason(Finish finish) { return finish == Finish::length ? "length" : "stop"; }

const Choice* only_choice(const Answer& answer) { return answer.choices.empty() ? nullptr : &answer.choices.front(); }

bool generates(const Scene& scene) { return scene.operation == Operation::generate; }

void write_opening(Writer& writer, const Scene& scene) {
  writer.begin_object().key("model").string(scene.model).key("created_at").string(utc_time(scene.created));
}

/// A message, or the fields that stand for it in the answer to generate.
struct Said {
  std::string_view text;
  std::string_view thinking;
  const std::vector<ToolCall>* calls = nullptr;
  std::size_t from = 0;  ///< of the calls
  std::size_t to = 0;
};

void write_calls(Writer& writer, const Said& said) {
  if (said.from == said.to) return;
  writer.key("tool_calls").begin_array();
  for (std::size_t i = said.from; i < said.to; ++i) {
    const auto& call = (*said.calls)[i];
    writer.begin_object().key("id").string(call.id).key("function").begin_object().key("index").number(i);
    writer.key("name")
        .string(call.name)
        .key("arguments")
        .raw(json::parse(call.arguments) ? call.arguments : "{}")
        .end_object()
        .end_object();
  }
  writer.end_array();
}

void write_said(Writer& writer, const Said& said, const Scene& scene) {
  if (generates(scene)) {
    writer.key("response").string(said.text);
    if (!said.thinking.empty()) writer.key("thinking").string(said.thinking);
    return;
  }
  writer.key("message").begin_object().key("role").string("assistant").key("content").string(said.text);
  if (!said.thinking.empty()) writer.key("thinking").string(said.thinking);
  write_calls(writer, said);
  writer.end_object();
}

void write_logprobs(Writer& writer, std::string_view text, const ChatRequest& request) {
  if (!request.logprobs || text.empty()) return;
  std::string list = "[";
  append_openai_logprobs(list, text, request.top_logprobs);
  writer.key("logprobs").raw(list.append("]"));
}

/// Ends the object.
void write_done(Writer& writer, const Answer& answer, const Scene& scene) {
  const auto* choice = only_choice(answer);
  writer.key("done").boolean(true).key("done_reason").string(choice != nullptr ? done_reason(choice->finish) : "load");
  if (generates(scene)) writer.key("context").begin_array().number(1).number(2).number(3).end_array();
  const auto input = answer.prompt_tokens * ns_per_token;
  const auto output = answer.completion_tokens * ns_per_token;
  writer.key("total_duration").number(input + output + 1).key("load_duration").number(1);
  writer.key("prompt_eval_count").number(answer.prompt_tokens).key("prompt_eval_duration").number(input);
  writer.key("eval_count").number(answer.completion_tokens).key("eval_duration").number(output).end_object();
}

/// Calls come whole, each on a line of its own.
class Stream final : public StepSource {
 public:
  Stream(const Answer& answer, const Scene& scene) : StepSource{answer, scene, {}} {}

 private:
  void write(const Step& step) override;
  void line(const Said& said, Made made) {
    Writer writer{emit({}, made).data};
    write_opening(writer, scene_);
    write_said(writer, said, scene_);
    write_logprobs(writer, said.text, scene_.request);
    writer.key("done").boolean(false).end_object();
  }
  std::size_t calls_ = 0;
};

void Stream::write(const Step& step) {
  switch (step.kind) {
    case Step::Kind::begin:
    case Step::Kind::close:
    case Step::Kind::finish: break;
    case Step::Kind::open:
      if (step.what->kind != Section::Kind::call) break;
      line({.calls = &answer_.choices[step.choice].calls, .from = calls_, .to = calls_ + 1}, Made::token);
      ++calls_;
      break;
    case Step::Kind::piece:
      if (step.what->kind == Section::Kind::call) break;
      if (step.what->kind == Section::Kind::thought) {
        line({.thinking = step.text}, Made::token);
      } else {
        line({.text = step.text}, Made::token);
      }
      break;
    case Step::Kind::end: {
      Writer writer{emit({}).data};
      write_opening(writer, scene_);
      write_said(writer, {}, scene_);
      write_done(writer, answer_, scene_);
      break;
    }
  }
}

}  // namespace

std::string utc_time(std::uint64_t unix_seconds) {
  using namespace std::chrono;
  const sys_seconds when{seconds{static_cast<std::int64_t>(unix_seconds)}};
  const auto day = floor<days>(when);
  const year_month_day date{day};
  const hh_mm_ss time{when - day};
  const auto two = [](std::int64_t number) { return cat(number < 10 ? "0" : "", number); };
  return cat(static_cast<int>(date.year()), "-", two(static_cast<unsigned>(date.month())), "-",
             two(static_cast<unsigned>(date.day())), "T", two(time.hours().count()), ":", two(time.minutes().count()), ":",
             two(time.seconds().count()), "Z");
}

std::string ollama_document(const Answer& answer, const Scene& scene) {
  std::string out;
  Writer writer{out};
  const auto* choice = only_choice(answer);
  write_opening(writer, scene);
  if (choice != nullptr) {
    const std::string text = cat(choice->text, choice->refusal);
    write_said(writer, {.text = text, .thinking = choice->reasoning, .calls = &choice->calls, .to = choice->calls.size()}, scene);
    write_logprobs(writer, text, scene.request);
  } else {
    write_said(writer, {}, scene);
  }
  write_done(writer, answer, scene);
  return out;
}

std::unique_ptr<EventSource> ollama_events(const Answer& answer, const Scene& scene) {
  return std::make_unique<Stream>(answer, scene);
}

std::string ollama_failure(const Failure& failure) {
  std::string out;
  Writer{out}.begin_object().key("error").string(failure.message).end_object();
  return out;
}

void ollama_failure_event(const Failure& failure, std::uint64_t, Event& out) { out.data = ollama_failure(failure); }

}  // namespace cardea::twin
