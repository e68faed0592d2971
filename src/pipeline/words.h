#pragma once
// In which words a chat is asked for, and in which it is passed on.

#include <chrono>
#include <memory>
#include <optional>
#include <string>

#include "base/random.h"
#include "catalog/catalog.h"
#include "dialect/task.h"
#include "dialect/translate.h"
#include "execute/upstream.h"
#include "pipeline/forms.h"
#include "pipeline/keeping.h"
#include "pipeline/routes.h"

namespace cardea::pipeline {

/// What path, query and headers say of a chat.
struct Asking {
  const dialect::Dialect& dialect;  ///< the client's
  std::string model;                ///< empty: the body names it
  std::optional<bool> stream;       ///< absent: the body says it
  dialect::Framing framing;         ///< of the stream the client wants
  std::uint64_t now = 0;            ///< Unix seconds, for answers that name their time
  Form form = Form::json;           ///< of the body
  std::string json = {};            ///< what became of a body in XML
  /// The body in the form that dialects read. A view of it, or into this. Error: bad_request, it is not the XML it should be.
  /// `task`: of work that is no chat.
  [[nodiscard]] Result<std::string_view> read(std::string_view body, std::optional<dialect::Task> task = {});
  [[nodiscard]] dialect::Asked asked() const noexcept { return {model, stream}; }
};
[[nodiscard]] Result<Asking> asking_of(const dialect::Dialect& client, const wire::RequestHead& head, const Match& match,
                                       std::chrono::system_clock::time_point now);

/// `x-cardea-allow-loss: true` gives meanings away.
[[nodiscard]] dialect::Allow allowed_loss(const wire::RequestHead& head);

/// Unix seconds.
[[nodiscard]] std::uint64_t unix_seconds(std::chrono::system_clock::time_point time);

/// A request in another dialect than it came in, and what its answer will need. Stays where it is: the context refers to the
/// request.
struct Words {
  explicit Words(dialect::Translated translated)
      : request{std::move(translated)}, context{.request = request.chat, .id = {}, .model = {}} {}
  Words(const Words&) = delete;
  Words& operator=(const Words&) = delete;
  dialect::Translated request;
  dialect::AnswerContext context;
};
/// What is asked: the client's body, and what of it concerns stored responses.
struct Question {
  std::string_view body;
  const dialect::RequestView& view;
  const Keeping* keeping = nullptr;
  /// With what an earlier answer adds to it.
  [[nodiscard]] std::string_view whole() const noexcept {
    return keeping != nullptr && !keeping->body.empty() ? std::string_view{keeping->body} : body;
  }
};
/// The client's own bytes will do. `issuers`: of opaque items that bytes may not carry elsewhere.
[[nodiscard]] bool passes_as_it_is(const Asking& asking, const Question& question, const execute::Upstream& upstream,
                                   const dialect::Issuers& issuers);
/// What the upstream is told of `chat`, the decoded question. `head`: its `x-cardea-allow-loss: true` gives meanings away. Error:
/// bad_request, what the upstream cannot be told.
[[nodiscard]] Result<std::unique_ptr<Words>> words_for(const Asking& asking, const wire::RequestHead& head,
                                                       const Question& question, model::Chat chat,
                                                       const execute::Upstream& upstream, const catalog::Target& target,
                                                       const dialect::Issuers& issuers, Random& random);

/// May the caller offer the tools of its request? Decoded only for callers to whom somebody has said which.
[[nodiscard]] Status check_tools(const access::Principal& caller, const Asking& asking, std::string_view body);

}  // namespace cardea::pipeline
