// The catalog of one configuration: built-in data, what the user wrote, the environment, what discovery found.

#include <map>
#include <unordered_set>

#include "base/text.h"
#include "catalog/data.h"
#include "catalog/embedded.h"
#include "json/value.h"

namespace cardea::catalog {

class Builder {
 public:
  Builder(const config::Settings& settings, const config::Env& env, const BuildOptions& options)
      : settings_{settings}, env_{env}, options_{options}, catalog_{new Catalog}, data_{*catalog_->data_} {}

  Built run() {
    // Built-in ones first: of two providers with the same order (one that extends a built-in has its order), the built-in
    // answers.
    for (const auto& file : embedded()) add_builtin(file);
    for (const auto& [name, user] : settings_.providers) {
      if (find_embedded(name) == nullptr) add_user_provider(name, user);
    }
    sort_providers();
    name_provider_models();
    config::ElementPaths paths{"models"};
    for (const auto& model : settings_.models) add_model(model, paths.next(model.where));
    for (const auto& [name, alias] : settings_.aliases) add_alias(name, alias);
    // Only now: a target is looked up among what is not an alias, and an alias may hide that very name.
    for (const auto& [name, target] : aliases_) data_.names.insert_or_assign(name, target);
    order_wildcards();
    make_list();
    data_.upstreams.insert(data_.upstreams.begin(), data_.providers.begin(), data_.providers.end());
    Built out;
    config::finish(problems_, settings_.variables);
    out.problems = std::move(problems_);
    out.files = std::move(files_);
    if (!failed_) out.catalog = std::move(catalog_);
    return out;
  }

 private:
  using Severity = config::Severity;

  void problem(Severity severity, const config::Where& where, std::string path, std::string message, std::string fix) {
    failed_ = failed_ || severity == Severity::error;
    problems_.push_back({severity, where, std::move(path), std::move(message), std::move(fix)});
  }

  /// A name that leads nowhere.
  void unresolved(Severity severity, const config::Where& where, std::string path, std::string message, std::string fix) {
    if (options_.settings == BuildOptions::Settings::partial) return;
    problem(severity, where, std::move(path), std::move(message), std::move(fix));
  }

  // ── Providers ──

  void add_user_provider(const std::string& name, const config::Provider& user) {
    auto data = user;
    if (!user.extends.empty()) {
      const auto* base = find_embedded(user.extends);
      if (base == nullptr) {
        const auto names = builtin_names();
        const auto guess = nearest(user.extends, names.data(), names.size());
        problem(Severity::error, user.where, cat("providers.", name, ".extends"),
                cat("there is no built-in provider '", user.extends, "'"),
                guess.empty() ? "leave it out and give base_url" : cat("did you mean '", guess, "'?"));
        return;
      }
      if (auto read = config::read_provider(base->json, env_)) data = config::overlay(*read, user);
      if (contains(user.given, "base_url")) forget_credentials(data, user);
    }
    if (data.base_url.empty()) {
      problem(Severity::error, user.where, cat("providers.", name), "base_url is missing",
              "add base_url: https://HOST/v1, or extends: openai");
      return;
    }
    enable(name, data, &user, find_proof(data, env_, options_.read));
  }

  /// Its key is its own affair: the base's variables would send one provider's key to another's address.
  static void forget_credentials(config::Provider& data, const config::Provider& user) {
    if (!contains(user.given, "key_env")) data.key_env.clear();
    if (!contains(user.given, "bearer_env")) data.bearer_env.clear();
    const bool signs = data.auth.type == config::AuthType::sigv4 || data.auth.type == config::AuthType::google_service_account;
    if (!signs || contains(user.given, "auth")) return;
    data.auth = {.type = user.api_key.empty() ? config::AuthType::none : config::AuthType::bearer,
                 .region = data.auth.region,
                 .project = data.auth.project,
                 .location = data.auth.location};
  }

