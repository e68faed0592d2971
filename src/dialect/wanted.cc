#include "dialect/wanted.h"

#include <algorithm>
#include <array>

#include "base/text.h"
#include "dialect/passes.h"
#include "wire/sniff.h"

namespace cardea::dialect {
namespace {

using Kind = WantedBytes::Kind;
using model::Part;

/// How the upstreams of a dialect take media by URL. A dialect without a row takes none. What its encoders say of bytes and URLs
/// is compared with this in wanted_test.cc.
struct Row {
  std::string_view dialect;
  Takes images, audio, files;
};
constexpr std::array rows{
    Row{"openai_chat", Takes::urls, Takes::bytes, Takes::bytes},
    Row{"openai_responses", Takes::urls, Takes::nothing, Takes::urls},
    Row{"anthropic", Takes::urls, Takes::nothing, Takes::urls},
    Row{"gemini", Takes::urls, Takes::urls, Takes::urls},
    Row{"bedrock", Takes::bytes, Takes::bytes, Takes::bytes},
    Row{"cohere", Takes::urls, Takes::nothing, Takes::nothing},
    Row{"ollama", Takes::bytes, Takes::nothing, Takes::nothing},
    Row{"ollama_generate", Takes::bytes, Takes::nothing, Takes::nothing},
    Row{"native", Takes::urls, Takes::urls, Takes::urls},
};

/// Forms of embeddings whose images are inline: Gemini's inlineData, Cohere's data URLs.
constexpr std::array<std::string_view, 3> embeds_bytes{"gemini", "gemini_batch", "cohere"};

/// Text formats that tell each other apart by their names alone.
struct Ending {
  std::string_view word;
  std::string_view type;
};
constexpr std::array endings{Ending{"csv", "text/csv"},  Ending{"md", "text/markdown"}, Ending{"html", "text/html"},
                             Ending{"htm", "text/html"}, Ending{"xml", "text/xml"},     Ending{"json", "application/json"}};

std::string_view text_type(std::string_view name) noexcept {
  const auto dot = name.rfind('.');
  const auto word = dot == std::string_view::npos ? std::string_view{} : name.substr(dot + 1);
  const auto found = std::ranges::find_if(endings, [&](const Ending& ending) { return iequals(ending.word, word); });
  return found != endings.end() ? found->type : "text/plain";
}

bool is_data(std::string_view url) noexcept { return iequals(url.substr(0, 5), "data:"); }
bool is_web(std::string_view url) noexcept {
  return iequals(url.substr(0, 8), "https://") || iequals(url.substr(0, 7), "http://");
}

bool wants(Takes takes, const model::Media& media) noexcept {
  if (takes == Takes::nothing || !media.url || media.base64) return false;
  // A data URL without base64 is read by nobody else.
  return is_data(*media.url) || (takes == Takes::bytes && is_web(*media.url));
}

void put_into(model::Media& media, std::string_view name, std::string base64, std::string_view type) {
  const bool said = media.media_type && !media.media_type->empty() && *media.media_type != "application/octet-stream";
  if (type == "text/plain") {
    if (!said) media.media_type = text_type(name);
  } else if (!type.empty()) {
    media.media_type = type;
  }
  media.base64 = std::move(base64);
  media.url.reset();
}

WantedBytes wanted(Kind kind, model::Media& media, std::string_view name, std::string field) {
  WantedBytes out{.kind = kind, .url = *media.url, .claim = {}, .field = std::move(field), .put = {}};
  out.claim = wire::claimed_type(media.media_type.value_or(""), name);
  out.put = [&media, called = std::string{name}](std::string base64, std::string_view type) {
    put_into(media, called, std::move(base64), type);
  };
  return out;
}

/// Goes through the parts of one request.
class Search {
 public:
  Search(const Row& row, const Abilities& abilities, std::vector<WantedBytes>& out)
      : row_{row}, abilities_{abilities}, out_{out} {}

