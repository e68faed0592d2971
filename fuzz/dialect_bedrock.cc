// Bedrock's Converse: whatever is read can be written again, is then read the same, and never becomes a normal end by accident.
#include <string>
#include <vector>

#include "base/text.h"
#include "dialect/dialect.h"
#include "dialect/translate.h"
#include "fuzz/check.h"
#include "json/value.h"

using namespace cardea;
using namespace cardea::dialect;
using fuzz::check;

namespace {

const Dialect& converse_dialect = bedrock();

void check_request(std::string_view body, std::string_view model) {
  const Asked asked{.model = model, .stream = true};
  auto chat = converse_dialect.decode_request(body, asked);
  if (!chat) {
    check(!chat.error().message().empty(), "a refusal has a reason");
    return;
  }
  Losses losses;
  const auto written = converse_dialect.encode_request(*chat, losses);
  auto again = converse_dialect.decode_request(written, asked);
  check(again.has_value(), "what was written is read");
  check(converse_dialect.encode_request(*again, losses) == written, "written again it is the same");
  for (const auto* other : all()) {
    const auto foreign = other->encode_request(*chat, losses);
    check(json::parse(foreign).has_value(), "every dialect writes JSON");
  }
  chat->dialect = "anthropic";
  check(json::parse(converse_dialect.encode_request(*chat, losses)).has_value(), "a foreign request is JSON");
}

void check_answer(std::string_view body) {
  auto answer = converse_dialect.decode_response(body);
  if (!answer) return;
  const model::Chat asked;
  const AnswerContext context{.request = asked, .id = "msg_1", .model = "m"};
  Losses losses;
  const auto written = converse_dialect.encode_response(*answer, context, losses);
  auto again = converse_dialect.decode_response(written);
  check(again.has_value(), "a written answer is read");
  // Words that Bedrock does not know are brought into its own by the first writing; then nothing changes any more.
  const auto settled = converse_dialect.encode_response(*again, context, losses);
  auto third = converse_dialect.decode_response(settled);
  check(third.has_value(), "what was written twice is read");
  check(converse_dialect.encode_response(*third, context, losses) == settled, "written again it is the same");
  auto encoder = converse_dialect.stream_encoder(context);
  std::string stream;
  for (const auto& event : events_of(*answer)) encoder->encode(event, stream);
  auto decoder = converse_dialect.stream_decoder();
  std::vector<model::ChatEvent> events;
  FrameReader reader{Framing::aws_events, 1 << 24};
  std::string_view rest = stream;
  while (!rest.empty()) {
    auto frame = reader.next(rest);
    check(frame && *frame, "a written stream is framed");
    check(decoder->event((*frame)->type, (*frame)->data, events).has_value(), "a written stream is read");
    rest.remove_prefix((*frame)->bytes);
  }
  check(!events.empty() && std::holds_alternative<model::event::End>(events.back()), "and ends");
}

/// One event a line: its type, a space, its payload.
void check_stream(std::string_view text) {
  auto decoder = converse_dialect.stream_decoder();
  std::vector<model::ChatEvent> events;
  bool broken = false;
  while (!text.empty() && !broken) {
    const auto line = text.substr(0, text.find('\n'));
    text.remove_prefix(std::min(text.size(), line.size() + 1));
    const auto space = std::min(line.find(' '), line.size());
    broken = !decoder->event(line.substr(0, space), line.substr(std::min(line.size(), space + 1)), events);
  }
  const bool ended = !broken && decoder->end(events).has_value();
  std::size_t starts = 0;
  std::vector<std::uint64_t> open;
  bool finished = false;
  for (const auto& said : events) {
    starts += std::holds_alternative<model::event::Start>(said) ? 1U : 0U;
    finished = finished || std::holds_alternative<model::event::ChoiceFinish>(said);
    if (const auto* start = std::get_if<model::event::PartStart>(&said)) open.push_back(start->part);
    if (const auto* delta = std::get_if<model::event::Delta>(&said)) {
      check(std::ranges::find(open, delta->part) != open.end(), "deltas are of open parts");
    }
    if (const auto* stop = std::get_if<model::event::PartStop>(&said)) check(std::erase(open, stop->part) == 1, "stops once");
    if (std::holds_alternative<model::event::End>(said)) check(finished && open.empty() && ended, "an end is a whole answer's");
  }
  check(starts <= 1, "starts once");
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const auto bytes = fuzz::text(data, size);
  check_request(bytes, size % 2 == 0 ? "anthropic.claude-opus-4-6-v1" : "us.amazon.nova-2-lite-v1:0");
  check_answer(bytes);
  check_stream(bytes);
  return 0;
}
