#include "store/audit/chain.h"

#include <array>
#include <utility>

#include "base/text.h"

namespace cardea::store::audit {
namespace {

using Number = std::array<char, 8>;
Number number_of(std::uint64_t number) {
  Number out;
  for (std::size_t i = out.size(); i-- > 0; number >>= 8U) out[i] = static_cast<char>(number & 0xFFU);
  return out;
}
std::string_view text_of(const Number& number) { return {number.data(), number.size()}; }

}  // namespace

net::Digest hash(const net::Digest& previous, std::int64_t seq, const AuditEntry& entry) noexcept {
  const std::string_view texts[] = {entry.actor, entry.address, entry.action, entry.target, entry.before, entry.after};
  const Number number = number_of(static_cast<std::uint64_t>(seq));
  const Number time = number_of(static_cast<std::uint64_t>(entry.time_ms));
  std::array<Number, std::size(texts)> lengths;
  std::array<std::string_view, 3 + 2 * std::size(texts)> parts{bytes_of(previous), text_of(number), text_of(time)};
  for (std::size_t i = 0; i < std::size(texts); ++i) {
    lengths[i] = number_of(texts[i].size());
    parts[3 + 2 * i] = text_of(lengths[i]);
    parts[4 + 2 * i] = texts[i];
  }
  return net::sha256(parts);
}

std::string to_text(const net::Digest& hash) { return to_hex(bytes_of(hash)); }

Check::Check(std::string head) : head_{std::move(head)}, head_seen_{head_.empty()} {
  for (char& c : head_) c = ascii_lower(c);
}

void Check::add(const AuditLine& line) {
  if (!found_.problem.empty()) return;
  const std::int64_t seq = found_.lines + 1;
  const net::Digest expected = hash(last_, line.seq, line.entry);
  const std::string text = to_text(expected);
  if (line.seq == seq && line.hash == text) {
    last_ = expected;
    found_.lines = seq;
    found_.head = text;
    head_seen_ = head_seen_ || text == head_;
    return;
  }
  found_.broken_at = seq;
  found_.problem = line.seq == seq ? cat("line ", seq, " is not what was written, or a line before it was put in its place")
                                   : cat("line ", seq, " is missing: line ", line.seq, " follows");
}

AuditVerdict Check::verdict() const {
  AuditVerdict out = found_;
  if (!out.problem.empty() || head_seen_) return out;
  out.broken_at = out.lines + 1;
  out.problem = cat("no line has the hash ", head_, ": the end was cut off after line ", out.lines,
                    ", the log was written anew, or the hash is another log's");
  return out;
}

}  // namespace cardea::store::audit
