#include <algorithm>

#include "base/base64.h"
#include "base/text.h"
#include "json/writer.h"
#include "twin/forms/gemini.h"
#include "twin/forms/steps.h"
#include "twin/media.h"
#include "twin/picture.h"
#include "twin/sound.h"
#include "twin/tokens.h"

namespace cardea::twin {
namespace {

using json::Writer;

struct Code {
  unsigned status;
  std::string_view name;
};
// google.rpc.Code, by HTTP's number (cloud.google.com/apis/design/errors).
constexpr Code codes[] = {{400, "INVALID_ARGUMENT"}, {401, "UNAUTHENTICATED"}, {403, "PERMISSION_DENIED"},
                          {404, "NOT_FOUND"},        {409, "ABORTED"},         {429, "RESOURCE_EXHAUSTED"},
                          {499, "CANCELLED"},        {501, "UNIMPLEMENTED"},   {503, "UNAVAILABLE"},
                          {504, "DEADLINE_EXCEEDED"}};

std::string_view code_of(unsigned status) {
  const auto* found = std::ranges::find(codes, status, &Code::status);
  if (found != std::end(codes)) return found->name;
  return status >= 500 ? "INTERNAL" : "INVALID_ARGUMENT";
}

std::string_view finish_reason(Finish finish) {
  switch (finish) {
    case Finish::stop:
    case Finish::stop_sequence:
    case Finish::tool_calls: return "STOP";
    case Finish::length: return "MAX_TOKENS";
    case Finish::refusal: return "SAFETY";
    case Finish::filter: return "PROHIBITED_CONTENT";
  }
  return "STOP";
}

/// Gemini 3, which the twin's thinking model is, gives its calls ids.
bool thinks(const Scene& scene) {
  const ModelRow* model = find_model(scene.model);
  return scene.request.thoughts.value_or(model != nullptr && model->thinks);
}

std::string signature_of(const Section& section, const Scene& scene) {
  const Issuer issuer{gemini_form.name, scene.issuer};
  return seal(issuer, section.call != nullptr ? std::string_view{section.call->name} : section.text.substr(0, 64));
}

void write_usage(Writer& writer, const Answer& answer, std::uint64_t output) {
  const auto thoughts = answer.reasoning_tokens;
  writer.key("usageMetadata").begin_object().key("promptTokenCount").number(answer.prompt_tokens);
  if (answer.cached_tokens != 0) writer.key("cachedContentTokenCount").number(answer.cached_tokens);
  if (output != 0) writer.key("candidatesTokenCount").number(output);
  if (thoughts != 0) writer.key("thoughtsTokenCount").number(thoughts);
  writer.key("totalTokenCount").number(answer.prompt_tokens + output + thoughts);
  writer.key("promptTokensDetails").begin_array().begin_object().key("modality").string("TEXT");
  writer.key("tokenCount").number(answer.prompt_tokens).end_object().end_array().end_object();
}

void write_closing(Writer& writer, const Answer& answer, const Scene& scene, std::uint64_t output) {
  write_usage(writer, answer, output);
  writer.key("modelVersion").string(scene.model).key("responseId").string(hex_id("twin-", answer.seed)).end_object();
}

std::uint64_t output_tokens(const Answer& answer) {
  return answer.completion_tokens - std::min(answer.completion_tokens, answer.reasoning_tokens);
}

void write_grounding(Writer& writer, const Choice& choice) {
  if (choice.citations.empty()) return;
  writer.key("groundingMetadata").begin_object().key("webSearchQueries").begin_array().string("twin").end_array();
  writer.key("searchEntryPoint").begin_object().key("renderedContent").string("<div>twin</div>").end_object();
  writer.key("groundingChunks").begin_array();
  for (const auto& citation : choice.citations) {
    writer.begin_object().key("web").begin_object().key("uri").string(citation.url).key("title").string(citation.title);
    writer.end_object().end_object();
  }
  writer.end_array().key("groundingSupports").begin_array();
  std::size_t index = 0;
  for (const auto& citation : choice.citations) {
    // Segment's offsets are bytes; the first, being 0, is not said.
    writer.begin_object().key("segment").begin_object();
    if (citation.start != 0) writer.key("startIndex").number(citation.start);
    writer.key("endIndex").number(citation.end);
    writer.key("text").string(std::string_view{choice.text}.substr(citation.start, citation.end - citation.start)).end_object();
    writer.key("groundingChunkIndices").begin_array().number(index++).end_array();
    writer.key("confidenceScores").begin_array().number(0.9).end_array().end_object();
  }
  writer.end_array().end_object();
}

void write_ratings(Writer& writer, const Choice& choice) {
  if (choice.finish != Finish::refusal) return;
  writer.key("safetyRatings").begin_array().begin_object().key("category").string("HARM_CATEGORY_DANGEROUS_CONTENT");
  writer.key("probability").string("HIGH").key("blocked").boolean(true).end_object().end_array();
}

void write_end(Writer& writer, const Choice& choice, std::size_t index) {
  writer.key("finishReason").string(finish_reason(choice.finish)).key("index").number(index);
  write_ratings(writer, choice);
  write_grounding(writer, choice);
}

/// A part of a section. Calls come whole; the first of an answer carries the signature.
void write_part(Writer& writer, const Section& section, std::string_view text, const Scene& scene, bool signs) {
  writer.begin_object();
  if (section.kind == Section::Kind::call) {
    writer.key("functionCall").begin_object();
    if (thinks(scene)) writer.key("id").string(section.call->id);
    writer.key("name").string(section.call->name).key("args").raw(json::parse(text) ? text : "{}").end_object();
  } else {
    writer.key("text").string(text);
    if (section.kind == Section::Kind::thought) writer.key("thought").boolean(true);
  }
  if (signs) writer.key("thoughtSignature").string(signature_of(section, scene));
  writer.end_object();
}

/// A picture or sound of the prompt, where one was asked for.
void write_media(Writer& writer, const Choice& choice, const Scene& scene) {
  const auto& outputs = scene.request.outputs;
  const auto part = [&](std::string_view type, std::string_view bytes) {
    writer.begin_object().key("inlineData").begin_object().key("mimeType").string(type).key("data").string(to_base64(bytes));
    writer.end_object().end_object();
  };
  if (choice.finish == Finish::refusal) return;
  if (outputs.image) {
    auto seed = fingerprint(scene.request.last_user);
    for (const auto* medium : media_of(scene.request)) seed = fingerprint(describe(*medium), seed);
    part("image/png", picture(seed, outputs.width, outputs.height));
  }
  if (outputs.audio) part(cat("audio/L16;codec=pcm;rate=", samples_per_second), tones(scene.request.last_user));
}

/// A refusal is a missing content, thoughts are shown to those who ask.
bool is_shown(const Section& section, const Scene& scene) {
  if (section.kind == Section::Kind::thought) return scene.request.thoughts.value_or(false);
  if (section.kind == Section::Kind::text && !scene.request.outputs.text) return false;
  return section.kind != Section::Kind::refusal;
}

/// The part that carries the signature: the first call, else the text.
const Section* signing(std::span<const Section> sections, const Scene& scene) {
  if (!thinks(scene)) return nullptr;
  const Section* text = nullptr;
  for (const auto& section : sections) {
    if (section.kind == Section::Kind::call) return &section;
    if (section.kind == Section::Kind::text) text = &section;
  }
  return text;
}

// ---- Streams ---------------------------------------------------------------------------------------------------------------

class Stream final : public StepSource {
 public:
  Stream(const Answer& answer, const Scene& scene) : StepSource{answer, scene, {}} {}

