#include "twin/forms/reading.h"

#include "json/writer.h"

namespace cardea::twin {

Failure failure_of(const Error& error) {
  const auto& kind = info(error.kind());
  const auto& detail = error.detail();
  return {.status = error.http_status(),
          .message = std::string{error.message()},
          .type = std::string{kind.openai_type},
          .param = detail.param,
          .code = detail.code.empty() ? std::string{kind.openai_code} : detail.code};
}

Status At::wrong_value(std::string_view supported) const {
  return words().wrong_value(path_, value_->as_string() != nullptr ? *value_->as_string() : value_->dump(), supported);
}

Status check_whole(const At& at, std::uint64_t min, std::uint64_t max, std::uint64_t& out) {
  const auto& text = *at.value().as_number();
  const auto value = at.value().as_u64();
  if (!value && text.find_first_of(".eE") != std::string::npos) return at.wrong_type(is_whole);
  const bool negative = text.starts_with('-');
  if (negative || (value && *value < min)) return at.words().out_of_range(at.path(), {true, cat(min), text, true});
  if (!value || *value > max) return at.words().out_of_range(at.path(), {false, cat(max), text, true});
  out = *value;
  return {};
}

namespace {

std::string spell(double bound) {
  std::string text;
  json::Writer{text}.number(bound);
  return text;
}

}  // namespace

Status take_sampling(const At& at, std::string_view name, double min, double max) {
  const auto& text = *at.value().as_number();
  const auto value = at.value().as_double();
  if (!value || *value < min) return at.words().out_of_range(at.path(), {true, spell(min), text, false});
  if (*value > max) return at.words().out_of_range(at.path(), {false, spell(max), text, false});
  at.request().sampling.emplace_back(name, text);
  return {};
}

Status take_seed(const At& at, std::string_view name) {
  const auto& text = *at.value().as_number();
  if (text.find_first_of(".eE") != std::string::npos) return at.wrong_type(is_whole);
  at.request().sampling.emplace_back(name, text);
  return {};
}

Status take_note(const At& at, std::string_view name) {
  at.request().notes.emplace_back(name, at.value().dump());
  return {};
}

Status one_of(const At& at, std::span<const std::string_view> words) {
  if (std::ranges::find(words, at.text()) != words.end()) return {};
  std::string list;
  for (std::size_t i = 0; i < words.size(); ++i) {
    append(list, cat(i == 0 ? "" : i + 1 == words.size() ? ", and " : ", ", "'", words[i], "'"));
  }
  return at.wrong_value(list);
}

Status take_stops(const At& at, std::size_t most) {
  if (at.value().elements().size() > most) {
    return at.refuse(cat("at most ", most, " stop sequences are allowed, got ", at.value().elements().size()));
  }
  return at.each(is_text, [](const At& one) -> Status {
    one.request().stop.push_back(one.text());
    return {};
  });
}

std::string_view text_member(const json::Value& object, std::string_view key) noexcept {
  const auto* value = object.find(key);
  return value != nullptr && value->as_string() != nullptr ? std::string_view{*value->as_string()} : std::string_view{};
}

bool is_plain_name(std::string_view text, std::size_t most) noexcept {
  const auto plain = [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' || c == '-';
  };
  return !text.empty() && text.size() <= most && std::ranges::all_of(text, plain);
}

Status parse_document(const Ask& ask, ChatRequest& out) {
  auto parsed = json::parse(ask.body);
  if (!parsed) return fail(Kind::bad_request, std::string{parsed.error().message()});
  if (!parsed->is(json::Type::object))
    return fail(Kind::bad_request, cat("expected an object, got ", json::describe(parsed->type())));
  out.document = std::move(*parsed);
  return {};
}

}  // namespace cardea::twin
