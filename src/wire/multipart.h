#pragma once
// multipart/form-data (RFC 7578 on RFC 2046 §5.1.1): reading a body as it comes, and writing one. No byte of a part is held: data
// is passed on as views of what was fed; a delimiter is found across any number of feeds.

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.h"

namespace cardea::wire {

/// The boundary that a Content-Type names. Error bad_request: it is not multipart/form-data, or names none, two, or one that
/// RFC 2046 does not allow (1 to 70 of its characters, the last no space).
[[nodiscard]] Result<std::string> multipart_boundary(std::string_view content_type);

struct MultipartLimits {
  std::size_t parts = 128;
  std::size_t head_bytes = 8 * 1024;  ///< of one part, its empty line included
  std::size_t name_bytes = 256;
  std::size_t filename_bytes = 1024;
  std::size_t epilogue_bytes = 1024;
  bool repeated_names = false;  ///< else only names that end in `[]` may come again: of any other it is unclear which one counts
};

/// What a part says about itself. Views into the parser, until the end of the part has been said.
struct MultipartPart {
  std::string_view name;
  std::optional<std::string_view> filename;  ///< as the sender chose it: never a path to open
  std::string_view content_type;             ///< empty: not said, which means text/plain
  std::string_view head;                     ///< raw, with the empty line
};

struct MultipartEvent {
  enum class Kind : std::uint8_t {
    none,  ///< everything fed is taken; more is needed, or was needless
    part,  ///< a part begins: see MultipartParser::part()
    data,
    part_end,
    end,  ///< the last delimiter
  } kind = Kind::none;
  /// Offsets in the whole body. part: the head, so `end` is where data begins; data: these bytes; part_end: all of the part's
  /// data; end: the delimiter that closes the body, with the line end before it.
  std::uint64_t begin = 0;
  std::uint64_t end = 0;
  std::string_view data;  ///< of data: a view of the bytes fed, or of the parser until its next call
};

/// Reads one body. All results are independent of how it was split, errors and their texts included. Memory: the boundary, one
/// head, eight bytes a part. Errors are bad_request and final.
///
/// Strict, because an upstream reads the same body with another parser: refused are text before the first delimiter (one line
/// end may stand there), lines that end in a bare LF, anything but a line end behind a delimiter, folded or repeated headers,
/// heads without a name, a backslash in a name, nested multiparts, transfer encodings other than identities (RFC 7578 §4.7),
/// parts without the empty line that ends their head, and a body that ends before its last delimiter. Text behind that is
/// ignored.
class MultipartParser {
 public:
  /// `boundary`: as multipart_boundary() gives it.
  explicit MultipartParser(std::string_view boundary, MultipartLimits limits = {});
  MultipartParser(const MultipartParser&) = delete;
  MultipartParser& operator=(const MultipartParser&) = delete;

  /// Takes bytes off the front of `bytes` until something is to be said. Call it until it says `none`; `bytes` is empty then.
  [[nodiscard]] Result<MultipartEvent> next(std::string_view& bytes);
  /// There are no more bytes. Error bad_request: the last delimiter has not come.
  [[nodiscard]] Status finish() const;
  /// The last one begun.
  [[nodiscard]] const MultipartPart& part() const noexcept { return part_; }
  /// Bytes taken so far.
  [[nodiscard]] std::uint64_t offset() const noexcept { return offset_; }
  /// Of a value that is read by hand: the bytes at the end of the last feed, at most 74, that may turn out to be a delimiter.
  /// They come as data by a later call when they are none.
  [[nodiscard]] std::size_t undecided() const noexcept { return state_ == State::data ? matched_ - virtual_ : 0; }

 private:
  enum class State : std::uint8_t { start, after, after_lf, after_dash, head, data, closed, closed_lf, epilogue };
  [[nodiscard]] Result<MultipartEvent> step(std::string_view& bytes);
  [[nodiscard]] Status match_start(std::string_view& bytes);
  [[nodiscard]] Status behind_delimiter(std::string_view& bytes);
  [[nodiscard]] Result<MultipartEvent> read_head(std::string_view& bytes);
  [[nodiscard]] Result<MultipartEvent> read_data(std::string_view& bytes);
  [[nodiscard]] Result<MultipartEvent> resume_match(std::string_view& bytes);
  [[nodiscard]] MultipartEvent end_part(std::uint64_t data_end);
  [[nodiscard]] Status begin_part();
  [[nodiscard]] Status read_header(std::string_view name, std::string_view value);
  [[nodiscard]] Status read_disposition(std::string_view value);
  [[nodiscard]] Status note_name();
  void take(std::string_view& bytes, std::size_t count) noexcept;

  std::string delimiter_;  ///< CR LF - - boundary. Only its first byte is a CR, so that a match can begin at one place at a time
  MultipartLimits limits_;
  State state_ = State::start;
  std::uint64_t offset_ = 0;
  std::size_t matched_ = 0;  ///< bytes of the delimiter that ended the last feed
  std::size_t virtual_ = 0;  ///< of these, those that belong to the head
  std::uint64_t mark_ = 0;   ///< where the head, the data or the last delimiter begins
  std::uint64_t epilogue_ = 0;
  bool said_end_ = false;
  std::string head_;
  std::string name_;
  std::string filename_;
  MultipartPart part_;
  std::vector<std::uint64_t> names_;  ///< fingerprints
};

// ---- Writing ---------------------------------------------------------------------------------------------------------------

/// Appends the delimiter and head of a part; its data and multipart_part_end are to follow. `filename` and `content_type` may be
/// empty: they are left out. Line ends and quotes in names are written as WHATWG's forms do (%0D, %0A, %22).
void append_multipart_head(std::string& out, std::string_view boundary, std::string_view name, std::string_view filename = {},
                           std::string_view content_type = {});
inline constexpr std::string_view multipart_part_end = "\r\n";
/// Appends a whole part that is a plain field.
void append_multipart_field(std::string& out, std::string_view boundary, std::string_view name, std::string_view value);
/// Appends the last delimiter.
void append_multipart_end(std::string& out, std::string_view boundary);

}  // namespace cardea::wire
