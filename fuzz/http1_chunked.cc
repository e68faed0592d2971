// Chunked bodies: any split gives the same payload, end and verdict; the payload written again decodes to itself.
#include <string>

#include "fuzz/check.h"
#include "wire/http1.h"

using namespace cardea;
using namespace cardea::wire;
using fuzz::check;

namespace {

struct Outcome {
  std::string payload;
  std::string trailers;
  std::string error;
  std::size_t consumed = 0;
  bool done = false;
};

Outcome decode(std::string_view bytes, std::uint64_t piece_max) {
  auto random = fuzz::random_of(bytes);
  ChunkedDecoder decoder{Kind::bad_request, {.extension_bytes = 20, .message_extension_bytes = 50, .trailer_bytes = 60}};
  Outcome out;
  while (out.consumed < bytes.size() && !decoder.done()) {
    const auto piece = bytes.substr(out.consumed, piece_max == 0 ? bytes.size() : 1 + random.below(piece_max));
    const auto step = decoder.feed(piece);
    if (!step) {
      out.error = step.error().message();
      return out;
    }
    check(step->consumed > 0 && step->consumed <= piece.size() && step->data.size() <= step->consumed, "progress");
    out.payload += step->data;
    out.consumed += step->consumed;
  }
  out.done = decoder.done();
  out.trailers = decoder.trailers();
  return out;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const auto bytes = fuzz::text(data, size);
  const auto whole = decode(bytes, 0);
  for (const std::uint64_t piece_max : {1U, 9U}) {
    const auto split = decode(bytes, piece_max);
    check(split.error == whole.error && split.done == whole.done, "split gives another verdict");
    check(split.payload == whole.payload, "split gives another payload");
    if (whole.error.empty()) check(split.consumed == whole.consumed && split.trailers == whole.trailers, "split ends elsewhere");
  }
  char buffer[chunk_prefix_bytes];
  std::string again;
  if (!whole.payload.empty()) again = cat(chunk_prefix(whole.payload.size(), buffer), whole.payload, chunk_suffix);
  again += last_chunk;
  const auto second = decode(again, 3);
  check(second.done && second.payload == whole.payload && second.consumed == again.size(), "written again");
  return 0;
}
