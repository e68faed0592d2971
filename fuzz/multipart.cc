// multipart/form-data: any split says the same, data is what stands at its offsets, and parts written again are read the same.
#include "wire/multipart.h"

#include <string>
#include <vector>

#include "base/text.h"
#include "fuzz/check.h"

using namespace cardea;
using namespace cardea::wire;
using fuzz::check;

namespace {

constexpr std::string_view boundary = "b-0";
constexpr MultipartLimits limits{
    .parts = 6, .head_bytes = 200, .name_bytes = 20, .filename_bytes = 20, .epilogue_bytes = 20, .repeated_names = false};

struct Part {
  std::string name;
  std::string filename;
  std::string content_type;
  std::uint64_t begin = 0;
  std::uint64_t end = 0;
  bool operator==(const Part&) const = default;
};
struct Read {
  std::vector<Part> parts;
  std::uint64_t end = 0;
  std::string error;
  bool operator==(const Read&) const = default;
};

void note(const MultipartEvent& event, const MultipartParser& parser, std::string_view body, Read& out, std::uint64_t& at) {
  check(event.begin <= event.end && event.end <= body.size(), "offsets");
  const auto& part = parser.part();
  switch (event.kind) {
    case MultipartEvent::Kind::part:
      check(part.head == body.substr(event.begin, event.end - event.begin), "a head is where it is said to be");
      check(!part.name.empty() && part.name.size() <= limits.name_bytes, "a name within its limit");
      out.parts.push_back({std::string{part.name}, std::string{part.filename.value_or("")}, std::string{part.content_type},
                           event.end, event.end});
      at = event.end;
      break;
    case MultipartEvent::Kind::data:
      check(event.begin == at && !event.data.empty(), "data follows data");
      check(event.data == body.substr(event.begin, event.end - event.begin), "data is where it is said to be");
      at = event.end;
      break;
    case MultipartEvent::Kind::part_end:
      check(event.begin == out.parts.back().begin && event.end == at, "all data has come");
      out.parts.back().end = event.end;
      check(body.substr(event.begin, event.end - event.begin).find(cat("\r\n--", boundary)) == std::string_view::npos,
            "no delimiter in data");
      break;
    case MultipartEvent::Kind::end: out.end = event.end; break;
    case MultipartEvent::Kind::none: break;
  }
}

Read read(std::string_view body, std::uint64_t piece_max) {
  auto random = fuzz::random_of(body);
  MultipartParser parser{boundary, limits};
  Read out;
  std::uint64_t at = 0;
  for (auto rest = body; !rest.empty();) {
    const std::string piece{rest.substr(0, piece_max == 0 ? rest.size() : 1 + random.below(piece_max))};
    rest.remove_prefix(piece.size());
    for (std::string_view fed = piece;;) {
      auto event = parser.next(fed);
      if (!event) {
        out.error = event.error().message();
        return out;
      }
      if (event->kind == MultipartEvent::Kind::none) break;
      note(*event, parser, body, out, at);
    }
  }
  if (Status end = parser.finish(); !end) out.error = end.error().message();
  check(out.error.empty() == (out.end != 0), "whole with its end only");
  return out;
}

void check_again(std::string_view body, const Read& whole) {
  std::string again;
  const auto data_of = [&](const Part& part) { return body.substr(part.begin, part.end - part.begin); };
  for (const auto& part : whole.parts) {
    if (part.name.find('"') != std::string::npos || part.filename.find_first_of("\"\\") != std::string::npos) return;
    append_multipart_head(again, boundary, part.name, part.filename, part.content_type);
    append(again, cat(data_of(part), multipart_part_end));
  }
  append_multipart_end(again, boundary);
  MultipartLimits wide = limits;
  wide.head_bytes = 1000;
  MultipartParser parser{boundary, wide};
  std::size_t index = 0;
  for (std::string_view fed = again;;) {
    const auto event = parser.next(fed);
    check(event.has_value(), "what was written is read");
    if (event->kind == MultipartEvent::Kind::none) break;
    if (event->kind != MultipartEvent::Kind::part_end) continue;
    const auto& part = whole.parts[index++];
    check(parser.part().name == part.name && parser.part().content_type == part.content_type, "name and type");
    check(parser.part().filename.value_or("") == part.filename, "file name");
    check(again.substr(event->begin, event->end - event->begin) == data_of(part), "data");
  }
  check(index == whole.parts.size() && parser.finish().has_value(), "all parts again");
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const auto bytes = fuzz::text(data, size);
  const auto whole = read(bytes, 0);
  check(read(bytes, 1) == whole, "byte by byte reads differently");
  check(read(bytes, 13) == whole, "split reads differently");
  if (whole.error.empty()) check_again(bytes, whole);
  static_cast<void>(multipart_boundary(bytes));
  return 0;
}
