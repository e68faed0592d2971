#include "wire/sniff.h"

#include <algorithm>
#include <array>

#include "base/text.h"

namespace cardea::wire {
namespace {

using namespace std::string_view_literals;

struct Signature {
  std::string_view type;
  std::string_view begin;
  std::size_t at = 0;          ///< of `more`
  std::string_view more = {};  ///< must stand there too
};

// The first that fits. Bytes 4 to 8 of the ISO base media formats (ISO/IEC 14496-12 §4.3) say "ftyp", the next four the brand.
constexpr std::array signatures{
    Signature{"image/png", "\x89PNG\r\n\x1a\n"sv},
    Signature{"image/jpeg", "\xff\xd8\xff"sv},
    Signature{"image/gif", "GIF87a"sv},
    Signature{"image/gif", "GIF89a"sv},
    Signature{"image/webp", "RIFF"sv, 8, "WEBP"sv},
    Signature{"image/bmp", "BM"sv, 6, "\0\0\0\0"sv},
    Signature{"image/tiff", "II*\0"sv},
    Signature{"image/tiff", "MM\0*"sv},
    Signature{"audio/wav", "RIFF"sv, 8, "WAVE"sv},
    Signature{"audio/flac", "fLaC"sv},
    Signature{"audio/ogg", "OggS\0"sv},
    Signature{"audio/mpeg", "ID3"sv},
    Signature{"audio/aac", "\xff\xf1"sv},
    Signature{"audio/aac", "\xff\xf9"sv},
    Signature{"audio/mpeg", "\xff\xfb"sv},
    Signature{"audio/mpeg", "\xff\xfa"sv},
    Signature{"audio/mpeg", "\xff\xf3"sv},
    Signature{"audio/mpeg", "\xff\xf2"sv},
    Signature{"audio/amr", "#!AMR"sv},
    Signature{"image/avif", ""sv, 4, "ftypavif"sv},
    Signature{"image/heic", ""sv, 4, "ftypheic"sv},
    Signature{"audio/mp4", ""sv, 4, "ftypM4A"sv},
    Signature{"video/mp4", ""sv, 4, "ftyp"sv},
    Signature{"video/webm", "\x1a\x45\xdf\xa3"sv},
    Signature{"application/pdf", "%PDF-"sv},
    Signature{"application/zip", "PK\x03\x04"sv},
    Signature{"application/gzip", "\x1f\x8b\x08"sv},
};

struct Name {
  std::string_view word;
  std::string_view type;
};

constexpr std::array endings{
    Name{"png", "image/png"},   Name{"jpg", "image/jpeg"},  Name{"jpeg", "image/jpeg"}, Name{"gif", "image/gif"},
    Name{"webp", "image/webp"}, Name{"wav", "audio/wav"},   Name{"mp3", "audio/mpeg"},  Name{"mpga", "audio/mpeg"},
    Name{"mpeg", "audio/mpeg"}, Name{"flac", "audio/flac"}, Name{"ogg", "audio/ogg"},   Name{"oga", "audio/ogg"},
    Name{"m4a", "audio/mp4"},   Name{"mp4", "video/mp4"},   Name{"webm", "video/webm"}, Name{"pdf", "application/pdf"},
};

// Other names of the same formats.
constexpr std::array synonyms{
    Name{"image/jpg", "image/jpeg"},      Name{"image/x-png", "image/png"},    Name{"audio/x-wav", "audio/wav"},
    Name{"audio/wave", "audio/wav"},      Name{"audio/vnd.wave", "audio/wav"}, Name{"audio/mp3", "audio/mpeg"},
    Name{"audio/x-flac", "audio/flac"},   Name{"audio/x-m4a", "audio/mp4"},    Name{"audio/m4a", "audio/mp4"},
    Name{"application/ogg", "audio/ogg"}, Name{"audio/webm", "video/webm"},    Name{"audio/opus", "audio/ogg"},
};

std::uint64_t little_endian(std::string_view bytes) noexcept {
  std::uint64_t out = 0;
  for (std::size_t i = bytes.size(); i-- > 0;) out = out << 8 | static_cast<unsigned char>(bytes[i]);
  return out;
}

}  // namespace

Sniffed sniff(std::string_view head) noexcept {
  const auto found = std::ranges::find_if(signatures, [&](const Signature& one) {
    return head.starts_with(one.begin) &&
           (one.more.empty() || (head.size() >= one.at && head.substr(one.at).starts_with(one.more)));
  });
  return found != signatures.end() ? Sniffed{found->type} : Sniffed{};
}

std::string_view claimed_type(std::string_view content_type, std::string_view filename) noexcept {
  const std::string_view type = trim(content_type.substr(0, content_type.find(';')));
  const auto synonym = std::ranges::find_if(synonyms, [&](const Name& one) { return iequals(one.word, type); });
  if (synonym != synonyms.end()) return synonym->type;
  if (!type.empty() && !iequals(type, "application/octet-stream")) return type;
  const auto dot = filename.rfind('.');
  if (dot == std::string_view::npos) return {};
  const auto ending = std::ranges::find_if(endings, [&](const Name& one) { return iequals(one.word, filename.substr(dot + 1)); });
  return ending != endings.end() ? ending->type : std::string_view{};
}

bool ends_whole(std::string_view type, std::string_view head, std::string_view tail, std::uint64_t size) noexcept {
  // PNG §5.3 (the IEND chunk), JPEG (EOI; padding zeros follow it in the wild), GIF89a §27 (trailer), RIFF (its length).
  if (type == "image/png") return tail.ends_with("IEND\xae\x42\x60\x82");
  if (type == "image/jpeg") return tail.substr(0, tail.find_last_not_of('\0') + 1).ends_with("\xff\xd9");
  if (type == "image/gif") return tail.ends_with(';');
  if (type == "image/webp") return head.size() >= 8 && little_endian(head.substr(4, 4)) + 8 <= size;
  return true;
}

}  // namespace cardea::wire
