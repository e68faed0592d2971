#include "dialect/task.h"

#include <gtest/gtest.h>

#include "base/text.h"

namespace cardea::dialect {
namespace {

const TaskFormat& format(Task task, std::string_view name) {
  const auto* found = find_task_format(task, name);
  EXPECT_NE(found, nullptr) << name;
  return *found;
}

// ---- cassettes -------------------------------------------------------------------------------------------------------------

struct Cassette {
  Task task;
  std::string_view format;
  std::string_view source;
  std::string_view request;
  std::string_view answer;
  std::optional<std::uint64_t> tokens;
};
using enum Task;

/// After the vendors' own examples, with fewer numbers.
const Cassette cassettes[] = {
    {embed, "openai", "platform.openai.com/docs/api-reference/embeddings/create",
     R"({"input":"The food was delicious and the waiter...","model":"text-embedding-ada-002","encoding_format":"float"})",
     R"({"object":"list","data":[{"object":"embedding","embedding":[0.0023064255,-0.009327292,-0.0028842222],"index":0}],)"
     R"("model":"text-embedding-ada-002","usage":{"prompt_tokens":8,"total_tokens":8}})",
     8},
    {embed, "jina", "api.jina.ai/redoc (create embedding)",
     R"({"model":"jina-embeddings-v3","task":"retrieval.passage","dimensions":1024,"embedding_type":"float","late_chunking":false,)"
     R"("input":["Bio-Gesichtscreme","{\"x\"}",{"text":"hi"},{"image":"https://example.com/a.png"}]})",
     R"({"model":"jina-embeddings-v3","object":"list","usage":{"total_tokens":26,"prompt_tokens":26},)"
     R"("data":[{"object":"embedding","index":0,"embedding":[-0.1,0.2]}]})",
     26},
    {embed, "gemini", "ai.google.dev/api/embeddings (embedContent)",
     R"({"model":"models/gemini-embedding-001","content":{"parts":[{"text":"What is the meaning of life?"}]},)"
     R"("taskType":"SEMANTIC_SIMILARITY","outputDimensionality":768})",
     R"({"embedding":{"values":[-0.02, 0.013,1e-3]}})", std::nullopt},
    {embed, "gemini_batch", "ai.google.dev/api/embeddings (batchEmbedContents)",
     R"({"requests":[{"model":"models/gemini-embedding-001","content":{"parts":[{"text":"a"}]},"task_type":"RETRIEVAL_DOCUMENT",)"
     R"("title":"T"},{"model":"models/gemini-embedding-001","content":{"parts":[{"text":"b"}]},"taskType":"RETRIEVAL_DOCUMENT"}]})",
     R"({"embeddings":[{"values":[0.1]},{"values":[0.2]}],"usageMetadata":{"promptTokenCount":4}})", 4},
    {embed, "vertex", "cloud.google.com/vertex-ai/generative-ai/docs/model-reference/text-embeddings-api",
     R"({"instances":[{"task_type":"RETRIEVAL_DOCUMENT","title":"document title","content":"I would like embeddings for this text!"}],)"
     R"("parameters":{"autoTruncate":true,"outputDimensionality":256}})",
     R"({"predictions":[{"embeddings":{"statistics":{"truncated":false,"token_count":6.0},"values":[0.006,-0.02]}}]})",
     std::nullopt},
    {embed, "cohere", "docs.cohere.com/reference/embed",
     R"({"model":"embed-v4.0","texts":["hello","goodbye"],"input_type":"classification","embedding_types":["float","int8"]})",
     R"({"id":"da6e531f","texts":["hello","goodbye"],"embeddings":{"float":[[0.016,-0.008],[0.04,0.05]],"int8":[[1,-2],[3,4]]},)"
     R"("meta":{"api_version":{"version":"2","is_experimental":true},"billed_units":{"input_tokens":2}},)"
     R"("response_type":"embeddings_by_type"})",
     2},
    {embed, "ollama", "docs.ollama.com/api/embed",
     R"({"model":"all-minilm","input":["Why is the sky blue?","Why is the grass green?"],"truncate":true,"keep_alive":"5m"})",
     R"({"model":"all-minilm","embeddings":[[0.010071029,-0.0017594862],[-0.0098027075,0.06042469]],"total_duration":14143917,)"
     R"("load_duration":1019500,"prompt_eval_count":8})",
     8},
    {embed, "ollama_embeddings", "docs.ollama.com (generate embedding, older)",
     R"({"model":"all-minilm","prompt":"Here is an article about llamas...","options":{"num_ctx":512}})",
     R"({"embedding":[0.5670403838157654,0.009260174818336964,0.23178744316101074]})", std::nullopt},
    {embed, "tei", "huggingface.github.io/text-embeddings-inference (/embed)",
     R"({"inputs":["What is Deep Learning?"],"normalize":true,"truncate":true,"truncation_direction":"Left"})",
     R"([[0.01,-0.02,0.03]])", std::nullopt},
    {rerank, "cohere", "docs.cohere.com/reference/rerank",
     R"({"model":"rerank-v4.0-pro","query":"What is the capital of the United States?","top_n":3,"documents":["Carson City","Washington"]})",
     R"({"results":[{"index":1,"relevance_score":0.999071},{"index":0,"relevance_score":0.7867867}],"id":"07734bd2",)"
     R"("meta":{"api_version":{"version":"2"},"billed_units":{"search_units":1}}})",
     std::nullopt},
    {rerank, "jina", "api.jina.ai/redoc (rerank)",
     R"({"model":"jina-reranker-v2-base-multilingual","query":"Organic skincare","top_n":3,)"
     R"("documents":["a",{"text":"b"},{"image":"https://example.com/c.png"}]})",
     R"({"model":"jina-reranker-v2-base-multilingual","usage":{"total_tokens":815},"results":[)"
     R"({"index":0,"relevance_score":0.95,"document":{"text":"a"}},{"index":1,"relevance_score":0.5,"document":"b"}]})",
     815},
    {rerank, "jina", "docs.vllm.ai (Re-rank API)",
     R"({"model":"BAAI/bge-reranker-base","query":"What is the capital of France?","documents":["Brasilia","Paris"]})",
     R"({"id":"rerank-fae51b2b","model":"BAAI/bge-reranker-base","usage":{"total_tokens":56},"results":[)"
     R"({"index":1,"document":{"text":"Paris"},"relevance_score":0.99853515625},{"index":0,"document":{"text":"Brasilia"},)"
     R"("relevance_score":0.0005860328674316406}]})",
     56},
    {rerank, "tei", "huggingface.github.io/text-embeddings-inference (/rerank)",
     R"({"query":"What is Deep Learning?","texts":["Deep Learning is not...","Deep learning is..."],"raw_scores":false,"return_text":true})",
     R"([{"index":1,"score":0.99,"text":"Deep learning is..."},{"index":0,"score":1.2e-3,"text":"Deep Learning is not..."}])",
     std::nullopt},
    {moderate, "openai", "platform.openai.com/docs/guides/moderation",
     R"({"model":"omni-moderation-latest","input":[{"type":"text","text":"...text to classify goes here..."},)"
     R"({"type":"image_url","image_url":{"url":"https://example.com/image.png"}}]})",
     R"({"id":"modr-970d409ef3bef3b70c73d8232df86e7d","model":"omni-moderation-latest","results":[{"flagged":true,"categories":)"
     R"({"sexual":false,"violence":true,"self-harm/intent":false},"category_scores":{"sexual":2.34e-7,"violence":0.999,)"
     R"("self-harm/intent":0.0002},"category_applied_input_types":{"sexual":["image"],"violence":["image"],"self-harm/intent":[]}}]})",
     std::nullopt},
    {tokenize, "vllm", "docs.vllm.ai (Tokenizer API)", R"({"model":"m","prompt":"Hello world","add_special_tokens":true})",
     R"({"count":3,"max_model_len":4096,"tokens":[1,15043,3186],"token_strs":null})", std::nullopt},
    {detokenize, "vllm", "docs.vllm.ai (Tokenizer API)", R"({"model":"m","tokens":[1,15043,3186]})",
     R"({"prompt":"<s> Hello world"})", std::nullopt},
    {tokenize, "llamacpp", "github.com/ggml-org/llama.cpp tools/server/README.md",
     R"({"content":"Hello world!","add_special":false,"with_pieces":true})",
     R"({"tokens":[{"id":198,"piece":"\n"},{"id":29871,"piece":" "}]})", std::nullopt},
    {detokenize, "llamacpp", "github.com/ggml-org/llama.cpp tools/server/README.md", R"({"tokens":[198,29871]})",
     R"({"content":"\n "})", std::nullopt},
};

