#include "app/command.h"

#include <algorithm>
#include <cstdio>

#include "app/output.h"
#include "base/text.h"

namespace cardea::app {
namespace {

std::string suggestion(std::string_view word, const std::vector<std::string_view>& known) {
  const auto near = nearest(word, known.data(), known.size());
  return near.empty() ? std::string{} : cat("; did you mean '", near, "'?");
}

/// Words before the first flag that name a command: the longest name wins ("twin serve" before "twin").
const Command* find_command(std::span<const std::string_view> arguments, std::size_t& used) {
  const Command* best = nullptr;
  for (const auto& command : commands()) {
    std::size_t count = 0;
    std::string_view name = command.name;
    while (!name.empty() && count < arguments.size()) {
      const auto blank = std::min(name.find(' '), name.size());
      if (arguments[count] != name.substr(0, blank)) break;
      ++count;
      name.remove_prefix(std::min(name.size(), blank + 1));
    }
    if (!name.empty() || (best != nullptr && count <= used)) continue;
    best = &command;
    used = count;
  }
  return best;
}

/// The first word of a longer name, such as `cardea twin`, and a wish to know what there is.
std::string help_of_half(std::span<const std::string_view> arguments, bool asks) {
  std::string out;
  for (const auto& command : commands()) {
    const bool half = command.name.starts_with(cat(arguments[0], " ")) && command.shown == Command::Shown::yes;
    if (half && asks) append(out, cat(out.empty() ? "" : "\n", help(command)));
  }
  return out;
}

int refuse_command(std::span<const std::string_view> arguments) {
  std::vector<std::string_view> names;
  for (const auto& command : commands()) {
    if (command.shown == Command::Shown::yes) names.push_back(command.name);
  }
  // `cardea twin` is half of a name.
  const auto whole = std::ranges::find_if(names, [&](std::string_view name) { return name.starts_with(cat(arguments[0], " ")); });
  const auto meant = whole != names.end() ? cat("; did you mean '", *whole, "'?") : suggestion(arguments[0], names);
  const std::string_view what = arguments[0].starts_with('-') ? "flag" : "command";
  complain(cat("there is no ", what, " '", arguments[0], "'", meant, "\nSee 'cardea --help'."));
  return exit_usage;
}

void append_columns(std::string& out, std::string_view left, std::size_t width, std::string_view right) {
  append(out, cat("  ", left));
  out.append(width > columns_of(left) ? width - columns_of(left) : 0, ' ');
  append(out, cat("  ", right, "\n"));
}

std::string flag_text(const Flag& flag) { return flag.value.empty() ? std::string{flag.name} : cat(flag.name, " ", flag.value); }

constexpr std::string_view help_words[] = {"--help", "-h", "help"};
constexpr std::string_view version_words[] = {"--version", "-V"};
bool is_one_of(std::span<const std::string_view> words, std::string_view word) {
  return std::ranges::find(words, word) != words.end();
}

}  // namespace

std::string_view Arguments::get(std::string_view flag) const {
  const auto values = all(flag);
  return values.empty() ? std::string_view{} : values.back();
}

std::vector<std::string_view> Arguments::all(std::string_view flag) const {
  std::vector<std::string_view> values;
  for (const auto& [name, value] : flags_) {
    if (name == flag) values.emplace_back(value);
  }
  return values;
}

bool Arguments::has(std::string_view flag) const {
  return std::ranges::any_of(flags_, [&](const auto& given) { return given.first == flag; });
}

Result<Arguments> parse_arguments(std::span<const std::string_view> rest, std::span<const Flag> flags, std::string_view words) {
  Arguments arguments;
  for (std::size_t i = 0; i < rest.size(); ++i) {
    const auto word = rest[i];
    if (word == "--") {
      for (++i; i < rest.size(); ++i) arguments.words_.emplace_back(rest[i]);
      break;
    }
    if (!word.starts_with('-') || word == "-") {
      arguments.words_.emplace_back(word);
      continue;
    }
    const auto equals = word.find('=');
    const auto name = word.substr(0, equals);
    const auto flag = std::ranges::find(flags, name, &Flag::name);
    if (flag == flags.end()) {
      std::vector<std::string_view> names{"--help"};
      for (const auto& known : flags) names.push_back(known.name);
      return fail(Kind::config, cat("there is no flag '", name, "'", suggestion(name, names)));
    }
    if (flag->value.empty()) {
      if (equals != std::string_view::npos) return fail(Kind::config, cat("'", name, "' takes no value"));
      arguments.flags_.emplace_back(name, "");
    } else if (equals != std::string_view::npos) {
      arguments.flags_.emplace_back(name, word.substr(equals + 1));
    } else if (i + 1 < rest.size()) {
      arguments.flags_.emplace_back(name, rest[++i]);
    } else {
      return fail(Kind::config, cat("'", name, "' wants a value: ", flag_text(*flag)));
    }
  }
  if (words.empty() && !arguments.words_.empty()) return fail(Kind::config, cat("unexpected '", arguments.words_.front(), "'"));
  return arguments;
}

std::string help() {
  std::string out =
      "Cardea: one door to every language model.\n\n"
      "Usage: cardea COMMAND [FLAG…]\n\nCommands\n";
  std::size_t width = 0;
  for (const auto& command : commands()) width = std::max(width, command.name.size());
  for (const auto& command : commands()) {
    if (command.shown == Command::Shown::yes) append_columns(out, command.name, width, command.summary);
  }
  out +=
      "\nStart here\n"
      "  cardea serve                   a gateway on 127.0.0.1:8080; providers whose key is in the environment\n"
      "                                 (OPENAI_API_KEY, …) are on, local servers such as Ollama are found\n"
      "  cardea chat                    talk to a model in this terminal\n"
      "  cardea models                  what can be asked for\n\n"
      "Any OpenAI client works: set OPENAI_BASE_URL=http://127.0.0.1:8080/v1\n"
      "'cardea COMMAND --help' explains a command with examples.\n";
  return out;
}

std::string help(const Command& command) {
  std::string out = cat("cardea ", command.name, ": ", command.summary, "\n\nUsage: cardea ", command.name);
  if (!command.flags.empty()) append(out, " [FLAG…]");
  if (!command.words.empty()) append(out, cat(" ", command.words));
  append(out, cat("\n\n", command.about, "\n\nFlags\n"));
  std::size_t width = columns_of("--help");
  for (const auto& flag : command.flags) width = std::max(width, columns_of(flag_text(flag)));
  for (const auto& flag : command.flags) append_columns(out, flag_text(flag), width, flag.help);
  append_columns(out, "--help", width, "this text");
  if (!command.more.empty()) append(out, cat("\n", command.more, "\n"));
  if (command.appendix != nullptr) append(out, cat("\n", command.appendix()));
  if (!command.examples.empty()) append(out, "\nExamples\n");
  for (const auto& example : command.examples) append(out, cat("  ", example.line, "\n      ", example.says, "\n"));
  return out;
}

int run(std::span<const std::string_view> arguments) {
  if (arguments.empty() || (arguments.size() == 1 && is_one_of(help_words, arguments[0]))) {
    print(help());
    return exit_ok;
  }
  constexpr std::string_view version[] = {"version"};
  if (is_one_of(version_words, arguments[0])) return run(version);
  const bool help_first = arguments[0] == "help";
  if (help_first) arguments = arguments.subspan(1);
  std::size_t used = 0;
  const Command* command = find_command(arguments, used);
  const auto rest = arguments.subspan(used);
  const auto before_words = rest.first(static_cast<std::size_t>(std::ranges::find(rest, "--") - rest.begin()));
  const bool asks =
      help_first || std::ranges::any_of(before_words, [](std::string_view word) { return word == "--help" || word == "-h"; });
  if (command == nullptr) {
    const auto text = help_of_half(arguments, asks);
    if (text.empty()) return refuse_command(arguments);
    print(text);
    return exit_ok;
  }
  if (asks) {
    print(help(*command));
    return exit_ok;
  }
  Result<Arguments> parsed = parse_arguments(rest, command->flags, command->words);
  if (!parsed) {
    complain(cat(command->name, ": ", parsed.error().message(), "\nSee 'cardea ", command->name, " --help'."));
    return exit_usage;
  }
  return command->run(*parsed);
}

}  // namespace cardea::app
