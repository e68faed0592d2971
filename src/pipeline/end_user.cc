#include "pipeline/end_user.h"

#include <algorithm>
#include <array>

#include "base/text.h"
#include "json/scan.h"
#include "wire/http1.h"

namespace cardea::pipeline {
namespace {

constexpr std::array<std::string_view, 3> header_names{"x-cardea-user", "x-litellm-customer-id", "x-litellm-end-user-id"};

Result<std::string> text_of(const json::Members& object, std::string_view name) {
  Result<const json::Member*> member = object.unique(name);
  if (!member) return fail_with(member);
  if (*member == nullptr || (*member)->type != json::Type::string) return std::string{};
  return std::string{object.string(**member)};
}

}  // namespace

std::string_view end_user_in(const wire::RequestHead& head) noexcept {
  const wire::HeaderTable& headers = head.headers();
  for (std::size_t i = 0; i < headers.size(); ++i) {
    if (headers.field(i) != wire::Field::other) continue;
    const wire::Header header = headers[i];
    if (std::ranges::any_of(header_names, [&](std::string_view name) { return iequals(header.name, name); })) return header.value;
  }
  return {};
}

Result<std::string> end_user_in(const json::Members& body) {
  for (const std::string_view name : {"user", "safety_identifier"}) {
    Result<std::string> named = text_of(body, name);
    if (!named || !named->empty()) return named;
  }
  Result<const json::Member*> metadata = body.unique("metadata");
  if (!metadata) return fail_with(metadata);
  if (*metadata == nullptr || (*metadata)->type != json::Type::object) return std::string{};
  json::Members inside;
  const json::ScanOptions options{.what = "'metadata'"};
  Status scanned = json::scan(body.raw(**metadata), options, inside);
  if (!scanned) return fail_with(scanned);
  return text_of(inside, "user_id");
}

}  // namespace cardea::pipeline
