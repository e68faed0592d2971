#include "app/actions.h"
#include "app/agents.h"
#include "app/command.h"
#include "app/thing_commands.h"

namespace cardea::app {
namespace {

constexpr Flag config_flag{"--config", "FILE", "configuration; default: ./cardea.yaml, then /etc/cardea/cardea.yaml, then none"};
constexpr Flag models_flag{"--models", "FILE",
                           "a registry of models besides; default: /models/model-registry.yaml when it is there"};
constexpr Flag url_flag{"--url", "URL", "the gateway; default: CARDEA_URL, else http://127.0.0.1:8080"};
constexpr Flag key_flag{"--key", "KEY", "its key; default: CARDEA_API_KEY, else the first of API_KEY"};

constexpr Flag serve_flags[] = {
    config_flag,
    models_flag,
    {"--listen", "ADDR:PORT", "where to listen (may be repeated; unix:/PATH too); default: 127.0.0.1:8080"},
    {"--data", "DIR", "where state is kept; one gateway per directory"},
    {"--workers", "N", "threads; default: one per core"},
    {"--log-level", "LEVEL", "debug, info, warn, error or off"},
    {"--log-format", "FORMAT", "json or console; default: console on a terminal"},
    {"--set", "PATH=VALUE", "any field of the configuration, such as timeouts.connect=2s (may be repeated)"},
};
constexpr Example serve_examples[] = {
    {"cardea serve", "this machine only, port 8080; providers whose keys are in the environment are on"},
    {"API_KEY=$(openssl rand -hex 24) cardea serve --listen 0.0.0.0:8080", "for others too: then a key is demanded"},
    {"cardea serve --config cardea.yaml --models models.yaml --workers 2", "with files; they are read again when they change"},
};

constexpr Flag check_flags[] = {config_flag, models_flag, {"--set", "PATH=VALUE", "as of serve (may be repeated)"}};
constexpr Example check_examples[] = {
    {"cardea check --config cardea.yaml", "every problem with its line and the fix; exit code 2 if there is one"}};

constexpr Flag list_flags[] = {url_flag, key_flag, config_flag, models_flag};
constexpr Example list_examples[] = {
    {"cardea models", "of the running gateway, or of the one that would start here"},
    {"cardea models mini", "only names that contain 'mini'"},
    {"cardea models --url https://ai.example.com --key $KEY", "of a gateway elsewhere"},
};

constexpr Flag chat_flags[] = {
    {"--model", "NAME", "whom to talk to; default: CARDEA_MODEL, else your own first model, else the cheapest, else the twin"},
    {"--system", "TEXT", "instructions for the model"},
    url_flag,
    key_flag,
    config_flag,
    models_flag,
};
constexpr Example chat_examples[] = {
    {"cardea chat", "talk; with no gateway running, one is started inside the command"},
    {"cardea chat --model openai/gpt-4o-mini 'why is the sky blue?'", "one question, one answer"},
    {"cardea chat 'explain this error:' - < build.log", "'-' stands for standard input"},
    {"git diff | cardea chat --system 'Write a commit message.'", "without words the prompt is standard input"},
};

constexpr Flag twin_flags[] = {
    {"--listen", "ADDR:PORT", "where to listen; port 0 takes any and says which; default: 127.0.0.1:8089"},
    {"--script", "FILE", "what happens to the first chat request, the second, and so on"},
};
constexpr Example twin_examples[] = {
    {"cardea twin serve", "then: OPENAI_BASE_URL=http://127.0.0.1:8089/v1 and any key"},
    {"curl -H 'x-twin-status: 429' -H 'x-twin-retry-after: 1' …", "one refusal"},
    {"cardea twin serve --script faults.txt", "with lines such as: times=2 status=503 · ok · times=* model=echo hang=after-head"},
};

constexpr Flag agent_flags[] = {
    {"--url", "URL", "the gateway; default: CARDEA_URL, else where the configuration listens"},
    {"--key", "KEY", "its key; default: CARDEA_API_KEY"},
    {"--config-key", "", "take the first key of the configuration; it will be shown"},
    {"--model", "NAME", "for the work; default: your own first model, else the cheapest, else the twin"},
    {"--small-model", "NAME", "for titles and summaries; default: the same"},
    {"--write", "", "show what changes in the agent's own files, then change it; what was there stays as .bak"},
    {"--dry-run", "", "only show what --write would change"},
    config_flag,
    models_flag,
};
constexpr Example agent_examples[] = {
    {"cardea agent claude-code", "what to put where, to be done by hand"},
    {"cardea agent codex --model openai/gpt-5 --write", "or done at once"},
    {"cardea agent aider --url https://ai.example.com --key $KEY", "for a gateway elsewhere"},
};

constexpr Flag explain_flags[] = {
    {"--from", "DIALECT",
     "whose request it is: openai_chat, openai_responses, anthropic, gemini, bedrock, cohere, ollama, native"},
    {"--to", "DIALECT", "what the upstream speaks"},
    {"--model", "NAME",
     "the upstream's name of the model, or PROVIDER/MODEL of the catalog, which knows what it takes; default: as in the request"},
};
constexpr Example explain_examples[] = {
    {"cardea explain-translation --from openai --to anthropic request.json", "what would be kept, changed, lost"},
    {"… | cardea explain-translation --from gemini --to bedrock --model m -", "from standard input"},
};

constexpr Flag data_flag{"--data", "DIR", "where the gateway keeps its state; default: as of serve"};
constexpr Flag audit_list_flags[] = {
    {"--limit", "N", "lines to show, the newest first; default: 50, at most 10000"},
    {"--before", "LINE", "only those before this line"},
    {"--json", "", "one JSON object a line, with what was there before and after"},
    data_flag,
    config_flag,
};
constexpr Example audit_list_examples[] = {
    {"cardea audit list", "the last changes: who did what from where"},
    {"cardea audit list --json --limit 10000 > audit.jsonl", "everything of them, for programs"},
};
constexpr Flag audit_verify_flags[] = {
    {"--head", "HASH", "a head that an earlier 'verify' showed: it must still be in the log"},
    data_flag,
    config_flag,
};
constexpr Example audit_verify_examples[] = {
    {"cardea audit verify", "nothing was edited, taken out or swapped"},
    {"cardea audit verify --head $(cat head.txt)", "nor was the end cut off since head.txt was written"},
};

constexpr Flag usage_flags[] = {
    {"--by", "NAMES", "organization, team, project, key, end_user, model, provider, tag, day: one or more; default: key"},
    {"--from", "TIME", "settled from then on: 2027-01-31, or 2027-01-31T12:00:00Z"},
    {"--to", "TIME", "settled before then"},
    {"--key", "ID", "this key's alone"},
    {"--csv", "", "for a spreadsheet"},
    {"--json", "", "one JSON object a line"},
    data_flag,
    config_flag,
};
constexpr Example usage_examples[] = {
    {"cardea usage --by team,model --from 2027-01-01", "what each team spent on which model this year"},
    {"cardea usage --by day,tag --csv > usage.csv", "for a spreadsheet"},
};
constexpr Flag ledger_flags[] = {data_flag, config_flag};
constexpr Example ledger_examples[] = {{"cardea usage verify", "each balance is the sum of its lines"}};

constexpr Flag secrets_flags[] = {data_flag, config_flag};
constexpr Example secrets_examples[] = {{"cardea secrets rotate && systemctl restart cardea", "seal with a new key from now on"}};

constexpr Flag health_flags[] = {url_flag};
constexpr Example health_examples[] = {{"HEALTHCHECK CMD [\"cardea\", \"healthcheck\"]", "in a Dockerfile"}};
constexpr Example schema_examples[] = {
    {"cardea schema > cardea.schema.json", "then '# yaml-language-server: $schema=cardea.schema.json' on top of cardea.yaml"}};

constexpr Command table[] = {
    {.name = "serve",
     .words = "",
     .summary = "run the gateway",
     .about = "Listens for OpenAI-compatible requests and sends them to the providers that are on. With no configuration at all, "
              "that is every\n"
              "provider whose key is in the environment, local servers (Ollama, llama.cpp, LM Studio) and the built-in twin.\n"
              "Without a gateway key only this machine is served; set API_KEY (several: commas) to serve others.\n"
              "SIGHUP, or a changed file, reloads; SIGTERM finishes what is under way and leaves.",
     .flags = serve_flags,
     .examples = serve_examples,
     .run = serve,
     .more = "Every field can also come from the environment (CARDEA_LISTEN, CARDEA_LOG_LEVEL, …); flags win over it, it wins "
             "over files."},
    {.name = "check",
     .words = "",
     .summary = "check the configuration without starting",
     .about = "Reads the configuration as 'serve' would and reports every problem at once. Exit code 0: good, 2: not.",
     .flags = check_flags,
     .examples = check_examples,
     .run = check},
    {.name = "models",
     .words = "[TEXT]",
     .summary = "list the models that can be asked for",
     .about = "Asks a running gateway; when none answers, shows what the local configuration has. Prices are US dollars per "
              "million tokens.",
     .flags = list_flags,
     .examples = list_examples,
     .run = models},
    {.name = "chat",
     .words = "[PROMPT…]",
     .summary = "talk to a model in this terminal",
     .about = "Answers stream in as they are written. Ctrl-C stops the answer, not the chat. Commands inside: /model, /models, "
              "/system, /clear,\n"
              "/help, /exit. With a prompt, or when standard input is no terminal, it answers once and leaves.",
     .flags = chat_flags,
     .examples = chat_examples,
     .run = chat},
    {.name = "agent",
     .words = "NAME",
     .summary = "set a coding agent up to use this gateway",
     .about = "Prints the settings with which the agent talks to Cardea, or writes them into its files. What else is in a file "
              "stays, comments\n"
              "too. A file with a key in it is made readable for its owner only; in what is shown of changes, keys are hidden.",
     .flags = agent_flags,
     .examples = agent_examples,
     .run = agent,
     .appendix = agents_appendix},
    {.name = "twin serve",
     .words = "",
     .summary = "run the simulated provider alone",
     .about = "An OpenAI-compatible server whose answers depend on the request only, and which fails on demand: for tests and "
              "demonstrations.",
     .flags = twin_flags,
     .examples = twin_examples,
     .run = twin_serve,
     .appendix = twin_appendix},
    {.name = "explain-translation",
     .words = "FILE",
     .summary = "what a request would lose on its way to another dialect",
     .about =
         "Reads a request body, shows it in the upstream's words, and lists what is kept, changed and lost. Nothing is sent.\n"
         "Exit code 1 when the gateway would refuse the request because its meaning would change.",
     .flags = explain_flags,
     .examples = explain_examples,
     .run = explain_translation},
    {.name = "audit list",
     .words = "",
     .summary = "who changed tenants, keys and roles",
     .about = "Reads the audit log from the data directory, also while a gateway runs. Times are UTC. It holds no secrets.",
     .flags = audit_list_flags,
     .examples = audit_list_examples,
     .run = audit_list},
    {.name = "audit verify",
     .words = "",
     .summary = "check that the audit log is as it was written",
     .about =
         "Each line's hash covers the line and the hash before it. Exit code 0: the log holds, 1: it does not, 2: it cannot be "
         "read.",
     .flags = audit_verify_flags,
     .examples = audit_verify_examples,
     .run = audit_verify},
    {.name = "usage",
     .words = "",
     .summary = "what was spent, by whom and on what",
     .about = "Reads the ledger from the data directory, also while a gateway runs. Days are UTC; a request with two tags counts "
              "for both.",
     .flags = usage_flags,
     .examples = usage_examples,
     .run = usage_show},
    {.name = "usage verify",
     .words = "",
     .summary = "re-add the ledger and compare it with the balances",
     .about = "Exit code 0: the ledger holds, 1: it does not, 2: it cannot be read.",
     .flags = ledger_flags,
     .examples = ledger_examples,
     .run = usage_verify},
    {.name = "secrets rotate",
     .words = "",
     .summary = "a new master key for what is sealed at rest",
     .about = "Puts a new key before those of master.key in the data directory. The gateway seals with it from its next start "
              "on; what was "
              "sealed before is opened with the former, which stays in the file.",
     .flags = secrets_flags,
     .examples = secrets_examples,
     .run = secrets_rotate},
    {.name = "healthcheck",
     .words = "",
     .summary = "exit 0 when a gateway answers, else 1",
     .about = "Asks GET /livez. For containers and scripts.",
     .flags = health_flags,
     .examples = health_examples,
     .run = healthcheck},
    {.name = "schema",
     .words = "",
     .summary = "write the JSON Schema of cardea.yaml",
     .about = "For editors: completion and checks while you type.",
     .flags = {},
     .examples = schema_examples,
     .run = schema},
    {.name = "version",
     .words = "",
     .summary = "version, commit and compiler",
     .about = "What this binary was made of and with.",
     .flags = {},
     .examples = {},
     .run = version},
    {.name = "docs",
     .words = "",
     .summary = "write the reference of the configuration",
     .about = "Markdown, for docs/configuration.md.",
     .flags = {},
     .examples = {},
     .run = docs,
     .shown = Command::Shown::hidden},
};

}  // namespace

std::span<const Command> commands() {
  static const std::vector<Command> all = [] {
    std::vector<Command> out{std::begin(table), std::end(table)};
    const auto things = thing_commands();
    // Before what ends the list: version and what is hidden.
    out.insert(out.end() - 3, things.begin(), things.end());
    return out;
  }();
  return all;
}

}  // namespace cardea::app
