// Pictures for vendors that do not speak OpenAI's form: the request is said in theirs, the answer in OpenAI's again. The same
// order as in pipeline.cc, where the reasons stand; reading the request is forward.cc's.

#include "pipeline/draw.h"

#include <algorithm>

#include "base/base64.h"
#include "base/text.h"
#include "dialect/draw.h"
#include "net/scope.h"
#include "pipeline/pipeline.h"
#include "pipeline/words.h"
#include "wire/sniff.h"

namespace cardea::pipeline {
namespace {

using Base = execute::PlainCall::Base;

Base base_of(const dialect::TaskFormat& format) {
  return format.base == dialect::TaskFormat::Base::root ? Base::root : Base::api;
}

/// About what an answer only named, and could not be had: never the fault of the client's request.
Error not_had(const catalog::Provider& provider, const Error& error) {
  const bool refused = error.is(Kind::upstream_rejected) || (error.fault() == Fault::client && !error.is(Kind::client_closed));
  if (!refused && error.fault() != Fault::upstream) return error.clone();
  const std::string whose = cat("provider '", provider.public_name, "': ");
  const bool said = error.message().starts_with(whose);
  return {refused ? Kind::upstream_failed : error.kind(),
          said ? std::string{error.message()} : cat(whose, "what its answer names could not be fetched: ", error.message())};
}

}  // namespace

net::Task<Status> Pipeline::draw(Visit& visit, Drawing drawing) {
  const Snapshot& snapshot = visit.snapshot();
  const catalog::Target& target = drawing.target;
  const execute::Upstream& upstream = snapshot.upstreams.of(*target.provider);

  if (drawing.as_bytes && (drawing.stream || drawing.request.count.value_or(1) != 1)) {
    co_return fail(Kind::bad_request,
                   "an answer that is a picture itself (Accept: image/…) is one picture, whole: leave 'n' and 'stream' out",
                   drawing.stream ? "stream" : "n");
  }

  // What the request only names, where the upstream wants the bytes.
  Status fetched = co_await fetch_inputs(visit, drawing);
  if (!fetched) co_return fetched;

  // Who draws the same for the same seed is told one.
  auto& wish = drawing.request;
  const bool chosen = drawing.upstream.wants_seed && !wish.seed && (wish.workflow.empty() || wish.workflow.contains("{{seed"));
  if (chosen) wish.seed = random_.below(std::uint64_t{1} << 32);

  // In the upstream's words. Also an error says what was left out.
  const dialect::TaskFormat& client = *dialect::find_task_format(dialect::Task::draw, drawing.request.dialect);
  const dialect::TaskPair pair{client, drawing.upstream, target.model};
  Result<dialect::TranslatedTask> question =
      dialect::translate_task(pair, std::move(drawing.request), allowed_loss(visit.head()));
  if (!question) co_return fail_with(question);
  visit.note_losses(question->losses);
  const auto& request = std::get<model::Draw>(question->request);

  // Out of the house; some take the work now and have it done later.
  visit.upstream_begins();
  Result<std::string> body = co_await ask_until_drawn(visit, drawing, question->message);
  visit.upstream_ends();
  if (!body) {
    // Its body is in the upstream's words, which the client does not speak.
    body.error().edit().body.clear();
    co_return fail(std::move(body.error()));
  }
  dialect::Losses losses;
  Result<dialect::TaskAnswer> answer =
      dialect::read_task_answer(drawing.upstream, *body, question->request, upstream.provider->key, losses);
  if (!answer) {
    std::string message = cat("provider '", upstream.provider->public_name, "': ", answer.error().message());
    answer.error().edit().message = std::move(message);
    co_return fail(std::move(answer.error()));
  }
  auto& drawn = std::get<model::Drawn>(*answer);

  // Pictures that the answer only names.
  Status collected = co_await collect_pictures(visit, drawing, request, drawn);
  visit.upstream_ends();
  if (!collected) co_return collected;

  // In the client's words again.
  dialect::TaskContext context{.request = question->request,
                               .id = {},
                               .model = std::string{visit.entry().model_asked},
                               .now = unix_seconds(visit.entry().started)};
  random_.append_id(context.id, 24);
  const dialect::TranslatedTaskAnswer said = dialect::write_task_answer(client, *answer, context, std::move(losses));
  if (said.usage) visit.entry().usage = *said.usage;
  visit.entry().model_answered = said.model;
  visit.note_losses(said.losses, question->losses);
  if (drawing.as_bytes) co_return co_await say_picture(visit, drawn.pictures.front().picture);
  if (!drawing.stream) co_return co_await say(visit, said.body);
  const std::string events = drawn_events(request, drawn, context.now);
  co_return co_await say_events(visit, events);
}

/// The last answer of an upstream. One that is asked again and again has as long altogether as others have for one.
net::Task<Result<std::string>> Pipeline::ask_until_drawn(Visit& visit, const Drawing& drawing,
                                                         const dialect::TaskMessage& message) {
  const Snapshot& snapshot = visit.snapshot();
  const catalog::Provider& provider = *drawing.target.provider;
  const dialect::TaskFormat& format = drawing.upstream;
  const std::string lines = cat(forwarded_headers(visit, provider), format.header_lines);
  const bool json = message.content_type == "application/json";
  execute::PlainCall call{.upstream = snapshot.upstreams.of(provider),
                          .method = wire::Method::post,
                          .target = message.target.empty() ? format.target_of(drawing.target.model) : message.target,
                          .body = message.body,
                          .header_lines = cat(lines, message.header_lines),
                          .limits = snapshot.attempt,
                          .base = base_of(format),
                          .passed_on = &visit.upstream_lines(),
                          .content_type = json ? std::string_view{} : std::string_view{message.content_type}};
  net::Scope& scope = co_await net::current_scope();
  const net::Duration patience = snapshot.attempt.timeouts.first_byte;
  const net::TimePoint began = scope.loop().now();
  Result<std::string> body = co_await executor_.fetch(call);
  call.method = wire::Method::get;
  call.body = {};
  call.content_type = {};
  call.header_lines = lines;
  while (body) {
    Result<std::optional<dialect::TaskStep>> step = dialect::next_step(format, *body, provider.key);
    if (!step) {
      const std::string_view why = step.error().message();
      co_return fail(Error{step.error().kind(), cat("provider '", provider.public_name, "': ", why)});
    }
    if (!*step) break;
    if (!(*step)->target.empty()) call.target = (*step)->target;
    const net::TimePoint next = scope.loop().now() + std::max<net::Duration>((*step)->wait, net::Duration{1});
    if (next - began >= patience) {
      co_return fail(Kind::upstream_timeout, cat("provider '", provider.public_name, "': the picture was not done in time"));
    }
    Status waited = co_await net::sleep_until(scope.loop(), next);
    if (!waited) co_return fail_with(waited);
    body = co_await executor_.fetch(call);
    if (!body) co_return fail(not_had(provider, body.error()));
  }
  co_return body;
}

/// Pictures below the upstream's own host are fetched from there, with its key; those elsewhere stay addresses unless the client
/// wants their bytes.
net::Task<Status> Pipeline::collect_pictures(Visit& visit, const Drawing& drawing, const model::Draw& request,
                                             model::Drawn& drawn) {
  const Snapshot& snapshot = visit.snapshot();
  const catalog::Provider& provider = *drawing.target.provider;
  const bool wants_bytes = drawing.stream || drawing.as_bytes || request.answer_as == "b64_json";
  std::size_t room = snapshot.attempt.response_bytes;
  for (model::DrawnPicture& one : drawn.pictures) {
    model::Picture& picture = one.picture;
    const bool own = picture.url.starts_with('/');
    if (!own && (picture.url.empty() || !wants_bytes)) continue;
    if (!own) {
      Status got = co_await fetch_picture(visit, picture, room);
      if (!got) co_return fail(not_had(provider, got.error()));
      continue;
    }
    const execute::PlainCall call{.upstream = snapshot.upstreams.of(provider),
                                  .method = wire::Method::get,
                                  .target = picture.url,
                                  .body = {},
                                  .header_lines = forwarded_headers(visit, provider),
                                  .limits = snapshot.attempt,
                                  .base = base_of(drawing.upstream)};
    Result<std::string> bytes = co_await executor_.fetch(call);
    if (!bytes) co_return fail(not_had(provider, bytes.error()));
    if (bytes->size() > room) co_return fail(Kind::upstream_protocol, "the upstream's pictures are too large together");
    room -= bytes->size();
    Result<model::Picture> whole = dialect::picture_of_bytes(*bytes, "picture");
    if (!whole) {
      co_return fail(Kind::upstream_protocol, cat("provider '", provider.public_name, "': what it drew is no picture"));
    }
    picture = std::move(*whole);
  }
  co_return Status{};
}

net::Task<Status> Pipeline::fetch_inputs(Visit& visit, Drawing& drawing) {
  if (drawing.upstream.takes_addresses) co_return Status{};
  std::vector<model::Picture*> pictures;
  for (model::Picture& picture : drawing.request.images) pictures.push_back(&picture);
  if (drawing.request.mask) pictures.push_back(&*drawing.request.mask);
  std::size_t room = visit.snapshot().body_bytes_max;
  for (std::size_t i = 0; i < pictures.size(); ++i) {
    if (pictures[i]->url.empty()) continue;
    const std::string field = i < drawing.request.images.size() ? cat("images[", i, "].image_url") : "mask.image_url";
    Status got = co_await fetch_picture(visit, *pictures[i], room);
    if (!got && got.error().is(Kind::client_closed)) co_return got;
    if (!got && (got.error().fault() == Fault::upstream || got.error().fault() == Fault::client)) {
      co_return fail(Kind::bad_request, cat("'", field, "' could not be fetched: ", got.error().message()), field);
    }
    if (!got) co_return got;
  }
  co_return Status{};
}

/// Somebody else chose the address: through the egress guard. `room`: bytes that it, and the others, may have still.
net::Task<Status> Pipeline::fetch_picture(Visit& visit, model::Picture& picture, std::size_t& room) {
  execute::WebLimits limits = visit.snapshot().web;
  limits.bytes = std::min(limits.bytes, room);
  Result<execute::WebFile> file = co_await executor_.web().get(picture.url, limits);
  if (!file) co_return fail_with(file);
  room -= file->bytes->size();
  Result<model::Picture> whole = dialect::picture_of_bytes(*file->bytes, "picture");
  if (!whole) co_return fail(Kind::bad_request, "it is no whole picture of a known kind");
  picture = std::move(*whole);
  co_return Status{};
}

net::Task<Status> Pipeline::say_picture(Visit& visit, const model::Picture& picture) {
  const std::optional<std::string> bytes = from_base64(picture.base64);
  if (!bytes) co_return fail(Kind::upstream_protocol, "the upstream's picture is no base64");
  const std::string_view type = wire::sniff(*bytes).type;  // not what somebody says of it
  wire::HeaderBlock headers;
  visit.add_answer_headers(headers, type.empty() ? std::string_view{"application/octet-stream"} : type);
  visit.entry().status = 200;
  Status sent = co_await visit.exchange().respond(200, headers, *bytes);
  if (!sent) co_return fail(Kind::client_closed);
  co_return Status{};
}

net::Task<Status> Pipeline::say_events(Visit& visit, std::string_view events) {
  wire::HeaderBlock headers;
  visit.add_answer_headers(headers, "text/event-stream");
  headers.add_raw("cache-control: no-cache\r\nx-accel-buffering: no\r\n");
  visit.entry().status = 200;
  visit.entry().stream = true;
  Status sent = co_await visit.exchange().respond(200, headers, events);
  if (!sent) co_return fail(Kind::client_closed);
  visit.first_token_sent();
  co_return Status{};
}

}  // namespace cardea::pipeline
