// What a stored response is made of.

#include "dialect/openai_responses/stored.h"

#include <gtest/gtest.h>

#include "base/text.h"
#include "dialect/openai_spec.h"
#include "dialect/translate.h"
#include "json/value.h"

namespace cardea::dialect::responses {
namespace {

using json::Value;

RequestView view_of(std::string_view body) {
  auto view = openai_responses().inspect(body, {});
  EXPECT_TRUE(view) << view.error().message();
  return std::move(*view);
}

std::string input_of(std::string_view body, const Kept* earlier = nullptr) {
  auto input = whole_input(view_of(body), earlier, "resp_abc");
  EXPECT_TRUE(input);
  return input.value_or("");
}

TEST(Stored, WishesAreReadAndChecked) {
  struct Case {
    std::string_view members;
    std::string_view previous;
    bool store;
  };
  const Case cases[] = {{"", "", true},
                        {R"(,"store":null,"previous_response_id":null)", "", true},
                        {R"(,"store":false)", "", false},
                        {R"(,"store":true,"previous_response_id":"resp_\u0031")", "resp_1", true}};
  for (const auto& one : cases) {
    const std::string body = cat(R"({"model":"m","input":"x")", one.members, '}');
    const auto wishes = wishes_of(view_of(body));
    ASSERT_TRUE(wishes) << body;
    EXPECT_EQ(wishes->previous, one.previous);
    EXPECT_EQ(wishes->store, one.store);
  }
  for (const auto* bad : {R"("store":"yes")", R"("previous_response_id":7)", R"("store":true,"store":false)"}) {
    const std::string body = cat(R"({"model":"m","input":"x",)", bad, '}');
    const auto wishes = wishes_of(view_of(body));
    ASSERT_FALSE(wishes) << body;
    EXPECT_TRUE(wishes.error().is(Kind::bad_request));
    EXPECT_FALSE(wishes.error().detail().param.empty());
  }
}

TEST(Stored, ATextIsAMessageWithAnId) {
  EXPECT_EQ(
      input_of(R"({"model":"m","input":"Hi"})"),
      R"([{"id":"msg_abc_in0","type":"message","role":"user","content":[{"type":"input_text","text":"Hi"}],"status":"completed"}])");
  EXPECT_EQ(input_of(R"({"model":"m","previous_response_id":"resp_0"})"), "[]");
}

TEST(Stored, ItemsKeepWhatTheySayAndGetIds) {
  const auto items = json::parse(input_of(R"({"model":"m","input":[
    {"role":"assistant","content":"Earlier."},
    {"type":"message","id":"mine","role":"developer","content":[{"type":"input_text","text":"D"}]},
    {"type":"function_call","call_id":"c1","name":"f","arguments":"{\"n\":18446744073709551616}"},
    {"type":"function_call_output","call_id":"c1","id":null,"output":"1"},
    {"type":"reasoning","id":"rs_1","summary":[],"encrypted_content":"e"},
    {"type":"vendor_thing","x":1.50}]})"));
  ASSERT_TRUE(items);
  const auto text = [&](std::size_t i, std::string_view key) {
    const auto* found = items->elements()[i].find(key);
    return found != nullptr ? found->dump() : "(none)";
  };
  EXPECT_EQ(text(0, "type"), R"("message")");
  EXPECT_EQ(text(0, "content"), R"([{"type":"output_text","text":"Earlier.","annotations":[],"logprobs":[]}])");
  EXPECT_EQ(text(1, "id"), R"("mine")");
  EXPECT_EQ(text(2, "id"), R"("fc_abc_in2")");
  EXPECT_EQ(text(2, "arguments"), R"("{\"n\":18446744073709551616}")");
  EXPECT_EQ(text(3, "id"), R"("fco_abc_in3")");
  EXPECT_EQ(text(4, "id"), R"("rs_1")");
  EXPECT_EQ(text(4, "status"), "(none)");
  EXPECT_EQ(text(5, "id"), R"("item_abc_in5")");
  EXPECT_EQ(text(5, "x"), "1.50");
}

// What a model is told does not change by being kept.
TEST(Stored, KeptItemsDecodeAsTheyDid) {
  const std::string body = R"({"model":"m","input":[{"role":"user","content":"one"},{"role":"assistant","content":"two"},
    {"type":"function_call","call_id":"c1","name":"f","arguments":"{}"},{"type":"function_call_output","call_id":"c1","output":"1"},
    {"role":"user","content":[{"type":"input_image","image_url":"https://example.org/a.png"},{"type":"input_text","text":"three"}]}]})";
  const auto view = view_of(body);
  const auto kept = with_input(view, input_of(body));
  ASSERT_TRUE(kept);
  const auto before = openai_responses().decode_request(body, {});
  const auto after = openai_responses().decode_request(*kept, {});
  ASSERT_TRUE(before && after);
  EXPECT_EQ(before->messages, after->messages);
}

