// Request heads: a verdict does not depend on how the bytes arrive, and what is accepted reads the same when written again.
#include <string>

#include "fuzz/check.h"
#include "wire/http1.h"

using namespace cardea;
using namespace cardea::wire;
using fuzz::check;

namespace {

constexpr HeadLimits limits{.head_bytes = 2048, .headers = 20, .target_bytes = 256};

void same(const RequestHead& a, const RequestHead& b) {
  check(a.method() == b.method() && a.method_text() == b.method_text(), "method");
  check(a.target() == b.target() && a.path() == b.path() && a.query() == b.query(), "target");
  check(a.host() == b.host() && a.minor_version() == b.minor_version(), "host, version");
  check(a.framing() == b.framing() && a.content_length() == b.content_length(), "framing");
  check(a.keep_alive() == b.keep_alive() && a.expect_continue() == b.expect_continue() && a.upgrade() == b.upgrade(), "flags");
  check(a.headers().size() == b.headers().size(), "header count");
  for (std::size_t i = 0; i < a.headers().size(); ++i) {
    check(a.headers()[i].name == b.headers()[i].name && a.headers()[i].value == b.headers()[i].value, "header");
    check(a.headers().is_hop_by_hop(i) == b.headers().is_hop_by_hop(i), "hop-by-hop");
  }
}

void check_split(std::string_view bytes, const Result<std::size_t>& whole, const RequestHead& expected) {
  auto random = fuzz::random_of(bytes);
  const auto piece_max = 1 + random.below(40);
  std::string so_far;
  RequestHead head;
  while (so_far.size() < bytes.size()) {
    so_far.append(bytes.substr(so_far.size(), 1 + random.below(piece_max)));
    const auto result = parse_request_head(so_far, limits, head);
    if (!result) {
      check(!whole && whole.error().kind() == result.error().kind(), "split gives another error");
      check(whole.error().message() == result.error().message(), "split gives another message");
      return;
    }
    if (*result == 0) continue;
    check(whole && *whole == *result, "split ends elsewhere");
    same(head, expected);
    return;
  }
  if (whole) {
    check(*whole == 0, "split is incomplete");
    return;
  }
  // The error of a head that never completes may be told late, but at the limit it is.
  so_far.resize(limits.head_bytes, 'x');
  const auto late = parse_request_head(so_far, limits, head);
  check(!late && whole.error().message() == late.error().message(), "a late error is another one");
}

void check_meaning(const RequestHead& head) {
  check(head.path() == "*" || head.path().front() == '/', "path shape");
  check(head.host().empty() ? head.minor_version() == 0 : valid_host(head.host()), "host grammar");
  check(head.framing() != Framing::until_close, "a request has no body until close");
  check(!(head.find(Field::content_length) && head.find(Field::transfer_encoding)), "ambiguous framing");
  check(head.headers().count("content-length") <= 1 && head.headers().count("host") <= 1, "repeated framing field");
  check((head.framing() == Framing::chunked) == head.find(Field::transfer_encoding).has_value(), "chunked");
  for (const auto header : head.headers()) {
    check(head.find(header.name).has_value(), "every header can be found");
    check(header.name.find('_') == std::string_view::npos, "underscore");
    check(header.value.find_first_of(std::string_view{"\r\n\0", 3}) == std::string_view::npos, "control character in a value");
  }
}

void check_rewrite(const RequestHead& head) {
  auto again = cat(head.method_text(), ' ', head.target(), " HTTP/1.", head.minor_version(), "\r\n");
  HeaderBlock block;
  for (const auto header : head.headers())
    check(block.add(header.name, header.value).has_value(), "an accepted header is written");
  again += cat(block.text(), "\r\n");
  RequestHead second;
  HeadLimits wide = limits;
  wide.head_bytes *= 2;  // "name:value" grows by a space
  const auto size = parse_request_head(again, wide, second);
  check(size && *size == again.size(), "what was accepted is accepted again");
  same(head, second);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const auto bytes = fuzz::text(data, size);
  RequestHead head;
  const auto whole = parse_request_head(bytes, limits, head);
  check_split(bytes, whole, head);
  if (!whole || *whole == 0) return 0;
  check(*whole <= bytes.size() && *whole <= limits.head_bytes, "consumed within bounds");
  check(bytes.substr(0, *whole).ends_with("\r\n\r\n"), "a head ends in an empty line");
  check_meaning(head);
  check_rewrite(head);
  return 0;
}
