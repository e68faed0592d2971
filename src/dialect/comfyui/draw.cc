// ComfyUI: POST /prompt queues a graph of nodes, GET /history/{id} has what came of it, GET /view the pictures
// (docs.comfy.org/development/comfyui-server/comms_routes; github.com/comfyanonymous/ComfyUI, server.py). The graph is the
// operator's, in the API format, or the standard one of text to image.

#include <algorithm>

#include "dialect/drawing.h"
#include "dialect/tasks.h"

namespace cardea::dialect {
namespace {

using json::Type;
using model::Draw;

constexpr std::string_view standard =
    R"({"3":{"class_type":"KSampler","inputs":{"seed":"{{seed}}","steps":"{{steps}}","cfg":"{{guidance}}","sampler_name":"euler",)"
    R"("scheduler":"normal","denoise":1,"model":["4",0],"positive":["6",0],"negative":["7",0],"latent_image":["5",0]}},)"
    R"("4":{"class_type":"CheckpointLoaderSimple","inputs":{"ckpt_name":"{{checkpoint}}"}},)"
    R"("5":{"class_type":"EmptyLatentImage","inputs":{"width":"{{width}}","height":"{{height}}","batch_size":"{{count}}"}},)"
    R"("6":{"class_type":"CLIPTextEncode","inputs":{"text":"{{prompt}}","clip":["4",1]}},)"
    R"("7":{"class_type":"CLIPTextEncode","inputs":{"text":"{{negative_prompt}}","clip":["4",1]}},)"
    R"("8":{"class_type":"VAEDecode","inputs":{"samples":["3",0],"vae":["4",2]}},)"
    R"("9":{"class_type":"SaveImage","inputs":{"filename_prefix":"cardea","images":["8",0]}}})";
/// Of graphs: real ones have five levels.
constexpr json::ScanOptions graph_scan{.max_depth = 32, .error_kind = Kind::config, .what = "the model's workflow"};
constexpr std::string_view open = "{{";
constexpr std::string_view close = "}}";

// ---- blanks ----------------------------------------------------------------------------------------------------------------

/// What a blank stands for, as a JSON value; empty: nothing was said, and nothing is usual.
struct Blank {
  std::string_view name;
  unsigned wish;  ///< that it fulfils
  std::string (*value)(const Draw& draw);
};
std::string whole(const std::optional<std::uint64_t>& value, std::string_view usual) {
  return value ? cat(*value) : std::string{usual};
}
std::string number(const std::optional<model::Number>& value, std::string_view usual) {
  return value ? value->text : std::string{usual};
}
/// A file's name, as the loader lists it.
std::string checkpoint(const Draw& draw) {
  constexpr std::string_view endings[] = {".safetensors", ".ckpt", ".pt", ".pth", ".bin", ".sft", ".gguf"};
  const bool ends = std::ranges::any_of(endings, [&](auto ending) { return draw.model.ends_with(ending); });
  return json::quote(ends ? draw.model : cat(draw.model, endings[0]));
}
/// What the same words give when nobody chose: pure, so the gateway says it where pictures shall differ (wants_seed).
std::string seed(const Draw& draw) { return whole(draw.seed, "0"); }

constexpr Blank blanks[] = {
    {"prompt", 0, [](const Draw& d) { return json::quote(d.prompt); }},
    {"negative_prompt", wish::negative_prompt, [](const Draw& d) { return json::quote(d.negative_prompt.value_or("")); }},
    {"width", 0, [](const Draw& d) { return d.size ? cat(d.size->width) : std::string{"1024"}; }},
    {"height", 0, [](const Draw& d) { return d.size ? cat(d.size->height) : std::string{"1024"}; }},
    {"count", wish::count, [](const Draw& d) { return whole(d.count, "1"); }},
    {"seed", wish::seed, seed},
    {"steps", wish::steps, [](const Draw& d) { return whole(d.steps, "20"); }},
    {"guidance", wish::guidance, [](const Draw& d) { return number(d.guidance, "7"); }},
    {"strength", wish::strength, [](const Draw& d) { return number(d.strength, "0.75"); }},
    {"model", 0, [](const Draw& d) { return json::quote(d.model); }},
    {"checkpoint", 0, checkpoint},
    {"image", 0, [](const Draw& d) { return d.images.empty() ? std::string{} : json::quote(d.images[0].base64); }},
    {"image_2", 0, [](const Draw& d) { return d.images.size() < 2 ? std::string{} : json::quote(d.images[1].base64); }},
    {"image_3", 0, [](const Draw& d) { return d.images.size() < 3 ? std::string{} : json::quote(d.images[2].base64); }},
    {"mask", wish::mask, [](const Draw& d) { return d.mask ? json::quote(d.mask->base64) : std::string{}; }},
};

/// One "{{name}}" or "{{name|what to say when nothing was}}".
struct Hole {
  std::size_t begin;
  std::size_t end;
  std::string_view name;
  std::optional<std::string_view> usual;
};
std::optional<Hole> next_hole(std::string_view text, std::size_t from) {
  const auto begin = text.find(open, from);
  const auto end = begin == std::string_view::npos ? begin : text.find(close, begin + open.size());
  if (end == std::string_view::npos) return std::nullopt;
  const auto inner = text.substr(begin + open.size(), end - begin - open.size());
  const auto bar = inner.find('|');
  Hole hole{begin, end + close.size(), trim(inner.substr(0, bar)), {}};
  if (bar != std::string_view::npos) hole.usual = trim(inner.substr(bar + 1));
  return hole;
}
const Blank* blank_of(std::string_view name) {
  const auto* found = std::ranges::find(blanks, name, &Blank::name);
  return found != std::end(blanks) ? found : nullptr;
}

/// Of a default in a template: JSON where it is a number or a word of its, else a text.
std::string json_of(std::string_view usual) {
  const auto type = json::validate(usual);
  return type && *type != Type::object && *type != Type::array ? std::string{usual} : json::quote(usual);
}
bool was_said(std::string_view name, const Draw& draw) {
  if (name == "width" || name == "height") return draw.size.has_value();
  if (name == "count") return draw.count.has_value();
  if (name == "seed") return draw.seed.has_value();
  if (name == "steps") return draw.steps.has_value();
  if (name == "guidance") return draw.guidance.has_value();
  if (name == "strength") return draw.strength.has_value();
  return name != "negative_prompt" || draw.negative_prompt.has_value();
}

/// Fills in a graph, and notes what it has blanks for.
class Filler {
 public:
  explicit Filler(const Draw& draw) : draw_{draw} {}
  Status write(json::Writer& w, const Raw& value) {
    if (value.is(Type::string)) return write_text(w, value);
    Status status;
    if (value.is(Type::array)) {
      w.begin_array();
      value.each_element([&](const Raw& element) {
        status = write(w, element);
        return status.has_value();
      });
      if (status) w.end_array();
      return status;
    }
    if (!value.is(Type::object)) {
      w.raw(value.text());
      return {};
    }
    w.begin_object();
    value.each_member([&](const Raw& key, const Raw& member) {
      if (!status) return;
      w.key(key.string());
      status = write(w, member);
    });
    if (status) w.end_object();
    return status;
  }
  [[nodiscard]] bool has(std::string_view name) const { return std::ranges::find(seen_, name) != seen_.end(); }
  [[nodiscard]] unsigned wishes() const noexcept { return wishes_; }

