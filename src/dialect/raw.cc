#include "dialect/raw.h"

#include <algorithm>

namespace cardea::dialect {
namespace {

using json::Type;

constexpr std::string_view space = " \t\r\n";

/// Behind the string whose opening quote is at `at`.
std::size_t string_end(std::string_view text, std::size_t at) noexcept {
  for (++at; at < text.size() && text[at] != '"'; ++at) {
    if (text[at] == '\\') ++at;
  }
  return std::min(at + 1, text.size());
}

std::size_t container_end(std::string_view text, std::size_t at) noexcept {
  std::size_t depth = 0;
  while (at < text.size()) {
    const char c = text[at];
    if (c == '"') {
      at = string_end(text, at);
      continue;
    }
    ++at;
    if (c == '[' || c == '{') ++depth;
    if ((c == ']' || c == '}') && --depth == 0) break;
  }
  return at;
}

}  // namespace

Result<Raw> Raw::checked(std::string_view text, const json::ScanOptions& options) {
  auto type = json::validate(text, options);
  if (!type) return fail_with(type);
  const auto begin = text.find_first_not_of(space);
  return Raw{text.substr(begin, text.find_last_not_of(space) - begin + 1)};
}

Type Raw::type() const noexcept {
  switch (text_.front()) {
    case '{': return Type::object;
    case '[': return Type::array;
    case '"': return Type::string;
    case 't':
    case 'f': return Type::boolean;
    case 'n': return Type::null;
    default: return Type::number;
  }
}

std::string Raw::string() const {
  std::string out;
  if (is(Type::string)) json::unescape(text_, out);
  return out;
}

model::Json Raw::compact() const {
  std::string out;
  out.reserve(text_.size());
  for (std::size_t at = 0; at < text_.size();) {
    const auto end = text_[at] == '"' ? string_end(text_, at) : at + 1;
    if (space.find(text_[at]) == std::string_view::npos) out.append(text_.substr(at, end - at));
    at = end;
  }
  return {std::move(out)};
}

std::size_t Raw::first() const noexcept {
  const bool container = text_.front() == '[' || text_.front() == '{';
  return container ? std::min(text_.find_first_not_of(space, 1), text_.size()) : text_.size();
}

Raw Raw::value_at(std::size_t at) const noexcept {
  const char c = text_[at];
  std::size_t end = 0;
  if (c == '"') {
    end = string_end(text_, at);
  } else if (c == '[' || c == '{') {
    end = container_end(text_, at);
  } else {
    end = std::min(text_.find_first_of(",]} \t\r\n", at), text_.size());
  }
  return Raw{text_.substr(at, end - at)};
}

std::size_t Raw::behind(const Raw& inner) const noexcept {
  auto at = static_cast<std::size_t>(inner.text_.data() - text_.data()) + inner.text_.size();
  at = text_.find_first_not_of(space, at);
  if (at < text_.size() && (text_[at] == ',' || text_[at] == ':')) at = text_.find_first_not_of(space, at + 1);
  return std::min(at, text_.size());
}

std::optional<Raw> Raw::find(std::string_view key) const {
  std::optional<Raw> found;
  if (!is(Type::object)) return found;
  each_member([&](const Raw& name, const Raw& value) {
    const auto inside = name.text_.substr(1, name.text_.size() - 2);
    const bool same = inside.find('\\') == std::string_view::npos ? inside == key : name.string() == key;
    if (!same) return;
    found.reset();
    if (!value.is(Type::null)) found = value;
  });
  return found;
}

bool Raw::empty_list() const { return is(Type::array) && text_[first()] == ']'; }

Status read(const Raw& value, std::string_view path, std::optional<std::string>& out) {
  if (!value.is(Type::string)) return wrong_type(path, "a string", value.type());
  out = value.string();
  return {};
}
Status read(const Raw& value, std::string_view path, std::optional<bool>& out) {
  if (!value.is(Type::boolean)) return wrong_type(path, "a boolean", value.type());
  out = value.text() == "true";
  return {};
}
Status read(const Raw& value, std::string_view path, std::optional<std::uint64_t>& out) {
  if (!value.is(Type::number)) return wrong_type(path, "an integer", value.type());
  out = json::to_u64(value.text());
  return out ? Status{} : bad_field(path, cat("must be an integer of 0 or more, not ", value.text()));
}
Status read(const Raw& value, std::string_view path, std::optional<model::Number>& out) {
  if (!value.is(Type::number)) return wrong_type(path, "a number", value.type());
  out = model::Number{std::string{value.text()}};
  return {};
}
Status read(const Raw& value, std::string_view /*path*/, std::optional<model::Json>& out) {
  out = value.compact();
  return {};
}
Status read(const Raw& value, std::string_view path, std::optional<std::vector<std::string>>& out) {
  if (!value.is(Type::array)) return wrong_type(path, "an array of strings", value.type());
  auto& texts = out.emplace();
  Status status;
  value.each_element([&](const Raw& element) {
    if (!element.is(Type::string)) status = wrong_type(cat(path, '[', texts.size(), ']'), "a string", element.type());
    texts.push_back(element.string());
    return status.has_value();
  });
  return status;
}

Result<Raw> required(const Raw& object, std::string_view key, std::string_view path, Type type) {
  const auto value = object.find(key);
  if (!value) return bad_field(field_path(path, key), "is missing");
  if (!value->is(type)) return wrong_type(field_path(path, key), json::describe(type), value->type());
  return *value;
}

Result<std::string> required_text(const Raw& object, std::string_view key, std::string_view path) {
  auto value = required(object, key, path, Type::string);
  if (!value) return fail_with(value);
  return value->string();
}

void collect_extras(const Raw& object, std::span<const std::string_view> known, model::Extras& out) {
  if (!object.is(Type::object)) return;
  object.each_member([&](const Raw& name, const Raw& value) {
    auto key = name.string();
    if (value.is(Type::null) || std::ranges::find(known, key) != known.end()) return;
    // Given twice: the last counts, as everywhere.
    std::erase_if(out, [&](const model::Extra& extra) { return extra.key == key; });
    out.push_back({std::move(key), value.compact()});
  });
}

void write_or_lose(json::Writer& w, const model::Extras& extras, Whose whose, Losses& losses) {
  for (const auto& extra : extras) {
    if (whose == Whose::own) {
      w.key(extra.key).raw(extra.value.text);
    } else {
      losses.detail(extra.key);
    }
  }
}

}  // namespace cardea::dialect
