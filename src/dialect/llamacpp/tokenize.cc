// llama.cpp's POST /tokenize and /detokenize (github.com/ggml-org/llama.cpp, tools/server/README.md): one model a server.

#include "dialect/tasks.h"
#include "dialect/tokens.h"

namespace cardea::dialect::tasks {
namespace {

using json::Type;

constexpr std::string_view name = "llamacpp";
constexpr std::pair<std::string_view, std::string_view> words[] = {
    {"prompt", "content"}, {"special", "add_special"}, {"pieces", "with_pieces"}};

Result<TaskRequest> read_request(const Raw& root) {
  model::Tokenize out;
  out.dialect = name;
  Status status = read_member(root, "content", "", out.prompt);
  if (status) status = read_member(root, "add_special", "", out.special);
  if (status) status = read_member(root, "with_pieces", "", out.pieces);
  if (status && !out.prompt) status = bad_field("content", "is missing");
  if (!status) return fail_with(status);
  constexpr std::string_view known[] = {"model", "content", "add_special", "with_pieces"};
  collect_extras(root, known, out.extras);
  return out;
}

Result<TaskMessage> encode_request(const TaskRequest& request, Losses& losses) {
  const auto& tokenize = std::get<model::Tokenize>(request);
  const auto whose = dialect::whose(tokenize.dialect, name);
  if (!tokenize.prompt)
    return bad_field("messages", "are a chat, whose template this model's server keeps to itself; give a prompt");
  std::string out;
  json::Writer w{out};
  w.begin_object();
  if (whose == Whose::own && !tokenize.model.empty()) w.key("model").string(tokenize.model);
  w.key("content").string(*tokenize.prompt);
  // vLLM begins as the model wants it unless told not to, llama.cpp does not.
  if (whose == Whose::foreign || tokenize.special) w.key("add_special").boolean(tokenize.special.value_or(true));
  write(w, "with_pieces", tokenize.pieces);
  write_or_lose(w, tokenize.extras, whose, losses);
  w.end_object();
  return out;
}

/// An id, or {id, piece}; a piece that is no UTF-8 is an array of bytes.
Status read_token(const Raw& token, const std::string& path, model::Tokenized& out) {
  std::optional<std::uint64_t> id;
  const bool object = token.is(Type::object);
  Status status = object ? read_member(token, "id", path, id) : read(token, path, id);
  if (status && !id) status = bad_field(cat(path, ".id"), "is missing");
  if (!status) return status;
  out.tokens.push_back(*id);
  if (!object) return {};
  auto& pieces = out.pieces ? *out.pieces : out.pieces.emplace();
  const auto piece = token.find("piece");
  if (!piece) return bad_field(cat(path, ".piece"), "is missing");
  pieces.push_back(piece->is(Type::string) ? piece->string() : std::string{piece->text()});
  return {};
}

Result<TaskAnswer> read_answer(const Raw& root) {
  const auto tokens = required(root, "tokens", "", Type::array);
  if (!tokens) return fail(tokens.error().clone());
  model::Tokenized out;
  out.dialect = name;
  Status status;
  tokens->each_element([&](const Raw& token) {
    status = read_token(token, cat("tokens[", out.tokens.size(), ']'), out);
    return status.has_value();
  });
  if (status && out.pieces && out.pieces->size() != out.tokens.size()) status = bad_field("tokens", "must be of one kind");
  if (!status) return fail_with(status);
  constexpr std::string_view known[] = {"tokens"};
  collect_extras(root, known, out.extras);
  return out;
}

std::string encode_answer(const TaskAnswer& answer, const TaskContext& /*context*/, Losses& losses) {
  const auto& tokenized = std::get<model::Tokenized>(answer);
  std::string out;
  json::Writer w{out};
  w.begin_object();
  w.key("tokens").begin_array();
  for (std::size_t i = 0; i < tokenized.tokens.size(); ++i) {
    const bool piece = tokenized.pieces && i < tokenized.pieces->size();
    if (!piece) {
      w.number(tokenized.tokens[i]);
      continue;
    }
    w.begin_object();
    w.key("id").number(tokenized.tokens[i]);
    w.key("piece").string((*tokenized.pieces)[i]);
    w.end_object();
  }
  w.end_array();
  if (tokenized.context) losses.detail("max_model_len");
  write_or_lose(w, tokenized.extras, whose(tokenized.dialect, name), losses);
  w.end_object();
  return out;
}

Result<TaskRequest> read_back(const Raw& root) {
  auto request = vllm_detokenize.read_request(root);
  if (request) std::get<model::Detokenize>(*request).dialect = name;
  return request;
}

Result<TaskMessage> encode_back(const TaskRequest& request, Losses& losses) {
  const auto& detokenize = std::get<model::Detokenize>(request);
  const auto whose = dialect::whose(detokenize.dialect, name);
  std::string out;
  json::Writer w{out};
  w.begin_object();
  if (whose == Whose::own && !detokenize.model.empty()) w.key("model").string(detokenize.model);
  write_ids(w, "tokens", detokenize.tokens);
  write_or_lose(w, detokenize.extras, whose, losses);
  w.end_object();
  return out;
}

Result<TaskAnswer> read_text(const Raw& root) { return dialect::read_text(root, name, "content"); }
std::string encode_text(const TaskAnswer& answer, const TaskContext& /*context*/, Losses& losses) {
  return write_text(answer, name, "content", losses);
}

}  // namespace

const TaskFormat llamacpp_tokenize{.task = Task::tokenize,
                                   .name = name,
                                   .dialects = {},
                                   .target = "/tokenize",
                                   .base = TaskFormat::Base::root,
                                   .subject = "content",
                                   .answers = "tokens",
                                   .sends_model = false,
                                   .words = words,
                                   .read_request = read_request,
                                   .encode_request = encode_request,
                                   .read_answer = read_answer,
                                   .encode_answer = encode_answer};
const TaskFormat llamacpp_detokenize{.task = Task::detokenize,
                                     .name = name,
                                     .dialects = {},
                                     .target = "/detokenize",
                                     .base = TaskFormat::Base::root,
                                     .subject = "tokens",
                                     .answers = "content",
                                     .sends_model = false,
                                     .read_request = read_back,
                                     .encode_request = encode_back,
                                     .read_answer = read_text,
                                     .encode_answer = encode_text};

}  // namespace cardea::dialect::tasks
