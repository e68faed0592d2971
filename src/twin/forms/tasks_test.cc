// Vectors, ranks, moderations, tokens: what each vendor's form answers, and what it refuses in whose words.
#include "twin/twin_test_util.h"

#include <cmath>

#include "base/base64.h"
#include "twin/vectors.h"

namespace cardea::twin {
namespace {

struct Refused {
  std::string_view target;
  std::string_view body;
  unsigned status;
  std::string_view path;  ///< in the answer
  std::string_view why;
};

class Tasks : public TwinTest {
 protected:
  Tasks() : TwinTest{fixed()} {}

  static std::vector<double> numbers(const json::Value& list) {
    std::vector<double> all;
    for (const auto& one : list.elements()) all.push_back(one.as_double().value());
    return all;
  }
  static double dot(const std::vector<double>& a, const std::vector<double>& b) {
    double sum = 0;
    for (std::size_t i = 0; i < a.size(); ++i) sum += a[i] * b[i];
    return sum;
  }
  void expect_refusals(std::span<const Refused> cases) {
    for (const auto& item : cases) {
      const auto reply = post(item.target, item.body);
      EXPECT_EQ(reply.status, item.status) << item.target << ' ' << item.body << '\n' << reply.body;
      const auto error = json::parse(reply.body);
      ASSERT_TRUE(error) << reply.body;
      EXPECT_NE(text_at(*error, item.path).find(item.why), std::string::npos) << item.body << '\n' << reply.body;
    }
  }
};

// ---- Vectors ---------------------------------------------------------------------------------------------------------------

TEST_F(Tasks, VectorsKeepTheSimilarityOfEqualWords) {
  const auto cat_text = embed("The cat sat on the mat.");
  EXPECT_NEAR(similarity(cat_text, cat_text), 1, 1e-6);
  EXPECT_NEAR(similarity(cat_text, embed("the CAT, sat on the mat")), 1, 1e-6) << "case and marks are no words";
  EXPECT_GT(similarity(cat_text, embed("The cat lay on the mat")), 0.7);
  EXPECT_LT(std::abs(similarity(cat_text, embed("quarterly revenue figures"))), 0.25);
  for (const auto text : {"", "!?", "\xC3\xA4", "a"}) EXPECT_NEAR(similarity(embed(text), embed(text)), 1, 1e-6) << text;
  const auto shorter = embed("The cat", 16);
  const auto longer = embed("The cat", 64);
  const auto scale = static_cast<double>(longer[0]) / static_cast<double>(shorter[0]);
  EXPECT_NEAR(static_cast<double>(longer[15]), static_cast<double>(shorter[15]) * scale, 1e-6) << "a beginning of the longer";
}

TEST_F(Tasks, OpenAiEmbeddings) {
  const auto answer = post_json("/v1/embeddings", R"({"model":"twin-1","input":["hello world","hello"],"user":"u"})");
  EXPECT_EQ(text_at(answer, "object"), "list");
  EXPECT_EQ(text_at(answer, "model"), "twin-1");
  EXPECT_EQ(text_at(answer, "data.1.object"), "embedding");
  EXPECT_EQ(text_at(answer, "data.1.index"), "1");
  EXPECT_EQ(text_at(answer, "usage"), R"({"prompt_tokens":3,"total_tokens":3})");
  const auto first = numbers(at(answer, "data.0.embedding"));
  ASSERT_EQ(first.size(), 256U);
  EXPECT_NEAR(dot(first, first), 1, 1e-6);
  EXPECT_NEAR(dot(first, numbers(at(answer, "data.1.embedding"))), std::sqrt(0.5), 0.1);
}

TEST_F(Tasks, OpenAiEmbeddingsAsBase64OfOtherLengthAndOfTokens) {
  const auto floats = post_json("/v1/embeddings", R"({"model":"twin-1","input":"hello","dimensions":7})");
  const auto packed =
      post_json("/v1/embeddings", R"({"model":"twin-1","input":"hello","dimensions":7,"encoding_format":"base64"})");
  const auto bytes = from_base64(text_at(packed, "data.0.embedding")).value();
  const auto plain = numbers(at(floats, "data.0.embedding"));
  ASSERT_EQ(bytes.size(), 28U);
  ASSERT_EQ(plain.size(), 7U);
  for (std::size_t i = 0; i < 7; ++i) {
    float value = 0;
    std::memcpy(&value, bytes.data() + 4 * i, 4);
    EXPECT_EQ(value, static_cast<float>(plain[i]));
  }
  const auto tokens = post_json("/v1/embeddings", R"({"model":"twin-1","input":[1,2,3]})");
  EXPECT_EQ(at(tokens, "data").elements().size(), 1U);
  EXPECT_EQ(text_at(tokens, "usage.prompt_tokens"), "3");
  const auto lists = post_json("/v1/embeddings", R"({"model":"twin-1","input":[[1,2],[1]]})");
  EXPECT_EQ(at(lists, "data").elements().size(), 2U);
}

TEST_F(Tasks, TheSameTextHasTheSameVectorWhoeverIsAsked) {
  constexpr std::string_view text = "one vector for all";
  const auto openai =
      numbers(at(post_json("/v1/embeddings", cat(R"({"model":"twin-1","input":")", text, "\"}")), "data.0.embedding"));
  const auto gemini = post_json("/v1beta/models/twin-1:embedContent", cat(R"({"content":{"parts":[{"text":")", text, "\"}]}}"));
  EXPECT_EQ(numbers(at(gemini, "embedding.values")), openai);
  const auto batch = post_json("/v1beta/models/twin-1:batchEmbedContents",
                               cat(R"({"requests":[{"model":"models/twin-1","content":{"parts":[{"text":")", text,
                                   R"("}]},"taskType":"RETRIEVAL_QUERY","outputDimensionality":256}]})"));
  EXPECT_EQ(numbers(at(batch, "embeddings.0.values")), openai);
  const auto cohere = post_json(
      "/v2/embed", cat(R"({"model":"twin-1","input_type":"search_query","embedding_types":["float"],"texts":[")", text, "\"]}"));
  EXPECT_EQ(numbers(at(cohere, "embeddings.float.0")), openai);
  const auto older = post_json("/v1/embed", cat(R"({"model":"twin-1","texts":[")", text, "\"]}"));
  EXPECT_EQ(numbers(at(older, "embeddings.0")), openai);
  const auto ollama = post_json("/api/embed", cat(R"({"model":"twin-1","input":")", text, "\"}"));
  EXPECT_EQ(numbers(at(ollama, "embeddings.0")), openai);
  const auto old_ollama = post_json("/api/embeddings", cat(R"({"model":"twin-1","prompt":")", text, "\"}"));
  EXPECT_EQ(numbers(at(old_ollama, "embedding")), openai);
  const auto tei = post_json("/embed", cat(R"({"inputs":")", text, "\"}"));
  EXPECT_EQ(numbers(at(tei, "0")), openai);
}

