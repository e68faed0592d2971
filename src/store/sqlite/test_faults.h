#pragma once
// A disk that fails when a test says so: a layer (VFS) between SQLite and the system's files, the default of the test program.

#include <signal.h>
#include <sqlite3.h>
#include <unistd.h>

#include <atomic>
#include <cstdint>
#include <new>

namespace cardea::store::sqlite {

/// What the layer does, for all files. Any thread may read it.
struct Faults {
  enum class Mode : std::uint8_t {
    none,
    once,     ///< the one operation fails, those behind it work
    forever,  ///< so do all behind it
    kill,     ///< the process dies in the middle of it (kill -9): half of what was to be written is
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

/// A file of the layer; the system's lies behind it in the same memory.
struct FaultyFile {
  sqlite3_file base;
  bool is_wal;
  [[nodiscard]] static FaultyFile& of(sqlite3_file* file) { return *reinterpret_cast<FaultyFile*>(file); }
  [[nodiscard]] sqlite3_file* real() { return reinterpret_cast<sqlite3_file*>(this + 1); }
  [[nodiscard]] const sqlite3_io_methods& methods() { return *real()->pMethods; }
};

class FaultyDisk {
 public:
  /// The first call puts the layer in: before a database is opened.
  [[nodiscard]] static Faults& faults() {
    static FaultyDisk disk;
    return disk.faults_;
  }

 private:
  FaultyDisk() : vfs_{system_files()} {
    vfs_.zName = "cardea-faults";
    vfs_.szOsFile = static_cast<int>(sizeof(FaultyFile)) + system_files().szOsFile;
    vfs_.xOpen = &open;
    sqlite3_vfs_register(&vfs_, 1);
  }
  static sqlite3_vfs& system_files() {
    static sqlite3_vfs* const found = sqlite3_vfs_find("unix");
    return *found;
  }
  /// Counts an operation; true: it fails. `half` does half of it.
  template <class Half>
  static bool fails(Half half) {
    const std::int64_t number = ++faults().operations;
    const Faults::Mode mode = faults().mode;
    if (mode == Faults::Mode::none || number < faults().at) return false;
    if (mode == Faults::Mode::once && number > faults().at) return false;
    if (mode == Faults::Mode::kill) {
      half();
      ::kill(::getpid(), SIGKILL);
    }
    faults().failed = true;
    return true;
  }

  static int write(sqlite3_file* base, const void* bytes, int size, sqlite3_int64 offset) {
    FaultyFile& file = FaultyFile::of(base);
    if (fails([&] { static_cast<void>(file.methods().xWrite(file.real(), bytes, size / 2, offset)); })) return SQLITE_IOERR_WRITE;
    if (file.is_wal) ++faults().unsynced_wal;
    return file.methods().xWrite(file.real(), bytes, size, offset);
  }
  static int truncate(sqlite3_file* base, sqlite3_int64 size) {
    if (fails([] {})) return SQLITE_IOERR_TRUNCATE;
    FaultyFile& file = FaultyFile::of(base);
    return file.methods().xTruncate(file.real(), size);
  }
  /// The real sync is left out: no test can pull the plug.
  static int sync(sqlite3_file* base, int) {
    if (fails([] {})) return SQLITE_IOERR_FSYNC;
    if (FaultyFile::of(base).is_wal) faults().unsynced_wal = 0;
    return SQLITE_OK;
  }
  /// Everything else goes straight to the system's file.
  template <auto method>
  struct Pass;
  template <class... Args, int (*sqlite3_io_methods::*method)(sqlite3_file*, Args...)>
  struct Pass<method> {
    static int call(sqlite3_file* base, Args... args) {
      FaultyFile& file = FaultyFile::of(base);
      return (file.methods().*method)(file.real(), args...);
    }
  };
  static int open(sqlite3_vfs*, const char* name, sqlite3_file* base, int flags, int* out_flags) {
    using M = sqlite3_io_methods;
    static constexpr M layer = {
        .iVersion = 2,
        .xClose = &Pass<&M::xClose>::call,
        .xRead = &Pass<&M::xRead>::call,
        .xWrite = &write,
        .xTruncate = &truncate,
        .xSync = &sync,
        .xFileSize = &Pass<&M::xFileSize>::call,
        .xLock = &Pass<&M::xLock>::call,
        .xUnlock = &Pass<&M::xUnlock>::call,
        .xCheckReservedLock = &Pass<&M::xCheckReservedLock>::call,
        .xFileControl = &Pass<&M::xFileControl>::call,
        .xSectorSize = &Pass<&M::xSectorSize>::call,
        .xDeviceCharacteristics = &Pass<&M::xDeviceCharacteristics>::call,
        .xShmMap = &Pass<&M::xShmMap>::call,
        .xShmLock = &Pass<&M::xShmLock>::call,
        .xShmBarrier = [](sqlite3_file* of) { FaultyFile::of(of).methods().xShmBarrier(FaultyFile::of(of).real()); },
        .xShmUnmap = &Pass<&M::xShmUnmap>::call};
    FaultyFile& file = *new (base) FaultyFile{.base = {.pMethods = nullptr}, .is_wal = (flags & SQLITE_OPEN_WAL) != 0};
    const int code = system_files().xOpen(&system_files(), name, file.real(), flags, out_flags);
    if (file.real()->pMethods != nullptr) file.base.pMethods = &layer;
    return code;
  }

  sqlite3_vfs vfs_;
  Faults faults_;
};

[[nodiscard]] inline Faults& faults() { return FaultyDisk::faults(); }

}  // namespace cardea::store::sqlite
