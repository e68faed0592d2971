#include "app/terminal.h"

#include <poll.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstdlib>

#include "app/gateway_client.h"
#include "app/line_editor.h"
#include "app/output.h"
#include "base/text.h"

namespace cardea::app {
namespace {

constexpr std::size_t default_columns = 80;
constexpr std::string_view paste_marks_on = "\x1b[?2004h";
constexpr std::string_view paste_marks_off = "\x1b[?2004l";

/// Waits for standard input, an end of it, or one of the interrupts; false for the latter.
bool await_input(const Interrupts* interrupts) {
  pollfd waiting[2] = {{STDIN_FILENO, POLLIN, 0}, {interrupts != nullptr ? interrupts->descriptor() : -1, POLLIN, 0}};
  while (poll(waiting, 2, -1) < 0) {
    if (errno != EINTR) return true;
  }
  return waiting[1].revents == 0;
}

}  // namespace

bool is_interactive() {
  const char* terminal = std::getenv("TERM");  // NOLINT: nothing changes the environment
  return isatty(STDIN_FILENO) != 0 && isatty(STDOUT_FILENO) != 0 && terminal != nullptr && std::string_view{terminal} != "dumb";
}

Terminal::Terminal() {
  tcgetattr(STDIN_FILENO, &original_);
  set(Mode::quiet);
}

Terminal::~Terminal() { tcsetattr(STDIN_FILENO, TCSADRAIN, &original_); }

void Terminal::set(Mode mode) {
  termios settings = original_;
  settings.c_lflag &= ~static_cast<tcflag_t>(ICANON | ECHO | IEXTEN);
  if (mode == Mode::raw) {
    settings.c_lflag &= ~static_cast<tcflag_t>(ISIG);
    settings.c_iflag &= ~static_cast<tcflag_t>(ICRNL | IXON);
  }
  settings.c_cc[VMIN] = 1;
  settings.c_cc[VTIME] = 0;
  tcsetattr(STDIN_FILENO, TCSADRAIN, &settings);
}

std::size_t Terminal::columns() {
  winsize size{};
  const bool known = ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_col > 0;
  return known ? size.ws_col : default_columns;
}

Terminal::Line Terminal::read_line(std::string_view prompt, std::size_t prompt_columns, const std::vector<std::string>& history,
                                   Interrupts& interrupts) {
  set(Mode::raw);
  print(paste_marks_on);
  LineEditor editor{history};
  const auto draw = [&] {
    const auto room = columns() > prompt_columns + 8 ? columns() - prompt_columns - 1 : 8;
    const auto view = editor.view(room);
    print(cat("\r\x1b[K", prompt, view.text, "\r\x1b[", prompt_columns + view.cursor_column, "C"));
  };
  draw();
  auto outcome = LineEditor::Outcome::editing;
  std::array<char, 4096> bytes;
  while (outcome == LineEditor::Outcome::editing || outcome == LineEditor::Outcome::clear_screen) {
    if (!await_input(&interrupts)) {
      static_cast<void>(interrupts.take());
      if (interrupts.ended_by() == 0) continue;
      outcome = LineEditor::Outcome::ended;
      break;
    }
    const auto got = read(STDIN_FILENO, bytes.data(), bytes.size());
    if (got < 0 && errno == EINTR) continue;
    if (got <= 0) outcome = LineEditor::Outcome::ended;
    for (ssize_t i = 0; i < got; ++i) {
      outcome = editor.feed(bytes[static_cast<std::size_t>(i)]);
      if (outcome == LineEditor::Outcome::clear_screen) print("\x1b[H\x1b[2J");
      if (outcome == LineEditor::Outcome::accepted || outcome == LineEditor::Outcome::interrupted) break;
    }
    draw();
  }
  print(cat(paste_marks_off, "\r\n"));
  set(Mode::quiet);
  using How = Line::How;
  const How how = outcome == LineEditor::Outcome::accepted      ? How::entered
                  : outcome == LineEditor::Outcome::interrupted ? How::interrupted
                                                                : How::ended;
  return {how, editor.text()};
}

std::string read_input(Interrupts* interrupts) {
  std::string text;
  std::array<char, 64 * 1024> bytes;
  for (;;) {
    if (!await_input(interrupts)) {
      static_cast<void>(interrupts->take());
      return {};
    }
    const auto got = read(STDIN_FILENO, bytes.data(), bytes.size());
    if (got < 0 && errno == EINTR) continue;
    if (got <= 0) return text;
    text.append(bytes.data(), static_cast<std::size_t>(got));
  }
}

}  // namespace cardea::app
