#pragma once
// Pictures, beyond task.h: forms and JSON bodies are read by one table, and what is said as an address becomes bytes once.

#include <span>
#include <string_view>

#include "base/error.h"
#include "model/draw.h"

namespace cardea::dialect {

/// Sets what a field of OpenAI's form says ("n", "size", "background" …); the model's name too. Unknown ones become extras, and
/// empty ones are absent. Parts with files ("image", "image[]", "mask") are no fields. Error: bad_request that names it.
[[nodiscard]] Status set_field(model::Draw& draw, std::string_view name, std::string_view text);
/// Is all there that the kind of work needs? Errors: bad_request.
[[nodiscard]] Status check_draw(const model::Draw& draw);
/// What a request says as an address: the bytes of a `data:` URL, which must be a whole picture, or the http(s) address itself.
[[nodiscard]] Result<model::Picture> picture_of_address(std::string_view address, std::string_view path);
/// Bytes as a picture; the type is what they are, not what somebody says. Error: bad_request that names `path`: they are none.
[[nodiscard]] Result<model::Picture> picture_of_bytes(std::string_view bytes, std::string_view path);
/// Is it a graph of ComfyUI's in the API format, with blanks that can be filled ("{{prompt}}", "{{steps|20}}": README)? Error:
/// config, which says what to do.
[[nodiscard]] Status check_workflow(std::string_view text);

}  // namespace cardea::dialect
