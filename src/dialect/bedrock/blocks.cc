// Content blocks: unions with one member each, of messages, tool results, system prompts and answers.

#include <algorithm>
#include <array>
#include <cstdint>

#include "dialect/bedrock/bedrock.h"

namespace cardea::dialect::converse {

using json::Type;
using json::Value;
using model::Part;

namespace {

// --- decoding ---------------------------------------------------------------------------------------------------------------

void keep_opaque(const Value& block, Part& out) {
  out = {};
  out.value = model::Opaque{.dialect = std::string{dialect_name}, .value = {block.dump()}};
}

/// Answers how it went; false: the block has a form that the model cannot hold, so it stays opaque.
using Decoded = Result<bool>;

Decoded decode_text(const Value& inner, std::string_view path, Part& out) {
  if (!inner.is(Type::string)) return wrong_type(path, "a string", inner.type());
  out.value = model::Text{.text = *inner.as_string()};
  return true;
}

Decoded decode_tool_use(const Value& inner, std::string_view path, Part& out) {
  constexpr std::array<std::string_view, 3> known{"toolUseId", "name", "input"};
  // A tool that Bedrock itself runs: nobody else has to call it.
  if (given(inner, "type") != nullptr) return false;
  auto id = required_string(inner, "toolUseId", path);
  if (!id) return fail_with(id);
  auto name = required_string(inner, "name", path);
  if (!name) return fail_with(name);
  const auto* input = given(inner, "input");
  out.value =
      model::ToolCall{.id = std::move(*id), .name = std::move(*name), .arguments = input != nullptr ? input->dump() : "{}"};
  collect_extras(inner, known, out.extras);
  return true;
}

Decoded decode_json(const Value& inner, std::string_view /*path*/, Part& out) {
  out.value = model::Text{.text = inner.dump()};
  return true;
}

Status decode_blocks(const Value& content, std::string_view path, bool of_result, std::vector<Part>& out);

Decoded decode_tool_result(const Value& inner, std::string_view path, Part& out) {
  constexpr std::array<std::string_view, 3> known{"toolUseId", "content", "status"};
  if (given(inner, "type") != nullptr) return false;
  auto id = required_string(inner, "toolUseId", path);
  if (!id) return fail_with(id);
  model::ToolResult result{.call_id = std::move(*id)};
  std::optional<std::string> status_word;
  auto status = read_member(inner, "status", path, status_word);
  const auto* content = given(inner, "content");
  if (status && content != nullptr) status = decode_blocks(*content, cat(path, ".content"), true, result.parts);
  if (!status) return fail_with(status);
  if (status_word) result.is_error = *status_word == "error";
  out.value = std::move(result);
  collect_extras(inner, known, out.extras);
  return true;
}

Decoded decode_reasoning(const Value& inner, std::string_view path, Part& out) {
  constexpr std::array<std::string_view, 2> known{"text", "signature"};
  model::Thinking thinking;
  auto status = read_member(inner, "redactedContent", path, thinking.redacted);
  if (!status) return fail_with(status);
  const auto* plain = given(inner, "reasoningText");
  if (plain != nullptr) {
    std::optional<std::string> text;
    status = read_member(*plain, "text", cat(path, ".reasoningText"), text);
    if (status) status = read_member(*plain, "signature", cat(path, ".reasoningText"), thinking.signature);
    if (!status) return fail_with(status);
    thinking.text = text.value_or("");
    collect_extras(*plain, known, out.extras);
  } else if (!thinking.redacted) {
    return false;
  }
  out.value = std::move(thinking);
  return true;
}

/// The texts of [{"text"},…], joined; nothing when there is something else among them.
std::optional<std::string> joined(const Value* list, std::string_view separator = {}) {
  std::string out;
  if (list == nullptr) return out;
  for (const auto& element : list->elements()) {
    const auto* text = element.find("text");
    if (text == nullptr || text->as_string() == nullptr || element.members().size() != 1) return std::nullopt;
    if (!out.empty()) out += separator;
    out += *text->as_string();
  }
  return out;
}

Decoded decode_cited(const Value& inner, std::string_view /*path*/, Part& out) {
  constexpr std::array<std::string_view, 2> known{"content", "citations"};
  auto text = joined(given(inner, "content"));
  if (!text) return false;
  model::Text cited{.text = std::move(*text)};
  if (const auto* citations = given(inner, "citations")) {
    for (const auto& citation : citations->elements()) cited.citations.push_back(decode_citation(citation));
  }
  out.value = std::move(cited);
  collect_extras(inner, known, out.extras);
  return true;
}

/// Text or an image that a guardrail looks at: what the model reads, and beside it that it is guarded.
Decoded decode_guarded(const Value& inner, std::string_view path, Part& out) {
  if (const auto* guarded = given(inner, "text")) {
    const auto* text = guarded->find("text");
    if (text == nullptr || text->as_string() == nullptr) return bad_field(cat(path, ".text.text"), "must be a string");
    out.value = model::Text{.text = *text->as_string()};
    auto rest = Value::object();
    for (const auto& [key, value] : guarded->members()) {
      if (key != "text" && !value.is(Type::null)) rest.edit_members().emplace_back(key, value);
    }
    out.extras.push_back({"guardContent", {rest.dump()}});
    return true;
  }
  const auto* image = given(inner, "image");
  if (image == nullptr) return false;
  auto decoded = decode_media("image", *image, cat(path, ".image"), out);
  if (decoded && *decoded) out.extras.push_back({"guardContent", {"{}"}});
  return decoded;
}

/// Something found: to other models its text with title and source.
Decoded decode_found(const Value& inner, std::string_view /*path*/, Part& out) {
  const auto* content = given(inner, "content");
  auto text = joined(content, "\n");
  if (!text) return false;
  std::string whole;
  for (const auto key : {"title", "source"}) {
    const auto* value = given(inner, key);
    if (value != nullptr && value->as_string() != nullptr) whole += cat(*value->as_string(), '\n');
  }
  out.value = model::Text{.text = whole + *text};
  out.extras.push_back({"searchResult", {inner.dump()}});
  return true;
}

struct BlockForm {
  std::string_view key;
  Decoded (*decode)(const Value& inner, std::string_view path, Part& out);
  bool object = true;  ///< the member must be one
};
constexpr std::array<BlockForm, 8> block_forms{{{"text", decode_text, false},
                                                {"toolUse", decode_tool_use},
                                                {"toolResult", decode_tool_result},
                                                {"reasoningContent", decode_reasoning},
                                                {"citationsContent", decode_cited},
                                                {"guardContent", decode_guarded},
                                                {"searchResult", decode_found},
                                                {"json", decode_json, false}}};

/// The one member of a block that is there.
const Value::Member* member_of(const Value& block) {
  const Value::Member* found = nullptr;
  for (const auto& member : block.members()) {
    if (member.second.is(Type::null)) continue;
    if (found != nullptr) return nullptr;
    found = &member;
  }
  return found;
}

Status decode_block(const Value& block, std::string_view path, bool of_result, std::vector<Part>& out) {
  if (!block.is(Type::object)) return wrong_type(path, "an object", block.type());
  const auto* member = member_of(block);
  if (member == nullptr) return bad_field(path, "must have exactly one member: text, image, toolUse or another block");
  const auto& [key, inner] = *member;
  if (key == "cachePoint" && !out.empty() && !out.back().cache) {
    out.back().cache = decode_cache_point(inner);
    if (out.back().cache) return {};
  }
  auto& part = out.emplace_back();
  Decoded decoded = false;
  const auto inner_path = cat(path, '.', key);
  const auto* form = std::ranges::find(block_forms, key, &BlockForm::key);
  const bool known = form != block_forms.end() && (key != "json" || of_result);
  if (is_media(key)) {
    decoded = decode_media(key, inner, inner_path, part);
  } else if (known) {
    if (form->object && !inner.is(Type::object)) return wrong_type(inner_path, "an object", inner.type());
    decoded = form->decode(inner, inner_path, part);
  }
  if (!decoded) return fail_with(decoded);
  if (!*decoded) keep_opaque(block, part);
  return {};
}

Status decode_blocks(const Value& content, std::string_view path, bool of_result, std::vector<Part>& out) {
  if (!content.is(Type::array)) return wrong_type(path, "an array of content blocks", content.type());
  for (std::size_t i = 0; i < content.elements().size(); ++i) {
    auto status = decode_block(content.elements()[i], cat(path, '[', i, ']'), of_result, out);
    if (!status) return status;
  }
  return {};
}

// --- encoding ---------------------------------------------------------------------------------------------------------------

const model::Extra* extra_of(const Part& part, std::string_view key) {
  const auto found = std::ranges::find(part.extras, key, &model::Extra::key);
  return found != part.extras.end() ? &*found : nullptr;
}

/// One part as one block; empty: it says nothing, or it cannot be said and is a loss.
class BlockEncoder {
 public:
  BlockEncoder(const Part& part, std::string_view path, model::Role role, const Encoding& encoding,
               std::vector<std::string>& moved)
      : part_{part}, path_{path}, role_{role}, encoding_{encoding}, moved_{moved} {}

