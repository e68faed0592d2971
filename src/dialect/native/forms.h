#pragma once
// The two forms of Cardea's native format, for the rooms above: JSON and XML, which an XML Schema describes (docs/native.md).

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "base/error.h"
#include "dialect/dialect.h"
#include "dialect/task.h"

namespace cardea::dialect {

/// The native dialect with its answers, streams and errors in XML. Its requests are read as JSON: see native_request().
[[nodiscard]] const Dialect& native_xml();
/// A request in XML as one in JSON: a chat, or of that task. Error: bad_request, naming line and column.
[[nodiscard]] Result<std::string> native_request(std::string_view xml, std::optional<Task> task = {});
/// An answer that its TaskFormat wrote, in the form of `dialect`: native() or native_xml().
[[nodiscard]] std::string native_task_answer(const Dialect& dialect, Task task, std::string json);

/// One model of the list.
struct NativeModel {
  std::string id;
  std::optional<std::string> owned_by;
  std::optional<std::uint64_t> created;  ///< Unix seconds
  std::optional<std::uint64_t> context_tokens;
  std::optional<std::uint64_t> max_output_tokens;
};
/// The pages about models, in the form of `dialect`: native() or native_xml().
[[nodiscard]] std::string native_models_body(const Dialect& dialect, std::span<const NativeModel> models);
[[nodiscard]] std::string native_model_body(const Dialect& dialect, const NativeModel& model);

/// docs/cardea-native.xsd.
[[nodiscard]] std::string native_xsd();

}  // namespace cardea::dialect
