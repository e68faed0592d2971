#pragma once
// What a Catalog holds. Private to this room.

#include <deque>
#include <unordered_map>

#include "catalog/catalog.h"

namespace cardea::catalog {

/// Lookup of a std::string key by std::string_view, without making a string.
struct TextHash {
  using is_transparent = void;
  std::size_t operator()(std::string_view text) const noexcept { return std::hash<std::string_view>{}(text); }
};
template <class T>
using ByName = std::unordered_map<std::string, T, TextHash, std::equal_to<>>;

/// A name ending in a star, written by the user.
struct Wildcard {
  std::string prefix;  ///< what stands before the star
  const Provider* provider = nullptr;
  std::size_t cut = 0;  ///< leading bytes of the asked name that are not sent
  std::string fixed;    ///< not empty: sent instead of the asked name
  const ModelInfo* info = nullptr;
};

inline constexpr std::size_t name_bytes_max = 256;

struct Catalog::Data {  // NOLINT: all public, seen by this room only
  // Deques: elements never move, so Targets may point into them.
  std::deque<Provider> owned_providers;
  std::deque<ModelInfo> owned_models;
  std::deque<std::string> owned_names;

  std::vector<const Provider*> providers;  ///< in order of preference
  ByName<const Provider*> by_name;
  ByName<Target> names;             ///< every exact name
  ByName<std::string> dead;         ///< names that are written somewhere and cannot be reached: why
  std::vector<Wildcard> wildcards;  ///< longest prefix first
  std::vector<Disabled> disabled;
  std::vector<Entry> list;
  ByName<std::size_t> list_index;
};

/// A provider ready for calling from its data, or why not. `key`: the credential, may be empty.
struct Made {
  struct Wrong {
    enum class Field : std::uint8_t { base_url, headers, key } field;
    std::string message, fix;
  };
  Provider provider;
  std::vector<Wrong> problems;
};
[[nodiscard]] Made make_provider(std::string name, const config::Provider& data, const Secret& key);
[[nodiscard]] ModelInfo make_model(const config::ProviderModel& data, const config::Provider& provider);
void take_facts(ModelInfo& info, const config::Facts& facts);
/// The credential of a provider: its own, or the first variable of key_env that is set. White space around it is cut off.
[[nodiscard]] Secret find_key(const config::Provider& data, const config::Env& env);
/// "set GROQ_API_KEY".
[[nodiscard]] std::string key_hint(const config::Provider& data);
/// Unix time of "YYYY-MM-DD"; a constant when it is not a date.
[[nodiscard]] std::int64_t unix_time(std::string_view date);

}  // namespace cardea::catalog
