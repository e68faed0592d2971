// A thousand worlds: clients × dialects of upstreams × their faults × a bad network × cancels × reloads × a drain, each drawn
// from one seed.
//
// Replay one: CARDEA_WORLD=4711 testing_gateway_test --gtest_filter='Worlds.*'. More of them: CARDEA_WORLDS=100000.

#include <gtest/gtest.h>

#include <cstdlib>
#include <map>
#include <optional>

#include "base/text.h"
#include "testing/gateway/chat.h"
#include "testing/gateway/test_server.h"
#include "twin/twin.h"

namespace cardea::testing {
namespace {

using namespace std::chrono_literals;
using net::Task;

constexpr std::string_view gateway_key = "gw-key-0123456789";

/// The vendor speaks every dialect: as many providers of the gateway, at one address.
struct Vendor {
  std::string_view dialect, path;
};
constexpr Vendor vendors_abroad[] = {{"anthropic", "/v1"}, {"openai_responses", "/v1"}, {"gemini", "/v1beta"},
                                     {"bedrock", ""},      {"cohere", "/v2"},           {"ollama", ""}};

std::string providers_abroad() {
  std::string text;
  for (const auto& [dialect, path] : vendors_abroad) {
    text += cat("  vendor_", dialect, ": {dialect: ", dialect, ", base_url: \"http://upstream:8000", path,
                "\", api_key: ", TestServer::upstream_key, ", models: [echo]}\n");
  }
  return text;
}

std::string config_of(std::size_t variant) {
  constexpr std::string_view totals[] = {"0", "20s", "4s"};
  return cat("discovery: off\nkeys: [", gateway_key,
             "]\ntimeouts: {connect: 1s, first_byte: 3s, inter_chunk: 2s, header: 2s, body: 3s, ",
             "idle: 20s, total: ", totals[variant % 3], "}\nlimits: {response_bytes: 64KiB, sse_event_bytes: 16KiB}\n",
             "providers:\n  vendor: {base_url: \"http://upstream:8000/v1\", api_key: ", TestServer::upstream_key, "}\n",
             providers_abroad(), "aliases: {mirror: vendor/echo", variant % 2 == 0 ? ", second: vendor/echo" : "", "}\n");
}

// ---- Chance ----------------------------------------------------------------------------------------------------------------

class Dice {
 public:
  explicit Dice(std::uint64_t seed) : random_{seed} {}
  bool chance(unsigned percent) { return random_.below(100) < percent; }
  std::uint64_t up_to(std::uint64_t most) { return random_.below(most + 1); }
  net::Duration ms_up_to(std::uint64_t most) { return std::chrono::milliseconds{up_to(most)}; }
  template <class T, std::size_t N>
  const T& one_of(const T (&all)[N]) {
    return all[random_.below(N)];
  }
  std::uint64_t next() { return random_.next(); }