TEST(Stored, WhatWentBeforeComesFirst) {
  const Kept earlier{
      .input = R"([{"id":"msg_1","type":"message","role":"user","content":"A"}])",
      .response = R"({"id":"resp_1","instructions":"not inherited","output":[{"id":"msg_2","type":"message","role":"assistant",)"
                  R"("content":[{"type":"output_text","text":"B","annotations":[]}]}]})"};
  const std::string body = R"({"model":"m","previous_response_id":"resp_1","input":"C","temperature":0.50})";
  const auto view = view_of(body);
  const std::string input = input_of(body, &earlier);
  const auto whole = with_input(view, input);
  ASSERT_TRUE(whole);
  EXPECT_EQ(*whole, cat(R"({"model":"m","input":)", input, R"(,"temperature":0.50})"));
  const auto chat = openai_responses().decode_request(*whole, {});
  ASSERT_TRUE(chat);
  ASSERT_EQ(chat->messages.size(), 3U);
  EXPECT_EQ(chat->messages[0].role, model::Role::user);
  EXPECT_EQ(chat->messages[1].role, model::Role::assistant);
  EXPECT_EQ(std::get<model::Text>(chat->messages[2].parts[0].value).text, "C");
  const auto without = with_input(view_of(R"({"model":"m","previous_response_id":"resp_1"})"), input);
  ASSERT_TRUE(without);
  EXPECT_TRUE(openai_responses().decode_request(*without, {}));
}

TEST(Stored, ItemsThatAreNamedArePutIn) {
  const Kept kept{.input = R"([{"id":"msg_a_in0","type":"message","role":"user","content":"A"}])",
                  .response = R"({"output":[{"id":"rs_a_0","type":"reasoning"},{"id":"fc_a_1","type":"function_call"}]})"};
  const std::string body =
      R"({"model":"m","input":[{"type":"item_reference","id":"fc_a_1"},{"id":"msg_a_in0"},{"role":"user","id":"x_y_0",)"
      R"("content":"B"},{"type":"item_reference","id":"rs_b_0"},{"type":"item_reference","id":"plain"}],"x":1.0})";
  const auto view = view_of(body);
  EXPECT_EQ(answers_referred_to(view), (std::vector<std::string>{"resp_a", "resp_b"}));
  EXPECT_EQ(unresolved_item(view), "fc_a_1");
  const auto whole = with_items(view, std::span{&kept, 1});
  ASSERT_TRUE(whole);
  EXPECT_EQ(*whole,
            R"({"model":"m","input":[{"id":"fc_a_1","type":"function_call"},{"id":"msg_a_in0","type":"message","role":"user",)"
            R"("content":"A"},{"role":"user","id":"x_y_0","content":"B"},{"type":"item_reference","id":"rs_b_0"},)"
            R"({"type":"item_reference","id":"plain"}],"x":1.0})");
  EXPECT_EQ(unresolved_item(view_of(*whole)), "rs_b_0");
  EXPECT_TRUE(answers_referred_to(view_of(R"({"model":"m","input":"msg_a_0"})")).empty());
}

constexpr std::string_view answer = R"({"id":"resp_1","object":"response","status":"completed","output":[],"store":true})";

TEST(Stored, TheFinalAnswerOfAStreamIsFound) {
  for (const auto* type : {"response.completed", "response.incomplete", "response.failed"}) {
    const std::string events =
        cat("event: response.created\ndata: {\"type\":\"response.created\",\"response\":{}}\n\nevent: ", type,
            "\ndata: {\"type\":\"", type, "\",\"sequence_number\":7,\"response\":", answer, "}\n\n");
    EXPECT_EQ(final_response(events), answer);
    const std::string denied = with_store_denied(events);
    EXPECT_EQ(denied.size(), events.size() + 1);
    EXPECT_NE(final_response(denied).find(R"("store":false})"), std::string_view::npos);
  }
  EXPECT_EQ(final_response(answer), answer);
  EXPECT_NE(with_store_denied(answer).find(R"("store":false})"), std::string_view::npos);
  for (const auto* none :
       {"", "data: {\"type\":\"response.in_progress\",\"response\":{}}\n\n", "event: error\ndata: {\"type\":\"error\"}\n\n",
        "data: [DONE]\n\n", "{\"error\":{}}", "{", ": ping\n\n"}) {
    EXPECT_EQ(final_response(none), "") << none;
    EXPECT_EQ(with_store_denied(none), none);
  }
}

