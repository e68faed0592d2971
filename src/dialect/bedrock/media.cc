// Images, documents, videos and audio: a format and a source each. Bedrock takes bytes (base64 in JSON) and objects of S3, no
// other address.

#include <algorithm>
#include <array>
#include <iterator>

#include "base/base64.h"
#include "dialect/bedrock/bedrock.h"

namespace cardea::dialect::converse {

using json::Type;
using json::Value;
using model::Media;
using model::Part;

namespace {

struct Format {
  std::string_view format;
  std::string_view media_type;
};
// The first row of a format decodes it; the first row of a media type encodes it.
constexpr std::array<Format, 5> image_formats{
    {{"png", "image/png"}, {"jpeg", "image/jpeg"}, {"gif", "image/gif"}, {"webp", "image/webp"}, {"jpeg", "image/jpg"}}};
constexpr std::array<Format, 10> document_formats{{
    {"pdf", "application/pdf"},
    {"csv", "text/csv"},
    {"doc", "application/msword"},
    {"docx", "application/vnd.openxmlformats-officedocument.wordprocessingml.document"},
    {"xls", "application/vnd.ms-excel"},
    {"xlsx", "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"},
    {"html", "text/html"},
    {"txt", "text/plain"},
    {"md", "text/markdown"},
    {"md", "text/x-markdown"},
}};
constexpr std::array<Format, 9> video_formats{{{"mkv", "video/x-matroska"},
                                               {"mov", "video/quicktime"},
                                               {"mp4", "video/mp4"},
                                               {"webm", "video/webm"},
                                               {"flv", "video/x-flv"},
                                               {"mpeg", "video/mpeg"},
                                               {"mpg", "video/mpg"},
                                               {"wmv", "video/x-ms-wmv"},
                                               {"three_gp", "video/3gpp"}}};
/// Bedrock's audio formats are also the model's; these are other words for them.
constexpr std::array<Format, 7> audio_formats{{{"mp3", "audio/mpeg"},
                                               {"mp3", "audio/mp3"},
                                               {"wav", "audio/x-wav"},
                                               {"wav", "audio/wave"},
                                               {"m4a", "audio/x-m4a"},
                                               {"pcm", "audio/pcm16"},
                                               {"pcm", "audio/l16"}}};
constexpr std::array<std::string_view, 15> known_audio{"mp3", "opus",  "wav", "aac",  "flac", "mp4", "ogg", "mkv",
                                                       "mka", "x-aac", "m4a", "mpeg", "mpga", "pcm", "webm"};
/// Texts in all but name.
constexpr std::array<std::string_view, 8> text_types{"application/json",       "application/xml",        "application/yaml",
                                                     "application/x-yaml",     "application/javascript", "application/x-sh",
                                                     "application/typescript", "application/sql"};

/// How the bytes of a format begin, in base64.
struct Sniff {
  std::string_view begins;
  std::string_view format;
};
constexpr std::array<Sniff, 4> image_marks{{{"iVBORw0KGgo", "png"}, {"/9j/", "jpeg"}, {"R0lGOD", "gif"}, {"UklGR", "webp"}}};

std::string_view by_type(std::span<const Format> table, std::string_view type) noexcept {
  const auto row = std::ranges::find_if(table, [&](const Format& format) { return iequals(format.media_type, type); });
  return row != table.end() ? row->format : std::string_view{};
}

/// "text/plain; charset=utf-8" is "text/plain".
std::string_view plain_type(const Media& media) noexcept {
  const std::string_view type = media.media_type ? std::string_view{*media.media_type} : std::string_view{};
  return trim(type.substr(0, type.find(';')));
}

std::string document_format(const model::File& file) {
  const auto type = plain_type(file.media);
  if (const auto format = by_type(document_formats, type); !format.empty()) return std::string{format};
  if (type.starts_with("text/") || std::ranges::find(text_types, type) != text_types.end()) return "txt";
  const bool unsaid = type.empty() || type == "application/octet-stream";
  if (!unsaid) return {};
  if (file.name) {
    const auto dot = file.name->rfind('.');
    const auto extension = dot != std::string::npos ? to_lower(file.name->substr(dot + 1)) : std::string{};
    const auto row = std::ranges::find(document_formats, extension, &Format::format);
    if (row != document_formats.end()) return extension;
    for (const std::string_view text :
         {"json", "xml", "yaml", "yml", "log", "text", "py", "js", "ts", "c", "cc", "h", "sh", "sql"}) {
      if (extension == text) return "txt";
    }
    if (extension == "htm") return "html";
    if (extension == "markdown") return "md";
  }
  return file.media.base64 && file.media.base64->starts_with("JVBERi0") ? "pdf" : "";
}

std::string audio_format(const model::Audio& audio) {
  std::string format = audio.format ? to_lower(*audio.format) : std::string{};
  if (format.empty()) {
    const auto type = plain_type(audio.media);
    format = by_type(audio_formats, type);
    if (format.empty() && type.starts_with("audio/")) format = to_lower(type.substr(6));
  }
  if (format == "pcm16") format = "pcm";
  return std::ranges::find(known_audio, format) != known_audio.end() ? format : std::string{};
}

/// Bedrock wants plain base64; Gemini's clients may send the URL alphabet, others line breaks.
std::string clean_base64(const std::string& text) {
  if (text.find_first_of("-_ \r\n\t") == std::string::npos) return text;
  std::string dense;
  std::ranges::copy_if(text, std::back_inserter(dense), [](char c) { return c != ' ' && c != '\r' && c != '\n' && c != '\t'; });
  const auto bytes = from_base64(dense);
  return bytes ? to_base64(*bytes) : text;
}

// --- decoding ---------------------------------------------------------------------------------------------------------------

/// bytes, s3Location or text; false when it is another source (a document's `content`), which the model has no form for.
Result<bool> decode_source(const Value& inner, std::string_view path, Media& media, Part& out) {
  auto source = required_object(inner, "source", path);
  if (!source) return fail_with(source);
  const auto source_path = cat(path, ".source");
  std::optional<std::string> text;
  auto status = read_member(**source, "bytes", source_path, media.base64);
  if (status) status = read_member(**source, "text", source_path, text);
  if (!status) return fail_with(status);
  if (text) {
    media.base64 = to_base64(*text);
    if (!media.media_type) media.media_type = "text/plain";
  }
  if (media.base64) return true;
  const auto* object = given(**source, "s3Location");
  if (object == nullptr) return false;
  auto uri = required_string(*object, "uri", cat(source_path, ".s3Location"));
  if (!uri) return fail_with(uri);
  media.url = std::move(*uri);
  collect_inner(*object, "s3Location", std::array<std::string_view, 1>{"uri"}, out.extras);
  return true;
}

Result<bool> decode_format(std::span<const Format> table, const Value& inner, std::string_view path, Media& media) {
  std::optional<std::string> format;
  auto status = read_member(inner, "format", path, format);
  if (!status) return fail_with(status);
  if (!format) return true;
  const auto row = std::ranges::find(table, std::string_view{*format}, &Format::format);
  if (row == table.end()) return false;  // newer than this table: kept for those who know it
  media.media_type = std::string{row->media_type};
  return true;
}

/// Of an image or a video.
Result<bool> decode_picture(std::span<const Format> table, const Value& inner, std::string_view path, Media& media, Part& out) {
  auto known = decode_format(table, inner, path, media);
  if (!known || !*known) return known;
  collect_extras(inner, std::array<std::string_view, 2>{"format", "source"}, out.extras);
  return decode_source(inner, path, media, out);
}

Result<bool> decode_image(const Value& inner, std::string_view path, Part& out) {
  model::Image image;
  auto known = decode_picture(image_formats, inner, path, image.media, out);
  out.value = std::move(image);
  return known;
}

Result<bool> decode_video(const Value& inner, std::string_view path, Part& out) {
  model::File video;
  auto known = decode_picture(video_formats, inner, path, video.media, out);
  // A file without a type would come back as a document.
  if (known && !video.media.media_type) return false;
  out.value = std::move(video);
  return known;
}

Result<bool> decode_document(const Value& inner, std::string_view path, Part& out) {
  model::File file;
  auto known = decode_format(document_formats, inner, path, file.media);
  if (!known || !*known) return known;
  auto status = read_member(inner, "name", path, file.name);
  if (!status) return fail_with(status);
  collect_extras(inner, std::array<std::string_view, 3>{"format", "name", "source"}, out.extras);
  known = decode_source(inner, path, file.media, out);
  out.value = std::move(file);
  return known;
}

Result<bool> decode_audio(const Value& inner, std::string_view path, Part& out) {
  model::Audio audio;
  auto status = read_member(inner, "format", path, audio.format);
  if (!status) return fail_with(status);
  collect_extras(inner, std::array<std::string_view, 2>{"format", "source"}, out.extras);
  auto known = decode_source(inner, path, audio.media, out);
  out.value = std::move(audio);
  return known;
}

struct MediaForm {
  std::string_view key;
  Result<bool> (*decode)(const Value& inner, std::string_view path, Part& out);
};
constexpr std::array<MediaForm, 4> media_forms{
    {{"image", decode_image}, {"document", decode_document}, {"video", decode_video}, {"audio", decode_audio}}};

// --- encoding ---------------------------------------------------------------------------------------------------------------

/// A name of letters, digits, single spaces, hyphens, parentheses and square brackets, of at most 200 characters.
std::string plain_name(std::string_view name, std::string_view format) {
  const auto dot = name.rfind('.');
  if (dot != std::string_view::npos && dot != 0 && iequals(name.substr(dot + 1), format)) name = name.substr(0, dot);
  std::string out;
  for (const char c : name) {
    const bool plain = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == ' ' || c == '-' ||
                       c == '(' || c == ')' || c == '[' || c == ']';
    const bool inside = (static_cast<unsigned char>(c) & 0xC0) == 0x80;  // of a character that gave its hyphen already
    if (inside || (c == ' ' && (out.empty() || out.back() == ' '))) continue;
    out.push_back(plain ? c : '-');
  }
  constexpr std::size_t longest = 190;  // room for a number
  out.resize(std::min(out.size(), longest));
  while (!out.empty() && out.back() == ' ') out.pop_back();
  return out.empty() ? "document" : out;
}

std::string document_name(const model::File& file, std::string_view format, std::string_view path, const Encoding& encoding) {
  std::string name = plain_name(file.name.value_or(""), format);
  if (file.name && !file.name->starts_with(name)) encoding.lose(cat(path, ".file.name"), "letters and digits only");
  if (encoding.names == nullptr) return name;
  const std::string first = name;
  for (int number = 2; !encoding.names->insert(name).second; ++number) name = cat(first, " (", number, ')');
  return name;
}

/// Extras of a document that Anthropic has too, by the same names and with the same meaning.
bool is_shared(const model::Extra& extra) { return extra.key == "citations" || extra.key == "context"; }

class MediaWriter {
 public:
  MediaWriter(const Part& part, std::string_view path, const Encoding& encoding)
      : part_{part}, path_{path}, encoding_{encoding} {}

