// Events of an upstream's stream become model events. What an upstream leaves out (the opening of a part, its deltas) is taken
// from what it says later: each part is told once, in full.

#include <algorithm>
#include <map>

#include "dialect/openai_responses/openai_responses.h"
#include "dialect/plain.h"

namespace cardea::dialect::responses {

using json::Type;
using json::Value;
using model::ChatEvent;
namespace event = model::event;

namespace {

struct OpenPart {
  std::uint64_t part = 0;
  std::uint64_t bytes = 0;      ///< of its text, that were told
  std::uint64_t citations = 0;  ///< that were told
  bool open = true;
  bool refusal = false;
};

struct Item {
  std::uint64_t index = 0;  ///< in the output
  std::string type;
  std::map<std::uint64_t, OpenPart> contents;  ///< of a message by content index; of others the one part
  std::uint64_t summaries = 0;                 ///< of reasoning: parts that began
  bool in_full = false;                        ///< reasoning comes as its text, not as a summary
  bool done = false;
};

std::optional<std::string> text_of(const Value& object, std::string_view key) {
  const auto* text = text_at(object, key);
  return text != nullptr ? std::optional{*text} : std::nullopt;
}
std::optional<std::uint64_t> number_of(const Value& object, std::string_view key) {
  const auto* value = object.find(key);
  return value != nullptr ? value->as_u64() : std::nullopt;
}

class Decoder final : public StreamDecoder {
 public:
  Status event(std::string_view type, std::string_view data, std::vector<ChatEvent>& out) override;
  Status end(std::vector<ChatEvent>& out) override;

 private:
  using Handler = void (Decoder::*)(const Value& said);
  struct Row {
    std::string_view type;
    Handler handler;
  };
  static std::span<const Row> rows();

  void on_start(const Value& said);
  void on_item_added(const Value& said);
  void on_item_done(const Value& said);
  void on_content_added(const Value& said);
  void on_content_done(const Value& said);
  void on_text_delta(const Value& said);
  void on_text_done(const Value& said);
  void on_refusal_delta(const Value& said);
  void on_refusal_done(const Value& said);
  void on_annotation(const Value& said);
  void on_call_delta(const Value& said);
  void on_call_done(const Value& said);
  void on_summary_added(const Value& said);
  void on_summary_delta(const Value& said);
  void on_reasoning_delta(const Value& said);
  void on_end(const Value& said);
  void on_error(const Value& said);

  void start(const Value* response);
  Item& item_at(std::uint64_t index) { return items_.try_emplace(index, Item{.index = index}).first->second; }
  Item& item_of(const Value& said, std::string_view type);
  void begin_item(Item& item, const Value& value);
  void finish_item(Item& item, const Value& value);
  void finish_message(Item& item, const Value& value);
  void finish_reasoning(Item& item, const Value& value);
  OpenPart& part_of(Item& item, std::uint64_t index, model::Part value);
  void grow(OpenPart& part, std::string_view text);
  void complete(OpenPart& part, std::string_view whole);
  void finish_content(Item& item, std::uint64_t index, const Value& content);
  void close(OpenPart& part);
  void close_current();
  void tell_failure(const Value& error);
  void put(ChatEvent event) { out_->push_back(std::move(event)); }

