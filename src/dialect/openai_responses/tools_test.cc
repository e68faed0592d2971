#include <gtest/gtest.h>

#include "base/text.h"
#include "dialect/dialect.h"

namespace cardea::dialect {
namespace {

using namespace model;  // NOLINT: the whole vocabulary is built here
const Dialect& responses = openai_responses();

TEST(ResponsesTools, OthersSearchesAreItsOwn) {
  const auto said = [](std::string_view builtin, std::vector<std::string> lost) {
    Chat chat{.dialect = "anthropic", .model = "m"};
    chat.messages.push_back({.role = Role::user, .parts = {{.value = Text{.text = "a"}}}});
    chat.tools = std::vector<Tool>{{.kind = Tool::Kind::built_in, .name = "s", .builtin = Json{std::string{builtin}}}};
    Losses losses;
    const auto body = responses.encode_request(chat, losses);
    EXPECT_EQ(losses.fields(), lost);
    const auto at = body.find(R"("tools":)");
    return at != std::string::npos ? body.substr(at) : "";
  };
  EXPECT_TRUE(said(R"({"type":"web_search_20250305","name":"web_search","max_uses":3,"allowed_domains":["e.org"]})",
                   {"tools[0].s.max_uses"})
                  .starts_with(R"("tools":[{"type":"web_search","filters":{"allowed_domains":["e.org"]}}])"));
  EXPECT_TRUE(said(R"({"googleSearch":{}})", {}).starts_with(R"("tools":[{"type":"web_search"}])"));
  EXPECT_EQ(said(R"({"codeExecution":{}})", {"tools[0].s"}), "");
}

}  // namespace
}  // namespace cardea::dialect
