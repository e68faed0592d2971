#include "wire/multipart.h"

#include <gtest/gtest.h>

#include <vector>

#include "base/random.h"
#include "base/text.h"

namespace cardea::wire {
namespace {

using Kind = MultipartEvent::Kind;

/// Everything that was said, as text: names, data and offsets, or the error.
std::string read(std::string_view body, std::size_t piece_max, Random& random, MultipartLimits limits = {},
                 std::string_view boundary = "b") {
  MultipartParser parser{boundary, limits};
  std::string said;
  std::string data;
  std::uint64_t at = 0;
  const auto fail = [&](const Error& error) { return cat(said, "!", error.message()); };
  for (std::string_view rest = body; !rest.empty();) {
    const auto piece = rest.substr(0, piece_max == 0 ? rest.size() : 1 + random.below(piece_max));
    const std::string moved{piece};  // what an earlier feed held is gone
    rest.remove_prefix(piece.size());
    for (std::string_view fed = moved;;) {
      auto event = parser.next(fed);
      if (!event) return fail(event.error());
      if (event->kind == Kind::none) break;
      const auto& part = parser.part();
      switch (event->kind) {
        case Kind::part:
          append(said, cat("[", part.name, part.filename ? "|" : "", part.filename.value_or(""),
                           part.content_type.empty() ? "" : "|", part.content_type, "] "));
          EXPECT_EQ(part.head, body.substr(event->begin, event->end - event->begin));
          at = event->end;
          data.clear();
          break;
        case Kind::data:
          EXPECT_EQ(event->begin, at);
          EXPECT_FALSE(event->data.empty());
          EXPECT_EQ(event->data, body.substr(event->begin, event->end - event->begin));
          at = event->end;
          data += event->data;
          break;
        case Kind::part_end:
          EXPECT_EQ(event->end, at);
          EXPECT_EQ(data, body.substr(event->begin, event->end - event->begin));
          append(said, cat("<", data, "> "));
          break;
        case Kind::end:
          EXPECT_EQ(body.substr(event->begin, event->end - event->begin), cat("\r\n--", boundary, "--"));
          said += "end";
          break;
        case Kind::none: break;
      }
    }
    EXPECT_EQ(parser.offset(), body.size() - rest.size());
  }
  if (Status end = parser.finish(); !end) return fail(end.error());
  return said;
}

/// However it is split, the same is said.
std::string read(std::string_view body, MultipartLimits limits = {}, std::string_view boundary = "b") {
  Random random{5};
  const auto whole = read(body, 0, random, limits, boundary);
  for (const std::size_t piece : {1U, 2U, 3U, 7U, 40U}) {
    EXPECT_EQ(read(body, piece, random, limits, boundary), whole) << "in pieces of " << piece;
  }
  return whole;
}

constexpr std::string_view head_a = "Content-Disposition: form-data; name=\"a\"\r\n\r\n";
std::string one(std::string_view data) { return cat("--b\r\n", head_a, data, "\r\n--b--\r\n"); }
std::string with_head(std::string_view head) { return cat("--b\r\n", head, "\r\n\r\nx\r\n--b--\r\n"); }

TEST(Multipart, FieldsAndFiles) {
  const auto body =
      cat("--b\r\nContent-Disposition: form-data; name=\"model\"\r\n\r\nwhisper-1\r\n"
          "--b\r\nContent-Disposition: form-data; name=\"file\"; filename=\"speech.wav\"\r\nContent-Type: audio/wav\r\n"
          "Content-Transfer-Encoding: binary\r\nX-Other: 1\r\n\r\nRIFF\r\n-\r\n--\r\n--a\r\r\n--b--");
  EXPECT_EQ(read(body), "[model] <whisper-1> [file|speech.wav|audio/wav] <RIFF\r\n-\r\n--\r\n--a\r> end");
}

TEST(Multipart, WhatMayStandAround) {
  EXPECT_EQ(read(cat("\r\n", one("x"))), "[a] <x> end") << "a line end before";
  EXPECT_EQ(read(cat(one("x"), "epilogue\r\n--b\r\n")), "[a] <x> end") << "text behind";
  EXPECT_EQ(read(one("")), "[a] <> end");
  EXPECT_EQ(read(one("\r\n")), "[a] <\r\n> end");
  EXPECT_EQ(read(one("--")), "[a] <--> end");
  EXPECT_EQ(read(one("--c\r\n--\r")), "[a] <--c\r\n--\r> end");
  EXPECT_EQ(read(one("\r\r\n\r\n--\r\n-\r\n\r")), "[a] <\r\r\n\r\n--\r\n-\r\n\r> end");
}

TEST(Multipart, WaysToWriteAName) {
  EXPECT_EQ(read(with_head("content-disposition:form-data;name=a;filename=f.txt")), "[a|f.txt] <x> end");
  EXPECT_EQ(read(with_head("CONTENT-DISPOSITION: Form-Data ; NAME=\"a b;c=\" ;; x=y; ")), "[a b;c=] <x> end");
  EXPECT_EQ(read(with_head(R"(Content-Disposition: form-data; name="a"; filename="C:\dir\q\"\\.png")")),
            "[a|C:\\dir\\q\"\\.png] <x> end");
  EXPECT_EQ(read(with_head("Content-Disposition: form-data; name=\"a\"; filename=\"\"")), "[a|] <x> end");
  EXPECT_EQ(read(with_head("Content-Disposition: form-data; name=\"a\"; filename*=UTF-8''na%C3%AFve%20x")),
            "[a|na\xC3\xAFve x] <x> end");
  EXPECT_EQ(read(with_head("Content-Disposition: form-data; name=\"a\"; filename*=UTF-8''a; filename=b")), "[a|b] <x> end");
}

struct Refused {
  std::string body;
  std::string_view why;
};

TEST(Multipart, RefusesWhatAnotherParserMayReadDifferently) {
  const Refused cases[] = {
      {"", "it is empty"},
      {"x", "does not begin with the boundary"},
      {"preamble\r\n--b\r\n", "does not begin with the boundary"},
      {"\r\n\r\n--b\r\n", "does not begin with the boundary"},
      {"--", "ends before its last boundary"},
      {"--b--\r\n", "has no parts"},
      {"--b \r\n", "behind a boundary stands neither"},
      {"--b\n", "behind a boundary stands neither"},
      {"--bb\r\n", "behind a boundary stands neither"},
      {"--b-x", "behind a boundary stands neither"},
      {cat("--b\r\n", head_a, "x\r\n--bx\r\n"), "behind a boundary stands neither"},
      {cat("--b\r\n", head_a, "x"), "ends before its last boundary"},
      {cat("--b\r\n", head_a, "x\r\n--b"), "ends before its last boundary"},
      {cat("--b\r\n", head_a, "x\r\n--b-"), "ends before its last boundary"},
      {cat("--b\r\n", head_a, "x\n--b--\r\n"), "ends before its last boundary"},
      {cat("--b\r\n", head_a, "--b--\r\n"), "part a ends before its data begins"},
      {cat("--b\r\n", head_a, "x\r\n--b-- \r\n"), "behind its end stands something else"},
      {cat("--b\r\n", head_a, "x\r\n--b--\n"), "behind its end stands something else"},
      {cat("--b\r\n", head_a, "x\r\n--b\r\n", head_a, "y\r\n--b--"), "two parts are named a"},
      {cat(one("x"), std::string(1025, 'x')), "more than 1024 bytes behind its end"},
      {"--b\r\n\r\nx\r\n--b--\r\n", "no Content-Disposition with a name"},
      {with_head("Content-Type: text/plain"), "no Content-Disposition with a name"},
      {with_head("Content-Disposition: form-data"), "no Content-Disposition with a name"},
      {with_head("Content-Disposition: form-data; name=\"\""), "no Content-Disposition with a name"},
      {with_head("Content-Disposition: attachment; name=\"a\""), "is not form-data"},
      {with_head("Content-Disposition: form-data; name=\"a"), "does not end"},
      {with_head("Content-Disposition: form-data; name=\"a\" x"), "not well-formed"},
      {with_head("Content-Disposition: form-data; name"), "not well-formed"},
      {with_head("Content-Disposition: form-data; name="), "not well-formed"},
      {with_head("Content-Disposition: form-data; name=a; name=b"), "has two names"},
      {with_head("Content-Disposition: form-data; name=a; name*=UTF-8''b"), "has a name*"},
      {with_head("Content-Disposition: form-data; name=a; filename=b; filename=c"), "has two filenames"},
      {with_head("Content-Disposition: form-data; name=a; filename*=b"), "filename* that is not well-formed"},
      {with_head("Content-Disposition: form-data; name=a; filename*=UTF-8''%0"), "filename* that is not well-formed"},
      {with_head("Content-Disposition: form-data; name=a; filename*=UTF-8''%0a"), "control character in a filename*"},
      {with_head(R"(Content-Disposition: form-data; name="a\"b")"), "backslash in the name"},
      {with_head("Content-Disposition: form-data; name=a\r\nContent-Disposition: form-data; name=b"), "two Content-Dispositions"},
      {with_head("Content-Disposition: form-data; name=a;\r\n x=y"), "is no header"},
      {with_head("Content-Disposition : form-data; name=a"), "is no header"},
      {with_head("Content-Disposition: form-data; name=\"a\rb\""), "control character"},
      {with_head(cat("Content-Disposition: form-data; name=\"a", '\0', "\"")), "control character"},
      {with_head("Content-Disposition: form-data; name=a\nX: y"), "control character"},
      {with_head("Content-Disposition: form-data; name=a\r\nContent-Type: multipart/mixed; boundary=c"), "multipart itself"},
      {with_head("Content-Disposition: form-data; name=a\r\nContent-Type: a/b\r\nContent-Type: a/c"), "two or empty"},
      {with_head("Content-Disposition: form-data; name=a\r\nContent-Transfer-Encoding: base64"), "Content-Transfer-Encoding"},
      {with_head(cat("Content-Disposition: form-data; name=", std::string(257, 'a'))), "longer than 256"},
      {with_head(cat("Content-Disposition: form-data; name=a; filename=", std::string(1025, 'a'))), "longer than 1024"},
      {with_head(cat("Content-Disposition: form-data; name=a\r\nX: ", std::string(8192, 'a'))), "larger than 8192"},
      {cat("--b\r\n", std::string(9000, 'a')), "larger than 8192"},
  };
  for (const auto& item : cases) {
    const auto said = read(item.body);
    EXPECT_NE(said.find('!'), std::string::npos) << item.body;
    EXPECT_NE(said.find(item.why), std::string::npos) << item.body << "\n" << said;
  }
}

TEST(Multipart, PartsAndNamesAreCounted) {
  std::string body;
  for (int i = 0; i < 3; ++i) append_multipart_field(body, "b", "a[]", "x");
  append_multipart_end(body, "b");
  EXPECT_EQ(read(body, {.parts = 2}), "[a[]] <x> [a[]] <x> !multipart body: more than 2 parts");
  EXPECT_EQ(read(body, {.parts = 3}).find('!'), std::string::npos) << "names that end in [] may come again";
  std::string twice;
  append_multipart_field(twice, "b", "a", "x");
  append_multipart_field(twice, "b", "a", "y");
  append_multipart_end(twice, "b");
  EXPECT_EQ(read(twice, {.repeated_names = true}).find('!'), std::string::npos);
}

TEST(Multipart, EveryTruncationIsNoticed) {
  const auto body = cat("--b\r\n", head_a, "some data\r\n--b--");
  Random random{1};
  for (std::size_t size = 0; size < body.size(); ++size) {
    EXPECT_NE(read(body.substr(0, size), 0, random).find('!'), std::string::npos) << size;
  }
}

TEST(Multipart, DataMadeOfHalfDelimitersAnySplit) {
  Random random{6};
  constexpr std::string_view pieces[] = {"\r", "\n", "\r\n", "\r\n-", "\r\n--", "\r\n--b", "-", "b", "\r\n--bound", "x"};
  for (int round = 0; round < 500; ++round) {
    std::string data;
    for (auto n = random.below(30); n > 0; --n) data += pieces[random.below(std::size(pieces))];
    std::string body;
    append_multipart_field(body, "boundary", "a", data);
    append_multipart_end(body, "boundary");
    const auto whole = read(body, 0, random, {}, "boundary");
    if (!data.starts_with("--boundary") && data.find("\r\n--boundary") == std::string::npos) {
      EXPECT_EQ(whole, cat("[a] <", data, "> end"));
    }
    EXPECT_EQ(read(body, 1, random, {}, "boundary"), whole);
    EXPECT_EQ(read(body, 20, random, {}, "boundary"), whole);
  }
}

TEST(Multipart, HoldsNothingButWhatMayBeADelimiter) {
  MultipartParser parser{"b"};
  const auto feed = [&](std::string_view bytes) {
    std::size_t data = 0;
    for (;;) {
      const auto event = parser.next(bytes).value();
      if (event.kind == Kind::none) return data;
      data += event.data.size();
    }
  };
  feed(cat("--b\r\n", head_a));
  EXPECT_EQ(parser.undecided(), 0U);
  EXPECT_EQ(feed("0123\r\n"), 4U);
  EXPECT_EQ(parser.undecided(), 2U);
  EXPECT_EQ(feed("--"), 0U);
  EXPECT_EQ(parser.undecided(), 4U);
  EXPECT_EQ(feed("x"), 5U);
  EXPECT_EQ(parser.undecided(), 0U);
}

TEST(Multipart, ReplacedDataLeavesTheRestAsItIs) {
  std::string body;
  append_multipart_head(body, "b", "file", "a\"b\r.wav", "audio/wav");
  append(body, cat("binary\r\n--\0", multipart_part_end));
  append_multipart_field(body, "b", "model", "twin/twin-1");
  append_multipart_end(body, "b");
  MultipartParser parser{"b"};
  std::string forwarded = body;
  for (std::string_view fed = body;;) {
    const auto event = parser.next(fed).value();
    if (event.kind == Kind::none) break;
    if (event.kind == Kind::part && parser.part().filename) {
      EXPECT_EQ(parser.part().filename, "a%22b%0D.wav");
    }
    if (event.kind == Kind::part_end && parser.part().name == "model") {
      forwarded.replace(event.begin, event.end - event.begin, "twin-1");
    }
  }
  std::string wanted;
  append_multipart_head(wanted, "b", "file", "a\"b\r.wav", "audio/wav");
  append(wanted, cat("binary\r\n--\0", multipart_part_end));
  append_multipart_field(wanted, "b", "model", "twin-1");
  append_multipart_end(wanted, "b");
  EXPECT_EQ(forwarded, wanted);
}

TEST(Multipart, Boundaries) {
  EXPECT_EQ(multipart_boundary("multipart/form-data; boundary=abc").value(), "abc");
  EXPECT_EQ(multipart_boundary("Multipart/Form-Data;charset=utf-8 ; Boundary=\"a b:c\"").value(), "a b:c");
  EXPECT_EQ(multipart_boundary("multipart/form-data; boundary=----WebKitFormBoundaryX;").value(), "----WebKitFormBoundaryX");
  const auto longest = std::string(70, 'x');
  EXPECT_EQ(multipart_boundary(cat("multipart/form-data; boundary=", longest)).value(), longest);
  for (const auto& bad :
       {std::string{"multipart/mixed; boundary=a"}, std::string{"multipart/form-data"}, std::string{""},
        std::string{"multipart/form-datax; boundary=a"}, std::string{"multipart/form-data; boundary="},
        std::string{"multipart/form-data; boundary=\"\""}, std::string{"multipart/form-data; boundary=\"a"},
        std::string{"multipart/form-data; boundary=\"a \""}, std::string{"multipart/form-data; boundary=a; boundary=b"},
        std::string{"multipart/form-data; boundary=a b"}, std::string{"multipart/form-data; boundary=\"a\\b\""},
        std::string{"multipart/form-data; boundary=\"\xC3\xA4\""}, cat("multipart/form-data; boundary=x", longest)}) {
    auto refused = multipart_boundary(bad);
    ASSERT_FALSE(refused.has_value()) << bad;
    EXPECT_EQ(refused.error().kind(), cardea::Kind::bad_request);
  }
}

}  // namespace
}  // namespace cardea::wire
