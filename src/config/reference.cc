#include "config/reference.h"

#include <map>

#include "base/text.h"
#include "config/field.h"
#include "json/value.h"
#include "json/writer.h"

namespace cardea::config {
namespace {

/// Tables met on the way, by name: the definitions of the schema, the sections of the page.
using Tables = std::map<std::string_view, const Table*>;

void collect(const Table& table, Tables& found) {
  for (const auto& field : table.fields) {
    const auto* codec = field.codec;
    while (codec->element != nullptr) codec = codec->element;
    if (codec->table == nullptr) continue;
    const auto& inner = codec->table();
    if (found.emplace(inner.name, &inner).second) collect(inner, found);
  }
}

/// Every scalar may be a text with a variable in it instead.
constexpr std::string_view variable = R"({"type":"string","pattern":"\\$\\{|^os\\.environ/|^env\\."})";

void write_type(json::Writer& out, const Codec& codec, const Spec& spec);

void any_of_variable(json::Writer& out, std::string_view type) {
  out.key("anyOf").begin_array();
  out.raw(type).raw(variable);
  out.end_array();
}

void write_integer(json::Writer& out, const Spec& spec) {
  std::string type = cat(R"({"type":"integer","minimum":)", spec.min);
  if (spec.max != ~std::uint64_t{0}) type += cat(R"(,"maximum":)", spec.max);
  any_of_variable(out, type + "}");
}

void write_choice(json::Writer& out, const Codec& codec) {
  std::string type = R"({"enum":[)";
  for (const auto choice : codec.choices()) type += cat(type.back() == '[' ? "" : ",", json::quote(choice));
  for (const auto& other : other_names(codec.choices())) type += cat(",", json::quote(other.name));
  // An unquoted on, off, 1.3 is a boolean or a number to an editor's YAML reader.
  if (codec.choices().data() == choices_of<Switch>().data()) type += ",true,false";
  if (codec.choices().data() == choices_of<TlsVersion>().data()) type += ",1.2,1.3";
  any_of_variable(out, type + "]}");
}

/// An object, or the plain value that stands for it; a list, or its one element.
void write_reference(json::Writer& out, const Table& table) {
  const auto reference = cat(R"({"$ref":"#/$defs/)", table.name, "\"}");
  if (table.shorthand.empty()) {
    out.key("$ref").string(cat("#/$defs/", table.name));
    return;
  }
  out.key("anyOf").begin_array();
  out.raw(R"({"type":"string"})").raw(reference);
  out.end_array();
}

void write_list(json::Writer& out, const Codec& codec) {
  out.key("anyOf").begin_array();
  out.begin_object();
  out.key("type").string("array");
  out.key("items").begin_object();
  write_type(out, *codec.element, {});
  out.end_object();
  out.end_object();
  out.begin_object();
  write_type(out, *codec.element, {});
  out.end_object();
  out.end_array();
}

void write_type(json::Writer& out, const Codec& codec, const Spec& spec) {
  switch (codec.shape) {
    case Shape::text: out.key("type").begin_array().string("string").string("number").string("boolean").end_array(); break;
    case Shape::secret: out.key("type").string("string"); break;
    case Shape::integer: write_integer(out, spec); break;
    case Shape::size:
      any_of_variable(out, R"({"type":["string","integer"],"pattern":"^[0-9]+ ?([KMG]i?B|kB|[kmg]|B)?$"})");
      break;
    case Shape::duration:
      any_of_variable(out, R"({"anyOf":[{"type":"string","pattern":"^([0-9]+ ?(ms|s|m|min|h)|0)$"},{"const":0}]})");
      break;
    case Shape::price: any_of_variable(out, R"({"type":["number","string"],"pattern":"^[0-9]+([.][0-9]{1,6})?$"})"); break;
    case Shape::amount: any_of_variable(out, R"({"type":["number","string"],"pattern":"^[0-9]+([.][0-9]{1,9})?$"})"); break;
    case Shape::choice: write_choice(out, codec); break;
    case Shape::object: write_reference(out, codec.table()); break;
    case Shape::list: write_list(out, codec); break;
    case Shape::map:
      out.key("type").string("object");
      out.key("additionalProperties").begin_object();
      write_type(out, *codec.element, {});
      out.end_object();
      break;
  }
}

std::string default_of(const Table& table, const Field& field) {
  // The tables give mutable access; showing does not change anything.
  return field.codec->show(field.at(const_cast<void*>(table.defaults())));  // NOLINT
}

void write_object(json::Writer& out, const Table& table) {
  out.key("type").string("object");
  out.key("description").string(table.doc);
  out.key("additionalProperties").boolean(false);
  out.key("properties").begin_object();
  for (const auto& field : table.fields) {
    out.key(field.name).begin_object();
    auto doc = std::string{field.spec.doc};
    if (const auto shown = default_of(table, field); !shown.empty()) doc += cat(" Default: ", shown, ".");
    out.key("description").string(doc);
    write_type(out, *field.codec, field.spec);
    out.end_object();
  }
  out.end_object();
  out.key("required").begin_array();
  for (const auto& field : table.fields) {
    if (field.spec.required) out.string(field.name);
  }
  out.end_array();
}

std::string type_name(const Codec& codec) {
  switch (codec.shape) {
    case Shape::text: return "text";
    case Shape::secret: return "secret";
    case Shape::integer: return "number";
    case Shape::size: return "size";
    case Shape::duration: return "duration";
    case Shape::price: return "price";
    case Shape::amount: return "amount";
    case Shape::choice: {
      std::string out;
      for (const auto choice : codec.choices()) out += cat(out.empty() ? "" : " / ", choice);
      return out;
    }
    case Shape::list: return cat("list of ", type_name(*codec.element));
    case Shape::map: return cat("mapping to ", type_name(*codec.element));
    case Shape::object: return cat("[", codec.table().name, "](#", codec.table().name, ")");
  }
  return {};
}

void write_section(std::string& out, const Table& table, std::string_view title) {
  out += cat("\n## ", title, "\n", table.doc, ".");
  if (!table.shorthand.empty()) out += cat(" A plain value instead of a mapping sets `", table.shorthand, "`.");
  out += "\n\n| field | type | default | meaning |\n|---|---|---|---|\n";
  for (const auto& field : table.fields) {
    const auto& spec = field.spec;
    const auto shown = default_of(table, field);
    out += cat("| `", field.name, "` | ", type_name(*field.codec), spec.unit.empty() ? "" : cat(", ", spec.unit), " | ",
               spec.required   ? "required"
               : shown.empty() ? "–"
                               : cat("`", shown, "`"),
               " | ", spec.doc);
    if (!spec.env.empty()) {
      out += " Environment: ";
      bool first = true;
      for_each_in_list(spec.env, [&](std::string_view name) {
        out += cat(first ? "" : ", ", "`", name, "`");
        first = false;
      });
      out += ".";
    }
    if (spec.apply == Apply::restart) out += " *A change needs a restart.*";
    if (!spec.example.empty()) out += cat(" Example: `", spec.example, "`.");
    out += " |\n";
  }
}

constexpr std::string_view introduction = R"(# Configuration

<!-- Written from the field tables in src/config/tables.cc by `CARDEA_UPDATE=1 config_test`; do not edit. -->

Cardea reads `cardea.yaml` (`--config FILE`) and, with `--models FILE`, a registry of models. Both have the same form, so one file may
hold everything. What the command line says stands above the environment, which stands above the files, which stand above the
defaults. With no file at all, every provider whose key is in the environment is on.

- `cardea check` reports every problem at once, with file, line and what to do; a gateway that runs keeps its old configuration.
- Unknown keys, duplicate keys and wrong types are errors.
- `${NAME}` in any value is replaced by an environment variable, `${NAME:-text}` has a default, `$${` is a literal `${`;
  `os.environ/NAME` and `env.NAME` are understood as whole values.
- Durations are written with a unit (`250ms`, `5s`, `2m`, `1h`), sizes too (`32KiB`, `1MiB`); prices are US dollars per million tokens.
- In a second file plain values and lists of plain values replace the first file's; mappings and lists of mappings add.
)";

}  // namespace

std::string json_schema() {
  Tables tables;
  const auto& root = table_of<Settings>();
  collect(root, tables);
  std::string out;
  json::Writer writer{out};
  writer.begin_object();
  writer.key("$schema").string("https://json-schema.org/draft/2020-12/schema");
  writer.key("title").string("cardea.yaml");
  write_object(writer, root);
  writer.key("$defs").begin_object();
  for (const auto& [name, table] : tables) {
    writer.key(name).begin_object();
    write_object(writer, *table);
    writer.end_object();
  }
  writer.end_object();
  writer.end_object();
  return out + "\n";
}

std::string reference_markdown() {
  Tables tables;
  const auto& root = table_of<Settings>();
  collect(root, tables);
  std::string out{introduction};
  write_section(out, root, "cardea.yaml");
  for (const auto& [name, table] : tables) write_section(out, *table, name);
  return out;
}

std::vector<FormField> form_fields(std::string_view thing) {
  const Table* const tables[] = {&table_of<Organization>(), &table_of<Team>(),    &table_of<Project>(),
                                 &table_of<GatewayKey>(),   &table_of<EndUser>(), &table_of<Member>()};
  const auto kind_of = [](const Codec& codec) {
    switch (codec.shape) {
      case Shape::integer: return FormField::Kind::number;
      case Shape::map: return FormField::Kind::map;
      case Shape::list: return codec.element->shape == Shape::object ? FormField::Kind::budgets : FormField::Kind::list;
      default: return FormField::Kind::text;
    }
  };
  std::vector<FormField> out;
  for (const Table* table : tables) {
    if (table->name != thing) continue;
    for (const Field& field : table->fields) {
      out.push_back({.name = field.name, .doc = field.spec.doc, .example = field.spec.example, .kind = kind_of(*field.codec)});
    }
  }
  return out;
}

}  // namespace cardea::config
