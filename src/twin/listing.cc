#include "twin/listing.h"

#include <vector>

#include "base/text.h"
#include "json/writer.h"
#include "twin/answer.h"
#include "twin/tokens.h"

namespace cardea::twin {
namespace {

using json::Writer;

constexpr std::uint64_t created = 1'735'689'600;  // 2025-01-01
constexpr std::uint64_t context_tokens = 1'000'000;
constexpr std::uint64_t output_tokens = 65'536;

struct Shape {
  const Form* form;
  void (*one)(Writer& writer, const ModelRow& row, std::string_view name);
  void (*all)(Writer& writer, void (*one)(Writer&, const ModelRow&, std::string_view));
};

void each(Writer& writer, void (*one)(Writer&, const ModelRow&, std::string_view)) {
  writer.begin_array();
  for (const auto& row : model_rows()) one(writer, row, row.name);
  writer.end_array();
}

// ---- OpenAI: platform.openai.com/docs/api-reference/models -----------------------------------------------------------------

void openai_one(Writer& writer, const ModelRow&, std::string_view name) {
  writer.begin_object().key("id").string(name).key("object").string("model");
  writer.key("created").number(created).key("owned_by").string("cardea").end_object();
}
void openai_all(Writer& writer, void (*one)(Writer&, const ModelRow&, std::string_view)) {
  writer.begin_object().key("object").string("list").key("data");
  each(writer, one);
  writer.end_object();
}

// ---- Anthropic: docs.anthropic.com/en/api/models-list ----------------------------------------------------------------------

void anthropic_one(Writer& writer, const ModelRow& row, std::string_view name) {
  writer.begin_object().key("type").string("model").key("id").string(name);
  writer.key("display_name").string(cat("Twin: ", row.name)).key("created_at").string("2025-01-01T00:00:00Z");
  writer.key("max_input_tokens").number(context_tokens).key("max_tokens").number(output_tokens).end_object();
}
void anthropic_all(Writer& writer, void (*one)(Writer&, const ModelRow&, std::string_view)) {
  writer.begin_object().key("data");
  each(writer, one);
  writer.key("has_more").boolean(false).key("first_id").string(model_rows().front().name);
  writer.key("last_id").string(model_rows().back().name).end_object();
}

// ---- Gemini: ai.google.dev/api/models --------------------------------------------------------------------------------------

void gemini_one(Writer& writer, const ModelRow& row, std::string_view name) {
  writer.begin_object().key("name").string(cat("models/", name)).key("version").string("001");
  writer.key("displayName").string(cat("Twin: ", row.name)).key("description").string(row.does);
  writer.key("inputTokenLimit").number(context_tokens).key("outputTokenLimit").number(output_tokens);
  writer.key("supportedGenerationMethods").begin_array().string("generateContent").string("countTokens");
  writer.string("embedContent").string("batchEmbedContents").string("predict").end_array();
  writer.key("temperature").number(1).key("maxTemperature").number(2).key("topP").number(0.95).key("topK").number(64);
  writer.key("thinking").boolean(row.thinks).end_object();
}
void gemini_all(Writer& writer, void (*one)(Writer&, const ModelRow&, std::string_view)) {
  writer.begin_object().key("models");
  each(writer, one);
  writer.end_object();
}

// ---- Ollama: github.com/ollama/ollama, docs/api.md -------------------------------------------------------------------------

void ollama_details(Writer& writer) {
  writer.key("details").begin_object().key("parent_model").string("").key("format").string("gguf").key("family").string("twin");
  writer.key("families").begin_array().string("twin").end_array();
  writer.key("parameter_size").string("1B").key("quantization_level").string("Q4_0").end_object();
}
void ollama_one(Writer& writer, const ModelRow&, std::string_view name) {
  writer.begin_object().key("name").string(name).key("model").string(name).key("modified_at").string("2025-01-01T00:00:00Z");
  writer.key("size").number(created).key("digest").string(hex_id("twin", fingerprint(name)));
  ollama_details(writer);
  writer.end_object();
}
void ollama_all(Writer& writer, void (*one)(Writer&, const ModelRow&, std::string_view)) {
  writer.begin_object().key("models");
  each(writer, one);
  writer.end_object();
}
void ollama_show(Writer& writer, const ModelRow& row) {
  writer.begin_object().key("license").string("Apache-2.0").key("modelfile").string("FROM twin").key("parameters").string("");
  writer.key("template").string("{{ .Prompt }}");
  ollama_details(writer);
  writer.key("model_info").begin_object().key("general.architecture").string("twin");
  writer.key("twin.context_length").number(context_tokens).end_object();
  writer.key("capabilities").begin_array().string("completion").string("tools").string("vision");
  if (row.thinks) writer.string("thinking");
  writer.end_array().key("modified_at").string("2025-01-01T00:00:00Z").end_object();
}

// ---- Bedrock: docs.aws.amazon.com/bedrock/latest/APIReference/API_ListFoundationModels.html --------------------------------

void bedrock_one(Writer& writer, const ModelRow& row, std::string_view name) {
  writer.begin_object().key("modelArn").string(cat("arn:aws:bedrock:us-east-1::foundation-model/", name));
  writer.key("modelId").string(name).key("modelName").string(cat("Twin: ", row.name)).key("providerName").string("Cardea");
  writer.key("inputModalities").begin_array().string("TEXT").string("IMAGE").end_array();
  writer.key("outputModalities").begin_array().string("TEXT").end_array().key("responseStreamingSupported").boolean(true);
  writer.key("customizationsSupported").begin_array().end_array();
  writer.key("inferenceTypesSupported").begin_array().string("ON_DEMAND").end_array();
  writer.key("modelLifecycle").begin_object().key("status").string("ACTIVE").end_object().end_object();
}
void bedrock_all(Writer& writer, void (*one)(Writer&, const ModelRow&, std::string_view)) {
  writer.begin_object().key("modelSummaries");
  each(writer, one);
  writer.end_object();
}

constexpr Shape shapes[] = {{&openai_chat_form, openai_one, openai_all},
                            {&anthropic_form, anthropic_one, anthropic_all},
                            {&gemini_form, gemini_one, gemini_all},
                            {&ollama_form, ollama_one, ollama_all},
                            {&bedrock_form, bedrock_one, bedrock_all}};

std::string_view plain_name(std::string_view name) {
  constexpr std::string_view prefix = "twin/";
  return name.starts_with(prefix) ? name.substr(prefix.size()) : name;
}

}  // namespace

Result<std::string> listing(const Target& target, TwinOptions::Names names) {
  std::string body;
  Writer writer{body};
  const Shape* shape = std::ranges::find(shapes, target.form, &Shape::form);
  if (shape == std::end(shapes)) return fail(Kind::not_found);
  if (target.kind == Target::Kind::version) return R"({"version":"0.12.0"})";
  if (target.kind == Target::Kind::running) return R"({"models":[]})";
  if (target.kind == Target::Kind::models) {
    shape->all(writer, shape->one);
    return body;
  }
  const auto name = plain_name(target.model);
  const ModelRow* row = find_model(name.starts_with("error-") ? "error" : name);
  if (row == nullptr && names == TwinOptions::Names::any) row = &model_rows().front();
  if (row == nullptr) return fail(Kind::model_not_found, cat("The model '", target.model, "' does not exist"), "model");
  if (target.kind == Target::Kind::show) {
    ollama_show(writer, *row);
  } else {
    shape->one(writer, *row, target.model);
  }
  return body;
}

}  // namespace cardea::twin
