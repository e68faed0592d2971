// Vertex AI's `:predict`: what its instances are decides. Text embeddings
// (cloud.google.com/vertex-ai/generative-ai/docs/model-reference/ text-embeddings-api) and Imagen (…/imagen-api).

#include "base/base64.h"
#include "twin/forms/gemini.h"
#include "twin/picture.h"
#include "twin/task.h"
#include "twin/tokens.h"
#include "twin/vectors.h"

namespace cardea::twin {
namespace {

using json::Writer;

constexpr std::size_t instances_max = 250;

Status refuse_body(std::string_view why) { return fail(Kind::bad_request, cat("Invalid JSON payload received. ", why)); }

struct Instance {
  std::string content;
  std::string prompt;
};
struct Request {
  std::vector<Instance> instances;
  std::uint64_t dimensions = vector_size;
  std::uint64_t samples = 4;  ///< Imagen's default
  std::string ratio = "1:1";
};

Status take_task(const At& at, Instance&) {
  constexpr std::string_view types[] = {"RETRIEVAL_QUERY", "RETRIEVAL_DOCUMENT", "SEMANTIC_SIMILARITY", "CLASSIFICATION",
                                        "CLUSTERING",      "QUESTION_ANSWERING", "FACT_VERIFICATION",   "CODE_RETRIEVAL_QUERY"};
  return one_of(at, types);
}
constexpr Row<Instance> instance_rows[] = {{"content", is_text, take_text<&Instance::content>},
                                           {"prompt", is_text, take_text<&Instance::prompt>},
                                           {"title", is_text},
                                           {"taskType", is_text, take_task}};
Status take_instances(const At& at, Request& request) {
  return at.each(is_object, [&](const At& one) { return read_members(one, instance_rows, request.instances.emplace_back()); });
}

struct Ratio {
  std::string_view name;
  std::uint32_t width;
  std::uint32_t height;
};
constexpr Ratio ratios[] = {
    {"1:1", 1024, 1024}, {"3:4", 896, 1280}, {"4:3", 1280, 896}, {"9:16", 768, 1408}, {"16:9", 1408, 768}};

Status take_ratio(const At& at, Request& request) {
  request.ratio = at.text();
  std::string_view names[std::size(ratios)];
  std::ranges::transform(ratios, names, &Ratio::name);
  return one_of(at, names);
}
Status take_parameters(const At& at, Request& request) {
  constexpr Row<Request> rows[] = {{"autoTruncate", is_bool},
                                   {"outputDimensionality", is_whole, take_whole<&Request::dimensions, 1, vector_size_max>},
                                   {"sampleCount", is_whole, take_whole<&Request::samples, 1, 4>},
                                   {"aspectRatio", is_text, take_ratio},
                                   {"negativePrompt", is_text},
                                   {"seed", is_whole},
                                   {"sampleImageSize", is_text},
                                   {"imageSize", is_text},
                                   {"enhancePrompt", is_bool},
                                   {"addWatermark", is_bool},
                                   {"personGeneration", is_text},
                                   {"safetySetting", is_text},
                                   {"includeRaiReason", is_bool},
                                   {"includeSafetyAttributes", is_bool},
                                   {"language", is_text},
                                   {"guidanceScale", is_number},
                                   {"outputOptions", is_object},
                                   {"storageUri", is_text}};
  return read_members(at, rows, request);
}
constexpr Row<Request> rows[] = {{"instances", is_list, take_instances, true}, {"parameters", is_object, take_parameters}};

void write_vectors(Writer& writer, const Request& request) {
  for (const auto& instance : request.instances) {
    writer.begin_object().key("embeddings").begin_object().key("values");
    write_vector(writer, embed(instance.content, request.dimensions));
    writer.key("statistics").begin_object().key("truncated").boolean(false);
    writer.key("token_count").number(count_tokens(instance.content)).end_object().end_object().end_object();
  }
}
void write_pictures(Writer& writer, const Request& request) {
  const auto& ratio = *std::ranges::find(ratios, std::string_view{request.ratio}, &Ratio::name);
  for (std::uint64_t i = 0; i < request.samples; ++i) {
    const auto png = picture(fingerprint(request.instances.front().prompt, i), ratio.width, ratio.height);
    writer.begin_object().key("mimeType").string("image/png").key("bytesBase64Encoded").string(to_base64(png)).end_object();
  }
}

Status read_predict(const TaskAsk& ask, TaskPlan& plan) {
  Request request;
  Status status = read_task(ask, {gemini_words, true, refuse_body}, rows, plan, request);
  plan.model = ask.name;
  if (!status) return status;
  const auto& all = request.instances;
  if (all.empty() || all.size() > instances_max) {
    return fail(Kind::bad_request, cat("1 to ", instances_max, " instance(s) are allowed per prediction. Actual: ", all.size()));
  }
  const bool pictures = !all.front().prompt.empty();
  const auto fits = [&](const Instance& one) {
    return pictures ? one.content.empty() && !one.prompt.empty() : !one.content.empty();
  };
  if (!std::ranges::all_of(all, fits)) return fail(Kind::bad_request, "The text content is empty.");
  if (pictures && all.size() != 1) return fail(Kind::bad_request, "Only one instance is allowed for image generation.");
  plan.reply = [request = std::move(request), pictures](const TaskScene& scene) -> Result<TaskReply> {
    return reply_json([&](Writer& writer) {
      writer.begin_object().key("predictions").begin_array();
      pictures ? write_pictures(writer, request) : write_vectors(writer, request);
      writer.end_array().key("model").string(cat("publishers/google/models/", scene.model)).end_object();
    });
  };
  return {};
}

}  // namespace

const TaskForm vertex_predict{&gemini_form, read_predict};

}  // namespace cardea::twin
