#pragma once
// A file that is memory: lines that outlive the process at the price of a copy.

#include <atomic>
#include <cstdint>
#include <string>
#include <vector>

#include "base/error.h"
#include "store/ledger.h"

namespace cardea::store::journal {

/// A ring of lines in a mapped file. One thread writes (append), one other reads (read, drop); no lock, no system call.
///
/// What append() has returned of is there after kill -9, for the pages are the system's. It is not safe from a power cut until it
/// was brought elsewhere. Memory: `bytes` of address space twice; of it in RAM what was touched.
class Journal {
 public:
  struct Options {
    std::string file;
    std::size_t bytes = std::size_t{2} << 20;  ///< of lines; rounded up to whole pages. Of a file that is there its own counts
  };
  /// Opens, or makes, for its owner alone. Error: config, naming the file.
  [[nodiscard]] static Result<Journal> open(Options options);
  Journal(Journal&& other) noexcept;
  Journal& operator=(Journal&&) = delete;
  ~Journal();

  /// False: no room, try again when some were dropped. There is room for a settlement of each reservation appended here, with a
  /// price of up to 128 bytes (longer ones are cut).
  [[nodiscard]] bool append(const LedgerEntry& entry);

  struct Lines {
    std::vector<LedgerEntry> entries;
    std::uint64_t end = 0;  ///< for drop()
    bool damaged = false;   ///< what follows does not hold; dropping it leaves it out
  };
  /// The oldest lines, at most so many. They stay.
  [[nodiscard]] Lines read(std::size_t entries_max) const;
  void drop(std::uint64_t end);
  [[nodiscard]] const std::string& file() const noexcept { return file_; }

 private:
  struct Header;
  Journal(std::string file, std::byte* memory, std::size_t bytes) noexcept;
  [[nodiscard]] Header& header() const noexcept;
  [[nodiscard]] std::byte* at(std::uint64_t position) const noexcept;

  std::string file_;
  std::byte* memory_;     ///< the header's page, then the ring twice in a row: what goes round its end is in one piece
  std::size_t bytes_;     ///< of the ring
  std::size_t owed_ = 0;  ///< settlements that are still to come
};

}  // namespace cardea::store::journal
