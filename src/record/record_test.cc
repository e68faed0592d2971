#include "record/record.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <cmath>
#include <map>
#include <optional>
#include <set>
#include <sstream>
#include <string>
#include <thread>

#include "base/text.h"
#include "json/value.h"
#include "record/line.h"

namespace cardea::record {
namespace {

using namespace std::chrono_literals;

Entry chat_entry() {
  Entry e;
  e.request_id = "req-1";
  e.method = "POST";
  e.route = "/v1/chat/completions";
  e.dialect = "openai_chat";
  e.operation = "chat";
  e.model_asked = "gpt";
  e.principal = "alice";
  e.client_address = "127.0.0.1";
  e.provider = "openai";
  e.upstream_model = "gpt-4o";
  e.model_answered = "gpt-4o-2024-08-06";
  e.attempts = 1;
  e.status = 200;
  e.usage.input = 10;
  e.usage.cache_read = 2;
  e.usage.output = 40;
  e.bytes_in = 100;
  e.bytes_out = 900;
  e.started = std::chrono::sys_days{std::chrono::year{2026} / 1 / 31} + 1h + 2min + 3s + 4ms;
  e.duration = 15ms;
  e.upstream = 14ms;
  e.first_token = 12ms;
  e.overhead = 30us;
  return e;
}

/// A small reader of the exposition format: checks every line, keeps the samples as `name{labels}` → value.
class Exposition {
 public:
  explicit Exposition(const std::string& text) {
    EXPECT_TRUE(text.ends_with("\n"));
    std::istringstream in{text};
    for (std::string line; std::getline(in, line);) read_line(line);
  }
  double at(const std::string& sample) const {
    const auto found = samples_.find(sample);
    if (found == samples_.end()) ADD_FAILURE() << "no sample " << sample;
    return found == samples_.end() ? NAN : found->second;
  }
  bool has(const std::string& sample) const { return samples_.contains(sample); }
  const std::map<std::string, double>& samples() const { return samples_; }

 private:
  void read_line(const std::string& line) {
    std::istringstream words{line};
    std::string hash, keyword, name, rest;
    if (line.starts_with("# ")) {
      words >> hash >> keyword >> name >> rest;
      if (keyword == "HELP") {
        EXPECT_TRUE(families_.insert(name).second) << "family twice: " << name;
        EXPECT_FALSE(rest.empty());
      } else {
        EXPECT_EQ(keyword, "TYPE") << line;
        type_ = rest;
        family_ = name;
      }
      return;
    }
    const auto space = line.rfind(' ');
    ASSERT_NE(space, std::string::npos) << line;
    const auto sample = line.substr(0, space);
    EXPECT_TRUE(sample.starts_with(family_)) << line << " outside of its family " << family_;
    std::size_t used = 0;
    EXPECT_NO_THROW(value_ = std::stod(line.substr(space + 1), &used)) << line;
    EXPECT_EQ(used, line.size() - space - 1) << line;
    check_labels(sample);
    EXPECT_TRUE(samples_.emplace(sample, value_).second) << "sample twice: " << sample;
  }
  static void check_labels(const std::string& sample) {
    auto at = sample.find('{');
    if (at == std::string::npos) return;
    EXPECT_EQ(sample.back(), '}') << sample;
    while (sample[at] != '}') {
      ++at;  // `{` or `,`
      const auto equals = sample.find("=\"", at);
      ASSERT_NE(equals, std::string::npos) << sample;
      EXPECT_EQ(sample.substr(at, equals - at).find_first_not_of("abcdefghijklmnopqrstuvwxyz_"), std::string::npos) << sample;
      for (at = equals + 2; sample.at(at) != '"'; ++at) {
        if (sample[at] == '\\') ASSERT_NE(std::string_view{"\\\"n"}.find(sample.at(++at)), std::string_view::npos) << sample;
      }
      ++at;
      ASSERT_TRUE(sample[at] == ',' || sample[at] == '}') << sample;
    }
  }