  std::string encode() {
    std::visit([this](const auto& value) { put(value); }, part_.value);
    return std::move(out_);
  }

 private:
  void lose(std::string_view what, std::string_view reason = Losses::unsupported) {
    encoding_.lose(cat(path_, '.', what), reason);
  }
  void lose_extras() {
    if (encoding_.own) return;
    for (const auto& extra : part_.extras) lose(extra.key);
  }
  void own_extras() {
    if (encoding_.own) write_extras(w_, part_.extras, {});
    lose_extras();
  }
  void plain_text(std::string_view text) {
    if (!is_blank(text)) w_.begin_object().key("text").string(text).end_object();
  }

  void put(const model::Text& text);
  void put(const model::Refusal& refusal) {
    plain_text(refusal.text);
    lose_extras();
  }
  void put(const model::Image&) { media(); }
  void put(const model::Audio& audio);
  void put(const model::File&) { media(); }
  void put(const model::Thinking& thinking);
  void put(const model::ToolCall& call);
  void put(const model::ToolResult& result);
  void put(const model::Opaque& opaque) {
    if (encoding_.own && opaque.dialect == dialect_name) {
      w_.raw(opaque.value.text);
    } else {
      encoding_.lose_meaning(cat(path_, ".opaque"));
    }
  }
  bool guarded();
  void media();

