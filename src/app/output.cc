#include "app/output.h"

#include <unistd.h>

#include <algorithm>
#include <array>
#include <cstdlib>

#include "base/text.h"

namespace cardea::app {
namespace {

void write_all(int descriptor, std::string_view text) {
  while (!text.empty()) {
    const auto written = write(descriptor, text.data(), text.size());
    if (written <= 0) return;  // nobody reads any more
    text.remove_prefix(static_cast<std::size_t>(written));
  }
}

struct Range {
  char32_t first;
  char32_t last;
};
// The bulk of East Asian wide characters and emoji (UAX #11), and of combining marks. Good enough to keep a cursor in place.
constexpr Range wide[] = {{0x1100, 0x115f},   {0x2e80, 0x303e},   {0x3041, 0xa4cf},   {0xac00, 0xd7a3},
                          {0xf900, 0xfaff},   {0xfe30, 0xfe6f},   {0xff00, 0xff60},   {0xffe0, 0xffe6},
                          {0x1f300, 0x1f64f}, {0x1f680, 0x1f6ff}, {0x1f900, 0x1f9ff}, {0x20000, 0x3fffd}};
constexpr Range narrow[] = {{0, 0x1f}, {0x7f, 0x9f}, {0x300, 0x36f}, {0x200b, 0x200f}, {0xfe00, 0xfe0f}};

bool within(std::span<const Range> ranges, char32_t c) {
  return std::ranges::any_of(ranges, [c](const Range& r) { return c >= r.first && c <= r.last; });
}

char32_t decode(std::string_view text, std::size_t& at) {
  const auto first = static_cast<unsigned char>(text[at++]);
  if (first < 0xc0) return first;
  const int more = first >= 0xf0 ? 3 : first >= 0xe0 ? 2 : 1;
  char32_t c = first & (0x3fU >> more);
  for (int i = 0; i < more && at < text.size(); ++i) c = c << 6 | (static_cast<unsigned char>(text[at++]) & 0x3fU);
  return c;
}

bool wants_colour(int descriptor) {
  if (isatty(descriptor) == 0) return false;
  const char* none = std::getenv("NO_COLOR");  // NOLINT: before any thread changes the environment
  const char* terminal = std::getenv("TERM");  // NOLINT
  return (none == nullptr || *none == '\0') && terminal != nullptr && std::string_view{terminal} != "dumb";
}

}  // namespace

void print(std::string_view text) { write_all(STDOUT_FILENO, text); }
void complain(std::string_view text) { write_all(STDERR_FILENO, cat("cardea: ", text, "\n")); }

std::size_t columns_of(std::string_view text) noexcept {
  std::size_t columns = 0;
  for (std::size_t at = 0; at < text.size();) {
    const char32_t c = decode(text, at);
    columns += within(wide, c) ? 2 : within(narrow, c) ? 0 : 1;
  }
  return columns;
}

std::string harmless(std::string_view text) {
  std::string out;
  out.reserve(text.size());
  for (std::size_t i = 0; i < text.size(); ++i) {
    const auto c = static_cast<unsigned char>(text[i]);
    const bool control = (c < 0x20 && c != '\n' && c != '\t') || c == 0x7f;
    // C1 controls (U+0080 … U+009F) begin sequences too.
    const bool c1 = c == 0xc2 && i + 1 < text.size() && static_cast<unsigned char>(text[i + 1]) < 0xa0;
    if (c1) ++i;
    if (!control && !c1) out += text[i];
  }
  return out;
}

std::string table(const std::vector<std::vector<std::string>>& rows, const std::vector<std::size_t>& right) {
  std::vector<std::size_t> widths;
  for (const auto& row : rows) {
    widths.resize(std::max(widths.size(), row.size()));
    for (std::size_t i = 0; i < row.size(); ++i) widths[i] = std::max(widths[i], columns_of(row[i]));
  }
  std::string out;
  for (const auto& row : rows) {
    std::string line;
    for (std::size_t i = 0; i < row.size(); ++i) {
      const std::string space(widths[i] - columns_of(row[i]), ' ');
      const bool to_right = std::ranges::find(right, i) != right.end();
      append(line, cat(i == 0 ? "" : "  ", to_right ? space : "", row[i], to_right ? "" : space));
    }
    line.erase(line.find_last_not_of(' ') + 1);
    append(out, cat(line, "\n"));
  }
  return out;
}

std::string styled(std::string_view text, Style style, int descriptor) {
  constexpr std::array<std::string_view, 5> codes{"", "1", "2", "31", "36"};
  const auto code = codes[static_cast<std::size_t>(style)];
  if (code.empty() || !wants_colour(descriptor)) return std::string{text};
  return cat("\x1b[", code, "m", text, "\x1b[0m");
}

std::string short_count(std::uint64_t count) {
  if (count == 0) return {};
  if (count < 1000) return cat(count);
  if (count < 1'000'000) return cat(count / 1000, "k");
  return cat(count / 1'000'000, ".", count / 100'000 % 10, "M");
}

}  // namespace cardea::app
