#include "app/line_editor.h"

#include <algorithm>

#include "app/output.h"

namespace cardea::app {
namespace {

constexpr char control(char letter) { return static_cast<char>(letter & 0x1f); }
constexpr char escape_byte = '\x1b';
constexpr std::string_view paste_end = "\x1b[201~";

bool is_continuation(char c) { return (static_cast<unsigned char>(c) & 0xc0) == 0x80; }

}  // namespace

std::size_t LineEditor::before(std::size_t at) const noexcept {
  if (at == 0) return 0;
  --at;
  while (at > 0 && is_continuation(text_[at])) --at;
  return at;
}

std::size_t LineEditor::after(std::size_t at) const noexcept {
  if (at == text_.size()) return at;
  ++at;
  while (at < text_.size() && is_continuation(text_[at])) ++at;
  return at;
}

std::size_t LineEditor::word_before(std::size_t at) const noexcept {
  while (at > 0 && text_[at - 1] == ' ') --at;
  while (at > 0 && text_[at - 1] != ' ') --at;
  return at;
}

std::size_t LineEditor::word_after(std::size_t at) const noexcept {
  while (at < text_.size() && text_[at] == ' ') ++at;
  while (at < text_.size() && text_[at] != ' ') ++at;
  return at;
}

void LineEditor::insert(std::string_view bytes) {
  text_.insert(cursor_, bytes);
  cursor_ += bytes.size();
}

void LineEditor::erase(std::size_t begin, std::size_t end) {
  text_.erase(begin, end - begin);
  cursor_ = begin;
}

void LineEditor::recall(std::ptrdiff_t step) {
  const auto wanted = static_cast<std::ptrdiff_t>(at_history_) + step;
  if (wanted < 0 || wanted > static_cast<std::ptrdiff_t>(history_.size())) return;
  if (at_history_ == history_.size()) draft_ = text_;
  at_history_ = static_cast<std::size_t>(wanted);
  text_ = at_history_ == history_.size() ? draft_ : history_[at_history_];
  cursor_ = text_.size();
}

LineEditor::Outcome LineEditor::feed(char byte) {
  switch (mode_) {
    case Mode::plain: return key(static_cast<unsigned char>(byte));
    case Mode::escape: return escape(byte);
    case Mode::sequence:
      sequence_ += byte;
      if (byte >= '@' && byte <= '~') {
        mode_ = Mode::plain;
        sequence(byte);
        sequence_.clear();
      }
      return Outcome::editing;
    case Mode::paste:
      sequence_ += byte == '\r' ? '\n' : byte;
      if (sequence_.ends_with(paste_end)) {
        insert(harmless(std::string_view{sequence_}.substr(0, sequence_.size() - paste_end.size())));
        sequence_.clear();
        mode_ = Mode::plain;
      }
      return Outcome::editing;
  }
  return Outcome::editing;
}

LineEditor::Outcome LineEditor::key(unsigned char byte) {
  switch (static_cast<char>(byte)) {
    case '\r':
    case '\n': return Outcome::accepted;
    case escape_byte: mode_ = Mode::escape; break;
    case control('C'): return Outcome::interrupted;
    case control('D'):
      if (text_.empty()) return Outcome::ended;
      erase(cursor_, after(cursor_));
      break;
    case control('L'): return Outcome::clear_screen;
    case control('A'): cursor_ = 0; break;
    case control('E'): cursor_ = text_.size(); break;
    case control('B'): cursor_ = before(cursor_); break;
    case control('F'): cursor_ = after(cursor_); break;
    case control('H'):
    case '\x7f': erase(before(cursor_), cursor_); break;
    case control('U'): erase(0, cursor_); break;
    case control('K'): erase(cursor_, text_.size()); break;
    case control('W'): erase(word_before(cursor_), cursor_); break;
    case control('P'): recall(-1); break;
    case control('N'): recall(1); break;
    default:
      if (byte >= 0x20) insert(std::string(1, static_cast<char>(byte)));
  }
  return Outcome::editing;
}

LineEditor::Outcome LineEditor::escape(char byte) {
  mode_ = Mode::plain;
  switch (byte) {
    case '[':
    case 'O': mode_ = Mode::sequence; break;
    case '\r':
    case '\n': insert("\n"); break;
    case 'b': cursor_ = word_before(cursor_); break;
    case 'f': cursor_ = word_after(cursor_); break;
    case '\x7f': erase(word_before(cursor_), cursor_); break;
    default: break;
  }
  return Outcome::editing;
}

void LineEditor::sequence(char final) {
  const bool by_word = sequence_.starts_with("1;5") || sequence_.starts_with("1;3");
  switch (final) {
    case 'A': recall(-1); break;
    case 'B': recall(1); break;
    case 'C': cursor_ = by_word ? word_after(cursor_) : after(cursor_); break;
    case 'D': cursor_ = by_word ? word_before(cursor_) : before(cursor_); break;
    case 'H': cursor_ = 0; break;
    case 'F': cursor_ = text_.size(); break;
    case '~':
      if (sequence_ == "1~" || sequence_ == "7~") cursor_ = 0;
      if (sequence_ == "4~" || sequence_ == "8~") cursor_ = text_.size();
      if (sequence_ == "3~") erase(cursor_, after(cursor_));
      if (sequence_ == "200~") mode_ = Mode::paste;
      break;
    default: break;
  }
}

LineEditor::View LineEditor::view(std::size_t columns) const {
  const auto shown = [](std::string_view text) {
    std::string out;
    for (const char c : text) out += c == '\n' ? std::string{"\u23ce"} : std::string(1, c == '\t' ? ' ' : c);
    return out;
  };
  // From the cursor leftwards as far as it fits, then rightwards.
  std::size_t begin = cursor_;
  while (begin > 0 && columns_of(shown(std::string_view{text_}.substr(before(begin), cursor_ - before(begin)))) < columns)
    begin = before(begin);
  std::size_t end = cursor_;
  while (end < text_.size() && columns_of(shown(std::string_view{text_}.substr(begin, after(end) - begin))) <= columns)
    end = after(end);
  View view;
  view.text = shown(std::string_view{text_}.substr(begin, end - begin));
  view.cursor_column = columns_of(shown(std::string_view{text_}.substr(begin, cursor_ - begin)));
  return view;
}

}  // namespace cardea::app
