#pragma once
// Forms that carry files (multipart/form-data), read by the same tables as JSON.

#include <string>
#include <string_view>
#include <vector>

#include "twin/task.h"

namespace cardea::twin {

/// A part with a file name. Views into the body or the upload.
struct UploadedFile {
  std::string name;  ///< of the field
  std::string filename;
  std::string content_type;
  std::string_view bytes;
};

/// A form, taken apart: what is no file as members of an object, `name[]` as a list `name`.
struct Upload {
  json::Value fields = json::Value::object();
  std::vector<UploadedFile> files;

  /// The first one; null: none.
  [[nodiscard]] const UploadedFile* file(std::string_view name) const noexcept;
};

/// Error bad_request: no such form, or not well-formed.
[[nodiscard]] Status read_upload(std::string_view content_type, std::string_view body, Upload& out);
/// Forms have no types: a text that reads as one of `types` becomes it.
void convert_field(json::Value& value, unsigned types);

template <class T, std::size_t N>
[[nodiscard]] Status read_form_task(const TaskAsk& ask, const TaskReading& how, const Row<T> (&rows)[N], TaskPlan& plan, T& into,
                                    Upload& upload) {
  if (Status status = read_upload(ask.content_type, ask.body, upload); !status) return how.refuse(status.error().message());
  if (const auto model = text_member(upload.fields, "model"); !model.empty()) plan.model = model;
  for (auto& [name, value] : upload.fields.each_member()) {
    const auto* row = std::ranges::find(rows, std::string_view{name}, &Row<T>::name);
    if (row != std::end(rows)) convert_field(value, row->types);
  }
  ChatRequest scratch;
  Reading reading{.request = scratch, .words = how.words, .strict = ask.strict.value_or(how.strict), .issuer = {}};
  return read_members(At{reading, upload.fields, ""}, rows, into);
}

}  // namespace cardea::twin
