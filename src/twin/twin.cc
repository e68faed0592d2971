#include "twin/twin.h"

#include <algorithm>
#include <array>
#include <ctime>

#include "base/text.h"
#include "net/crypto.h"
#include "twin/answer.h"
#include "twin/forms/form.h"
#include "twin/listing.h"
#include "twin/player.h"
#include "twin/routes.h"
#include "twin/shelf.h"
#include "twin/tokens.h"
#include "twin/upload.h"

namespace cardea::twin {
namespace {

constexpr std::string_view json_type = json_line;
constexpr std::string_view default_issuer = "twin";

/// What a stream's Content-Type is, with the line's end.
std::string_view stream_type(Framing framing) {
  switch (framing) {
    case Framing::sse: return "content-type: text/event-stream; charset=utf-8\r\ncache-control: no-cache\r\n";
    case Framing::json_array: return "content-type: application/json; charset=UTF-8\r\n";
    case Framing::json_lines: return "content-type: application/x-ndjson\r\n";
    case Framing::aws: return "content-type: application/vnd.amazon.eventstream\r\n";
  }
  return json_type;
}

// ---- Refusals --------------------------------------------------------------------------------------------------------------

/// What vendors say with a status that was asked for.
struct StatusRow {
  std::uint64_t status;
  std::string_view type;
  std::string_view code;
  std::string_view message;
};
constexpr StatusRow statuses[] = {
    {400, "invalid_request_error", "", "The request is not valid."},
    {401, "invalid_request_error", "invalid_api_key", "Incorrect API key provided."},
    {402, "insufficient_quota", "insufficient_quota", "You have run out of credits."},
    {403, "permission_error", "", "You are not allowed to use this model."},
    {404, "invalid_request_error", "model_not_found", "The model does not exist."},
    {408, "timeout", "", "Request timed out."},
    {409, "invalid_request_error", "", "The request conflicts with another one."},
    {413, "invalid_request_error", "", "The request is too large."},
    {422, "invalid_request_error", "", "The request cannot be processed."},
    {429, "requests", "rate_limit_exceeded", "Rate limit reached for requests."},
    {500, "server_error", "", "The server had an error while processing your request."},
    {503, "service_unavailable_error", "", "The server is overloaded; try again later."},
    {529, "overloaded_error", "", "The server is overloaded; try again later."},
};

std::string_view credential(const wire::RequestHead& head) {
  for (const auto field : {wire::Field::authorization, wire::Field::x_api_key, wire::Field::api_key}) {
    if (const auto value = head.find(field)) return *value;
  }
  return {};
}

/// The failure that was asked for: by a status, or (500) in the body of a 200.
Failure asked_failure(const wire::RequestHead& head, const Behaviour& behaviour) {
  const std::uint64_t status = behaviour.status != 0 ? behaviour.status : 500;
  const auto* row = std::ranges::find(statuses, status, &StatusRow::status);
  const bool known = row != std::end(statuses);
  Failure failure{.status = static_cast<unsigned>(status), .message = {}, .type = {}, .param = {}, .code = {}};
  failure.message = known ? row->message : "The twin was asked to fail.";
  if (behaviour.quote_credential) append(failure.message, cat(" You sent: ", credential(head)));
  failure.type = known ? row->type : status >= 500 ? "server_error" : "invalid_request_error";
  if (known) failure.code = row->code;
  return failure;
}

// ---- Headers ---------------------------------------------------------------------------------------------------------------

bool is_secret(std::string_view name) {
  constexpr std::string_view secrets[] = {"authorization", "proxy-authorization", "x-api-key",
                                          "api-key",       "x-goog-api-key",      "cookie"};
  return std::ranges::any_of(secrets, [&](std::string_view secret) { return iequals(secret, name); });
}

/// `name=value; name=value`, in order.
std::string received(const wire::HeaderTable& headers) {
  std::string text;
  for (const auto [name, value] : headers) {
    append(text, cat(text.empty() ? "" : "; ", name, "=", is_secret(name) ? "***" : value));
  }
  return text;
}

wire::HeaderBlock headers_of(const Form& form, std::string_view type, std::string_view id, const Behaviour& behaviour,
                             const wire::RequestHead& head) {
  wire::HeaderBlock headers;
  headers.add_raw(type);
  if (!form.id_line.empty()) {
    headers.add_raw(form.id_line);
    headers.add_raw(id);
    headers.add_raw("\r\n");
  }
  if (!behaviour.special) return headers;
  // What a header brought in can be sent back as a header; a script is read from a file, and may not.
  if (!behaviour.retry_after.empty()) static_cast<void>(headers.add("retry-after", behaviour.retry_after));
  if (!behaviour.redirect.empty()) static_cast<void>(headers.add("location", behaviour.redirect));
  if (behaviour.echo_headers) static_cast<void>(headers.add("x-twin-received", received(head.headers())));
  return headers;
}

// ---- What tests expect -----------------------------------------------------------------------------------------------------

Status check_expectations(const wire::RequestHead& head, std::string_view body, const Behaviour& behaviour) {
  if (!behaviour.expect_body_sha256.empty()) {
    const net::Digest digest = net::sha256(body);
    const auto hash = to_hex({reinterpret_cast<const char*>(digest.data()), digest.size()});  // NOLINT
    if (hash != behaviour.expect_body_sha256) {
      return fail(Kind::unprocessable, cat("the body's SHA-256 is ", hash, ", expected ", behaviour.expect_body_sha256));
    }
  }
  for (const auto& [name, value] : behaviour.expect_headers) {
    const auto found = head.find(name);
    if (!found) return fail(Kind::unprocessable, cat("header ", name, " did not come"), name);
    if (*found != value) return fail(Kind::unprocessable, cat("header ", name, " has another value than expected"), name);
  }
  for (const auto& name : behaviour.expect_absent) {
    if (head.find(name)) return fail(Kind::unprocessable, cat("header ", name, " came, but must not"), name);
  }
  return {};
}

// ---- Models ----------------------------------------------------------------------------------------------------------------

std::string_view without_prefix(std::string_view name) {
  constexpr std::string_view prefix = "twin/";
  return name.starts_with(prefix) ? name.substr(prefix.size()) : name;
}

/// `error-STATUS` asks for that status, also without headers.
const ModelRow* choose_model(std::string_view name, TwinOptions::Names names, Behaviour& behaviour) {
  constexpr std::string_view failing = "error";
  name = without_prefix(name);
  if (name == failing) behaviour.status = 500;
  if (name.starts_with("error-") && set_option(behaviour, "status", name.substr(failing.size() + 1))) name = failing;
  const auto* row = find_model(name);
  return row == nullptr && names == TwinOptions::Names::any ? &model_rows().front() : row;
}

std::unexpected<Error> no_such_model(std::string_view name) {
  return fail(Kind::model_not_found, cat("The model `", name, "` does not exist or you do not have access to it."), "model");
}

/// When the whole answer would be there: the tokens at their pace.
net::Duration thinking_time(const Behaviour& behaviour, const Answer& answer) {
  const auto waits = answer.completion_tokens > 0 ? answer.completion_tokens - 1 : 0;
  return std::chrono::milliseconds{static_cast<std::int64_t>(behaviour.first_token_ms + behaviour.inter_token_ms * waits)};
}

std::uint64_t system_seconds() { return static_cast<std::uint64_t>(std::time(nullptr)); }

net::Task<Status> respond_error(http::Exchange& exchange, const Form& form, const Error& error) {
  wire::HeaderBlock headers;
  headers.add_raw(json_type);
  const Failure failure = failure_of(error);
  if (form.failure_headers != nullptr) headers.add_raw(form.failure_headers(failure));
  const std::string body = form.failure(failure);
  Status sent = co_await exchange.respond(failure.status, headers, body);
  co_return sent;
}

/// Says what a status, redirect or error in a 200 asks for.
net::Task<Status> respond_failure(http::Exchange& exchange, const Form& form, const Behaviour& behaviour) {
  const std::uint64_t otherwise = behaviour.redirect.empty() ? 200 : 307;
  const auto status = static_cast<unsigned>(behaviour.status != 0 ? behaviour.status : otherwise);
  wire::HeaderBlock headers = headers_of(form, json_type, "twin", behaviour, exchange.request());
  const Failure failure = asked_failure(exchange.request(), behaviour);
  if (form.failure_headers != nullptr && status >= 400) headers.add_raw(form.failure_headers(failure));
  std::string body = form.failure(failure);
  Player player{exchange, behaviour, form};
  Status sent = co_await player.document(status, std::move(headers), std::move(body), net::Duration::zero());
  co_return sent;
}

/// A small document that nobody had to think about.
net::Task<Status> respond_plain(http::Exchange& exchange, const Form& form, const Behaviour& behaviour, std::string body) {
  wire::HeaderBlock headers = headers_of(form, json_type, "twin", behaviour, exchange.request());
  const auto status = static_cast<unsigned>(behaviour.status != 0 ? behaviour.status : 200);
  Player player{exchange, behaviour, form};
  Status sent = co_await player.document(status, std::move(headers), std::move(body), net::Duration::zero());
  co_return sent;
}

/// A request and how it is to be treated.
struct Asked {
  ChatRequest request;
  Status valid;
};

/// Reads the body. The script's step is known only when the model is; should it say how to read, the body is read again.
void read_asked(const Target& target, std::string_view body, const wire::RequestHead& head, Script& script, Behaviour& behaviour,
                std::optional<Asked>& out) {
  const auto read = [&] {
    Ask ask{.body = body, .operation = target.operation, .model = target.model, .stream = target.stream};
    ask.strict = behaviour.strict;
    ask.issuer = behaviour.issuer.empty() ? default_issuer : std::string_view{behaviour.issuer};
    auto& asked = out.emplace();
    const auto check = target.form->check_head;
    if (check != nullptr) asked.valid = check(head, ask);
    Status valid = target.form->read(ask, asked.request);
    if (asked.valid) asked.valid = std::move(valid);
  };
  read();
  const Behaviour* step = script.take(out->request.model);
  if (step == nullptr) return;
  // The script's word, and on top of it the request's own.
  behaviour = *step;
  static_cast<void>(read_headers(head.headers(), behaviour));
  if (step->strict || !step->issuer.empty()) read();
}

// ---- What is no chat -------------------------------------------------------------------------------------------------------

/// What came: a body, or a form with files that was taken apart on its way.
struct Received {
  std::string_view body;
  std::optional<Upload> upload;
};

/// Nobody uploads more to a vendor.
constexpr std::uint64_t upload_bytes_max = std::uint64_t{600} << 20;

net::Task<Status> receive(http::Exchange& exchange, const Behaviour& behaviour, std::size_t held_max, Received& out) {
  const std::string type{exchange.request().find(wire::Field::content_type).value_or("")};
  Result<std::string> boundary = wire::multipart_boundary(type);
  const bool held = !boundary || !behaviour.expect_body_sha256.empty();
  if (held) {
    Result<std::string_view> body = co_await exchange.read_body(held_max);
    if (!body) co_return fail_with(body);
    out.body = *body;
  }
  if (!boundary) co_return Status{};
  UploadReader reader{*boundary, out.upload.emplace()};
  Status taken;
  if (held) {
    taken = reader.take(out.body);
  } else {
    taken = co_await exchange.pour_body(upload_bytes_max, reader);
  }
  if (!taken) co_return taken;
  co_return reader.finish();
}

/// As read_asked().
Status read_task_asked(const Target& target, const Received& came, const wire::RequestHead& head, Script& script,
                       Behaviour& behaviour, TaskPlan& plan) {
  const auto read = [&] {
    TaskAsk ask;
    ask.body = came.body;
    ask.content_type = head.find(wire::Field::content_type).value_or("");
    ask.name = target.model;
    ask.query = head.query();
    ask.accept = head.find("accept").value_or("");
    ask.strict = behaviour.strict;
    ask.later = head.find("x-dashscope-async").value_or("") == "enable";
    ask.upload = came.upload ? &*came.upload : nullptr;
    return target.task->read(ask, plan);
  };
  Status valid = read();
  const Behaviour* step = script.take(plan.model);
  if (step == nullptr) return valid;
  behaviour = *step;
  static_cast<void>(read_headers(head.headers(), behaviour));
  if (!step->strict) return valid;
  plan = {};
  return read();
}

/// Events that are there already.
class ListSource final : public EventSource {
 public:
  explicit ListSource(std::vector<Event> events) : events_{std::move(events)} {}
  bool next(Event& out) override {
    if (at_ == events_.size()) return false;
    out = std::move(events_[at_++]);
    return true;
  }

