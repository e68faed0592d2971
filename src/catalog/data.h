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

/// Would a connection there be one to ourselves?
[[nodiscard]] bool is_own(const Origin& origin, const config::Settings& settings);

/// Where a request for this model of a provider goes: some models are served in another dialect than their provider's.
[[nodiscard]] inline Target target_of(const Provider* provider, std::string_view model, const ModelInfo* info) {
  return {info != nullptr && info->served_by != nullptr ? info->served_by : provider, model, info};
}

struct Catalog::Data {  // NOLINT: all public, seen by this room only
  // Deques: elements never move, so Targets may point into them.
  std::deque<Provider> owned_providers;
  std::deque<ModelInfo> owned_models;
  std::deque<std::string> owned_names;

  std::vector<const Provider*> providers;  ///< in order of preference
  ByName<const Provider*> by_name;
  std::vector<const Provider*> upstreams;  ///< the same and their other dialects
  ByName<Target> names;                    ///< every exact name
  ByName<std::string> dead;                ///< names that are written somewhere and cannot be reached: why
  std::vector<Wildcard> wildcards;         ///< longest prefix first
  std::vector<Disabled> disabled;
  std::vector<Entry> list;
  ByName<std::size_t> list_index;
};

/// Something wrong with a provider's data or with what it takes from the environment.
struct Wrong {
  enum class Field : std::uint8_t { base_url, headers, key } field;
  std::string message, fix;
};

/// What a provider proves itself with, and its address with the blanks filled in.
struct Proof {
  enum class Way : std::uint8_t { none, key, bearer, signer } way = Way::none;
  Secret key;  ///< to be sent as `way` says; of a signer, the part that must never be seen
  Signer signer;
  std::string base_url;
  std::string file;     ///< the credentials were read from it
  std::string missing;  ///< not empty: without this it cannot be called: "set GROQ_API_KEY"
  std::vector<Wrong> problems;
};
/// What the configuration gives counts first, then variables. White space around a credential is cut off.
[[nodiscard]] Proof find_proof(const config::Provider& data, const config::Env& env, const ReadFile& read);

/// A provider ready for calling, or why not.
struct Made {
  Provider provider;
  std::vector<Wrong> problems;
};
[[nodiscard]] Made make_provider(std::string name, const config::Provider& data, const Proof& proof);
[[nodiscard]] ModelInfo make_model(const config::ProviderModel& data, const config::Provider& provider);
void take_facts(ModelInfo& info, const config::Facts& facts);
/// Unix time of "YYYY-MM-DD"; a constant when it is not a date.
[[nodiscard]] std::int64_t unix_time(std::string_view date);

}  // namespace cardea::catalog
