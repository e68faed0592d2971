// Parts of content and citations: the reference's forms to and from the model's.

#include <algorithm>
#include <array>

#include "dialect/openai_chat/openai_chat.h"
#include "dialect/openai_responses/openai_responses.h"

namespace cardea::dialect::responses {

using json::Type;
using json::Value;
using json::Writer;
using model::Part;

namespace {

Status decode_text(const Value& value, std::string_view path, Part& out) {
  auto text = required_string(value, "text", path);
  if (!text) return fail_with(text);
  model::Text said{.text = std::move(*text)};
  if (const auto* annotations = given(value, "annotations")) {
    for (const auto& annotation : annotations->elements()) said.citations.push_back(decode_citation(annotation));
  }
  out.value = std::move(said);
  return {};
}

Status decode_refusal(const Value& value, std::string_view path, Part& out) {
  auto text = required_string(value, "refusal", path);
  if (!text) return fail_with(text);
  out.value = model::Refusal{std::move(*text)};
  return {};
}

Status decode_image(const Value& value, std::string_view path, Part& out) {
  model::Image image;
  std::optional<std::string> url;
  auto status = read_member(value, "image_url", path, url);
  if (status) status = read_member(value, "file_id", path, image.media.id);
  if (status) status = read_member(value, "detail", path, image.detail);
  if (!status) return status;
  if (!url && !image.media.id) return bad_field(cat(path, ".image_url"), "is missing; give an image_url or a file_id");
  if (url) image.media = openai::media_of_url(*url);
  out.value = std::move(image);
  return {};
}

Status decode_file(const Value& value, std::string_view path, Part& out) {
  model::File file;
  std::optional<std::string> data;
  auto status = read_member(value, "file_data", path, data);
  if (status) status = read_member(value, "file_url", path, file.media.url);
  if (status) status = read_member(value, "file_id", path, file.media.id);
  if (status) status = read_member(value, "filename", path, file.name);
  if (!status) return status;
  if (!data && !file.media.url && !file.media.id)
    return bad_field(cat(path, ".file_data"), "is missing; give file_data, file_url or file_id");
  if (data) openai::read_file_data(*data, file);
  if (data || file.media.url) file.media.id.reset();
  out.value = std::move(file);
  return {};
}

/// Not in the reference's list of today; compatible servers and OpenAI's earlier SDKs have it.
Status decode_audio(const Value& value, std::string_view path, Part& out) {
  auto inner = required_object(value, "input_audio", path);
  if (!inner) return fail_with(inner);
  const auto inner_path = cat(path, ".input_audio");
  auto data = required_string(**inner, "data", inner_path);
  if (!data) return fail_with(data);
  model::Audio audio;
  audio.media.base64 = std::move(*data);
  auto status = read_member(**inner, "format", inner_path, audio.format);
  out.value = std::move(audio);
  return status;
}

using Names = std::span<const std::string_view>;
constexpr std::string_view breakpoint = "prompt_cache_breakpoint";
constexpr std::array<std::string_view, 4> input_text_fields{"type", "text", "annotations", breakpoint};
constexpr std::array<std::string_view, 4> output_text_fields{"type", "text", "annotations", "logprobs"};
constexpr std::array<std::string_view, 5> image_fields{"type", "image_url", "file_id", "detail", breakpoint};
constexpr std::array<std::string_view, 6> file_fields{"type", "file_data", "file_url", "file_id", "filename", breakpoint};
constexpr std::array<std::string_view, 2> audio_fields{"type", "input_audio"};
constexpr std::array<std::string_view, 2> refusal_fields{"type", "refusal"};

struct PartForm {
  std::string_view type;
  Status (*decode)(const Value& value, std::string_view path, Part& out);
  Names known;
};
constexpr std::array<PartForm, 7> part_forms{{
    {"input_text", decode_text, input_text_fields},
    {"output_text", decode_text, output_text_fields},
    {"text", decode_text, input_text_fields},  // Chat's word, which some clients use
    {"input_image", decode_image, image_fields},
    {"input_file", decode_file, file_fields},
    {"input_audio", decode_audio, audio_fields},
    {"refusal", decode_refusal, refusal_fields},
}};

Status decode_part(const Value& value, std::string_view path, std::vector<Part>& out) {
  if (!value.is(Type::object)) return wrong_type(path, "an object", value.type());
  auto type = required_string(value, "type", path);
  if (!type) return fail_with(type);
  for (const auto& form : part_forms) {
    if (form.type != *type) continue;
    auto& part = out.emplace_back();
    auto status = form.decode(value, path, part);
    if (status && std::ranges::find(form.known, breakpoint) != form.known.end() && given(value, breakpoint) != nullptr) {
      part.cache.emplace();
    }
    if (status) collect_extras(value, form.known, part.extras);
    return status;
  }
  out.push_back(opaque_item(value));
  return {};
}

/// Writes one part's own members into its open object.
struct PartWriter {
  Writer& w;
  const Encoding& encoding;

