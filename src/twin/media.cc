#include "twin/media.h"

#include <algorithm>

#include "base/base64.h"
#include "base/text.h"
#include "net/crypto.h"

namespace cardea::twin {
namespace {

using namespace std::string_view_literals;

struct Magic {
  std::string_view bytes;
  std::size_t at;
  std::string_view type;
};
constexpr Magic magics[] = {{"\x89PNG\r\n\x1a\n"sv, 0, "image/png"},
                            {"\xff\xd8\xff"sv, 0, "image/jpeg"},
                            {"GIF8"sv, 0, "image/gif"},
                            {"WEBP"sv, 8, "image/webp"},
                            {"%PDF-"sv, 0, "application/pdf"},
                            {"WAVE"sv, 8, "audio/wav"},
                            {"ID3"sv, 0, "audio/mpeg"},
                            {"fLaC"sv, 0, "audio/flac"},
                            {"OggS"sv, 0, "audio/ogg"},
                            {"ftyp"sv, 4, "video/mp4"}};

struct Pair {
  std::string_view from;
  std::string_view to;
};
constexpr Pair spellings[] = {{"audio/mp3", "audio/mpeg"},    {"audio/x-wav", "audio/wav"}, {"audio/wave", "audio/wav"},
                              {"audio/x-flac", "audio/flac"}, {"image/jpg", "image/jpeg"},  {"text/x-markdown", "text/markdown"}};
constexpr Pair short_names[] = {
    {"png", "image/png"},
    {"jpeg", "image/jpeg"},
    {"jpg", "image/jpeg"},
    {"gif", "image/gif"},
    {"webp", "image/webp"},
    {"wav", "audio/wav"},
    {"mp3", "audio/mpeg"},
    {"flac", "audio/flac"},
    {"ogg", "audio/ogg"},
    {"opus", "audio/opus"},
    {"aac", "audio/aac"},
    {"m4a", "audio/mp4"},
    {"pcm", "audio/pcm"},
    {"pcm16", "audio/pcm"},
    {"mp4", "video/mp4"},
    {"mov", "video/quicktime"},
    {"mkv", "video/x-matroska"},
    {"webm", "video/webm"},
    {"pdf", "application/pdf"},
    {"csv", "text/csv"},
    {"txt", "text/plain"},
    {"md", "text/markdown"},
    {"html", "text/html"},
    {"doc", "application/msword"},
    {"docx", "application/vnd.openxmlformats-officedocument.wordprocessingml.document"},
    {"xls", "application/vnd.ms-excel"},
    {"xlsx", "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"},
};

template <std::size_t N>
std::string_view look_up(const Pair (&pairs)[N], std::string_view from) noexcept {
  const auto* found = std::ranges::find(pairs, from, &Pair::from);
  return found != std::end(pairs) ? found->to : std::string_view{};
}

}  // namespace

std::string_view sniff(std::string_view bytes) noexcept {
  for (const auto& magic : magics) {
    if (bytes.size() >= magic.at && bytes.substr(magic.at).starts_with(magic.bytes)) return magic.type;
  }
  return {};
}

std::string_view normal_type(std::string_view media_type) noexcept {
  const auto other = look_up(spellings, media_type);
  return other.empty() ? media_type : other;
}

std::string_view type_of_format(std::string_view format) noexcept { return look_up(short_names, format); }

Medium::Kind kind_of_type(std::string_view media_type) noexcept {
  if (media_type.starts_with("image/")) return Medium::Kind::image;
  if (media_type.starts_with("audio/")) return Medium::Kind::audio;
  return media_type.starts_with("video/") ? Medium::Kind::video : Medium::Kind::file;
}

std::string_view name(Medium::Kind kind) noexcept {
  constexpr std::string_view names[] = {"image", "audio", "video", "file"};
  return names[static_cast<std::size_t>(kind)];
}

void take_bytes(std::string_view bytes, Medium& medium) {
  const net::Digest digest = net::sha256(bytes);
  medium.size = bytes.size();
  medium.sha256 = to_hex({reinterpret_cast<const char*>(digest.data()), digest.size()});  // NOLINT
  if (medium.media_type.empty()) medium.media_type = sniff(bytes);
  medium.media_type = std::string{normal_type(medium.media_type)};
}

bool take_base64(std::string_view text, Medium& medium) {
  // The alphabet of URLs and missing padding, which from_base64() takes, vendors refuse.
  if (text.size() % 4 != 0 || text.find_first_of("-_") != std::string_view::npos) return false;
  const auto bytes = from_base64(text);
  if (bytes) take_bytes(*bytes, medium);
  return bytes.has_value();
}

bool take_url(std::string_view url, Medium& medium) {
  constexpr std::string_view scheme = "data:";
  constexpr std::string_view encoding = ";base64";
  if (!url.starts_with(scheme)) {
    medium.url = url;
    return true;
  }
  const auto comma = url.find(',');
  auto type = url.substr(scheme.size(), comma == std::string_view::npos ? 0 : comma - scheme.size());
  if (!type.ends_with(encoding)) return false;
  type.remove_suffix(encoding.size());
  medium.media_type = type;
  return take_base64(url.substr(comma + 1), medium);
}

std::string describe(const Medium& medium) {
  if (!medium.sha256.empty()) {
    return cat(medium.media_type.empty() ? "unknown type" : medium.media_type, ", ", medium.size, " bytes, sha256 ",
               medium.sha256);
  }
  return medium.url.empty() ? cat("id ", medium.id) : medium.url;
}

}  // namespace cardea::twin
