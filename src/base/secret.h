#pragma once
// A secret cannot be printed, compared in variable time, or left behind in freed memory.

#include <span>
#include <string>
#include <string_view>
#include <utility>

namespace cardea {

/// Holds key material. Copyable (configuration snapshots share it); wiped when destroyed. `reveal()` is for the signer that puts
/// it on the wire to the origin it belongs to, and for nobody else.
class Secret {
 public:
  Secret() = default;
  explicit Secret(std::string value) : value_{std::move(value)} {}
  Secret(const Secret&) = default;
  /// Nothing stays where it was: a short text lives inside the object, and a moved-from string keeps its bytes.
  Secret(Secret&& other) noexcept : value_{std::move(other.value_)} { other.wipe(); }
  Secret& operator=(const Secret& other);
  Secret& operator=(Secret&& other) noexcept;
  ~Secret() { wipe(); }

  [[nodiscard]] std::string_view reveal() const noexcept { return value_; }
  [[nodiscard]] bool empty() const noexcept { return value_.empty(); }

 private:
  void wipe() noexcept;
  std::string value_;
};

/// Overwrites all the memory of `text`, its spare room too, and empties it: for what held a secret before a Secret did.
void wipe(std::string& text) noexcept;

/// Equality in time that depends on the lengths only.
[[nodiscard]] bool constant_time_equal(std::string_view a, std::string_view b) noexcept;

/// `text` with every occurrence of `secret` (when at least 8 characters long) replaced by `instead`.
[[nodiscard]] std::string scrub(std::string_view text, std::string_view secret, std::string_view instead = "***");

/// The same where the bytes are, and as many of them remain: each of the secret's becomes '*'.
void scrub_in_place(std::span<char> text, std::string_view secret) noexcept;

}  // namespace cardea