  void add_builtin(const Embedded& file) {
    const config::Provider* user = nullptr;
    for (const auto& [name, given] : settings_.providers) {
      if (name == file.name) user = &given;
    }
    auto data = read_builtin(file, file.head, user);
    const auto* found = data.probe.empty() ? nullptr : discovered(file.name);
    if (!data.probe.empty() && found == nullptr && user == nullptr && data.base_url == data.probe) {
      return disable(file.name, cat("nothing answers at ", data.probe));
    }
    if (data.base_url.empty()) return disable(file.name, cat("set ", missing_variable(file.head)));
    auto proof = find_proof(data, env_, options_.read);
    // What merely lies about in the environment switches nothing on, and breaks nothing either.
    if (user == nullptr && !proof.problems.empty()) return disable(file.name, proof.problems.front().message);
    // Only of those that come on the models are worth reading.
    if (proof.missing.empty()) data = read_builtin(file, file.json, user);
    if (found != nullptr) take_found(data, *found);
    enable(file.name, data, user, std::move(proof));
  }

  config::Provider read_builtin(const Embedded& file, std::string_view json, const config::Provider* user) {
    // OPENAI_BASE_URL and its like may lead clients to this very gateway: as an upstream it would call itself for ever.
    const config::Env env = [&](std::string_view name) {
      auto value = env_(name);
      const auto endpoint = value && value->starts_with("http") ? parse_endpoint(*value) : fail(Kind::config);
      if (endpoint && is_own(endpoint->origin, settings_)) value.reset();
      return value;
    };
    auto read = config::read_provider(json, env);
    if (!read) {  // the build checked the file, so only the environment's values can be wrong
      problem(Severity::error, {}, cat("providers.", file.name), std::string{read.error().message()},
              "correct the environment variable");
      return {};
    }
    auto data = user == nullptr ? *std::move(read) : config::overlay(*read, *user);
    if (!data.probe.empty()) data.base_url = local_address(data.base_url, data.probe);
    return data;
  }

  void without_key(std::string_view name, const std::string& missing, const config::Provider* user) {
    if (user != nullptr) {
      problem(Severity::warning, user->where, cat("providers.", name), "it has no key and stays off",
              cat(missing, ", or give it an api_key"));
    }
    disable(name, missing);
  }

  void enable(std::string_view name, const config::Provider& data, const config::Provider* user, Proof proof) {
    if (!proof.missing.empty() && proof.problems.empty()) return without_key(name, proof.missing, user);
    auto made = make_provider(std::string{name}, data, proof);
    for (const auto& wrong : made.problems) {
      problem(Severity::error, user == nullptr ? config::Where{} : user->where,
              cat("providers.", name, field_name(wrong.field, data)), wrong.message, wrong.fix);
    }
    keep_file(proof);
    auto& owned = data_.owned_providers.emplace_back(std::move(made.provider));
    data_.by_name.emplace(owned.name, &owned);
    ordered_.push_back({data.order, &owned});
    auto& source = sources_[&owned] = {data, std::move(proof), {}};
    source.data.models.clear();
    for (std::size_t i = 0; i < data.models.size(); ++i) {
      if (data.models[i].dialect) owned.models[i].served_by = in_dialect(owned, *data.models[i].dialect);
    }
  }

  /// The same provider, spoken to in another dialect.
  const Provider* in_dialect(const Provider& provider, config::Dialect dialect) {
    auto& source = sources_.at(&provider);
    if (dialect == source.data.dialect) return &provider;
    auto& made = source.others[dialect];
    if (made == nullptr) {
      auto data = source.data;
      data.dialect = dialect;
      auto other = make_provider(provider.name, data, source.proof).provider;
      other.public_name = provider.public_name;
      made = &data_.owned_providers.emplace_back(std::move(other));
      data_.upstreams.push_back(made);
    }
    return made;
  }

  void keep_file(const Proof& proof) {
    if (!proof.file.empty() && !contains(files_, proof.file)) files_.push_back(proof.file);
  }

  static std::string_view field_name(Wrong::Field field, const config::Provider& data) {
    using Field = Wrong::Field;
    const bool given = data.auth.type == config::AuthType::api_key && data.auth.value.empty();
    return field == Field::base_url ? ".base_url" : field == Field::headers ? ".headers" : given ? ".api_key" : ".auth";
  }

  void disable(std::string_view name, std::string reason) { data_.disabled.push_back({std::string{name}, std::move(reason)}); }

  const Discovered* discovered(std::string_view name) const {
    for (const auto& found : options_.found) {
      if (found.provider == name) return &found;
    }
    return nullptr;
  }

  static void take_found(config::Provider& data, const Discovered& found) {
    for (const auto& id : found.models) {
      const auto same = [&](const config::ProviderModel& model) { return model.id == id; };
      if (std::any_of(data.models.begin(), data.models.end(), same)) continue;
      data.models.emplace_back().id = id;
    }
  }

