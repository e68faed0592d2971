// What formats of tokenizers share: ids, and the text of a way back.

#include "dialect/tokens.h"

namespace cardea::dialect {

Status read_ids(const Raw& list, std::string_view path, std::vector<std::uint64_t>& out) {
  if (!list.is(json::Type::array)) return wrong_type(path, "an array", list.type());
  Status status;
  list.each_element([&](const Raw& element) {
    const auto id = element.is(json::Type::number) ? json::to_u64(element.text()) : std::nullopt;
    if (!id) status = bad_field(cat(path, '[', out.size(), ']'), "must be an integer of 0 or more");
    if (id) out.push_back(*id);
    return status.has_value();
  });
  return status;
}

void write_ids(json::Writer& w, std::string_view key, std::span<const std::uint64_t> ids) {
  w.key(key).begin_array();
  for (const auto id : ids) w.number(id);
  w.end_array();
}

Result<TaskAnswer> read_text(const Raw& root, std::string_view dialect, std::string_view member) {
  auto text = required_text(root, member, "");
  if (!text) return fail_with(text);
  model::Detokenized out;
  out.dialect = dialect;
  out.text = std::move(*text);
  collect_extras(root, {&member, 1}, out.extras);
  return out;
}

std::string write_text(const TaskAnswer& answer, std::string_view dialect, std::string_view member, Losses& losses) {
  const auto& detokenized = std::get<model::Detokenized>(answer);
  std::string out;
  json::Writer w{out};
  w.begin_object();
  w.key(member).string(detokenized.text);
  write_or_lose(w, detokenized.extras, whose(detokenized.dialect, dialect), losses);
  w.end_object();
  return out;
}

}  // namespace cardea::dialect
