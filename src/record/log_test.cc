#include "record/log.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <sstream>
#include <string>
#include <thread>
#include <vector>

#include "base/text.h"
#include "json/value.h"

namespace cardea::record {
namespace {

std::chrono::system_clock::time_point fake_now() {
  using namespace std::chrono;
  return sys_days{2026y / January / 31} + 23h + 59min + 59s + 7ms;
}

/// A pipe; the test reads what the sink writes.
struct Pipe {
  Pipe() { EXPECT_EQ(pipe2(ends, O_CLOEXEC), 0); }
  ~Pipe() {
    close_writer();
    if (ends[0] >= 0) close(ends[0]);
  }
  void close_writer() {
    if (ends[1] >= 0) close(ends[1]);
    ends[1] = -1;
  }
  std::string read_all() {
    std::string all;
    char chunk[4096];
    for (ssize_t got = 0; (got = read(ends[0], chunk, sizeof chunk)) > 0;) all.append(chunk, static_cast<std::size_t>(got));
    return all;
  }
  int ends[2] = {-1, -1};
};

std::vector<std::string> lines_of(const std::string& text) {
  std::vector<std::string> lines;
  std::istringstream in{text};
  for (std::string line; std::getline(in, line);) lines.push_back(line);
  return lines;
}

std::unique_ptr<LogSink> sink_on(int fd, LogSink::Options options = {}) {
  options.fd = fd;
  options.now = &fake_now;
  auto sink = LogSink::make(std::move(options));
  EXPECT_TRUE(sink);
  return std::move(*sink);
}

std::string readable_text(const LogRing& ring) {
  std::string text;
  for (const auto span : ring.readable()) text.append(span.data(), span.size());
  return text;
}

TEST(LogRing, GivesLinesBackInOrderAcrossTheWrap) {
  LogRing ring{16};
  for (int i = 0; i < 100; ++i) {
    const auto line = cat("line ", i, "\n");
    ASSERT_TRUE(ring.push(line));
    ASSERT_TRUE(ring.push("x\n"));
    ASSERT_EQ(readable_text(ring), line + "x\n");
    ring.take(line.size() + 2);
    ASSERT_EQ(ring.size(), 0U);
  }
  EXPECT_EQ(ring.lost(), 0U);
}

TEST(LogRing, AFullRingRefusesWholeLinesAndCountsThem) {
  LogRing ring{16};
  EXPECT_TRUE(ring.push("0123456789\n"));
  EXPECT_FALSE(ring.push("abcdef\n"));
  EXPECT_TRUE(ring.push("abcd\n")) << "exactly full";
  EXPECT_FALSE(ring.push("\n"));
  EXPECT_EQ(ring.lost(), 2U);
  EXPECT_EQ(readable_text(ring), "0123456789\nabcd\n");
  ring.take(11);
  EXPECT_TRUE(ring.push("0123456789\n"));
  EXPECT_EQ(readable_text(ring), "abcd\n0123456789\n");
}

TEST(LogSink, WritesEverythingBeforeItDies) {
  Pipe pipe;
  std::thread producers[2];
  std::string text;
  std::thread reader{[&] { text = pipe.read_all(); }};
  {
    auto sink = sink_on(pipe.ends[1], {.ring_bytes = 1 << 20});
    for (int worker = 0; worker < 2; ++worker) {
      producers[worker] = std::thread{[&ring = sink->ring(), worker] {
        for (int i = 0; i < 5000; ++i) ring.push(cat("worker ", worker, " line ", i, "\n"));
      }};
    }
    for (auto& producer : producers) producer.join();
    sink->log(Level::info, "bye");
  }
  pipe.close_writer();
  reader.join();
  const auto lines = lines_of(text);
  ASSERT_EQ(lines.size(), 10'001U);
  int next[2] = {0, 0};
  for (const auto& line : lines) {
    if (line.find("bye") != std::string::npos) continue;
    const auto worker = line.at(7) == '0' ? 0 : 1;
    ASSERT_EQ(line, cat("worker ", worker, " line ", next[worker])) << "whole lines, each worker's in order";
    ++next[worker];
  }
}

TEST(LogSink, FlushWaitsForWhatWasPushed) {
  Pipe pipe;
  auto sink = sink_on(pipe.ends[1], {.interval = std::chrono::minutes{10}});
  sink->ring().push("one line\n");
  sink->flush();
  char bytes[64];
  EXPECT_EQ(read(pipe.ends[0], bytes, sizeof bytes), 9);
}

TEST(LogSink, EventLinesAreJsonWithTimeAndFields) {
  Pipe pipe;
  {
    auto sink = sink_on(pipe.ends[1]);
    sink->log(Level::warn, "reload_failed", {{"file", "a\"b\n\x1b[31m\xff"}, {"line", 7}});
    sink->log(Level::debug, "below the level");
  }
  pipe.close_writer();
  const auto lines = lines_of(pipe.read_all());
  ASSERT_EQ(lines.size(), 1U);
  EXPECT_EQ(lines[0], R"({"time":"2026-01-31T23:59:59.007Z","level":"warn","event":"reload_failed",)"
                      R"("file":"a\"b\n\u001b[31m)"
                      "\xef\xbf\xbd"
                      R"(","line":7})");
  EXPECT_TRUE(json::parse(lines[0]));
}

TEST(LogSink, LongEventsStayWellFormed) {
  Pipe pipe;
  {
    auto sink = sink_on(pipe.ends[1]);
    const std::string nasty(5000, '\x01');
    const std::string plain(5000, 'a');
    sink->log(Level::error, "big",
              {{"a", plain}, {"b", nasty}, {"c", nasty}, {"d", plain}, {"e", plain}, {"f", plain}, {"g", 1}});
  }
  pipe.close_writer();
  const auto lines = lines_of(pipe.read_all());
  ASSERT_EQ(lines.size(), 1U);
  const auto line = json::parse(lines[0]);
  ASSERT_TRUE(line) << lines[0];
  EXPECT_EQ(line->find("a")->as_string()->size(), 2048U);
}

TEST(LogSink, ConsoleLinesHoldNoControlCharacters) {
  Pipe pipe;
  {
    auto sink = sink_on(pipe.ends[1], {.format = Format::console});
    sink->log(Level::info, "started", {{"address", "127.0.0.1:8080"}, {"odd", "\x1b[31m\xc2\x9b\x7f ü"}});
  }
  pipe.close_writer();
  EXPECT_EQ(pipe.read_all(), "2026-01-31T23:59:59.007Z info started address=127.0.0.1:8080 odd=?[31m\xc2?? ü\n");
}

TEST(LogSink, AStuckTargetLosesLinesButCountsAndTellsThem) {
  Pipe pipe;
  const auto capacity = static_cast<std::size_t>(fcntl(pipe.ends[1], F_SETPIPE_SZ, 4096));
  constexpr std::size_t ring_bytes = 4096;
  const std::string line(127, 'x');
  constexpr std::uint64_t pushed = 1000;
  std::string text;
  {
    auto sink = sink_on(pipe.ends[1], {.ring_bytes = ring_bytes, .interval = std::chrono::milliseconds{1}});
    auto& ring = sink->ring();
    for (std::uint64_t i = 0; i < pushed; ++i) ring.push(line + "\n");  // nobody reads: never blocks
    const auto lost = sink->lost();
    EXPECT_GE(lost, pushed - (ring_bytes + capacity) / 128);
    EXPECT_LT(lost, pushed);
    std::thread reader{[&] { text = pipe.read_all(); }};
    sink.reset();
    pipe.close_writer();
    reader.join();
    std::uint64_t whole = 0;
    std::uint64_t told = 0;
    for (const auto& got : lines_of(text)) {
      if (got == line) {
        ++whole;
        continue;
      }
      const auto event = json::parse(got);
      ASSERT_TRUE(event) << got;
      EXPECT_EQ(*event->find("event")->as_string(), "log_lines_lost");
      told += *event->find("lines")->as_u64();
    }
    EXPECT_EQ(told, lost);
    EXPECT_EQ(whole + lost, pushed) << "every line is written or counted";
  }
}

TEST(LogSink, GivesUpOnATargetThatStaysStuck) {
  Pipe pipe;
  fcntl(pipe.ends[1], F_SETPIPE_SZ, 4096);
  auto sink = sink_on(pipe.ends[1], {.farewell = std::chrono::milliseconds{0}});
  auto& ring = sink->ring();
  for (int i = 0; i < 1000; ++i) ring.push("a line that nobody reads\n");
  sink->flush();
  sink.reset();  // returns: that is the test
}

TEST(LogSink, SurvivesATargetWithoutReader) {
  Pipe pipe;
  close(pipe.ends[0]);
  pipe.ends[0] = -1;
  auto sink = sink_on(pipe.ends[1], {.farewell = std::chrono::milliseconds{0}});
  sink->log(Level::info, "into the void");
  sink->flush();
}

TEST(LogSink, AppendsToAFile) {
  const auto path = std::filesystem::temp_directory_path() / cat("cardea-log-test-", getpid());
  for (int i = 0; i < 2; ++i) {
    auto sink = LogSink::make({.path = path.string(), .now = &fake_now});
    ASSERT_TRUE(sink);
    (*sink)->log(Level::info, "started", {{"run", i}});
  }
  std::stringstream text;
  text << std::ifstream{path}.rdbuf();
  std::filesystem::remove(path);
  EXPECT_EQ(lines_of(text.str()).size(), 2U);
}

TEST(LogSink, AFileThatCannotBeOpenedIsAnErrorThatNamesIt) {
  const auto sink = LogSink::make({.path = "/nowhere/at/all.log"});
  ASSERT_FALSE(sink);
  EXPECT_EQ(sink.error().kind(), Kind::config);
  EXPECT_NE(sink.error().message().find("/nowhere/at/all.log"), std::string_view::npos);
}

}  // namespace
}  // namespace cardea::record