 private:
  Random random_;
};

Faults bad_network(Dice& dice) {
  Faults faults;
  if (dice.chance(60)) faults.split_max = 1 + dice.up_to(dice.chance(50) ? 30 : 3000);
  if (dice.chance(30)) faults.capacity = 200 + dice.up_to(4000);
  if (dice.chance(60)) faults.delay_max = dice.ms_up_to(30);
  if (dice.chance(50)) return faults;  // rough, but nothing breaks
  if (dice.chance(40)) faults.reset = static_cast<unsigned>(1 + dice.up_to(8));
  if (dice.chance(25)) faults.cut = static_cast<unsigned>(1 + dice.up_to(5));
  if (dice.chance(25)) faults.refuse = static_cast<unsigned>(50 + dice.up_to(200));
  if (dice.chance(15)) faults.black_hole = static_cast<unsigned>(20 + dice.up_to(100));
  if (dice.chance(40)) faults.fail_operation = 1 + dice.up_to(400);
  return faults;
}

bool breaks(const Faults& faults) {
  return faults.reset + faults.cut + faults.refuse + faults.black_hole != 0 || faults.fail_operation != 0;
}

/// What a provider does with one request: an option and its value.
std::pair<std::string, std::string> misdeed(Dice& dice) {
  constexpr std::string_view at_events[] = {"cut-after-events", "close-after-events", "end-after-events", "error-event-after"};
  constexpr std::string_view flags[] = {"empty-choices", "error-in-200", "quote-credential", "gzip", "write-each", "no-space"};
  constexpr std::string_view waits[] = {"latency-ms", "first-token-ms", "inter-token-ms"};
  constexpr std::string_view malformed[] = {"json", "sse", "chunk", "head", "length", "framing"};
  constexpr std::string_view hangs[] = {"before-head", "after-head", "after-events=2"};
  constexpr std::string_view statuses[] = {"400", "401", "404", "408", "429", "500", "503", "529", "302"};
  constexpr std::string_view ends[] = {"lf", "cr", "crlf"};
  switch (dice.up_to(9)) {
    case 0: return {std::string{dice.one_of(at_events)}, cat(dice.up_to(12))};
    case 1: return {std::string{dice.one_of(flags)}, "1"};
    case 2: return {std::string{dice.one_of(waits)}, cat(dice.up_to(150))};
    case 3: return {"malformed", std::string{dice.one_of(malformed)}};
    case 4: return {"hang", std::string{dice.one_of(hangs)}};
    case 5: return {"status", std::string{dice.one_of(statuses)}};
    case 6: return {"line-ending", std::string{dice.one_of(ends)}};
    case 7: return {"split", cat(1 + dice.up_to(40))};
    case 8: return {"trailing-bytes", cat(1 + dice.up_to(60))};
    default: return {"comments", cat(1 + dice.up_to(5))};
  }
}

std::string script_of(Dice& dice) {
  std::string text;
  for (int i = 0; i < 30; ++i) {
    text += cat("times=", 1 + dice.up_to(2), " latency-ms=", dice.chance(50) ? 0 : dice.up_to(50));
    for (std::uint64_t more = dice.chance(50) ? 0 : 1 + dice.up_to(1); more != 0; --more) {
      const auto [name, value] = misdeed(dice);
      if (name != "latency-ms") text += cat(" ", name, "=", value);
    }
    text += '\n';
  }
  return text;
}

// ---- A request and what became of it ---------------------------------------------------------------------------------------

struct Attempt {
  std::string id;     ///< also the nonce inside the text
  std::string text;   ///< to be echoed
  std::string bytes;  ///< the message
  bool streams = false;
  bool may_say_nothing = false;  ///< OpenAI Responses: completed without an item is an empty answer, and no fault
  std::optional<unsigned> only;  ///< the one status it can have (a broken one apart)
};

struct Heard {
  Answer answer;
  enum class End : std::uint8_t { whole, broken, left, late } end = End::broken;
  std::string extra;  ///< behind a whole answer
};

/// One world under way. Findings are texts: empty is good.
struct Universe {
  TestServer server;
  Faults faults;
  net::Scope vendors{server.world().loop()};
  twin::Twin twin;
  http::Server twin_server{vendors, twin, {}};
  bool draining = false;
  std::size_t alive = 0;                     ///< clients
  std::map<std::string, unsigned> statuses;  ///< of whole answers, by request id
  std::map<std::string, int> asked;
  std::vector<std::string> findings;

