// Images, audio and files: `inlineData` and `fileData`, told apart by their media type.

#include <algorithm>
#include <array>

#include "dialect/gemini/gemini.h"

namespace cardea::dialect::google {

using json::Type;
using json::Value;
using model::Part;

namespace {

/// File name endings and the first characters of base64, with the types of the guide's lists of what models read.
struct Ending {
  std::string_view ending;
  std::string_view type;
};
constexpr std::array<Ending, 31> endings{
    {{".png", "image/png"},   {".jpg", "image/jpeg"},  {".jpeg", "image/jpeg"},      {".webp", "image/webp"},
     {".gif", "image/gif"},   {".heic", "image/heic"}, {".heif", "image/heif"},      {".avif", "image/avif"},
     {".bmp", "image/bmp"},   {".wav", "audio/wav"},   {".mp3", "audio/mp3"},        {".aiff", "audio/aiff"},
     {".aac", "audio/aac"},   {".ogg", "audio/ogg"},   {".flac", "audio/flac"},      {".m4a", "audio/m4a"},
     {".mp4", "video/mp4"},   {".mpeg", "video/mpeg"}, {".mov", "video/mov"},        {".avi", "video/avi"},
     {".webm", "video/webm"}, {".wmv", "video/wmv"},   {".3gp", "video/3gpp"},       {".pdf", "application/pdf"},
     {".txt", "text/plain"},  {".html", "text/html"},  {".css", "text/css"},         {".md", "text/md"},
     {".csv", "text/csv"},    {".xml", "text/xml"},    {".json", "application/json"}}};
constexpr std::array<Ending, 10> beginnings{{{"iVBORw0KGgo", "image/png"},
                                             {"/9j/", "image/jpeg"},
                                             {"R0lGOD", "image/gif"},
                                             {"UklGR", "image/webp"},  // RIFF, of images
                                             {"JVBERi0", "application/pdf"},
                                             {"SUQz", "audio/mp3"},
                                             {"//uQ", "audio/mp3"},
                                             {"T2dnUw", "audio/ogg"},
                                             {"ZkxhQw", "audio/flac"},
                                             {"AAAA", "video/mp4"}}};

/// OpenAI's names of audio formats.
struct AudioRow {
  std::string_view type;  ///< a prefix of the media type, lower-case; the first of a format is what is written
  std::string_view format;
};
constexpr std::array<AudioRow, 13> audio_rows{{{"audio/wav", "wav"},
                                               {"audio/x-wav", "wav"},
                                               {"audio/wave", "wav"},
                                               {"audio/mp3", "mp3"},
                                               {"audio/mpeg", "mp3"},
                                               {"audio/pcm", "pcm16"},
                                               {"audio/l16", "pcm16"},
                                               {"audio/flac", "flac"},
                                               {"audio/ogg", "ogg"},
                                               {"audio/opus", "opus"},
                                               {"audio/aac", "aac"},
                                               {"audio/aiff", "aiff"},
                                               {"audio/m4a", "m4a"}}};

std::string_view by_ending(std::string_view name) {
  name = name.substr(0, name.find_first_of("?#"));
  const auto lowered = to_lower(name);
  for (const auto& row : endings) {
    if (lowered.ends_with(row.ending)) return row.type;
  }
  return {};
}

/// Bytes of a vendor that writes base64 for URLs (Google's Python SDK does) in the alphabet that all vendors read.
std::string standard_base64(std::string text) {
  if (text.find_first_of("-_") == std::string::npos) return text;
  std::ranges::replace(text, '-', '+');
  std::ranges::replace(text, '_', '/');
  while (text.size() % 4 != 0) text.push_back('=');
  return text;
}

bool is_uri(std::string_view text) {
  return text.starts_with("https://") || text.starts_with("http://") || text.starts_with("gs://");
}

void take(model::Media media, Part& out) {
  const std::string type = to_lower(media.media_type.value_or(""));
  if (type.starts_with("image/")) {
    out.value = model::Image{.media = std::move(media), .detail = {}};
  } else if (type.starts_with("audio/")) {
    model::Audio audio{.media = std::move(media)};
    for (const auto& row : audio_rows) {
      if (type.starts_with(row.type)) audio.format = row.format;
      if (audio.format) break;
    }
    out.value = std::move(audio);
  } else {
    out.value = model::File{.media = std::move(media), .name = {}};
  }
}

struct Resolution {
  std::string_view detail;
  std::string_view level;
};
constexpr std::array<Resolution, 2> resolutions{{{"low", "MEDIA_RESOLUTION_LOW"}, {"high", "MEDIA_RESOLUTION_HIGH"}}};

/// An image's `detail` is a part's mediaResolution, where the two have the same words.
bool take_resolution(const Value& part, Part& out) {
  auto* image = std::get_if<model::Image>(&out.value);
  const auto resolution = field(part, "mediaResolution");
  if (image == nullptr || !resolution || resolution.value->members().size() != 1) return false;
  const auto* level = resolution.value->find("level");
  for (const auto& row : resolutions) {
    if (level != nullptr && level->as_string() != nullptr && *level->as_string() == row.level) image->detail = row.detail;
  }
  return image->detail.has_value();
}

}  // namespace

Status decode_media(const Value& part, std::string_view path, Part& out) {
  constexpr std::array<std::string_view, 3> inline_known{"mimeType", "data", "displayName"};
  constexpr std::array<std::string_view, 3> file_known{"mimeType", "fileUri", "displayName"};
  const auto bytes = field(part, "inlineData");
  const auto found = bytes ? bytes : field(part, "fileData");
  const auto inner = below(path, found.key);
  if (!found.value->is(Type::object)) return wrong_type(inner, "an object", found.value->type());
  const std::string_view source = bytes ? "data" : "fileUri";
  model::Media media;
  auto status = read_field(*found.value, "mimeType", inner, media.media_type);
  std::optional<std::string> content;
  if (status) status = read_field(*found.value, source, inner, content);
  if (!status) return status;
  if (!content) return bad_field(below(inner, source), "is missing");
  if (bytes) {
    media.base64 = standard_base64(std::move(*content));
  } else {
    media.url = std::move(*content);
  }
  take(std::move(media), out);
  const std::string_view name = bytes ? "inlineData" : "fileData";
  auto known = bytes ? inline_known : file_known;
  if (auto* file = std::get_if<model::File>(&out.value)) {
    status = read_field(*found.value, "displayName", inner, file->name);
  } else {
    known[2] = {};
  }
  if (!status) return status;
  std::array<std::string_view, 5> outer{"inlineData", "fileData", "thoughtSignature", "thought", {}};
  if (take_resolution(part, out)) outer.back() = "mediaResolution";
  collect_rest(part, outer, out.extras);
  collect_inner_rest(*found.value, name, known, out.extras);
  return {};
}

bool is_media(const Part& part) noexcept {
  return std::holds_alternative<model::Image>(part.value) || std::holds_alternative<model::Audio>(part.value) ||
         std::holds_alternative<model::File>(part.value);
}

const model::Media& media_of(const Part& part) noexcept {
  if (const auto* image = std::get_if<model::Image>(&part.value)) return image->media;
  if (const auto* audio = std::get_if<model::Audio>(&part.value)) return audio->media;
  return std::get<model::File>(part.value).media;
}

bool is_given(const model::Media& media) noexcept {
  return media.base64 || (media.url && is_uri(*media.url)) || (media.id && is_uri(*media.id));
}

std::string media_type_of(const Part& part) {
  const auto& media = media_of(part);
  if (media.media_type && !media.media_type->empty()) return *media.media_type;
  const auto* audio = std::get_if<model::Audio>(&part.value);
  const auto* file = std::get_if<model::File>(&part.value);
  if (audio != nullptr && audio->format) {
    for (const auto& row : audio_rows) {
      if (row.format == *audio->format) return std::string{row.type};
    }
    return cat("audio/", *audio->format);
  }
  std::string_view type = file != nullptr && file->name ? by_ending(*file->name) : std::string_view{};
  if (type.empty() && media.url) type = by_ending(*media.url);
  if (type.empty() && media.id) type = by_ending(*media.id);
  if (type.empty() && media.base64) {
    for (const auto& row : beginnings) {
      if (media.base64->starts_with(row.ending)) type = row.type;
      if (!type.empty()) break;
    }
  }
  if (audio != nullptr && !type.starts_with("audio/")) return "audio/wav";
  // Models look at the bytes of an image; the type must be said, though.
  if (std::holds_alternative<model::Image>(part.value) && !type.starts_with("image/")) return "image/jpeg";
  return std::string{type.empty() ? "application/octet-stream" : type};
}

void write_media(json::Writer& w, const Part& part, const Encoding& encoding) {
  const auto& media = media_of(part);
  const bool bytes = media.base64.has_value();
  // What came without a type goes without one to its own vendor.
  const bool typed = media.media_type || !encoding.own;
  w.key(bytes ? "inlineData" : "fileData").begin_object();
  if (typed) w.key("mimeType").string(media_type_of(part));
  if (bytes) {
    w.key("data").string(*media.base64);
  } else {
    w.key("fileUri").string(media.url ? *media.url : media.id.value_or(""));
  }
  if (encoding.own) {
    if (const auto* file = std::get_if<model::File>(&part.value)) write(w, "displayName", file->name);
    write_inner(w, part.extras, bytes ? "inlineData" : "fileData");
  }
  w.end_object();
  const auto* image = std::get_if<model::Image>(&part.value);
  if (!encoding.own || image == nullptr || !image->detail) return;
  for (const auto& row : resolutions) {
    if (row.detail == *image->detail) w.key("mediaResolution").begin_object().key("level").string(row.level).end_object();
  }
}

}  // namespace cardea::dialect::google
