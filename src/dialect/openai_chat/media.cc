#include "dialect/openai_chat/media.h"

#include <algorithm>
#include <array>

#include "base/text.h"

namespace cardea::dialect::openai {
namespace {

constexpr std::string_view base64_mark = ";base64,";

struct Kind {
  std::string_view media_type;
  std::string_view ending;
  std::string_view base64;  ///< of the first bytes; empty: they say nothing
};
// The first row of an ending or a beginning counts.
constexpr std::array<Kind, 13> kinds{{
    {"image/png", "png", "iVBORw0KGgo"},
    {"image/jpeg", "jpg", "/9j/"},
    {"image/gif", "gif", "R0lGOD"},
    {"image/webp", "webp", "UklGR"},
    {"application/pdf", "pdf", "JVBERi0"},
    {"text/plain", "txt", {}},
    {"text/csv", "csv", {}},
    {"text/html", "html", {}},
    {"text/markdown", "md", {}},
    {"application/json", "json", {}},
    {"application/msword", "doc", {}},
    {"application/vnd.openxmlformats-officedocument.wordprocessingml.document", "docx", {}},
    {"application/vnd.openxmlformats-officedocument.spreadsheetml.sheet", "xlsx", {}},
}};

std::string_view type_of_bytes(std::string_view base64) {
  const auto kind = std::ranges::find_if(kinds, [&](const Kind& k) { return !k.base64.empty() && base64.starts_with(k.base64); });
  return kind != kinds.end() ? kind->media_type : std::string_view{};
}
std::string_view type_of_name(std::string_view name) {
  const auto dot = name.rfind('.');
  if (dot == std::string_view::npos) return {};
  const auto ending = to_lower(name.substr(dot + 1));
  const auto kind = std::ranges::find(kinds, std::string_view{ending}, &Kind::ending);
  return kind != kinds.end() ? kind->media_type : std::string_view{};
}

}  // namespace

model::Media media_of_url(const std::string& url) {
  model::Media media;
  const bool inline_data = iequals(std::string_view{url}.substr(0, 5), "data:");
  const auto mark = inline_data ? url.find(base64_mark) : std::string::npos;
  if (mark == std::string::npos) {
    media.url = url;
    return media;
  }
  if (mark > 5) media.media_type = url.substr(5, mark - 5);
  media.base64 = url.substr(mark + base64_mark.size());
  return media;
}

void read_file_data(const std::string& data, model::File& file) {
  auto id = std::move(file.media.id);
  file.media = media_of_url(data);
  file.media.id = std::move(id);
  if (file.media.url && !file.media.url->starts_with("data:")) file.media.base64 = std::exchange(file.media.url, std::nullopt);
  if (!file.media.base64 || file.media.media_type) return;
  std::string_view type = type_of_bytes(*file.media.base64);
  if (type.empty() && file.name) type = type_of_name(*file.name);
  if (!type.empty()) file.media.media_type = type;
}

std::string data_url(const model::Media& media, Origin origin) {
  std::string_view type = media.media_type ? std::string_view{*media.media_type} : std::string_view{};
  if (type.empty() && origin == Origin::other) type = type_of_bytes(*media.base64);
  return cat("data:", type, base64_mark, *media.base64);
}

std::string file_data(const model::File& file, Origin origin) {
  if (origin == Origin::own && !file.media.media_type) return *file.media.base64;
  model::Media media = file.media;
  if (!media.media_type && type_of_bytes(*media.base64).empty()) {
    const auto type = file.name ? type_of_name(*file.name) : std::string_view{};
    media.media_type = type.empty() ? "application/octet-stream" : type;
  }
  return data_url(media, origin);
}

std::string_view file_ending(const model::File& file) {
  const std::string_view type =
      file.media.media_type ? std::string_view{*file.media.media_type} : type_of_bytes(*file.media.base64);
  const auto kind = std::ranges::find(kinds, type, &Kind::media_type);
  return kind != kinds.end() ? kind->ending : "bin";
}

std::string_view audio_format(const model::Audio& audio) {
  constexpr std::array<std::pair<std::string_view, std::string_view>, 8> rows{{{"wav", "wav"},
                                                                               {"mp3", "mp3"},
                                                                               {"mpeg", "mp3"},
                                                                               {"audio/wav", "wav"},
                                                                               {"audio/x-wav", "wav"},
                                                                               {"audio/wave", "wav"},
                                                                               {"audio/mpeg", "mp3"},
                                                                               {"audio/mp3", "mp3"}}};
  for (const auto* said : {&audio.format, &audio.media.media_type}) {
    if (!*said) continue;
    const auto row = std::ranges::find(rows, std::string_view{**said}, &std::pair<std::string_view, std::string_view>::first);
    if (row != rows.end()) return row->second;
  }
  return {};
}

bool is_web_address(std::string_view url) {
  return iequals(url.substr(0, 8), "https://") || iequals(url.substr(0, 7), "http://");
}

}  // namespace cardea::dialect::openai
