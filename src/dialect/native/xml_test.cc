// Cardea's own format in XML: the same as in JSON, by the same table.

#include <gtest/gtest.h>

#include "dialect/native/codec.h"
#include "dialect/native/forms.h"
#include "dialect/native/generate.h"
#include "dialect/native/native.h"
#include "testing/golden.h"
#include "wire/sse.h"

namespace cardea::dialect::native_format {
namespace {

const model::Chat nothing_asked;

void expect_same(const std::string& json, const std::string& xml, Root root, std::uint64_t seed) {
  const auto back = json_from(xml, root);
  ASSERT_TRUE(back) << seed << ": " << back.error().message() << "\n" << xml;
  EXPECT_EQ(*back, json) << seed << "\n" << xml;
}

TEST(NativeXml, EveryRequestAndAnswerComesBack) {
  for (std::uint64_t seed = 0; seed < 250; ++seed) {
    const auto chat = json_of(Generator{seed}.chat());
    expect_same(chat, in_form(chat, Root::chat, Form::xml), Root::chat, seed);
    const auto answer = json_of(Generator{seed}.answer());
    expect_same(answer, in_form(answer, Root::answer, Form::xml), Root::answer, seed);
  }
}

/// Requests and answers of a task: what is written is read the same, in both forms.
template <class Asked, class Said>
void expect_task(Task task, Root asked_root, Root said_root) {
  const auto* format = find_task_format(task, dialect_name);
  ASSERT_NE(format, nullptr);
  for (std::uint64_t seed = 0; seed < 60; ++seed) {
    Generator generator{seed};
    TaskRequest request = generator.make<Asked>();
    auto& asked = std::get<Asked>(request);
    asked.dialect = generator.maybe() ? dialect_name : "cohere";
    if (asked.model.empty()) asked.model = "m";
    Losses losses;
    const auto json = format->encode_request(request, losses);
    ASSERT_TRUE(json.has_value() && losses.empty());
    expect_same(json->body, in_form(json->body, asked_root, Form::xml), asked_root, seed);
    const auto back = format->decode_request(json->body, {});
    ASSERT_TRUE(back) << seed << ": " << back.error().message() << "\n" << json->body;
    EXPECT_EQ(*back, request) << seed << "\n" << json->body;

    TaskAnswer answer = generator.make<Said>();
    std::get<Said>(answer).dialect = generator.maybe() ? dialect_name : "jina";
    const auto said = format->encode_answer(answer, {.request = request, .id = {}, .model = {}}, losses);
    expect_same(said, in_form(said, said_root, Form::xml), said_root, seed);
    const auto again = format->decode_answer(said);
    ASSERT_TRUE(again) << seed << ": " << again.error().message() << "\n" << said;
    EXPECT_EQ(*again, answer) << seed << "\n" << said;
  }
}

TEST(NativeXml, WorkThatIsNoChatComesBack) {
  expect_task<model::Embed, model::Embedded>(Task::embed, Root::embed, Root::embedded);
  expect_task<model::Rerank, model::Reranked>(Task::rerank, Root::rerank, Root::reranked);
  expect_task<model::Moderate, model::Moderated>(Task::moderate, Root::moderate, Root::moderated);
  expect_task<model::Tokenize, model::Tokenized>(Task::tokenize, Root::tokenize, Root::tokenized);
  expect_task<model::Detokenize, model::Detokenized>(Task::detokenize, Root::detokenize, Root::detokenized);
}

TEST(NativeXml, EveryEventComesBackOnOneLine) {
  for (std::uint64_t seed = 0; seed < 100; ++seed) {
    for (const auto& said : Generator{seed}.events()) {
      std::string json, xml, scratch;
      native().stream_encoder({.request = nothing_asked, .id = {}, .model = {}})->encode(said, json);
      native_xml().stream_encoder({.request = nothing_asked, .id = {}, .model = {}})->encode(said, xml);
      // A stream that does not begin with one gets a start of its own; the last event is the one.
      json.erase(0, json.rfind("data: "));
      xml.erase(0, xml.rfind("data: "));
      EXPECT_EQ(std::ranges::count(xml, '\n'), 2) << xml;
      expect_same(std::string{wire::parse_event(json, scratch).data}, std::string{wire::parse_event(xml, scratch).data},
                  Root::event, seed);
    }
  }
}

TEST(NativeXml, ErrorsHaveTheForm) {
  const Error error{Kind::bad_request, "no <model>", "model"};
  EXPECT_EQ(
      native_xml().error_body(error, "r1"),
      "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<failure><error><kind>bad_request</kind><message>no &lt;model&gt;</message>"
      "<param>model</param><status>400</status><request_id>r1</request_id></error></failure>\n");
  EXPECT_EQ(native_xml().stream_error(Error{Kind::upstream_reset, "cut"}, "", Framing::sse),
            "data: <failure><error><kind>upstream_reset</kind><message>cut</message><status>502</status></error></failure>\n\n");
  EXPECT_EQ(native_xml().traits().content_type, "application/xml");
  EXPECT_EQ(native().traits().content_type, "application/json");
}

TEST(NativeXml, ARequestIsReadAsItsJson) {
  const auto json = native_request(R"(<chat>
  <messages>
    <message><role>user</role><content><text><text> What is
this? </text></text><image><url>https://example.org/a.png</url></image></content></message>
  </messages>
  <model>m</model><temperature>0.70</temperature><stop><sequence>END</sequence></stop><stream>true</stream>
</chat>)");
  ASSERT_TRUE(json) << json.error().message();
  const auto chat = native().decode_request(*json, {});
  ASSERT_TRUE(chat) << chat.error().message();
  EXPECT_EQ(chat->model, "m");
  EXPECT_EQ(std::get<model::Text>(chat->messages[0].parts[0].value).text, " What is\nthis? ");
  EXPECT_EQ(chat->sampling.temperature->text, "0.70");
  const auto bad = native_request("<chat><model>m</model><messages><message><rôle/></message></messages></chat>");
  ASSERT_FALSE(bad);
  EXPECT_EQ(bad.error().detail().param, "messages[0]");
}

// `./dev docs` writes it.
TEST(NativeXml, TheSchemaIsUpToDate) { EXPECT_EQ(testing::golden("docs/cardea-native.xsd", native_xsd()), ""); }

/// The code blocks of the page in one language, in order.
std::vector<std::string> blocks(std::string_view page, std::string_view language) {
  std::vector<std::string> out;
  const auto fence = cat("```", language, "\n");
  for (auto at = page.find(fence); at != std::string_view::npos; at = page.find(fence, at)) {
    at += fence.size();
    out.emplace_back(page.substr(at, page.find("```", at) - at));
  }
  return out;
}

TEST(NativeXml, TheExamplesOfThePageAreTrue) {
  const auto page = testing::read_testdata("docs/native.md");
  const auto json = blocks(page, "json");
  const auto xml = blocks(page, "xml");
  constexpr std::array roots{Root::chat, Root::answer, Root::embed, Root::reranked, Root::failure};
  ASSERT_EQ(json.size(), roots.size());
  ASSERT_EQ(xml.size(), roots.size());
  for (std::size_t i = 0; i < roots.size(); ++i) {
    const auto said = json_from(xml[i], roots[i]);
    ASSERT_TRUE(said) << said.error().message();
    EXPECT_EQ(json::parse(*said)->dump(), json::parse(json[i])->dump());
  }
  const auto chat = native().decode_request(json[0], {});
  EXPECT_TRUE(chat) << chat.error().message();
  const auto answer = native().decode_response(json[1]);
  EXPECT_TRUE(answer) << answer.error().message();
  for (const auto& stream : blocks(page, "text")) {
    std::vector<model::ChatEvent> events;
    const auto decoder = native().stream_decoder();
    FrameReader reader{Framing::sse, 1u << 16};
    for (std::string_view rest = stream; !rest.empty();) {
      const auto frame = reader.next(rest);
      ASSERT_TRUE(frame && *frame) << rest;
      if ((*frame)->has_data) {
        const bool is_xml = (*frame)->data.starts_with('<');
        auto event = is_xml ? json_from((*frame)->data, Root::event) : Result<std::string>{std::string{(*frame)->data}};
        ASSERT_TRUE(event) << event.error().message();
        const auto status = decoder->event("", *event, events);
        ASSERT_TRUE(status) << status.error().message();
      }
      rest.remove_prefix((*frame)->bytes);
    }
    EXPECT_TRUE(decoder->end(events));
  }
}

}  // namespace
}  // namespace cardea::dialect::native_format
