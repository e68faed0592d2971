// Files and batches: their whole life, lists in pages, and what is refused.
#include "twin/shelf.h"
#include "twin/twin_test_util.h"

namespace cardea::twin {
namespace {

class Files : public TwinTest {
 protected:
  Files() : TwinTest{fixed()} {}
  Reply upload(std::string_view purpose, std::string_view filename, std::string_view bytes) {
    return post("/v1/files", FormBody{}.field("purpose", purpose).file("file", filename, bytes).text(), FormBody::header);
  }
  std::string uploaded(std::string_view purpose, std::string_view filename, std::string_view bytes) {
    const auto reply = upload(purpose, filename, bytes);
    EXPECT_EQ(reply.status, 200U) << reply.body;
    const auto file = json::parse(reply.body);
    return file ? text_at(*file, "id") : std::string{};
  }
  json::Value get_json(std::string_view target) {
    auto value = json::parse(get(target).body);
    return value ? std::move(*value) : json::Value{};
  }
  Reply remove(std::string_view target) {
    return read(talk(cat("DELETE ", target, " HTTP/1.1\r\nHost: twin\r\nConnection: close\r\n\r\n")), wire::Method::delete_);
  }
};

TEST_F(Files, AreKeptListedReadAndDeleted) {
  const auto first = uploaded("user_data", "notes.txt", "first");
  const auto second = uploaded("vision", "a.png", std::string_view{"\0\r\n--", 5});
  EXPECT_TRUE(first.starts_with("file-"));
  EXPECT_NE(first, second);
  EXPECT_EQ(get_json(cat("/v1/files/", first)).dump(),
            cat(R"({"object":"file","id":")", first,
                R"(","purpose":"user_data","filename":"notes.txt","bytes":5,"created_at":1700000000,)",
                R"("expires_at":null,"status":"processed","status_details":null})"));
  EXPECT_EQ(get(cat("/v1/files/", second, "/content")).body, (std::string_view{"\0\r\n--", 5}));
  EXPECT_EQ(text_at(get_json("/v1/files"), "data.0.id"), second) << "the newest first";
  EXPECT_EQ(text_at(get_json("/v1/files?limit=1&order=asc"), "last_id"), first);
  EXPECT_EQ(text_at(get_json("/v1/files?limit=1"), "has_more"), "true");
  EXPECT_EQ(text_at(get_json(cat("/v1/files?after=", second)), "data.0.id"), first);
  EXPECT_EQ(at(get_json("/v1/files?purpose=vision"), "data").elements().size(), 1U);
  EXPECT_EQ(remove(cat("/v1/files/", first)).body, cat(R"({"id":")", first, R"(","object":"file","deleted":true})"));
  EXPECT_EQ(get(cat("/v1/files/", first)).status, 404U);
  EXPECT_NE(remove(cat("/v1/files/", first)).body.find("No such File object: file-"), std::string::npos);
  EXPECT_EQ(post("/v1/files/x", "").status, 405U);
}

TEST_F(Files, AreRefused) {
  EXPECT_EQ(upload("fun", "a.txt", "x").status, 400U);
  EXPECT_NE(upload("batch", "a.txt", "x").body.find("Must be .jsonl"), std::string::npos);
  EXPECT_NE(upload("vision", "a.png", "").body.find("File is empty."), std::string::npos);
  EXPECT_NE(post("/v1/files", FormBody{}.field("purpose", "vision").text(), FormBody::header).body.find("'file'"),
            std::string::npos);
  EXPECT_NE(post("/v1/files", "{}").body.find("expected multipart/form-data"), std::string::npos);
}

TEST_F(Files, OfAnySizeAreTakenButNotKept) {
  const auto id = uploaded("user_data", "large.bin", std::string(5 << 20, 'x'));
  EXPECT_EQ(text_at(get_json(cat("/v1/files/", id)), "bytes"), cat(5 << 20));
  EXPECT_NE(get(cat("/v1/files/", id, "/content")).body.find("kept the first 2097152 of 5242880 bytes"), std::string::npos);
}

