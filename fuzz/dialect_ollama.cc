// Ollama's codec, both forms, on any bytes: what can be read can be written, and what was written reads the same.
#include <string>
#include <vector>

#include "dialect/dialect.h"
#include "dialect/ollama/models.h"
#include "fuzz/check.h"

using namespace cardea;
using fuzz::check;

namespace {

void request(const dialect::Dialect& codec, std::string_view text) {
  auto chat = codec.decode_request(text, {});
  if (!chat) return;
  dialect::Losses losses;
  const auto body = codec.encode_request(*chat, losses);
  auto again = codec.decode_request(body, {});
  check(again.has_value() || chat->messages.empty() || !losses.empty(), "a request that was read is written readably");
  if (!again) return;
  const auto second = codec.encode_request(*again, losses);
  auto third = codec.decode_request(second, {});
  check(third.has_value() && *third == *again, "from the second writing on nothing changes");
}

void answer(const dialect::Dialect& codec, std::string_view text) {
  auto read = codec.decode_response(text);
  if (!read) return;
  const model::Chat asked;
  dialect::Losses losses;
  const auto body = codec.encode_response(*read, {.request = asked, .id = "i", .model = "m", .created = 1}, losses);
  check(codec.decode_response(body).has_value(), "an answer that was read is written readably");
}

void stream(const dialect::Dialect& codec, std::string_view text) {
  auto decoder = codec.stream_decoder();
  const model::Chat asked;
  auto encoder = codec.stream_encoder({.request = asked, .id = "i", .model = "m", .created = 1});
  dialect::FrameReader reader{codec.traits().framing, 1u << 16};
  std::vector<model::ChatEvent> events;
  bool failed = false;
  while (!failed) {
    auto frame = reader.next(text);
    if (!frame || !*frame) break;
    failed = (*frame)->has_data && !decoder->event((*frame)->type, (*frame)->data, events);
    text.remove_prefix((*frame)->bytes);
  }
  failed = failed || !decoder->end(events);
  std::string out;
  std::size_t ends = 0;
  for (const auto& event : events) {
    check(ends == 0, "nothing follows the end");
    const bool end = std::holds_alternative<model::event::End>(event) || std::holds_alternative<model::event::Failure>(event);
    if (end) ++ends;
    encoder->encode(event, out);
  }
  check(failed || ends == 1, "a stream that ended says so");
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const auto text = fuzz::text(data, size);
  for (const auto* codec : {&dialect::ollama(), &dialect::ollama_generate()}) {
    request(*codec, text);
    answer(*codec, text);
    stream(*codec, text);
  }
  if (const auto loaded = dialect::ollama_native::load_answer(dialect::ollama_native::LoadPath::chat, text, 1)) {
    check(dialect::ollama().decode_response(*loaded).has_value(), "what says that a model is loaded is an answer");
  }
  return 0;
}
