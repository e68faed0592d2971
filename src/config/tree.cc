#include "config/tree.h"

#include <istream>
#include <streambuf>
#include <unordered_map>

#include <yaml-cpp/anchor.h>
#include <yaml-cpp/eventhandler.h>
#include <yaml-cpp/exceptions.h>
#include <yaml-cpp/mark.h>
#include <yaml-cpp/parser.h>

#include "base/text.h"
#include "json/value.h"
#include "json/writer.h"

namespace cardea::config {

Node* Node::find(std::string_view key) {
  for (auto& entry : map) {
    if (entry.key == key) return &entry.value;
  }
  return nullptr;
}

namespace {

unsigned from_zero(int n) { return n < 0 ? 0 : static_cast<unsigned>(n) + 1; }

/// Thrown through yaml-cpp by the builder, caught in parse_yaml.
struct Refused {
  unsigned line, column;
  std::string message, fix;
};

/// Reads a string without copying it.
class ViewBuffer : public std::streambuf {
 public:
  explicit ViewBuffer(std::string_view text) {
    auto* begin = const_cast<char*>(text.data());  // NOLINT: streambuf wants it; nothing writes
    setg(begin, begin, begin + text.size());
  }
};

/// Builds a Node from yaml-cpp's events.
class TreeBuilder : public YAML::EventHandler {
 public:
  TreeBuilder(const std::string& file, std::vector<Problem>& problems) : file_{file}, problems_{problems} {}

  Node take() { return std::move(root_); }

  void OnDocumentStart(const YAML::Mark&) override {}
  void OnDocumentEnd() override {}
  void OnNull(const YAML::Mark& mark, YAML::anchor_t anchor) override { add(make(Node::Kind::null, mark), anchor); }
  void OnScalar(const YAML::Mark& mark, const std::string&, YAML::anchor_t anchor, const std::string& value) override {
    auto node = make(Node::Kind::scalar, mark);
    node.text = value;
    add(std::move(node), anchor);
  }
  void OnAlias(const YAML::Mark& mark, YAML::anchor_t anchor) override {
    const auto found = anchors_.find(anchor);
    if (found == anchors_.end()) {
      throw Refused{from_zero(mark.line), from_zero(mark.column), "this alias stands inside its own anchor",
                    "write the value out"};
    }
    const auto& anchored = found->second;
    count(anchored.nodes, mark);
    if (levels_.size() + anchored.height > depth_max) throw too_deep(mark);
    if (!levels_.empty()) levels_.back().height = std::max(levels_.back().height, anchored.height + 1);
    add(Node{anchored.node}, 0);
  }
  void OnSequenceStart(const YAML::Mark& mark, const std::string&, YAML::anchor_t anchor, YAML::EmitterStyle::value) override {
    open(Node::Kind::list, mark, anchor);
  }
  void OnSequenceEnd() override { close(); }
  void OnMapStart(const YAML::Mark& mark, const std::string&, YAML::anchor_t anchor, YAML::EmitterStyle::value) override {
    open(Node::Kind::map, mark, anchor);
  }
  void OnMapEnd() override { close(); }

 private:
  struct Level {
    Node node;
    YAML::anchor_t anchor;
    std::size_t nodes_before;
    std::size_t height = 1;
    bool has_key = false;
    bool skip = false;  ///< the value of a duplicate key
    Node::Entry pending = {};
    std::unordered_map<std::string, unsigned> lines = {};  ///< of the keys so far
  };
  struct Anchored {
    Node node;
    std::size_t nodes;
    std::size_t height;
  };
  static Refused too_deep(const YAML::Mark& mark) {
    return {from_zero(mark.line), from_zero(mark.column), cat("nested deeper than ", depth_max, " levels"), "flatten it"};
  }

  Node make(Node::Kind kind, const YAML::Mark& mark) {
    count(1, mark);
    Node node;
    node.kind = kind;
    node.line = from_zero(mark.line);
    node.column = from_zero(mark.column);
    return node;
  }
  void count(std::size_t nodes, const YAML::Mark& mark) {
    nodes_ += nodes;
    if (nodes_ > nodes_max) {
      throw Refused{from_zero(mark.line), from_zero(mark.column), cat("more than ", nodes_max, " values (aliases counted)"),
                    "use fewer aliases"};
    }
  }
  void open(Node::Kind kind, const YAML::Mark& mark, YAML::anchor_t anchor) {
    if (levels_.size() >= depth_max) throw too_deep(mark);
    const auto before = nodes_;
    levels_.push_back({.node = make(kind, mark), .anchor = anchor, .nodes_before = before});
  }
  void close() {
    auto level = std::move(levels_.back());
    levels_.pop_back();
    if (!levels_.empty()) levels_.back().height = std::max(levels_.back().height, level.height + 1);
    if (level.anchor != 0) {
      const auto size = nodes_ - level.nodes_before;
      count(size, YAML::Mark{});  // the copy kept for aliases
      anchors_[level.anchor] = {level.node, size, level.height};
    }
    add(std::move(level.node), 0);
  }
  void add(Node node, YAML::anchor_t anchor) {
    if (anchor != 0) anchors_[anchor] = {node, 1, 0};
    if (levels_.empty()) {
      root_ = std::move(node);
      return;
    }
    auto& level = levels_.back();
    if (level.node.kind == Node::Kind::list) {
      level.node.list.push_back(std::move(node));
    } else if (!level.has_key) {
      take_key(level, std::move(node));
    } else {
      level.has_key = false;
      level.pending.value = std::move(node);
      if (!level.skip) level.node.map.push_back(std::move(level.pending));
    }
  }
  void take_key(Level& level, Node node) {
    if (node.kind != Node::Kind::scalar) {
      throw Refused{node.line, node.column, "a key must be plain text", "quote it if it holds special characters"};
    }
    if (node.text == "<<") throw Refused{node.line, node.column, "merge keys (<<) are not supported", "write the fields out"};
    const auto [earlier, fresh] = level.lines.try_emplace(node.text, node.line);
    level.skip = !fresh;
    if (!fresh) {
      problems_.push_back({Severity::error,
                           {file_, node.line, node.column},
                           node.text,
                           cat("this key was already given on line ", earlier->second),
                           "keep one of the two"});
    }
    level.has_key = true;
    level.pending = {std::move(node.text), node.line, node.column, {}};
  }

