#pragma once
// Make it happen: the only room that talks to upstreams.

#include <functional>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/buffer.h"
#include "dialect/dialect.h"
#include "dialect/translate.h"
#include "execute/signing.h"
#include "execute/upstream.h"
#include "execute/web.h"
#include "http/client.h"
#include "model/usage.h"
#include "net/scope.h"

namespace cardea::execute {

/// Limits of one attempt.
struct AttemptLimits {
  http::CallTimeouts timeouts;
  std::size_t response_bytes = std::size_t{64} << 20;
  std::size_t event_bytes = std::size_t{4} << 20;
};

/// A chat request on its way to one upstream. It, and everything it points to, must outlive the answer.
struct ChatCall {
  const Upstream& upstream;
  std::string_view model;  ///< the upstream's name for it
  std::string_view body;   ///< as the client sent it
  const dialect::RequestView& view;
  std::string header_lines;  ///< of this request: `name: value\r\n` …
  const AttemptLimits& limits;

  // The client's side.
  const dialect::Dialect& client;
  dialect::Framing framing;  ///< of the stream it wants
  /// Null: both sides speak the same dialect, and the bytes go through.
  const dialect::Translated* translated = nullptr;
  const dialect::AnswerContext* context = nullptr;  ///< with `translated`
  /// Gets the lines of the upstream's head that are the client's business too, be the answer good or an error. May be null.
  std::string* passed_on = nullptr;
};

/// Any other request in the upstream's own words, answered by one document. What it points to must outlive the answer.
struct PlainCall {
  const Upstream& upstream;
  wire::Method method;
  std::string target;     ///< below the base URL
  std::string_view body;  ///< empty where the method has none
  std::string header_lines;
  const AttemptLimits& limits;
  enum class Base : std::uint8_t { api, root } base = Base::api;  ///< root: the target is below the host, without the version
  std::string* passed_on = nullptr;                               ///< as in ChatCall
  std::string_view content_type = {};  ///< empty: JSON asks, JSON answers; else `header_lines` says what is accepted
};

class Executor;

/// A request that goes to an upstream as it is, and whose answer comes back as it is. What it points to must outlive the answer.
struct RawCall {
  const Upstream& upstream;
  wire::Method method;
  std::string target;        ///< below the base URL, with query
  std::string header_lines;  ///< of this request, its content type included
  const http::Body* body = nullptr;
  const AttemptLimits& limits;
  std::string* passed_on = nullptr;  ///< as in ChatCall
};

/// An answer of which only the head is known. Dropping it early aborts the upstream. One thread.
class RawAnswer {
 public:
  [[nodiscard]] std::uint16_t status() const noexcept { return status_; }
  [[nodiscard]] std::string_view content_type() const noexcept { return content_type_; }
  /// Header lines that say what the bytes are, beside their type (RFC 9110 §8), each ending in CRLF.
  [[nodiscard]] std::string_view lines() const noexcept { return lines_; }
  /// More of the body is appended to `into`: how much; 0 is the proper end. Errors as of Executor::chat().
  [[nodiscard]] net::Task<Result<std::size_t>> read_into(Buffer& into);
  /// What was read is all there is.
  [[nodiscard]] bool complete() const noexcept { return call_.complete(); }

 private:
  friend class Executor;
  RawAnswer(Executor& executor, const Upstream& upstream, http::Call call);
  Executor* executor_;
  const Upstream* upstream_;
  http::Call call_;
  std::uint16_t status_;
  std::string content_type_;
  std::string lines_;
};

/// A good answer: whole, or a stream of which the first pieces are there. Dropping it early aborts the upstream. One thread.
class ChatAnswer {
 public:
  ChatAnswer(ChatAnswer&& other) noexcept;
  ChatAnswer& operator=(ChatAnswer&&) noexcept = delete;
  ~ChatAnswer();

  [[nodiscard]] bool streamed() const noexcept { return streamed_; }
  [[nodiscard]] std::string_view content_type() const noexcept;

  /// Not streamed: the whole body, in the dialect asked.
  [[nodiscard]] std::string_view body() const noexcept { return translated_.empty() ? buffer_.view() : translated_; }
  /// What the answer's translation could not carry over.
  [[nodiscard]] const dialect::Losses& losses() const noexcept { return losses_; }

  /// Streamed: the events to forward now, as the bytes they came in; valid until the next advance().
  [[nodiscard]] std::span<const std::string_view> pieces() const noexcept { return pieces_; }
  /// These pieces are the last: the stream has ended properly.
  [[nodiscard]] bool ended() const noexcept { return ended_; }
  /// Reads on until there is something to forward or the end. An error (cut, error event, silence, framing) may come with last
  /// pieces(), which are to be forwarded before it.
  [[nodiscard]] net::Task<Status> advance();

