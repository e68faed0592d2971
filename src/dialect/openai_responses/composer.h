#pragma once
// Private to the folder: an answer as it grows. The same steps make a client's stream and a whole answer, so that both say the
// same.

#include <map>
#include <optional>
#include <string>
#include <vector>

#include "dialect/openai_responses/openai_responses.h"

namespace cardea::dialect::responses {

/// What is known of one output item. A value.
struct OutputItem {
  enum class Kind : std::uint8_t { message, reasoning, function_call, custom_call, image, raw };
  struct Content {
    bool refusal = false;
    bool open = true;
    std::string text;
    std::vector<model::Citation> citations;
    std::size_t announced = 0;  ///< of the citations
    std::string logprobs;       ///< elements of an array
  };
  enum class State : std::uint8_t { growing, complete, told };  ///< complete: no more comes; told: its end was said

  Kind kind = Kind::message;
  State state = State::growing;
  std::string id;
  std::vector<Content> contents;     ///< of a message
  std::size_t open_contents = 0;     ///< of them
  std::vector<std::string> summary;  ///< of reasoning
  std::string text;                  ///< a call's arguments or input; an image's data; the whole of a raw item
  std::string content;               ///< reasoning in full
  std::string encrypted;
  std::string call_id;
  std::string name;
  model::Extras extras;
};

/// Model events become output items, and, where there is somebody to hear it, the events of a stream. One per answer.
class Composer final : public StreamEncoder {
 public:
  /// `origin`: of extras.
  Composer(AnswerContext context, Origin origin);

  void encode(const model::ChatEvent& event, std::string& out) override;
  [[nodiscard]] const Losses& losses() const noexcept override { return losses_; }

  /// Without a stream.
  void take(const model::ChatEvent& event);
  /// The whole answer so far, without its closing bracket: more may be added.
  void write_response(json::Writer& w) const;

 private:
  using Kind = OutputItem::Kind;
  struct Place {
    std::size_t item = 0;
    std::size_t content = 0;
  };
  struct Key {
    std::uint64_t choice = 0;
    std::uint64_t part = 0;
    auto operator<=>(const Key&) const = default;
  };
  struct Held {
    Place place;
    std::string text;
  };
  enum class Phase : std::uint8_t { before, running, finished };

  void dispatch(const model::ChatEvent& event);
  void on(const model::event::Start& start);
  void on(const model::event::PartStart& start);
  void on(const model::event::Delta& delta);
  void on(const model::event::CitationDelta& delta);
  void on(const model::event::SignatureDelta& delta);
  void on(const model::event::AudioDelta& delta);
  void on(const model::event::Logprobs& logprobs);
  void on(const model::event::PartStop& stop);
  void on(const model::event::ChoiceFinish& finish);
  void on(const model::event::UsageReport& report) { usage_ = report.usage; }
  void on(const model::event::Ping&);
  void on(const model::event::Failure&) {}
  void on(const model::event::End&);

  // How parts begin.
  void begin(const model::Text& text, const model::event::PartStart& start);
  void begin(const model::Refusal& refusal, const model::event::PartStart& start);
  void begin(const model::Thinking& thinking, const model::event::PartStart& start);
  void begin(const model::ToolCall& call, const model::event::PartStart& start);
  void begin(const model::Image& image, const model::event::PartStart& start);
  void begin(const model::Audio& audio, const model::event::PartStart& start);
  void begin(const model::Opaque& opaque, const model::event::PartStart& start);
  template <class Other>
  void begin(const Other&, const model::event::PartStart& start);

  void run();
  std::size_t open_item(OutputItem item);
  enum class Words : std::uint8_t { text, refusal };
  Place open_content(Words words, const model::Part& part);
  [[nodiscard]] std::optional<Place> place_of(std::uint64_t choice, std::uint64_t part) const;
  void grow(Place place, std::string_view text, std::string_view logprobs = {});
  void open_summary(Place place);
  void close_summary(Place place);
  void release();
  enum class Text : std::uint8_t { growing, whole };
  void announce(Place place, Text text);
  void close(Place place);
  void settle();
  void complete(std::size_t index);
  void tell_end(std::size_t index);
  [[nodiscard]] std::string id_for(std::string_view prefix, std::size_t index) const;
  [[nodiscard]] std::string_view status() const noexcept;
  [[nodiscard]] std::string_view final_status() const noexcept;
  [[nodiscard]] Origin origin() const noexcept { return own_ ? Origin::own : Origin::other; }

  template <class Write>
  void event(std::string_view type, const Write& write);
  template <class Write>
  void content_event(std::string_view type, Place place, const Write& write);
  void response_event(std::string_view type);
  void write_item(json::Writer& w, std::size_t index) const;
  void write_content(json::Writer& w, const OutputItem::Content& content) const;
  void write_error(json::Writer& w) const;

  AnswerContext context_;
  bool own_;  ///< extras come from this dialect
  Losses losses_;
  std::string* out_ = nullptr;  ///< during encode()
  std::string json_;            ///< the event being written
  Phase phase_ = Phase::before;
  std::uint64_t sequence_ = 0;
  model::event::Start start_;
  std::string id_;      ///< of the answer
  std::string suffix_;  ///< of all ids of one's own making
  std::vector<OutputItem> items_;
  std::vector<std::size_t> complete_;   ///< items whose end is not told yet
  std::optional<std::size_t> message_;  ///< the item that a text goes on in
  std::map<Key, Place> places_;
  std::optional<Held> held_;  ///< a piece of text that waits for its logprobs
  std::optional<model::Finish> finish_;
  std::string reason_;  ///< of an answer of this dialect, when it is none of the known ones
  std::optional<model::Usage> usage_;
  bool refusal_ = false;  ///< there is one
  bool refused_ = false;  ///< … in words
};

}  // namespace cardea::dialect::responses