  std::string write(std::string_view key, const Media& media, std::string_view format, std::optional<std::string> name) {
    const bool object = media.url && media.url->starts_with("s3://");
    if (!media.base64 && !object) {
      problem_ = media.url ? "bedrock takes bytes or objects of S3 and no other address" : "bedrock takes no file ids";
      return {};
    }
    std::string out;
    json::Writer w{out};
    w.begin_object().key(key).begin_object();
    if (!format.empty()) w.key("format").string(format);
    if (name) w.key("name").string(*name);
    w.key("source").begin_object();
    if (media.base64) {
      w.key("bytes").string(encoding_.own ? *media.base64 : clean_base64(*media.base64));
    } else {
      w.key("s3Location").begin_object().key("uri").string(*media.url);
      if (encoding_.own) write_inner(w, part_.extras, "s3Location");
      w.end_object();
    }
    w.end_object();
    extras(w, key);
    w.end_object().end_object();
    return out;
  }
  [[nodiscard]] std::string_view problem() const { return problem_; }
  std::string fail(std::string_view problem) {
    problem_ = problem;
    return {};
  }

 private:
  void extras(json::Writer& w, std::string_view key) {
    constexpr std::array<std::string_view, 2> elsewhere{"s3Location", "guardContent"};
    if (encoding_.own) return write_extras(w, part_.extras, elsewhere);
    for (const auto& extra : part_.extras) {
      if (key == "document" && encoding_.dialect == "anthropic" && is_shared(extra)) {
        w.key(extra.key).raw(extra.value.text);
      } else {
        encoding_.lose(cat(path_, '.', extra.key));
      }
    }
  }