TEST_F(Tasks, CohereEmbedsInEveryType) {
  const auto answer = post_json("/v2/embed", R"({"model":"twin-1","input_type":"classification","texts":["a","b"],
    "embedding_types":["int8","uint8","binary","ubinary","base64"],"output_dimension":512})");
  EXPECT_EQ(text_at(answer, "response_type"), "embeddings_by_type");
  EXPECT_EQ(text_at(answer, "meta.billed_units.input_tokens"), "2");
  EXPECT_EQ(text_at(answer, "texts"), R"(["a","b"])");
  EXPECT_EQ(at(answer, "embeddings.int8.1").elements().size(), 512U);
  EXPECT_EQ(at(answer, "embeddings.ubinary.1").elements().size(), 64U);
  for (std::size_t i = 0; i < 512; ++i) {
    EXPECT_EQ(at(answer, "embeddings.int8.0").elements()[i].as_i64().value() + 128,
              at(answer, "embeddings.uint8.0").elements()[i].as_i64().value());
  }
  for (std::size_t i = 0; i < 64; ++i) {
    EXPECT_EQ(at(answer, "embeddings.binary.0").elements()[i].as_i64().value() + 128,
              at(answer, "embeddings.ubinary.0").elements()[i].as_i64().value());
  }
  const auto mixed =
      post_json("/v2/embed", R"({"model":"twin-1","input_type":"search_document","inputs":[{"content":[{"type":"text","text":"a"},
    {"type":"image_url","image_url":{"url":"data:image/png;base64,iVBORw0K"}}]}]})");
  EXPECT_EQ(at(mixed, "embeddings.float").elements().size(), 1U);
  const auto image =
      post_json("/v2/embed", R"({"model":"twin-1","input_type":"image","images":["data:image/png;base64,iVBORw0K"]})");
  EXPECT_EQ(text_at(image, "images.0.format"), "png");
  EXPECT_EQ(text_at(image, "meta.billed_units.images"), "1");
}

