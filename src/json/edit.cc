#include "json/edit.h"

#include <algorithm>
#include <span>

#include "json/writer.h"

namespace cardea::json {
namespace {

template <std::size_t N>
Span store(InlineVector<char, N>& arena, std::string_view text) {
  const Span span{static_cast<std::uint32_t>(arena.size()), static_cast<std::uint32_t>(text.size())};
  arena.append(text.data(), text.size());
  return span;
}

constexpr std::uint32_t end_of(Span span) noexcept { return span.offset + span.length; }

}  // namespace

Status Edits::replace(Span span, std::string_view replacement) {
  const auto goes_before = [&](Span other) {
    return span.offset < other.offset || (span.offset == other.offset && span.length == 0 && other.length != 0);
  };
  std::size_t at = edits_.size();
  while (at > 0 && goes_before(edits_[at - 1].span)) --at;
  const bool before = at > 0 && end_of(edits_[at - 1].span) > span.offset;
  const bool after = at < edits_.size() && end_of(span) > edits_[at].span.offset;
  if (before || after) return fail(Kind::internal, "two edits of one JSON text overlap");
  edits_.insert(at, {span, store(text_, replacement)});
  return {};
}

std::size_t Edits::size_after(std::string_view text) const noexcept {
  std::size_t size = text.size();
  for (const auto& edit : edits_) size = size - edit.span.length + edit.replacement.length;
  return size;
}

void Edits::append_pieces(std::string_view text, std::vector<std::string_view>& pieces) const {
  const std::string_view arena{text_.data(), text_.size()};
  const auto put = [&](std::string_view piece) {
    if (!piece.empty()) pieces.push_back(piece);
  };
  std::size_t from = 0;
  for (const auto& edit : edits_) {
    put(text.substr(from, edit.span.offset - from));
    put(arena.substr(edit.replacement.offset, edit.replacement.length));
    from = end_of(edit.span);
  }
  put(text.substr(from));
}

std::string Edits::apply(std::string_view text) const {
  std::vector<std::string_view> pieces;
  append_pieces(text, pieces);
  std::string out;
  out.reserve(size_after(text));
  for (const auto piece : pieces) out.append(piece);
  return out;
}

Span ObjectEdit::keep(std::string_view text) { return store(text_, text); }

void ObjectEdit::set(const Member& member, std::string_view raw_value) {
  changes_.push_back({members_.index_of(member), Change::What::set, keep(raw_value)});
}
void ObjectEdit::rename(const Member& member, std::string_view key) {
  changes_.push_back({members_.index_of(member), Change::What::rename, keep(quote(key))});
}
void ObjectEdit::remove(const Member& member) { changes_.push_back({members_.index_of(member), Change::What::remove}); }

void ObjectEdit::add(std::string_view key, std::string_view raw_value) {
  if (!added_.empty()) added_.push_back(',');
  append_string(added_, key);
  added_.push_back(':');
  added_.append(raw_value);
}

std::uint32_t ObjectEdit::open_brace() const noexcept {
  return object_ != nullptr ? object_->value.offset : static_cast<std::uint32_t>(members_.text().find('{'));
}

/// Members removed behind one that stays go with the comma before them; members removed at the front go with the comma after
/// them. Linear in members and changes: a body may repeat a field that a rule drops a hundred thousand times.
Status ObjectEdit::commit(Edits& edits) {
  std::ranges::sort(changes_, {}, &Change::index);
  const std::string_view arena{text_.data(), text_.size()};
  const Change* change = changes_.begin();
  bool stays = false;
  std::uint32_t previous_end = 0;
  for (auto it = range_.begin(); it != range_.end();) {
    const Member& member = *it;
    const Change* const first = change;
    while (change != changes_.end() && change->index == members_.index_of(member)) ++change;
    const std::span<const Change> own{first, change};
    const auto value_end = end_of(member.value);
    ++it;
    Status status;
    if (std::ranges::find(own, Change::What::remove, &Change::what) != own.end()) {
      const auto from = stays ? previous_end : member.key_span.offset;
      const auto to = stays || it == range_.end() ? value_end : it->key_span.offset;
      status = edits.remove({from, to - from});
    } else {
      stays = true;
      for (const auto& [index, what, text] : own) {
        const auto span = what == Change::What::set ? member.value : member.key_span;
        status = edits.replace(span, arena.substr(text.offset, text.length));
        if (!status) break;
      }
    }
    if (!status) return status;
    previous_end = value_end;
  }
  if (added_.empty()) return {};
  if (stays) added_.push_back(',');
  return edits.replace({open_brace() + 1, 0}, added_);
}

}  // namespace cardea::json
