#include "execute/web.h"

#include <algorithm>
#include <array>
#include <optional>

#include "base/base64.h"
#include "base/text.h"
#include "execute/web_cache.h"
#include "wire/sniff.h"

namespace cardea::execute {
namespace {

constexpr int redirects_max = 3;
constexpr std::size_t under_way_max = 32;
constexpr std::chrono::seconds fresh_max = std::chrono::hours{1};
constexpr std::size_t text_probe_bytes = 4096;

/// No connection is kept: the next request to that origin may be allowed something else.
http::ClientOptions client_options() {
  http::ClientOptions options;
  options.idle_per_origin = 0;
  return options;
}

std::string_view type_of(std::string_view bytes) noexcept {
  const auto sniffed = wire::sniff(bytes.substr(0, wire::sniff_bytes));
  if (!sniffed.type.empty()) return sniffed.type;
  const auto is_text = [](char c) {
    const auto byte = static_cast<unsigned char>(c);
    return (byte >= 0x20 && byte != 0x7f) || c == '\t' || c == '\n' || c == '\r' || c == '\f';
  };
  return !bytes.empty() && std::ranges::all_of(bytes.substr(0, text_probe_bytes), is_text) ? "text/plain" : "";
}

Error too_large(std::size_t bytes_max) { return Error{Kind::too_large, cat("it is larger than ", bytes_max, " bytes")}; }

/// What may be said of a failure to who chose the URL: not which names exist inside, nor what they mean.
Error told(Error error, const WebLimits& limits) {
  switch (error.kind()) {
    case Kind::forbidden:
    case Kind::upstream_unreachable: return {Kind::upstream_unreachable, "it cannot be reached at a public address"};
    case Kind::upstream_tls: return {Kind::upstream_tls, "its server has no valid certificate"};
    case Kind::upstream_timeout:
    case Kind::upstream_connect_timeout: {
      const auto ms = std::chrono::duration_cast<std::chrono::milliseconds>(limits.time).count();
      return {Kind::upstream_timeout, cat("it did not come within ", ms, " ms")};
    }
    case Kind::upstream_protocol:
    case Kind::upstream_reset: return {error.kind(), "its server's answer was broken"};
    default: return error;
  }
}

/// How long a file may be used again, and whether it may be kept at all (RFC 9111 §5.2.2, as a shared cache).
struct Keeping {
  bool allowed = true;
  std::chrono::seconds fresh{0};
};
Keeping keeping_of(const wire::ResponseHead& head) {
  Keeping out;
  std::optional<std::uint64_t> own;
  std::optional<std::uint64_t> shared;
  bool ask_again = false;
  const auto& lines = head.headers();
  for (std::size_t i = 0; i < lines.size(); ++i) {
    if (lines.field(i) != wire::Field::cache_control) continue;
    for_each_in_list(lines[i].value, [&](std::string_view part) {
      const auto name = trim(part.substr(0, part.find('=')));
      auto value = part.find('=') == std::string_view::npos ? std::string_view{} : trim(part.substr(part.find('=') + 1));
      if (value.size() > 1 && value.starts_with('"') && value.ends_with('"')) value = value.substr(1, value.size() - 2);
      if (iequals(name, "no-store") || iequals(name, "private")) out.allowed = false;
      if (iequals(name, "no-cache")) ask_again = true;
      if (iequals(name, "max-age")) own = parse_number<std::uint64_t>(value);
      if (iequals(name, "s-maxage")) shared = parse_number<std::uint64_t>(value);
    });
  }
  if (head.find("vary") == "*") out.allowed = false;
  const auto most = static_cast<std::uint64_t>(fresh_max.count());
  const auto age = parse_number<std::uint64_t>(head.find("age").value_or("")).value_or(0);
  const auto life = shared ? *shared : own.value_or(0);
  if (!ask_again && life > age) out.fresh = std::chrono::seconds{std::min(life - age, most)};
  return out;
}

/// Ours: goes down again however the work ends.
class Counted {
 public:
  explicit Counted(std::size_t& count) noexcept : count_{count} { ++count_; }
  ~Counted() { --count_; }
  Counted(const Counted&) = delete;
  Counted& operator=(const Counted&) = delete;

