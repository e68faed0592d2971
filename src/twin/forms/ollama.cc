#include "twin/forms/ollama.h"

#include "base/text.h"
#include "twin/media.h"

namespace cardea::twin {
namespace {

using json::Type;

// ---- Words, which are those of Go ------------------------------------------------------------------------------------------

std::string name_member(std::string_view parent, std::string_view name) {
  return parent.empty() ? std::string{name} : cat(parent, ".", name);
}
/// Go does not say which element it was.
std::string name_element(std::string_view parent, std::size_t) { return std::string{parent}; }

Status refuse_at(std::string_view, std::string_view message) { return fail(Kind::bad_request, std::string{message}); }
Status missing_at(std::string_view path) { return refuse_at(path, cat(path, " is required")); }

std::string_view name_of(Type type) {
  constexpr std::string_view names[] = {"null", "bool", "number", "string", "array", "object"};
  return names[static_cast<std::size_t>(type)];
}
Status wrong_type_at(std::string_view path, unsigned expected, const json::Value& got) {
  const auto has = [&](unsigned type) { return (expected & type) != 0; };
  std::string_view wanted = "map[string]interface {}";
  if (has(is_list)) wanted = "[]interface {}";
  if (has(is_text)) wanted = "string";
  if (has(is_number)) wanted = "float32";
  if ((expected & is_whole) == is_whole) wanted = "int";
  if (has(is_bool)) wanted = "bool";
  constexpr std::string_view options = "options.";
  if (path.starts_with(options))
    return refuse_at(path, cat("option \"", path.substr(options.size()), "\" must be of type ", wanted));
  return refuse_at(
      path, cat("json: cannot unmarshal ", name_of(got.type()), " into Go struct field ChatRequest.", path, " of type ", wanted));
}
Status wrong_value_at(std::string_view path, std::string_view got, std::string_view supported) {
  return refuse_at(path, cat("invalid ", path, " \"", got, "\"; expected ", supported));
}
Status out_of_range(std::string_view path, const OutOfRange& range) {
  return refuse_at(path, cat("invalid ", path, ": ", range.got));
}
Status unknown_at(std::string_view parent, std::string_view name) {
  return refuse_at(parent, cat("json: unknown field \"", name, "\""));
}

constexpr Words words{.member = name_member,
                      .element = name_element,
                      .refuse = refuse_at,
                      .missing = missing_at,
                      .wrong_type = wrong_type_at,
                      .wrong_value = wrong_value_at,
                      .out_of_range = out_of_range,
                      .unknown = unknown_at};

// ---- Messages --------------------------------------------------------------------------------------------------------------

struct Draft {
  std::string role;
  std::string content;
  std::string thinking;
  std::string tool_name;
  std::string call_id;
  std::vector<Part> images;
  std::vector<Part> calls;
};

Status take_image(const At& at, std::vector<Part>& images) {
  auto& part = images.emplace_back(Part{.kind = Part::Kind::medium});
  if (!take_base64(at.text(), part.medium)) return at.refuse("illegal base64 data at input byte 0");
  part.medium.kind = Medium::Kind::image;
  return {};
}
Status take_images(const At& at, Draft& draft) {
  return at.each(is_text, [&](const At& one) { return take_image(one, draft.images); });
}

Status take_arguments(const At& at, Part& part) {
  part.text = at.value().dump();
  return {};
}
Status take_function(const At& at, Part& part) {
  constexpr Row<Part> rows[] = {
      {"index", is_whole}, {"name", is_text, take_text<&Part::name>, true}, {"arguments", is_object, take_arguments, true}};
  return read_members(at, rows, part);
}
Status take_calls(const At& at, Draft& draft) {
  return at.each(is_object, [&](const At& one) {
    constexpr Row<Part> rows[] = {
        {"id", is_text, take_text<&Part::id>}, {"type", is_text}, {"function", is_object, take_function, true}};
    return read_members(one, rows, draft.calls.emplace_back(Part{.kind = Part::Kind::call}));
  });
}

constexpr Row<Draft> message_rows[] = {{"role", is_text, take_text<&Draft::role>, true},
                                       {"content", is_text, take_text<&Draft::content>},
                                       {"thinking", is_text, take_text<&Draft::thinking>},
                                       {"images", is_list, take_images},
                                       {"tool_calls", is_list, take_calls},
                                       {"tool_name", is_text, take_text<&Draft::tool_name>},
                                       {"name", is_text, take_text<&Draft::tool_name>},
                                       {"tool_call_id", is_text, take_text<&Draft::call_id>}};

/// Pairs results with calls that wait for them. Ollama itself pairs nothing; its models do it by order and name.
class Pairing {
 public:
  void add(Part& call) {
    ++calls_;
    if (call.id.empty()) call.id = cat("#", calls_);
    waiting_.emplace_back(call.id, call.name);
  }
  void pair(Part& result) {
    const auto fits = [&](const Waiting& one) {
      if (!result.id.empty()) return one.first == result.id;
      return result.name.empty() || one.second == result.name;
    };
    const auto found = std::ranges::find_if(waiting_, fits);
    if (found == waiting_.end()) return;
    result.id = found->first;
    waiting_.erase(found);
  }