  void look(std::vector<Part>& parts, const std::string& path) {
    for (std::size_t i = 0; i < parts.size(); ++i) {
      const auto at = cat(path, ".content[", i, ']');
      auto& value = parts[i].value;
      if (auto* image = std::get_if<model::Image>(&value)) look(*image, cat(at, ".image"));
      if (auto* audio = std::get_if<model::Audio>(&value)) look(*audio, cat(at, ".audio"));
      if (auto* file = std::get_if<model::File>(&value)) look(*file, cat(at, ".file"));
      if (auto* result = std::get_if<model::ToolResult>(&value)) look(result->parts, cat(at, ".tool_result"));
    }
  }

 private:
  void look(model::Image& image, std::string field) {
    if (abilities_.images && wants(row_.images, image.media)) {
      out_.push_back(wanted(Kind::image, image.media, {}, std::move(field)));
    }
  }
  void look(model::Audio& audio, std::string field) {
    if (abilities_.audio && wants(row_.audio, audio.media)) {
      out_.push_back(wanted(Kind::audio, audio.media, {}, std::move(field)));
    }
  }
  void look(model::File& file, std::string field) {
    const std::string_view type = file.media.media_type ? std::string_view{*file.media.media_type} : std::string_view{};
    const bool pictures = type.starts_with("image/") || type.starts_with("video/");
    const bool able = pictures ? abilities_.images : type.starts_with("audio/") ? abilities_.audio : abilities_.files;
    if (!able || !wants(row_.files, file.media)) return;
    if (!file.name) {
      auto name = file_name_of(*file.media.url);
      if (!name.empty()) file.name = std::move(name);
    }
    out_.push_back(wanted(Kind::file, file.media, file.name.value_or(""), std::move(field)));
  }

  const Row& row_;
  const Abilities& abilities_;
  std::vector<WantedBytes>& out_;
};

}  // namespace

std::vector<WantedBytes> wanted_bytes(const Dialect& upstream, const Abilities& abilities, model::Chat& chat) {
  std::vector<WantedBytes> out;
  const auto row = std::ranges::find(rows, upstream.name(), &Row::dialect);
  if (row == rows.end()) return out;
  Search search{*row, abilities, out};
  for (std::size_t i = 0; i < chat.messages.size(); ++i) search.look(chat.messages[i].parts, cat("messages[", i, ']'));
  return out;
}

std::vector<WantedBytes> wanted_bytes(const TaskFormat& upstream, TaskRequest& request) {
  std::vector<WantedBytes> out;
  auto* embed = std::get_if<model::Embed>(&request);
  if (embed == nullptr || std::ranges::find(embeds_bytes, upstream.name) == embeds_bytes.end()) return out;
  for (std::size_t i = 0; i < embed->inputs.size(); ++i) {
    auto* parts = std::get_if<std::vector<Part>>(&embed->inputs[i].value);
    for (std::size_t p = 0; parts != nullptr && p < parts->size(); ++p) {
      auto* image = std::get_if<model::Image>(&(*parts)[p].value);
      if (image == nullptr || !wants(Takes::bytes, image->media)) continue;
      out.push_back(wanted(Kind::image, image->media, {}, cat("inputs[", i, ']')));
    }
  }
  return out;
}

std::string field_of_caller(const Dialect& client, std::string_view body, const model::Chat& chat, std::string field) {
  auto theirs = in_callers_words(client, body, chat, field);
  if (theirs == field) count_as_client(chat, theirs);
  return theirs;
}

std::string file_name_of(std::string_view url) {
  if (!is_web(url)) return {};
  url = url.substr(url.find("://") + 3);
  url = url.substr(0, url.find_first_of("?#"));
  const auto slash = url.rfind('/');
  const auto name = slash == std::string_view::npos ? std::string_view{} : url.substr(slash + 1);
  const auto plain = [](char c) {
    const char low = ascii_lower(c);
    return (low >= 'a' && low <= 'z') || (c >= '0' && c <= '9') || c == '-' || c == '_' || c == '.';
  };
  const bool named = name.size() <= 128 && name.find('.') != std::string_view::npos && !name.starts_with('.') &&
                     std::ranges::all_of(name, plain);
  return named ? std::string{name} : std::string{};
}

}  // namespace cardea::dialect
