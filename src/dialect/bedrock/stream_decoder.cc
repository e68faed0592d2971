// The events of an upstream's ConverseStream become model events.

#include <algorithm>
#include <array>

#include "base/base64.h"
#include "dialect/bedrock/bedrock.h"
#include "dialect/plain.h"

namespace cardea::dialect::converse {

using json::Type;
using json::Value;
using model::ChatEvent;
namespace event = model::event;

namespace {

/// A content block that is open.
struct Block {
  enum class Kind : std::uint8_t {
    unknown,  ///< announced by nothing, said nothing yet
    text,
    thinking,
    call,
    held,  ///< told whole when it stops: an image, redacted reasoning, a tool that Bedrock itself runs
  };
  std::uint64_t index = 0;
  std::uint64_t part = 0;
  Kind kind = Kind::unknown;
  bool said = false;  ///< of a call: arguments came
  Value start;        ///< of a held block
  std::string held;   ///< its bytes, JSON or text
  Value results;      ///< of a result: its content
};

class Decoder final : public StreamDecoder {
 public:
  Status event(std::string_view type, std::string_view data, std::vector<ChatEvent>& out) override;
  Status end(std::vector<ChatEvent>& out) override;

 private:
  void put(ChatEvent event) { out_->push_back(std::move(event)); }
  void begin() {
    if (!std::exchange(started_, true)) put(event::Start{});
  }
  Block& block_of(const Value& said);
  void block_start(const Value& said);
  void block_delta(const Value& said);
  void block_stop(const Value& said);
  void message_stop(const Value& said);
  void metadata(const Value& said);
  void failure(std::string_view type, std::string_view data);
  void reasoning(Block& block, const Value& delta);
  void open(Block& block, Block::Kind kind, model::Part part);
  void close(Block& block);
  void close_held(Block& block);
  void close_others();
  void end_if_complete();

