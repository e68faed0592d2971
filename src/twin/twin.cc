#include "twin/twin.h"

#include <algorithm>
#include <array>
#include <ctime>

#include "base/text.h"
#include "json/writer.h"
#include "net/crypto.h"
#include "twin/answer.h"
#include "twin/messages.h"
#include "twin/player.h"
#include "twin/render.h"
#include "twin/tokens.h"

namespace cardea::twin {
namespace {

constexpr std::string_view json_type = "content-type: application/json\r\n";
constexpr std::string_view stream_type = "content-type: text/event-stream; charset=utf-8\r\ncache-control: no-cache\r\n";
constexpr std::uint64_t models_created = 1'735'689'600;  // 2025-01-01

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

std::string status_body(const wire::RequestHead& head, const Behaviour& behaviour) {
  const auto* row = std::ranges::find(statuses, behaviour.status, &StatusRow::status);
  const bool known = row != std::end(statuses);
  auto message = cat(known ? row->message : "The twin was asked to fail.");
  if (behaviour.quote_credential) append(message, cat(" You sent: ", credential(head)));
  const std::string_view other = behaviour.status >= 500 ? "server_error" : "invalid_request_error";
  return error_object(message, known ? row->type : other, "", known ? row->code : "");
}

std::string error_body(const Error& error) {
  const auto& kind = info(error.kind());
  const auto& detail = error.detail();
  return error_object(error.message(), kind.openai_type, detail.param, detail.code.empty() ? kind.openai_code : detail.code);
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

wire::HeaderBlock headers_of(std::string_view type, std::string_view id, const Behaviour& behaviour,
                             const wire::RequestHead& head) {
  wire::HeaderBlock headers;
  headers.add_raw(type);
  headers.add_raw("openai-version: 2020-10-01\r\nx-request-id: req_");
  headers.add_raw(id);
  headers.add_raw("\r\n");
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

void append_model(json::Writer& writer, std::string_view name) {
  writer.begin_object().key("id").string(name).key("object").string("model");
  writer.key("created").number(models_created).key("owned_by").string("cardea").end_object();
}

Result<std::string> model_document(std::string_view path, TwinOptions::Names names) {
  constexpr std::string_view folder = "/models/";
  std::string body;
  json::Writer writer{body};
  const auto at = path.find(folder);
  if (at == std::string_view::npos) {
    writer.begin_object().key("object").string("list").key("data").begin_array();
    for (const auto& row : model_rows()) append_model(writer, row.name);
    writer.end_array().end_object();
    return body;
  }
  const auto name = path.substr(at + folder.size());
  Behaviour ignored;
  if (choose_model(name, names, ignored) == nullptr) {
    return fail(Kind::model_not_found, cat("The model '", name, "' does not exist"), "model");
  }
  append_model(writer, name);
  return body;
}

/// When the whole answer would be there: the tokens at their pace.
net::Duration thinking_time(const Behaviour& behaviour, const Answer& answer) {
  const auto waits = answer.completion_tokens > 0 ? answer.completion_tokens - 1 : 0;
  return std::chrono::milliseconds{static_cast<std::int64_t>(behaviour.first_token_ms + behaviour.inter_token_ms * waits)};
}

std::uint64_t system_seconds() { return static_cast<std::uint64_t>(std::time(nullptr)); }

net::Task<Status> respond_error(http::Exchange& exchange, const Error& error) {
  wire::HeaderBlock headers;
  headers.add_raw(json_type);
  const std::string body = error_body(error);
  Status sent = co_await exchange.respond(error.http_status(), headers, body);
  co_return sent;
}

/// Says what a status, redirect or error in a 200 asks for.
net::Task<Status> respond_failure(http::Exchange& exchange, const Behaviour& behaviour) {
  const std::uint64_t otherwise = behaviour.redirect.empty() ? 200 : 307;
  const auto status = static_cast<unsigned>(behaviour.status != 0 ? behaviour.status : otherwise);
  wire::HeaderBlock headers = headers_of(json_type, "twin", behaviour, exchange.request());
  std::string body = status_body(exchange.request(), behaviour);
  Player player{exchange, behaviour};
  Status sent = co_await player.document(status, std::move(headers), std::move(body), net::Duration::zero());
  co_return sent;
}

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
}

std::string Twin::refuse(const Error& error) { return error_body(error); }

net::Task<void> Twin::handle(http::Exchange& exchange) {
  // A failure means that the client has gone, or was left as it asked to be; either way there is nobody to tell.
  Status done = co_await dispatch(exchange);
  static_cast<void>(done);
}

net::Task<Status> Twin::dispatch(http::Exchange& exchange) {
  const auto& head = exchange.request();
  Behaviour behaviour;
  Status asked = read_headers(head.headers(), behaviour);
  if (!asked) {
    Status sent = co_await respond_error(exchange, asked.error());
    co_return sent;
  }
  const bool completions = head.path().ends_with("/chat/completions");
  if (completions && head.method() == wire::Method::post) {
    Status sent = co_await chat(exchange, std::move(behaviour));
    co_return sent;
  }
  const bool listing = head.path().ends_with("/models") || head.path().find("/models/") != std::string_view::npos;
  Result<std::string> document = fail(Kind::not_found, cat("Invalid URL (", head.method_text(), " ", head.path(), ")"));
  if (listing && head.method() == wire::Method::get) {
    document = model_document(head.path(), options_.names);
  } else if (listing || completions) {
    document = fail(Kind::method_not_allowed, cat("Not allowed to ", head.method_text(), " on ", head.path(),
                                                  ". (HINT: Perhaps you meant to use a different HTTP method?)"));
  }
  if (!document) {
    Status sent = co_await respond_error(exchange, document.error());
    co_return sent;
  }
  wire::HeaderBlock headers = headers_of(json_type, "twin", behaviour, head);
  Player player{exchange, behaviour};
  const auto status = static_cast<unsigned>(behaviour.status != 0 ? behaviour.status : 200);
  Status sent = co_await player.document(status, std::move(headers), std::move(*document), net::Duration::zero());
  co_return sent;
}

net::Task<Status> Twin::chat(http::Exchange& exchange, Behaviour behaviour) {
  if (behaviour.early) {
    Status sent = co_await respond_failure(exchange, behaviour);
    co_return sent;
  }
  Result<std::string_view> body = co_await exchange.read_body(options_.body_bytes_max);
  if (!body) {
    Status sent = co_await respond_error(exchange, body.error());
    co_return sent;
  }
  ChatRequest request;
  Status valid = read_request(*body, request);
  if (const Behaviour* step = options_.script.take(request.model)) {
    // The script's word, and on top of it the request's own.
    behaviour = *step;
    static_cast<void>(read_headers(exchange.request().headers(), behaviour));
  }
  Status expected = check_expectations(exchange.request(), *body, behaviour);
  const ModelRow* model = choose_model(request.model, options_.names, behaviour);
  if (valid && model == nullptr) {
    valid = fail(Kind::model_not_found, cat("The model `", request.model, "` does not exist or you do not have access to it."),
                 "model");
  }
  const bool fails = behaviour.status != 0 || !behaviour.redirect.empty();
  if (!expected || (!valid && !fails)) {
    Status sent = co_await respond_error(exchange, !expected ? expected.error() : valid.error());
    co_return sent;
  }
  if (fails || (behaviour.error_in_200 && !request.stream)) {
    behaviour.error_in_200 = false;
    Status sent = co_await respond_failure(exchange, behaviour);
    co_return sent;
  }
  Answer answer = compose(request, *model, behaviour);
  if (behaviour.empty_choices) answer.choices.clear();
  const Form form{request.model, options_.unix_seconds(), request.logprobs, request.top_logprobs, request.include_usage};
  wire::HeaderBlock headers = headers_of(request.stream ? stream_type : json_type, answer.id, behaviour, exchange.request());
  Player player{exchange, behaviour};
  if (request.stream) {
    ChunkSource chunks{answer, form};
    Status sent = co_await player.stream(headers, chunks);
    co_return sent;
  }
  std::string document = completion(answer, form);
  const net::Duration thinking = thinking_time(behaviour, answer);
  Status sent = co_await player.document(200, std::move(headers), std::move(document), thinking);
  co_return sent;
}

}  // namespace cardea::twin
