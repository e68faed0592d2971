// cardea agent NAME: sets a coding agent up to talk to this gateway.

#include <algorithm>
#include <filesystem>

#include "app/actions.h"
#include "app/agents.h"
#include "app/model_list.h"
#include "app/output.h"
#include "app/settings_file.h"
#include "app/sources.h"
#include "base/text.h"
#include "server/load.h"

namespace cardea::app {
namespace {

constexpr std::chrono::milliseconds look_timeout{1500};
constexpr std::chrono::milliseconds answer_timeout{10'000};
constexpr std::string_view unknown_key = "YOUR-CARDEA-KEY";

/// What is known of the gateway that the agent is to use.
struct Target {
  std::string url;
  std::string key;
  std::vector<ListedModel> models;  ///< empty: they could not be asked for
  bool wants_key = false;           ///< and none was given
};

/// The address for clients on this machine, of the first of the configuration's listeners that has one.
Result<std::string> url_of(const config::Settings& settings) {
  for (const auto& text : settings.listen) {
    const auto address = config::parse_listen(text);
    if (!address || !address->unix_path.empty() || address->port == 0) continue;
    std::string host = address->host;
    if (host.empty() || host == "0.0.0.0") host = "127.0.0.1";
    if (host == "::") host = "::1";
    if (host.find(':') != std::string::npos) host = cat("[", host, "]");
    return cat(settings.tls.cert.empty() ? "http" : "https", "://", host, ":", address->port);
  }
  return fail(Kind::config, "the configuration listens at no address with a fixed port; name one with --url");
}

/// Agents put their own paths behind it.
std::string without_path(std::string url) {
  while (url.ends_with('/')) url.pop_back();
  if (url.ends_with("/v1")) url.resize(url.size() - 3);
  while (url.ends_with('/')) url.pop_back();
  return url.find("://") == std::string::npos ? cat("http://", url) : url;
}

/// A key that was only found in the configuration is given away on demand alone.
void choose_key(const Arguments& arguments, const config::Settings& settings, Target& target) {
  target.key = arguments.get("--key");
  if (target.key.empty()) target.key = environment("CARDEA_API_KEY");
  if (!target.key.empty() || settings.keys.empty()) return;
  if (arguments.has("--config-key")) {
    target.key = settings.keys.front().key.reveal();
  } else {
    target.wants_key = true;
  }
}

/// Asks the gateway at target.url, if it runs.
void ask_models(Target& target) {
  Result<Place> place = parse_place(target.url, target.key);
  if (!place) return;
  GatewayClient client{std::move(*place)};
  if (!is_alive(client, look_timeout)) return;
  Result<Reply> reply = client.get_api("/models", answer_timeout);
  if (!reply || reply->status != 200) return;
  if (auto models = read_models(reply->body)) target.models = std::move(*models);
}

Result<Target> find_target(const Arguments& arguments) {
  Result<server::Sources> sources = sources_of(arguments);
  if (!sources) return fail_with(sources);
  std::string url{arguments.get("--url")};
  if (url.empty()) url = environment("CARDEA_URL");
  const server::Configuration configuration = server::load(*sources);
  // Who names a gateway elsewhere need not have a configuration here.
  if (!configuration.usable() && url.empty()) {
    return fail(Kind::config, "the configuration cannot be used; 'cardea check' says why");
  }
  Target target;
  if (url.empty()) {
    Result<std::string> own = url_of(configuration.settings);
    if (!own) return fail_with(own);
    target.url = std::move(*own);
    choose_key(arguments, configuration.settings, target);
  } else {
    Result<Place> place = parse_place(url, "");
    if (!place) return fail_with(place);
    if (url.starts_with("unix:")) return fail(Kind::config, "agents cannot use a Unix socket; name an address with --url");
    target.url = without_path(std::move(url));
    choose_key(arguments, arguments.has("--config") ? configuration.settings : config::Settings{}, target);
  }
  // A running gateway has found local models too; the file of one that is named tells what that one will have.
  if (!arguments.has("--config")) ask_models(target);
  const bool own = arguments.get("--url").empty() || arguments.has("--config");
  if (target.models.empty() && own && configuration.usable()) target.models = list_models(*configuration.catalog);
  return target;
}

Result<ListedModel> find_model(const Target& target, std::string_view wanted) {
  const std::string name = wanted.empty() ? choose_model(target.models) : std::string{wanted};
  const auto found = std::ranges::find(target.models, name, &ListedModel::id);
  if (found != target.models.end()) return *found;
  // A gateway may know more names than it lists: nothing to compare with is no reason to refuse.
  if (target.models.empty()) return ListedModel{.id = name};
  std::vector<std::string_view> ids;
  for (const auto& model : target.models) ids.push_back(model.id);
  const auto near = nearest(name, ids.data(), ids.size());
  std::string message = cat("there is no model '", name, "'", near.empty() ? "" : cat("; did you mean '", near, "'?"), "\n");
  append(message, "These can be asked for:");
  for (const auto id : ids) append(message, cat("\n  ", id));
  return fail(Kind::config, std::move(message));
}

std::string number_text(std::uint64_t number) { return number == 0 ? std::string{} : cat(number); }

Result<AgentValues> values_of(const Arguments& arguments, const Target& target) {
  Result<ListedModel> model = find_model(target, arguments.get("--model"));
  if (!model) return fail_with(model);
  const auto wanted_small = arguments.get("--small-model");
  Result<ListedModel> small = find_model(target, wanted_small.empty() ? std::string_view{model->id} : wanted_small);
  if (!small) return fail_with(small);
  return AgentValues{.url = target.url,
                     .key = target.wants_key ? std::string{unknown_key} : target.key,
                     .model = model->id,
                     .small = small->id,
                     .context_tokens = number_text(model->context_tokens),
                     .output_tokens = number_text(model->output_tokens)};
}

Result<std::vector<FileChange>> plan_changes(const Agent& agent, const AgentValues& values) {
  std::vector<FileChange> changes;
  const auto exists = [](const std::string& path) {
    std::error_code ignored;
    return std::filesystem::exists(path, ignored);
  };
  for (const auto& file : agent.files) {
    auto path = path_of(file, environment, exists);
    if (!path.starts_with('/')) return fail(Kind::config, "HOME is not set, so it is not known where the settings are");
    Result<FileChange> change = look_at(std::move(path));
    if (!change) return fail_with(change);
    const auto settings = settings_of(file.settings, values);
    Result<std::string> merged = merge(file.format, change->before, settings);
    if (!merged) return fail(Kind::config, cat(change->path, ": ", merged.error().message()));
    change->after = std::move(*merged);
    change->secret = !values.key.empty() && change->after.find(values.key) != std::string::npos;
    changes.push_back(std::move(*change));
  }
  return changes;
}

int write_changes(const Agent& agent, const AgentValues& values, bool dry) {
  Result<std::vector<FileChange>> changes = plan_changes(agent, values);
  if (!changes) {
    complain(changes.error().message());
    return exit_failed;
  }
  for (const auto& change : *changes) {
    const auto diff = without_secrets(unified_diff(change.before, change.after, change.path));
    print(diff.empty() ? cat(change.path, " is as it should be\n") : diff);
  }
  if (dry) return exit_ok;
  for (const auto& change : *changes) {
    Status written = write(change);
    if (!written) {
      complain(written.error().message());
      return exit_failed;
    }
    if (change.before == change.after) continue;
    print(cat("wrote ", change.path, change.exists ? "; what was there is in " : "", change.exists ? change.path + ".bak" : "",
              "\n"));
  }
  print(cat("\nNow start it: ", command_of(agent.start, values), "\n"));
  if (!agent.note.empty()) print(cat(agent.note, "\n"));
  return exit_ok;
}

Result<const Agent*> agent_of(const Arguments& arguments) {
  std::vector<std::string_view> names;
  for (const auto& agent : agents()) names.push_back(agent.name);
  if (arguments.words().size() != 1) {
    std::string message = "name one agent:";
    for (const auto name : names) append(message, cat(" ", name));
    return fail(Kind::config, std::move(message));
  }
  const auto& word = arguments.words().front();
  if (const Agent* found = find_agent(word)) return found;
  const auto near = nearest(word, names.data(), names.size());
  return fail(Kind::config, cat("there is no agent '", word, "'", near.empty() ? "" : cat("; did you mean '", near, "'?"),
                                "\nSee 'cardea agent --help'."));
}

}  // namespace

int agent(const Arguments& arguments) {
  const auto refuse = [](const Error& error) {
    complain(error.message());
    return exit_usage;
  };
  Result<const Agent*> agent = agent_of(arguments);
  if (!agent) return refuse(agent.error());
  Result<Target> target = find_target(arguments);
  if (!target) return refuse(target.error());
  Result<AgentValues> values = values_of(arguments, *target);
  if (!values) return refuse(values.error());
  const bool dry = arguments.has("--dry-run");
  if (!dry && !arguments.has("--write")) {
    Result<std::string> text = instructions(**agent, *values);
    if (!text) return refuse(text.error());
    print(*text);
    if (target->wants_key)
      complain(cat("this gateway asks for a key: put yours in the place of ", unknown_key, ", or give --key"));
    return exit_ok;
  }
  if (target->wants_key && !dry) {
    return refuse(fail(Kind::config, "this gateway asks for a key; give it with --key or in CARDEA_API_KEY").error());
  }
  return write_changes(**agent, *values, dry);
}

}  // namespace cardea::app
