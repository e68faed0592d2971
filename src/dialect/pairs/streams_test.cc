#include "dialect/pairs/streams.h"

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

}  // namespace cardea::dialect::pairs
