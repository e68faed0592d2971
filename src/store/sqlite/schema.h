#pragma once
// Private to the room: what tables there are, and how a file of an older version becomes one of this.

#include <span>
#include <string>

#include "store/sqlite/connection.h"

namespace cardea::store::sqlite {

/// Step n leads from version n to version n + 1; version 0 is an empty file. Steps are added, never changed.
using Migrations = std::span<const char* const>;
[[nodiscard]] Migrations migrations() noexcept;

/// Makes an open file ready: it is empty, or Cardea's own and not newer. Before an older file is changed, a copy of it is put
/// beside it (FILE.vN). Error: config, naming the file and the fix; the file is as it was.
[[nodiscard]] Status prepare(Connection& connection, const std::string& file, Migrations steps);

/// The same for one that only looks: nothing is changed, and one of an older version is refused too.
[[nodiscard]] Status check(Connection& connection, const std::string& file, Migrations steps);

/// What a failure to use the file means, with its name and the fix. Kind::config.
[[nodiscard]] std::unexpected<Error> unreadable(const Connection& connection, const std::string& file, const Error& error);

}  // namespace cardea::store::sqlite
