#pragma once
// Private to the room: the formats, each defined in its own file.

#include "dialect/raw.h"
#include "dialect/task.h"

namespace cardea::dialect::tasks {

extern const TaskFormat openai_embed;
extern const TaskFormat jina_embed;
extern const TaskFormat gemini_embed;
extern const TaskFormat gemini_batch_embed;
extern const TaskFormat vertex_embed;
extern const TaskFormat cohere_embed;
extern const TaskFormat ollama_embed;
extern const TaskFormat ollama_embeddings;
extern const TaskFormat tei_embed;

extern const TaskFormat jina_rerank;
extern const TaskFormat cohere_rerank;
extern const TaskFormat tei_rerank;

extern const TaskFormat openai_moderate;

extern const TaskFormat vllm_tokenize;
extern const TaskFormat vllm_detokenize;
extern const TaskFormat llamacpp_tokenize;
extern const TaskFormat llamacpp_detokenize;

extern const TaskFormat openai_draw;
extern const TaskFormat gemini_draw;
extern const TaskFormat imagen_draw;
extern const TaskFormat stability_draw;
extern const TaskFormat sdapi_draw;
extern const TaskFormat comfyui_draw;
extern const TaskFormat dashscope_draw;

extern const TaskFormat native_embed;
extern const TaskFormat native_rerank;
extern const TaskFormat native_moderate;
extern const TaskFormat native_tokenize;
extern const TaskFormat native_detokenize;

/// Dialects whose upstreams are OpenAI-like.
inline constexpr std::string_view openai_like[] = {"openai_chat", "openai_responses", "openai_completions"};
inline constexpr std::string_view gemini_like[] = {"gemini"};
inline constexpr std::string_view cohere_like[] = {"cohere"};
inline constexpr std::string_view ollama_like[] = {"ollama"};

/// OpenAI's usage of work that generates nothing: prompt_tokens, total_tokens; nothing when neither is there.
[[nodiscard]] std::optional<model::Usage> read_input_usage(const Raw& answer);
void write_input_usage(json::Writer& w, const std::optional<model::Usage>& usage);
[[nodiscard]] std::optional<model::Usage> usage_of_input(std::optional<std::uint64_t> tokens);
/// OpenAI's usage of pictures: input_tokens, output_tokens.
[[nodiscard]] std::optional<model::Usage> read_picture_usage(const Raw& answer);

}  // namespace cardea::dialect::tasks
