#include "twin/forms/tei.h"

#include <algorithm>

namespace cardea::twin {
namespace {

constexpr std::size_t batch_max = 32;
constexpr std::uint16_t unprocessable = 422;
constexpr std::string_view validation = "Validation";

Status refuse(std::string message, std::uint16_t status = unprocessable) {
  Error error{Kind::bad_request, std::move(message)};
  error.edit().code = validation;
  error.edit().status = status;
  return std::unexpected{std::move(error)};
}
/// As the framework says it that reads the JSON, before the server sees any of it.
Status refuse_json(std::string_view message) {
  return refuse(cat("Failed to deserialize the JSON body into the target type: ", message));
}

std::string name_member(std::string_view parent, std::string_view name) {
  return parent.empty() ? std::string{name} : cat(parent, ".", name);
}
std::string name_element(std::string_view parent, std::size_t index) { return cat(parent, "[", index, "]"); }

constexpr Words words{
    .member = name_member,
    .element = name_element,
    .refuse = [](std::string_view path, std::string_view message) { return refuse(cat("`", path, "` ", message)); },
    .missing = [](std::string_view path) { return refuse_json(cat("missing field `", path, "`")); },
    .wrong_type = [](std::string_view path, unsigned,
                     const json::Value& got) { return refuse_json(cat(path, ": invalid type: ", json::describe(got.type()))); },
    .wrong_value =
        [](std::string_view path, std::string_view got, std::string_view supported) {
          return refuse_json(cat(path, ": unknown variant `", got, "`, expected one of ", supported));
        },
    .out_of_range =
        [](std::string_view path, const OutOfRange& range) {
          return refuse(cat("`", path, "` must be ", range.below ? ">= " : "<= ", range.bound, ". Given: ", range.got));
        },
    .unknown = [](std::string_view, std::string_view name) { return refuse_json(cat("unknown field `", name, "`")); }};

std::string write_failure(const Failure& failure) {
  std::string out;
  json::Writer writer{out};
  writer.begin_object().key("error").string(failure.message).key("error_type");
  writer.string(failure.code == validation ? validation : failure.status == 429 ? "Overloaded" : "Backend").end_object();
  return out;
}

}  // namespace

const TaskReading tei_reading{words, false, refuse_json};

Status check_tei_batch(std::span<const std::string> texts, std::string_view name) {
  if (texts.empty()) return refuse(cat("`", name, "` cannot be empty"));
  if (texts.size() > batch_max) {
    return refuse(cat("batch size ", texts.size(), " > maximum allowed batch size ", batch_max), unprocessable);
  }
  if (std::ranges::any_of(texts, &std::string::empty)) return refuse("`inputs` cannot be empty");
  return {};
}

const Form tei_form{.name = "tei",
                    .ids = {"", ""},
                    .read = nullptr,
                    .document = nullptr,
                    .events = nullptr,
                    .count = nullptr,
                    .failure = write_failure,
                    .failure_event = [](const Failure& failure, std::uint64_t, Event& out) { out.data = write_failure(failure); },
                    .framing = Framing::sse,
                    .done = {},
                    .id_line = {}};

}  // namespace cardea::twin
