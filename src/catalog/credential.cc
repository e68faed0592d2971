// What a provider proves itself with: a key, a token, keys of AWS, a Google service account; and what its address must know of
// it.

#include "base/text.h"
#include "catalog/data.h"
#include "catalog/dialects.h"
#include "json/value.h"

namespace cardea::catalog {
namespace {

using config::AuthType;
using Field = Wrong::Field;

// The names that the vendors' own SDKs read.
constexpr std::string_view aws_id = "AWS_ACCESS_KEY_ID";
constexpr std::string_view aws_secret = "AWS_SECRET_ACCESS_KEY";
constexpr std::string_view aws_token = "AWS_SESSION_TOKEN";
constexpr std::string_view aws_regions[] = {"AWS_REGION", "AWS_DEFAULT_REGION"};
constexpr std::string_view google_credentials = "GOOGLE_APPLICATION_CREDENTIALS";
constexpr std::string_view google_project = "GOOGLE_CLOUD_PROJECT";
constexpr std::string_view google_location = "GOOGLE_CLOUD_LOCATION";
constexpr std::string_view google_token_url = "https://oauth2.googleapis.com/token";

std::string_view trim_lines(std::string_view text) {
  const auto blank = [](char c) { return c == ' ' || c == '\t' || c == '\r' || c == '\n'; };
  while (!text.empty() && blank(text.front())) text.remove_prefix(1);
  while (!text.empty() && blank(text.back())) text.remove_suffix(1);
  return text;
}

/// A text without white space around it: variables come with line breaks.
std::string variable(const config::Env& env, std::string_view name) {
  const auto value = env(name);
  return value ? std::string{trim_lines(*value)} : std::string{};
}

Secret first_set(const std::vector<std::string>& names, const config::Env& env) {
  for (const auto& name : names) {
    if (auto value = variable(env, name); !value.empty()) return Secret{std::move(value)};
  }
  return {};
}

/// "eu-central-1", "us-gov-west-1": what a label of an AWS address must look like to be a region.
bool is_region(std::string_view label) {
  const auto first = label.find('-');
  const auto last = label.rfind('-');
  if (first != 2 || last == first || !parse_number<std::uint8_t>(label.substr(last + 1))) return false;
  return label.substr(0, last).find_first_not_of("abcdefghijklmnopqrstuvwxyz-") == std::string_view::npos;
}

/// The region that an AWS service's address names; empty when it names none.
std::string region_of(std::string_view url) {
  const auto endpoint = parse_endpoint(url);
  if (!endpoint) return {};
  std::string_view host = endpoint->origin.host;
  if (host.find(".amazonaws.com") == std::string_view::npos && !host.ends_with(".api.aws")) return {};
  while (!host.empty()) {
    const auto dot = std::min(host.find('.'), host.size());
    if (is_region(host.substr(0, dot))) return std::string{host.substr(0, dot)};
    host.remove_prefix(std::min(host.size(), dot + 1));
  }
  return {};
}

/// cloud.google.com/vertex-ai/docs/reference/rest: a host per region; "global" has none of its own, multi-regions another form.
std::string aiplatform_host(std::string_view location) {
  if (location == "global") return "aiplatform.googleapis.com";
  if (location == "us" || location == "eu") return cat("aiplatform.", location, ".rep.googleapis.com");
  return cat(location, "-aiplatform.googleapis.com");
}

std::string joined(const std::vector<std::string_view>& names) {
  std::string out;
  for (std::size_t i = 0; i < names.size(); ++i) out += cat(i == 0 ? "" : i + 1 == names.size() ? " and " : ", ", names[i]);
  return out;
}

class Search {
 public:
  Search(const config::Provider& data, const config::Env& env, const ReadFile& read) : data_{data}, env_{env}, read_{read} {}

  Proof run() {
    proof_.way = Proof::Way::none;
    if (!take_key()) take_signer();
    fill_address();
    return std::move(proof_);
  }

