#pragma once
// What the commands do. Each returns the exit code.

#include <string>

#include "app/command.h"

namespace cardea::app {

int serve(const Arguments& arguments);
int check(const Arguments& arguments);
int models(const Arguments& arguments);
int chat(const Arguments& arguments);
int twin_serve(const Arguments& arguments);
int agent(const Arguments& arguments);
int explain_translation(const Arguments& arguments);
int audit_list(const Arguments& arguments);
int audit_verify(const Arguments& arguments);
int usage_show(const Arguments& arguments);
int usage_verify(const Arguments& arguments);
int secrets_rotate(const Arguments& arguments);
int healthcheck(const Arguments& arguments);
int version(const Arguments& arguments);
int schema(const Arguments& arguments);
int docs(const Arguments& arguments);

/// The twin's models and options, for its help.
[[nodiscard]] std::string twin_appendix();

}  // namespace cardea::app
