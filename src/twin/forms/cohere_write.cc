#include "base/text.h"
#include "json/writer.h"
#include "twin/forms/cohere.h"
#include "twin/forms/steps.h"
#include "twin/tokens.h"

namespace cardea::twin {
namespace {

using json::Writer;

/// Cohere has no word for a refusal.
std::string_view finish_reason(Finish finish) {
  switch (finish) {
    case Finish::stop:
    case Finish::refusal: return "COMPLETE";
    case Finish::stop_sequence: return "STOP_SEQUENCE";
    case Finish::length: return "MAX_TOKENS";
    case Finish::tool_calls: return "TOOL_CALL";
    case Finish::filter: return "ERROR";
  }
  return "COMPLETE";
}

/// A UUID's spelling.
std::string id_of(const Answer& answer) {
  const std::string digits = cat(hex_id("", answer.seed), hex_id("", fingerprint("id", answer.seed)));
  const std::string_view view = digits;
  return cat(view.substr(0, 8), "-", view.substr(8, 4), "-4", view.substr(13, 3), "-8", view.substr(17, 3), "-",
             view.substr(20, 12));
}

const Choice* only_choice(const Answer& answer) { return answer.choices.empty() ? nullptr : &answer.choices.front(); }

/// What a model says before it calls is its plan.
bool is_plan(const Section& section, const Choice& choice) {
  return section.kind == Section::Kind::text && !choice.calls.empty();
}

std::string call_id(const ToolCall& call) { return cat(call.name, "_", call.id); }

void write_usage(Writer& writer, const Answer& answer) {
  writer.key("usage").begin_object().key("billed_units").begin_object();
  writer.key("input_tokens").number(answer.prompt_tokens).key("output_tokens").number(answer.completion_tokens).end_object();
  writer.key("tokens").begin_object();
  writer.key("input_tokens").number(answer.prompt_tokens).key("output_tokens").number(answer.completion_tokens).end_object();
  if (answer.cached_tokens != 0) writer.key("cached_tokens").number(answer.cached_tokens);
  writer.end_object();
}

/// The request's document of that place, or a page that the twin thought of.
void write_source(Writer& writer, const Citation& citation, std::size_t index, const ChatRequest& request) {
  const auto* documents = request.document.find("documents");
  const auto* given = documents != nullptr && index < documents->elements().size() ? &documents->elements()[index] : nullptr;
  const auto* id = given != nullptr ? given->find("id") : nullptr;
  const auto name = id != nullptr && id->as_string() != nullptr ? *id->as_string() : cat("doc:", index);
  writer.begin_array().begin_object().key("type").string("document").key("id").string(name).key("document");
  if (given == nullptr) {
    writer.begin_object().key("id").string(name).key("title").string(citation.title).key("url").string(citation.url);
    writer.key("snippet").string(citation.quote).end_object();
  } else {
    json::Value document = json::Value::object();
    document.set("id", json::Value::string(name));
    const auto* data = given->find("data");
    if (data != nullptr && data->is(json::Type::object)) {
      for (const auto& [key, value] : data->members()) document.set(key, value);
    } else {
      document.set("text", data != nullptr ? *data : *given);
    }
    writer.raw(document.dump());
  }
  writer.end_object().end_array();
}

void write_citation(Writer& writer, const Citation& citation, std::size_t index, const Section& text,
                    const ChatRequest& request) {
  writer.begin_object().key("start").number(count_characters(text.text.substr(0, citation.start)));
  writer.key("end").number(count_characters(text.text.substr(0, citation.end)));
  writer.key("text").string(text.text.substr(citation.start, citation.end - citation.start)).key("sources");
  write_source(writer, citation, index, request);
  writer.key("type").string("TEXT_CONTENT").end_object();
}

void write_content(Writer& writer, const Section& section, std::string_view text) {
  const std::string_view kind = section.kind == Section::Kind::thought ? "thinking" : "text";
  writer.begin_object().key("type").string(kind).key(kind).string(text).end_object();
}

void write_call(Writer& writer, const ToolCall& call, std::string_view arguments) {
  writer.begin_object().key("id").string(call_id(call)).key("type").string("function").key("function").begin_object();
  writer.key("name").string(call.name).key("arguments").string(arguments).end_object().end_object();
}

// ---- Streams ---------------------------------------------------------------------------------------------------------------

/// docs.cohere.com/docs/streaming
class Stream final : public StepSource {
 public:
  Stream(const Answer& answer, const Scene& scene) : StepSource{answer, scene, {}} {}

 private:
  void write(const Step& step) override;
  void open(const Step& step);
  void piece(const Step& step);
  void close(const Step& step);
  /// An event; `fill` writes the members of delta.message.
  template <class Fill>
  void event(std::string_view type, std::size_t index, Fill&& fill, Made made = Made::frame) {
    Writer writer{emit(type, made).data};
    writer.begin_object()
        .key("type")
        .string(type)
        .key("index")
        .number(index)
        .key("delta")
        .begin_object()
        .key("message")
        .begin_object();
    fill(writer);
    writer.end_object().end_object().end_object();
  }
  void end_event(std::string_view type, std::size_t index) {
    Writer{emit(type).data}.begin_object().key("type").string(type).key("index").number(index).end_object();
  }

