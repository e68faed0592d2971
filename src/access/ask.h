#pragma once
// One question to a server of the operator's choice, as issuers of tokens want them asked. Private to this room.

#include <string>
#include <string_view>

#include "base/error.h"
#include "http/client.h"
#include "http/web_address.h"
#include "net/task.h"

namespace cardea::access {

struct Question {
  std::string url;      ///< https, or http on this machine
  std::string form;     ///< application/x-www-form-urlencoded; empty: a GET
  std::string headers;  ///< further lines, each with its end
};
struct Reply {
  unsigned status = 0;
  std::string body;
};

/// The address, when a secret may go there: https, or http on this machine. Error: config.
[[nodiscard]] Result<http::WebAddress> trusted_address(std::string_view url);

/// Redirects are replies like any other: a secret goes where the operator said and nowhere else. Error: config, upstream_…,
/// timed_out (after 10 s), or the scope's reason.
[[nodiscard]] net::Task<Result<Reply>> ask(http::Client& client, Question question);

/// "name=value&…" with both percent-encoded (WHATWG URL §5.2, without its '+').
void append_form(std::string& form, std::string_view name, std::string_view value);
/// Everything but RFC 3986's unreserved characters escaped.
[[nodiscard]] std::string percent_encoded(std::string_view text);
/// "authorization: Basic …" with its end, of a client as RFC 6749 §2.3.1 wants it.
[[nodiscard]] std::string basic_line(std::string_view client_id, std::string_view client_secret);

}  // namespace cardea::access