TEST_F(Tasks, EmbeddingsRefuseAsTheirVendorsDo) {
  const Refused cases[] = {
      {"/v1/embeddings", "{", 400, "error.message", "We could not parse the JSON body"},
      {"/v1/embeddings", R"({"input":"x"})", 400, "error.message", "Missing required parameter: 'model'."},
      {"/v1/embeddings", R"({"model":"twin-1"})", 400, "error.message", "Missing required parameter: 'input'."},
      {"/v1/embeddings", R"({"model":"none","input":"x"})", 404, "error.code", "model_not_found"},
      {"/v1/embeddings", R"({"model":"twin-1","input":""})", 400, "error.message", "'$.input' is invalid"},
      {"/v1/embeddings", R"({"model":"twin-1","input":[]})", 400, "error.message", "'$.input' is invalid"},
      {"/v1/embeddings", R"({"model":"twin-1","input":["a",1]})", 400, "error.message", "'$.input' is invalid"},
      {"/v1/embeddings", R"({"model":"twin-1","input":[-1]})", 400, "error.message", "'$.input' is invalid"},
      {"/v1/embeddings", R"({"model":"twin-1","input":"x","dimensions":0})", 400, "error.code", "integer_below_min_value"},
      {"/v1/embeddings", R"({"model":"twin-1","input":"x","encoding_format":"int8"})", 400, "error.param", "encoding_format"},
      {"/v1beta/models/twin-1:embedContent", "{}", 400, "error.message",
       "EmbedContentRequest.content: contents is not specified"},
      {"/v1beta/models/none:embedContent", R"({"content":{"parts":[{"text":"x"}]}})", 404, "error.status", "NOT_FOUND"},
      {"/v1beta/models/twin-1:embedContent", R"({"content":{"parts":[{"text":"x"}]},"title":"t"})", 400, "error.message",
       "title is only applicable"},
      {"/v1beta/models/twin-1:embedContent", R"({"contents":[]})", 400, "error.message", "Unknown name \"contents\""},
      {"/v1beta/models/twin-1:batchEmbedContents", R"({"requests":[{"content":{"parts":[{"text":"x"}]}}]})", 400, "error.message",
       "requests[0].model"},
      {"/v1beta/models/twin-1:batchEmbedContents", R"({"requests":[{"model":"models/echo","content":{"parts":[{"text":"x"}]}}]})",
       400, "error.message", "must match"},
      {"/v2/embed", R"({"model":"twin-1","texts":["x"]})", 400, "message", "parameter input_type is required"},
      {"/v2/embed", R"({"model":"twin-1","input_type":"search_query"})", 400, "message",
       "exactly one of texts, images or inputs"},
      {"/v2/embed", R"({"model":"twin-1","input_type":"query","texts":["x"]})", 400, "message", "'query' is not a valid value"},
      {"/v2/embed", R"({"model":"twin-1","input_type":"search_query","texts":["x"],"dimensions":1})", 400, "message",
       "unknown field"},
      {"/v2/embed", R"({"model":"twin-1","input_type":"image","images":["https://x/y.png"]})", 400, "message", "data URLs"},
      {"/api/embed", R"({"input":"x"})", 400, "error", "model is required"},
      {"/api/embed", R"({"model":"twin-1","input":[1]})", 400, "error", "invalid input type"},
      {"/embed", R"({"inputs":[]})", 422, "error_type", "Validation"},
      {"/embed", "{}", 422, "error", "missing field `inputs`"},
  };
  expect_refusals(cases);
  std::string many = R"({"inputs":["a")";
  for (int i = 0; i < 32; ++i) many += R"(,"a")";
  EXPECT_NE(post("/embed", many + "]}").body.find("batch size 33 > maximum allowed batch size 32"), std::string::npos);
}

// ---- Ranks -----------------------------------------------------------------------------------------------------------------

constexpr std::string_view documents =
    R"(["Berlin is a city","The capital of France is Paris","Paris is the capital of France, that is for sure"])";

TEST_F(Tasks, CohereReranks) {
  const auto answer =
      post_json("/v2/rerank", cat(R"({"model":"twin-1","query":"capital of France","documents":)", documents, R"(,"top_n":2})"));
  ASSERT_EQ(at(answer, "results").elements().size(), 2U);
  EXPECT_EQ(text_at(answer, "results.0.index"), "1");
  EXPECT_GT(at(answer, "results.0.relevance_score").as_double().value(),
            at(answer, "results.1.relevance_score").as_double().value());
  EXPECT_EQ(text_at(answer, "meta.billed_units.search_units"), "1");
  EXPECT_EQ(at(answer, "results.0").find("document"), nullptr);
}

TEST_F(Tasks, JinaAndVllmRerank) {
  for (const auto path : {"/v1/rerank", "/rerank"}) {
    const auto answer = post_json(path, cat(R"({"model":"twin-1","query":"capital of France","documents":)", documents, "}"));
    ASSERT_EQ(at(answer, "results").elements().size(), 3U);
    EXPECT_EQ(text_at(answer, "results.0.index"), "1");
    EXPECT_EQ(text_at(answer, "results.0.document.text"), "The capital of France is Paris");
    EXPECT_EQ(text_at(answer, "usage.total_tokens"), text_at(answer, "usage.prompt_tokens"));
    EXPECT_EQ(text_at(answer, "model"), "twin-1");
  }
  const auto bare =
      post_json("/v1/rerank",
                R"({"model":"twin-1","query":"a","documents":[{"text":"b"},{"text":"a"}],"top_n":1,"return_documents":false})");
  EXPECT_EQ(at(bare, "results").dump(), R"([{"index":1,"relevance_score":1}])");
}

TEST_F(Tasks, TextEmbeddingsInferenceReranks) {
  const auto answer = post_json("/rerank", R"({"query":"a","texts":["b","a"],"return_text":true})");
  EXPECT_EQ(text_at(answer, "0.index"), "1");
  EXPECT_EQ(text_at(answer, "0.score"), "1");
  EXPECT_EQ(text_at(answer, "1.text"), "b");
}

TEST_F(Tasks, RanksRefuseAsTheirVendorsDo) {
  const Refused cases[] = {
      {"/v2/rerank", R"({"model":"twin-1","documents":["a"]})", 400, "message", "parameter query is required"},
      {"/v2/rerank", R"({"model":"twin-1","query":"a","documents":[]})", 400, "message", "documents must not be empty"},
      {"/v2/rerank", R"({"model":"twin-1","query":"a","documents":[{"text":"a"}]})", 400, "message", "should be of type string"},
      {"/v2/rerank", R"({"model":"twin-1","query":"a","documents":["a"],"top_n":0})", 400, "message", "top_n must be at least 1"},
      {"/v1/rerank", R"({"query":"a","documents":["a"]})", 422, "detail", "[model] Field required"},
      {"/v1/rerank", R"({"model":"twin-1","query":"a","documents":[]})", 422, "detail", "at least 1 item"},
      {"/rerank", R"({"query":"a","texts":[]})", 422, "error_type", "Validation"},
      {"/rerank", R"({"texts":["a"]})", 422, "error", "missing field `query`"},
  };
  expect_refusals(cases);
}

// ---- Moderations, tokens ---------------------------------------------------------------------------------------------------

TEST_F(Tasks, Moderations) {
  const auto answer = post_json("/v1/moderations", R"({"input":["I will kill them","Have a nice day"]})");
  EXPECT_EQ(text_at(answer, "model"), "omni-moderation-latest");
  ASSERT_EQ(at(answer, "results").elements().size(), 2U);
  EXPECT_EQ(text_at(answer, "results.0.flagged"), "true");
  EXPECT_EQ(text_at(answer, "results.0.categories.violence"), "true");
  EXPECT_EQ(text_at(answer, "results.0.categories.sexual"), "false");
  EXPECT_GT(at(answer, "results.0.category_scores.violence").as_double().value(), 0.8);
  EXPECT_EQ(text_at(answer, "results.0.category_applied_input_types.violence"), R"(["text"])");
  EXPECT_EQ(at(answer, "results.0.categories").members().size(), 13U);
  EXPECT_EQ(text_at(answer, "results.1.flagged"), "false");
  EXPECT_LT(at(answer, "results.1.category_scores.violence").as_double().value(), 0.01);
  const auto mixed = post_json("/v1/moderations", R"({"model":"twin-1","input":[{"type":"text","text":"hello"},
    {"type":"image_url","image_url":{"url":"https://example.com/a.png"}}]})");
  ASSERT_EQ(at(mixed, "results").elements().size(), 1U);
  EXPECT_EQ(text_at(mixed, "results.0.category_applied_input_types.sexual"), R"(["text","image"])");
  EXPECT_EQ(text_at(mixed, "results.0.category_applied_input_types.hate"), R"(["text"])");
  const Refused cases[] = {
      {"/v1/moderations", "{}", 400, "error.message", "Missing required parameter: 'input'."},
      {"/v1/moderations", R"({"input":[]})", 400, "error.param", "input"},
      {"/v1/moderations", R"({"input":["a",{"type":"text","text":"b"}]})", 400, "error.param", "input[1]"},
      {"/v1/moderations", R"({"input":[{"type":"audio"}]})", 400, "error.param", "input[0].type"},
      {"/v1/moderations", R"({"input":[{"type":"image_url","image_url":{"url":"ftp://x"}}]})", 400, "error.param",
       "input[0].image_url.url"},
  };
  expect_refusals(cases);
}

