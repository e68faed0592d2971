// Gemini's codec on arbitrary bytes: what it reads it can say again, and reads the same from it; streams mean the same at any
// split; nothing crashes.

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "dialect/dialect.h"
#include "dialect/framing.h"
#include "fuzz/check.h"
#include "json/value.h"

using namespace cardea;           // NOLINT
using namespace cardea::dialect;  // NOLINT
using fuzz::check;

namespace {

const Asked asked{.model = "gemini-2.5-flash", .stream = true};

void request(std::string_view body) {
  const auto chat = gemini().decode_request(body, asked);
  if (!chat) return;
  Losses losses;
  const auto said = gemini().encode_request(*chat, losses);
  check(json::parse(said).has_value(), "a request is JSON");
  // What is said once is said in the same way again.
  if (const auto again = gemini().decode_request(said, asked)) {
    const auto twice = gemini().encode_request(*again, losses);
    const auto third = gemini().decode_request(twice, asked);
    check(third.has_value() && gemini().encode_request(*third, losses) == twice, "a request settles");
  }
  auto foreign = *chat;
  foreign.dialect = "another";
  check(json::parse(gemini().encode_request(foreign, losses)).has_value(), "a foreign request is JSON");
  check(json::parse(openai_chat().encode_request(*chat, losses)).has_value(), "another's request is JSON");
}

void answer(std::string_view body) {
  const auto answer = gemini().decode_response(body);
  if (!answer) return;
  const model::Chat chat;
  const AnswerContext context{.request = chat, .id = "i", .model = "m", .created = 1};
  Losses losses;
  check(gemini().decode_response(gemini().encode_response(*answer, context, losses)).has_value(), "an answer can be read");
  check(json::parse(openai_chat().encode_response(*answer, context, losses)).has_value(), "another's answer is JSON");
}

struct Said {
  std::vector<model::ChatEvent> events;
  bool good = false;
};

Said decode(std::string_view stream, Framing framing, std::size_t split) {
  Said out;
  const auto decoder = gemini().stream_decoder();
  FrameReader reader{framing, 1 << 16};
  std::size_t from = 0;
  for (const auto to : {split, stream.size()}) {
    while (true) {
      const auto frame = reader.next(stream.substr(from, to - from));
      if (!frame) return out;
      if (!*frame) break;
      if ((*frame)->has_data && !decoder->event((*frame)->type, (*frame)->data, out.events)) return out;
      from += (*frame)->bytes;
    }
  }
  out.good = decoder->end(out.events).has_value();
  return out;
}

void stream(std::string_view bytes, Framing framing) {
  const auto whole = decode(bytes, framing, bytes.size());
  auto random = fuzz::random_of(bytes);
  const auto split = decode(bytes, framing, random.below(bytes.size() + 1));
  check(whole.good == split.good && whole.events == split.events, "a split changes nothing");
  const model::Chat chat;
  for (const auto to : {Framing::sse, Framing::json_array}) {
    const auto encoder = gemini().stream_encoder({.request = chat, .id = "i", .model = "m", .created = 1, .framing = to});
    std::string said;
    for (const auto& event : whole.events) encoder->encode(event, said);
    if (!whole.good) continue;
    if (to == Framing::json_array) check(json::parse(said).has_value(), "an array is JSON");
    check(decode(said, to, said.size()).good, "a stream can be read");
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const auto input = fuzz::text(data, size);
  request(input);
  answer(input);
  stream(input, Framing::sse);
  stream(input, Framing::json_array);
  const Secret secret{"key"};
  const auto error = gemini().upstream_error({.status = 429, .body = input, .content_type = {}, .retry_after = {}}, secret);
  check(json::parse(gemini().error_body(error, "id")).has_value(), "an error is JSON");
  return 0;
}
