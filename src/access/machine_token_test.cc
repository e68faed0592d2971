#include "access/machine_token.h"

#include <gtest/gtest.h>

#include <string>

#include "base/base64.h"
#include "base/text.h"

namespace cardea::access {
namespace {

TEST(MachineToken, SaysWhatWasWritten) {
  const net::KeyedHash key{"secret"};
  const auto text = write_machine_token(key, {"laptop", 0xfedcba9876543210, 1000});
  EXPECT_TRUE(text.starts_with(machine_token_prefix));
  const auto token = read_machine_token(key, text, 999);
  ASSERT_TRUE(token) << token.error().message();
  EXPECT_EQ(token->key_id, "laptop");
  EXPECT_EQ(token->value_tag, 0xfedcba9876543210);
  EXPECT_EQ(token->expires, 1000);
  EXPECT_FALSE(read_machine_token(key, text, 1000));
  EXPECT_FALSE(read_machine_token(net::KeyedHash{"other"}, text, 999));
  for (std::size_t i = 0; i < text.size(); ++i) {
    auto changed = text;
    changed[i] = changed[i] == 'A' ? 'Q' : 'A';
    // The last digit of base64 may have bits that say nothing.
    if (i + 1 < text.size() && text[i + 1] != '.') EXPECT_FALSE(read_machine_token(key, changed, 999)) << i;
    EXPECT_FALSE(read_machine_token(key, text.substr(0, i), 999)) << i;
  }
  EXPECT_FALSE(read_machine_token(key, cat(machine_token_prefix, ".", to_base64url(std::string(32, '\0'))), 0));
  EXPECT_NE(tag_of(net::sha256("a")), tag_of(net::sha256("b")));
}

/// "id secret", or the code and status of the refusal.
std::string asked(std::string_view authorization, std::string_view form) {
  const auto out = read_token_request(authorization, form);
  if (out) return cat(out->id, ' ', out->secret.reveal());
  EXPECT_NE(token_error(out.error()).find(cat("\"error\":\"", out.error().detail().code, '"')), std::string::npos);
  return cat(out.error().detail().code, ' ', out.error().http_status());
}

TEST(MachineToken, RequestsOfClients) {
  const auto basic = [](std::string_view text) { return cat("Basic ", to_base64(text)); };
  EXPECT_EQ(asked(basic("laptop:sk%2D1"), "grant_type=client_credentials"), "laptop sk-1");
  EXPECT_EQ(asked("", "grant_type=client_credentials&client_id=a+b&client_secret=c%26d&scope=x"), "a b c&d");
  EXPECT_EQ(asked(basic("laptop:sk"), "grant_type=client_credentials&client_id=laptop"), "laptop sk");
  EXPECT_EQ(asked(basic("laptop:sk"), "grant_type=client_credentials&client_id=other"), "invalid_request 400");
  EXPECT_EQ(asked(basic("laptop:sk"), "grant_type=client_credentials&client_secret=sk"), "invalid_request 400");
  EXPECT_EQ(asked("Bearer x", "grant_type=client_credentials"), "invalid_client 401");
  EXPECT_EQ(asked("Basic !", "grant_type=client_credentials"), "invalid_client 401");
  EXPECT_EQ(asked("", "grant_type=client_credentials"), "invalid_client 401");
  EXPECT_EQ(asked("", "grant_type=client_credentials&client_id=a"), "invalid_client 401");
  EXPECT_EQ(asked("", "grant_type=password&client_id=a&client_secret=b"), "unsupported_grant_type 400");
  EXPECT_EQ(asked("", "client_id=a&client_secret=b"), "invalid_request 400");
  EXPECT_EQ(asked("", "grant_type=client_credentials&grant_type=client_credentials"), "invalid_request 400");
  EXPECT_EQ(asked("", "grant_type=%zz"), "invalid_request 400");
  EXPECT_EQ(token_answer("t"), R"({"access_token":"t","token_type":"Bearer","expires_in":900})");
}

}  // namespace
}  // namespace cardea::access
