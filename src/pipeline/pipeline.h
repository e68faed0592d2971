#pragma once
// The way of a request through the gateway.

#include <functional>
#include <memory>
#include <string>

#include "execute/executor.h"
#include "http/server.h"
#include "pipeline/administration.h"
#include "pipeline/draw.h"
#include "pipeline/keeping.h"
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

struct Asking;
struct Question;
struct Words;

/// Answers every request of one worker. Lives on its loop; outlives its server's connections.
class Pipeline final : public http::Handler {
 public:
  Pipeline(execute::Executor& executor, Stores stores, record::Recorder& recorder, const Self& self,
           std::shared_ptr<const Snapshot> snapshot, std::shared_ptr<const access::Directory> directory)
      : executor_{executor},
        stores_{std::move(stores)},
        recorder_{recorder},
        self_{self},
        snapshot_{std::move(snapshot)},
        directory_{std::move(directory)} {}

  /// Who is asked about credentials that the directory does not know; outlives this.
  void ask_about_strangers(access::Vouching& vouching) noexcept { vouching_ = &vouching; }
  /// From the next request on. Requests under way keep what they began with.
  void use(std::shared_ptr<const Snapshot> snapshot) noexcept { snapshot_ = std::move(snapshot); }
  /// From now on: requests under way whose callers are gone, or may no longer what they do, are cancelled.
  void use(std::shared_ptr<const access::Directory> directory);
  /// Cancels what goes on for callers whose time has run out; every second or so.
  void look_over();

  [[nodiscard]] net::Task<void> handle(http::Exchange& exchange) override;
  [[nodiscard]] std::string refuse(const Error& error) override;
  /// For a socket that only the owner of the gateway's files can open: administration, for the owner, without a credential.
  [[nodiscard]] http::Handler& owners_door() noexcept { return owners_door_; }

 private:
  class OwnersDoor final : public http::Handler {
   public:
    explicit OwnersDoor(Pipeline& pipeline) noexcept : pipeline_{pipeline} {}
    [[nodiscard]] net::Task<void> handle(http::Exchange& exchange) override { return pipeline_.serve_owner(exchange); }
    [[nodiscard]] std::string refuse(const Error& error) override { return pipeline_.refuse(error); }

   private:
    Pipeline& pipeline_;
  };
  [[nodiscard]] net::Task<Status> answer(Visit& visit);
  [[nodiscard]] net::Task<void> serve_owner(http::Exchange& exchange);
  [[nodiscard]] net::Task<Status> answer_owner(Visit& visit);
  [[nodiscard]] net::Task<void> explain(Visit& visit, Error error);
  [[nodiscard]] net::Task<Status> chat(Visit& visit, const Match& match);
  /// The question in the upstream's words, with the bytes of what it only names by a URL where the upstream wants those
  /// (bring.cc).
  [[nodiscard]] net::Task<Status> translate(Visit& visit, const Asking& asking, const Question& question,
                                            const catalog::Target& target, std::unique_ptr<Words>& words);
  [[nodiscard]] net::Task<Status> count_tokens(Visit& visit, const Match& match);
  /// Embeddings, ranks, moderations, tokens: a document asks, a document answers (tasks.cc).
  [[nodiscard]] net::Task<Status> task(Visit& visit, const Match& match);
  /// The request over the model, with the bytes of images that it only names by a URL where the upstream wants those (bring.cc);
  /// nothing when it passes as it is.
  [[nodiscard]] net::Task<Result<std::optional<dialect::TaskRequest>>> read_task(Visit& visit, const dialect::TaskPair& pair,
                                                                                 std::string_view body,
                                                                                 const dialect::Asked& asked);
  [[nodiscard]] net::Task<Status> deliver(Visit& visit, execute::ChatAnswer& answer, Keeping* keeping);
  [[nodiscard]] net::Task<Status> stream(Visit& visit, execute::ChatAnswer& answer, Keeping* keeping);
  [[nodiscard]] net::Task<Status> finish(Visit& visit, execute::ChatAnswer& answer, Keeping* keeping);
  /// A 200 with that body.
  [[nodiscard]] net::Task<Status> say(Visit& visit, std::string_view body);

  // Stored responses (keeping.cc, stored_pages.cc).

  /// What an id is to the caller.
  [[nodiscard]] net::Task<Result<store::FoundResponse>> look_up(Visit& visit, std::string id);
  /// The request with the items that it only names, where they are kept here; empty: it names none of those.
  [[nodiscard]] net::Task<Result<std::string>> resolve_items(Visit& visit, const dialect::RequestView& request);
  /// Null: the request has nothing to do with stored responses. Error: bad_request, it goes on from an answer that is not there.
  [[nodiscard]] net::Task<Result<std::unique_ptr<Keeping>>> recall(Visit& visit, const Asking& asking,
                                                                   const dialect::RequestView& request,
                                                                   const execute::Upstream& upstream);
  /// Keeps a whole answer: durable when it returns. An error was told to Stores::on_failure.
  [[nodiscard]] net::Task<Status> keep(Visit& visit, Keeping& keeping, std::string_view response);
  /// Notes where an answer is kept, once its id is known and if that is to be.
  void keep_link(const Visit& visit, Keeping& keeping, std::string_view id);
  [[nodiscard]] net::Task<Status> stored_response(Visit& visit, const Match& match);
  /// Asks the provider that keeps an answer, in the client's own words.
  [[nodiscard]] net::Task<Result<std::string>> ask_keeper(Visit& visit, const Match& match, const store::StoredResponse& stored);
  [[nodiscard]] net::Task<Status> forget(Visit& visit, std::string id);

