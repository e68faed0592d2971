#include "json/writer.h"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>

#include "base/random.h"
#include "json/scan.h"
#include "json/value.h"

namespace cardea::json {
namespace {

TEST(Writer, NestsAndSeparates) {
  std::string out;
  Writer w{out};
  w.begin_object().key("a").begin_array().number(1).string("x").begin_object().end_object().null().end_array();
  w.key("b").boolean(true).key("c").raw("[1, 2]").key("d").begin_array().end_array().end_object();
  EXPECT_EQ(out, R"({"a":[1,"x",{},null],"b":true,"c":[1, 2],"d":[]})");
  EXPECT_TRUE(w.complete());
}

TEST(Writer, EscapesWhatMustBe) {
  using namespace std::string_view_literals;
  EXPECT_EQ(quote("a\"b\\c/\b\f\n\r\t\0\x1f\x7f"sv), "\"a\\\"b\\\\c/\\b\\f\\n\\r\\t\\u0000\\u001f\x7f\"");
  EXPECT_EQ(quote("h\xc3\xa9\xe2\x80\xa8\xf0\x9f\x98\x80"), "\"h\xc3\xa9\xe2\x80\xa8\xf0\x9f\x98\x80\"");
  EXPECT_EQ(quote("a\xff"
                  "b\xe2\x82"),
            "\"a\xEF\xBF\xBD"
            "b\xEF\xBF\xBD\xEF\xBF\xBD\"");
}

// One special byte at each place of strings of each length: the steps of eight and sixteen overlap.
TEST(Writer, FindsASpecialByteAnywhere) {
  for (std::size_t size = 1; size <= 70; ++size) {
    const std::string plain(size, 'x');
    EXPECT_TRUE(is_plain(plain));
    EXPECT_EQ(quote(plain), '"' + plain + '"');
    for (std::size_t at = 0; at < size; ++at) {
      std::string text = plain;
      text[at] = '"';
      EXPECT_FALSE(is_plain(text)) << size << ' ' << at;
      EXPECT_EQ(quote(text), '"' + plain.substr(0, at) + "\\\"" + plain.substr(at + 1) + '"');
    }
  }
}

TEST(Writer, NumbersReadBackTheSame) {
  std::string out;
  Writer w{out};
  w.begin_array().number(std::numeric_limits<std::int64_t>::min()).number(std::numeric_limits<std::uint64_t>::max());
  w.number(0.1).number(-0.0).number(1e300).number(std::nan("")).end_array();
  EXPECT_EQ(out, "[-9223372036854775808,18446744073709551615,0.1,-0,1e+300,null]");
  EXPECT_TRUE(validate(out));
}

TEST(Writer, RandomBytesBecomeValidStringsThatReadBack) {
  Random random{3};
  for (int round = 0; round < 20'000; ++round) {
    std::string text;
    for (auto n = random.below(40); n > 0; --n)
      text.push_back(static_cast<char>(random.below(4) == 0 ? random.below(256) : random.below(128)));
    const auto once = quote(text);
    auto value = parse(once);
    ASSERT_TRUE(value) << once;
    EXPECT_EQ(quote(*value->as_string()), once);
  }
}

}  // namespace
}  // namespace cardea::json
