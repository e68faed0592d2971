#pragma once
// `cardea keys|teams|…`: the administration on the command line. Flags come from the tables that read the configuration.

#include <span>
#include <string>
#include <string_view>

#include "app/command.h"
#include "config/reference.h"

namespace cardea::app {

/// One command for each kind of thing.
[[nodiscard]] std::span<const Command> thing_commands();

/// The flags that were given as a JSON object; an empty value is null, for a change takes the field away. `id`: empty: none.
/// Error: config.
[[nodiscard]] Result<std::string> form_of(std::span<const config::FormField> fields, const Arguments& arguments,
                                          std::string_view id);

/// What the administration answered, for eyes: a list as a table, one thing as lines.
[[nodiscard]] std::string show_answer(std::string_view json);

}  // namespace cardea::app
