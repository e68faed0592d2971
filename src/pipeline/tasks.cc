// Work that is no chat, a document in and a document out: embeddings, ranks, moderations, tokens. The same order as in
// pipeline.cc, where the reasons stand.

#include "base/text.h"
#include "dialect/native/forms.h"
#include "dialect/task.h"
#include "pipeline/draw.h"
#include "pipeline/pipeline.h"
#include "pipeline/words.h"

namespace cardea::pipeline {
namespace {

using dialect::Task;

Task task_of(Operation operation) {
  switch (operation) {
    case Operation::rerank: return Task::rerank;
    case Operation::moderate: return Task::moderate;
    case Operation::tokenize: return Task::tokenize;
    case Operation::detokenize: return Task::detokenize;
    default: return Task::embed;
  }
}

/// What a model is for, as a sentence ends.
std::string_view purpose(catalog::ModelType type) {
  using enum catalog::ModelType;
  switch (type) {
    case embedding: return "an embedding model";
    case rerank: return "a rerank model";
    case moderation: return "a moderation model";
    case image: return "an image model";
    case asr: return "a transcription model";
    case tts: return "a speech model";
    case video: return "a video model";
    default: return "a chat model";
  }
}

/// Refused is only what is known for sure: a model whose kind was said, or whose answers are sold by the token.
Status expect_fit(Task task, const catalog::Target& target, std::string_view asked) {
  using enum catalog::ModelType;
  if (target.info == nullptr || task == Task::tokenize || task == Task::detokenize) return {};
  const auto type = target.info->type;
  const auto output = target.info->price.raw.output;
  const bool chats = type == chat || (type == llm && output && output->pico_usd_per_token != 0);
  const bool media = type == image || type == asr || type == tts || type == video;
  // Those who rank also rank by vectors, and a moderation may be a rank.
  const bool elsewhere = (task == Task::embed && (type == rerank || type == moderation)) ||
                         (task == Task::rerank && type == moderation) || (task == Task::moderate && type == embedding);
  if (!chats && !media && !elsewhere) return {};
  return fail(Kind::bad_request,
              cat("'model': '", asked, "' is ", purpose(type), ", and does no ", dialect::to_text(task),
                  "; name a model that does (its `type` in the configuration says what it is)"),
              "model");
}

/// What goes to the upstream: the client's bytes with edits, or other words.
struct Wording {
  const dialect::TaskFormat& client;
  const dialect::TaskFormat& upstream;
  std::string body;
  std::optional<dialect::TranslatedTask> translated;  ///< none: both sides speak the same
};

Result<Wording> wording_of(const Visit& visit, const dialect::TaskFormat& client, const dialect::TaskFormat& upstream,
                           const dialect::TaskView& view, std::optional<dialect::TaskRequest> request, std::string_view model) {
  Wording out{.client = client, .upstream = upstream, .body = {}, .translated = {}};
  if (!request) {
    const auto edits = dialect::task_edits(client, view, model);
    if (!edits) return fail(edits.error().clone());
    out.body = edits->apply(view.members.text());
    return out;
  }
  auto translated = dialect::translate_task({client, upstream, model}, std::move(*request), allowed_loss(visit.head()));
  if (!translated) return fail_with(translated);
  out.body = std::move(translated->message.body);
  out.translated = std::move(*translated);
  return out;
}

/// The upstream's answer in the client's words; notes what it says of itself.
Result<std::string> answer_of(Visit& visit, const Wording& wording, const execute::Upstream& upstream, std::string body,
                              Random& random) {
  const Secret& secret = upstream.provider->key;
  record::Entry& entry = visit.entry();
  const auto explained = [&](const Error& error) {
    return fail(Error{error.kind(), cat("provider '", upstream.provider->public_name, "': ", error.message())});
  };
  if (!wording.translated) {
    const auto view = dialect::inspect_task_answer(wording.upstream, body, secret);
    if (!view) return explained(view.error());
    if (view->usage) entry.usage = *view->usage;
    entry.model_answered = view->model;
    return body;
  }
  dialect::TaskContext context{.request = wording.translated->request, .id = {}, .model = std::string{entry.model_asked}};
  random.append_id(context.id, 24);
  auto answer = dialect::translate_task_answer({wording.client, wording.upstream, {}}, body, context, secret);
  if (!answer) return explained(answer.error());
  if (answer->usage) entry.usage = *answer->usage;
  entry.model_answered = answer->model;
  visit.note_losses(answer->losses, wording.translated->losses);
  return std::move(answer->body);
}

}  // namespace

net::Task<Status> Pipeline::task(Visit& visit, const Match& match) {
  const Snapshot& snapshot = visit.snapshot();
  Result<Asking> asking = asking_of(visit.dialect(), visit.head(), match, visit.entry().started);
  if (!asking) co_return fail_with(asking);
  visit.bound();
  Result<std::string_view> body = co_await visit.exchange().read_body(snapshot.body_bytes_max);
  const Task task = task_of(match.route->operation);
  if (body) body = asking->read(*body, task);
  if (!body) co_return fail_with(body);

  const dialect::TaskFormat* declared = dialect::find_task_format(task, match.route->form);
  if (declared == nullptr) co_return fail(Kind::internal, "a route names a form of work that there is not");
  const dialect::TaskFormat& client = dialect::told_by_body(*declared, *body);
  Result<dialect::TaskView> view = dialect::inspect_task(client, *body, asking->asked());
  if (!view) co_return fail_with(view);

  Result<catalog::Target> target = visit.resolve(view->model, view->members, *directory_);
  if (!target) co_return fail_with(target);
  Status fits = expect_fit(task, *target, view->model);
  if (!fits) co_return fail_with(fits);

  const execute::Upstream& upstream = snapshot.upstreams.of(*target->provider);
  const dialect::TaskFormat* spoken = dialect::upstream_task_format(client, *upstream.dialect, named_form(*target, task));
  if (spoken == nullptr) {
    co_return fail(Kind::bad_request,
                   cat("'model': provider '", target->provider->public_name, "' has no ", dialect::to_text(task),
                       " that Cardea knows; name a model of another one"),
                   "model");
  }
  const dialect::TaskPair pair{client, *spoken, target->model};
  auto neutral = co_await read_task(visit, pair, view->members.text(), asking->asked());
  if (!neutral) co_return fail_with(neutral);
  Result<Wording> wording = wording_of(visit, client, *spoken, *view, std::move(*neutral), target->model);
  if (!wording) co_return fail_with(wording);
  // Also an error says what was left out of the question.
  if (wording->translated) visit.note_losses(wording->translated->losses);

  const bool at_root = spoken->base == dialect::TaskFormat::Base::root;
  const execute::PlainCall call{.upstream = upstream,
                                .method = wire::Method::post,
                                .target = spoken->target_of(target->model),
                                .body = wording->body,
                                .header_lines = forwarded_headers(visit, *target->provider),
                                .limits = snapshot.attempt,
                                .base = at_root ? execute::PlainCall::Base::root : execute::PlainCall::Base::api,
                                .passed_on = &visit.upstream_lines()};
  visit.upstream_begins();
  Result<std::string> raw = co_await executor_.fetch(call);
  visit.upstream_ends();
  if (!raw) {
    Error error = std::move(raw.error());
    // Its body is in the upstream's words, which the client may not speak.
    if (&visit.dialect() != upstream.dialect || wording->translated) error.edit().body.clear();
    co_return fail(std::move(error));
  }
  Result<std::string> answer = answer_of(visit, *wording, upstream, std::move(*raw), random_);
  if (!answer) co_return fail_with(answer);
  const bool native = visit.dialect().name() == dialect::native().name();
  if (native) answer = dialect::native_task_answer(visit.dialect(), task, std::move(*answer));
  co_return co_await say(visit, *answer);
}

}  // namespace cardea::pipeline
