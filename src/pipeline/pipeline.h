#pragma once
// The way of a request through the gateway.

#include <functional>
#include <memory>
#include <string>

#include "execute/executor.h"
#include "http/server.h"
#include "pipeline/snapshot.h"
#include "pipeline/visit.h"
#include "record/record.h"

namespace cardea::pipeline {

/// What the gateway knows of itself, for the pages that say so. Owned by the server; any worker's thread.
class Self {
 public:
  /// The Prometheus exposition of all workers.
  [[nodiscard]] virtual std::string metrics() const = 0;
  /// New requests are still welcome.
  [[nodiscard]] virtual bool ready() const = 0;
  [[nodiscard]] virtual std::string_view version() const = 0;

 protected:
  ~Self() = default;
};

/// Answers every request of one worker. Lives on its loop; outlives its server's connections.
class Pipeline final : public http::Handler {
 public:
  Pipeline(execute::Executor& executor, record::Recorder& recorder, const Self& self, std::shared_ptr<const Snapshot> snapshot)
      : executor_{executor}, recorder_{recorder}, self_{self}, snapshot_{std::move(snapshot)} {}

  /// From the next request on. Requests under way keep what they began with.
  void use(std::shared_ptr<const Snapshot> snapshot) noexcept { snapshot_ = std::move(snapshot); }

  [[nodiscard]] net::Task<void> handle(http::Exchange& exchange) override;
  [[nodiscard]] std::string refuse(const Error& error) override;

 private:
  [[nodiscard]] net::Task<Status> answer(Visit& visit);
  [[nodiscard]] net::Task<Status> chat(Visit& visit, const Match& match);
  [[nodiscard]] net::Task<Status> count_tokens(Visit& visit, const Match& match);
  [[nodiscard]] net::Task<Status> deliver(Visit& visit, execute::ChatAnswer& answer);
  [[nodiscard]] net::Task<Status> stream(Visit& visit, execute::ChatAnswer& answer);
  /// A 200 with that body.
  [[nodiscard]] net::Task<Status> say(Visit& visit, std::string_view body);
  [[nodiscard]] net::Task<void> say_error(Visit& visit, Error error);
  [[nodiscard]] net::Task<Status> page(Visit& visit, const Match& match);
  [[nodiscard]] net::Task<Status> preflight(Visit& visit);

  execute::Executor& executor_;
  record::Recorder& recorder_;
  const Self& self_;
  std::shared_ptr<const Snapshot> snapshot_;
  Random random_ = Random::from_system();
};

}  // namespace cardea::pipeline
