#pragma once
// Pictures whose vendor does not speak OpenAI's form: what is drawn, and how its request is said.

#include "catalog/catalog.h"
#include "dialect/task.h"
#include "pipeline/routes.h"
#include "pipeline/upload.h"

namespace cardea::pipeline {

/// A picture request that is not passed on as it came.
struct Drawing {
  const catalog::Target& target;
  const dialect::TaskFormat& upstream;  ///< the form that it is said in
  model::Draw request;
  bool stream = false;    ///< the answer is wanted as events
  bool as_bytes = false;  ///< the answer is wanted as the one picture itself
};

/// The form of work that a model's own data or its provider's names; mostly none.
[[nodiscard]] std::string_view named_form(const catalog::Target& target, dialect::Task task);
/// The form in which the target's upstream is asked to draw. Null: the request goes to it as it came, since it speaks OpenAI's,
/// or draws not at all, or the route draws nothing. Where the head
/// wants the picture itself, OpenAI's form counts too, since the answer must be read.
[[nodiscard]] const dialect::TaskFormat* drawing_form(const Route& route, const catalog::Target& target,
                                                      const wire::RequestHead& head);

/// Requests as the form wants them said. Errors: bad_request; too_large, more pictures than are held in memory.
[[nodiscard]] Result<Drawing> drawing_of(const Route& route, const catalog::Target& target, const dialect::TaskFormat& upstream,
                                         std::string_view json);
[[nodiscard]] Result<Drawing> drawing_of(const Route& route, const catalog::Target& target, const dialect::TaskFormat& upstream,
                                         const Upload& upload, std::size_t bytes_max);

/// The events of a whole answer, as OpenAI streams pictures: one for each, without partial ones.
[[nodiscard]] std::string drawn_events(const model::Draw& request, const model::Drawn& drawn, std::uint64_t now);

}  // namespace cardea::pipeline
