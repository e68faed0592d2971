#include "store/sqlite/objects.h"

#include <memory>
#include <utility>

namespace cardea::store::sqlite {
namespace {

constexpr const char* put_sql = "INSERT OR REPLACE INTO objects(id, owner, provider, created_at) VALUES(?1, ?2, ?3, ?4)";
constexpr const char* find_sql = "SELECT provider, created_at FROM objects WHERE id=?1 AND owner=?2";
constexpr const char* remove_sql = "DELETE FROM objects WHERE id=?1 AND owner=?2";

}  // namespace

void Objects::put(StoredObject object, Then<Status> then) {
  Database::Job job{.access = Database::Access::write,
                    .bytes = object.id.size() + object.owner.size() + object.provider.size(),
                    .run =
                        [object = std::move(object)](Connection& connection) {
                          Query query{connection, put_sql};
                          return query.bind(object.id).bind(object.owner).bind(object.provider).bind(object.created).run();
                        },
                    .done = std::move(then)};
  database_.submit(std::move(job));
}

void Objects::find(std::vector<std::string> ids, std::string owner, Then<Result<std::vector<StoredObject>>> then) {
  const auto found = std::make_shared<std::vector<StoredObject>>();
  Database::Job job;
  for (const auto& id : ids) job.bytes += id.size();
  job.run = [found, ids = std::move(ids), owner = std::move(owner)](Connection& connection) -> Status {
    for (const auto& id : ids) {
      Query query{connection, find_sql};
      Result<bool> row = query.bind(id).bind(owner).next();
      if (!row) return fail_with(row);
      if (!*row) continue;
      found->push_back({.id = id, .owner = owner, .provider = std::string{query.text(0)}, .created = query.integer(1)});
    }
    return {};
  };
  job.done = [found, then = std::move(then)](Status done) mutable {
    if (!done) return then(fail_with(done));
    then(std::move(*found));
  };
  database_.submit(std::move(job));
}

void Objects::remove(std::string id, std::string owner, Then<Status> then) {
  Database::Job job{.access = Database::Access::write,
                    .bytes = id.size() + owner.size(),
                    .run =
                        [id = std::move(id), owner = std::move(owner)](Connection& connection) {
                          Query query{connection, remove_sql};
                          return query.bind(id).bind(owner).run();
                        },
                    .done = std::move(then)};
  database_.submit(std::move(job));
}

}  // namespace cardea::store::sqlite
