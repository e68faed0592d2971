// Build tool: checks catalog/prices/*.yaml against the models of catalog/providers and writes them as one C++ array.
// usage: prices_embed OUT.cc PROVIDERS_DIRECTORY FILE.yaml…

#include <chrono>
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <sstream>

#include "base/text.h"
#include "config/loader.h"
#include "config/tree.h"

namespace {

using namespace cardea;

std::string read(const std::filesystem::path& path) {
  std::stringstream text;
  text << std::ifstream{path}.rdbuf();
  return text.str();
}

/// "0.15" in units of 10^-decimals; std::nullopt: no such number.
std::optional<std::int64_t> decimal(std::string_view text, std::size_t decimals) {
  const auto point = text.find('.');
  std::string digits{text.substr(0, point)};
  const std::string_view behind = point == std::string_view::npos ? std::string_view{} : text.substr(point + 1);
  if (behind.size() > decimals || digits.size() > 7 || (point != std::string_view::npos && behind.empty())) return std::nullopt;
  digits += cat(behind, std::string(decimals - behind.size(), '0'));
  const auto value = parse_number<std::uint64_t>(digits);
  return value ? std::optional{static_cast<std::int64_t>(*value)} : std::nullopt;
}

/// Days since 1970 of "2026-07-02".
std::optional<std::int64_t> day(std::string_view text) {
  if (text.size() != 10 || text[4] != '-' || text[7] != '-') return std::nullopt;
  const auto year = parse_number<std::uint32_t>(text.substr(0, 4));
  const auto month = parse_number<std::uint32_t>(text.substr(5, 2));
  const auto of_month = parse_number<std::uint32_t>(text.substr(8));
  if (!year || !month || !of_month) return std::nullopt;
  const std::chrono::year_month_day date{std::chrono::year{static_cast<int>(*year)}, std::chrono::month{*month},
                                         std::chrono::day{*of_month}};
  return date.ok() ? std::optional<std::int64_t>{std::chrono::sys_days{date}.time_since_epoch().count()} : std::nullopt;
}

std::optional<std::int64_t> number(std::string_view text) { return decimal(text, 0); }
std::optional<std::int64_t> price(std::string_view text) { return decimal(text, 6); }
std::optional<std::int64_t> usd(std::string_view text) { return decimal(text, 9); }
std::optional<std::int64_t> tier(std::string_view text) {
  constexpr std::string_view tiers[] = {"standard", "batch", "flex", "priority"};  // as enum Tier
  const auto* const found = std::find(std::begin(tiers), std::end(tiers), text);
  return found == std::end(tiers) ? std::nullopt : std::optional<std::int64_t>{found - std::begin(tiers)};
}

struct Column {
  std::string_view key;     ///< in the file
  std::string_view member;  ///< of PriceRow, in its order
  std::optional<std::int64_t> (*read)(std::string_view);
};
constexpr Column columns[] = {
    {"tier", "tier", tier},
    {"above", "above", number},
    {"from", "from", day},
    {"until", "until", day},
    {"input", "input", price},
    {"output", "output", price},
    {"cache_read", "cache_read", price},
    {"cache_write", "cache_write", price},
    {"cache_write_1h", "cache_write_hour", price},
    {"reasoning", "reasoning", price},
    {"audio_in", "audio_in", price},
    {"audio_out", "audio_out", price},
    {"image_in", "image_in", price},
    {"image_out", "image_out", price},
    {"per_request", "per_request", usd},
    {"cache_write_1h_of_input", "hour_of_input", number},
    {"per_cent", "per_cent", number},
};

std::string text_of(config::Node& node, std::string_view key) {
  const config::Node* const found = node.find(key);
  return found != nullptr && found->kind == config::Node::Kind::scalar ? found->text : std::string{};
}

bool names_a_model(const config::Provider& provider, std::string_view models) {
  const bool star = models.ends_with('*');
  const std::string_view prefix = star ? models.substr(0, models.size() - 1) : models;
  for (const auto& model : provider.models) {
    if (star ? model.id.starts_with(prefix) : model.id == models) return true;
  }
  return false;
}

/// One row as C++; the error says what is wrong with it.
Result<std::string> row_of(std::string_view name, const config::Provider& provider, config::Node& row) {
  const std::string models = text_of(row, "models");
  if (!names_a_model(provider, models)) return fail(Kind::config, cat("no model of ", name, " is meant by '", models, "'"));
  std::string out = cat("    {.provider = \"", name, "\", .models = \"", models, "\"");
  std::size_t known = 1;
  for (const Column& column : columns) {
    if (row.find(column.key) == nullptr) continue;
    ++known;
    const auto value = column.read(text_of(row, column.key));
    if (!value) return fail(Kind::config, cat("'", column.key, "' cannot be read"));
    out += cat(", .", column.member, " = ", *value);
  }
  if (known != row.map.size()) return fail(Kind::config, "a key that no row has");
  return out + "},\n";
}

int write_rows(std::ofstream& out, const std::filesystem::path& providers, const std::filesystem::path& file) {
  const std::string name = file.stem().string();
  const auto complain = [&](unsigned line, std::string_view what) {
    std::fprintf(stderr, "%s:%u: %.*s\n", file.c_str(), line, static_cast<int>(what.size()), what.data());
    return 1;
  };
  std::vector<config::Problem> problems;
  config::Node root = config::parse_yaml(read(file), file.string(), problems);
  if (!problems.empty()) return complain(1, config::to_text(problems.front()));
  if (!day(text_of(root, "as_of")) || text_of(root, "source").empty()) return complain(1, "prices without as_of and source");
  config::Node* const rows = root.find("rows");
  if (rows == nullptr || root.map.size() != 3) return complain(1, "the keys are as_of, source and rows");
  const auto provider = config::load_provider(read(providers / file.filename()), name, [](auto) { return std::nullopt; });
  for (config::Node& row : rows->list) {
    const auto text = row_of(name, provider.provider, row);
    if (!text) return complain(row.line, text.error().message());
    out << *text;
  }
  return 0;
}

}  // namespace

int main(int argc, char** argv) {
  if (argc < 4) return 2;
  std::ofstream out{argv[1]};
  out << "// Written by prices_embed from catalog/prices/*.yaml.\n#include \"catalog/price_rows.h\"\n\nnamespace cardea::catalog "
         "{\n"
         "namespace {\nconstexpr PriceRow rows[] = {\n";
  for (int i = 3; i < argc; ++i) {
    if (const int failed = write_rows(out, argv[2], argv[i]); failed != 0) return failed;
  }
  out << "};\n}  // namespace\n\nstd::span<const PriceRow> price_rows() noexcept { return rows; }\n\n}  // namespace "
         "cardea::catalog\n";
  return out.flush().good() ? 0 : 1;
}
