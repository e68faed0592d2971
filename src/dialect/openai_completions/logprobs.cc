// Probabilities: four lists side by side here, one list of tokens in Chat Completions, whose form the model holds.

#include <algorithm>

#include "dialect/openai_completions/openai_completions.h"

namespace cardea::dialect::completions {

using json::Type;
using json::Value;

namespace {

Value bytes_of(std::string_view token) {
  auto out = Value::array();
  for (const char c : token) out.edit_elements().push_back(Value::integer(static_cast<unsigned char>(c)));
  return out;
}

Value token_of(const std::string& token, Value logprob) {
  // The first token of an echoed prompt has none; Chat's form demands a number.
  if (!logprob.is(Type::number)) logprob = Value::integer(0);
  return Value::object({{"token", Value::string(token)}, {"logprob", std::move(logprob)}, {"bytes", bytes_of(token)}});
}

const Value* element(const Value* list, std::size_t index) {
  return list != nullptr && index < list->elements().size() ? &list->elements()[index] : nullptr;
}

}  // namespace

std::optional<model::Json> decode_logprobs(const Value& logprobs) {
  const auto* tokens = given(logprobs, "tokens");
  if (tokens == nullptr || !tokens->is(Type::array)) return std::nullopt;
  auto content = Value::array();
  for (std::size_t i = 0; i < tokens->elements().size(); ++i) {
    const auto* token = tokens->elements()[i].as_string();
    if (token == nullptr) return std::nullopt;
    const auto* logprob = element(given(logprobs, "token_logprobs"), i);
    auto& out = content.edit_elements().emplace_back(token_of(*token, logprob != nullptr ? *logprob : Value{}));
    auto others = Value::array();
    if (const auto* top = element(given(logprobs, "top_logprobs"), i)) {
      for (const auto& [other, value] : top->members()) others.edit_elements().push_back(token_of(other, value));
    }
    out.set("top_logprobs", std::move(others));
  }
  return model::Json{Value::object({{"content", std::move(content)}, {"refusal", {}}}).dump()};
}

std::optional<std::string> encode_logprobs(const model::Json& logprobs, std::uint64_t& offset) {
  const auto value = json::parse(logprobs.text);
  const auto* content = value ? given(*value, "content") : nullptr;
  if (content == nullptr || !content->is(Type::array)) return std::nullopt;
  auto tokens = Value::array();
  auto probabilities = Value::array();
  auto tops = Value::array();
  auto offsets = Value::array();
  for (const auto& said : content->elements()) {
    const auto* token = text_at(said, "token");
    const auto* logprob = said.find("logprob");
    if (token == nullptr || logprob == nullptr) return std::nullopt;
    tokens.edit_elements().push_back(Value::string(*token));
    probabilities.edit_elements().push_back(*logprob);
    auto top = Value::object();
    if (const auto* others = given(said, "top_logprobs")) {
      for (const auto& other : others->elements()) {
        const auto* name = text_at(other, "token");
        const auto* its = other.find("logprob");
        if (name != nullptr && its != nullptr) top.set(*name, *its);
      }
    }
    tops.edit_elements().push_back(std::move(top));
    offsets.edit_elements().push_back(Value::integer(static_cast<std::int64_t>(offset)));
    offset += openai::characters(*token);
  }
  return Value::object({{"tokens", std::move(tokens)},
                        {"token_logprobs", std::move(probabilities)},
                        {"top_logprobs", std::move(tops)},
                        {"text_offset", std::move(offsets)}})
      .dump();
}

}  // namespace cardea::dialect::completions
