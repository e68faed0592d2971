// YAML is changed line by line, where a reader of the whole says that the lines are; then it is read again, and must say what was
// meant and nothing else.

#include <algorithm>
#include <map>

#include "app/settings_text.h"
#include "base/text.h"
#include "config/tree.h"
#include "json/writer.h"

namespace cardea::app {
namespace {

using config::Node;

std::unexpected<Error> by_hand(std::string_view what) {
  return fail(Kind::config, cat(what, " is written in a way that only its owner should change; add the settings by hand"));
}

std::string value_of(const Setting& setting) {
  return setting.kind == Setting::Kind::raw ? setting.value : json::quote(setting.value);
}

Result<Node> read(std::string_view text) {
  std::vector<config::Problem> problems;
  Node root = config::parse_yaml(text, "the file", problems);
  for (const auto& problem : problems) {
    if (problem.severity == config::Severity::error) return fail(Kind::config, config::to_text(problem));
  }
  return root;
}

bool is_simple(const Node::Entry& entry) {
  return entry.value.kind == Node::Kind::null || (entry.value.kind == Node::Kind::scalar && entry.value.line == entry.line);
}

/// A list or mapping on the key's own line, such as `[a, b]`.
bool is_flow(const Node::Entry& entry, std::string_view line) {
  const bool closed = trim(line).ends_with(']') || trim(line).ends_with('}');
  return entry.value.kind != Node::Kind::scalar && entry.value.line == entry.line && closed;
}

/// The value behind `key:` in a line, its comment kept.
Status replace_value(std::string& line, const Node::Entry& entry, const std::string& value) {
  const auto colon = line.find(':', entry.column - 1 + entry.key.size());
  const bool raw = value.starts_with('[') || value.starts_with('{');
  if (!(is_simple(entry) || (raw && is_flow(entry, line))) || colon == std::string::npos)
    return by_hand(cat("'", entry.key, "'"));
  const auto begin = line.find_first_not_of(" \t", colon + 1);
  const std::string_view old = begin == std::string::npos ? std::string_view{} : std::string_view{line}.substr(begin);
  constexpr std::string_view special = "|>&*!";
  if (!old.empty() && special.find(old.front()) != std::string_view::npos) return by_hand(cat("'", entry.key, "'"));
  std::size_t end = 0;
  if (!old.empty() && (old.front() == '"' || old.front() == '\'')) end = old.rfind(old.front());
  const auto comment = old.starts_with('#') ? 0 : old.find(" #", end);
  const auto kept = comment == std::string_view::npos ? std::string{} : std::string{old.substr(comment)};
  line = cat(std::string_view{line}.substr(0, colon + 1), " ", value, kept.starts_with('#') ? " " : "", kept);
  return {};
}

Node::Entry* entry_of(Node& map, std::string_view key) {
  const auto found = std::ranges::find(map.map, key, &Node::Entry::key);
  return found == map.map.end() ? nullptr : &*found;
}

/// "[NAME]" → NAME; empty: no such segment.
std::string_view element_name(std::string_view segment) {
  const bool is_element = segment.size() > 2 && segment.front() == '[' && segment.back() == ']';
  return is_element ? segment.substr(1, segment.size() - 2) : std::string_view{};
}

Node* element_of(Node& list, std::string_view name) {
  for (auto& element : list.list) {
    const Node* own = element.find("name");
    if (own != nullptr && own->text == name) return &element;
  }
  return nullptr;
}

class YamlText {
 public:
  explicit YamlText(std::string_view text) : lines_{split_lines(text)} {}

  Status set(const Setting& setting) {
    Result<Node> root = read(text());
    if (!root) return fail_with(root);
    if (root->kind != Node::Kind::map && root->kind != Node::Kind::null) return by_hand("the file");
    if (setting.path.size() == 1) return set_on_top(*root, setting);
    const auto name = element_name(setting.path[1]);
    Node::Entry* list = entry_of(*root, setting.path[0]);
    const bool absent = setting.kind == Setting::Kind::absent;
    if (absent && (list == nullptr || element_of(list->value, name) == nullptr)) return {};
    if (list == nullptr) {
      append_line(cat(setting.path[0], ":"));
      append_line(cat("  - name: ", json::quote(name)));
      return set(setting);
    }
    Node* element = element_of(list->value, name);
    if (element == nullptr) {
      Status added = add_element(*list, name);
      return added ? set(setting) : std::move(added);
    }
    return set_in_element(*element, setting);
  }
  [[nodiscard]] std::string text() const { return join_lines(lines_); }

 private:
  std::string& line(unsigned number) { return lines_[number - 1]; }
  void append_line(std::string line) { lines_.push_back(std::move(line)); }
  void insert_behind(unsigned number, std::string line) {
    lines_.insert(lines_.begin() + static_cast<std::ptrdiff_t>(number), std::move(line));
  }

