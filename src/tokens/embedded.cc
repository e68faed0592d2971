#include "tokens/embedded.h"

// .incbin and not an array: five megabytes of numbers would take the compiler a minute.
asm(".section .rodata\n"
    ".balign 64\n"
    "cardea_cl100k_base: .incbin \"" CARDEA_TABLES
    "/cl100k_base.ranks\"\n"
    "cardea_cl100k_base_end:\n"
    ".balign 64\n"
    "cardea_o200k_base: .incbin \"" CARDEA_TABLES
    "/o200k_base.ranks\"\n"
    "cardea_o200k_base_end:\n"
    ".globl cardea_cl100k_base, cardea_cl100k_base_end, cardea_o200k_base, cardea_o200k_base_end\n"
    ".text\n");

extern "C" {
extern const char cardea_cl100k_base[], cardea_cl100k_base_end[];
extern const char cardea_o200k_base[], cardea_o200k_base_end[];
}

namespace cardea::tokens {

Ranks embedded(Encoding encoding) noexcept {
  if (encoding == Encoding::cl100k_base) return Ranks{{cardea_cl100k_base, cardea_cl100k_base_end}};
  return Ranks{{cardea_o200k_base, cardea_o200k_base_end}};
}

}  // namespace cardea::tokens
