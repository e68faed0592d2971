#pragma once
// In which form a request came, and in which its answer is wanted. Cardea's native dialect has two, JSON and XML; a picture may
// be wanted as its bytes.

#include <string_view>

#include "base/error.h"
#include "wire/http1.h"

namespace cardea::pipeline {

enum class Form : std::uint8_t { json, xml };

/// By Content-Type; JSON when it is absent. Error: unsupported_media_type, for any other type and any charset but UTF-8.
[[nodiscard]] Result<Form> form_of_request(const wire::RequestHead& head);
/// By Accept (RFC 9110 §12.5.1, with its weights); as the request came when it wants neither form more than the other.
[[nodiscard]] Form form_of_answer(const wire::RequestHead& head);

/// By Accept: is the picture itself wanted, rather than a document that holds it? Yes when an image type is named, and JSON is
/// not.
[[nodiscard]] bool wants_picture(const wire::RequestHead& head);

}  // namespace cardea::pipeline
