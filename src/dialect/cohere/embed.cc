// POST /v2/embed (docs.cohere.com/reference/embed).

#include <algorithm>
#include <tuple>

#include "dialect/openai_chat/media.h"
#include "dialect/tasks.h"
#include "dialect/vectors.h"

namespace cardea::dialect::tasks {
namespace {

using json::Type;

constexpr std::string_view name = "cohere";
constexpr Word words[] = {
    {"inputs", "texts"}, {"encodings", "embedding_types"}, {"task", "input_type"}, {"dimensions", "output_dimension"}};
constexpr Word tasks[] = {{"query", "search_query"},
                          {"document", "search_document"},
                          {"classification", "classification"},
                          {"clustering", "clustering"},
                          {"image", "image"}};
constexpr std::string_view known[] = {"model",      "texts",           "images",           "inputs",
                                      "input_type", "embedding_types", "output_dimension", "truncate"};

Status read_content_inputs(const Raw& list, std::vector<model::EmbedInput>& out) {
  if (!list.is(Type::array)) return wrong_type("inputs", "an array", list.type());
  Status status;
  std::size_t index = 0;
  list.each_element([&](const Raw& item) {
    const auto path = cat("inputs[", index++, ']');
    const auto content = required(item, "content", path, Type::array);
    if (!content) {
      status = fail(content.error().clone());
      return false;
    }
    auto parts = read_content(*content, cat(path, ".content"));
    if (!parts) {
      status = fail_with(parts);
      return false;
    }
    const auto* alone = parts->size() == 1 ? std::get_if<model::Text>(&parts->front().value) : nullptr;
    if (alone != nullptr) {
      out.push_back({std::move(alone->text), {}});
    } else {
      out.push_back({std::move(*parts), {}});
    }
    return true;
  });
  return status;
}

Status read_images(const Raw& list, std::vector<model::EmbedInput>& out) {
  std::optional<std::vector<std::string>> urls;
  if (auto status = read(list, "images", urls); !status) return status;
  for (const auto& url : *urls) {
    std::vector<model::Part> parts;
    parts.push_back({.value = model::Image{.media = openai::media_of_url(url), .detail = {}}, .cache = {}, .extras = {}});
    out.push_back({std::move(parts), {}});
  }
  return {};
}

Result<TaskRequest> read_request(const Raw& root) {
  model::Embed out;
  out.dialect = name;
  Status status = read_member(root, "input_type", "", out.task);
  if (status) status = read_member(root, "embedding_types", "", out.encodings);
  if (status) status = read_member(root, "output_dimension", "", out.dimensions);
  if (status) status = read_member(root, "truncate", "", out.truncate);
  if (const auto texts = root.find("texts"); status && texts) status = read_texts(*texts, "texts", out.inputs);
  if (const auto images = root.find("images"); status && images) status = read_images(*images, out.inputs);
  if (const auto inputs = root.find("inputs"); status && inputs) status = read_content_inputs(*inputs, out.inputs);
  if (status && out.inputs.empty()) status = bad_field("texts", "is missing; give texts, images or inputs");
  if (!status) return fail_with(status);
  if (out.task) out.task = neutral_word(tasks, *out.task);
  if (out.truncate) out.truncate = to_lower(*out.truncate);
  collect_extras(root, known, out.extras);
  return out;
}

bool is_plain_text(const model::EmbedInput& input) { return std::holds_alternative<std::string>(input.value); }

void write_inputs(json::Writer& w, const model::Embed& embed) {
  const bool plain = std::ranges::all_of(embed.inputs, is_plain_text);
  w.key(plain ? std::string_view{"texts"} : "inputs").begin_array();
  for (const auto& input : embed.inputs) {
    const auto* text = std::get_if<std::string>(&input.value);
    if (plain) {
      w.string(*text);
      continue;
    }
    w.begin_object();
    w.key("content");
    if (text != nullptr) {
      const model::Part part{.value = model::Text{.text = *text, .citations = {}}, .cache = {}, .extras = {}};
      write_content(w, std::span{&part, 1});
    } else {
      write_content(w, std::get<std::vector<model::Part>>(input.value));
    }
    w.end_object();
  }
  w.end_array();
}

/// Cohere's models since v3 want to be told; without a wish they are told what most vectors are for.
void write_task(json::Writer& w, const model::Embed& embed, Whose whose, Losses& losses) {
  if (whose == Whose::own && !embed.task) return;
  const auto word = embed.task ? own_word(tasks, *embed.task) : std::nullopt;
  if (word || whose == Whose::own) {
    w.key("input_type").string(word ? *word : std::string_view{*embed.task});
    return;
  }
  if (!embed.task) {
    losses.detail("task", "taken as documents to be found");
  } else {
    losses.meaning("task", "it has no such purpose");
  }
  w.key("input_type").string("search_document");
}

void write_encodings(json::Writer& w, const model::Embed& embed, Whose whose, Losses& losses) {
  if (whose == Whose::own) return write(w, "embedding_types", embed.encodings);
  std::vector<std::string> types;
  const std::vector<std::string> usual{"float"};
  constexpr std::string_view spoken[] = {"float", "int8", "uint8", "binary", "ubinary"};
  for (const auto& encoding : embed.encodings ? *embed.encodings : usual) {
    const bool has = std::ranges::find(spoken, encoding) != std::end(spoken);
    if (!has && encoding != "base64") losses.meaning("encodings", "it has no such numbers");
    // The gateway itself writes floats as base64.
    const std::string type = has ? encoding : "float";
    if (std::ranges::find(types, type) == types.end()) types.push_back(type);
  }
  write(w, "embedding_types", std::optional{std::move(types)});
}

Result<TaskMessage> encode_request(const TaskRequest& request, Losses& losses) {
  const auto& embed = std::get<model::Embed>(request);
  const auto whose = dialect::whose(embed.dialect, name);
  for (std::size_t i = 0; i < embed.inputs.size(); ++i) {
    if (std::holds_alternative<model::Tokens>(embed.inputs[i].value)) return unsayable(i, embed.inputs[i]);
  }
  std::string out;
  json::Writer w{out};
  w.begin_object();
  w.key("model").string(embed.model);
  write_inputs(w, embed);
  write_task(w, embed, whose, losses);
  write_encodings(w, embed, whose, losses);
  write(w, "output_dimension", embed.dimensions);
  if (embed.truncate) {
    std::string upper = *embed.truncate;
    std::ranges::transform(upper, upper.begin(), [](char c) { return c >= 'a' && c <= 'z' ? static_cast<char>(c - 32) : c; });
    w.key("truncate").string(upper);
  }
  if (embed.user) losses.detail("user");
  lose_title(embed, losses);
  write_or_lose(w, embed.extras, whose, losses);
  w.end_object();
  return out;
}

Result<TaskAnswer> read_answer(const Raw& root) {
  const auto embeddings = root.find("embeddings");
  if (!embeddings) return bad_field("embeddings", "is missing");
  model::Embedded out;
  out.dialect = name;
  Status status = read_member(root, "id", "", out.id);
  // Without types asked for, v1 answers with the floats alone.
  if (embeddings->is(Type::array)) {
    if (status) status = read_vectors(*embeddings, "float", "embeddings", out.vectors);
  } else {
    embeddings->each_member([&](const Raw& key, const Raw& list) {
      const auto type = key.string();
      if (status && !list.is(Type::null)) status = read_vectors(list, type, cat("embeddings.", type), out.vectors);
    });
  }
  std::ranges::sort(out.vectors, {}, [](const auto& vector) { return std::tie(vector.index, vector.encoding); });
  std::optional<std::uint64_t> tokens;
  const auto meta = root.find("meta");
  const auto billed = meta ? meta->find("billed_units") : std::nullopt;
  if (status && billed) status = read_member(*billed, "input_tokens", "meta.billed_units", tokens);
  if (!status) return fail_with(status);
  out.usage = usage_of_input(tokens);
  constexpr std::string_view known_answer[] = {"id", "embeddings", "texts", "images", "inputs", "meta", "response_type"};
  collect_extras(root, known_answer, out.extras);
  return out;
}

std::string encode_answer(const TaskAnswer& answer, const TaskContext& context, Losses& losses) {
  const auto& embedded = std::get<model::Embedded>(answer);
  const auto& asked = std::get<model::Embed>(context.request);
  std::vector<std::string_view> types;
  for (const auto& vector : embedded.vectors) {
    if (std::ranges::find(types, vector.encoding) == types.end()) types.push_back(vector.encoding);
  }
  std::string out;
  json::Writer w{out};
  w.begin_object();
  w.key("id").string(embedded.id.value_or(context.id));
  w.key("embeddings").begin_object();
  for (const auto type : types) {
    w.key(type);
    write_vectors(w, embedded.vectors, type);
  }
  w.end_object();
  w.key("texts").begin_array();
  for (const auto& input : asked.inputs) {
    if (const auto* text = std::get_if<std::string>(&input.value)) w.string(*text);
  }
  w.end_array();
  w.key("meta").begin_object();
  w.key("api_version").begin_object().key("version").string("2").end_object();
  if (embedded.usage) {
    w.key("billed_units").begin_object().key("input_tokens").number(embedded.usage->input_total()).end_object();
  }
  w.end_object();
  w.key("response_type").string("embeddings_by_type");
  write_or_lose(w, embedded.extras, whose(embedded.dialect, name), losses);
  w.end_object();
  return out;
}

}  // namespace

const TaskFormat cohere_embed{.task = Task::embed,
                              .name = name,
                              .dialects = cohere_like,
                              .target = "/embed",
                              .subject = {},
                              .answers = "embeddings",
                              .words = words,
                              .read_request = read_request,
                              .encode_request = encode_request,
                              .read_answer = read_answer,
                              .encode_answer = encode_answer};

}  // namespace cardea::dialect::tasks