  std::set<std::string> families_;
  std::map<std::string, double> samples_;
  std::string type_, family_;
  double value_ = 0;
};

Exposition page_of(std::initializer_list<const Recorder*> recorders, const Process& process = {}) {
  return Exposition{expose({recorders.begin(), recorders.size()}, process)};
}

/// One pipe-backed sink and the lines that went through it.
std::string logged(Format format, std::span<const Entry> entries, Level level = Level::info) {
  int ends[2];
  EXPECT_EQ(pipe2(ends, O_CLOEXEC), 0);
  {
    auto sink = LogSink::make({.fd = ends[1], .format = format, .level = level});
    Recorder recorder{{.sink = sink->get()}};
    for (const auto& entry : entries) recorder.commit(entry);
  }
  close(ends[1]);
  std::string text(1 << 16, '\0');
  const auto got = read(ends[0], text.data(), text.size());
  close(ends[0]);
  text.resize(got > 0 ? static_cast<std::size_t>(got) : 0);
  return text;
}

std::string logged(Format format, std::initializer_list<Entry> entries, Level level = Level::info) {
  return logged(format, std::span{entries.begin(), entries.size()}, level);
}

TEST(Record, CountsARequestEverywhere) {
  Recorder recorder{{}};
  recorder.commit(chat_entry());
  const auto page = page_of({&recorder});
  EXPECT_EQ(
      page.at(
          R"(cardea_requests_total{route="/v1/chat/completions",dialect="openai_chat",provider="openai",model="gpt-4o",status="200"})"),
      1);
  const std::string labels = R"(gen_ai_operation_name="chat",gen_ai_provider_name="openai",gen_ai_request_model="gpt-4o")";
  EXPECT_EQ(page.at("gen_ai_server_request_duration_seconds_bucket{" + labels + R"(,le="0.01"})"), 0);
  EXPECT_EQ(page.at("gen_ai_server_request_duration_seconds_bucket{" + labels + R"(,le="0.02"})"), 1);
  EXPECT_EQ(page.at("gen_ai_server_request_duration_seconds_bucket{" + labels + R"(,le="81.92"})"), 1);
  EXPECT_EQ(page.at("gen_ai_server_request_duration_seconds_bucket{" + labels + R"(,le="+Inf"})"), 1);
  EXPECT_DOUBLE_EQ(page.at("gen_ai_server_request_duration_seconds_sum{" + labels + "}"), 0.015);
  EXPECT_DOUBLE_EQ(page.at("gen_ai_client_operation_duration_seconds_sum{" + labels + "}"), 0.014);
  EXPECT_DOUBLE_EQ(page.at("gen_ai_server_time_to_first_token_seconds_sum{" + labels + "}"), 0.012);
  EXPECT_EQ(page.at("gen_ai_client_token_usage_sum{" + labels + R"(,gen_ai_token_type="input"})"), 12);
  EXPECT_EQ(page.at("gen_ai_client_token_usage_sum{" + labels + R"(,gen_ai_token_type="output"})"), 40);
  EXPECT_EQ(page.at("gen_ai_client_token_usage_bucket{" + labels + R"(,gen_ai_token_type="output",le="16"})"), 0);
  EXPECT_EQ(page.at("gen_ai_client_token_usage_bucket{" + labels + R"(,gen_ai_token_type="output",le="64"})"), 1);
  EXPECT_TRUE(page.has("gen_ai_client_token_usage_bucket{" + labels + R"(,gen_ai_token_type="output",le="67108864"})"));
  EXPECT_DOUBLE_EQ(page.at("cardea_overhead_seconds_sum"), 30e-6);
  EXPECT_EQ(page.at(R"(cardea_overhead_seconds_bucket{le="2e-05"})"), 0);
  EXPECT_EQ(page.at(R"(cardea_overhead_seconds_bucket{le="5e-05"})"), 1);
}

TEST(Record, BucketsAreCumulativeAndEndInTheCount) {
  Recorder recorder{{}};
  auto entry = chat_entry();
  for (const auto duration : {0ms, 10ms, 11ms, 500ms, 81'920ms, 100'000ms}) {
    entry.duration = duration;
    recorder.commit(entry);
  }
  const auto page = page_of({&recorder});
  const std::string bucket =
      R"(gen_ai_server_request_duration_seconds_bucket{gen_ai_operation_name="chat",gen_ai_provider_name="openai",)"
      R"(gen_ai_request_model="gpt-4o",le=")";
  EXPECT_EQ(page.at(bucket + "0.01\"}"), 2) << "a bound is inclusive";
  EXPECT_EQ(page.at(bucket + "0.02\"}"), 3);
  EXPECT_EQ(page.at(bucket + "0.64\"}"), 4);
  EXPECT_EQ(page.at(bucket + "81.92\"}"), 5);
  EXPECT_EQ(page.at(bucket + "+Inf\"}"), 6);
}

TEST(Record, ErrorsCountByKindAndStatus) {
  Recorder recorder{{}};
  auto entry = chat_entry();
  entry.error = Kind::upstream_timeout;
  entry.status = 504;
  recorder.commit(entry);
  entry.error = Kind::client_closed;
  entry.status = 0;
  recorder.commit(entry);
  const auto page = page_of({&recorder});
  EXPECT_EQ(page.at(R"(cardea_request_errors_total{kind="upstream_timeout"})"), 1);
  EXPECT_EQ(page.at(R"(cardea_request_errors_total{kind="client_closed"})"), 1);
  EXPECT_FALSE(page.has(R"(cardea_request_errors_total{kind="internal"})"));
  const std::string labels =
      R"(cardea_requests_total{route="/v1/chat/completions",dialect="openai_chat",provider="openai",model="gpt-4o",status=")";
  EXPECT_EQ(page.at(labels + "504\"}"), 1);
  EXPECT_EQ(page.at(labels + "499\"}"), 1) << "nothing sent: what nginx would log";
}