constexpr std::string_view five = R"([{"id":"a"},{"id":"b"},{"id":"c"},{"id":"d"},{"id":"e"}])";

TEST(Stored, PagesOfItems) {
  struct Case {
    PageAsked asked;
    std::string_view wanted;
  };
  const Case cases[] = {
      {{},
       R"({"object":"list","data":[{"id":"e"},{"id":"d"},{"id":"c"},{"id":"b"},{"id":"a"}],"first_id":"e","last_id":"a","has_more":false})"},
      {{.limit = 2, .order = Order::ascending},
       R"({"object":"list","data":[{"id":"a"},{"id":"b"}],"first_id":"a","last_id":"b","has_more":true})"},
      {{.limit = 2, .order = Order::ascending, .after = "b"},
       R"({"object":"list","data":[{"id":"c"},{"id":"d"}],"first_id":"c","last_id":"d","has_more":true})"},
      {{.limit = 2, .order = Order::descending, .after = "b"},
       R"({"object":"list","data":[{"id":"a"}],"first_id":"a","last_id":"a","has_more":false})"},
      {{.order = Order::ascending, .after = "e"},
       R"({"object":"list","data":[],"first_id":null,"last_id":null,"has_more":false})"}};
  for (const auto& one : cases) {
    const auto page = item_page(five, one.asked);
    ASSERT_TRUE(page);
    EXPECT_EQ(*page, one.wanted);
  }
  const auto lost = item_page(five, {.after = "z"});
  ASSERT_FALSE(lost);
  EXPECT_EQ(lost.error().detail().param, "after");
}

TEST(Stored, PagesAreAsTheReferenceSays) {
  const testing::OpenAiSpec spec;
  if (!spec.there()) GTEST_SKIP() << "OpenAI's description is not at hand";
  const auto page =
      item_page(input_of(R"({"model":"m","input":[{"role":"user","content":"one"},{"role":"assistant","content":"two"},
    {"type":"function_call","call_id":"c1","name":"f","arguments":"{}"},{"type":"function_call_output","call_id":"c1","output":"1"}]})"),
                {});
  ASSERT_TRUE(page);
  EXPECT_EQ(spec.problem("ResponseItemList", *page), "");
}

// --- members that no other dialect has --------------------------------------------------------------------------------------

std::string gravest_of(std::string_view members, const Dialect& upstream) {
  const Pair pair{openai_responses(), upstream, "m", "vendor"};
  const auto got = translate_request(pair, cat(R"({"model":"m","input":"x")", members, '}'), {}, Allow::no_change_of_meaning);
  if (!got) return cat(info(got.error().kind()).label, ' ', got.error().detail().param);
  return cat("lost:", got->losses.fields().empty() ? "" : got->losses.fields().front());
}

TEST(Stored, StateKeptElsewhereIsNeverDroppedInSilence) {
  for (const auto* upstream : all()) {
    if (upstream == &openai_responses()) continue;
    EXPECT_EQ(gravest_of(R"(,"conversation":"conv_1")", *upstream), "bad_request conversation") << upstream->name();
    EXPECT_EQ(gravest_of(R"(,"conversation":{"id":"conv_1"})", *upstream), "bad_request conversation") << upstream->name();
    EXPECT_EQ(gravest_of(R"(,"prompt":{"id":"pmpt_1"})", *upstream), "bad_request prompt") << upstream->name();
    EXPECT_EQ(gravest_of(R"(,"previous_response_id":"resp_1")", *upstream), "bad_request previous_response_id");
    EXPECT_EQ(gravest_of(R"(,"background":true)", *upstream), "bad_request background") << upstream->name();
    EXPECT_EQ(gravest_of(R"(,"background":false,"truncation":"disabled","conversation":null)", *upstream), "lost:");
    EXPECT_EQ(gravest_of(R"(,"truncation":"auto")", *upstream), "lost:truncation") << upstream->name();
  }
  EXPECT_EQ(gravest_of(R"(,"conversation":"conv_1","background":true)", openai_responses()), "lost:");
}

}  // namespace
}  // namespace cardea::dialect::responses