TEST_F(Tasks, TokensAndBack) {
  const auto answer = post_json("/tokenize", R"({"model":"twin-1","prompt":"hello hello world","return_token_strs":true})");
  EXPECT_EQ(text_at(answer, "count"), "4");
  EXPECT_EQ(at(answer, "tokens").elements().size(), 4U);
  EXPECT_EQ(text_at(answer, "token_strs"), R"(["<s>","hello"," hello"," world"])");
  const auto back = post_json("/detokenize", cat(R"({"model":"twin-1","tokens":)", at(answer, "tokens").dump(), "}"));
  EXPECT_EQ(text_at(back, "prompt"), "<s>hello hello world");
  const auto chat = post_json("/tokenize", R"({"messages":[{"role":"user","content":"hello"}]})");
  EXPECT_EQ(text_at(chat, "count"), "3") << "user, :, hello";
  EXPECT_EQ(text_at(chat, "token_strs"), "null");
  constexpr std::string_view text = "<s>extraordinarily \xC3\xA4\xC3\xB6\xC3\xBC\xF0\x9F\x98\x80 x";
  const auto plain = post_json("/tokenize", cat(R"({"content":")", text, "\"}"));
  const auto again = post_json("/detokenize", cat(R"({"tokens":)", at(plain, "tokens").dump(), "}"));
  EXPECT_EQ(text_at(again, "content"), text);
  const auto pieces = post_json("/tokenize", R"({"content":"hi","with_pieces":true,"add_special":true})");
  EXPECT_EQ(text_at(pieces, "tokens.0"), R"({"id":1,"piece":"<s>"})");
  const Refused cases[] = {{"/tokenize", R"({"model":"twin-1"})", 400, "error.message", "either"},
                           {"/tokenize", R"({"messages":[{}]})", 400, "error.param", "messages[0].role"},
                           {"/tokenize", R"({"content":1})", 400, "error.code", "400"},
                           {"/detokenize", R"({"model":"twin-1","tokens":[5]})", 400, "error.message", "vocabulary"},
                           {"/detokenize", R"({"tokens":["a"]})", 400, "error.type", "invalid_request_error"}};
  expect_refusals(cases);
}

