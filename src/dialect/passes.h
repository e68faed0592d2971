#pragma once
// Private to the room: what a translation does between two codecs, on the model alone. One file each; translate.cc says the
// order.

#include <map>
#include <optional>
#include <string>
#include <vector>

#include "dialect/translate.h"

namespace cardea::dialect {

// --- requests ---------------------------------------------------------------------------------------------------------------

/// Opaque items that the gateway packed for the client are unpacked for the deployment that issued them; for every other one
/// they are left out and named. (opaque.cc)
void open_opaque(model::Chat& chat, const Pair& pair, Losses& losses);
/// Every call gets an id and every result its call's id and name: by what they say, else by name and order. (calls.cc)
void pair_calls(model::Chat& chat);
/// A schema for the answer becomes a tool that must be called, when the upstream has no other way. (forced_tool.cc)
[[nodiscard]] bool force_tool(model::Chat& chat, const Traits& upstream);

// --- answers ----------------------------------------------------------------------------------------------------------------

/// The same steps backwards, for a whole answer or for the events of one stream as they come.
class AnswerPasses {
 public:
  AnswerPasses(const Pair& pair, const Translated& request) : pair_{pair}, request_{request} {}
  void apply(model::Answer& answer);
  void apply(std::vector<model::ChatEvent>& events);

 private:
  using Place = std::pair<std::uint64_t, std::uint64_t>;  ///< choice, part
  void unforce(model::Answer& answer) const;
  void unforce(std::vector<model::ChatEvent>& events);
  void name_calls(model::Answer& answer);
  void name_calls(std::vector<model::ChatEvent>& events);
  void seal(model::Answer& answer) const;
  void seal(std::vector<model::ChatEvent>& events);

  Pair pair_;
  const Translated& request_;
  std::uint64_t calls_ = 0;
  std::map<Place, std::string> sealed_;  ///< of open thinking parts: what the envelope will hold
  std::optional<Place> forced_;          ///< the open part that is really the answer's text
};

}  // namespace cardea::dialect
