// POST /api/embed, and the older /api/embeddings, which takes one text and tells no counts (docs.ollama.com/api/embed).

#include "dialect/tasks.h"
#include "dialect/vectors.h"

namespace cardea::dialect::tasks {
namespace {

using json::Type;

constexpr std::string_view name = "ollama";
constexpr Word words[] = {{"inputs", "input"}};
constexpr Word old_words[] = {{"inputs", "prompt"}};

struct Form {
  std::string_view input;    ///< the member with the texts
  std::string_view vectors;  ///< of an answer
  bool several;              ///< texts at once, dimensions, counts
};
constexpr Form form_new{"input", "embeddings", true};
constexpr Form form_old{"prompt", "embedding", false};

template <const Form& form>
Result<TaskRequest> read_request(const Raw& root) {
  model::Embed out;
  out.dialect = name;
  std::optional<bool> truncate;
  Status status;
  if (status && form.several) status = read_member(root, "dimensions", "", out.dimensions);
  if (status && form.several) status = read_member(root, "truncate", "", truncate);
  const auto input = root.find(form.input);
  if (status && !input) status = bad_field(form.input, "is missing");
  if (status && !form.several && !input->is(Type::string)) status = wrong_type(form.input, "a string", input->type());
  if (status) status = read_texts(*input, form.input, out.inputs);
  if (!status) return fail_with(status);
  if (truncate) out.truncate = *truncate ? "end" : "none";
  constexpr std::string_view known[] = {"model", form.input, "dimensions", "truncate"};
  constexpr std::string_view known_old[] = {"model", form.input};
  collect_extras(root, form.several ? std::span<const std::string_view>{known} : known_old, out.extras);
  return out;
}

template <const Form& form>
Result<TaskMessage> encode_request(const TaskRequest& request, Losses& losses) {
  const auto& embed = std::get<model::Embed>(request);
  const auto whose = dialect::whose(embed.dialect, name);
  const auto texts = texts_of(embed);
  if (!texts) return fail(texts.error().clone());
  if (!form.several && texts->size() != 1) return bad_field("inputs", "must be one text for this model");
  std::string out;
  json::Writer w{out};
  w.begin_object();
  w.key("model").string(embed.model);
  w.key(form.input);
  if (form.several) w.begin_array();
  for (const auto& text : *texts) w.string(text);
  if (form.several) w.end_array();
  if (embed.dimensions && !form.several) losses.meaning("dimensions");
  if (form.several) write(w, "dimensions", embed.dimensions);
  if (embed.truncate) {
    const bool said = form.several && *embed.truncate != "start";
    if (said) w.key("truncate").boolean(*embed.truncate == "end");
    if (!said) losses.detail("truncate");
  }
  lose_encodings(embed, losses);
  if (embed.task) losses.detail("task");
  if (embed.user) losses.detail("user");
  lose_title(embed, losses);
  write_or_lose(w, embed.extras, whose, losses);
  w.end_object();
  return out;
}

template <const Form& form>
Result<TaskAnswer> read_answer(const Raw& root) {
  const auto list = root.find(form.vectors);
  if (!list) return bad_field(form.vectors, "is missing");
  model::Embedded out;
  out.dialect = name;
  Status status = read_member(root, "model", "", out.model);
  std::optional<std::uint64_t> tokens;
  if (status) status = read_member(root, "prompt_eval_count", "", tokens);
  if (status && form.several) status = read_vectors(*list, "float", form.vectors, out.vectors);
  if (status && !form.several) {
    auto vector = read_vector(*list, 0, std::string{form.vectors});
    if (!vector) status = fail_with(vector);
    if (vector) out.vectors.push_back(std::move(*vector));
  }
  if (!status) return fail_with(status);
  out.usage = usage_of_input(tokens);
  constexpr std::string_view known[] = {"model", form.vectors, "prompt_eval_count"};
  collect_extras(root, known, out.extras);
  return out;
}

template <const Form& form>
std::string encode_answer(const TaskAnswer& answer, const TaskContext& context, Losses& losses) {
  const auto& embedded = std::get<model::Embedded>(answer);
  std::string out;
  json::Writer w{out};
  w.begin_object();
  if (form.several) {
    w.key("model").string(embedded.model.value_or(context.model));
    w.key(form.vectors);
    write_vectors(w, embedded.vectors, "float");
    if (embedded.usage) w.key("prompt_eval_count").number(embedded.usage->input_total());
  } else {
    if (embedded.usage) losses.detail("usage");
    w.key(form.vectors).raw(embedded.vectors.empty() ? std::string_view{"[]"} : embedded.vectors.front().value.text);
  }
  write_or_lose(w, embedded.extras, whose(embedded.dialect, name), losses);
  w.end_object();
  return out;
}

}  // namespace

const TaskFormat ollama_embed{.task = Task::embed,
                              .name = "ollama",
                              .dialects = ollama_like,
                              .target = "/api/embed",
                              .subject = "input",
                              .answers = "embeddings",
                              .words = words,
                              .read_request = read_request<form_new>,
                              .encode_request = encode_request<form_new>,
                              .read_answer = read_answer<form_new>,
                              .encode_answer = encode_answer<form_new>};
const TaskFormat ollama_embeddings{.task = Task::embed,
                                   .name = "ollama_embeddings",
                                   .dialects = ollama_like,
                                   .target = "/api/embeddings",
                                   .subject = "prompt",
                                   .answers = "embedding",
                                   .words = old_words,
                                   .read_request = read_request<form_old>,
                                   .encode_request = encode_request<form_old>,
                                   .read_answer = read_answer<form_old>,
                                   .encode_answer = encode_answer<form_old>};

}  // namespace cardea::dialect::tasks
