#include "config/validate.h"

#include <unordered_map>
#include <unordered_set>

#include "base/text.h"

namespace cardea::config {
namespace {

constexpr std::size_t name_bytes_max = 256;

class Validation {
 public:
  Validation(Settings& settings, const Places& places, std::vector<Problem>& problems)
      : settings_{settings}, places_{places}, problems_{problems} {
    for (const auto& problem : problems) reported_.insert(cat(problem.where.file, "\n", problem.path));
  }

  void run() {
    listen();
    tls();
    keys();
    models();
    aliases();
    providers();
  }

 private:
  /// `where`: of the entry the path begins with, empty when the path alone says where.
  void problem(Where where, std::string path, std::string message, std::string fix) {
    if (const auto* found = places_.find(where.file, path)) where = *found;
    problems_.push_back({Severity::error, std::move(where), std::move(path), std::move(message), std::move(fix)});
  }

  /// Reading the files has said something of this field already: what follows from it is no news.
  bool reported(const Where& where, std::string_view path) const { return reported_.contains(cat(where.file, "\n", path)); }

  void listen() {
    const bool nobody_is_known = settings_.keys.empty() && settings_.jwt.empty() && settings_.introspection.empty() &&
                                 settings_.oidc.issuer.empty() && settings_.tls.client_ca.empty();
    if (settings_.listen.empty()) problem({}, "listen", "no address to listen on", "write e.g. 127.0.0.1:8080");
    for (std::size_t i = 0; i < settings_.listen.size(); ++i) {
      const auto& text = settings_.listen[i];
      const auto address = parse_listen(text);
      // Only the items of the list that counts have places of their own: a later file's list, or the environment's, replaces it.
      const auto* list = places_.at({}, "listen");
      const auto item = cat("listen[", i, "]");
      const auto path = list != nullptr && places_.at(list->file, item) != nullptr ? item : std::string{"listen"};
      if (!address && list != nullptr && reported(*list, path)) continue;
      if (!address) {
        problem({}, path, cat("'", text, "' is not an address"), "write HOST:PORT, [IPV6]:PORT, :PORT or unix:/PATH");
      } else if (nobody_is_known && !address->loopback()) {
        // Only a start knows whether the administration made one.
        problem({}, path, cat("'", text, "' can be reached from other machines, and the configuration has no gateway key"),
                "set API_KEY=… in the environment, add keys: to the file, make one with 'cardea keys create', or listen on "
                "127.0.0.1");
        problems_.back().severity = Severity::warning;
      }
    }
  }

  void tls() {
    const auto& tls = settings_.tls;
    if (tls.client_auth == ClientAuth::required && tls.client_ca.empty()) {
      problem({}, "tls.client_auth", "clients must show a certificate, and there is no authority to check it by",
              "name the authorities' PEM file as tls.client_ca");
    }
    if (!tls.client_ca.empty() && tls.cert.empty()) {
      problem({}, "tls.client_ca", "clients show certificates over TLS only, and tls has no cert and key", "name both PEM files");
    }
    if (tls.cert.empty() == tls.key.empty()) return;
    const std::string_view missing = tls.cert.empty() ? "cert" : "key";
    problem({}, cat("tls.", tls.cert.empty() ? "key" : "cert"), cat("tls needs both cert and key; ", missing, " is missing"),
            "name both PEM files, or neither");
  }

  void keys() {
    std::unordered_map<std::string_view, std::string> seen;
    ElementPaths paths{"keys"};
    for (const auto& key : settings_.keys) {
      const auto text = key.key.reveal();
      const auto path = paths.next(key.where);
      const auto odd = [](char c) { return static_cast<unsigned char>(c) <= ' ' || static_cast<unsigned char>(c) >= 0x7f; };
      if (text.empty()) {
        const bool known = reported(key.where, path) || reported(key.where, path + ".key") || reported(key.where, "keys");
        if (!known)
          problem(key.where, path, "the key is empty", "give it a value or remove it; an empty key would let nobody in");
      } else if (std::any_of(text.begin(), text.end(), odd)) {
        problem(key.where, path, "the key holds a space or a character outside ASCII, so no client could send it",
                "use letters, digits and punctuation");
      } else if (const auto [first, fresh] = seen.try_emplace(text, path); !fresh) {
        problem(key.where, path, cat("the same key as ", first->second), "remove one of the two");
      }
    }
  }

  bool good_name(const Where& where, const std::string& path, std::string_view name) {
    const auto odd = [](char c) { return static_cast<unsigned char>(c) < ' ' || c == 0x7f; };
    const auto star = name.find('*');
    if (name.empty() || name.size() > name_bytes_max || std::any_of(name.begin(), name.end(), odd)) {
      problem(where, path, "not a usable name", cat("use 1 to ", name_bytes_max, " visible characters"));
    } else if (star != std::string_view::npos && star + 1 != name.size()) {
      problem(where, path, "'*' may only be the last character of a name", "write e.g. openai/*");
    } else {
      return true;
    }
    return false;
  }

