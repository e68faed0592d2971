// Work that is no chat: every client's format against every upstream's, by the same rule as the chats' matrix: what differs is
// named as lost, and what is named differs. Prints the matrix.

#include <gtest/gtest.h>

#include <algorithm>
#include <cstdio>
#include <map>
#include <set>

#include "base/text.h"
#include "dialect/pairs/draws.h"
#include "dialect/pairs/report.h"
#include "dialect/task.h"
#include "testing/golden.h"

namespace cardea::dialect::pairs {
namespace {

using namespace model;  // NOLINT: the vocabulary of all kinds of work
using Fields = std::set<std::string>;

// ---- cases -----------------------------------------------------------------------------------------------------------------

struct Case {
  std::string_view name;
  TaskRequest asked;
  TaskAnswer answered;
};

Part text_part(std::string text) {
  Part part;
  part.value = Text{.text = std::move(text), .citations = {}};
  return part;
}
Part image_part() {
  Part part;
  Image image;
  image.media.base64 = "iVBORw0KGgo=";
  image.media.media_type = "image/png";
  part.value = std::move(image);
  return part;
}

Embed embed_of(std::vector<EmbedInput> inputs) {
  Embed out;
  out.model = "asked";
  out.inputs = std::move(inputs);
  return out;
}
/// Numbers that are float32 exactly, so that each encoding says the same.
Embedded embedded_of(const Embed& asked) {
  Embedded out;
  out.model = "answered";
  out.usage.emplace().input = 7;
  for (std::uint64_t i = 0; i < asked.inputs.size(); ++i) out.vectors.push_back({i, "float", {"[0.5,-0.25,1]"}});
  return out;
}
Case embed_case(std::string_view name, Embed asked) {
  auto answer = embedded_of(asked);
  return {name, std::move(asked), std::move(answer)};
}

std::vector<Case> embed_cases() {
  const auto one = [] { return embed_of({{"hello", {}}}); };
  std::vector<Case> out;
  out.push_back(embed_case("one text", one()));
  out.push_back(embed_case("texts", embed_of({{"hello", {}}, {"\"é\\\n😀", {}}, {"", {}}})));
  auto wishes = one();
  wishes.dimensions = 3;
  wishes.task = "query";
  out.push_back(embed_case("purpose, dimensions", std::move(wishes)));
  auto cut = one();
  cut.truncate = "end";
  cut.user = "u1";
  out.push_back(embed_case("truncate, user", std::move(cut)));
  for (const auto encoding : {"base64", "int8"}) {
    auto coded = one();
    coded.encodings.emplace().emplace_back(encoding);
    out.push_back(embed_case(encoding, std::move(coded)));
  }
  out.push_back(embed_case("tokens", embed_of({{Tokens{{"[1,22,333]"}}, {}}, {Tokens{{"[4]"}}, {}}})));
  std::vector<Part> image;
  image.push_back(image_part());
  out.push_back(embed_case("image", embed_of({{std::move(image), {}}})));
  out.push_back(embed_case("title", embed_of({{"hello", "a title"}})));
  auto extra = one();
  extra.extras.push_back({"vendors_own", {R"({"x":[1,2.50]})"}});
  out.push_back(embed_case("vendor's own", std::move(extra)));
  return out;
}

std::vector<Case> rerank_cases() {
  const auto plain = [] {
    Rerank out;
    out.model = "asked";
    out.query = "which?";
    out.documents = {{"one", {}}, {"two", {}}, {"three", {}}};
    return out;
  };
  const auto of = [](std::string_view name, Rerank asked) {
    Reranked answer;
    answer.model = "answered";
    answer.results = {{2, {"0.9"}, {}}, {0, {"0.31"}, {}}, {1, {"1e-3"}, {}}};
    return Case{name, std::move(asked), std::move(answer)};
  };
  std::vector<Case> out;
  out.push_back(of("documents", plain()));
  auto best = plain();
  best.top_n = 2;
  out.push_back(of("top_n", std::move(best)));
  auto back = plain();
  back.return_documents = true;
  out.push_back(of("documents back", std::move(back)));
  auto limited = plain();
  limited.max_tokens_per_doc = 128;
  out.push_back(of("max_tokens_per_doc", std::move(limited)));
  auto raw = plain();
  raw.raw_scores = true;
  out.push_back(of("raw scores", std::move(raw)));
  auto cut = plain();
  cut.truncate = "start";
  out.push_back(of("truncate", std::move(cut)));
  auto objects = plain();
  objects.documents[1].object = Json{R"({"text":"two","title":"t"})"};
  out.push_back(of("objects", std::move(objects)));
  return out;
}

std::vector<Case> moderate_cases() {
  const auto of = [](std::string_view name, std::vector<ModerationInput> inputs) {
    Moderate asked;
    asked.model = "asked";
    Moderated answer;
    answer.model = "answered";
    for (std::size_t i = 0; i < inputs.size(); ++i) {
      Verdict verdict;
      verdict.flagged = i == 0;
      verdict.categories.push_back({"violence", i == 0, Number{"0.97"}, std::vector<std::string>{"text"}});
      answer.verdicts.push_back(std::move(verdict));
    }
    asked.inputs = std::move(inputs);
    return Case{name, std::move(asked), std::move(answer)};
  };
  std::vector<Case> out;
  out.push_back(of("texts", {{"a"}, {"b"}}));
  std::vector<Part> parts;
  parts.push_back(text_part("look"));
  parts.push_back(image_part());
  out.push_back(of("text and image", {{std::move(parts)}}));
  return out;
}

std::vector<Case> tokenize_cases() {
  const auto of = [](std::string_view name, bool pieces, bool chat) {
    Tokenize asked;
    asked.model = "asked";
    asked.special = true;
    if (!chat) asked.prompt = "hello you";
    if (chat) asked.messages = Json{R"([{"role":"user","content":"hi"}])"};
    Tokenized answer;
    answer.tokens = {1, 22, 18446744073709551615U};
    if (pieces) {
      asked.pieces = true;
      answer.pieces = std::vector<std::string>{"<s>", "hello", " you"};
    }
    return Case{name, std::move(asked), std::move(answer)};
  };
  return {of("prompt", false, false), of("pieces", true, false), of("chat", false, true)};
}

std::vector<Case> detokenize_cases() {
  Detokenize asked;
  asked.model = "asked";
  asked.tokens = {1, 22};
  Detokenized answer;
  answer.text = "hello";
  return {{"tokens", std::move(asked), std::move(answer)}};
}

std::vector<Case> cases_of(Task task) {
  switch (task) {
    case Task::embed: return embed_cases();
    case Task::rerank: return rerank_cases();
    case Task::moderate: return moderate_cases();
    case Task::tokenize: return tokenize_cases();
    case Task::detokenize: return detokenize_cases();
    case Task::draw: return {};
  }
  return {};
}

// ---- what differs ----------------------------------------------------------------------------------------------------------

template <class T>
void differ(Fields& out, std::string_view field, const T& a, const T& b) {
  if (!(a == b)) out.emplace(field);
}
void differ_extras(Fields& out, const Extras& a, const Extras& b) {
  for (const auto& extra : a) {
    if (std::ranges::find(b, extra) == b.end()) out.insert(extra.key);
  }
}
/// The gateway writes floats as base64 itself.
std::vector<std::string> vendors_part(const std::optional<std::vector<std::string>>& encodings) {
  auto out = encodings.value_or(std::vector<std::string>{});
  std::erase_if(out, [](const auto& one) { return one == "float" || one == "base64"; });
  return out;
}

Fields differences(const Embed& a, const Embed& b) {
  Fields out;
  std::optional<std::string> title_a;
  std::optional<std::string> title_b;
  EXPECT_EQ(a.inputs.size(), b.inputs.size());
  for (std::size_t i = 0; i < std::min(a.inputs.size(), b.inputs.size()); ++i) {
    differ(out, cat("inputs[", i, ']'), a.inputs[i].value, b.inputs[i].value);
    differ(out, "title", a.inputs[i].title, b.inputs[i].title);
  }
  differ(out, "encodings", vendors_part(a.encodings), vendors_part(b.encodings));
  differ(out, "dimensions", a.dimensions, b.dimensions);
  differ(out, "task", a.task, b.task);
  differ(out, "truncate", a.truncate, b.truncate);
  differ(out, "user", a.user, b.user);
  differ_extras(out, a.extras, b.extras);
  return out;
}
/// How many documents are wanted, and whether with their texts, is the gateway's business; the answer shows it.
Fields differences(const Rerank& a, const Rerank& b) {
  Fields out;
  differ(out, "query", a.query, b.query);
  for (std::size_t i = 0; i < a.documents.size(); ++i) differ(out, cat("documents[", i, ']'), a.documents[i], b.documents[i]);
  differ(out, "max_tokens_per_doc", a.max_tokens_per_doc, b.max_tokens_per_doc);
  differ(out, "raw_scores", a.raw_scores, b.raw_scores);
  differ(out, "truncate", a.truncate, b.truncate);
  differ(out, "user", a.user, b.user);
  differ_extras(out, a.extras, b.extras);
  return out;
}
Fields differences(const Moderate& a, const Moderate& b) {
  Fields out;
  differ(out, "inputs", a.inputs, b.inputs);
  return out;
}
Fields differences(const Tokenize& a, const Tokenize& b) {
  Fields out;
  differ(out, "prompt", a.prompt, b.prompt);
  differ(out, "messages", a.messages, b.messages);
  differ(out, "special", a.special, b.special);
  differ(out, "pieces", a.pieces, b.pieces);
  return out;
}
Fields differences(const Detokenize& a, const Detokenize& b) {
  Fields out;
  differ(out, "tokens", a.tokens, b.tokens);
  return out;
}

Fields differences(const Embedded& a, const Embedded& b) {
  Fields out;
  differ(out, "vectors", a.vectors, b.vectors);
  differ(out, "usage", a.usage, b.usage);
  return out;
}
Fields differences(const Reranked& a, const Reranked& b) {
  Fields out;
  differ(out, "results", a.results, b.results);
  differ(out, "usage", a.usage, b.usage);
  return out;
}
Fields differences(const Moderated& a, const Moderated& b) {
  Fields out;
  differ(out, "verdicts", a.verdicts, b.verdicts);
  return out;
}
Fields differences(const Tokenized& a, const Tokenized& b) {
  Fields out;
  differ(out, "tokens", a.tokens, b.tokens);
  differ(out, "pieces", a.pieces, b.pieces);
  return out;
}
Fields differences(const Detokenized& a, const Detokenized& b) {
  Fields out;
  differ(out, "text", a.text, b.text);
  return out;
}
/// Pictures have a matrix of their own (draws_test.cc).
Fields differences(const Draw&, const Draw&) { return {}; }
Fields differences(const Drawn&, const Drawn&) { return {}; }
template <class Variant>
Fields differing(const Variant& a, const Variant& b) {
  return std::visit(
      [](const auto& x, const auto& y) -> Fields {
        if constexpr (std::same_as<decltype(x), decltype(y)>) return differences(x, y);
        return {"kind"};
      },
      a, b);
}

// ---- one cell --------------------------------------------------------------------------------------------------------------

struct Cell {
  std::map<std::string, Fields> lost;  ///< by case; "!" before a field: it changes the meaning
  std::vector<std::string> refused, unsayable;
  std::size_t passed = 0;
};

std::string own_name(const TaskFormat& client, std::string_view field) {
  for (const auto& [neutral, own] : client.words) {
    if (field == neutral || (field.starts_with(neutral) && field[neutral.size()] == '['))
      return cat(own, field.substr(neutral.size()));
  }
  return std::string{field};
}

template <class Variant>
void speak(Variant& value, std::string_view dialect) {
  std::visit([&](auto& said) { said.dialect = dialect; }, value);
}

/// What the upstream says, as the client must see it: in the encoding asked for, no more than wanted, documents if wanted.
TaskAnswer expected_answer(const Case& one, const TaskRequest& asked) {
  TaskAnswer out = one.answered;
  if (auto* embedded = std::get_if<Embedded>(&out)) {
    const auto& encodings = std::get<Embed>(asked).encodings;
    if (encodings && encodings->front() == "base64") {
      for (auto& vector : embedded->vectors) vector = {vector.index, "base64", {"\"AAAAPwAAgL4AAIA/\""}};
    }
  }
  if (auto* reranked = std::get_if<Reranked>(&out)) {
    const auto& rerank = std::get<Rerank>(asked);
    if (rerank.top_n) reranked->results.resize(*rerank.top_n);
    for (auto& result : reranked->results) {
      if (rerank.return_documents.value_or(false)) result.document = rerank.documents[result.index];
    }
  }
  return out;
}

void run_answer(const TaskPair& pair, const Case& one, const TaskRequest& asked, Cell& cell) {
  TaskAnswer said = one.answered;
  speak(said, pair.upstream.name == "gemini_batch"        ? "gemini"
              : pair.upstream.name == "ollama_embeddings" ? "ollama"
                                                          : pair.upstream.name);
  const TaskContext context{.request = asked, .id = "id", .model = "asked"};
  Losses unsaid;
  const auto body = pair.upstream.encode_answer(said, context, unsaid);
  const auto answer = translate_task_answer(pair, body, context, {});
  ASSERT_TRUE(answer.has_value()) << answer.error().message() << body;
  const auto read = pair.client.decode_answer(answer->body);
  ASSERT_TRUE(read.has_value()) << read.error().message() << answer->body;
  auto differs = differing(expected_answer(one, asked), *read);
  Fields named;
  for (const auto& field : answer->losses.fields()) named.insert(field);
  // What the upstream's own form has no place for was not lost on the way.
  if (!unsaid.empty() || !answer->usage) differs.erase("usage");
  // Numbers of a kind that the upstream does not have: said, and the floats are there.
  const bool other_numbers = named.erase(own_name(pair.client, "encodings")) != 0;
  if (other_numbers) differs.erase("vectors");
  for (const auto& field : differs) {
    if (!named.contains(own_name(pair.client, field))) ADD_FAILURE() << "answer: not named: " << field << "\n" << answer->body;
  }
  for (const auto& field : named) cell.lost[std::string{one.name}].insert(cat("answer's ", field));
  ++cell.passed;
}

void run(const TaskPair& pair, const Case& one, Cell& cell) {
  SCOPED_TRACE(cat(pair.client.name, " -> ", pair.upstream.name, ", ", one.name));
  TaskRequest asked = one.asked;
  speak(asked, pair.client.name == "gemini_batch"        ? "gemini"
               : pair.client.name == "ollama_embeddings" ? "ollama"
                                                         : pair.client.name);
  Losses unsaid;
  const auto body = pair.client.encode_request(asked, unsaid);
  if (!body || !unsaid.empty()) {
    cell.unsayable.emplace_back(one.name);
    return;
  }
  const Asked path{.model = pair.client.model_in_path() ? "asked" : "", .stream = {}};
  const auto strict = translate_task(pair, body->body, path, Allow::no_change_of_meaning);
  const auto loose = translate_task(pair, body->body, path, Allow::any_loss);
  if (!loose) {
    EXPECT_EQ(loose.error().kind(), Kind::bad_request);
    EXPECT_FALSE(loose.error().detail().param.empty());
    EXPECT_FALSE(strict.has_value());
    cell.refused.emplace_back(one.name);
    return;
  }
  EXPECT_EQ(strict.has_value(), loose->losses.gravest() == nullptr);
  if (!strict) EXPECT_EQ(strict.error().detail().param, loose->losses.gravest()->field);
  const auto arrived = pair.upstream.decode_request(loose->message.body, {.model = "upstream", .stream = {}});
  ASSERT_TRUE(arrived.has_value()) << arrived.error().message() << loose->message.body;
  Fields differs;
  for (const auto& field : differing(loose->request, *arrived)) differs.insert(own_name(pair.client, field));
  for (const auto& loss : loose->losses.all()) {
    cell.lost[std::string{one.name}].insert(cat(loss.weight == Loss::Weight::meaning ? "!" : "", loss.field));
    EXPECT_TRUE(differs.erase(loss.field) != 0) << "named, but does not differ: " << loss.field << "\n" << loose->message.body;
  }
  for (const auto& field : differs) ADD_FAILURE() << "differs, but is not named: " << field << "\n" << loose->message.body;
  run_answer(pair, one, loose->request, cell);
}

// ---- the matrix ------------------------------------------------------------------------------------------------------------

std::vector<const TaskFormat*> formats_of(Task task) {
  std::vector<const TaskFormat*> out;
  for (const auto* format : task_formats()) {
    if (format->task == task) out.push_back(format);
  }
  return out;
}

std::string padded(std::string_view text, std::size_t width) {
  std::string out{text};
  out.resize(std::max(width, out.size()), ' ');
  return out;
}

std::string summary(const Cell& cell) {
  std::size_t grave = 0;
  for (const auto& [name, fields] : cell.lost) {
    grave += std::ranges::any_of(fields, [](const auto& field) { return field.starts_with('!'); }) ? 1 : 0;
  }
  auto out = cat(cell.passed - cell.lost.size(), " ok");
  if (cell.lost.size() > grave) out += cat(' ', cell.lost.size() - grave, " named");
  if (grave + cell.refused.size() != 0) out += cat(' ', grave + cell.refused.size(), " refused");
  return out;
}

/// What is lost between two, one case after the other; empty: nothing.
std::string losses_of(const Cell& cell) {
  std::string out;
  for (const auto& [name, fields] : cell.lost) {
    out += cat(out.empty() ? "" : "; ", name, ':');
    for (const auto& field : fields) out += cat(' ', field);
  }
  for (const auto& name : cell.refused) out += cat(out.empty() ? "" : "; ", name, ": refused");
  return out;
}

struct Matrix {
  std::vector<const TaskFormat*> formats;
  std::vector<std::vector<Cell>> cells;  ///< clients by upstreams
};

/// Runs every case through every pair, once.
const Matrix& matrix_of(Task task) {
  static std::map<Task, Matrix> all;
  const auto [at, added] = all.try_emplace(task);
  if (!added) return at->second;
  Matrix& matrix = at->second;
  matrix.formats = formats_of(task);
  for (const auto* client : matrix.formats) {
    auto& row = matrix.cells.emplace_back();
    for (const auto* upstream : matrix.formats) {
      Cell& cell = row.emplace_back();
      for (const auto& one : cases_of(task)) run({*client, *upstream, "upstream"}, one, cell);
    }
  }
  return matrix;
}

std::string shown(Task task, const Matrix& matrix) {
  auto out = cat(matrix_mark, "\n", matrix_mark, to_text(task), ": clients by upstreams (refused: unless loss is allowed)\n",
                 matrix_mark, padded("", 18));
  std::string below;
  for (const auto* upstream : matrix.formats) out += padded(upstream->name, 26);
  for (std::size_t c = 0; c < matrix.formats.size(); ++c) {
    out += cat("\n", matrix_mark, padded(matrix.formats[c]->name, 18));
    for (std::size_t u = 0; u < matrix.formats.size(); ++u) {
      const auto& cell = matrix.cells[c][u];
      out += padded(summary(cell), 26);
      const auto lost = losses_of(cell);
      if (!lost.empty())
        below += cat(matrix_mark, "  ", matrix.formats[c]->name, " -> ", matrix.formats[u]->name, "; ", lost, "\n");
    }
  }
  return cat(out, "\n", below);
}

std::string documented(Task task, const Matrix& matrix) {
  auto out = cat("\n## ", to_text(task), "\n\n| client \\ upstream |");
  for (const auto* upstream : matrix.formats) out += cat(" ", upstream->name, " |");
  out += "\n|---|";
  for (std::size_t i = 0; i < matrix.formats.size(); ++i) out += "---|";
  for (std::size_t c = 0; c < matrix.formats.size(); ++c) {
    out += cat("\n| **", matrix.formats[c]->name, "** |");
    for (std::size_t u = 0; u < matrix.formats.size(); ++u) {
      const auto lost = losses_of(matrix.cells[c][u]);
      out += cat(" ", c == u ? "same bytes" : lost.empty() ? "nothing lost" : lost, " |");
    }
  }
  return cat(out, "\n");
}

class Tasks : public ::testing::TestWithParam<Task> {};

TEST_P(Tasks, EveryFormatMeetsEveryOther) {
  const Matrix& matrix = matrix_of(GetParam());
  ASSERT_FALSE(matrix.formats.empty());
  for (std::size_t c = 0; c < matrix.formats.size(); ++c) {
    for (std::size_t u = 0; u < matrix.formats.size(); ++u) {
      EXPECT_NE(matrix.cells[c][u].passed, 0U) << matrix.formats[c]->name << " -> " << matrix.formats[u]->name;
    }
  }
  std::fputs(shown(GetParam(), matrix).c_str(), stdout);
}

constexpr Task all_tasks[] = {Task::embed, Task::rerank, Task::moderate, Task::tokenize, Task::detokenize};

/// `./dev docs` writes it.
TEST(TaskLosses, AreDocumented) {
  std::string out{
      "# What a translation cannot carry: work that is no chat\n\n"
      "Generated by `src/dialect/pairs/tasks_test.cc` (`./dev docs` rewrites it): every case goes from every client's format to "
      "every\n"
      "upstream's, and what arrives differs from what was said exactly as listed here, by the client's own names. They are in "
      "the\n"
      "`x-cardea-loss` header and in the record.\n\n"
      "Signs: `case: field` is lost and named · `!field` changes the meaning: refused unless the caller sends "
      "`x-cardea-allow-loss: true` ·\n"
      "`case: refused` cannot be left out (an input without a vector), so it is always refused.\n\n"
      "The gateway itself does, so that nothing is lost: floats as base64 and back, to the bit; `top_n`; the documents of "
      "ranks.\n"};
  for (const auto task : all_tasks) out += documented(task, matrix_of(task));
  out += documented_draws();
  EXPECT_EQ(testing::golden("docs/losses-tasks.md", out), "");
}

INSTANTIATE_TEST_SUITE_P(All, Tasks, ::testing::ValuesIn(all_tasks),
                         [](const auto& one) { return std::string{to_text(one.param)}; });

}  // namespace
}  // namespace cardea::dialect::pairs
