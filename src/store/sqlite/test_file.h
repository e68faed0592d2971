#pragma once
// A folder of its own for a test's database.

#include <gtest/gtest.h>

#include <filesystem>
#include <string>

#include "base/random.h"
#include "store/sqlite/test_faults.h"

namespace cardea::store::sqlite {

class TestFile {
 public:
  TestFile() {
    faults().disarm();  // and no test waits for the machine's disk
    std::string name = "cardea-store-";
    Random::from_system().append_id(name, 12);
    folder_ = std::filesystem::path{testing::TempDir()} / name;
    std::filesystem::create_directories(folder_);
  }
  ~TestFile() { std::filesystem::remove_all(folder_); }
  TestFile(const TestFile&) = delete;
  TestFile& operator=(const TestFile&) = delete;
  [[nodiscard]] std::string path() const { return folder_ / "cardea.db"; }

 private:
  std::filesystem::path folder_;
};

}  // namespace cardea::store::sqlite
