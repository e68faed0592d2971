#include "twin/forms/openai.h"

#include <algorithm>

#include "json/writer.h"
#include "twin/media.h"
#include "twin/task.h"
#include "twin/tokens.h"

namespace cardea::twin {
namespace {

std::string name_member(std::string_view parent, std::string_view name) {
  return parent.empty() ? std::string{name} : cat(parent, ".", name);
}
std::string name_element(std::string_view parent, std::size_t index) { return cat(parent, "[", index, "]"); }

Status refuse_at(std::string_view path, std::string_view message) {
  return refuse_request(cat("Invalid '", path, "': ", message), path, "invalid_value");
}

std::string_view expected_type(unsigned types) {
  struct Known {
    unsigned types;
    std::string_view text;
  };
  constexpr Known known[] = {{is_text, "a string"},
                             {is_whole, "an integer"},
                             {is_number, "a decimal"},
                             {is_bool, "a boolean"},
                             {is_list, "an array"},
                             {is_object, "an object"},
                             {is_text | is_list, "one of a string or array"},
                             {is_text | is_object, "one of an object or a string"}};
  const auto* found = std::ranges::find(known, types, &Known::types);
  return found != std::end(known) ? found->text : "another type";
}

Status wrong_type_at(std::string_view path, unsigned expected, const json::Value& got) {
  const bool decimal = got.is(json::Type::number) && (expected & is_number) != 0;
  return wrong_type(path, expected_type(expected), decimal ? "a decimal number" : json::describe(got.type()));
}

Status out_of_range(std::string_view path, const OutOfRange& range) {
  const std::string_view kind = range.whole ? "integer" : "decimal";
  const std::string_view side = range.below ? "below minimum" : "above maximum";
  return refuse_request(cat("Invalid '", path, "': ", kind, " ", side, " value. Expected a value ",
                            range.below ? ">= " : "<= ", range.bound, ", but got ", range.got, " instead."),
                        path, cat(kind, range.below ? "_below_min_value" : "_above_max_value"));
}

Status unknown_at(std::string_view parent, std::string_view name) { return unknown_parameter(name_member(parent, name)); }

void append_nullable(std::string& out, std::string_view text) {
  if (text.empty()) {
    out += "null";
  } else {
    json::append_string(out, text);
  }
}

// ---- Log-probabilities -----------------------------------------------------------------------------------------------------

/// -0.000 … -0.999: how sure a model that knows its answer pretends to be.
void append_probability(std::string& out, std::uint64_t thousandths) {
  out += "-0.";
  const auto digits = cat(1000 + thousandths % 1000);
  out.append(digits, 1);
}

void append_one_logprob(std::string& out, std::string_view token, std::uint64_t thousandths) {
  out += R"({"token":)";
  json::append_string(out, token);
  out += R"(,"logprob":)";
  append_probability(out, thousandths);
  out += R"(,"bytes":[)";
  for (std::size_t i = 0; i < token.size(); ++i) {
    if (i != 0) out += ',';
    append(out, static_cast<unsigned>(static_cast<unsigned char>(token[i])));
  }
  out += ']';
}

void append_logprob(std::string& out, std::string_view token, std::uint64_t top) {
  const auto chance = fingerprint(token) % 500;
  append_one_logprob(out, token, chance);
  out += R"(,"top_logprobs":[)";
  for (std::uint64_t i = 0; i < top; ++i) {
    if (i != 0) out += ',';
    append_one_logprob(out, i == 0 ? std::string{token} : cat(token, i), chance + i * 25);
    out += '}';
  }
  out += "]}";
}

// ---- Strict schemas --------------------------------------------------------------------------------------------------------

constexpr int schema_depth_max = 32;

std::string against_strict(const json::Value& schema, const std::string& context, int depth) {
  if (!schema.is(json::Type::object) || depth > schema_depth_max) return {};
  if (const auto* properties = schema.find("properties"); properties != nullptr && properties->is(json::Type::object)) {
    const auto* additional = schema.find("additionalProperties");
    if (additional == nullptr || additional->as_bool() != false) {
      return cat("In context=(", context, "), 'additionalProperties' is required to be supplied and to be false.");
    }
    const auto* required = schema.find("required");
    for (const auto& [name, inner] : properties->members()) {
      const auto same = [&wanted = name](const json::Value& one) {
        return one.as_string() != nullptr && *one.as_string() == wanted;
      };
      if (required == nullptr || !std::ranges::any_of(required->elements(), same)) {
        return cat("In context=(", context,
                   "), 'required' is required to be supplied and to be an array including every key in "
                   "properties. Missing '",
                   name, "'.");
      }
      auto wrong = against_strict(inner, cat(context, context.empty() ? "" : ", ", "'properties', '", name, "'"), depth + 1);
      if (!wrong.empty()) return wrong;
    }
  }
  const auto below = [&](std::string_view key) { return cat(context, context.empty() ? "" : ", ", "'", key, "'"); };
  if (const auto* items = schema.find("items")) return against_strict(*items, below("items"), depth + 1);
  if (const auto* any = schema.find("anyOf")) {
    for (const auto& one : any->elements()) {
      auto wrong = against_strict(one, below("anyOf"), depth + 1);
      if (!wrong.empty()) return wrong;
    }
  }
  return {};
}

}  // namespace

const Words openai_words{.member = name_member,
                         .element = name_element,
                         .refuse = refuse_at,
                         .missing = missing,
                         .wrong_type = wrong_type_at,
                         .wrong_value = [](std::string_view path, std::string_view got,
                                           std::string_view supported) { return wrong_value(path, got, supported); },
                         .out_of_range = out_of_range,
                         .unknown = unknown_at};

Status refuse_request(std::string message, std::string_view param, std::string_view code) {
  return fail(Kind::bad_request,
              Error::Detail{.message = std::move(message), .param = std::string{param}, .code = std::string{code}});
}

Status missing(std::string_view param) {
  return refuse_request(cat("Missing required parameter: '", param, "'."), param, "missing_required_parameter");
}

Status wrong_type(std::string_view param, std::string_view expected, std::string_view got) {
  return refuse_request(cat("Invalid type for '", param, "': expected ", expected, ", but got ", got, " instead."), param,
                        "invalid_type");
}

Status wrong_value(std::string_view param, std::string_view value, std::string_view supported) {
  return refuse_request(cat("Invalid value: '", value, "'. Supported values are: ", supported, "."), param, "invalid_value");
}

Status unknown_parameter(std::string_view param) {
  return refuse_request(cat("Unknown parameter: '", param, "'."), param, "unknown_parameter");
}

std::string error_object(std::string_view message, std::string_view type, std::string_view param, std::string_view code) {
  std::string out = R"({"error":{"message":)";
  json::append_string(out, message);
  out += R"(,"type":)";
  json::append_string(out, type);
  out += R"(,"param":)";
  append_nullable(out, param);
  out += R"(,"code":)";
  append_nullable(out, code);
  out += "}}";
  return out;
}

std::string openai_failure(const Failure& failure) {
  return error_object(failure.message, failure.type, failure.param, failure.code);
}

void openai_failure_event(const Failure& failure, std::uint64_t, Event& out) { out.data = openai_failure(failure); }

std::optional<std::uint64_t> tokens_of_effort(std::string_view effort) noexcept {
  struct Effort {
    std::string_view name;
    std::uint64_t tokens;
  };
  constexpr Effort efforts[] = {{"none", 0},   {"minimal", 8}, {"low", 16},  {"medium", 64},
                                {"high", 256}, {"xhigh", 512}, {"max", 1024}};
  const auto* found = std::ranges::find(efforts, effort, &Effort::name);
  return found != std::end(efforts) ? std::optional{found->tokens} : std::nullopt;
}

std::string against_strict_schema(const json::Value& schema) {
  const auto* type = schema.find("type");
  if (type == nullptr || type->as_string() == nullptr || *type->as_string() != "object") {
    return cat("schema must be a JSON Schema of 'type: \"object\"', got 'type: ", type != nullptr ? type->dump() : "\"None\"",
               "'.");
  }
  return against_strict(schema, "", 0);
}

void append_openai_usage(std::string& out, const Answer& answer) {
  out += R"({"prompt_tokens":)";
  append(out, answer.prompt_tokens);
  out += R"(,"completion_tokens":)";
  append(out, answer.completion_tokens);
  out += R"(,"total_tokens":)";
  append(out, answer.prompt_tokens + answer.completion_tokens);
  out += R"(,"prompt_tokens_details":{"cached_tokens":)";
  append(out, answer.cached_tokens);
  if (answer.cache_write_tokens != 0) {
    out += R"(,"cache_write_tokens":)";
    append(out, answer.cache_write_tokens);
  }
  out += R"(,"audio_tokens":0},"completion_tokens_details":{"reasoning_tokens":)";
  append(out, answer.reasoning_tokens);
  out += R"(,"audio_tokens":0,"accepted_prediction_tokens":0,"rejected_prediction_tokens":0}})";
}

void append_openai_logprobs(std::string& out, std::string_view text, std::uint64_t top) {
  for (std::size_t at = 0; at < text.size();) {
    if (at != 0) out += ',';
    const auto end = token_end(text, at);
    append_logprob(out, text.substr(at, end - at), top);
    at = end;
  }
}

const Form openai_task_form{.name = "openai",
                            .ids = {"", ""},
                            .read = nullptr,
                            .document = nullptr,
                            .events = nullptr,
                            .count = nullptr,
                            .failure = openai_failure,
                            .failure_event = openai_failure_event,
                            .framing = Framing::sse,
                            .done = {},
                            .id_line = "openai-version: 2020-10-01\r\nx-request-id: req_"};

Status take_openai_url(const At& at, Medium& medium) {
  if (!take_url(at.text(), medium)) {
    return refuse_request(cat("Invalid base64 image_url."), at.path(), "invalid_base64");
  }
  const bool address = medium.url.starts_with("https://") || medium.url.starts_with("http://");
  if (medium.url.empty() || address) return {};
  return refuse_request(cat("Invalid '", at.path(), "'. Expected a valid URL, but got a value with an invalid format."),
                        at.path(), "invalid_value");
}

Status take_openai_image(const At& at, Part& part) {
  part.kind = Part::Kind::medium;
  constexpr Row<Part> rows[] = {
      {"url", is_text, [](const At& url, Part& into) { return take_openai_url(url, into.medium); }, true},
      {"detail", is_text,
       [](const At& detail, Part& into) {
         into.medium.detail = detail.text();
         constexpr std::string_view details[] = {"auto", "low", "high", "original"};
         return one_of(detail, details);
       }},
  };
  return read_members(at, rows, part);
}

Status take_openai_file_data(const At& at, Medium& medium) {
  if (at.text().starts_with("data:")) return take_openai_url(at, medium);
  if (take_base64(at.text(), medium)) return {};
  return refuse_request(cat("Invalid '", at.path(), "'. Expected a base64-encoded data URL with an application/pdf MIME type."),
                        at.path(), "invalid_value");
}

}  // namespace cardea::twin
