#pragma once
// Private: a text cut into the pieces that tokens never cross (PCRE2).

#include <cstddef>
#include <memory>
#include <string_view>

#include "tokens/encoding.h"

namespace cardea::tokens {

/// One encoding's pattern, compiled, with the memory that matching needs. Not for several threads at once.
class Pieces {
 public:
  explicit Pieces(Encoding encoding);
  ~Pieces();
  Pieces(const Pieces&) = delete;
  Pieces& operator=(const Pieces&) = delete;

  /// Bytes at the front of `text` that are well-formed UTF-8.
  [[nodiscard]] std::size_t well_formed(std::string_view text);
  /// Bytes of the piece that begins at `start`. `text` must be well-formed from there on, and not empty.
  [[nodiscard]] std::size_t next(std::string_view text, std::size_t start);

 private:
  struct Compiled;
  std::unique_ptr<Compiled> compiled_;
};

}  // namespace cardea::tokens
