#pragma once
// Is a text, or an image, something that should not be said? Values only; absent stays absent, as in chat.h.

#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "model/chat.h"
#include "model/usage.h"

namespace cardea::model {

/// What is judged on its own: a text, or texts and images together.
struct ModerationInput {
  std::variant<std::string, std::vector<Part>> value;
  bool operator==(const ModerationInput&) const = default;
};

/// A request.
struct Moderate {
  std::string dialect;  ///< the format that decoded it: extras are its own
  std::string model;
  std::vector<ModerationInput> inputs;
  Extras extras;
  bool operator==(const Moderate&) const = default;
};

/// What is said of an input in one category.
struct Category {
  std::string name;  ///< "self-harm/intent"
  std::optional<bool> flagged;
  std::optional<Number> score;
  std::optional<std::vector<std::string>> input_types;  ///< that were judged: "text", "image"
  bool operator==(const Category&) const = default;
};

struct Verdict {
  std::optional<bool> flagged;
  std::vector<Category> categories;
  Extras extras;
  bool operator==(const Verdict&) const = default;
};

/// One verdict for each input, in their order.
struct Moderated {
  std::string dialect;
  std::optional<std::string> id;
  std::optional<std::string> model;
  std::vector<Verdict> verdicts;
  std::optional<Usage> usage;
  Extras extras;
  bool operator==(const Moderated&) const = default;
};

}  // namespace cardea::model
