// Anthropic's dialect: any bytes are read or refused, never a crash; what was read is written as JSON that reads the same; a
// stream says the same however it is cut, its parts begin and end in turn, and what is written from it never nests.
#include <set>
#include <string>
#include <vector>

#include "dialect/dialect.h"
#include "dialect/framing.h"
#include "fuzz/check.h"
#include "json/value.h"

using namespace cardea;
using fuzz::check;
namespace event = model::event;

namespace {

const dialect::Dialect& codec = dialect::anthropic();

void check_request(std::string_view body) {
  auto chat = codec.decode_request(body, {});
  if (!chat) {
    check(chat.error().is(Kind::bad_request) && !chat.error().message().empty(), "an error without words");
    return;
  }
  dialect::Losses losses;
  const auto text = codec.encode_request(*chat, losses);
  check(json::parse(text).has_value(), "a request that is no JSON");
  // Blank texts and merged turns are gone after the first time; then nothing changes any more.
  auto again = codec.decode_request(text, {});
  if (!again) return;  // nothing but blanks
  dialect::Losses more;
  const auto second = codec.encode_request(*again, more);
  auto third = codec.decode_request(second, {});
  check(third.has_value() && *third == *again, "a request changes when it is written again");
  chat->dialect = "another";
  check(json::parse(codec.encode_request(*chat, losses)).has_value(), "a foreign request that is no JSON");
}

void check_answer(std::string_view body) {
  auto answer = codec.decode_response(body);
  static_cast<void>(codec.inspect_response(body, Secret{"sk-secret-12345"}));
  static_cast<void>(codec.upstream_error({.status = 429, .body = body}, Secret{"sk-secret-12345"}));
  if (!answer) return;
  const model::Chat asked;
  const dialect::AnswerContext context{.request = asked, .id = "msg_x", .model = "m"};
  dialect::Losses losses;
  check(codec.decode_response(codec.encode_response(*answer, context, losses)).has_value(), "an answer cannot be read again");
  answer->dialect = "another";
  check(codec.decode_response(codec.encode_response(*answer, context, losses)).has_value(), "a foreign answer likewise");
}

struct Decoded {
  std::vector<model::ChatEvent> events;
  bool ended = false;
};

Decoded decode(std::string_view bytes, std::uint64_t piece_max) {
  auto random = fuzz::random_of(bytes);
  auto decoder = codec.stream_decoder();
  dialect::FrameReader reader{dialect::Framing::sse, 1u << 16};
  Decoded out;
  std::size_t begin = 0;
  std::size_t end = piece_max == 0 ? bytes.size() : 0;
  while (true) {
    auto frame = reader.next(bytes.substr(begin, end - begin));
    if (!frame) return out;
    if (*frame) {
      begin += (*frame)->bytes;
      if ((*frame)->has_data && !decoder->event((*frame)->type, (*frame)->data, out.events)) return out;
    } else if (end == bytes.size()) {
      out.ended = decoder->end(out.events).has_value();
      return out;
    } else {
      end = std::min<std::size_t>(bytes.size(), end + 1 + random.below(piece_max));
    }
  }
}

void check_order(const std::vector<model::ChatEvent>& events) {
  std::set<std::uint64_t> open;
  std::uint64_t next = 0;
  for (std::size_t i = 0; i < events.size(); ++i) {
    check(std::holds_alternative<event::Start>(events[i]) ? i == 0 || !std::holds_alternative<event::Start>(events[0]) : true,
          "it starts twice");
    if (const auto* begun = std::get_if<event::PartStart>(&events[i])) {
      check(begun->part >= next && open.insert(begun->part).second, "parts rise");
      next = begun->part + 1;
    }
    if (const auto* delta = std::get_if<event::Delta>(&events[i])) check(open.contains(delta->part), "a delta of no part");
    if (const auto* stop = std::get_if<event::PartStop>(&events[i])) check(open.erase(stop->part) == 1, "an end of no part");
    if (std::holds_alternative<event::End>(events[i])) check(i + 1 == events.size() && open.empty(), "something behind the end");
  }
}

/// What is written stands in Anthropic's order.
void check_written(const std::vector<model::ChatEvent>& events) {
  const model::Chat asked;
  auto encoder = codec.stream_encoder({.request = asked, .id = "msg_x", .model = "m"});
  std::string out;
  for (const auto& said : events) encoder->encode(said, out);
  dialect::FrameReader reader{dialect::Framing::sse, 1u << 20};
  std::string_view rest = out;
  bool open = false;
  std::uint64_t blocks = 0;
  while (true) {
    auto frame = reader.next(rest);
    check(frame.has_value(), "no event");
    if (!*frame) break;
    rest.remove_prefix((*frame)->bytes);
    auto value = json::parse((*frame)->data);
    check(value.has_value() && *value->find("type")->as_string() == (*frame)->type, "name and type differ");
    const auto* index = value->find("index");
    if (index == nullptr) continue;
    check(index->as_u64() == blocks, "blocks are numbered in order");
    const bool starts = (*frame)->type == "content_block_start";
    check(starts != open, "blocks nest");
    open = (*frame)->type != "content_block_stop";
    if (!open) ++blocks;
  }
  check(rest.empty(), "an event without its end");
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const auto bytes = fuzz::text(data, size);
  check_request(bytes);
  check_answer(bytes);
  const auto whole = decode(bytes, 0);
  for (const std::uint64_t piece : {1, 13}) {
    const auto cut = decode(bytes, piece);
    check(cut.events == whole.events && cut.ended == whole.ended, "split says something else");
  }
  check_order(whole.events);
  check_written(whole.events);
  return 0;
}
