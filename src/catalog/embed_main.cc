// Build tool: checks catalog/providers/*.yaml by the field tables and writes them as one C++ source, compact JSON in string
// literals. usage: catalog_embed OUT.cc FILE.yaml…

#include <algorithm>
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <sstream>

#include "catalog/endpoint.h"
#include "config/loader.h"

namespace {

using namespace cardea;

struct Entry {
  std::uint32_t order;
  std::string name;
  std::string json;
};

/// What the tables cannot know; an empty string is fine.
std::string check(const config::Provider& provider) {
  if (provider.title.empty()) return "title is missing";
  if (provider.docs.empty()) return "docs is missing";
  if (!provider.base_url.empty()) {
    const auto filled = catalog::fill_blanks(provider.base_url, [](std::string_view name) -> std::optional<std::string> {
      const bool known = name == "region" || name == "project" || name == "location" || name == "aiplatform_host";
      return known ? std::optional{std::string{name}} : std::nullopt;
    });
    if (!filled) return std::string{filled.error().message()};
    if (const auto endpoint = catalog::parse_endpoint(*filled, provider.dialect); !endpoint)
      return std::string{endpoint.error().message()};
  }
  for (const auto& model : provider.models) {
    const auto& facts = model.facts;
    const bool dated = !facts.as_of.empty() || !provider.as_of.empty();
    const bool sourced = !facts.source.empty() || !provider.source.empty();
    if ((facts.price.input || facts.price.output) && !(dated && sourced)) return model.id + ": a price without as_of and source";
  }
  return {};
}

/// The file without its models, which must come last.
std::string head_of(const std::string& json) {
  const auto models = json.find(",\"models\":[");
  return models == std::string::npos ? json : json.substr(0, models) + "}";
}

}  // namespace

int main(int argc, char** argv) {
  if (argc < 3) return 2;
  std::vector<Entry> entries;
  for (int i = 2; i < argc; ++i) {
    std::stringstream text;
    text << std::ifstream{argv[i]}.rdbuf();
    auto json = config::compact_provider(text.str(), argv[i]);
    if (!json) {
      std::fprintf(stderr, "%s", std::string{json.error().message()}.c_str());
      return 1;
    }
    const auto provider = config::read_provider(*json, [](std::string_view) { return std::nullopt; });
    auto wrong = check(*provider);
    if (!provider->models.empty() && !json->ends_with("]}")) wrong = "models must be the last field";
    if (!wrong.empty()) {
      std::fprintf(stderr, "%s: %s\n", argv[i], wrong.c_str());
      return 1;
    }
    entries.push_back({provider->order, std::filesystem::path{argv[i]}.stem().string(), *std::move(json)});
  }
  std::sort(entries.begin(), entries.end(),
            [](const auto& a, const auto& b) { return std::tie(a.order, a.name) < std::tie(b.order, b.name); });
  std::ofstream out{argv[1]};
  out << "// Written by catalog_embed from catalog/providers/*.yaml.\n#include \"catalog/embedded.h\"\n\nnamespace "
         "cardea::catalog {\n"
         "namespace {\nconstexpr Embedded files[] = {\n";
  for (const auto& entry : entries)
    out << "    {\"" << entry.name << "\",\n     R\"cardea(" << head_of(entry.json) << ")cardea\",\n     R\"cardea(" << entry.json
        << ")cardea\"},\n";
  out << "};\n}  // namespace\n\nstd::span<const Embedded> embedded() { return files; }\n\n"
         "const Embedded* find_embedded(std::string_view name) {\n  for (const auto& file : files) {\n    if (file.name == name) "
         "return &file;\n  }\n"
         "  return nullptr;\n}\n\n}  // namespace cardea::catalog\n";
  return out.good() ? 0 : 1;
}
