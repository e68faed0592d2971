#pragma once
// LiteLLM's shapes of keys, teams, organisations, users and customers, and Cardea's form of the same. Pure; private to the room.
// Source: docs.litellm.ai, proxy/virtual_keys, proxy/users, proxy/team_budgets, proxy/customers; the proxy's own Swagger page.

#include <string>
#include <string_view>

#include "admin/actions.h"

namespace cardea::admin::litellm {

/// A request's body as Cardea's form of the thing (with `id` where LiteLLM's names one). Its fields that mean nothing here are
/// refused unless they are empty: nothing is dropped without a word. Error: bad_request, `param` names LiteLLM's field.
/// `now`: Unix seconds, for durations.
[[nodiscard]] Result<json::Value> to_form(Thing thing, const json::Value& body, std::int64_t now);

/// The same as a merge patch: what is null there is taken away.
[[nodiscard]] Result<json::Value> to_patch(Thing thing, const json::Value& body, std::int64_t now);

/// LiteLLM's row of a thing that the registry shows.
[[nodiscard]] json::Value to_row(Thing thing, const json::Value& shown);

/// The field that names a thing: "token", "team_id", "organization_id", "user_id".
[[nodiscard]] std::string_view id_field(Thing thing) noexcept;

}  // namespace cardea::admin::litellm
