// Work that is no chat in the native format: every kind by its table, so nothing is lost in either direction.

#include "dialect/tasks.h"
#include "dialect/native/codec.h"
#include "dialect/native/task_shape.h"

namespace cardea::dialect::tasks {
namespace {

namespace native = native_format;

constexpr std::string_view native_like[] = {"native"};

template <class T>
Result<T> read_as(const Raw& root) {
  const auto value = json::parse(root.text());
  if (!value) return fail(value.error().clone());
  T out{};
  out.dialect = native::dialect_name;
  Status status = native::read_value(*value, {}, out);
  if (status && out.dialect.empty()) status = bad_field("dialect", "is empty");
  if (!status) return fail_with(status);
  return out;
}

template <class Asked>
Result<TaskRequest> read_request(const Raw& root) {
  auto read = read_as<Asked>(root);
  if (!read) return fail_with(read);
  return TaskRequest{std::move(*read)};
}

template <class Asked>
Result<TaskMessage> encode_request(const TaskRequest& request, Losses& /*losses: there are none*/) {
  return TaskMessage{native::json_of(std::get<Asked>(request))};
}

template <class Said>
Result<TaskAnswer> read_answer(const Raw& root) {
  auto read = read_as<Said>(root);
  if (!read) return fail_with(read);
  return TaskAnswer{std::move(*read)};
}

template <class Said>
std::string encode_answer(const TaskAnswer& answer, const TaskContext& context, Losses& /*losses: there are none*/) {
  const auto& said = std::get<Said>(answer);
  if constexpr (requires { said.model; }) {
    if (!said.model && !context.model.empty()) {
      Said named = said;
      named.model = context.model;
      return native::json_of(named);
    }
  }
  return native::json_of(said);
}

/// `subject` and `answers`: see TaskFormat.
template <class Asked, class Said>
constexpr TaskFormat made_of(Task task, std::string_view target, std::string_view subject, std::string_view answers) {
  return {.task = task,
          .name = native::dialect_name,
          .dialects = native_like,
          .target = target,
          .subject = subject,
          .answers = answers,
          .read_request = read_request<Asked>,
          .encode_request = encode_request<Asked>,
          .read_answer = read_answer<Said>,
          .encode_answer = encode_answer<Said>};
}

}  // namespace

const TaskFormat native_embed = made_of<model::Embed, model::Embedded>(Task::embed, "/embeddings", "inputs", "vectors");
const TaskFormat native_rerank = made_of<model::Rerank, model::Reranked>(Task::rerank, "/rerank", "documents", "results");
const TaskFormat native_moderate =
    made_of<model::Moderate, model::Moderated>(Task::moderate, "/moderations", "inputs", "verdicts");
const TaskFormat native_tokenize = made_of<model::Tokenize, model::Tokenized>(Task::tokenize, "/tokenize", {}, "tokens");
const TaskFormat native_detokenize =
    made_of<model::Detokenize, model::Detokenized>(Task::detokenize, "/detokenize", "tokens", "text");

}  // namespace cardea::dialect::tasks