 private:
  std::size_t& count_;
};

WebFile file_of(std::string content) {
  WebFile file;
  file.bytes = std::make_shared<const std::string>(std::move(content));
  file.type = type_of(*file.bytes);
  file.sha256 = net::sha256(*file.bytes);
  return file;
}

}  // namespace

Result<WebFile> read_data_url(std::string_view url, std::size_t bytes_max) {
  const auto comma = url.find(',');
  if (comma == std::string_view::npos) return fail(Kind::bad_request, "it is a data URL without a ','");
  const auto head = trim(url.substr(0, comma));
  const auto data = url.substr(comma + 1);
  const auto last = trim(head.substr(head.rfind(';') + 1));
  const bool base64 = head.find(';') != std::string_view::npos && iequals(last, "base64");
  // Four characters of base64 are three bytes, three of percent encoding one.
  if (data.size() / 3 > bytes_max) return std::unexpected{too_large(bytes_max)};
  auto content = percent_decoded(data);
  if (content && base64) content = from_base64(*content);
  if (!content)
    return fail(Kind::bad_request, cat("it is a data URL whose content is no ", base64 ? "base64" : "percent encoding"));
  if (content->size() > bytes_max) return std::unexpected{too_large(bytes_max)};
  return file_of(std::move(*content));
}

struct WebFetcher::Step {
  std::optional<WebFile> file;
  std::string location;
};

WebFetcher::WebFetcher(net::Loop& loop, net::Dialer& dialer, FailureSink on_failure)
    : loop_{loop},
      client_{loop, dialer, client_options()},
      on_failure_{std::move(on_failure)},
      cache_{std::make_unique<WebCache>()} {}

WebFetcher::~WebFetcher() = default;

void WebFetcher::forget() { cache_->clear(); }

net::Task<Result<WebFile>> WebFetcher::get(std::string_view url, const WebLimits& limits) {
  if (iequals(url.substr(0, 5), "data:")) co_return read_data_url(url, limits.bytes);
  if (!limits.on) co_return fail(Kind::forbidden, "this gateway fetches no addresses (its operator's `fetch.urls` is off)");
  Result<http::WebAddress> address = http::parse_web_address(url);
  if (!address) co_return fail_with(address);
  if (under_way_ >= under_way_max) co_return fail(Kind::unavailable, "too many addresses are being fetched; try again shortly");
  const Counted counted{under_way_};
  net::Scope& outer = co_await net::current_scope();
  net::Scope limited{outer};
  limited.set_deadline(loop_.now() + limits.time, Kind::upstream_timeout);
  const auto work = fetch(std::move(*address), limits);
  Result<WebFile> file = co_await work.in(limited);
  if (file) co_return file;
  on_failure_("web", file.error());
  co_return std::unexpected{told(std::move(file.error()), limits)};
}

net::Task<Result<WebFile>> WebFetcher::fetch(http::WebAddress address, const WebLimits& limits) {
  for (int redirects = 0;; ++redirects) {
    Result<Step> step = co_await ask(address, limits);
    if (!step) co_return fail_with(step);
    if (step->file) co_return std::move(*step->file);
    if (redirects == redirects_max)
      co_return fail(Kind::upstream_failed, cat("it redirects more than ", redirects_max, " times"));
    Result<http::WebAddress> next = http::follow(address, step->location);
    if (!next) co_return fail_with(next);
    address = std::move(*next);
  }
}

net::Task<Result<WebFetcher::Step>> WebFetcher::ask(const http::WebAddress& address, const WebLimits& limits) {
  const std::string url = address.text();
  std::string conditions;
  if (const WebCache::Entry* known = cache_->find(url)) {
    const bool fits = known->file.bytes->size() <= limits.bytes;
    if (fits && loop_.now() < known->fresh_until) co_return Step{known->file, {}};
    if (fits && !known->etag.empty()) conditions += cat("if-none-match: ", known->etag, "\r\n");
    if (fits && !known->modified.empty()) conditions += cat("if-modified-since: ", known->modified, "\r\n");
  }
  const std::string head =
      cat("GET ", address.target, " HTTP/1.1\r\nhost: ", address.authority(),
          "\r\nuser-agent: cardea\r\naccept: */*\r\naccept-encoding: identity\r\n", conditions, "connection: close\r\n\r\n");
  const std::array<std::string_view, 1> pieces{head};
  http::CallRequest sending;
  sending.method = wire::Method::get;
  sending.pieces = pieces;
  sending.timeouts = {.connect = limits.time, .send = limits.time, .first_byte = limits.time, .inter_chunk = limits.time};
  sending.exceptions = limits.exceptions;
  const bool named = limits.exceptions != nullptr && limits.exceptions->hold(address.origin.host, address.origin.port);
  if (named) sending.egress = net::Egress::anywhere;
  Result<http::Call> call = co_await client_.call(address.origin, sending);
  if (!call) co_return fail_with(call);
  const wire::ResponseHead& answer = call->head();
  const unsigned status = answer.status();
  const Keeping keeping = keeping_of(answer);
  if (status == 304 && !conditions.empty()) {
    WebCache::Entry* const known = cache_->find(url);
    if (known == nullptr) co_return fail(Kind::upstream_protocol, "what is not modified is no longer kept");
    known->fresh_until = loop_.now() + keeping.fresh;
    co_return Step{known->file, {}};
  }
  cache_->erase(url);
  const bool redirect = status == 301 || status == 302 || status == 303 || status == 307 || status == 308;
  if (redirect && answer.find(wire::Field::location)) co_return Step{{}, std::string{*answer.find(wire::Field::location)}};
  if (status != 200) co_return fail(Kind::upstream_failed, cat("it answers with status ", status));
  WebCache::Entry entry;
  entry.etag = answer.find("etag").value_or("");
  entry.modified = answer.find("last-modified").value_or("");
  Result<std::string> content = co_await read(*call, limits);
  if (!content) co_return fail_with(content);
  entry.file = file_of(std::move(*content));
  entry.file.bytes = cache_->shared(entry.file.sha256, std::move(entry.file.bytes));
  entry.fresh_until = loop_.now() + keeping.fresh;
  Step step{entry.file, {}};
  const bool useful = keeping.fresh.count() > 0 || entry.has_validator();
  if (keeping.allowed && useful) cache_->store(url, std::move(entry), limits.cache_bytes);
  co_return step;
}

net::Task<Result<std::string>> WebFetcher::read(http::Call& call, const WebLimits& limits) {
  const auto coding = call.head().find(wire::Field::content_encoding).value_or("");
  if (!coding.empty() && !iequals(coding, "identity"))
    co_return fail(Kind::upstream_failed, "it comes compressed though nobody asked");
  if (call.head().content_length() > limits.bytes) co_return std::unexpected{too_large(limits.bytes)};
  std::string content;
  Buffer piece;
  for (;;) {
    Result<std::size_t> got = co_await call.read_into(piece);
    if (!got) co_return fail_with(got);
    if (*got == 0) co_return content;
    if (content.size() + piece.size() > limits.bytes) co_return std::unexpected{too_large(limits.bytes)};
    content += piece.view();
    piece.clear();
  }
}

}  // namespace cardea::execute