  // What passes as it is (forward.cc).

  /// A request made ready for a model's provider.
  struct Forwarding {
    const catalog::Target& target;
    std::string_view path;  ///< below the base URL
    const http::Body& body;
    std::string_view content_type;
  };
  [[nodiscard]] net::Task<Status> forward_document(Visit& visit, const Match& match);
  [[nodiscard]] net::Task<Status> forward_upload(Visit& visit, const Match& match);
  [[nodiscard]] net::Task<Status> forward_file(Visit& visit, const Match& match, std::string_view content_type);
  [[nodiscard]] net::Task<Status> forward(Visit& visit, const Forwarding& forwarding);
  [[nodiscard]] net::Task<Status> pass_through(Visit& visit, const Match& match);
  [[nodiscard]] net::Task<Status> ask_raw(Visit& visit, const execute::RawCall& call);
  [[nodiscard]] net::Task<Result<std::string>> ask_document(Visit& visit, const execute::RawCall& call);
  [[nodiscard]] static net::Task<Status> take_document(Visit& visit, const execute::RawCall& call, execute::RawAnswer& answer,
                                                       Buffer& body);
  [[nodiscard]] net::Task<Status> deliver_document(Visit& visit, const execute::RawCall& call, execute::RawAnswer& answer);
  [[nodiscard]] net::Task<Status> deliver_events(Visit& visit, const execute::RawCall& call, execute::RawAnswer& answer);
  [[nodiscard]] net::Task<Status> deliver_bytes(Visit& visit, execute::RawAnswer& answer);

  // Pictures said in another form than OpenAI's (draw.cc).

  [[nodiscard]] net::Task<Status> draw(Visit& visit, Drawing drawing);
  [[nodiscard]] net::Task<Result<std::string>> ask_until_drawn(Visit& visit, const Drawing& drawing,
                                                               const dialect::TaskMessage& message);
  [[nodiscard]] net::Task<Status> collect_pictures(Visit& visit, const Drawing& drawing, const model::Draw& request,
                                                   model::Drawn& drawn);
  [[nodiscard]] net::Task<Status> fetch_inputs(Visit& visit, Drawing& drawing);
  [[nodiscard]] net::Task<Status> fetch_picture(Visit& visit, model::Picture& picture, std::size_t& room);
  [[nodiscard]] net::Task<Status> say_picture(Visit& visit, const model::Picture& picture);
  [[nodiscard]] net::Task<Status> say_events(Visit& visit, std::string_view events);

  // Files and batches (files.cc).

  /// Those of `ids` that are the caller's.
  [[nodiscard]] net::Task<Result<std::vector<store::StoredObject>>> own_objects(Visit& visit, std::vector<std::string> ids);
  [[nodiscard]] net::Task<Status> note_objects(Visit& visit, std::vector<std::string> ids, std::string provider);
  /// Passes on what brings things into being, or tells of them: the caller's from then on.
  [[nodiscard]] net::Task<Status> make_object(Visit& visit, const execute::RawCall& call);
  [[nodiscard]] execute::RawCall object_call(const Visit& visit, const catalog::Provider& provider, std::string target) const;
  [[nodiscard]] net::Task<Status> create_file(Visit& visit, const Match& match);
  [[nodiscard]] net::Task<Status> create_batch(Visit& visit, const Match& match);
  [[nodiscard]] net::Task<Status> list_objects(Visit& visit, const Match& match);
  [[nodiscard]] net::Task<Status> use_object(Visit& visit, const Match& match);

  [[nodiscard]] net::Task<void> say_error(Visit& visit, Error error);
  [[nodiscard]] net::Task<Status> administer(Visit& visit, const Match& match);
  [[nodiscard]] net::Task<Status> page(Visit& visit, const Match& match);
  [[nodiscard]] net::Task<Status> preflight(Visit& visit);
  /// A signed request's body is the one that was signed.
  [[nodiscard]] net::Task<Status> prove(Visit& visit, access::BodyProof proof, Operation operation);
  /// Login, its end, logout, and programs' tokens (entrance.cc).
  [[nodiscard]] net::Task<Status> entrance(Visit& visit, const Match& match);
  [[nodiscard]] net::Task<Status> give_token(Visit& visit);

  execute::Executor& executor_;
  Stores stores_;
  record::Recorder& recorder_;
  const Self& self_;
  std::shared_ptr<const Snapshot> snapshot_;
  std::shared_ptr<const access::Directory> directory_;
  access::Vouching* vouching_ = nullptr;  ///< null: nobody vouches for anybody
  Visits visits_;                         ///< under way
  std::chrono::system_clock::time_point (*now_)() = &std::chrono::system_clock::now;
  OwnersDoor owners_door_{*this};
  Random random_ = Random::from_system();
};

}  // namespace cardea::pipeline
