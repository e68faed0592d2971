// Cardea's own format on any bytes, as JSON and as XML: what can be read comes back the same, in both forms.
#include <string>
#include <vector>

#include "dialect/dialect.h"
#include "dialect/native/forms.h"
#include "dialect/task.h"
#include "fuzz/check.h"
#include "json/scan.h"

using namespace cardea;
using fuzz::check;

namespace {

const dialect::Dialect& codec = dialect::native();

void request(std::string_view text) {
  auto chat = codec.decode_request(text, {});
  if (!chat) return;
  dialect::Losses losses;
  const auto body = codec.encode_request(*chat, losses);
  auto again = codec.decode_request(body, {});
  check(again.has_value() && *again == *chat && losses.empty(), "a request comes back");
  for (const auto* other : dialect::all()) {
    dialect::Losses lost;
    check(json::validate(other->encode_request(*chat, lost)).has_value(), "every dialect writes JSON");
  }
}

void answer(std::string_view text) {
  const model::Chat asked;
  const auto read = codec.decode_response(text);
  if (!read) return;
  dialect::Losses losses;
  const auto body = codec.encode_response(*read, {.request = asked, .id = {}, .model = {}}, losses);
  const auto again = codec.decode_response(body);
  check(again.has_value() && *again == *read, "an answer comes back");
  static_cast<void>(dialect::native_xml().encode_response(*read, {.request = asked, .id = {}, .model = {}}, losses));
}

void stream(std::string_view text) {
  const auto decoder = codec.stream_decoder();
  dialect::FrameReader reader{codec.traits().framing, 1u << 16};
  std::vector<model::ChatEvent> events;
  bool failed = false;
  while (!failed) {
    auto frame = reader.next(text);
    if (!frame || !*frame) break;
    failed = (*frame)->has_data && !decoder->event((*frame)->type, (*frame)->data, events);
    text.remove_prefix((*frame)->bytes);
  }
  failed = failed || !decoder->end(events);
  std::size_t ends = 0;
  for (const auto& event : events) {
    check(ends == 0, "nothing follows the end");
    ends += std::holds_alternative<model::event::End>(event) || std::holds_alternative<model::event::Failure>(event) ? 1u : 0u;
  }
  check(failed || ends == 1, "a stream that ended says so");
}

/// Work that is no chat: what XML says, JSON says too, and it comes back.
void task(dialect::Task kind, std::string_view text) {
  const auto json = dialect::native_request(text, kind);
  if (!json) return;
  const auto& format = *dialect::find_task_format(kind, codec.name());
  const auto read = format.decode_request(*json, {});
  if (!read) return;
  dialect::Losses losses;
  const auto body = format.encode_request(*read, losses);
  check(body.has_value() && losses.empty(), "a request is written");
  const auto again = format.decode_request(body->body, {});
  check(again.has_value() && *again == *read, "a request of a task comes back");
}

void task_answer(dialect::Task kind, std::string_view text) {
  const auto& format = *dialect::find_task_format(kind, codec.name());
  const auto read = format.decode_answer(text);
  if (!read) return;
  const dialect::TaskRequest asked;
  dialect::Losses losses;
  const auto body = format.encode_answer(*read, {.request = asked, .id = {}, .model = {}}, losses);
  check(!dialect::native_task_answer(dialect::native_xml(), kind, body).empty(), "an answer has an XML form");
}

constexpr dialect::Task tasks[] = {dialect::Task::embed, dialect::Task::rerank, dialect::Task::moderate, dialect::Task::tokenize,
                                   dialect::Task::detokenize};

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const auto text = fuzz::text(data, size);
  request(text);
  answer(text);
  stream(text);
  if (const auto json = dialect::native_request(text)) {
    check(json::validate(*json).has_value(), "XML becomes JSON");
    request(*json);
  }
  for (const auto kind : tasks) {
    task(kind, text);
    task_answer(kind, text);
  }
  return 0;
}
