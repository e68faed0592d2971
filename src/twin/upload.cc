#include "twin/upload.h"

#include <algorithm>

#include "wire/multipart.h"

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

Status read_upload(std::string_view content_type, std::string_view body, Upload& out) {
  auto boundary = wire::multipart_boundary(content_type);
  if (!boundary) {
    return fail(Kind::bad_request, cat("Invalid Content-Type header (", content_type,
                                       "), expected multipart/form-data. (HINT: If you're using curl, you can pass -H "
                                       "'Content-Type: multipart/form-data')"));
  }
  wire::MultipartParser parser{*boundary};
  using Event = wire::MultipartEvent::Kind;
  for (auto rest = body;;) {
    auto event = parser.next(rest);
    if (!event) return fail_with(event);
    if (event->kind == Event::none) break;
    if (event->kind != Event::part_end) continue;
    const auto& part = parser.part();
    const auto data = body.substr(event->begin, event->end - event->begin);
    if (part.filename) {
      out.files.push_back({std::string{part.name}, std::string{*part.filename}, std::string{part.content_type}, data});
    } else {
      add_field(out, part.name, data);
    }
  }
  return parser.finish();
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