 private:
  Result<std::string> value_of(const Hole& hole) {
    const auto* blank = blank_of(hole.name);
    if (blank == nullptr)
      return fail(Kind::config, cat("the model's workflow has a blank '", hole.name, "' that Cardea cannot fill"));
    seen_.push_back(blank->name);
    wishes_ |= blank->wish;
    if (hole.usual && !was_said(hole.name, draw_)) return json_of(*hole.usual);
    auto value = blank->value(draw_);
    if (value.empty() && hole.usual) value = json_of(*hole.usual);
    if (value.empty()) return bad_field(hole.name == "mask" ? "mask" : "images", "is missing; this model's graph wants it");
    return value;
  }
  Status write_text(json::Writer& w, const Raw& value) {
    const auto text = value.string();
    auto hole = next_hole(text, 0);
    if (!hole) {
      w.raw(value.text());
      return {};
    }
    // A text that is a blank and nothing else becomes what is said, numbers too.
    if (hole->begin == 0 && hole->end == text.size()) {
      const auto filled = value_of(*hole);
      if (!filled) return fail(filled.error().clone());
      w.raw(*filled);
      return {};
    }
    std::string out;
    std::size_t at = 0;
    for (; hole; hole = next_hole(text, at)) {
      const auto filled = value_of(*hole);
      if (!filled) return fail(filled.error().clone());
      out.append(text, at, hole->begin - at);
      filled->front() == '"' ? json::unescape(*filled, out) : append(out, *filled);
      at = hole->end;
    }
    out.append(text, at);
    w.string(out);
    return {};
  }

