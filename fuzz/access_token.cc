// A token of any bytes: the parser takes it apart or refuses it, and no key says that it signed it.
#include <cstddef>
#include <cstdint>
#include <string_view>

#include "access/token.h"
#include "fuzz/check.h"

namespace {

// RFC 7515 Appendix A.2 and A.3, RFC 8037 Appendix A.2: keys of others.
constexpr std::string_view keys =
    R"({"keys":[{"kty":"RSA","kid":"a","n":"ofgWCuLjybRlzo0tZWJjNiuSfb4p4fAkd_wWJcyQoTbji9k0l8W26mPddxHmfHQp-Vaw-4qPCJrcS2mJPMEzP1Pt0Bm4d4QlL-yRT-SFd2lZS-pCgNMsD1W_YpRPEwOWvG6b32690r2jZ47soMZo9wGzjb_7OMg0LOL-bSf63kpaSHSXndS5z5rexMdbBYUsLA9e-KXBdQOS-UTo7WTBEMa2R2CapHg665xsmtdVMTBQY4uDZlxvb3qCo5ZwKh9kG4LT6_I5IhlJH7aGhyxXFvUK-DWNmoudF8NAco9_h9iaGNj8q2ethFkMLs91kzk2PAcDTW9gb54h4FRWyuXpoQ","e":"AQAB"},{"kty":"EC","crv":"P-256","x":"f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU","y":"x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0"},{"kty":"OKP","crv":"Ed25519","x":"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"}]})";

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace cardea;
  static const auto set = access::KeySet::parse(keys);
  const auto text = fuzz::text(data, size);
  const auto token = access::Token::parse(text);
  if (!token) {
    fuzz::check(token.error().is(Kind::unauthenticated), "a bad token is the client's fault");
  } else {
    fuzz::check(!access::has_duplicates(token->claims()), "nothing is given twice");
    fuzz::check(set->knows(*token) || !set->signed_by(*token), "only a key of the set can have signed it");
    const access::TokenRules rules{.issuer = token->issuer()};
    const auto late = access::check_claims(token->claims(), rules, INT64_MAX / 2);
    fuzz::check(!late, "every token ends");
  }
  if (const auto other = access::KeySet::parse(text)) fuzz::check(other->size() != 0, "a set without keys is an error");
  return 0;
}
