// JSON with comments: where things are is read from a copy of equal length whose comments are blanks.

#include <algorithm>

#include "app/settings_text.h"
#include "base/text.h"
#include "json/scan.h"
#include "json/writer.h"

namespace cardea::app {
namespace {

constexpr std::string_view blanks = " \t\r\n";
constexpr std::string_view step = "  ";

/// Line breaks stay, so that errors name the right line.
void blank_out(std::string& text, std::size_t from, std::size_t to) {
  for (std::size_t i = from; i < to; ++i) {
    if (text[i] != '\n') text[i] = ' ';
  }
}

std::size_t end_of_string(std::string_view text, std::size_t quote) {
  for (std::size_t i = quote + 1; i < text.size(); ++i) {
    if (text[i] == '\\') {
      ++i;
    } else if (text[i] == '"') {
      return i + 1;
    }
  }
  return text.size();
}

std::string without_comments(std::string_view text) {
  std::string out{text};
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] == '"') {
      i = end_of_string(text, i) - 1;
      continue;
    }
    const auto rest = text.substr(i);
    const std::string_view closing = rest.starts_with("//") ? "\n" : rest.starts_with("/*") ? "*/" : "";
    if (closing.empty()) continue;
    const auto found = text.find(closing, i + 2);
    const auto end = found == std::string_view::npos ? text.size() : found + closing.size();
    blank_out(out, i, end);
    i = end - 1;
  }
  return out;
}

/// Commas before a closing bracket, which JSON with comments allows.
std::string without_last_commas(std::string text) {
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] == '"') {
      i = end_of_string(text, i) - 1;
    } else if (text[i] == ',') {
      const auto next = text.find_first_not_of(blanks, i + 1);
      if (next != std::string::npos && (text[next] == '}' || text[next] == ']')) text[i] = ' ';
    }
  }
  return text;
}

std::size_t line_start(std::string_view text, std::size_t at) {
  const auto found = at == 0 ? std::string_view::npos : text.rfind('\n', at - 1);
  return found == std::string_view::npos ? 0 : found + 1;
}

std::string indent_at(std::string_view text, std::size_t at) {
  const auto line = text.substr(line_start(text, at));
  return std::string{line.substr(0, std::min(line.find_first_not_of(" \t"), line.size()))};
}

/// An object of the text, and where it begins.
struct Place {
  std::size_t offset;
  std::string_view text;
};

/// `"key": value`, with an object around the value for each further key.
std::string entry_text(std::span<const std::string> path, const std::string& value, const std::string& indent, bool one_line) {
  if (path.size() == 1) return cat(json::quote(path[0]), ": ", value);
  const auto inner = one_line ? std::string{} : cat(indent, step);
  const auto body = entry_text(path.subspan(1), value, inner, one_line);
  if (one_line) return cat(json::quote(path[0]), ": {", body, "}");
  return cat(json::quote(path[0]), ": {\n", inner, body, "\n", indent, "}");
}

/// One file while it is being changed.
class JsonText {
 public:
  explicit JsonText(std::string_view text) : text_{text} {
    if (without_comments(text_).find_first_not_of(blanks) == std::string::npos) text_ += "{}\n";
  }

  Status set(const Setting& setting) {
    const std::string bare = without_comments(text_);
    const std::string strict = without_last_commas(bare);
    Place place{0, strict};
    for (std::size_t i = 0; i < setting.path.size(); ++i) {
      json::Members members;
      Status scanned = json::scan(place.text, {.error_kind = Kind::config, .what = "the file"}, members);
      if (!scanned) return scanned;
      const json::Member* member = members.find(setting.path[i]);
      if (member == nullptr) {
        if (setting.kind == Setting::Kind::absent) return {};
        insert(place, members, bare, std::span{setting.path}.subspan(i), value_of(setting));
        return {};
      }
      const auto at = place.offset + member->value.offset;
      if (i + 1 == setting.path.size()) {
        if (setting.kind == Setting::Kind::absent) {
          remove(place, members, *member);
          return {};
        }
        if (setting.kind != Setting::Kind::initial) text_.replace(at, member->value.length, value_of(setting));
        return {};
      }
      if (member->type != json::Type::object) {
        return fail(Kind::config, cat("'", member->key, "' is ", json::describe(member->type), " there, not an object"));
      }
      place = {at, std::string_view{strict}.substr(at, member->value.length)};
    }
    return {};
  }
  [[nodiscard]] std::string take() { return std::move(text_); }

 private:
  static std::string value_of(const Setting& setting) {
    return setting.kind == Setting::Kind::raw ? setting.value : json::quote(setting.value);
  }

  /// Behind the object's last member, on a line of its own when the others have one.
  void insert(const Place& place, const json::Members& members, std::string_view bare, std::span<const std::string> path,
              const std::string& value) {
    const auto open = place.offset + place.text.find('{');
    const auto close = place.offset + place.text.rfind('}');
    const auto outer = indent_at(text_, open);
    if (members.all().empty()) {
      const auto indent = cat(outer, step);
      const auto entry = cat("\n", indent, entry_text(path, value, indent, false));
      const bool open_line = bare.substr(open, close - open).find('\n') != std::string_view::npos;
      text_.insert(open + 1, open_line ? entry : cat(entry, "\n", outer));
      return;
    }
    const json::Member* last = nullptr;
    for (const auto& one : members.all()) last = &one;
    const std::size_t end = place.offset + last->value.offset + last->value.length;
    const auto next = bare.find_first_not_of(blanks, end);
    const bool comma = next != std::string_view::npos && bare[next] == ',';
    const auto closing_line = line_start(text_, close);
    if (closing_line <= end) {
      text_.insert(comma ? next + 1 : end, cat(comma ? " " : ", ", entry_text(path, value, outer, true)));
      return;
    }
    const auto indent = indent_at(text_, place.offset + last->key_span.offset);
    text_.insert(closing_line, cat(indent, entry_text(path, value, indent, false), comma ? ",\n" : "\n"));
    if (!comma) text_.insert(end, ",");
  }

  /// With the comma that parts it from its neighbour.
  void remove(const Place& place, const json::Members& members, const json::Member& member) {
    std::size_t begin = place.text.find('{') + 1;
    std::size_t end = member.value.offset + member.value.length;
    const json::Member* before = nullptr;
    const json::Member* behind = nullptr;
    for (const auto& one : members.all()) {
      if (one.key_span.offset < member.key_span.offset) before = &one;
      if (one.key_span.offset > member.key_span.offset && behind == nullptr) behind = &one;
    }
    if (behind != nullptr) {
      begin = member.key_span.offset;
      end = behind->key_span.offset;
    } else if (before != nullptr) {
      begin = before->value.offset + before->value.length;
    }
    text_.erase(place.offset + begin, end - begin);
  }

  std::string text_;
};

}  // namespace

Result<std::string> merge_json(std::string_view text, std::span<const Setting> settings) {
  JsonText json{text};
  for (const auto& setting : settings) {
    Status set = json.set(setting);
    if (!set) return fail_with(set);
  }
  return json.take();
}

}  // namespace cardea::app
