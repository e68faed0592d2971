#pragma once
// Private to the folder: the request's plain fields, declared once for both directions.

#include <span>
#include <string_view>

#include "dialect/openai_chat/openai_chat.h"

namespace cardea::dialect::openai {

/// A top-level field that is one optional of the model.
struct RequestField {
  std::string_view key;
  Status (*read)(const json::Value& value, std::string_view path, model::Chat& chat);
  void (*write)(json::Writer& w, std::string_view key, const model::Chat& chat);
};

/// All of them, in the order of writing.
[[nodiscard]] std::span<const RequestField> request_fields();

}  // namespace cardea::dialect::openai
