#pragma once
// Editing one input, key by key: bytes in, text and cursor out. Knows no terminal.

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

namespace cardea::app {

/// The text being typed, with history. Understands the usual keys of shells (arrows, Home, End, Delete, Ctrl-A E B F U K W P N),
/// pasted blocks with line ends (bracketed paste), and Alt-Enter for a line end. UTF-8. One per prompt; a value.
class LineEditor {
 public:
  explicit LineEditor(const std::vector<std::string>& history) : history_{history}, at_history_{history.size()} {}

  enum class Outcome : std::uint8_t {
    editing,
    accepted,     ///< Enter
    interrupted,  ///< Ctrl-C
    ended,        ///< Ctrl-D on an empty text
    clear_screen  ///< Ctrl-L; editing goes on
  };
  /// One byte from the terminal.
  Outcome feed(char byte);

  [[nodiscard]] const std::string& text() const noexcept { return text_; }
  [[nodiscard]] std::size_t cursor() const noexcept { return cursor_; }
  /// What to draw within `columns`: a window on the text that holds the cursor, line ends as ⏎.
  struct View {
    std::string text;
    std::size_t cursor_column = 0;
  };
  [[nodiscard]] View view(std::size_t columns) const;

 private:
  enum class Mode : std::uint8_t { plain, escape, sequence, paste };
  Outcome key(unsigned char byte);
  Outcome escape(char byte);
  void sequence(char final);
  void insert(std::string_view bytes);
  void erase(std::size_t begin, std::size_t end);
  void recall(std::ptrdiff_t step);
  [[nodiscard]] std::size_t before(std::size_t at) const noexcept;
  [[nodiscard]] std::size_t after(std::size_t at) const noexcept;
  [[nodiscard]] std::size_t word_before(std::size_t at) const noexcept;
  [[nodiscard]] std::size_t word_after(std::size_t at) const noexcept;

  const std::vector<std::string>& history_;
  std::size_t at_history_;  ///< size(): the text that was being typed
  std::string draft_;
  std::string text_;
  std::size_t cursor_ = 0;
  Mode mode_ = Mode::plain;
  std::string sequence_;
};

}  // namespace cardea::app
