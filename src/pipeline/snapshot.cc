#include "pipeline/snapshot.h"

#include "json/writer.h"

namespace cardea::pipeline {
namespace {

// OpenAI's four fields, and what clients of other gateways look for beside them.
void write_model(json::Writer& out, const catalog::Entry& entry) {
  out.begin_object();
  out.key("id").string(entry.id);
  out.key("object").string("model");
  out.key("created").number(entry.created);
  out.key("owned_by").string(entry.owned_by);
  const catalog::ModelInfo* info = entry.target.info;
  if (info != nullptr && info->context_tokens != 0) out.key("context_length").number(info->context_tokens);
  if (info != nullptr && info->max_output_tokens != 0) out.key("max_output_tokens").number(info->max_output_tokens);
  out.end_object();
}

}  // namespace

std::string render_model(const catalog::Entry& entry) {
  std::string text;
  json::Writer out{text};
  write_model(out, entry);
  return text;
}

std::string render_models(const catalog::Catalog& catalog) {
  std::string text;
  json::Writer out{text};
  out.begin_object();
  out.key("object").string("list");
  out.key("data").begin_array();
  for (const catalog::Entry& entry : catalog.list()) write_model(out, entry);
  out.end_array().end_object();
  return text;
}

}  // namespace cardea::pipeline
