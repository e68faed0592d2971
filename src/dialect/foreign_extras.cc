// Extras that a request says are another dialect's (only gateways speak such): they go to that dialect's upstreams as they are,
// so they must be extras there, too, and not a second spelling of a field that the gateway has read, or would have judged.

#include <algorithm>

#include "base/text.h"
#include "dialect/fields.h"
#include "dialect/passes.h"

namespace cardea::dialect {
namespace {

class Collector {
 public:
  void chat(const model::Chat& chat) {
    add(chat.extras);
    if (chat.tools) {
      for (const auto& tool : *chat.tools) add(tool.extras);
    }
    for (const auto& message : chat.messages) {
      add(message.extras);
      parts(message.parts);
    }
    std::ranges::sort(all_);
  }
  [[nodiscard]] const std::vector<std::pair<std::string_view, std::string_view>>& all() const noexcept { return all_; }

 private:
  void add(const model::Extras& extras) {
    for (const auto& extra : extras) all_.emplace_back(extra.key, extra.value.text);
  }
  void parts(const std::vector<model::Part>& parts) {
    for (const auto& part : parts) {
      add(part.extras);
      if (const auto* result = std::get_if<model::ToolResult>(&part.value)) this->parts(result->parts);
    }
  }

  std::vector<std::pair<std::string_view, std::string_view>> all_;
};

}  // namespace

Status check_foreign_extras(const model::Chat& chat, const Pair& pair, std::string_view body) {
  const bool foreign = pair.client.traits().gateway && !pair.upstream.traits().gateway && chat.dialect == pair.upstream.name();
  if (!foreign) return {};
  Collector said;
  said.chat(chat);
  if (said.all().empty()) return {};
  auto read = pair.upstream.decode_request(body, {.model = pair.model, .stream = chat.stream});
  if (!read) return bad_field("extras", cat("hold what is no extra of ", chat.dialect, ": ", read.error().message()));
  Collector there;
  there.chat(*read);
  for (const auto& extra : said.all()) {
    if (std::ranges::binary_search(there.all(), extra)) continue;
    return bad_field("extras", cat("hold '", extra.first.substr(0, 64), "', which is no extra of ", chat.dialect,
                                   " there; say it in the member that this format has for it"));
  }
  return {};
}

}  // namespace cardea::dialect