  const std::string& file_;
  std::vector<Problem>& problems_;
  Node root_;
  std::vector<Level> levels_;
  std::unordered_map<YAML::anchor_t, Anchored> anchors_;
  std::size_t nodes_ = 0;
};

/// Flow brackets open at once, roughly: yaml-cpp recurses for each, so a bound is checked before it sees the text.
bool nested_too_deep(std::string_view text) {
  constexpr std::size_t flow_max = 400;
  std::size_t open = 0;
  for (const char c : text) {
    if (c == '[' || c == '{') {
      if (++open > flow_max) return true;
    } else if ((c == ']' || c == '}') && open > 0) {
      --open;
    }
  }
  return false;
}

}  // namespace

Node parse_yaml(std::string_view text, const std::string& file, std::vector<Problem>& problems) {
  const auto refuse = [&](unsigned line, unsigned column, std::string message, std::string fix) {
    problems.push_back({Severity::error, {file, line, column}, "", std::move(message), std::move(fix)});
  };
  if (text.size() > file_bytes_max) {
    refuse(0, 0, "the file is larger than 4 MiB", "split it or remove what is not configuration");
    return {};
  }
  if (nested_too_deep(text)) {
    refuse(0, 0, "brackets are nested too deep", "flatten it");
    return {};
  }
  TreeBuilder builder{file, problems};
  try {
    ViewBuffer buffer{text};
    std::istream in{&buffer};
    YAML::Parser parser{in};
    if (!parser.HandleNextDocument(builder)) return {};
    auto root = builder.take();
    TreeBuilder second{file, problems};
    if (parser.HandleNextDocument(second)) {
      const auto extra = second.take();
      refuse(extra.line, extra.column, "a second document begins (---)",
             "one file holds one document; remove the '---' between them");
    }
    return root;
  } catch (const Refused& refused) {
    refuse(refused.line, refused.column, refused.message, refused.fix);
  } catch (const YAML::Exception& wrong) {
    // yaml-cpp's sentences hold no value of the file but single characters and tag names.
    refuse(from_zero(wrong.mark.line), from_zero(wrong.mark.column), cat("not valid YAML: ", std::string_view{wrong.msg}),
           "check indentation, quotes and colons here and on the line before");
  } catch (const std::exception&) {
    refuse(0, 0, "not valid YAML", "check indentation, quotes and colons");
  }
  return {};
}

namespace {
Node from_value(const json::Value& value) {
  Node node;
  switch (value.type()) {
    case json::Type::null: break;
    case json::Type::boolean:
      node.kind = Node::Kind::scalar;
      node.text = value.as_bool().value_or(false) ? "true" : "false";
      break;
    case json::Type::number:
      node.kind = Node::Kind::scalar;
      node.text = *value.as_number();
      break;
    case json::Type::string:
      node.kind = Node::Kind::scalar;
      node.text = *value.as_string();
      break;
    case json::Type::array:
      node.kind = Node::Kind::list;
      node.list.reserve(value.elements().size());
      for (const auto& element : value.elements()) node.list.push_back(from_value(element));
      break;
    case json::Type::object:
      node.kind = Node::Kind::map;
      node.map.reserve(value.members().size());
      for (const auto& [key, member] : value.members()) node.map.push_back({key, 0, 0, from_value(member)});
      break;
  }
  return node;
}

void write(json::Writer& out, const Node& node) {
  switch (node.kind) {
    case Node::Kind::null: out.null(); break;
    case Node::Kind::scalar: out.string(node.text); break;
    case Node::Kind::list:
      out.begin_array();
      for (const auto& element : node.list) write(out, element);
      out.end_array();
      break;
    case Node::Kind::map:
      out.begin_object();
      for (const auto& entry : node.map) {
        out.key(entry.key);
        write(out, entry.value);
      }
      out.end_object();
      break;
  }
}
}  // namespace

Result<Node> parse_json(std::string_view text) {
  auto value = json::parse(text);
  if (!value) return fail_with(value);
  return from_value(*value);
}

std::string to_json(const Node& node) {
  std::string out;
  json::Writer writer{out};
  write(writer, node);
  return out;
}

}  // namespace cardea::config
