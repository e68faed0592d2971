#pragma once
// Work of models that is no chat: a document asks, a document answers. One TaskFormat for each kind of work and wire format, as
// Dialect is for chats; errors keep the shape of the client's Dialect. Pure.
//
// The same format on both sides: bytes plus edits. Different ones: decoded by one, encoded by the other, over the values of
// model/; what the target cannot say is named in Losses.

#include <chrono>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <variant>

#include "dialect/dialect.h"
#include "dialect/translate.h"
#include "model/draw.h"
#include "model/embed.h"
#include "model/moderate.h"
#include "model/rerank.h"
#include "model/tokenize.h"

namespace cardea::dialect {

class Raw;

/// In the order of TaskRequest's and TaskAnswer's alternatives.
enum class Task : std::uint8_t { embed, rerank, moderate, tokenize, detokenize, draw };
/// As configurations name it: "embeddings", "rerank", "moderations", "tokenize", "detokenize", "images".
[[nodiscard]] std::string_view to_text(Task task) noexcept;

using TaskRequest = std::variant<model::Embed, model::Rerank, model::Moderate, model::Tokenize, model::Detokenize, model::Draw>;
using TaskAnswer =
    std::variant<model::Embedded, model::Reranked, model::Moderated, model::Tokenized, model::Detokenized, model::Drawn>;

/// What an answer repeats of its request, and what stands in for what the upstream does not say.
struct TaskContext {
  const TaskRequest& request;  ///< as the client asked
  std::string id;              ///< of random characters; used where the format wants one and the upstream names none
  std::string model;           ///< the name asked for; used when the upstream names none
  std::uint64_t now = 0;       ///< seconds since 1970; used where the format wants a time and the upstream names none
};

/// What goes to an upstream.
struct TaskMessage {
  TaskMessage(std::string json) : body{std::move(json)} {}  // NOLINT: most are JSON, and nothing else
  std::string body;
  std::string content_type = "application/json";
  std::string target = {};        ///< below the format's base; empty: the format's
  std::string header_lines = {};  ///< beside the format's, each ending in CRLF
};

/// What to ask (GET) of an upstream that answers when it is done, not at once.
struct TaskStep {
  std::string target;                 ///< below the format's base; empty: what was asked last, once more
  std::chrono::milliseconds wait{0};  ///< before asking
};

/// One kind of work in one wire format. Constant; found by name; lives for ever.
struct TaskFormat {
  Task task;
  std::string_view name;                       ///< "openai", "gemini_batch", "tei"
  std::span<const std::string_view> dialects;  ///< whose upstreams speak it unless their provider's data says otherwise
  std::string_view target;                     ///< below the base URL, with {model} where the path names it
  enum class Base : std::uint8_t { api, root } base = Base::api;  ///< root: below the host, without the API's version
  std::string_view subject;                                       ///< the member of a request that must be there
  /// The member that makes an answer one; empty: the answer is an array; any_object: read_answer knows.
  std::string_view answers;
  static constexpr std::string_view any_object = "{}";
  std::string_view default_model = {};  ///< when a request names none; empty: it must
  bool sends_model = true;              ///< false: its servers have one model, whose name is for the gateway alone
  /// A field of the model's name for it → this format's own, for what the client is told.
  std::span<const std::pair<std::string_view, std::string_view>> words = {};

  /// What a body says that was checked; its model is decode_request()'s. nullptr: no client speaks it.
  Result<TaskRequest> (*read_request)(const Raw& root) = nullptr;
  /// Error: bad_request, for what cannot be left out (an input would have no answer).
  Result<TaskMessage> (*encode_request)(const TaskRequest& request, Losses& losses);
  Result<TaskAnswer> (*read_answer)(const Raw& root);
  /// nullptr: no client speaks it.
  std::string (*encode_answer)(const TaskAnswer& answer, const TaskContext& context, Losses& losses) = nullptr;
  /// Of servers that take the work now and have it done later: what to ask after this answer, nothing when it is the last.
  /// nullptr: each answer is. Error: upstream_failed, the work came to nothing.
  Result<std::optional<TaskStep>> (*next)(const Raw& answer) = nullptr;
  std::string_view header_lines = {};  ///< that its servers want with every question, each ending in CRLF
  /// Its servers take pictures by their addresses; else bytes are wanted before encode_request().
  bool takes_addresses = false;
  /// Its servers draw the same once more unless they are given another seed: one that was not asked for is chosen by chance.
  bool wants_seed = false;