  Universe(std::uint64_t seed, Dice& dice) : Universe{seed, dice, bad_network(dice)} {}
  Universe(std::uint64_t seed, Dice& dice, const Faults& network)
      : server{{.seed = seed, .faults = network, .config = config_of(dice.next() % 6)}}, faults{network}, twin{vendor(dice)} {
    server.world().network().listen("upstream:8000",
                                    [this](std::unique_ptr<net::Stream> stream) { twin_server.serve(std::move(stream)); });
  }
  static twin::TwinOptions vendor(Dice& dice) {
    twin::TwinOptions options;
    options.names = twin::TwinOptions::Names::any;
    auto script = twin::Script::parse(script_of(dice));
    if (!script) throw std::runtime_error{std::string{script.error().message()}};
    options.script = std::move(*script);
    return options;
  }
  net::Loop& loop() { return server.world().loop(); }
  void find(const Attempt& attempt, std::string_view what, const Heard& heard) {
    findings.push_back(
        cat(attempt.id, ": ", what, "\n", attempt.bytes, "\n", heard.answer.head, heard.answer.body.substr(0, 3000)));
  }
};

Attempt next_attempt(Universe& universe, Dice& dice, std::size_t client, std::size_t turn) {
  Attempt attempt;
  attempt.id = cat("nonce-", client, "-", turn);
  for (std::uint64_t i = 0, words = 1 + dice.up_to(12); i < words; ++i) {
    attempt.text += cat(i == 0 ? "" : " ", attempt.id, dice.chance(30) ? " \xC3\xA9\xF0\x9F\x98\x80" : "");
  }
  attempt.streams = dice.chance(60);
  ++universe.asked[attempt.id];
  std::string lines = cat("X-Request-Id: ", attempt.id, "\r\n");
  const bool stranger = dice.chance(4);
  if (!stranger) lines += cat("Authorization: Bearer ", gateway_key, "\r\n");
  if (stranger) attempt.only = 401;
  if (dice.chance(5)) {
    attempt.streams = false;
    if (!stranger) attempt.only = 200;
    attempt.bytes = request("GET", "/v1/models", lines);
    attempt.text.clear();
    return attempt;
  }
  constexpr std::string_view models[] = {"vendor/echo", "vendor/echo", "mirror", "second", "twin/echo", "twin/echo"};
  std::string model{dice.one_of(models)};
  if (dice.chance(50)) model = cat("vendor_", dice.one_of(vendors_abroad).dialect, "/echo");
  attempt.may_say_nothing = model == "vendor_openai_responses/echo";
  if (dice.chance(4)) {
    model = "no-such-model";
    if (!stranger) attempt.only = 404;
  }
  for (std::uint64_t i = dice.up_to(2); model == "twin/echo" && i != 0; --i) {
    const auto [name, value] = misdeed(dice);
    lines += cat("x-twin-", name, ": ", value, "\r\n");
  }
  std::string body = ask(model, attempt.text, attempt.streams ? (dice.chance(30) ? streamed_with_usage : streamed) : "");
  if (dice.chance(3)) {
    body.pop_back();
    if (!stranger) attempt.only = 400;
  }
  attempt.bytes = chat_request(body, lines);
  return attempt;
}

// ---- What must hold of it --------------------------------------------------------------------------------------------------

std::string content_of(const std::vector<std::string>& events) {
  std::string text;
  for (const auto& event : events) {
    const std::string delta = Answer::text_at(event, "choices.0.delta.content");
    if (delta != "(none)" && delta != "null") text += delta;
  }
  return text;
}

void judge_stream(Universe& universe, const Attempt& attempt, const Heard& heard) {
  const auto events = heard.answer.events();
  const std::string content = content_of(events);
  if (!attempt.text.starts_with(content)) universe.find(attempt, "content that is not its own", heard);
  const auto done = std::ranges::count(events, "[DONE]");
  const bool ends_well = !events.empty() && events.back() == "[DONE]";
  if (done > 1 || (done == 1 && !ends_well)) universe.find(attempt, "[DONE] amid a stream", heard);
  const bool nothing = attempt.may_say_nothing && content.empty();
  if (ends_well && content != attempt.text && !nothing) universe.find(attempt, "a [DONE] behind half an answer", heard);
  if (ends_well || heard.end != Heard::End::whole) return;
  const bool error = !events.empty() && Answer::text_at(events.back(), "error.message") != "(none)";
  if (!error) universe.find(attempt, "a stream without [DONE] and without an error", heard);
}

void judge_whole(Universe& universe, const Attempt& attempt, const Heard& heard) {
  const Answer& answer = heard.answer;
  const auto id = answer.header("x-request-id");
  if (id == attempt.id) universe.statuses[attempt.id] = answer.status;
  // Without an id it was refused before it had been read.
  if (id ? id != attempt.id : answer.status < 400) universe.find(attempt, "the id of another", heard);
  const bool drained = answer.status == 503;
  const bool cut_off = breaks(universe.faults) && (answer.status == 400 || answer.status == 408);  // its request was
  if (attempt.only && answer.status != *attempt.only && !drained && !cut_off) universe.find(attempt, "another status", heard);
  if (answer.status >= 400) {
    if (answer.at("error.message") == "(none)") universe.find(attempt, "an error without its shape", heard);
    if (answer.status == 500) universe.find(attempt, "an internal error", heard);
    return;
  }
  if (answer.status != 200) universe.find(attempt, "neither 200 nor an error", heard);
  if (attempt.text.empty() || attempt.streams) return;
  const std::string said = answer.at("choices.0.message.content");
  const bool nothing = attempt.may_say_nothing && (said == "null" || said == "(none)");
  if (said != attempt.text && !nothing) universe.find(attempt, "another answer", heard);
}

void judge(Universe& universe, const Attempt& attempt, const Heard& heard) {
  const std::string all = cat(heard.answer.head, heard.answer.body);
  for (std::size_t at = 0; (at = all.find("nonce-", at)) != std::string::npos; ++at) {
    const auto found = std::string_view{all}.substr(at, attempt.id.size() + 1);
    const bool own =
        found.starts_with(attempt.id) && !(found.size() > attempt.id.size() && found.back() >= '0' && found.back() <= '9');
    const bool cut = attempt.id.starts_with(found);
    if (!own && !cut) universe.find(attempt, "bytes of another request", heard);
  }
  if (all.contains("sk-upstream")) universe.find(attempt, "an upstream's key", heard);
  if (!heard.extra.empty()) universe.find(attempt, cat("bytes behind its answer: ", heard.extra), heard);
  const bool whole = heard.end == Heard::End::whole;
  if (whole) judge_whole(universe, attempt, heard);
  if (attempt.streams && heard.answer.status == 200) judge_stream(universe, attempt, heard);
  const bool may_break = heard.end == Heard::End::left || breaks(universe.faults) || universe.draining;
  if (!whole && !may_break) {
    universe.find(attempt, heard.end == Heard::End::late ? "no end within a minute" : "a connection that broke by itself", heard);
  }
}

// ---- Clients ---------------------------------------------------------------------------------------------------------------

Task<Status> say(net::Stream& stream, std::string_view bytes, Dice& dice) {
  while (!bytes.empty()) {
    const std::size_t size = dice.chance(50) ? bytes.size() : 1 + dice.up_to(bytes.size() - 1);
    iovec pieces[1] = {net::piece(bytes.substr(0, size))};
    Status sent = co_await stream.write_all(pieces, 30s);
    if (!sent) co_return sent;
    bytes.remove_prefix(size);
    const net::Duration pause = bytes.empty() ? 0ms : dice.ms_up_to(50);
    Status slept = co_await net::sleep_for(stream.loop(), pause);
    if (!slept) co_return slept;
  }
  co_return Status{};
}

struct Manners {
  net::Duration patience = 60s;  ///< then it leaves
  net::Duration pause{};         ///< between two looks: a slow reader
};

Task<Heard> listen(net::Stream& stream, const Manners& manners) {
  Heard heard;
  std::string inbox;
  std::array<char, 4096> space;
  const net::TimePoint until = stream.loop().now() + manners.patience;
  for (;;) {
    if (auto answer = Answer::take(inbox, wire::Method::get, Answer::Source::open)) {
      heard.answer = std::move(*answer);
      heard.extra = std::move(inbox);
      heard.end = Heard::End::whole;
      co_return heard;
    }
    const net::Duration left = until - stream.loop().now();
    if (left <= 0ms) break;
    Result<std::size_t> got = co_await stream.read_some(space, left);
    if (!got && got.error().is(Kind::timed_out)) break;
    if (!got || *got == 0) {
      if (auto part = Answer::take(inbox, wire::Method::get, Answer::Source::ended)) heard.answer = std::move(*part);
      if (heard.answer.whole) heard.end = Heard::End::whole;
      co_return heard;
    }
    inbox.append(space.data(), *got);
    Status rested = co_await net::sleep_for(stream.loop(), manners.pause);
    if (!rested) co_return heard;
  }
  if (auto part = Answer::take(inbox, wire::Method::get, Answer::Source::ended)) heard.answer = std::move(*part);
  heard.end = manners.patience == 60s ? Heard::End::late : Heard::End::left;
  co_return heard;
}

/// One request on a connection; false: it is over.
Task<bool> ask_once(Universe& universe, Dice& dice, net::Stream& stream, const Attempt& attempt) {
  Manners manners;
  if (dice.chance(15)) manners.patience = dice.ms_up_to(400);
  if (dice.chance(10)) manners.pause = dice.ms_up_to(40);
  Heard heard;
  if (dice.chance(3)) {
    const std::string_view part{attempt.bytes.data(), dice.up_to(attempt.bytes.size())};
    [[maybe_unused]] Status sent = co_await say(stream, part, dice);
    co_return false;  // changed its mind
  }
  [[maybe_unused]] Status sent = co_await say(stream, attempt.bytes, dice);  // an early refusal may be there all the same
  heard = co_await listen(stream, manners);
  judge(universe, attempt, heard);
  const bool closes = heard.answer.header("connection") == "close";
  co_return heard.end == Heard::End::whole && !closes && dice.chance(80);
}

Task<void> live(Universe& universe, std::uint64_t seed, std::size_t number) {
  Dice dice{seed};
  std::unique_ptr<net::Stream> stream;
  [[maybe_unused]] Status slept = co_await net::sleep_for(universe.loop(), dice.ms_up_to(300));
  for (std::size_t turn = 0, turns = 1 + dice.up_to(4); turn < turns; ++turn) {
    if (stream == nullptr) stream = co_await TestServer::dial(universe.server.world());
    if (stream == nullptr) continue;  // refused
    const Attempt attempt = next_attempt(universe, dice, number, turn);
    const bool again = co_await ask_once(universe, dice, *stream, attempt);
    if (!again && dice.chance(50)) stream->reset_on_close();
    if (!again) stream.reset();
    slept = co_await net::sleep_for(universe.loop(), dice.chance(50) ? 0ms : dice.ms_up_to(500));
  }
  stream.reset();
  --universe.alive;
}

Task<void> reload_now_and_then(Universe& universe, std::uint64_t seed) {
  Dice dice{seed};
  for (std::uint64_t i = dice.up_to(4); i != 0; --i) {
    Status slept = co_await net::sleep_for(universe.loop(), dice.ms_up_to(1500));
    if (!slept) co_return;
    const bool bad = dice.chance(20);
    const bool taken = universe.server.reload(bad ? "listen: [nonsense" : config_of(dice.next() % 6));
    if (taken == bad) universe.findings.push_back("a reload went wrong");
  }
}

Task<void> drain_in_time(Universe& universe, std::uint64_t seed) {
  Dice dice{seed};
  const net::TimePoint until = universe.loop().now() + dice.ms_up_to(6000);
  while (universe.alive != 0 && universe.loop().now() < until) {
    Status slept = co_await net::sleep_for(universe.loop(), 20ms);
    if (!slept) co_return;
  }
  universe.draining = true;
  universe.server.drain(dice.ms_up_to(5000));
}

// ---- The worlds ------------------------------------------------------------------------------------------------------------

void judge_records(Universe& universe) {
  const std::string log = universe.server.log_text();
  if (log.contains("sk-upstream") || log.contains(gateway_key)) universe.findings.push_back("a key in the log");
  if (log.contains(" nonce-")) universe.findings.push_back("content in the log");
  std::map<std::string, unsigned> recorded;
  for (const auto& record : universe.server.records()) {
    const std::string text = record.dump();
    const std::string id = Answer::text_at(text, "request_id");
    if (id == "(none)") continue;  // malformed: it broke before it had one
    const bool again = !recorded.emplace(id, parse_number<unsigned>(Answer::text_at(text, "status")).value_or(0)).second;
    if (again) universe.findings.push_back(cat("two records of ", id));
    if (!universe.asked.contains(id)) universe.findings.push_back(cat("a record of nothing: ", text));
  }
  for (const auto& [id, status] : universe.statuses) {
    const auto found = recorded.find(id);
    if (found == recorded.end()) universe.findings.push_back(cat("no record of ", id));
    if (found != recorded.end() && found->second != status)
      universe.findings.push_back(cat("status ", found->second, " for ", id));
  }
}

struct Outcome {
  std::string findings;
  std::uint64_t trace = 0;
  std::size_t answers = 0;
};

Outcome run_world(std::uint64_t seed) {
  Dice dice{seed * 2 + 1};
  Universe universe{seed, dice};
  World& world = universe.server.world();
  universe.alive = 1 + dice.up_to(5);
  for (std::size_t i = 0, clients = universe.alive; i < clients; ++i) world.scope().spawn(live(universe, dice.next(), i));
  world.scope().spawn(reload_now_and_then(universe, dice.next()));
  world.scope().spawn(drain_in_time(universe, dice.next()));

  Outcome outcome;
  outcome.findings = world.run();
  outcome.findings += world.run_until([&] { return universe.server.drained(); });
  universe.vendors.cancel();
  outcome.findings += world.run_until([&] { return universe.vendors.children() == 0; });
  outcome.findings += universe.server.end();
  judge_records(universe);
  for (const auto& finding : universe.findings) outcome.findings += cat("\n", finding);
  outcome.trace = world.trace().hash();
  outcome.answers = universe.statuses.size();
  return outcome;
}

std::uint64_t from_environment(const char* name, std::uint64_t otherwise) {
  const char* text = std::getenv(name);  // NOLINT: nobody calls setenv
  return text != nullptr ? parse_number<std::uint64_t>(text).value_or(otherwise) : otherwise;
}

// The sanitizers look closer and take their time.
#if defined(__has_feature) && (__has_feature(address_sanitizer) || __has_feature(thread_sanitizer))
constexpr std::uint64_t worlds = 250;
#else
constexpr std::uint64_t worlds = 1000;
#endif

TEST(Worlds, EveryRequestEndsOnceAndNothingIsLeft) {
  const std::uint64_t one = from_environment("CARDEA_WORLD", 0);
  const std::uint64_t first = one != 0 ? one : 1;
  const std::uint64_t last = one != 0 ? one : from_environment("CARDEA_WORLDS", worlds);
  std::size_t answers = 0;
  std::size_t bad = 0;
  for (std::uint64_t seed = first; seed <= last && bad < 5; ++seed) {
    const Outcome outcome = run_world(seed);
    answers += outcome.answers;
    if (outcome.findings.empty()) continue;
    ++bad;
    ADD_FAILURE() << "replay with CARDEA_WORLD=" << seed << ": " << outcome.findings;
  }
  if (one == 0 && bad == 0) EXPECT_GT(answers, (last - first) * 5) << "worlds in which nothing happens prove nothing";
}

TEST(Worlds, OneSeedIsOneWorld) {
  for (std::uint64_t seed = 1; seed <= 40; ++seed) {
    const Outcome once = run_world(seed);
    const Outcome again = run_world(seed);
    EXPECT_EQ(once.trace, again.trace) << seed;
  }
}

}  // namespace
}  // namespace cardea::testing
