#pragma once
// A chat's memory, and how an answer is read while it comes.

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>

#include "base/error.h"
#include "dialect/dialect.h"
#include "model/chat.h"
#include "wire/sse.h"

namespace cardea::app {

/// What was said so far. A value.
class Conversation {
 public:
  void set_model(std::string_view model) { chat_.model = model; }
  [[nodiscard]] const std::string& model() const noexcept { return chat_.model; }
  /// The instructions that stand first; empty: none.
  void set_instructions(std::string_view text);
  [[nodiscard]] std::string_view instructions() const noexcept { return system_; }
  void add_user(std::string_view text) { add(model::Role::user, text); }
  void add_assistant(std::string_view text) { add(model::Role::assistant, text); }
  /// Takes the last message back: its answer never came.
  void forget_last();
  void clear() { chat_.messages.clear(); }
  [[nodiscard]] std::size_t messages() const noexcept { return chat_.messages.size(); }
  /// The body to post: a stream with usage.
  [[nodiscard]] std::string request() const;

 private:
  void add(model::Role role, std::string_view text);
  model::Chat chat_;
  std::string system_;
};

/// Turns the bytes of an event stream into text as it comes. One per answer.
class AnswerReader {
 public:
  enum class Piece : std::uint8_t { text, thinking };
  using Show = std::function<void(Piece, std::string_view)>;
  explicit AnswerReader(Show show) : show_{std::move(show)}, decoder_{dialect::openai_chat().stream_decoder()} {}

  void feed(std::string_view bytes);
  /// The stream is over: an error when it broke, or said so itself. What came until then stands in text().
  [[nodiscard]] Status finish();
  [[nodiscard]] const std::string& text() const noexcept { return text_; }
  [[nodiscard]] const std::optional<model::Usage>& usage() const noexcept { return usage_; }
  /// Why it ended, when not in the ordinary way: "length", "content_filter"; else empty.
  [[nodiscard]] std::string_view unusual_end() const noexcept { return unusual_end_; }

 private:
  void take(const model::ChatEvent& event);
  void say(Piece piece, std::string_view text);
  void begin(const model::event::PartStart& start);

  Show show_;
  std::unique_ptr<dialect::StreamDecoder> decoder_;
  wire::EventCutter cutter_;
  std::string pending_;
  std::string text_;
  std::unordered_map<std::uint64_t, Piece> parts_;  ///< those of the first choice that are shown
  std::optional<model::Usage> usage_;
  std::string unusual_end_;
  std::optional<Error> error_;
};

}  // namespace cardea::app
