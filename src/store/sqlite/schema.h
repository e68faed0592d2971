#pragma once
// Private to the room: what tables there are, and how a file of an older version becomes one of this.

#include <cstdint>
#include <span>
#include <string>
#include <string_view>

#include "store/sqlite/connection.h"

namespace cardea::store::sqlite {

/// Step n leads from version n to version n + 1; version 0 is an empty file. Steps are added, never changed.
using Migrations = std::span<const char* const>;

/// What a file of Cardea is.
enum class Contents : std::uint8_t {
  administration,  ///< cardea.db: tenants, keys, stored responses
  ledger,          ///< ledger.db: what requests cost
};
struct Schema {
  Migrations steps;
  std::int64_t application_id = 0x43617264;                       ///< in the file's header: "Card"
  std::string_view keeps = "tenants, keys and stored responses";  ///< what is lost with it
};
[[nodiscard]] const Schema& schema_of(Contents contents) noexcept;

/// Makes an open file ready: it is empty, or Cardea's own and not newer. Before an older file is changed, a copy of it is put
/// beside it (FILE.vN). Error: config, naming the file and the fix; the file is as it was.
[[nodiscard]] Status prepare(Connection& connection, const std::string& file, const Schema& schema);

/// The same for one that only looks: nothing is changed, and one of an older version is refused too.
[[nodiscard]] Status check(Connection& connection, const std::string& file, const Schema& schema);

/// What a failure to use the file means, with its name and the fix. Kind::config.
[[nodiscard]] std::unexpected<Error> unreadable(const Connection& connection, const std::string& file, const Error& error,
                                                const Schema& schema = schema_of(Contents::administration));

}  // namespace cardea::store::sqlite