// ---- Others who share a path -----------------------------------------------------------------------------------------------

TEST_F(Tasks, JinaEmbeds) {
  const auto openai = post_json("/v1/embeddings", R"({"model":"twin-1","input":"hello"})");
  const auto jina = post_json(
      "/v1/embeddings", R"({"model":"twin-1","input":[{"text":"hello"},{"image":"https://x/y.png"}],"task":"retrieval.query"})");
  EXPECT_EQ(at(jina, "data.0.embedding"), at(openai, "data.0.embedding"));
  EXPECT_EQ(at(jina, "data").elements().size(), 2U);
  const auto types =
      post_json("/v1/embeddings", R"({"model":"twin-1","input":"hello","embedding_type":["float","ubinary"],"dimensions":16})");
  EXPECT_EQ(at(types, "data.0.embedding.float").elements().size(), 16U);
  EXPECT_EQ(at(types, "data.0.embedding.ubinary").elements().size(), 2U);
  const Refused cases[] = {
      {"/v1/embeddings", R"({"model":"twin-1","input":"x","task":"guess"})", 422, "detail",
       "[task] Input should be 'retrieval.query'"},
      {"/v1/embeddings", R"({"model":"twin-1","input":[{}],"task":"none"})", 422, "detail", "either text or image"}};
  expect_refusals(cases);
}

TEST_F(Tasks, VertexPredicts) {
  const auto openai = post_json("/v1/embeddings", R"({"model":"twin-1","input":"hello"})");
  const auto vectors =
      post_json("/v1/projects/p/locations/l/publishers/google/models/twin-1:predict",
                R"({"instances":[{"content":"hello","taskType":"CLUSTERING"}],"parameters":{"autoTruncate":true}})");
  EXPECT_EQ(numbers(at(vectors, "predictions.0.embeddings.values")), numbers(at(openai, "data.0.embedding")));
  EXPECT_EQ(text_at(vectors, "predictions.0.embeddings.statistics"), R"({"truncated":false,"token_count":1})");
  const auto pictures = post_json("/v1beta/models/twin-1:predict",
                                  R"({"instances":[{"prompt":"a cat"}],"parameters":{"sampleCount":2,"aspectRatio":"16:9"}})");
  ASSERT_EQ(at(pictures, "predictions").elements().size(), 2U);
  EXPECT_EQ(text_at(pictures, "predictions.1.mimeType"), "image/png");
  EXPECT_TRUE(from_base64(text_at(pictures, "predictions.1.bytesBase64Encoded")).value().starts_with("\x89PNG"));
  const Refused cases[] = {
      {"/v1beta/models/twin-1:predict", R"({"instances":[]})", 400, "error.message", "instance(s) are allowed"},
      {"/v1beta/models/twin-1:predict", R"({"instances":[{}]})", 400, "error.message", "content is empty"},
      {"/v1beta/models/twin-1:predict", R"({"instances":[{"prompt":"x"}],"parameters":{"aspectRatio":"2:1"}})", 400,
       "error.message", "aspect_ratio"}};
  expect_refusals(cases);
}

// ---- Faults ----------------------------------------------------------------------------------------------------------------

TEST_F(Tasks, FailLikeChats) {
  constexpr std::string_view body = R"({"model":"twin-1","input":"x"})";
  const auto limited = post("/v1/embeddings", body, "x-twin-status: 429\r\nx-twin-retry-after: 3\r\n");
  EXPECT_EQ(limited.status, 429U);
  EXPECT_NE(limited.headers.find("retry-after: 3"), std::string::npos);
  EXPECT_EQ(post("/v1/embeddings", R"({"model":"error-503","input":"x"})").status, 503U);
  EXPECT_EQ(post("/v2/rerank", "{}", "x-twin-early: 1\r\nx-twin-status: 401\r\n").status, 401U);
  EXPECT_FALSE(post("/v1/embeddings", body, "x-twin-cut-after-events: 0\r\n").whole);
  EXPECT_EQ(get("/v1/embeddings").status, 405U);
  EXPECT_EQ(post("/v1/embeddings", body, "x-twin-empty-choices: 1\r\n").body, "{}");
  const auto heard = talk(message(body, "x-twin-latency-ms: 1500\r\n", "/v1/embeddings"));
  ASSERT_FALSE(heard.arrivals.empty());
  EXPECT_GE(heard.arrivals.front().first, std::chrono::milliseconds{1500});
  EXPECT_EQ(post("/v1/embeddings", body, "x-twin-expect-header: x-a: b\r\n").status, 422U);
}

class ScriptedTasks : public TwinTest {
 protected:
  ScriptedTasks() : TwinTest{scripted()} {}
  static TwinOptions scripted() {
    auto options = fixed();
    options.script = Script::parse("times=1 model=twin-1 status=500\n").value();
    return options;
  }
};

TEST_F(ScriptedTasks, TakeStepsOfTheScript) {
  constexpr std::string_view body = R"({"model":"twin-1","input":"x"})";
  EXPECT_EQ(post("/v1/embeddings", body).status, 500U);
  EXPECT_EQ(post("/v1/embeddings", body).status, 200U);
}

}  // namespace
}  // namespace cardea::twin
