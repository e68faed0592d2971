// Counting: any bytes give as many tokens as encoding them does, no more than there are bytes, and the same again.
#include "base/text.h"
#include "fuzz/check.h"
#include "tokens/counter.h"
#include "tokens/estimate.h"

using namespace cardea;
using namespace cardea::tokens;
using fuzz::check;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const auto text = fuzz::text(data, size);
  static Counter counter;
  for (const auto encoding : {Encoding::cl100k_base, Encoding::o200k_base}) {
    const auto tokens = counter.count(encoding, text);
    check(tokens <= text.size() && (tokens > 0 || text.empty()), "as many tokens as bytes at most");
    const auto encoded = counter.encode(encoding, text);
    check(encoded.size() == tokens, "count and encode agree");
    check(counter.encode(encoding, text) == encoded, "the same again");
  }
  check(estimate(text) <= text.size() + 1, "estimate");
  return 0;
}
