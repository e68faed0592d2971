#pragma once
// Behind a program that calls, there may be somebody whom it serves: where a request says who.

#include <string>
#include <string_view>

#include "base/error.h"

namespace cardea::json {
class Members;
}
namespace cardea::wire {
class RequestHead;
}

namespace cardea::pipeline {

/// By a header: x-cardea-user, or LiteLLM's x-litellm-customer-id and x-litellm-end-user-id. Empty: none. A view of the head.
[[nodiscard]] std::string_view end_user_in(const wire::RequestHead& head) noexcept;
/// By the body: OpenAI's `user` or its successor `safety_identifier`, Anthropic's `metadata.user_id`. Empty: none. Error:
/// bad_request, one of them is there twice, so that two readers might see two people.
[[nodiscard]] Result<std::string> end_user_in(const json::Members& body);

}  // namespace cardea::pipeline