 private:
  std::vector<Event> events_;
  std::size_t at_ = 0;
};

}  // namespace

std::span<const ModelInfo> models() {
  static const auto list = [] {
    std::vector<ModelInfo> all;
    for (const auto& row : model_rows()) all.push_back({row.name, row.does});
    return all;
  }();
  return list;
}

Twin::Twin(TwinOptions options) : options_{std::move(options)} {
  if (!options_.unix_seconds) options_.unix_seconds = system_seconds;
  if (!options_.shelf) options_.shelf = std::make_shared<Shelf>();
}

std::string Twin::refuse(const Error& error) { return openai_chat_form.failure(failure_of(error)); }

net::Task<void> Twin::handle(http::Exchange& exchange) {
  // A failure means that the client has gone, or was left as it asked to be; either way there is nobody to tell.
  Status done = co_await dispatch(exchange);
  static_cast<void>(done);
}

net::Task<Status> Twin::dispatch(http::Exchange& exchange) {
  const auto& head = exchange.request();
  const Target target = find_target(head);
  Behaviour behaviour;
  Status asked = read_headers(head.headers(), behaviour);
  if (!asked) {
    Status sent = co_await respond_error(exchange, *target.form, asked.error());
    co_return sent;
  }
  if (target.kind == Target::Kind::chat && target.method_fits) {
    Status sent = co_await chat(exchange, target, std::move(behaviour));
    co_return sent;
  }
  if (target.kind == Target::Kind::task && target.method_fits) {
    Status sent = co_await task(exchange, target, std::move(behaviour));
    co_return sent;
  }
  if (target.kind == Target::Kind::show && target.method_fits) {
    Status sent = co_await show(exchange, target, behaviour);
    co_return sent;
  }
  Result<std::string> document = fail(Kind::not_found, cat("Invalid URL (", head.method_text(), " ", head.path(), ")"));
  if (!target.method_fits) {
    document = fail(Kind::method_not_allowed, cat("Not allowed to ", head.method_text(), " on ", head.path(),
                                                  ". (HINT: Perhaps you meant to use a different HTTP method?)"));
  } else if (target.kind != Target::Kind::none) {
    document = listing(target, options_.names);
  }
  if (!document) {
    Status sent = co_await respond_error(exchange, *target.form, document.error());
    co_return sent;
  }
  Status sent = co_await respond_plain(exchange, *target.form, behaviour, std::move(*document));
  co_return sent;
}

/// The body names the model.
net::Task<Status> Twin::show(http::Exchange& exchange, Target target, const Behaviour& behaviour) {
  const Form& form = *target.form;
  Result<std::string_view> body = co_await exchange.read_body(options_.body_bytes_max);
  Result<json::Value> asked = body ? json::parse(*body) : fail_with(body);
  const auto* name = asked ? asked->find("model") : nullptr;
  if (asked && name == nullptr) name = asked->find("name");
  if (name != nullptr && name->as_string() != nullptr) target.model = *name->as_string();
  Result<std::string> document = asked ? listing(target, options_.names) : fail_with(asked);
  if (!document) {
    Status sent = co_await respond_error(exchange, form, document.error());
    co_return sent;
  }
  Status sent = co_await respond_plain(exchange, form, behaviour, std::move(*document));
  co_return sent;
}

net::Task<Status> Twin::chat(http::Exchange& exchange, const Target& target, Behaviour behaviour) {
  const Form& form = *target.form;
  if (behaviour.early) {
    Status sent = co_await respond_failure(exchange, form, behaviour);
    co_return sent;
  }
  Result<std::string_view> body = co_await exchange.read_body(options_.body_bytes_max);
  if (!body) {
    Status sent = co_await respond_error(exchange, form, body.error());
    co_return sent;
  }
  std::optional<Asked> asked;
  read_asked(target, *body, exchange.request(), options_.script, behaviour, asked);
  ChatRequest& request = asked->request;
  Status valid = std::move(asked->valid);
  Status expected = check_expectations(exchange.request(), *body, behaviour);
  const ModelRow* model = choose_model(request.model, options_.names, behaviour);
  if (valid && model == nullptr) {
    valid = no_such_model(request.model);
  }
  const bool fails = behaviour.status != 0 || !behaviour.redirect.empty();
  if (!expected || (!valid && !fails)) {
    Status sent = co_await respond_error(exchange, form, !expected ? expected.error() : valid.error());
    co_return sent;
  }
  if (fails || (behaviour.error_in_200 && !request.stream)) {
    behaviour.error_in_200 = false;
    Status sent = co_await respond_failure(exchange, form, behaviour);
    co_return sent;
  }
  if (target.operation == Operation::count_tokens) {
    Status sent = co_await respond_plain(exchange, form, behaviour, form.count(request));
    co_return sent;
  }
  Status sent = co_await play(exchange, target, request, *model, behaviour);
  co_return sent;
}

net::Task<Status> Twin::task(http::Exchange& exchange, const Target& target, Behaviour behaviour) {
  if (behaviour.early) {
    Status sent = co_await respond_failure(exchange, *target.form, behaviour);
    co_return sent;
  }
  Received came;
  Status received = co_await receive(exchange, behaviour, options_.body_bytes_max, came);
  if (!received) {
    Status sent = co_await respond_error(exchange, *target.form, received.error());
    co_return sent;
  }
  TaskPlan plan;
  Status valid = read_task_asked(target, came, exchange.request(), options_.script, behaviour, plan);
  const Form& form = plan.form != nullptr ? *plan.form : *target.form;
  Status expected = check_expectations(exchange.request(), came.body, behaviour);
  // Some forms have no model, and any model does any work.
  const bool known = plan.model.empty() || choose_model(plan.model, options_.names, behaviour) != nullptr;
  if (valid && !known) valid = no_such_model(plan.model);
  const bool fails = behaviour.status != 0 || !behaviour.redirect.empty();
  if (!expected || (!valid && !fails)) {
    Status sent = co_await respond_error(exchange, form, !expected ? expected.error() : valid.error());
    co_return sent;
  }
  if (fails || (behaviour.error_in_200 && !plan.stream)) {
    behaviour.error_in_200 = false;
    Status sent = co_await respond_failure(exchange, form, behaviour);
    co_return sent;
  }
  Result<TaskReply> reply = plan.reply({.model = plan.model, .created = options_.unix_seconds(), .shelf = *options_.shelf});
  if (!reply) {
    Status sent = co_await respond_error(exchange, form, reply.error());
    co_return sent;
  }
  if (behaviour.empty_choices) reply = TaskReply{.body = "{}"};
  const std::string id = hex_id("", fingerprint(came.body, exchange.body_bytes()));
  Player player{exchange, behaviour, form};
  if (plan.stream) {
    wire::HeaderBlock headers = headers_of(form, stream_type(form.framing), id, behaviour, exchange.request());
    ListSource events{std::move(reply->events)};
    Status sent = co_await player.stream(headers, events);
    co_return sent;
  }
  wire::HeaderBlock headers = headers_of(form, reply->type, id, behaviour, exchange.request());
  Status sent = co_await player.document(200, std::move(headers), std::move(reply->body), net::Duration::zero());
  co_return sent;
}

net::Task<Status> Twin::play(http::Exchange& exchange, const Target& target, ChatRequest& request, const ModelRow& model,
                             const Behaviour& behaviour) {
  const Form& form = *target.form;
  Answer answer = compose(request, model, behaviour, form.ids);
  if (behaviour.empty_choices) answer.choices.clear();
  const Scene scene{.request = request,
                    .model = request.model,
                    .created = options_.unix_seconds(),
                    .issuer = behaviour.issuer.empty() ? default_issuer : std::string_view{behaviour.issuer},
                    .operation = target.operation};
  const auto type = request.stream ? stream_type(form.framing) : json_type;
  wire::HeaderBlock headers = headers_of(form, type, answer.id, behaviour, exchange.request());
  Player player{exchange, behaviour, form};
  if (request.stream) {
    const std::unique_ptr<EventSource> events = form.events(answer, scene);
    Status sent = co_await player.stream(headers, *events);
    co_return sent;
  }
  std::string document = form.document(answer, scene);
  const net::Duration thinking = thinking_time(behaviour, answer);
  Status sent = co_await player.document(200, std::move(headers), std::move(document), thinking);
  co_return sent;
}

}  // namespace cardea::twin
