// Text Embeddings Inference's POST /embed (huggingface.github.io/text-embeddings-inference): one model a server, so that `model`
// is the gateway's own member for its clients; an answer is the vectors and nothing else.

#include "dialect/tasks.h"
#include "dialect/tei/truncation.h"
#include "dialect/vectors.h"

namespace cardea::dialect::tasks {
namespace {

constexpr std::string_view name = "tei";
constexpr std::string_view known[] = {"model", "inputs", "dimensions", "truncate", "truncation_direction"};

Result<TaskRequest> read_request(const Raw& root) {
  model::Embed out;
  out.dialect = name;
  Status status = read_member(root, "dimensions", "", out.dimensions);
  if (status) status = read_truncation(root, out.truncate);
  const auto inputs = root.find("inputs");
  if (status && !inputs) status = bad_field("inputs", "is missing");
  if (status) status = read_inputs(*inputs, "inputs", nullptr, out.inputs);
  if (!status) return fail_with(status);
  collect_extras(root, known, out.extras);
  return out;
}

Result<TaskMessage> encode_request(const TaskRequest& request, Losses& losses) {
  const auto& embed = std::get<model::Embed>(request);
  const auto whose = dialect::whose(embed.dialect, name);
  std::string out;
  json::Writer w{out};
  w.begin_object();
  // A server has one model: its name is for the gateway alone.
  if (whose == Whose::own && !embed.model.empty()) w.key("model").string(embed.model);
  w.key("inputs").begin_array();
  for (std::size_t i = 0; i < embed.inputs.size(); ++i) {
    const auto& input = embed.inputs[i];
    const auto* tokens = std::get_if<model::Tokens>(&input.value);
    const auto text = text_of(input);
    if (tokens == nullptr && !text) return unsayable(i, input);
    if (tokens != nullptr) {
      w.raw(tokens->ids.text);
    } else {
      w.string(*text);
    }
  }
  w.end_array();
  write(w, "dimensions", embed.dimensions);
  write_truncation(w, embed.truncate);
  lose_encodings(embed, losses);
  if (embed.task) losses.detail("task");
  if (embed.user) losses.detail("user");
  lose_title(embed, losses);
  write_or_lose(w, embed.extras, whose, losses);
  w.end_object();
  return out;
}

Result<TaskAnswer> read_answer(const Raw& root) {
  model::Embedded out;
  out.dialect = name;
  if (auto status = read_vectors(root, "float", "$", out.vectors); !status) return fail_with(status);
  return out;
}

std::string encode_answer(const TaskAnswer& answer, const TaskContext& /*context*/, Losses& losses) {
  const auto& embedded = std::get<model::Embedded>(answer);
  if (embedded.usage) losses.detail("usage");
  for (const auto& extra : embedded.extras) losses.detail(extra.key);
  std::string out;
  json::Writer w{out};
  write_vectors(w, embedded.vectors, "float");
  return out;
}

}  // namespace

const TaskFormat tei_embed{.task = Task::embed,
                           .name = name,
                           .dialects = {},
                           .target = "/embed",
                           .base = TaskFormat::Base::root,
                           .subject = "inputs",
                           .answers = {},
                           .sends_model = false,
                           .read_request = read_request,
                           .encode_request = encode_request,
                           .read_answer = read_answer,
                           .encode_answer = encode_answer};

}  // namespace cardea::dialect::tasks
