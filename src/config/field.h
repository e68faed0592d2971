#pragma once
// The field tables: each field of the configuration is declared once. A Table describes one struct; from it come the parser, the
// JSON Schema, the reference page and the environment variables. Private to this room.

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <type_traits>
#include <vector>

#include "config/loader.h"
#include "config/settings.h"
#include "config/tree.h"
#include "json/writer.h"

namespace cardea::config {

struct Field;
struct Table;

/// Where a reading stands and what it found.
struct Reader {
  std::string file;
  std::vector<Problem>& problems;
  std::string path = {};
  Places* places = nullptr;

  void problem(const Node& node, std::string message, std::string fix) {
    problems.push_back({Severity::error, {file, node.line, node.column}, path, std::move(message), std::move(fix)});
  }
};

enum class Shape : std::uint8_t { text, secret, integer, size, duration, price, amount, choice, list, map, object };

/// How values of one C++ type are read, shown and described. One constexpr instance per type.
struct Codec {
  Shape shape;
  void (*read)(Reader&, Node&, void* out, const Field&);
  std::string (*show)(const void*);                          ///< "" = nothing worth showing
  void (*write)(json::Writer&, const void*);                 ///< as JSON that read() takes; of secrets: nothing but an empty text
  const Codec* element = nullptr;                            ///< of lists and maps
  const Table& (*table)() = nullptr;                         ///< of objects
  std::span<const std::string_view> (*choices)() = nullptr;  ///< of choices, in the order of the enum
};

/// May the field change while Cardea runs?
enum class Apply : std::uint8_t { live, restart };

/// What is written about a field beside its name and type.
struct Spec {
  std::string_view doc = {};      ///< one sentence
  std::string_view example = {};  ///< YAML
  std::string_view unit = {};
  std::string_view env = {};   ///< environment variables that set it, comma-separated, the strongest first
  std::string_view also = {};  ///< names other gateways use, for "did you mean"; comma-separated
  std::uint64_t min = 0;       ///< of numbers, sizes and durations (in ms)
  std::uint64_t max = ~std::uint64_t{0};
  Apply apply = Apply::live;
  bool required = false;
};

struct Field {
  std::string_view name = {};
  const Codec* codec = nullptr;
  void* (*at)(void*) = nullptr;                  ///< the member in its struct
  void (*copy)(void* to, void* from) = nullptr;  ///< assigns the member from another struct's
  Spec spec = {};
};

struct Table {
  std::string_view name;  ///< of the definition in the JSON Schema
  std::string_view doc;
  std::span<const Field> fields;
  const void* (*defaults)();        ///< a default-made struct
  std::string_view shorthand = {};  ///< a plain value instead of a mapping sets this field
  void (*placed)(void*, Where, const std::vector<std::string>& given) = nullptr;  ///< tells the struct where it stood
};

/// The fields that are not as in a default-made struct; secrets are left out.
void write_object(json::Writer& out, const void* object, const Table& table);
/// Reads a mapping by its table.
void read_object(Reader& reader, Node& node, void* out, const Table& table);
[[nodiscard]] const Field* find_field(const Table& table, std::string_view name);

/// Specialised in tables.cc for every struct of settings.h.
template <class T>
const Table& table_of();
template <>
const Table& table_of<Tls>();
template <>
const Table& table_of<Log>();
template <>
const Table& table_of<GatewayKey>();
template <>
const Table& table_of<Organization>();
template <>
const Table& table_of<Team>();
template <>
const Table& table_of<Project>();
template <>
const Table& table_of<EndUser>();
template <>
const Table& table_of<Member>();
template <>
const Table& table_of<Budget>();
template <>
const Table& table_of<ClaimNames>();
template <>
const Table& table_of<Jwt>();
template <>
const Table& table_of<Introspection>();
template <>
const Table& table_of<Oidc>();
template <>
const Table& table_of<MasterKey>();
template <>
const Table& table_of<Limits>();
template <>
const Table& table_of<Timeouts>();
template <>
const Table& table_of<Upstream>();
template <>
const Table& table_of<Metrics>();
template <>
const Table& table_of<Responses>();
template <>
const Table& table_of<Fetch>();
template <>
const Table& table_of<Auth>();
template <>
const Table& table_of<RateLimit>();
template <>
const Table& table_of<Price>();
template <>
const Table& table_of<ProviderModel>();
template <>
const Table& table_of<Quirks>();
template <>
const Table& table_of<Provider>();
template <>
const Table& table_of<Model>();
template <>
const Table& table_of<Alias>();
template <>
const Table& table_of<Settings>();
/// Specialised in field.cc for every enum of settings.h: the names in the order of the enum.
template <class T>
std::span<const std::string_view> choices_of();
template <>
std::span<const std::string_view> choices_of<ClientAuth>();
template <>
std::span<const std::string_view> choices_of<TlsVersion>();
template <>
std::span<const std::string_view> choices_of<LogFormat>();
template <>
std::span<const std::string_view> choices_of<LogLevel>();
template <>
std::span<const std::string_view> choices_of<AuthType>();
template <>
std::span<const std::string_view> choices_of<ModelType>();
template <>
std::span<const std::string_view> choices_of<Capability>();
template <>
std::span<const std::string_view> choices_of<MaxTokensField>();
template <>
std::span<const std::string_view> choices_of<Dialect>();
template <>
std::span<const std::string_view> choices_of<Role>();
template <>
std::span<const std::string_view> choices_of<Period>();
template <>
std::span<const std::string_view> choices_of<Switch>();
template <>
std::span<const std::string_view> choices_of<Passthrough>();
template <>
std::span<const std::string_view> choices_of<Signing>();
template <>
std::span<const std::string_view> choices_of<MetricsAuth>();

/// Another spelling of a choice, as vendors, SDKs and YAML's own users have it.
struct OtherName {
  std::string_view name;
  std::size_t index;
};
[[nodiscard]] std::span<const OtherName> other_names(std::span<const std::string_view> choices);

// Readers of single values; `field` gives the bounds.
void read_text(Reader&, Node&, void* std_string, const Field&);
void read_secret(Reader&, Node&, void* secret, const Field&);
void read_u32(Reader&, Node&, void* uint32, const Field&);
void read_bytes(Reader&, Node&, void* bytes, const Field&);
void read_duration(Reader&, Node&, void* milliseconds, const Field&);
void read_price(Reader&, Node&, void* usd_per_million, const Field&);
void read_usd(Reader&, Node&, void* money, const Field&);
/// The index of the choice; std::nullopt after a problem.
[[nodiscard]] std::optional<std::size_t> read_choice(Reader&, const Node&, std::span<const std::string_view> choices);
/// False after a problem.
[[nodiscard]] bool expect_scalar(Reader&, const Node&, std::string_view what);
[[nodiscard]] bool expect_map(Reader&, const Node&);

void write_text(json::Writer&, const void* std_string);
void write_number(json::Writer&, const void* uint32);
void write_nothing(json::Writer&, const void*);
/// Of what is shown as a plain value.
template <std::string (*Show)(const void*)>
void write_shown(json::Writer& out, const void* value) {
  out.string(Show(value));
}
void write_usd(json::Writer&, const void* money);

std::string show_text(const void*);
std::string show_u32(const void*);
std::string show_bytes(const void*);
std::string show_duration(const void*);
std::string show_price(const void*);
std::string show_usd(const void*);
inline std::string show_nothing(const void*) { return {}; }

template <class T>
struct IsMap : std::false_type {};
template <class T>
struct IsMap<Map<T>> : std::true_type {
  using Value = T;
};
template <class T>
struct IsList : std::false_type {};
template <class T>
struct IsList<std::vector<T>> : std::bool_constant<!IsMap<std::vector<T>>::value> {
  using Value = T;
};
template <class T>
struct IsOptional : std::false_type {};
template <class T>
struct IsOptional<std::optional<T>> : std::true_type {
  using Value = T;
};

template <class T>
constexpr Codec make_codec();
template <class T>
inline constexpr Codec codec_of = make_codec<T>();

/// As of the value inside.
template <class T>
constexpr Codec make_optional_codec() {
  using Value = typename IsOptional<T>::Value;
  auto codec = codec_of<Value>;
  codec.read = [](Reader& reader, Node& node, void* out, const Field& field) {
    codec_of<Value>.read(reader, node, &static_cast<T*>(out)->emplace(), field);
  };
  codec.show = show_nothing;
  codec.write = [](json::Writer& out, const void* value) {
    if (const auto& optional = *static_cast<const T*>(value)) {
      codec_of<Value>.write(out, &*optional);
    } else {
      out.null();
    }
  };
  return codec;
}

/// Lists of mappings grow from file to file; lists of plain values replace each other.
template <class T>
inline constexpr bool list_adds = codec_of<T>.shape == Shape::object;

/// One value may stand for a list of one.
template <class T>
void read_list(Reader& reader, Node& node, void* out, const Field& field) {
  auto& list = *static_cast<std::vector<T>*>(out);
  if constexpr (!list_adds<T>) list.clear();
  const auto one = [&](Node& element) {
    T value{};
    codec_of<T>.read(reader, element, &value, field);
    list.push_back(std::move(value));
  };
  if (node.kind != Node::Kind::list) return one(node);
  const auto path = reader.path;
  for (std::size_t i = 0; i < node.list.size(); ++i) {
    reader.path = path + '[' + std::to_string(i) + ']';
    if (reader.places != nullptr) reader.places->set(reader.path, {reader.file, node.list[i].line, node.list[i].column});
    one(node.list[i]);
  }
  reader.path = path;
}

template <class T>
void read_map(Reader& reader, Node& node, void* out, const Field& field) {
  if (!expect_map(reader, node)) return;
  auto& map = *static_cast<Map<T>*>(out);
  const auto path = reader.path;
  for (auto& entry : node.map) {
    reader.path = path + '.' + entry.key;
    if (reader.places != nullptr) reader.places->set(reader.path, {reader.file, entry.line, entry.column});
    T value{};
    codec_of<T>.read(reader, entry.value, &value, field);
    const auto same = std::find_if(map.begin(), map.end(), [&](const auto& other) { return other.first == entry.key; });
    if (same != map.end()) {
      same->second = std::move(value);
    } else {
      map.emplace_back(entry.key, std::move(value));
    }
  }
  reader.path = path;
}

template <class T>
std::string show_choice(const void* value) {
  return std::string{choices_of<T>()[static_cast<std::size_t>(*static_cast<const T*>(value))]};
}

template <class T>
void write_choice(json::Writer& out, const void* value) {
  if constexpr (std::is_same_v<T, Switch>) {
    out.boolean(*static_cast<const T*>(value) == Switch::on);
  } else {
    out.string(show_choice<T>(value));
  }
}

template <class T>
constexpr Codec make_codec() {
  if constexpr (std::is_same_v<T, std::string>) {
    return {Shape::text, read_text, show_text, write_text};
  } else if constexpr (std::is_same_v<T, Secret>) {
    return {Shape::secret, read_secret, show_nothing, write_nothing};
  } else if constexpr (std::is_same_v<T, std::uint32_t>) {
    return {Shape::integer, read_u32, show_u32, write_number};
  } else if constexpr (std::is_same_v<T, Bytes>) {
    return {Shape::size, read_bytes, show_bytes, write_shown<show_bytes>};
  } else if constexpr (std::is_same_v<T, Milliseconds>) {
    return {Shape::duration, read_duration, show_duration, write_shown<show_duration>};
  } else if constexpr (std::is_same_v<T, UsdPerMillion>) {
    return {Shape::price, read_price, show_price, write_shown<show_price>};
  } else if constexpr (std::is_same_v<T, Money>) {
    return {Shape::amount, read_usd, show_usd, write_usd};
  } else if constexpr (std::is_enum_v<T>) {
    return {Shape::choice,
            [](Reader& reader, Node& node, void* out, const Field&) {
              if (const auto index = read_choice(reader, node, choices_of<T>())) *static_cast<T*>(out) = static_cast<T>(*index);
            },
            show_choice<T>,
            write_choice<T>,
            nullptr,
            nullptr,
            choices_of<T>};
  } else if constexpr (IsOptional<T>::value) {
    return make_optional_codec<T>();
  } else if constexpr (IsMap<T>::value) {
    using Value = typename IsMap<T>::Value;
    return {Shape::map, read_map<Value>, show_nothing,
            [](json::Writer& out, const void* map) {
              out.begin_object();
              for (const auto& [key, value] : *static_cast<const T*>(map))
                codec_of<Value>.write(out.key(std::string_view{key}), &value);
              out.end_object();
            },
            &codec_of<Value>};
  } else if constexpr (IsList<T>::value) {
    using Value = typename IsList<T>::Value;
    return {Shape::list, read_list<Value>,
            [](const void* value) {
              std::string out;
              for (const auto& element : *static_cast<const T*>(value)) {
                out += (out.empty() ? "" : ", ") + codec_of<Value>.show(&element);
              }
              return out;
            },
            [](json::Writer& out, const void* list) {
              out.begin_array();
              for (const auto& element : *static_cast<const T*>(list)) codec_of<Value>.write(out, &element);
              out.end_array();
            },
            &codec_of<Value>};
  } else {
    return {
        Shape::object, [](Reader& reader, Node& node, void* out, const Field&) { read_object(reader, node, out, table_of<T>()); },
        show_nothing,  [](json::Writer& out, const void* object) { write_object(out, object, table_of<T>()); },
        nullptr,       table_of<T>};
  }
}

template <class T>
struct MemberOf;
template <class Struct, class Value>
struct MemberOf<Value Struct::*> {
  using Owner = Struct;
  using Type = Value;
};

template <auto First, auto... Rest>
auto& member_of(typename MemberOf<decltype(First)>::Owner& owner) {
  if constexpr (sizeof...(Rest) == 0) {
    return owner.*First;
  } else {
    return member_of<Rest...>(owner.*First);
  }
}

/// A row of a table: the member's type decides how it is read. Several members are the way to one inside another.
template <auto First, auto... Rest>
consteval Field field(std::string_view name, Spec spec) {
  using Owner = typename MemberOf<decltype(First)>::Owner;
  using Type = std::remove_cvref_t<decltype(member_of<First, Rest...>(std::declval<Owner&>()))>;
  return {name, &codec_of<Type>, [](void* owner) -> void* { return &member_of<First, Rest...>(*static_cast<Owner*>(owner)); },
          [](void* to, void* from) {
            member_of<First, Rest...>(*static_cast<Owner*>(to)) = member_of<First, Rest...>(*static_cast<Owner*>(from));
          },
          spec};
}

template <class T>
const void* default_of() {
  static const T value{};
  return &value;
}

}  // namespace cardea::config
