// A model::Chat becomes a request to an upstream.

#include <array>
#include <set>

#include "dialect/openai_responses/openai_responses.h"

namespace cardea::dialect::responses {

using json::Writer;
using model::Chat;
using model::Message;
using model::Part;
using model::Role;

namespace {

/// The reference allows 64 bytes; some dialects' ids are longer. The same id always becomes the same.
std::string call_id_of(std::string_view id) {
  constexpr std::size_t most = 64;
  if (id.size() <= most) return std::string{id};
  std::string out = "call_";
  for (std::uint64_t hash : {0xCBF29CE484222325U, 0x84222325CBF29CE4U}) {  // FNV-1a from two starts
    for (const char c : id) hash = (hash ^ static_cast<unsigned char>(c)) * 0x100000001B3;
    constexpr std::string_view digits = "0123456789abcdef";
    for (int shift = 60; shift >= 0; shift -= 4) out.push_back(digits[hash >> shift & 15]);
  }
  return out;
}

/// A content part of the dialect that this version does not know, among items of the dialect that it does not know.
bool is_content(const model::Opaque& opaque) {
  const auto value = json::parse(opaque.value.text);
  const auto* type = value ? value->find("type") : nullptr;
  const auto* word = type != nullptr ? type->as_string() : nullptr;
  return word != nullptr && (word->starts_with("input_") || word->starts_with("output_"));
}

/// Writes messages as items. Parts that belong into one message item are gathered until something else comes.
class InputWriter {
 public:
  InputWriter(Writer& w, const Encoding& encoding) : w_{w}, encoding_{encoding} {}

  void message(const Message& message, std::size_t index) {
    message_ = &message;
    index_ = index;
    if (message.name) encoding_.losses.detail(cat("messages[", index, "].name"), "openai_responses has no names");
    const bool extras_have_place = encoding_.own() && message.role != Role::assistant && message.role != Role::tool;
    if (!extras_have_place) {
      for (const auto& extra : message.extras) encoding_.losses.detail(cat("messages[", index, "].", extra.key));
    }
    for (const auto& part : message.parts) std::visit([&](const auto& value) { on(value, part); }, part.value);
    if (message.parts.empty() && encoding_.own()) item();
    flush();
  }
  /// A reasoning item was given back.
  [[nodiscard]] bool reasons() const noexcept { return reasons_; }

 private:
  [[nodiscard]] bool assistant() const noexcept { return message_->role == Role::assistant; }
  [[nodiscard]] std::string path_of(const Part& part) const {
    return cat("messages[", index_, "].content[", &part - message_->parts.data(), ']');
  }
  void flush() {
    if (!pending_.empty()) item();
    pending_.clear();
  }
  void item();
  void assistant_item();

  void on(const model::Text&, const Part& part) { said(part); }
  void on(const model::Refusal&, const Part& part) { said(part); }
  void said(const Part& part) {
    if (encoding_.own() && assistant() && begins_item(part)) flush();
    pending_.push_back(&part);
  }
  void on(const model::Image&, const Part& part) {
    const bool generated = assistant() && encoding_.own();
    if (!generated) return media(part);
    flush();
    w_.begin_object().key("type").string("image_generation_call");
    w_.key("result").string(std::get<model::Image>(part.value).media.base64.value_or(""));
    write_inner(w_, part.extras, "image_generation_call");
    w_.end_object();
  }
  void on(const model::Audio&, const Part& part) { media(part); }
  void on(const model::File&, const Part& part) { media(part); }
  void media(const Part& part) {
    if (assistant() || !unsayable(part, encoding_).empty()) {
      lose_part(part, path_of(part), encoding_);
    } else {
      pending_.push_back(&part);
    }
  }
  void on(const model::Opaque& opaque, const Part& part) {
    if (!unsayable(part, encoding_).empty()) return lose_part(part, path_of(part), encoding_);
    if (!assistant() || is_content(opaque)) {
      pending_.push_back(&part);
      return;
    }
    flush();
    w_.raw(opaque.value.text);
  }
  void on(const model::Thinking& thinking, const Part& part);
  void on(const model::ToolCall& call, const Part& part);
  void on(const model::ToolResult& result, const Part& part);
  void output(const model::ToolResult& result, const std::string& path);
  void item_extras(const Part& part, std::span<const std::string_view> inner = {}) {
    if (encoding_.own()) write_extras(w_, part.extras, inner);
    lose_beside(part, path_of(part), encoding_);
  }

