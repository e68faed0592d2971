#include "tokens/encoding.h"

namespace cardea::tokens {
namespace {

struct Family {
  std::string_view name;
  Measure measure;
};
constexpr Measure o200k{Encoding::o200k_base, 100, Measure::Kind::exact};
constexpr Measure cl100k{Encoding::cl100k_base, 100, Measure::Kind::exact};
// The first that fits: the longer names stand first. The factors make up for what the README's table shows.
constexpr Family families[] = {
    {"gpt-oss", o200k},
    {"gpt-5", o200k},
    {"gpt-4o", o200k},
    {"chatgpt-4o", o200k},
    {"gpt-4.1", o200k},
    {"gpt-4.5", o200k},
    {"o1", o200k},
    {"o3", o200k},
    {"o4", o200k},
    {"codex-mini", o200k},
    {"gpt-4", cl100k},
    {"gpt-3.5", cl100k},
    {"gpt-35", cl100k},  // Azure's spelling
    {"davinci-002", cl100k},
    {"babbage-002", cl100k},
    {"text-embedding-ada-002", cl100k},
    {"text-embedding-3", cl100k},
    {"claude", {Encoding::cl100k_base, 120}},
    {"gemini", {Encoding::o200k_base, 105}},
    {"gemma", {Encoding::o200k_base, 105}},
};
constexpr Measure unknown{Encoding::o200k_base, 110};

}  // namespace

bool is_of_family(std::string_view model, std::string_view family) noexcept {
  if (!model.starts_with(family)) return false;
  const std::string_view rest = model.substr(family.size());
  return rest.empty() || rest.front() == '-' || rest.front() == '.' || rest.front() == ':';
}

std::string_view bare_model(std::string_view model) noexcept {
  if (const auto slash = model.rfind('/'); slash != std::string_view::npos) model.remove_prefix(slash + 1);
  constexpr std::string_view of_bedrock = "anthropic.";
  if (const auto vendor = model.find(of_bedrock); vendor != std::string_view::npos)
    model.remove_prefix(vendor + of_bedrock.size());
  if (model.starts_with("ft:")) model.remove_prefix(3);
  return model;
}

Measure measure_of(std::string_view model) noexcept {
  const std::string_view name = bare_model(model);
  for (const Family& family : families) {
    if (is_of_family(name, family.name)) return family.measure;
  }
  return unknown;
}

}  // namespace cardea::tokens
