#pragma once
// Private to the room: what a translation does between two codecs, on the model alone. One file each; translate.cc says the
// order.

#include <map>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "dialect/translate.h"

namespace cardea::dialect {

// --- requests ---------------------------------------------------------------------------------------------------------------

/// What the model is known not to take is left out and named. A message of such parts alone stays as an empty text.
/// (abilities.cc)
void fit_abilities(model::Chat& chat, const Abilities& abilities, Losses& losses);
/// A field of the model (as Loss::field) as the caller's own request has it, for errors: "contents[0].parts[1]" for
/// "messages[0].content[1].image". As it is when that cannot be told. (abilities.cc)
[[nodiscard]] std::string in_callers_words(const Dialect& client, std::string_view body, const model::Chat& said,
                                           const std::string& field);
/// "messages[2].content[0]" as the client counts: some dialects keep instructions apart from the list. (translate.cc)
void count_as_client(const model::Chat& chat, std::string& field);
/// Opaque items that the gateway packed for the client are unpacked for the deployment that issued them; for every other one
/// they are left out and named. (opaque.cc)
void open_opaque(model::Chat& chat, const Pair& pair, Losses& losses);
/// Does `find` say yes to the raw JSON of one of the model's own turns? A long prompt is not searched: it is not the user who
/// repeats the model's thoughts. A dialect whose turns are not outlined is searched whole.
template <class Find>
[[nodiscard]] bool any_own_turn(const RequestView& view, const Find& find) {
  const auto& members = view.members;
  const auto* messages = members.find("messages");
  const bool outlined = messages != nullptr && messages->type == json::Type::array && !members.inside(*messages).empty();
  if (!outlined) return find(members.text());
  for (const auto& message : members.inside(*messages)) {
    const auto* role = message.type == json::Type::object ? members.find(message, "role") : nullptr;
    const bool own = role != nullptr && members.raw(*role) == R"("assistant")";
    if (own && find(members.raw(message))) return true;
  }
  return false;
}
/// Every call gets an id and every result its call's id and name: by what they say, else by name and order. (calls.cc)
void pair_calls(model::Chat& chat);
/// Names that the upstream's form does not take become such that it does, functions of a group functions by themselves, and tools
/// of free text functions of one text, where it has no others. (tool_forms.cc)
[[nodiscard]] ToolForms fit_tools(model::Chat& chat, const Dialect& upstream, Losses& losses);
/// A schema for the answer becomes a tool that must be called, when the upstream has no other way; returns the tool's name, or
/// nothing. (forced_tool.cc)
[[nodiscard]] std::string force_tool(model::Chat& chat, const Dialect& upstream);

/// The extras that `chat` says are the upstream's own, as `body` says them. Error: bad_request, one of them is no extra there.
/// (foreign_extras.cc)
[[nodiscard]] Status check_foreign_extras(const model::Chat& chat, const Pair& pair, std::string_view body);

// --- answers ----------------------------------------------------------------------------------------------------------------

/// The same steps backwards, for a whole answer or for the events of one stream as they come.
class AnswerPasses {
 public:
  /// `seed`: makes the ids of calls unique beyond this answer.
  AnswerPasses(const Pair& pair, const Translated& request, std::string seed)
      : pair_{pair}, request_{request}, seed_{std::move(seed)} {}

  template <class AnswerOrEvents>
  void apply(AnswerOrEvents& said) {
    unforce(said);
    refit(said);
    name_calls(said);
    seal(said);
  }

 private:
  using Events = std::vector<model::ChatEvent>;
  using Place = std::pair<std::uint64_t, std::uint64_t>;  ///< choice, part
  /// What an open thinking part's envelope will hold.
  struct Held {
    std::optional<std::string> id, signature, redacted, encrypted;
  };
  void unforce(model::Answer& answer) const;
  void unforce(Events& events);
  void refit(model::Answer& answer) const;
  void refit(Events& events);
  void name_calls(model::Answer& answer);
  void name_calls(Events& events);
  void seal(model::Answer& answer) const;
  void seal(Events& events);
  void begin(model::event::PartStart& start, Events& out);
  void finish(const model::event::PartStop& stop, Events& out);
  [[nodiscard]] std::string new_call_id();

  Pair pair_;
  const Translated& request_;
  std::string seed_;
  std::uint64_t calls_ = 0;
  std::map<Place, Held> sealed_;
  std::map<Place, std::string> free_texts_;  ///< open calls of custom tools: their arguments so far
  std::set<std::uint64_t> called_;           ///< choices that call a tool of the client's
};

}  // namespace cardea::dialect