  [[nodiscard]] Result<TaskRequest> decode_request(std::string_view body, const Asked& asked) const;
  [[nodiscard]] Result<TaskAnswer> decode_answer(std::string_view body) const;
  [[nodiscard]] bool model_in_path() const noexcept { return target.find("{model}") != std::string_view::npos; }
  /// The request target of a model below the base URL.
  [[nodiscard]] std::string target_of(std::string_view model) const;
};

/// All formats; of one dialect the preferred comes first.
[[nodiscard]] std::span<const TaskFormat* const> task_formats();
/// nullptr when there is none of that name.
[[nodiscard]] const TaskFormat* find_task_format(Task task, std::string_view name) noexcept;
/// What an upstream is asked in: the client's own format where the upstream speaks it. `named`: by its provider's data; may be
/// empty. nullptr: it has no such work.
[[nodiscard]] const TaskFormat* upstream_task_format(const TaskFormat& client, const Dialect& upstream,
                                                     std::string_view named) noexcept;
/// Of one vendor some models draw in another form than the rest (Imagen among Gemini's).
[[nodiscard]] const TaskFormat& told_by_model(const TaskFormat& upstream, std::string_view model) noexcept;
/// Some paths are shared; the body tells whose words it is in (TEI's `texts` at /rerank).
[[nodiscard]] const TaskFormat& told_by_body(const TaskFormat& format, std::string_view body);

// The same format on both sides.

/// A request as far as the gateway must know it. Views into the body.
struct TaskView {
  json::Members members;
  std::string_view model;
  json::Span model_span;  ///< the raw value; empty: it stands in the path, or nowhere
};
/// Checks the body completely. Errors are Kind::bad_request with the field in `param`.
[[nodiscard]] Result<TaskView> inspect_task(const TaskFormat& format, std::string_view body, const Asked& asked);
/// What must change on the way to an upstream that calls the model otherwise.
[[nodiscard]] Result<json::Edits> task_edits(const TaskFormat& format, const TaskView& view, std::string_view model);

/// An answer as far as the gateway must know it.
struct TaskAnswerView {
  std::string model;
  std::optional<model::Usage> usage;
};
/// Checks a 2xx answer. An error object is Kind::upstream_failed, what is no answer Kind::upstream_protocol.
[[nodiscard]] Result<TaskAnswerView> inspect_task_answer(const TaskFormat& format, std::string_view body, const Secret& secret);

// The way between formats.

struct TaskPair {
  const TaskFormat& client;
  const TaskFormat& upstream;
  std::string_view model;  ///< the upstream's name for it
};
struct TranslatedTask {
  TaskRequest request;  ///< as the client asked
  TaskMessage message;  ///< for the upstream
  Losses losses;        ///< in the client's words
};
/// Error: as translate_request().
[[nodiscard]] Result<TranslatedTask> translate_task(const TaskPair& pair, std::string_view body, const Asked& asked, Allow allow);
/// The same for what was decoded before (a form, or pictures that were fetched).
[[nodiscard]] Result<TranslatedTask> translate_task(const TaskPair& pair, TaskRequest request, Allow allow);

struct TranslatedTaskAnswer {
  std::string body;
  std::string model;  ///< as the upstream says it; may be empty
  std::optional<model::Usage> usage;
  Losses losses;
};
/// The two halves of translate_task_answer(), for what happens to an answer on the way (pictures that are fetched).
/// `losses`: of the fit to what was asked.
[[nodiscard]] Result<TaskAnswer> read_task_answer(const TaskFormat& upstream, std::string_view body, const TaskRequest& request,
                                                  const Secret& secret, Losses& losses);
[[nodiscard]] TranslatedTaskAnswer write_task_answer(const TaskFormat& client, const TaskAnswer& answer,
                                                     const TaskContext& context, Losses losses);
/// What TaskFormat::next says of an answer; nothing where each is the last. Error: the upstream's, without its key.
[[nodiscard]] Result<std::optional<TaskStep>> next_step(const TaskFormat& upstream, std::string_view body, const Secret& secret);
/// Does what only the gateway can: numbers in the encoding that was asked for, no more results than wanted, their documents.
[[nodiscard]] Result<TranslatedTaskAnswer> translate_task_answer(const TaskPair& pair, std::string_view body,
                                                                 const TaskContext& context, const Secret& secret);

}  // namespace cardea::dialect
