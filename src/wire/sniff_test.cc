#include "wire/sniff.h"

#include <gtest/gtest.h>

#include <string>

namespace cardea::wire {
namespace {

using namespace std::string_view_literals;

TEST(Sniff, KnowsFormatsByTheirFirstBytes) {
  EXPECT_EQ(sniff("\x89PNG\r\n\x1a\n and so on"sv).type, "image/png");
  EXPECT_EQ(sniff("\xff\xd8\xff\xe0"sv).type, "image/jpeg");
  EXPECT_EQ(sniff("RIFF\x10\0\0\0WEBPVP8 "sv).type, "image/webp");
  EXPECT_EQ(sniff("RIFF\x10\0\0\0WAVEfmt "sv).type, "audio/wav");
  EXPECT_EQ(sniff("RIFF\x10\0\0\0"sv).type, "");
  EXPECT_EQ(sniff("\0\0\0\x20"
                  "ftypM4A "sv)
                .type,
            "audio/mp4");
  EXPECT_EQ(sniff("\0\0\0\x20"
                  "ftypisom"sv)
                .type,
            "video/mp4");
  EXPECT_EQ(sniff("ID3\x04"sv).kind(), "audio");
  EXPECT_EQ(sniff("%PDF-1.7"sv).type, "application/pdf");
  EXPECT_EQ(sniff("Hello"sv).type, "");
  EXPECT_EQ(sniff(""sv).type, "");
}

TEST(Sniff, AClaimIsATypeOrAnEnding) {
  EXPECT_EQ(claimed_type("image/PNG", "x.wav"), "image/PNG");
  EXPECT_EQ(claimed_type("image/jpg; q=1", ""), "image/jpeg");
  EXPECT_EQ(claimed_type("application/octet-stream", "Talk.MP3"), "audio/mpeg");
  EXPECT_EQ(claimed_type("", "talk.wav"), "audio/wav");
  EXPECT_EQ(claimed_type("", "talk"), "");
  EXPECT_EQ(claimed_type("", "talk.xyz"), "");
}

TEST(Sniff, ACutFileHasNoEnd) {
  EXPECT_TRUE(ends_whole("image/png", "", "....IEND\xae\x42\x60\x82"sv, 100));
  EXPECT_FALSE(ends_whole("image/png", "", "....IEND"sv, 100));
  EXPECT_TRUE(ends_whole("image/jpeg", "", "..\xff\xd9\0\0"sv, 100));
  EXPECT_FALSE(ends_whole("image/jpeg", "", "...."sv, 100));
  EXPECT_TRUE(ends_whole("image/gif", "", "..\0;"sv, 100));
  EXPECT_FALSE(ends_whole("image/gif", "", "..\0"sv, 100));
  EXPECT_TRUE(ends_whole("image/webp", "RIFF\x10\0\0\0WEBP"sv, "", 24));
  EXPECT_FALSE(ends_whole("image/webp", "RIFF\x10\0\0\0WEBP"sv, "", 23));
  EXPECT_TRUE(ends_whole("audio/wav", "", "", 0));
}

}  // namespace
}  // namespace cardea::wire