TEST(TaskCassettes, WhatIsReadIsWrittenAndReadTheSame) {
  for (const auto& one : cassettes) {
    SCOPED_TRACE(one.source);
    const auto& codec = format(one.task, one.format);
    const Asked asked{.model = codec.model_in_path() || !codec.sends_model ? "m" : "", .stream = {}};
    const auto request = codec.decode_request(one.request, asked);
    ASSERT_TRUE(request.has_value()) << request.error().message();
    Losses losses;
    const auto written = codec.encode_request(*request, losses);
    ASSERT_TRUE(written.has_value()) << written.error().message();
    EXPECT_TRUE(losses.empty()) << losses.all().front().field;
    const auto again = codec.decode_request(written->body, asked);
    ASSERT_TRUE(again.has_value()) << again.error().message() << written->body;
    EXPECT_EQ(*again, *request) << written->body;

    const auto answer = codec.decode_answer(one.answer);
    ASSERT_TRUE(answer.has_value()) << answer.error().message();
    const TaskContext context{.request = *request, .id = "id", .model = "m"};
    const auto said = codec.encode_answer(*answer, context, losses);
    EXPECT_TRUE(losses.empty());
    const auto reread = codec.decode_answer(said);
    ASSERT_TRUE(reread.has_value()) << reread.error().message() << said;
    // Names and ids stand in where there were none.
    EXPECT_EQ(codec.encode_answer(*reread, context, losses), said);
    const auto usage = [](const TaskAnswer& any) { return std::visit([](const auto& a) { return a.usage; }, any); };
    EXPECT_EQ(usage(*reread), usage(*answer));
    const auto view = inspect_task_answer(codec, one.answer, {});
    ASSERT_TRUE(view.has_value()) << view.error().message();
    EXPECT_EQ(view->usage ? view->usage->input : std::nullopt, one.tokens);
  }
}