TEST(Record, StrangersCannotMakeLabels) {
  Recorder recorder{{}};
  auto entry = chat_entry();
  entry.provider = entry.upstream_model = {};
  entry.status = 404;
  for (int i = 0; i < 10'000; ++i) {
    entry.model_asked = cat("made-up-", i);
    recorder.commit(entry);
  }
  const auto page = page_of({&recorder});
  EXPECT_EQ(
      page.at(
          R"(cardea_requests_total{route="/v1/chat/completions",dialect="openai_chat",provider="",model="unknown",status="404"})"),
      10'000);
  EXPECT_LT(page.samples().size(), 150U);
}

TEST(Record, TooManyModelsBecomeOther) {
  Recorder recorder{{.series_max = 8}};
  auto entry = chat_entry();
  std::string model;
  for (int i = 0; i < 1000; ++i) {
    entry.upstream_model = model = cat("model-", i);
    recorder.commit(entry);
  }
  // Then so many providers that even their "other" no longer fits.
  std::string provider;
  for (int i = 0; i < 1000; ++i) {
    entry.provider = provider = cat("provider-", i);
    recorder.commit(entry);
  }
  const auto page = page_of({&recorder});
  double total = 0;
  std::size_t series = 0;
  for (const auto& [sample, value] : page.samples()) {
    if (!sample.starts_with("cardea_requests_total")) continue;
    total += value;
    ++series;
  }
  EXPECT_EQ(total, 2000) << "nothing is lost";
  EXPECT_LE(series, 8U + 64U + 1U);
  EXPECT_EQ(
      page.at(
          R"(cardea_requests_total{route="/v1/chat/completions",dialect="openai_chat",provider="openai",model="other",status="200"})"),
      992);
  EXPECT_GT(page.at(R"(cardea_requests_total{route="other",dialect="other",provider="other",model="other",status="200"})"), 0);
}

TEST(Record, ManyStatusesOfOneSeriesBecomeOther) {
  Recorder recorder{{}};
  auto entry = chat_entry();
  for (std::uint16_t status = 200; status < 220; ++status) {
    entry.status = status;
    recorder.commit(entry);
  }
  const auto page = page_of({&recorder});
  EXPECT_EQ(
      page.at(
          R"(cardea_requests_total{route="/v1/chat/completions",dialect="openai_chat",provider="openai",model="gpt-4o",status="other"})"),
      8);
}

TEST(Record, LabelValuesAreEscaped) {
  Recorder recorder{{}};
  auto entry = chat_entry();
  entry.upstream_model = "a\"b\\c\nd";
  recorder.commit(entry);
  page_of({&recorder})
      .at(R"(cardea_requests_total{route="/v1/chat/completions",dialect="openai_chat",provider="openai",model="a\"b\\c\nd",status="200"})");
}

