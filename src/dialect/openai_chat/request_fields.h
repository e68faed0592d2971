#pragma once
// Private to the folder: the request's plain fields, declared once for both directions.

#include <span>
#include <string_view>

#include "dialect/openai_chat/openai_chat.h"

namespace cardea::dialect::openai {

/// A top-level field that is one optional of the model.
struct RequestField {
  enum class Standing : std::uint8_t {
    reference,  ///< in OpenAI's reference
    beyond,     ///< other servers' own: OpenAI refuses it, so only who speaks this dialect says it
  };
  std::string_view key;
  Standing standing;
  bool (*is_said)(const model::Chat& chat);
  Status (*read)(const json::Value& value, std::string_view path, model::Chat& chat);
  /// What another dialect's wider range allows is drawn into OpenAI's, and named.
  void (*write)(json::Writer& w, std::string_view key, const model::Chat& chat, const Encoding& encoding);
};

/// All of them, in the order of writing.
[[nodiscard]] std::span<const RequestField> request_fields();

}  // namespace cardea::dialect::openai