 private:
  void write(const Step& step) override;
  void part(const Step& step, std::string_view text, bool signs);
  void finish(const Step& step);

  bool signed_ = false;       ///< this choice
  std::uint64_t tokens_ = 0;  ///< said so far
};

void Stream::part(const Step& step, std::string_view text, bool signs) {
  tokens_ += count_tokens(text);
  Writer writer{emit({}, Made::token).data};
  writer.begin_object().key("candidates").begin_array().begin_object().key("content").begin_object().key("parts").begin_array();
  write_part(writer, *step.what, text, scene_, signs);
  writer.end_array().key("role").string("model").end_object().key("index").number(step.choice).end_object().end_array();
  write_closing(writer, answer_, scene_, step.what->kind == Section::Kind::thought ? 0 : tokens_);
}

/// The last chunk has an empty text, where a signature that no call took may stand.
void Stream::finish(const Step& step) {
  const auto& choice = answer_.choices[step.choice];
  Writer writer{emit({}).data};
  writer.begin_object().key("candidates").begin_array().begin_object();
  if (choice.finish != Finish::refusal) {
    writer.key("content").begin_object().key("parts").begin_array();
    write_media(writer, choice, scene_);
    writer.begin_object().key("text").string("");
    if (thinks(scene_) && !signed_) {
      writer.key("thoughtSignature").string(signature_of({.text = choice.text, .citations = {}}, scene_));
    }
    writer.end_object().end_array().key("role").string("model").end_object();
  }
  write_end(writer, choice, step.choice);
  writer.end_object().end_array();
  write_closing(writer, answer_, scene_, output_tokens(answer_));
  signed_ = false;
}

void Stream::write(const Step& step) {
  switch (step.kind) {
    case Step::Kind::begin:
    case Step::Kind::close: break;
    case Step::Kind::open:
      if (step.what->kind != Section::Kind::call) break;
      part(step, step.what->text, thinks(scene_) && !signed_);
      signed_ = true;
      break;
    case Step::Kind::piece:
      if (step.what->kind != Section::Kind::call && is_shown(*step.what, scene_)) part(step, step.text, false);
      break;
    case Step::Kind::finish: finish(step); break;
    case Step::Kind::end:
      if (!answer_.choices.empty()) break;
      Writer writer{emit({}).data};
      writer.begin_object();
      write_closing(writer, answer_, scene_, 0);
      break;
  }
}

void write_candidate(Writer& writer, const Choice& choice, std::size_t index, const Scene& scene) {
  const auto sections = sections_of(choice, {});
  const auto* signer = signing(sections, scene);
  const auto shown = [&](const Section& section) { return is_shown(section, scene); };
  writer.begin_object();
  const bool media = (scene.request.outputs.image || scene.request.outputs.audio) && choice.finish != Finish::refusal;
  if (media || std::ranges::any_of(sections, shown)) {
    writer.key("content").begin_object().key("parts").begin_array();
    for (const auto& section : sections) {
      if (shown(section)) write_part(writer, section, section.text, scene, &section == signer);
    }
    write_media(writer, choice, scene);
    writer.end_array().key("role").string("model").end_object();
  }
  write_end(writer, choice, index);
  writer.end_object();
}

}  // namespace

std::string gemini_document(const Answer& answer, const Scene& scene) {
  std::string out;
  Writer writer{out};
  writer.begin_object();
  if (!answer.choices.empty()) {
    writer.key("candidates").begin_array();
    for (std::size_t i = 0; i < answer.choices.size(); ++i) write_candidate(writer, answer.choices[i], i, scene);
    writer.end_array();
  }
  write_closing(writer, answer, scene, output_tokens(answer));
  return out;
}

std::unique_ptr<EventSource> gemini_events(const Answer& answer, const Scene& scene) {
  return std::make_unique<Stream>(answer, scene);
}

std::string gemini_failure(const Failure& failure) {
  std::string out;
  Writer writer{out};
  writer.begin_object().key("error").begin_object().key("code").number(failure.status).key("message").string(failure.message);
  writer.key("status").string(code_of(failure.status)).end_object().end_object();
  return out;
}

std::string gemini_array_failure(const Failure& failure) { return cat("[", gemini_failure(failure), "\n]"); }

void gemini_failure_event(const Failure& failure, std::uint64_t, Event& out) { out.data = gemini_failure(failure); }

}  // namespace cardea::twin
