// Files and batches (OpenAI's): a provider keeps them, the gateway knows whose they are. An id is no right to see what it names:
// every path asks first whether it is the caller's, and answers 404 in the same words when it is another's and when there is
// none.

#include <algorithm>
#include <array>

#include "base/text.h"
#include "json/value.h"
#include "net/handover.h"
#include "pipeline/pages.h"
#include "pipeline/pipeline.h"
#include "pipeline/upload.h"
#include "pipeline/words.h"

namespace cardea::pipeline {
namespace {

constexpr std::size_t id_bytes_max = 256;
constexpr std::string_view wish_header = "x-cardea-provider";

/// An id goes into a path.
bool is_plain(std::string_view id) {
  return !id.empty() && id.size() <= id_bytes_max && std::ranges::all_of(id, [](char c) {
    return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '-' || c == '_';
  });
}

bool keeps_files(const catalog::Provider& provider) { return provider.dialect.starts_with("openai_"); }

/// OpenAI's own words.
std::unexpected<Error> unknown(std::string_view path, std::string_view id) {
  if (path.starts_with("/batches")) {
    return fail(Kind::not_found, cat("No batch found with id '", id.substr(0, id_bytes_max), "'."), "batch_id");
  }
  return fail(Kind::not_found, cat("No such File object: ", id.substr(0, id_bytes_max)), "id");
}

/// Who keeps what is new, or lists what there is: the provider that is asked for, else the only one that can. The twin, which
/// always can, counts when there is no other.
Result<const catalog::Provider*> keeper_for(const Visit& visit) {
  const catalog::Catalog& catalog = *visit.snapshot().catalog;
  std::string wish{visit.head().find(wish_header).value_or("")};
  if (wish.empty()) wish = query_parameter(visit.head().query(), "provider");
  if (!wish.empty()) {
    const catalog::Provider* const found = catalog.provider(wish);
    if (found != nullptr && keeps_files(*found)) return found;
    return fail(
        Kind::bad_request,
        cat("there is no enabled provider '", std::string_view{wish}.substr(0, 64), "' that keeps files in OpenAI's form"),
        std::string{wish_header});
  }
  const catalog::Provider* only = nullptr;
  std::string names;
  for (const catalog::Provider* const provider : catalog.providers()) {
    if (!keeps_files(*provider) || provider->name == "twin") continue;
    names += cat(names.empty() ? "" : ", ", provider->public_name);
    if (only != nullptr && only != provider) continue;
    only = provider;
  }
  if (names.find(',') != std::string::npos) {
    return fail(Kind::bad_request, cat("several providers keep files (", names, "); name one in the header ", wish_header),
                std::string{wish_header});
  }
  if (only == nullptr) only = catalog.provider("twin");
  if (only == nullptr) return fail(Kind::bad_request, "no enabled provider keeps files in OpenAI's form");
  return only;
}

/// The ids that a thing brings into being: its own, and those of the files that a batch wrote.
std::vector<std::string> ids_of(const json::Value& thing) {
  constexpr std::array<std::string_view, 3> members{"id", "output_file_id", "error_file_id"};
  std::vector<std::string> out;
  for (const std::string_view name : members) {
    const json::Value* const id = thing.find(name);
    if (id != nullptr && id->as_string() != nullptr && is_plain(*id->as_string())) out.push_back(*id->as_string());
  }
  return out;
}

std::string id_of(const json::Value& thing) {
  const json::Value* const id = thing.find("id");
  return id != nullptr && id->as_string() != nullptr ? *id->as_string() : std::string{};
}

/// The page with the owner's things alone, and cursors that fit them.
void keep_own(json::Value& page, std::span<const store::StoredObject> own) {
  const auto is_own = [&](const json::Value& thing) {
    return std::ranges::find(own, id_of(thing), &store::StoredObject::id) != own.end();
  };
  auto& things = page.find("data")->edit_elements();
  std::erase_if(things, [&](const json::Value& thing) { return !is_own(thing); });
  if (page.find("first_id") != nullptr) page.set("first_id", things.empty() ? json::Value{} : *things.front().find("id"));
  if (page.find("last_id") != nullptr) page.set("last_id", things.empty() ? json::Value{} : *things.back().find("id"));
}

/// The client's query as the provider may see it, from another place on when `after` says one.
std::string query_from(std::string_view query, std::string_view after) {
  std::string out;
  while (!query.empty()) {
    const std::string_view pair = query.substr(0, query.find('&'));
    query.remove_prefix(std::min(query.size(), pair.size() + 1));
    const std::string_view name = pair.substr(0, pair.find('='));
    const bool dropped = name == "provider" || (name == "after" && !after.empty());
    if (!dropped) out += cat(out.empty() ? "" : "&", pair);
  }
  if (!after.empty()) out += cat(out.empty() ? "" : "&", "after=", after);
  return forwarded_query(out);
}

bool has_more(const json::Value& page) {
  const json::Value* const more = page.find("has_more");
  return more != nullptr && more->as_bool().value_or(false);
}

}  // namespace

net::Task<Result<std::vector<store::StoredObject>>> Pipeline::own_objects(Visit& visit, std::vector<std::string> ids) {
  net::Handover<Result<std::vector<store::StoredObject>>> found{visit.exchange().loop()};
  stores_.objects.find(std::move(ids), std::string{visit.owner()}, found.sender());
  Result<std::vector<store::StoredObject>> own = co_await found.receive(store_patience);
  co_return own;
}

/// Durable when it returns: only then may the client hear of the ids. (What is shown again was noted before.)
net::Task<Status> Pipeline::note_objects(Visit& visit, std::vector<std::string> ids, std::string provider) {
  Result<std::vector<store::StoredObject>> known = co_await own_objects(visit, ids);
  if (!known) co_return fail_with(known);
  for (auto& id : ids) {
    const auto same = [&](const store::StoredObject& object) { return object.id == id && object.provider == provider; };
    if (std::ranges::any_of(*known, same)) continue;
    net::Handover<Status> noted{visit.exchange().loop()};
    store::StoredObject object{.id = std::move(id),
                               .owner = std::string{visit.owner()},
                               .provider = provider,
                               .created = static_cast<std::int64_t>(unix_seconds(visit.entry().started))};
    stores_.objects.put(std::move(object), noted.sender());
    Status done = co_await noted.receive(store_patience);
    if (!done) co_return fail(Kind::unavailable, "what was made could not be noted as yours; try again");
  }
  co_return Status{};
}

net::Task<Status> Pipeline::make_object(Visit& visit, const execute::RawCall& call) {
  Result<std::string> body = co_await ask_document(visit, call);
  if (!body) co_return fail_with(body);
  Result<json::Value> made = json::parse(*body);
  std::vector<std::string> ids = made ? ids_of(*made) : std::vector<std::string>{};
  if (ids.empty()) co_return fail(Kind::upstream_protocol, "the provider did not say the id of what it made");
  Status noted = co_await note_objects(visit, std::move(ids), call.upstream.provider->name);
  if (!noted) co_return noted;
  co_return co_await say(visit, *body);
}

execute::RawCall Pipeline::object_call(const Visit& visit, const catalog::Provider& provider, std::string target) const {
  const Snapshot& snapshot = visit.snapshot();
  return {.upstream = snapshot.upstreams.of(provider),
          .method = visit.head().method() == wire::Method::head ? wire::Method::get : visit.head().method(),
          .target = std::move(target),
          .header_lines = forwarded_headers(visit, provider),
          .limits = snapshot.attempt};
}

/// POST /files
net::Task<Status> Pipeline::create_file(Visit& visit, const Match& /*match*/) {
  const Snapshot& snapshot = visit.snapshot();
  visit.bound();
  Result<const catalog::Provider*> provider = keeper_for(visit);
  if (!provider) co_return fail_with(provider);
  Status may = visit.use(**provider);
  if (!may) co_return may;
  const std::string content_type{visit.head().find(wire::Field::content_type).value_or("")};
  Result<std::string> boundary = wire::multipart_boundary(content_type);
  if (!boundary) co_return fail_with(boundary);
  Upload upload{std::move(*boundary), file_rules("/files"), snapshot.file_limits, snapshot.spool_directory};
  Status poured = co_await visit.exchange().pour_body(snapshot.upload_bytes_max, upload);
  if (poured) poured = upload.finish();
  if (!poured) co_return poured;
  http::Body form;
  upload.write({}, form);
  execute::RawCall call = object_call(visit, **provider, "/files");
  call.header_lines += cat("content-type: ", content_type, "\r\n");
  call.body = &form;
  call.passed_on = &visit.upstream_lines();
  co_return co_await make_object(visit, call);
}

/// POST /batches: at the provider that keeps its input, which must be the caller's.
net::Task<Status> Pipeline::create_batch(Visit& visit, const Match& /*match*/) {
  const Snapshot& snapshot = visit.snapshot();
  visit.bound();
  Result<std::string_view> body = co_await visit.exchange().read_body(snapshot.body_bytes_max);
  if (!body) co_return fail_with(body);
  json::Members members;
  const json::ScanOptions options;
  Status scanned = json::scan(*body, options, members);
  if (!scanned) co_return scanned;
  Result<const json::Member*> input = members.unique("input_file_id");
  if (!input) co_return fail_with(input);
  const bool named = *input != nullptr && (*input)->type == json::Type::string;
  if (!named) co_return fail(Kind::bad_request, "'input_file_id' must be the id of a file", "input_file_id");
  const std::string id{members.string(**input)};
  std::vector<std::string> ids{id};
  Result<std::vector<store::StoredObject>> own = co_await own_objects(visit, std::move(ids));
  if (!own) co_return fail_with(own);
  const catalog::Provider* const provider = own->empty() ? nullptr : snapshot.catalog->provider(own->front().provider);
  if (provider == nullptr) co_return unknown("/files", id);
  // Its file names models that nobody here reads.
  Status may = visit.use_all_of(*provider, "a batch");
  if (!may) co_return may;
  http::Body out;
  out.add(*body);
  execute::RawCall call = object_call(visit, *provider, "/batches");
  call.header_lines += "content-type: application/json\r\n";
  call.body = &out;
  call.passed_on = &visit.upstream_lines();
  co_return co_await make_object(visit, call);
}

/// GET /files and /batches: the provider's list, of which the caller sees its own. Where a page holds nothing of it, the next one
/// is looked at, as far as `pages_max`.
net::Task<Status> Pipeline::list_objects(Visit& visit, const Match& match) {
  constexpr int pages_max = 100;
  visit.bound();
  Result<const catalog::Provider*> provider = keeper_for(visit);
  if (!provider) co_return fail_with(provider);
  Status may = visit.use(**provider);
  if (!may) co_return may;
  std::string after;
  for (int number = 1;; ++number) {
    const execute::RawCall call = object_call(visit, **provider, cat(match.route->path, query_from(visit.head().query(), after)));
    Result<std::string> body = co_await ask_document(visit, call);
    if (!body) co_return fail_with(body);
    Result<json::Value> page = json::parse(*body);
    const json::Value* const list = page ? page->find("data") : nullptr;
    if (list == nullptr || !list->is(json::Type::array)) {
      co_return fail(Kind::upstream_protocol, "the provider's list has no 'data'");
    }
    std::vector<std::string> ids;
    for (const json::Value& thing : list->elements()) ids.push_back(id_of(thing));
    after = ids.empty() ? std::string{} : ids.back();
    Result<std::vector<store::StoredObject>> own = co_await own_objects(visit, std::move(ids));
    if (!own) co_return fail_with(own);
    std::erase_if(*own, [&](const store::StoredObject& object) { return object.provider != (*provider)->name; });
    const bool go_on = own->empty() && has_more(*page) && is_plain(after) && number < pages_max;
    if (go_on) continue;
    keep_own(*page, *own);
    if (own->empty() && page->find("has_more") != nullptr) page->set("has_more", json::Value::boolean(false));
    const std::string said = page->dump();
    co_return co_await say(visit, said);
  }
}

/// What is below one id: show, delete, cancel, and a file's bytes.
net::Task<Status> Pipeline::use_object(Visit& visit, const Match& match) {
  visit.bound();
  const std::string_view path = match.route->path;
  const std::string id{match.parameter};
  if (!is_plain(id)) co_return unknown(path, id);
  std::vector<std::string> ids{id};
  Result<std::vector<store::StoredObject>> own = co_await own_objects(visit, std::move(ids));
  if (!own) co_return fail_with(own);
  const catalog::Provider* const provider = own->empty() ? nullptr : visit.snapshot().catalog->provider(own->front().provider);
  if (provider == nullptr) co_return unknown(path, id);
  Status may = visit.use(*provider);
  if (!may) co_return may;
  const std::string target = cat(path.substr(0, path.find('{')), id, path.substr(path.find('}') + 1));
  execute::RawCall call = object_call(visit, *provider, cat(target, forwarded_query(visit.head().query())));
  call.passed_on = &visit.upstream_lines();
  if (path.ends_with("/content")) co_return co_await ask_raw(visit, call);
  if (path.starts_with("/batches")) co_return co_await make_object(visit, call);
  Result<std::string> body = co_await ask_document(visit, call);
  if (!body) co_return fail_with(body);
  if (match.route->method == wire::Method::delete_) {
    net::Handover<Status> forgotten{visit.exchange().loop()};
    stores_.objects.remove(id, std::string{visit.owner()}, forgotten.sender());
    Status done = co_await forgotten.receive(store_patience);
    if (!done) co_return done;
  }
  co_return co_await say(visit, *body);
}

}  // namespace cardea::pipeline
