#pragma once
// Reading JSON without building a tree: one pass that checks every token and notes where the members of interest are.

#include <array>
#include <cstddef>
#include <cstdint>
#include <forward_list>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "base/error.h"
#include "json/inline_vector.h"

namespace cardea::json {

struct StringKernel;

enum class Type : std::uint8_t { null, boolean, number, string, array, object };
/// "a string", "an object", … for messages.
[[nodiscard]] std::string_view describe(Type type) noexcept;

/// A piece of the scanned text, in bytes from its beginning.
struct Span {
  std::uint32_t offset = 0;
  std::uint32_t length = 0;
  bool operator==(const Span&) const = default;
};

/// One value: a member of an object (with a key) or an element of an array (`key` empty).
struct Member {
  std::string_view key;    ///< unescaped: "mod\u0065l" is `model`
  Span key_span;           ///< the key as written, quotes included; empty for elements
  Span value;              ///< the raw value, without white space around it
  std::uint32_t next = 0;  ///< index of the next noted value that is not inside this one
  Type type = Type::null;
  bool escaped = false;  ///< a string value that contains a backslash
};

struct ScanOptions {
  /// Top-level members whose inside is noted too: two levels, i.e. elements and the elements' members, or the members of an
  /// object.
  std::span<const std::string_view> outline = {};
  /// Levels of arrays and objects allowed; more is an error.
  std::uint32_t max_depth = 128;
  /// Values noted; more is an error. Bounds the memory that a body of tiny members can claim (40 bytes each).
  std::uint32_t max_noted = 65'536;
  /// What a \uD800 without its other half is. Vendors refuse it in requests; answers are taken as they come.
  enum class LoneSurrogate : std::uint8_t { refused, allowed } lone_surrogate = LoneSurrogate::refused;
  /// The kind of every error, e.g. Kind::upstream_protocol when the text is an upstream's.
  Kind error_kind = Kind::bad_request;
  /// Begins every error message.
  std::string_view what = "the request body";
  /// The vector code to use, for tests; nullptr: the best that this CPU has.
  const StringKernel* kernel = nullptr;
};

/// What a scan noted. Views into the scanned text, which must outlive it. Move-only: moving keeps indices, not addresses.
class Members {
 public:
  Members() noexcept {}  // NOLINT: not defaulted, so that the inline storage is never zeroed

  [[nodiscard]] std::string_view text() const noexcept { return text_; }
  [[nodiscard]] bool empty() const noexcept { return nodes_.empty(); }
  [[nodiscard]] const Member& operator[](std::uint32_t index) const noexcept { return nodes_[index]; }
  [[nodiscard]] std::uint32_t index_of(const Member& member) const noexcept {
    return static_cast<std::uint32_t>(&member - nodes_.data());
  }
  [[nodiscard]] std::string_view raw(const Member& member) const noexcept { return raw(member.value); }
  [[nodiscard]] std::string_view raw(Span span) const noexcept { return text_.substr(span.offset, span.length); }

  /// Siblings in the order of the text.
  class Range {
   public:
    class Iterator {
     public:
      Iterator(const Member* nodes, std::uint32_t index) : nodes_{nodes}, index_{index} {}
      const Member& operator*() const noexcept { return nodes_[index_]; }
      const Member* operator->() const noexcept { return nodes_ + index_; }
      Iterator& operator++() noexcept {
        index_ = nodes_[index_].next;
        return *this;
      }
      bool operator==(const Iterator& other) const noexcept { return index_ == other.index_; }

     private:
      const Member* nodes_;
      std::uint32_t index_;
    };
    Range(const Member* nodes, std::uint32_t first, std::uint32_t last) : nodes_{nodes}, first_{first}, last_{last} {}
    [[nodiscard]] Iterator begin() const noexcept { return {nodes_, first_}; }
    [[nodiscard]] Iterator end() const noexcept { return {nodes_, last_}; }
    [[nodiscard]] bool empty() const noexcept { return first_ == last_; }

