// What the scanner accepts, the tree parser accepts and reads the same; what ObjectEdit makes of it is JSON again. Whatever
// vectors the CPU has, the verdict, the words of the error and what was noted are the same.

#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>

#include "json/edit.h"
#include "json/scan.h"
#include "json/scan_strings.h"
#include "json/value.h"
#include "json/writer.h"

using namespace cardea;  // NOLINT

namespace {

void check(bool holds) {
  if (!holds) std::abort();
}

void check_members(const json::Members& members, const json::Value& tree) {
  std::size_t count = 0;
  for (const auto& member : members.all()) {
    check(count < tree.members().size());
    const auto& [key, value] = tree.members()[count++];
    check(member.key == key);
    check(member.type == value.type());
    auto alone = json::parse(members.raw(member));
    check(alone.has_value() && *alone == value);
    if (const auto* text = value.as_string()) check(members.string(member) == *text);
    for (const auto& inner : members.inside(member)) check(json::validate(members.raw(inner)).has_value());
  }
  check(count == tree.members().size());
}

void check_same(const json::Members& a, json::Members::Range in_a, const json::Members& b, json::Members::Range in_b) {
  auto it = in_a.begin();
  for (const auto& member : in_b) {
    check(it != in_a.end());
    check(it->key == member.key && it->key_span == member.key_span && it->value == member.value && it->next == member.next);
    check(it->type == member.type && it->escaped == member.escaped);
    check_same(a, a.inside(*it), b, b.inside(member));
    ++it;
  }
  check(it == in_a.end());
}

void check_kernels(std::string_view text, json::ScanOptions options) {
  for (const auto lone : {json::ScanOptions::LoneSurrogate::refused, json::ScanOptions::LoneSurrogate::allowed}) {
    options.lone_surrogate = lone;
    options.kernel = &json::string_kernels().back();
    const auto expected = json::scan(text, options);
    for (const auto& kernel : json::string_kernels()) {
      if (!kernel.usable()) continue;
      options.kernel = &kernel;
      const auto found = json::scan(text, options);
      check(found.has_value() == expected.has_value());
      if (found) {
        check_same(*found, found->all(), *expected, expected->all());
      } else {
        check(found.error().message() == expected.error().message());
      }
    }
  }
}

void edit(const json::Members& members, std::string_view choices) {
  json::ObjectEdit object{members};
  std::size_t kept = 0;
  std::size_t at = 0;
  for (const auto& member : members.all()) {
    switch (choices.empty() ? 0 : choices[at++ % choices.size()] & 3) {
      case 0: object.remove(member); continue;
      case 1: object.set(member, "[1]"); break;
      case 2: object.rename(member, "re\"named"); break;
      default: break;
    }
    ++kept;
  }
  object.add("added", "null");
  json::Edits edits;
  check(object.commit(edits).has_value());
  const auto result = edits.apply(members.text());
  check(result.size() == edits.size_after(members.text()));
  auto back = json::parse(result);
  check(back.has_value() && back->members().size() == kept + 1);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string text{reinterpret_cast<const char*>(data), size};
  constexpr std::string_view outline[] = {"messages", "a"};
  check_kernels(text, {.outline = outline});
  auto members = json::scan(text, {.outline = outline});
  auto tree = json::parse(text);
  check(members.has_value() == (tree.has_value() && tree->is(json::Type::object)));
  if (tree) {
    auto again = json::parse(tree->dump());
    check(again.has_value() && *again == *tree);
  }
  if (members) {
    check_members(*members, *tree);
    edit(*members, text);
  }
  const auto string = json::quote(text);
  check(json::validate(string).has_value());
  return 0;
}
