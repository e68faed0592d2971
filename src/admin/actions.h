#pragma once
// What can be done, by name, and what the rows of the tables share. Private to the room.

#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "admin/administrator.h"
#include "json/value.h"

namespace cardea::admin {

using access::Made;
using access::Shown;
using access::Thing;
using pipeline::AdminAnswer;
using pipeline::AdminCall;
using Answer = Result<AdminAnswer>;

/// Longest that a change is waited for; it may still happen afterwards.
inline constexpr std::chrono::seconds patience{10};
inline constexpr std::size_t page_limit_default = 100;
inline constexpr std::size_t page_limit_max = 1000;

/// One row of a table: `form` of a route, and what is done.
struct Action {
  std::string_view form;
  net::Task<Answer> (*run)(Parts& parts, const AdminCall& call, Thing thing);
  Thing thing = Thing::key;
};
[[nodiscard]] std::span<const Action> own_actions() noexcept;
[[nodiscard]] std::span<const Action> litellm_actions() noexcept;

/// "organizations" …: as paths have it.
[[nodiscard]] std::string_view plural(Thing thing) noexcept;
/// The part of the path that `{…}` stands for, decoded.
[[nodiscard]] std::string parameter_of(const AdminCall& call);
/// A parameter of the query; empty: not there.
[[nodiscard]] std::string query_of(const AdminCall& call, std::string_view name);
/// Who asks, for the registry. Error: bad_request, an idempotency key that is none. The digest lives in `digest`.
[[nodiscard]] Result<access::Caller> caller_of(const AdminCall& call, std::string& digest);
/// A body that is a JSON object; none at all is an empty one.
[[nodiscard]] Result<json::Value> object_of(std::string_view body);
/// "90s", "15m", "24h", "7d", "2w", "1mo", or a number of seconds.
[[nodiscard]] std::optional<std::chrono::seconds> parse_span(std::string_view text);
/// What a change that was not heard of in time means.
[[nodiscard]] Error unheard(Error error);
/// Text of an object's member; empty: it is not there, or no text.
[[nodiscard]] std::string text_at(const json::Value& object, std::string_view name);

}  // namespace cardea::admin