  Status set_on_top(Node& root, const Setting& setting) {
    Node::Entry* entry = entry_of(root, setting.path[0]);
    if (setting.kind == Setting::Kind::absent) return entry == nullptr ? Status{} : remove(*entry);
    if (entry == nullptr) {
      append_line(cat(setting.path[0], ": ", value_of(setting)));
      return {};
    }
    return setting.kind == Setting::Kind::initial ? Status{} : replace_value(line(entry->line), *entry, value_of(setting));
  }

  /// Only what stands on one line, and is not the first of an element.
  Status remove(const Node::Entry& entry) {
    const bool alone = trim(line(entry.line)).starts_with(entry.key);
    if (alone && (is_simple(entry) || is_flow(entry, line(entry.line)))) {
      lines_.erase(lines_.begin() + static_cast<std::ptrdiff_t>(entry.line - 1));
    }
    return {};
  }

  /// As the list's first: that is the one its reader prefers.
  Status add_element(const Node::Entry& list, std::string_view name) {
    auto fresh = cat("- name: ", json::quote(name));
    if (list.value.kind == Node::Kind::null || (list.value.kind == Node::Kind::list && list.value.list.empty())) {
      auto& head = line(list.line);
      const auto comment = head.find(" #");
      const auto kept = comment == std::string::npos ? std::string{} : head.substr(comment);
      head = cat(std::string(list.column - 1, ' '), list.key, ":", kept);
      insert_behind(list.line, cat(std::string(list.column + 1, ' '), fresh));
      return {};
    }
    if (list.value.kind != Node::Kind::list) return by_hand(cat("'", list.key, "'"));
    const auto first = list.value.list.front().line;
    if (first <= list.line) return by_hand(cat("'", list.key, "'"));
    const auto dash = line(first).find_first_not_of(' ');
    if (dash == std::string::npos || line(first)[dash] != '-') return by_hand(cat("'", list.key, "'"));
    insert_behind(first - 1, cat(std::string(dash, ' '), fresh));
    return {};
  }

  Status set_in_element(Node& element, const Setting& setting) {
    const auto& key = setting.path.back();
    Node::Entry* found = entry_of(element, key);
    if (setting.kind == Setting::Kind::absent) return found == nullptr ? Status{} : remove(*found);
    if (Node::Entry* entry = found) {
      if (setting.kind == Setting::Kind::raw && !is_flow(*entry, line(entry->line))) return {};  // the owner's own words
      return replace_value(line(entry->line), *entry, value_of(setting));
    }
    const Node::Entry* last = nullptr;
    for (const auto& entry : element.map) {
      if (!is_simple(entry) && !is_flow(entry, line(entry.line))) break;
      last = &entry;
    }
    if (last == nullptr || (element.map.size() > 1 && element.map[1].line == element.map[0].line)) return by_hand("the list");
    insert_behind(last->line, cat(std::string(last->column - 1, ' '), key, ": ", value_of(setting)));
    return {};
  }

  std::vector<std::string> lines_;
};

/// Every scalar by its path, elements by their name or place.
using Leaves = std::multimap<std::string, std::string>;
void collect(const Node& node, const std::string& path, Leaves& out) {
  if (node.kind == Node::Kind::scalar) out.emplace(path, node.text);
  for (const auto& entry : node.map) collect(entry.value, cat(path, "/", entry.key), out);
  for (const auto& element : node.list) {
    const auto name = std::ranges::find(element.map, "name", &Node::Entry::key);
    collect(element, cat(path, "/[", name != element.map.end() ? name->value.text : "", "]"), out);
  }
}

/// The settings are there, and all else is as it was.
bool is_as_meant(const Node& before, const Node& after, std::span<const Setting> settings) {
  Leaves was, is;
  collect(before, "", was);
  collect(after, "", is);
  for (const auto& setting : settings) {
    std::string path;
    for (const auto& part : setting.path) append(path, cat("/", part));
    const auto found = is.equal_range(path);
    if (setting.kind == Setting::Kind::text &&
        std::none_of(found.first, found.second, [&](const auto& leaf) { return leaf.second == setting.value; })) {
      return false;
    }
    was.erase(path);
    std::erase_if(was, [&](const auto& leaf) { return leaf.first.starts_with(path + "/"); });
  }
  return std::ranges::all_of(was, [&](const auto& leaf) {
    const auto found = is.equal_range(leaf.first);
    return std::any_of(found.first, found.second, [&](const auto& now) { return now.second == leaf.second; });
  });
}

}  // namespace

Result<std::string> merge_yaml(std::string_view text, std::span<const Setting> settings) {
  Result<Node> before = read(text);
  if (!before) return fail_with(before);
  YamlText yaml{text};
  for (const auto& setting : settings) {
    Status set = yaml.set(setting);
    if (!set) return fail_with(set);
  }
  std::string changed = yaml.text();
  Result<Node> after = read(changed);
  if (!after || !is_as_meant(*before, *after, settings)) return by_hand("the file");
  return changed;
}

}  // namespace cardea::app
