#pragma once
// Documents in the order in which they answer a question. Values only; absent stays absent, as in chat.h.

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "model/chat.h"
#include "model/usage.h"

namespace cardea::model {

/// What is to be ranked.
struct Document {
  std::string text;
  std::optional<Json> object;  ///< the whole of it, when it holds more than a text
  bool operator==(const Document&) const = default;
};

/// A request.
struct Rerank {
  std::string dialect;  ///< the format that decoded it: extras are its own
  std::string model;
  std::string query;
  std::vector<Document> documents;
  std::optional<std::uint64_t> top_n;  ///< so many of the best are wanted
  std::optional<bool> return_documents;
  std::optional<std::uint64_t> max_tokens_per_doc;
  std::optional<std::string> truncate;  ///< as in Embed
  std::optional<bool> raw_scores;       ///< as the model said them, not between 0 and 1 (TEI)
  std::optional<std::string> user;
  Extras extras;
  bool operator==(const Rerank&) const = default;
};

struct Ranked {
  std::uint64_t index = 0;  ///< of the document
  Number score;
  std::optional<Document> document;
  bool operator==(const Ranked&) const = default;
};

/// The best comes first.
struct Reranked {
  std::string dialect;
  std::optional<std::string> id;
  std::optional<std::string> model;
  std::vector<Ranked> results;
  std::optional<Usage> usage;
  std::optional<Number> search_units;  ///< billed (Cohere)
  Extras extras;
  bool operator==(const Reranked&) const = default;
};

}  // namespace cardea::model
