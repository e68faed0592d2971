#pragma once
// Writing for people: standard output, complaints, tables, colours.

#include <string>
#include <string_view>
#include <vector>

namespace cardea::app {

/// To standard output, at once.
void print(std::string_view text);
/// "cardea: …" and a line end, to standard error.
void complain(std::string_view text);

/// Terminal columns of UTF-8 text; wide characters count two, combining ones none. Control characters count none.
[[nodiscard]] std::size_t columns_of(std::string_view text) noexcept;
/// Model output and error texts come from outside: escape sequences in them must not reach the terminal. Keeps line ends and
/// tabs.
[[nodiscard]] std::string harmless(std::string_view text);

/// Rows of equally many cells, aligned; the first row is the heading. The named columns are aligned to the right.
[[nodiscard]] std::string table(const std::vector<std::vector<std::string>>& rows, const std::vector<std::size_t>& right = {});

enum class Style : std::uint8_t { plain, bold, dim, red, cyan };
/// `text` in that style when `descriptor` is a terminal that wants colours (NO_COLOR unset, TERM not dumb); else as it is.
[[nodiscard]] std::string styled(std::string_view text, Style style, int descriptor);

/// 128000 → "128k", 1048576 → "1.0M"; 0 → "".
[[nodiscard]] std::string short_count(std::uint64_t count);

}  // namespace cardea::app
