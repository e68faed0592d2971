// vLLM's POST /tokenize and /detokenize (docs.vllm.ai, "Tokenizer API"): a prompt, or a chat by the model's own template.

#include "dialect/tasks.h"
#include "dialect/tokens.h"

namespace cardea::dialect::tasks {

namespace {

constexpr std::string_view name = "vllm";
constexpr std::pair<std::string_view, std::string_view> words[] = {{"special", "add_special_tokens"},
                                                                   {"pieces", "return_token_strs"}};

Result<TaskRequest> read_request(const Raw& root) {
  model::Tokenize out;
  out.dialect = name;
  Status status = read_member(root, "prompt", "", out.prompt);
  if (status) status = read_member(root, "messages", "", out.messages);
  if (status) status = read_member(root, "add_special_tokens", "", out.special);
  if (status) status = read_member(root, "return_token_strs", "", out.pieces);
  if (status && !out.prompt && !out.messages) status = bad_field("prompt", "is missing; give prompt or messages");
  if (status && out.prompt && out.messages) status = bad_field("prompt", "and messages are both given; give one");
  if (!status) return fail_with(status);
  constexpr std::string_view known[] = {"model", "prompt", "messages", "add_special_tokens", "return_token_strs"};
  collect_extras(root, known, out.extras);
  return out;
}

Result<TaskMessage> encode_request(const TaskRequest& request, Losses& losses) {
  const auto& tokenize = std::get<model::Tokenize>(request);
  std::string out;
  json::Writer w{out};
  w.begin_object();
  w.key("model").string(tokenize.model);
  write(w, "prompt", tokenize.prompt);
  write(w, "messages", tokenize.messages);
  write(w, "add_special_tokens", tokenize.special);
  write(w, "return_token_strs", tokenize.pieces);
  write_or_lose(w, tokenize.extras, whose(tokenize.dialect, name), losses);
  w.end_object();
  return out;
}

Result<TaskAnswer> read_answer(const Raw& root) {
  const auto tokens = root.find("tokens");
  if (!tokens) return bad_field("tokens", "is missing");
  model::Tokenized out;
  out.dialect = name;
  Status status = read_ids(*tokens, "tokens", out.tokens);
  if (status) status = read_member(root, "max_model_len", "", out.context);
  if (status) status = read_member(root, "token_strs", "", out.pieces);
  if (!status) return fail_with(status);
  constexpr std::string_view known[] = {"tokens", "count", "max_model_len", "token_strs"};
  collect_extras(root, known, out.extras);
  return out;
}

std::string encode_answer(const TaskAnswer& answer, const TaskContext& /*context*/, Losses& losses) {
  const auto& tokenized = std::get<model::Tokenized>(answer);
  std::string out;
  json::Writer w{out};
  w.begin_object();
  w.key("count").number(tokenized.tokens.size());
  write(w, "max_model_len", tokenized.context);
  write_ids(w, "tokens", tokenized.tokens);
  write(w, "token_strs", tokenized.pieces);
  write_or_lose(w, tokenized.extras, whose(tokenized.dialect, name), losses);
  w.end_object();
  return out;
}

Result<TaskRequest> read_back(const Raw& root) {
  model::Detokenize out;
  out.dialect = name;
  Status status;
  const auto tokens = root.find("tokens");
  if (status && !tokens) status = bad_field("tokens", "is missing");
  if (status) status = read_ids(*tokens, "tokens", out.tokens);
  if (!status) return fail_with(status);
  constexpr std::string_view known[] = {"model", "tokens"};
  collect_extras(root, known, out.extras);
  return out;
}

Result<TaskMessage> encode_back(const TaskRequest& request, Losses& losses) {
  const auto& detokenize = std::get<model::Detokenize>(request);
  std::string out;
  json::Writer w{out};
  w.begin_object();
  w.key("model").string(detokenize.model);
  write_ids(w, "tokens", detokenize.tokens);
  write_or_lose(w, detokenize.extras, whose(detokenize.dialect, name), losses);
  w.end_object();
  return out;
}

Result<TaskAnswer> read_text(const Raw& root) { return dialect::read_text(root, name, "prompt"); }
std::string encode_text(const TaskAnswer& answer, const TaskContext& /*context*/, Losses& losses) {
  return write_text(answer, name, "prompt", losses);
}

}  // namespace

// At the root, not below /v1: so vLLM has it, and says so to nobody else.
const TaskFormat vllm_tokenize{.task = Task::tokenize,
                               .name = name,
                               .dialects = openai_like,
                               .target = "/tokenize",
                               .base = TaskFormat::Base::root,
                               .subject = {},
                               .answers = "tokens",
                               .words = words,
                               .read_request = read_request,
                               .encode_request = encode_request,
                               .read_answer = read_answer,
                               .encode_answer = encode_answer};
const TaskFormat vllm_detokenize{.task = Task::detokenize,
                                 .name = name,
                                 .dialects = openai_like,
                                 .target = "/detokenize",
                                 .base = TaskFormat::Base::root,
                                 .subject = "tokens",
                                 .answers = "prompt",
                                 .read_request = read_back,
                                 .encode_request = encode_back,
                                 .read_answer = read_text,
                                 .encode_answer = encode_text};

}  // namespace cardea::dialect::tasks
