#pragma once
// Private to the folder: bytes in OpenAI's words: data URLs, base64 with a file name, audio formats.

#include <cstdint>
#include <string>
#include <string_view>

#include "model/chat.h"

namespace cardea::dialect::openai {

/// Was it said in this dialect, or in another?
enum class Origin : std::uint8_t { own, other };

/// "data:image/png;base64,…" becomes bytes with a media type; anything else is a URL.
[[nodiscard]] model::Media media_of_url(const std::string& url);
/// `file_data`: a data URL or bare base64, whose type the file's name or its first bytes tell.
void read_file_data(const std::string& data, model::File& file);

/// Own: as it was said; else a missing media type is told from the first bytes.
[[nodiscard]] std::string data_url(const model::Media& media, Origin origin);
[[nodiscard]] std::string file_data(const model::File& file, Origin origin);
/// "pdf", "txt", …: how a name for such a file ends.
[[nodiscard]] std::string_view file_ending(const model::File& file);
/// "wav", "mp3", or empty.
[[nodiscard]] std::string_view audio_format(const model::Audio& audio);
[[nodiscard]] bool is_web_address(std::string_view url);

}  // namespace cardea::dialect::openai
