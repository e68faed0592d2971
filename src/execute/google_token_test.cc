#include "execute/google_token.h"

#include <gtest/gtest.h>

#include "base/base64.h"
#include "base/text.h"

namespace cardea::execute {
namespace {

constexpr std::uint64_t now = 1'700'000'000;

catalog::ServiceAccount account() {
  // The key of RFC 7515 Appendix A.2.
  return {.client_email = "a@p.iam.gserviceaccount.com",
          .key_id = "k1",
          .private_key = Secret{"-----BEGIN PRIVATE KEY-----\n"
                                "MIIEvQIBADANBgkqhkiG9w0BAQEFAASCBKcwggSjAgEAAoIBAQCh+BYK4uPJtGXO\n"
                                "jS1lYmM2K5J9vinh8CR3/BYlzJChNuOL2TSXxbbqY913EeZ8dCn5VrD7io8ImtxL\n"
                                "aYk8wTM/U+3QGbh3hCUv7JFP5IV3aVlL6kKA0ywPVb9ilE8TA5a8bpvfbr3SvaNn\n"
                                "juygxmj3AbONv/s4yDQs4v5tJ/reSlpIdJed1LnPmt7Ex1sFhSwsD174pcF1A5L5\n"
                                "ROjtZMEQxrZHYJqkeDrrnGya11UxMFBji4NmXG9veoKjlnAqH2QbgtPr8jkiGUkf\n"
                                "toaHLFcW9Qr4NY2ai50Xw0Byj3+H2JoY2PyrZ62EWQwuz3WTOTY8BwNNb2BvniHg\n"
                                "VFbK5emhAgMBAAECggEAEq5xpGnNCivDflJsRQBXHx1hdR1k6Ulwe2JZD50LpXyW\n"
                                "PEAeP88vLNO97IjlA7/GQ5sLKMgvfTeXZx9SE+7YwVol2NXOoAJe46sui395IW/G\n"
                                "O+pWJ1O0BkTGoVEn2bKVRUCgu+GjBVaYLU6f3l9kJfFNS3E0QbVdxzubSu3Mkqzj\n"
                                "kn439X0M/V51gfpRLI9JYanrC4D4qAdGcopV/0ZHHzQlBjudU2QvXt4ehNYTCBr6\n"
                                "XCLQUShb1juUO1ZdiYoFaFQT5Tw8bGUl/x/jTj3ccPDVZFD9pIuhLhBOneufuBiB\n"
                                "4cS98l2SR/RQyGWSeWjnczT0QU91p1DhOVRuOopznQKBgQDgHMQQ60imZV1URk0K\n"
                                "pLttoLhyt3SmqdEf/kgHePDdtzEafpAu+cS191R2JiuoF2yzWXnwFDcqGigp5BNr\n"
                                "0AHQfD8/Lk8l1Mk09jxxCfui5nYooNyac8YFjm3vItzVCVDnEd3BbVWG8qf6deqE\n"
                                "lMGAg+C2V0L4oNXnP7LZcPAZRwKBgQC5A8R+CZW2MvRTLLHzwZkUXV866cff7tx6\n"
                                "kqa0finGG0KgeqlaZPxgCZnFp7AeAcCMtiynVlJ7vMVgePsLq6XtON4tB5kP9jAP\n"
                                "rq3rbAOal78eUH5OcED6eNuCV8ixEu1eWcPNCS/l1OW1EnXUEoEHKl54Xrrz2uNw\n"
                                "kgMTP1FZ1wKBgAcCn1dwJKufzBWQxWQp1vsM5fggqPN1qGb5y0MAk3g7/Ls5bkUp\n"
                                "5u9SN0Ai3Ya6hNnvWJMb7sXQX6U/zyO2M/hTip7tUeh7CXgwo59dkpN75gJLVds2\n"
                                "9+DAncu3KXU4f2Fa+7bLNrur53k8KwPOq2bbuTG69QtV7Jr5MR0AHWKNAoGBAIf/\n"
                                "evpitUf+4JYbLpvNXWcY052Mpz22aR84mY3nh3F2LF2mjMJDpTg7FmuyPcVw6EcG\n"
                                "yoAe9fa65iNqCq+jdw6PVNGo2hxfjSiZ8IIzHdsPXI89//pMjZcQK9r+CCoRjaZj\n"
                                "OYiIDktVWZzmevJuv6WywUqd57LE3Zar3dLSIkx1AoGAIYd7DHOhrWvxkwPQsRM2\n"
                                "tOgrjbcrfvtQJipd+DlcxyVuuM9sQLdgjVk2oy26F0EmpScGLq2MowX7fhd/QJQ3\n"
                                "ydy5cY7YIBi87w93IKLEdfnbJtoOPLUW0ITrJReOgo1cq9SbsxYawBgfp/gh6A56\n"
                                "03k2+ZQwVK0JKSHuLFkuQ3U=\n"
                                "-----END PRIVATE KEY-----\n"},
          .token_url = "https://oauth2.googleapis.com/token"};
}

TEST(GoogleToken, AsksWithASignedAssertion) {
  const auto form = google_token_request(account(), now);
  ASSERT_TRUE(form) << form.error().message();
  const std::string_view start = "grant_type=urn%3Aietf%3Aparams%3Aoauth%3Agrant-type%3Ajwt-bearer&assertion=";
  ASSERT_TRUE(form->starts_with(start));
  const auto assertion = std::string_view{*form}.substr(start.size());
  const auto dot = assertion.find('.');
  const auto second = assertion.find('.', dot + 1);
  EXPECT_EQ(from_base64(assertion.substr(0, dot)), R"({"alg":"RS256","typ":"JWT","kid":"k1"})");
  EXPECT_EQ(from_base64(assertion.substr(dot + 1, second - dot - 1)),
            R"({"iss":"a@p.iam.gserviceaccount.com","scope":"https://www.googleapis.com/auth/cloud-platform",)"
            R"("aud":"https://oauth2.googleapis.com/token","iat":1700000000,"exp":1700003600})");
  // Made by another implementation (PyCA cryptography) from the same key and claims.
  EXPECT_EQ(assertion.substr(second + 1),
            "i9ShnyHqraku7lfgNQytRPTJVDgd8Qsyx870cQuwmj1lSOcduVwAsYv1LfKeHiH4E23ht0wvMwHPHEjnH2PzEBMNxrcLP8q-luJ1M4jGsitB3524cb8r"
            "niHPdC6n9GG1sYye6YGzTiFvMcG5KDI_KUqzY0_R8DyxpFwpLeu-Ckd1zwURAy86SEACNGE3hwdf5oEbggNdhAiIebFBbT9xBGSSIV3oDLo4nC_aTjvB"
            "MtfRTHHX4R1DM2yFI1CdiFtLCIDKXT3ZX_mWxFHj1areeu-g1UtVBMZxpSnSmZfx-VBOvwFyDbFLh1aoRkDlMnorUzZ5Xc2ZV5BBT4cixPxEMw");
  EXPECT_EQ(assertion.find_first_of("+/="), std::string_view::npos);
}

TEST(GoogleToken, ABrokenKeyIsTheConfigurations) {
  auto broken = account();
  broken.private_key = Secret{"-----BEGIN PRIVATE KEY-----\n"};
  const auto form = google_token_request(broken, now);
  ASSERT_FALSE(form);
  EXPECT_EQ(form.error().kind(), Kind::config);
}

TEST(GoogleToken, ReadsTheAnswer) {
  auto token = google_token_answer(R"({"access_token":"ya29.x","expires_in":3599,"token_type":"Bearer"})", now);
  ASSERT_TRUE(token);
  EXPECT_EQ(token->token.reveal(), "ya29.x");
  EXPECT_EQ(token->expires_at, now + 3599);
  EXPECT_FALSE(token->stale(now));
  EXPECT_FALSE(token->stale(now + 3538));
  EXPECT_TRUE(token->stale(now + 3539));
  EXPECT_TRUE(AccessToken{}.stale(0));
}

TEST(GoogleToken, RefusalsKeepTheirWordOnly) {
  const std::pair<std::string_view, Kind> cases[] = {
      {R"({"error":"invalid_grant","error_description":"Invalid JWT: eyJh"})", Kind::upstream_auth},
      {R"({"access_token":""})", Kind::upstream_protocol},
      {R"({"id_token":"x"})", Kind::upstream_protocol},
      {"[]", Kind::upstream_protocol},
      {"<html>", Kind::upstream_protocol},
  };
  for (const auto& [body, kind] : cases) {
    const auto token = google_token_answer(body, now);
    ASSERT_FALSE(token) << body;
    EXPECT_EQ(token.error().kind(), kind) << body;
    EXPECT_EQ(token.error().message().find("eyJh"), std::string_view::npos);
  }
  EXPECT_EQ(google_token_answer(cases[0].first, now).error().message(),
            "the token service refused the service account: invalid_grant");
}

}  // namespace
}  // namespace cardea::execute
