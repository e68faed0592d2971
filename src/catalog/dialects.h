#pragma once
// What an address must know of a wire format, as data: the codecs themselves live in the dialect room, which is no business of
// this one. Private to this room.

#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "config/settings.h"

namespace cardea::catalog {

struct DialectFacts {
  config::Dialect dialect;
  std::string_view prefix;                   ///< of a bare origin; a full address ends in prefix + operation
  std::span<const std::string_view> chats;   ///< endings of full chat addresses; '*' is one segment, or its part, with the model
  std::span<const std::string_view> others;  ///< endings of other operations that people paste
  std::string_view key_header;               ///< how its keys travel; empty: Authorization: Bearer
  std::string_view headers;                  ///< "name: value", one that every request needs; empty: none
  std::string_view stream_query;             ///< of a pasted address of streams; the codec adds it where it belongs
};
[[nodiscard]] const DialectFacts& facts_of(config::Dialect dialect);

/// A path without the operation it ends in, and the model it named there.
struct Stripped {
  std::string_view path;
  std::string_view model;  ///< as it was written; empty when it named none
};
/// A path that ends in none of them stays as it is.
[[nodiscard]] Stripped strip_operation(std::string_view path, const DialectFacts& facts);
/// What the ending of a path says when nobody says it; nothing when it ends in no chat of any dialect.
[[nodiscard]] std::optional<config::Dialect> dialect_of_path(std::string_view path);

}  // namespace cardea::catalog
