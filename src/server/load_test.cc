#include "server/load.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>

#include "base/text.h"
#include "server/data_lock.h"

namespace cardea::server {
namespace {

/// A folder of its own, gone at the end.
class Folder {
 public:
  Folder() {
    std::string name = (std::filesystem::temp_directory_path() / "cardea-XXXXXX").string();
    if (mkdtemp(name.data()) == nullptr) throw std::runtime_error{"no folder"};
    path_ = name;
  }
  ~Folder() { std::filesystem::remove_all(path_); }
  Folder(const Folder&) = delete;
  Folder& operator=(const Folder&) = delete;
  [[nodiscard]] std::string file(std::string_view name) const { return cat(path_, "/", name); }
  std::string write(std::string_view name, std::string_view text) const {
    std::ofstream{file(name)} << text;
    return file(name);
  }

 private:
  std::string path_;
};

config::Env nothing_set() {
  return [](std::string_view) { return std::optional<std::string>{}; };
}

bool lists(const Configuration& configuration, std::string_view model) {
  return configuration.usable() && configuration.catalog->find(model) != nullptr;
}

TEST(Load, TakesBothFiles) {
  const Folder folder;
  Sources sources{.config_file = folder.write(
                      "c.yaml", "discovery: off\nworkers: 3\nmodels: [{name: a, endpoint: \"http://127.0.0.1:1\"}]\n"),
                  .models_file = folder.write("m.yaml", "models: [{name: b, endpoint: \"http://127.0.0.1:2\"}]\n"),
                  .overrides = {{"workers", "5"}},
                  .env = nothing_set()};
  const Configuration configuration = load(sources);
  ASSERT_TRUE(configuration.usable()) << (configuration.problems.empty() ? "" : config::to_text(configuration.problems[0]));
  EXPECT_TRUE(lists(configuration, "a") && lists(configuration, "b") && lists(configuration, "twin/echo"));
  EXPECT_EQ(configuration.settings.workers, 5U);
  EXPECT_EQ(configuration.files, (std::vector<std::string>{sources.config_file, sources.models_file}));
}

TEST(Load, WatchesCertificatesToo) {
  const Folder folder;
  Sources sources{.config_file = folder.write(
                      "c.yaml", cat("tls: {cert: ", folder.write("crt", "x"), ", key: ", folder.write("key", "x"), "}\n")),
                  .env = nothing_set()};
  EXPECT_EQ(load(sources).files, (std::vector<std::string>{sources.config_file, folder.file("crt"), folder.file("key")}));
}

TEST(Load, SaysWhichFileCannotBeRead) {
  const Folder folder;
  const Configuration configuration =
      load({.config_file = folder.file("missing.yaml"), .models_file = folder.file("also-missing.yaml"), .env = nothing_set()});
  EXPECT_FALSE(configuration.usable());
  ASSERT_EQ(configuration.problems.size(), 2U);
  EXPECT_NE(config::to_text(configuration.problems[0]).find("missing.yaml"), std::string::npos);
  EXPECT_NE(config::to_text(configuration.problems[0]).find("No such file"), std::string::npos);
  EXPECT_NE(configuration.problems[0].fix.find("--models"), std::string::npos) << "by the name of the file";
  EXPECT_NE(configuration.problems[1].fix.find("--config"), std::string::npos);
}

TEST(Load, ADirectoryIsNoFile) {
  const Folder folder;
  const Configuration configuration = load({.config_file = folder.file(""), .env = nothing_set()});
  EXPECT_FALSE(configuration.usable());
  EXPECT_EQ(configuration.problems.size(), 1U);
}

TEST(Load, ReportsAllProblemsAtOnce) {
  const Folder folder;
  const Configuration configuration =
      load({.config_file = folder.write("c.yaml", "worker: 2\nlimits: {body_bytes: lots}\nlog: {level: loud}\n"),
            .env = nothing_set()});
  EXPECT_FALSE(configuration.usable());
  EXPECT_EQ(configuration.problems.size(), 3U);
}

/// Every problem in a line, the folder left out.
std::string all(const Folder& folder, const Configuration& configuration) {
  const auto prefix = folder.file("");
  std::string out;
  for (const auto& problem : configuration.problems) {
    auto text = config::to_text(problem);
    for (auto at = text.find(prefix); at != std::string::npos; at = text.find(prefix)) text.erase(at, prefix.size());
    out += cat(text, "\n");
  }
  return out;
}

TEST(Load, WhatTheCatalogFindsComesWithTheRest) {
  const Folder folder;
  const Configuration configuration = load({.config_file = folder.write("c.yaml", R"(listen:
  - 127.0.0.1:0
  - 127.0.0.1:99999
workers: many
models:
  - name: a
    endpoint: ftp://wrong
  - name: a
    provider: opnai
  - {name: b, endpoint: "${CARDEA_NOT_SET}"}
  - {name: c, endpoint: [], auth: {type: header, header: "x y", value: k}}
aliases: {fast: opnai/gpt}
providers:
  groq: {api_key: k, headers: {host: evil}, quirks: {no_such: 1}}
)"),
                                            .env = nothing_set()});
  EXPECT_FALSE(configuration.usable());
  EXPECT_EQ(all(folder, configuration),
            R"(c.yaml:3:5: listen[1]: '127.0.0.1:99999' is not an address – write HOST:PORT, [IPV6]:PORT, :PORT or unix:/PATH
c.yaml:4:10: workers: 'many' is not a whole number – write a number, e.g. 2
c.yaml:7:5: models[0].endpoint: not a usable URL: it must begin with http:// or https:// – write e.g. http://HOST:PORT/v1
c.yaml:8:5: models[1].name: 'a' is already the name of the model on line 6 – rename one of the two
c.yaml:9:5: models[1].provider: there is no provider 'opnai' – did you mean 'openai'?
c.yaml:10:25: models[2].endpoint: the environment variable CARDEA_NOT_SET is not set – set CARDEA_NOT_SET, or give a default: ${CARDEA_NOT_SET:-…}
c.yaml:11:25: models[3].endpoint: expected text, found a list – write one value behind the colon
c.yaml:11:29: models[3].auth: the header 'x y' cannot be set – name another header
c.yaml:12:11: aliases.fast: there is no provider 'opnai' – did you mean 'openai'?
c.yaml:14:22: providers.groq.headers: the header 'host' cannot be set – name another header
c.yaml:14:54: providers.groq.quirks.no_such: unknown key – known here: max_tokens_field, stream_options, drop_fields, rename_fields, set_fields
)");
}

TEST(Load, NamesOfAFileThatCannotBeReadAreNotMissed) {
  const Folder folder;
  const Configuration configuration =
      load({.config_file = folder.write("c.yaml", "worker: 1\naliases: {fast: mine/m, b: house}\n"),
            .models_file = folder.file("gone.yaml"),
            .env = nothing_set()});
  EXPECT_EQ(all(folder, configuration), R"(c.yaml:1:1: worker: unknown key – did you mean 'workers'?
gone.yaml: cannot be read: No such file or directory – check the path and its permissions, or leave --models out
)");
}

TEST(Load, PathsAreThoseOfTheFileTheyStandIn) {
  const Folder folder;
  const Configuration configuration =
      load({.config_file = folder.write("c.yaml", "models: [{name: a, endpoint: \"http://h\"}]\n"),
            .models_file = folder.write("m.yaml", "models:\n  - name: a\n    endpoint: ftp://x\n"),
            .env = nothing_set()});
  EXPECT_NE(all(folder, configuration).find("m.yaml:2:5: models[0].name: 'a' is already the name of the model on line 1 of "),
            std::string::npos)
      << all(folder, configuration);
  EXPECT_NE(all(folder, configuration).find("m.yaml:3:5: models[0].endpoint: not a usable URL"), std::string::npos)
      << all(folder, configuration);
}

TEST(Load, WhatKeepsAGatewayFromStartingIsSaidToo) {
  const Folder folder;
  const auto env = nothing_set();
  const Configuration configuration = load(
      {.config_file = folder.write(
           "c.yaml", cat("listen: [127.0.0.1:0, 'box:80']\nkeys: [gw-key-0123456789]\ntls:\n  cert: ", folder.write("crt", "x"),
                         "\n  key: ", folder.write("key", "x"), "\nupstream: {tls_ca: /nowhere/ca.pem, proxy: 'ftp://p'}\n",
                         "fetch: {allow: [files.internal, 'http://x']}\n")),
       .env = env});
  EXPECT_TRUE(configuration.usable()) << all(folder, configuration);
  std::string text;
  for (const auto& problem : start_problems(configuration, env)) {
    EXPECT_FALSE(problem.fix.empty());
    text += cat(problem.path, ":", problem.where.line, " ");
  }
  EXPECT_EQ(text, "listen[1]:1 tls.cert:4 upstream.tls_ca:6 upstream.proxy:6 fetch.allow[1]:7 ");
  EXPECT_TRUE(start_problems(load({.config_file = folder.write("d.yaml", ""), .env = env}), env).empty());
}

TEST(Load, CredentialsAreWatched) {
  const Folder folder;
  const auto google = folder.write(
      "g.json",
      R"({"type":"service_account","project_id":"p","client_email":"a@p","private_key":"-----BEGIN PRIVATE KEY-----"})");
  const Sources sources{.config_file = folder.write("c.yaml", R"(models:
  - {name: m, endpoint: "http://127.0.0.1:1", dialect: gemini, auth: {type: google_service_account, credentials: )" +
                                                                  google + "}}\n"),
                        .env = nothing_set()};
  const Configuration configuration = load(sources);
  ASSERT_TRUE(configuration.usable()) << all(folder, configuration);
  EXPECT_EQ(configuration.files.back(), google);
}

TEST(Load, WhatWasFoundIsListed) {
  const Folder folder;
  const std::vector<catalog::Discovered> found{{"ollama", "http://127.0.0.1:11434", {"llama3"}}};
  const Sources sources{.config_file = folder.write("c.yaml", ""), .env = nothing_set()};
  EXPECT_TRUE(lists(load(sources, found), "ollama/llama3"));
  EXPECT_FALSE(lists(load(sources), "ollama/llama3"));
}

// ---- Snapshots -------------------------------------------------------------------------------------------------------------

std::shared_ptr<const pipeline::Snapshot> snapshot_of(std::string_view yaml) {
  const Folder folder;
  const Configuration configuration = load({.config_file = folder.write("c.yaml", yaml), .env = nothing_set()});
  if (!configuration.usable()) throw std::runtime_error{config::to_text(configuration.problems.at(0))};
  auto snapshot = make_snapshot(configuration, "/tmp");
  if (!snapshot) throw std::runtime_error{std::string{snapshot.error().message()}};
  return *snapshot;
}

TEST(Snapshot, CarriesTheLimits) {
  const auto snapshot = snapshot_of(R"(
limits: {body_bytes: 5KiB, response_bytes: 6KiB, sse_event_bytes: 7KiB}
timeouts: {connect: 11s, first_byte: 12s, inter_chunk: 13s, body: 14s, total: 15s}
)");
  EXPECT_EQ(snapshot->body_bytes_max, 5U << 10);
  EXPECT_EQ(snapshot->attempt.response_bytes, 6U << 10);
  EXPECT_EQ(snapshot->attempt.event_bytes, 7U << 10);
  EXPECT_EQ(snapshot->attempt.timeouts.connect, std::chrono::seconds{11});
  EXPECT_EQ(snapshot->attempt.timeouts.first_byte, std::chrono::seconds{12});
  EXPECT_EQ(snapshot->attempt.timeouts.inter_chunk, std::chrono::seconds{13});
  EXPECT_EQ(snapshot->attempt.timeouts.send, std::chrono::seconds{14});
  EXPECT_EQ(snapshot->total_timeout, std::chrono::seconds{15});
  EXPECT_EQ(snapshot_of("")->total_timeout, net::forever);
}

TEST(Snapshot, KnowsWhoCanReachIt) {
  EXPECT_EQ(snapshot_of("")->reach, access::Peer::local);
  EXPECT_EQ(snapshot_of("listen: [\"127.0.0.1:1\", \"[::1]:1\", \"unix:/tmp/x\"]")->reach, access::Peer::local);
  EXPECT_EQ(snapshot_of("listen: [\"127.0.0.1:1\", \"0.0.0.0:1\"]\nkeys: [gw-key-0123456789]")->reach, access::Peer::remote);
}

TEST(Snapshot, KnowsWhoMayReadMetrics) {
  EXPECT_FALSE(snapshot_of("")->metrics_need_key);
  EXPECT_TRUE(snapshot_of("keys: [gw-key-0123456789]")->metrics_need_key);
  EXPECT_FALSE(snapshot_of("keys: [gw-key-0123456789]\nmetrics: {auth: open}")->metrics_need_key);
  EXPECT_TRUE(snapshot_of("metrics: {auth: key}")->metrics_need_key);
  EXPECT_FALSE(snapshot_of("metrics: {enabled: off}")->metrics_served);
}

// ---- The data directory ----------------------------------------------------------------------------------------------------

TEST(DataLock, HasOneHolder) {
  const Folder folder;
  const std::string directory = folder.file("data");
  {
    const auto first = DataLock::take(directory);
    ASSERT_TRUE(first);
    const auto second = DataLock::take(directory);
    ASSERT_FALSE(second);
    EXPECT_EQ(second.error().kind(), Kind::config);
    EXPECT_NE(second.error().message().find(cat("process ", getpid(), ")")), std::string::npos) << second.error().message();
    EXPECT_NE(second.error().message().find("--data"), std::string::npos);
  }
  EXPECT_TRUE(DataLock::take(directory));  // let go of
}

TEST(DataLock, MakesAPrivateDirectory) {
  const Folder folder;
  const auto lock = DataLock::take(folder.file("a/b/data"));
  ASSERT_TRUE(lock);
  EXPECT_EQ(std::filesystem::status(folder.file("a/b/data")).permissions(), std::filesystem::perms::owner_all);
}

TEST(DataLock, SurvivesBeingMoved) {
  const Folder folder;
  auto first = DataLock::take(folder.file("data"));
  ASSERT_TRUE(first);
  {
    const DataLock moved = std::move(*first);
    EXPECT_FALSE(DataLock::take(folder.file("data")));
  }
  EXPECT_TRUE(DataLock::take(folder.file("data")));
}

TEST(DataLock, SaysWhatIsInTheWay) {
  const Folder folder;
  const auto lock = DataLock::take(cat(folder.write("file", ""), "/data"));
  ASSERT_FALSE(lock);
  EXPECT_EQ(lock.error().kind(), Kind::config);
  EXPECT_NE(lock.error().message().find("--data"), std::string::npos);
}

}  // namespace
}  // namespace cardea::server
