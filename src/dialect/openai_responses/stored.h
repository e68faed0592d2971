#pragma once
// What a stored response is made of: the items that were asked, the object that was answered. Reference: OpenAI's description of
// GET, DELETE /responses/{id} and /responses/{id}/input_items. Pure.

#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "dialect/dialect.h"

namespace cardea::dialect::responses {

/// What a request says beside its chat.
struct Wishes {
  std::string previous;  ///< the id of the answer that it goes on from; empty: of none
  bool store = true;     ///< its own answer is to be kept
};
/// Error: bad_request, of another type than the reference says.
[[nodiscard]] Result<Wishes> wishes_of(const RequestView& request);

/// A kept answer, and what was asked for it.
struct Kept {
  std::string_view input;     ///< a JSON array of items
  std::string_view response;  ///< a JSON object
};
/// All that a request asks, as the items of one array: what went before (`earlier`, may be null), what was answered then, and the
/// request's own input. Those without an id get one that holds the answer's, so that it can be told where an item is kept.
[[nodiscard]] Result<std::string> whole_input(const RequestView& request, const Kept* earlier, std::string_view answer_id);
/// The request with that input in place of its own and of what it goes on from.
[[nodiscard]] Result<std::string> with_input(const RequestView& request, std::string_view input);

/// Items may be named in place of being repeated ({"type":"item_reference","id":…}). The answers kept here that the named ones
/// belong to, by what their ids say; each once.
[[nodiscard]] std::vector<std::string> answers_referred_to(const RequestView& request);
/// The request with items of `kept` in the place of their names. What is named and not among them stays.
[[nodiscard]] Result<std::string> with_items(const RequestView& request, std::span<const Kept> kept);
/// The id of an item that is only named; empty: there is none.
[[nodiscard]] std::string unresolved_item(const RequestView& request);

/// The answer that the last of these events (or this document) brings, as it stands there; empty when it brings none that ended.
[[nodiscard]] std::string_view final_response(std::string_view events);
/// The same events (or document) with `"store": false` in that answer: it could not be kept.
[[nodiscard]] std::string with_store_denied(std::string_view events);

enum class Order : std::uint8_t { ascending, descending };
struct PageAsked {
  std::size_t limit = 20;
  Order order = Order::descending;
  std::string after;  ///< the id of the item behind which the page begins; empty: at the first
};
inline constexpr std::size_t page_limit_max = 100;
/// One page of a kept input. Error: bad_request, no item is called `after`.
[[nodiscard]] Result<std::string> item_page(std::string_view input, const PageAsked& asked);
/// What a DELETE answers.
[[nodiscard]] std::string deleted_body(std::string_view id);

}  // namespace cardea::dialect::responses