TEST_F(Files, BatchesAreDoneWhenLookedAt) {
  const auto input =
      uploaded("batch", "in.jsonl",
               "{\"custom_id\":\"a\",\"method\":\"POST\",\"url\":\"/v1/chat/"
               "completions\",\"body\":{\"model\":\"echo\",\"messages\":[{\"role\":"
               "\"user\",\"content\":\"Hello\"}]}}\n\n{\"custom_id\":\"b\",\"body\":{\"model\":\"echo\"}}\nnonsense");
  const auto made =
      post_json("/v1/batches", cat(R"({"input_file_id":")", input,
                                   R"(","endpoint":"/v1/chat/completions","completion_window":"24h","metadata":{"k":"v"}})"));
  EXPECT_EQ(text_at(made, "status"), "validating");
  EXPECT_EQ(text_at(made, "metadata.k"), "v");
  const auto id = text_at(made, "id");
  const auto done = get_json(cat("/v1/batches/", id));
  EXPECT_EQ(text_at(done, "status"), "completed");
  EXPECT_EQ(text_at(done, "request_counts"), R"({"total":3,"completed":3,"failed":0})");
  const auto output = get(cat("/v1/files/", text_at(done, "output_file_id"), "/content")).body;
  const auto first = json::parse(std::string_view{output}.substr(0, output.find('\n'))).value();
  EXPECT_EQ(text_at(first, "custom_id"), "a");
  EXPECT_EQ(text_at(first, "response.body.choices.0.message.content"), "Hello");
  EXPECT_EQ(std::ranges::count(output, '\n'), 3);
  EXPECT_NE(output.find(R"("custom_id":"b","response":{"status_code":400)"), std::string::npos) << output;
  EXPECT_EQ(post(cat("/v1/batches/", id, "/cancel"), "").status, 409U);
  EXPECT_EQ(text_at(get_json("/v1/batches?limit=2"), "data.0.id"), id);
}

TEST_F(Files, BatchesOfVectorsAndCancelledOnes) {
  const auto input = uploaded("batch", "in.jsonl", R"({"custom_id":"a","body":{"model":"twin-1","input":"x","dimensions":2}})");
  const auto body = cat(R"({"input_file_id":")", input, R"(","endpoint":"/v1/embeddings","completion_window":"24h"})");
  const auto id = text_at(post_json("/v1/batches", body), "id");
  const auto output = text_at(get_json(cat("/v1/batches/", id)), "output_file_id");
  EXPECT_NE(get(cat("/v1/files/", output, "/content")).body.find("\"embedding\":["), std::string::npos);
  const auto second = text_at(post_json("/v1/batches", body), "id");
  EXPECT_EQ(text_at(post_json(cat("/v1/batches/", second, "/cancel"), ""), "status"), "cancelled");
  EXPECT_EQ(text_at(get_json(cat("/v1/batches/", second)), "status"), "cancelled");
  EXPECT_EQ(post("/v1/batches", R"({"input_file_id":"file-x","endpoint":"/v1/embeddings","completion_window":"24h"})").status,
            400U);
  EXPECT_EQ(post("/v1/batches", cat(R"({"input_file_id":")", input, R"(","endpoint":"/v1/x","completion_window":"24h"})")).status,
            400U);
  EXPECT_EQ(get("/v1/batches/batch_x").status, 404U);
}

TEST(Shelf, HasRoomForSoMuch) {
  Shelf shelf;
  for (int i = 0; i < 40; ++i) shelf.add(StoredFile{.filename = cat(i), .bytes = 1 << 20, .content = std::string(1 << 20, 'x')});
  EXPECT_EQ(shelf.files().size(), 32U);
  EXPECT_EQ(shelf.files().front().filename, "39");
  for (int i = 0; i < 1100; ++i) shelf.add(StoredBatch{});
  EXPECT_EQ(shelf.batches().size(), 1000U);
}

}  // namespace
}  // namespace cardea::twin
