#include "http/spool.h"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdlib>
#include <cstring>

#include "base/text.h"

namespace cardea::http {
namespace {

/// Of a disk that is full or broken: the request is not at fault, and another machine may do better.
std::unexpected<Error> no_room(int error) {
  return fail(Kind::unavailable, cat("the upload cannot be kept: ", std::strerror(error)));  // NOLINT: read at once
}

}  // namespace

Spool::~Spool() {
  if (fd_ >= 0) ::close(fd_);
}

Status Spool::open() {
  fd_ = ::open(directory_.c_str(), O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);
  if (fd_ >= 0) return {};
  // Not every file system knows files without a name.
  std::string path = directory_ + "/upload-XXXXXX";
  fd_ = ::mkostemp(path.data(), O_CLOEXEC);
  if (fd_ < 0) return no_room(errno);
  ::unlink(path.c_str());
  return {};
}

Status Spool::write(std::string_view bytes) {
  while (!bytes.empty()) {
    const auto written = ::write(fd_, bytes.data(), bytes.size());
    if (written < 0 && errno == EINTR) continue;
    if (written < 0) return no_room(errno);
    bytes.remove_prefix(static_cast<std::size_t>(written));
  }
  return {};
}

Status Spool::take(std::string_view bytes) {
  Status kept;
  if (in_memory() && size_ + bytes.size() <= memory_bytes_max) {
    memory_.append(bytes);
  } else {
    if (in_memory()) {
      kept = open();
      if (kept) kept = write(memory_);
      std::string{}.swap(memory_);
    }
    if (kept) kept = write(bytes);
  }
  if (kept) size_ += bytes.size();
  return kept;
}

Result<std::size_t> Spool::read(std::uint64_t offset, std::span<char> into) const {
  if (offset >= size_) return std::size_t{0};
  const auto wanted = static_cast<std::size_t>(std::min<std::uint64_t>(into.size(), size_ - offset));
  if (in_memory()) return memory_.copy(into.data(), wanted, static_cast<std::size_t>(offset));
  for (;;) {
    const auto got = ::pread(fd_, into.data(), wanted, static_cast<off_t>(offset));
    if (got > 0) return static_cast<std::size_t>(got);
    if (got < 0 && errno == EINTR) continue;
    return fail(Kind::internal,
                cat("an upload that was kept cannot be read: ", got == 0 ? "it is cut" : std::strerror(errno)));  // NOLINT
  }
}

void Body::add(std::string_view bytes) {
  if (bytes.empty()) return;
  pieces_.push_back({.bytes = bytes, .size = bytes.size()});
  size_ += bytes.size();
}

void Body::add(const Spool& spool, std::uint64_t offset, std::uint64_t size) {
  if (size == 0) return;
  pieces_.push_back({.bytes = {}, .spool = &spool, .offset = offset, .size = size});
  size_ += size;
}

Result<std::size_t> Body::Reader::read(std::span<char> into) {
  if (at_end() || into.empty()) return std::size_t{0};
  const Piece& piece = body_->pieces_[piece_];
  const auto wanted = static_cast<std::size_t>(std::min<std::uint64_t>(into.size(), piece.size - at_));
  Result<std::size_t> got = wanted;
  if (piece.spool != nullptr) {
    got = piece.spool->read(piece.offset + at_, into.first(wanted));
  } else {
    piece.bytes.copy(into.data(), wanted, static_cast<std::size_t>(at_));
  }
  if (!got) return got;
  at_ += *got;
  if (at_ == piece.size) {
    ++piece_;
    at_ = 0;
  }
  return got;
}

}  // namespace cardea::http
