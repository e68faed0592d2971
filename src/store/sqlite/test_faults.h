#pragma once
// A disk that fails when a test says so: a layer (VFS) between SQLite and the system's files, the default of the test program.

#include <atomic>
#include <cstdint>

namespace cardea::store::sqlite {

/// What the layer does, for all files. Set before the database is opened; any thread may read it.
struct Faults {
  enum class Mode : std::uint8_t {
    none,
    once,     ///< the one operation fails, those behind it work
    forever,  ///< so do all behind it
  };
  std::atomic<Mode> mode = Mode::none;
  std::atomic<std::int64_t> at = 0;            ///< the operation that fails, counted from 1: writes, syncs, truncations
  std::atomic<std::int64_t> operations = 0;    ///< so far
  std::atomic<std::int64_t> unsynced_wal = 0;  ///< writes to a write-ahead log since its last sync
  std::atomic<bool> failed = false;            ///< one did

  /// From here on the n-th operation fails.
  void arm(Mode how, std::int64_t nth) {
    operations = 0;
    failed = false;
    at = nth;
    mode = how;
  }
  void disarm() { mode = Mode::none; }
};

/// The one of the program; the first call puts the layer in.
[[nodiscard]] Faults& faults();

}  // namespace cardea::store::sqlite