  const Part& part_;
  std::string_view path_;
  const Encoding& encoding_;
  std::string_view problem_;
};

}  // namespace

bool is_media(std::string_view key) noexcept { return std::ranges::find(media_forms, key, &MediaForm::key) != media_forms.end(); }

Result<bool> decode_media(std::string_view key, const Value& inner, std::string_view path, Part& out) {
  const auto* form = std::ranges::find(media_forms, key, &MediaForm::key);
  if (!inner.is(Type::object)) return wrong_type(path, "an object", inner.type());
  return form->decode(inner, path, out);
}

std::string image_format(const model::Image& image) {
  const auto type = plain_type(image.media);
  if (!type.empty()) return std::string{by_type(image_formats, type)};
  const std::string_view bytes = image.media.base64 ? std::string_view{*image.media.base64} : std::string_view{};
  for (const auto& mark : image_marks) {
    if (bytes.starts_with(mark.begins)) return std::string{mark.format};
  }
  const std::string_view url = image.media.url ? std::string_view{*image.media.url} : std::string_view{};
  const auto extension = to_lower(url.substr(std::min(url.size(), url.rfind('.') + 1)));
  return std::string{by_type(image_formats, cat("image/", extension))};
}

std::string_view media_key(const Part& part) noexcept {
  if (std::holds_alternative<model::Image>(part.value)) return "image";
  if (std::holds_alternative<model::Audio>(part.value)) return "audio";
  const auto* file = std::get_if<model::File>(&part.value);
  if (file == nullptr) return {};
  const auto type = plain_type(file->media);
  if (type.starts_with("image/")) return "image";
  if (type.starts_with("audio/")) return "audio";
  return type.starts_with("video/") ? "video" : "document";
}

std::string encode_media(const Part& part, std::string_view path, const Encoding& encoding, std::string_view& problem) {
  MediaWriter writer{part, path, encoding};
  std::string out;
  const auto said = [&](std::string_view key, const Media& media, std::string_view format) {
    const bool there = media.base64 || (media.url && media.url->starts_with("s3://"));
    out = there && format.empty() ? writer.fail("bedrock has no such format") : writer.write(key, media, format, std::nullopt);
  };
  const auto* file = std::get_if<model::File>(&part.value);
  if (const auto* image = std::get_if<model::Image>(&part.value)) {
    said("image", image->media, image_format(*image));
    if (image->detail && *image->detail != "auto") encoding.lose(cat(path, ".image.detail"));
  } else if (const auto* audio = std::get_if<model::Audio>(&part.value)) {
    said("audio", audio->media, encoding.own && audio->format ? *audio->format : audio_format(*audio));
  } else if (file != nullptr) {
    const auto key = media_key(part);
    const auto type = plain_type(file->media);
    if (key == "image") {
      said("image", file->media, by_type(image_formats, type));
    } else if (key == "video") {
      said("video", file->media, by_type(video_formats, type));
    } else if (key == "audio") {
      said("audio", file->media, audio_format({.media = file->media}));
    } else {
      const auto format = encoding.own ? std::string{by_type(document_formats, type)} : document_format(*file);
      if (format.empty() && file->media.base64 && !encoding.own) {
        out = writer.fail("bedrock has no such format");
      } else {
        out = writer.write("document", file->media, format,
                           encoding.own ? file->name : std::optional{document_name(*file, format, path, encoding)});
      }
    }
  }
  problem = writer.problem();
  return out;
}

}  // namespace cardea::dialect::converse
