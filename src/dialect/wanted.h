#pragma once
// What a request holds by URL although its upstream wants the bytes: named here, fetched elsewhere, put in its place again. Pure.

#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "dialect/task.h"
#include "dialect/translate.h"

namespace cardea::dialect {

/// How upstreams take a kind of media that a request holds by URL.
enum class Takes : std::uint8_t {
  nothing,  ///< not this kind, however it comes: fetching it would be in vain
  bytes,    ///< only inline
  urls,     ///< they fetch it themselves
};

/// One part of a request.
struct WantedBytes {
  enum class Kind : std::uint8_t { image, audio, file } kind = Kind::image;
  std::string url;    ///< http(s), or a data URL that is not in base64
  std::string claim;  ///< what it says to be, by type or name: "application/pdf"; may be empty
  std::string field;  ///< as Loss::field
  /// Puts them into the request. `type`: by the bytes themselves; may be empty.
  std::function<void(std::string base64, std::string_view type)> put;
};

/// Of a chat, as far as the model may be able to take them. The request must stay where it is until the last put().
[[nodiscard]] std::vector<WantedBytes> wanted_bytes(const Dialect& upstream, const Abilities& abilities, model::Chat& chat);
/// Of other work.
[[nodiscard]] std::vector<WantedBytes> wanted_bytes(const TaskFormat& upstream, TaskRequest& request);

/// A field of a chat (as Loss::field) as the caller's own request has it.
[[nodiscard]] std::string field_of_caller(const Dialect& client, std::string_view body, const model::Chat& chat,
                                          std::string field);

/// The last part of a URL's path if it is a plain name of a file ("report.pdf"); else empty.
[[nodiscard]] std::string file_name_of(std::string_view url);

}  // namespace cardea::dialect
