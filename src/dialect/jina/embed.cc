// Jina's POST /v1/embeddings (api.jina.ai/redoc, jina.ai/embeddings): OpenAI's form with words of its own.

#include "dialect/openai_chat/media.h"
#include "dialect/tasks.h"
#include "dialect/vectors.h"

namespace cardea::dialect::tasks {
namespace {

constexpr std::string_view name = "jina";
constexpr Word words[] = {{"inputs", "input"}, {"encodings", "embedding_type"}};
constexpr Word tasks[] = {{"query", "retrieval.query"},    {"document", "retrieval.passage"},
                          {"similarity", "text-matching"}, {"classification", "classification"},
                          {"clustering", "separation"},    {"code_query", "code.query"}};
constexpr std::string_view known[] = {"model", "input", "embedding_type", "dimensions", "task", "truncate", "user"};

/// {"text": …} or {"image": URL or base64}.
Result<model::EmbedInput> read_object(const Raw& object, const std::string& path) {
  std::optional<std::string> text;
  std::optional<std::string> image;
  Status status = read_member(object, "text", path, text);
  if (status) status = read_member(object, "image", path, image);
  if (status && !text && !image) status = bad_field(path, "must hold text or image");
  if (!status) return fail_with(status);
  if (text) return model::EmbedInput{std::move(*text), {}};
  model::Image said;
  if (openai::is_web_address(*image) || image->starts_with("data:")) {
    said.media = openai::media_of_url(*image);
  } else {
    said.media.base64 = std::move(*image);
  }
  std::vector<model::Part> parts(1);
  parts.front().value = std::move(said);
  return model::EmbedInput{std::move(parts), {}};
}

Status read_types(const Raw& root, model::Embed& out) {
  const auto types = root.find("embedding_type");
  if (!types) return {};
  if (!types->is(json::Type::string)) return read(*types, "embedding_type", out.encodings);
  out.encodings.emplace().push_back(types->string());
  return {};
}

Result<TaskRequest> read_request(const Raw& root) {
  model::Embed out;
  out.dialect = name;
  std::optional<bool> truncate;
  Status status = read_types(root, out);
  if (status) status = read_member(root, "dimensions", "", out.dimensions);
  if (status) status = read_member(root, "task", "", out.task);
  if (status) status = read_member(root, "truncate", "", truncate);
  if (status) status = read_member(root, "user", "", out.user);
  const auto input = root.find("input");
  if (status && !input) status = bad_field("input", "is missing");
  if (status) status = read_inputs(*input, "input", read_object, out.inputs);
  if (!status) return fail_with(status);
  if (out.task) out.task = neutral_word(tasks, *out.task);
  if (truncate) out.truncate = *truncate ? "end" : "none";
  collect_extras(root, known, out.extras);
  return out;
}

/// Text beside images is an input of several; one of each is all that Jina takes.
Status write_input(json::Writer& w, const model::EmbedInput& input, std::size_t index) {
  if (const auto* text = std::get_if<std::string>(&input.value)) {
    w.string(*text);
    return {};
  }
  if (std::holds_alternative<model::Tokens>(input.value)) return unsayable(index, input);
  const auto& parts = std::get<std::vector<model::Part>>(input.value);
  const auto* image = parts.size() == 1 ? std::get_if<model::Image>(&parts.front().value) : nullptr;
  if (image != nullptr) {
    const auto& media = image->media;
    w.begin_object();
    w.key("image").string(media.url          ? *media.url
                          : media.media_type ? openai::data_url(media, openai::Origin::own)
                                             : media.base64.value_or(""));
    w.end_object();
    return {};
  }
  const auto text = text_of(input);
  if (!text)
    return bad_field(cat("inputs[", index, ']'), "holds a text beside an image, or several, which this model cannot be sent");
  w.string(*text);
  return {};
}

Result<TaskMessage> encode_request(const TaskRequest& request, Losses& losses) {
  const auto& embed = std::get<model::Embed>(request);
  const auto whose = dialect::whose(embed.dialect, name);
  std::string out;
  json::Writer w{out};
  w.begin_object();
  w.key("model").string(embed.model);
  w.key("input").begin_array();
  for (std::size_t i = 0; i < embed.inputs.size(); ++i) {
    if (auto status = write_input(w, embed.inputs[i], i); !status) return fail_with(status);
  }
  w.end_array();
  if (whose == Whose::own && embed.encodings && embed.encodings->size() > 1) {
    write(w, "embedding_type", embed.encodings);
  } else if (embed.encodings) {
    const auto type = encoding_of(embed);
    const bool spoken = type == "float" || type == "base64" || type == "binary" || type == "ubinary";
    if (spoken || whose == Whose::own) w.key("embedding_type").string(type);
    const bool all = embed.encodings->size() == 1 && spoken;
    if (!all && whose == Whose::foreign) lose_encodings(embed, losses);
  }
  write(w, "dimensions", embed.dimensions);
  if (embed.task) {
    const auto word = own_word(tasks, *embed.task);
    if (word || whose == Whose::own) {
      w.key("task").string(word ? *word : std::string_view{*embed.task});
    } else {
      losses.meaning("task", "it has no such purpose");
    }
  }
  const bool cuts = embed.truncate && *embed.truncate != "start";
  if (cuts) w.key("truncate").boolean(*embed.truncate == "end");
  if (embed.truncate && !cuts) losses.detail("truncate");
  if (whose == Whose::own) write(w, "user", embed.user);
  if (whose == Whose::foreign && embed.user) losses.detail("user");
  lose_title(embed, losses);
  write_or_lose(w, embed.extras, whose, losses);
  w.end_object();
  return out;
}

Result<TaskAnswer> read_answer(const Raw& root) {
  auto answer = openai_embed.read_answer(root);
  if (answer) std::get<model::Embedded>(*answer).dialect = name;
  return answer;
}

std::string encode_answer(const TaskAnswer& answer, const TaskContext& context, Losses& losses) {
  if (std::get<model::Embedded>(answer).dialect != name) return openai_embed.encode_answer(answer, context, losses);
  TaskAnswer own = answer;
  std::get<model::Embedded>(own).dialect = openai_embed.name;
  return openai_embed.encode_answer(own, context, losses);
}

}  // namespace

const TaskFormat jina_embed{.task = Task::embed,
                            .name = name,
                            .dialects = {},
                            .target = "/embeddings",
                            .subject = "input",
                            .answers = "data",
                            .words = words,
                            .read_request = read_request,
                            .encode_request = encode_request,
                            .read_answer = read_answer,
                            .encode_answer = encode_answer};

}  // namespace cardea::dialect::tasks
