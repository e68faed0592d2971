#include "store/sqlite/test_faults.h"

#include <sqlite3.h>

#include <new>

namespace cardea::store::sqlite {
namespace {

Faults the_faults;

/// A file of the layer; the system's lies behind it in the same memory.
struct File {
  sqlite3_file base;
  bool is_wal;
  [[nodiscard]] sqlite3_file* real() { return reinterpret_cast<sqlite3_file*>(this + 1); }
};
File& of(sqlite3_file* file) { return *reinterpret_cast<File*>(file); }
const sqlite3_io_methods& methods(sqlite3_file* file) { return *of(file).real()->pMethods; }
sqlite3_file* real(sqlite3_file* file) { return of(file).real(); }

/// Counts an operation; true: it fails.
bool fails() {
  const std::int64_t number = ++the_faults.operations;
  const Faults::Mode mode = the_faults.mode;
  if (mode == Faults::Mode::none || number < the_faults.at || (mode == Faults::Mode::once && number > the_faults.at))
    return false;
  the_faults.failed = true;
  return true;
}

int write(sqlite3_file* file, const void* bytes, int size, sqlite3_int64 offset) {
  if (fails()) return SQLITE_IOERR_WRITE;
  if (of(file).is_wal) ++the_faults.unsynced_wal;
  return methods(file).xWrite(real(file), bytes, size, offset);
}
int truncate(sqlite3_file* file, sqlite3_int64 size) {
  if (fails()) return SQLITE_IOERR_TRUNCATE;
  return methods(file).xTruncate(real(file), size);
}
/// The real sync is left out: no test can pull the plug.
int sync(sqlite3_file* file, int) {
  if (fails()) return SQLITE_IOERR_FSYNC;
  if (of(file).is_wal) the_faults.unsynced_wal = 0;
  return SQLITE_OK;
}

/// Everything else goes straight to the system's file.
constexpr sqlite3_io_methods layer = {
    .iVersion = 2,
    .xClose = [](sqlite3_file* file) { return methods(file).xClose(real(file)); },
    .xRead = [](sqlite3_file* file, void* to, int size,
                sqlite3_int64 offset) { return methods(file).xRead(real(file), to, size, offset); },
    .xWrite = &write,
    .xTruncate = &truncate,
    .xSync = &sync,
    .xFileSize = [](sqlite3_file* file, sqlite3_int64* size) { return methods(file).xFileSize(real(file), size); },
    .xLock = [](sqlite3_file* file, int lock) { return methods(file).xLock(real(file), lock); },
    .xUnlock = [](sqlite3_file* file, int lock) { return methods(file).xUnlock(real(file), lock); },
    .xCheckReservedLock = [](sqlite3_file* file, int* out) { return methods(file).xCheckReservedLock(real(file), out); },
    .xFileControl = [](sqlite3_file* file, int what, void* with) { return methods(file).xFileControl(real(file), what, with); },
    .xSectorSize = [](sqlite3_file* file) { return methods(file).xSectorSize(real(file)); },
    .xDeviceCharacteristics = [](sqlite3_file* file) { return methods(file).xDeviceCharacteristics(real(file)); },
    .xShmMap = [](sqlite3_file* file, int region, int size, int extend,
                  void volatile** out) { return methods(file).xShmMap(real(file), region, size, extend, out); },
    .xShmLock = [](sqlite3_file* file, int offset, int count,
                   int flags) { return methods(file).xShmLock(real(file), offset, count, flags); },
    .xShmBarrier = [](sqlite3_file* file) { methods(file).xShmBarrier(real(file)); },
    .xShmUnmap = [](sqlite3_file* file, int remove) { return methods(file).xShmUnmap(real(file), remove); },
};

sqlite3_vfs& system_files() {
  static sqlite3_vfs* const found = sqlite3_vfs_find("unix");
  return *found;
}

int open(sqlite3_vfs*, const char* name, sqlite3_file* file, int flags, int* out_flags) {
  File& made = *new (file) File{.base = {.pMethods = nullptr}, .is_wal = (flags & SQLITE_OPEN_WAL) != 0};
  const int code = system_files().xOpen(&system_files(), name, made.real(), flags, out_flags);
  if (made.real()->pMethods != nullptr) made.base.pMethods = &layer;
  return code;
}

sqlite3_vfs& put_in() {
  static sqlite3_vfs vfs = system_files();
  vfs.zName = "cardea-faults";
  vfs.szOsFile = static_cast<int>(sizeof(File)) + system_files().szOsFile;
  vfs.xOpen = &open;
  sqlite3_vfs_register(&vfs, 1);
  return vfs;
}

}  // namespace

Faults& faults() {
  static sqlite3_vfs& vfs = put_in();
  static_cast<void>(vfs);
  return the_faults;
}

}  // namespace cardea::store::sqlite
