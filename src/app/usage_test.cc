#include <gtest/gtest.h>

#include "app/usage_list.h"

namespace cardea::app {
namespace {

TEST(Usage, MoneyIsExact) {
  EXPECT_EQ(dollars({0}), "0.00");
  EXPECT_EQ(dollars({12'300'000}), "0.0123");
  EXPECT_EQ(dollars({-2'000'000'001}), "-2.000000001");
  EXPECT_EQ(dollars({INT64_MIN}), "-9223372036.854775808");
}

TEST(Usage, AsTableCsvAndJson) {
  using store::Axis;
  const std::vector<Axis> by{Axis::key, Axis::day};
  const std::vector<store::UsageRow> rows{{{"=a,\"b\"", "2027-01-31"}, 2, {.input = 10, .output = 5}, {1'500'000'000}}};
  EXPECT_EQ(*parse_axes("key, day,key"), by);
  const auto wrong = parse_axes("key,colour");
  ASSERT_FALSE(wrong);
  EXPECT_TRUE(wrong.error().message().starts_with("'--by' knows no 'colour'; there are organization, team,"));
  EXPECT_EQ(usage_csv(by, rows),
            "key,day,requests,input_tokens,output_tokens,cache_read_tokens,cache_write_tokens,reasoning_tokens,usd\r\n"
            "\"'=a,\"\"b\"\"\",2027-01-31,2,10,5,0,0,0,1.50\r\n");
  EXPECT_EQ(usage_json(by, rows),
            R"({"key":"=a,\"b\"","day":"2027-01-31","requests":2,"input_tokens":10,"output_tokens":5,"cache_read_tokens":0,)"
            R"("cache_write_tokens":0,"reasoning_tokens":0,"nano_usd":1500000000,"usd":"1.50"})"
            "\n");
  EXPECT_NE(usage_table(by, rows).find("cache read tokens"), std::string::npos);
  EXPECT_EQ(ledger_text({.lines = 2, .open = 1}),
            "the ledger holds: 2 lines, each balance is their sum; 1 reservation under way\n");
}

}  // namespace
}  // namespace cardea::app