   private:
    const Member* nodes_;
    std::uint32_t first_;
    std::uint32_t last_;
  };
  /// The top-level members.
  [[nodiscard]] Range all() const noexcept { return {nodes_.data(), 0, static_cast<std::uint32_t>(nodes_.size())}; }
  /// What was noted inside `parent` (see ScanOptions::outline); empty for all others.
  [[nodiscard]] Range inside(const Member& parent) const noexcept { return {nodes_.data(), index_of(parent) + 1, parent.next}; }

  /// The last member of that name, as most parsers have it; nullptr when absent.
  [[nodiscard]] const Member* find(std::string_view key) const noexcept { return find_in(all(), key); }
  [[nodiscard]] const Member* find(const Member& parent, std::string_view key) const noexcept {
    return find_in(inside(parent), key);
  }
  /// As find() for each of the keys, in one pass: `parent`'s members, or the top-level ones.
  template <std::size_t Count>
  [[nodiscard]] std::array<const Member*, Count> pick(const std::array<std::string_view, Count>& keys,
                                                      const Member* parent = nullptr) const noexcept {
    std::array<const Member*, Count> out{};
    pick(parent != nullptr ? inside(*parent) : all(), keys, out.data());
    return out;
  }
  /// For members that matter: nullptr when absent, an error when given twice (two readers would see two requests).
  [[nodiscard]] Result<const Member*> unique(std::string_view key) const { return unique_in(all(), key); }
  [[nodiscard]] Result<const Member*> unique(const Member& parent, std::string_view key) const {
    return unique_in(inside(parent), key);
  }

  /// The unescaped text of a string member (requires type string). A view into the text, or into memory kept by this object.
  [[nodiscard]] std::string_view string(const Member& member) const;
  /// Requires type boolean.
  [[nodiscard]] bool boolean(const Member& member) const noexcept { return text_[member.value.offset] == 't'; }

 private:
  friend class Scanner;
  friend Status scan(std::string_view text, const ScanOptions& options, Members& out);
  friend Result<Type> note_everything(std::string_view text, const ScanOptions& options, Members& out);
  void reset(std::string_view text, Kind error_kind) noexcept;
  [[nodiscard]] static const Member* find_in(Range range, std::string_view key) noexcept;
  static void pick(Range range, std::span<const std::string_view> keys, const Member** out) noexcept;
  [[nodiscard]] Result<const Member*> unique_in(Range range, std::string_view key) const;

  std::string_view text_;
  Kind error_kind_ = Kind::bad_request;
  InlineVector<Member, 40> nodes_;
  mutable std::forward_list<std::string> unescaped_;
};

/// Checks `text` against RFC 8259 completely (every token, UTF-8, depth) and notes the top-level object's members. The text needs
/// no padding and must be shorter than 4 GiB. Errors name the byte, line and column. Thread: any.
[[nodiscard]] Status scan(std::string_view text, const ScanOptions& options, Members& out);
[[nodiscard]] Result<Members> scan(std::string_view text, const ScanOptions& options = {});
/// The same check for a text whose top level may be any value; returns that value's type.
[[nodiscard]] Result<Type> validate(std::string_view text, const ScanOptions& options = {});

/// As validate(), and notes all values at all levels, but for a top level that is no container. `options.outline` and
/// `options.max_noted` do not count: a tree of all of it is wanted.
[[nodiscard]] Result<Type> note_everything(std::string_view text, const ScanOptions& options, Members& out);

/// The text of a raw string value (quotes included) that was checked before. Appends to `out`; a lone surrogate becomes U+FFFD.
void unescape(std::string_view raw, std::string& out);
/// A raw number as an integer of the type's range, when it is written as one (no fraction, no exponent).
[[nodiscard]] std::optional<std::uint64_t> to_u64(std::string_view raw) noexcept;
[[nodiscard]] std::optional<std::int64_t> to_i64(std::string_view raw) noexcept;

}  // namespace cardea::json