  Writer& w_;
  const Encoding& encoding_;
  const Message* message_ = nullptr;
  std::size_t index_ = 0;
  std::size_t items_ = 0;  ///< with ids of one's own making
  std::vector<const Part*> pending_;
  std::set<std::string, std::less<>> custom_;  ///< calls of custom tools so far
  bool reasons_ = false;
};

/// What the pending parts say, as one message item.
void InputWriter::item() {
  if (assistant()) return assistant_item();
  const auto role = message_->role == Role::tool ? Role::user : message_->role;
  w_.begin_object().key("type").string("message").key("role").string(name(role)).key("content");
  if (pending_.size() == 1 && is_plain_text(*pending_[0], encoding_.origin)) {
    w_.string(std::get<model::Text>(pending_[0]->value).text);
    lose_beside(*pending_[0], path_of(*pending_[0]), encoding_);
  } else {
    w_.begin_array();
    for (const auto* part : pending_) encode_input_part(w_, *part, path_of(*part), encoding_);
    w_.end_array();
  }
  if (encoding_.own()) write_extras(w_, message_->extras, {});
  w_.end_object();
}

/// What the model said: a bare text needs no id, anything else is said as the output item that it was, which needs one.
void InputWriter::assistant_item() {
  w_.begin_object().key("type").string("message").key("role").string("assistant");
  for (const auto* part : pending_) lose_beside(*part, path_of(*part), encoding_);
  if (pending_.size() == 1 && is_plain_text(*pending_[0], encoding_.origin)) {
    w_.key("content").string(std::get<model::Text>(pending_[0]->value).text).end_object();
    return;
  }
  w_.key("id").string(cat(Prefix::message, index_, '_', items_++)).key("status").string("completed");
  w_.key("content").begin_array();
  for (const auto* part : pending_) {
    if (const auto* opaque = std::get_if<model::Opaque>(&part->value)) {
      w_.raw(opaque->value.text);
    } else if (const auto* refusal = std::get_if<model::Refusal>(&part->value)) {
      encode_refusal(w_, refusal->text);
    } else {
      const auto& text = std::get<model::Text>(part->value);
      encode_output_text(w_, text.text, text.citations, {}, encoding_.origin);
    }
  }
  w_.end_array();
  if (encoding_.own() && !pending_.empty()) encode_item_extras(w_, pending_[0]->extras);
  w_.end_object();
}

/// Only what the vendor itself issued can be given back to it: an unknown id or plain thoughts are refused.
void InputWriter::on(const model::Thinking& thinking, const Part& part) {
  const auto& opaque = thinking.encrypted ? thinking.encrypted : thinking.signature;
  const bool issued = encoding_.own() ? opaque || thinking.id : opaque && thinking.issuer;
  if (!issued) {
    encoding_.losses.detail(cat(path_of(part), ".thinking"), "only reasoning that the vendor encrypted can be given back");
    return;
  }
  flush();
  reasons_ = reasons_ || opaque;
  w_.begin_object().key("type").string("reasoning");
  // The encrypted content is bound to the id: a made-up one would be refused, a missing one is not.
  write(w_, "id", thinking.id);
  const std::vector<std::string> whole{thinking.text};
  const bool foreign_text = !encoding_.own() && thinking.summary.empty() && !thinking.text.empty();
  const bool content = encoding_.own() && thinking.summary.empty();
  encode_reasoning_text(w_, foreign_text ? whole : thinking.summary, content ? thinking.text : "");
  write(w_, "encrypted_content", opaque);
  item_extras(part);
  w_.end_object();
}

void InputWriter::on(const model::ToolCall& call, const Part& part) {
  flush();
  const bool custom = call.kind == model::ToolKind::custom;
  const auto id = call_id_of(call.id.value_or(""));
  if (custom) custom_.insert(id);
  w_.begin_object().key("type").string(custom ? "custom_tool_call" : "function_call");
  w_.key("call_id").string(id).key("name").string(call.name);
  // A call without arguments is said by some dialects with an empty text, which is not JSON.
  const bool empty = !custom && !encoding_.own() && call.arguments.empty();
  w_.key(custom ? "input" : "arguments").string(empty ? "{}" : std::string_view{call.arguments});
  item_extras(part);
  w_.end_object();
  if (call.signature) encoding_.losses.detail(cat(path_of(part), ".signature"), "openai_responses has no place for it");
}

void InputWriter::on(const model::ToolResult& result, const Part& part) {
  constexpr std::array<std::string_view, 1> kind{"type"};
  flush();
  const auto id = call_id_of(result.call_id.value_or(""));
  bool custom = custom_.contains(id);
  for (const auto& extra : part.extras) custom = custom || (encoding_.own() && extra.key == kind[0]);
  w_.begin_object().key("type").string(custom ? "custom_tool_call_output" : "function_call_output");
  if (result.call_id) w_.key("call_id").string(id);
  if (encoding_.own() || !result.call_id) write(w_, "name", result.name);
  w_.key("output");
  output(result, path_of(part));
  item_extras(part, kind);
  w_.end_object();
}

/// An error has no flag here, so that the text says it.
void InputWriter::output(const model::ToolResult& result, const std::string& path) {
  constexpr std::string_view mark = "Error: ";
  std::vector<Part> parts;
  std::vector<std::string> paths;
  for (std::size_t i = 0; i < result.parts.size(); ++i) {
    const auto& part = result.parts[i];
    auto part_path = cat(path, ".tool_result.content[", i, ']');
    if (unsayable(part, encoding_).empty()) {
      parts.push_back(part);
      paths.push_back(std::move(part_path));
    } else {
      lose_part(part, part_path, encoding_);
    }
  }
  if (result.is_error.value_or(false)) {
    encoding_.losses.detail(cat(path, ".tool_result.is_error"), "said in the text");
    auto* text = parts.empty() ? nullptr : std::get_if<model::Text>(&parts[0].value);
    if (text == nullptr) {
      parts.insert(parts.begin(), Part{.value = model::Text{.text = "Error"}});
      paths.insert(paths.begin(), path);
    } else if (!text->text.starts_with(mark)) {
      text->text = cat(mark, text->text);
    }
  }
  if (parts.empty() && !encoding_.own()) {
    w_.string("");
  } else if (parts.size() == 1 && is_plain_text(parts[0], encoding_.origin)) {
    w_.string(std::get<model::Text>(parts[0].value).text);
    lose_beside(parts[0], paths[0], encoding_);
  } else {
    w_.begin_array();
    for (std::size_t i = 0; i < parts.size(); ++i) encode_input_part(w_, parts[i], paths[i], encoding_);
    w_.end_array();
  }
}

}  // namespace

std::string OpenAiResponses::encode_request(const Chat& chat, Losses& losses) const {
  const Encoding encoding{
      .losses = losses, .origin = origin_of(chat.dialect), .same_vendor = chat.dialect.starts_with("openai_")};
  std::string out;
  Writer w{out};
  w.begin_object().key("model").string(chat.model);
  const auto* instructions = instructions_of(chat);
  if (instructions != nullptr) {
    w.key("instructions").string(*instructions);
    lose_beside(chat.messages.front().parts.front(), "messages[0].content[0]", encoding);
  }
  InputWriter input{w, encoding};
  if (!chat.messages.empty()) {
    w.key("input").begin_array();
    for (std::size_t i = instructions != nullptr ? 1 : 0; i < chat.messages.size(); ++i) input.message(chat.messages[i], i);
    w.end_array();
  }
  encode_settings(w, chat, encoding, input.reasons() ? Returns::reasoning : Returns::nothing);
  w.end_object();
  return out;
}

}  // namespace cardea::dialect::responses
