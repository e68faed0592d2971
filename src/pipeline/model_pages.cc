#include "pipeline/model_pages.h"

#include <algorithm>
#include <iterator>
#include <vector>

#include "base/text.h"
#include "dialect/anthropic/models.h"
#include "dialect/gemini/models.h"
#include "dialect/native/forms.h"
#include "dialect/ollama/models.h"
#include "pipeline/pages.h"

namespace cardea::pipeline {
namespace {

using catalog::Capability;
using catalog::Entry;

std::uint64_t created(const Entry& entry) { return entry.created > 0 ? static_cast<std::uint64_t>(entry.created) : 0; }

bool can(const Entry& entry, Capability what) { return entry.target.info != nullptr && entry.target.info->can(what); }

std::optional<std::uint64_t> known(std::uint32_t tokens) {
  return tokens != 0 ? std::optional<std::uint64_t>{tokens} : std::nullopt;
}

// --- OpenAI's form is made once for each configuration (snapshot.h) -----------------------------------------------------------

Result<std::string> openai_list(const Listing& listing, std::string_view /*query*/) {
  return listing.whole() ? listing.snapshot.models_json : render_models(listing.entries);
}
std::string openai_one(const Entry& entry) { return render_model(entry); }

// --- Anthropic ----------------------------------------------------------------------------------------------------------------

dialect::claude::ModelEntry anthropic_entry(const Entry& entry) {
  return {.id = entry.id, .display_name = {}, .created_at = created(entry)};
}
Result<std::string> anthropic_list(const Listing& listing, std::string_view query) {
  auto page = dialect::claude::parse_models_query(query);
  if (!page) return fail_with(page);
  std::vector<dialect::claude::ModelEntry> models;
  for (const Entry& entry : listing.entries) models.push_back(anthropic_entry(entry));
  return dialect::claude::models_body(models, *page);
}
std::string anthropic_one(const Entry& entry) { return dialect::claude::model_body(anthropic_entry(entry)); }

// --- Gemini -------------------------------------------------------------------------------------------------------------------

dialect::google::ListedModel gemini_entry(const Entry& entry) {
  dialect::google::ListedModel out{.id = entry.id};
  if (const auto* info = entry.target.info) {
    out.input_token_limit = known(info->context_tokens);
    out.output_token_limit = known(info->max_output_tokens);
    out.chat = info->type == catalog::ModelType::llm || info->type == catalog::ModelType::nlp;
    out.embeddings = info->type == catalog::ModelType::embedding;
  }
  out.thinking = can(entry, Capability::reasoning);
  return out;
}
Result<std::string> gemini_list(const Listing& listing, std::string_view query) {
  std::vector<dialect::google::ListedModel> models;
  for (const Entry& entry : listing.entries) models.push_back(gemini_entry(entry));
  return dialect::google::models_body(models, query_parameter(query, "pageSize"), query_parameter(query, "pageToken"));
}
std::string gemini_one(const Entry& entry) { return dialect::google::model_body(gemini_entry(entry)); }

// --- Ollama -------------------------------------------------------------------------------------------------------------------

dialect::ollama_native::ListedModel ollama_entry(const Entry& entry) {
  dialect::ollama_native::ListedModel out{.name = entry.id,
                                          .family = entry.owned_by,
                                          .modified = created(entry) != 0 ? std::optional{created(entry)} : std::nullopt,
                                          .context_tokens = {},
                                          .capabilities = {"completion"}};
  if (const auto* info = entry.target.info) out.context_tokens = known(info->context_tokens);
  if (can(entry, Capability::tools)) out.capabilities.emplace_back("tools");
  if (can(entry, Capability::vision)) out.capabilities.emplace_back("vision");
  if (can(entry, Capability::reasoning)) out.capabilities.emplace_back("thinking");
  return out;
}
std::vector<dialect::ollama_native::ListedModel> ollama_entries(const Listing& listing) {
  std::vector<dialect::ollama_native::ListedModel> models;
  for (const Entry& entry : listing.entries) models.push_back(ollama_entry(entry));
  return models;
}
Result<std::string> ollama_list(const Listing& listing, std::string_view /*query*/) {
  return dialect::ollama_native::tags_body(ollama_entries(listing));
}
std::string ollama_one(const Entry& entry) { return dialect::ollama_native::show_body(ollama_entry(entry)); }

// --- Cardea's own, JSON or XML ------------------------------------------------------------------------------------------------

dialect::NativeModel native_entry(const Entry& entry) {
  dialect::NativeModel out{
      .id = entry.id, .owned_by = entry.owned_by, .created = {}, .context_tokens = {}, .max_output_tokens = {}};
  if (created(entry) != 0) out.created = created(entry);
  if (const auto* info = entry.target.info) {
    out.context_tokens = known(info->context_tokens);
    out.max_output_tokens = known(info->max_output_tokens);
  }
  return out;
}
template <const dialect::Dialect& (*spoken)()>
Result<std::string> native_list(const Listing& listing, std::string_view /*query*/) {
  std::vector<dialect::NativeModel> models;
  for (const Entry& entry : listing.entries) models.push_back(native_entry(entry));
  return dialect::native_models_body(spoken(), models);
}
template <const dialect::Dialect& (*spoken)()>
std::string native_one(const Entry& entry) {
  return dialect::native_model_body(spoken(), native_entry(entry));
}

struct Form {
  std::string_view dialect;
  Result<std::string> (*list)(const Listing& listing, std::string_view query);
  std::string (*one)(const Entry& entry);
};
constexpr Form forms[] = {{"openai_chat", openai_list, openai_one},
                          {"anthropic", anthropic_list, anthropic_one},
                          {"gemini", gemini_list, gemini_one},
                          {"ollama", ollama_list, ollama_one},
                          {"native", native_list<dialect::native>, native_one<dialect::native>}};
constexpr Form native_xml_form{"native", native_list<dialect::native_xml>, native_one<dialect::native_xml>};

const Form& form_of(const dialect::Dialect& dialect) {
  if (&dialect == &dialect::native_xml()) return native_xml_form;
  for (const Form& form : forms) {
    if (form.dialect == dialect.name()) return form;
  }
  return forms[0];
}

}  // namespace

Listing::Listing(const Visit& visit) : snapshot{visit.snapshot()}, entries{snapshot.catalog->list()} {
  const access::Principal& caller = visit.principal();
  if (!caller.restricted(&config::Grant::models) && !caller.restricted(&config::Grant::providers)) return;
  std::ranges::copy_if(entries, std::back_inserter(seen), [&](const Entry& entry) { return visit.may_see(entry); });
  entries = seen;
}

Result<std::string> models_page(const dialect::Dialect& dialect, const Listing& listing, std::string_view query) {
  return form_of(dialect).list(listing, query);
}

Result<std::string> model_page(const dialect::Dialect& dialect, const Visit& visit, std::string_view name) {
  const Entry* entry = visit.snapshot().catalog->find(name);
  if (entry != nullptr && visit.may_see(*entry)) return form_of(dialect).one(*entry);
  return fail(Kind::model_not_found, cat("the model '", name.substr(0, 128), "' is not known here; GET /v1/models lists all"),
              "model");
}

Result<std::string> loaded_page(const Listing& listing, std::uint64_t now) {
  return dialect::ollama_native::ps_body(ollama_entries(listing), now);
}

std::string version_page() { return dialect::ollama_native::version_body(); }

Result<std::string> named_model_page(const Visit& visit, std::string_view body) {
  auto name = dialect::ollama_native::shown_model(body);
  if (!name) return fail_with(name);
  return model_page(dialect::ollama(), visit, *name);
}

}  // namespace cardea::pipeline