  const Part& part_;
  std::string_view path_;
  model::Role role_;
  const Encoding& encoding_;
  std::vector<std::string>& moved_;
  std::string out_;
  json::Writer w_{out_};
};

/// Writes what a guardrail or a search brought as it came.
bool BlockEncoder::guarded() {
  if (!encoding_.own) return false;
  if (const auto* found = extra_of(part_, "searchResult")) {
    w_.begin_object().key("searchResult").raw(found->value.text).end_object();
    return true;
  }
  const auto* text = std::get_if<model::Text>(&part_.value);
  if (text == nullptr || extra_of(part_, "guardContent") == nullptr) return false;
  w_.begin_object().key("guardContent").begin_object().key("text").begin_object().key("text").string(text->text);
  write_inner(w_, part_.extras, "guardContent");
  w_.end_object().end_object().end_object();
  return true;
}

void BlockEncoder::put(const model::Text& text) {
  if (guarded()) return;
  lose_extras();
  if (text.citations.empty()) return plain_text(text.text);
  // In a request only Bedrock's own clients bring citations that a model of Bedrock can read.
  if (!encoding_.own && !encoding_.answer) {
    lose("citations");
    return plain_text(text.text);
  }
  w_.begin_object().key("citationsContent").begin_object().key("content").begin_array();
  if (!text.text.empty()) plain_text(text.text);
  w_.end_array().key("citations").begin_array();
  for (const auto& citation : text.citations) encode_citation(w_, citation, path_, encoding_);
  w_.end_array();
  if (encoding_.own) write_extras(w_, part_.extras, {});
  w_.end_object().end_object();
}

void BlockEncoder::media() {
  const bool model_said = role_ == model::Role::assistant && !encoding_.own && !encoding_.answer;
  std::string_view problem = "only a user may show it";
  if (!model_said) out_ = encode_media(part_, path_, encoding_, problem);
  if (out_.empty()) {
    encoding_.lose_meaning(cat(path_, '.', media_key(part_) == "document" ? "file" : media_key(part_)), problem);
  } else if (encoding_.own && extra_of(part_, "guardContent") != nullptr) {
    out_ = cat(R"({"guardContent":)", out_, '}');
  }
}

void BlockEncoder::put(const model::Audio& audio) {
  // What was spoken can be read at least.
  const bool spoken = audio.transcript && !is_blank(*audio.transcript);
  const bool said = audio.media.base64 && (role_ != model::Role::assistant || encoding_.answer || encoding_.own);
  if (!said && spoken) {
    lose("audio", "said as its transcript");
    lose_extras();
    return plain_text(*audio.transcript);
  }
  media();
  if (spoken) lose("audio.transcript");
}

void BlockEncoder::put(const model::Thinking& thinking) {
  const bool opaque = thinking.signature || thinking.redacted;
  const bool claude = encoding_.model.vendor == Vendor::claude;
  if (thinking.encrypted) lose("thinking.encrypted");
  if (!encoding_.own) lose_extras();
  if (!encoding_.own && !encoding_.answer && claude && !opaque) {
    if (!is_blank(thinking.text)) lose("thinking", "without a signature of this model");
    return;
  }
  if (thinking.redacted) {
    w_.begin_object().key("reasoningContent").begin_object().key("redactedContent").string(*thinking.redacted);
    w_.end_object().end_object();
    if (!thinking.text.empty()) lose("thinking.text");
    return;
  }
  if (thinking.text.empty() && !opaque && !encoding_.own) return;
  w_.begin_object().key("reasoningContent").begin_object().key("reasoningText").begin_object();
  w_.key("text").string(thinking.text);
  write(w_, "signature", thinking.signature);
  if (encoding_.own) write_extras(w_, part_.extras, {});
  w_.end_object().end_object().end_object();
}

void BlockEncoder::put(const model::ToolCall& call) {
  w_.begin_object().key("toolUse").begin_object();
  if (call.id) w_.key("toolUseId").string(encoding_.own || encoding_.answer ? *call.id : sent_id(*call.id));
  w_.key("name").string(call.name).key("input");
  write_input(w_, call, path_, encoding_);
  own_extras();
  w_.end_object().end_object();
  if (call.signature) lose("tool_call.signature");
}

/// Text that is compact JSON: a Bedrock client's own `json` comes back as such.
bool is_compact_json(std::string_view text) {
  if (!text.starts_with('{') && !text.starts_with('[')) return false;
  const auto value = json::parse(text);
  return value && value->dump() == text;
}

void BlockEncoder::put(const model::ToolResult& result) {
  w_.begin_object().key("toolResult").begin_object();
  if (result.call_id) w_.key("toolUseId").string(encoding_.own || encoding_.answer ? *result.call_id : sent_id(*result.call_id));
  const bool failed = result.is_error.value_or(false);
  const Vendor vendor = encoding_.model.vendor;
  // "This field is only supported by Amazon Nova and Anthropic Claude" (ToolResultBlock).
  const bool knows_status = encoding_.own || vendor == Vendor::claude || vendor == Vendor::nova || vendor == Vendor::unknown;
  bool prefix = failed && !knows_status;
  if (prefix) lose("tool_result.is_error", "said as text");
  w_.key("content").begin_array();
  if (prefix && result.parts.empty()) w_.begin_object().key("text").string("Error").end_object();
  for (std::size_t i = 0; i < result.parts.size(); ++i) {
    const Part& part = result.parts[i];
    const auto path = cat(path_, ".tool_result.content[", i, ']');
    const auto* text = std::get_if<model::Text>(&part.value);
    if (text != nullptr && encoding_.own && part.extras.empty() && is_compact_json(text->text)) {
      w_.begin_object().key("json").raw(text->text).end_object();
      continue;
    }
    if (text != nullptr && prefix) {
      prefix = false;
      const bool marked = text->text.starts_with("Error");
      w_.begin_object().key("text").string(marked ? text->text : cat("Error: ", text->text)).end_object();
      continue;
    }
    std::string block = BlockEncoder{part, path, model::Role::user, encoding_, moved_}.encode();
    if (block.empty()) continue;
    // Results hold no audio: it follows them.
    if (media_key(part) == "audio" && !encoding_.own) {
      moved_.push_back(std::move(block));
    } else {
      w_.raw(block);
    }
  }
  w_.end_array();
  if (result.is_error && knows_status && (failed || encoding_.own)) w_.key("status").string(failed ? "error" : "success");
  own_extras();
  w_.end_object().end_object();
}

/// The cache mark of a part, or of what is inside a result: Converse has none there.
const model::CacheHint* hint_of(const Part& part) {
  if (part.cache) return &*part.cache;
  const auto* result = std::get_if<model::ToolResult>(&part.value);
  if (result == nullptr) return nullptr;
  for (const auto& inner : result->parts) {
    if (inner.cache) return &*inner.cache;
  }
  return nullptr;
}

}  // namespace

std::optional<model::CacheHint> decode_cache_point(const Value& point) {
  model::CacheHint out;
  const auto* type = point.find("type");
  const bool plain = type != nullptr && type->as_string() != nullptr && *type->as_string() == "default";
  const auto ttl = read_member(point, "ttl", "", out.ttl);
  const bool known = std::ranges::all_of(point.members(), [](const auto& m) { return m.first == "type" || m.first == "ttl"; });
  return plain && ttl && known ? std::optional{out} : std::nullopt;
}

std::string cache_point(const model::CacheHint& hint) {
  std::string out;
  json::Writer w{out};
  w.begin_object().key("cachePoint").begin_object().key("type").string("default");
  write(w, "ttl", hint.ttl);
  w.end_object().end_object();
  return out;
}

Status decode_content(const Value& content, std::string_view path, std::vector<Part>& out) {
  return decode_blocks(content, path, false, out);
}

Status decode_system(const Value& system, std::string_view path, std::vector<Part>& out) {
  return decode_blocks(system, path, false, out);
}

void encode_blocks(const Part& part, std::string_view path, model::Role role, const Encoding& encoding,
                   std::vector<std::string>& blocks, std::vector<std::string>& moved) {
  std::string block = BlockEncoder{part, path, role, encoding, moved}.encode();
  if (!block.empty()) blocks.push_back(std::move(block));
  const auto* hint = hint_of(part);
  if (hint == nullptr || encoding.answer) return;
  const Vendor vendor = encoding.model.vendor;
  const bool caches = encoding.own || vendor == Vendor::claude || vendor == Vendor::nova || vendor == Vendor::unknown;
  if (!caches) return encoding.lose(cat(path, ".cache"), "this model has no prompt cache");
  // Nothing stands before it, so there is nothing to cache.
  if (!blocks.empty() && !blocks.back().starts_with(R"({"cachePoint")")) blocks.push_back(cache_point(*hint));
}

bool is_blank(std::string_view text) noexcept { return text.find_first_not_of(" \t\r\n\v\f") == std::string_view::npos; }

std::string sent_id(const std::string& id) {
  constexpr std::size_t longest = 64;
  const bool fits = !id.empty() && id.size() <= longest && std::ranges::all_of(id, [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' || c == '.' || c == ':' ||
           c == '-';
  });
  if (fits) return id;
  std::uint64_t hash = 0xCBF29CE484222325;  // FNV-1a
  for (const char c : id) hash = (hash ^ static_cast<unsigned char>(c)) * 0x100000001B3;
  std::string bytes;
  for (int shift = 56; shift >= 0; shift -= 8) bytes.push_back(static_cast<char>(hash >> shift & 0xFF));
  return cat("call_", to_hex(bytes));
}

void write_input(json::Writer& w, const model::ToolCall& call, std::string_view path, const Encoding& encoding) {
  const auto text = trim(call.arguments);
  if (text.empty()) {
    w.begin_object().end_object();
    return;
  }
  if (call.kind == model::ToolKind::custom) {
    w.begin_object().key("input").string(call.arguments).end_object();
  } else if (const auto value = json::parse(text, upstream_scan()); value) {
    w.raw(value->dump());
  } else {
    encoding.lose(cat(path, ".tool_call.arguments"), "no JSON");
    w.begin_object().key("raw_arguments").string(call.arguments).end_object();
  }
}

}  // namespace cardea::dialect::converse
