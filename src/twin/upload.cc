#include "twin/upload.h"

#include <algorithm>

namespace cardea::twin {
namespace {

/// A field's value, put where `name` says.
void add_field(Upload& upload, std::string_view name, std::string_view text) {
  constexpr std::string_view list = "[]";
  auto value = json::Value::string(std::string{text});
  if (!name.ends_with(list)) {
    upload.fields.set(name, std::move(value));
    return;
  }
  name.remove_suffix(list.size());
  if (upload.fields.find(name) == nullptr) upload.fields.set(name, json::Value::array());
  upload.fields.find(name)->edit_elements().push_back(std::move(value));
}

}  // namespace

const UploadedFile* Upload::file(std::string_view name) const noexcept {
  const auto found = std::ranges::find(files, name, &UploadedFile::name);
  return found != files.end() ? &*found : nullptr;
}

Status UploadReader::take(std::string_view bytes) {
  for (;;) {
    auto event = parser_.next(bytes);
    if (!event) return fail_with(event);
    if (event->kind == wire::MultipartEvent::Kind::none) return {};
    if (Status noted = note(*event); !noted) return noted;
  }
}

Status UploadReader::note(const wire::MultipartEvent& event) {
  constexpr std::size_t text_bytes_max = 1 << 20;
  constexpr std::size_t file_bytes_max = 2 << 20;
  const auto& part = parser_.part();
  const bool file = part.filename.has_value();
  switch (event.kind) {
    case wire::MultipartEvent::Kind::part:
      text_.clear();
      if (file) {
        out_.files.push_back({std::string{part.name}, std::string{*part.filename}, std::string{part.content_type}, {}, 0});
      }
      return {};
    case wire::MultipartEvent::Kind::data: {
      if (!file) {
        text_bytes_ += event.data.size();
        if (text_bytes_ > text_bytes_max) return fail(Kind::too_large, "the form's fields are larger than 1 MiB");
        text_ += event.data;
        return {};
      }
      const auto kept = event.data.substr(0, file_bytes_max - file_bytes_);
      file_bytes_ += kept.size();
      out_.files.back().bytes += kept;
      out_.files.back().size += event.data.size();
      return {};
    }
    case wire::MultipartEvent::Kind::part_end:
      if (!file) add_field(out_, part.name, text_);
      return {};
    case wire::MultipartEvent::Kind::end:
    case wire::MultipartEvent::Kind::none: return {};
  }
  return {};
}

Status refuse_no_form(std::string_view content_type) {
  return fail(Kind::bad_request, cat("Invalid Content-Type header (", content_type,
                                     "), expected multipart/form-data. (HINT: If you're using curl, you can pass -H "
                                     "'Content-Type: multipart/form-data')"));
}

void convert_field(json::Value& value, unsigned types) {
  if (value.as_string() == nullptr) return;
  const auto& text = *value.as_string();
  if ((types & is_bool) != 0 && (text == "true" || text == "false")) {
    value = json::Value::boolean(text == "true");
  } else if ((types & is_number) != 0) {
    auto number = json::parse(text);
    if (number && number->is(json::Type::number)) value = std::move(*number);
  }
}

}  // namespace cardea::twin
