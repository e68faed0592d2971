#pragma once
// Forms that carry files (multipart/form-data), read as they come, and by the same tables as JSON.

#include <string>
#include <string_view>
#include <vector>

#include "http/spool.h"
#include "twin/task.h"
#include "wire/multipart.h"

namespace cardea::twin {

/// A part with a file name.
struct UploadedFile {
  std::string name;  ///< of the field
  std::string filename;
  std::string content_type;
  std::string bytes;       ///< its beginning: no upload keeps more than 2 MiB of files
  std::uint64_t size = 0;  ///< of all of it
};

/// A form, taken apart: what is no file as members of an object, `name[]` as a list `name`.
struct Upload {
  json::Value fields = json::Value::object();
  std::vector<UploadedFile> files;

  /// The first one; null: none.
  [[nodiscard]] const UploadedFile* file(std::string_view name) const noexcept;
};

/// Takes a form apart as it comes, however large. `out` must outlive it. Errors: bad_request, too_large (1 MiB of plain fields).
class UploadReader final : public http::BodySink {
 public:
  UploadReader(std::string_view boundary, Upload& out) : parser_{boundary}, out_{out} {}
  Status take(std::string_view bytes) override;
  [[nodiscard]] Status finish() const { return parser_.finish(); }

 private:
  [[nodiscard]] Status note(const wire::MultipartEvent& event);
  wire::MultipartParser parser_;
  Upload& out_;
  std::string text_;  ///< of the field that is being read
  std::size_t text_bytes_ = 0;
  std::size_t file_bytes_ = 0;
};

/// The words for a body that is no form.
[[nodiscard]] Status refuse_no_form(std::string_view content_type);
/// Forms have no types: a text that reads as one of `types` becomes it.
void convert_field(json::Value& value, unsigned types);

template <class T, std::size_t N>
[[nodiscard]] Status read_form_task(const TaskAsk& ask, const TaskReading& how, const Row<T> (&rows)[N], TaskPlan& plan,
                                    T& into) {
  if (ask.upload == nullptr) return refuse_no_form(ask.content_type);
  json::Value fields = ask.upload->fields;
  if (const auto model = text_member(fields, "model"); !model.empty()) plan.model = model;
  for (auto& [name, value] : fields.each_member()) {
    const auto* row = std::ranges::find(rows, std::string_view{name}, &Row<T>::name);
    if (row != std::end(rows)) convert_field(value, row->types);
  }
  ChatRequest scratch;
  Reading reading{.request = scratch, .words = how.words, .strict = ask.strict.value_or(how.strict), .issuer = {}};
  return read_members(At{reading, fields, ""}, rows, into);
}

}  // namespace cardea::twin
