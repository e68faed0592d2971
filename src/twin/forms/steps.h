#pragma once
// An answer, step by step: what the streams of most dialects are made of.

#include <deque>
#include <span>
#include <string_view>
#include <vector>

#include "twin/forms/form.h"

namespace cardea::twin {

/// A piece of an answer that is one block, item or part in most dialects.
struct Section {
  enum class Kind : std::uint8_t { thought, search, text, refusal, call } kind = Kind::text;
  std::string_view text;           ///< a call's arguments
  const ToolCall* call = nullptr;  ///< of a call
  std::span<const Citation> citations;
};
/// How an answer is taken apart.
struct Cut {
  enum class Text : std::uint8_t {
    whole,  ///< the text is one section with all its citations
    split,  ///< every cited piece of it is its own
  } text = Text::whole;
  bool searches = false;  ///< a search that the vendor made is a section
};
/// Thoughts, search, text, refusal, calls, in this order; those that are empty are left out. A search has no text, but the
/// citations of the answer.
[[nodiscard]] std::vector<Section> sections_of(const Choice& choice, Cut cut);

struct Step {
  enum class Kind : std::uint8_t {
    begin,  ///< of the answer
    open,   ///< a section begins
    piece,  ///< a token, or 8 bytes of a call's arguments
    close,  ///< a section ends
    finish,
    end,  ///< of the answer, after the last choice
  } kind = Kind::begin;
  std::size_t choice = 0;
  std::size_t section = 0;  ///< counts within the choice
  const Section* what = nullptr;
  std::string_view text;  ///< the piece
};

/// Takes an answer apart; its choices follow each other. Refers to `answer`, which must outlive it.
class Steps {
 public:
  Steps(const Answer& answer, Cut cut) : answer_{answer}, cut_{cut} {}
  [[nodiscard]] bool next(Step& out);

 private:
  void enter_choice();
  const Answer& answer_;
  Cut cut_;
  std::vector<Section> sections_;
  Step::Kind last_ = Step::Kind::end;
  bool begun_ = false;
  std::size_t choice_ = 0;
  std::size_t section_ = 0;
  std::size_t at_ = 0;
};

/// What an event is made of.
enum class Made : std::uint8_t { frame, token };

/// A stream in which each step makes any number of events.
class StepSource : public EventSource {
 public:
  StepSource(const Answer& answer, const Scene& scene, Cut cut) : answer_{answer}, scene_{scene}, steps_{answer, cut} {}
  bool next(Event& out) final;

 protected:
  virtual void write(const Step& step) = 0;
  /// Adds an event; the reference holds until the next.
  Event& emit(std::string_view type, Made made = Made::frame);
  const Answer& answer_;
  Scene scene_;

 private:
  Steps steps_;
  std::deque<Event> waiting_;
};

/// Where 8 bytes of `text`, and no half character, end.
[[nodiscard]] std::size_t fragment_end(std::string_view text, std::size_t at);

}  // namespace cardea::twin
