#pragma once
// What the files of tables share. Private to this room.

#include <algorithm>

#include "config/field.h"

namespace cardea::config {

template <class T>
void place(void* object, Where where, const std::vector<std::string>& given) {
  auto& value = *static_cast<T*>(object);
  value.where = std::move(where);
  if constexpr (requires { value.given; }) value.given = given;
}

template <std::size_t A, std::size_t B>
constexpr std::array<Field, A + B> join(const std::array<Field, A>& a, const std::array<Field, B>& b) {
  std::array<Field, A + B> out{};
  std::copy(b.begin(), b.end(), std::copy(a.begin(), a.end(), out.begin()));
  return out;
}

template <class T>
constexpr Table table(std::string_view name, std::string_view doc, std::span<const Field> fields) {
  return {name, doc, fields, default_of<T>};
}
template <class T>
constexpr Table placed_table(std::string_view name, std::string_view doc, std::span<const Field> fields,
                             std::string_view shorthand = {}) {
  return {name, doc, fields, default_of<T>, shorthand, place<T>};
}

/// Where something belongs, found in its own struct.
template <auto... Place_>
inline constexpr std::array place_rows{
    field<Place_..., &Place::organization>(
        "organization", {.doc = "It belongs to this organisation.", .example = "acme", .also = "organization_id,org"}),
    field<Place_..., &Place::team>("team", {.doc = "It belongs to this team.", .example = "research", .also = "team_id"}),
    field<Place_..., &Place::project>("project",
                                      {.doc = "It belongs to this project.", .example = "search", .also = "project_id"}),
};

}  // namespace cardea::config
