#pragma once
// A configuration text as a tree with places. The only door to yaml-cpp, whose exceptions end here.

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/error.h"
#include "config/loader.h"
#include "config/settings.h"

namespace cardea::config {

/// One value. Lines and columns count from 1; 0 = unknown.
struct Node {
  enum class Kind : std::uint8_t { null, scalar, list, map };
  struct Entry;
  Kind kind = Kind::null;
  unsigned line = 0;
  unsigned column = 0;
  std::string text;      ///< of a scalar, variables put in
  std::string written;   ///< of a scalar in which a variable was put in: the text of the file, safe to show
  bool missing = false;  ///< a variable it names is not set
  std::vector<Node> list;
  std::vector<Entry> map;  ///< in the order of the text; keys are unique

  [[nodiscard]] Node* find(std::string_view key);
  /// What may be shown of a scalar.
  [[nodiscard]] const std::string& shown() const { return written.empty() ? text : written; }
};
struct Node::Entry {
  std::string key;
  unsigned line = 0;
  unsigned column = 0;
  Node value;
};

inline constexpr std::size_t file_bytes_max = 4U << 20;
inline constexpr unsigned depth_max = 32;
inline constexpr std::size_t nodes_max = 200'000;  ///< after aliases: bounds "billion laughs"

/// One YAML document. Problems: syntax (the first one only, as nothing after it can be trusted), duplicate keys, several
/// documents, size, depth, aliases. The tree is what could be read.
[[nodiscard]] Node parse_yaml(std::string_view text, const std::string& file, std::vector<Problem>& problems);

/// JSON made by to_json(); no places.
[[nodiscard]] Result<Node> parse_json(std::string_view json);
/// Compact; scalars become strings.
[[nodiscard]] std::string to_json(const Node& node);

enum class Missing : std::uint8_t {
  is_problem,  ///< a variable that is not set and has no default is a problem naming it
  is_empty,    ///< the scalar becomes empty
};
/// Puts variables into every scalar: ${NAME}, ${NAME:-default}, $${ for a literal ${, and, as a whole scalar, os.environ/NAME,
/// env.NAME,
/// ${env.NAME}. Values are not looked into again; a default may itself hold ${…}, three levels deep.
void substitute(Node& root, const Env& env, Missing missing, const std::string& file, std::vector<Problem>& problems);

}  // namespace cardea::config
