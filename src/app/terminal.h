#pragma once
// The terminal that a person sits at.

#include <termios.h>

#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace cardea::app {

class Interrupts;

/// Both ends of standard input and output are a terminal that can place its cursor.
[[nodiscard]] bool is_interactive();

/// Takes the terminal over until destroyed: keys are not echoed, lines are edited here. Ctrl-C is SIGINT except while a line is
/// read.
class Terminal {
 public:
  Terminal();
  ~Terminal();
  Terminal(const Terminal&) = delete;
  Terminal& operator=(const Terminal&) = delete;

  struct Line {
    enum class How : std::uint8_t { entered, interrupted, ended } how = How::ended;
    std::string text;
  };
  /// Prompts and reads; `history` holds what was entered before. SIGTERM is an end, too.
  [[nodiscard]] Line read_line(std::string_view prompt, std::size_t prompt_columns, const std::vector<std::string>& history,
                               Interrupts& interrupts);
  [[nodiscard]] static std::size_t columns();

 private:
  enum class Mode : std::uint8_t { quiet, raw };
  void set(Mode mode);
  termios original_{};
};

/// Everything on standard input. `interrupts` (may be null) end it early; then nothing.
[[nodiscard]] std::string read_input(Interrupts* interrupts);

}  // namespace cardea::app
