// POST /v1/embeddings (platform.openai.com/docs/api-reference/embeddings), as OpenAI and most others have it. `input_type` and
// `truncate` are not OpenAI's own, but those of vendors that took over its form (Voyage, NVIDIA).

#include <array>

#include "dialect/tasks.h"
#include "dialect/vectors.h"

namespace cardea::dialect::tasks {

using json::Type;

std::optional<model::Usage> usage_of_input(std::optional<std::uint64_t> tokens) {
  if (!tokens) return std::nullopt;
  model::Usage usage;
  usage.input = tokens;
  return usage;
}

std::optional<model::Usage> read_input_usage(const Raw& answer) {
  const auto usage = answer.find("usage");
  if (!usage) return std::nullopt;
  std::optional<std::uint64_t> tokens;
  for (const auto key : {"prompt_tokens", "total_tokens", "input_tokens"}) {
    if (!tokens && !read_member(*usage, key, "usage", tokens)) tokens.reset();
  }
  return usage_of_input(tokens);
}

void write_input_usage(json::Writer& w, const std::optional<model::Usage>& usage) {
  if (!usage) return;
  w.key("usage").begin_object();
  w.key("prompt_tokens").number(usage->input_total());
  w.key("total_tokens").number(usage->total());
  w.end_object();
}

namespace {

constexpr std::string_view name = "openai";
constexpr Word words[] = {{"inputs", "input"}, {"encodings", "encoding_format"}, {"task", "input_type"}, {"title", "title"}};
// Voyage's and NVIDIA's, and Cohere's, which gateways take in the same place.
constexpr Word tasks[] = {{"query", "query"},
                          {"document", "document"},
                          {"document", "passage"},
                          {"query", "search_query"},
                          {"document", "search_document"}};
constexpr std::string_view known[] = {"model", "input", "encoding_format", "dimensions", "input_type", "truncate", "user"};

Result<TaskRequest> read_request(const Raw& root) {
  model::Embed out;
  out.dialect = name;
  std::optional<std::string> encoding;
  Status status = read_member(root, "encoding_format", "", encoding);
  if (status) status = read_member(root, "dimensions", "", out.dimensions);
  if (status) status = read_member(root, "input_type", "", out.task);
  if (status) status = read_member(root, "truncate", "", out.truncate);
  if (status) status = read_member(root, "user", "", out.user);
  const auto input = root.find("input");
  if (status && !input) status = bad_field("input", "is missing");
  if (status) status = read_inputs(*input, "input", nullptr, out.inputs);
  if (!status) return fail_with(status);
  if (encoding) out.encodings.emplace().push_back(std::move(*encoding));
  if (out.task) out.task = neutral_word(tasks, *out.task);
  if (out.truncate) out.truncate = to_lower(*out.truncate);
  collect_extras(root, known, out.extras);
  return out;
}

void write_input(json::Writer& w, const model::EmbedInput& input) {
  if (const auto* tokens = std::get_if<model::Tokens>(&input.value)) {
    w.raw(tokens->ids.text);
  } else {
    w.string(text_of(input).value_or(""));
  }
}

Result<TaskMessage> encode_request(const TaskRequest& request, Losses& losses) {
  const auto& embed = std::get<model::Embed>(request);
  const auto whose = dialect::whose(embed.dialect, name);
  for (std::size_t i = 0; i < embed.inputs.size(); ++i) {
    const auto& input = embed.inputs[i];
    if (!std::holds_alternative<model::Tokens>(input.value) && !text_of(input)) return unsayable(i, input);
  }
  std::string out;
  json::Writer w{out};
  w.begin_object();
  w.key("model").string(embed.model);
  w.key("input").begin_array();
  for (const auto& input : embed.inputs) write_input(w, input);
  w.end_array();
  const auto encoding = encoding_of(embed);
  const bool many = embed.encodings && embed.encodings->size() > 1;
  if (whose == Whose::own && embed.encodings && !many) {
    w.key("encoding_format").string(encoding);
  } else {
    lose_encodings(embed, losses);
  }
  write(w, "dimensions", embed.dimensions);
  if (whose == Whose::own) {
    write(w, "input_type", embed.task);
    write(w, "truncate", embed.truncate);
  } else {
    // OpenAI's own models take neither, and refuse what they do not know.
    if (embed.task) losses.detail("task");
    if (embed.truncate.value_or("none") != "none") losses.detail("truncate", "an input that is too long is an error there");
  }
  write(w, "user", embed.user);
  lose_title(embed, losses);
  write_or_lose(w, embed.extras, whose, losses);
  w.end_object();
  return out;
}

Result<TaskAnswer> read_answer(const Raw& root) {
  const auto data = required(root, "data", "", Type::array);
  if (!data) return fail(data.error().clone());
  model::Embedded out;
  out.dialect = name;
  out.usage = read_input_usage(root);
  Status status = read_member(root, "model", "", out.model);
  if (status) status = read_member(root, "id", "", out.id);
  std::uint64_t place = 0;
  data->each_element([&](const Raw& item) {
    const auto path = cat("data[", place, ']');
    std::optional<std::uint64_t> index;
    if (status) status = read_member(item, "index", path, index);
    const auto numbers = item.find("embedding");
    if (status && !numbers) status = bad_field(cat(path, ".embedding"), "is missing");
    if (!status) return false;
    auto vector = read_vector(*numbers, index.value_or(place), cat(path, ".embedding"));
    if (!vector) status = fail_with(vector);
    if (vector) out.vectors.push_back(std::move(*vector));
    ++place;
    return status.has_value();
  });
  if (!status) return fail_with(status);
  constexpr std::string_view known_answer[] = {"object", "data", "model", "usage", "id"};
  collect_extras(root, known_answer, out.extras);
  return out;
}

std::string encode_answer(const TaskAnswer& answer, const TaskContext& context, Losses& losses) {
  const auto& embedded = std::get<model::Embedded>(answer);
  std::string out;
  json::Writer w{out};
  w.begin_object();
  w.key("object").string("list");
  w.key("data").begin_array();
  for (const auto& vector : embedded.vectors) {
    w.begin_object();
    w.key("object").string("embedding");
    w.key("index").number(vector.index);
    w.key("embedding").raw(vector.value.text);
    w.end_object();
  }
  w.end_array();
  w.key("model").string(embedded.model.value_or(context.model));
  write_input_usage(w, embedded.usage);
  if (embedded.dialect == name) write(w, "id", embedded.id);
  write_or_lose(w, embedded.extras, whose(embedded.dialect, name), losses);
  w.end_object();
  return out;
}

}  // namespace

const TaskFormat openai_embed{.task = Task::embed,
                              .name = name,
                              .dialects = openai_like,
                              .target = "/embeddings",
                              .subject = "input",
                              .answers = "data",
                              .words = words,
                              .read_request = read_request,
                              .encode_request = encode_request,
                              .read_answer = read_answer,
                              .encode_answer = encode_answer};

}  // namespace cardea::dialect::tasks
