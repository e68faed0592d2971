#include <gtest/gtest.h>

#include <map>
#include <set>

#include "base/text.h"
#include "dialect/pairs/compare.h"
#include "json/value.h"

namespace cardea::dialect::pairs {

using namespace model;  // NOLINT: the whole vocabulary is read here
namespace event = model::event;

namespace {

/// Puts the parts of a stream together, and watches the order of its events.
class Assembly {
 public:
  void operator()(const event::Start& start) {
    if (started_) fail("a second start");
    started_ = true;
    out.answer.id = start.id;
    out.answer.model = start.model;
    out.answer.created = start.created;
    out.answer.service_tier = start.service_tier;
    out.answer.system_fingerprint = start.system_fingerprint;
  }
  void operator()(const event::PartStart& start) {
    if (!started_) fail("a part before the start");
    const auto key = std::pair{start.choice, start.part};
    if (parts_.contains(key)) fail("a part begins twice");
    auto& choice = choice_of(start.choice);
    parts_.emplace(key, choice.parts.size());
    open_.insert(key);
    choice.parts.push_back(start.value);
  }
  void operator()(const event::Delta& delta) {
    auto* part = open(delta.choice, delta.part);
    if (part == nullptr) return fail("a delta outside its part");
    std::visit([&](auto& value) { append(value, delta.text); }, part->value);
  }
  void operator()(const event::CitationDelta& delta) {
    auto* part = open(delta.choice, delta.part);
    auto* text = part != nullptr ? std::get_if<Text>(&part->value) : nullptr;
    if (text == nullptr) return fail("a citation outside a text");
    text->citations.push_back(delta.citation);
  }
  void operator()(const event::SignatureDelta& delta) {
    auto* part = open(delta.choice, delta.part);
    if (part == nullptr) return fail("a signature outside its part");
    auto* thinking = std::get_if<Thinking>(&part->value);
    auto* call = std::get_if<ToolCall>(&part->value);
    auto* signature = thinking != nullptr ? &thinking->signature : call != nullptr ? &call->signature : nullptr;
    if (signature == nullptr) return fail("a signature of nothing");
    *signature = signature->value_or("") + delta.signature;
  }
  void operator()(const event::AudioDelta& delta) {
    auto* part = open(delta.choice, delta.part);
    auto* audio = part != nullptr ? std::get_if<Audio>(&part->value) : nullptr;
    if (audio == nullptr) return fail("sound outside its part");
    if (delta.audio.media.base64) audio->media.base64 = audio->media.base64.value_or("") + *delta.audio.media.base64;
    if (delta.audio.transcript) audio->transcript = audio->transcript.value_or("") + *delta.audio.transcript;
    if (delta.audio.media.id) audio->media.id = delta.audio.media.id;
  }
  void operator()(const event::Logprobs& logprobs) {
    auto& whole = choice_of(logprobs.choice).logprobs;
    if (!whole) {
      whole = logprobs.value;
      return;
    }
    // Told piece by piece.
    auto sum = json::parse(whole->text);
    const auto more = json::parse(logprobs.value.text);
    auto* tokens = sum ? sum->find("content") : nullptr;
    const auto* others = more ? more->find("content") : nullptr;
    if (tokens == nullptr || others == nullptr) return fail("logprobs of two forms");
    for (const auto& token : others->elements()) tokens->edit_elements().push_back(token);
    whole->text = sum->dump();
  }
  void operator()(const event::PartStop& stop) {
    if (open_.erase({stop.choice, stop.part}) == 0) fail("a part ends that is not open");
  }
  void operator()(const event::ChoiceFinish& finish) {
    auto& choice = choice_of(finish.choice);
    if (choice.finish) fail("a choice ends twice");
    choice.finish = finish.finish;
    choice.stop_sequence = finish.stop_sequence;
    for (const auto& [number, part] : open_) {
      if (number == finish.choice) fail("a choice ends before its parts");
    }
  }
  void operator()(const event::UsageReport& report) { out.answer.usage = report.usage; }
  void operator()(const event::Ping&) {}
  void operator()(const event::Failure&) { out.failed = true; }
  void operator()(const event::End&) {
    if (out.ended) fail("a second end");
    if (!open_.empty()) fail("the end comes before that of a part");
    out.ended = true;
  }

  Assembled out;

