#include "twin/routes.h"

#include <algorithm>

#include "base/text.h"

namespace cardea::twin {
namespace {

using wire::Method;

/// A path that ends so.
struct EndRow {
  std::string_view end;
  Method method;
  Target::Kind kind;
  const Form* form;
  Operation operation = Operation::chat;
};
// The longer of two that fit stands first.
constexpr EndRow ends[] = {
    {"/chat/completions", Method::post, Target::Kind::chat, &openai_chat_form},
    {"/completions", Method::post, Target::Kind::chat, &completions_form},
    {"/responses", Method::post, Target::Kind::chat, &responses_form},
    {"/responses/input_tokens", Method::post, Target::Kind::chat, &responses_form, Operation::count_tokens},
    {"/messages", Method::post, Target::Kind::chat, &anthropic_form},
    {"/messages/count_tokens", Method::post, Target::Kind::chat, &anthropic_form, Operation::count_tokens},
    {"/v2/chat", Method::post, Target::Kind::chat, &cohere_form},
    {"/api/chat", Method::post, Target::Kind::chat, &ollama_form},
    {"/api/generate", Method::post, Target::Kind::chat, &ollama_form, Operation::generate},
    {"/api/tags", Method::get, Target::Kind::models, &ollama_form},
    {"/api/ps", Method::get, Target::Kind::running, &ollama_form},
    {"/api/show", Method::post, Target::Kind::show, &ollama_form},
    {"/api/version", Method::get, Target::Kind::version, &ollama_form},
    {"/foundation-models", Method::get, Target::Kind::models, &bedrock_form},
};

/// A path with a model's name in it: …FOLDER NAME VERB.
struct NamedRow {
  std::string_view folder;
  std::string_view verb;
  const Form* form;
  bool stream = false;
  Operation operation = Operation::chat;
};
constexpr NamedRow named[] = {
    {"/models/", ":generateContent", &gemini_form},
    {"/models/", ":streamGenerateContent", &gemini_form, true},
    {"/models/", ":countTokens", &gemini_form, false, Operation::count_tokens},
    {"/model/", "/converse", &bedrock_form},
    {"/model/", "/converse-stream", &bedrock_form, true},
    {"/models/", ":rawPredict", &anthropic_form},
    {"/models/", ":streamRawPredict", &anthropic_form, true},
};

/// What is no chat. As above: a path that ends so.
struct TaskRow {
  std::string_view end;
  const TaskForm* task;
};
constexpr TaskRow tasks[] = {
    {"/api/embeddings", &ollama_embeddings},
    {"/embeddings", &openai_embeddings},
    {"/api/embed", &ollama_embed},
    {"/v2/embed", &cohere_embed},
    {"/v1/embed", &cohere_embed_v1},
    {"/embed", &tei_embed},
    {"/v2/rerank", &cohere_rerank},
    {"/rerank", &rerank},
    {"/moderations", &openai_moderations},
    {"/detokenize", &detokenize},
    {"/tokenize", &tokenize},
    {"/images/generations", &openai_image_generations},
    {"/stable-image/generate/core", &stability_generate},
    {"/stable-image/generate/ultra", &stability_generate},
    {"/stable-image/generate/sd3", &stability_generate},
    {"/sdapi/v1/txt2img", &webui_txt2img},
    {"/sdapi/v1/img2img", &webui_img2img},
    {"/multimodal-generation/generation", &dashscope_messages},
    {"/image-generation/generation", &dashscope_messages},
    {"/text2image/image-synthesis", &dashscope_text2image},
    {"/image2image/image-synthesis", &dashscope_image2image},
    {"/prompt", &comfyui_prompt},
    {"/images/edits", &openai_image_edits},
    {"/images/variations", &openai_image_variations},
    {"/audio/speech", &openai_speech},
    {"/audio/transcriptions", &openai_transcriptions},
    {"/audio/translations", &openai_translations},
};
/// With a model's name before it.
constexpr TaskRow named_tasks[] = {
    {":embedContent", &gemini_embed},
    {":batchEmbedContents", &gemini_batch_embed},
    {":predict", &vertex_predict},
};

/// What is kept: FOLDER, FOLDER/NAME or FOLDER/NAME/VERB.
struct KeptRow {
  std::string_view folder;
  std::string_view verb;
  bool named;
  Method method;
  const TaskForm* task;
};
constexpr KeptRow kept[] = {
    {"/files", "", false, Method::post, &openai_file_upload},
    {"/files", "", false, Method::get, &openai_file_list},
    {"/files", "/content", true, Method::get, &openai_file_content},
    {"/files", "", true, Method::get, &openai_file},
    {"/files", "", true, Method::delete_, &openai_file_delete},
    {"/batches", "", false, Method::post, &openai_batch_create},
    {"/batches", "", false, Method::get, &openai_batch_list},
    {"/batches", "/cancel", true, Method::post, &openai_batch_cancel},
    {"/batches", "", true, Method::get, &openai_batch},
    {"/sdapi/v1/sd-models", "", false, Method::get, &webui_models},
    {"/history", "", true, Method::get, &comfyui_history},
    {"/view", "", false, Method::get, &comfyui_view},
    {"/api/v1/tasks", "", true, Method::get, &dashscope_task},
};

std::string without_escapes(std::string_view text) {
  const auto digit = [](char c) { return c <= '9' ? c - '0' : ascii_lower(c) - 'a' + 10; };
  const auto hexadecimal = [](char c) { return (c >= '0' && c <= '9') || (ascii_lower(c) >= 'a' && ascii_lower(c) <= 'f'); };
  std::string out;
  for (std::size_t i = 0; i < text.size(); ++i) {
    const bool escape = text[i] == '%' && i + 2 < text.size() && hexadecimal(text[i + 1]) && hexadecimal(text[i + 2]);
    out += escape ? static_cast<char>(digit(text[i + 1]) << 4 | digit(text[i + 2])) : text[i];
    if (escape) i += 2;
  }
  return out;
}

/// Google's streams come as events when asked for with `alt=sse`, else as one array.
bool wants_events(std::string_view query) {
  while (!query.empty()) {
    const auto end = std::min(query.find('&'), query.size());
    if (query.substr(0, end) == "alt=sse") return true;
    query.remove_prefix(std::min(query.size(), end + 1));
  }
  return false;
}

/// Whose list of models is asked for: the vendors' SDKs send their own headers.
const Form* list_form(const wire::RequestHead& head) {
  if (head.find("anthropic-version")) return &anthropic_form;
  const bool google = head.find("x-goog-api-key") || head.path().find("/v1beta/") != std::string_view::npos;
  return google ? &gemini_form : &openai_chat_form;
}

bool find_list(const wire::RequestHead& head, Target& target) {
  constexpr std::string_view folder = "/models/";
  const auto path = head.path();
  const auto at = path.find(folder);
  const bool all = path.ends_with("/models");
  if (!all && at == std::string_view::npos) return false;
  target.kind = all ? Target::Kind::models : Target::Kind::model;
  target.form = list_form(head);
  target.method_fits = head.method() == Method::get;
  if (!all) target.model = without_escapes(path.substr(at + folder.size()));
  return true;
}

/// The name in the path; nothing: the row does not fit.
std::optional<std::string_view> kept_name(const KeptRow& row, std::string_view path) {
  if (!path.ends_with(row.verb)) return std::nullopt;
  path.remove_suffix(row.verb.size());
  std::string_view name;
  if (row.named) {
    const auto slash = path.rfind('/');
    if (slash == std::string_view::npos) return std::nullopt;
    name = path.substr(slash + 1);
    path = path.substr(0, slash);
    if (name.empty()) return std::nullopt;
  }
  return path.ends_with(row.folder) ? std::optional{name} : std::nullopt;
}

bool find_kept(const wire::RequestHead& head, Target& target) {
  for (const auto& row : kept) {
    const auto name = kept_name(row, head.path());
    if (!name) continue;
    target.kind = Target::Kind::task;
    target.task = row.task;
    target.form = row.task->form;
    target.model = without_escapes(*name);
    target.method_fits = head.method() == row.method;
    if (target.method_fits) break;
  }
  return target.kind == Target::Kind::task;
}

bool find_task(const wire::RequestHead& head, Target& target) {
  const auto path = head.path();
  const auto ends_path = [&](const TaskRow& row) { return path.ends_with(row.end); };
  if (const auto* row = std::ranges::find_if(tasks, ends_path); row != std::end(tasks)) {
    target.task = row->task;
  } else if (const auto* other = std::ranges::find_if(named_tasks, ends_path); other != std::end(named_tasks)) {
    constexpr std::string_view folder = "/models/";
    const auto at = path.find(folder);
    if (at == std::string_view::npos) return false;
    target.task = other->task;
    target.model = without_escapes(path.substr(at + folder.size(), path.size() - other->end.size() - at - folder.size()));
  } else {
    return false;
  }
  target.kind = Target::Kind::task;
  target.form = target.task->form;
  target.method_fits = head.method() == Method::post;
  return true;
}

}  // namespace

Target find_target(const wire::RequestHead& head) {
  Target target;
  const auto path = head.path();
  for (const auto& row : ends) {
    if (!path.ends_with(row.end)) continue;
    target.kind = row.kind;
    target.form = row.form;
    target.operation = row.operation;
    target.method_fits = head.method() == row.method;
    return target;
  }
  for (const auto& row : named) {
    const auto at = path.find(row.folder);
    if (at == std::string_view::npos || !path.ends_with(row.verb)) continue;
    const auto begin = at + row.folder.size();
    target.kind = Target::Kind::chat;
    target.form = row.form;
    if (row.form == &gemini_form && row.stream && !wants_events(head.query())) target.form = &gemini_array_form;
    target.operation = row.operation;
    target.stream = row.stream;
    target.model = without_escapes(path.substr(begin, path.size() - row.verb.size() - begin));
    target.method_fits = head.method() == Method::post;
    return target;
  }
  // Chats come first: they are many.
  if (!find_task(head, target) && !find_kept(head, target)) find_list(head, target);
  return target;
}

}  // namespace cardea::twin
