#include <algorithm>

#include "base/base64.h"
#include "base/text.h"
#include "json/writer.h"
#include "twin/forms/anthropic.h"
#include "twin/forms/steps.h"

namespace cardea::twin {
namespace {

using json::Writer;

struct Type {
  unsigned status;
  std::string_view name;
};
// docs.anthropic.com/en/api/errors
constexpr Type types[] = {
    {400, "invalid_request_error"}, {401, "authentication_error"}, {402, "billing_error"},    {403, "permission_error"},
    {404, "not_found_error"},       {413, "request_too_large"},    {429, "rate_limit_error"}, {500, "api_error"},
    {504, "timeout_error"},         {529, "overloaded_error"}};

std::string_view type_of(unsigned status) {
  const auto* found = std::ranges::find(types, status, &Type::status);
  if (found != std::end(types)) return found->name;
  return status >= 500 ? "api_error" : "invalid_request_error";
}

std::string_view stop_reason(Finish finish) {
  switch (finish) {
    case Finish::stop: return "end_turn";
    case Finish::stop_sequence: return "stop_sequence";
    case Finish::length: return "max_tokens";
    case Finish::tool_calls: return "tool_use";
    case Finish::refusal:
    case Finish::filter: return "refusal";
  }
  return "end_turn";
}

bool omits_thoughts(const ChatRequest& request) {
  const auto* thinking = request.document.find("thinking");
  const auto* display = thinking != nullptr ? thinking->find("display") : nullptr;
  return display != nullptr && display->as_string() != nullptr && *display->as_string() == "omitted";
}

/// What the blocks of one answer are written with.
struct Blocks {
  const Answer& answer;
  const Scene& scene;

