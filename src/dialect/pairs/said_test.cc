#include "dialect/pairs/compare.h"

#include <algorithm>

#include "base/text.h"
#include "dialect/passes.h"
#include "dialect/translate.h"
#include "json/value.h"
#include "json/writer.h"

namespace cardea::dialect::pairs {

using namespace model;  // NOLINT: the whole vocabulary is read here

namespace {

json::Value sorted(json::Value value) {
  for (auto& element : value.each_element()) element = sorted(std::move(element));
  for (auto& [key, member] : value.each_member()) member = sorted(std::move(member));
  std::ranges::sort(value.each_member(), {}, [](const json::Value::Member& member) { return member.first; });
  return value;
}
/// JSON without the order of its members and the spelling of its strings; other text as it is.
std::string canonical(std::string_view text) {
  auto value = json::parse(text);
  return value ? sorted(std::move(*value)).dump() : std::string{text};
}

/// The bytes of a token are told by the token.
json::Value without_bytes(json::Value value) {
  for (auto& element : value.each_element()) element = without_bytes(std::move(element));
  for (auto& [key, member] : value.each_member()) member = without_bytes(std::move(member));
  if (value.is(json::Type::object)) static_cast<void>(value.erase("bytes"));
  return value;
}
std::string canonical_logprobs(std::string_view text) {
  auto value = json::parse(text);
  if (!value) return std::string{text};
  const auto* refusal = value->find("refusal");
  if (refusal != nullptr && refusal->is(json::Type::null)) static_cast<void>(value->erase("refusal"));
  return sorted(without_bytes(std::move(*value))).dump();
}

std::string squeezed(std::string_view text) {
  std::string out;
  for (const char c : text) {
    if (c != ' ' && c != '\n' && c != '\t' && c != '\r') out.push_back(c);
  }
  return out;
}

std::uint64_t length_of(std::string_view text) {
  return static_cast<std::uint64_t>(
      std::ranges::count_if(text, [](char c) { return (static_cast<unsigned char>(c) & 0xC0) != 0x80; }));
}

std::string media_text(const Media& media, std::string_view format = {}) {
  std::string type = media.media_type.value_or("");
  if (type.empty() && !format.empty()) type = cat("audio/", format);
  if (type == "audio/x-wav") type = "audio/wav";
  if (type == "audio/mp3") type = "audio/mpeg";
  // The type of what an address names is the server's to say.
  if (media.url) return *media.url;
  return cat(type, ' ', media.base64.value_or(""), media.id.value_or(""));
}

/// Joins what stands side by side: texts of one turn.
class Flow {
 public:
  explicit Flow(std::vector<Item>& out) : out_{out} {}
  void add(std::string kind, std::string value, std::size_t parts = 1) {
    out_.push_back({.kind = std::move(kind), .value = std::move(value), .parts = parts});
  }
  [[nodiscard]] std::size_t size() const { return out_.size(); }
  void sort_from(std::size_t first) {
    const auto begin = out_.begin() + static_cast<std::ptrdiff_t>(first);
    // What stands with a result stays behind it.
    const bool plain = std::all_of(begin, out_.end(), [](const Item& item) { return item.kind.ends_with("result"); });
    if (plain) std::ranges::sort(begin, out_.end(), {}, &Item::value);
  }
  /// The offset at which the text stands in what it was joined to.
  std::uint64_t join(std::string_view kind, std::string_view text) {
    auto* last = out_.empty() ? nullptr : &out_.back();
    if (last == nullptr || last->kind != kind) {
      add(std::string{kind}, std::string{text});
      return 0;
    }
    const auto offset = length_of(last->value);
    last->value += text;
    ++last->parts;
    return offset;
  }

 private:
  std::vector<Item>& out_;
};

/// What one party says, in a form's own order: results before words, thoughts before words before calls.
class Speaker {
 public:
  Speaker(Said& said, std::string prefix) : flow_{said.flow}, prefix_{std::move(prefix)} {}
  Leniency leniency = {};
  std::map<std::string, std::size_t> calls;  ///< by id: which in order

  void turn(std::string_view who, const std::vector<const Part*>& parts) {
    const auto pass = [&](auto chosen) {
      for (const auto* part : parts) {
        if (chosen(part->value)) say(who, *part);
      }
    };
    using Value = decltype(Part::value);
    const auto is = []<class T>(const Value& value) { return std::holds_alternative<T>(value); };
    const auto result = [&](const Value& v) { return is.template operator()<ToolResult>(v); };
    const auto thinking = [&](const Value& v) { return is.template operator()<Thinking>(v); };
    const auto call = [&](const Value& v) { return is.template operator()<ToolCall>(v); };
    const auto results = flow_.size();
    pass(result);
    flow_.sort_from(results);  // they are found by their calls
    for (const auto* part : moved_) say(who, *part);
    moved_.clear();
    pass(thinking);
    pass([&](const Value& v) { return !result(v) && !thinking(v) && !call(v); });
    pass(call);
    for (auto& [kind, value] : notes_) flow_.add(kind, value);
    notes_.clear();
  }

