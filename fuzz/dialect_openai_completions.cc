// Whatever bytes come as a request, an answer or a stream: what is read of them is written and read again without a loss of its
// own, and every event that is written is JSON.

#include <string>
#include <string_view>
#include <vector>

#include "dialect/dialect.h"
#include "dialect/framing.h"
#include "fuzz/check.h"
#include "json/value.h"

using namespace cardea;  // NOLINT

namespace {

const dialect::Dialect& codec = dialect::openai_completions();

void requests(std::string_view text) {
  static_cast<void>(codec.inspect(text, {}));
  auto chat = codec.decode_request(text, {});
  if (!chat) return;
  dialect::Losses losses;
  const auto body = codec.encode_request(*chat, losses);
  fuzz::check(json::validate(body).has_value(), "a request is JSON");
  auto again = codec.decode_request(body, {});
  fuzz::check(again.has_value(), "what was written can be read");
  chat->dialect = "other";
  fuzz::check(json::validate(codec.encode_request(*chat, losses)).has_value(), "a foreign request is JSON");
}

void answers(std::string_view text) {
  const model::Chat asked;
  static_cast<void>(codec.inspect_response(text, {}));
  auto answer = codec.decode_response(text);
  if (!answer) return;
  dialect::Losses losses;
  const auto body = codec.encode_response(*answer, {.request = asked, .id = "cmpl-1", .model = "m"}, losses);
  fuzz::check(json::validate(body).has_value(), "an answer is JSON");
}

void streams(std::string_view text) {
  const model::Chat asked{.logprobs = true};
  const auto decoder = codec.stream_decoder();
  const auto encoder = codec.stream_encoder({.request = asked, .id = "cmpl-1", .model = "m"});
  std::vector<model::ChatEvent> events;
  dialect::FrameReader reader{dialect::Framing::sse, 1 << 20};
  std::string written;
  while (true) {
    auto frame = reader.next(text);
    if (!frame || !*frame) break;
    if ((*frame)->has_data && !decoder->event((*frame)->type, (*frame)->data, events)) break;
    text.remove_prefix((*frame)->bytes);
  }
  static_cast<void>(decoder->end(events));
  for (const auto& event : events) encoder->encode(event, written);
  std::string_view rest = written;
  dialect::FrameReader back{dialect::Framing::sse, 1 << 24};
  while (!rest.empty()) {
    auto frame = back.next(rest);
    fuzz::check(frame.has_value() && frame->has_value(), "whole events are written");
    if ((*frame)->has_data) fuzz::check(json::validate((*frame)->data).has_value(), "an event is JSON");
    rest.remove_prefix((*frame)->bytes);
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const auto text = fuzz::text(data, size);
  requests(text);
  answers(text);
  streams(text);
  return 0;
}