  [[nodiscard]] std::string_view shown(std::string_view thought) const { return omits_thoughts(scene.request) ? "" : thought; }
  [[nodiscard]] Issuer issuer() const { return {anthropic_form.name, scene.issuer}; }
  [[nodiscard]] std::string search_id() const { return hex_id("srvtoolu_", answer.seed); }
};

void write_usage(Writer& writer, const Answer& answer, bool final) {
  const auto input = answer.prompt_tokens - answer.cached_tokens - answer.cache_write_tokens;
  writer.begin_object().key("input_tokens").number(input);
  writer.key("cache_creation_input_tokens").number(answer.cache_write_tokens);
  writer.key("cache_read_input_tokens").number(answer.cached_tokens);
  writer.key("cache_creation").begin_object().key("ephemeral_5m_input_tokens").number(answer.cache_write_tokens);
  writer.key("ephemeral_1h_input_tokens").number(0).end_object();
  writer.key("output_tokens").number(final ? answer.completion_tokens : 1);
  if (final && answer.reasoning_tokens != 0) {
    writer.key("output_tokens_details").begin_object().key("thinking_tokens").number(answer.reasoning_tokens).end_object();
  }
  writer.key("service_tier").string("standard").end_object();
}

void write_citation(Writer& writer, const Citation& citation) {
  writer.begin_object().key("type").string("web_search_result_location").key("cited_text").string(citation.quote);
  writer.key("url").string(citation.url).key("title").string(citation.title);
  writer.key("encrypted_index").string(to_base64(citation.url)).end_object();
}

void write_search_call(Writer& writer, const Blocks& blocks, bool whole) {
  writer.begin_object()
      .key("type")
      .string("server_tool_use")
      .key("id")
      .string(blocks.search_id())
      .key("name")
      .string("web_search");
  writer.key("input").begin_object();
  if (whole) writer.key("query").string("twin");
  writer.end_object().end_object();
}

void write_search_result(Writer& writer, const Blocks& blocks, std::span<const Citation> found) {
  writer.begin_object().key("type").string("web_search_tool_result").key("tool_use_id").string(blocks.search_id());
  writer.key("content").begin_array();
  for (const auto& citation : found) {
    writer.begin_object()
        .key("type")
        .string("web_search_result")
        .key("url")
        .string(citation.url)
        .key("title")
        .string(citation.title);
    writer.key("encrypted_content").string(to_base64(citation.quote)).key("page_age").null().end_object();
  }
  writer.end_array().end_object();
}

/// A block: as it is in a document, or as a stream opens it. A search is two, which are written by themselves.
void write_block(Writer& writer, const Section& section, const Blocks& blocks, bool whole) {
  const auto text = whole ? section.text : std::string_view{};
  writer.begin_object().key("type");
  switch (section.kind) {
    case Section::Kind::thought:
      if (blocks.answer.choices.front().redacted) {
        writer.string("redacted_thinking").key("data").string(seal(blocks.issuer(), section.text));
        break;
      }
      writer.string("thinking").key("thinking").string(blocks.shown(text));
      writer.key("signature").string(whole ? sign(blocks.issuer(), blocks.shown(section.text)) : "");
      break;
    case Section::Kind::search:
    case Section::Kind::text:
    case Section::Kind::refusal:
      writer.string("text").key("text").string(text);
      if (section.citations.empty()) break;
      writer.key("citations").begin_array();
      if (whole) {
        for (const auto& citation : section.citations) write_citation(writer, citation);
      }
      writer.end_array();
      break;
    case Section::Kind::call:
      writer.string("tool_use").key("id").string(section.call->id).key("name").string(section.call->name).key("input");
      writer.raw(whole && !text.empty() && json::parse(text) ? text : "{}");
      break;
  }
  writer.end_object();
}

void write_stop(Writer& writer, const Choice* choice) {
  writer.key("stop_reason");
  if (choice == nullptr) {
    writer.null().key("stop_sequence").null();
    return;
  }
  writer.string(stop_reason(choice->finish)).key("stop_sequence");
  if (choice->finish == Finish::stop_sequence) {
    writer.string(choice->stopped_by);
  } else {
    writer.null();
  }
  if (choice->finish != Finish::refusal && choice->finish != Finish::filter) return;
  writer.key("stop_details")
      .begin_object()
      .key("type")
      .string("refusal")
      .key("category")
      .null()
      .key("explanation")
      .null()
      .end_object();
}

void write_opening(Writer& writer, const Blocks& blocks) {
  writer.begin_object().key("id").string(blocks.answer.id).key("type").string("message").key("role").string("assistant");
  writer.key("model").string(blocks.scene.model).key("content").begin_array();
}

constexpr Cut cut{.text = Cut::Text::split, .searches = true};

const Choice* only_choice(const Answer& answer) { return answer.choices.empty() ? nullptr : &answer.choices.front(); }

// ---- Streams ---------------------------------------------------------------------------------------------------------------

/// docs.anthropic.com/en/docs/build-with-claude/streaming
class Stream final : public StepSource {
 public:
  Stream(const Answer& answer, const Scene& scene) : StepSource{answer, scene, cut}, blocks_{answer_, scene_} {}

 private:
  void write(const Step& step) override;
  void begin();
  void search(std::span<const Citation> found);
  void open(const Section& section);
  void close(const Section& section);
  void end();
  void delta(std::string_view type, std::string_view key, std::string_view text, Made made = Made::token);
  /// An event whose object is open behind `type`.
  template <class Fill>
  void event(std::string_view type, Fill&& fill, Made made = Made::frame) {
    Writer writer{emit(type, made).data};
    writer.begin_object().key("type").string(type);
    fill(writer);
    writer.end_object();
  }