  /// The variable without which a built-in has no address: the first ${NAME} of its base_url.
  static std::string_view missing_variable(std::string_view json) {
    const auto begin = json.find("${", json.find("\"base_url\":"));
    return json.substr(begin + 2, json.find('}', begin) - begin - 2);
  }

  static bool contains(const std::vector<std::string>& list, std::string_view word) {
    return std::find(list.begin(), list.end(), word) != list.end();
  }

  void sort_providers() {
    const std::multimap<std::uint32_t, const Provider*> sorted{ordered_.begin(), ordered_.end()};
    for (const auto& [order, provider] : sorted) data_.providers.push_back(provider);
  }

  void name_provider_models() {
    for (const auto* provider : data_.providers) {
      for (const auto& model : provider->models)
        data_.names.emplace(cat(provider->name, "/", model.id), target_of(provider, model.id, &model));
    }
    for (const auto* provider : data_.providers) {
      for (const auto& model : provider->models) {
        // "openai/gpt-oss-120b" is a plain name at some vendors; while a provider openai is on it means that one's.
        const auto slash = model.id.find('/');
        if (slash != std::string::npos && data_.by_name.contains(std::string_view{model.id}.substr(0, slash))) continue;
        data_.names.emplace(model.id, target_of(provider, model.id, &model));
      }
    }
  }

  // ── The registry ──

  void add_model(const config::Model& model, const std::string& path) {
    const auto* provider = model.provider.empty() ? own_provider(model, path) : named_provider(model, path);
    if (provider == nullptr) return;
    const bool wildcard = model.name.ends_with('*');
    // A full address may name the model it is of.
    const auto& in_address = model.provider.empty() && !wildcard ? provider->endpoint.model : std::string{};
    const std::string& upstream = !model.upstream_model.empty() ? model.upstream_model
                                  : in_address.empty()          ? model.name
                                                                : in_address;
    auto& info = data_.owned_models.emplace_back();
    if (const auto known = data_.names.find(cat(provider->name, "/", upstream));
        known != data_.names.end() && known->second.info != nullptr) {
      info = *known->second.info;
    }
    info.id = upstream;
    info.type = model.type;
    info.rate_limit = model.rate_limit;
    take_facts(info, model.facts);
    info.tasks = model.tasks;
    if (!model.workflow.empty()) info.workflow = read_workflow(model, path);
    if (!model.provider.empty() && model.dialect) info.served_by = in_dialect(*provider, *model.dialect);
    if (wildcard) {
      const auto prefix = model.name.size() - 1;
      const bool matched = model.upstream_model == "*";
      const auto* served_by = info.served_by != nullptr ? info.served_by : provider;
      data_.wildcards.push_back(
          {model.name.substr(0, prefix), served_by, matched ? prefix : 0, matched ? "" : model.upstream_model, &info});
      return;
    }
    data_.names.insert_or_assign(model.name, target_of(provider, info.id, &info));
    own(model.name);
  }

  std::string read_workflow(const config::Model& model, const std::string& path) {
    constexpr std::size_t bytes_max = std::size_t{1} << 20;
    const auto wrong = [&](std::string_view what, std::string fix) {
      problem(Severity::error, model.where, path + ".workflow", cat("the file '", model.workflow, "' ", what), std::move(fix));
      return std::string{};
    };
    constexpr std::string_view fix = "name a file written by ComfyUI's 'Export (API)'";
    if (!contains(files_, model.workflow)) files_.push_back(model.workflow);
    auto text = options_.read ? options_.read(model.workflow) : fail(Kind::config, "cannot be read");
    if (!text) return wrong(text.error().message(), std::string{fix});
    if (text->size() > bytes_max) return wrong("is larger than 1 MiB", std::string{fix});
    const auto graph = json::parse(*text);
    if (!graph) return wrong(cat("is no JSON: ", graph.error().message()), std::string{fix});
    const auto is_node = [](const auto& member) { return member.second.find("class_type") != nullptr; };
    const auto& nodes = graph->members();
    if (nodes.empty() || !std::all_of(nodes.begin(), nodes.end(), is_node)) {
      return wrong(graph->find("nodes") != nullptr ? "is a graph as ComfyUI saves it, not as its API takes it"
                                                   : "is no graph: each member must be a node with a class_type",
                   std::string{fix});
    }
    return *std::move(text);
  }