  void models() {
    std::unordered_map<std::string_view, const Where*> seen;
    ElementPaths paths{"models"};
    for (const auto& model : settings_.models) {
      const auto path = paths.next(model.where);
      // An empty name was reported as missing, or as a variable not set.
      if (!model.name.empty() && good_name(model.where, path + ".name", model.name)) {
        if (const auto [first, fresh] = seen.try_emplace(model.name, &model.where); !fresh) {
          const auto other = first->second->file == model.where.file ? std::string{} : cat(" of ", first->second->file);
          problem(model.where, path + ".name",
                  cat("'", model.name, "' is already the name of the model on line ", first->second->line, other),
                  "rename one of the two");
        }
      }
      model_target(model, path);
      if (model.auth) auth(model.where, path + ".auth", *model.auth, model.api_key.empty());
      if (model.auth && !model.api_key.empty() && !model.auth->value.empty()) {
        problem(model.where, path + ".api_key", "the key is given twice, here and as auth.value", "keep one of the two");
      }
      if (model.rate_limit.qps == 0 && model.rate_limit.burst != 0) {
        problem(model.where, path + ".rate_limit", "burst without qps has no effect", "add qps, or remove burst");
      }
    }
  }

  void model_target(const Model& model, const std::string& path) {
    if (model.endpoint.empty() && model.provider.empty()) {
      const bool known = reported(model.where, path + ".endpoint") || reported(model.where, path + ".provider");
      if (!known)
        problem(model.where, path, "neither endpoint nor provider is given",
                "add endpoint: http://HOST:PORT, or provider: openai");
    } else if (!model.endpoint.empty() && !model.provider.empty()) {
      problem(model.where, path + ".provider", "endpoint and provider are both given",
              "keep one of the two; a provider has its own base_url");
    }
    if (!model.provider.empty() && (model.auth || !model.api_key.empty())) {
      problem(model.where, path + ".auth", "a model of a provider uses the provider's key",
              cat("move it to providers.", model.provider, ".api_key"));
    }
    const auto& upstream = model.upstream_model;
    const bool wildcard = model.name.ends_with('*');
    if (upstream.find('*') != std::string::npos && (!wildcard || upstream != "*")) {
      problem(model.where, path + ".upstream_model", "'*' is possible only alone, and only when the name ends in *",
              "write upstream_model: \"*\" or leave it out");
    }
  }

  void auth(const Where& where, const std::string& path, const Auth& auth, bool needs_value) {
    if (auth.type == AuthType::header && auth.header.empty())
      problem(where, path + ".header", "type header needs the name of the header", "add header: api-key");
    if (auth.type == AuthType::bearer && !auth.header.empty() && !iequals(auth.header, "authorization")) {
      problem(where, path + ".header", "type bearer is always sent as Authorization", "use type: header");
    }
    const bool takes_value = auth.type != AuthType::none && !signs(auth.type);
    if (takes_value && auth.value.empty() && needs_value && !reported(where, path + ".value"))
      problem(where, path + ".value", "the key is missing", "add value: ${SERVICE_KEY}, or use type: none");
    signer(where, path, auth);
    if (auth.type == AuthType::none && !auth.value.empty())
      problem(where, path + ".value", "type none sends no key", "remove value, or choose another type");
  }

  static bool signs(AuthType type) { return type == AuthType::sigv4 || type == AuthType::google_service_account; }

  /// What signs requests is whole, or comes from the environment as a whole: halves of two would sign as nobody.
  void signer(const Where& where, const std::string& path, const Auth& auth) {
    const bool aws = !auth.access_key.empty() || !auth.secret_key.empty() || !auth.session_token.empty() || !auth.service.empty();
    if (aws && auth.type != AuthType::sigv4)
      problem(where, path + ".type", "access_key, secret_key, session_token and service are of type sigv4", "write type: sigv4");
    if (!auth.credentials.empty() && auth.type != AuthType::google_service_account)
      problem(where, path + ".type", "credentials are of type google_service_account", "write type: google_service_account");
    if (auth.type == AuthType::sigv4 && auth.access_key.empty() != auth.secret_key.empty()) {
      const std::string_view missing = auth.access_key.empty() ? "access_key" : "secret_key";
      problem(where, path, cat("sigv4 needs both access_key and secret_key; ", missing, " is missing"),
              "give both, or neither to take them from AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY");
    }
    if (auth.type == AuthType::sigv4 && !auth.session_token.empty() && auth.access_key.empty() && auth.secret_key.empty())
      problem(where, path + ".session_token", "a session_token belongs to an access_key and a secret_key", "give all three");
    if (signs(auth.type) && !auth.header.empty())
      problem(where, path + ".header", "a signed request has headers of its own", "remove header");
  }

