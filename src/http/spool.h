#pragma once
// Bodies that are kept aside: too large to be held in memory, wanted whole before anything is done with them.

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.h"

namespace cardea::http {

/// Takes a request's body piece by piece.
class BodySink {
 public:
  /// `bytes` live until it returns. An error ends the reading.
  virtual Status take(std::string_view bytes) = 0;

 protected:
  ~BodySink() = default;
};

/// Bytes in the order they came: a few in memory, more in a file without a name that the kernel forgets with this object, however
/// the process ends. Reading and writing go through the page cache and do not wait. One thread.
class Spool final : public BodySink {
 public:
  /// So much stays in memory.
  static constexpr std::size_t memory_bytes_max = 128 * 1024;

  /// `directory`: where the file would be; it must exist. Not a file system in memory.
  explicit Spool(std::string directory) : directory_{std::move(directory)} {}
  ~Spool();
  Spool(const Spool&) = delete;
  Spool& operator=(const Spool&) = delete;

  /// Appends. Error: unavailable, there is no room for it.
  Status take(std::string_view bytes) override;
  [[nodiscard]] std::uint64_t size() const noexcept { return size_; }
  [[nodiscard]] bool in_memory() const noexcept { return fd_ < 0; }
  /// The bytes from `offset` on: fills `into` as far as there are any. Error: internal, the file cannot be read.
  [[nodiscard]] Result<std::size_t> read(std::uint64_t offset, std::span<char> into) const;

 private:
  [[nodiscard]] Status open();
  [[nodiscard]] Status write(std::string_view bytes);

  std::string directory_;
  std::string memory_;
  std::uint64_t size_ = 0;
  int fd_ = -1;
};

/// A body as it is to be sent: pieces of memory and ranges of spools, in order. What it refers to must outlive it.
class Body {
 public:
  void add(std::string_view bytes);
  void add(const Spool& spool, std::uint64_t offset, std::uint64_t size);
  [[nodiscard]] std::uint64_t size() const noexcept { return size_; }

  /// Reads a body from its beginning.
  class Reader {
   public:
    Reader() = default;
    explicit Reader(const Body& body) : body_{&body} {}
    /// The next bytes; 0: the end.
    [[nodiscard]] Result<std::size_t> read(std::span<char> into);
    [[nodiscard]] bool at_end() const noexcept { return body_ == nullptr || piece_ == body_->pieces_.size(); }

   private:
    const Body* body_ = nullptr;
    std::size_t piece_ = 0;
    std::uint64_t at_ = 0;  ///< in the piece
  };

 private:
  struct Piece {
    std::string_view bytes;
    const Spool* spool = nullptr;  ///< null: `bytes`
    std::uint64_t offset = 0;
    std::uint64_t size = 0;
  };
  std::vector<Piece> pieces_;
  std::uint64_t size_ = 0;
};

}  // namespace cardea::http
