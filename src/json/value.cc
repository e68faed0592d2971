#include "json/value.h"

#include <algorithm>
#include <cassert>
#include <charconv>

#include "json/scan_strings.h"
#include "json/writer.h"

namespace cardea::json {

Value Value::boolean(bool value) {
  Value out;
  out.type_ = Type::boolean;
  out.boolean_ = value;
  return out;
}
Value Value::string(std::string text) {
  Value out;
  out.type_ = Type::string;
  out.text_ = std::move(text);
  return out;
}
Value Value::number(std::string raw) {
  Value out;
  out.type_ = Type::number;
  out.text_ = std::move(raw);
  return out;
}
Value Value::integer(std::int64_t value) { return number(std::to_string(value)); }
Value Value::array(std::vector<Value> elements) {
  Value out;
  out.type_ = Type::array;
  out.elements_ = std::move(elements);
  return out;
}
Value Value::object(std::vector<Member> members) {
  Value out;
  out.type_ = Type::object;
  out.members_ = std::move(members);
  return out;
}

const Value* Value::find(std::string_view key) const noexcept {
  for (auto it = members_.rbegin(); it != members_.rend(); ++it) {
    if (it->first == key) return &it->second;
  }
  return nullptr;
}
Value* Value::find(std::string_view key) noexcept { return const_cast<Value*>(std::as_const(*this).find(key)); }  // NOLINT

std::optional<bool> Value::as_bool() const noexcept { return is(Type::boolean) ? std::optional{boolean_} : std::nullopt; }
std::optional<std::uint64_t> Value::as_u64() const noexcept { return is(Type::number) ? to_u64(text_) : std::nullopt; }
std::optional<std::int64_t> Value::as_i64() const noexcept { return is(Type::number) ? to_i64(text_) : std::nullopt; }
std::optional<double> Value::as_double() const noexcept {
  double value{};
  if (!is(Type::number)) return std::nullopt;
  const auto [end, error] = std::from_chars(text_.data(), text_.data() + text_.size(), value);
  if (error != std::errc{} || end != text_.data() + text_.size()) return std::nullopt;
  return value;
}

Value& Value::set(std::string_view key, Value value) {
  assert(is(Type::object));
  if (auto* found = find(key)) return *found = std::move(value);
  return members_.emplace_back(std::string{key}, std::move(value)).second;
}

bool Value::erase(std::string_view key) {
  return std::erase_if(members_, [&](const Member& member) { return member.first == key; }) != 0;
}

void Value::append_to(std::string& out) const {
  switch (type_) {
    case Type::null: out.append("null"); break;
    case Type::boolean: out.append(boolean_ ? "true" : "false"); break;
    case Type::number: out.append(text_); break;
    case Type::string: append_string(out, text_); break;
    case Type::array: {
      char separator = '[';
      for (const auto& element : elements_) {
        out.push_back(separator);
        element.append_to(out);
        separator = ',';
      }
      out.append(elements_.empty() ? "[]" : "]");
      break;
    }
    case Type::object: {
      char separator = '{';
      for (const auto& [key, value] : members_) {
        out.push_back(separator);
        append_string(out, key);
        out.push_back(':');
        value.append_to(out);
        separator = ',';
      }
      out.append(members_.empty() ? "{}" : "}");
      break;
    }
  }
}

std::string Value::dump() const {
  std::string out;
  append_to(out);
  return out;
}

namespace {

/// Builds a tree from a text that was validated: no checks, bounded depth.
class Builder {
 public:
  explicit Builder(std::string_view text) : p_{text.data()}, end_{text.data() + text.size()} {}

  Value value() {
    skip_space();
    switch (*p_) {
      case '{': return object();
      case '[': return array();
      case '"': return Value::string(string());
      case 't': p_ += 4; return Value::boolean(true);
      case 'f': p_ += 5; return Value::boolean(false);
      case 'n': p_ += 4; return {};
      default: return number();
    }
  }

 private:
  void skip_space() {
    while (*p_ == ' ' || *p_ == '\n' || *p_ == '\t' || *p_ == '\r') ++p_;
  }
  /// After '{', '[' or a value: true when the container ends here (and it is skipped), false when another member follows.
  bool at_end(char bracket) {
    skip_space();
    if (*p_ == ',') ++p_;
    skip_space();
    if (*p_ != bracket) return false;
    ++p_;
    return true;
  }
  Value object() {
    constexpr std::size_t members_mostly = 8;
    Value out = Value::object();
    ++p_;
    while (!at_end('}')) {
      if (out.members().empty()) out.members().reserve(members_mostly);
      std::string key = string();
      skip_space();
      ++p_;
      out.members().emplace_back(std::move(key), value());
    }
    return out;
  }
  Value array() {
    Value out = Value::array();
    ++p_;
    while (!at_end(']')) out.elements().push_back(value());
    return out;
  }
  std::string string() {
    const char* const begin = p_;
    const StringEnd found = kernel_.skip(begin + 1, end_, ScanOptions::LoneSurrogate::allowed);
    p_ = found.close + 1;
    if (!found.escaped) return {begin + 1, found.close};
    std::string out;
    unescape({begin, p_}, out);
    return out;
  }
  Value number() {
    const char* const begin = p_;
    const auto of_number = [](char c) {
      return (c >= '0' && c <= '9') || c == '-' || c == '+' || c == '.' || c == 'e' || c == 'E';
    };
    while (p_ != end_ && of_number(*p_)) ++p_;
    return Value::number({begin, p_});
  }

  const char* p_;
  const char* end_;
  const StringKernel& kernel_ = best_string_kernel();
};

}  // namespace

Result<Value> parse(std::string_view text, const ScanOptions& options) {
  auto type = validate(text, options);
  if (!type) return fail_with(type);
  return Builder{text}.value();
}

}  // namespace cardea::json
