// OpenAI's files and batches (platform.openai.com/docs/api-reference/files, …/batch), kept on the shelf. A batch is done as soon
// as somebody looks.

#include <algorithm>

#include "twin/answer.h"
#include "twin/forms/openai.h"
#include "twin/shelf.h"
#include "twin/tokens.h"
#include "twin/upload.h"

namespace cardea::twin {
namespace {

using json::Writer;

Status refuse_body(std::string_view why) { return refuse_request(std::string{why}, "", ""); }
constexpr TaskReading reading{openai_words, false, refuse_body};

std::unexpected<Error> not_found(std::string_view kind, std::string_view id) {
  return fail(Kind::not_found, cat("No such ", kind, " object: ", id), "id");
}

/// The value of `name=` in a query; empty: none.
std::string_view query_value(std::string_view query, std::string_view name) {
  while (!query.empty()) {
    const auto end = std::min(query.find('&'), query.size());
    const auto pair = query.substr(0, end);
    if (pair.starts_with(name) && pair.substr(name.size()).starts_with('=')) return pair.substr(name.size() + 1);
    query.remove_prefix(std::min(query.size(), end + 1));
  }
  return {};
}

/// A page of a list: at most `limit`, behind the one named `after`.
template <class Thing>
struct Page {
  std::vector<Thing> things;
  bool more = false;
};
template <class Thing>
Page<Thing> page_of(std::vector<Thing> all, std::string_view query, std::size_t limit_default) {
  if (query_value(query, "order") == "asc") std::ranges::reverse(all);
  if (const auto after = query_value(query, "after"); !after.empty()) {
    const auto found = std::ranges::find(all, after, &Thing::id);
    all.erase(all.begin(), found == all.end() ? found : found + 1);
  }
  const auto limit = parse_number<std::size_t>(query_value(query, "limit")).value_or(limit_default);
  Page<Thing> page;
  page.more = all.size() > limit;
  all.resize(std::min(all.size(), limit));
  page.things = std::move(all);
  return page;
}
template <class Thing, class Write>
TaskReply reply_page(const Page<Thing>& page, Write&& write) {
  return reply_json([&](Writer& writer) {
    writer.begin_object().key("object").string("list").key("data").begin_array();
    for (const auto& thing : page.things) write(writer, thing);
    writer.end_array();
    if (!page.things.empty()) writer.key("first_id").string(page.things.front().id).key("last_id").string(page.things.back().id);
    writer.key("has_more").boolean(page.more).end_object();
  });
}

/// A request without a body.
template <class Answer>
void plan_reply(TaskPlan& plan, const TaskAsk& ask, Answer answer) {
  plan.reply = [name = std::string{ask.name}, query = std::string{ask.query},
                answer](const TaskScene& scene) -> Result<TaskReply> { return answer(scene, name, query); };
}

// ---- Files -----------------------------------------------------------------------------------------------------------------

constexpr std::uint64_t file_bytes_max = std::uint64_t{512} << 20;
constexpr std::string_view purposes[] = {"assistants", "batch", "fine-tune", "vision", "user_data", "evals"};

Status take_purpose(const At& at, StoredFile& file) {
  file.purpose = at.text();
  return one_of(at, purposes);
}
constexpr Row<StoredFile> file_rows[] = {{"purpose", is_text, take_purpose, true}};

void write_file(Writer& writer, const StoredFile& file) {
  writer.begin_object().key("object").string("file").key("id").string(file.id).key("purpose").string(file.purpose);
  writer.key("filename").string(file.filename).key("bytes").number(file.bytes).key("created_at").number(file.created);
  writer.key("expires_at").null().key("status").string("processed").key("status_details").null().end_object();
}

Status read_file_upload(const TaskAsk& ask, TaskPlan& plan) {
  StoredFile file;
  Status status = read_form_task(ask, reading, file_rows, plan, file);
  if (!status) return status;
  const auto* came = ask.upload->file("file");
  if (came == nullptr) return missing("file");
  if (came->size == 0) return refuse_request("File is empty.", "file", "invalid_file");
  if (came->size > file_bytes_max)
    return fail(Kind::too_large, cat("File is too large: ", came->size, " bytes, at most ", file_bytes_max, "."));
  if (file.purpose == "batch" && !came->filename.ends_with(".jsonl")) {
    return refuse_request("Invalid file format for Batch API. Must be .jsonl", "file", "invalid_file_format");
  }
  file.filename = came->filename;
  file.content_type = came->content_type;
  file.bytes = came->size;
  file.content = came->bytes;
  plan.reply = [file = std::move(file)](const TaskScene& scene) -> Result<TaskReply> {
    StoredFile kept = file;
    kept.created = scene.created;
    kept = scene.shelf.add(std::move(kept));
    return reply_json([&](Writer& writer) { write_file(writer, kept); });
  };
  return {};
}

Status read_file_list(const TaskAsk& ask, TaskPlan& plan) {
  plan_reply(plan, ask, [](const TaskScene& scene, std::string_view, std::string_view query) -> Result<TaskReply> {
    auto all = scene.shelf.files();
    const auto purpose = query_value(query, "purpose");
    if (!purpose.empty()) std::erase_if(all, [&](const StoredFile& file) { return file.purpose != purpose; });
    constexpr std::size_t limit = 10'000;
    return reply_page(page_of(std::move(all), query, limit), write_file);
  });
  return {};
}

Status read_file(const TaskAsk& ask, TaskPlan& plan) {
  plan_reply(plan, ask, [](const TaskScene& scene, std::string_view name, std::string_view) -> Result<TaskReply> {
    const auto file = scene.shelf.file(name);
    if (!file) return not_found("File", name);
    return reply_json([&](Writer& writer) { write_file(writer, *file); });
  });
  return {};
}

Status read_file_content(const TaskAsk& ask, TaskPlan& plan) {
  plan_reply(plan, ask, [](const TaskScene& scene, std::string_view name, std::string_view) -> Result<TaskReply> {
    auto file = scene.shelf.file(name);
    if (!file) return not_found("File", name);
    if (file->content.size() != file->bytes) {
      return fail(Kind::bad_request, cat("The twin kept the first ", file->content.size(), " of ", file->bytes, " bytes only."));
    }
    TaskReply reply;
    reply.body = std::move(file->content);
    reply.type = "content-type: application/octet-stream\r\n";
    return reply;
  });
  return {};
}

Status read_file_delete(const TaskAsk& ask, TaskPlan& plan) {
  plan_reply(plan, ask, [](const TaskScene& scene, std::string_view name, std::string_view) -> Result<TaskReply> {
    if (!scene.shelf.remove(name)) return not_found("File", name);
    return reply_json([&](Writer& writer) {
      writer.begin_object().key("id").string(name).key("object").string("file").key("deleted").boolean(true).end_object();
    });
  });
  return {};
}

// ---- Batches ---------------------------------------------------------------------------------------------------------------

/// What a line of a batch may ask for.
struct Endpoint {
  std::string_view path;
  const Form* chat;
  const TaskForm* task;
};
constexpr Endpoint endpoints[] = {
    {"/v1/chat/completions", &openai_chat_form, nullptr}, {"/v1/responses", &responses_form, nullptr},
    {"/v1/completions", &completions_form, nullptr},      {"/v1/embeddings", nullptr, &openai_embeddings},
    {"/v1/moderations", nullptr, &openai_moderations},    {"/v1/images/generations", nullptr, &openai_image_generations}};

struct Said {
  unsigned status = 200;
  std::string body;
};
Said refused(const Error& error) {
  const auto failure = failure_of(error);
  return {failure.status, openai_failure(failure)};
}

/// A chat of a batch is answered as any other, with the model's healthy behaviour.
Said say_chat(const Form& form, std::string_view body, const TaskScene& scene) {
  Ask ask;
  ask.body = body;
  ChatRequest request;
  if (Status valid = form.read(ask, request); !valid) return refused(valid.error());
  const auto* model = find_model(request.model);
  const Answer answer = compose(request, model != nullptr ? *model : model_rows().front(), {}, form.ids);
  const Scene around{
      .request = request, .model = request.model, .created = scene.created, .issuer = "twin", .operation = Operation::chat};
  return {200, form.document(answer, around)};
}
Said say_task(const TaskForm& form, std::string_view body, const TaskScene& scene) {
  TaskAsk ask;
  ask.body = body;
  TaskPlan plan;
  if (Status valid = form.read(ask, plan); !valid) return refused(valid.error());
  auto reply = plan.reply({.model = plan.model, .created = scene.created, .shelf = scene.shelf});
  if (!reply) return refused(reply.error());
  return {200, std::move(reply->body)};
}

/// One line of the output for one of the input.
std::string answer_line(std::string_view line, const Endpoint& endpoint, const TaskScene& scene) {
  const auto asked = json::parse(line);
  const auto* body = asked ? asked->find("body") : nullptr;
  Said said = refused(Error{Kind::bad_request, "This line has no body."});
  if (body != nullptr) {
    const auto text = body->dump();
    said = endpoint.chat != nullptr ? say_chat(*endpoint.chat, text, scene) : say_task(*endpoint.task, text, scene);
  }
  const auto seed = fingerprint(line);
  std::string out;
  Writer writer{out};
  writer.begin_object()
      .key("id")
      .string(hex_id("batch_req_", seed))
      .key("custom_id")
      .string(asked ? text_member(*asked, "custom_id") : "");
  writer.key("response").begin_object().key("status_code").number(said.status).key("request_id").string(hex_id("req_", seed));
  writer.key("body").raw(said.body).end_object().key("error").null().end_object();
  return out += '\n';
}

struct BatchRequest {
  StoredBatch batch;
  std::string endpoint;
};
Status take_input_file(const At& at, BatchRequest& request) {
  request.batch.input_file = at.text();
  return {};
}
Status take_endpoint(const At& at, BatchRequest& request) {
  request.batch.endpoint = at.text();
  std::string_view paths[std::size(endpoints)];
  std::ranges::transform(endpoints, paths, &Endpoint::path);
  return one_of(at, paths);
}
Status take_window(const At& at, BatchRequest& request) {
  request.batch.window = at.text();
  constexpr std::string_view windows[] = {"24h"};
  return one_of(at, windows);
}
Status take_metadata(const At& at, BatchRequest& request) {
  request.batch.metadata = at.value().dump();
  return {};
}
constexpr Row<BatchRequest> batch_rows[] = {
    {"input_file_id", is_text, take_input_file, true},
    {"endpoint", is_text, take_endpoint, true},
    {"completion_window", is_text, take_window, true},
    {"metadata", is_object, take_metadata},
    {"output_expires_after", is_object},
};

void write_batch(Writer& writer, const StoredBatch& batch) {
  constexpr std::uint64_t day = 86'400;
  using State = StoredBatch::State;
  const bool done = batch.state == State::done;
  const auto since = [&](std::string_view key, bool reached) {
    writer.key(key);
    if (reached) {
      writer.number(batch.created);
    } else {
      writer.null();
    }
  };
  writer.begin_object().key("id").string(batch.id).key("object").string("batch").key("endpoint").string(batch.endpoint);
  writer.key("errors").null().key("input_file_id").string(batch.input_file).key("completion_window").string(batch.window);
  writer.key("status")
      .string(done                              ? "completed"
              : batch.state == State::cancelled ? "cancelled"
                                                : "validating")
      .key("output_file_id");
  if (done) {
    writer.string(batch.output_file);
  } else {
    writer.null();
  }
  writer.key("error_file_id").null().key("created_at").number(batch.created);
  since("in_progress_at", done);
  writer.key("expires_at").number(batch.created + day);
  since("finalizing_at", done);
  since("completed_at", done);
  writer.key("failed_at").null().key("expired_at").null();
  since("cancelling_at", batch.state == State::cancelled);
  since("cancelled_at", batch.state == State::cancelled);
  writer.key("request_counts")
      .begin_object()
      .key("total")
      .number(batch.requests)
      .key("completed")
      .number(done ? batch.requests : 0);
  writer.key("failed").number(0).end_object().key("metadata").raw(batch.metadata).end_object();
}
TaskReply reply_batch(const StoredBatch& batch) {
  return reply_json([&](Writer& writer) { write_batch(writer, batch); });
}

/// Answers every line at once; the file shows itself when the batch is done.
Result<TaskReply> begin_batch(StoredBatch batch, const TaskScene& scene) {
  const auto input = scene.shelf.file(batch.input_file);
  if (!input || input->purpose != "batch") {
    return fail(Kind::bad_request, cat("Invalid file id: ", batch.input_file, ". It must name a file with purpose 'batch'."),
                "input_file_id");
  }
  const auto* endpoint = std::ranges::find(endpoints, std::string_view{batch.endpoint}, &Endpoint::path);
  StoredFile output{.purpose = "batch_output", .created = scene.created};
  for (std::string_view rest = input->content; !rest.empty();) {
    const auto end = std::min(rest.find('\n'), rest.size());
    const auto line = trim(rest.substr(0, end));
    rest.remove_prefix(std::min(rest.size(), end + 1));
    if (line.empty() || line == "\r") continue;
    output.content += answer_line(line, *endpoint, scene);
    ++batch.requests;
  }
  output.filename = cat(batch.input_file, "_output.jsonl");
  output.bytes = output.content.size();
  batch.output_file = scene.shelf.add(std::move(output)).id;
  batch.created = scene.created;
  return reply_batch(scene.shelf.add(std::move(batch)));
}

Status read_batch_create(const TaskAsk& ask, TaskPlan& plan) {
  BatchRequest request;
  Status status = read_task(ask, reading, batch_rows, plan, request);
  if (!status) return status;
  plan.reply = [batch = std::move(request.batch)](const TaskScene& scene) { return begin_batch(batch, scene); };
  return {};
}

Status read_batch_list(const TaskAsk& ask, TaskPlan& plan) {
  plan_reply(plan, ask, [](const TaskScene& scene, std::string_view, std::string_view query) -> Result<TaskReply> {
    constexpr std::size_t limit = 20;
    return reply_page(page_of(scene.shelf.batches(), query, limit), write_batch);
  });
  return {};
}

Status read_batch(const TaskAsk& ask, TaskPlan& plan) {
  plan_reply(plan, ask, [](const TaskScene& scene, std::string_view name, std::string_view) -> Result<TaskReply> {
    const auto batch = scene.shelf.batch(name, StoredBatch::State::done);
    if (!batch) return not_found("Batch", name);
    return reply_batch(*batch);
  });
  return {};
}

Status read_batch_cancel(const TaskAsk& ask, TaskPlan& plan) {
  plan_reply(plan, ask, [](const TaskScene& scene, std::string_view name, std::string_view) -> Result<TaskReply> {
    const auto batch = scene.shelf.batch(name, StoredBatch::State::cancelled);
    if (!batch) return not_found("Batch", name);
    if (batch->state == StoredBatch::State::done) return fail(Kind::conflict, "Cannot cancel a batch with status 'completed'.");
    return reply_batch(*batch);
  });
  return {};
}

}  // namespace

const TaskForm openai_file_upload{&openai_task_form, read_file_upload};
const TaskForm openai_file_list{&openai_task_form, read_file_list};
const TaskForm openai_file{&openai_task_form, read_file};
const TaskForm openai_file_content{&openai_task_form, read_file_content};
const TaskForm openai_file_delete{&openai_task_form, read_file_delete};
const TaskForm openai_batch_create{&openai_task_form, read_batch_create};
const TaskForm openai_batch_list{&openai_task_form, read_batch_list};
const TaskForm openai_batch{&openai_task_form, read_batch};
const TaskForm openai_batch_cancel{&openai_task_form, read_batch_cancel};

}  // namespace cardea::twin
