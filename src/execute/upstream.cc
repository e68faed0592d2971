#include "execute/upstream.h"

#include "base/text.h"
#include "dialect/draw.h"
#include "dialect/task.h"
#include "json/writer.h"
#include "wire/http1.h"

namespace cardea::execute {

net::Origin origin_of(const catalog::Origin& origin) {
  using To = net::Origin::Scheme;
  const auto scheme = [&] {
    switch (origin.scheme) {
      case catalog::Scheme::http: return To::plain;
      case catalog::Scheme::https: return To::tls;
      case catalog::Scheme::unix_socket: return To::unix;
      case catalog::Scheme::twin: return To::memory;
    }
    std::unreachable();
  }();
  return {scheme, origin.scheme == catalog::Scheme::twin ? "twin" : origin.host, origin.port};
}

namespace {

Secret header_lines(const catalog::Provider& provider, const dialect::Dialect& dialect) {
  // Answers are inspected, so a compressed one would only cost both sides.
  return Secret{cat("host: ", provider.authority, "\r\n", provider.head.reveal(),
                    "content-type: application/json\r\naccept: application/json, ",
                    dialect::content_type(dialect.traits().framing), "\r\naccept-encoding: identity\r\nuser-agent: cardea\r\n")};
}

std::vector<dialect::FieldRule> rules_of(const catalog::Quirks& quirks) {
  std::vector<dialect::FieldRule> rules;
  for (const auto& field : quirks.drop_fields) rules.push_back({.from = field});
  for (const auto& [from, to] : quirks.rename_fields) rules.push_back({from, to});
  for (const auto& [field, text] : quirks.set_fields) rules.push_back({.from = field, .value = json::quote(text)});
  switch (quirks.max_tokens_field) {
    case config::MaxTokensField::as_sent: break;
    case config::MaxTokensField::max_tokens: rules.push_back({"max_completion_tokens", "max_tokens"}); break;
    case config::MaxTokensField::max_completion_tokens: rules.push_back({"max_tokens", "max_completion_tokens"}); break;
  }
  if (quirks.stream_options == config::Switch::off) rules.push_back({.from = "stream_options"});
  return rules;
}

}  // namespace

std::string Upstream::chat_line_to(std::string_view model, dialect::Delivery delivery) const {
  const bool stream = delivery == dialect::Delivery::stream;
  const std::string own = provider->own_target(model, stream ? catalog::Delivery::stream : catalog::Delivery::whole);
  return line_to("POST", own.empty() ? dialect->chat_target(model, delivery) : own);
}

std::string Upstream::line_to(std::string_view method, std::string_view target) const {
  std::string line;
  wire::append_request_line(line, method, provider->path(target));
  return line;
}

Secret Upstream::lines_for(std::string_view content_type) const {
  return Secret{cat("host: ", provider->authority, "\r\n", provider->head.reveal(), "content-type: ", content_type,
                    "\r\naccept-encoding: identity\r\nuser-agent: cardea\r\n")};
}

std::string Upstream::root_line_to(std::string_view method, std::string_view target) const {
  std::string line;
  wire::append_request_line(line, method, provider->endpoint.root_path(target));
  return line;
}

namespace {

/// Does the data of a provider or model name forms of work that there are? `whose`: "providers.NAME".
Status check_tasks(const config::Map<std::string>& tasks, std::string_view whose) {
  for (const auto& [task, form] : tasks) {
    std::string forms;
    bool known = false;
    for (const auto* format : dialect::task_formats()) {
      if (dialect::to_text(format->task) != task) continue;
      known = known || format->name == form;
      forms += cat(forms.empty() ? "" : ", ", format->name);
    }
    if (known) continue;
    if (forms.empty())
      return fail(Kind::config,
                  cat(whose, ".tasks: there is no work '", task, "' (embeddings, rerank, moderations, tokenize, images)"));
    return fail(Kind::config, cat(whose, ".tasks.", task, ": there is no form '", form, "' (", forms, ")"));
  }
  return {};
}

}  // namespace

Result<Upstreams> Upstreams::make(const catalog::Catalog& catalog) {
  Upstreams out;
  for (const catalog::Entry& entry : catalog.list()) {
    if (entry.target.info == nullptr) continue;
    if (auto tasks = check_tasks(entry.target.info->tasks, cat("models.", entry.id)); !tasks) return fail_with(tasks);
    const std::string& workflow = entry.target.info->workflow;
    if (workflow.empty()) continue;
    if (auto graph = dialect::check_workflow(workflow); !graph) {
      return fail(Kind::config, cat("models.", entry.id, ".workflow: ", graph.error().message()));
    }
  }
  for (const catalog::Provider* provider : catalog.upstreams()) {
    const dialect::Dialect* spoken = dialect::find(provider->dialect);
    if (spoken == nullptr) {
      return fail(Kind::config,
                  cat("provider '", provider->name, "' speaks '", provider->dialect, "', which this build does not"));
    }
    if (auto tasks = check_tasks(provider->tasks, cat("providers.", provider->name)); !tasks) return fail_with(tasks);
    Upstream upstream{.provider = provider,
                      .dialect = spoken,
                      .origin = origin_of(provider->endpoint.origin),
                      .chat_line = {},
                      .lines = header_lines(*provider, *spoken),
                      .rules = rules_of(provider->quirks),
                      .reports_stream_usage = provider->quirks.stream_options == config::Switch::on};
    const bool fixed = !spoken->traits().model_in_path && provider->chat_template.empty();
    if (fixed) upstream.chat_line = upstream.line_to("POST", spoken->chat_target({}, dialect::Delivery::whole));
    out.table_.emplace(provider, std::move(upstream));
  }
  return out;
}

}  // namespace cardea::execute