  /// What the upstream said of itself so far. The id only where the dialect looks for it; empty until it is known.
  [[nodiscard]] std::string_view id() const noexcept;
  [[nodiscard]] const model::Usage* usage() const noexcept;
  [[nodiscard]] std::string_view model() const noexcept;
  /// Something that a user would see has passed.
  [[nodiscard]] bool content_seen() const noexcept;

 private:
  friend class Executor;
  ChatAnswer(Executor& executor, http::Call call, const ChatCall& request, net::TimePoint asked_at);
  [[nodiscard]] net::Task<Status> receive_whole(const ChatCall& request);
  [[nodiscard]] net::Task<Status> receive_copies(const ChatCall& request);
  [[nodiscard]] net::Task<Status> ask_again();
  [[nodiscard]] Status inspect(const ChatCall& request);
  [[nodiscard]] Status translate(const ChatCall& request, std::span<const std::string_view> bodies);
  [[nodiscard]] Status feed();
  [[nodiscard]] Status heed_silence();
  void note_issued();

  Executor* executor_;  ///< null: moved from
  http::Call call_;
  const ChatCall* request_;
  const Upstream* upstream_;
  const AttemptLimits* limits_;
  net::TimePoint spoke_at_;   ///< when the last token came; before the first one, when it was asked
  std::uint64_t events_ = 0;  ///< that had come then
  std::size_t issued_ = 0;    ///< opaque items of relay_ that have been noted
  Buffer buffer_;
  std::size_t consumed_ = 0;  ///< of buffer_: forwarded by the last pieces
  std::vector<std::string_view> pieces_;
  std::unique_ptr<dialect::Relay> relay_;  ///< null: the answer is here as a whole
  std::string translated_;                 ///< the whole answer in the client's dialect, when it is not the upstream's
  dialect::Losses losses_;
  std::string_view content_type_;
  bool streamed_ = false;
  bool ended_ = false;
  std::optional<Error> failure_;  ///< came with the first pieces; the next advance() says it
  std::optional<model::Usage> usage_;
  std::string id_;
  std::string model_;
};

/// Calls upstreams for one worker. Lives on its loop; outlives its answers.
class Executor {
 public:
  /// Told of each failed attempt with its full reason, which a client must not see. For the log.
  using FailureSink = std::function<void(std::string_view provider, const Error& error)>;

  /// `issuers`: of the opaque items in answers that pass as they are; shared by all workers.
  Executor(net::Scope& scope, http::Client& client, std::shared_ptr<dialect::Issuers> issuers, FailureSink on_failure);

  /// One attempt at one target. Errors are in the words of the client's dialect or of kind upstream_…; their messages name the
  /// provider, never an address or a credential.
  [[nodiscard]] net::Task<Result<ChatAnswer>> chat(const ChatCall& request);
  [[nodiscard]] const dialect::Issuers& issuers() const noexcept { return *issuers_; }
  /// The body of a 2xx answer. Errors as of chat(), in the upstream's dialect.
  [[nodiscard]] net::Task<Result<std::string>> fetch(const PlainCall& request);
  /// A 2xx answer; everything else is an error, as of chat(), in the upstream's dialect.
  [[nodiscard]] net::Task<Result<RawAnswer>> forward(const RawCall& request);
  /// For URLs that somebody else than the operator chose.
  [[nodiscard]] WebFetcher& web() noexcept { return web_; }

 private:
  friend class ChatAnswer;
  friend class RawAnswer;
  /// What goes over the wire; `pieces` point into it and into the call.
  struct Message {
    Result<json::Edits> edits{std::in_place};
    std::string line;
    std::string length;
    std::string proof;
    std::vector<std::string_view> pieces;  ///< request line, constant lines, the request's lines, length and proof, then the body
    static constexpr std::size_t head_pieces = 4;
  };
  /// Adds what proves it, where that is made anew for each request.
  [[nodiscard]] net::Task<Status> prove(const Upstream& upstream, Message& message, const AttemptLimits& limits);
  [[nodiscard]] static Status write(const ChatCall& request, Message& message);
  /// Sends it and judges the head of what comes back: 2xx, readable, and a stream only if one was asked for.
  [[nodiscard]] net::Task<Result<http::Call>> ask(const ChatCall& request);
  /// The body of one more whole answer to the same question.
  [[nodiscard]] net::Task<void> fetch_copy(const ChatCall& request, Result<std::string>& into);
  [[nodiscard]] net::Task<Error> rejected(http::Call call, const Upstream& upstream);
  [[nodiscard]] Error explain(const Upstream& upstream, Error error);
  /// Reads what is left of an answered call, briefly, so that its connection can be used again.
  static net::Task<void> finish_call(http::Call call);

  net::Scope& scope_;
  http::Client& client_;
  std::shared_ptr<dialect::Issuers> issuers_;
  Signing signing_{scope_, client_};
  FailureSink on_failure_;
  WebFetcher web_{scope_.loop(), client_.dialer(), on_failure_};
};

}  // namespace cardea::execute
