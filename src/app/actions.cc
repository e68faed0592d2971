#include "app/actions.h"

#include <unistd.h>
#include <algorithm>
#include <csignal>
#include <iterator>

#include "access/settings_check.h"
#include "app/chat_session.h"
#include "app/model_list.h"
#include "app/output.h"
#include "app/sources.h"
#include "base/text.h"
#include "config/reference.h"
#include "generated/version.h"
#include "server/server.h"
#include "twin/behaviour.h"
#include "twin/twin.h"

namespace cardea::app {
namespace {

constexpr std::chrono::milliseconds look_timeout{1500};
constexpr std::chrono::milliseconds answer_timeout{10'000};

int refuse(const Error& error) {
  complain(error.message());
  return exit_usage;
}

/// A gateway to talk to: the one that was named, the one on the usual address, or one in this process.
struct Partner {
  std::unique_ptr<LocalGateway> local;
  std::unique_ptr<GatewayClient> client;
};

Result<Partner> find_partner(const Arguments& arguments) {
  Result<Asked> asked = place_of(arguments);
  if (!asked) return fail_with(asked);
  Partner partner;
  partner.client = std::make_unique<GatewayClient>(std::move(asked->place));
  // One that was named is not asked for Cardea's own pages: any OpenAI-compatible server will do.
  if (asked->by_name || is_alive(*partner.client, look_timeout)) return partner;
  Result<server::Sources> sources = sources_of(arguments);
  if (!sources) return fail_with(sources);
  Result<std::unique_ptr<LocalGateway>> local = LocalGateway::start(*sources);
  if (!local) return fail_with(local);
  partner.local = std::move(*local);
  Result<Place> place = partner.local->place();
  if (!place) return fail_with(place);
  partner.client = std::make_unique<GatewayClient>(std::move(*place));
  return partner;
}

std::string model_to_use(const Arguments& arguments, GatewayClient& client) {
  std::string model{arguments.get("--model")};
  if (model.empty()) model = environment("CARDEA_MODEL");
  if (!model.empty()) return model;
  Result<Reply> reply = client.get_api("/models", answer_timeout);
  const auto models = reply && reply->status == 200 ? read_models(reply->body) : std::vector<ListedModel>{};
  return choose_model(models ? *models : std::vector<ListedModel>{});
}

std::string prompt_of(const Arguments& arguments, Interrupts* interrupts) {
  std::string text;
  for (const auto& word : arguments.words())
    append(text, cat(text.empty() ? "" : " ", word == "-" ? read_input(interrupts) : word));
  return text;
}

void greet(const Partner& partner, const Conversation& conversation) {
  const std::string where = partner.local ? "a gateway inside this command" : partner.client->place().url;
  print(cat(styled("Cardea", Style::bold, STDOUT_FILENO), " ", CARDEA_VERSION, " · ",
            styled(conversation.model(), Style::cyan, STDOUT_FILENO), " by ", where, "\n",
            styled("/help lists commands, Ctrl-C stops an answer, Ctrl-D leaves", Style::dim, STDOUT_FILENO), "\n\n"));
}

}  // namespace

int serve(const Arguments& arguments) {
  Result<server::Sources> sources = sources_of(arguments);
  return sources ? server::serve(*sources) : refuse(sources.error());
}

int check(const Arguments& arguments) {
  Result<server::Sources> sources = sources_of(arguments);
  if (!sources) return refuse(sources.error());
  const server::Configuration configuration = server::load(*sources);
  auto problems = configuration.problems;
  std::ranges::move(server::start_problems(configuration, sources->env), std::back_inserter(problems));
  std::ranges::move(access::place_problems(configuration.settings, configuration.places), std::back_inserter(problems));
  config::finish(problems, configuration.settings.variables);
  std::size_t errors = 0;
  for (const auto& problem : problems) {
    const bool is_error = problem.severity == config::Severity::error;
    errors += is_error ? 1 : 0;
    // A warning says so itself.
    print(cat(is_error ? "error: " : "", config::to_text(problem), "\n"));
  }
  std::string files;
  for (const auto& file : configuration.files) append(files, cat(files.empty() ? "" : ", ", file));
  if (files.empty()) files = "no file, so the environment and the defaults";
  if (errors != 0 || !configuration.usable()) {
    print(cat(errors, errors == 1 ? " error" : " errors", " in ", files, "\n"));
    return exit_usage;
  }
  print(cat("good: ", files, "\n", configuration.catalog->list().size(), " models of ", configuration.catalog->providers().size(),
            " providers:"));
  for (const auto* provider : configuration.catalog->providers()) print(cat(" ", provider->name));
  print("\n");
  return exit_ok;
}

int models(const Arguments& arguments) {
  const std::string filter = prompt_of(arguments, nullptr);
  Result<Asked> asked = place_of(arguments);
  if (!asked) return refuse(asked.error());
  GatewayClient client{std::move(asked->place)};
  const bool own = arguments.has("--config") || arguments.has("--models");
  std::vector<ListedModel> list;
  if (!own && (asked->by_name || is_alive(client, look_timeout))) {
    Result<Reply> reply = client.get_api("/models", answer_timeout);
    if (!reply || reply->status != 200) {
      complain(cat(client.place().url, ": ", reply ? error_text(*reply) : std::string{reply.error().message()}));
      return exit_failed;
    }
    Result<std::vector<ListedModel>> read = read_models(reply->body);
    if (!read) return refuse(read.error());
    list = std::move(*read);
  } else {
    Result<server::Sources> sources = sources_of(arguments);
    if (!sources) return refuse(sources.error());
    const server::Configuration configuration = server::load(*sources);
    if (!configuration.usable()) {
      complain("the configuration cannot be used; 'cardea check' says why");
      return exit_usage;
    }
    list = list_models(*configuration.catalog);
    complain(
        "no gateway is running; these are the models that 'cardea serve' would offer (local servers are looked for when it "
        "starts)");
  }
  const std::string text = model_table(list, filter);
  if (text.empty()) complain(filter.empty() ? "there is no model" : cat("no model has '", filter, "' in its name"));
  print(text);
  return text.empty() ? exit_failed : exit_ok;
}

int chat(const Arguments& arguments) {
  // Before any thread: all of them then leave Ctrl-C and SIGTERM to this one.
  Interrupts interrupts;
  std::signal(SIGPIPE, SIG_IGN);
  Result<Partner> partner = find_partner(arguments);
  if (!partner) {
    complain(partner.error().message());
    return partner.error().is(Kind::config) ? exit_usage : exit_failed;
  }
  Conversation conversation;
  conversation.set_model(model_to_use(arguments, *partner->client));
  conversation.set_instructions(arguments.get("--system"));
  ChatSession session{*partner->client, conversation, interrupts};
  const bool alone = !arguments.words().empty() || !is_interactive();
  if (!alone) {
    greet(*partner, conversation);
    session.run();
    return interrupts.ended_by() != 0 ? exit_by_signal + interrupts.ended_by() : exit_ok;
  }
  const std::string typed = arguments.words().empty() ? read_input(&interrupts) : prompt_of(arguments, &interrupts);
  if (interrupts.ended_by() != 0) return exit_by_signal + interrupts.ended_by();
  const std::string_view prompt = trim(typed);
  if (prompt.empty()) {
    complain("chat: there is no prompt; give one as words or on standard input");
    return exit_usage;
  }
  const bool answered = session.ask(prompt);
  if (interrupts.ended_by() != 0) return exit_by_signal + interrupts.ended_by();
  return answered ? exit_ok : exit_failed;
}

int twin_serve(const Arguments& arguments) {
  server::TwinSources sources;
  if (arguments.has("--listen")) sources.listen = arguments.get("--listen");
  sources.script_file = arguments.get("--script");
  return server::serve_twin(sources);
}

int healthcheck(const Arguments& arguments) {
  Result<Asked> asked = place_of(arguments);
  if (!asked) return refuse(asked.error());
  GatewayClient client{std::move(asked->place)};
  if (is_alive(client, answer_timeout)) return exit_ok;
  complain(cat("no gateway answers at ", client.place().url));
  return exit_failed;
}

int version(const Arguments&) {
  print(cat("cardea ", CARDEA_VERSION, "\ncommit   ", CARDEA_COMMIT, "\ncompiler ", CARDEA_COMPILER, "\n"));
  return exit_ok;
}

int schema(const Arguments&) {
  print(config::json_schema());
  return exit_ok;
}

int docs(const Arguments&) {
  print(config::reference_markdown());
  return exit_ok;
}

std::string twin_appendix() {
  std::string text = "Models\n";
  for (const auto& model : twin::models())
    append(text, cat("  ", model.name, std::string(model.name.size() < 10 ? 10 - model.name.size() : 1, ' '), model.does, "\n"));
  append(
      text,
      "  Any other name is answered like twin-1.\n\nPace and faults: header `x-twin-NAME: VALUE`, or `NAME=VALUE` in a script\n");
  std::vector<std::vector<std::string>> rows;
  for (const auto& option : twin::options())
    rows.push_back({cat("  ", option.name), std::string{option.values}, std::string{option.help}});
  return cat(text, table(rows));
}

}  // namespace cardea::app