 private:
  using Way = Proof::Way;

  void wrong(Field field, std::string message, std::string fix) {
    proof_.problems.push_back({field, std::move(message), std::move(fix)});
  }

  [[nodiscard]] bool signs() const {
    return data_.auth.type == AuthType::sigv4 || data_.auth.type == AuthType::google_service_account;
  }

  /// A key or a token. What the configuration gives counts first, then the variables with tokens, then those with keys.
  bool take_key() {
    for (const auto* given : {&data_.api_key, &data_.auth.value}) {
      const auto key = trim_lines(given->reveal());
      if (key.empty()) continue;
      proof_.key = Secret{std::string{key}};
      // Bedrock's and Vertex's keys are bearer tokens.
      proof_.way = signs() ? Way::bearer : Way::key;
      return true;
    }
    if (data_.auth.type == AuthType::none) return true;
    proof_.key = first_set(data_.bearer_env, env_);
    if (!proof_.key.empty()) {
      proof_.way = Way::bearer;
      return true;
    }
    if (signs()) return false;
    proof_.key = first_set(data_.key_env, env_);
    if (!proof_.key.empty()) {
      proof_.way = Way::key;
    } else if (data_.probe.empty() && !(data_.key_env.empty() && data_.bearer_env.empty())) {
      missing_.push_back(data_.key_env.empty() ? data_.bearer_env.front() : data_.key_env.front());
    }
    return true;
  }

  void take_signer() {
    proof_.way = Way::signer;
    if (data_.auth.type == AuthType::sigv4) {
      take_aws();
    } else {
      take_google();
    }
  }

  void take_aws() {
    const auto& auth = data_.auth;
    SigV4 keys;
    // All from one place: the parts of two keys sign as nobody.
    if (!auth.access_key.empty() || !auth.secret_key.empty()) {
      keys.access_key = trim_lines(auth.access_key.reveal());
      keys.secret_key = Secret{std::string{trim_lines(auth.secret_key.reveal())}};
      keys.session_token = Secret{std::string{trim_lines(auth.session_token.reveal())}};
    } else {
      keys.access_key = variable(env_, aws_id);
      keys.secret_key = Secret{variable(env_, aws_secret)};
      keys.session_token = Secret{variable(env_, aws_token)};
      if (keys.access_key.empty()) missing_.push_back(aws_id);
      if (keys.secret_key.empty()) missing_.push_back(aws_secret);
    }
    keys.service = auth.service.empty() ? "bedrock" : auth.service;
    keys.region = region();
    if (keys.region.empty()) missing_.push_back(aws_regions[0]);
    for (const std::string_view part : {std::string_view{keys.access_key}, keys.session_token.reveal(),
                                        std::string_view{keys.region}, std::string_view{keys.service}}) {
      const auto odd = [](char c) { return c <= ' ' || c >= 0x7f; };
      if (std::any_of(part.begin(), part.end(), odd))
        return wrong(Field::key, "a part of the AWS key holds a space", "correct it");
    }
    proof_.key = keys.secret_key;
    proof_.signer = std::move(keys);
  }

  /// What the address says stands above the variables: a request signed for another region is refused.
  std::string region() {
    if (!data_.auth.region.empty()) return data_.auth.region;
    if (auto said = region_of(data_.base_url); !said.empty()) return said;
    for (const auto name : aws_regions) {
      if (auto value = variable(env_, name); !value.empty()) return value;
    }
    return {};
  }

  void take_google() {
    std::string text{trim_lines(data_.auth.credentials.reveal())};
    if (text.empty()) text = variable(env_, google_credentials);
    if (text.empty()) return missing_.push_back(google_credentials);
    if (!text.starts_with('{')) {
      auto file = read_ ? read_(text) : fail(Kind::config, "cannot be read here");
      if (!file) {
        // Its name came from a secret or a variable: it is not repeated.
        return wrong(Field::key, cat("the file of the Google credentials ", file.error().message()),
                     cat("name the JSON file of a service account's key, as credentials or in ", google_credentials));
      }
      proof_.file = std::move(text);
      text = *std::move(file);
    }
    read_google(text);
  }

