// The administration described, from the route table and the tables that read its bodies.

#include <algorithm>
#include <array>

#include "admin/actions.h"
#include "base/text.h"
#include "config/reference.h"
#include "json/writer.h"

namespace cardea::admin {
namespace {

using json::Value;
using pipeline::Route;

std::string_view method_word(wire::Method method) {
  switch (method) {
    case wire::Method::get: return "get";
    case wire::Method::post: return "post";
    case wire::Method::put: return "put";
    case wire::Method::patch: return "patch";
    case wire::Method::delete_: return "delete";
    default: return "head";
  }
}

std::string_view policy_word(pipeline::Policy policy) {
  switch (policy) {
    case pipeline::Policy::read: return "read";
    case pipeline::Policy::operate: return "operate";
    case pipeline::Policy::manage: return "manage";
    case pipeline::Policy::own: return "own";
    default: return "any";
  }
}

void replace_all(std::string& text, std::string_view what, std::string_view by) {
  for (auto at = text.find(what); at != std::string::npos; at = text.find(what, at + by.size()))
    text.replace(at, what.size(), by);
}

/// The forms of the things, as the configuration's schema has them.
std::string schemas() {
  const Result<Value> schema = json::parse(config::json_schema());
  const Value* defs = schema ? schema->find("$defs") : nullptr;
  std::string text = defs != nullptr ? defs->dump() : "{}";
  replace_all(text, "#/$defs/", "#/components/schemas/");
  return text;
}

/// The thing whose form a body has; empty: none.
std::string_view form_of(std::string_view form) {
  for (std::size_t i = 0; i < access::things; ++i) {
    const auto thing = static_cast<Thing>(i);
    for (const std::string_view verb : {".create", ".update"}) {
      if (form == cat(plural(thing), verb)) return access::to_text(thing);
    }
  }
  return {};
}

void write_parameter(json::Writer& out, std::string_view name, std::string_view in) {
  out.begin_object();
  out.key("name").string(name);
  out.key("in").string(in);
  out.key("required").boolean(in == "path");
  out.key("schema").begin_object().key("type").string("string").end_object();
  out.end_object();
}

void write_parameters(json::Writer& out, const Route& route) {
  out.key("parameters").begin_array();
  const auto begin = route.label.find('{');
  if (begin != std::string_view::npos) {
    write_parameter(out, route.label.substr(begin + 1, route.label.find('}') - begin - 1), "path");
  }
  const bool things = std::ranges::any_of(std::array{0, 1, 2, 3, 4, 5},
                                          [&](int i) { return route.form == cat(plural(static_cast<Thing>(i)), ".list"); });
  if (things) {
    for (const std::string_view name : {"limit", "after", "organization", "team", "project"}) write_parameter(out, name, "query");
  }
  if (route.form == "audit.list") {
    for (const std::string_view name : {"limit", "before"}) write_parameter(out, name, "query");
  }
  if (route.method == wire::Method::post) write_parameter(out, "Idempotency-Key", "header");
  if (route.method == wire::Method::patch || route.method == wire::Method::delete_) write_parameter(out, "If-Match", "header");
  out.end_array();
}

void write_operation(json::Writer& out, const Route& route) {
  out.key(method_word(route.method)).begin_object();
  out.key("summary").string(route.summary);
  out.key("operationId").string(route.form);
  out.key("x-cardea-permission").string(policy_word(route.policy));
  write_parameters(out, route);
  const std::string_view form = form_of(route.form);
  if (!form.empty()) {
    const bool patch = route.method == wire::Method::patch;
    out.key("requestBody").begin_object().key("content").begin_object();
    out.key(patch ? std::string_view{"application/merge-patch+json"} : std::string_view{"application/json"}).begin_object();
    out.key("schema").begin_object();
    // A patch may say null, which the form itself does not know.
    if (patch) {
      out.key("type").string("object");
    } else {
      out.key("$ref").string(cat("#/components/schemas/", form));
    }
    out.end_object().end_object().end_object().end_object();
  }
  out.key("responses").begin_object();
  out.key("default").begin_object().key("description").string("The answer, or problem details (RFC 9457)").end_object();
  out.end_object();
  out.end_object();
}

}  // namespace

std::string openapi_document() {
  std::string text;
  json::Writer out{text};
  out.begin_object();
  out.key("openapi").string("3.1.0");
  out.key("info").begin_object();
  out.key("title").string("Cardea's administration");
  out.key("version").string("1");
  out.end_object();
  out.key("paths").begin_object();
  const auto routes = pipeline::admin_routes();
  for (auto at = routes.begin(); at != routes.end(); ++at) {
    const auto same_path = [&](const Route& other) { return other.label == at->label; };
    if (std::any_of(routes.begin(), at, same_path)) continue;
    out.key(at->label).begin_object();
    for (const Route& route : routes) {
      if (same_path(route)) write_operation(out, route);
    }
    out.end_object();
  }
  out.end_object();
  out.key("components").begin_object();
  out.key("schemas").raw(schemas());
  out.key("securitySchemes").begin_object().key("key").begin_object();
  out.key("type").string("http");
  out.key("scheme").string("bearer");
  out.end_object().end_object();
  out.end_object();
  out.key("security").begin_array().begin_object().key("key").begin_array().end_array().end_object().end_array();
  out.end_object();
  return text;
}

}  // namespace cardea::admin
