#include "twin/orders.h"

#include "twin/twin_test_util.h"

namespace cardea::twin {
namespace {

TEST(Orders, AreFoundAmongOtherWords) {
  const auto orders =
      orders_in(R"(Mail me@call.example: "@call Write {"path":"a}\"","n":[1]}". Then @say "fin\n" and @call p "x y")");
  ASSERT_EQ(orders.size(), 3U);
  EXPECT_EQ(orders[0].tool, "Write");
  EXPECT_EQ(orders[0].text, R"({"path":"a}\"","n":[1]})");
  EXPECT_EQ(orders[1].tool, "");
  EXPECT_EQ(orders[1].text, "fin\n");
  EXPECT_EQ(orders[2].tool, "p");
  EXPECT_EQ(orders[2].text, "x y");
  for (const std::string_view none : {"", "@call", "@call ", "@call Write", "@call Write {", "@call Write }", "@call Write 5",
                                      "@call Write {x}", "@say {}", "@say \"open", "@say x", "say \"x\""}) {
    EXPECT_TRUE(orders_in(none).empty()) << none;
  }
}

class Obeys : public TwinTest {
 protected:
  Obeys() : TwinTest{fixed()} {}
  json::Value say(std::string_view later, std::string_view tool = "write") {
    return ask_json(cat(
        R"({"model":"obeys","tools":[{"type":"function","function":{"name":")", tool,
        R"("}}],"messages":[{"role":"user","content":"@call write {\"a\":1} @call write {\"a\":2} @say \"fin\""})", later, "]}"));
  }
};

TEST_F(Obeys, OneOrderATurnThenSaysWhatCame) {
  constexpr std::string_view call = R"(,{"role":"assistant","content":null,"tool_calls":[{"id":"c","type":"function",)"
                                    R"("function":{"name":"write","arguments":"{}"}}]},)"
                                    R"({"role":"tool","tool_call_id":"c","content":"ok"})";
  constexpr std::string_view reminder = R"(,{"role":"user","content":"do not forget"})";
  const auto arguments = [](const json::Value& answer) {
    return text_at(answer, "choices.0.message.tool_calls.0.function.arguments");
  };
  EXPECT_EQ(arguments(say("")), R"({"a":1})");
  EXPECT_EQ(arguments(say(cat(call, reminder))), R"({"a":2})");
  EXPECT_EQ(text_at(say(cat(call, call)), "choices.0.message.content"), "fin");
  EXPECT_EQ(text_at(say(cat(call, call, call)), "choices.0.message.content"), "The tools answered: ok; ok; ok");
}

TEST_F(Obeys, WithoutTheToolItTalks) { EXPECT_TRUE(text_at(say("", "read"), "choices.0.message.content").starts_with("Hello!")); }

}  // namespace
}  // namespace cardea::twin
