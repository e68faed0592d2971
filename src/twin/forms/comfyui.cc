// ComfyUI (github.com/comfyanonymous/ComfyUI, server.py and execution.py): a graph of nodes is queued at /prompt, looked up at
// /history, and its pictures are fetched at /view. The first look at /history finds it still in the queue. Nodes of any class are
// taken; those that decide the picture are the standard ones. A picture's name says all of it, so nothing is kept for /view.

#include <algorithm>

#include "twin/answer.h"
#include "twin/picture.h"
#include "twin/shelf.h"
#include "twin/task.h"
#include "twin/tokens.h"

namespace cardea::twin {
namespace {

using json::Writer;

std::string comfyui_failure(const Failure& failure) {
  std::string out;
  Writer writer{out};
  writer.begin_object().key("error").begin_object().key("type").string(failure.status == 400 ? "invalid_prompt" : "server_error");
  writer.key("message").string(failure.message).key("details").string("").key("extra_info").begin_object().end_object();
  writer.end_object().key("node_errors").begin_object().end_object().end_object();
  return out;
}
constexpr Form comfyui_form{
    .name = "comfyui",
    .ids = {"", ""},
    .read = nullptr,
    .document = nullptr,
    .events = nullptr,
    .count = nullptr,
    .failure = comfyui_failure,
    .failure_event = [](const Failure& failure, std::uint64_t, Event& out) { out.data = comfyui_failure(failure); },
    .framing = Framing::sse,
    .done = {},
    .id_line = {}};

auto refuse(std::string message) { return fail(Kind::bad_request, std::move(message)); }

/// What of a graph decides its pictures.
struct Graph {
  std::uint64_t seed = 0;
  std::uint64_t width = 512;
  std::uint64_t height = 512;
  std::uint64_t batch = 1;
  std::string output;  ///< id of the node that saves them
  bool fails = false;  ///< its checkpoint is the model "error"
};

/// A link is [id of a node, number of its output].
Status check_links(const json::Value& graph, const std::string& id, const json::Value& inputs) {
  for (const auto& [name, value] : inputs.members()) {
    if (!value.is(json::Type::array)) continue;
    const auto& link = value.elements();
    const bool formed = link.size() == 2 && link[0].as_string() != nullptr && link[1].as_u64();
    if (!formed || graph.find(*link[0].as_string()) == nullptr) {
      return refuse(cat("Prompt outputs failed validation: node ", id, ", bad linked input '", name, "'"));
    }
  }
  return {};
}

Status take_number(const json::Value& inputs, std::string_view name, std::uint64_t most, std::uint64_t& into) {
  const auto* value = inputs.find(name);
  if (value == nullptr || value->is(json::Type::array)) return {};
  const auto number = value->as_u64();
  if (!number || *number > most) return refuse(cat("Prompt outputs failed validation: value of '", name, "' is not valid"));
  into = *number;
  return {};
}

Status take_node(const json::Value& graph, const std::string& id, const json::Value& node, Graph& into) {
  constexpr std::uint64_t side_max = 2048;
  const auto* kind = node.find("class_type");
  const auto* inputs = node.find("inputs");
  if (kind == nullptr || kind->as_string() == nullptr) {
    return refuse(cat("Cannot execute because node #", id, " has no class_type."));
  }
  if (inputs == nullptr || !inputs->is(json::Type::object)) return refuse(cat("node #", id, " has no inputs"));
  Status status = check_links(graph, id, *inputs);
  for (const std::string_view name : {"seed", "noise_seed"}) {
    if (status) status = take_number(*inputs, name, ~std::uint64_t{0}, into.seed);
  }
  if (status) status = take_number(*inputs, "width", side_max, into.width);
  if (status) status = take_number(*inputs, "height", side_max, into.height);
  if (status) status = take_number(*inputs, "batch_size", 8, into.batch);
  if (!status) return status;
  if (*kind->as_string() == "SaveImage") into.output = id;
  into.fails = into.fails || text_member(*inputs, "ckpt_name").starts_with("error");
  return {};
}

void write_outputs(Writer& writer, const Graph& graph, std::uint64_t colours) {
  writer.key("outputs").begin_object();
  if (!graph.fails) {
    writer.key(graph.output).begin_object().key("images").begin_array();
    for (std::uint64_t i = 0; i < graph.batch; ++i) {
      writer.begin_object().key("filename").string(cat("twin_", colours + i, "_", graph.width, "x", graph.height, "_.png"));
      writer.key("subfolder").string("").key("type").string("output").end_object();
    }
    writer.end_array().end_object();
  }
  writer.end_object();
}
void write_status(Writer& writer, const Graph& graph) {
  writer.key("status").begin_object().key("status_str").string(graph.fails ? "error" : "success");
  writer.key("completed").boolean(!graph.fails).key("messages").begin_array();
  if (graph.fails) {
    writer.begin_array().string("execution_error").begin_object().key("exception_message").string("the checkpoint is broken");
    writer.key("exception_type").string("RuntimeError").end_object().end_array();
  }
  writer.end_array().end_object().key("meta").begin_object().end_object();
}

Status read_prompt(const TaskAsk& ask, TaskPlan& plan) {
  const auto document = json::parse(ask.body);
  if (!document) return fail(Kind::bad_request, std::string{document.error().message()});
  const auto* nodes = document->find("prompt");
  if (nodes == nullptr || !nodes->is(json::Type::object)) return refuse("No prompt provided");
  Graph graph;
  for (const auto& [id, node] : nodes->members()) {
    Status taken = take_node(*nodes, id, node, graph);
    if (!taken) return taken;
  }
  if (graph.output.empty()) return refuse("Prompt has no outputs");
  // What the seed leaves the same is decided by the words.
  plan.reply = [graph = std::move(graph), words = fingerprint(nodes->dump())](const TaskScene& scene) -> Result<TaskReply> {
    StoredJob job;
    Writer result{job.result};
    result.begin_object().key("prompt").begin_array().end_array();
    write_outputs(result, graph, fingerprint("picture", graph.seed + words) % 1'000'000'007);
    write_status(result, graph);
    result.end_object();
    job = scene.shelf.add(std::move(job));
    return reply_json([&](Writer& writer) {
      writer.begin_object().key("prompt_id").string(job.id).key("number").number(std::uint64_t{1});
      writer.key("node_errors").begin_object().end_object().end_object();
    });
  };
  return {};
}

/// An id that is not there, or not done, is an empty object.
Status read_history(const TaskAsk& ask, TaskPlan& plan) {
  plan.reply = [id = std::string{ask.name}](const TaskScene& scene) -> Result<TaskReply> {
    const auto job = scene.shelf.job(id);
    return reply_json([&](Writer& writer) {
      writer.begin_object();
      if (job && job->seen) writer.key(id).raw(job->result);
      writer.end_object();
    });
  };
  return {};
}

std::string_view parameter(std::string_view query, std::string_view name) {
  while (!query.empty()) {
    const auto pair = query.substr(0, query.find('&'));
    query.remove_prefix(std::min(query.size(), pair.size() + 1));
    if (pair.starts_with(name) && pair.substr(name.size()).starts_with('=')) return pair.substr(name.size() + 1);
  }
  return {};
}

/// "twin_COLOURS_WIDTHxHEIGHT_.png"
Status read_view(const TaskAsk& ask, TaskPlan& plan) {
  constexpr std::string_view prefix = "twin_";
  auto name = parameter(ask.query, "filename");
  const bool mine = name.starts_with(prefix) && name.ends_with("_.png") && parameter(ask.query, "type") == "output";
  if (!mine) return fail(Kind::not_found, "Not Found");
  name.remove_prefix(prefix.size());
  const auto colours = name.substr(0, name.find('_'));
  const auto size = name.substr(std::min(name.size(), colours.size() + 1));
  const auto by = size.find('x');
  const auto seed = parse_number<std::uint64_t>(colours);
  const auto width = parse_number<std::uint32_t>(size.substr(0, by));
  const auto height =
      by == std::string_view::npos ? std::nullopt : parse_number<std::uint32_t>(size.substr(by + 1, size.find('_') - by - 1));
  constexpr std::uint32_t side_max = 2048;
  const bool good = seed && width && height && *width >= 1 && *height >= 1 && *width <= side_max && *height <= side_max;
  if (!good) return fail(Kind::not_found, "Not Found");
  plan.reply = [=](const TaskScene&) -> Result<TaskReply> {
    TaskReply reply;
    reply.type = "content-type: image/png\r\n";
    reply.body = picture(*seed, *width, *height);
    return reply;
  };
  return {};
}

}  // namespace

const TaskForm comfyui_prompt{&comfyui_form, read_prompt};
const TaskForm comfyui_history{&comfyui_form, read_history};
const TaskForm comfyui_view{&comfyui_form, read_view};

}  // namespace cardea::twin