  const Draw& draw_;
  std::vector<std::string_view> seen_;
  unsigned wishes_ = 0;
};

// ---- requests --------------------------------------------------------------------------------------------------------------

/// Is it the API's format, whose members are nodes? Error config.
Status expect_nodes(const Raw& graph) {
  const auto other = [](std::string_view problem) { return fail(Kind::config, cat("the model's workflow ", problem)); };
  if (!graph.is(Type::object)) return other("is no JSON object; export it with 'Export (API)'");
  if (const auto nodes = graph.find("nodes"); nodes && nodes->is(Type::array)) {
    return other("is one that ComfyUI's editor saved; export it with 'Export (API)'");
  }
  bool good = false;
  bool all = true;
  graph.each_member([&](const Raw&, const Raw& node) {
    const auto kind = node.find("class_type");
    good = true;
    all = all && kind && kind->is(Type::string);
  });
  return good && all ? Status{} : other("has no nodes with a class_type; export it with 'Export (API)'");
}

std::string_view graph_of(const Draw& draw) { return draw.workflow.empty() ? standard : std::string_view{draw.workflow}; }

void lose_size(const Draw& draw, const Filler& filler, Losses& losses) {
  if (draw.size && !(filler.has("width") && filler.has("height"))) losses.detail("size", "the model's graph has its own");
  lose_ratio(draw, losses);
}

Result<TaskMessage> encode_request(const TaskRequest& request, Losses& losses) {
  const auto& draw = std::get<Draw>(request);
  const auto graph = Raw::checked(graph_of(draw), graph_scan);
  if (!graph) return fail(graph.error().clone());
  if (auto nodes = expect_nodes(*graph); !nodes) return fail_with(nodes);
  if (draw.workflow.empty() && !draw.images.empty()) return no_pictures_taken();
  std::string out;
  json::Writer w{out};
  Filler filler{draw};
  w.begin_object().key("prompt");
  if (auto filled = filler.write(w, *graph); !filled) return fail_with(filled);
  w.end_object();
  if (!draw.images.empty() && !filler.has("image")) return no_pictures_taken();
  const std::size_t images = filler.has("image_3") ? 3 : filler.has("image_2") ? 2 : 1;
  if (auto status = expect_bytes(draw, images, losses); !status) return fail_with(status);
  if (!draw.prompt.empty() && !filler.has("prompt")) losses.meaning("prompt", "the model's graph has no place for it");
  lose_size(draw, filler, losses);
  lose_wishes(draw, filler.wishes(), losses);
  return out;
}

// ---- answers ---------------------------------------------------------------------------------------------------------------

constexpr std::chrono::milliseconds poll_wait{500};

bool is_id(std::string_view text) {
  const auto fits = [](char c) {
    return (c >= '0' && c <= '9') || (ascii_lower(c) >= 'a' && ascii_lower(c) <= 'z') || c == '-' || c == '_';
  };
  return !text.empty() && text.size() <= 128 && std::ranges::all_of(text, fits);
}

/// {"ID": {"outputs": …, "status": …}}: what is inside.
std::optional<Raw> entry_of(const Raw& history) {
  std::optional<Raw> out;
  if (!history.is(Type::object)) return out;
  history.each_member([&](const Raw&, const Raw& entry) {
    if (!out && entry.find("outputs")) out = entry;
  });
  return out;
}

/// Of [["execution_error", {"exception_message": "…"}]].
std::string exception_of(const Raw& status) {
  std::string out;
  const auto messages = status.find("messages");
  if (!messages || !messages->is(Type::array)) return out;
  messages->each_element([&](const Raw& message) {
    if (!message.is(Type::array)) return true;
    message.each_element([&](const Raw& part) {
      const auto text = part.find("exception_message");
      if (text && text->is(Type::string)) out = text->string();
      return true;
    });
    return true;
  });
  return out;
}

Result<std::optional<TaskStep>> next(const Raw& answer) {
  if (const auto id = answer.find("prompt_id")) {
    if (!id->is(Type::string) || !is_id(id->string())) return bad_field("prompt_id", "is no id");
    return TaskStep{cat("/history/", id->string()), poll_wait};
  }
  const auto entry = entry_of(answer);
  if (!entry) {
    // Not done yet, which an empty object says.
    if (answer.is(Type::object) && answer.compact().text == "{}") return TaskStep{{}, poll_wait};
    return std::optional<TaskStep>{};
  }
  const auto status = entry->find("status");
  const auto word = status ? status->find("status_str") : std::nullopt;
  if (word && word->is(Type::string) && word->string() == "error") {
    auto why = exception_of(*status);
    return fail(Kind::upstream_failed, cat("the graph failed", why.empty() ? "" : ": ", why));
  }
  return std::optional<TaskStep>{};
}

void append_escaped(std::string& out, std::string_view text) {
  constexpr std::string_view digits = "0123456789ABCDEF";
  for (const char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    const bool plain = (c >= '0' && c <= '9') || (ascii_lower(c) >= 'a' && ascii_lower(c) <= 'z') || c == '-' || c == '_' ||
                       c == '.' || c == '~';
    if (plain) {
      append(out, c);
    } else {
      append(out, '%');
      append(out, digits[byte >> 4]);
      append(out, digits[byte & 15]);
    }
  }
}

/// Where a picture is fetched; nothing for what is none, or only a preview.
std::optional<std::string> view_of(const Raw& image, std::string_view type) {
  const auto text = [&](std::string_view key) {
    const auto value = image.find(key);
    return value && value->is(Type::string) ? value->string() : std::string{};
  };
  const auto filename = text("filename");
  if (filename.empty() || text("type") != type) return std::nullopt;
  std::string out{"/view?filename="};
  append_escaped(out, filename);
  append(out, "&subfolder=");
  append_escaped(out, text("subfolder"));
  append(out, "&type=");
  append_escaped(out, type);
  return out;
}

Result<TaskAnswer> read_answer(const Raw& root) {
  const auto entry = entry_of(root);
  if (!entry) return drew_nothing();
  model::Drawn out;
  out.dialect = "comfyui";
  // Graphs that only show their pictures keep them as temporary ones.
  for (const std::string_view type : {"output", "temp"}) {
    if (!out.pictures.empty()) break;
    entry->find("outputs")->each_member([&](const Raw&, const Raw& node) {
      const auto images = node.find("images");
      if (!images || !images->is(Type::array)) return;
      images->each_element([&](const Raw& image) {
        auto address = view_of(image, type);
        if (address)
          out.pictures.push_back(
              {.picture = {.base64 = {}, .url = std::move(*address), .media_type = {}}, .revised_prompt = {}, .seed = {}});
        return true;
      });
    });
  }
  if (out.pictures.empty()) return drew_nothing();
  return out;
}

}  // namespace

Status check_workflow(std::string_view text) {
  const auto graph = Raw::checked(text, graph_scan);
  if (!graph) return fail(graph.error().clone());
  if (auto nodes = expect_nodes(*graph); !nodes) return nodes;
  // Any request will do to find blanks that nobody can fill.
  Draw draw;
  draw.prompt = "x";
  draw.images.resize(3, {.base64 = "eA==", .url = {}, .media_type = {}});
  draw.mask = draw.images.front();
  std::string out;
  json::Writer w{out};
  Filler filler{draw};
  if (auto filled = filler.write(w, *graph); !filled) return filled;
  if (!filler.has("prompt")) return fail(Kind::config, "the model's workflow has no {{prompt}}; write it where the words belong");
  return {};
}

namespace tasks {

const TaskFormat comfyui_draw{.task = Task::draw,
                              .name = "comfyui",
                              .dialects = {},
                              .target = "/prompt",
                              .base = TaskFormat::Base::root,
                              .subject = "prompt",
                              .answers = TaskFormat::any_object,
                              .encode_request = encode_request,
                              .read_answer = read_answer,
                              .next = next,
                              .wants_seed = true};

}  // namespace tasks
}  // namespace cardea::dialect
