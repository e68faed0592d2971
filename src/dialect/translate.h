#pragma once
// From one dialect to another: decode by one, encode by the other, and what neither codec can do alone: calls and results are
// paired, opaque items go back only to who issued them, a schema becomes a forced tool. Pure.

#include <map>
#include <memory>
#include <set>
#include <string>
#include <string_view>

#include "dialect/dialect.h"
#include "dialect/issuers.h"

namespace cardea::dialect {

/// What a model can take, as far as anybody knows: false is known, true is a yes or nobody's knowledge.
struct Abilities {
  bool images = true;  ///< and videos
  bool audio = true;
  bool files = true;  ///< that are not plain text: PDF and the like
  bool tools = true;
  bool reasoning = true;
};

/// The two ends of a translated request.
struct Pair {
  const Dialect& client;
  const Dialect& upstream;
  std::string_view model;            ///< the upstream's name for it
  std::string_view deployment;       ///< names who issues opaque items: provider and account, never the model's words
  Abilities abilities = {};          ///< the model's
  const Issuers* issuers = nullptr;  ///< of items that were not packed; null: none are known
};

/// Most choices that are asked for one by one.
inline constexpr std::uint64_t copies_max = 16;

enum class Allow : std::uint8_t { no_change_of_meaning, any_loss };

/// How the client's tools are said to the upstream, where its form has no such names or no such tools.
struct ToolForms {
  std::map<std::string, std::string, std::less<>> renamed;  ///< the upstream's name → the client's
  std::set<std::string, std::less<>> free_text;  ///< by the upstream's names: custom tools said as functions of one text
  /// Functions of a group (OpenAI's `namespace`) that stand by themselves: the name they have then → the group's and their own.
  std::map<std::string, std::pair<std::string, std::string>, std::less<>> grouped;
};

/// A client's request in the upstream's words.
struct Translated {
  model::Chat chat;  ///< as the client asked
  std::string body;  ///< for the upstream
  Losses losses;
  std::uint64_t copies = 1;  ///< how often it is to be asked: the upstream answers with one choice, the client wants several
  std::string forced_tool;   ///< the tool as which the answer's schema was said; empty: none
  ToolForms tools;
};

/// Error: bad_request when it cannot be read, or when it would lose a meaning that `allow` does not give away (`param` names the
/// field as the client's dialect does).
[[nodiscard]] Result<Translated> translate_request(const Pair& pair, std::string_view body, const Asked& asked, Allow allow);
/// The same of a request that was decoded already, by the client's dialect and from that body.
[[nodiscard]] Result<Translated> translate_chat(const Pair& pair, std::string_view body, model::Chat chat, Allow allow);

/// What a whole answer becomes.
struct TranslatedAnswer {
  std::string body;  ///< a document, or a whole stream when the client asked for one
  std::optional<model::Usage> usage;
  std::string id;  ///< as the upstream says it; may be empty
  std::string model;
  Losses losses;
};
/// `bodies`: one answer for each copy. `request`: null when both speak the same dialect (and only the form changes, from document
/// to stream).
[[nodiscard]] Result<TranslatedAnswer> translate_response(const Pair& pair, const Translated* request,
                                                          std::span<const std::string_view> bodies, const AnswerContext& context,
                                                          const Secret& secret);

/// A stream from the upstream's dialect to the client's. `request` and what `pair` refers to outlive it. Its pieces point into
/// itself and die with the next call. Of several copies it takes one stream after the other, see Relay::again().
[[nodiscard]] std::unique_ptr<Relay> translating_relay(const Pair& pair, const Translated& request, AnswerContext context,
                                                       RelayOptions options);

/// A whole answer as a stream would have said it: for an upstream that answers a streamed request with one document.
[[nodiscard]] std::vector<model::ChatEvent> events_of(const model::Answer& answer);

/// Is this an opaque item that the gateway packed for a client, so that no upstream must see it as it is?
[[nodiscard]] bool is_envelope(std::string_view text) noexcept;

/// Does a request hold such an item, so that its bytes cannot simply be passed on?
[[nodiscard]] bool holds_envelope(const RequestView& view) noexcept;

/// Effort and thinking budget, one table for every dialect (docs/losses.md): "low" ↔ 1,024 … "high" ↔ 24,576 tokens.
[[nodiscard]] std::uint64_t budget_of(std::string_view effort) noexcept;
[[nodiscard]] std::string_view effort_of(std::uint64_t budget_tokens) noexcept;

}  // namespace cardea::dialect
