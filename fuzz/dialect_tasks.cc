// Every format of work that is no chat, on any bytes: what can be read can be written, and what was written reads the same.
#include <string>

#include "dialect/task.h"
#include "fuzz/check.h"
#include "wire/multipart.h"

using namespace cardea;
using fuzz::check;

namespace {

void request(const dialect::TaskFormat& format, std::string_view text) {
  const dialect::Asked asked{.model = "m", .stream = {}};
  auto read = format.decode_request(text, asked);
  const auto view = dialect::inspect_task(format, text, asked);
  check(view.has_value() || view.error().kind() == Kind::bad_request, "a request that is refused is the client's fault");
  if (view) {
    const auto edits = dialect::task_edits(format, *view, "other");
    check(edits.has_value(), "a request that was read can be renamed");
    check(json::scan(edits->apply(text)).has_value(), "what was edited is JSON still");
  }
  if (!read) return;
  dialect::Losses losses;
  const auto body = format.encode_request(*read, losses);
  if (!body) return;  // an image by URL where only bytes will do
  const auto again = format.decode_request(body->body, asked);
  check(again.has_value(), "a request that was read is written readably");
  check(*again == *read, "what was written reads the same");
  check(losses.empty(), "nothing is lost at home");
}

/// What a client asks of a picture, in every vendor's words: a form of parts is one, anything else is JSON.
void drawn(std::string_view text) {
  static const auto& client = *dialect::find_task_format(dialect::Task::draw, "openai");
  const auto read = client.decode_request(text, {.model = "m", .stream = {}});
  if (!read) return;
  for (const auto* format : dialect::task_formats()) {
    if (format->task != dialect::Task::draw) continue;
    auto asked = std::get<model::Draw>(*read);
    // A client's words as an operator's graph.
    if (!asked.extras.empty()) asked.workflow = asked.extras.front().value.text;
    dialect::Losses losses;
    const auto message = format->encode_request(asked, losses);
    if (!message) {
      const auto kind = message.error().kind();
      check(kind == Kind::bad_request || kind == Kind::config, "a picture that cannot be asked for is the client's fault");
    } else if (message->content_type == "application/json") {
      check(json::validate(message->body).has_value(), "what is written is JSON");
    } else {
      const auto boundary = wire::multipart_boundary(message->content_type);
      check(boundary.has_value(), "a form names its boundary");
      wire::MultipartParser parser{*boundary};
      std::string_view rest = message->body;
      for (auto kind = wire::MultipartEvent::Kind::part; kind != wire::MultipartEvent::Kind::none;) {
        const auto event = parser.next(rest);
        check(event.has_value(), "what is written is a form");
        kind = event->kind;
      }
      check(parser.finish().has_value(), "a form has an end");
    }
  }
}

void answer(const dialect::TaskFormat& format, std::string_view text) {
  auto read = format.decode_answer(text);
  if (const auto step = dialect::next_step(format, text, {}); !step) {
    check(step.error().fault() == Fault::upstream, "work that came to nothing is the upstream's fault");
  }
  const auto view = dialect::inspect_task_answer(format, text, {});
  check(view.has_value() || view.error().fault() == Fault::upstream, "an answer that is refused is the upstream's fault");
  if (!read || format.encode_answer == nullptr) return;
  const dialect::TaskRequest asked = format.task == dialect::Task::embed ? dialect::TaskRequest{model::Embed{}} : model::Rerank{};
  const dialect::TaskContext context{.request = asked, .id = "i", .model = "m"};
  dialect::Losses losses;
  const auto body = format.encode_answer(*read, context, losses);
  // Vectors of a kind, or of an order, that the format has no place for are the gateway's business (fit_vectors).
  if (format.task == dialect::Task::embed) {
    check(json::validate(body).has_value(), "what is written is JSON");
    return;
  }
  check(format.decode_answer(body).has_value(), "an answer that was read is written readably");
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const auto text = fuzz::text(data, size);
  for (const auto* format : dialect::task_formats()) {
    request(*format, text);
    answer(*format, text);
  }
  drawn(text);
  return 0;
}
