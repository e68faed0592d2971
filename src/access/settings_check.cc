#include "access/settings_check.h"

#include <string>
#include <string_view>
#include <utility>

#include "access/token.h"
#include "base/text.h"
#include "http/web_address.h"

namespace cardea::access {
namespace {

using config::Severity;

std::string accepted_names() {
  std::string out;
  for (const Algorithm& algorithm : algorithms()) append(out, cat(out.empty() ? "" : ", ", algorithm.name));
  return out;
}

class Checked {
 public:
  Checked(const config::Settings& settings, const config::Places& places) : settings_{settings}, places_{places} {}

  void jwt() {
    config::ElementPaths paths{"jwt"};
    for (const config::Jwt& issuer : settings_.jwt) {
      const auto path = paths.next(issuer.where);
      for (std::size_t i = 0; i < issuer.algorithms.size(); ++i) {
        if (find_algorithm(issuer.algorithms[i]) != nullptr) continue;
        add(Severity::error, issuer.where, cat(path, ".algorithms[", i, "]"),
            cat("'", issuer.algorithms[i], "' is no algorithm that tokens may be signed by"),
            cat("use one of ", accepted_names()));
      }
    }
  }

  void oidc() {
    const config::Oidc& oidc = settings_.oidc;
    if (oidc.issuer.empty()) return;
    if (oidc.client_id.empty())
      add(Severity::error, {}, "oidc.client_id", "nobody can log in without it", "write what the provider calls Cardea");
    if (oidc.redirect_url.empty()) {
      add(Severity::error, {}, "oidc.redirect_url", "nobody can come back from the provider without it",
          "write this gateway's address and /callback");
    } else if (!http::parse_web_address(oidc.redirect_url)) {
      add(Severity::error, {}, "oidc.redirect_url", "not an address of the web", "write e.g. https://ai.example/callback");
    }
  }

  void all_places() {
    for (const auto& [id, team] : settings_.teams) place(team.where, cat("teams.", id), {team.organization, {}, {}});
    for (const auto& [id, project] : settings_.projects) place(project.where, cat("projects.", id), {{}, project.team, {}});
    for (const auto& [id, user] : settings_.users) place(user.where, cat("users.", id), user.place);
    each("members", settings_.members, [](const config::Member& member) -> const config::Place& { return member.place; });
    each("keys", settings_.keys, [](const config::GatewayKey& key) -> const config::Place& { return key.place; });
    const auto mapped = [](const auto& issuer) -> const config::Place& { return issuer.mapping.place; };
    each("jwt", settings_.jwt, mapped);
    each("introspection", settings_.introspection, mapped);
    place({}, "oidc", settings_.oidc.mapping.place);
  }

  std::vector<config::Problem> problems;

 private:
  void add(Severity severity, config::Where where, std::string path, std::string message, std::string fix) {
    if (const auto* found = places_.find(where.file, path)) where = *found;
    problems.push_back({severity, std::move(where), std::move(path), std::move(message), std::move(fix)});
  }

  template <class Forms, class PlaceOf>
  void each(std::string_view list, const Forms& forms, PlaceOf place_of) {
    config::ElementPaths paths{list};
    for (const auto& form : forms) place(form.where, paths.next(form.where), place_of(form));
  }

  /// The named one. Null: no name, or no file declares it, which is said.
  template <class Form>
  const Form* declared(const config::Map<Form>& forms, const std::string& id, std::string_view what, const config::Where& where,
                       const std::string& path) {
    if (id.empty()) return nullptr;
    for (const auto& [name, form] : forms) {
      if (name == id) return &form;
    }
    add(Severity::warning, where, cat(path, ".", what), cat("no ", what, " '", id, "' is declared here"),
        "add it, unless the administration made it: the start refuses a name that is nowhere");
    return nullptr;
  }

  void place(const config::Where& where, const std::string& path, const config::Place& place) {
    const auto* project = declared(settings_.projects, place.project, "project", where, path);
    const auto* team = declared(settings_.teams, place.team, "team", where, path);
    (void)declared(settings_.organizations, place.organization, "organization", where, path);
    if (project != nullptr && !place.team.empty() && project->team != place.team) {
      add(Severity::error, where, cat(path, ".team"), cat("the project '", place.project, "' is not of team '", place.team, "'"),
          "leave team out, or name the project's own");
    }
    if (team != nullptr && !place.organization.empty() && team->organization != place.organization) {
      add(Severity::error, where, cat(path, ".organization"),
          cat("the team '", place.team, "' is not of organization '", place.organization, "'"),
          "leave organization out, or name the team's own");
    }
  }

  const config::Settings& settings_;
  const config::Places& places_;
};

}  // namespace

std::vector<config::Problem> identity_problems(const config::Settings& settings, const config::Places& places) {
  Checked checked{settings, places};
  checked.jwt();
  checked.oidc();
  return std::move(checked.problems);
}

std::vector<config::Problem> place_problems(const config::Settings& settings, const config::Places& places) {
  Checked checked{settings, places};
  checked.all_places();
  return std::move(checked.problems);
}

}  // namespace cardea::access
