#pragma once
// Private to the folder: JSON by the table of shape.h. Writing leaves out what has no value; reading refuses what the table does
// not hold. An error names the path of the member at fault.

#include <algorithm>
#include <type_traits>

#include "base/text.h"
#include "dialect/fields.h"
#include "dialect/native/shape.h"

namespace cardea::dialect::native_format {

template <class T>
inline constexpr bool is_optional = false;
template <class T>
inline constexpr bool is_optional<std::optional<T>> = true;
template <class T>
inline constexpr bool is_vector = false;
template <class T>
inline constexpr bool is_vector<std::vector<T>> = true;
/// Objects under any keys.
template <class T>
inline constexpr bool is_map = std::is_same_v<T, model::Extras> || std::is_same_v<T, std::vector<model::Metadata>>;

// --- writing ----------------------------------------------------------------------------------------------------------------

template <class T>
void write_value(json::Writer& w, const T& value);

template <class T>
void write_members(json::Writer& w, const T& object) {
  each_field<T>(object, [&](const auto& field, const auto& member) {
    using M = std::remove_cvref_t<decltype(member)>;
    bool said = true;
    if constexpr (is_optional<M>) {
      said = member.has_value();
    } else if constexpr (std::is_enum_v<M>) {
      said = field.need == Need::required || member != M{};
    } else if constexpr (std::is_same_v<M, std::string>) {
      said = field.need == Need::required || !(member.empty() || (field.need == Need::foreign && member == dialect_name));
    } else if constexpr (is_vector<M>) {
      said = field.need == Need::required || !member.empty();
    }
    if (!said) return;
    w.key(field.name);
    if constexpr (is_optional<M>) {
      write_value(w, *member);
    } else {
      write_value(w, member);
    }
  });
}

template <class T>
void write_value(json::Writer& w, const T& value) {
  if constexpr (std::is_same_v<T, std::string>) {
    w.string(value);
  } else if constexpr (std::is_same_v<T, bool>) {
    w.boolean(value);
  } else if constexpr (std::is_same_v<T, std::uint64_t>) {
    w.number(value);
  } else if constexpr (std::is_same_v<T, model::Number> || std::is_same_v<T, model::Json>) {
    w.raw(value.text.empty() ? std::string_view{"null"} : std::string_view{value.text});
  } else if constexpr (std::is_enum_v<T>) {
    w.string(Words<T>::all[static_cast<std::size_t>(value)]);
  } else if constexpr (is_map<T>) {
    w.begin_object();
    for (const auto& [key, inner] : value) write_value(w.key(key), inner);
    w.end_object();
  } else if constexpr (is_vector<T>) {
    w.begin_array();
    for (const auto& element : value) write_value(w, element);
    w.end_array();
  } else if constexpr (Mirrored<T>) {
    write_value(w, Shape<T>::written(value));
  } else if constexpr (Tagged<T>) {
    w.begin_object();
    std::visit(
        [&]<class A>(const A& alternative) {
          w.key("type").string(Shape<A>::tag);
          write_members(w, alternative);
        },
        choice_in(value));
    if constexpr (!is_variant<T>) write_members(w, value);
    w.end_object();
  } else {
    w.begin_object();
    write_members(w, value);
    w.end_object();
  }
}

template <class T>
[[nodiscard]] std::string json_of(const T& value) {
  std::string out;
  json::Writer w{out};
  write_value(w, value);
  return out;
}

// --- reading ----------------------------------------------------------------------------------------------------------------

template <class T>
Status read_value(const json::Value& value, const std::string& path, T& out);

/// Which members of an object were taken so far.
class Taken {
 public:
  Taken(const json::Value& object, const std::string& path) : object_{object}, path_{path} {}

  /// Reads the members that T's table names.
  template <class T>
  Status take(T& out) {
    Status status;
    each_field<T>(out, [&](const auto& field, auto& member) {
      names_.push_back(field.name);
      if (!status) return;
      const json::Value* found = nullptr;
      for (const auto& [key, value] : object_.members()) {
        if (key != field.name) continue;
        if (found != nullptr) status = bad_field(at(key), "is given twice");
        found = &value;
      }
      if (!status) return;
      if (found != nullptr) {
        status = read_value(*found, at(field.name), member);
      } else if (field.need == Need::required) {
        status = bad_field(at(field.name), "is missing");
      }
    });
    return status;
  }
  /// Every other member is one too many.
  Status finish(std::string_view tag = {}) {
    for (const auto& [key, value] : object_.members()) {
      if (key == tag || std::ranges::find(names_, key) != names_.end()) continue;
      const auto near = nearest(std::string_view{key}.substr(0, 64), names_.data(), names_.size());
      return bad_field(at(key), near.empty() ? "is not known here" : cat("is not known here; did you mean '", near, "'?"));
    }
    return {};
  }
  [[nodiscard]] std::string at(std::string_view key) const { return path_.empty() ? std::string{key} : cat(path_, '.', key); }