  Blocks blocks_;
  std::size_t index_ = 0;
  bool pinged_ = false;
};

void Stream::begin() {
  event("message_start", [&](Writer& writer) {
    writer.key("message");
    write_opening(writer, blocks_);
    writer.end_array();
    write_stop(writer, nullptr);
    writer.key("usage");
    write_usage(writer, answer_, false);
    writer.end_object();
  });
}

void Stream::search(std::span<const Citation> found) {
  const auto stop = [&] {
    event("content_block_stop", [&](Writer& writer) { writer.key("index").number(index_); });
    ++index_;
  };
  event("content_block_start", [&](Writer& writer) {
    writer.key("index").number(index_).key("content_block");
    write_search_call(writer, blocks_, false);
  });
  delta("input_json_delta", "partial_json", R"({"query":"twin"})", Made::frame);
  stop();
  event("content_block_start", [&](Writer& writer) {
    writer.key("index").number(index_).key("content_block");
    write_search_result(writer, blocks_, found);
  });
  stop();
}

void Stream::open(const Section& section) {
  event("content_block_start", [&](Writer& writer) {
    writer.key("index").number(index_).key("content_block");
    write_block(writer, section, blocks_, false);
  });
  if (!pinged_) event("ping", [](Writer&) {});
  pinged_ = true;
  if (section.kind == Section::Kind::call) delta("input_json_delta", "partial_json", "", Made::frame);
}

void Stream::delta(std::string_view type, std::string_view key, std::string_view text, Made made) {
  event(
      "content_block_delta",
      [&](Writer& writer) {
        writer.key("index")
            .number(index_)
            .key("delta")
            .begin_object()
            .key("type")
            .string(type)
            .key(key)
            .string(text)
            .end_object();
      },
      made);
}

void Stream::close(const Section& section) {
  for (const auto& citation : section.citations) {
    event("content_block_delta", [&](Writer& writer) {
      writer.key("index").number(index_).key("delta").begin_object().key("type").string("citations_delta").key("citation");
      write_citation(writer, citation);
      writer.end_object();
    });
  }
  if (section.kind == Section::Kind::thought && !answer_.choices.front().redacted) {
    delta("signature_delta", "signature", sign(blocks_.issuer(), blocks_.shown(section.text)), Made::frame);
  }
  event("content_block_stop", [&](Writer& writer) { writer.key("index").number(index_); });
  ++index_;
}

void Stream::end() {
  event("message_delta", [&](Writer& writer) {
    writer.key("delta").begin_object();
    write_stop(writer, only_choice(answer_));
    writer.end_object().key("usage");
    write_usage(writer, answer_, true);
  });
  event("message_stop", [](Writer&) {});
}

void Stream::write(const Step& step) {
  switch (step.kind) {
    case Step::Kind::begin: begin(); break;
    case Step::Kind::open:
      if (step.what->kind == Section::Kind::search) {
        search(step.what->citations);
      } else {
        open(*step.what);
      }
      break;
    case Step::Kind::piece:
      if (step.what->kind == Section::Kind::call) {
        delta("input_json_delta", "partial_json", step.text);
      } else if (step.what->kind != Section::Kind::thought) {
        delta("text_delta", "text", step.text);
      } else if (!answer_.choices.front().redacted && !omits_thoughts(scene_.request)) {
        delta("thinking_delta", "thinking", step.text);
      }
      break;
    case Step::Kind::close:
      if (step.what->kind != Section::Kind::search) close(*step.what);
      break;
    case Step::Kind::finish: break;
    case Step::Kind::end: end(); break;
  }
}

}  // namespace

std::string anthropic_document(const Answer& answer, const Scene& scene) {
  std::string out;
  Writer writer{out};
  const Blocks blocks{answer, scene};
  const auto* choice = only_choice(answer);
  write_opening(writer, blocks);
  if (choice != nullptr) {
    for (const auto& section : sections_of(*choice, cut)) {
      if (section.kind == Section::Kind::search) {
        write_search_call(writer, blocks, true);
        write_search_result(writer, blocks, section.citations);
      } else {
        write_block(writer, section, blocks, true);
      }
    }
  }
  writer.end_array();
  write_stop(writer, choice);
  writer.key("usage");
  write_usage(writer, answer, true);
  writer.end_object();
  return out;
}

std::unique_ptr<EventSource> anthropic_events(const Answer& answer, const Scene& scene) {
  return std::make_unique<Stream>(answer, scene);
}

std::string anthropic_failure(const Failure& failure) {
  std::string out;
  Writer writer{out};
  writer.begin_object().key("type").string("error").key("error").begin_object().key("type").string(type_of(failure.status));
  writer.key("message").string(failure.message).end_object().key("request_id").string("req_twin").end_object();
  return out;
}

void anthropic_failure_event(const Failure& failure, std::uint64_t, Event& out) {
  out.type = "error";
  out.data = anthropic_failure(failure);
}

}  // namespace cardea::twin
