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
