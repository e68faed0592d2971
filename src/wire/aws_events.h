#pragma once
// AWS event stream (application/vnd.amazon.eventstream): messages with typed headers, a payload and two CRCs, as Bedrock's
// ConverseStream sends them (Smithy specification, "Amazon Event Stream").

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>

#include "base/error.h"

namespace cardea::wire {

/// One message. Views into the bytes it was parsed from.
struct AwsMessage {
  std::size_t bytes = 0;            ///< whole message: prelude, headers, payload, CRCs
  std::string_view message_type;    ///< `:message-type`: "event", "exception", "error"
  std::string_view event_type;      ///< `:event-type`
  std::string_view exception_type;  ///< `:exception-type`, or of an "error" its `:error-code`
  std::string_view error_message;   ///< `:error-message` of an "error"
  std::string_view content_type;    ///< `:content-type`
  std::string_view payload;
};

/// The message at the front of `bytes`; nothing while it is incomplete. Both CRCs are checked; headers of every type are
/// understood, those that are not named above are skipped. Error upstream_protocol: larger than `bytes_max`, a wrong CRC or
/// length, a header that does not fit.
[[nodiscard]] Result<std::optional<AwsMessage>> parse_aws_message(std::string_view bytes, std::size_t bytes_max);

/// Appends an event with a JSON payload.
void append_aws_event(std::string& out, std::string_view event_type, std::string_view payload);
/// Appends an exception with a JSON payload.
void append_aws_exception(std::string& out, std::string_view exception_type, std::string_view payload);

}  // namespace cardea::wire
