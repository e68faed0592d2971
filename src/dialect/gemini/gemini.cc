#include "dialect/gemini/gemini.h"

#include <algorithm>
#include <array>

#include "dialect/plain.h"

namespace cardea::dialect {

const Dialect& gemini() {
  static const google::Gemini instance;
  return instance;
}

namespace google {

using model::Finish;

const Traits& Gemini::traits() const noexcept {
  static constexpr std::array<std::string_view, 4> aliases{"google", "google_genai", "generate_content", "vertex_gemini"};
  // Its JSON may be spelled either way.
  static constexpr std::array<std::string_view, 2> opaque_keys{R"("thoughtSignature")", R"("thought_signature")"};
  static constexpr Traits traits{.name = dialect_name,
                                 .aliases = aliases,
                                 .framing = Framing::sse,
                                 .id_prefix = {},
                                 .model_in_path = true,
                                 .call_ids = false,
                                 .thinking_signatures = true,
                                 .call_signatures = true,
                                 .opaque_keys = opaque_keys,
                                 .schema = Traits::Schema::native,
                                 .several_choices = true,
                                 .tool_names = {.marks = "_-.:", .bytes_max = 64, .digit_first = false}};
  return traits;
}

namespace {

constexpr std::array<std::string_view, 4> resource_prefixes{"models/", "tunedModels/", "publishers/", "endpoints/"};

/// A segment of a path may hold neither a separator nor what the method is cut off by, nor may it climb.
void append_segment(std::string& out, std::string_view segment) {
  constexpr std::string_view digits = "0123456789ABCDEF";
  const bool climbs = segment == "." || segment == "..";
  for (const char c : segment) {
    const bool letter = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
    if (letter || c == '-' || c == '_' || c == '~' || (c == '.' && !climbs)) {
      out.push_back(c);
      continue;
    }
    const auto byte = static_cast<unsigned char>(c);
    out += {'%', digits[byte >> 4], digits[byte & 15]};
  }
}

}  // namespace

std::string model_path(std::string_view model) {
  std::string out = "/";
  const bool resource = std::ranges::any_of(resource_prefixes, [&](auto prefix) { return model.starts_with(prefix); });
  if (!resource) out += "models/";
  while (resource) {
    const auto slash = model.find('/');
    append_segment(out, model.substr(0, slash));
    if (slash == std::string_view::npos) break;
    out.push_back('/');
    model.remove_prefix(slash + 1);
  }
  if (!resource) append_segment(out, model);
  return out;
}

std::string Gemini::chat_target(std::string_view model, Delivery delivery) const {
  return cat(model_path(model), delivery == Delivery::stream ? ":streamGenerateContent?alt=sse" : ":generateContent");
}
std::string Gemini::count_target(std::string_view model) const { return cat(model_path(model), ":countTokens"); }

namespace {

/// :countTokens may hold a whole request in a field of its own.
constexpr std::string_view counted_field = "generateContentRequest";

Result<RequestView> inspect_counted(std::string_view body, const Asked& asked) {
  static constexpr std::string_view outline[] = {counted_field};
  Result<RequestView> view{std::in_place};
  auto status = json::scan(body, {.outline = outline}, view->members);
  if (!status) return fail_with(status);
  const auto* counted = view->members.find(counted_field);
  if (counted == nullptr || counted->type != json::Type::object) return bad_field("contents", "is missing");
  view->model = asked.model;
  view->stream = asked.stream.value_or(false);
  return view;
}

}  // namespace

Result<RequestView> Gemini::inspect(std::string_view body, const Asked& asked) const {
  auto view = inspect_plain(body, asked, "contents");
  if (!view && view.error().detail().param == "contents") {
    auto counted = inspect_counted(body, asked);
    if (counted) return counted;
  }
  if (!view) return view;
  const auto* contents = view->members.find("contents");
  if (contents->type != json::Type::array) return wrong_type("contents", "an array", contents->type);
  return view;
}

/// A body may repeat the path's model, which must not contradict the new one.
Result<json::Edits> Gemini::forward_edits(const RequestView& view, const ForwardOptions& options) const {
  std::vector<FieldRule> rules{options.rules.begin(), options.rules.end()};
  const bool renamed = view.model_span.length == 0 && !options.model.empty();
  if (renamed) rules.push_back({.from = "model", .to = {}});
  ForwardOptions with = options;
  with.rules = rules;
  auto edits = forward_plain(view, with);
  const auto* counted = view.members.find(counted_field);
  const auto* model = counted != nullptr ? view.members.find(*counted, "model") : nullptr;
  if (!edits || !renamed || model == nullptr) return edits;
  const bool resource = options.model.find('/') != std::string_view::npos;
  auto status = edits->replace(model->value, json::quote(cat(resource ? "" : "models/", options.model)));
  if (!status) return fail_with(status);
  return edits;
}

Result<ResponseView> Gemini::inspect_response(std::string_view body, const Secret& secret) const {
  const auto value = json::parse(body, upstream_scan());
  if (const auto* error = value ? error_in(*value) : nullptr) return std::unexpected{reported_error(*error, secret)};
  auto view = inspect_answer(*this, body, "modelVersion");
  if (!view) return view;
  const auto* id = view->members.find("responseId");
  if (id != nullptr && id->type == json::Type::string) view->id = view->members.string(*id);
  return view;
}

std::unique_ptr<Relay> Gemini::relay(RelayOptions options) const {
  return framed_relay(stream_decoder(), Framing::sse, std::move(options));
}
std::unique_ptr<StreamDecoder> Gemini::stream_decoder() const { return make_stream_decoder(); }
std::unique_ptr<StreamEncoder> Gemini::stream_encoder(AnswerContext context) const {
  return make_stream_encoder(std::move(context));
}

// --- names ------------------------------------------------------------------------------------------------------------------

bool same_name(std::string_view key, std::string_view camel) noexcept {
  for (const char c : camel) {
    const bool capital = c >= 'A' && c <= 'Z';
    if (capital && key.size() >= 2 && key[0] == '_' && key[1] == ascii_lower(c)) {
      key.remove_prefix(2);
    } else if (!key.empty() && key[0] == c) {
      key.remove_prefix(1);
    } else {
      return false;
    }
  }
  return key.empty();
}

Field field(const json::Value& object, std::string_view camel) noexcept {
  Field out;
  for (const auto& [key, value] : object.members()) {
    if (!same_name(key, camel)) continue;
    out = {value.is(json::Type::null) ? nullptr : &value, key};
  }
  return out;
}

std::string below(std::string_view path, std::string_view key) { return path.empty() ? std::string{key} : cat(path, '.', key); }

Status expect(const Field& field, json::Type type, std::string_view path) {
  if (!field || field.value->is(type)) return {};
  return wrong_type(below(path, field.key), json::describe(type), field.value->type());
}

std::optional<std::uint64_t> count_of(const json::Value& value) noexcept {
  if (const auto* text = value.as_string()) return parse_number<std::uint64_t>(*text);
  if (const auto number = value.as_u64()) return number;
  const auto real = value.as_double();
  constexpr double exact = 9007199254740992.0;  // beyond it a double's neighbours are not whole numbers apart
  const bool whole = real && *real >= 0 && *real < exact && static_cast<double>(static_cast<std::uint64_t>(*real)) == *real;
  return whole ? std::optional{static_cast<std::uint64_t>(*real)} : std::nullopt;
}

Status read_count(const json::Value& object, std::string_view camel, std::string_view path, std::optional<std::uint64_t>& out) {
  const auto found = field(object, camel);
  if (!found) return {};
  out = count_of(*found.value);
  return out ? Status{} : read(*found.value, below(path, found.key), out);
}

namespace {

bool is_known(std::string_view key, std::span<const std::string_view> known) {
  return std::ranges::any_of(known, [&](std::string_view name) { return same_name(key, name); });
}

}  // namespace

void collect_rest(const json::Value& object, std::span<const std::string_view> known, model::Extras& out) {
  for (const auto& [key, value] : object.members()) {
    if (!value.is(json::Type::null) && !is_known(key, known)) out.push_back({key, {value.dump()}});
  }
}

void collect_inner_rest(const json::Value& object, std::string_view name, std::span<const std::string_view> known,
                        model::Extras& out) {
  auto rest = json::Value::object();
  for (const auto& [key, value] : object.members()) {
    if (!value.is(json::Type::null) && !is_known(key, known)) rest.edit_members().emplace_back(key, value);
  }
  if (!rest.members().empty()) out.push_back({std::string{name}, {rest.dump()}});
}

// --- words ------------------------------------------------------------------------------------------------------------------

namespace {

/// The one place where finish reasons map. The first row of a finish encodes it. STOP beside calls is Finish::tool_calls.
struct FinishRow {
  std::string_view word;
  Finish finish;
};
constexpr std::array<FinishRow, 21> finish_rows{{
    {"STOP", Finish::stop},
    {"MAX_TOKENS", Finish::length},
    {"SAFETY", Finish::content_filter},
    {"RECITATION", Finish::content_filter},
    {"BLOCKLIST", Finish::content_filter},
    {"PROHIBITED_CONTENT", Finish::content_filter},
    {"SPII", Finish::content_filter},
    {"MODEL_ARMOR", Finish::content_filter},
    {"IMAGE_SAFETY", Finish::content_filter},
    {"IMAGE_PROHIBITED_CONTENT", Finish::content_filter},
    {"IMAGE_RECITATION", Finish::content_filter},
    {"MALFORMED_FUNCTION_CALL", Finish::malformed_call},
    {"UNEXPECTED_TOOL_CALL", Finish::malformed_call},
    {"OTHER", Finish::failed},
    {"LANGUAGE", Finish::failed},
    {"TOO_MANY_TOOL_CALLS", Finish::failed},
    {"NO_IMAGE", Finish::failed},
    {"IMAGE_OTHER", Finish::failed},
    {"MALFORMED_RESPONSE", Finish::failed},
    {"MISSING_THOUGHT_SIGNATURE", Finish::failed},
    {"FINISH_REASON_UNSPECIFIED", Finish::unknown},
}};
/// Finishes that no word of Gemini's is made for.
struct NearRow {
  Finish finish;
  FinishWord word;
};
constexpr std::array<NearRow, 7> near_rows{{
    {Finish::tool_calls, {.word = "STOP", .message = {}}},
    {Finish::function_call, {.word = "STOP", .message = {}}},
    {Finish::stop_sequence, {.word = "STOP", .message = {}}},
    {Finish::refusal, {.word = "SAFETY", .message = "the model refused to answer", .exact = false}},
    {Finish::context_limit, {.word = "MAX_TOKENS", .message = "the context window is full", .exact = false}},
    {Finish::paused, {.word = "OTHER", .message = "the model paused and may be asked to go on", .exact = false}},
    {Finish::unknown, {.word = "OTHER", .message = {}, .exact = false}},
}};

}  // namespace

FinishWord word_of(Finish finish) noexcept {
  const auto* near = std::ranges::find(near_rows, finish, &NearRow::finish);
  if (near != near_rows.end()) return near->word;
  return {.word = std::ranges::find(finish_rows, finish, &FinishRow::finish)->word, .message = {}};
}

Finish finish_of(std::string_view word, Calls calls, std::optional<std::string>& raw) {
  const auto* row = std::ranges::find(finish_rows, word, &FinishRow::word);
  // Whatever is new among Gemini's words is no proper stop.
  Finish finish = row != finish_rows.end() ? row->finish : Finish::failed;
  if (finish == Finish::stop && calls == Calls::some) finish = Finish::tool_calls;
  if (word_of(finish).word != word) raw = std::string{word};
  return finish;
}

bool is_gemini_3(std::string_view model) noexcept {
  constexpr std::string_view family = "gemini-";
  const auto at = model.find(family);
  if (at == std::string_view::npos || at + family.size() >= model.size()) return false;
  const char major = model[at + family.size()];
  const auto behind = at + family.size() + 1;
  const bool longer = behind < model.size() && model[behind] >= '0' && model[behind] <= '9';  // gemini-10
  return (major >= '3' && major <= '9') || (major >= '1' && major <= '2' && longer);
}

}  // namespace google
}  // namespace cardea::dialect
