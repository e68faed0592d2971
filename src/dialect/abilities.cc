// What the model itself cannot take, whatever its dialect could say: parts, tools and thinking are left out and named, so that
// the caller is told by Cardea, in its own words, and not by the vendor.

#include <algorithm>

#include "base/text.h"
#include "dialect/passes.h"
#include "dialect/turns.h"

namespace cardea::dialect {

using model::Part;

namespace {

/// Why the model cannot take a part; empty: it can, or nobody knows.
class Refusal {
 public:
  explicit Refusal(const Abilities& abilities) : abilities_{abilities} {}

  std::string_view operator()(const model::Image&) const { return abilities_.images ? "" : no_images; }
  std::string_view operator()(const model::Audio& audio) const {
    // The model's own earlier speech is said as what was heard.
    return abilities_.audio || audio.transcript || audio.media.id ? "" : no_audio;
  }
  std::string_view operator()(const model::File& file) const {
    const auto type = file.media.media_type ? std::string_view{*file.media.media_type} : std::string_view{};
    if (type.starts_with("image/") || type.starts_with("video/")) return abilities_.images ? "" : no_images;
    if (type.starts_with("audio/")) return abilities_.audio ? "" : no_audio;
    return abilities_.files || text_of(Part{.value = file}) ? "" : "this model reads no files";
  }
  template <class Other>
  std::string_view operator()(const Other&) const {
    return "";
  }

