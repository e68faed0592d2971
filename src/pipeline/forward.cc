// What goes to an upstream as it is and comes back as it is: speech, pictures, uploads, and paths that only the provider knows.

#include <array>

#include "base/text.h"
#include "json/scan.h"
#include "json/writer.h"
#include "pipeline/forms.h"
#include "pipeline/pages.h"
#include "pipeline/pipeline.h"
#include "pipeline/upload.h"

namespace cardea::pipeline {
namespace {

constexpr std::string_view form_type = "multipart/form-data";

/// The providers that have these operations in OpenAI's form: those that speak one of OpenAI's chat forms, or say so of pictures.
Status speaks_openai(const catalog::Target& target, const execute::Upstream& upstream, std::string_view path) {
  if (upstream.dialect->name().starts_with("openai_")) return {};
  if (path.starts_with("/images/") && named_form(target, dialect::Task::draw) == "openai") return {};
  return fail(Kind::bad_request,
              cat("model '", target.model, "' is served by '", target.provider->public_name, "', which has no ", path,
                  " in OpenAI's form; choose a model of another provider"),
              "model");
}

std::string header_line(std::string_view name, std::optional<std::string_view> value) {
  return value && !value->empty() ? cat(name, ": ", *value, "\r\n") : std::string{};
}

/// What of a request's head a provider's own page may need: what the body is, what is wanted, and conditions.
std::string raw_lines(const Visit& visit, const catalog::Provider& provider) {
  constexpr std::array<std::string_view, 7> wanted{"content-type",  "accept",   "range",          "if-match",
                                                   "if-none-match", "if-range", "idempotency-key"};
  std::string out = forwarded_headers(visit, provider);
  for (const std::string_view name : wanted) out += header_line(name, visit.head().find(name));
  return out;
}

}  // namespace

/// A question in JSON whose answer may be bytes: `/audio/speech`, `/images/generations`.
net::Task<Status> Pipeline::forward_document(Visit& visit, const Match& match) {
  const Snapshot& snapshot = visit.snapshot();
  visit.bound();
  Result<std::string_view> body = co_await visit.exchange().read_body(snapshot.body_bytes_max);
  if (!body) co_return fail_with(body);
  json::Members members;
  const json::ScanOptions options;
  Status scanned = json::scan(*body, options, members);
  if (!scanned) co_return scanned;
  Result<const json::Member*> model = members.unique("model");
  if (!model) co_return fail_with(model);
  if (*model == nullptr) co_return fail(Kind::bad_request, "'model' is missing; name the model to use", "model");
  if ((*model)->type != json::Type::string) co_return fail(Kind::bad_request, "'model' must be a string", "model");
  const std::string_view asked = members.string(**model);
  Result<catalog::Target> target = visit.resolve(asked, members, *directory_);
  if (!target) co_return fail_with(target);
  const bool as_bytes = wants_picture(visit.head());
  if (const dialect::TaskFormat* form = drawing_form(*match.route, *target, visit.head())) {
    Result<Drawing> drawing = drawing_of(*match.route, *target, *form, *body);
    if (!drawing) co_return fail_with(drawing);
    drawing->as_bytes = as_bytes;
    co_return co_await draw(visit, std::move(*drawing));
  }
  json::Edits edits;
  if (target->model != asked) {
    Status renamed = edits.replace((*model)->value, json::quote(target->model));
    if (!renamed) co_return renamed;
  }
  std::vector<std::string_view> pieces;
  edits.append_pieces(*body, pieces);
  http::Body out;
  for (const std::string_view piece : pieces) out.add(piece);
  const Forwarding forwarding{*target, match.route->path, out, "application/json"};
  co_return co_await forward(visit, forwarding);
}

/// A form with files, or a file by itself.
net::Task<Status> Pipeline::forward_upload(Visit& visit, const Match& match) {
  const Snapshot& snapshot = visit.snapshot();
  visit.bound();
  const std::string content_type{visit.head().find(wire::Field::content_type).value_or("")};
  // Pictures to be edited may also stand in a document, by address.
  const bool document = is_media_type(content_type, "application/json") && match.route->path == "/images/edits";
  if (document) co_return co_await forward_document(visit, match);
  if (!is_media_type(content_type, form_type)) co_return co_await forward_file(visit, match, content_type);
  Result<std::string> boundary = wire::multipart_boundary(content_type);
  if (!boundary) co_return fail_with(boundary);
  Upload upload{std::move(*boundary), file_rules(match.route->path), snapshot.file_limits, snapshot.spool_directory};
  Status poured = co_await visit.exchange().pour_body(snapshot.upload_bytes_max, upload);
  if (poured) poured = upload.finish();
  if (!poured) co_return poured;
  if (upload.model().empty()) co_return fail(Kind::bad_request, "the field 'model' is missing; name the model to use", "model");
  Status behind = visit.meet_end_user(std::string{upload.user()}, *directory_);
  if (!behind) co_return behind;
  Result<catalog::Target> target = visit.resolve(upload.model());
  if (!target) co_return fail_with(target);
  const bool as_bytes = wants_picture(visit.head());
  if (const dialect::TaskFormat* form = drawing_form(*match.route, *target, visit.head())) {
    Result<Drawing> drawing = drawing_of(*match.route, *target, *form, upload, snapshot.body_bytes_max);
    if (!drawing) co_return fail_with(drawing);
    drawing->as_bytes = as_bytes;
    co_return co_await draw(visit, std::move(*drawing));
  }
  http::Body out;
  upload.write(target->model, out);
  const Forwarding forwarding{*target, match.route->path, out, content_type};
  co_return co_await forward(visit, forwarding);
}

/// `curl --data-binary @talk.wav -H 'content-type: audio/wav' …/v1/audio/transcriptions?model=whisper-1`
net::Task<Status> Pipeline::forward_file(Visit& visit, const Match& match, std::string_view content_type) {
  const Snapshot& snapshot = visit.snapshot();
  const std::span<const FileRule> rules = file_rules(match.route->path);
  const std::string_view kind = content_type.substr(0, content_type.find('/'));
  const bool sound = !rules.empty() && rules.front().holds == FileRule::Holds::sound;
  const bool readable = sound && (kind == "audio" || kind == "video" || is_media_type(content_type, "application/octet-stream"));
  if (!readable) {
    co_return fail(Kind::bad_request, cat("the body must be ", form_type, sound ? ", or a sound file by itself" : ""),
                   "content-type");
  }
  std::string asked = query_parameter(visit.head().query(), "model");
  if (asked.empty()) asked = visit.head().find("x-cardea-model").value_or("");
  if (asked.empty()) co_return fail(Kind::bad_request, "name the model to use: ?model=… or the header x-cardea-model", "model");
  http::Spool file{snapshot.spool_directory};
  Status poured = co_await visit.exchange().pour_body(snapshot.upload_bytes_max, file);
  if (!poured) co_return poured;
  std::array<char, wire::sniff_bytes> space{};
  Result<std::size_t> got = file.read(0, space);
  if (!got) co_return fail_with(got);
  Status judged = check_size("file", FileRule::Holds::sound, file.size(), snapshot.file_limits);
  if (!judged) co_return judged;
  judged =
      judge_file("file", FileRule::Holds::sound, wire::claimed_type(content_type, {}), {space.data(), *got}, {}, file.size());
  if (!judged) co_return judged;
  Result<catalog::Target> target = visit.resolve(asked);
  if (!target) co_return fail_with(target);
  std::string boundary = "cardea-";
  random_.append_id(boundary, 32);
  Wrapped form{std::move(boundary), visit.head().query(), content_type};
  http::Body out;
  form.write(target->model, file, out);
  const std::string out_type = cat(form_type, "; boundary=", form.boundary());
  const Forwarding forwarding{*target, match.route->path, out, out_type};
  co_return co_await forward(visit, forwarding);
}

net::Task<Status> Pipeline::forward(Visit& visit, const Forwarding& forwarding) {
  const catalog::Target& target = forwarding.target;
  const Snapshot& snapshot = visit.snapshot();
  const execute::Upstream& upstream = snapshot.upstreams.of(*target.provider);
  Status spoken = speaks_openai(target, upstream, forwarding.path);
  if (!spoken) co_return spoken;
  const execute::RawCall call{
      .upstream = upstream,
      .method = wire::Method::post,
      .target = std::string{forwarding.path},
      .header_lines = cat(forwarded_headers(visit, *target.provider), "content-type: ", forwarding.content_type, "\r\n",
                          header_line("accept", visit.head().find(wire::Field::accept))),
      .body = &forwarding.body,
      .limits = snapshot.attempt,
      .passed_on = &visit.upstream_lines()};
  co_return co_await ask_raw(visit, call);
}

/// `/p/{provider}/…`: the provider's own API with its key, for what the gateway does not know.
net::Task<Status> Pipeline::pass_through(Visit& visit, const Match& match) {
  const Snapshot& snapshot = visit.snapshot();
  visit.bound();
  if (!snapshot.passthrough || (snapshot.passthrough_automatic && directory_->size() > 1)) {
    co_return fail(Kind::forbidden,
                   "raw pass-through is off, since it gives every key all that the provider's key may do; the operator can "
                   "switch it on with 'passthrough: on'");
  }
  // Copied: the head may move while the body is read.
  const std::string path{match.parameter};
  const std::string_view name = std::string_view{path}.substr(0, path.find('/'));
  std::string_view rest = std::string_view{path}.substr(name.size());
  const catalog::Provider* const provider = snapshot.catalog->provider(name);
  if (provider == nullptr) co_return fail(Kind::not_found, cat("there is no enabled provider '", name.substr(0, 64), "'"));
  const execute::Upstream& upstream = snapshot.upstreams.of(*provider);
  visit.speak_as(*upstream.dialect);
  Status may = visit.use_all_of(*provider, "raw pass-through");
  if (!may) co_return may;
  // With the version that the base URL has already, or without.
  const std::string base = provider->path("/");
  if (base.size() > 1 && rest.starts_with(base)) rest.remove_prefix(base.size() - 1);
  http::Spool kept{snapshot.spool_directory};
  if (visit.head().has_body()) {
    Status poured = co_await visit.exchange().pour_body(snapshot.upload_bytes_max, kept);
    if (!poured) co_return poured;
  }
  http::Body body;
  body.add(kept, 0, kept.size());
  const execute::RawCall call{.upstream = upstream,
                              .method = visit.head().method(),
                              .target = cat(rest.empty() ? "/" : rest, forwarded_query(visit.head().query())),
                              .header_lines = raw_lines(visit, *provider),
                              .body = &body,
                              .limits = snapshot.attempt,
                              .passed_on = &visit.upstream_lines()};
  co_return co_await ask_raw(visit, call);
}

}  // namespace cardea::pipeline
