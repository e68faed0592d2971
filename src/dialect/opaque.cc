// Opaque reasoning (signatures, redacted and encrypted items) over turns between dialects. It goes to the client in an envelope
// that names who issued it, stands in the one place where the client's dialect keeps a signature, and is valid base64, since some
// SDKs decode that place. What comes back is opened for its issuer alone.

#include <cstdint>

#include "base/base64.h"
#include "base/text.h"
#include "dialect/fields.h"
#include "dialect/passes.h"

namespace cardea::dialect {

using model::Part;
using model::Thinking;
using model::ToolCall;
namespace event = model::event;

namespace {

/// 9 bytes, so that its base64 stands alone at the front.
constexpr std::string_view magic = "cardea1..";
constexpr std::string_view mark = "Y2FyZGVhMS4u";  // the same in base64

/// Not the name itself, which is the operator's business.
std::string issuer_of(std::string_view deployment) {
  std::uint64_t hash = 0xCBF29CE484222325;  // FNV-1a
  for (const char c : deployment) hash = (hash ^ static_cast<unsigned char>(c)) * 0x100000001B3;
  std::string bytes;
  for (int shift = 56; shift >= 0; shift -= 8) bytes.push_back(static_cast<char>(hash >> shift & 0xFF));
  return to_hex(bytes);
}

struct Contents {
  std::optional<std::string> id, signature, redacted, encrypted;
  std::optional<std::string> call;  ///< the signature is of this call
};

struct Field {
  std::string_view key;
  std::optional<std::string> Contents::* member;
};
constexpr Field contents_fields[] = {{"i", &Contents::id},
                                     {"s", &Contents::signature},
                                     {"r", &Contents::redacted},
                                     {"e", &Contents::encrypted},
                                     {"c", &Contents::call}};

std::string pack(const Contents& contents, std::string_view deployment) {
  std::string text{magic};
  text += issuer_of(deployment);
  json::Writer w{text};
  w.begin_object();
  for (const auto& [key, member] : contents_fields) write(w, key, contents.*member);
  w.end_object();
  return to_base64(text);
}

/// An envelope, and whose.
struct Opened {
  Contents contents;
  std::string issuer;
};
std::optional<Opened> unpack(std::string_view text) {
  if (!is_envelope(text)) return std::nullopt;
  const auto bytes = from_base64(text);
  constexpr std::size_t issuer_bytes = 16;
  if (!bytes || bytes->size() < magic.size() + issuer_bytes) return std::nullopt;
  const auto value = json::parse(std::string_view{*bytes}.substr(magic.size() + issuer_bytes));
  if (!value) return std::nullopt;
  Opened out{.contents = {}, .issuer = bytes->substr(magic.size(), issuer_bytes)};
  for (const auto& [key, member] : contents_fields) {
    if (const auto* found = given(*value, key); found != nullptr && found->as_string() != nullptr) {
      out.contents.*member = *found->as_string();
    }
  }
  return out;
}

bool is_opaque(const Thinking& thinking) { return thinking.signature || thinking.redacted || thinking.encrypted; }

Contents take(Thinking& thinking) {
  Contents out{.id = std::exchange(thinking.id, std::nullopt),
               .signature = std::exchange(thinking.signature, std::nullopt),
               .redacted = std::exchange(thinking.redacted, std::nullopt),
               .encrypted = std::exchange(thinking.encrypted, std::nullopt),
               .call = std::nullopt};
  return out;
}

ToolCall* call_named(std::vector<Part>& parts, const std::string& id) {
  for (auto& part : parts) {
    auto* call = std::get_if<ToolCall>(&part.value);
    if (call != nullptr && call->id == id) return call;
  }
  return nullptr;
}

/// Opens what the messages of one request hold. What is in no envelope was issued to the client as it is, by an upstream of its
/// own dialect: it may go back to one.
class Opening {
 public:
  Opening(const Pair& pair, Losses& losses) : pair_{pair}, issuer_{issuer_of(pair.deployment)}, losses_{losses} {}

  void message(model::Message& message, std::size_t index) {
    const auto path = cat("messages[", index, "].");
    for (auto& part : message.parts) {
      if (auto* thinking = std::get_if<Thinking>(&part.value)) open(*thinking, path);
      if (auto* call = std::get_if<ToolCall>(&part.value)) open(*call, path);
    }
    // A call's signature that travelled in a thinking part of its own goes back to its call.
    std::erase_if(message.parts, [&](const Part& part) {
      const auto* thinking = std::get_if<Thinking>(&part.value);
      if (thinking == nullptr || !thinking->signature) return false;
      const auto opened = unpack(*thinking->signature);
      if (!opened || !opened->contents.call) return false;
      ToolCall* const call = call_named(message.parts, *opened->contents.call);
      if (call != nullptr && opened->issuer == issuer_) call->signature = opened->contents.signature;
      return true;
    });
  }

 private:
  void foreign(const std::string& path, std::string_view what) {
    losses_.detail(cat(path, what), "issued by another deployment");
  }
  /// An item that no envelope holds came from a deployment of the client's own dialect: only there may it go, and not to another
  /// one than issued it.
  [[nodiscard]] bool may_pass(const std::optional<std::string>& item) const {
    if (!item) return true;
    const bool foreign = pair_.issuers != nullptr && pair_.issuers->of(*item, pair_.deployment) == Issuers::Origin::foreign;
    return &pair_.client == &pair_.upstream && !foreign && !is_envelope(*item);
  }
  void open(Thinking& thinking, const std::string& path) {
    if (!is_opaque(thinking)) return;
    if (may_pass(thinking.signature) && may_pass(thinking.redacted) && may_pass(thinking.encrypted)) return;
    const auto opened = thinking.signature ? unpack(*thinking.signature) : std::nullopt;
    if (opened && opened->contents.call) return;  // see above
    static_cast<void>(take(thinking));
    if (!opened || opened->issuer != issuer_) return foreign(path, "thinking.signature");
    thinking.id = opened->contents.id;
    thinking.signature = opened->contents.signature;
    thinking.redacted = opened->contents.redacted;
    thinking.encrypted = opened->contents.encrypted;
    thinking.issuer = issuer_;
  }
  void open(ToolCall& call, const std::string& path) {
    if (may_pass(call.signature)) return;
    const auto opened = unpack(*std::exchange(call.signature, std::nullopt));
    if (!opened || opened->issuer != issuer_) return foreign(path, "tool_call.signature");
    call.signature = opened->contents.signature;
  }

