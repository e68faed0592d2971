#include "dialect/pairs/streams.h"

#include <gtest/gtest.h>

#include "base/text.h"
#include "dialect/pairs/flow_util.h"

namespace cardea::dialect::pairs {

StreamRead read_stream(const Dialect& dialect, std::string_view bytes) {
  constexpr std::size_t event_bytes_max = 64u << 20;
  StreamRead out;
  FrameReader reader{dialect.traits().framing, event_bytes_max};
  const auto decoder = dialect.stream_decoder();
  while (true) {
    auto frame = reader.next(bytes);
    if (!frame) {
      out.status = fail_with(frame);
      return out;
    }
    if (!*frame) break;
    bytes.remove_prefix((*frame)->bytes);
    if (!(*frame)->has_data) continue;
    out.status = decoder->event((*frame)->type, (*frame)->data, out.events);
    if (!out.status) return out;
  }
  auto last = reader.last(bytes);
  if (!last) {
    out.status = fail_with(last);
    return out;
  }
  if (*last && (*last)->has_data) out.status = decoder->event((*last)->type, (*last)->data, out.events);
  if (out.status) out.status = decoder->end(out.events);
  return out;
}

std::string write_stream(const Dialect& dialect, const std::vector<model::ChatEvent>& events, const AnswerContext& context,
                         Losses& losses) {
  const auto encoder = dialect.stream_encoder(context);
  std::string out;
  for (const auto& one : events) encoder->encode(one, out);
  losses.add(encoder->losses());
  return out;
}

namespace {

/// Two calls whose arguments come by turns; the second is whole first.
std::vector<model::ChatEvent> interleaved_calls() {
  namespace event = model::event;
  const auto call = [](std::string id, std::string name) {
    return model::Part{.value = model::ToolCall{.id = std::move(id), .name = std::move(name)}};
  };
  return {event::Start{.id = "x", .model = "m"},
          event::PartStart{0, 0, call("call_1", "get_weather")},
          event::PartStart{0, 1, call("call_2", "get_time")},
          event::Delta{0, 1, R"({"zone":)"},
          event::Delta{0, 0, R"({"city":")"},
          event::Delta{0, 1, R"("CET"})"},
          event::Delta{0, 0, R"(Bern"})"},
          event::PartStop{0, 1},
          event::PartStop{0, 0},
          event::ChoiceFinish{.choice = 0, .finish = model::Finish::tool_calls},
          event::End{}};
}

TEST(Streams, InterleavedCallsKeepTheirOrder) {
  const auto request = streamed_question();
  for (const auto* client : all()) {
    if (is_prompt_form(*client)) continue;
    Losses losses;
    const auto bytes = write_stream(*client, interleaved_calls(), context_of(*client, request), losses);
    const auto got = assemble(read_stream(*client, bytes).events);
    EXPECT_TRUE(got.ended) << client->name();
    EXPECT_EQ(got.error, "") << client->name() << "\n" << bytes;
    std::vector<std::string> calls;
    for (const auto& part : got.answer.choices.at(0).parts) {
      if (const auto* call = std::get_if<model::ToolCall>(&part.value)) calls.push_back(cat(call->name, call->arguments));
    }
    EXPECT_EQ(calls, (std::vector<std::string>{R"(get_weather{"city":"Bern"})", R"(get_time{"zone":"CET"})"}))
        << client->name() << "\n"
        << bytes;
  }
}

}  // namespace

}  // namespace cardea::dialect::pairs
