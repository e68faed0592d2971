#pragma once
// Changing JSON without rewriting it: a list of replacements on text that stays as it is.

#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/error.h"
#include "json/inline_vector.h"
#include "json/scan.h"

namespace cardea::json {

/// Replacements of spans of one immutable text, kept sorted; they never overlap. Move-only. The pieces it hands out point into
/// the text and into this object: both must stay where they are until the pieces are written.
class Edits {
 public:
  Edits() noexcept {}  // NOLINT: not defaulted, so that the inline storage is never zeroed
  /// Replaces `span` by `replacement` (copied). A span of length 0 inserts; insertions at one place keep their order. Overlap
  /// with an earlier edit is refused with Kind::internal.
  Status replace(Span span, std::string_view replacement);
  Status remove(Span span) { return replace(span, {}); }
  [[nodiscard]] bool empty() const noexcept { return edits_.empty(); }
  [[nodiscard]] std::size_t count() const noexcept { return edits_.size(); }

  /// Bytes of the edited text.
  [[nodiscard]] std::size_t size_after(std::string_view text) const noexcept;
  /// Appends the edited text as pieces, for one gathered write. Empty pieces are left out.
  void append_pieces(std::string_view text, std::vector<std::string_view>& pieces) const;
  [[nodiscard]] std::string apply(std::string_view text) const;

 private:
  struct Edit {
    Span span;
    Span replacement;  ///< in text_
  };
  InlineVector<Edit, 8> edits_;
  InlineVector<char, 192> text_;
};

/// Changes to the members of one object, resolved together so that the commas come out right. For the top-level object, or for
/// one whose members the scan noted. Short-lived: made, filled, committed.
class ObjectEdit {
 public:
  /// The top-level object.
  explicit ObjectEdit(const Members& members) : members_{members}, range_{members.all()} {}
  /// `object`: an object member of `members` whose inside was noted (ScanOptions::outline).
  ObjectEdit(const Members& members, const Member& object)
      : members_{members}, object_{&object}, range_{members.inside(object)} {}

  void set(const Member& member, std::string_view raw_value);
  void rename(const Member& member, std::string_view key);
  void remove(const Member& member);
  /// A new member, placed before the others. The caller makes sure that the key is not there yet.
  void add(std::string_view key, std::string_view raw_value);
  /// Hands the changes over.
  Status commit(Edits& edits);

 private:
  [[nodiscard]] std::uint32_t open_brace() const noexcept;
  struct Change {
    std::uint32_t index = 0;
    enum class What : std::uint8_t { set, rename, remove } what = What::set;
    Span text{};  ///< in text_
  };
  [[nodiscard]] Span keep(std::string_view text);

  const Members& members_;
  const Member* object_ = nullptr;
  Members::Range range_;
  InlineVector<Change, 8> changes_;
  InlineVector<char, 128> text_;
  std::string added_;
};

}  // namespace cardea::json
