#pragma once
// HTTP/1.1 on the wire (RFC 9110, RFC 9112): strict, zero-copy, no sockets. Heads are views into the caller's bytes; bodies are
// push machines; writers append to strings. Everything here is a plain value of the thread that owns it and allocates nothing on
// the way of a good message (only an Error's text and a message's trailers do).

#include <array>
#include <concepts>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "base/error.h"
#include "base/text.h"

namespace cardea::wire {

// ---- Names ---------------------------------------------------------------------------------------------------------------

enum class Method : std::uint8_t { get, head, post, put, delete_, patch, options, trace, connect, other };
/// "GET" …; `other` has no text of its own.
[[nodiscard]] std::string_view text(Method method) noexcept;

/// Header names found in O(1): every parsed line is classified once. One row each in http1_fields.cc (spelling, hop-by-hop,
/// forbidden in trailers); a name added here needs a row there.
enum class Field : std::uint8_t {
  other,
  accept,
  accept_encoding,
  anthropic_beta,
  anthropic_version,
  api_key,
  authorization,
  cache_control,
  connection,
  content_encoding,
  content_length,
  content_range,
  content_type,
  cookie,
  date,
  expect,
  forwarded,
  host,
  http2_settings,
  keep_alive,
  location,
  max_forwards,
  openai_organization,
  openai_project,
  origin,
  pragma,
  proxy_authenticate,
  proxy_authorization,
  proxy_connection,
  range,
  retry_after,
  server,
  set_cookie,
  te,
  traceparent,
  tracestate,
  trailer,
  transfer_encoding,
  upgrade,
  user_agent,
  www_authenticate,
  x_api_key,
  x_forwarded_for,
  x_forwarded_host,
  x_forwarded_proto,
  x_goog_api_key,
  x_request_id,
  last_ = x_request_id,
};
/// The field of that name in any case; Field::other when it has no row.
[[nodiscard]] Field field_of(std::string_view name) noexcept;
/// Lower-case spelling; empty for Field::other.
[[nodiscard]] std::string_view name_of(Field field) noexcept;
/// Meant for one connection only and never forwarded (RFC 9110 §7.6.1, plus the names RFC 2616 §13.5.1 listed). Fields named by a
/// message's Connection header are known to HeaderTable::is_hop_by_hop.
[[nodiscard]] bool is_hop_by_hop(std::string_view name) noexcept;

// ---- Heads ---------------------------------------------------------------------------------------------------------------

/// What a head may cost. Larger is refused with Kind::uri_too_long (target) or Kind::header_too_large (the rest).
struct HeadLimits {
  std::size_t head_bytes = 32 * 1024;   ///< start line, header lines and the empty line together; at most 1 MiB counts
  std::size_t headers = 100;            ///< header lines; at most HeaderTable::max_headers counts
  std::size_t target_bytes = 8 * 1024;  ///< request target
  bool underscore_names = false;        ///< requests only: accept `_` in header names (proxies confuse `a_b` with `a-b`)
};

struct Header {
  std::string_view name;   ///< as sent, a token
  std::string_view value;  ///< without surrounding white space; may be empty
};

/// The header lines of one head in order, as offsets into the caller's bytes. Lifetime of every view: the bytes given to the
/// parse call; when they move as a whole, rebase() follows them.
class HeaderTable {
 public:
  static constexpr std::size_t max_headers = 128;

  HeaderTable() noexcept {}  // NOLINT: user-provided, so that `{}` does not zero the slots
  [[nodiscard]] std::size_t size() const noexcept { return count_; }
  [[nodiscard]] bool empty() const noexcept { return count_ == 0; }
  [[nodiscard]] Header operator[](std::size_t i) const noexcept {
    const Slot& s = slots_[i];
    return {{base_ + s.name_at, s.name_size}, {base_ + s.value_at, s.value_size}};
  }
  /// Classification of line `i`.
  [[nodiscard]] Field field(std::size_t i) const noexcept { return slots_[i].field; }
  /// Value of the first line of that name; std::nullopt when absent (an empty value is present).
  [[nodiscard]] std::optional<std::string_view> find(Field field) const noexcept {
    const auto at = first_[static_cast<std::size_t>(field)];
    if (field == Field::other || at == 0) return std::nullopt;
    return (*this)[at - 1U].value;
  }
  /// The same by name in any case; O(1) for names with a Field, else a scan.
  [[nodiscard]] std::optional<std::string_view> find(std::string_view name) const noexcept;
  /// How many lines have that name in any case.
  [[nodiscard]] std::size_t count(std::string_view name) const noexcept;
  /// Line `i` must not be forwarded: hop-by-hop by itself or named by Connection. Host, framing and credential fields stay
  /// end-to-end even when Connection names them, so that a client cannot make a hop drop them.
  [[nodiscard]] bool is_hop_by_hop(std::size_t i) const noexcept;
  /// Any Connection line lists `token` (any case).
  [[nodiscard]] bool connection_has(std::string_view token) const noexcept;