 private:
  const json::Value& object_;
  const std::string& path_;
  std::vector<std::string_view> names_;
};

template <class T>
Status check_whole(const std::string& path, const T& value) {
  if constexpr (requires { Shape<T>::fault(value); }) {
    const std::string_view fault = Shape<T>::fault(value);
    if (!fault.empty()) return bad_field(path, fault);
  }
  return {};
}

template <class T>
Status read_object(const json::Value& value, const std::string& path, T& out) {
  if (!value.is(json::Type::object)) return wrong_type(path, "an object", value.type());
  Taken taken{value, path};
  Status status = taken.take(out);
  if (status) status = taken.finish();
  if (status) status = check_whole(path, out);
  return status;
}

template <class T>
Status read_tagged(const json::Value& value, const std::string& path, T& out) {
  if (!value.is(json::Type::object)) return wrong_type(path, "an object", value.type());
  Taken taken{value, path};
  std::size_t tags = 0;
  for (const auto& [key, member] : value.members()) tags += key == "type" ? 1u : 0u;
  if (tags != 1) return bad_field(taken.at("type"), tags == 0 ? "is missing" : "is given twice");
  const std::string* word = value.find("type")->as_string();
  if (word == nullptr) return wrong_type(taken.at("type"), "a string", value.find("type")->type());
  using Variant = std::remove_cvref_t<decltype(choice_in(out))>;
  bool known = false;
  Status status;
  std::string words;
  each_alternative<Variant>([&]<class A>() {
    words += cat(words.empty() ? "" : ", ", Shape<A>::tag);
    if (known || *word != Shape<A>::tag) return;
    known = true;
    A alternative{};
    status = taken.take(alternative);
    if (status) status = check_whole(path, alternative);
    choice_in(out) = std::move(alternative);
  });
  if (!known) return bad_field(taken.at("type"), cat("is '", word->substr(0, 64), "', which is none of ", words));
  if constexpr (!is_variant<T>) {
    if (status) status = taken.take(out);
  }
  if (status) status = taken.finish("type");
  return status;
}

template <class Enum>
Status read_word(const json::Value& value, const std::string& path, Enum& out) {
  const std::string* word = value.as_string();
  if (word == nullptr) return wrong_type(path, "a string", value.type());
  const auto& words = Words<Enum>::all;
  const auto found = std::ranges::find(words, *word);
  if (found != words.end()) {
    out = static_cast<Enum>(found - words.begin());
    return {};
  }
  std::string names;
  for (const auto known : words) names += cat(names.empty() ? "" : ", ", known);
  return bad_field(path, cat("is '", word->substr(0, 64), "', which is none of ", names));
}

template <class T>
Status read_map(const json::Value& value, const std::string& path, T& out) {
  if (!value.is(json::Type::object)) return wrong_type(path, "an object", value.type());
  for (const auto& [key, member] : value.members()) {
    auto& entry = out.emplace_back();
    entry.key = key;
    Status status = read_value(member, cat(path, '.', key), entry.value);
    if (!status) return status;
  }
  return {};
}

template <class T>
Status read_list(const json::Value& value, const std::string& path, T& out) {
  if (!value.is(json::Type::array)) return wrong_type(path, "an array", value.type());
  for (std::size_t i = 0; i < value.elements().size(); ++i) {
    Status status = read_value(value.elements()[i], cat(path, '[', i, ']'), out.emplace_back());
    if (!status) return status;
  }
  return {};
}

template <class T>
Status read_value(const json::Value& value, const std::string& path, T& out) {
  if constexpr (is_optional<T>) {
    return read_value(value, path, out.emplace());
  } else if constexpr (std::is_enum_v<T>) {
    return read_word(value, path, out);
  } else if constexpr (is_map<T>) {
    return read_map(value, path, out);
  } else if constexpr (is_vector<T>) {
    return read_list(value, path, out);
  } else if constexpr (Mirrored<T>) {
    typename Shape<T>::Written written;
    Status status = read_value(value, path, written);
    if (status) out = Shape<T>::read(std::move(written));
    return status;
  } else if constexpr (Tagged<T>) {
    return read_tagged(value, path, out);
  } else if constexpr (requires(std::optional<T>& into) { read(value, path, into); }) {
    std::optional<T> into;
    Status status = read(value, path, into);
    if (into) out = std::move(*into);
    return status;
  } else {
    return read_object(value, path, out);
  }
}

}  // namespace cardea::dialect::native_format
