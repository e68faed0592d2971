#include "json/scan_strings.h"

#include <gtest/gtest.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/random.h"
#include "base/text.h"

namespace cardea::json {
namespace {

using Policy = ScanOptions::LoneSurrogate;
using namespace std::string_view_literals;

/// Text whose last byte is the last of a page; behind it is a page that cannot be read.
class AtPageEnd {
 public:
  AtPageEnd() : memory_{static_cast<char*>(mmap(nullptr, 2 * page, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0))} {
    EXPECT_EQ(mprotect(memory_ + page, page, PROT_NONE), 0);
  }
  AtPageEnd(const AtPageEnd&) = delete;
  AtPageEnd& operator=(const AtPageEnd&) = delete;
  ~AtPageEnd() { munmap(memory_, 2 * page); }
  std::string_view put(std::string_view text) {
    char* const begin = memory_ + page - text.size();
    std::ranges::copy(text, begin);
    return {begin, text.size()};
  }

 private:
  const std::size_t page = static_cast<std::size_t>(sysconf(_SC_PAGESIZE));
  char* memory_;
};

/// `string`: from its opening quote on. Every kernel finds what the careful reader finds. True when it is a string.
bool kernels_agree(std::string_view string) {
  const char* const end = string.data() + string.size();
  bool valid = false;
  for (const auto policy : {Policy::allowed, Policy::refused}) {
    StringEnd expected;
    const auto fault = read_carefully(string.data(), end, policy, expected);
    valid = fault.problem.empty();
    EXPECT_EQ(valid, expected.close != nullptr);
    for (const auto& kernel : string_kernels()) {
      if (!kernel.usable()) continue;
      const auto found = kernel.skip(string.data() + 1, end, policy);
      const bool same = found.close == expected.close &&
                        (!valid || (found.escaped == expected.escaped && found.wide_first == expected.wide_first &&
                                    found.wide_last == expected.wide_last));
      EXPECT_TRUE(same) << kernel.name << " disagrees about " << string << " (" << fault.problem << ')';
    }
  }
  return valid;
}

TEST(StringKernels, TheBestOneIsUsable) {
  EXPECT_TRUE(best_string_kernel().usable());
  EXPECT_TRUE(string_kernels().back().usable());
  EXPECT_EQ(string_kernels().back().name, "bytes");
}

TEST(StringKernels, AgreeOnEverythingAtEveryPlaceOfABlock) {
  const std::pair<std::string_view, bool> tokens[] = {
      {"\"", true},
      {"\\\"", true},
      {"\\\\", true},
      {"\\\\\\\"", true},
      {"\\n\\t\\b\\f\\r\\/", true},
      {"\\u00e9", true},
      {"\\uABcd\\uef01", true},
      {"\\ud83d\\ude00", true},
      {"\\uD83D\\uDE00\\uD83D\\uDE00", true},
      {"\xc3\xa9", true},
      {"\xf0\x9f\x98\x80", true},
      {"\x7f", true},
      {"\\", true},  // escapes what follows: an x
      {"\\x", false},
      {"\\\xc3\xa9", false},
      {"\\0", false},
      {"\\u", false},
      {"\\u12", false},
      {"\\u12g4", false},
      {"\\u123", false},
      {"\\ud83d", false},
      {"\\ud83dx", false},
      {"\\ude00", false},
      {"\\ud83d\\u0041", false},
      {"\\ud83d\\ud83d\\ude00", false},
      {"\\ud83d\\\\ude00", false},
      {"\x1f", false},
      {"\n", false},
      {"\0"sv, false},
  };
  AtPageEnd page;
  for (const auto& [token, valid] : tokens) {
    for (std::size_t before = 0; before < 140; ++before) {
      for (const std::size_t after : {0, 1, 2, 15, 16, 17, 31, 33, 62, 63, 64, 65, 127, 130}) {
        const auto plain = cat('"', std::string(before, 'x'), token, std::string(after, 'y'));
        const bool is_open = token == "\\" && after == 0;  // the closing quote is escaped
        const bool expected = valid && token != "\\";
        ASSERT_EQ(kernels_agree(page.put(plain + '"')), expected && !is_open) << before << ' ' << token << ' ' << after;
        ASSERT_TRUE(kernels_agree(page.put(plain + "\", \\ \x01 \xff")) == (expected && !is_open)) << before << ' ' << token;
        ASSERT_EQ(kernels_agree(page.put(plain)), token == "\"") << before << ' ' << token;
      }
    }
  }
}

TEST(StringKernels, AgreeOnRunsOfBackslashes) {
  AtPageEnd page;
  for (std::size_t before = 0; before < 70; ++before) {
    for (std::size_t run = 0; run < 140; ++run) {
      const auto text = cat('"', std::string(before, 'x'), std::string(run, '\\'), "\" \"");
      ASSERT_TRUE(kernels_agree(page.put(text)));
    }
  }
}

TEST(StringKernels, AgreeOnNoise) {
  constexpr std::string_view pieces[] = {
      "\\u", "\\ud83d", "\\ude00",   "\\",  "\\\\",     "\"",           "0",    "d",  "F",    "u",
      "n",   "x",       "xxxxxxxxx", "\\n", "\xc3\xa9", "\xe4\xbd\xa0", "\xff", "\n", "\\\"", "\\u4f60\\u597d"};
  AtPageEnd page;
  Random random{11};
  int valid = 0;
  for (int round = 0; round < 100'000; ++round) {
    std::string text{"\""};
    for (auto count = random.below(40); count > 0; --count) {
      // Mostly what is fine, so that many texts get far.
      text += random.below(8) == 0 ? pieces[random.below(std::size(pieces))] : pieces[11 + random.below(5)];
    }
    valid += kernels_agree(page.put(text + '"'));
  }
  EXPECT_GT(valid, 10'000);
}

/// Whole documents with nothing behind them, of every length and so with every token in the last bytes.
TEST(StringKernels, ADocumentIsNotReadBeyondItsEnd) {
  AtPageEnd page;
  for (std::size_t size = 0; size < 200; ++size) {
    for (const std::string_view tail :
         {"\"}", "\",\"b\":1}", "\\n\"}", "\xc3\xa9\"}", "\",\"c\":[true,null,{\"d\":\"e\"}]}\n ", "\"", "", "\",\"t\":tru"}) {
      const auto text = page.put(cat("{\"a\":\"", std::string(size, 'x'), tail));
      for (const auto& kernel : string_kernels()) {
        if (!kernel.usable()) continue;
        const bool whole = tail.find('}') != std::string_view::npos;
        EXPECT_EQ(scan(text, {.kernel = &kernel}).has_value(), whole) << kernel.name << ' ' << text;
      }
    }
  }
}

}  // namespace
}  // namespace cardea::json
