#pragma once
// A request's stay in the gateway: what every step may need of it, and the record that its end writes.

#include <memory>
#include <string>

#include "base/random.h"
#include "http/server.h"
#include "pipeline/routes.h"
#include "pipeline/snapshot.h"
#include "record/record.h"

namespace cardea::pipeline {

class Visit;

/// The visits of one worker that are under way. Its thread only.
class Visits {
 public:
  /// Each of them once; one may end meanwhile only after this.
  template <class Look>
  void each(const Look& look) {
    for (Visit* at = first_; at != nullptr;) {
      Visit* const next = next_of(*at);
      look(*at);
      at = next;
    }
  }

 private:
  friend class Visit;
  [[nodiscard]] static Visit* next_of(const Visit& visit) noexcept;
  Visit* first_ = nullptr;
};

/// Lives from the head of a request to the end of its answer. Its destructor commits the record: on success, error, cancel and
/// disconnect alike. One thread.
class Visit {
 public:
  Visit(Visits& visits, std::shared_ptr<const Snapshot> snapshot, record::Recorder& recorder, Random& random,
        http::Exchange& exchange);
  ~Visit();
  Visit(const Visit&) = delete;
  Visit& operator=(const Visit&) = delete;

  [[nodiscard]] const Snapshot& snapshot() const noexcept { return *snapshot_; }
  [[nodiscard]] http::Exchange& exchange() noexcept { return exchange_; }
  [[nodiscard]] const wire::RequestHead& head() const noexcept { return exchange_.request(); }
  [[nodiscard]] record::Entry& entry() noexcept { return entry_; }
  [[nodiscard]] const record::Entry& entry() const noexcept { return entry_; }
  /// From now on the whole request has no longer than `timeouts.total`, counted from its head.
  void bound();
  [[nodiscard]] std::string_view request_id() const noexcept { return entry_.request_id; }

  void enter(const Route& route) noexcept;
  /// Where the request comes from, behind trusted proxies. Error: forbidden: nobody may call from there.
  [[nodiscard]] Status check_address();
  [[nodiscard]] std::string_view client_address() const noexcept { return entry_.client_address; }
  /// Who asks, also for whom if a header says so. Error: unauthenticated, forbidden: its standing, its role, or the dialect.
  [[nodiscard]] Status admit(access::Principal principal, const Route& route, const access::Directory& directory);
  /// For whom the caller asks, as the body says; a header's word stands before it. Error: forbidden, not for that one.
  [[nodiscard]] Status meet_end_user(std::string name, const access::Directory& directory);
  [[nodiscard]] const access::Principal& principal() const noexcept { return principal_; }
  /// Looks whether the caller, as `directory` knows it, may still do what it does; if not, the request is cancelled.
  void check_again(const access::Directory& directory, std::int64_t now);
  /// From now on the request is carried through, whatever becomes of its caller: it may be what changes that.
  void carry_through() noexcept { route_ = nullptr; }
  /// Why the request ends: what was taken away from the caller, or else `error`.
  [[nodiscard]] Error why(Error error);
  /// The model that is asked for, whether the caller may use it, and the record's fields of it. `model` must outlive the visit.
  [[nodiscard]] Result<catalog::Target> resolve(std::string_view model);
  /// The same, once it is known for whom the body asks. Error also: bad_request, it names two.
  [[nodiscard]] Result<catalog::Target> resolve(std::string_view model, const json::Members& body,
                                                const access::Directory& directory);
  /// A provider whose models do not matter: the things it keeps.
  [[nodiscard]] Status use(const catalog::Provider& provider);
  /// A provider with everything that its key may do. `what` asks for it.
  [[nodiscard]] Status use_all_of(const catalog::Provider& provider, std::string_view what);
  /// May the caller ask for this model? What it may not is not listed.
  [[nodiscard]] bool may_see(const catalog::Entry& model) const;
  /// Unix seconds, of the request's beginning.
  [[nodiscard]] std::int64_t now() const noexcept;
  /// Are errors said as problem details (RFC 9457), not in a dialect?
  [[nodiscard]] bool says_problems() const noexcept { return says_problems_; }
  /// Whose is what the request leaves behind.
  [[nodiscard]] std::string_view owner() const noexcept { return principal_.owner(); }
  /// For an error where there is no route: a path below /cardea/ says whose words its caller reads.
  void stand_in_dialect() noexcept;
  /// The client's dialect: the route's, in the form that the client wants, or OpenAI's while there is none.
  [[nodiscard]] const dialect::Dialect& dialect() const noexcept { return *dialect_; }
  /// Of the stream that the client wants.
  [[nodiscard]] dialect::Framing framing() const noexcept { return framing_; }
  /// Where the path says it only later: whose words an error is in.
  void speak_as(const dialect::Dialect& dialect) noexcept { speak(dialect); }
  void stream_as(dialect::Framing framing) noexcept { framing_ = framing; }
  /// Around the upstream's part, so that the gateway's own can be told from it.
  void upstream_begins() noexcept;
  void upstream_ends() noexcept;
  void first_token_sent() noexcept;
  /// What a translation could not carry over, for the answer's headers and the record. Once before each answer's head.
  void note_losses(const dialect::Losses& losses);
  /// The same of an answer: without the fields that were `noted` of its question.
  void note_losses(const dialect::Losses& losses, const dialect::Losses& noted);
  /// Header lines of the upstream's that every answer from now on repeats.
  [[nodiscard]] std::string& upstream_lines() noexcept { return upstream_lines_; }

  /// Header lines of every answer: content type, request id, CORS. Adds to what `lines` holds.
  void add_answer_headers(wire::HeaderBlock& lines, std::string_view content_type) const;

 private:
  /// May the caller do what is known of the request by now?
  [[nodiscard]] Status check(const access::Principal& principal, std::int64_t now) const;

  std::shared_ptr<const Snapshot> snapshot_;
  record::Recorder& recorder_;
  http::Exchange& exchange_;
  record::Recorder::Tracked in_flight_;
  record::Entry entry_;
  net::TimePoint upstream_began_{};
  net::TimePoint upstream_ended_{};
  void speak(const dialect::Dialect& dialect) noexcept;

  const dialect::Dialect* dialect_ = &dialect::openai_chat();
  dialect::Framing framing_ = dialect::Framing::sse;
  bool says_problems_ = false;
  access::Principal principal_ = access::Principal::local();
  std::string end_user_;             ///< as the request names the one behind its caller; empty: nobody
  const Route* route_ = nullptr;     ///< whose policy admitted the caller
  record::Text<128> target_model_;   ///< catalog::Target's, for check_again(): also of a model that the catalog does not know
  std::optional<Error> taken_away_;  ///< why the caller may no longer do this
  Visits& visits_;
  Visit* previous_ = nullptr;
  Visit* next_ = nullptr;
  friend class Visits;
  std::string losses_;          ///< value of x-cardea-loss
  std::string upstream_lines_;  ///< of the upstream's head
};

inline Visit* Visits::next_of(const Visit& visit) noexcept { return visit.next_; }

/// Header lines for the upstream: the request's id, tracing and vendor headers that SDKs expect to arrive; nothing else of the
/// client's.
[[nodiscard]] std::string forwarded_headers(const Visit& visit, const catalog::Provider& provider);

}  // namespace cardea::pipeline
