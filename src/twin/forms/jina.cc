#include "twin/forms/jina.h"

namespace cardea::twin {
namespace {

/// FastAPI's word for a body that does not fit.
constexpr std::uint16_t unprocessable = 422;

Status refuse_jina(std::string message) {
  Error error{Kind::bad_request, std::move(message)};
  error.edit().status = unprocessable;
  return std::unexpected{std::move(error)};
}
Status refuse_jina_body(std::string_view why) { return refuse_jina(cat("JSON decode error: ", why)); }

std::string name_member(std::string_view parent, std::string_view name) {
  return parent.empty() ? std::string{name} : cat(parent, ".", name);
}
std::string name_element(std::string_view parent, std::size_t index) { return cat(parent, "[", index, "]"); }
Status refuse_jina_at(std::string_view path, std::string_view message) { return refuse_jina(cat("[", path, "] ", message)); }

constexpr Words jina_words{
    .member = name_member,
    .element = name_element,
    .refuse = refuse_jina_at,
    .missing = [](std::string_view path) { return refuse_jina_at(path, "Field required"); },
    .wrong_type =
        [](std::string_view path, unsigned, const json::Value& got) {
          return refuse_jina_at(path, cat("Input has a wrong type: ", json::describe(got.type())));
        },
    .wrong_value =
        [](std::string_view path, std::string_view got, std::string_view supported) {
          return refuse_jina_at(path, cat("Input should be ", supported, ", not '", got, "'"));
        },
    .out_of_range =
        [](std::string_view path, const OutOfRange& range) {
          return refuse_jina_at(
              path, cat("Input should be ", range.below ? "greater than or equal to " : "less than or equal to ", range.bound));
        },
    .unknown = [](std::string_view parent,
                  std::string_view name) { return refuse_jina_at(name_member(parent, name), "Extra inputs are not permitted"); }};

std::string jina_failure(const Failure& failure) {
  std::string out;
  json::Writer{out}.begin_object().key("detail").string(failure.message).end_object();
  return out;
}

}  // namespace

const TaskReading jina_reading{jina_words, false, refuse_jina_body};
Status refuse_jina(std::string_view path, std::string_view message) { return refuse_jina_at(path, message); }

const Form jina_form{.name = "jina",
                     .ids = {"", ""},
                     .read = nullptr,
                     .document = nullptr,
                     .events = nullptr,
                     .count = nullptr,
                     .failure = jina_failure,
                     .failure_event = [](const Failure& failure, std::uint64_t, Event& out) { out.data = jina_failure(failure); },
                     .framing = Framing::sse,
                     .done = {},
                     .id_line = {}};

}  // namespace cardea::twin
