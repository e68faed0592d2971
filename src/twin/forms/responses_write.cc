#include <algorithm>

#include "base/text.h"
#include "json/writer.h"
#include "twin/forms/responses.h"
#include "twin/forms/steps.h"
#include "twin/tokens.h"

namespace cardea::twin {
namespace {

using json::Writer;

/// What a response object looks like at a moment of its life.
enum class Stage : std::uint8_t { in_progress, done };

bool cut(Finish finish) { return finish == Finish::length || finish == Finish::filter; }

const Choice* only_choice(const Answer& answer) { return answer.choices.empty() ? nullptr : &answer.choices.front(); }

// ---- Items -----------------------------------------------------------------------------------------------------------------

struct Items {
  const Answer& answer;
  const Scene& scene;

  [[nodiscard]] std::string id(std::string_view prefix, std::size_t index) const {
    return hex_id(prefix, fingerprint(prefix, answer.seed + index));
  }
  [[nodiscard]] bool summarizes() const { return scene.request.thoughts.value_or(false); }
  [[nodiscard]] bool encrypts() const { return includes(scene.request, "reasoning.encrypted_content"); }
  [[nodiscard]] std::string_view status() const {
    const auto* choice = only_choice(answer);
    return choice != nullptr && cut(choice->finish) ? "incomplete" : "completed";
  }
};

std::string_view prefix_of(const Section& section) {
  switch (section.kind) {
    case Section::Kind::thought: return "rs_";
    case Section::Kind::search: return "ws_";
    case Section::Kind::text:
    case Section::Kind::refusal: return "msg_";
    case Section::Kind::call: return section.call->custom ? "ctc_" : "fc_";
  }
  return "msg_";
}

void write_annotation(Writer& writer, const Citation& citation, std::string_view text) {
  writer.begin_object().key("type").string("url_citation");
  writer.key("start_index").number(count_characters(text.substr(0, citation.start)));
  writer.key("end_index").number(count_characters(text.substr(0, citation.end)));
  writer.key("title").string(citation.title).key("url").string(citation.url).end_object();
}

void write_logprobs(Writer& writer, const ChatRequest& request, std::string_view text) {
  std::string list = "[";
  if (request.logprobs && !text.empty()) append_openai_logprobs(list, text, request.top_logprobs);
  writer.key("logprobs").raw(list.append("]"));
}

/// A content part of a message: empty as a stream opens it, or whole.
void write_part(Writer& writer, const Section& section, const Items& items, bool whole) {
  const auto text = whole ? section.text : std::string_view{};
  if (section.kind == Section::Kind::refusal) {
    writer.begin_object().key("type").string("refusal").key("refusal").string(text).end_object();
    return;
  }
  writer.begin_object().key("type").string("output_text").key("annotations").begin_array();
  if (whole) {
    for (const auto& citation : section.citations) write_annotation(writer, citation, section.text);
  }
  writer.end_array();
  write_logprobs(writer, items.scene.request, text);
  writer.key("text").string(text).end_object();
}

void write_summary_part(Writer& writer, std::string_view text) {
  writer.begin_object().key("type").string("summary_text").key("text").string(text).end_object();
}

void write_item(Writer& writer, const Section& section, std::size_t index, const Items& items, bool whole) {
  const auto status = whole ? items.status() : "in_progress";
  writer.begin_object().key("id").string(items.id(prefix_of(section), index)).key("type");
  switch (section.kind) {
    case Section::Kind::thought:
      writer.string("reasoning").key("summary").begin_array();
      if (whole && items.summarizes()) write_summary_part(writer, section.text);
      writer.end_array();
      if (items.encrypts()) {
        writer.key("encrypted_content").string(seal({responses_form.name, items.scene.issuer}, section.text));
      }
      break;
    case Section::Kind::search:
      writer.string("web_search_call").key("status").string(status).key("action").begin_object().key("type").string("search");
      writer.key("query").string("twin").end_object();
      break;
    case Section::Kind::text:
    case Section::Kind::refusal:
      writer.string("message").key("status").string(status).key("content").begin_array();
      if (whole) write_part(writer, section, items, true);
      writer.end_array().key("role").string("assistant");
      break;
    case Section::Kind::call:
      writer.string(section.call->custom ? "custom_tool_call" : "function_call").key("status").string(status);
      writer.key(section.call->custom ? "input" : "arguments").string(whole ? section.text : std::string_view{});
      writer.key("call_id").string(section.call->id).key("name").string(section.call->name);
      break;
  }
  writer.end_object();
}

// ---- The response ----------------------------------------------------------------------------------------------------------

/// A field of the request, said back, or what it is by default.
void echo(Writer& writer, const ChatRequest& request, std::string_view key, std::string_view otherwise) {
  const auto* value = request.document.find(key);
  writer.key(key).raw(value != nullptr && !value->is(json::Type::null) ? value->dump() : std::string{otherwise});
}

void write_usage(Writer& writer, const Answer& answer) {
  writer.begin_object().key("input_tokens").number(answer.prompt_tokens).key("input_tokens_details").begin_object();
  writer.key("cached_tokens")
      .number(answer.cached_tokens)
      .key("cache_write_tokens")
      .number(answer.cache_write_tokens)
      .end_object();
  writer.key("output_tokens").number(answer.completion_tokens).key("output_tokens_details").begin_object();
  writer.key("reasoning_tokens").number(answer.reasoning_tokens).end_object();
  writer.key("total_tokens").number(answer.prompt_tokens + answer.completion_tokens).end_object();
}

void write_text_config(Writer& writer, const ChatRequest& request) {
  const auto* text = request.document.find("text");
  const auto* format = text != nullptr ? text->find("format") : nullptr;
  const auto* verbosity = text != nullptr ? text->find("verbosity") : nullptr;
  writer.key("text").begin_object().key("format").raw(format != nullptr ? format->dump() : R"({"type":"text"})");
  writer.key("verbosity").raw(verbosity != nullptr ? verbosity->dump() : R"("medium")").end_object();
}

void write_reasoning_config(Writer& writer, const ChatRequest& request) {
  const auto* reasoning = request.document.find("reasoning");
  writer.key("reasoning").begin_object();
  for (const std::string_view key : {"effort", "summary"}) {
    const auto* value = reasoning != nullptr ? reasoning->find(key) : nullptr;
    writer.key(key).raw(value != nullptr ? value->dump() : "null");
  }
  writer.end_object();
}

void write_output(Writer& writer, const Items& items) {
  const auto* choice = only_choice(items.answer);
  writer.key("output").begin_array();
  if (choice != nullptr) {
    std::size_t index = 0;
    for (const auto& section : sections_of(*choice, {.searches = true})) write_item(writer, section, index++, items, true);
  }
  writer.end_array();
}

void write_response(Writer& writer, const Items& items, Stage stage) {
  const auto& request = items.scene.request;
  const auto* choice = only_choice(items.answer);
  const bool done = stage == Stage::done;
  const bool incomplete = done && choice != nullptr && cut(choice->finish);
  writer.begin_object().key("id").string(items.answer.id).key("object").string("response");
  writer.key("created_at").number(items.scene.created).key("status").string(done ? items.status() : "in_progress");
  echo(writer, request, "background", "false");
  writer.key("completed_at");
  if (done && !incomplete) {
    writer.number(items.scene.created);
  } else {
    writer.null();
  }
  writer.key("error").null().key("incomplete_details");
  if (incomplete) {
    const auto reason = choice->finish == Finish::length ? "max_output_tokens" : "content_filter";
    writer.begin_object().key("reason").string(reason).end_object();
  } else {
    writer.null();
  }
  echo(writer, request, "instructions", "null");
  echo(writer, request, "max_output_tokens", "null");
  echo(writer, request, "max_tool_calls", "null");
  writer.key("model").string(items.scene.model);
  if (done) {
    write_output(writer, items);
  } else {
    writer.key("output").begin_array().end_array();
  }
  echo(writer, request, "parallel_tool_calls", "true");
  writer.key("previous_response_id").null();
  echo(writer, request, "prompt_cache_key", "null");
  write_reasoning_config(writer, request);
  echo(writer, request, "safety_identifier", "null");
  writer.key("service_tier").string(done ? "default" : "auto");
  echo(writer, request, "store", "true");
  echo(writer, request, "temperature", "1.0");
  write_text_config(writer, request);
  echo(writer, request, "tool_choice", R"("auto")");
  echo(writer, request, "tools", "[]");
  echo(writer, request, "top_logprobs", "0");
  echo(writer, request, "top_p", "1.0");
  echo(writer, request, "truncation", R"("disabled")");
  writer.key("usage");
  if (done) {
    write_usage(writer, items.answer);
  } else {
    writer.null();
  }
  if (request.document.find("user") != nullptr) echo(writer, request, "user", "null");
  echo(writer, request, "metadata", "{}");
  writer.end_object();
}

// ---- Streams ---------------------------------------------------------------------------------------------------------------

/// platform.openai.com/docs/api-reference/responses-streaming
class Stream final : public StepSource {
 public:
  Stream(const Answer& answer, const Scene& scene) : StepSource{answer, scene, {.searches = true}}, items_{answer_, scene_} {}

