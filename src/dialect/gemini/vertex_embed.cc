// Vertex AI's POST …/models/{model}:predict for text embeddings
// (cloud.google.com/vertex-ai/generative-ai/docs/model-reference/text-embeddings-api). Counts stand beside each vector.

#include "dialect/tasks.h"
#include "dialect/vectors.h"

namespace cardea::dialect::tasks {
namespace {

using json::Type;

constexpr std::string_view name = "vertex";
constexpr Word words[] = {{"inputs", "instances"},
                          {"task", "task_type"},
                          {"dimensions", "parameters.outputDimensionality"},
                          {"truncate", "parameters.autoTruncate"}};
constexpr Word tasks[] = {{"query", "RETRIEVAL_QUERY"},
                          {"document", "RETRIEVAL_DOCUMENT"},
                          {"similarity", "SEMANTIC_SIMILARITY"},
                          {"classification", "CLASSIFICATION"},
                          {"clustering", "CLUSTERING"},
                          {"question_answering", "QUESTION_ANSWERING"},
                          {"fact_verification", "FACT_VERIFICATION"},
                          {"code_query", "CODE_RETRIEVAL_QUERY"}};

Status read_instance(const Raw& instance, model::Embed& out) {
  const auto path = cat("instances[", out.inputs.size(), ']');
  auto content = required_text(instance, "content", path);
  if (!content) return fail_with(content);
  model::EmbedInput input{std::move(*content), {}};
  std::optional<std::string> task;
  Status status = read_member(instance, "title", path, input.title);
  if (status) status = read_member(instance, "task_type", path, task);
  if (!status) return status;
  if (task) task = neutral_word(tasks, *task);
  if (!out.inputs.empty() && task != out.task)
    return bad_field(path, "differs from the first in task_type, which this model takes once for all");
  out.task = std::move(task);
  out.inputs.push_back(std::move(input));
  return {};
}

Result<TaskRequest> read_request(const Raw& root) {
  const auto instances = required(root, "instances", "", Type::array);
  if (!instances) return fail(instances.error().clone());
  model::Embed out;
  out.dialect = name;
  Status status;
  instances->each_element([&](const Raw& instance) {
    status = read_instance(instance, out);
    return status.has_value();
  });
  if (status && out.inputs.empty()) status = bad_field("instances", "is empty; give at least one element");
  std::optional<bool> truncate;
  if (const auto parameters = root.find("parameters"); status && parameters) {
    status = read_member(*parameters, "outputDimensionality", "parameters", out.dimensions);
    if (status) status = read_member(*parameters, "autoTruncate", "parameters", truncate);
  }
  if (!status) return fail_with(status);
  if (truncate) out.truncate = *truncate ? "end" : "none";
  constexpr std::string_view known[] = {"instances", "parameters"};
  collect_extras(root, known, out.extras);
  return out;
}

Result<TaskMessage> encode_request(const TaskRequest& request, Losses& losses) {
  const auto& embed = std::get<model::Embed>(request);
  const auto whose = dialect::whose(embed.dialect, name);
  const auto texts = texts_of(embed);
  if (!texts) return fail(texts.error().clone());
  const auto word = embed.task ? own_word(tasks, *embed.task) : std::nullopt;
  if (embed.task && !word && whose == Whose::foreign) losses.meaning("task", "it has no such purpose");
  std::string out;
  json::Writer w{out};
  w.begin_object();
  w.key("instances").begin_array();
  for (std::size_t i = 0; i < texts->size(); ++i) {
    w.begin_object();
    w.key("content").string((*texts)[i]);
    if (embed.task && (word || whose == Whose::own)) w.key("task_type").string(word ? *word : std::string_view{*embed.task});
    write(w, "title", embed.inputs[i].title);
    w.end_object();
  }
  w.end_array();
  const bool cuts = embed.truncate && *embed.truncate != "start";
  if (embed.truncate && !cuts) losses.detail("truncate");
  if (embed.dimensions || cuts) {
    w.key("parameters").begin_object();
    write(w, "outputDimensionality", embed.dimensions);
    if (cuts) w.key("autoTruncate").boolean(*embed.truncate == "end");
    w.end_object();
  }
  lose_encodings(embed, losses);
  if (embed.user) losses.detail("user");
  write_or_lose(w, embed.extras, whose, losses);
  w.end_object();
  return out;
}

Result<TaskAnswer> read_answer(const Raw& root) {
  const auto predictions = required(root, "predictions", "", Type::array);
  if (!predictions) return fail(predictions.error().clone());
  model::Embedded out;
  out.dialect = name;
  std::optional<std::uint64_t> tokens;
  Status status;
  predictions->each_element([&](const Raw& prediction) {
    const auto path = cat("predictions[", out.vectors.size(), "].embeddings");
    const auto embeddings = prediction.find("embeddings");
    const auto values = embeddings ? embeddings->find("values") : std::nullopt;
    if (!values) {
      status = bad_field(cat(path, ".values"), "is missing");
      return false;
    }
    auto vector = read_vector(*values, out.vectors.size(), cat(path, ".values"));
    if (!vector) status = fail_with(vector);
    if (vector) out.vectors.push_back(std::move(*vector));
    const auto statistics = embeddings->find("statistics");
    const auto counted = statistics ? statistics->find("token_count") : std::nullopt;
    // A count may be spelled as a double: 4.0.
    const auto count = counted ? json::to_u64(counted->text().substr(0, counted->text().find('.'))) : std::nullopt;
    if (count) tokens = tokens.value_or(0) + *count;
    return status.has_value();
  });
  if (!status) return fail_with(status);
  out.usage = usage_of_input(tokens);
  constexpr std::string_view known[] = {"predictions", "metadata"};
  collect_extras(root, known, out.extras);
  return out;
}

std::string encode_answer(const TaskAnswer& answer, const TaskContext& /*context*/, Losses& losses) {
  const auto& embedded = std::get<model::Embedded>(answer);
  std::string out;
  json::Writer w{out};
  w.begin_object();
  w.key("predictions").begin_array();
  bool first = true;
  for (const auto& vector : embedded.vectors) {
    w.begin_object().key("embeddings").begin_object();
    w.key("values").raw(vector.value.text);
    // Nobody else counts each input for itself, so the first stands for all.
    if (first && embedded.usage) {
      w.key("statistics").begin_object().key("token_count").number(embedded.usage->input_total()).end_object();
    }
    first = false;
    w.end_object().end_object();
  }
  w.end_array();
  write_or_lose(w, embedded.extras, whose(embedded.dialect, name), losses);
  w.end_object();
  return out;
}

}  // namespace

const TaskFormat vertex_embed{.task = Task::embed,
                              .name = name,
                              .dialects = {},
                              .target = "/models/{model}:predict",
                              .subject = "instances",
                              .answers = "predictions",
                              .words = words,
                              .read_request = read_request,
                              .encode_request = encode_request,
                              .read_answer = read_answer,
                              .encode_answer = encode_answer};

}  // namespace cardea::dialect::tasks