 private:
  using Waiting = std::pair<std::string, std::string>;  ///< id, name
  std::vector<Waiting> waiting_;
  std::size_t calls_ = 0;
};

Role role_of(std::string_view role) {
  if (role == "user") return Role::user;
  if (role == "assistant") return Role::assistant;
  return role == "tool" ? Role::tool : Role::system;
}

/// What a message holds, in the order in which models see it.
std::vector<Part> parts_of(Draft& draft) {
  std::vector<Part> parts;
  if (!draft.thinking.empty()) parts.push_back({.kind = Part::Kind::thought, .text = std::move(draft.thinking)});
  const bool alone = draft.images.empty() && draft.calls.empty();
  if (!draft.content.empty() || alone) parts.push_back({.text = std::move(draft.content)});
  for (auto& image : draft.images) parts.push_back(std::move(image));
  for (auto& call : draft.calls) parts.push_back(std::move(call));
  return parts;
}

// ---- Tools, format, options ------------------------------------------------------------------------------------------------

Status take_parameters(const At& at, Tool& tool) {
  tool.parameters = at.value();
  return {};
}
Status read_function(const At& at, Tool& tool) {
  constexpr Row<Tool> rows[] = {{"name", is_text, take_text<&Tool::name>, true},
                                {"description", is_text, take_text<&Tool::description>},
                                {"parameters", is_object, take_parameters}};
  return read_members(at, rows, tool);
}
Status read_tool(const At& at) {
  constexpr Row<Tool> rows[] = {{"type", is_text}, {"items", is_any}, {"function", is_object, read_function, true}};
  return read_members(at, rows, at.request().tools.emplace_back());
}

Status take_format(const At& at, ChatRequest& request) {
  if (at.value().is(Type::object)) {
    request.format = Format::json_schema;
    request.schema = at.value();
    return {};
  }
  if (at.text() == "json") request.format = Format::json_object;
  if (at.text() == "json" || at.text().empty()) return {};
  return at.refuse(cat("invalid format: ", at.value().dump(), "; expected \"json\" or a valid JSON Schema object"));
}

Status take_think(const At& at, ChatRequest& request) {
  if (at.value().is(Type::boolean)) {
    request.thoughts = at.value().as_bool();
    return {};
  }
  request.thoughts = true;
  request.effort = at.text();
  constexpr std::string_view levels[] = {"high", "medium", "low", "max"};
  if (std::ranges::find(levels, at.text()) != std::end(levels)) return {};
  return at.refuse(cat("invalid think value: \"", at.text(), "\" (must be \"high\", \"medium\", \"low\", true, or false)"));
}

Status take_predict(const At& at, ChatRequest& request) {
  const auto most = at.value().as_i64();
  if (!most) return at.wrong_type(is_whole);
  if (*most > 0) request.max_tokens = static_cast<std::uint64_t>(*most);  // the rest: as much as it likes
  return {};
}
template <char Which>
Status take_number(const At& at, ChatRequest&) {
  constexpr double most = 1e9;
  switch (Which) {
    case 't': return take_sampling(at, "temperature", -most, most);
    case 'p': return take_sampling(at, "top_p", -most, most);
    case 'k': return take_sampling(at, "top_k", -most, most);
    case 'm': return take_sampling(at, "min_p", -most, most);
    case 'f': return take_sampling(at, "frequency_penalty", -most, most);
    case 'r': return take_sampling(at, "presence_penalty", -most, most);
    default: return take_sampling(at, "repetition_penalty", -most, most);
  }
}
constexpr Row<ChatRequest> option_rows[] = {
    {"num_predict", is_whole, take_predict},
    {"temperature", is_number, take_number<'t'>},
    {"top_p", is_number, take_number<'p'>},
    {"top_k", is_whole, take_number<'k'>},
    {"min_p", is_number, take_number<'m'>},
    {"frequency_penalty", is_number, take_number<'f'>},
    {"presence_penalty", is_number, take_number<'r'>},
    {"repeat_penalty", is_number, take_number<'x'>},
    {"seed", is_whole, [](const At& at, ChatRequest&) { return take_seed(at, "seed"); }},
    {"stop", is_list, [](const At& at, ChatRequest&) { return take_stops(at, 64); }},
    {"num_ctx", is_whole, [](const At& at, ChatRequest&) { return take_note(at, "num_ctx"); }},
    {"num_keep", is_whole},
    {"num_batch", is_whole},
    {"num_gpu", is_whole},
    {"num_thread", is_whole},
    {"main_gpu", is_whole},
    {"use_mmap", is_bool},
    {"typical_p", is_number},
    {"tfs_z", is_number},
    {"repeat_last_n", is_whole},
    {"mirostat", is_whole},
    {"mirostat_tau", is_number},
    {"mirostat_eta", is_number},
    {"penalize_newline", is_bool},
    {"low_vram", is_bool},
    {"numa", is_bool},
};
Status read_options(const At& at, ChatRequest& request) { return read_members(at, option_rows, request); }

// ---- The request -----------------------------------------------------------------------------------------------------------

Status take_messages(const At& at, ChatRequest& request) {
  request.messages = keep(request, at.value().dump());
  return read_ollama_messages(at);
}

constexpr Row<ChatRequest> chat_rows[] = {
    {"model", is_text, nullptr, true},
    {"messages", is_list, take_messages},
    {"stream", is_bool, take_bool<&ChatRequest::stream>},
    {"format", is_text | is_object, take_format},
    {"tools", is_list, [](const At& at, ChatRequest&) { return at.each(is_object, read_tool); }},
    {"options", is_object, read_options},
    {"think", is_bool | is_text, take_think},
    {"keep_alive", is_text | is_number},
    {"logprobs", is_bool, take_bool<&ChatRequest::logprobs>},
    {"top_logprobs", is_whole, take_whole<&ChatRequest::top_logprobs, 0, 20>},
    {"truncate", is_bool},
    {"shift", is_bool},
};

struct Prompt {
  ChatRequest& request;
  std::string system;
  std::string text;
  std::vector<Part> images;
};
template <Status (*Read)(const At&, ChatRequest&)>
Status take(const At& at, Prompt& prompt) {
  return Read(at, prompt.request);
}
constexpr Row<Prompt> generate_rows[] = {
    {"model", is_text, nullptr, true},
    {"prompt", is_text, take_text<&Prompt::text>},
    {"system", is_text, take_text<&Prompt::system>},
    {"images", is_list,
     [](const At& at, Prompt& prompt) {
       return at.each(is_text, [&](const At& one) { return take_image(one, prompt.images); });
     }},
    {"suffix", is_text, [](const At& at, Prompt&) { return take_note(at, "suffix"); }},
    {"stream", is_bool, take<take_bool<&ChatRequest::stream>>},
    {"format", is_text | is_object, take<take_format>},
    {"options", is_object, take<read_options>},
    {"think", is_bool | is_text, take<take_think>},
    {"keep_alive", is_text | is_number},
    {"template", is_text},
    {"context", is_list},
    {"raw", is_bool},
    {"logprobs", is_bool, take<take_bool<&ChatRequest::logprobs>>},
    {"top_logprobs", is_whole, take<take_whole<&ChatRequest::top_logprobs, 0, 20>>},
    {"truncate", is_bool},
    {"shift", is_bool},
};

Status read_generate(const At& at, ChatRequest& out) {
  Prompt prompt{out, {}, {}, {}};
  Status status = read_members(at, generate_rows, prompt);
  if (!status) return status;
  if (!prompt.system.empty()) out.turns.push_back({Role::system, {{.text = std::move(prompt.system)}}});
  if (prompt.text.empty() && prompt.images.empty()) return {};
  out.messages = keep(out, prompt.text);
  auto& turn = out.turns.emplace_back(Turn{Role::user, {}});
  turn.parts.push_back({.text = std::move(prompt.text)});
  for (auto& image : prompt.images) turn.parts.push_back(std::move(image));
  return {};
}

}  // namespace

Status read_ollama_messages(const At& at) {
  Pairing pairing;
  return at.each(is_object, [&](const At& one) -> Status {
    Draft draft;
    Status status = read_members(one, message_rows, draft);
    if (!status) return status;
    constexpr std::string_view roles[] = {"system", "user", "assistant", "tool", "developer"};
    if (std::ranges::find(roles, draft.role) == std::end(roles)) return one.refuse(cat("invalid role: ", draft.role));
    Turn turn{role_of(draft.role), {}};
    for (auto& call : draft.calls) pairing.add(call);
    if (turn.role == Role::tool) {
      Part result{.kind = Part::Kind::result, .id = std::move(draft.call_id), .name = std::move(draft.tool_name)};
      result.parts = parts_of(draft);
      pairing.pair(result);
      turn.parts.push_back(std::move(result));
    } else {
      turn.parts = parts_of(draft);
    }
    one.request().turns.push_back(std::move(turn));
    return {};
  });
}

const Words ollama_words = words;

Status read_ollama(const Ask& ask, ChatRequest& out) {
  Status parsed = parse_document(ask, out);
  if (!parsed) return parsed;
  const auto* model = out.document.find("model");
  if (model != nullptr && model->as_string() != nullptr) out.model = *model->as_string();
  out.stream = true;
  // Go ignores what it does not know.
  Reading reading{.request = out, .words = words, .strict = ask.strict.value_or(false)};
  const At whole{reading, out.document, ""};
  Status status = ask.operation == Operation::generate ? read_generate(whole, out) : read_members(whole, chat_rows, out);
  if (!status) return status;
  settle(out);
  return {};
}

const Form ollama_form{.name = "ollama",
                       .ids = {"", "call_"},
                       .read = read_ollama,
                       .document = ollama_document,
                       .events = ollama_events,
                       .count = nullptr,
                       .failure = ollama_failure,
                       .failure_event = ollama_failure_event,
                       .framing = Framing::json_lines,
                       .done = {},
                       .id_line = {}};

}  // namespace cardea::twin
