#pragma once
// What a translation could not carry over: said, never silent.

#include <algorithm>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace cardea::dialect {

struct Loss {
  enum class Weight : std::uint8_t {
    detail,   ///< nice to have: the answer is still an answer to what was asked
    meaning,  ///< changes the result (an image, `stop`, a schema …): refused unless the caller allows it
  };
  std::string field;   ///< "messages[2].content[0].audio"; in an answer "choices[0].message.citations"
  std::string reason;  ///< a few plain words: "ollama has no such field"
  Weight weight = Weight::detail;
  bool operator==(const Loss&) const = default;
};

/// In the order met; a field is named once. A value.
class Losses {
 public:
  static constexpr std::string_view unsupported = "unsupported";

  void detail(std::string field, std::string_view reason = unsupported) { add(std::move(field), reason, Loss::Weight::detail); }
  void meaning(std::string field, std::string_view reason = unsupported) { add(std::move(field), reason, Loss::Weight::meaning); }
  void add(std::string field, std::string_view reason, Loss::Weight weight) {
    if (std::ranges::find(all_, field, &Loss::field) != all_.end()) return;
    all_.push_back({std::move(field), std::string{reason}, weight});
  }
  void add(const Losses& others) {
    for (const auto& loss : others.all_) add(loss.field, loss.reason, loss.weight);
  }
  /// `rename` changes a field's text in place.
  template <class Rename>
  void rename_fields(Rename rename) {
    for (auto& loss : all_) rename(loss.field);
  }
  [[nodiscard]] bool empty() const noexcept { return all_.empty(); }
  [[nodiscard]] std::span<const Loss> all() const noexcept { return all_; }
  /// The first that changes the meaning, or nullptr.
  [[nodiscard]] const Loss* gravest() const noexcept {
    const auto found = std::ranges::find(all_, Loss::Weight::meaning, &Loss::weight);
    return found != all_.end() ? &*found : nullptr;
  }
  /// The fields alone, in order.
  [[nodiscard]] std::vector<std::string> fields() const {
    std::vector<std::string> out;
    for (const auto& loss : all_) out.push_back(loss.field);
    return out;
  }

 private:
  std::vector<Loss> all_;
};

}  // namespace cardea::dialect
