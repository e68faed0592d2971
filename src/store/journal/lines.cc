#include "store/journal/lines.h"

#include <algorithm>
#include <bit>
#include <cstring>
#include <string>
#include <type_traits>

namespace cardea::store::journal {
namespace {

struct Frame {
  std::uint32_t size;  ///< all of it
  std::uint32_t kind;  ///< which LedgerEntry
  std::uint64_t sum;
};

/// Not against an adversary, who could write the file as well: against pages of different ages.
std::uint64_t sum_of(const std::byte* bytes, std::size_t size, std::uint64_t position, std::uint64_t head) {
  std::uint64_t sum = (position ^ 0x9E3779B97F4A7C15U) + head;
  for (std::size_t i = 0; i < size; i += 8) {
    std::uint64_t word = 0;
    std::memcpy(&word, bytes + i, 8);
    sum = std::rotl((sum ^ word) * 0x9FB21C651E98DF25U, 29);
  }
  return sum ^ (sum >> 32);
}

/// The fields of each line, in their order: what counts, writes and reads are all of this one list.
template <class Archive, class E>
void fields(Archive& archive, E& line) {
  using Entry = std::remove_const_t<E>;
  archive(line.id);
  archive(line.time_ms);
  archive(line.amount.nano_usd);
  if constexpr (std::is_same_v<Entry, Reservation>) {
    auto& [organization, team, project, key, end_user, model, provider, tags] = line.labels;
    for (auto* const label : {&organization, &team, &project, &key, &end_user, &model, &provider, &tags}) archive(*label);
    archive(line.holds);
  } else if constexpr (std::is_same_v<Entry, Settlement>) {
    auto& [input, output, cache_read, cache_write, reasoning] = line.tokens;
    for (auto* const count : {&input, &output, &cache_read, &cache_write, &reasoning}) archive(*count);
    archive(line.outcome);
    archive(line.attempts);
    archive(line.price);
  } else {
    archive(line.hold);
    archive(line.actor);
    archive(line.reason);
  }
}

constexpr std::size_t text_max = 65'535;

class Counter {
 public:
  std::size_t bytes = 0;
  template <class T>
    requires std::is_trivially_copyable_v<T>
  void operator()(const T&) {
    bytes += sizeof(T);
  }
  void operator()(const std::string& text) { bytes += sizeof(std::uint16_t) + std::min(text.size(), text_max); }
  void operator()(const Hold& hold) {
    (*this)(hold.budget);
    (*this)(hold.window);
  }
  void operator()(const std::vector<Hold>& holds) {
    bytes += sizeof(std::uint16_t);
    for (const Hold& hold : holds) (*this)(hold);
  }
};

class Writer {
 public:
  explicit Writer(std::byte* to) : to_{to} {}
  template <class T>
    requires std::is_trivially_copyable_v<T>
  void operator()(const T& value) {
    put(&value, sizeof value);
  }
  void operator()(const std::string& text) {
    const auto size = static_cast<std::uint16_t>(std::min(text.size(), text_max));
    put(&size, sizeof size);
    put(text.data(), size);
  }
  void operator()(const Hold& hold) {
    (*this)(hold.budget);
    (*this)(hold.window);
  }
  void operator()(const std::vector<Hold>& holds) {
    (*this)(static_cast<std::uint16_t>(holds.size()));
    for (const Hold& hold : holds) (*this)(hold);
  }
  /// Zeros up to a multiple of 8.
  void fill(const std::byte* end) { std::memset(to_, 0, static_cast<std::size_t>(end - to_)); }

 private:
  void put(const void* from, std::size_t size) {
    std::memcpy(to_, from, size);
    to_ += size;
  }
  std::byte* to_;
};

class Reader {
 public:
  explicit Reader(std::span<const std::byte> left) : left_{left} {}
  [[nodiscard]] bool good() const noexcept { return good_; }
  template <class T>
    requires std::is_trivially_copyable_v<T>
  void operator()(T& value) {
    if (const std::byte* from = take(sizeof value)) std::memcpy(&value, from, sizeof value);
  }
  void operator()(std::string& text) {
    std::uint16_t size = 0;
    (*this)(size);
    if (const std::byte* from = take(size)) text.assign(reinterpret_cast<const char*>(from), size);
  }
  void operator()(Hold& hold) {
    (*this)(hold.budget);
    (*this)(hold.window);
  }
  void operator()(std::vector<Hold>& holds) {
    std::uint16_t size = 0;
    (*this)(size);
    for (std::size_t i = 0; i < size && good_; ++i) (*this)(holds.emplace_back());
  }

 private:
  const std::byte* take(std::size_t size) {
    good_ = good_ && size <= left_.size();
    if (!good_) return nullptr;
    const std::byte* const from = left_.data();
    left_ = left_.subspan(size);
    return from;
  }
  std::span<const std::byte> left_;
  bool good_ = true;
};

std::uint64_t head_of(const Frame& frame) { return std::uint64_t{frame.size} << 32 | frame.kind; }

template <class Entry>
std::optional<Line> read_as(std::span<const std::byte> body, std::size_t size) {
  Entry entry;
  Reader reader{body};
  fields(reader, entry);
  if (!reader.good()) return std::nullopt;
  return Line{std::move(entry), size};
}

}  // namespace

std::size_t size_of(const LedgerEntry& entry) {
  Counter counter;
  std::visit([&](const auto& line) { fields(counter, line); }, entry);
  return (sizeof(Frame) + counter.bytes + 7) / 8 * 8;
}

void write(const LedgerEntry& entry, std::size_t size, std::uint64_t position, std::byte* to) {
  std::byte* const body = to + sizeof(Frame);
  Writer writer{body};
  std::visit([&](const auto& line) { fields(writer, line); }, entry);
  writer.fill(to + size);
  Frame frame{.size = static_cast<std::uint32_t>(size), .kind = static_cast<std::uint32_t>(entry.index()), .sum = 0};
  frame.sum = sum_of(body, size - sizeof frame, position, head_of(frame));
  std::memcpy(to, &frame, sizeof frame);
}

std::optional<Line> read_line(std::span<const std::byte> bytes, std::uint64_t position) {
  Frame frame{};
  if (bytes.size() < sizeof frame) return std::nullopt;
  std::memcpy(&frame, bytes.data(), sizeof frame);
  if (frame.size < sizeof frame || frame.size > bytes.size() || frame.size % 8 != 0) return std::nullopt;
  const auto body = bytes.subspan(sizeof frame, frame.size - sizeof frame);
  if (frame.sum != sum_of(body.data(), body.size(), position, head_of(frame))) return std::nullopt;
  switch (frame.kind) {
    case 0: return read_as<Reservation>(body, frame.size);
    case 1: return read_as<Settlement>(body, frame.size);
    case 2: return read_as<Adjustment>(body, frame.size);
    default: return std::nullopt;
  }
}

}  // namespace cardea::store::journal