  void operator()(const model::Text& text) const { w.key("type").string("input_text").key("text").string(text.text); }
  void operator()(const model::Refusal& refusal) const { w.key("type").string("input_text").key("text").string(refusal.text); }
  void operator()(const model::Image& image) const {
    const auto& media = image.media;
    w.key("type").string("input_image");
    if (media.base64) {
      w.key("image_url").string(openai::data_url(media, encoding.origin));
    } else if (media.url) {
      w.key("image_url").string(*media.url);
    } else {
      write(w, "file_id", media.id);
    }
    // The reference demands it; "auto" is what its absence means.
    if (image.detail || !encoding.own()) w.key("detail").string(image.detail.value_or("auto"));
  }
  void operator()(const model::File& file) const {
    w.key("type").string("input_file");
    if (file.media.base64) {
      w.key("file_data").string(openai::file_data(file, encoding.origin));
    } else if (file.media.url) {
      w.key("file_url").string(*file.media.url);
    } else {
      write(w, "file_id", file.media.id);
    }
    // The service takes bytes only with a name.
    if (file.name || encoding.own() || !file.media.base64) return write(w, "filename", file.name);
    w.key("filename").string(cat("file.", openai::file_ending(file)));
  }
  void operator()(const model::Audio& audio) const {
    w.key("type").string("input_audio").key("input_audio").begin_object();
    write(w, "data", audio.media.base64);
    write(w, "format", audio.format);
    w.end_object();
  }
  template <class Other>
  void operator()(const Other&) const {}  // unsayable()
};

/// An id is its vendor's; bytes and URLs are everybody's.
bool reachable(const model::Media& media, const Encoding& encoding) {
  return media.base64 || media.url || (media.id && encoding.same_vendor);
}

}  // namespace

Status decode_content(const Value& content, std::string_view path, std::vector<Part>& out) {
  if (const auto* text = content.as_string()) {
    out.push_back({.value = model::Text{.text = *text}});
    return {};
  }
  if (!content.is(Type::array)) return wrong_type(path, "a string or an array of parts", content.type());
  for (std::size_t i = 0; i < content.elements().size(); ++i) {
    auto status = decode_part(content.elements()[i], cat(path, '[', i, ']'), out);
    if (!status) return status;
  }
  return {};
}

bool is_plain_text(const Part& part, Origin origin) noexcept {
  const auto* text = std::get_if<model::Text>(&part.value);
  return text != nullptr && text->citations.empty() && (origin == Origin::other || (!part.cache && part.extras.empty()));
}

void lose_beside(const Part& part, std::string_view path, const Encoding& encoding) {
  if (encoding.own()) return;
  // Known to the newest models alone, refused by the others; all of them cache by themselves.
  if (part.cache) encoding.losses.detail(cat(path, ".cache_control"), "OpenAI caches by itself");
  for (const auto& extra : part.extras) encoding.losses.detail(cat(path, '.', extra.key));
}

std::string_view unsayable(const Part& part, const Encoding& encoding) {
  if (const auto* image = std::get_if<model::Image>(&part.value))
    return reachable(image->media, encoding) ? std::string_view{} : "image";
  if (const auto* file = std::get_if<model::File>(&part.value))
    return reachable(file->media, encoding) ? std::string_view{} : "file";
  if (const auto* audio = std::get_if<model::Audio>(&part.value)) {
    return encoding.own() && audio->media.base64 ? std::string_view{} : "audio";
  }
  if (const auto* opaque = std::get_if<model::Opaque>(&part.value)) {
    return opaque->dialect == dialect_name ? std::string_view{} : "opaque";
  }
  if (std::holds_alternative<model::Thinking>(part.value)) return "thinking";
  if (std::holds_alternative<model::ToolCall>(part.value)) return "tool_call";
  if (std::holds_alternative<model::ToolResult>(part.value)) return "tool_result";
  return {};
}

void lose_part(const Part& part, std::string_view path, const Encoding& encoding) {
  constexpr std::array<std::string_view, 9> names{"text",     "image",     "audio",       "file",  "refusal",
                                                  "thinking", "tool_call", "tool_result", "opaque"};
  const auto name = names[part.value.index()];
  const auto* image = std::get_if<model::Image>(&part.value);
  const auto* file = std::get_if<model::File>(&part.value);
  const bool foreign_id = (image != nullptr && image->media.id) || (file != nullptr && file->media.id);
  const std::string_view reason = foreign_id ? "an id of another vendor" : "openai_responses has no place for it here";
  const bool detail = name == "thinking" || name == "opaque";
  encoding.losses.add(cat(path, '.', name), reason, detail ? Loss::Weight::detail : Loss::Weight::meaning);
}

void encode_input_part(Writer& w, const Part& part, std::string_view path, const Encoding& encoding) {
  if (const auto* opaque = std::get_if<model::Opaque>(&part.value)) {
    w.raw(opaque->value.text);
    return;
  }
  w.begin_object();
  std::visit(PartWriter{w, encoding}, part.value);
  if (part.cache && encoding.own()) w.key(breakpoint).begin_object().key("mode").string("explicit").end_object();
  if (encoding.own()) write_extras(w, part.extras, {});
  lose_beside(part, path, encoding);
  w.end_object();
}

namespace {
constexpr std::string_view document_prefix = "document_";
}  // namespace

model::Citation decode_citation(const Value& annotation) {
  constexpr std::array<std::string_view, 6> known{"type", "url", "title", "start_index", "end_index", "cited_text"};
  const auto text = [&](std::string_view key) -> std::optional<std::string> {
    const auto* value = annotation.find(key);
    return value != nullptr && value->as_string() != nullptr ? std::optional{*value->as_string()} : std::nullopt;
  };
  const auto number = [&](std::string_view key) {
    const auto* value = annotation.find(key);
    return value != nullptr ? value->as_u64() : std::nullopt;
  };
  model::Citation out{.url = text("url"),
                      .title = text("title"),
                      .start = number("start_index"),
                      .end = number("end_index"),
                      .cited_text = text("cited_text"),
                      .document = {},
                      .raw = {}};
  model::Extras rest;
  collect_extras(annotation, known, rest);
  if (text("type") != "url_citation" || !rest.empty()) out.raw = model::Json{annotation.dump()};
  if (!out.title) out.title = text("filename");
  // As encode_citation() names a document of the request.
  const auto file = text("file_id").value_or("");
  if (file.starts_with(document_prefix)) {
    out.document = parse_number<std::uint64_t>(std::string_view{file}.substr(document_prefix.size()));
  }
  return out;
}

void encode_citation(Writer& w, const model::Citation& citation, std::string_view text, Origin origin) {
  if (origin == Origin::own && citation.raw) {
    w.raw(citation.raw->text);
    return;
  }
  const std::uint64_t start = citation.start.value_or(0);
  const std::uint64_t end = citation.end ? *citation.end : openai::characters(text);
  const std::string document = citation.document ? cat(document_prefix, *citation.document) : std::string{};
  w.begin_object();
  if (citation.url) {
    w.key("type").string("url_citation").key("url").string(*citation.url);
    w.key("title").string(citation.title.value_or("")).key("start_index").number(start).key("end_index").number(end);
  } else {
    // A document of the request: the reference's file_citation has one place in the text, where the citation stands.
    w.key("type").string("file_citation").key("file_id").string(document);
    w.key("filename").string(citation.title.value_or(document)).key("index").number(end);
  }
  if (citation.cited_text && !citation.cited_text->empty()) w.key("cited_text").string(*citation.cited_text);
  w.end_object();
}

void encode_output_text(Writer& w, std::string_view text, std::span<const model::Citation> citations, std::string_view logprobs,
                        Origin origin) {
  w.begin_object().key("type").string("output_text").key("text").string(text).key("annotations").begin_array();
  for (const auto& citation : citations) encode_citation(w, citation, text, origin);
  w.end_array().key("logprobs").raw(cat('[', logprobs, ']')).end_object();
}

void encode_refusal(Writer& w, std::string_view text) {
  w.begin_object().key("type").string("refusal").key("refusal").string(text).end_object();
}

}  // namespace cardea::dialect::responses
