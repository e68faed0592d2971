#pragma once
// Images, sounds and files that come with a request.

#include <string>
#include <string_view>

#include "twin/request.h"

namespace cardea::twin {

/// Takes inline bytes. Fills in size and hash, and the media type when it was not said and the bytes tell. False: no base64.
[[nodiscard]] bool take_base64(std::string_view text, Medium& medium);
/// Takes plain bytes, of a document that is text.
void take_bytes(std::string_view bytes, Medium& medium);
/// Takes an address; of a `data:` URL (RFC 2397) the bytes in it. False: a data URL that is not well formed.
[[nodiscard]] bool take_url(std::string_view url, Medium& medium);
/// The media type that `bytes` begin like; empty: no idea.
[[nodiscard]] std::string_view sniff(std::string_view bytes) noexcept;
/// One spelling for types that have several: "audio/mp3" is "audio/mpeg", "image/jpg" is "image/jpeg".
[[nodiscard]] std::string_view normal_type(std::string_view media_type) noexcept;
/// What a file name's or a vendor's short name of a format stands for: "png", "mp3", "pdf"; empty: unknown.
[[nodiscard]] std::string_view type_of_format(std::string_view format) noexcept;
/// Image, sound, video or file, by the media type.
[[nodiscard]] Medium::Kind kind_of_type(std::string_view media_type) noexcept;
/// "image", "audio", …
[[nodiscard]] std::string_view name(Medium::Kind kind) noexcept;
/// "image/png, 68 bytes, sha256 …", or its address.
[[nodiscard]] std::string describe(const Medium& medium);

}  // namespace cardea::twin
