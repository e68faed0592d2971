#include "pipeline/bring.h"

#include <algorithm>

#include "base/base64.h"
#include "base/text.h"
#include "dialect/native/forms.h"
#include "pipeline/pipeline.h"
#include "pipeline/upload.h"
#include "pipeline/words.h"

namespace cardea::pipeline {
namespace {

using dialect::WantedBytes;

constexpr std::size_t files_max = 32;
constexpr std::size_t at_a_time = 4;

struct Errand {
  std::string_view url;
  Result<execute::WebFile> file{};
};

struct Round {
  const Bringing& how;
  std::vector<Errand> errands;
  std::size_t next = 0;
  std::size_t left;  ///< bytes
};

net::Task<void> run_errands(Round& round) {
  while (round.next < round.errands.size()) {
    Errand& mine = round.errands[round.next++];
    execute::WebLimits limits = round.how.limits;
    limits.bytes = std::min(limits.bytes, round.left);
    mine.file = co_await round.how.web.get(mine.url, limits);
    const std::size_t size = mine.file ? mine.file->bytes->size() : 0;
    if (size > round.left) mine.file = fail(Kind::too_large, "it and the others are too large together");
    round.left -= std::min(size, round.left);
    // The request is refused for the first; the others need not come.
    if (!mine.file && round.how.allow == dialect::Allow::no_change_of_meaning) round.next = round.errands.size();
  }
}

/// Is the file what it should be?
Status judge(const WantedBytes& wanted, const std::string& field, const execute::WebFile& file) {
  using Holds = FileRule::Holds;
  const std::string_view bytes = *file.bytes;
  const auto head = bytes.substr(0, wire::sniff_bytes);
  const auto tail = bytes.substr(bytes.size() - std::min(bytes.size(), wire::sniff_bytes));
  const bool image = wanted.kind == WantedBytes::Kind::image;
  const bool sound = wanted.kind == WantedBytes::Kind::audio;
  if (sound && file.type.starts_with("text/")) {
    return fail(Kind::bad_request, cat("'", field, "' holds a text; sound is wanted"), field);
  }
  // An image is told by its bytes alone: those who name one by its URL mostly guess its type.
  const std::string_view claim = image ? std::string_view{} : std::string_view{wanted.claim};
  return judge_file(field, image ? Holds::image : sound ? Holds::sound : Holds::anything, claim, head, tail, bytes.size());
}

Error refusal(std::string field, Error error) {
  if (error.is(Kind::unavailable)) return error;
  auto message = cat("'", field, "' names an address that cannot be fetched: ", error.message());
  return {Kind::bad_request, std::move(message), std::move(field)};
}

/// Switched off, an address is what it was: nothing that this upstream can be told.
void leave_switched_off(std::vector<WantedBytes>& wanted, const execute::WebLimits& limits) {
  if (!limits.on) std::erase_if(wanted, [](const WantedBytes& one) { return !iequals(one.url.substr(0, 5), "data:"); });
}

}  // namespace

net::Task<Status> bring(std::vector<WantedBytes>& wanted, const Bringing& how) {
  Round round{.how = how, .errands = {}, .left = how.bytes_max};
  for (const WantedBytes& one : wanted) {
    const bool known = std::ranges::find(round.errands, one.url, &Errand::url) != round.errands.end();
    if (!known) round.errands.push_back({.url = one.url});
  }
  if (round.errands.size() > files_max) {
    const std::string field = how.field(wanted[files_max].field);
    co_return fail(Kind::bad_request, cat("'", field, "': at most ", files_max, " files are fetched for one request"), field);
  }
  net::Scope& outer = co_await net::current_scope();
  net::Scope lanes{outer};
  for (std::size_t i = 0; i < std::min(at_a_time, round.errands.size()); ++i) lanes.spawn(run_errands(round));
  co_await lanes.join();
  if (outer.cancelled()) co_return fail(outer.reason());
  for (const WantedBytes& one : wanted) {
    Errand& errand = *std::ranges::find(round.errands, one.url, &Errand::url);
    Status good;
    if (!errand.file) {
      good = fail(refusal(how.field(one.field), errand.file.error().clone()));
    } else if (errand.file->bytes != nullptr) {
      good = judge(one, how.field(one.field), *errand.file);
      if (good) one.put(to_base64(*errand.file->bytes), errand.file->type);
    }
    if (!good && how.allow == dialect::Allow::no_change_of_meaning) co_return good;
  }
  co_return Status{};
}

net::Task<Status> Pipeline::translate(Visit& visit, const Asking& asking, const Question& question, const catalog::Target& target,
                                      std::unique_ptr<Words>& words) {
  const Snapshot& snapshot = visit.snapshot();
  const execute::Upstream& upstream = snapshot.upstreams.of(*target.provider);
  auto chat = asking.dialect.decode_request(question.whole(), asking.asked());
  if (!chat) co_return fail_with(chat);
  const dialect::Abilities abilities = abilities_of(target.info, upstream.dialect->name());
  std::vector<WantedBytes> wanted = dialect::wanted_bytes(*upstream.dialect, abilities, *chat);
  leave_switched_off(wanted, snapshot.web);
  if (!wanted.empty()) {
    const auto field = [&](const std::string& said) {
      return dialect::field_of_caller(asking.dialect, question.whole(), *chat, said);
    };
    const Bringing how{executor_.web(), snapshot.web, snapshot.body_bytes_max, field, allowed_loss(visit.head())};
    Status brought = co_await bring(wanted, how);
    if (!brought) co_return brought;
  }
  auto made = words_for(asking, visit.head(), question, std::move(*chat), upstream, target, executor_.issuers(), random_);
  if (!made) co_return fail_with(made);
  words = std::move(*made);
  visit.note_losses(words->request.losses);
  co_return Status{};
}

net::Task<Result<std::optional<dialect::TaskRequest>>> Pipeline::read_task(Visit& visit, const dialect::TaskPair& pair,
                                                                           std::string_view body, const dialect::Asked& asked) {
  // Another gateway's JSON is this one's, but its XML is made of what was read.
  if (&pair.client == &pair.upstream && &visit.dialect() != &dialect::native_xml()) co_return std::nullopt;
  Result<dialect::TaskRequest> request = pair.client.decode_request(body, asked);
  if (!request) co_return fail_with(request);
  const Snapshot& snapshot = visit.snapshot();
  std::vector<WantedBytes> wanted = dialect::wanted_bytes(pair.upstream, *request);
  leave_switched_off(wanted, snapshot.web);
  if (!wanted.empty()) {
    const auto field = [&](const std::string& said) {
      const auto end = said.find('[');
      const auto row = std::ranges::find(pair.client.words, std::string_view{said}.substr(0, end),
                                         [](const auto& word) { return word.first; });
      return row != pair.client.words.end() ? cat(row->second, said.substr(end)) : said;
    };
    const Bringing how{executor_.web(), snapshot.web, snapshot.body_bytes_max, field, allowed_loss(visit.head())};
    Status brought = co_await bring(wanted, how);
    if (!brought) co_return fail_with(brought);
  }
  co_return std::optional{std::move(*request)};
}

}  // namespace cardea::pipeline
