#include "access/client_address.h"

#include <gtest/gtest.h>

#include <vector>

#include "base/text.h"
#include "wire/http1.h"

namespace cardea::access {
namespace {

std::string seen(std::string_view peer, std::string_view lines, std::vector<std::string> trusted = {"10.0.0.0/8", "::1"}) {
  const std::string bytes = cat("GET / HTTP/1.1\r\nHost: h\r\n", lines, "\r\n");
  wire::RequestHead head;
  const auto parsed = wire::parse_request_head(bytes, {}, head);
  EXPECT_TRUE(parsed && *parsed == bytes.size()) << bytes;
  const auto proxies = TrustedProxies::parse(trusted);
  EXPECT_TRUE(proxies);
  return client_address(head, peer, *proxies);
}

TEST(ClientAddress, IsThePeersUnlessThatIsATrustedProxy) {
  EXPECT_EQ(seen("203.0.113.9", "X-Forwarded-For: 1.2.3.4\r\n"), "203.0.113.9");
  EXPECT_EQ(seen("10.0.0.1", ""), "10.0.0.1");
  EXPECT_EQ(seen("10.0.0.1", "X-Forwarded-For: 1.2.3.4\r\n"), "1.2.3.4");
  EXPECT_EQ(seen("10.0.0.1", "X-Forwarded-For: 1.2.3.4\r\n", {}), "10.0.0.1");
}

TEST(ClientAddress, TheRightmostHopThatIsNotTrustedCounts) {
  EXPECT_EQ(seen("10.0.0.1", "X-Forwarded-For: 6.6.6.6, 1.2.3.4, 10.9.9.9\r\n"), "1.2.3.4");
  EXPECT_EQ(seen("10.0.0.1", "X-Forwarded-For: 6.6.6.6\r\nx-forwarded-for: 1.2.3.4\r\n"), "1.2.3.4") << "lines are one list";
  EXPECT_EQ(seen("10.0.0.1", "X-Forwarded-For: 10.0.0.3, 10.0.0.2\r\n"), "10.0.0.3") << "all trusted: the first";
  EXPECT_EQ(seen("10.0.0.1", "X-Forwarded-For: 1.2.3.4, what\r\n"), "10.0.0.1");
  EXPECT_EQ(seen("10.0.0.1", "X-Forwarded-For: 1.2.3.4, what, 10.0.0.7\r\n"), "10.0.0.7");
  EXPECT_EQ(seen("10.0.0.1", "X-Forwarded-For: \r\n"), "10.0.0.1");
}

TEST(ClientAddress, ReadsEveryWayToWriteOne) {
  EXPECT_EQ(seen("::1", "X-Forwarded-For: 1.2.3.4:5678\r\n"), "1.2.3.4");
  EXPECT_EQ(seen("::1", "X-Forwarded-For: 2001:db8::7\r\n"), "2001:db8::7");
  EXPECT_EQ(seen("::1", "X-Forwarded-For: [2001:db8::7]:80\r\n"), "2001:db8::7");
  EXPECT_EQ(seen("::1", "Forwarded: for=6.6.6.6, for=\"[2001:db8::7]:80\";proto=https\r\n"), "2001:db8::7");
  EXPECT_EQ(seen("::1", "Forwarded: proto=https;For=1.2.3.4;by=10.0.0.1\r\n"), "1.2.3.4");
  EXPECT_EQ(seen("::1", "Forwarded: for=_hidden\r\n"), "::1");
  EXPECT_EQ(seen("::1", "Forwarded: for=6.6.6.6\r\nX-Forwarded-For: 1.2.3.4\r\n"), "::1") << "one of them is the client's word";
  EXPECT_EQ(seen("::1", "Forwarded: for=1.2.3.4\r\nX-Forwarded-For: 6.6.6.6, 1.2.3.4\r\n"), "1.2.3.4");
}

TEST(ClientAddress, AUnixSocketIsAProxysOnlyWhenTheOperatorSaysSo) {
  EXPECT_EQ(seen("unix", "X-Forwarded-For: 1.2.3.4\r\n"), "unix");
  EXPECT_EQ(seen("unix", "X-Forwarded-For: 1.2.3.4\r\n", {"unix"}), "1.2.3.4");
  const std::vector<std::string> bad{"10.0.0.0/8", "proxy.internal"};
  EXPECT_FALSE(TrustedProxies::parse(bad));
}

}  // namespace
}  // namespace cardea::access