  void aliases() {
    for (const auto& [name, alias] : settings_.aliases) targets_.emplace(name, alias.target);
    for (const auto& [name, alias] : settings_.aliases) {
      const auto path = cat("aliases.", name);
      const bool named = good_name(alias.where, path, name);
      if (!good_name(alias.where, path, alias.target) || !named) continue;
      if (alias.target.ends_with('*') && (!name.ends_with('*') || !alias.target.ends_with("/*"))) {
        problem(alias.where, path, "a target with '*' must be 'provider/*', behind a name that ends in *",
                "write e.g. \"gpt-*\": openai/*");
      }
      cycle(name, alias, path);
    }
  }

  /// Follows an alias to its end; each cycle is reported once.
  void cycle(const std::string& start, const Alias& alias, const std::string& path) {
    std::unordered_set<std::string_view> walk;
    for (std::string_view at = start; !followed_.contains(at);) {
      if (!walk.insert(at).second) {
        problem(alias.where, path, "the alias leads back to itself", "let it name a model");
        break;
      }
      const auto next = targets_.find(at);
      if (next == targets_.end()) break;
      at = next->second;
    }
    followed_.merge(walk);
  }

  void providers() {
    for (const auto& [name, provider] : settings_.providers) {
      const auto path = cat("providers.", name);
      const auto usable = [](char c) {
        return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-' || c == '_' || c == '.';
      };
      if (name.empty() || !std::all_of(name.begin(), name.end(), usable)) {
        problem(provider.where, path, "not a usable name of a provider", "use a-z, 0-9, '-', '_' and '.'");
      }
      // A built-in one brings what is not written here; the catalog checks the whole.
      if (provider.auth.type == AuthType::header && provider.auth.header.empty()) {
        problem(provider.where, path + ".auth.header", "type header needs the name of the header", "add header: api-key");
      }
      signer(provider.where, path + ".auth", provider.auth);
      target(provider.where, path + ".chat_path", provider.chat_path);
      target(provider.where, path + ".stream_path", provider.stream_path);
      if (!provider.api_key.empty() && !provider.auth.value.empty()) {
        problem(provider.where, path + ".api_key", "the key is given twice, here and as auth.value", "keep one of the two");
      }
    }
  }

  void target(const Where& where, const std::string& path, std::string_view text) {
    const auto odd = [](char c) { return c <= ' ' || c == 0x7f || c == '#'; };
    if (!text.empty() && (text[0] != '/' || std::any_of(text.begin(), text.end(), odd)))
      problem(where, path, cat("'", text, "' is not a path"), "write e.g. /models/{model}:rawPredict");
  }

  Settings& settings_;
  const Places& places_;
  std::vector<Problem>& problems_;
  std::unordered_set<std::string> reported_;                        ///< file and path of what reading found
  std::unordered_map<std::string_view, std::string_view> targets_;  ///< of the aliases
  std::unordered_set<std::string_view> followed_;                   ///< aliases known to end, or reported
};

}  // namespace

void validate(Settings& settings, const Places& places, std::vector<Problem>& problems) {
  Validation{settings, places, problems}.run();
}

std::optional<ListenAddress> parse_listen(std::string_view text) {
  constexpr std::size_t unix_path_max = 107;
  ListenAddress out;
  if (text.starts_with("unix:")) {
    out.unix_path = text.substr(5);
    if (out.unix_path.empty() || out.unix_path.size() > unix_path_max || out.unix_path.find('\0') != std::string::npos)
      return std::nullopt;
    return out;
  }
  const auto colon = text.rfind(':');
  const auto port = parse_number<std::uint16_t>(colon == std::string_view::npos ? text : text.substr(colon + 1));
  if (!port) return std::nullopt;
  out.port = *port;
  auto host = colon == std::string_view::npos ? std::string_view{"127.0.0.1"} : text.substr(0, colon);
  if (host.starts_with('[')) {
    if (!host.ends_with(']') || host.find(':') == std::string_view::npos) return std::nullopt;
    host = host.substr(1, host.size() - 2);
    if (host.find_first_not_of("0123456789abcdefABCDEF:.") != std::string_view::npos) return std::nullopt;
  } else if (host.find_first_of(": /[]@\t\r\n") != std::string_view::npos || host.find('\0') != std::string_view::npos) {
    return std::nullopt;
  }
  if (host == "*") host = {};
  out.host = host.empty() ? "0.0.0.0" : std::string{host};
  return out;
}

bool ListenAddress::loopback() const {
  if (!unix_path.empty() || host == "::1" || iequals(host, "localhost")) return true;
  if (!host.starts_with("127.")) return false;
  // Only a dotted address: 127.example.com is somebody else's name.
  return host.find_first_not_of("0123456789.") == std::string::npos;
}

}  // namespace cardea::config
