#pragma once
// Tests only: does a request or an answer say the same as another? Both are put into one plain form; what is equal by a rule
// (docs of translation: merged turns, the place of system messages, ids that the gateway makes, …) has one form there.

#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "dialect/losses.h"
#include "model/chat.h"

namespace cardea::dialect::pairs {

/// One thing said in a conversation or an answer, in order.
struct Item {
  std::string kind;  ///< "user text", "call", "0 assistant image", …
  std::string value;
  std::size_t parts = 1;  ///< so many parts were joined to it
  bool operator==(const Item& other) const;
};

struct Said {
  std::map<std::string, std::string> fields;
  std::vector<Item> flow;
};

/// Equal by rule once the loss that says so is named.
struct Leniency {
  bool images_behind_results = false;  ///< what is no text in a tool's result stands in the user's words behind it
  bool errors_as_text = false;         ///< a failed result begins with "Error: "
};

[[nodiscard]] Said said_by(const model::Chat& chat, const Leniency& leniency);
[[nodiscard]] Said said_by(const model::Answer& answer);

struct Difference {
  std::string aspect;
  std::string from, to;
};
[[nodiscard]] std::vector<Difference> differences(const Said& from, const Said& to);
/// Does the loss speak of it?
[[nodiscard]] bool covers(const Loss& loss, std::string_view aspect);

/// What became of a case.
struct Verdict {
  std::vector<Difference> silent;  ///< differences that no loss speaks of: bugs
  std::vector<Loss> named;         ///< losses that speak of a difference
  std::vector<Loss> idle;          ///< losses that speak of none: bugs too
};
/// `target`: the dialect that `to` was said in; what a form cannot help but say, or says by saying nothing, is its own.
[[nodiscard]] Verdict judge(const model::Chat& from, const model::Chat& to, const Losses& losses, std::string_view target);
[[nodiscard]] Verdict judge(const model::Answer& from, const model::Answer& to, const Losses& losses, std::string_view target);

/// A stream's events as the whole answer that they tell; `error` names what was out of order, else empty.
struct Assembled {
  model::Answer answer;
  std::string error;
  bool ended = false;
  bool failed = false;
};
[[nodiscard]] Assembled assemble(const std::vector<model::ChatEvent>& events);
/// The events of an answer, texts and arguments in small pieces (arguments in single characters).
[[nodiscard]] std::vector<model::ChatEvent> fragments_of(const model::Answer& answer);

}  // namespace cardea::dialect::pairs