/// Cut anywhere, an answer is none; and none of its members is of another kind.
TEST(TaskCassettes, BrokenAnswersAreTheUpstreamsFault) {
  for (const auto& one : cassettes) {
    SCOPED_TRACE(one.source);
    const auto& codec = format(one.task, one.format);
    const auto request = codec.decode_request(one.request, {.model = "m", .stream = {}});
    ASSERT_TRUE(request.has_value());
    const TaskPair pair{codec, codec, "m"};
    const TaskContext context{.request = *request, .id = "id", .model = "m"};
    const auto expect_broken = [&](std::string_view body) {
      const auto answer = translate_task_answer(pair, body, context, {});
      ASSERT_FALSE(answer.has_value()) << body;
      EXPECT_EQ(answer.error().fault(), Fault::upstream) << body << answer.error().message();
    };
    for (std::size_t cut = 0; cut < one.answer.size(); ++cut) {
      expect_broken(one.answer.substr(0, cut));
      EXPECT_FALSE(inspect_task_answer(codec, one.answer.substr(0, cut), {}).has_value());
    }
    for (const std::string_view body : {"{}", "[{}]", "null", "[]", "7", "[[\"x\"]]", "[[1],[null]]", "<html>"})
      expect_broken(body);
    if (codec.answers.empty()) continue;
    for (const std::string_view value : {"7", "{\"x\":1}", "[{\"index\":99}]", "[[]]", "[null]", "[{\"index\":-1}]"}) {
      expect_broken(cat("{\"", codec.answers, "\":", value, '}'));
    }
  }
}