  class Iterator {
   public:
    Iterator(const HeaderTable& table, std::size_t at) noexcept : table_{&table}, at_{at} {}
    Header operator*() const noexcept { return (*table_)[at_]; }
    Iterator& operator++() noexcept {
      ++at_;
      return *this;
    }
    bool operator==(const Iterator& other) const noexcept { return at_ == other.at_; }

   private:
    const HeaderTable* table_;
    std::size_t at_;
  };
  [[nodiscard]] Iterator begin() const noexcept { return {*this, 0}; }
  [[nodiscard]] Iterator end() const noexcept { return {*this, count_}; }

 private:
  friend class HeadScan;
  friend class RequestHead;
  friend class ResponseHead;
  struct Slot {
    std::uint32_t name_at;
    std::uint32_t value_at;
    std::uint32_t value_size;
    std::uint16_t name_size;
    Field field;
  };
  static constexpr std::size_t fields = static_cast<std::size_t>(Field::last_) + 1;

  const char* base_ = nullptr;
  std::uint32_t count_ = 0;
  std::array<std::uint8_t, fields> first_{};  ///< index of the first line of a field, plus one
  std::array<bool, fields> repeated_{};
  Slot slots_[max_headers];  ///< [0, count_) are meaningful
};

/// How a body ends on the wire (RFC 9112 §6.3).
enum class Framing : std::uint8_t { none, length, chunked, until_close };

/// A span of a head, kept as offsets so that heads can be copied and rebased.
struct HeadSpan {
  std::uint32_t at = 0;
  std::uint32_t size = 0;
};

/// The bytes in which a head must end.
struct HeadWindow {
  std::string_view bytes;
  bool full = false;  ///< cut at the limit, or exactly as large: nothing more may be added
};

/// Remembers between two calls how far an incomplete head was looked at, so that a head fed byte by byte costs linear time.
class HeadProgress {
 public:
  /// Is a parse of `window` worth its time?
  [[nodiscard]] bool worth_parsing(const HeadWindow& window) noexcept;
  void reset() noexcept { scanned_ = parsed_ = 0; }

 private:
  std::size_t scanned_ = 0;  ///< line ends before this offset were seen
  std::size_t parsed_ = 0;   ///< size of the window at the last parse
};

/// A request head. Views die with the bytes they were parsed from (see HeaderTable). 2.3 KiB, no heap; reuse one per connection.
class RequestHead {
 public:
  RequestHead() noexcept {}  // NOLINT: see HeaderTable
  [[nodiscard]] Method method() const noexcept { return method_; }
  [[nodiscard]] std::string_view method_text() const noexcept { return view(method_text_); }
  /// The request target as sent.
  [[nodiscard]] std::string_view target() const noexcept { return view(target_); }
  /// Undecoded path, never empty: begins with `/` and has no dot segments and no `\`, or is `*` (OPTIONS only).
  [[nodiscard]] std::string_view path() const noexcept { return path_.size == 0 ? std::string_view{"/"} : view(path_); }
  /// Undecoded text behind the `?`; empty when there is none.
  [[nodiscard]] std::string_view query() const noexcept { return view(query_); }
  /// 0 or 1: HTTP/1.x.
  [[nodiscard]] unsigned minor_version() const noexcept { return minor_version_; }
  /// Effective authority: that of an absolute-form target, else Host (RFC 9112 §3.2.2). Grammar checked; empty only on HTTP/1.0.
  [[nodiscard]] std::string_view host() const noexcept { return view(host_); }
  /// host() without the port; an IPv6 literal keeps its brackets.
  [[nodiscard]] std::string_view hostname() const noexcept;
  [[nodiscard]] const HeaderTable& headers() const noexcept { return headers_; }
  [[nodiscard]] std::optional<std::string_view> find(Field field) const noexcept { return headers_.find(field); }
  [[nodiscard]] std::optional<std::string_view> find(std::string_view name) const noexcept { return headers_.find(name); }
  /// none, length or chunked.
  [[nodiscard]] Framing framing() const noexcept { return framing_; }
  /// Bytes; 0 unless framing() is length.
  [[nodiscard]] std::uint64_t content_length() const noexcept { return content_length_; }
  [[nodiscard]] bool has_body() const noexcept { return framing_ == Framing::chunked || content_length_ != 0; }
  /// The client lets the connection live on after this exchange.
  [[nodiscard]] bool keep_alive() const noexcept { return keep_alive_; }
  /// The client waits for `100 Continue` before it sends the body.
  [[nodiscard]] bool expect_continue() const noexcept { return expect_continue_; }
  /// Value of Upgrade when Connection names it too (HTTP/1.1 only); else empty.
  [[nodiscard]] std::string_view upgrade() const noexcept;
  /// The bytes moved: `base` is now where the first byte given to parse_request_head lies.
  void rebase(const char* base) noexcept { headers_.base_ = base; }
  /// Forgets the head and how far an incomplete one was read. Needed only to abandon an incomplete head.
  void clear() noexcept;