 private:
  [[nodiscard]] std::string kind(std::string_view who, std::string_view what) const { return cat(prefix_, who, ' ', what); }
  void note(std::string_view what, std::string value) { notes_.emplace_back(cat(prefix_, what), std::move(value)); }
  void say(std::string_view who, const Part& part) {
    std::visit([&](const auto& value) { tell(who, value); }, part.value);
    if (part.cache) note("cache", part.cache->ttl.value_or("5m"));
    for (const auto& extra : part.extras) note(cat("extra ", extra.key), extra.value.text);
  }
  void tell(std::string_view who, const Text& text) {
    if (text.text.empty()) return;
    const auto offset = flow_.join(kind(who, "text"), text.text);
    for (const auto& c : text.citations) {
      const auto place = cat(c.start.value_or(0) + offset, '-', c.end.value_or(length_of(text.text)) + offset);
      note("citation", cat(c.url.value_or(""), '|', c.title.value_or(""), '|', place));
      if (!c.cited_text.value_or("").empty()) note("citation cited_text", *c.cited_text);
      if (c.document) note("citation document", cat(*c.document));
    }
  }
  // Where a form has no word for it, a refusal in a history is a text of the model's.
  void tell(std::string_view who, const Refusal& refusal) { flow_.join(kind(who, "text"), refusal.text); }
  void tell(std::string_view who, const Image& image) {
    flow_.add(kind(who, "image"), media_text(image.media));
    if (image.detail && *image.detail != "auto") note("image detail", *image.detail);
  }
  void tell(std::string_view who, const Audio& audio) {
    flow_.add(kind(who, "audio"), media_text(audio.media, audio.format.value_or("")));
  }
  void tell(std::string_view who, const File& file) {
    flow_.add(kind(who, "file"), media_text(file.media));
    // Its ending is told by its type, and not allowed everywhere.
    if (file.name) note("file name", file.name->substr(0, file.name->rfind('.')));
  }
  void tell(std::string_view /*who*/, const Opaque& opaque) { note("opaque", opaque.value.text); }
  void tell(std::string_view who, const Thinking& thinking) {
    if (!thinking.text.empty()) flow_.join(kind(who, "thinking"), thinking.text);
    for (const auto* opaque : {&thinking.signature, &thinking.redacted, &thinking.encrypted}) {
      if (*opaque) note("thinking signature", **opaque);
    }
  }
  void tell(std::string_view who, const ToolCall& call) {
    const auto ordinal = calls.emplace(call.id.value_or(cat("#", calls.size())), calls.size()).first->second;
    const bool custom = call.kind == ToolKind::custom;
    const std::string arguments = call.arguments.empty() && !custom ? "{}" : call.arguments;
    // A free text is said as the one text of a function, and the other way round.
    const auto input = custom ? cat(R"({"input":)", json::quote(arguments), '}') : arguments;
    flow_.add(kind(who, "call"), cat('#', ordinal, ' ', call.name, ' ', canonical(input)));
    if (call.signature) note("call signature", *call.signature);
  }
  void tell(std::string_view /*who*/, const ToolResult& result) {
    const auto found = calls.find(result.call_id.value_or(""));
    const auto name = found != calls.end() ? cat('#', found->second) : std::string{"orphan"};
    std::string words;
    std::size_t texts = 0;
    std::vector<const Part*> others;
    for (const auto& part : result.parts) {
      const auto* text = std::get_if<Text>(&part.value);
      if (text != nullptr) {
        ++texts;
        words += text->text;
      } else {
        others.push_back(&part);
      }
      if (part.cache) note("cache", part.cache->ttl.value_or("5m"));
    }
    const bool failed = result.is_error.value_or(false);
    if (failed && leniency.errors_as_text && !words.starts_with("Error:")) words.insert(0, words.empty() ? "Error" : "Error: ");
    flow_.add(cat(prefix_, "result"), cat(name, ' ', canonical(words)), texts);
    if (failed && !leniency.errors_as_text) note("result is_error", name);
    for (const auto* part : others) {
      if (leniency.images_behind_results) {
        moved_.push_back(part);
      } else {
        const auto mark = cat("result ", name);
        say(mark, *part);
      }
    }
  }

