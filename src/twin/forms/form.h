#pragma once
// A dialect that the twin speaks: one row of functions. It is not one of dialect/: two readers of one format find each other's
// mistakes.

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include "base/error.h"
#include "twin/answer.h"
#include "twin/behaviour.h"
#include "twin/request.h"
#include "twin/seal.h"
#include "wire/http1.h"

namespace cardea::twin {

/// What a path asks for.
enum class Operation : std::uint8_t {
  chat,
  generate,      ///< Ollama's completion
  count_tokens,  ///< of a chat
};

/// What becomes of members that the twin does not know.
enum class UnknownFields : std::uint8_t { refused, ignored };

/// What is known of a chat request besides its body.
struct Ask {
  std::string_view body;
  Operation operation = Operation::chat;
  std::string_view model;  ///< where the path names it
  bool stream = false;     ///< where the path asks for it
  std::optional<bool> strict;
  std::string_view issuer;  ///< whose signatures are taken
};

/// What an answer is written with. The references must outlive what is made with it.
struct Scene {
  const ChatRequest& request;
  std::string_view model;
  std::uint64_t created = 0;  ///< Unix seconds
  std::string_view issuer;
  Operation operation = Operation::chat;
};

/// A refusal, or a failure that was asked for.
struct Failure {
  unsigned status = 500;
  std::string message;
  std::string type;  ///< OpenAI's; the others follow from the status
  std::string param;
  std::string code;
};
[[nodiscard]] Failure failure_of(const Error& error);

/// One event of a stream.
struct Event {
  std::string data;
  std::string type;    ///< its name, in dialects whose events have one
  bool token = false;  ///< made of a token, or else of frame: role, finish, usage?
};

/// The events of one answer, one at a time.
class EventSource {
 public:
  virtual ~EventSource() = default;
  /// Puts the next event into `out`, which is empty. False: there is none.
  [[nodiscard]] virtual bool next(Event& out) = 0;
};

/// How events become bytes.
enum class Framing : std::uint8_t {
  sse,         ///< `data:` lines, `event:` lines where events are named
  json_array,  ///< the elements of one array
  json_lines,
  aws,  ///< binary frames (wire/aws_events.h)
};

struct Form {
  std::string_view name;
  IdStyle ids;
  /// Reads a request into a fresh `out`. Kind::bad_request (or what the vendor says) in the vendor's own words.
  Status (*read)(const Ask& ask, ChatRequest& out);
  std::string (*document)(const Answer& answer, const Scene& scene);
  std::unique_ptr<EventSource> (*events)(const Answer& answer, const Scene& scene);
  std::string (*count)(const ChatRequest& request);  ///< the answer to Operation::count_tokens; null: there is none
  std::string (*failure)(const Failure& failure);
  /// A failure in the middle of a stream; `said`: events so far.
  void (*failure_event)(const Failure& failure, std::uint64_t said, Event& out);
  Framing framing = Framing::sse;
  std::string_view done;     ///< data of the event that ends a stream; empty: none
  std::string_view id_line;  ///< header with the request's id, up to the id
  /// Refuses by the head alone; null: never.
  Status (*check_head)(const wire::RequestHead& head, const Ask& ask) = nullptr;
  /// Further headers of a refusal; null: none.
  std::string (*failure_headers)(const Failure& failure) = nullptr;
};

extern const Form openai_chat_form;
extern const Form responses_form;
extern const Form completions_form;
extern const Form anthropic_form;
extern const Form gemini_form;
extern const Form gemini_array_form;
extern const Form bedrock_form;
extern const Form cohere_form;
extern const Form ollama_form;

}  // namespace cardea::twin
