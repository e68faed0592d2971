#pragma once
// Golden files and cassettes.

#include <string>
#include <string_view>
#include <vector>

namespace cardea::testing {

/// Compares `actual` with the file at `path` (relative to the source tree). Empty when equal, else a message with the first line
/// that differs. With CARDEA_UPDATE_GOLDEN=1 in the environment it writes the file instead:
/// `EXPECT_EQ(golden("src/x/testdata/a.txt", text), "");`
[[nodiscard]] std::string golden(std::string_view path, std::string_view actual);

/// Names of the sub-folders of `path` (relative to the source tree), sorted: each is one case. Empty when there is none.
[[nodiscard]] std::vector<std::string> cases(std::string_view path);

/// Content of a file relative to the source tree; throws std::runtime_error naming the file when it cannot be read.
[[nodiscard]] std::string read_testdata(std::string_view path);

/// The absolute path of something in the source tree.
[[nodiscard]] std::string source_path(std::string_view path);

}  // namespace cardea::testing
