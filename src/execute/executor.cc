#include "execute/executor.h"

#include <array>
#include <utility>

#include "base/text.h"
#include "execute/passed_on.h"

namespace cardea::execute {
namespace {

/// Of an upstream's error answer; more is cut off.
constexpr std::size_t error_body_bytes_max = 256 * 1024;
/// How long the end of a body may come after the end of its stream.
constexpr net::Duration tail_timeout = std::chrono::seconds{1};

bool is_encoded(const wire::ResponseHead& head) {
  const auto coding = head.find(wire::Field::content_encoding);
  return coding && !coding->empty() && !iequals(*coding, "identity");
}

/// The upstream is asked to count what the client does not want counted: then the count is kept from the client.
bool injects_usage(const ChatCall& request) {
  return request.view.stream && !request.view.asked_usage && request.upstream.reports_stream_usage;
}

bool is_stream(const http::Call& call, const Upstream& upstream) {
  return dialect::is_framed(upstream.dialect->traits().framing, call.head().find(wire::Field::content_type).value_or(""));
}

std::unique_ptr<dialect::Relay> relay_for(const ChatCall& request) {
  const Upstream& upstream = request.upstream;
  dialect::RelayOptions options;
  options.event_bytes_max = request.limits.event_bytes;
  options.secret = upstream.provider->key;
  options.framing = request.framing;
  if (request.translated != nullptr) {
    const dialect::Pair pair{request.client, *upstream.dialect, request.model, upstream.deployment()};
    return dialect::translating_relay(pair, *request.translated, *request.context, std::move(options));
  }
  options.withhold_usage = injects_usage(request);
  return upstream.dialect->relay(std::move(options));
}

}  // namespace

// ---- ChatAnswer ------------------------------------------------------------------------------------------------------------

ChatAnswer::ChatAnswer(Executor& executor, http::Call call, const ChatCall& request, net::TimePoint asked_at)
    : executor_{&executor},
      call_{std::move(call)},
      request_{&request},
      upstream_{&request.upstream},
      limits_{&request.limits},
      spoke_at_{asked_at} {}

ChatAnswer::ChatAnswer(ChatAnswer&& other) noexcept
    : executor_{std::exchange(other.executor_, nullptr)},
      call_{std::move(other.call_)},
      request_{other.request_},
      upstream_{other.upstream_},
      limits_{other.limits_},
      spoke_at_{other.spoke_at_},
      events_{other.events_},
      issued_{other.issued_},
      buffer_{std::move(other.buffer_)},
      consumed_{other.consumed_},
      pieces_{std::move(other.pieces_)},
      relay_{std::move(other.relay_)},
      translated_{std::move(other.translated_)},
      losses_{std::move(other.losses_)},
      content_type_{other.content_type_},
      streamed_{other.streamed_},
      ended_{other.ended_},
      failure_{std::move(other.failure_)},
      usage_{other.usage_},
      id_{std::move(other.id_)},
      model_{std::move(other.model_)} {}

ChatAnswer::~ChatAnswer() {
  const bool tail_missing = executor_ != nullptr && ended_ && !call_.complete();
  if (tail_missing) executor_->scope_.spawn(Executor::finish_call(std::move(call_)));
}

std::string_view ChatAnswer::content_type() const noexcept { return content_type_; }

const model::Usage* ChatAnswer::usage() const noexcept {
  const auto& usage = relay_ != nullptr ? relay_->seen().usage : usage_;
  return usage ? &*usage : nullptr;
}

std::string_view ChatAnswer::id() const noexcept {
  return relay_ != nullptr ? std::string_view{relay_->seen().id} : std::string_view{id_};
}

std::string_view ChatAnswer::model() const noexcept {
  return relay_ != nullptr ? std::string_view{relay_->seen().model} : std::string_view{model_};
}

bool ChatAnswer::content_seen() const noexcept { return relay_ == nullptr || relay_->seen().content; }

net::Task<Status> ChatAnswer::receive_whole(const ChatCall& request) {
  Status received = co_await call_.read_all(buffer_, request.limits.response_bytes);
  if (!received) co_return fail_with(received);
  static_cast<void>(buffer_.prepare(0));
  ended_ = true;
  const bool as_it_is = request.translated == nullptr && !request.view.stream;
  if (as_it_is) co_return inspect(request);
  if (request.translated != nullptr && request.translated->copies > 1) co_return co_await receive_copies(request);
  const std::array<std::string_view, 1> bodies{buffer_.view()};
  co_return translate(request, bodies);
}

/// The other choices, all at once: the upstream gives one at a time.
net::Task<Status> ChatAnswer::receive_copies(const ChatCall& request) {
  std::vector<Result<std::string>> others(request.translated->copies - 1);
  net::Scope& outer = co_await net::current_scope();
  net::Scope asking{outer};
  for (auto& other : others) asking.spawn(executor_->fetch_copy(request, other));
  co_await asking.join();
  std::vector<std::string_view> bodies{buffer_.view()};
  for (auto& other : others) {
    if (!other) co_return fail_with(other);
    bodies.push_back(*other);
  }
  co_return translate(request, bodies);
}

Status ChatAnswer::inspect(const ChatCall& /*request*/) {
  Result<dialect::ResponseView> view = upstream_->dialect->inspect_response(buffer_.view(), upstream_->provider->key);
  if (!view) return fail_with(view);
  executor_->issuers_->note(view->opaque, upstream_->deployment());
  usage_ = view->usage;
  id_ = view->id;
  model_ = view->model;
  content_type_ = "application/json";
  return {};
}

/// Into the client's dialect; or into a stream, when one was asked for and the upstream sent a document.
Status ChatAnswer::translate(const ChatCall& request, std::span<const std::string_view> bodies) {
  const dialect::Pair pair{request.client, *upstream_->dialect, request.model, upstream_->deployment()};
  const Secret& secret = upstream_->provider->key;
  Result<dialect::TranslatedAnswer> answer{std::in_place};
  if (request.translated != nullptr) {
    answer = dialect::translate_response(pair, request.translated, bodies, *request.context, secret);
  } else {
    const model::Chat asked{.stream = true, .include_usage = request.view.asked_usage};
    const dialect::AnswerContext context{
        .request = asked, .id = {}, .model = std::string{request.view.model}, .framing = request.framing};
    answer = dialect::translate_response(pair, nullptr, bodies, context, secret);
  }
  if (!answer) return fail_with(answer);
  translated_ = std::move(answer->body);
  losses_ = std::move(answer->losses);
  usage_ = answer->usage;
  id_ = std::move(answer->id);
  model_ = std::move(answer->model);
  streamed_ = request.view.stream;
  content_type_ = streamed_ ? dialect::content_type(request.framing) : request.client.traits().content_type;
  if (streamed_) pieces_.push_back(translated_);
  return {};
}

Status ChatAnswer::feed() {
  Result<dialect::Relay::Step> step = relay_->feed(buffer_.view(), pieces_);
  if (!step) return fail_with(step);
  consumed_ = step->consumed;
  note_issued();
  return heed_silence();
}

/// Before the client can send them back. In a translated stream they are packed, and name their issuer themselves.
void ChatAnswer::note_issued() {
  const auto& opaque = relay_->seen().opaque;
  if (opaque.size() == issued_ || request_->translated != nullptr) return;
  executor_->issuers_->note(std::span{opaque}.subspan(issued_), upstream_->deployment());
  issued_ = opaque.size();
}

Status ChatAnswer::heed_silence() {
  // Comments keep a connection alive, not an answer.
  const std::string_view unfinished = buffer_.view().substr(consumed_);
  const bool speaks = relay_->seen().events != events_ || (!unfinished.empty() && unfinished.front() != ':');
  const net::TimePoint now = executor_->scope_.loop().now();
  if (speaks) {
    events_ = relay_->seen().events;
    spoke_at_ = now;
  }
  const http::CallTimeouts& timeouts = limits_->timeouts;
  if (now - spoke_at_ <= (events_ == 0 ? timeouts.first_byte : timeouts.inter_chunk)) return {};
  return fail(Kind::upstream_timeout, "the upstream sent nothing but comments for too long");
}

net::Task<Status> ChatAnswer::advance() {
  pieces_.clear();
  if (failure_) co_return fail(std::move(*failure_));
  for (;;) {
    buffer_.consume(std::exchange(consumed_, 0));
    Result<std::size_t> got = co_await call_.read_into(buffer_);
    if (!got) co_return fail(executor_->explain(*upstream_, std::move(got.error())));
    Status fed;
    if (*got == 0) {
      fed = relay_->end(buffer_.view(), pieces_);
      consumed_ = buffer_.size();
    } else {
      fed = feed();
    }
    if (!fed) co_return fail(executor_->explain(*upstream_, std::move(fed.error())));
    const bool more = relay_->again();
    ended_ = !more && (relay_->seen().done || *got == 0);
    if (more) {
      Status asked = co_await ask_again();
      if (!asked) co_return fail_with(asked);
    }
    if (ended_ || !pieces_.empty()) co_return Status{};
  }
}

net::Task<Status> ChatAnswer::ask_again() {
  Result<http::Call> call = co_await executor_->ask(*request_);
  if (!call) co_return fail_with(call);
  call_ = std::move(*call);
  buffer_.clear();
  consumed_ = 0;
  spoke_at_ = executor_->scope_.loop().now();
  co_return Status{};
}

// ---- Executor --------------------------------------------------------------------------------------------------------------

Executor::Executor(net::Scope& scope, http::Client& client, std::shared_ptr<dialect::Issuers> issuers, FailureSink on_failure)
    : scope_{scope}, client_{client}, issuers_{std::move(issuers)}, on_failure_{std::move(on_failure)} {}

Status Executor::write(const ChatCall& request, Message& message) {
  const Upstream& upstream = request.upstream;
  std::string_view body = request.body;
  if (request.translated != nullptr) {
    body = request.translated->body;
    message.edits = dialect::rule_edits(body, upstream.rules);
    if (!message.edits) return fail_with(message.edits);
  } else {
    dialect::ForwardOptions options;
    if (request.model != request.view.model) options.model = request.model;
    options.inject_usage = injects_usage(request);
    options.rules = upstream.rules;
    message.edits = upstream.dialect->forward_edits(request.view, options);
    if (!message.edits) return fail_with(message.edits);
  }
  message.length = "content-length: ";
  append(message.length, message.edits->size_after(body));
  message.length += Signing::needed(*upstream.provider) ? "\r\n" : "\r\n\r\n";
  message.pieces.reserve(8);
  if (upstream.chat_line.empty())
    message.line =
        upstream.chat_line_to(request.model, request.view.stream ? dialect::Delivery::stream : dialect::Delivery::whole);
  const std::string_view line = message.line.empty() ? std::string_view{upstream.chat_line} : message.line;
  message.pieces.assign({line, upstream.lines.reveal(), request.header_lines, message.length});
  message.edits->append_pieces(body, message.pieces);
  return {};
}

net::Task<Status> Executor::prove(const Upstream& upstream, Message& message, const AttemptLimits& limits) {
  const std::span<const std::string_view> pieces{message.pieces};
  const Provable request{*upstream.provider, pieces.front(), pieces.subspan(Message::head_pieces), limits.timeouts};
  Result<std::string> lines = co_await signing_.lines(request);
  if (!lines) co_return fail_with(lines);
  message.proof = cat(*lines, "\r\n");
  message.pieces.insert(message.pieces.begin() + Message::head_pieces, message.proof);
  co_return Status{};
}

net::Task<Result<http::Call>> Executor::ask(const ChatCall& request) {
  const Upstream& upstream = request.upstream;
  Message message;
  Status written = write(request, message);
  if (!written) co_return fail_with(written);
  if (Signing::needed(*upstream.provider)) {
    Status proven = co_await prove(upstream, message, request.limits);
    if (!proven) co_return fail(explain(upstream, std::move(proven.error())));
  }
  http::CallRequest sending;
  sending.pieces = message.pieces;
  sending.timeouts = request.limits.timeouts;
  sending.egress = net::Egress::anywhere;  // providers are the operator's choice
  Result<http::Call> call = co_await client_.call(upstream.origin, sending);
  if (!call) co_return fail(explain(upstream, std::move(call.error())));
  const wire::ResponseHead& head = call->head();
  if (request.passed_on != nullptr && request.passed_on->empty()) *request.passed_on = passed_on(head);
  if (head.status() / 100 != 2) {
    Error error = co_await rejected(std::move(*call), upstream);
    // Its body is in the upstream's dialect, which the client may not speak.
    if (&request.client != upstream.dialect) error.edit().body.clear();
    co_return fail(std::move(error));
  }
  if (is_encoded(head)) {
    co_return fail(explain(upstream, Error{Kind::upstream_protocol, "the answer is compressed, which was not asked for"}));
  }
  if (is_stream(*call, upstream) && !request.view.stream) {
    co_return fail(explain(upstream, Error{Kind::upstream_protocol, "the answer is a stream, which was not asked for"}));
  }
  co_return std::move(*call);
}

net::Task<void> Executor::fetch_copy(const ChatCall& request, Result<std::string>& into) {
  Result<http::Call> call = co_await ask(request);
  if (!call) {
    into = fail_with(call);
    co_return;
  }
  Buffer body;
  Status received = co_await call->read_all(body, request.limits.response_bytes);
  if (received) {
    into = std::string{body.view()};
  } else {
    into = fail(explain(request.upstream, std::move(received.error())));
  }
}

net::Task<Result<ChatAnswer>> Executor::chat(const ChatCall& request) {
  const Upstream& upstream = request.upstream;
  const net::TimePoint asked_at = scope_.loop().now();
  Result<http::Call> call = co_await ask(request);
  if (!call) co_return fail_with(call);
  const bool streamed = is_stream(*call, upstream);
  ChatAnswer answer{*this, std::move(*call), request, asked_at};
  if (!streamed) {
    Status whole = co_await answer.receive_whole(request);
    if (!whole) co_return fail(explain(upstream, std::move(whole.error())));
    co_return answer;
  }
  answer.relay_ = relay_for(request);
  answer.streamed_ = true;
  answer.content_type_ = dialect::content_type(request.framing);
  // Until something can be forwarded, a failure is an error of its own and not a broken stream.
  Status first = co_await answer.advance();
  if (!first && answer.pieces().empty()) co_return fail(std::move(first.error()));
  if (!first) answer.failure_ = std::move(first.error());
  co_return answer;
}

net::Task<Result<std::string>> Executor::fetch(const PlainCall& request) {
  const Upstream& upstream = request.upstream;
  const bool proves = Signing::needed(*upstream.provider);
  Message message;
  const auto method = wire::text(request.method);
  message.line = request.base == PlainCall::Base::api ? upstream.line_to(method, request.target)
                                                      : upstream.root_line_to(method, request.target);
  const bool has_body = request.method != wire::Method::get && request.method != wire::Method::delete_;
  if (has_body) message.length = cat("content-length: ", request.body.size(), "\r\n");
  if (!proves) message.length += "\r\n";
  Secret other_lines;
  if (!request.content_type.empty()) other_lines = upstream.lines_for(request.content_type);
  const std::string_view lines = request.content_type.empty() ? upstream.lines.reveal() : other_lines.reveal();
  message.pieces.assign({message.line, lines, request.header_lines, message.length, request.body});
  if (proves) {
    Status proven = co_await prove(upstream, message, request.limits);
    if (!proven) co_return fail(explain(upstream, std::move(proven.error())));
  }
  http::CallRequest sending;
  sending.method = request.method;
  sending.pieces = message.pieces;
  sending.timeouts = request.limits.timeouts;
  sending.egress = net::Egress::anywhere;  // as in chat()
  Result<http::Call> call = co_await client_.call(upstream.origin, sending);
  if (!call) co_return fail(explain(upstream, std::move(call.error())));
  if (request.passed_on != nullptr) *request.passed_on = passed_on(call->head());
  if (call->head().status() / 100 != 2) {
    Error error = co_await rejected(std::move(*call), upstream);
    co_return fail(std::move(error));
  }
  Buffer body;
  Status received = co_await call->read_all(body, request.limits.response_bytes);
  if (!received) co_return fail(explain(upstream, std::move(received.error())));
  co_return std::string{body.view()};
}

net::Task<Error> Executor::rejected(http::Call call, const Upstream& upstream) {
  const unsigned status = call.head().status();
  if (status / 100 == 3) {
    // Followed, it would carry the key to an origin that somebody else chose.
    co_return explain(upstream, Error{Kind::upstream_failed, "it answered with a redirect, which is not followed"});
  }
  const std::string content_type{call.head().find(wire::Field::content_type).value_or("")};
  const std::string retry_after{call.head().find(wire::Field::retry_after).value_or("")};
  if (status == 401) signing_.forget(*upstream.provider);
  Buffer body;
  Status received = co_await call.read_all(body, error_body_bytes_max);
  if (!received && received.error().fault() != Fault::upstream) co_return std::move(received.error());
  static_cast<void>(body.prepare(0));
  dialect::UpstreamFailure failure;
  failure.status = static_cast<int>(status);
  failure.body = body.view();
  failure.content_type = content_type;
  failure.retry_after = retry_after;
  Error error = upstream.dialect->upstream_error(failure, upstream.provider->key);
  if (on_failure_) on_failure_(upstream.provider->name, error);
  co_return error;
}

Error Executor::explain(const Upstream& upstream, Error error) {
  // The whole request's time ran out while the upstream was waited for.
  if (error.is(Kind::timed_out)) error = Error{Kind::upstream_timeout, "did not answer within the time for the whole request"};
  // Cancelled, or the gateway's own: nothing of the upstream's.
  if (error.fault() != Fault::upstream) return error;
  if (on_failure_) on_failure_(upstream.provider->name, error);
  const auto reason = [&]() -> std::string_view {
    switch (error.kind()) {
      // Their texts name addresses of the inside.
      case Kind::upstream_unreachable: return "cannot be reached";
      case Kind::upstream_tls: return "cannot be reached safely: the TLS handshake failed";
      case Kind::upstream_connect_timeout: return "does not accept the connection in time";
      default: return error.message();
    }
  }();
  std::string message = cat("provider '", upstream.provider->public_name, "': ", reason);
  error.edit().message = std::move(message);
  return error;
}

net::Task<void> Executor::finish_call(http::Call call) {
  net::Scope& outer = co_await net::current_scope();
  net::Scope brief{outer};
  brief.set_deadline(outer.loop().now() + tail_timeout, Kind::timed_out);
  Buffer rest;
  const net::Task<Status> reading = call.read_all(rest, error_body_bytes_max);
  [[maybe_unused]] Status read = co_await reading.in(brief);
}

}  // namespace cardea::execute