  const Pair& pair_;
  std::string issuer_;
  Losses& losses_;
};

/// A part that says nothing any more.
bool is_empty_thinking(const Part& part) {
  const auto* thinking = std::get_if<Thinking>(&part.value);
  return thinking != nullptr && thinking->text.empty() && thinking->summary.empty() && !is_opaque(*thinking);
}

}  // namespace

bool is_envelope(std::string_view text) noexcept { return text.starts_with(mark); }

bool holds_envelope(const RequestView& view) noexcept {
  return any_own_turn(view, [](std::string_view raw) { return raw.find(mark) != std::string_view::npos; });
}

void open_opaque(model::Chat& chat, const Pair& pair, Losses& losses) {
  Opening opening{pair, losses};
  for (std::size_t i = 0; i < chat.messages.size(); ++i) {
    opening.message(chat.messages[i], i);
    std::erase_if(chat.messages[i].parts, is_empty_thinking);
  }
}

void AnswerPasses::seal(model::Answer& answer) const {
  const Traits& client = pair_.client.traits();
  if (!client.thinking_signatures) return;  // the codec names the loss
  for (auto& choice : answer.choices) {
    for (std::size_t i = 0; i < choice.parts.size(); ++i) {
      if (auto* thinking = std::get_if<Thinking>(&choice.parts[i].value); thinking != nullptr && is_opaque(*thinking)) {
        thinking->signature = pack(take(*thinking), pair_.deployment);
      }
      auto* call = std::get_if<ToolCall>(&choice.parts[i].value);
      if (call == nullptr || !call->signature) continue;
      Contents contents{.signature = std::exchange(call->signature, std::nullopt)};
      if (client.call_signatures) {
        call->signature = pack(contents, pair_.deployment);
        continue;
      }
      contents.call = call->id;
      Thinking carrier{.text = {}};
      carrier.signature = pack(contents, pair_.deployment);
      choice.parts.insert(choice.parts.begin() + static_cast<std::ptrdiff_t>(i++), Part{.value = std::move(carrier)});
    }
  }
}

void AnswerPasses::seal(std::vector<model::ChatEvent>& events) {
  const Traits& client = pair_.client.traits();
  if (!client.thinking_signatures) return;
  std::vector<model::ChatEvent> out;
  out.reserve(events.size() + 2);
  for (auto& said : events) {
    if (auto* start = std::get_if<event::PartStart>(&said)) {
      begin(*start, out);
    } else if (auto* signature = std::get_if<event::SignatureDelta>(&said)) {
      auto& held = sealed_[{signature->choice, signature->part}];
      held.signature = held.signature.value_or("") + signature->signature;
    } else if (auto* stop = std::get_if<event::PartStop>(&said)) {
      finish(*stop, out);
    } else {
      out.push_back(std::move(said));
    }
  }
  // Parts that were put in push those behind them on.
  events = std::move(out);
}

void AnswerPasses::begin(event::PartStart& start, std::vector<model::ChatEvent>& out) {
  // An id is kept for opaque data that is told at the end (OpenAI Responses' encrypted content, which is bound to it).
  auto* thinking = std::get_if<Thinking>(&start.value.value);
  if (thinking != nullptr && (is_opaque(*thinking) || thinking->id)) {
    auto contents = take(*thinking);
    sealed_[{start.choice, start.part}] = {
        .id = contents.id, .signature = contents.signature, .redacted = contents.redacted, .encrypted = contents.encrypted};
  }
  auto* call = std::get_if<ToolCall>(&start.value.value);
  if (call != nullptr && call->signature) {
    Contents contents{.signature = std::exchange(call->signature, std::nullopt)};
    if (pair_.client.traits().call_signatures) {
      call->signature = pack(contents, pair_.deployment);
    } else {
      contents.call = call->id;
      // Far above the numbers that decoders give, one for each call.
      const std::uint64_t carrier = (std::uint64_t{1} << 32) + start.part;
      out.push_back(event::PartStart{start.choice, carrier, Part{.value = Thinking{.text = {}}}});
      out.push_back(event::SignatureDelta{start.choice, carrier, pack(contents, pair_.deployment)});
      out.push_back(event::PartStop{start.choice, carrier});
    }
  }
  out.push_back(std::move(start));
}

void AnswerPasses::finish(const event::PartStop& stop, std::vector<model::ChatEvent>& out) {
  const auto held = sealed_.extract({stop.choice, stop.part});
  const auto& opaque = held.empty() ? Held{} : held.mapped();
  if (opaque.signature || opaque.redacted || opaque.encrypted) {
    const Contents contents{
        .id = opaque.id, .signature = opaque.signature, .redacted = opaque.redacted, .encrypted = opaque.encrypted, .call = {}};
    out.push_back(event::SignatureDelta{stop.choice, stop.part, pack(contents, pair_.deployment)});
  }
  out.push_back(stop);
}

}  // namespace cardea::dialect
