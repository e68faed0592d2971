// Response heads: the first byte chooses the request's method; the rest as in http1_request.cc.
#include <string>

#include "fuzz/check.h"
#include "wire/http1.h"

using namespace cardea;
using namespace cardea::wire;
using fuzz::check;

namespace {

constexpr HeadLimits limits{.head_bytes = 2048, .headers = 20};

void same(const ResponseHead& a, const ResponseHead& b) {
  check(a.status() == b.status() && a.reason() == b.reason() && a.minor_version() == b.minor_version(), "status line");
  check(a.framing() == b.framing() && a.content_length() == b.content_length() && a.keep_alive() == b.keep_alive(), "framing");
  check(a.headers().size() == b.headers().size(), "header count");
  for (std::size_t i = 0; i < a.headers().size(); ++i) {
    check(a.headers()[i].name == b.headers()[i].name && a.headers()[i].value == b.headers()[i].value, "header");
  }
}

void check_split(std::string_view bytes, Method method, const Result<std::size_t>& whole, const ResponseHead& expected) {
  auto random = fuzz::random_of(bytes);
  const auto piece_max = 1 + random.below(40);
  std::string so_far;
  ResponseHead head;
  while (so_far.size() < bytes.size()) {
    so_far.append(bytes.substr(so_far.size(), 1 + random.below(piece_max)));
    const auto result = parse_response_head(so_far, limits, method, head);
    if (!result) {
      check(!whole && whole.error().message() == result.error().message(), "split gives another error");
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
  const auto late = parse_response_head(so_far, limits, method, head);
  check(!late && whole.error().message() == late.error().message(), "a late error is another one");
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size == 0) return 0;
  const auto method = static_cast<Method>(data[0] % 10);
  const auto bytes = fuzz::text(data + 1, size - 1);
  ResponseHead head;
  const auto whole = parse_response_head(bytes, limits, method, head);
  if (!whole) check(whole.error().is(Kind::upstream_protocol), "an upstream's fault");
  check_split(bytes, method, whole, head);
  if (!whole || *whole == 0) return 0;
  check(head.status() >= 100 && head.status() <= 599, "status range");
  check(bytes.substr(0, *whole).ends_with("\r\n\r\n"), "a head ends in an empty line");
  if (method == Method::head || head.informational()) check(head.framing() == Framing::none, "no body");
  if (head.framing() == Framing::until_close) check(!head.keep_alive(), "until close is not kept alive");
  check(!(head.find(Field::content_length) && head.find(Field::transfer_encoding)), "ambiguous framing");
  return 0;
}
