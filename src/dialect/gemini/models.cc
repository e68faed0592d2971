#include "dialect/gemini/models.h"

#include <algorithm>

#include "dialect/gemini/gemini.h"

namespace cardea::dialect::google {

using json::Type;
using json::Writer;

namespace {

void write_model(Writer& w, const ListedModel& model) {
  const auto name = cat("models/", model.id);
  w.begin_object().key("name").string(name).key("baseModelId").string(model.id);
  w.key("version").string(model.version.empty() ? "001" : model.version);
  w.key("displayName").string(model.display_name.empty() ? model.id : model.display_name);
  if (!model.description.empty()) w.key("description").string(model.description);
  write(w, "inputTokenLimit", model.input_token_limit);
  write(w, "outputTokenLimit", model.output_token_limit);
  w.key("supportedGenerationMethods").begin_array();
  if (model.chat) w.string("generateContent").string("streamGenerateContent").string("countTokens");
  if (model.embeddings) w.string("embedContent").string("batchEmbedContents");
  w.end_array();
  if (model.thinking) w.key("thinking").boolean(true);
  w.end_object();
}

}  // namespace

std::string_view model_id(std::string_view name) noexcept {
  constexpr std::string_view prefix = "models/";
  return name.starts_with(prefix) ? name.substr(prefix.size()) : name;
}

std::string model_body(const ListedModel& model) {
  std::string out;
  Writer w{out};
  write_model(w, model);
  return out;
}

/// A token is the name of the page's first model, so that it stays good when models come and go.
Result<std::string> models_body(std::span<const ListedModel> models, std::string_view page_size, std::string_view page_token) {
  constexpr std::size_t page_default = 50;
  constexpr std::size_t page_max = 1000;
  auto size = page_size.empty() ? std::optional{page_default} : parse_number<std::size_t>(page_size);
  if (!size) return bad_field("pageSize", "must be an integer of 0 or more");
  const std::size_t page = *size == 0 ? page_default : std::min(*size, page_max);
  auto first = models.begin();
  if (!page_token.empty()) {
    first = std::ranges::find(models, model_id(page_token), &ListedModel::id);
    if (first == models.end()) return bad_field("pageToken", "is none that was given; begin again without it");
  }
  const auto left = static_cast<std::size_t>(models.end() - first);
  const auto last = first + static_cast<std::ptrdiff_t>(std::min(page, left));
  std::string out;
  Writer w{out};
  w.begin_object().key("models").begin_array();
  for (auto model = first; model != last; ++model) write_model(w, *model);
  w.end_array();
  if (last != models.end()) w.key("nextPageToken").string(cat("models/", last->id));
  w.end_object();
  return out;
}

std::string Gemini::count_body(std::uint64_t tokens) const { return count_tokens_body(tokens); }

std::string count_tokens_body(std::uint64_t total, std::optional<std::uint64_t> cached) {
  std::string out;
  Writer w{out};
  w.begin_object().key("totalTokens").number(total);
  write(w, "cachedContentTokenCount", cached);
  w.end_object();
  return out;
}

Result<std::uint64_t> read_count_tokens(std::string_view body) {
  auto value = json::parse(body, upstream_scan());
  if (!value) return fail_with(value);
  const auto total = field(*value, "totalTokens");
  const auto count = total ? count_of(*total.value) : std::optional<std::uint64_t>{0};  // protobuf leaves out a zero
  const bool readable = value->is(Type::object) && count && !value->members().empty();
  if (!readable) return fail(Kind::upstream_protocol, "the upstream's answer to countTokens has no totalTokens");
  return *count;
}

}  // namespace cardea::dialect::google
