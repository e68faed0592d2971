#pragma once
// Texts (and images) become vectors. Values only; absent stays absent, as in chat.h.

#include <cstdint>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "model/chat.h"
#include "model/usage.h"

namespace cardea::model {

/// A text that its client cut into tokens itself: a compact JSON array of integers.
struct Tokens {
  Json ids;
  bool operator==(const Tokens&) const = default;
};

/// What becomes one vector: a text, tokens, or parts (texts and images) together.
struct EmbedInput {
  std::variant<std::string, Tokens, std::vector<Part>> value;
  std::optional<std::string> title;  ///< of the document that the text is from (Gemini)
  bool operator==(const EmbedInput&) const = default;
};

/// A request.
struct Embed {
  std::string dialect;  ///< the format that decoded it: extras are its own
  std::string model;
  std::vector<EmbedInput> inputs;
  /// How the numbers are wanted: "float", "base64" (of little-endian float32), "int8", "uint8", "binary", "ubinary".
  std::optional<std::vector<std::string>> encodings;
  std::optional<std::uint64_t> dimensions;
  /// What the vectors are for: "query", "document", "similarity", "classification", "clustering", "question_answering",
  /// "fact_verification", "code_query", "image"; or a word of the format's own.
  std::optional<std::string> task;
  std::optional<std::string> truncate;  ///< where an input that is too long may be cut: "none" (it is an error), "start", "end"
  std::optional<std::string> user;
  Extras extras;
  bool operator==(const Embed&) const = default;
};

/// One input's numbers in one encoding.
struct Vector {
  std::uint64_t index = 0;         ///< of the input
  std::string encoding = "float";  ///< as in Embed::encodings
  Json value;                      ///< a compact array of numbers, spelled as they came; of "base64" a string
  bool operator==(const Vector&) const = default;
};

/// Rises by index.
struct Embedded {
  std::string dialect;
  std::optional<std::string> id;
  std::optional<std::string> model;
  std::vector<Vector> vectors;
  std::optional<Usage> usage;
  Extras extras;
  bool operator==(const Embedded&) const = default;
};

}  // namespace cardea::model
