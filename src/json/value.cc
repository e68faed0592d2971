#include "json/value.h"

#include <algorithm>
#include <cassert>
#include <charconv>

#include "json/writer.h"

namespace cardea::json {

Value Value::boolean(bool value) {
  Value out;
  out.content_ = value;
  return out;
}
Value Value::string(std::string text) {
  Value out;
  out.content_.emplace<std::string>(std::move(text));
  return out;
}
Value Value::number(std::string raw) {
  Value out;
  out.content_.emplace<Number>(std::move(raw));
  return out;
}
Value Value::integer(std::int64_t value) { return number(std::to_string(value)); }
Value Value::array(std::vector<Value> elements) {
  Value out;
  out.content_.emplace<Elements>(std::move(elements));
  return out;
}
Value Value::object(std::vector<Member> members) {
  Value out;
  out.content_.emplace<Pairs>(std::move(members));
  return out;
}

const Value* Value::find(std::string_view key) const noexcept {
  const auto* const members = std::get_if<Pairs>(&content_);
  if (members == nullptr) return nullptr;
  for (auto it = members->rbegin(); it != members->rend(); ++it) {
    if (it->first == key) return &it->second;
  }
  return nullptr;
}
Value* Value::find(std::string_view key) noexcept { return const_cast<Value*>(std::as_const(*this).find(key)); }  // NOLINT

std::optional<bool> Value::as_bool() const noexcept {
  const auto* const found = std::get_if<bool>(&content_);
  return found != nullptr ? std::optional{*found} : std::nullopt;
}
std::optional<std::uint64_t> Value::as_u64() const noexcept {
  const std::string* const raw = as_number();
  return raw != nullptr ? to_u64(*raw) : std::nullopt;
}
std::optional<std::int64_t> Value::as_i64() const noexcept {
  const std::string* const raw = as_number();
  return raw != nullptr ? to_i64(*raw) : std::nullopt;
}
std::optional<double> Value::as_double() const noexcept {
  const std::string* const raw = as_number();
  if (raw == nullptr) return std::nullopt;
  double value{};
  const auto [end, error] = std::from_chars(raw->data(), raw->data() + raw->size(), value);
  if (error != std::errc{} || end != raw->data() + raw->size()) return std::nullopt;
  return value;
}

const std::vector<Value>& Value::elements() const noexcept {
  static const Elements none;
  const auto* const found = std::get_if<Elements>(&content_);
  return found != nullptr ? *found : none;
}
std::span<Value> Value::each_element() noexcept {
  auto* const found = std::get_if<Elements>(&content_);
  return found != nullptr ? std::span{*found} : std::span<Value>{};
}
const std::vector<Value::Member>& Value::members() const noexcept {
  static const Pairs none;
  const auto* const found = std::get_if<Pairs>(&content_);
  return found != nullptr ? *found : none;
}

std::span<Value::Member> Value::each_member() noexcept {
  auto* const found = std::get_if<Pairs>(&content_);
  return found != nullptr ? std::span{*found} : std::span<Member>{};
}

Value& Value::set(std::string_view key, Value value) {
  assert(is(Type::object));
  if (auto* found = find(key)) return *found = std::move(value);
  return edit_members().emplace_back(std::string{key}, std::move(value)).second;
}

bool Value::erase(std::string_view key) {
  return std::erase_if(edit_members(), [&](const Member& member) { return member.first == key; }) != 0;
}

void Value::append_to(std::string& out) const {
  switch (type()) {
    case Type::null: out.append("null"); break;
    case Type::boolean: out.append(*as_bool() ? "true" : "false"); break;
    case Type::number: out.append(*as_number()); break;
    case Type::string: append_string(out, *as_string()); break;
    case Type::array: {
      char separator = '[';
      for (const auto& element : elements()) {
        out.push_back(separator);
        element.append_to(out);
        separator = ',';
      }
      out.append(elements().empty() ? "[]" : "]");
      break;
    }
    case Type::object: {
      char separator = '{';
      for (const auto& [key, value] : members()) {
        out.push_back(separator);
        append_string(out, key);
        out.push_back(':');
        value.append_to(out);
        separator = ',';
      }
      out.append(members().empty() ? "{}" : "}");
      break;
    }
  }
}

std::string Value::dump() const {
  std::string out;
  append_to(out);
  return out;
}

/// Builds a tree from what a scan with `everything` noted: no byte is looked at twice.
class TreeBuilder {
 public:
  explicit TreeBuilder(const Members& notes) : notes_{notes} {}

  void fill(Value& out, Type type, Members::Range inside) const {
    if (type == Type::array) {
      auto& elements = out.content_.emplace<Value::Elements>();
      elements.reserve(count(inside));
      for (const auto& note : inside) fill(elements.emplace_back(), note);
    } else {
      auto& members = out.content_.emplace<Value::Pairs>();
      members.reserve(count(inside));
      for (const auto& note : inside) fill(members.emplace_back(note.key, Value{}).second, note);
    }
  }
  void fill(Value& out, const Member& note) const {
    if (note.type == Type::array || note.type == Type::object) return fill(out, note.type, notes_.inside(note));
    fill(out, note.type, notes_.raw(note), note.escaped);
  }
  void fill(Value& out, Type type, std::string_view raw, bool escaped) const {
    switch (type) {
      case Type::null: break;
      case Type::boolean: out.content_ = raw.front() == 't'; break;
      case Type::number: out.content_.emplace<Value::Number>(std::string{raw}); break;
      default: {
        auto& text = out.content_.emplace<std::string>();
        if (escaped) {
          unescape(raw, text);
        } else {
          text.assign(raw.substr(1, raw.size() - 2));
        }
      }
    }
  }

 private:
  static std::size_t count(Members::Range range) noexcept {
    std::size_t out = 0;
    for (auto it = range.begin(); it != range.end(); ++it) ++out;
    return out;
  }

  const Members& notes_;
};

namespace {

std::string_view without_space(std::string_view text) {
  constexpr std::string_view space = " \t\n\r";
  text.remove_prefix(text.find_first_not_of(space));
  return text.substr(0, text.find_last_not_of(space) + 1);
}

}  // namespace

Result<Value> parse(std::string_view text, const ScanOptions& options) {
  Members notes;
  auto type = note_everything(text, options, notes);
  if (!type) return fail_with(type);
  Result<Value> out{std::in_place};
  const TreeBuilder builder{notes};
  if (*type == Type::array || *type == Type::object) {
    builder.fill(*out, *type, notes.all());
  } else {
    const std::string_view raw = without_space(text);
    builder.fill(*out, *type, raw, raw.contains('\\'));
  }
  return out;
}

}  // namespace cardea::json
