#include "json/scan.h"

#include <gtest/gtest.h>

#include "base/random.h"
#include "base/text.h"
#include "json/scan_strings.h"
#include "json/utf8.h"
#include "json/value.h"

namespace cardea::json {
namespace {

/// The error by every kernel that this CPU can run: all must say the same.
std::string error_of(std::string_view text, ScanOptions options = {}) {
  const std::unique_ptr<char[]> copy{new char[text.size()]};  // nothing behind it: an over-read shows under ASan
  std::ranges::copy(text, copy.get());
  std::string error;
  for (const auto& kernel : string_kernels()) {
    if (!kernel.usable()) continue;
    options.kernel = &kernel;
    auto result = scan({copy.get(), text.size()}, options);
    const std::string own{result ? std::string_view{} : result.error().message()};
    if (&kernel == &best_string_kernel()) error = own;
    EXPECT_EQ(own, error) << "by the kernel " << kernel.name << ": " << text;
  }
  return error;
}

TEST(Scan, NotesTopLevelMembers) {
  const std::string text =
      R"( {"model" : "gpt-4o", "n":1,"stream":true,"stop":null,"messages":[{"role":"user"}],"o":{"a":{}} } )";
  auto members = scan(text);
  ASSERT_TRUE(members) << members.error().message();
  std::string seen;
  for (const auto& member : members->all()) seen += cat(member.key, '=', members->raw(member), ';');
  EXPECT_EQ(seen, R"(model="gpt-4o";n=1;stream=true;stop=null;messages=[{"role":"user"}];o={"a":{}};)");
  EXPECT_EQ(members->find("model")->type, Type::string);
  EXPECT_EQ(members->string(*members->find("model")), "gpt-4o");
  EXPECT_TRUE(members->boolean(*members->find("stream")));
  EXPECT_EQ(members->find("o")->type, Type::object);
  EXPECT_EQ(members->find("nope"), nullptr);
  EXPECT_TRUE(members->inside(*members->find("messages")).empty());
  EXPECT_EQ(members->raw(members->find("model")->key_span), "\"model\"");
}

TEST(Scan, OutlinesTwoLevelsOfTheNamedMembers) {
  const std::string_view outline[] = {"messages", "stream_options"};
  const std::string text =
      R"({"x":[1],"messages":[{"role":"user","content":[{"type":"text"}]}, 7,{}],"stream_options":{"include_usage":true},"y":{"z":1}})";
  auto members = scan(text, {.outline = outline});
  ASSERT_TRUE(members) << members.error().message();
  std::string seen;
  for (const auto& element : members->inside(*members->find("messages"))) {
    seen += cat('[', members->raw(element), ']');
    for (const auto& member : members->inside(element)) seen += cat(member.key, '=', members->raw(member), ';');
  }
  EXPECT_EQ(seen, R"([{"role":"user","content":[{"type":"text"}]}]role="user";content=[{"type":"text"}];[7][{}])");
  EXPECT_EQ(members->raw(*members->find(*members->find("stream_options"), "include_usage")), "true");
  EXPECT_TRUE(members->inside(*members->find("x")).empty());
  EXPECT_TRUE(members->inside(*members->find("y")).empty());
}

TEST(Scan, EscapedKeysEqualTheirText) {
  const std::string text = R"({"mod\u0065l":"a\nb\ud83d\ude00"})";
  auto members = scan(text);
  ASSERT_TRUE(members);
  const auto* member = members->find("model");
  ASSERT_NE(member, nullptr);
  EXPECT_EQ(members->string(*member), "a\nb\xF0\x9F\x98\x80");
  const auto moved = std::move(*members);
  EXPECT_EQ(moved.string(*moved.find("model")), "a\nb\xF0\x9F\x98\x80");
}

TEST(Scan, DuplicatesOfWhatMattersAreRefused) {
  const std::string text = R"({"model":"a","x":1,"x":2,"\u006dodel":"b"})";
  auto members = scan(text);
  ASSERT_TRUE(members);
  auto model = members->unique("model");
  ASSERT_FALSE(model);
  EXPECT_EQ(model.error().kind(), Kind::bad_request);
  EXPECT_EQ(model.error().detail().param, "model");
  EXPECT_NE(model.error().message().find("given twice"), std::string::npos);
  EXPECT_EQ(members->raw(*members->find("x")), "2");
  auto absent = members->unique("y");
  ASSERT_TRUE(absent);
  EXPECT_EQ(*absent, nullptr);
}

TEST(Scan, ManyMembersGoToTheHeap) {
  std::string text = "{";
  for (int i = 0; i < 1000; ++i) text += cat(i == 0 ? "" : ",", "\"k", i, "\":", i);
  text += '}';
  auto members = scan(text);
  ASSERT_TRUE(members);
  EXPECT_EQ(members->raw(*members->find("k999")), "999");
}

struct Case {
  std::string_view text;
  std::string_view error;  ///< a part of the message
};

using namespace std::string_view_literals;

const Case bad_texts[] = {
    {"", "is empty"},
    {"   ", "is empty"},
    {"[]", "must be a JSON object, not an array"},
    {"null", "must be a JSON object, not null"},
    {"\"{}\"", "must be a JSON object, not a string"},
    {"{", "the text ends too early at byte 1"},
    {"{\"a\"", "the text ends too early"},
    {"{\"a\":", "the text ends too early"},
    {"{\"a\":1", "the text ends too early"},
    {"{\"a\":1,", "the text ends too early"},
    {"{\"a\":[1", "the text ends too early"},
    {"{\"a\":[1,", "the text ends too early"},
    {"{,}", "name in double quotes is expected at byte 1"},
    {"{\"a\":1,}", "name in double quotes is expected at byte 7"},
    {"{\"a\" 1}", "':' is expected"},
    {"{\"a\"::1}", "a value is expected"},
    {"{\"a\":1 \"b\":2}", "',' or '}' is expected"},
    {"{\"a\":1]", "',' or '}' is expected"},
    {"{\"a\":[1}", "',' or ']' is expected"},
    {"{\"a\":[1,]}", "a value is expected"},
    {"{\"a\":[,1]}", "a value is expected"},
    {"{\"a\":1}}", "more text after the end"},
    {"{} {}", "more text after the end of the value at byte 3"},
    {"{}x", "more text after"},
    {"{a:1}", "name in double quotes"},
    {"{'a':1}", "name in double quotes"},
    {"{1:1}", "name in double quotes"},
    {"{\"a\":tru}", "an unknown word"},
    {"{\"a\":truee}", "an unknown word"},
    {"{\"a\":True}", "a value is expected"},
    {"{\"a\":nul", "an unknown word"},
    {"{\"a\":NaN}", "a value is expected"},
    {"{\"a\":undefined}", "a value is expected"},
    {"{\"a\":01}", "a malformed number"},
    {"{\"a\":-}", "a malformed number"},
    {"{\"a\":+1}", "a value is expected"},
    {"{\"a\":1.}", "a malformed number"},
    {"{\"a\":.5}", "a value is expected"},
    {"{\"a\":1e}", "a malformed number"},
    {"{\"a\":1e+}", "a malformed number"},
    {"{\"a\":1.5.5}", "a malformed number"},
    {"{\"a\":0x10}", "a malformed number"},
    {"{\"a\":1_0}", "a malformed number"},
    {"{\"a\":-Infinity}", "a malformed number"},
    {"{\"a\":\"\\x\"}", "an unknown escape"},
    {"{\"a\":\"\\u12\"}", "an incomplete \\u escape"},
    {"{\"a\":\"\\u12G4\"}", "without four hexadecimal digits"},
    {"{\"a\":\"\\ud800\"}", "half of a surrogate pair"},
    {"{\"a\":\"\\ud800\\u0041\"}", "half of a surrogate pair"},
    {"{\"a\":\"\\udc00\"}", "half of a surrogate pair"},
    {"{\"a\":\"x", "a string that is never closed at byte 5"},
    {"{\"a\":\"x\\\"}", "a string that is never closed"},
    {"{\"a\":\"x\ny\"}", "a control character in a string"},
    {"{\"a\":\"x\0y\"}"sv, "a control character in a string"},
    {"{\"a\":\0 1}"sv, "a value is expected"},
    {"{\"a\":1\0}"sv, "a malformed number"},
    {"{\"a\":\"\xff\"}", "invalid UTF-8 at byte 6"},
    {"{\"a\":\"\xed\xa0\x80\"}", "invalid UTF-8"},
    {"{\"a\":\"\xc0\xaf\"}", "invalid UTF-8"},
    {"{\"a\":\"\xf4\x90\x80\x80\"}", "invalid UTF-8"},
    {"\xef\xbb\xbf{}", "a byte order mark"},
    {"{\"a\":\"b\"\"c\"}", "',' or '}' is expected"},
    {"{\"a\":\"b\"c}", "',' or '}' is expected"},
    {"{\"a\":1\"c\"}", "a malformed number"},
    {"{\"a\":true\"c\"}", "an unknown word"},
    {"{\"a\":\\\"b\"}", ""},
    {"{\"a\"\"b\":1}", "':' is expected"},
    {"{\"a\"b:1}", "':' is expected"},
    {"{\"a\":/*c*/1}", "a value is expected"},
    {"{\"a\":1\f}", "a malformed number"},
    {"{\"a\":1}\v", "more text after"},
};

TEST(Scan, RefusesWhatIsNotJson) {
  for (const auto& [text, expected] : bad_texts) {
    const auto error = error_of(text);
    EXPECT_FALSE(error.empty()) << text;
    EXPECT_NE(error.find(expected), std::string::npos) << text << " → " << error;
  }
}

TEST(Scan, SaysLineAndColumn) {
  EXPECT_EQ(error_of("{\n  \"a\": 1,\n  b\n}"),
            "the request body is not valid JSON: a member's name in double quotes is expected at byte 14 (line 3, column 3)");
  EXPECT_EQ(error_of("[]", {.what = "messages"}), "messages must be a JSON object, not an array");
}

TEST(Scan, AcceptsAllOfJson) {
  const std::string_view texts[] = {
      "{}",
      " \t\r\n{ } \n",
      R"({"":""})",
      R"({"a":[],"b":{},"c":[[],[{}]],"d":-0,"e":0.0e-0,"f":1E+10,"g":123456789012345678901234567890})",
      R"({"a":"\"\\\/\b\f\n\r\t\u0000\uFFFF\ud83d\ude00"})",
      "{\"a\":\"\x7f\xc2\x80\xe2\x80\xa8\xf0\x9f\x98\x80\"}",
      R"({"a":true,"b":false,"c":null})",
      R"({"a" : [ 1 , 2 , "x" , null ] })",
      "{\"a\":\"trailing spaces in here   \"   }",
  };
  for (const auto text : texts) EXPECT_EQ(error_of(text), "") << text;
}