TEST(TaskAnswers, AnErrorInPlaceOfAnAnswerIsToldWithoutTheKey) {
  const Secret key{"sk-secret-0123456789"};
  for (const std::string_view body :
       {R"({"error":{"message":"no sk-secret-0123456789"}})", R"({"error":"no sk-secret-0123456789"})",
        R"({"message":"no sk-secret-0123456789"})", R"({"detail":"no sk-secret-0123456789"})"}) {
    const auto view = inspect_task_answer(format(embed, "openai"), body, key);
    ASSERT_FALSE(view.has_value());
    EXPECT_EQ(view.error().fault(), Fault::upstream);
    EXPECT_NE(view.error().message().find("no "), std::string_view::npos) << view.error().message();
    EXPECT_EQ(view.error().message().find("sk-secret"), std::string_view::npos);
  }
}

// ---- the same format on both sides -----------------------------------------------------------------------------------------

std::string forwarded(const TaskFormat& codec, std::string_view body, std::string_view path_model, std::string_view model) {
  const auto view = inspect_task(codec, body, {.model = path_model, .stream = {}});
  EXPECT_TRUE(view.has_value()) << view.error().message();
  const auto edits = task_edits(codec, *view, model);
  EXPECT_TRUE(edits.has_value());
  return edits->apply(body);
}

TEST(TaskEdits, NothingButTheModelChanges) {
  EXPECT_EQ(forwarded(format(embed, "openai"), R"({ "x":1.50,"model" : "a/b", "input":["\u00e9"], "y":{"z":[ ]}} )", "", "b"),
            R"({ "x":1.50,"model" : "b", "input":["\u00e9"], "y":{"z":[ ]}} )");
  EXPECT_EQ(forwarded(format(embed, "openai"), R"({"model":"b","input":"x"})", "", "b"), R"({"model":"b","input":"x"})");
  EXPECT_EQ(forwarded(format(moderate, "openai"), R"({ "input":"x"})", "", "mine"), R"({"model":"mine", "input":"x"})");
  EXPECT_EQ(forwarded(format(moderate, "openai"), R"({ "input":"x"})", "", "omni-moderation-latest"), R"({ "input":"x"})");
  EXPECT_EQ(forwarded(format(rerank, "tei"), R"({"model":"x","query":"q","texts":["a"]})", "", "b"),
            R"({"query":"q","texts":["a"]})");
}

TEST(TaskEdits, GeminiRepeatsTheModelInItsBody) {
  EXPECT_EQ(forwarded(format(embed, "gemini"), R"({"model":"models/g/a","content":{"parts":[{"text":"x"}]}})", "g/a", "a"),
            R"({"model":"models/a","content":{"parts":[{"text":"x"}]}})");
  EXPECT_EQ(forwarded(format(embed, "gemini_batch"),
                      R"({"requests":[{"model":"models/g/a","content":{}},{"content":{}, "model":"models/a"}]})", "g/a", "a"),
            R"({"requests":[{"model":"models/a","content":{}},{"content":{}, "model":"models/a"}]})");
  EXPECT_EQ(format(embed, "gemini_batch").target_of("a/../b"), "/models/a%2F..%2Fb:batchEmbedContents");
}

