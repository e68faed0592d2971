#include "dialect/estimate.h"

#include <string_view>

namespace cardea::dialect {
namespace {

constexpr std::uint64_t of_message = 4;
constexpr std::uint64_t of_tool = 8;
constexpr std::uint64_t of_image = 1000;
constexpr std::uint64_t of_file = 1500;

/// In quarters of a token, so that short texts add up.
std::uint64_t quarters(std::string_view text) noexcept {
  std::uint64_t out = 0;
  for (const char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    if (byte < 0x80) {
      out += 1;
    } else if (byte >= 0xE0) {
      out += 4;  // begins a character of three or four bytes: mostly a token of its own
    } else if (byte >= 0xC0) {
      out += 2;
    }
  }
  return out;
}

struct PartCounter {
  std::uint64_t quarters_ = 0;

  void text(std::string_view text) { quarters_ += quarters(text); }
  void tokens(std::uint64_t count) { quarters_ += 4 * count; }

  void operator()(const model::Text& part) { text(part.text); }
  void operator()(const model::Image&) { tokens(of_image); }
  void operator()(const model::Audio&) { tokens(of_file); }
  void operator()(const model::File&) { tokens(of_file); }
  void operator()(const model::Refusal& part) { text(part.text); }
  void operator()(const model::Thinking& part) { text(part.text); }
  void operator()(const model::ToolCall& part) {
    text(part.name);
    text(part.arguments);
  }
  void operator()(const model::ToolResult& part) {
    for (const auto& inner : part.parts) std::visit([this](const auto& value) { (*this)(value); }, inner.value);
  }
  void operator()(const model::Opaque& part) { text(part.value.text); }
};

}  // namespace

std::uint64_t estimate_tokens(const model::Chat& chat) {
  PartCounter count;
  for (const auto& message : chat.messages) {
    count.tokens(of_message);
    for (const auto& part : message.parts) std::visit([&](const auto& value) { count(value); }, part.value);
  }
  if (chat.tools) {
    for (const auto& tool : *chat.tools) {
      count.tokens(of_tool);
      count.text(tool.name);
      if (tool.description) count.text(*tool.description);
      if (tool.parameters) count.text(tool.parameters->text);
      if (tool.builtin) count.text(tool.builtin->text);
    }
  }
  if (chat.response_format && chat.response_format->schema) count.text(chat.response_format->schema->text);
  return (count.quarters_ + 3) / 4;
}

}  // namespace cardea::dialect
