#pragma once
// A text as the tokens of a model, and back. Values only; absent stays absent, as in chat.h.

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "model/chat.h"
#include "model/usage.h"

namespace cardea::model {

/// A request. Exactly one of prompt and messages is set.
struct Tokenize {
  std::string dialect;  ///< the format that decoded it: extras are its own
  std::string model;
  std::optional<std::string> prompt;
  std::optional<Json> messages;  ///< a chat's, in OpenAI's form: only the model's server knows its template
  std::optional<bool> special;   ///< begin and end as the model wants it
  std::optional<bool> pieces;    ///< the tokens' texts are wanted too
  Extras extras;
  bool operator==(const Tokenize&) const = default;
};

struct Tokenized {
  std::string dialect;
  std::vector<std::uint64_t> tokens;
  std::optional<std::vector<std::string>> pieces;  ///< one for each token
  std::optional<std::uint64_t> context;            ///< the longest that the model takes
  std::optional<Usage> usage;                      ///< always absent: it costs no tokens
  Extras extras;
  bool operator==(const Tokenized&) const = default;
};

/// The way back.
struct Detokenize {
  std::string dialect;
  std::string model;
  std::vector<std::uint64_t> tokens;
  Extras extras;
  bool operator==(const Detokenize&) const = default;
};

struct Detokenized {
  std::string dialect;
  std::string text;
  std::optional<Usage> usage;  ///< as above
  Extras extras;
  bool operator==(const Detokenized&) const = default;
};

}  // namespace cardea::model
