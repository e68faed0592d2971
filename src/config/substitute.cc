#include "base/text.h"
#include "config/tree.h"

namespace cardea::config {
namespace {

constexpr unsigned default_depth_max = 3;

bool is_name(std::string_view text) {
  if (text.empty() || (text[0] >= '0' && text[0] <= '9')) return false;
  for (const char c : text) {
    if (!(c == '_' || (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9'))) return false;
  }
  return true;
}

/// Position of the '}' that closes the "${" before `from`; npos when none does. A default may hold braces in pairs: JSON,
/// {region}.
std::size_t closing(std::string_view text, std::size_t from) {
  unsigned open = 1;
  for (std::size_t i = from; i < text.size(); ++i) {
    if (text[i] == '{') {
      ++open;
    } else if (text[i] == '}' && --open == 0) {
      return i;
    }
  }
  return std::string_view::npos;
}

class Substitution {
 public:
  Substitution(const Env& env, Missing missing, const std::string& file, std::vector<Problem>& problems)
      : env_{env}, missing_{missing}, file_{file}, problems_{problems} {}

  void walk(Node& node, const std::string& path) {
    if (node.kind == Node::Kind::scalar) scalar(node, path);
    for (std::size_t i = 0; i < node.list.size(); ++i) walk(node.list[i], cat(path, "[", i, "]"));
    for (auto& entry : node.map) walk(entry.value, path.empty() ? entry.key : cat(path, ".", entry.key));
  }

 private:
  void scalar(Node& node, const std::string& path) {
    std::string_view whole;
    if (node.text.starts_with("os.environ/")) whole = std::string_view{node.text}.substr(11);
    if (node.text.starts_with("env.")) whole = std::string_view{node.text}.substr(4);
    if (!is_name(whole) && node.text.find("${") == std::string::npos) return;
    node_ = &node;
    path_ = &path;
    auto value = is_name(whole) ? variable(whole) : expand(node.text, 0);
    node.written = std::move(node.text);
    // After a problem the text stays as it is written, so that no second problem says that something is empty.
    node.text = !node.missing ? std::move(value) : missing_ == Missing::is_problem ? node.written : std::string{};
  }

  std::string expand(std::string_view text, unsigned depth) {
    std::string out;
    while (true) {
      const auto at = text.find("${");
      if (at == std::string_view::npos) return out.append(text);
      if (at > 0 && text[at - 1] == '$') {
        out.append(text.substr(0, at - 1)).append("${");
        text.remove_prefix(at + 2);
        continue;
      }
      out.append(text.substr(0, at));
      const auto end = closing(text, at + 2);
      if (end == std::string_view::npos) {
        problem("'${' without its '}'", "close it, or write $${ for a literal ${");
        return out;
      }
      out.append(reference(text.substr(at + 2, end - at - 2), depth));
      text.remove_prefix(end + 1);
    }
  }

  std::string reference(std::string_view inside, unsigned depth) {
    const auto mark = inside.find(":-");
    auto name = inside.substr(0, mark);
    if (name.starts_with("env.")) name.remove_prefix(4);
    if (!is_name(name)) {
      problem("not the name of an environment variable inside ${…}",
              "use letters, digits and '_': ${OPENAI_API_KEY} or ${PORT:-8080}");
      return {};
    }
    if (mark == std::string_view::npos) return variable(name);
    // Like a shell: an empty variable takes the default too.
    if (auto value = env_(name); value && !value->empty()) return *std::move(value);
    if (depth >= default_depth_max) {
      problem("defaults are nested too deep", cat("at most ", default_depth_max, " levels of ${A:-${B:-…}}"));
      return {};
    }
    return expand(inside.substr(mark + 2), depth + 1);
  }

  std::string variable(std::string_view name) {
    if (auto value = env_(name)) return *std::move(value);
    node_->missing = true;
    if (missing_ == Missing::is_problem) {
      problem(cat("the environment variable ", name, " is not set"), cat("set ", name, ", or give a default: ${", name, ":-…}"));
    }
    return {};
  }

  void problem(std::string message, std::string fix) {
    problems_.push_back({Severity::error, {file_, node_->line, node_->column}, *path_, std::move(message), std::move(fix)});
    node_->missing = true;
  }

  const Env& env_;
  Missing missing_;
  const std::string& file_;
  std::vector<Problem>& problems_;
  Node* node_ = nullptr;
  const std::string* path_ = nullptr;
};

}  // namespace

void substitute(Node& root, const Env& env, Missing missing, const std::string& file, std::vector<Problem>& problems) {
  Substitution{env, missing, file, problems}.walk(root, "");
}

}  // namespace cardea::config
