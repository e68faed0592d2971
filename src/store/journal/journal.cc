#include "store/journal/journal.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <utility>

#include "base/text.h"
#include "store/journal/lines.h"

namespace cardea::store::journal {
namespace {

constexpr std::size_t header_bytes = 4096;
/// "CardJrn" and the version of the format.
constexpr std::uint64_t magic = 0x0100'6E72'4A64'7243;

std::unexpected<Error> failed(const std::string& file, std::string_view why) {
  return fail(Kind::config, cat(file, ": ", why, "; see to its disk and its permissions, or move it away"));
}
std::unexpected<Error> failed(const std::string& file) {
  return failed(file, std::string_view{std::strerror(errno)});  // NOLINT: glibc's is safe
}

class Descriptor {
 public:
  explicit Descriptor(int number) noexcept : number_{number} {}
  ~Descriptor() {
    if (number_ >= 0) ::close(number_);
  }
  Descriptor(const Descriptor&) = delete;
  Descriptor& operator=(const Descriptor&) = delete;
  [[nodiscard]] int get() const noexcept { return number_; }

 private:
  int number_;
};

/// The header and the ring, and behind it the ring once more. Null: the system says no.
std::byte* map(int file, std::size_t bytes) {
  void* const space = ::mmap(nullptr, header_bytes + 2 * bytes, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (space == MAP_FAILED) return nullptr;
  auto* const memory = static_cast<std::byte*>(space);
  constexpr int how = MAP_SHARED | MAP_FIXED;
  constexpr int may = PROT_READ | PROT_WRITE;
  if (::mmap(memory, header_bytes + bytes, may, how, file, 0) != MAP_FAILED &&
      ::mmap(memory + header_bytes + bytes, bytes, may, how, file, header_bytes) != MAP_FAILED) {
    return memory;
  }
  ::munmap(space, header_bytes + 2 * bytes);
  return nullptr;
}

}  // namespace

/// The first page of the file. Positions go up for ever; the ring is where they are modulo its size.
struct Journal::Header {
  std::uint64_t magic;
  std::uint64_t bytes;
  alignas(64) std::atomic<std::uint64_t> written;  ///< the writer's
  alignas(64) std::atomic<std::uint64_t> dropped;  ///< the reader's
};

Result<Journal> Journal::open(Options options) {
  const Descriptor fd{::open(options.file.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600)};
  struct stat found{};
  if (fd.get() < 0 || ::fstat(fd.get(), &found) != 0) return failed(options.file);
  auto size = static_cast<std::size_t>(found.st_size);
  if (size == 0) {
    size = header_bytes + std::max((options.bytes + header_bytes - 1) / header_bytes, std::size_t{1}) * header_bytes;
    // Room on the disk now: a mapped page that finds none kills the process later.
    if (const int code = ::posix_fallocate(fd.get(), 0, static_cast<off_t>(size)); code != 0) {
      errno = code;
      return failed(options.file);
    }
  }
  if (size < 2 * header_bytes || size % header_bytes != 0) return failed(options.file, "is not a journal");
  const std::size_t bytes = size - header_bytes;
  std::byte* const memory = map(fd.get(), bytes);
  if (memory == nullptr) return failed(options.file);
  Journal journal{std::move(options.file), memory, bytes};
  Header& header = journal.header();
  if (header.magic == 0 && header.bytes == 0) {
    header.bytes = bytes;
    header.magic = magic;
  }
  const std::uint64_t used = header.written - header.dropped;
  if (header.magic != magic || header.bytes != bytes || used > bytes)
    return failed(journal.file(), "is not a journal, or a damaged one");
  return journal;
}

Journal::Journal(std::string file, std::byte* memory, std::size_t bytes) noexcept
    : file_{std::move(file)}, memory_{memory}, bytes_{bytes} {}
Journal::Journal(Journal&& other) noexcept
    : file_{std::move(other.file_)}, memory_{std::exchange(other.memory_, nullptr)}, bytes_{other.bytes_}, owed_{other.owed_} {}
Journal::~Journal() {
  if (memory_ != nullptr) ::munmap(memory_, header_bytes + 2 * bytes_);
}

Journal::Header& Journal::header() const noexcept { return *reinterpret_cast<Header*>(memory_); }
std::byte* Journal::at(std::uint64_t position) const noexcept { return memory_ + header_bytes + position % bytes_; }

bool Journal::append(const LedgerEntry& entry) {
  if (const auto* settled = std::get_if<Settlement>(&entry); settled != nullptr && settled->price.size() > price_bytes_max) {
    Settlement shorter = *settled;
    shorter.price.resize(price_bytes_max);
    return append(shorter);
  }
  const std::size_t size = size_of(entry);
  const bool settles = std::holds_alternative<Settlement>(entry);
  const std::size_t owed = std::holds_alternative<Reservation>(entry) ? owed_ + settlement_bytes_max : owed_;
  Header& mine = header();
  const std::uint64_t position = mine.written.load(std::memory_order_relaxed);
  const std::uint64_t used = position - mine.dropped.load(std::memory_order_acquire);
  if (used + size + (settles ? 0 : owed) > bytes_) return false;
  write(entry, size, position, at(position));
  mine.written.store(position + size, std::memory_order_release);
  owed_ = settles ? owed - std::min(owed, settlement_bytes_max) : owed;
  return true;
}

Journal::Lines Journal::read(std::size_t entries_max) const {
  Lines out;
  Header& mine = header();
  out.end = mine.dropped.load(std::memory_order_relaxed);
  const std::uint64_t written = mine.written.load(std::memory_order_acquire);
  while (out.end != written && out.entries.size() < entries_max) {
    std::optional<Line> line = read_line({at(out.end), static_cast<std::size_t>(written - out.end)}, out.end);
    if (!line) {
      out.damaged = true;
      out.end = written;
      break;
    }
    out.entries.push_back(std::move(line->entry));
    out.end += line->size;
  }
  return out;
}

void Journal::drop(std::uint64_t end) { header().dropped.store(end, std::memory_order_release); }

}  // namespace cardea::store::journal
