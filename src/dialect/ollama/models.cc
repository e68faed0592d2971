#include "dialect/ollama/models.h"

#include "base/random.h"
#include "dialect/ollama/ollama.h"
#include "dialect/plain.h"

namespace cardea::dialect::ollama_native {

using json::Writer;

namespace {

/// Clients show the first digits and compare the rest: 64 of them, the same for the same name.
std::string digest_of(std::string_view name) {
  std::uint64_t hash = 0xCBF29CE484222325;  // FNV-1a
  for (const char c : name) hash = (hash ^ static_cast<unsigned char>(c)) * 0x100000001B3;
  Random random{hash};
  std::string bytes;
  for (int word = 0; word < 4; ++word) {
    const auto bits = random.next();
    for (int shift = 0; shift < 64; shift += 8) bytes.push_back(static_cast<char>(bits >> shift & 0xFF));
  }
  return to_hex(bytes);
}

void write_details(Writer& w, const ListedModel& model) {
  w.key("details").begin_object().key("parent_model").string("").key("format").string("").key("family").string(model.family);
  w.key("families").begin_array();
  if (!model.family.empty()) w.string(model.family);
  w.end_array().key("parameter_size").string("").key("quantization_level").string("");
  write(w, "context_length", model.context_tokens);
  w.end_object();
}

void write_capabilities(Writer& w, const ListedModel& model) {
  w.key("capabilities").begin_array();
  for (const auto one : model.capabilities) w.string(one);
  w.end_array();
}

void write_identity(Writer& w, const ListedModel& model) { w.key("name").string(model.name).key("model").string(model.name); }

}  // namespace

std::string tags_body(std::span<const ListedModel> models) {
  std::string out;
  Writer w{out};
  w.begin_object().key("models").begin_array();
  for (const auto& model : models) {
    w.begin_object();
    write_identity(w, model);
    w.key("modified_at").string(time_text(model.modified.value_or(0)));
    w.key("size").number(0).key("digest").string(digest_of(model.name));
    write_details(w, model);
    if (!model.capabilities.empty()) write_capabilities(w, model);
    w.end_object();
  }
  w.end_array().end_object();
  return out;
}

std::string ps_body(std::span<const ListedModel> models, std::uint64_t now) {
  constexpr std::uint64_t century = 100ULL * 365 * 86'400;  // nothing will be unloaded
  std::string out;
  Writer w{out};
  w.begin_object().key("models").begin_array();
  for (const auto& model : models) {
    w.begin_object();
    write_identity(w, model);
    w.key("size").number(0).key("digest").string(digest_of(model.name));
    write_details(w, model);
    w.key("expires_at").string(time_text(now + century)).key("size_vram").number(0);
    w.key("context_length").number(model.context_tokens.value_or(0)).end_object();
  }
  w.end_array().end_object();
  return out;
}

std::string version_body(std::string_view version) { return cat(R"({"version":)", json::quote(version), '}'); }

Result<std::string> shown_model(std::string_view body) {
  auto value = json::parse(body);
  if (!value) return fail_with(value);
  for (const auto key : {"model", "name"}) {
    const auto* name = given(*value, key);
    if (name == nullptr) continue;
    if (name->as_string() == nullptr) return wrong_type(key, "a string", name->type());
    if (!name->as_string()->empty()) return *name->as_string();
  }
  return bad_field("model", "is missing; name the model to show");
}

std::string show_body(const ListedModel& model) {
  const std::string_view family = model.family.empty() ? std::string_view{"unknown"} : model.family;
  std::string out;
  Writer w{out};
  w.begin_object().key("license").string("").key("modelfile").string(cat("FROM ", model.name, '\n'));
  w.key("parameters").string("").key("template").string("{{ .Prompt }}");
  write_details(w, model);
  // Clients find the window by the architecture's name.
  w.key("model_info").begin_object().key("general.architecture").string(family).key("general.basename").string(model.name);
  if (model.context_tokens) w.key(cat(family, ".context_length")).number(*model.context_tokens);
  w.end_object();
  write_capabilities(w, model);
  w.key("modified_at").string(time_text(model.modified.value_or(0))).end_object();
  return out;
}

std::optional<std::string> load_answer(LoadPath path, std::string_view body, std::uint64_t now) {
  const auto value = json::parse(body);
  const auto* name = value ? text_at(*value, "model") : nullptr;
  if (name == nullptr || name->empty()) return std::nullopt;
  const bool chat = path == LoadPath::chat;
  const auto says = [&](std::string_view key) {
    const auto* member = given(*value, key);
    if (member == nullptr) return false;
    const bool empty_text = member->as_string() != nullptr && member->as_string()->empty();
    const bool empty_list = member->is(json::Type::array) && member->elements().empty();
    return !empty_text && !empty_list;
  };
  if (chat ? says("messages") : says("prompt") || says("images") || says("suffix")) return std::nullopt;
  const auto* keep = given(*value, "keep_alive");
  const bool unload =
      keep != nullptr &&
      (keep->as_double() == 0.0 || (keep->as_string() != nullptr && (*keep->as_string() == "0" || *keep->as_string() == "0s")));
  std::string out;
  Writer w{out};
  w.begin_object().key("model").string(*name).key("created_at").string(time_text(now));
  if (chat) {
    w.key("message").begin_object().key("role").string("assistant").key("content").string("").end_object();
  } else {
    w.key("response").string("");
  }
  w.key("done").boolean(true).key("done_reason").string(unload ? "unload" : "load").end_object();
  return out;
}

}  // namespace cardea::dialect::ollama_native
