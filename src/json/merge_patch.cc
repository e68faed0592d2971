#include "json/merge_patch.h"

namespace cardea::json {

void merge_patch(Value& target, const Value& patch) {
  if (!patch.is(Type::object)) {
    target = patch;
    return;
  }
  if (!target.is(Type::object)) target = Value::object();
  for (const auto& [name, value] : patch.members()) {
    if (value.is(Type::null)) {
      target.erase(name);
      continue;
    }
    Value* inner = target.find(name);
    if (inner == nullptr) {
      target.set(name, Value{});
      inner = target.find(name);
    }
    merge_patch(*inner, value);
  }
}

}  // namespace cardea::json