TEST(TaskRequests, WhatIsMissingOrWrongIsNamed) {
  struct Wrong {
    Task task;
    std::string_view format, body, param;
  };
  const Wrong wrong[] = {
      {embed, "openai", R"({"input":"x"})", "model"},
      {embed, "openai", R"({"model":"m"})", "input"},
      {embed, "openai", R"({"model":7,"input":"x"})", "model"},
      {embed, "openai", R"({"model":"","input":"x"})", "model"},
      {rerank, "cohere", R"({"model":"m","query":"q"})", "documents"},
      {embed, "gemini", R"({})", "content"},
  };
  for (const auto& one : wrong) {
    const auto& codec = format(one.task, one.format);
    const auto view = inspect_task(codec, one.body, {.model = codec.model_in_path() ? "m" : "", .stream = {}});
    ASSERT_FALSE(view.has_value()) << one.body;
    EXPECT_EQ(view.error().detail().param, one.param);
  }
  const Wrong unreadable[] = {
      {embed, "openai", R"({"model":"m","input":[]})", "input"},
      {embed, "openai", R"({"model":"m","input":[1,"x"]})", "input"},
      {embed, "openai", R"({"model":"m","input":["x",1]})", "input"},
      {embed, "openai", R"({"model":"m","input":[[1,-2]]})", "input[0]"},
      {embed, "openai", R"({"model":"m","input":["x",{}]})", "input[1]"},
      {embed, "openai", R"({"model":"m","input":"x","dimensions":-1})", "dimensions"},
      {embed, "cohere", R"({"model":"m","input_type":"x"})", "texts"},
      {embed, "cohere", R"({"model":"m","inputs":[{"content":[{"type":"video"}]}]})", "inputs[0].content[0].type"},
      {embed, "gemini_batch",
       R"({"requests":[{"content":{"parts":[{"text":"a"}]}},{"content":{"parts":[{"text":"b"}]},"taskType":"X"}]})",
       "requests[1]"},
      {embed, "gemini", R"({"content":{"parts":[{}]}})", "content.parts[0]"},
      {rerank, "jina", R"({"model":"m","query":"q","documents":[7]})", "documents[0]"},
      {rerank, "tei", R"({"query":"q","texts":[]})", "texts"},
      {moderate, "openai", R"({"input":[7]})", "input[0]"},
      {tokenize, "vllm", R"({"model":"m"})", "prompt"},
      {tokenize, "vllm", R"({"model":"m","prompt":"x","messages":[]})", "prompt"},
      {detokenize, "vllm", R"({"model":"m","tokens":[1.5]})", "tokens[0]"},
  };
  for (const auto& one : unreadable) {
    const auto request = format(one.task, one.format).decode_request(one.body, {});
    ASSERT_FALSE(request.has_value()) << one.body;
    EXPECT_EQ(request.error().kind(), Kind::bad_request);
    EXPECT_EQ(request.error().detail().param, one.param) << one.body;
  }
}

// ---- between formats -------------------------------------------------------------------------------------------------------

std::string said(const TaskFormat& client, const TaskFormat& upstream, std::string_view body) {
  const auto asked = translate_task({client, upstream, "up"}, body, {.model = client.model_in_path() ? "m" : "", .stream = {}},
                                    Allow::no_change_of_meaning);
  EXPECT_TRUE(asked.has_value()) << asked.error().message();
  return asked ? asked->message.body : "";
}

TEST(TaskTranslation, ExtrasOfAnotherFormatStayExtras) {
  const auto& native = format(embed, "native");
  const auto& openai = format(embed, "openai");
  const auto body = [](std::string_view extras) {
    return cat(R"({"model":"m","inputs":[{"text":"a"}],"dialect":"openai","extras":)", extras, "}");
  };
  EXPECT_EQ(said(native, openai, body(R"({"vendors_own":[1]})")), R"({"model":"up","input":["a"],"vendors_own":[1]})");
  for (const std::string_view extras : {R"({"model":"other"})", R"({"dimensions":1})", R"({"input":["b"],"vendors_own":1})"}) {
    const auto asked = translate_task({native, openai, "up"}, body(extras), {}, Allow::any_loss);
    ASSERT_FALSE(asked.has_value()) << extras << asked->message.body;
    EXPECT_EQ(asked.error().detail().param, "extras");
  }
}