  std::size_t contents_ = 0;
  std::size_t calls_ = 0;
};

void Stream::open(const Step& step) {
  const auto& choice = answer_.choices[step.choice];
  if (is_plan(*step.what, choice)) return;
  if (step.what->kind == Section::Kind::call) {
    event("tool-call-start", calls_, [&](Writer& writer) {
      writer.key("tool_calls");
      write_call(writer, *step.what->call, "");
    });
    return;
  }
  event("content-start", contents_, [&](Writer& writer) {
    writer.key("content");
    write_content(writer, *step.what, "");
  });
}

void Stream::piece(const Step& step) {
  if (is_plan(*step.what, answer_.choices[step.choice])) {
    Writer writer{emit("tool-plan-delta", Made::token).data};
    writer.begin_object().key("type").string("tool-plan-delta").key("delta").begin_object().key("message").begin_object();
    writer.key("tool_plan").string(step.text).end_object().end_object().end_object();
  } else if (step.what->kind == Section::Kind::call) {
    event(
        "tool-call-delta", calls_,
        [&](Writer& writer) {
          writer.key("tool_calls")
              .begin_object()
              .key("function")
              .begin_object()
              .key("arguments")
              .string(step.text)
              .end_object()
              .end_object();
        },
        Made::token);
  } else {
    event(
        "content-delta", contents_,
        [&](Writer& writer) {
          writer.key("content")
              .begin_object()
              .key(step.what->kind == Section::Kind::thought ? "thinking" : "text")
              .string(step.text)
              .end_object();
        },
        Made::token);
  }
}

void Stream::close(const Step& step) {
  if (is_plan(*step.what, answer_.choices[step.choice])) return;
  if (step.what->kind == Section::Kind::call) {
    end_event("tool-call-end", calls_++);
    return;
  }
  std::size_t index = 0;
  for (const auto& citation : step.what->citations) {
    event("citation-start", index, [&](Writer& writer) {
      writer.key("citations");
      write_citation(writer, citation, index, *step.what, scene_.request);
    });
    end_event("citation-end", index++);
  }
  end_event("content-end", contents_++);
}

void Stream::write(const Step& step) {
  switch (step.kind) {
    case Step::Kind::begin: {
      Writer writer{emit("message-start").data};
      writer.begin_object().key("id").string(id_of(answer_)).key("type").string("message-start").key("delta").begin_object();
      writer.key("message").begin_object().key("role").string("assistant").key("content").begin_array().end_array();
      writer.key("tool_plan").string("").key("tool_calls").begin_array().end_array().key("citations").begin_array().end_array();
      writer.end_object().end_object().end_object();
      break;
    }
    case Step::Kind::open: open(step); break;
    case Step::Kind::piece: piece(step); break;
    case Step::Kind::close: close(step); break;
    case Step::Kind::finish: break;
    case Step::Kind::end: {
      const auto* choice = only_choice(answer_);
      Writer writer{emit("message-end").data};
      writer.begin_object().key("type").string("message-end").key("delta").begin_object();
      if (choice != nullptr) writer.key("finish_reason").string(finish_reason(choice->finish));
      write_usage(writer, answer_);
      writer.end_object().end_object();
      break;
    }
  }
}

void write_message(Writer& writer, const Choice& choice, const Scene& scene) {
  const auto sections = sections_of(choice, {});
  const auto is_content = [&](const Section& section) {
    return section.kind != Section::Kind::call && !is_plan(section, choice);
  };
  if (std::ranges::any_of(sections, is_content)) {
    writer.key("content").begin_array();
    for (const auto& section : sections) {
      if (is_content(section)) write_content(writer, section, section.text);
    }
    writer.end_array();
  }
  if (!choice.calls.empty()) {
    if (!choice.text.empty()) writer.key("tool_plan").string(choice.text);
    writer.key("tool_calls").begin_array();
    for (const auto& call : choice.calls) write_call(writer, call, call.arguments);
    writer.end_array();
  }
  if (choice.citations.empty()) return;
  writer.key("citations").begin_array();
  std::size_t index = 0;
  for (const auto& section : sections) {
    for (const auto& citation : section.citations) write_citation(writer, citation, index++, section, scene.request);
  }
  writer.end_array();
}

}  // namespace

std::string cohere_document(const Answer& answer, const Scene& scene) {
  std::string out;
  Writer writer{out};
  const auto* choice = only_choice(answer);
  writer.begin_object().key("id").string(id_of(answer));
  if (choice != nullptr) {
    writer.key("finish_reason")
        .string(finish_reason(choice->finish))
        .key("message")
        .begin_object()
        .key("role")
        .string("assistant");
    write_message(writer, *choice, scene);
    writer.end_object();
  }
  write_usage(writer, answer);
  writer.end_object();
  return out;
}

std::unique_ptr<EventSource> cohere_events(const Answer& answer, const Scene& scene) {
  return std::make_unique<Stream>(answer, scene);
}

std::string cohere_failure(const Failure& failure) {
  std::string out;
  Writer{out}
      .begin_object()
      .key("id")
      .string(id_of({.id = {}, .choices = {}}))
      .key("message")
      .string(failure.message)
      .end_object();
  return out;
}

/// A stream that breaks ends with the same event as any other (ChatMessageEndEvent.delta.error).
void cohere_failure_event(const Failure& failure, std::uint64_t, Event& out) {
  out.type = "message-end";
  Writer writer{out.data};
  writer.begin_object().key("type").string("message-end").key("delta").begin_object().key("error").string(failure.message);
  writer.key("finish_reason").string("ERROR").end_object().end_object();
}

}  // namespace cardea::twin
