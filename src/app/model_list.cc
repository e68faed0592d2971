#include "app/model_list.h"

#include <algorithm>
#include <charconv>

#include "app/output.h"
#include "base/text.h"
#include "json/value.h"
#include "pipeline/snapshot.h"

namespace cardea::app {
namespace {

constexpr std::string_view default_model = "twin/twin-1";

std::string text_of(const json::Value* value) {
  if (value == nullptr) return {};
  if (const auto* text = value->as_string()) return harmless(*text);
  const auto* number = value->as_number();
  return number != nullptr ? *number : std::string{};
}

bool answers_chats(const ListedModel& model) {
  constexpr std::string_view types[] = {"", "llm", "chat", "nlp"};
  return std::ranges::find(types, std::string_view{model.type}) != std::end(types);
}

/// As a number to compare by; nothing known is dearest.
double price_of(const ListedModel& model) {
  double price = 0;
  const auto& text = model.output_price;
  const auto parsed = std::from_chars(text.data(), text.data() + text.size(), price);
  return text.empty() || parsed.ec != std::errc{} ? 1e9 : price;
}

bool contains(std::string_view text, std::string_view part) { return to_lower(text).find(to_lower(part)) != std::string::npos; }

std::string short_price(std::string_view per_token) {
  const auto price = per_million(per_token);
  return price.empty() ? price : cat("$", price);
}

}  // namespace

Result<std::vector<ListedModel>> read_models(std::string_view json) {
  Result<json::Value> body = json::parse(json);
  const json::Value* data = body ? body->find("data") : nullptr;
  if (data == nullptr || !data->is(json::Type::array)) {
    return fail(Kind::upstream_protocol, "the answer is no list of models; is this the address of a gateway?");
  }
  std::vector<ListedModel> models;
  for (const auto& one : data->elements()) {
    ListedModel model{.id = text_of(one.find("id")), .owner = text_of(one.find("owned_by")), .type = text_of(one.find("type"))};
    if (const auto* context = one.find("context_length")) model.context_tokens = context->as_u64().value_or(0);
    if (const auto* most = one.find("max_output_tokens")) model.output_tokens = most->as_u64().value_or(0);
    if (const auto* pricing = one.find("pricing")) {
      model.input_price = text_of(pricing->find("prompt"));
      model.output_price = text_of(pricing->find("completion"));
    }
    models.push_back(std::move(model));
  }
  return models;
}

std::vector<ListedModel> list_models(const catalog::Catalog& catalog) {
  // The same view that a gateway gives of it.
  auto models = read_models(pipeline::render_models(catalog.list()));
  return models ? std::move(*models) : std::vector<ListedModel>{};
}

std::string model_table(const std::vector<ListedModel>& models, std::string_view filter) {
  std::vector<std::vector<std::string>> rows{{"MODEL", "OWNER", "TYPE", "CONTEXT", "IN $/M", "OUT $/M"}};
  for (const auto& model : models) {
    if (!filter.empty() && !contains(model.id, filter)) continue;
    rows.push_back({model.id, model.owner, model.type, short_count(model.context_tokens), short_price(model.input_price),
                    short_price(model.output_price)});
  }
  if (rows.size() == 1) return {};
  return table(rows, {3, 4, 5});
}

std::string choose_model(const std::vector<ListedModel>& models) {
  const ListedModel* best = nullptr;
  const auto rank = [](const ListedModel& model) { return model.id.find('/') == std::string::npos ? -1.0 : price_of(model); };
  for (const auto& model : models) {
    if (model.id.starts_with("twin/") || !answers_chats(model)) continue;
    if (best == nullptr || rank(model) < rank(*best)) best = &model;
  }
  return best != nullptr ? best->id : std::string{default_model};
}

std::string per_million(std::string_view per_token) {
  double price = 0;
  const auto parsed = std::from_chars(per_token.data(), per_token.data() + per_token.size(), price);
  if (per_token.empty() || parsed.ec != std::errc{}) return {};
  // Two digits behind the point, more only where the price has them: $0.15, $2.50, $0.075.
  char digits[64];
  const char* end = std::to_chars(digits, digits + sizeof digits, price * 1e6, std::chars_format::fixed, 4).ptr;
  std::string text{digits, static_cast<std::size_t>(end - digits)};
  while (text.ends_with('0') && text.size() - text.find('.') > 3) text.pop_back();
  return text;
}

}  // namespace cardea::app