TEST(Record, WorkersAreMergedWhileTheyWork) {
  Recorder recorders[2] = {Recorder{{}}, Recorder{{}}};
  constexpr int rounds = 20'000;
  std::atomic<int> running{2};
  std::thread workers[2];
  for (int w = 0; w < 2; ++w) {
    workers[w] = std::thread{[&recorder = recorders[w], &running] {
      auto entry = chat_entry();
      std::string model;
      for (int i = 0; i < rounds; ++i) {
        entry.upstream_model = model = cat("model-", i % 50);
        const auto tracked = recorder.track(Gauge::in_flight_requests);
        recorder.commit(entry);
        recorder.add(Counter::upstream_reuses);
      }
      --running;
    }};
  }
  const auto sum = [](const Exposition& page) {
    double total = 0;
    for (const auto& [sample, value] : page.samples()) total += sample.starts_with("cardea_requests_total") ? value : 0;
    return total;
  };
  double before = 0;
  while (running > 0) {
    const auto now = sum(page_of({&recorders[0], &recorders[1]}));
    EXPECT_GE(now, before);
    before = now;
  }
  for (auto& worker : workers) worker.join();
  const auto page = page_of({&recorders[0], &recorders[1]});
  EXPECT_EQ(sum(page), 2 * rounds);
  EXPECT_EQ(page.at("cardea_upstream_reuses_total"), 2 * rounds);
  EXPECT_EQ(page.at("cardea_in_flight_requests"), 0);
  EXPECT_EQ(page.at("cardea_overhead_seconds_count"), 2 * rounds);
}

TEST(Record, GaugesRiseAndFallWithTheirTrackers) {
  Recorder recorder{{}};
  {
    auto first = recorder.track(Gauge::in_flight_requests);
    const auto second = recorder.track(Gauge::in_flight_requests);
    const auto moved = std::move(first);
    EXPECT_EQ(recorder.value(Gauge::in_flight_requests), 2);
    EXPECT_EQ(page_of({&recorder}).at("cardea_in_flight_requests"), 2);
  }
  EXPECT_EQ(recorder.value(Gauge::in_flight_requests), 0);
  recorder.set(Gauge::upstream_connections_idle, 5);
  EXPECT_EQ(page_of({&recorder}).at(R"(cardea_upstream_connections{state="idle"})"), 5);
}

TEST(Record, TheProcessIsDescribed) {
  Process process{.version = "0.1.0", .commit = "abc", .compiler = "Clang 19", .log_lines_lost = 3};
  sample_process(process);
  const auto page = page_of({}, process);
  EXPECT_EQ(page.at(R"(cardea_build_info{version="0.1.0",commit="abc",compiler="Clang 19"})"), 1);
  EXPECT_EQ(page.at("cardea_log_lines_lost_total"), 3);
  EXPECT_GT(page.at("process_resident_memory_bytes"), 1e6);
  EXPECT_GT(page.at("process_open_fds"), 2);
  EXPECT_GE(page.at("process_max_fds"), page.at("process_open_fds"));
  const auto now = std::chrono::duration<double>(std::chrono::system_clock::now().time_since_epoch()).count();
  EXPECT_NEAR(page.at("process_start_time_seconds"), now, 3600);
}

TEST(Record, TheRequestLineIsJson) {
  auto entry = chat_entry();
  entry.stream = true;
  entry.user_agent = "OpenAI/Python \"1.0\"";
  entry.usage.reasoning = 7;
  EXPECT_EQ(logged(Format::json, {entry}),
            R"({"time":"2026-01-31T01:02:03.004Z","level":"info","event":"request","request_id":"req-1","method":"POST",)"
            R"("route":"/v1/chat/completions","status":200,"dialect":"openai_chat","operation":"chat","model":"gpt",)"
            R"("provider":"openai","upstream_model":"gpt-4o","response_model":"gpt-4o-2024-08-06","stream":true,"attempts":1,)"
            R"("input_tokens":12,"cache_read_tokens":2,"output_tokens":40,"reasoning_tokens":7,"bytes_in":100,"bytes_out":900,)"
            R"("duration_ms":15.000,"upstream_ms":14.000,"first_token_ms":12.000,"overhead_ms":0.030,"principal":"alice",)"
            R"("client":"127.0.0.1","user_agent":"OpenAI/Python \"1.0\""})"
            "\n");
}

TEST(Record, HostileTextsStayInsideTheirLine) {
  auto entry = chat_entry();
  entry.model_asked = "\x1b[2J\n{\"level\":\"info\"}\xff\xc2\x9b";
  entry.user_agent = std::string(5000, '\x01');
  const auto line = logged(Format::json, {entry});
  EXPECT_EQ(line.find('\n'), line.size() - 1);
  const auto value = json::parse(std::string_view{line}.substr(0, line.size() - 1));
  ASSERT_TRUE(value) << line;
  EXPECT_EQ(*value->find("user_agent")->as_string(), std::string(96, '\x01'));
  const auto eyes = logged(Format::console, {entry});
  EXPECT_EQ(eyes.find('\x1b'), std::string::npos);
  EXPECT_EQ(eyes.find("\xc2\x9b"), std::string::npos);
  EXPECT_EQ(eyes.find('\n'), eyes.size() - 1);
}