  Flow flow_;
  std::string prefix_;
  std::vector<std::pair<std::string, std::string>> notes_;
  std::vector<const Part*> moved_;
};

void say_tools(const Chat& chat, std::map<std::string, std::string>& fields) {
  if (!chat.tools) return;
  for (std::size_t i = 0; i < chat.tools->size(); ++i) {
    const auto& tool = (*chat.tools)[i];
    const auto path = cat("tools[", i, "].");
    fields[path + "name"] = tool.name;
    if (tool.kind != Tool::Kind::function) fields[path + "kind"] = tool.kind == Tool::Kind::custom ? "custom" : "built-in";
    if (tool.description) fields[path + "description"] = *tool.description;
    // A tool without parameters takes an empty object.
    const auto parameters = tool.parameters ? canonical(tool.parameters->text) : std::string{};
    const bool empty =
        parameters.empty() || parameters == R"({"properties":{},"type":"object"})" || parameters == R"({"type":"object"})";
    if (!empty) fields[path + "parameters"] = parameters;
    if (tool.strict == true) fields[path + "strict"] = "true";
    if (tool.cache) fields[path + "cache"] = tool.cache->ttl.value_or("5m");
    for (const auto& extra : tool.extras) fields[path + extra.key] = extra.value.text;
  }
}

void say_choices(const Chat& chat, std::map<std::string, std::string>& fields) {
  // "auto", several calls at once, plain text: what happens when nothing is said.
  if (chat.tool_choice && chat.tool_choice->mode != ToolChoice::Mode::automatic) {
    constexpr std::string_view names[] = {"none", "auto", "required", "named ", "raw"};
    fields["tool_choice"] = cat(names[static_cast<std::size_t>(chat.tool_choice->mode)], chat.tool_choice->name);
  }
  if (chat.parallel_tool_calls == false) fields["parallel_tool_calls"] = "false";
  if (chat.response_format && chat.response_format->kind != ResponseFormat::Kind::text) {
    const auto& format = *chat.response_format;
    const bool object = format.kind == ResponseFormat::Kind::json_object;
    // The schema's name is a label that some demand and others have no place for.
    fields["response_format"] = object ? R"({"type":"object"})" : canonical(format.schema.value_or(Json{"{}"}).text);
    if (format.strict == true) fields["response_format.strict"] = "true";
  }
  if (!chat.reasoning) return;
  const auto& reasoning = *chat.reasoning;
  const bool off =
      reasoning.mode == "disabled" || reasoning.effort == "none" || (reasoning.budget_tokens == 0U && !reasoning.effort);
  if (off) {
    fields["reasoning"] = "off";
  } else if (reasoning.effort) {
    fields["reasoning"] = cat(budget_of(*reasoning.effort));
  } else if (reasoning.budget_tokens) {
    fields["reasoning"] = cat(*reasoning.budget_tokens);
  } else if (reasoning.mode) {
    fields["reasoning"] = "enabled";  // as much as the model likes
  }
  if (reasoning.summary) fields["reasoning.summary"] = *reasoning.summary;
}

void say_fields(const Chat& chat, std::map<std::string, std::string>& fields) {
  const auto number = [&](std::string_view name, const std::optional<Number>& value) {
    if (value) fields[std::string{name}] = value->text;
  };
  const auto text = [&](std::string_view name, const std::optional<std::string>& value) {
    if (value) fields[std::string{name}] = *value;
  };
  const auto count = [&](std::string_view name, const std::optional<std::uint64_t>& value) {
    if (value) fields[std::string{name}] = cat(*value);
  };
  const auto flag = [&](std::string_view name, const std::optional<bool>& value) {
    if (value) fields[std::string{name}] = *value ? "true" : "false";
  };
  const auto& s = chat.sampling;
  number("temperature", s.temperature);
  number("top_p", s.top_p);
  number("top_k", s.top_k);
  number("min_p", s.min_p);
  number("frequency_penalty", s.frequency_penalty);
  number("presence_penalty", s.presence_penalty);
  number("repetition_penalty", s.repetition_penalty);
  number("seed", s.seed);
  if (s.logit_bias) fields["logit_bias"] = canonical(s.logit_bias->text);
  count("max_tokens", chat.limits.max_output_tokens ? chat.limits.max_output_tokens : chat.limits.max_tokens);
  if (chat.stop && !chat.stop->empty()) {
    for (std::size_t i = 0; i < chat.stop->size(); ++i) fields[cat("stop[", i, ']')] = (*chat.stop)[i];
  }
  count("n", chat.n);
  if (chat.logprobs.value_or(false)) fields["logprobs"] = "true";
  if (chat.top_logprobs.value_or(0) != 0) count("top_logprobs", chat.top_logprobs);
  text("verbosity", chat.verbosity);
  text("service_tier", chat.service_tier);
  text("user", chat.user);
  text("safety_identifier", chat.safety_identifier);
  text("prompt_cache_key", chat.prompt_cache_key);
  flag("store", chat.store);
  if (chat.metadata) {
    for (const auto& [key, value] : *chat.metadata) fields[cat("metadata.", key)] = value;
  }
  if (chat.safety) {
    for (const auto& setting : *chat.safety) fields[cat("safety ", setting.category)] = setting.threshold;
  }
  for (const auto& extra : chat.extras) fields[cat("extra ", extra.key)] = canonical(extra.value.text);
}

bool instructs(Role role) { return role == Role::system || role == Role::developer; }

}  // namespace

bool Item::operator==(const Item& other) const {
  if (kind != other.kind) return false;
  if (value == other.value) return true;
  // Joined with blanks or lines between.
  return (parts > 1 || other.parts > 1 || kind == "instructions") && squeezed(value) == squeezed(other.value);
}

Said said_by(const Chat& asked, const Leniency& leniency) {
  Chat chat = asked;
  pair_calls(chat);
  Said out;
  Item instructions{.kind = "instructions", .value = {}};
  std::vector<std::string> marks;
  for (const auto& message : chat.messages) {
    if (!instructs(message.role)) continue;
    for (const auto& part : message.parts) {
      if (const auto* text = std::get_if<Text>(&part.value)) instructions.value += cat(text->text, '\n');
      if (part.cache) marks.push_back(part.cache->ttl.value_or("5m"));
    }
  }
  if (!instructions.value.empty()) out.flow.push_back(instructions);
  for (auto& mark : marks) out.flow.push_back({"cache", std::move(mark)});
  Speaker speaker{out, {}};
  speaker.leniency = leniency;
  std::vector<const Part*> parts;
  std::string_view who;
  const auto flush = [&] { speaker.turn(who, std::exchange(parts, {})); };
  for (const auto& message : chat.messages) {
    if (instructs(message.role)) continue;
    const std::string_view next = message.role == Role::assistant ? "assistant" : "user";
    if (next != who) flush();
    who = next;
    for (const auto& part : message.parts) parts.push_back(&part);
    if (message.name) out.fields["name"] = *message.name;
    for (const auto& extra : message.extras) out.fields[cat("extra ", extra.key)] = extra.value.text;
  }
  flush();
  say_tools(chat, out.fields);
  say_choices(chat, out.fields);
  say_fields(chat, out.fields);
  out.fields["model"] = chat.model;
  if (chat.stream.value_or(false)) out.fields["stream"] = "true";
  return out;
}

namespace {

/// A matched stop sequence, a full context and the older word for calls are kinds of the plainer ones; the sequence itself is
/// told apart.
std::string finish_text(const Choice& choice) {
  const auto finish = choice.finish.value_or(Finish::unknown);
  if (finish == Finish::stop_sequence) return "stop";
  if (finish == Finish::function_call) return "tool_calls";
  if (finish == Finish::context_limit) return "length";
  return std::string{name(finish)};
}

}  // namespace

Said said_by(const Answer& answer) {
  Said out;
  for (const auto& choice : answer.choices) {
    const auto prefix = cat(choice.index, ' ');
    Speaker speaker{out, prefix};
    std::vector<const Part*> parts;
    for (const auto& part : choice.parts) {
      parts.push_back(&part);
      const auto* call = std::get_if<ToolCall>(&part.value);
      if (call != nullptr && call->id) out.flow.push_back({prefix + "call id", *call->id});
    }
    speaker.turn("assistant", parts);
    out.fields[prefix + "finish"] = finish_text(choice);
    if (choice.stop_sequence) out.fields[prefix + "stop_sequence"] = *choice.stop_sequence;
    if (choice.logprobs) out.fields[prefix + "logprobs"] = canonical_logprobs(choice.logprobs->text);
    for (const auto& extra : choice.extras) out.fields[cat(prefix, "extra ", extra.key)] = extra.value.text;
    for (const auto& extra : choice.message_extras) out.fields[cat(prefix, "extra ", extra.key)] = extra.value.text;
  }
  const auto count = [&](std::string_view key, const Usage::Count& value) {
    if (value.value_or(0) != 0) out.fields[cat("usage.", key)] = cat(*value);
  };
  if (answer.usage) {
    const auto& usage = *answer.usage;
    count("input", usage.input);
    count("cache_read", usage.cache_read);
    count("cache_write", usage.cache_write);
    count("output", usage.output);
    count("reasoning", usage.reasoning);
  }
  if (answer.service_tier) out.fields["service_tier"] = *answer.service_tier;
  if (answer.system_fingerprint) out.fields["system_fingerprint"] = *answer.system_fingerprint;
  for (const auto& extra : answer.extras) out.fields[cat("extra ", extra.key)] = extra.value.text;
  return out;
}

}  // namespace cardea::dialect::pairs