 private:
  void fail(std::string_view what) {
    if (out.error.empty()) out.error = what;
  }
  Choice& choice_of(std::uint64_t index) {
    for (auto& choice : out.answer.choices) {
      if (choice.index == index) return choice;
    }
    return out.answer.choices.emplace_back(Choice{.index = index});
  }
  Part* open(std::uint64_t choice, std::uint64_t part) {
    if (!open_.contains({choice, part})) return nullptr;
    return &choice_of(choice).parts[parts_.at({choice, part})];
  }
  static void append(Text& text, std::string_view more) { text.text += more; }
  static void append(Refusal& refusal, std::string_view more) { refusal.text += more; }
  static void append(Thinking& thinking, std::string_view more) { thinking.text += more; }
  static void append(ToolCall& call, std::string_view more) { call.arguments += more; }
  template <class Other>
  void append(Other&, std::string_view) {
    fail("a delta of what has no text");
  }

  bool started_ = false;
  std::map<std::pair<std::uint64_t, std::uint64_t>, std::size_t> parts_;
  std::set<std::pair<std::uint64_t, std::uint64_t>> open_;
};

/// Cuts between characters.
std::vector<std::string> pieces_of(std::string_view text, std::size_t size) {
  std::vector<std::string> out;
  while (!text.empty()) {
    auto end = std::min(size, text.size());
    while (end < text.size() && (static_cast<unsigned char>(text[end]) & 0xC0) == 0x80) ++end;
    out.emplace_back(text.substr(0, end));
    text.remove_prefix(end);
  }
  return out;
}

/// The part as it begins, and the text that follows.
struct Begun {
  Part part;
  std::string rest;
  std::size_t piece = 0;
};
Begun begin(const Part& part) {
  Begun out{.part = part, .rest = {}};
  const auto take = [&](std::string& text, std::size_t piece) {
    out.rest = std::exchange(text, {});
    // Long ones in fewer, so that byte by byte stays quick.
    out.piece = out.rest.size() > 4096 ? 16 * 1024 : piece;
  };
  if (auto* text = std::get_if<Text>(&out.part.value)) {
    text->citations.clear();
    take(text->text, 3);
  }
  if (auto* refusal = std::get_if<Refusal>(&out.part.value)) take(refusal->text, 5);
  if (auto* thinking = std::get_if<Thinking>(&out.part.value)) {
    thinking->signature.reset();
    take(thinking->text, 4);
  }
  if (auto* call = std::get_if<ToolCall>(&out.part.value)) take(call->arguments, 1);
  return out;
}

}  // namespace

Assembled assemble(const std::vector<ChatEvent>& events) {
  Assembly assembly;
  for (const auto& event : events) std::visit(assembly, event);
  return std::move(assembly.out);
}

std::vector<ChatEvent> fragments_of(const Answer& answer) {
  std::vector<ChatEvent> out;
  out.push_back(event::Start{.id = answer.id,
                             .model = answer.model,
                             .created = answer.created,
                             .service_tier = answer.service_tier,
                             .system_fingerprint = answer.system_fingerprint});
  for (const auto& choice : answer.choices) {
    for (std::uint64_t i = 0; i < choice.parts.size(); ++i) {
      const auto begun = begin(choice.parts[i]);
      out.push_back(event::PartStart{choice.index, i, begun.part});
      for (auto& piece : pieces_of(begun.rest, begun.piece)) out.push_back(event::Delta{choice.index, i, std::move(piece)});
      if (const auto* text = std::get_if<Text>(&choice.parts[i].value)) {
        for (const auto& citation : text->citations) out.push_back(event::CitationDelta{choice.index, i, citation});
      }
      const auto* thinking = std::get_if<Thinking>(&choice.parts[i].value);
      if (thinking != nullptr && thinking->signature) {
        out.push_back(event::SignatureDelta{choice.index, i, *thinking->signature});
      }
      // Beside the text, as OpenAI's streams have them.
      const bool last = i + 1 == choice.parts.size();
      if (choice.logprobs && last) out.push_back(event::Logprobs{choice.index, *choice.logprobs});
      out.push_back(event::PartStop{choice.index, i});
    }
    out.push_back(event::ChoiceFinish{.choice = choice.index,
                                      .finish = choice.finish.value_or(Finish::unknown),
                                      .raw = choice.finish_raw,
                                      .stop_sequence = choice.stop_sequence});
  }
  if (answer.usage) out.push_back(event::UsageReport{*answer.usage});
  out.push_back(event::End{});
  return out;
}

TEST(Assemble, FragmentsMakeTheWhole) {
  Answer answer{.id = "x",
                .choices = {Choice{.parts = {{.value = Thinking{.text = "hm, so", .signature = "s"}},
                                             {.value = Text{.text = "Grüße", .citations = {{.url = "u"}}}},
                                             {.value = ToolCall{.id = "c", .name = "f", .arguments = R"({"a":"é"})"}}},
                                   .finish = Finish::tool_calls}}};
  const auto got = assemble(fragments_of(answer));
  EXPECT_EQ(got.error, "");
  EXPECT_TRUE(got.ended);
  EXPECT_EQ(got.answer, answer);
}

}  // namespace cardea::dialect::pairs
