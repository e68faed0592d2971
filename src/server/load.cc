#include "server/load.h"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <iterator>

#include "base/text.h"

namespace cardea::server {
namespace {

struct ReadFile {
  std::string name;
  std::string text;
};

config::Problem unreadable(const std::string& name, const char* flag, const Error& reason) {
  config::Problem problem;
  problem.where.file = name;
  problem.message = reason.message();
  problem.fix = cat("check the path and its permissions, or leave ", std::string_view{flag}, " out");
  return problem;
}

/// A named file must be there; one looked for by default need not.
void read(const std::string& name, const char* flag, std::vector<ReadFile>& files, std::vector<config::Problem>& problems) {
  Result<std::string> text = read_file(name);
  if (text) {
    files.push_back({name, std::move(*text)});
  } else {
    problems.push_back(unreadable(name, flag, text.error()));
  }
}

std::string first_existing(const Sources& sources) {
  if (!sources.config_file.empty()) return sources.config_file;
  for (const char* name : default_config_files) {
    if (::access(name, R_OK) == 0) return name;
  }
  return {};
}

net::Duration bounded(config::Milliseconds value) { return value.count() == 0 ? net::forever : net::Duration{value}; }

execute::AttemptLimits attempt_limits(const config::Settings& settings) {
  execute::AttemptLimits limits;
  limits.timeouts.connect = settings.timeouts.connect;
  limits.timeouts.first_byte = bounded(settings.timeouts.first_byte);
  limits.timeouts.inter_chunk = bounded(settings.timeouts.inter_chunk);
  limits.timeouts.send = bounded(settings.timeouts.body);
  limits.response_bytes = settings.limits.response_bytes.count;
  limits.event_bytes = settings.limits.sse_event_bytes.count;
  return limits;
}

access::Peer reach_of(const config::Settings& settings) {
  const bool only_local = std::ranges::all_of(settings.listen, [](const auto& text) {
    const auto address = config::parse_listen(text);
    return address && address->loopback();
  });
  return only_local ? access::Peer::local : access::Peer::remote;
}

bool is_error(const config::Problem& problem) { return problem.severity == config::Severity::error; }

/// Something that other problems may follow from, by names at least: a whole file, or a whole list of named things, is missing.
bool hides_names(const config::Problem& problem) {
  return problem.path.empty() || problem.path == "providers" || problem.path == "models" || problem.path == "aliases";
}

/// The catalog's own checks of what could be read. What they say of a field that a problem was found with already is no news.
void add_catalog(Configuration& out, const config::Env& env, std::span<const catalog::Discovered> found) {
  const auto earlier = out.problems;
  const bool good = std::ranges::none_of(earlier, is_error);
  catalog::BuildOptions options{.found = found, .read = [](const std::string& name) { return read_file(name); }};
  if (std::ranges::any_of(earlier, hides_names)) options.settings = catalog::BuildOptions::Settings::partial;
  catalog::Built built = catalog::build(out.settings, env, options);
  for (config::Problem& problem : built.problems) {
    const auto same = [&](const config::Problem& other) {
      return other.where.file == problem.where.file && config::same_branch(other.path, problem.path);
    };
    if (std::ranges::any_of(earlier, same)) continue;
    if (const auto* where = problem.where.file.empty() ? nullptr : out.places.find(problem.where.file, problem.path))
      problem.where = *where;
    out.problems.push_back(std::move(problem));
  }
  config::finish(out.problems, out.settings.variables);
  std::ranges::move(built.files, std::back_inserter(out.files));
  if (good) out.catalog = std::move(built.catalog);
}

}  // namespace

access::OriginRules origin_rules(const config::Settings& settings) { return {settings.allowed_origins, settings.allowed_hosts}; }

config::Env process_environment() {
  return [](std::string_view name) -> std::optional<std::string> {
    const char* value = std::getenv(std::string{name}.c_str());  // NOLINT: nobody calls setenv
    if (value == nullptr) return std::nullopt;
    return value;
  };
}

Result<std::string> read_file(const std::string& name) {
  const int fd = open(name.c_str(), O_RDONLY | O_CLOEXEC);
  std::string text;
  ssize_t got = fd < 0 ? -1 : 1;
  for (char block[16 * 1024]; got > 0;) {
    got = ::read(fd, block, sizeof block);
    if (got > 0) text.append(block, static_cast<std::size_t>(got));
  }
  const int reason = errno;
  if (fd >= 0) close(fd);
  if (got < 0)
    return fail(Kind::config,
                cat("cannot be read: ", std::string_view{std::strerror(reason)}));  // NOLINT: glibc's is thread-safe
  return text;
}

Configuration load(const Sources& sources, std::span<const catalog::Discovered> found) {
  Configuration out;
  std::vector<ReadFile> texts;
  if (const std::string name = first_existing(sources); !name.empty()) read(name, "--config", texts, out.problems);
  if (!sources.models_file.empty()) {
    read(sources.models_file, "--models", texts, out.problems);
  } else if (::access(default_models_file, R_OK) == 0) {
    read(default_models_file, "--models", texts, out.problems);
  }
  std::vector<config::File> files;
  for (const ReadFile& file : texts) {
    files.push_back({file.name, file.text});
    out.files.push_back(file.name);
  }
  const config::Env env = sources.env ? sources.env : process_environment();
  config::Loaded loaded = config::load(files, env, sources.overrides);
  std::ranges::move(loaded.problems, std::back_inserter(out.problems));
  out.settings = std::move(loaded.settings);
  out.places = std::move(loaded.places);
  if (sources.amend) sources.amend(out.settings);
  for (const std::string& file : {out.settings.tls.cert, out.settings.tls.key, out.settings.tls.client_ca}) {
    if (!file.empty()) out.files.push_back(file);
  }
  add_catalog(out, env, found);
  return out;
}

Result<std::shared_ptr<const pipeline::Snapshot>> make_snapshot(const Configuration& configuration,
                                                                const std::string& data_directory) {
  const config::Settings& settings = configuration.settings;
  Result<execute::Upstreams> upstreams = execute::Upstreams::make(*configuration.catalog);
  if (!upstreams) return fail_with(upstreams);
  auto snapshot = std::make_shared<pipeline::Snapshot>(pipeline::Snapshot{
      .catalog = configuration.catalog, .upstreams = std::move(*upstreams), .origins = origin_rules(settings)});
  snapshot->reach = reach_of(settings);
  snapshot->metrics_served = settings.metrics.enabled == config::Switch::on;
  const auto metrics_auth = settings.metrics.auth;
  snapshot->metrics_need_key =
      metrics_auth == config::MetricsAuth::key || (metrics_auth == config::MetricsAuth::automatic && !settings.keys.empty());
  snapshot->metrics_automatic = metrics_auth == config::MetricsAuth::automatic;
  snapshot->body_bytes_max = settings.limits.body_bytes.count;
  snapshot->upload_bytes_max = settings.limits.upload_bytes.count;
  snapshot->file_limits = {.image = settings.limits.image_bytes.count, .sound = settings.limits.audio_bytes.count};
  snapshot->spool_directory = data_directory;
  const bool others_vouch = !settings.jwt.empty() || !settings.introspection.empty() || !settings.oidc.issuer.empty();
  snapshot->passthrough = settings.passthrough == config::Passthrough::on ||
                          (settings.passthrough == config::Passthrough::automatic && settings.keys.size() <= 1 && !others_vouch);
  snapshot->passthrough_automatic = settings.passthrough == config::Passthrough::automatic;
  snapshot->total_timeout = bounded(settings.timeouts.total);
  snapshot->attempt = attempt_limits(settings);
  snapshot->responses = {.stored = settings.responses.store == config::Switch::on,
                         .retention = std::chrono::days{settings.responses.retention_days}};
  Result<net::EgressExceptions> exceptions = net::EgressExceptions::parse(settings.fetch.allow);
  if (!exceptions) return fail_with(exceptions);
  snapshot->web = {.on = settings.fetch.urls == config::Switch::on,
                   .bytes = settings.fetch.bytes_max.count,
                   .time = settings.fetch.time,
                   .cache_bytes = settings.fetch.cache_bytes.count,
                   .exceptions = std::make_shared<const net::EgressExceptions>(std::move(*exceptions))};
  snapshot->vouching = {settings.jwt, settings.introspection, settings.oidc};
  Result<access::TrustedProxies> trusted = access::TrustedProxies::parse(settings.trusted_proxies);
  if (!trusted) return fail(Kind::config, cat("trusted_proxies: ", trusted.error().message()));
  Result<net::IpList> allow = net::IpList::parse(settings.allow_ips);
  if (!allow) return fail(Kind::config, cat("allow_ips: ", allow.error().message()));
  Result<net::IpList> deny = net::IpList::parse(settings.deny_ips);
  if (!deny) return fail(Kind::config, cat("deny_ips: ", deny.error().message()));
  snapshot->addresses = {.proxies = std::move(*trusted), .allow = std::move(*allow), .deny = std::move(*deny)};
  snapshot->models_json = pipeline::render_models(configuration.catalog->list());
  return snapshot;
}

}  // namespace cardea::server
