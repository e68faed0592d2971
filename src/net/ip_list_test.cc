#include "net/ip_list.h"

#include <gtest/gtest.h>

namespace cardea::net {
namespace {

bool holds(std::string_view network, std::string_view address) {
  const auto parsed = IpNetwork::parse(network);
  EXPECT_TRUE(parsed) << network;
  return parsed && parsed->holds(*Address::ip(address, 80));
}

TEST(IpNetwork, HoldsWhatSharesItsFirstBits) {
  EXPECT_TRUE(holds("10.1.2.3", "10.1.2.3"));
  EXPECT_FALSE(holds("10.1.2.3", "10.1.2.4"));
  EXPECT_TRUE(holds("10.1.0.0/16", "10.1.255.255"));
  EXPECT_FALSE(holds("10.1.0.0/16", "10.2.0.0"));
  EXPECT_TRUE(holds("10.1.2.128/25", "10.1.2.200"));
  EXPECT_FALSE(holds("10.1.2.128/25", "10.1.2.127"));
  EXPECT_TRUE(holds("10.9.9.9/8", "10.0.0.1")) << "bits behind the prefix do not count";
  EXPECT_TRUE(holds("0.0.0.0/0", "203.0.113.9"));
  EXPECT_FALSE(holds("0.0.0.0/0", "2001:db8::1"));
  EXPECT_TRUE(holds("2001:db8::/33", "2001:db8:7fff::1"));
  EXPECT_FALSE(holds("2001:db8::/33", "2001:db8:8000::1"));
  EXPECT_TRUE(holds("::/0", "::1"));
}

TEST(IpNetwork, KnowsIpv4InsideIpv6) {
  EXPECT_TRUE(holds("10.0.0.0/8", "::ffff:10.1.2.3"));
  EXPECT_TRUE(holds("::ffff:10.0.0.0/104", "10.1.2.3"));
  EXPECT_FALSE(holds("::/0", "::ffff:10.1.2.3")) << "it is IPv4, whatever it is written as";
  EXPECT_FALSE(IpNetwork::parse("::ffff:10.0.0.0/64"));
}

TEST(IpList, RefusesWhatIsNoNetwork) {
  for (const std::string text : {"", "host", "10.0.0", "10.0.0.0/33", "10.0.0.0/", "10.0.0.0/-1", "10.0.0.0/8/8", "::1/129",
                                 "[::1]", "010.0.0.1", "10.0.0.1:80"}) {
    const std::vector<std::string> entries{text};
    EXPECT_FALSE(IpList::parse(entries)) << text;
  }
  const std::vector<std::string> two{"10.0.0.0/8", "::1"};
  const auto list = IpList::parse(two);
  ASSERT_TRUE(list);
  EXPECT_TRUE(list->holds(*Address::ip("::1", 0)));
  EXPECT_FALSE(list->holds(*Address::ip("127.0.0.1", 0)));
  EXPECT_TRUE(IpList{}.empty());
}

}  // namespace
}  // namespace cardea::net
