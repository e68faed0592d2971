// Reasoning over turns. OpenAI's own format has no place for it, so the public forms of others are spoken: the text as
// `reasoning_content` (DeepSeek and most servers), what must come back unchanged as `reasoning_details` (OpenRouter, "Preserving
// reasoning"), a call's signature as Google's OpenAI endpoint has it. LiteLLM's `thinking_blocks` are read.

#include "base/text.h"
#include "dialect/openai_chat/openai_chat.h"
#include "dialect/plain.h"
#include "dialect/translate.h"

namespace cardea::dialect::openai {

using json::Type;
using json::Value;
using model::Part;
using model::Thinking;

namespace {

constexpr std::string_view anthropic_format = "anthropic-claude-v1";
constexpr std::string_view responses_format = "openai-responses-v1";
constexpr std::string_view unknown_format = "unknown";

std::optional<std::string> member(const Value& object, std::string_view key) {
  const auto* text = text_at(object, key);
  return text != nullptr ? std::optional{*text} : std::nullopt;
}

/// An element that only its issuer understands: kept whole where opaque data goes.
Thinking whole(const Value& detail) { return Thinking{.text = {}, .encrypted = detail.dump()}; }
bool is_whole(const std::string& encrypted) { return encrypted.starts_with('{'); }

Thinking decode_encrypted(const Value& detail, std::string_view format) {
  auto data = member(detail, "data");
  if (!data) return whole(detail);
  Thinking out{.text = {}, .id = member(detail, "id")};
  if (format == responses_format) {
    out.encrypted = std::move(data);
  } else {
    out.redacted = std::move(data);
  }
  return out;
}

/// Elements of one item of OpenAI's Responses: its summary's parts, then its encrypted content, under one id.
bool join(Thinking& item, Thinking& next) {
  const bool same = item.id == next.id && (item.id || !item.summary.empty()) && !item.encrypted && !item.signature;
  const bool more = !next.summary.empty() && !item.summary.empty();
  const bool packed = next.signature && is_envelope(*next.signature);
  const bool sealed = ((next.encrypted && !is_whole(*next.encrypted)) || packed) && next.text.empty() && next.summary.empty();
  if (!same || (!more && !sealed)) return false;
  if (more) {
    item.text += cat("\n\n", next.text);
    item.summary.push_back(std::move(next.summary.front()));
  } else {
    item.encrypted = std::move(next.encrypted);
    item.signature = std::move(next.signature);
  }
  return true;
}

}  // namespace

Thinking decode_detail(const Value& detail) {
  const auto type = member(detail, "type").value_or("");
  const auto format = member(detail, "format").value_or("");
  const bool plain = format.empty() || format == unknown_format || format == anthropic_format;
  if (type == "reasoning.text") {
    Thinking out{
        .text = member(detail, "text").value_or(""), .id = member(detail, "id"), .signature = member(detail, "signature")};
    // Of a text without a signature nothing but the text must survive.
    return plain || !out.signature ? out : whole(detail);
  }
  if (type == "reasoning.summary") {
    const auto summary = member(detail, "summary").value_or("");
    return {.text = summary, .id = member(detail, "id"), .summary = {summary}};
  }
  if (type == "reasoning.encrypted") {
    return plain || format == responses_format ? decode_encrypted(detail, format) : whole(detail);
  }
  if (type == "thinking") return {.text = member(detail, "thinking").value_or(""), .signature = member(detail, "signature")};
  if (type == "redacted_thinking") return {.text = {}, .redacted = member(detail, "data")};
  return whole(detail);
}

Status decode_thinking(const Value& message, std::string_view path, std::vector<Part>& parts) {
  const auto first = parts.size();
  bool told = false;
  for (const std::string_view key : {"reasoning_details", "thinking_blocks"}) {
    const auto* details = given(message, key);
    if (details == nullptr || parts.size() != first) continue;
    if (!details->is(Type::array)) return wrong_type(cat(path, '.', key), "an array", details->type());
    for (std::size_t i = 0; i < details->elements().size(); ++i) {
      const auto& detail = details->elements()[i];
      if (!detail.is(Type::object)) return wrong_type(cat(path, '.', key, '[', i, ']'), "an object", detail.type());
      auto next = decode_detail(detail);
      told = told || !next.text.empty() || (next.encrypted && is_whole(*next.encrypted) && text_at(detail, "text") != nullptr);
      auto* last = parts.size() > first ? std::get_if<Thinking>(&parts.back().value) : nullptr;
      if (last == nullptr || !join(*last, next)) parts.push_back({.value = std::move(next)});
    }
  }
  const auto* text = reasoning_text(message);
  if (text != nullptr && !told) {
    parts.insert(parts.begin() + static_cast<std::ptrdiff_t>(first), Part{.value = Thinking{.text = *text}});
  }
  return {};
}

bool has_details(const Thinking& thinking) noexcept {
  return thinking.id || thinking.signature || thinking.redacted || thinking.encrypted || !thinking.summary.empty();
}

void encode_details(json::Writer& w, const Thinking& thinking, std::uint64_t& index) {
  const auto begin = [&](std::string_view type, std::string_view key, std::string_view data) {
    w.begin_object().key("type").string(type).key(key).string(data);
  };
  const auto end = [&](std::string_view format) {
    write(w, "id", thinking.id);
    w.key("format").string(format).key("index").number(index++).end_object();
  };
  if (thinking.encrypted && is_whole(*thinking.encrypted)) {
    w.raw(*thinking.encrypted);
    return;
  }
  // What has a signature is signed as a whole. (One of the gateway's own may stand for an item with a summary.)
  const bool summed = !thinking.signature && (thinking.encrypted || !thinking.summary.empty());
  if (summed) {
    for (const auto& summary : thinking.summary) {
      begin("reasoning.summary", "summary", summary);
      end(responses_format);
    }
    if (thinking.summary.empty() && !thinking.text.empty()) {
      begin("reasoning.summary", "summary", thinking.text);
      end(responses_format);
    }
  } else if (!thinking.text.empty() || thinking.signature) {
    begin("reasoning.text", "text", thinking.text);
    write(w, "signature", thinking.signature);
    const bool foreign = !thinking.signature || is_envelope(*thinking.signature);
    end(foreign ? unknown_format : anthropic_format);
  }
  if (thinking.redacted) {
    begin("reasoning.encrypted", "data", *thinking.redacted);
    end(anthropic_format);
  }
  if (thinking.encrypted) {
    begin("reasoning.encrypted", "data", *thinking.encrypted);
    end(responses_format);
  }
}

void encode_thinking(json::Writer& w, std::span<const Thinking* const> thinking) {
  std::string text;
  bool details = false;
  for (const auto* part : thinking) {
    text += part->text;
    details = details || has_details(*part);
  }
  if (!text.empty()) w.key("reasoning_content").string(text);
  if (!details) return;
  w.key("reasoning_details").begin_array();
  std::uint64_t index = 0;
  for (const auto* part : thinking) encode_details(w, *part, index);
  w.end_array();
}

const std::string* reasoning_text(const Value& message) noexcept {
  for (const auto key : {"reasoning_content", "reasoning"}) {
    const auto* text = text_at(message, key);
    if (text != nullptr && !text->empty()) return text;
  }
  return nullptr;
}

const std::string* call_signature(const Value& call) noexcept {
  const auto* extra = call.find("extra_content");
  const auto* google = extra != nullptr ? extra->find("google") : nullptr;
  return google != nullptr ? text_at(*google, "thought_signature") : nullptr;
}

void encode_call_signature(json::Writer& w, std::string_view signature) {
  w.key("extra_content").begin_object().key("google").begin_object().key("thought_signature").string(signature);
  w.end_object().end_object();
}

}  // namespace cardea::dialect::openai