  /// The provider behind a model's own endpoint; models with the same endpoint, dialect and key share one.
  const Provider* own_provider(const config::Model& model, const std::string& path) {
    config::Provider data;
    const auto said = dialect_of_address(model.endpoint);
    data.base_url = model.endpoint;
    data.dialect = model.dialect.value_or(said.value_or(config::Dialect::openai_chat));
    if (model.auth) data.auth = *model.auth;
    data.api_key = model.api_key;
    const auto proof = find_proof(data, env_, options_.read);
    auto made = make_provider("", data, proof);
    for (const auto& wrong : made.problems) {
      problem(Severity::error, model.where, path + (wrong.field == Wrong::Field::base_url ? ".endpoint" : ".auth"), wrong.message,
              wrong.fix);
    }
    if (!proof.missing.empty())
      problem(Severity::error, model.where, path + ".auth", "what signs its requests is not complete", proof.missing);
    if (!made.problems.empty() || !proof.missing.empty()) return nullptr;
    if (said && *said != data.dialect && dialect_of_address(cat("http://-", made.provider.endpoint.prefix)) == said) {
      problem(Severity::warning, model.where, path + ".endpoint",
              cat("it ends as an address of ", config::to_text(*said), " does, and the dialect is ", made.provider.dialect),
              "correct the dialect, or write the base URL alone");
    }
    keep_file(proof);
    made.provider.name = made.provider.authority;
    made.provider.public_name = "registry";
    made.provider.title = made.provider.authority;
    auto& shared = shared_[cat(model.endpoint, "\n", made.provider.dialect, "\n", made.provider.head.reveal(), "\n",
                               signer_text(made.provider.signer))];
    if (shared == nullptr) {
      shared = &data_.owned_providers.emplace_back(std::move(made.provider));
      data_.providers.push_back(shared);
    }
    return shared;
  }

  /// What two signers have in common when they are one.
  static std::string signer_text(const Signer& signer) {
    if (const auto* aws = std::get_if<SigV4>(&signer))
      return cat(aws->access_key, "\n", aws->secret_key.reveal(), "\n", aws->session_token.reveal(), "\n", aws->region, "\n",
                 aws->service);
    if (const auto* google = std::get_if<ServiceAccount>(&signer))
      return cat(google->client_email, "\n", google->private_key.reveal(), "\n", google->token_url);
    return {};
  }

  const Provider* named_provider(const config::Model& model, const std::string& path) {
    if (const auto* provider = catalog_->provider(model.provider)) return provider;
    for (const auto& off : data_.disabled) {
      if (off.name != model.provider) continue;
      const auto why = cat("the provider '", off.name, "' is not enabled: ", off.reason);
      unresolved(Severity::warning, model.where, path + ".provider", why, "until then the model answers 404");
      data_.dead.emplace(model.name, why);
      return nullptr;
    }
    unknown_provider(model.where, path + ".provider", model.provider);
    return nullptr;
  }

  void unknown_provider(const config::Where& where, std::string path, std::string_view name) {
    std::vector<std::string_view> names = builtin_names();
    for (const auto& [own, provider] : settings_.providers) names.push_back(own);
    const auto guess = nearest(name, names.data(), names.size());
    unresolved(
        Severity::error, where, std::move(path), cat("there is no provider '", name, "'"),
        guess.empty() ? cat("add it under providers:, or use one of the built-in ones") : cat("did you mean '", guess, "'?"));
  }

  void own(const std::string& name) {
    if (own_.insert(name).second) own_names_.push_back(name);
  }

  // ── Aliases ──

  void add_alias(const std::string& name, const config::Alias& alias) {
    if (name.ends_with('*')) return add_wildcard_alias(name, alias);
    // Aliases of aliases: follow to the end; the loader refused cycles.
    const std::string* end = &alias.target;
    for (std::size_t steps = 0; steps < settings_.aliases.size(); ++steps) {
      const auto next = std::find_if(settings_.aliases.begin(), settings_.aliases.end(),
                                     [&](const auto& other) { return other.first == *end; });
      if (next == settings_.aliases.end()) break;
      end = &next->second.target;
    }
    const auto& owned = data_.owned_names.emplace_back(*end);
    auto target = catalog_->resolve(owned);
    if (target) {
      own(name);
      aliases_.emplace_back(name, *target);
      return;
    }
    dead_alias(name, alias, owned, target.error().message());
  }

