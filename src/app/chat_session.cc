#include "app/chat_session.h"

#include <unistd.h>

#include <algorithm>

#include "app/model_list.h"
#include "app/output.h"
#include "base/text.h"

namespace cardea::app {
namespace {

constexpr std::chrono::seconds list_timeout{10};

std::string out(std::string_view text, Style style) { return styled(text, style, STDOUT_FILENO); }
void say(std::string_view text) { print(cat(out(text, Style::dim), "\n")); }
void say_error(std::string_view text) { print(cat(out(harmless(text), Style::red), "\n")); }

}  // namespace

struct ChatSession::Command {
  std::string_view name;
  std::string_view argument;
  std::string_view help;
  Next (ChatSession::*run)(std::string_view argument);
};

const ChatSession::Command ChatSession::commands[] = {
    {"/model", "[NAME]", "talk to another model, or say which one it is", &ChatSession::set_model},
    {"/models", "[TEXT]", "what can be asked for (names with TEXT in them)", &ChatSession::show_models},
    {"/system", "[TEXT]", "instructions that stand before everything; without TEXT: none", &ChatSession::set_system},
    {"/clear", "", "forget what was said", &ChatSession::clear},
    {"/help", "", "this list", &ChatSession::help},
    {"/exit", "", "leave (so do Ctrl-D, and Ctrl-C twice)", &ChatSession::leave},
};

ChatSession::Next ChatSession::help(std::string_view) {
  for (const auto& command : commands) {
    std::string left = cat("  ", command.name, " ", command.argument);
    left.resize(std::max<std::size_t>(left.size(), 18), ' ');
    print(cat(left, command.help, "\n"));
  }
  say("  Ctrl-C stops an answer. Alt-Enter begins a new line. Up and down bring back what you typed.");
  return Next::go_on;
}

ChatSession::Next ChatSession::set_model(std::string_view argument) {
  if (!argument.empty()) conversation_.set_model(argument);
  say(cat("talking to ", conversation_.model()));
  return Next::go_on;
}

ChatSession::Next ChatSession::show_models(std::string_view argument) {
  Result<Reply> reply = client_.get_api("/models", list_timeout);
  if (!reply || reply->status != 200) {
    say_error(reply ? error_text(*reply) : std::string{reply.error().message()});
    return Next::go_on;
  }
  const auto models = read_models(reply->body);
  if (!models) {
    say_error(models.error().message());
    return Next::go_on;
  }
  const auto text = model_table(*models, argument);
  print(text.empty() ? cat("no model with '", argument, "' in its name\n") : text);
  return Next::go_on;
}

ChatSession::Next ChatSession::set_system(std::string_view argument) {
  conversation_.set_instructions(argument);
  say(argument.empty() ? "no instructions" : "instructions set");
  return Next::go_on;
}

ChatSession::Next ChatSession::clear(std::string_view) {
  conversation_.clear();
  say("forgotten");
  return Next::go_on;
}

ChatSession::Next ChatSession::obey(std::string_view line) {
  if (line == "/quit" || line == "/q") return Next::leave;
  const auto blank = std::min(line.find(' '), line.size());
  const auto name = line.substr(0, blank);
  const auto* found = std::ranges::find(commands, name, &Command::name);
  if (found != std::end(commands)) return (this->*found->run)(trim(line.substr(blank)));
  std::string_view names[std::size(commands)];
  std::ranges::transform(commands, names, &Command::name);
  const auto near = nearest(name, names, std::size(names));
  say(cat("there is no ", name, near.empty() ? "; /help lists all" : cat("; did you mean ", near, "?")));
  return Next::go_on;
}

void ChatSession::show(AnswerReader::Piece piece, std::string_view text) {
  if (piece != shown_ && !column_zero_) {
    print("\n\n");
    column_zero_ = true;
  }
  shown_ = piece;
  const auto clean = harmless(text);
  if (clean.empty()) return;
  print(piece == AnswerReader::Piece::thinking ? out(clean, Style::dim) : clean);
  column_zero_ = clean.ends_with('\n');
}

void ChatSession::show_end(const AnswerReader& answer) {
  if (!column_zero_) print("\n");
  column_zero_ = true;
  std::string notes;
  if (!answer.unusual_end().empty()) append(notes, cat("ended: ", answer.unusual_end(), " · "));
  if (const auto& usage = answer.usage())
    append(notes, cat(usage->input_total(), " tokens in, ", usage->output.value_or(0), " out"));
  if (isatty(STDOUT_FILENO) != 0 && !notes.empty()) say(notes);
}

bool ChatSession::ask(std::string_view text) {
  static_cast<void>(interrupts_.take());
  if (interrupts_.ended_by() != 0) return false;
  conversation_.add_user(text);
  shown_ = AnswerReader::Piece::text;
  AnswerReader answer{[this](AnswerReader::Piece piece, std::string_view more) { show(piece, more); }};
  Result<Reply> reply = client_.stream(
      "/chat/completions", conversation_.request(), [&](std::string_view bytes) { answer.feed(bytes); }, &interrupts_);
  std::string problem;
  if (reply && reply->status != 200) {
    problem = error_text(*reply);
  } else {
    const Status finished = reply ? answer.finish() : Status{};
    show_end(answer);
    if (!reply) problem = reply.error().is(Kind::cancelled) ? "stopped" : std::string{reply.error().message()};
    if (!finished) problem = finished.error().message();
  }
  // What was seen of an answer is part of the conversation; a question without any answer is not.
  if (answer.text().empty()) {
    conversation_.forget_last();
  } else {
    conversation_.add_assistant(answer.text());
  }
  if (problem.empty()) return true;
  if (isatty(STDOUT_FILENO) != 0) {
    say_error(problem);
  } else {
    complain(problem);
  }
  return false;
}

void ChatSession::run() {
  Terminal terminal;
  const auto prompt = out("> ", Style::cyan);
  bool asked_to_leave = false;
  for (;;) {
    const Terminal::Line line = terminal.read_line(prompt, 2, entered_, interrupts_);
    using How = Terminal::Line::How;
    if (line.how == How::ended) return;
    if (line.how == How::interrupted) {
      if (asked_to_leave && line.text.empty()) return;
      if (line.text.empty()) say("Ctrl-C again, or Ctrl-D, leaves");
      asked_to_leave = line.text.empty();
      continue;
    }
    asked_to_leave = false;
    const auto text = trim(line.text);
    if (text.empty()) continue;
    if (entered_.empty() || entered_.back() != line.text) entered_.push_back(line.text);
    if (!text.starts_with('/')) {
      static_cast<void>(ask(text));
      if (interrupts_.ended_by() != 0) return;
    } else if (obey(text) == Next::leave) {
      return;
    }
  }
}

}  // namespace cardea::app
