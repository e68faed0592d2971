#pragma once
// A folder of its own for a test's journals.

#include <gtest/gtest.h>

#include <filesystem>
#include <string>
#include <string_view>

#include "base/random.h"

namespace cardea::store::journal {

class TestFolder {
 public:
  TestFolder() {
    std::string name = "cardea-journal-";
    Random::from_system().append_id(name, 12);
    folder_ = std::filesystem::path{testing::TempDir()} / name;
    std::filesystem::create_directories(folder_);
  }
  ~TestFolder() { std::filesystem::remove_all(folder_); }
  TestFolder(const TestFolder&) = delete;
  TestFolder& operator=(const TestFolder&) = delete;
  [[nodiscard]] std::string path(std::string_view name) const { return folder_ / name; }

 private:
  std::filesystem::path folder_;
};

}  // namespace cardea::store::journal
