#include "pipeline/pages.h"

#include <algorithm>

#include "base/text.h"
#include "json/writer.h"
#include "pipeline/model_pages.h"
#include "pipeline/pipeline.h"
#include "pipeline/words.h"

namespace cardea::pipeline {
namespace {

struct Page {
  unsigned status = 200;
  std::string_view content_type = "application/json";
  std::string body;
};

std::string state(std::string_view word, const Self& self, const Snapshot& snapshot) {
  std::string text;
  json::Writer out{text};
  out.begin_object();
  out.key("status").string(word);
  out.key("version").string(self.version());
  out.key("models").number(snapshot.catalog->list().size());
  out.end_object();
  return text;
}

Result<Page> page_of(Result<std::string> body, std::string_view content_type = "application/json") {
  if (!body) return fail_with(body);
  return Page{.content_type = content_type, .body = std::move(*body)};
}

Result<Page> show_model(const Visit& visit, std::string_view parameter) {
  const auto name = percent_decoded(parameter);
  return page_of(model_page(visit.dialect(), visit, name.value_or(std::string{parameter})),
                 visit.dialect().traits().content_type);
}

Result<Page> render(const Match& match, Visit& visit, const Self& self) {
  const Snapshot& snapshot = visit.snapshot();
  switch (match.route->operation) {
    case Operation::list_models:
      return page_of(models_page(visit.dialect(), Listing{visit}, visit.head().query()), visit.dialect().traits().content_type);
    case Operation::show_model: return show_model(visit, match.parameter);
    case Operation::list_loaded: return page_of(loaded_page(Listing{visit}, unix_seconds(visit.entry().started)));
    case Operation::api_version: return Page{.body = version_page()};
    case Operation::live: return Page{.body = R"({"status":"ok"})"};
    case Operation::ready:
      if (self.ready()) return Page{.body = R"({"status":"ready"})"};
      return Page{.status = 503, .body = R"({"status":"draining"})"};
    case Operation::health: return Page{.body = state(self.ready() ? "ok" : "draining", self, snapshot)};
    case Operation::metrics:
      if (!snapshot.metrics_served) return fail(Kind::not_found, "metrics are switched off (metrics.enabled)");
      return Page{.content_type = record::exposition_type, .body = self.metrics()};
    case Operation::show_named_model:
    case Operation::show_response:
    case Operation::delete_response:
    case Operation::list_input_items:
    case Operation::cancel_response:
    case Operation::forward_document:
    case Operation::forward_upload:
    case Operation::create_file:
    case Operation::create_batch:
    case Operation::list_objects:
    case Operation::use_object:
    case Operation::pass_through:
    case Operation::chat:
    case Operation::embed:
    case Operation::rerank:
    case Operation::moderate:
    case Operation::tokenize:
    case Operation::detokenize:
    case Operation::log_in:
    case Operation::log_in_ends:
    case Operation::log_out:
    case Operation::get_token:
    case Operation::count_tokens:
    case Operation::administer: break;
  }
  std::unreachable();
}

}  // namespace

bool needs_principal(Policy policy, const Snapshot& snapshot, const access::Directory& directory) noexcept {
  switch (policy) {
    case Policy::everyone: return false;
    case Policy::caller:
    case Policy::known:
    case Policy::read:
    case Policy::operate:
    case Policy::manage:
    case Policy::own: return true;
    case Policy::scraper: return snapshot.metrics_need_key || (snapshot.metrics_automatic && !directory.keyless());
  }
  std::unreachable();
}

bool is_preflight(const wire::RequestHead& head) noexcept {
  return head.method() == wire::Method::options && head.find(wire::Field::origin) && head.find("access-control-request-method");
}

bool is_media_type(std::string_view content_type, std::string_view wanted) noexcept {
  return iequals(trim(content_type.substr(0, content_type.find(';'))), wanted);
}

std::string forwarded_query(std::string_view query) {
  std::string out;
  while (!query.empty()) {
    const auto pair = query.substr(0, query.find('&'));
    const auto name = percent_decoded(pair.substr(0, pair.find('=')));
    const bool credential = name && *name == access::credential_parameter;
    if (!credential && !pair.empty()) out += cat(out.empty() ? '?' : '&', pair);
    query.remove_prefix(std::min(query.size(), pair.size() + 1));
  }
  return out;
}

std::string query_parameter(std::string_view query, std::string_view name) {
  while (!query.empty()) {
    const auto pair = query.substr(0, query.find('&'));
    if (pair.starts_with(name) && pair.substr(name.size()).starts_with('=')) {
      return percent_decoded(pair.substr(name.size() + 1)).value_or("");
    }
    query.remove_prefix(std::min(query.size(), pair.size() + 1));
  }
  return {};
}

net::Task<Status> Pipeline::page(Visit& visit, const Match& match) {
  Result<Page> page{Page{}};
  if (match.route->operation == Operation::show_named_model) {
    Result<std::string_view> body = co_await visit.exchange().read_body(visit.snapshot().body_bytes_max);
    if (!body) co_return fail_with(body);
    page = page_of(named_model_page(visit, *body));
  } else {
    page = render(match, visit, self_);
  }
  if (!page) co_return fail_with(page);
  wire::HeaderBlock headers;
  visit.add_answer_headers(headers, page->content_type);
  visit.entry().status = static_cast<std::uint16_t>(page->status);
  Status sent = co_await visit.exchange().respond(page->status, headers, page->body);
  if (!sent) co_return fail(Kind::client_closed);
  co_return Status{};
}

net::Task<Status> Pipeline::preflight(Visit& visit) {
  const auto origin = visit.head().find(wire::Field::origin).value_or("");
  if (!access::origin_allowed(origin, visit.snapshot().origins)) {
    co_return fail(Kind::forbidden, "web pages of this origin may not use the gateway (allowed_origins)");
  }
  wire::HeaderBlock headers;
  visit.add_answer_headers(headers, "text/plain");
  headers.add_raw("access-control-allow-methods: GET, POST, DELETE\r\naccess-control-max-age: 600\r\n");
  const auto wanted = visit.head().find("access-control-request-headers");
  if (wanted) headers.add_raw(cat("access-control-allow-headers: ", *wanted, "\r\n"));
  visit.entry().status = 204;
  Status sent = co_await visit.exchange().respond(204, headers, "");
  if (!sent) co_return fail(Kind::client_closed);
  co_return Status{};
}

}  // namespace cardea::pipeline