  std::vector<ChatEvent>* out_ = nullptr;  ///< during event()
  std::map<std::uint64_t, Item> items_;    ///< by output index
  std::uint64_t last_ = 0;                 ///< output index of the last event that had one
  std::uint64_t parts_ = 0;
  std::optional<std::pair<std::uint64_t, std::uint64_t>> current_;  ///< item and place of the text or thought that is open
  bool started_ = false;
  bool called_ = false;
  std::optional<bool> refusal_;  ///< there was one; in words
  bool done_ = false;
};

std::span<const Decoder::Row> Decoder::rows() {
  static constexpr Row table[] = {
      {"response.created", &Decoder::on_start},
      {"response.in_progress", &Decoder::on_start},
      {"response.queued", &Decoder::on_start},
      {"response.output_item.added", &Decoder::on_item_added},
      {"response.output_item.done", &Decoder::on_item_done},
      {"response.content_part.added", &Decoder::on_content_added},
      {"response.content_part.done", &Decoder::on_content_done},
      {"response.output_text.delta", &Decoder::on_text_delta},
      {"response.output_text.done", &Decoder::on_text_done},
      {"response.output_text.annotation.added", &Decoder::on_annotation},
      {"response.refusal.delta", &Decoder::on_refusal_delta},
      {"response.refusal.done", &Decoder::on_refusal_done},
      {"response.function_call_arguments.delta", &Decoder::on_call_delta},
      {"response.function_call_arguments.done", &Decoder::on_call_done},
      {"response.custom_tool_call_input.delta", &Decoder::on_call_delta},
      {"response.custom_tool_call_input.done", &Decoder::on_call_done},
      {"response.reasoning_summary_part.added", &Decoder::on_summary_added},
      {"response.reasoning_summary_text.delta", &Decoder::on_summary_delta},
      {"response.reasoning_text.delta", &Decoder::on_reasoning_delta},
      {"response.completed", &Decoder::on_end},
      {"response.incomplete", &Decoder::on_end},
      {"response.failed", &Decoder::on_end},
      {"response.cancelled", &Decoder::on_end},
      {"error", &Decoder::on_error},
  };
  return table;
}

// --- the frame --------------------------------------------------------------------------------------------------------------

void Decoder::start(const Value* response) {
  if (started_) return;
  started_ = true;
  event::Start out;
  if (response != nullptr) {
    out.id = text_of(*response, "id");
    out.model = text_of(*response, "model");
    out.service_tier = text_of(*response, "service_tier");
    const auto* created = response->find("created_at");
    const auto number = created != nullptr ? created->as_double() : std::nullopt;
    if (number && *number >= 0 && *number < 1e15) out.created = static_cast<std::uint64_t>(*number);
  }
  put(std::move(out));
}

void Decoder::on_start(const Value& said) { start(given(said, "response")); }

void Decoder::tell_failure(const Value& error) {
  done_ = true;
  put(failure_of(error));
}

/// The reference's event is flat, the service's own has an object inside.
void Decoder::on_error(const Value& said) {
  const auto* inner = given(said, "error");
  tell_failure(inner != nullptr ? *inner : said);
}

/// Also of an answer that came whole after all.
void Decoder::on_end(const Value& said) {
  const auto* response = given(said, "response");
  static const Value nothing = Value::object();
  const Value& whole = response != nullptr ? *response : nothing;
  start(response);
  if (const auto* error = error_in(whole)) return tell_failure(*error);
  const auto type = text_of(said, "type");
  if (type == "response.failed" || type == "response.cancelled") return tell_failure(nothing);
  if (const auto* output = given(whole, "output")) {
    for (std::uint64_t i = 0; i < output->elements().size(); ++i) finish_item(item_at(i), output->elements()[i]);
  }
  for (auto& [index, item] : items_) {
    for (auto& [place, part] : item.contents) close(part);
  }
  // See decode_refusal() of a whole answer.
  const auto* details = given(whole, "incomplete_details");
  const auto reason = details != nullptr ? text_of(*details, "reason") : std::nullopt;
  event::ChoiceFinish finish{.finish = called_ ? model::Finish::tool_calls : model::Finish::stop, .raw = {}, .stop_sequence = {}};
  if (reason || type == "response.incomplete") {
    finish.finish = reason ? finish_of_reason(*reason) : model::Finish::length;
    if (finish.finish == model::Finish::unknown) finish.raw = reason;
  }
  const bool refused =
      refusal_ && (*refusal_ ? finish.finish == model::Finish::stop : finish.finish == model::Finish::content_filter);
  if (refused) finish.finish = model::Finish::refusal;
  put(std::move(finish));
  if (const auto* usage = given(whole, "usage")) put(event::UsageReport{decode_usage(*usage)});
  put(event::End{});
  done_ = true;
}

// --- parts ------------------------------------------------------------------------------------------------------------------

Item& Decoder::item_of(const Value& said, std::string_view type) {
  start(nullptr);
  last_ = number_of(said, "output_index").value_or(last_);
  auto& item = item_at(last_);
  if (item.type.empty()) item.type = type;
  return item;
}

/// The part at a place, begun when it was not yet.
OpenPart& Decoder::part_of(Item& item, std::uint64_t index, model::Part value) {
  const auto found = item.contents.find(index);
  if (found != item.contents.end()) return found->second;
  close_current();
  auto& part = item.contents[index];
  part.part = parts_++;
  const bool call = std::holds_alternative<model::ToolCall>(value.value);
  called_ = called_ || call;
  if (!call) current_ = {item.index, index};
  part.refusal = std::holds_alternative<model::Refusal>(value.value);
  if (part.refusal && !refusal_) refusal_ = false;
  put(event::PartStart{0, part.part, std::move(value)});
  return part;
}

/// Texts and thoughts do not interleave; one that something follows is over, whether or not its end was said. Calls may.
void Decoder::close_current() {
  const auto place = std::exchange(current_, std::nullopt);
  const auto item = place ? items_.find(place->first) : items_.end();
  if (item == items_.end()) return;
  const auto part = item->second.contents.find(place->second);
  if (part != item->second.contents.end()) close(part->second);
}

void Decoder::grow(OpenPart& part, std::string_view text) {
  if (text.empty() || !part.open) return;
  part.bytes += text.size();
  if (part.refusal) refusal_ = true;
  put(event::Delta{0, part.part, std::string{text}});
}

void Decoder::complete(OpenPart& part, std::string_view whole) {
  if (whole.size() > part.bytes) grow(part, whole.substr(part.bytes));
}

void Decoder::close(OpenPart& part) {
  if (!part.open) return;
  part.open = false;
  put(event::PartStop{0, part.part});
}

std::uint64_t content_index(const Value& said) { return number_of(said, "content_index").value_or(0); }

void Decoder::on_content_added(const Value& said) {
  const auto* content = given(said, "part");
  const auto type = content != nullptr ? text_of(*content, "type") : std::nullopt;
  if (type == "output_text") part_of(item_of(said, "message"), content_index(said), {.value = model::Text{}});
  if (type == "refusal") part_of(item_of(said, "message"), content_index(said), {.value = model::Refusal{}});
}

void Decoder::on_text_delta(const Value& said) {
  auto& part = part_of(item_of(said, "message"), content_index(said), {.value = model::Text{}});
  grow(part, text_of(said, "delta").value_or(""));
  const auto* logprobs = given(said, "logprobs");
  if (logprobs == nullptr || logprobs->elements().empty()) return;
  put(event::Logprobs{0, {Value::object({{"content", *logprobs}, {"refusal", {}}}).dump()}});
}
void Decoder::on_text_done(const Value& said) {
  auto& part = part_of(item_of(said, "message"), content_index(said), {.value = model::Text{}});
  complete(part, text_of(said, "text").value_or(""));
}
void Decoder::on_refusal_delta(const Value& said) {
  auto& part = part_of(item_of(said, "message"), content_index(said), {.value = model::Refusal{}});
  grow(part, text_of(said, "delta").value_or(""));
}
void Decoder::on_refusal_done(const Value& said) {
  auto& part = part_of(item_of(said, "message"), content_index(said), {.value = model::Refusal{}});
  complete(part, text_of(said, "refusal").value_or(""));
}

void Decoder::on_annotation(const Value& said) {
  const auto* annotation = given(said, "annotation");
  if (annotation == nullptr) return;
  auto& part = part_of(item_of(said, "message"), content_index(said), {.value = model::Text{}});
  if (!part.open) return;
  ++part.citations;
  put(event::CitationDelta{0, part.part, decode_citation(*annotation)});
}

/// `content`: the whole of it.
void Decoder::finish_content(Item& item, std::uint64_t index, const Value& content) {
  const auto type = text_of(content, "type");
  if (type == "refusal") {
    auto& part = part_of(item, index, {.value = model::Refusal{}});
    complete(part, text_of(content, "refusal").value_or(""));
    return close(part);
  }
  if (type != "output_text") return;
  auto& part = part_of(item, index, {.value = model::Text{}});
  complete(part, text_of(content, "text").value_or(""));
  const auto* annotations = given(content, "annotations");
  for (; part.open && annotations != nullptr && part.citations < annotations->elements().size(); ++part.citations) {
    put(event::CitationDelta{0, part.part, decode_citation(annotations->elements()[part.citations])});
  }
  close(part);
}

void Decoder::on_content_done(const Value& said) {
  const auto* content = given(said, "part");
  if (content == nullptr || text_of(*content, "type") == "reasoning_text") return;
  finish_content(item_of(said, "message"), content_index(said), *content);
}

// --- calls and reasoning ----------------------------------------------------------------------------------------------------

void Decoder::begin_item(Item& item, const Value& value) {
  item.type = text_of(value, "type").value_or("");
  if (item.type == "function_call" || item.type == "custom_tool_call") {
    model::ToolCall call{.id = text_of(value, "call_id"), .name = text_of(value, "name").value_or("")};
    if (item.type == "custom_tool_call") call.kind = model::ToolKind::custom;
    part_of(item, 0, {.value = std::move(call)});
  }
  if (item.type == "reasoning") part_of(item, 0, {.value = model::Thinking{.text = {}, .id = text_of(value, "id")}});
}

void Decoder::on_item_added(const Value& said) {
  const auto* value = given(said, "item");
  if (value == nullptr) return;
  last_ = number_of(said, "output_index").value_or(items_.empty() ? 0 : last_ + 1);
  start(nullptr);
  // An index that comes twice is another item: some servers count wrongly.
  if (const auto before = items_.find(last_); before != items_.end()) {
    for (auto& [place, part] : before->second.contents) close(part);
    items_.erase(before);
  }
  begin_item(item_at(last_), *value);
}

void Decoder::on_item_done(const Value& said) {
  const auto* value = given(said, "item");
  if (value != nullptr) finish_item(item_of(said, text_of(*value, "type").value_or("")), *value);
}

void Decoder::on_call_delta(const Value& said) {
  auto& item = item_of(said, "function_call");
  const auto found = item.contents.find(0);
  if (found != item.contents.end()) grow(found->second, text_of(said, "delta").value_or(""));
}
/// A call that was not begun waits for its item, which has the name.
void Decoder::on_call_done(const Value& said) {
  auto& item = item_of(said, "function_call");
  const auto found = item.contents.find(0);
  if (found == item.contents.end()) return;
  complete(found->second, text_of(said, item.type == "custom_tool_call" ? "input" : "arguments").value_or(""));
}

void Decoder::on_summary_added(const Value& said) {
  auto& item = item_of(said, "reasoning");
  if (item.in_full) return;
  auto& part = part_of(item, 0, {.value = model::Thinking{.text = {}, .id = text_of(said, "item_id")}});
  if (item.summaries++ != 0) grow(part, summary_gap);
}
void Decoder::on_summary_delta(const Value& said) {
  auto& item = item_of(said, "reasoning");
  if (item.in_full) return;
  const auto index = number_of(said, "summary_index").value_or(0);
  auto& part = part_of(item, 0, {.value = model::Thinking{.text = {}, .id = text_of(said, "item_id")}});
  // Where the openings of its parts are left out.
  for (; item.summaries <= index; ++item.summaries) {
    if (item.summaries != 0) grow(part, summary_gap);
  }
  grow(part, text_of(said, "delta").value_or(""));
}
void Decoder::on_reasoning_delta(const Value& said) {
  auto& item = item_of(said, "reasoning");
  if (item.summaries != 0) return;
  item.in_full = true;
  auto& part = part_of(item, 0, {.value = model::Thinking{.text = {}, .id = text_of(said, "item_id")}});
  grow(part, text_of(said, "delta").value_or(""));
}

// --- whole items ------------------------------------------------------------------------------------------------------------

void Decoder::finish_message(Item& item, const Value& value) {
  const auto* content = given(value, "content");
  for (std::uint64_t i = 0; content != nullptr && i < content->elements().size(); ++i) {
    finish_content(item, i, content->elements()[i]);
  }
}

void Decoder::finish_reasoning(Item& item, const Value& value) {
  auto& part = part_of(item, 0, {.value = model::Thinking{.text = {}, .id = text_of(value, "id")}});
  const auto texts = [&](std::string_view key) {
    std::vector<std::string> out;
    const auto* list = given(value, key);
    if (list == nullptr) return out;
    for (const auto& text : list->elements()) out.push_back(text_of(text, "text").value_or(""));
    return out;
  };
  const auto summary = texts("summary");
  if (!item.in_full && !summary.empty()) {
    complete(part, joined(summary));
  } else if (item.summaries == 0) {
    complete(part, joined(texts("content")));
  }
  const auto encrypted = text_of(value, "encrypted_content");
  if (part.open && encrypted && !encrypted->empty()) put(event::SignatureDelta{0, part.part, *encrypted});
}

void Decoder::finish_item(Item& item, const Value& value) {
  if (item.done) return;
  item.done = true;
  if (item.contents.empty()) begin_item(item, value);
  if (item.type == "message") {
    finish_message(item, value);
  } else if (item.type == "reasoning") {
    finish_reasoning(item, value);
  } else if (item.type == "function_call" || item.type == "custom_tool_call") {
    complete(item.contents.begin()->second, text_of(value, item.type == "function_call" ? "arguments" : "input").value_or(""));
  } else if (item.contents.empty()) {
    std::vector<model::Part> parts;
    const auto known = decode_output_item(value, item.type, "output", parts);
    part_of(item, 0, known && *known ? std::move(parts.front()) : opaque_item(value));
  }
  for (auto& [place, part] : item.contents) close(part);
}

Status Decoder::event(std::string_view type, std::string_view data, std::vector<ChatEvent>& out) {
  out_ = &out;
  data = trim(data);
  if (data.empty() || data == "[DONE]" || done_) return {};
  auto said = json::parse(data, upstream_scan());
  if (!said) return fail_with(said);
  if (!said->is(Type::object)) return fail(Kind::upstream_protocol, "the upstream's stream has an event that is no JSON object");
  const auto* own = text_at(*said, "type");
  if (own == nullptr && given(*said, "error") != nullptr) {  // as Chat Completions tells it
    on_error(*said);
    return {};
  }
  if (own == nullptr) said->set("type", Value::string(std::string{type}));
  const std::string_view word{*text_at(*said, "type")};
  const auto row = std::ranges::find(rows(), word, &Row::type);
  if (row != rows().end()) (this->*row->handler)(*said);
  return {};
}

Status Decoder::end(std::vector<ChatEvent>& /*out*/) {
  if (done_) return {};
  return fail(Kind::upstream_reset, "the upstream ended the stream before its end");
}

}  // namespace

std::unique_ptr<StreamDecoder> make_stream_decoder() { return std::make_unique<Decoder>(); }

}  // namespace cardea::dialect::responses
