#include "pipeline/end_user.h"

#include <algorithm>
#include <array>

#include "base/text.h"
#include "json/scan.h"
#include "wire/http1.h"

namespace cardea::pipeline {
namespace {

constexpr std::array<std::string_view, 3> header_names{"x-cardea-user", "x-litellm-customer-id", "x-litellm-end-user-id"};

/// One member that names somebody, if it is of that type; `seen`: the one of this name so far.
Status meet(const json::Member& member, const json::Member*& seen) {
  if (seen != nullptr) return fail(Kind::bad_request, cat("'", member.key, "' is there twice"), std::string{member.key});
  seen = &member;
  return {};
}

std::string text_of(const json::Members& object, const json::Member* member) {
  return member != nullptr && member->type == json::Type::string ? std::string{object.string(*member)} : std::string{};
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
  const json::Member* user = nullptr;
  const json::Member* identifier = nullptr;
  const json::Member* metadata = nullptr;
  for (const json::Member& member : body.all()) {
    Status met;
    if (member.key == "user") met = meet(member, user);
    if (member.key == "safety_identifier") met = meet(member, identifier);
    if (member.key == "metadata") met = meet(member, metadata);
    if (!met) return fail_with(met);
  }
  for (const json::Member* member : {user, identifier}) {
    std::string named = text_of(body, member);
    if (!named.empty()) return named;
  }
  if (metadata == nullptr || metadata->type != json::Type::object) return std::string{};
  json::Members inside;
  const json::ScanOptions options{.what = "'metadata'"};
  Status scanned = json::scan(body.raw(*metadata), options, inside);
  if (!scanned) return fail_with(scanned);
  const Result<const json::Member*> id = inside.unique("user_id");
  if (!id) return fail(id.error().clone());
  return text_of(inside, *id);
}

}  // namespace cardea::pipeline
