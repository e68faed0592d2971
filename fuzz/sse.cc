// Event streams: any split cuts at the same places, nothing is lost, and an event written again reads the same.
#include "wire/sse.h"

#include <string>
#include <vector>

#include "base/text.h"
#include "fuzz/check.h"

using namespace cardea;
using namespace cardea::wire;
using fuzz::check;

namespace {

constexpr std::size_t event_bytes_max = 200;

/// Sizes of the events; a last 0 stands for the error.
std::vector<std::size_t> cut(std::string_view bytes, std::uint64_t piece_max) {
  auto random = fuzz::random_of(bytes);
  EventCutter cutter{event_bytes_max};
  std::vector<std::size_t> sizes;
  std::size_t start = 0;
  std::size_t end = 0;
  while (end < bytes.size()) {
    end = piece_max == 0 ? bytes.size() : std::min<std::size_t>(bytes.size(), end + 1 + random.below(piece_max));
    for (;;) {
      const auto size = cutter.next(bytes.substr(start, end - start));
      if (!size) {
        sizes.push_back(0);
        return sizes;
      }
      if (*size == 0) break;
      check(*size <= event_bytes_max && start + *size <= end, "size within bounds");
      sizes.push_back(*size);
      start += *size;
    }
  }
  if (const auto size = cutter.finish(bytes.substr(start)); size != 0) sizes.push_back(size);
  return sizes;
}

void check_event(std::string_view raw) {
  std::string scratch;
  const auto event = parse_event(raw, scratch);
  check(!(event.comment_only && event.has_data), "a comment has no data");
  check(event.data.size() <= raw.size() && event.data.find('\r') == std::string_view::npos, "data");
  if (!event.has_data) return;
  std::string again;
  append_event(again, event.name, event.data);
  EventCutter cutter;
  const auto size = cutter.next(again);
  check(size && *size == again.size(), "a written event is one event");
  std::string second_scratch;
  const auto second = parse_event(again, second_scratch);
  check(second.name == event.name && second.data == event.data && second.has_data, "written again");
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const auto bytes = fuzz::text(data, size);
  const auto whole = cut(bytes, 0);
  check(cut(bytes, 1) == whole, "byte by byte cuts elsewhere");
  check(cut(bytes, 13) == whole, "split cuts elsewhere");
  std::size_t start = 0;
  for (const auto event_size : whole) {
    if (event_size == 0) break;
    check_event(bytes.substr(start, event_size));
    start += event_size;
  }
  check_event(bytes);
  return 0;
}