TEST(Scan, EveryByteOfAStringIsChecked) {
  for (const std::string_view front : {"", "\xc3\xa9", "\\n"}) {
    for (std::size_t before = 0; before < 80; ++before) {
      for (const char c : {'\0', '\x1e', '\x1f', ' ', '!', '#', '[', ']', '\x7f', '\x80', '\xff'}) {
        const auto text =
            cat("{\"", front, std::string(before, 'x'), std::string_view{&c, 1}, "y\":1,\"b\":\"yyyyyyyyyyyyyyyy\"}");
        const bool plain = c >= ' ';  // as signed
        ASSERT_EQ(error_of(text).empty(), plain) << text;
      }
    }
  }
}

TEST(Scan, DepthHasALimit) {
  const auto nested = [](std::size_t n) { return cat("{\"a\":", std::string(n, '['), std::string(n, ']'), "}"); };
  EXPECT_EQ(error_of(nested(127)), "");
  EXPECT_NE(error_of(nested(128)).find("too many levels"), std::string::npos);
  EXPECT_NE(error_of(std::string(100'000, '[')).find("too many levels"), std::string::npos);
  EXPECT_EQ(error_of(nested(3), {.max_depth = 4}), "");
  EXPECT_NE(error_of(nested(4), {.max_depth = 4}), "");
}

TEST(Scan, NotedMembersHaveALimit) {
  const std::string_view outline[] = {"a"};
  const auto text = [](std::size_t n) {
    std::string out = "{\"a\":[0";
    for (std::size_t i = 2; i < n; ++i) out += ",0";
    return out + "]}";
  };
  EXPECT_EQ(error_of(text(100), {.outline = outline, .max_noted = 100}), "");
  EXPECT_NE(error_of(text(101), {.outline = outline, .max_noted = 100}).find("too many members"), std::string::npos);
  EXPECT_NE(error_of(text(100'000), {.outline = outline}).find("too many members"), std::string::npos);
  EXPECT_EQ(error_of(text(100'000)), "");
}

TEST(Scan, LoneSurrogatesInAnswersAreTaken) {
  const ScanOptions lenient{.lone_surrogate = ScanOptions::LoneSurrogate::allowed};
  const std::string text = R"({"a":"x\ud83d","b":"\udc00y","c":"\ud83d\ud83d\ude00"})";
  auto members = scan(text, lenient);
  ASSERT_TRUE(members);
  EXPECT_EQ(members->string(*members->find("a")), "x\xEF\xBF\xBD");
  EXPECT_EQ(members->string(*members->find("b")), "\xEF\xBF\xBDy");
  EXPECT_EQ(members->string(*members->find("c")), "\xEF\xBF\xBD\xF0\x9F\x98\x80");
}

TEST(Scan, EveryTruncationIsAnError) {
  const std::string text = R"({"model":"a\u00e9\"b","n":[1,-2.5e3,true],"o":{"k":"héllo","z":null},"s":"\ud83d\ude00"})";
  ASSERT_EQ(error_of(text), "");
  for (std::size_t n = 0; n < text.size(); ++n) EXPECT_NE(error_of(std::string_view{text}.substr(0, n)), "") << n;
}

/// A slow checker written from the grammar alone, to compare with.
class Reference {
 public:
  explicit Reference(std::string_view text) : text_{text} {}
  bool object_document() {
    space();
    if (peek() != '{') return false;
    return value(0) && (space(), at_ == text_.size());
  }

 private:
  char peek() const { return at_ < text_.size() ? text_[at_] : '\0'; }
  bool take(char c) { return at_ < text_.size() && text_[at_] == c && (++at_, true); }
  void space() {
    while (peek() == ' ' || peek() == '\t' || peek() == '\n' || peek() == '\r') ++at_;
  }
  bool word(std::string_view w) { return text_.substr(at_, w.size()) == w && (at_ += w.size(), true); }
  bool digits() {
    const auto from = at_;
    while (peek() >= '0' && peek() <= '9') ++at_;
    return at_ != from;
  }
  bool number() {
    take('-');
    if (!take('0') && !digits()) return false;
    if (take('.') && !digits()) return false;
    if (take('e') || take('E')) {
      if (!take('+')) take('-');
      return digits();
    }
    return true;
  }
  int unit() {
    int out = 0;
    for (int i = 0; i < 4; ++i) {
      const auto digit = std::string_view{"0123456789abcdefABCDEF"}.find(peek());
      if (at_ >= text_.size() || digit == std::string_view::npos) return -1;
      out = out * 16 + static_cast<int>(digit < 16 ? digit : digit - 6);
      ++at_;
    }
    return out;
  }
  bool escape() {
    if (!take('u')) return at_ < text_.size() && std::string_view{"\"\\/bfnrt"}.find(text_[at_++]) != std::string_view::npos;
    const int first = unit();
    if (first < 0xD800 || first > 0xDFFF) return first >= 0;
    if (first > 0xDBFF || !take('\\') || !take('u')) return false;
    const int second = unit();
    return second >= 0xDC00 && second <= 0xDFFF;
  }
  bool string() {
    if (!take('"')) return false;
    while (at_ < text_.size() && text_[at_] != '"') {
      const auto length = utf8_length(text_.substr(at_));
      if (length == 0 || (length == 1 && static_cast<unsigned char>(text_[at_]) < 0x20)) return false;
      const bool escapes = text_[at_] == '\\';
      at_ += length;
      if (escapes && !escape()) return false;
    }
    return take('"');
  }
  template <class Item>
  bool list(char open, char close, Item item) {
    if (!take(open)) return false;
    space();
    if (take(close)) return true;
    do {
      space();
      if (!item()) return false;
      space();
    } while (take(','));
    return take(close);
  }
  bool value(int depth) {
    space();
    if (depth > 128) return false;
    switch (peek()) {
      case '{': return list('{', '}', [&] { return string() && (space(), take(':')) && value(depth + 1); });
      case '[': return list('[', ']', [&] { return value(depth + 1); });
      case '"': return string();
      case 't': return word("true");
      case 'f': return word("false");
      case 'n': return word("null");
      default: return number();
    }
  }
  std::string_view text_;
  std::size_t at_ = 0;
};

TEST(Scan, AgreesWithTheGrammarOnMutations) {
  const std::string head = R"({"model":"g\n4","n":[1,-2.5e3,true,[]],"o":{"k":"v","z":null, "e":{}},"s":"\\","é":"你好, wörld",)";
  const std::string tail = "\"t\":\"\\u12aFx\\ud83d\\ude00 \xc3\xa9\xe4\xbd\xa0\xf0\x9f\x98\x80 \\\\\\\"\"} ";
  const std::string_view alphabet = "{}[]:,\"\\\\\\ \n0123.-+eEtfnrul/x89aDd\xc3\xa9\xed\xf4";
  Random random{7};
  int valid = 0;
  for (int round = 0; round < 200'000; ++round) {
    std::string text = head;
    text += cat('"', std::string(random.below(80), 'k'), "\":", random.below(2) == 0 ? " " : "\r\n\t",
                std::string(random.below(40), ' '), "0,", tail);  // so that every token meets every edge of a block
    for (auto changes = 1 + random.below(3); changes > 0; --changes) {
      const auto at = random.below(text.size());
      const char c = alphabet[random.below(alphabet.size())];
      switch (random.below(3)) {
        case 0: text[at] = c; break;
        case 1: text.erase(at, 1); break;
        default: text.insert(at, 1, c);
      }
    }
    const bool expected = Reference{text}.object_document();
    valid += expected;
    ASSERT_EQ(error_of(text).empty(), expected) << text << " → " << error_of(text);
  }
  EXPECT_GT(valid, 1000);
}

TEST(Numbers, IntegersAreExact) {
  EXPECT_EQ(to_u64("18446744073709551615"), 18446744073709551615u);
  EXPECT_EQ(to_u64("18446744073709551616"), std::nullopt);
  EXPECT_EQ(to_u64("-1"), std::nullopt);
  EXPECT_EQ(to_u64("1.0"), std::nullopt);
  EXPECT_EQ(to_i64("-9223372036854775808"), std::numeric_limits<std::int64_t>::min());
  EXPECT_EQ(to_u64(""), std::nullopt);
}

}  // namespace
}  // namespace cardea::json