 private:
  friend class RequestScan;
  friend Result<std::size_t> parse_request_head(std::string_view, const HeadLimits&, RequestHead&);
  [[nodiscard]] std::string_view view(HeadSpan s) const noexcept { return {headers_.base_ + s.at, s.size}; }

  HeadSpan method_text_;
  HeadSpan target_;
  HeadSpan path_;
  HeadSpan query_;
  HeadSpan host_;
  std::uint64_t content_length_ = 0;
  Method method_ = Method::other;
  Framing framing_ = Framing::none;
  std::uint8_t minor_version_ = 1;
  bool keep_alive_ = false;
  bool expect_continue_ = false;
  HeadProgress progress_;
  HeaderTable headers_;
};

/// Parses one request head at the front of `bytes`: the number of bytes it takes, or 0 while it is incomplete. Then call again
/// with the same bytes and more behind them (they may have moved); `out` remembers how far it looked, so feeding byte by byte is
/// linear. After success or error the next call begins a new head. `out` is meaningful only after success.
/// Errors (close the connection, RFC 9112 §9.2): bad_request, uri_too_long, header_too_large, http_version, not_implemented
/// (transfer coding), expectation_failed, method_not_allowed (CONNECT). The same bytes give the same error however they are
/// split.
[[nodiscard]] Result<std::size_t> parse_request_head(std::string_view bytes, const HeadLimits& limits, RequestHead& out);
/// The head would view into a dead temporary.
template <std::same_as<std::string> S>
Result<std::size_t> parse_request_head(S&& bytes, const HeadLimits& limits, RequestHead& out) = delete;

/// A response head; the counterpart of RequestHead.
class ResponseHead {
 public:
  ResponseHead() noexcept {}  // NOLINT: see HeaderTable
  /// 100 … 599.
  [[nodiscard]] unsigned status() const noexcept { return status_; }
  [[nodiscard]] std::string_view reason() const noexcept { return {headers_.base_ + reason_.at, reason_.size}; }
  [[nodiscard]] unsigned minor_version() const noexcept { return minor_version_; }
  [[nodiscard]] bool informational() const noexcept { return status_ < 200; }
  [[nodiscard]] const HeaderTable& headers() const noexcept { return headers_; }
  [[nodiscard]] std::optional<std::string_view> find(Field field) const noexcept { return headers_.find(field); }
  [[nodiscard]] std::optional<std::string_view> find(std::string_view name) const noexcept { return headers_.find(name); }
  /// Of this answer: none for HEAD, 1xx, 204 and 304 whatever the headers say.
  [[nodiscard]] Framing framing() const noexcept { return framing_; }
  /// Bytes that follow; 0 unless framing() is length.
  [[nodiscard]] std::uint64_t content_length() const noexcept { return content_length_; }
  /// The connection may carry another exchange once the body is complete; never with until_close.
  [[nodiscard]] bool keep_alive() const noexcept { return keep_alive_; }
  void rebase(const char* base) noexcept { headers_.base_ = base; }
  void clear() noexcept;

 private:
  friend class ResponseScan;
  friend Result<std::size_t> parse_response_head(std::string_view, const HeadLimits&, Method, ResponseHead&);

  HeadSpan reason_;
  std::uint64_t content_length_ = 0;
  std::uint16_t status_ = 0;
  Framing framing_ = Framing::none;
  std::uint8_t minor_version_ = 1;
  bool keep_alive_ = false;
  HeadProgress progress_;
  HeaderTable headers_;
};

/// Like parse_request_head for the answer to a `request_method` request. Every error is Kind::upstream_protocol. Underscores in
/// names are accepted. A 1xx head is returned like any other; the caller reads on.
[[nodiscard]] Result<std::size_t> parse_response_head(std::string_view bytes, const HeadLimits& limits, Method request_method,
                                                      ResponseHead& out);
template <std::same_as<std::string> S>
Result<std::size_t> parse_response_head(S&& bytes, const HeadLimits& limits, Method request_method, ResponseHead& out) = delete;

// ---- Chunked bodies ------------------------------------------------------------------------------------------------------

struct ChunkLimits {
  std::size_t extension_bytes = 4 * 1024;           ///< of one chunk (ignored, but not for ever)
  std::size_t message_extension_bytes = 64 * 1024;  ///< of all chunks together
  std::size_t trailer_bytes = 8 * 1024;             ///< all trailer lines together
};

/// Decoder of the chunked transfer coding (RFC 9112 §7.1) over any split of the bytes. The body's total size is the caller's to
/// limit. After an error the connection is unusable.
class ChunkedDecoder {
 public:
  /// `blame`: kind of every error: bad_request for a client's body, upstream_protocol for an upstream's.
  explicit ChunkedDecoder(Kind blame, const ChunkLimits& limits = {}) noexcept : limits_{limits}, blame_{blame} {}

