#pragma once
// Private to the folder: the part of the table (shape.h) that is about work that is no chat.

#include "dialect/native/shape.h"
#include "dialect/task.h"

namespace cardea::dialect::native_format {

/// What is turned into a vector, as it is written: exactly one of text, tokens and content.
struct Input {
  std::optional<std::string> text;
  std::optional<model::Json> tokens;
  std::vector<model::Part> content;
  std::optional<std::string> title;
  bool operator==(const Input&) const = default;
};

/// What is judged: exactly one of text and content.
struct Judged {
  std::optional<std::string> text;
  std::vector<model::Part> content;
  bool operator==(const Judged&) const = default;
};

template <>
struct Shape<Input> {
  using T = Input;
  static constexpr std::string_view name = "input", about = "One of text, tokens and content.";
  static constexpr auto fields =
      std::tuple{may("text", &T::text), may("tokens", &T::tokens, "of a text that was cut already: an array of integers"),
                 list("content", &T::content, "part"), may("title", &T::title, "of the document that it is from")};
  static std::string_view fault(const T& input) {
    const int ways = (input.text ? 1 : 0) + (input.tokens ? 1 : 0) + (input.content.empty() ? 0 : 1);
    return ways == 1 ? "" : "must have exactly one of text, tokens and content";
  }
};

template <>
struct Shape<Judged> {
  using T = Judged;
  static constexpr std::string_view name = "judged", about = "One of text and content.";
  static constexpr auto fields = std::tuple{may("text", &T::text), list("content", &T::content, "part")};
  static std::string_view fault(const T& input) {
    return input.text.has_value() == input.content.empty() ? "" : "must have either text or content";
  }
};

template <>
struct Shape<model::EmbedInput> {
  using Written = Input;
  static Input written(const model::EmbedInput& input) {
    Input out{.title = input.title};
    if (const auto* text = std::get_if<std::string>(&input.value)) out.text = *text;
    if (const auto* tokens = std::get_if<model::Tokens>(&input.value)) out.tokens = tokens->ids;
    if (const auto* parts = std::get_if<std::vector<model::Part>>(&input.value)) out.content = *parts;
    return out;
  }
  static model::EmbedInput read(Input input) {
    if (input.text) return {*std::move(input.text), std::move(input.title)};
    if (input.tokens) return {model::Tokens{*std::move(input.tokens)}, std::move(input.title)};
    return {std::move(input.content), std::move(input.title)};
  }
};
template <>
struct Shape<model::ModerationInput> {
  using Written = Judged;
  static Judged written(const model::ModerationInput& input) {
    if (const auto* text = std::get_if<std::string>(&input.value)) return {.text = *text};
    return {.content = std::get<std::vector<model::Part>>(input.value)};
  }
  static model::ModerationInput read(Judged input) {
    if (input.text) return {*std::move(input.text)};
    return {std::move(input.content)};
  }
};

/// Whose extras a request or an answer holds, and these: the last members of both.
template <class T>
constexpr auto whose_extras() {
  return std::tuple{unless_native("dialect", &T::dialect, "whose extras these are, when they are not this format's"),
                    may("extras", &T::extras)};
}

template <>
struct Shape<model::Embed> {
  using T = model::Embed;
  static constexpr std::string_view name = "embed", about = "Texts and images to turn into vectors: POST /cardea/v1/embeddings.";
  static constexpr auto fields = std::tuple_cat(
      std::tuple{
          must("model", &T::model), list("inputs", &T::inputs, "input", Need::required),
          list("encodings", &T::encodings, "encoding", Need::optional,
               "\"float\", \"base64\" (of little-endian float32), \"int8\", \"uint8\", \"binary\", \"ubinary\""),
          may("dimensions", &T::dimensions),
          may("task", &T::task, "what the vectors are for: \"query\", \"document\", \"similarity\", \"classification\", …"),
          may("truncate", &T::truncate, "where what is too long may be cut: \"none\", \"start\", \"end\""),
          may("user", &T::user)},
      whose_extras<T>());
};
template <>
struct Shape<model::Vector> {
  using T = model::Vector;
  static constexpr std::string_view name = "vector", about = {};
  static constexpr auto fields = std::tuple{must("index", &T::index, "of the input"), must("encoding", &T::encoding),
                                            must("value", &T::value, "an array of numbers; of \"base64\" a string")};
};
template <>
struct Shape<model::Embedded> {
  using T = model::Embedded;
  static constexpr std::string_view name = "embedded", about = "The vectors, by the index of their input.";
  static constexpr auto fields =
      std::tuple_cat(std::tuple{may("id", &T::id), may("model", &T::model),
                                list("vectors", &T::vectors, "vector", Need::required), may("usage", &T::usage)},
                     whose_extras<T>());
};

template <>
struct Shape<model::Document> {
  using T = model::Document;
  static constexpr std::string_view name = "document", about = {};
  static constexpr auto fields =
      std::tuple{must("text", &T::text), may("object", &T::object, "the whole of it, when it holds more than a text")};
};
template <>
struct Shape<model::Rerank> {
  using T = model::Rerank;
  static constexpr std::string_view name = "rerank", about = "Documents to put in order: POST /cardea/v1/rerank.";
  static constexpr auto fields = std::tuple_cat(
      std::tuple{must("model", &T::model), must("query", &T::query), list("documents", &T::documents, "document", Need::required),
                 may("top_n", &T::top_n, "so many of the best are wanted"), may("return_documents", &T::return_documents),
                 may("max_tokens_per_doc", &T::max_tokens_per_doc), may("truncate", &T::truncate),
                 may("raw_scores", &T::raw_scores), may("user", &T::user)},
      whose_extras<T>());
};
template <>
struct Shape<model::Ranked> {
  using T = model::Ranked;
  static constexpr std::string_view name = "ranked", about = {};
  static constexpr auto fields =
      std::tuple{must("index", &T::index, "of the document"), must("score", &T::score), may("document", &T::document)};
};
template <>
struct Shape<model::Reranked> {
  using T = model::Reranked;
  static constexpr std::string_view name = "reranked", about = "The best comes first.";
  static constexpr auto fields = std::tuple_cat(
      std::tuple{may("id", &T::id), may("model", &T::model), list("results", &T::results, "ranked", Need::required),
                 may("usage", &T::usage), may("search_units", &T::search_units, "billed (Cohere)")},
      whose_extras<T>());
};

template <>
struct Shape<model::Moderate> {
  using T = model::Moderate;
  static constexpr std::string_view name = "moderate", about = "Texts and images to judge: POST /cardea/v1/moderations.";
  static constexpr auto fields =
      std::tuple_cat(std::tuple{may("model", &T::model), list("inputs", &T::inputs, "input", Need::required)}, whose_extras<T>());
};
template <>
struct Shape<model::Category> {
  using T = model::Category;
  static constexpr std::string_view name = "category", about = {};
  static constexpr auto fields = std::tuple{must("name", &T::name), may("flagged", &T::flagged), may("score", &T::score),
                                            list("input_types", &T::input_types, "type", Need::optional, "\"text\", \"image\"")};
};
template <>
struct Shape<model::Verdict> {
  using T = model::Verdict;
  static constexpr std::string_view name = "verdict", about = {};
  static constexpr auto fields =
      std::tuple{may("flagged", &T::flagged), list("categories", &T::categories, "category"), may("extras", &T::extras)};
};
template <>
struct Shape<model::Moderated> {
  using T = model::Moderated;
  static constexpr std::string_view name = "moderated", about = "One verdict for each input.";
  static constexpr auto fields =
      std::tuple_cat(std::tuple{may("id", &T::id), may("model", &T::model),
                                list("verdicts", &T::verdicts, "verdict", Need::required), may("usage", &T::usage)},
                     whose_extras<T>());
};

template <>
struct Shape<model::Tokenize> {
  using T = model::Tokenize;
  static constexpr std::string_view name = "tokenize", about = "A text to cut into tokens: POST /cardea/v1/tokenize.";
  static constexpr auto fields = std::tuple_cat(
      std::tuple{must("model", &T::model), may("prompt", &T::prompt), may("messages", &T::messages, "a chat's, in OpenAI's form"),
                 may("special", &T::special, "begin and end as the model wants it"),
                 may("pieces", &T::pieces, "the tokens' texts are wanted too")},
      whose_extras<T>());
  static std::string_view fault(const T& asked) {
    return asked.prompt.has_value() != asked.messages.has_value() ? "" : "must have either prompt or messages";
  }
};
template <>
struct Shape<model::Tokenized> {
  using T = model::Tokenized;
  static constexpr std::string_view name = "tokenized", about = {};
  static constexpr auto fields =
      std::tuple_cat(std::tuple{list("tokens", &T::tokens, "token", Need::required), list("pieces", &T::pieces, "piece"),
                                may("context", &T::context, "the longest that the model takes")},
                     whose_extras<T>());
};
template <>
struct Shape<model::Detokenize> {
  using T = model::Detokenize;
  static constexpr std::string_view name = "detokenize", about = "Tokens to put together: POST /cardea/v1/detokenize.";
  static constexpr auto fields = std::tuple_cat(
      std::tuple{must("model", &T::model), list("tokens", &T::tokens, "token", Need::required)}, whose_extras<T>());
};
template <>
struct Shape<model::Detokenized> {
  using T = model::Detokenized;
  static constexpr std::string_view name = "detokenized", about = {};
  static constexpr auto fields = std::tuple_cat(std::tuple{must("text", &T::text)}, whose_extras<T>());
};

}  // namespace cardea::dialect::native_format
