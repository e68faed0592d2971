#pragma once
// Which dialect, or which form of another task, a path means.

#include <string>
#include <string_view>

#include "twin/forms/form.h"
#include "twin/task.h"
#include "wire/http1.h"

namespace cardea::twin {

struct Target {
  enum class Kind : std::uint8_t {
    none,
    chat,     ///< POST: `operation` says what of it
    models,   ///< GET: a list
    model,    ///< GET: one, `model`
    show,     ///< POST: Ollama's word for it; the body names the model
    running,  ///< GET: Ollama's list of those in memory
    version,  ///< GET: Ollama's
    task,     ///< `task` says what
  } kind = Kind::none;
  const Form* form = &openai_chat_form;  ///< of the answer, refusals included
  Operation operation = Operation::chat;
  const TaskForm* task = nullptr;
  std::string model;    ///< when the path names it, without %xx
  bool stream = false;  ///< the path asks for one
  bool method_fits = true;
};

/// Any prefix will do, so that the twin can stand in for every vendor's base URL.
[[nodiscard]] Target find_target(const wire::RequestHead& head);

}  // namespace cardea::twin