  struct Step {
    std::size_t consumed = 0;  ///< bytes of the input that are dealt with; > 0 unless the input was empty or it was done before
    std::string_view data;     ///< payload, a view into the input; may be empty
  };
  /// Takes the next bytes and stops behind the first piece of payload, so call again with the rest until it is empty or done().
  /// Bytes behind the end of the body are not consumed.
  [[nodiscard]] Result<Step> feed(std::string_view bytes);
  [[nodiscard]] bool done() const noexcept { return state_ == State::done; }
  /// Payload bytes of the current chunk still to come.
  [[nodiscard]] std::uint64_t chunk_left() const noexcept { return left_; }
  /// The trailer section's checked `name: value\r\n` lines, meaningful once done(); never framing, routing or credential fields.
  [[nodiscard]] std::string_view trailers() const noexcept { return trailers_; }

 private:
  enum class State : std::uint8_t {
    size_first,
    size,
    blank,
    extension,
    size_lf,
    data,
    data_cr,
    data_lf,
    trailer,
    trailer_line,
    trailer_lf,
    end_lf,
    done
  };
  [[nodiscard]] Status control(std::string_view bytes, std::size_t& at);
  [[nodiscard]] Status size_digit(char c);
  [[nodiscard]] Status after_size(char c);
  [[nodiscard]] Status extension(std::string_view bytes, std::size_t& at);
  [[nodiscard]] Status count_extension(std::size_t size);
  [[nodiscard]] Status trailer(char c);
  [[nodiscard]] Status check_trailers() const;
  [[nodiscard]] Status expect(char c, char wanted, State next);

  ChunkLimits limits_;
  std::uint64_t left_ = 0;
  std::size_t extension_bytes_ = 0;
  std::size_t message_extension_bytes_ = 0;
  std::string trailers_;
  Kind blame_;
  State state_ = State::size_first;
  std::uint8_t digits_ = 0;
};

// ---- Writing -------------------------------------------------------------------------------------------------------------

/// "OK" …; "Unknown" for a status that has none.
[[nodiscard]] std::string_view reason_phrase(unsigned status) noexcept;
/// `HTTP/1.1 200 OK\r\n`. Status 100 … 999.
void append_status_line(std::string& out, unsigned status);
/// `POST /path HTTP/1.1\r\n`. Both must be free of spaces and control characters (a target from a parsed head is).
void append_request_line(std::string& out, std::string_view method, std::string_view target);

/// Header lines ready for the wire: `name: value\r\n` …, without the empty line that ends a head.
class HeaderBlock {
 public:
  /// Adds a line. bad_request when the name is no token or the value holds CR, LF, NUL or another control character but tab: then
  /// nothing is added, so foreign text can never begin a second line.
  [[nodiscard]] Status add(std::string_view name, std::string_view value);
  /// Adds a line with a number. `name` is a literal of the program's.
  template <std::integral T>
    requires(!std::same_as<T, bool> && !std::same_as<T, char>)
  void add(std::string_view name, T value) {
    text_.append(name).append(": ");
    append(text_, value);
    text_.append("\r\n");
  }
  /// Room for `bytes` more at once.
  void reserve(std::size_t bytes) { text_.reserve(text_.size() + bytes); }
  /// Appends complete lines, each ended by CRLF, that were built before or are the program's own. Unchecked.
  void add_raw(std::string_view lines) { text_.append(lines); }
  [[nodiscard]] std::string_view text() const noexcept { return text_; }
  [[nodiscard]] bool empty() const noexcept { return text_.empty(); }
  void clear() noexcept { text_.clear(); }

 private:
  std::string text_;
};

inline constexpr std::size_t chunk_prefix_bytes = 18;
inline constexpr std::string_view chunk_suffix = "\r\n";
/// Ends a chunked body without trailers.
inline constexpr std::string_view last_chunk = "0\r\n\r\n";
/// The line before `size` bytes of payload, a view into `buffer`: hexadecimal size and CRLF. size > 0 (0 would end the body).
[[nodiscard]] std::string_view chunk_prefix(std::uint64_t size, std::span<char, chunk_prefix_bytes> buffer) noexcept;

/// Is this a valid `host [":" port]` (RFC 9110 §7.2, without percent-encoding and sub-delimiters, which no real name has)?
[[nodiscard]] bool valid_host(std::string_view host) noexcept;

}  // namespace cardea::wire