  void dead_alias(const std::string& name, const config::Alias& alias, const std::string& target, std::string_view why) {
    const auto path = cat("aliases.", name);
    const auto slash = target.find('/');
    const auto owner = std::string_view{target}.substr(0, slash);
    const bool off =
        std::any_of(data_.disabled.begin(), data_.disabled.end(), [&](const Disabled& one) { return one.name == owner; });
    data_.dead.emplace(name, why);
    if (slash != std::string::npos && !off && catalog_->provider(owner) == nullptr)
      return unknown_provider(alias.where, path, owner);
    unresolved(Severity::warning, alias.where, path, std::string{why},
               off ? "until then the alias answers 404" : "name a model as provider/model");
  }

  void add_wildcard_alias(const std::string& name, const config::Alias& alias) {
    const auto path = cat("aliases.", name);
    auto prefix = name.substr(0, name.size() - 1);
    if (alias.target.ends_with("/*")) {
      const auto owner = std::string_view{alias.target}.substr(0, alias.target.size() - 2);
      if (const auto* provider = catalog_->provider(owner)) {
        // "gpt-*" sends the name as it is; "openai/*" and "openai/gpt-*" without the provider's.
        const auto cut = prefix.rfind('/') + 1;
        data_.wildcards.push_back({std::move(prefix), provider, cut, {}, nullptr});
        return;
      }
      return dead_alias(name, alias, alias.target, cat("the provider '", owner, "' is not enabled"));
    }
    const auto& owned = data_.owned_names.emplace_back(alias.target);
    const auto target = catalog_->resolve(owned);
    if (!target) return dead_alias(name, alias, owned, target.error().message());
    data_.wildcards.push_back({std::move(prefix), target->provider, 0, std::string{target->model}, target->info});
  }

  // ── The list ──

  /// The longest prefix first. What the user wrote stands above built-in names, so those it covers give way; only "*" comes last.
  void order_wildcards() {
    std::multimap<std::size_t, Wildcard, std::greater<>> sorted;
    for (auto& wildcard : data_.wildcards) {
      const auto length = wildcard.prefix.size();
      if (length != 0)
        std::erase_if(data_.names,
                      [&](const auto& name) { return !own_.contains(name.first) && name.first.starts_with(wildcard.prefix); });
      sorted.emplace(length, std::move(wildcard));
    }
    data_.wildcards.clear();
    for (auto& [length, wildcard] : sorted) data_.wildcards.push_back(std::move(wildcard));
  }

  void make_list() {
    for (const auto& name : own_names_) list(name);
    for (const auto* provider : data_.providers) {
      for (const auto& model : provider->models) list(cat(provider->name, "/", model.id));
    }
  }

  void list(const std::string& id) {
    const auto target = catalog_->resolve(id);
    if (!target || !data_.list_index.emplace(id, data_.list.size()).second) return;
    const auto date = target->info == nullptr ? std::string_view{} : target->info->as_of;
    data_.list.push_back({id, target->provider->public_name, unix_time(date), *target});
  }

  const config::Settings& settings_;
  const config::Env& env_;
  const BuildOptions& options_;
  std::shared_ptr<Catalog> catalog_;
  Catalog::Data& data_;
  std::vector<config::Problem> problems_;
  bool failed_ = false;
  std::vector<std::pair<std::uint32_t, const Provider*>> ordered_;
  /// What an enabled provider was made of, and what else was made of it.
  struct Source {
    config::Provider data;
    Proof proof;
    std::map<config::Dialect, const Provider*> others;
  };
  std::unordered_map<const Provider*, Source> sources_;
  std::vector<std::string> files_;                           ///< that were read
  std::unordered_map<std::string, const Provider*> shared_;  ///< of the registry, by endpoint and credentials
  std::vector<std::string> own_names_;                       ///< models and aliases in the order of the file
  std::unordered_set<std::string> own_;                      ///< the same
  std::vector<std::pair<std::string, Target>> aliases_;
};

Built build(const config::Settings& settings, const config::Env& env, const BuildOptions& options) {
  return Builder{settings, env, options}.run();
}

}  // namespace cardea::catalog