 private:
  static constexpr std::string_view no_images = "this model sees no images";
  static constexpr std::string_view no_audio = "this model hears no audio";
  const Abilities& abilities_;
};

std::string_view kind_of_media(const Part& part) {
  if (std::holds_alternative<model::Image>(part.value)) return "image";
  if (std::holds_alternative<model::Audio>(part.value)) return "audio";
  return std::holds_alternative<model::File>(part.value) ? "file" : "";
}

/// Where a part stands; a text only when there is something to tell of it.
struct Spot {
  std::size_t message = 0;
  std::optional<std::size_t> result;  ///< the part that is the tool's result around it
  std::size_t part = 0;
  [[nodiscard]] std::string path() const {
    const auto outer = result ? cat(".content[", *result, "].tool_result") : std::string{};
    return cat("messages[", message, ']', outer, ".content[", part, ']');
  }
};

/// Takes out of `parts` (of a message or of a tool's result) what the model cannot take.
void fit(std::vector<Part>& parts, Spot spot, const Abilities& abilities, Losses& losses) {
  std::erase_if(parts, [&](Part& part) {
    const Spot here = spot;
    ++spot.part;
    if (auto* result = std::get_if<model::ToolResult>(&part.value)) {
      fit(result->parts, {.message = here.message, .result = here.part}, abilities, losses);
      return false;
    }
    const auto why = std::visit(Refusal{abilities}, part.value);
    if (why.empty()) return false;
    losses.meaning(cat(here.path(), '.', kind_of_media(part)), why);
    return true;
  });
}

bool is_off(const model::Reasoning& reasoning) {
  return reasoning.effort == "none" || reasoning.mode == "disabled" || (!reasoning.effort && reasoning.budget_tokens == 0);
}

}  // namespace

void fit_abilities(model::Chat& chat, const Abilities& abilities, Losses& losses) {
  const bool takes_all = abilities.images && abilities.audio && abilities.files;
  std::size_t index = 0;
  if (!takes_all) {
    std::erase_if(chat.messages, [&](model::Message& message) {
      const bool spoke = !message.parts.empty();
      fit(message.parts, {.message = index++}, abilities, losses);
      return spoke && message.parts.empty();  // a turn that says nothing would be refused for that
    });
  }
  if (!abilities.tools && chat.tools && !chat.tools->empty()) {
    const bool unused = chat.tool_choice && chat.tool_choice->mode == model::ToolChoice::Mode::none;
    losses.add("tools", "this model calls no tools", unused ? Loss::Weight::detail : Loss::Weight::meaning);
    chat.tools.reset();
    chat.tool_choice.reset();
    chat.parallel_tool_calls.reset();
  }
  if (!abilities.reasoning && chat.reasoning) {
    if (!is_off(*chat.reasoning)) losses.detail("reasoning", "this model does not think first");
    chat.reasoning.reset();
  }
}

// --- the caller's own names --------------------------------------------------------------------------------------------------

namespace {

struct Named {
  std::string_view dialect;
  std::string_view field;
  std::string_view theirs;
};
/// What the model's fields are called in the requests of those who call them otherwise.
constexpr Named names[] = {
    {"anthropic", "response_format", "output_config.format"},
    {"anthropic", "stop", "stop_sequences"},
    {"bedrock", "response_format", "outputConfig.textFormat"},
    {"bedrock", "stop", "inferenceConfig.stopSequences"},
    {"bedrock", "tool_choice", "toolConfig.toolChoice"},
    {"bedrock", "tools", "toolConfig.tools"},
    {"cohere", "stop", "stop_sequences"},
    {"gemini", "audio", "generationConfig.speechConfig"},
    {"gemini", "logprobs", "generationConfig.responseLogprobs"},
    {"gemini", "modalities", "generationConfig.responseModalities"},
    {"gemini", "n", "generationConfig.candidateCount"},
    {"gemini", "response_format", "generationConfig.responseSchema"},
    {"gemini", "stop", "generationConfig.stopSequences"},
    {"gemini", "tool_choice", "toolConfig.functionCallingConfig"},
    {"ollama", "response_format", "format"},
    {"ollama", "stop", "options.stop"},
    {"openai_responses", "response_format", "text.format"},
};

/// A part that is an image, a sound or a file, by its place.
struct Medium {
  std::string path;
  std::string_view kind;
};

void media_in(const std::vector<Part>& parts, const std::string& path, std::vector<Medium>& out) {
  for (std::size_t i = 0; i < parts.size(); ++i) {
    const auto at = cat(path, ".content[", i, ']');
    const auto kind = kind_of_media(parts[i]);
    if (!kind.empty()) out.push_back({cat(at, '.', kind), kind});
    if (const auto* result = std::get_if<model::ToolResult>(&parts[i].value))
      media_in(result->parts, cat(at, ".tool_result"), out);
  }
}

struct Tag {
  std::string_view word;
  std::string_view kind;
};
/// Words of `type` that make a part media.
constexpr Tag types[] = {{"image_url", "image"}, {"input_image", "image"}, {"image", "image"},  {"input_audio", "audio"},
                         {"file", "file"},       {"input_file", "file"},   {"document", "file"}};
/// Members that do (Bedrock).
constexpr Tag members[] = {{"image", "image"}, {"audio", "audio"}, {"document", "file"}, {"video", "file"}};

std::string_view kind_by_type(std::string_view type) {
  return type.starts_with("image/") ? "image" : type.starts_with("audio/") ? "audio" : "file";
}

/// What an object of a request is, when it is media in one of the dialects' forms.
std::string_view kind_of_raw(const json::Value& object) {
  for (const std::string_view key : {"inlineData", "inline_data", "fileData", "file_data"}) {  // Gemini
    const auto* media = object.find(key);
    if (media == nullptr || !media->is(json::Type::object)) continue;
    const auto* type = media->find(key.contains('_') ? "mime_type" : "mimeType");
    return kind_by_type(type != nullptr && type->as_string() != nullptr ? *type->as_string() : "");
  }
  const auto* type = object.find("type");
  if (type != nullptr && type->as_string() != nullptr) {
    const auto* found = std::ranges::find(types, std::string_view{*type->as_string()}, &Tag::word);
    return found != std::end(types) ? found->kind : std::string_view{};
  }
  for (const auto& [word, kind] : members) {
    const auto* media = object.find(word);
    if (media != nullptr && media->is(json::Type::object) && media->find("source") != nullptr) return kind;
  }
  return {};
}

void media_in(const json::Value& value, const std::string& path, std::vector<Medium>& out) {
  const auto below = [&](std::string_view key) { return path.empty() ? std::string{key} : cat(path, '.', key); };
  if (const auto kind = kind_of_raw(value); !kind.empty()) {
    out.push_back({path, kind});
    return;
  }
  for (std::size_t i = 0; i < value.elements().size(); ++i) media_in(value.elements()[i], cat(path, '[', i, ']'), out);
  for (const auto& [key, member] : value.members()) {
    if (key == "images" && member.is(json::Type::array)) {  // Ollama
      for (std::size_t i = 0; i < member.elements().size(); ++i) out.push_back({cat(below(key), '[', i, ']'), "image"});
    } else if (key != "tools") {  // a schema may look like anything
      media_in(member, below(key), out);
    }
  }
}

}  // namespace

std::string in_callers_words(const Dialect& client, std::string_view body, const model::Chat& said, const std::string& field) {
  for (const auto& row : names) {
    if (row.dialect != client.name() || !field.starts_with(row.field)) continue;
    const auto rest = std::string_view{field}.substr(row.field.size());
    if (rest.empty() || rest.front() == '[' || rest.front() == '.') return cat(row.theirs, rest);
  }
  std::vector<Medium> ours;
  for (std::size_t m = 0; m < said.messages.size(); ++m) media_in(said.messages[m].parts, cat("messages[", m, ']'), ours);
  const auto found = std::ranges::find(ours, field, &Medium::path);
  if (found == ours.end()) return field;
  const auto tree = json::parse(body);
  if (!tree) return field;
  // No dialect's reader changes the order: the third image here is the third image there.
  auto before = std::count_if(ours.begin(), found, [&](const Medium& place) { return place.kind == found->kind; });
  std::vector<Medium> theirs;
  media_in(*tree, "", theirs);
  for (const auto& place : theirs) {
    if (place.kind == found->kind && before-- == 0) return place.path;
  }
  return field;
}

}  // namespace cardea::dialect
