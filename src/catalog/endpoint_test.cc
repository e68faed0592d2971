#include "catalog/endpoint.h"

#include <gtest/gtest.h>

namespace cardea::catalog {
namespace {

struct Case {
  std::string_view url;
  Scheme scheme;
  std::string_view authority;
  std::uint16_t port;
  std::string_view chat;
};

TEST(Endpoint, Table) {
  const Case cases[] = {
      {"http://h:1/v1", Scheme::http, "h:1", 1, "/v1/chat/completions"},
      {"http://h:1", Scheme::http, "h:1", 1, "/v1/chat/completions"},
      {"http://h:1/", Scheme::http, "h:1", 1, "/v1/chat/completions"},
      {"http://h:1/v1/", Scheme::http, "h:1", 1, "/v1/chat/completions"},
      {"http://h:1/v1/chat/completions", Scheme::http, "h:1", 1, "/v1/chat/completions"},
      {"http://h:1/v1/chat/completions/", Scheme::http, "h:1", 1, "/v1/chat/completions"},
      {"https://api.perplexity.ai/chat/completions", Scheme::https, "api.perplexity.ai", 443, "/chat/completions"},
      {"https://h/v1/embeddings", Scheme::https, "h", 443, "/v1/chat/completions"},
      {"https://h:443/openai/v1", Scheme::https, "h", 443, "/openai/v1/chat/completions"},
      {"https://x.openai.azure.com//openai/v1?api-version=preview", Scheme::https, "x.openai.azure.com", 443,
       "/openai/v1/chat/completions?api-version=preview"},
      {"HTTP://Model-Service:8080", Scheme::http, "model-service:8080", 8080, "/v1/chat/completions"},
      {"http://h:80", Scheme::http, "h", 80, "/v1/chat/completions"},
      {"https://h:80", Scheme::https, "h:80", 80, "/v1/chat/completions"},
      {"http://[::1]:9000/api", Scheme::http, "[::1]:9000", 9000, "/api/chat/completions"},
      {"http://[::1]", Scheme::http, "[::1]", 80, "/v1/chat/completions"},
      {"http://my_host/a%20b", Scheme::http, "my_host", 80, "/a%20b/chat/completions"},
      {"unix:/run/llm.sock", Scheme::unix_socket, "localhost", 0, "/v1/chat/completions"},
      {"twin:", Scheme::twin, "twin", 0, "/v1/chat/completions"},
  };
  for (const auto& [url, scheme, authority, port, chat] : cases) {
    const auto endpoint = parse_endpoint(url);
    ASSERT_TRUE(endpoint) << url << endpoint.error().message();
    EXPECT_EQ(endpoint->origin.scheme, scheme) << url;
    EXPECT_EQ(endpoint->authority(), authority) << url;
    EXPECT_EQ(endpoint->origin.port, port) << url;
    EXPECT_EQ(endpoint->path("/chat/completions"), chat) << url;
  }
  EXPECT_EQ(parse_endpoint("http://h/v1/chat/completions")->path("/embeddings"), "/v1/embeddings");
  EXPECT_EQ(parse_endpoint("http://[::1]:9")->origin.host, "::1");
}

using config::Dialect;

TEST(Endpoint, EveryDialect) {
  struct Row {
    Dialect dialect;
    std::string_view url, target, path, model = {};
  };
  const Row rows[] = {
      // A bare origin gets the dialect's own base.
      {Dialect::openai_chat, "http://h:1", "/chat/completions", "/v1/chat/completions"},
      {Dialect::openai_responses, "http://h:1/", "/responses", "/v1/responses"},
      {Dialect::openai_completions, "http://h:1", "/completions", "/v1/completions"},
      {Dialect::anthropic, "http://127.0.0.1:9999", "/messages", "/v1/messages"},
      {Dialect::gemini, "http://h:1", "/models/g:streamGenerateContent?alt=sse",
       "/v1beta/models/g:streamGenerateContent?alt=sse"},
      {Dialect::bedrock, "http://h:1", "/model/a/converse", "/model/a/converse"},
      {Dialect::cohere, "http://h:1", "/chat", "/v2/chat"},
      {Dialect::ollama, "http://h:1", "/api/chat", "/api/chat"},
      {Dialect::native, "http://h:1", "/chat", "/cardea/v1/chat"},
      // A base that has a path keeps it.
      {Dialect::anthropic, "http://h/anthropic", "/messages", "/anthropic/messages"},
      {Dialect::gemini, "http://h/v1", "/models/g:generateContent", "/v1/models/g:generateContent"},
      {Dialect::bedrock, "http://h/aws", "/model/a/converse", "/aws/model/a/converse"},
      {Dialect::ollama, "http://h/x", "/api/chat", "/x/api/chat"},
      // A full one is cut.
      {Dialect::openai_responses, "http://h/v1/responses", "/responses", "/v1/responses"},
      {Dialect::openai_completions, "http://h/v1/completions", "/completions", "/v1/completions"},
      {Dialect::openai_chat, "http://h/v1/responses", "/chat/completions", "/v1/chat/completions"},
      {Dialect::anthropic, "http://h/v1/messages", "/messages", "/v1/messages"},
      {Dialect::anthropic, "http://h/messages", "/messages", "/messages"},
      {Dialect::anthropic, "http://h/v1/messages/count_tokens", "/messages", "/v1/messages"},
      {Dialect::gemini, "http://h/v1beta/models/gemini-x:generateContent", "/m", "/v1beta/m", "gemini-x"},
      {Dialect::gemini, "http://h/v1beta/models/gemini-x:streamGenerateContent?alt=sse", "/m?alt=sse", "/v1beta/m?alt=sse",
       "gemini-x"},
      {Dialect::gemini, "http://h/v1beta/models/tuned%2Fx:generateContent", "/m", "/v1beta/m", "tuned/x"},
      {Dialect::bedrock, "http://h/model/anthropic.claude-v2%3A1/converse-stream", "/m", "/m", "anthropic.claude-v2:1"},
      {Dialect::bedrock, "http://h/model/converse", "/m", "/model/converse/m"},
      {Dialect::cohere, "http://h/v2/chat", "/chat", "/v2/chat"},
      {Dialect::cohere, "http://h/co/v2/chat", "/chat", "/co/v2/chat"},
      {Dialect::ollama, "http://h/api/chat", "/api/chat", "/api/chat"},
      {Dialect::ollama, "http://h/api", "/api/chat", "/api/chat"},
      {Dialect::native, "http://h/cardea/v1/chat", "/chat", "/cardea/v1/chat"},
      {Dialect::native, "http://h/x/cardea/v1/models", "/chat", "/x/cardea/v1/chat"},
      // Both queries, the target's first.
      {Dialect::openai_chat, "http://h/v1?api-version=p", "/chat/completions?x=1", "/v1/chat/completions?x=1&api-version=p"},
      {Dialect::gemini, "http://h?key=k&alt=sse", "/m?alt=sse", "/v1beta/m?alt=sse&key=k&alt=sse"},
      // A variable that holds the version already, in front of one that is written.
      {Dialect::anthropic, "http://h/v1/v1", "/messages", "/v1/messages"},
      {Dialect::gemini, "http://h//v1beta/", "/m", "/v1beta/m"},
      {Dialect::cohere, "http://h/v2/v2", "/chat", "/v2/chat"},
      {Dialect::anthropic, "unix:/run/x.sock", "/messages", "/v1/messages"},
      {Dialect::ollama, "unix:/run/x.sock", "/api/chat", "/api/chat"},
      {Dialect::gemini, "twin:", "/m", "/v1beta/m"},
  };
  for (const auto& row : rows) {
    const auto endpoint = parse_endpoint(row.url, row.dialect);
    ASSERT_TRUE(endpoint) << row.url;
    EXPECT_EQ(endpoint->path(row.target), row.path) << row.url;
    EXPECT_EQ(endpoint->model, row.model) << row.url;
  }
}

TEST(Endpoint, AFullAddressSaysItsDialect) {
  const std::pair<std::string_view, std::optional<Dialect>> rows[] = {
      {"http://h/v1/chat/completions", Dialect::openai_chat},
      {"http://h//v1/responses/", Dialect::openai_responses},
      {"http://h/v1/completions", Dialect::openai_completions},
      {"http://h/v1/messages?beta=true", Dialect::anthropic},
      {"http://h/v1beta/models/x:generateContent", Dialect::gemini},
      {"http://h/v1beta/models/x:streamGenerateContent?alt=sse", Dialect::gemini},
      {"http://h/model/x/converse", Dialect::bedrock},
      {"http://h/model/x/converse-stream", Dialect::bedrock},
      {"http://h/v2/chat", Dialect::cohere},
      {"http://h/api/chat", Dialect::ollama},
      {"http://h/cardea/v1/chat", Dialect::native},
      {"http://h/v1", std::nullopt},
      {"http://h", std::nullopt},
      {"http://messages", std::nullopt},
      {"http://h/v1beta/models/:generateContent", std::nullopt},
      {"http://h/v1beta/models/a/b:generateContent", std::nullopt},
      {"http://h/chat", std::nullopt},
      {"nonsense", std::nullopt},
      {"", std::nullopt},
  };
  for (const auto& [url, dialect] : rows) EXPECT_EQ(dialect_of_address(url), dialect) << url;
}

TEST(Endpoint, BlanksAreFilledWithPlainNamesOnly) {
  const Blanks blanks = [](std::string_view name) -> std::optional<std::string> {
    if (name == "region") return "eu-central-1";
    if (name == "project") return "example.com:p_1";
    if (name == "evil") return "x.evil.example/";
    if (name == "empty") return "";
    return std::nullopt;
  };
  EXPECT_EQ(*fill_blanks("https://b.{region}.aws/{project}/{region}", blanks),
            "https://b.eu-central-1.aws/example.com:p_1/eu-central-1");
  EXPECT_EQ(*fill_blanks("https://plain/v1", blanks), "https://plain/v1");
  EXPECT_EQ(*fill_blanks("https://h/{open", blanks), "https://h/{open");
  EXPECT_EQ(fill_blanks("https://{nobody}/", blanks).error().detail().param, "nobody");
  const auto evil = fill_blanks("https://{evil}/", blanks);
  ASSERT_FALSE(evil);
  EXPECT_EQ(evil.error().message().find("evil.example"), std::string_view::npos);
  EXPECT_FALSE(fill_blanks("https://{empty}/", blanks));
}

TEST(Endpoint, LocalServersAreNamedInShort) {
  constexpr std::string_view usual = "http://127.0.0.1:11434";
  const std::pair<std::string_view, std::string_view> rows[] = {
      {"", ""},
      {"0.0.0.0", usual},
      {"127.0.0.1", usual},
      {"0.0.0.0:11434", usual},
      {":5000", "http://127.0.0.1:5000"},
      {"box", "http://box:11434"},
      {"box:1", "http://box:1"},
      {"box:1/x", "http://box:1/x"},
      {"[::1]", "http://[::1]:11434"},
      {"[::]:7", "http://127.0.0.1:7"},
      {"http://box", "http://box"},
      {"https://box:9/v1", "https://box:9/v1"},
      {"http://0.0.0.0:5", "http://127.0.0.1:5"},
      {"unix:/run/o.sock", "unix:/run/o.sock"},
  };
  for (const auto& [text, address] : rows) EXPECT_EQ(local_address(text, usual), address) << text;
}

TEST(Endpoint, RefusesWhatIsNotOne) {
  for (const std::string_view url : {"",
                                     "h:1",
                                     "ftp://h",
                                     "//h",
                                     "http://",
                                     "http:///x",
                                     "http://:80",
                                     "http://user:pass@h",
                                     "http://h:0",
                                     "http://h:65536",
                                     "http://h:x",
                                     "http://h:",
                                     "http://h/a b",
                                     "http://h/\r\nx: y",
                                     "http://h/#f",
                                     "http://h\\x",
                                     "http://[::1",
                                     "http://[x]",
                                     "http://[::1]x",
                                     "http://[]",
                                     "http://h%00/",
                                     "unix:",
                                     "unix:run/x",
                                     "unix:/a b",
                                     "twin:x",
                                     "http://${HOST}/v1"}) {
    EXPECT_FALSE(parse_endpoint(url)) << url;
  }
  EXPECT_FALSE(parse_endpoint("http://h/" + std::string(3000, 'a')));
}

TEST(Endpoint, MessagesDoNotRepeatTheUrl) {
  const auto wrong = parse_endpoint("http://user:sk-secret@h");
  ASSERT_FALSE(wrong);
  EXPECT_EQ(wrong.error().message().find("sk-secret"), std::string_view::npos);
}

}  // namespace
}  // namespace cardea::catalog