 private:
  void write(const Step& step) override;
  void open(const Step& step);
  void piece(const Step& step);
  void close(const Step& step);
  void close_text(const Step& step);
  void response(std::string_view type, Stage stage);
  /// An event whose object is open behind `type` and number.
  template <class Fill>
  void event(std::string_view type, Fill&& fill, Made made = Made::frame) {
    Writer writer{emit(type, made).data};
    writer.begin_object().key("type").string(type).key("sequence_number").number(number_++);
    fill(writer);
    writer.end_object();
  }
  /// One about an item; `inner` names the index inside it, if any.
  template <class Fill>
  void item_event(std::string_view type, const Step& step, std::string_view inner, Fill&& fill, Made made = Made::frame) {
    event(
        type,
        [&](Writer& writer) {
          writer.key("item_id").string(items_.id(prefix_of(*step.what), step.section)).key("output_index").number(step.section);
          if (!inner.empty()) writer.key(inner).number(0);
          fill(writer);
        },
        made);
  }

  Items items_;
  std::uint64_t number_ = 0;
};

void Stream::response(std::string_view type, Stage stage) {
  event(type, [&](Writer& writer) {
    writer.key("response");
    write_response(writer, items_, stage);
  });
}

void Stream::open(const Step& step) {
  event("response.output_item.added", [&](Writer& writer) {
    writer.key("output_index").number(step.section).key("item");
    write_item(writer, *step.what, step.section, items_, false);
  });
  if (step.what->kind == Section::Kind::text || step.what->kind == Section::Kind::refusal) {
    item_event("response.content_part.added", step, "content_index", [&](Writer& writer) {
      writer.key("part");
      write_part(writer, *step.what, items_, false);
    });
  }
  if (step.what->kind == Section::Kind::thought && items_.summarizes()) {
    item_event("response.reasoning_summary_part.added", step, "summary_index", [&](Writer& writer) {
      writer.key("part");
      write_summary_part(writer, "");
    });
  }
}

void Stream::piece(const Step& step) {
  const auto say = [&](Writer& writer) { writer.key("delta").string(step.text); };
  switch (step.what->kind) {
    case Section::Kind::thought:
      if (items_.summarizes()) item_event("response.reasoning_summary_text.delta", step, "summary_index", say, Made::token);
      break;
    case Section::Kind::search: break;
    case Section::Kind::text:
      item_event(
          "response.output_text.delta", step, "content_index",
          [&](Writer& writer) {
            say(writer);
            write_logprobs(writer, scene_.request, step.text);
          },
          Made::token);
      break;
    case Section::Kind::refusal: item_event("response.refusal.delta", step, "content_index", say, Made::token); break;
    case Section::Kind::call:
      item_event(step.what->call->custom ? "response.custom_tool_call_input.delta" : "response.function_call_arguments.delta",
                 step, {}, say, Made::token);
      break;
  }
}

void Stream::close_text(const Step& step) {
  std::size_t index = 0;
  for (const auto& citation : step.what->citations) {
    item_event("response.output_text.annotation.added", step, "content_index", [&](Writer& writer) {
      writer.key("annotation_index").number(index++).key("annotation");
      write_annotation(writer, citation, step.what->text);
    });
  }
  const bool refusal = step.what->kind == Section::Kind::refusal;
  item_event(refusal ? "response.refusal.done" : "response.output_text.done", step, "content_index", [&](Writer& writer) {
    writer.key(refusal ? "refusal" : "text").string(step.what->text);
    if (!refusal) write_logprobs(writer, scene_.request, step.what->text);
  });
  item_event("response.content_part.done", step, "content_index", [&](Writer& writer) {
    writer.key("part");
    write_part(writer, *step.what, items_, true);
  });
}

void Stream::close(const Step& step) {
  switch (step.what->kind) {
    case Section::Kind::thought:
      if (!items_.summarizes()) break;
      item_event("response.reasoning_summary_text.done", step, "summary_index",
                 [&](Writer& writer) { writer.key("text").string(step.what->text); });
      item_event("response.reasoning_summary_part.done", step, "summary_index", [&](Writer& writer) {
        writer.key("part");
        write_summary_part(writer, step.what->text);
      });
      break;
    case Section::Kind::search:
      for (const std::string_view stage : {"in_progress", "searching", "completed"}) {
        item_event(cat("response.web_search_call.", stage), step, {}, [](Writer&) {});
      }
      break;
    case Section::Kind::text:
    case Section::Kind::refusal: close_text(step); break;
    case Section::Kind::call: {
      const bool custom = step.what->call->custom;
      item_event(custom ? "response.custom_tool_call_input.done" : "response.function_call_arguments.done", step, {},
                 [&](Writer& writer) {
                   if (!custom) writer.key("name").string(step.what->call->name);
                   writer.key(custom ? "input" : "arguments").string(step.what->text);
                 });
      break;
    }
  }
  event("response.output_item.done", [&](Writer& writer) {
    writer.key("output_index").number(step.section).key("item");
    write_item(writer, *step.what, step.section, items_, true);
  });
}

void Stream::write(const Step& step) {
  switch (step.kind) {
    case Step::Kind::begin:
      response("response.created", Stage::in_progress);
      response("response.in_progress", Stage::in_progress);
      break;
    case Step::Kind::open: open(step); break;
    case Step::Kind::piece: piece(step); break;
    case Step::Kind::close: close(step); break;
    case Step::Kind::finish: break;
    case Step::Kind::end:
      response(items_.status() == "incomplete" ? "response.incomplete" : "response.completed", Stage::done);
      break;
  }
}

}  // namespace

std::string responses_document(const Answer& answer, const Scene& scene) {
  std::string out;
  Writer writer{out};
  write_response(writer, Items{answer, scene}, Stage::done);
  return out;
}

std::unique_ptr<EventSource> responses_events(const Answer& answer, const Scene& scene) {
  return std::make_unique<Stream>(answer, scene);
}

void responses_failure_event(const Failure& failure, std::uint64_t said, Event& out) {
  out.type = "error";
  Writer writer{out.data};
  writer.begin_object().key("type").string("error").key("code").string(failure.type).key("message").string(failure.message);
  writer.key("param").null().key("sequence_number").number(said).end_object();
}

}  // namespace cardea::twin