TEST(Record, EveryLongTextAtOnceStillMakesOneJsonLine) {
  const std::string nasty(1000, '\x02');
  auto entry = chat_entry();
  entry.request_id = entry.method = entry.model_asked = entry.model_answered = entry.client_address = entry.user_agent = nasty;
  entry.route = entry.dialect = entry.operation = entry.provider = entry.upstream_model = entry.principal = nasty;
  const auto line = logged(Format::json, {entry});
  const auto value = json::parse(std::string_view{line}.substr(0, line.size() - 1));
  ASSERT_TRUE(value);
  EXPECT_EQ(value->find("principal")->as_string()->size(), 128U);
}

TEST(Record, EveryByteAtEveryPlaceIsWrittenAsJson) {
  Line line;
  for (unsigned byte = 0; byte < 0x80; ++byte) {
    for (std::size_t at = 0; at < 20; ++at) {
      std::string text(20, 'a');
      text[at] = static_cast<char>(byte);
      for (const std::size_t size : {at + 1, text.size()}) {
        line.clear();
        line.quoted(std::string_view{text}.substr(0, size));
        const auto value = json::parse(line.view());
        ASSERT_TRUE(value) << byte << " at " << at;
        ASSERT_EQ(*value->as_string(), text.substr(0, size)) << byte << " at " << at;
      }
    }
  }
}

TEST(Record, AnEmptyEntryMakesALine) {
  const auto line = logged(Format::json, {Entry{}});
  EXPECT_EQ(line,
            "{\"time\":\"1970-01-01T00:00:00.000Z\",\"level\":\"info\",\"event\":\"request\",\"status\":0,\"bytes_in\":0,"
            "\"bytes_out\":0,\"duration_ms\":0.000}\n");
}

TEST(Record, TheConsoleLineIsForEyes) {
  auto entry = chat_entry();
  EXPECT_EQ(logged(Format::console, {entry}),
            "2026-01-31T01:02:03.004Z 200 POST /v1/chat/completions gpt -> openai/gpt-4o 15.000 ms, first token 12.000 ms, "
            "12+40 tokens  alice 127.0.0.1 req-1\n");
  entry.error = Kind::upstream_reset;
  EXPECT_NE(logged(Format::console_colour, {entry}).find("\x1b[31m200\x1b[0m"), std::string::npos);
}

TEST(Record, LinesBelowTheLevelAreNotWritten) {
  auto broken = chat_entry();
  broken.error = Kind::upstream_reset;
  const auto text = logged(Format::json, {chat_entry(), broken}, Level::warn);
  EXPECT_EQ(text.find("upstream_reset"), text.rfind("upstream_reset"));
  EXPECT_EQ(std::ranges::count(text, '\n'), 1);
}

TEST(Record, AFloodOfStrangersIsCountedNotLoggedLineByLine) {
  constexpr int flood = 250;
  Entry stranger;
  stranger.error = Kind::unauthenticated;
  stranger.status = 401;
  stranger.started = std::chrono::sys_seconds{std::chrono::seconds{1'000'000}};
  std::vector<Entry> entries(flood, stranger);
  entries.push_back(chat_entry());  // somebody known, in another second
  entries.push_back(stranger);
  const auto text = logged(Format::json, entries);
  EXPECT_EQ(std::ranges::count(text, '\n'), 100 + 1 + 2);
  EXPECT_EQ(text.find("refusals_not_logged"), text.rfind("refusals_not_logged"));
  EXPECT_NE(text.find(R"("count":150)"), std::string::npos) << text.substr(0, 500);

  Recorder recorder{{}};
  for (const Entry& entry : entries) recorder.commit(entry);
  EXPECT_EQ(page_of({&recorder}).at(R"(cardea_request_errors_total{kind="unauthenticated"})"), flood + 1);
}

TEST(Record, TextsAreCutNotOverrun) {
  Text<4> text;
  EXPECT_TRUE(text.empty());
  text = "abcdef";
  EXPECT_EQ(std::string_view{text}, "abcd");
  text = "x";
  EXPECT_EQ(std::string_view{text}, "x");
}

}  // namespace
}  // namespace cardea::record