  void read_google(std::string_view text) {
    const auto value = json::parse(text);
    const auto member = [&](std::string_view name) -> std::string {
      const auto* found = value ? value->find(name) : nullptr;
      const auto* string = found == nullptr ? nullptr : found->as_string();
      return string == nullptr ? std::string{} : *string;
    };
    const std::string fix = "create a key of a service account in the Google Cloud console and name its JSON file";
    if (!value) return wrong(Field::key, "the Google credentials are not JSON", fix);
    if (const auto type = member("type"); type != "service_account")
      return wrong(Field::key, "the Google credentials are not those of a service account", fix);
    ServiceAccount account;
    account.client_email = member("client_email");
    account.key_id = member("private_key_id");
    account.private_key = Secret{member("private_key")};
    account.token_url = member("token_uri");
    if (account.token_url.empty()) account.token_url = google_token_url;
    project_ = member("project_id");
    if (account.client_email.empty() || account.private_key.reveal().find("-----BEGIN") == std::string_view::npos)
      return wrong(Field::key, "the Google credentials have no client_email or no private_key in PEM", fix);
    const auto token = parse_endpoint(account.token_url);
    // The assertion sent there is worth a token: in clear it may go to this machine only.
    const bool local = token && (token->origin.host == "localhost" || token->origin.host.starts_with("127."));
    if (!token || !(token->origin.scheme == Scheme::https || local))
      return wrong(Field::key, "the token_uri of the Google credentials is not an https URL", fix);
    proof_.key = account.private_key;
    proof_.signer = std::move(account);
  }

  void fill_address() {
    const auto blank = [&](std::string_view name) -> std::optional<std::string> {
      auto value = blank_value(name);
      return value.empty() ? std::nullopt : std::optional{std::move(value)};
    };
    auto filled = fill_blanks(data_.base_url, blank);
    if (filled) {
      proof_.base_url = *std::move(filled);
    } else if (const auto& name = filled.error().detail().param; name == "region" && region().empty()) {
      if (missing_.empty() || missing_.back() != aws_regions[0]) missing_.push_back(aws_regions[0]);
    } else if (name == "project" && blank_value(name).empty()) {
      // Without credentials the project may still come with them.
      if (missing_.empty() && proof_.problems.empty()) missing_.push_back(google_project);
    } else {
      wrong(Field::base_url, std::string{filled.error().message()}, "use {region}, {project}, {location} or {aiplatform_host}");
    }
    if (!missing_.empty()) proof_.missing = cat("set ", joined(missing_));
    // The other way in, where there is one beside keys that sign.
    if (!proof_.missing.empty() && signs() && !data_.bearer_env.empty() && missing_.front() == aws_id)
      proof_.missing += cat(", or ", data_.bearer_env.front());
  }

  std::string blank_value(std::string_view name) {
    const auto& auth = data_.auth;
    if (name == "region") return region();
    if (name == "project") {
      if (!auth.project.empty()) return auth.project;
      auto value = variable(env_, google_project);
      return value.empty() ? project_ : value;
    }
    if (name != "location" && name != "aiplatform_host") return {};
    auto location = auth.location.empty() ? variable(env_, google_location) : auth.location;
    if (location.empty()) location = "global";
    return name == "location" ? location : aiplatform_host(location);
  }

  const config::Provider& data_;
  const config::Env& env_;
  const ReadFile& read_;
  Proof proof_;
  std::vector<std::string_view> missing_;
  std::string project_;  ///< of the credentials
};

}  // namespace

Proof find_proof(const config::Provider& data, const config::Env& env, const ReadFile& read) {
  return Search{data, env, read}.run();
}

}  // namespace cardea::catalog