TEST(TaskTranslation, InTheUpstreamsWords) {
  const auto& openai = format(embed, "openai");
  EXPECT_EQ(
      said(openai, format(embed, "gemini_batch"), R"({"model":"m","input":["a","b"],"dimensions":8,"encoding_format":"base64"})"),
      R"({"requests":[{"model":"models/up","content":{"parts":[{"text":"a"}]},"outputDimensionality":8},)"
      R"({"model":"models/up","content":{"parts":[{"text":"b"}]},"outputDimensionality":8}]})");
  EXPECT_EQ(said(openai, format(embed, "cohere"), R"({"model":"m","input":"a","input_type":"query","encoding_format":"base64"})"),
            R"({"model":"up","texts":["a"],"input_type":"search_query","embedding_types":["float"]})");
  EXPECT_EQ(said(openai, format(embed, "ollama"), R"({"model":"m","input":"a"})"), R"({"model":"up","input":["a"]})");
  EXPECT_EQ(said(format(embed, "ollama"), openai, R"({"model":"m","input":"a"})"), R"({"model":"up","input":["a"]})");
  EXPECT_EQ(said(format(rerank, "cohere"), format(rerank, "tei"), R"({"model":"m","query":"q","documents":["a"],"top_n":1})"),
            R"({"query":"q","texts":["a"]})");
}

TEST(TaskTranslation, ARefusalNamesTheClientsField) {
  const auto refused = translate_task({format(embed, "openai"), format(embed, "gemini_batch"), "up"},
                                      R"({"model":"m","input":["a",[1,2]]})", {}, Allow::any_loss);
  ASSERT_FALSE(refused.has_value());
  EXPECT_EQ(refused.error().detail().param, "input[1]");
  EXPECT_EQ(refused.error().message(), "'input[1]' is made of tokens, which this model cannot be sent; send the text");
  const auto grave = translate_task({format(embed, "gemini"), format(embed, "cohere"), "up"},
                                    R"({"content":{"parts":[{"text":"a"}]},"taskType":"FACT_VERIFICATION"})",
                                    {.model = "m", .stream = {}}, Allow::no_change_of_meaning);
  ASSERT_FALSE(grave.has_value());
  EXPECT_EQ(grave.error().detail().param, "taskType");
  EXPECT_NE(grave.error().message().find("x-cardea-allow-loss"), std::string_view::npos);
}

TEST(TaskFormats, AnUpstreamIsAskedInTheClientsWordsWhereItSpeaksThem) {
  const auto name_for = [](std::string_view client, const Dialect& upstream, std::string_view named) -> std::string_view {
    const auto* found = upstream_task_format(format(embed, client), upstream, named);
    return found != nullptr ? found->name : "";
  };
  EXPECT_EQ(name_for("openai", openai_chat(), ""), "openai");
  EXPECT_EQ(name_for("openai", openai_responses(), ""), "openai");
  EXPECT_EQ(name_for("openai", gemini(), ""), "gemini_batch");
  EXPECT_EQ(name_for("gemini", gemini(), ""), "gemini");
  EXPECT_EQ(name_for("gemini", gemini(), "vertex"), "vertex");
  EXPECT_EQ(name_for("openai", ollama(), ""), "ollama");
  EXPECT_EQ(name_for("ollama_embeddings", ollama(), ""), "ollama_embeddings");
  EXPECT_EQ(name_for("openai", openai_chat(), "tei"), "tei");
  EXPECT_EQ(name_for("openai", anthropic(), ""), "");
  EXPECT_EQ(name_for("openai", openai_chat(), "nonsense"), "");
  EXPECT_EQ(told_by_body(format(rerank, "jina"), R"({"texts":["a"]})").name, "tei");
  EXPECT_EQ(told_by_body(format(rerank, "jina"), R"({"documents":["a"]})").name, "jina");
}

}  // namespace
}  // namespace cardea::dialect
