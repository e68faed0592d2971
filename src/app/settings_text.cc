#include "app/settings_text.h"

#include <algorithm>

#include "base/text.h"
#include "json/writer.h"

namespace cardea::app {

std::vector<std::string> split_lines(std::string_view text) {
  std::vector<std::string> lines;
  while (!text.empty()) {
    const auto end = std::min(text.find('\n'), text.size());
    lines.emplace_back(text.substr(0, end));
    text.remove_prefix(std::min(end + 1, text.size()));
  }
  return lines;
}

std::string join_lines(std::span<const std::string> lines) {
  std::string text;
  for (const auto& line : lines) append(text, cat(line, "\n"));
  return text;
}

// ---- NAME=VALUE ------------------------------------------------------------------------------------------------------------

namespace {

/// The variable that a line sets; empty: none.
std::string_view variable_of(std::string_view line) {
  line = trim(line);
  constexpr std::string_view word = "export ";
  if (line.starts_with(word)) line = trim(line.substr(word.size()));
  const auto equals = line.find('=');
  return equals == std::string_view::npos || line.starts_with('#') ? std::string_view{} : trim(line.substr(0, equals));
}

bool is_plain_word(std::string_view text) {
  constexpr std::string_view more = "_-./:@%+,";
  return !text.empty() && std::ranges::all_of(text, [&](char c) {
    return (c >= '0' && c <= '9') || (ascii_lower(c) >= 'a' && ascii_lower(c) <= 'z') || more.find(c) != std::string_view::npos;
  });
}

}  // namespace

Result<std::string> merge_env(std::string_view text, std::span<const Setting> settings) {
  auto lines = split_lines(text);
  for (const auto& setting : settings) {
    const auto& name = setting.path.back();
    if (setting.kind == Setting::Kind::absent) {
      std::erase_if(lines, [&](const auto& one) { return variable_of(one) == name; });
      continue;
    }
    const auto line = cat(name, "=", is_plain_word(setting.value) ? setting.value : json::quote(setting.value));
    // The last one counts.
    const auto found = std::find_if(lines.rbegin(), lines.rend(), [&](const auto& one) { return variable_of(one) == name; });
    if (found == lines.rend()) {
      lines.push_back(line);
    } else if (setting.kind != Setting::Kind::initial) {
      *found = line;
    }
  }
  return join_lines(lines);
}

// ---- TOML ------------------------------------------------------------------------------------------------------------------

namespace {

constexpr std::string_view section_begin = "# begin cardea (written by 'cardea agent'; what stands between is replaced)";
constexpr std::string_view section_end = "# end cardea";

std::string toml_key(const std::vector<std::string>& path) {
  constexpr std::string_view letters = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-";
  std::string key;
  for (const auto& part : path) {
    const bool bare = !part.empty() && part.find_first_not_of(letters) == std::string::npos;
    append(key, cat(key.empty() ? "" : ".", bare ? part : json::quote(part)));
  }
  return key;
}

/// TOML forbids a key twice: what the owner wrote outside our section is the owner's to take away.
Status check_collisions(std::span<const std::string> lines, std::span<const Setting> settings) {
  bool in_table = false;
  for (std::size_t i = 0; i < lines.size(); ++i) {
    const auto line = trim(lines[i]);
    in_table = in_table || line.starts_with('[');
    for (const auto& setting : settings) {
      if (setting.kind == Setting::Kind::absent) continue;
      const auto key = toml_key(setting.path);
      const auto table = key.substr(0, std::min(key.rfind('.'), key.size()));
      const bool same_key = !in_table && trim(line.substr(0, line.find('='))) == key;
      const bool same_table = table != key && line.starts_with(cat("[", table, "]"));
      if (!same_key && !same_table) continue;
      return fail(Kind::config, cat("line ", i + 1, " sets '", same_key ? key : table, "' already; take it out first"));
    }
  }
  return {};
}

}  // namespace

Result<std::string> merge_toml(std::string_view text, std::span<const Setting> settings) {
  std::vector<std::string> section{std::string{section_begin}};
  for (const auto& setting : settings) {
    if (setting.kind == Setting::Kind::absent) continue;  // the section is made anew
    const auto value = setting.kind == Setting::Kind::raw ? setting.value : json::quote(setting.value);
    section.push_back(cat(toml_key(setting.path), " = ", value));
  }
  section.emplace_back(section_end);
  auto lines = split_lines(text);
  const auto begin = std::ranges::find(lines, section_begin);
  const auto end = std::find(begin, lines.end(), section_end);
  if ((begin == lines.end()) != (end == lines.end())) return fail(Kind::config, "Cardea's section has a begin but no end");
  auto at = lines.begin();
  if (begin != lines.end()) {
    at = lines.erase(begin, end + 1);
  } else if (!lines.empty()) {
    // On top: below the first table these keys would be the table's.
    section.emplace_back();
  }
  Status unique = check_collisions(lines, settings);
  if (!unique) return fail_with(unique);
  lines.insert(at, section.begin(), section.end());
  return join_lines(lines);
}

Result<std::string> merge(Format format, std::string_view text, std::span<const Setting> settings) {
  constexpr Result<std::string> (*merges[])(std::string_view, std::span<const Setting>) = {merge_json, merge_env, merge_yaml,
                                                                                           merge_toml};
  return merges[static_cast<std::size_t>(format)](text, settings);
}

// ---- What differs ----------------------------------------------------------------------------------------------------------

namespace {

constexpr std::size_t context_lines = 3;
/// Longer files are shown as replaced whole between their common beginning and end.
constexpr std::size_t compared_lines_max = 2000;

/// One line of a diff: ' ' kept, '-' gone, '+' new.
struct Line {
  char mark;
  std::string_view text;
};

/// The longest common subsequence decides what is kept.
void compare(std::span<const std::string> before, std::span<const std::string> after, std::vector<Line>& out) {
  if (before.size() > compared_lines_max || after.size() > compared_lines_max) {
    for (const auto& line : before) out.push_back({'-', line});
    for (const auto& line : after) out.push_back({'+', line});
    return;
  }
  const std::size_t width = after.size() + 1;
  std::vector<std::uint16_t> common((before.size() + 1) * width);
  for (std::size_t i = before.size(); i-- > 0;) {
    for (std::size_t j = after.size(); j-- > 0;) {
      common[i * width + j] = before[i] == after[j] ? static_cast<std::uint16_t>(common[(i + 1) * width + j + 1] + 1)
                                                    : std::max(common[(i + 1) * width + j], common[i * width + j + 1]);
    }
  }
  std::size_t i = 0;
  std::size_t j = 0;
  while (i < before.size() || j < after.size()) {
    if (i < before.size() && j < after.size() && before[i] == after[j]) {
      out.push_back({' ', before[i++]});
      ++j;
    } else if (i < before.size() && (j == after.size() || common[(i + 1) * width + j] >= common[i * width + j + 1])) {
      out.push_back({'-', before[i++]});
    } else {
      out.push_back({'+', after[j++]});
    }
  }
}

/// One hunk: lines [from, to) of the diff, its head counting the lines before it.
std::string hunk(std::span<const Line> lines, std::size_t from, std::size_t to) {
  std::size_t old_first = 1, new_first = 1, old_count = 0, new_count = 0;
  for (std::size_t i = 0; i < to; ++i) {
    (i < from ? old_first : old_count) += lines[i].mark != '+' ? 1 : 0;
    (i < from ? new_first : new_count) += lines[i].mark != '-' ? 1 : 0;
  }
  std::string text = cat("@@ -", old_count == 0 ? old_first - 1 : old_first, ",", old_count, " +",
                         new_count == 0 ? new_first - 1 : new_first, ",", new_count, " @@\n");
  for (const auto& line : lines.subspan(from, to - from)) append(text, cat(line.mark, line.text, "\n"));
  return text;
}

/// Does the name in front of a `:` or `=` sound like one of a secret?
bool names_secret(std::string_view before) {
  constexpr std::string_view secret_names[] = {"key", "token", "secret", "password", "authorization", "bearer"};
  const auto start = before.find_last_of(" \t\n{,", before.find_last_not_of(" \t"));
  const auto name = to_lower(before.substr(start == std::string_view::npos ? 0 : start + 1));
  return std::ranges::any_of(secret_names, [&](auto word) { return name.find(word) != std::string::npos; });
}

/// A quoted or plain value at the front; 0: there is none, or it is an object or a list.
std::size_t length_of_value(std::string_view text) {
  constexpr std::string_view no_value = "{[\r\n";
  if (text.empty() || no_value.find(text.front()) != std::string_view::npos) return 0;
  const char quote = text.front();
  if (quote != '"' && quote != '\'') return std::min(text.find_first_of(" \t\r\n,}"), text.size());
  for (std::size_t i = 1; i < text.size(); ++i) {
    if (text[i] == '\\') {
      ++i;
    } else if (text[i] == quote) {
      return i + 1;
    }
  }
  return text.size();
}

}  // namespace

std::string unified_diff(std::string_view before, std::string_view after, std::string_view name) {
  if (before == after) return {};
  const auto old_lines = split_lines(before);
  const auto new_lines = split_lines(after);
  std::vector<Line> lines;
  const auto shorter = std::min(old_lines.size(), new_lines.size());
  std::size_t head = 0;
  while (head < shorter && old_lines[head] == new_lines[head]) lines.push_back({' ', old_lines[head++]});
  std::size_t tail = 0;
  while (tail < shorter - head && old_lines[old_lines.size() - 1 - tail] == new_lines[new_lines.size() - 1 - tail]) ++tail;
  compare(std::span{old_lines}.subspan(head, old_lines.size() - head - tail),
          std::span{new_lines}.subspan(head, new_lines.size() - head - tail), lines);
  for (std::size_t i = tail; i > 0; --i) lines.push_back({' ', old_lines[old_lines.size() - i]});

  std::string text = cat("--- ", before.empty() ? "/dev/null" : name, "\n+++ ", name, "\n");
  const auto changed = [&](std::size_t i) { return lines[i].mark != ' '; };
  for (std::size_t i = 0; i < lines.size();) {
    if (!changed(i)) {
      ++i;
      continue;
    }
    const std::size_t from = i - std::min(i, context_lines);
    std::size_t last = i;
    for (; i < lines.size() && i <= last + 2 * context_lines; ++i) last = changed(i) ? i : last;
    const std::size_t to = std::min(lines.size(), last + 1 + context_lines);
    append(text, hunk(lines, from, to));
    i = to;
  }
  return text;
}

std::string without_secrets(std::string_view text) {
  std::string out;
  while (!text.empty()) {
    const auto separator = std::min(text.find_first_of(":="), text.size());
    append(out, text.substr(0, separator));
    const bool secret = names_secret(text.substr(0, separator));
    text.remove_prefix(separator);
    if (text.empty()) break;
    out += text.front();
    text.remove_prefix(1);
    if (!secret) continue;
    const auto begin = std::min(text.find_first_not_of(" \t"), text.size());
    append(out, text.substr(0, begin));
    text.remove_prefix(begin);
    const auto length = length_of_value(text);
    if (length != 0) append(out, "(hidden)");
    text.remove_prefix(length);
  }
  return out;
}

}  // namespace cardea::app
