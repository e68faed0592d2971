#include "tokens/chat.h"

#include <algorithm>

#include "base/text.h"
#include "json/value.h"
#include "tokens/encoding.h"
#include "tokens/image.h"

namespace cardea::tokens {
namespace {

// OpenAI's cookbook, "How to count tokens with tiktoken".
constexpr std::uint64_t of_message = 3;
constexpr std::uint64_t of_name = 1;
constexpr std::uint64_t of_reply = 3;  // every answer is begun for the model
constexpr std::uint64_t of_tool_o200k = 7;
constexpr std::uint64_t of_tool_cl100k = 10;
constexpr std::uint64_t of_properties = 3;
constexpr std::uint64_t of_property = 3;
constexpr std::uint64_t of_enumerator = 3;
constexpr std::uint64_t less_for_enum = 3;
constexpr std::uint64_t of_tools = 12;
// Measured by gpt-tokenizer's authors.
constexpr std::uint64_t of_tool_call = 3;
constexpr std::uint64_t of_file = 1500;
/// A schema nested deeper is not looked at further.
constexpr int schema_depth_max = 16;

std::string_view without_full_stop(std::string_view text) noexcept {
  return text.ends_with('.') ? text.substr(0, text.size() - 1) : text;
}

class ChatCounter {
 public:
  ChatCounter(Counter& counter, std::string_view model)
      : counter_{counter}, model_{bare_model(model)}, measure_{measure_of(model)} {}

  [[nodiscard]] std::uint64_t total() const {
    const std::uint64_t beyond = read_ == 0 ? 0 : (of_texts_ * unread_ + read_ - 1) / read_;
    return measure_.scaled(of_texts_ + beyond + others_) + of_images_;
  }

  void message(const model::Message& message) {
    others_ += of_message;
    text(model::name(message.role));
    if (message.name) {
      others_ += of_name;
      text(*message.name);
    }
    for (const auto& part : message.parts) std::visit([this](const auto& value) { (*this)(value); }, part.value);
  }

  void tools(const std::vector<model::Tool>& tools) {
    for (const auto& tool : tools) {
      others_ += measure_.encoding == Encoding::cl100k_base ? of_tool_cl100k : of_tool_o200k;
      text(cat(tool.name, ":", without_full_stop(tool.description.value_or(""))));
      if (tool.builtin) text(tool.builtin->text);
      if (!tool.parameters) continue;
      const auto schema = json::parse(tool.parameters->text);
      schema ? properties(*schema, 0) : text(tool.parameters->text);
    }
    if (!tools.empty()) others_ += of_tools;
  }

  void text(std::string_view text) {
    const std::string_view counted = text.substr(0, counted_bytes_max - read_);
    of_texts_ += counter_.count(measure_.encoding, counted);
    read_ += counted.size();
    unread_ += text.size() - counted.size();
  }
  void reply() { others_ += of_reply; }

 private:
  void operator()(const model::Text& part) { text(part.text); }
  void operator()(const model::Image& part) { of_images_ += image_tokens(model_, part); }
  void operator()(const model::Audio&) { of_images_ += of_file; }
  void operator()(const model::File&) { of_images_ += of_file; }
  void operator()(const model::Refusal& part) { text(part.text); }
  void operator()(const model::Thinking& part) { text(part.text); }
  void operator()(const model::ToolCall& part) {
    others_ += of_tool_call;
    text(part.name);
    text(part.arguments);
  }
  void operator()(const model::ToolResult& part) {
    for (const auto& inner : part.parts) std::visit([this](const auto& value) { (*this)(value); }, inner.value);
  }
  void operator()(const model::Opaque& part) { text(part.value.text); }

  /// The cookbook knows the first level only; those inside are taken as it takes that one.
  void properties(const json::Value& schema, int depth) {
    const json::Value* const found = schema.find("properties");
    if (found == nullptr || found->members().empty() || depth > schema_depth_max) return;
    others_ += of_properties;
    for (const auto& [name, property] : found->members()) {
      others_ += of_property;
      if (const json::Value* const values = property.find("enum"); values != nullptr && !values->elements().empty()) {
        others_ -= less_for_enum;  // never below zero: of_property came before
        for (const auto& value : values->elements()) {
          others_ += of_enumerator;
          text(value.as_string() != nullptr ? *value.as_string() : value.dump());
        }
      }
      text(cat(name, ":", word(property, "type"), ":", without_full_stop(word(property, "description"))));
      properties(property, depth + 1);
      if (const json::Value* const items = property.find("items")) properties(*items, depth + 1);
    }
  }
  static std::string_view word(const json::Value& object, std::string_view key) {
    const json::Value* const found = object.find(key);
    const std::string* const text = found == nullptr ? nullptr : found->as_string();
    return text == nullptr ? std::string_view{} : *text;
  }

  Counter& counter_;
  std::string_view model_;
  Measure measure_;
  std::uint64_t of_texts_ = 0, others_ = 0, of_images_ = 0;
  std::size_t read_ = 0, unread_ = 0;  // bytes of texts
};

}  // namespace

std::uint64_t count_chat(Counter& counter, const model::Chat& chat, std::string_view model) {
  ChatCounter count{counter, model};
  for (const auto& message : chat.messages) count.message(message);
  if (chat.tools) count.tools(*chat.tools);
  if (chat.response_format && chat.response_format->schema) count.text(chat.response_format->schema->text);
  count.reply();
  return count.total();
}

}  // namespace cardea::tokens
