#pragma once
// Private to the room: what formats of tokenizers share.

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "dialect/raw.h"
#include "dialect/task.h"

namespace cardea::dialect {

/// Integers of 0 or more.
Status read_ids(const Raw& list, std::string_view path, std::vector<std::uint64_t>& out);
void write_ids(json::Writer& w, std::string_view key, std::span<const std::uint64_t> ids);

/// A detokenizer's answer: an object whose `member` is the text. `dialect`: the format's name.
[[nodiscard]] Result<TaskAnswer> read_text(const Raw& root, std::string_view dialect, std::string_view member);
[[nodiscard]] std::string write_text(const TaskAnswer& answer, std::string_view dialect, std::string_view member, Losses& losses);

}  // namespace cardea::dialect
