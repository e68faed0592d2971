#include "app/thing_commands.h"

#include <algorithm>
#include <array>
#include <deque>
#include <filesystem>

#include "app/gateway_client.h"
#include "app/output.h"
#include "app/sources.h"
#include "base/text.h"
#include "json/value.h"
#include "json/writer.h"

namespace cardea::app {
namespace {

using json::Value;
using FieldKind = config::FormField::Kind;

constexpr std::chrono::milliseconds look_timeout{1500};
constexpr std::chrono::milliseconds answer_timeout{20'000};

struct Noun {
  std::string_view plural, singular, summary;
};
constexpr std::array<Noun, 6> nouns{{
    {"organizations", "organization", "organisations: who shares the gateway"},
    {"teams", "team", "teams, alone or inside an organisation"},
    {"projects", "project", "projects of a team"},
    {"keys", "key", "gateway keys: make, show, rotate, revoke"},
    {"users", "user", "end users, as requests name them"},
    {"members", "member", "roles of people and programs without a key"},
}};

/// What is done. `body`: sent when there is none of the flags'.
struct Verb {
  std::string_view name;
  wire::Method method;
  std::string_view suffix;  ///< behind the id
  enum class Takes : std::uint8_t { nothing, id, form, id_and_form } takes;
  bool keys_only;
};
constexpr Verb verbs[] = {
    {"list", wire::Method::get, "", Verb::Takes::nothing, false},
    {"create", wire::Method::post, "", Verb::Takes::form, false},
    {"show", wire::Method::get, "", Verb::Takes::id, false},
    {"update", wire::Method::patch, "", Verb::Takes::id_and_form, false},
    {"remove", wire::Method::delete_, "", Verb::Takes::id, false},
    {"rotate", wire::Method::post, "/rotate", Verb::Takes::id, true},
    {"revoke", wire::Method::post, "/revoke", Verb::Takes::id, true},
    {"block", wire::Method::post, "/block", Verb::Takes::id, true},
    {"unblock", wire::Method::post, "/unblock", Verb::Takes::id, true},
};

/// A gateway key's own value must not be taken for the key that opens the gateway.
std::string flag_of(std::string_view field) {
  if (field == "key") return "--value";
  std::string flag = cat("--", field);
  std::ranges::replace(flag, '_', '-');
  return flag;
}

std::string_view placeholder(FieldKind kind) {
  switch (kind) {
    case FieldKind::number: return "N";
    case FieldKind::list: return "A,B";
    case FieldKind::map: return "NAME=VALUE,…";
    case FieldKind::budgets: return "USD/PERIOD,…";
    case FieldKind::text: return "VALUE";
  }
  return "VALUE";
}

/// A budget is written as 100/month.
Value budget_of(std::string_view text) {
  const auto slash = text.find('/');
  Value budget = Value::object();
  budget.set("amount", Value::string(std::string{text.substr(0, slash)}));
  if (slash != std::string_view::npos) budget.set("per", Value::string(std::string{text.substr(slash + 1)}));
  return budget;
}

Result<Value> value_of(const config::FormField& field, std::string_view text) {
  if (text.empty()) return Value{};
  std::vector<Value> list;
  Value map = Value::object();
  Status good;
  switch (field.kind) {
    case FieldKind::text: return Value::string(std::string{text});
    case FieldKind::number:
      // What is no number is the gateway's to refuse, in the words of its tables.
      return parse_number<std::uint64_t>(text) ? Value::number(std::string{text}) : Value::string(std::string{text});
    case FieldKind::list:
      for_each_in_list(text, [&](std::string_view one) { list.push_back(Value::string(std::string{one})); });
      return Value::array(std::move(list));
    case FieldKind::budgets:
      for_each_in_list(text, [&](std::string_view one) { list.push_back(budget_of(one)); });
      return Value::array(std::move(list));
    case FieldKind::map:
      for_each_in_list(text, [&](std::string_view one) {
        const auto equals = one.find('=');
        if (equals == 0 || equals == std::string_view::npos) {
          good = fail(Kind::config, cat("'", flag_of(field.name), "' wants NAME=VALUE, not '", one, "'"));
        } else {
          map.set(one.substr(0, equals), Value::string(std::string{one.substr(equals + 1)}));
        }
      });
      if (!good) return fail_with(good);
      return map;
  }
  return Value{};
}

// Output.

std::string plain(const Value& value) {
  if (const std::string* text = value.as_string()) return *text;
  if (value.is(json::Type::null)) return {};
  if (value.is(json::Type::array)) {
    std::string out;
    for (const Value& one : value.elements()) append(out, cat(out.empty() ? "" : ", ", plain(one)));
    return out;
  }
  if (const Value* amount = value.find("amount"))
    return cat(plain(*amount), "/", value.find("per") != nullptr ? plain(*value.find("per")) : "total");
  return value.dump();
}

/// Shown in a list, where any row has it.
constexpr std::string_view columns[] = {"id",      "name",    "title",   "identity", "organization",
                                        "team",    "project", "role",    "models",   "budgets",
                                        "expires", "blocked", "revoked", "source",   "last_used_at"};

std::string show_list(const std::vector<Value>& rows) {
  std::vector<std::string_view> shown;
  for (const std::string_view column : columns) {
    if (std::ranges::any_of(rows, [&](const Value& row) { return row.find(column) != nullptr; })) shown.push_back(column);
  }
  std::vector<std::vector<std::string>> cells(1);
  for (const std::string_view column : shown) cells.front().emplace_back(column);
  for (const Value& row : rows) {
    auto& line = cells.emplace_back();
    for (const std::string_view column : shown) {
      const Value* value = row.find(column);
      line.push_back(value != nullptr ? harmless(plain(*value)) : std::string{});
    }
  }
  return table(cells);
}

std::string show_one(const Value& thing) {
  std::size_t width = 0;
  for (const auto& [name, value] : thing.members()) width = std::max(width, name.size());
  std::string out;
  for (const auto& [name, value] : thing.members()) {
    if (name == "object") continue;
    append(out, cat(name, std::string(width - name.size() + 2, ' '), harmless(plain(value)), "\n"));
  }
  return out;
}

// Whom to ask.

struct Partner {
  std::unique_ptr<LocalGateway> local;
  std::unique_ptr<GatewayClient> client;
};

/// The gateway that was named; else the one on this data directory, by its own socket; else one inside this process on it.
Result<Partner> find_partner(const Arguments& arguments) {
  Partner partner;
  if (arguments.has("--url") || !environment("CARDEA_URL").empty()) {
    Result<Asked> asked = place_of(arguments);
    if (!asked) return fail_with(asked);
    partner.client = std::make_unique<GatewayClient>(std::move(asked->place));
    return partner;
  }
  // Not as of serve: --models is a field here.
  server::Sources sources;
  sources.config_file = arguments.get("--config");
  sources.env = server::process_environment();
  if (arguments.has("--data")) sources.overrides.emplace_back("data", arguments.get("--data"));
  const server::Configuration configuration = server::load(sources);
  const auto folder = std::filesystem::absolute(config::data_directory(configuration.settings, sources.env));
  const std::string socket = cat("unix:", (folder / server::admin_socket_name).lexically_normal().string());
  Result<Place> place = parse_place(socket, "");
  if (!place) return fail_with(place);
  partner.client = std::make_unique<GatewayClient>(std::move(*place));
  if (is_alive(*partner.client, look_timeout)) return partner;
  Result<std::unique_ptr<LocalGateway>> local = LocalGateway::start_on_data(sources);
  if (!local) return fail_with(local);
  partner.local = std::move(*local);
  place = parse_place(socket, "");
  if (!place) return fail_with(place);
  partner.client = std::make_unique<GatewayClient>(std::move(*place));
  return partner;
}

std::string encoded(std::string_view text) {
  constexpr std::string_view hex = "0123456789ABCDEF";
  std::string out;
  for (const char c : text) {
    const bool letter = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
    if (letter || c == '-' || c == '_' || c == '.') {
      out += c;
    } else {
      const auto byte = static_cast<unsigned char>(c);
      append(out, cat('%', hex[byte >> 4], hex[byte & 15]));
    }
  }
  return out;
}

std::string query_of(const Arguments& arguments) {
  std::string query;
  for (const std::string_view name : {"limit", "after", "organization", "team", "project"}) {
    const std::string flag = cat("--", name);
    if (arguments.has(flag)) append(query, cat(query.empty() ? '?' : '&', name, "=", encoded(arguments.get(flag))));
  }
  return query;
}

int refuse(std::string_view message) {
  complain(message);
  return exit_usage;
}

struct Request {
  wire::Method method;
  std::string path, body;
};

/// What the words and flags ask for.
Result<Request> request_of(const Noun& noun, const Arguments& arguments) {
  const auto words = arguments.words();
  const std::string_view word = words.empty() ? std::string_view{"list"} : std::string_view{words[0]};
  const auto verb = std::ranges::find_if(
      verbs, [&](const Verb& one) { return one.name == word && (!one.keys_only || noun.singular == "key"); });
  if (verb == std::end(verbs)) {
    return fail(Kind::config, cat("'", noun.plural, "' knows no '", word, "'; see 'cardea ", noun.plural, " --help'"));
  }
  const bool wants_id = verb->takes == Verb::Takes::id || verb->takes == Verb::Takes::id_and_form;
  const std::string_view id = words.size() > 1 ? std::string_view{words[1]} : std::string_view{};
  if (wants_id && id.empty()) return fail(Kind::config, cat("'", noun.plural, " ", word, "' wants an ID"));
  if (words.size() > 2) return fail(Kind::config, cat("unexpected '", words[2], "'"));
  Request request{.method = verb->method, .path = cat("/admin/v1/", noun.plural), .body = {}};
  if (wants_id) append(request.path, cat("/", encoded(id), verb->suffix));
  if (verb->takes == Verb::Takes::nothing) append(request.path, query_of(arguments));
  if (verb->takes == Verb::Takes::form || verb->takes == Verb::Takes::id_and_form) {
    const auto fields = config::form_fields(noun.singular);
    Result<std::string> form = form_of(fields, arguments, wants_id ? std::string_view{} : id);
    if (!form) return fail_with(form);
    request.body = std::move(*form);
  }
  if (verb->name == "rotate" && arguments.has("--overlap")) {
    request.body = cat("{\"overlap\":", json::quote(arguments.get("--overlap")), "}");
  }
  return request;
}

int administer(const Noun& noun, const Arguments& arguments) {
  Result<Request> request = request_of(noun, arguments);
  if (!request) return refuse(request.error().message());
  Result<Partner> partner = find_partner(arguments);
  if (!partner) return refuse(partner.error().message());
  std::string headers;
  if (arguments.has("--if-version")) headers = cat("if-match: \"", arguments.get("--if-version"), "\"\r\n");
  const Result<Reply> reply = partner->client->send(request->method, request->path, request->body, headers, answer_timeout);
  if (!reply) {
    complain(reply.error().message());
    return exit_failed;
  }
  if (reply->status >= 300) {
    complain(error_text(*reply));
    return exit_failed;
  }
  if (!reply->body.empty()) print(arguments.has("--json") ? cat(reply->body, "\n") : show_answer(reply->body));
  return exit_ok;
}

template <std::size_t Index>
int run_noun(const Arguments& arguments) {
  return administer(nouns[Index], arguments);
}

constexpr Flag common_flags[] = {
    {"--json", "", "the answer as it came"},
    {"--url", "URL", "a gateway elsewhere; default: CARDEA_URL, else the one on the data directory, running or not"},
    {"--key", "KEY", "what opens it; default: CARDEA_API_KEY, else the first of API_KEY"},
    {"--data", "DIR", "where the gateway keeps its state"},
    {"--config", "FILE", "configuration; default: as of serve"},
    {"--limit", "N", "list: how many at most"},
    {"--after", "ID", "list: those behind this one"},
    {"--if-version", "N", "update, remove: only when nobody has changed it since"},
};
constexpr Flag filter_flags[] = {
    {"--organization", "ID", "list: only what belongs there"},
    {"--team", "ID", "list: only what belongs there"},
    {"--project", "ID", "list: only what belongs there"},
};
constexpr Example key_examples[] = {
    {"cardea keys create laptop --name laptop --models 'openai/*' --budgets 20/month", "its value is shown this once"},
    {"cardea keys create --team research --role admin", "for somebody who makes the team's keys"},
    {"cardea keys rotate laptop --overlap 24h", "a new value; the old one is good for another day"},
    {"cardea keys update laptop --expires 2027-01-01 --models ''", "an empty value takes a field away"},
    {"cardea keys list --team research --json", "for programs"},
};
constexpr Example tenant_examples[] = {
    {"cardea organizations create acme --title 'Acme Ltd' --budgets 500/month", "nothing inside may have more"},
    {"cardea teams create research --organization acme --models 'openai/*,mistral/*'", ""},
    {"cardea teams list --organization acme", ""},
};

/// What commands refer to, for as long as the process.
struct Store {
  std::deque<std::string> names;
  std::array<std::vector<Flag>, nouns.size()> flags;
  std::vector<Command> commands;
};

template <std::size_t Index>
void add_command(Store& store) {
  const Noun& noun = nouns[Index];
  auto& flags = store.flags[Index];
  for (const config::FormField& field : config::form_fields(noun.singular)) {
    flags.push_back({store.names.emplace_back(flag_of(field.name)), placeholder(field.kind), field.doc});
  }
  for (const Flag& flag : filter_flags) {
    if (std::ranges::find(flags, flag.name, &Flag::name) == flags.end()) flags.push_back(flag);
  }
  constexpr bool keys = nouns[Index].singular == "key";
  if (keys) flags.push_back({"--overlap", "TIME", "rotate: how long the old value stays good, such as 24h; default: not at all"});
  flags.insert(flags.end(), std::begin(common_flags), std::end(common_flags));
  store.commands.push_back(
      {.name = noun.plural,
       .words =
           keys ? "[list|create|show|update|remove|rotate|revoke|block|unblock] [ID]" : "[list|create|show|update|remove] [ID]",
       .summary = noun.summary,
       .about = "Asks the gateway that runs on the data directory, by its own socket, or one elsewhere with --url and --key. "
                "When none\n"
                "runs, the data is changed by this command itself. The same fields can be written in cardea.yaml; what a file\n"
                "declares is changed there.",
       .flags = flags,
       .examples = keys ? std::span<const Example>{key_examples} : std::span<const Example>{tenant_examples},
       .run = run_noun<Index>});
}

template <std::size_t... Index>
Store make_store(std::index_sequence<Index...> /*all*/) {
  Store store;
  (add_command<Index>(store), ...);
  return store;
}

}  // namespace

std::span<const Command> thing_commands() {
  static const Store store = make_store(std::make_index_sequence<nouns.size()>{});
  return store.commands;
}

Result<std::string> form_of(std::span<const config::FormField> fields, const Arguments& arguments, std::string_view id) {
  Value form = Value::object();
  if (!id.empty()) form.set("id", Value::string(std::string{id}));
  for (const config::FormField& field : fields) {
    const std::string flag = flag_of(field.name);
    if (!arguments.has(flag)) continue;
    Result<Value> value = value_of(field, arguments.get(flag));
    if (!value) return fail_with(value);
    form.set(field.name, std::move(*value));
  }
  return form.dump();
}

std::string show_answer(std::string_view json) {
  const Result<Value> answer = json::parse(json);
  if (!answer) return cat(json, "\n");
  const Value* rows = answer->find("data");
  if (rows == nullptr) return show_one(*answer);
  std::string out = show_list(rows->elements());
  if (const Value* next = answer->find("next")) append(out, cat("… more: --after ", harmless(plain(*next)), "\n"));
  return out;
}

}  // namespace cardea::app
