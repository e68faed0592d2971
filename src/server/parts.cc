#include "server/parts.h"

#include <algorithm>
#include <iterator>

#include "access/settings_check.h"
#include "base/text.h"

namespace cardea::server {
namespace {

/// "what is wrong; what to do" in two.
void add(std::vector<config::Problem>& problems, const config::Places& places, std::string path, const Error& error,
         std::string_view fix) {
  config::Problem problem;
  if (const auto* where = places.find({}, path)) problem.where = *where;
  problem.path = std::move(path);
  const std::string_view text = error.message();
  const auto cut = text.rfind("; ");
  problem.message = text.substr(0, cut);
  problem.fix = cut == std::string_view::npos ? fix : text.substr(cut + 2);
  problems.push_back(std::move(problem));
}

}  // namespace

net::TlsServerContext::Options tls_options(const config::Tls& tls) {
  net::TlsServerContext::Options options;
  options.certificate_file = tls.cert;
  options.key_file = tls.key;
  options.min_version = tls.min_version == config::TlsVersion::v1_2 ? net::TlsVersion::tls12 : net::TlsVersion::tls13;
  if (tls.client_auth != config::ClientAuth::off) options.client_ca_file = tls.client_ca;
  using Client = net::TlsServerContext::Options::Client;
  options.client = tls.client_auth == config::ClientAuth::required ? Client::required : Client::optional;
  return options;
}

Result<net::ProxySettings> proxies(const config::Settings& settings, const config::Env& env) {
  return net::ProxySettings::from_environment([&](const char* name) -> std::string {
    const std::string_view variable{name};
    const bool names_a_proxy = variable.find("no_proxy") == variable.npos && variable.find("NO_PROXY") == variable.npos;
    if (names_a_proxy && !settings.upstream.proxy.empty()) return settings.upstream.proxy;
    return env(variable).value_or("");
  });
}

Result<net::Address> listen_address(const std::string& text) {
  const auto parts = config::parse_listen(text);
  if (parts && parts->unix_path.empty() && parts->host.empty()) return net::Address::parse(cat("0.0.0.0:", parts->port));
  return net::Address::parse(text);
}

std::vector<config::Problem> start_problems(const Configuration& configuration, const config::Env& env) {
  const config::Settings& settings = configuration.settings;
  const config::Places& places = configuration.places;
  std::vector<config::Problem> problems;
  for (std::size_t i = 0; i < settings.listen.size(); ++i) {
    if (!config::parse_listen(settings.listen[i])) continue;  // said already
    const Result<net::Address> address = listen_address(settings.listen[i]);
    if (!address) add(problems, places, cat("listen[", i, "]"), address.error(), "write an IP address, or localhost");
  }
  if (!settings.tls.cert.empty() && !settings.tls.key.empty()) {
    const auto tls = net::TlsServerContext::load(tls_options(settings.tls));
    if (!tls) add(problems, places, "tls.cert", tls.error(), "name the PEM files of a certificate and its key");
  }
  if (!settings.upstream.tls_ca.empty()) {
    const auto trusted = net::TlsClientContext::make({settings.upstream.tls_ca});
    if (!trusted) add(problems, places, "upstream.tls_ca", trusted.error(), "name a readable PEM file");
  }
  for (std::size_t i = 0; i < settings.fetch.allow.size(); ++i) {
    const auto target = net::EgressExceptions::parse(std::span{settings.fetch.allow}.subspan(i, 1));
    if (!target) add(problems, places, cat("fetch.allow[", i, "]"), target.error(), "write a host name or a network");
  }
  const std::pair<std::string_view, const std::vector<std::string>*> networks[] = {{"allow_ips", &settings.allow_ips},
                                                                                   {"deny_ips", &settings.deny_ips}};
  for (const auto& [field, entries] : networks) {
    const auto list = net::IpList::parse(*entries);
    if (!list) add(problems, places, std::string{field}, list.error(), "correct the entry");
  }
  const auto trusted = access::TrustedProxies::parse(settings.trusted_proxies);
  if (!trusted) add(problems, places, "trusted_proxies", trusted.error(), "correct the entry, or write unix for Unix sockets");
  std::ranges::move(access::identity_problems(settings, places), std::back_inserter(problems));
  const auto proxy = proxies(settings, env);
  if (!proxy) add(problems, places, "upstream.proxy", proxy.error(), "write http://HOST:PORT");
  const auto keys = access::Directory::make(settings.keys, origin_rules(settings));
  // Keys that are empty, odd or there twice were said already; what is left is their names and lengths.
  if (!keys && configuration.usable()) add(problems, places, "keys", keys.error(), "correct the keys");
  if (configuration.usable()) {
    const auto upstreams = execute::Upstreams::make(*configuration.catalog);
    if (!upstreams) add(problems, places, "providers", upstreams.error(), "use a newer Cardea, or remove it");
  }
  config::finish(problems, settings.variables);
  return problems;
}

}  // namespace cardea::server
