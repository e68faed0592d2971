#pragma once
// Everything that is no chat: vectors, ranks, pictures, sound, files. One row for each form of each vendor: it reads a request,
// as strict as the vendor and in its words, and says what the answer is.

#include <cstdint>
#include <functional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.h"
#include "json/writer.h"
#include "twin/forms/form.h"
#include "twin/forms/reading.h"

namespace cardea::twin {

struct Upload;
class Shelf;

/// What a request brings.
struct TaskAsk {
  std::string_view body;
  std::string_view content_type;
  std::string_view name;   ///< of the model, file or batch that the path names, without %xx
  std::string_view query;  ///< of the target
  std::string_view accept;
  std::optional<bool> strict;
  bool later = false;              ///< `x-dashscope-async: enable`
  const Upload* upload = nullptr;  ///< of a form with files, instead of `body`
};

/// Around an answer.
struct TaskScene {
  std::string_view model;     ///< as the client wrote it
  std::uint64_t created = 0;  ///< Unix seconds
  Shelf& shelf;
};

inline constexpr std::string_view json_line = "content-type: application/json\r\n";

struct TaskReply {
  std::string body;
  std::string type{json_line};  ///< header lines
  std::vector<Event> events;    ///< instead of a body, when streamed
};

/// A request that was understood.
struct TaskPlan {
  std::string model;  ///< empty: the form names none, or the request left it out
  bool stream = false;
  const Form* form = nullptr;  ///< instead of the row's, where the body decides
  std::function<Result<TaskReply>(const TaskScene& scene)> reply;
};

struct TaskForm {
  const Form* form = nullptr;  ///< how it refuses, and frames streams
  /// Fills in `plan.model` also when the rest is refused.
  Status (*read)(const TaskAsk& ask, TaskPlan& plan) = nullptr;
};

/// The form's own wording of a body that is no JSON object.
using RefuseBody = Status (*)(std::string_view why);
/// How a form reads its JSON.
struct TaskReading {
  const Words& words;
  bool strict;  ///< unless the request says otherwise: refuse unknown members?
  RefuseBody refuse;
};
/// Parses the body, takes its `model`, and reads every member by its row.
template <class T, std::size_t N>
[[nodiscard]] Status read_task(const TaskAsk& ask, const TaskReading& how, const Row<T> (&rows)[N], TaskPlan& plan, T& into) {
  ChatRequest scratch;
  Ask whole;
  whole.body = ask.body;
  Status parsed = parse_document(whole, scratch);
  if (!parsed) return how.refuse(parsed.error().message());
  if (const auto model = text_member(scratch.document, "model"); !model.empty()) plan.model = model;
  Reading reading{.request = scratch, .words = how.words, .strict = ask.strict.value_or(how.strict)};
  return read_members(At{reading, scratch.document, ""}, rows, into);
}

/// A JSON document as an answer.
template <class Write>
[[nodiscard]] TaskReply reply_json(Write&& write) {
  TaskReply reply;
  json::Writer writer{reply.body};
  write(writer);
  return reply;
}

// ---- The forms ---------------------------------------------------------------------------------------------------------------

extern const TaskForm openai_embeddings;
extern const TaskForm gemini_embed;
extern const TaskForm gemini_batch_embed;
extern const TaskForm vertex_predict;  ///< vectors, or Imagen's pictures
extern const TaskForm cohere_embed;
extern const TaskForm cohere_embed_v1;
extern const TaskForm ollama_embed;
extern const TaskForm ollama_embeddings;
extern const TaskForm tei_embed;
extern const TaskForm cohere_rerank;
extern const TaskForm rerank;  ///< Jina's, vLLM's and TEI's, which share a path
extern const TaskForm openai_moderations;
extern const TaskForm tokenize;  ///< vLLM's and llama.cpp's, which share a path
extern const TaskForm detokenize;
extern const TaskForm openai_image_generations;
extern const TaskForm openai_image_edits;
extern const TaskForm openai_image_variations;
extern const TaskForm stability_generate;
extern const TaskForm webui_txt2img;
extern const TaskForm webui_img2img;
extern const TaskForm webui_models;
extern const TaskForm comfyui_prompt;
extern const TaskForm comfyui_history;
extern const TaskForm comfyui_view;
extern const TaskForm dashscope_messages;  ///< answered at once, or later
extern const TaskForm dashscope_text2image;
extern const TaskForm dashscope_image2image;
extern const TaskForm dashscope_task;
extern const TaskForm openai_speech;
extern const TaskForm openai_transcriptions;
extern const TaskForm openai_translations;
extern const TaskForm openai_file_upload;
extern const TaskForm openai_file_list;
extern const TaskForm openai_file;
extern const TaskForm openai_file_content;
extern const TaskForm openai_file_delete;
extern const TaskForm openai_batch_create;
extern const TaskForm openai_batch_list;
extern const TaskForm openai_batch;
extern const TaskForm openai_batch_cancel;

/// OpenAI's refusals, and streams that have no last word of their own.
extern const Form openai_task_form;

}  // namespace cardea::twin
