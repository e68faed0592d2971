#include "dialect/anthropic/models.h"

#include <algorithm>

#include "base/text.h"
#include "dialect/fields.h"
#include "json/writer.h"

namespace cardea::dialect::claude {

using json::Writer;

namespace {

constexpr std::size_t limit_max = 1000;

/// RFC 3339, UTC; civil dates by Howard Hinnant's "days from civil", backwards.
std::string rfc3339(std::uint64_t seconds) {
  const std::uint64_t days = seconds / 86'400 + 719'468;
  const std::uint64_t second = seconds % 86'400;
  const std::uint64_t era = days / 146'097;
  const std::uint64_t day_of_era = days % 146'097;
  const std::uint64_t year_of_era = (day_of_era - day_of_era / 1460 + day_of_era / 36'524 - day_of_era / 146'096) / 365;
  const std::uint64_t day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
  const std::uint64_t shifted = (5 * day_of_year + 2) / 153;
  const std::uint64_t day = day_of_year - (153 * shifted + 2) / 5 + 1;
  const std::uint64_t month = shifted < 10 ? shifted + 3 : shifted - 9;
  const std::uint64_t year = year_of_era + era * 400 + (month <= 2 ? 1 : 0);
  const auto two = [](std::uint64_t n) { return cat(n < 10 ? "0" : "", n); };
  return cat(year, '-', two(month), '-', two(day), 'T', two(second / 3600), ':', two(second / 60 % 60), ':', two(second % 60),
             'Z');
}

void write_model(Writer& w, const ModelEntry& model) {
  w.begin_object().key("type").string("model").key("id").string(model.id);
  w.key("display_name").string(model.display_name.empty() ? model.id : model.display_name);
  w.key("created_at").string(rfc3339(model.created_at)).end_object();
}

std::optional<char> hex_of(std::string_view digits) {
  unsigned value = 0;
  const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), value, 16);
  if (error != std::errc{} || end != digits.data() + digits.size() || digits.size() != 2) return std::nullopt;
  return static_cast<char>(value);
}

std::string unescaped(std::string_view text) {
  std::string out;
  for (std::size_t i = 0; i < text.size(); ++i) {
    const auto byte = text[i] == '%' ? hex_of(text.substr(i + 1, 2)) : std::nullopt;
    if (byte) {
      out.push_back(*byte);
      i += 2;
    } else {
      out.push_back(text[i] == '+' ? ' ' : text[i]);
    }
  }
  return out;
}

void write_id(Writer& w, std::string_view key, std::span<const ModelEntry> models, bool last) {
  w.key(key);
  if (models.empty()) {
    w.null();
  } else {
    w.string(last ? models.back().id : models.front().id);
  }
}

}  // namespace

Result<ModelsPage> parse_models_query(std::string_view query) {
  ModelsPage page;
  while (!query.empty()) {
    const auto end = std::min(query.find('&'), query.size());
    const auto pair = query.substr(0, end);
    query.remove_prefix(std::min(end + 1, query.size()));
    const auto equals = std::min(pair.find('='), pair.size());
    const auto key = pair.substr(0, equals);
    const auto value = unescaped(pair.substr(std::min(equals + 1, pair.size())));
    if (key == "after_id" && !value.empty()) page.after_id = value;
    if (key == "before_id" && !value.empty()) page.before_id = value;
    if (key != "limit") continue;
    const auto limit = parse_number<std::size_t>(value);
    if (!limit || *limit == 0 || *limit > limit_max) return bad_field("limit", cat("must be a number from 1 to ", limit_max));
    page.limit = *limit;
  }
  return page;
}

Result<std::string> models_body(std::span<const ModelEntry> models, const ModelsPage& page) {
  const auto place_of = [&](const std::string& id) {
    return static_cast<std::size_t>(std::ranges::find(models, id, &ModelEntry::id) - models.begin());
  };
  std::size_t first = 0;
  std::size_t end = models.size();
  if (page.after_id) {
    first = place_of(*page.after_id);
    if (first == models.size()) return bad_field("after_id", "names no model of this list");
    ++first;
  }
  if (page.before_id) {
    end = place_of(*page.before_id);
    if (end == models.size()) return bad_field("before_id", "names no model of this list");
  }
  first = std::min(first, end);
  const bool more = end - first > page.limit;
  // Backwards, the page is the one that ends there.
  if (page.before_id && !page.after_id) {
    first = more ? end - page.limit : first;
  } else {
    end = more ? first + page.limit : end;
  }
  const auto said = models.subspan(first, end - first);
  std::string out;
  Writer w{out};
  w.begin_object().key("data").begin_array();
  for (const auto& model : said) write_model(w, model);
  w.end_array().key("has_more").boolean(more);
  write_id(w, "first_id", said, false);
  write_id(w, "last_id", said, true);
  w.end_object();
  return out;
}

std::string model_body(const ModelEntry& model) {
  std::string out;
  Writer w{out};
  write_model(w, model);
  return out;
}

}  // namespace cardea::dialect::claude
