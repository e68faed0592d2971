// POST /v1beta/models/{model}:embedContent and :batchEmbedContents (ai.google.dev/api/embeddings): one content, or several of
// them, each with its own wishes. Proto JSON takes both spellings of a field, so both are read.

#include "dialect/openai_chat/media.h"
#include "dialect/tasks.h"
#include "dialect/vectors.h"

namespace cardea::dialect::tasks {
namespace {

using json::Type;

constexpr std::string_view name = "gemini";
constexpr Word one_words[] = {{"inputs", "content"}, {"task", "taskType"}, {"dimensions", "outputDimensionality"}};
constexpr Word batch_words[] = {{"inputs", "requests"}, {"task", "taskType"}, {"dimensions", "outputDimensionality"}};
constexpr Word tasks[] = {{"query", "RETRIEVAL_QUERY"},
                          {"document", "RETRIEVAL_DOCUMENT"},
                          {"similarity", "SEMANTIC_SIMILARITY"},
                          {"classification", "CLASSIFICATION"},
                          {"clustering", "CLUSTERING"},
                          {"question_answering", "QUESTION_ANSWERING"},
                          {"fact_verification", "FACT_VERIFICATION"},
                          {"code_query", "CODE_RETRIEVAL_QUERY"}};
constexpr std::string_view known[] = {
    "model", "content", "taskType", "task_type", "title", "outputDimensionality", "output_dimensionality"};

template <class T>
Status read_either(const Raw& object, std::string_view key, std::string_view proto, std::string_view path,
                   std::optional<T>& out) {
  return read_member(object, object.find(key) ? key : proto, path, out);
}

Result<model::Part> read_part(const Raw& part, const std::string& path) {
  model::Part out;
  std::optional<std::string> text;
  if (auto status = read_member(part, "text", path, text); !status) return fail_with(status);
  if (text) {
    out.value = model::Text{.text = std::move(*text), .citations = {}};
    return out;
  }
  auto data = part.find("inlineData");
  if (!data) data = part.find("inline_data");
  if (!data) return bad_field(path, "must hold text or inlineData");
  model::Image image;
  Status status = read_either(*data, "mimeType", "mime_type", cat(path, ".inlineData"), image.media.media_type);
  if (status) status = read_member(*data, "data", cat(path, ".inlineData"), image.media.base64);
  if (status && !image.media.base64) status = bad_field(cat(path, ".inlineData.data"), "is missing");
  if (!status) return fail_with(status);
  out.value = std::move(image);
  return out;
}

Result<model::EmbedInput> read_content_of(const Raw& request, const std::string& path) {
  const auto where = field_path(path, "content");
  const auto content = required(request, "content", path, Type::object);
  if (!content) return fail(content.error().clone());
  const auto list = required(*content, "parts", where, Type::array);
  if (!list) return fail(list.error().clone());
  std::vector<model::Part> parts;
  Status status;
  list->each_element([&](const Raw& element) {
    auto part = read_part(element, cat(where, ".parts[", parts.size(), ']'));
    if (!part) status = fail_with(part);
    if (part) parts.push_back(std::move(*part));
    return status.has_value();
  });
  if (status && parts.empty()) status = bad_field(cat(where, ".parts"), "is empty; give at least one element");
  if (!status) return fail_with(status);
  model::EmbedInput out;
  if (auto* alone = parts.size() == 1 ? std::get_if<model::Text>(&parts.front().value) : nullptr; alone != nullptr) {
    out.value = std::move(alone->text);
  } else {
    out.value = std::move(parts);
  }
  status = read_member(request, "title", path, out.title);
  if (!status) return fail_with(status);
  return out;
}

/// Wishes of one request, which all of a batch must share: the others take them once for all.
Status read_wishes(const Raw& request, const std::string& path, model::Embed& out) {
  std::optional<std::string> task;
  std::optional<std::uint64_t> dimensions;
  Status status = read_either(request, "taskType", "task_type", path, task);
  if (status) status = read_either(request, "outputDimensionality", "output_dimensionality", path, dimensions);
  if (!status) return status;
  if (task) task = neutral_word(tasks, *task);
  if (out.inputs.size() > 1 && (task != out.task || dimensions != out.dimensions)) {
    return bad_field(path, "differs from the first in taskType or outputDimensionality, which this model takes once for all");
  }
  out.task = std::move(task);
  out.dimensions = dimensions;
  return {};
}

Status read_request(const Raw& request, const std::string& path, model::Embed& out) {
  auto input = read_content_of(request, path);
  if (!input) return fail_with(input);
  out.inputs.push_back(std::move(*input));
  if (auto status = read_wishes(request, path, out); !status) return status;
  collect_extras(request, known, out.extras);
  return {};
}

Result<TaskRequest> read_one(const Raw& root) {
  model::Embed out;
  out.dialect = name;
  if (auto status = read_request(root, "", out); !status) return fail_with(status);
  return out;
}

Result<TaskRequest> read_batch(const Raw& root) {
  const auto list = required(root, "requests", "", Type::array);
  if (!list) return fail(list.error().clone());
  model::Embed out;
  out.dialect = name;
  Status status;
  list->each_element([&](const Raw& request) {
    status = read_request(request, cat("requests[", out.inputs.size(), ']'), out);
    return status.has_value();
  });
  if (status && out.inputs.empty()) status = bad_field("requests", "is empty; give at least one element");
  if (!status) return fail_with(status);
  return out;
}

Status write_part(json::Writer& w, const model::Part& part, std::size_t index) {
  w.begin_object();
  if (const auto* text = std::get_if<model::Text>(&part.value)) w.key("text").string(text->text);
  const auto* image = std::get_if<model::Image>(&part.value);
  if (image != nullptr && !image->media.base64)
    return bad_field(cat("inputs[", index, ']'), "holds an image by URL, which this model cannot be sent; send its bytes");
  if (image != nullptr) {
    w.key("inlineData").begin_object();
    write(w, "mimeType", image->media.media_type);
    write(w, "data", image->media.base64);
    w.end_object();
  }
  w.end_object();
  return {};
}

Status write_content_of(json::Writer& w, const model::EmbedInput& input, std::size_t index) {
  if (std::holds_alternative<model::Tokens>(input.value)) return unsayable(index, input);
  w.key("content").begin_object();
  w.key("parts").begin_array();
  Status status;
  if (const auto* text = std::get_if<std::string>(&input.value)) {
    w.begin_object().key("text").string(*text).end_object();
  } else {
    for (const auto& part : std::get<std::vector<model::Part>>(input.value)) {
      status = write_part(w, part, index);
      if (!status) return status;
    }
  }
  w.end_array();
  w.end_object();
  write(w, "title", input.title);
  return {};
}

/// Losses are the same for every input and named once.
Status write_request(json::Writer& w, const model::Embed& embed, std::size_t index, Losses& losses) {
  const auto whose = dialect::whose(embed.dialect, name);
  w.begin_object();
  w.key("model").string(cat("models/", embed.model));
  if (auto status = write_content_of(w, embed.inputs[index], index); !status) return status;
  if (embed.task) {
    const auto word = own_word(tasks, *embed.task);
    if (word || whose == Whose::own) {
      w.key("taskType").string(word ? *word : std::string_view{*embed.task});
    } else {
      losses.meaning("task", "it has no such purpose");
    }
  }
  write(w, "outputDimensionality", embed.dimensions);
  lose_encodings(embed, losses);
  if (embed.truncate) losses.detail("truncate");
  if (embed.user) losses.detail("user");
  write_or_lose(w, embed.extras, whose, losses);
  w.end_object();
  return {};
}

Result<TaskMessage> encode_one(const TaskRequest& request, Losses& losses) {
  const auto& embed = std::get<model::Embed>(request);
  if (embed.inputs.size() != 1) return bad_field("inputs", "must be one for this model");
  std::string out;
  json::Writer w{out};
  if (auto status = write_request(w, embed, 0, losses); !status) return fail_with(status);
  return out;
}

Result<TaskMessage> encode_batch(const TaskRequest& request, Losses& losses) {
  const auto& embed = std::get<model::Embed>(request);
  std::string out;
  json::Writer w{out};
  w.begin_object();
  w.key("requests").begin_array();
  for (std::size_t i = 0; i < embed.inputs.size(); ++i) {
    if (auto status = write_request(w, embed, i, losses); !status) return fail_with(status);
  }
  w.end_array();
  w.end_object();
  return out;
}

/// Newer models count: `usageMetadata`.
Status read_usage(const Raw& root, model::Embedded& out) {
  const auto usage = root.find("usageMetadata");
  std::optional<std::uint64_t> tokens;
  Status status;
  if (usage) status = read_member(*usage, "promptTokenCount", "usageMetadata", tokens);
  out.usage = usage_of_input(tokens);
  return status;
}

Status read_embedding(const Raw& embedding, const std::string& path, model::Embedded& out) {
  const auto values = embedding.find("values");
  if (!values) return bad_field(cat(path, ".values"), "is missing");
  auto vector = read_vector(*values, out.vectors.size(), cat(path, ".values"));
  if (!vector) return fail_with(vector);
  out.vectors.push_back(std::move(*vector));
  return {};
}

constexpr std::string_view known_answer[] = {"embedding", "embeddings", "usageMetadata"};

Result<TaskAnswer> read_one_answer(const Raw& root) {
  model::Embedded out;
  out.dialect = name;
  const auto embedding = required(root, "embedding", "", Type::object);
  if (!embedding) return fail(embedding.error().clone());
  Status status = read_embedding(*embedding, "embedding", out);
  if (status) status = read_usage(root, out);
  if (!status) return fail_with(status);
  collect_extras(root, known_answer, out.extras);
  return out;
}

Result<TaskAnswer> read_batch_answer(const Raw& root) {
  model::Embedded out;
  out.dialect = name;
  const auto list = required(root, "embeddings", "", Type::array);
  if (!list) return fail(list.error().clone());
  Status status;
  list->each_element([&](const Raw& embedding) {
    status = read_embedding(embedding, cat("embeddings[", out.vectors.size(), ']'), out);
    return status.has_value();
  });
  if (status) status = read_usage(root, out);
  if (!status) return fail_with(status);
  collect_extras(root, known_answer, out.extras);
  return out;
}

void write_embedding(json::Writer& w, const model::Vector& vector) {
  w.begin_object();
  w.key("values").raw(vector.value.text);
  w.end_object();
}

void write_rest(json::Writer& w, const model::Embedded& embedded, Losses& losses) {
  if (embedded.usage) {
    w.key("usageMetadata").begin_object().key("promptTokenCount").number(embedded.usage->input_total()).end_object();
  }
  write_or_lose(w, embedded.extras, whose(embedded.dialect, name), losses);
}

std::string encode_one_answer(const TaskAnswer& answer, const TaskContext& /*context*/, Losses& losses) {
  const auto& embedded = std::get<model::Embedded>(answer);
  std::string out;
  json::Writer w{out};
  w.begin_object();
  if (!embedded.vectors.empty()) {
    w.key("embedding");
    write_embedding(w, embedded.vectors.front());
  }
  write_rest(w, embedded, losses);
  w.end_object();
  return out;
}

std::string encode_batch_answer(const TaskAnswer& answer, const TaskContext& /*context*/, Losses& losses) {
  const auto& embedded = std::get<model::Embedded>(answer);
  std::string out;
  json::Writer w{out};
  w.begin_object();
  w.key("embeddings").begin_array();
  for (const auto& vector : embedded.vectors) write_embedding(w, vector);
  w.end_array();
  write_rest(w, embedded, losses);
  w.end_object();
  return out;
}

}  // namespace

const TaskFormat gemini_embed{.task = Task::embed,
                              .name = name,
                              .dialects = gemini_like,
                              .target = "/models/{model}:embedContent",
                              .subject = "content",
                              .answers = "embedding",
                              .words = one_words,
                              .read_request = read_one,
                              .encode_request = encode_one,
                              .read_answer = read_one_answer,
                              .encode_answer = encode_one_answer};
const TaskFormat gemini_batch_embed{.task = Task::embed,
                                    .name = "gemini_batch",
                                    .dialects = gemini_like,
                                    .target = "/models/{model}:batchEmbedContents",
                                    .subject = "requests",
                                    .answers = "embeddings",
                                    .words = batch_words,
                                    .read_request = read_batch,
                                    .encode_request = encode_batch,
                                    .read_answer = read_batch_answer,
                                    .encode_answer = encode_batch_answer};

}  // namespace cardea::dialect::tasks
