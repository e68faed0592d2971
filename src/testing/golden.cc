#include "testing/golden.h"

#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <stdexcept>

#include "base/text.h"

namespace cardea::testing {

std::string source_path(std::string_view path) { return cat(CARDEA_SOURCE_DIR "/", path); }

std::string read_testdata(std::string_view path) {
  std::ifstream file{source_path(path), std::ios::binary};
  if (!file) throw std::runtime_error{cat("cannot read ", path)};
  return {std::istreambuf_iterator<char>{file}, {}};
}

namespace {

std::string_view line_at(std::string_view text, std::size_t at) {
  const auto begin = at == 0 ? 0 : text.rfind('\n', at - 1) + 1;
  return text.substr(begin, text.find('\n', begin) - begin);
}

std::string difference(std::string_view path, std::string_view expected, std::string_view actual) {
  const auto [e, a] = std::ranges::mismatch(expected, actual);
  const auto at = static_cast<std::size_t>(e - expected.begin());
  const auto line = 1 + std::count(expected.begin(), e, '\n');
  return cat(path, ':', line, " differs (", expected.size(), " bytes expected, ", actual.size(),
             " found)\n  expected: ", line_at(expected, at), "\n  actual:   ", line_at(actual, at),
             "\nCARDEA_UPDATE_GOLDEN=1 rewrites it.");
}

}  // namespace

std::string golden(std::string_view path, std::string_view actual) {
  const std::filesystem::path file = source_path(path);
  if (const char* update = std::getenv("CARDEA_UPDATE_GOLDEN"); update != nullptr && std::string_view{update} == "1") {
    std::filesystem::create_directories(file.parent_path());
    std::ofstream out{file, std::ios::binary | std::ios::trunc};
    out << actual;
    return out.flush() ? std::string{} : cat("cannot write ", path);
  }
  if (!std::filesystem::exists(file)) return cat(path, " does not exist; CARDEA_UPDATE_GOLDEN=1 writes it.");
  const std::string expected = read_testdata(path);
  return expected == actual ? std::string{} : difference(path, expected, actual);
}

std::vector<std::string> cases(std::string_view path) {
  std::vector<std::string> names;
  std::error_code missing;
  for (const auto& entry : std::filesystem::directory_iterator{source_path(path), missing}) {
    if (entry.is_directory()) names.push_back(entry.path().filename().string());
  }
  std::ranges::sort(names);
  return names;
}

}  // namespace cardea::testing
