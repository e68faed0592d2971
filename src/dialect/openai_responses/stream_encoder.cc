// What is written of an answer: the events of a client's stream, and the whole of it.

#include <algorithm>
#include <array>

#include "dialect/openai_chat/openai_chat.h"
#include "dialect/openai_responses/composer.h"
#include "wire/sse.h"

namespace cardea::dialect::responses {

using json::Writer;
using model::Finish;
using State = OutputItem::State;

// --- events -----------------------------------------------------------------------------------------------------------------

template <class Write>
void Composer::event(std::string_view type, const Write& write) {
  if (out_ == nullptr) return;
  json_.clear();
  Writer w{json_};
  w.begin_object().key("type").string(type).key("sequence_number").number(sequence_++);
  write(w);
  w.end_object();
  wire::append_event(*out_, type, json_);
}

template <class Write>
void Composer::content_event(std::string_view type, Place place, const Write& write) {
  event(type, [&](Writer& w) {
    const auto& item = items_[place.item];
    w.key("item_id").string(item.id).key("output_index").number(place.item);
    if (item.kind == Kind::message) w.key("content_index").number(place.content);
    if (item.kind == Kind::reasoning) w.key("summary_index").number(item.summary.size() - 1);
    write(w);
  });
}

void Composer::response_event(std::string_view type) {
  event(type, [&](Writer& w) {
    w.key("response");
    write_response(w);
    w.end_object();
  });
}

std::size_t Composer::open_item(OutputItem item) {
  const auto index = items_.size();
  items_.push_back(std::move(item));
  event("response.output_item.added", [&](Writer& w) {
    w.key("output_index").number(index).key("item");
    write_item(w, index);
  });
  return index;
}

/// A text goes on in the message that is last, as a further part of it.
Composer::Place Composer::open_content(Words words, const model::Part& part) {
  const bool begins = own_ && begins_item(part);
  if (begins || items_.empty() || items_.back().kind != Kind::message || items_.back().state != State::growing) {
    settle();
    OutputItem item{.kind = Kind::message, .id = id_for(Prefix::message, items_.size())};
    if (begins) item.extras = part.extras;
    message_ = open_item(std::move(item));
  }
  auto& item = items_.back();
  ++item.open_contents;
  refusal_ = refusal_ || words == Words::refusal;
  item.contents.push_back({.refusal = words == Words::refusal});
  const Place place{items_.size() - 1, item.contents.size() - 1};
  content_event("response.content_part.added", place, [&](Writer& w) {
    w.key("part");
    write_content(w, item.contents.back());
  });
  return place;
}

void Composer::grow(Place place, std::string_view text, std::string_view logprobs) {
  auto& item = items_[place.item];
  if (text.empty() && logprobs.empty()) return;
  const auto delta = [&](std::string_view type) {
    content_event(type, place, [&](Writer& w) {
      w.key("delta").string(text);
      if (item.kind == Kind::message && !item.contents[place.content].refusal) w.key("logprobs").raw(cat('[', logprobs, ']'));
    });
  };
  switch (item.kind) {
    case Kind::message: {
      auto& content = item.contents[place.content];
      content.text += text;
      refused_ = refused_ || content.refusal;
      if (!logprobs.empty()) content.logprobs += cat(content.logprobs.empty() ? "" : ",", logprobs);
      return delta(content.refusal ? "response.refusal.delta" : "response.output_text.delta");
    }
    case Kind::reasoning: {
      if (item.summary.empty()) open_summary(place);
      item.summary.back() += text;
      return delta("response.reasoning_summary_text.delta");
    }
    case Kind::function_call: item.text += text; return delta("response.function_call_arguments.delta");
    case Kind::custom_call: item.text += text; return delta("response.custom_tool_call_input.delta");
    default: return;
  }
}

void Composer::open_summary(Place place) {
  items_[place.item].summary.emplace_back();
  content_event("response.reasoning_summary_part.added", place,
                [](Writer& w) { w.key("part").raw(R"({"type":"summary_text","text":""})"); });
}

void Composer::close_summary(Place place) {
  const auto& summary = items_[place.item].summary;
  if (summary.empty()) return;
  content_event("response.reasoning_summary_text.done", place, [&](Writer& w) { w.key("text").string(summary.back()); });
  content_event("response.reasoning_summary_part.done", place, [&](Writer& w) {
    w.key("part").begin_object().key("type").string("summary_text").key("text").string(summary.back()).end_object();
  });
}

/// Citations are told once their place is known; of those without one that is when the text is whole.
void Composer::announce(Place place, Text text) {
  auto& content = items_[place.item].contents[place.content];
  for (; content.announced < content.citations.size(); ++content.announced) {
    const auto& citation = content.citations[content.announced];
    if (text == Text::growing && !(citation.raw && own_) && (!citation.start || !citation.end)) return;
    content_event("response.output_text.annotation.added", place, [&](Writer& w) {
      w.key("annotation_index").number(content.announced).key("annotation");
      encode_citation(w, citation, content.text, origin());
    });
  }
}

/// Nothing more comes in a part.
void Composer::close(Place place) {
  auto& item = items_[place.item];
  if (item.state != State::growing) return;
  if (item.kind == Kind::message) {
    if (place.content >= item.contents.size()) return;
    auto& content = item.contents[place.content];
    if (!content.open) return;
    announce(place, Text::whole);
    content.open = false;
    --item.open_contents;
    const std::string_view type = content.refusal ? "response.refusal.done" : "response.output_text.done";
    content_event(type, place, [&](Writer& w) {
      w.key(content.refusal ? "refusal" : "text").string(content.text);
      if (!content.refusal) w.key("logprobs").raw(cat('[', content.logprobs, ']'));
    });
    content_event("response.content_part.done", place, [&](Writer& w) {
      w.key("part");
      write_content(w, content);
    });
    return;
  }
  if (item.kind == Kind::reasoning) close_summary(place);
  if (item.kind == Kind::function_call) {
    // A call without arguments is said by some dialects with an empty text, which is not JSON.
    if (item.text.empty() && !own_) grow(place, "{}");
    content_event("response.function_call_arguments.done", place,
                  [&](Writer& w) { w.key("name").string(item.name).key("arguments").string(item.text); });
  }
  if (item.kind == Kind::custom_call) {
    content_event("response.custom_tool_call_input.done", place, [&](Writer& w) { w.key("input").string(item.text); });
  }
  complete(place.item);
}

/// Something new begins: what was complete before it is told so. (Until then it might turn out that the answer was cut in it.)
void Composer::settle() {
  if (message_ && items_[*message_].open_contents == 0) complete(*std::exchange(message_, std::nullopt));
  for (const auto index : std::exchange(complete_, {})) tell_end(index);
}

void Composer::complete(std::size_t index) {
  if (items_[index].state != State::growing) return;
  items_[index].state = State::complete;
  complete_.push_back(index);
}

void Composer::tell_end(std::size_t index) {
  if (items_[index].state == State::told) return;
  items_[index].state = State::told;
  event("response.output_item.done", [&](Writer& w) {
    w.key("output_index").number(index).key("item");
    write_item(w, index);
  });
}

// --- items ------------------------------------------------------------------------------------------------------------------

void Composer::write_content(Writer& w, const OutputItem::Content& content) const {
  if (content.refusal) {
    encode_refusal(w, content.text);
  } else {
    encode_output_text(w, content.text, content.citations, content.logprobs, origin());
  }
}

void Composer::write_item(Writer& w, std::size_t index) const {
  const auto& item = items_[index];
  if (item.kind == Kind::raw) {
    w.raw(item.text);
    return;
  }
  const bool ended = item.state != State::growing;
  // The last item is the one in which an answer was cut.
  const bool cut = index + 1 == items_.size() && finish_ && final_status() == "incomplete";
  const std::string_view status = !ended ? "in_progress" : cut ? "incomplete" : "completed";
  w.begin_object().key("id").string(item.id);
  switch (item.kind) {
    case Kind::message:
      w.key("type").string("message").key("status").string(status).key("role").string("assistant");
      w.key("content").begin_array();
      for (const auto& content : item.contents) {
        if (ended) write_content(w, content);
      }
      w.end_array();
      encode_item_extras(w, item.extras);
      break;
    case Kind::reasoning:
      w.key("type").string("reasoning");
      encode_reasoning_text(w, item.summary, item.content);
      if (!item.encrypted.empty()) w.key("encrypted_content").string(item.encrypted);
      write_extras(w, item.extras, {});
      break;
    case Kind::image:
      w.key("type").string("image_generation_call").key("status").string("completed").key("result").string(item.text);
      if (!item.name.empty()) w.key("output_format").string(item.name);
      break;
    default: {
      const bool custom = item.kind == Kind::custom_call;
      w.key("type").string(custom ? "custom_tool_call" : "function_call").key("status").string(status);
      w.key("call_id").string(item.call_id).key("name").string(item.name);
      w.key(custom ? "input" : "arguments").string(ended ? std::string_view{item.text} : std::string_view{});
      write_extras(w, item.extras, {});
    }
  }
  w.end_object();
}

// --- the answer -------------------------------------------------------------------------------------------------------------

void Composer::write_error(Writer& w) const {
  w.key("error");
  if (status() != "failed") {
    w.null();
    return;
  }
  const bool malformed = finish_ == Finish::malformed_call;
  w.begin_object().key("code").string("server_error");
  w.key("message").string(malformed ? "the model wrote a tool call that cannot be read" : "the model's answer broke off");
  w.end_object();
}

void Composer::write_response(Writer& w) const {
  w.begin_object().key("id").string(id_).key("object").string("response");
  w.key("created_at").number(start_.created.value_or(context_.created)).key("status").string(status());
  write_error(w);
  w.key("incomplete_details");
  if (status() == "incomplete") {
    w.begin_object()
        .key("reason")
        .string(reason_.empty() ? standing_of(*finish_).reason : std::string_view{reason_})
        .end_object();
  } else {
    w.null();
  }
  w.key("model").string(start_.model.value_or(context_.model)).key("output").begin_array();
  for (std::size_t i = 0; phase_ == Phase::finished && i < items_.size(); ++i) write_item(w, i);
  w.end_array();
  encode_echo(w, context_.request);
  if (usage_ && phase_ == Phase::finished) {
    w.key("usage");
    encode_usage(w, *usage_);
  }
  if (!start_.service_tier) return;
  const std::string_view tier = own_ ? std::string_view{*start_.service_tier} : openai::tier_word(*start_.service_tier);
  if (!tier.empty()) w.key("service_tier").string(tier);
}

std::unique_ptr<StreamEncoder> make_stream_encoder(AnswerContext context) {
  return std::make_unique<Composer>(std::move(context), Origin::other);
}

}  // namespace cardea::dialect::responses