  std::vector<ChatEvent>* out_ = nullptr;  ///< during event()
  std::vector<Block> blocks_;
  std::uint64_t parts_ = 0;
  bool started_ = false;
  bool finished_ = false;  ///< the stop reason was said
  bool counted_ = false;   ///< the metadata came, which is the last event
  bool done_ = false;
};

std::optional<std::string> text_of(const Value& object, std::string_view key) {
  const auto* text = text_at(object, key);
  return text != nullptr ? std::optional{*text} : std::nullopt;
}

Block& Decoder::block_of(const Value& said) {
  const auto* number = said.find("contentBlockIndex");
  const auto index = number != nullptr ? number->as_u64().value_or(0) : 0;
  const auto found = std::ranges::find(blocks_, index, &Block::index);
  if (found != blocks_.end()) return *found;
  close_others();
  return blocks_.emplace_back(Block{.index = index, .start = {}, .held = {}, .results = {}});
}

/// Blocks follow one another; one that was never stopped ends where the next begins. Calls may go on: servers that only speak
/// like Bedrock write parallel ones side by side.
void Decoder::close_others() {
  std::erase_if(blocks_, [&](Block& block) {
    if (block.kind == Block::Kind::call) return false;
    close(block);
    return true;
  });
}

void Decoder::open(Block& block, Block::Kind kind, model::Part part) {
  if (block.kind == kind) return;
  close(block);
  block.kind = kind;
  block.said = false;
  block.part = parts_++;
  put(event::PartStart{0, block.part, std::move(part)});
}

void Decoder::block_start(const Value& said) {
  auto& block = block_of(said);
  const auto* start = given(said, "start");
  if (start == nullptr) return;
  const auto* call = given(*start, "toolUse");
  if (call != nullptr && given(*call, "type") == nullptr) {
    model::ToolCall out{.id = text_of(*call, "toolUseId"), .name = text_of(*call, "name").value_or("")};
    open(block, Block::Kind::call, {.value = std::move(out)});
    return;
  }
  if (start->members().empty() || !start->members().front().second.is(Type::object)) return;
  close(block);  // of an index that begins anew without having been stopped
  block.kind = Block::Kind::held;
  block.start = *start;
  block.held.clear();
}

void Decoder::reasoning(Block& block, const Value& delta) {
  if (const auto redacted = text_of(delta, "redactedContent")) {
    if (block.kind == Block::Kind::unknown) {
      block.kind = Block::Kind::held;
      block.start = Value::object({{"redacted", Value{}}});
    }
    // Pieces of bytes, each in base64 of its own.
    if (block.kind == Block::Kind::held) block.held += from_base64(*redacted).value_or("");
    return;
  }
  const auto text = text_of(delta, "text");
  const auto signature = text_of(delta, "signature");
  if (!text && !signature) return;
  open(block, Block::Kind::thinking, {.value = model::Thinking{.text = {}}});
  if (text && !text->empty()) put(event::Delta{0, block.part, *text});
  if (signature && !signature->empty()) put(event::SignatureDelta{0, block.part, *signature});
}

void Decoder::block_delta(const Value& said) {
  auto& block = block_of(said);
  const auto* delta = given(said, "delta");
  if (delta == nullptr) return;
  if (const auto text = text_of(*delta, "text"); text && !text->empty()) {
    open(block, Block::Kind::text, {.value = model::Text{}});
    put(event::Delta{0, block.part, *text});
  }
  if (const auto* citation = given(*delta, "citation")) {
    open(block, Block::Kind::text, {.value = model::Text{}});
    put(event::CitationDelta{0, block.part, decode_citation(*citation)});
  }
  if (const auto* thought = given(*delta, "reasoningContent")) reasoning(block, *thought);
  if (const auto* call = given(*delta, "toolUse")) {
    const auto input = text_of(*call, "input").value_or("");
    if (block.kind == Block::Kind::held) block.held += input;
    if (block.kind == Block::Kind::call && !input.empty()) {
      block.said = true;
      put(event::Delta{0, block.part, input});
    }
  }
  if (block.kind != Block::Kind::held) return;
  if (const auto* results = given(*delta, "toolResult")) {
    if (!block.results.is(Type::array)) block.results = Value::array();
    for (const auto& result : results->elements()) block.results.edit_elements().push_back(result);
  }
  const auto* image = given(*delta, "image");
  const auto* source = image != nullptr ? given(*image, "source") : nullptr;
  if (source != nullptr) block.held += from_base64(text_of(*source, "bytes").value_or("")).value_or("");
}

/// What came in pieces is told whole, as the block of a plain answer would have been.
void Decoder::close_held(Block& block) {
  const auto& [key, start] = block.start.members().front();
  model::Part part;
  if (key == "redacted") {
    part.value = model::Thinking{.text = {}, .redacted = to_base64(block.held)};
  } else {
    auto inner = start;
    if (key == "toolUse") {
      auto input = json::parse(block.held.empty() ? "{}" : std::string_view{block.held}, upstream_scan());
      inner.set("input", input ? std::move(*input) : Value::string(block.held));
    } else if (key == "toolResult") {
      inner.set("content", block.results.is(Type::array) ? block.results : Value::array());
    } else if (key == "image") {
      inner.set("source", Value::object({{"bytes", Value::string(to_base64(block.held))}}));
    }
    std::vector<model::Part> parts;
    const auto whole = Value::array({Value::object({{key, std::move(inner)}})});
    const auto status = decode_content(whole, "", parts);
    if (!status || parts.empty()) return;
    part = std::move(parts.front());
  }
  block.part = parts_++;
  put(event::PartStart{0, block.part, std::move(part)});
  put(event::PartStop{0, block.part});
}

void Decoder::close(Block& block) {
  if (block.kind == Block::Kind::held) {
    close_held(block);
  } else if (block.kind != Block::Kind::unknown) {
    // A tool without arguments is called with none, which is said nowhere.
    if (block.kind == Block::Kind::call && !block.said) put(event::Delta{0, block.part, "{}"});
    put(event::PartStop{0, block.part});
  }
  block.kind = Block::Kind::unknown;
}

void Decoder::block_stop(const Value& said) {
  auto& block = block_of(said);
  close(block);
  std::erase_if(blocks_, [index = block.index](const Block& other) { return other.index == index; });
}

void Decoder::message_stop(const Value& said) {
  if (std::exchange(finished_, true)) return;
  for (auto& block : blocks_) close(block);
  blocks_.clear();
  event::ChoiceFinish out{.choice = 0, .finish = model::Finish::unknown, .raw = {}, .stop_sequence = {}};
  if (const auto word = text_of(said, "stopReason")) {
    out.finish = finish_of(*word);
    out.raw = raw_finish(*word);
  }
  if (const auto* fields = given(said, "additionalModelResponseFields")) out.stop_sequence = text_of(*fields, "stop_sequence");
  put(std::move(out));
  end_if_complete();
}

void Decoder::metadata(const Value& said) {
  if (const auto* usage = given(said, "usage")) put(event::UsageReport{decode_usage(*usage)});
  counted_ = true;
  end_if_complete();
}

void Decoder::end_if_complete() {
  if (!finished_ || !counted_) return;
  done_ = true;
  put(event::End{});
}

/// What each exception of a stream stands for (ConverseStreamOutput; those of the request may come late, too).
struct Exception {
  std::string_view type;
  std::uint16_t status;
};
constexpr std::array<Exception, 9> exceptions{{{"throttlingException", 429},
                                               {"modelStreamErrorException", 424},
                                               {"internalServerException", 500},
                                               {"serviceUnavailableException", 503},
                                               {"validationException", 400},
                                               {"modelTimeoutException", 408},
                                               {"modelErrorException", 424},
                                               {"accessDeniedException", 403},
                                               {"resourceNotFoundException", 404}}};

void Decoder::failure(std::string_view type, std::string_view data) {
  const auto row = std::ranges::find_if(exceptions, [&](const Exception& known) { return iequals(known.type, type); });
  event::Failure out{.message = {}, .type = std::string{type}, .code = {}, .status = 500};
  if (row != exceptions.end()) {
    out.status = row->status;
    // As the class of a whole error would be named.
    out.code = std::string{type};
    if (out.code.front() >= 'a') out.code.front() = static_cast<char>(out.code.front() - ('a' - 'A'));
  }
  const auto value = json::parse(data, upstream_scan());
  if (value) {
    for (const auto key : {"message", "Message", "originalMessage"}) {
      if (out.message.empty()) out.message = text_of(*value, key).value_or("");
    }
  } else {
    out.message = data;
  }
  if (out.message.empty()) out.message = "the upstream reported an error in its stream";
  done_ = true;
  put(std::move(out));
}

Status Decoder::event(std::string_view type, std::string_view data, std::vector<ChatEvent>& out) {
  struct Known {
    std::string_view type;
    void (Decoder::*handle)(const Value& said);
  };
  static constexpr std::array<Known, 6> known{{{"messageStart", nullptr},
                                               {"contentBlockStart", &Decoder::block_start},
                                               {"contentBlockDelta", &Decoder::block_delta},
                                               {"contentBlockStop", &Decoder::block_stop},
                                               {"messageStop", &Decoder::message_stop},
                                               {"metadata", &Decoder::metadata}}};
  out_ = &out;
  if (done_) return {};
  const auto* row = std::ranges::find(known, type, &Known::type);
  if (row == known.end()) {
    // What is no event of Converse and says nothing in JSON is the transport's own error.
    const bool failed = type.ends_with("Exception") || type.ends_with("Error") || type.ends_with("Failure");
    if (failed || (!trim(data).empty() && !json::parse(data, upstream_scan()))) failure(type, data);
    return {};
  }
  const auto said = json::parse(data, upstream_scan());
  if (!said) return std::unexpected{said.error().clone()};
  if (!said->is(Type::object)) return fail(Kind::upstream_protocol, "the upstream's stream has an event that is no JSON object");
  begin();
  const bool late = finished_ && type.starts_with("content");
  if (row->handle != nullptr && !late) (this->*row->handle)(*said);
  return {};
}

Status Decoder::end(std::vector<ChatEvent>& out) {
  out_ = &out;
  if (done_) return {};
  // Only the counts are missing.
  if (finished_) {
    done_ = true;
    put(event::End{});
    return {};
  }
  return fail(Kind::upstream_reset, "the upstream ended the stream before its end");
}

}  // namespace

std::unique_ptr<StreamDecoder> make_stream_decoder() { return std::make_unique<Decoder>(); }

}  // namespace cardea::dialect::converse
