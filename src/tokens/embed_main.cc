// Build tool: a vocabulary as tiktoken publishes it (base64 of a token, a space, its rank; one a line) to the table that Cardea
// looks it up in. usage: tokens_embed FILE.tiktoken OUT

#include <cstdio>
#include <fstream>
#include <string>
#include <vector>

#include "base/base64.h"
#include "base/text.h"
#include "tokens/ranks.h"

int main(int argc, char** argv) {
  using namespace cardea;
  if (argc != 3) return 2;
  std::ifstream in{argv[1]};
  std::vector<std::pair<std::string, std::uint32_t>> vocabulary;
  for (std::string line; std::getline(in, line);) {
    const auto space = line.find(' ');
    const auto token = from_base64(std::string_view{line}.substr(0, space));
    const auto rank = parse_number<std::uint32_t>(std::string_view{line}.substr(space + 1));
    if (!token || token->empty() || !rank) {
      std::fprintf(stderr, "%s: line %zu is no token\n", argv[1], vocabulary.size() + 1);
      return 1;
    }
    vocabulary.emplace_back(*token, *rank);
  }
  const std::string table = tokens::make_ranks(vocabulary);
  std::ofstream out{argv[2], std::ios::binary};
  out << table;
  // What was written must be found: no test needs to go through the vocabularies again.
  const tokens::Ranks ranks{table};
  for (const auto& [token, rank] : vocabulary) {
    if (ranks.find(token) != rank) return 1;
  }
  return out.flush().good() ? 0 : 1;
}
