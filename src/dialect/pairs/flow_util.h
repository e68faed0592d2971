#pragma once
// Tests only: what the flows through a pair share.

#include <optional>

#include "dialect/pairs/compare.h"
#include "dialect/pairs/flows.h"
#include "dialect/pairs/streams.h"
#include "dialect/translate.h"

namespace cardea::dialect::pairs {

inline constexpr std::string_view client_model = "client-model";
inline constexpr std::string_view upstream_model = "up-model-1";

[[nodiscard]] Pair pair_of(const Dialect& client, const Dialect& upstream, std::string_view deployment = "prod/main");
/// What the path of such a request says.
[[nodiscard]] Asked asked_of(const Dialect& dialect, const model::Chat& chat);
[[nodiscard]] AnswerContext context_of(const Dialect& dialect, const model::Chat& request);

/// One prompt and its text: such a form cannot hold most of a chat, and says nothing of the rest.
[[nodiscard]] bool is_prompt_form(const Dialect& dialect);
/// A client's request of a case, and how the client's dialect reads it.
struct Asking {
  std::string body;
  model::Chat chat;
};
[[nodiscard]] std::optional<Asking> ask(const Dialect& client, model::Chat chat, Outcome& out);
/// A request that any answer may follow: with tools and all.
[[nodiscard]] model::Chat question();
[[nodiscard]] model::Chat streamed_question();
[[nodiscard]] std::optional<Translated> translated_question(const Dialect& client, const Dialect& upstream,
                                                            const model::Chat& chat, Outcome& out);

[[nodiscard]] Relayed relay_whole(const Pair& pair, const Translated& request, std::string_view stream);
/// What the client's encoder could not say: the relay keeps it to itself.
[[nodiscard]] Losses stream_losses(const Pair& pair, const Translated& request, std::vector<model::ChatEvent> events);

}  // namespace cardea::dialect::pairs
