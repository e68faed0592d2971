#include "config/loader.h"

#include <map>
#include <tuple>

#include "base/text.h"
#include "config/field.h"
#include "config/tree.h"
#include "config/validate.h"
#include "json/writer.h"

namespace cardea::config {
namespace {

/// A scalar, or a list cut at commas when the field is one, from outside the files. Its text is never shown.
Node outside_value(const Field& field, std::string_view text, const std::string& shown) {
  Node node;
  node.kind = Node::Kind::scalar;
  node.text = text;
  node.written = shown;
  if (field.codec->shape != Shape::list) return node;
  Node list;
  list.kind = Node::Kind::list;
  for_each_in_list(text, [&](std::string_view part) {
    node.text = part;
    list.list.push_back(node);
  });
  return list;
}

/// Sets fields that have environment variables, in this table and in the mappings below it.
void read_environment(Reader& reader, const std::string& path, void* out, const Table& table, const Env& env) {
  for (const auto& field : table.fields) {
    const auto field_path = cat(path, path.empty() ? "" : ".", field.name);
    if (field.codec->shape == Shape::object) {
      read_environment(reader, field_path, field.at(out), field.codec->table(), env);
      continue;
    }
    // Every variable of a list that grows counts; of others the first one set.
    const bool all = field.codec->element != nullptr && field.codec->element->shape == Shape::object;
    bool done = false;
    for_each_in_list(field.spec.env, [&](std::string_view name) {
      const auto value = done && !all ? std::nullopt : env(name);
      if (!value) return;
      done = true;
      reader.file = cat("environment variable ", name);
      reader.path = field_path;
      reader.places->set(field_path, {reader.file, 0, 0});
      auto node = outside_value(field, *value, cat("$", name));
      if (trim(*value).empty()) return reader.problem(node, "the variable is set and empty", "give it a value or unset it");
      field.codec->read(reader, node, field.at(out), field);
    });
  }
}

/// PORT changes the port of the one listen address; the host stays, so that a platform's PORT never opens the gateway to the
/// world.
void read_port(Reader& reader, Settings& settings, const Env& env) {
  const auto port = env("PORT");
  if (!port || env("CARDEA_LISTEN")) return;
  reader.file = "environment variable PORT";
  reader.path = "listen";
  if (const auto number = parse_number<std::uint16_t>(trim(*port)); !number || *number == 0) {
    return reader.problem({}, "not a port number", "set PORT to a number from 1 to 65535, or unset it");
  }
  for (auto& address : settings.listen) {
    const auto parsed = parse_listen(address);
    if (!parsed || !parsed->unix_path.empty()) continue;
    address = cat(address.substr(0, address.rfind(':') + 1), trim(*port));
    return;
  }
}

const Field* find_path(std::string_view path, void*& owner) {
  const auto* table = &table_of<Settings>();
  while (true) {
    const auto dot = path.find('.');
    const auto* field = find_field(*table, path.substr(0, dot));
    if (field == nullptr || dot == std::string_view::npos) return field;
    if (field->codec->shape != Shape::object) return nullptr;
    owner = field->at(owner);
    table = &field->codec->table();
    path.remove_prefix(dot + 1);
  }
}

void read_overrides(Reader& reader, Settings& settings, const Overrides& overrides) {
  for (const auto& [path, value] : overrides) {
    reader.path = path;
    void* owner = &settings;
    const auto* field = find_path(path, owner);
    if (field == nullptr) {
      reader.problem({}, "no such field", "see docs/configuration.md");
      continue;
    }
    reader.places->set(path, {reader.file, 0, 0});
    auto node = outside_value(*field, value, value);
    field->codec->read(reader, node, field->at(owner), *field);
  }
}

void read_file(const File& file, const Env& env, Settings& settings, Places& places, std::vector<Problem>& problems) {
  const std::string name{file.name};
  auto root = parse_yaml(file.text, name, problems);
  if (root.kind == Node::Kind::null) return;
  substitute(root, env, Missing::is_problem, name, problems);
  Reader reader{.file = name, .problems = problems, .places = &places};
  read_object(reader, root, &settings, table_of<Settings>());
}

}  // namespace

void Variables::add(std::string_view name, std::string_view value) {
  values_.emplace_back(cat("${", name, "}"), Secret{std::string{value}});
  if (value.find(',') == std::string_view::npos) return;
  for_each_in_list(value, [&](std::string_view part) { values_.emplace_back(cat("${", name, "}"), Secret{std::string{part}}); });
}

std::string Variables::hide(std::string text) const {
  for (const auto& [name, value] : values_) text = scrub(text, value.reveal(), name);
  return text;
}

void finish(std::vector<Problem>& problems, const Variables& variables) {
  std::multimap<std::tuple<std::string, unsigned, unsigned>, Problem> sorted;
  for (auto& problem : problems) {
    problem.message = variables.hide(std::move(problem.message));
    problem.fix = variables.hide(std::move(problem.fix));
    auto place = std::tuple{problem.where.file, problem.where.line, problem.where.column};
    sorted.emplace(std::move(place), std::move(problem));
  }
  problems.clear();
  for (auto& [place, problem] : sorted) problems.push_back(std::move(problem));
}

std::string to_text(const Problem& problem) {
  std::string out = problem.where.file;
  if (problem.where.line != 0) out += cat(":", problem.where.line, ":", problem.where.column);
  if (!problem.path.empty()) out += cat(out.empty() ? "" : ": ", problem.path);
  out += cat(": ", problem.severity == Severity::warning ? "warning: " : "", problem.message);
  if (!problem.fix.empty()) out += cat(" – ", problem.fix);
  // Names come from the file as they are: no line break and no terminal sequence of theirs gets out.
  for (auto& c : out) {
    if (static_cast<unsigned char>(c) < ' ' || c == 0x7f) c = '?';
  }
  return out;
}

bool Loaded::ok() const {
  return std::none_of(problems.begin(), problems.end(), [](const Problem& p) { return p.severity == Severity::error; });
}

void Places::set(const std::string& path, Where where) {
  places_.insert_or_assign(cat(where.file, "\n", path), where);
  places_.insert_or_assign(path, std::move(where));
}

const Where* Places::at(std::string_view file, std::string_view path) const {
  const auto found = places_.find(file.empty() ? std::string{path} : cat(file, "\n", path));
  return found == places_.end() ? nullptr : &found->second;
}

const Where* Places::find(std::string_view file, std::string_view path) const {
  for (; !path.empty(); path = path.substr(0, path.find_last_of(".["))) {
    if (const auto* found = at(file, path)) return found;
    if (path.find_last_of(".[") == std::string_view::npos) break;
  }
  return nullptr;
}

std::string ElementPaths::next(const Where& where) { return cat(list_, "[", counts_[where.file]++, "]"); }

bool same_branch(std::string_view a, std::string_view b) noexcept {
  if (a.size() > b.size()) std::swap(a, b);
  return b.starts_with(a) && (a.empty() || a.size() == b.size() || b[a.size()] == '.' || b[a.size()] == '[');
}

Loaded load(const std::vector<File>& files, const Env& environment, const Overrides& overrides) {
  Loaded out;
  Places& places = out.places;
  const Env env = [&](std::string_view name) {
    auto value = environment(name);
    if (value) out.settings.variables.add(name, *value);
    return value;
  };
  for (const auto& file : files) read_file(file, env, out.settings, places, out.problems);
  Reader outside{.file = "", .problems = out.problems, .places = &places};
  read_environment(outside, "", &out.settings, table_of<Settings>(), env);
  read_port(outside, out.settings, env);
  Reader command_line{.file = "command line", .problems = out.problems, .places = &places};
  read_overrides(command_line, out.settings, overrides);
  validate(out.settings, places, out.problems);
  finish(out.problems, out.settings.variables);
  return out;
}

Loaded load(std::string_view text, std::string_view name, const Env& env) { return load({{name, text}}, env); }

LoadedProvider load_provider(std::string_view yaml, std::string_view file, const Env& env) {
  LoadedProvider out;
  const std::string name{file};
  auto root = parse_yaml(yaml, name, out.problems);
  substitute(root, env, Missing::is_empty, name, out.problems);
  Reader reader{.file = name, .problems = out.problems};
  read_object(reader, root, &out.provider, table_of<Provider>());
  return out;
}

Result<Provider> read_provider(std::string_view json, const Env& env) {
  auto root = parse_json(json);
  if (!root) return fail_with(root);
  const std::string name = "built-in provider";
  std::vector<Problem> problems;
  substitute(*root, env, Missing::is_empty, name, problems);
  Provider out;
  Reader reader{.file = name, .problems = problems};
  read_object(reader, *root, &out, table_of<Provider>());
  if (!problems.empty()) return fail(Kind::config, to_text(problems.front()));
  return out;
}

Result<std::string> compact_provider(std::string_view yaml, std::string_view file) {
  const std::string name{file};
  std::vector<Problem> problems;
  const auto root = parse_yaml(yaml, name, problems);
  auto checked = root;
  substitute(checked, [](std::string_view) { return std::nullopt; }, Missing::is_empty, name, problems);
  Provider provider;
  Reader reader{.file = name, .problems = problems};
  read_object(reader, checked, &provider, table_of<Provider>());
  std::string text;
  for (const auto& problem : problems) text += cat(to_text(problem), "\n");
  if (!text.empty()) return fail(Kind::config, text);
  return to_json(root);
}

template <class T>
Result<T> read_thing(std::string_view json) {
  auto root = parse_json(json);
  if (!root) return fail(Kind::bad_request, cat("The body is not a JSON object: ", root.error().message()));
  std::vector<Problem> problems;
  T out;
  Reader reader{.file = {}, .problems = problems};
  read_object(reader, *root, &out, table_of<T>());
  if (problems.empty()) return out;
  std::string text;
  for (const auto& problem : problems) {
    text += cat(text.empty() ? "" : "; ", problem.path, problem.path.empty() ? "" : ": ", problem.message, " – ", problem.fix);
  }
  return fail(Kind::bad_request, Error::Detail{.message = std::move(text), .param = problems.front().path});
}

template <class T>
std::string write_thing(const T& thing) {
  std::string text;
  json::Writer out{text};
  write_object(out, &thing, table_of<T>());
  return text;
}

template Result<Organization> read_thing(std::string_view);
template Result<Team> read_thing(std::string_view);
template Result<Project> read_thing(std::string_view);
template Result<EndUser> read_thing(std::string_view);
template Result<Member> read_thing(std::string_view);
template Result<GatewayKey> read_thing(std::string_view);
template std::string write_thing(const Organization&);
template std::string write_thing(const Team&);
template std::string write_thing(const Project&);
template std::string write_thing(const EndUser&);
template std::string write_thing(const Member&);
template std::string write_thing(const GatewayKey&);

Provider overlay(const Provider& base, const Provider& user) {
  auto out = base;
  auto over = user;
  for (const auto& model : base.models) {
    const auto same = [&](const ProviderModel& other) { return other.id == model.id; };
    if (std::none_of(user.models.begin(), user.models.end(), same)) over.models.push_back(model);
  }
  for (const auto& name : user.given) {
    if (const auto* field = find_field(table_of<Provider>(), name)) field->copy(&out, &over);
  }
  out.where = user.where;
  out.given = user.given;
  return out;
}

namespace {
void compare(const Table& table, void* running, void* wanted, const std::string& prefix, std::vector<std::string>& out) {
  for (const auto& field : table.fields) {
    const auto path = cat(prefix, field.name);
    const auto* codec = field.codec;
    if (codec->shape == Shape::object) {
      compare(codec->table(), field.at(running), field.at(wanted), path + ".", out);
    } else if (field.spec.apply == Apply::restart && codec->show(field.at(running)) != codec->show(field.at(wanted))) {
      out.push_back(path);
    }
  }
}
}  // namespace

std::vector<std::string> restart_needed(const Settings& running, const Settings& wanted) {
  std::vector<std::string> out;
  auto a = running;  // the tables give mutable access only
  auto b = wanted;
  compare(table_of<Settings>(), &a, &b, "", out);
  return out;
}

std::string data_directory(const Settings& settings, const Env& env) {
  if (!settings.data.empty()) return settings.data;
  if (const auto state = env("XDG_STATE_HOME"); state && state->starts_with('/')) return cat(*state, "/cardea");
  if (const auto home = env("HOME"); home && home->starts_with('/')) return cat(*home, "/.local/state/cardea");
  return "./cardea-data";
}

}  // namespace cardea::config
