#include "store/memory/registry.h"

#include <algorithm>

namespace cardea::store::memory {

void Registry::load(Then<Result<Kept>> then) {
  Kept out;
  for (const auto& [name, record] : records_) out.records.push_back(record);
  for (const auto& [id, time] : last_used_) out.last_used.push_back({id, time});
  then(std::move(out));
}

Status Registry::judge(const Change& change) const {
  std::map<Name, std::int64_t> versions;  // that the change has made by then; 0: none
  const auto kept = [&](const Name& name) {
    if (const auto made = versions.find(name); made != versions.end()) return made->second;
    const auto record = records_.find(name);
    return record == records_.end() ? 0 : record->second.version;
  };
  for (const Record& put : change.puts) {
    Name name{put.kind, put.id};
    if (kept(name) != put.version - 1) return std::unexpected{stale(put.kind, put.id)};
    versions.insert_or_assign(std::move(name), put.version);
  }
  for (const RecordName& remove : change.removes) {
    Name name{remove.kind, remove.id};
    const std::int64_t version = kept(name);
    if (version == 0 || (remove.version != 0 && version != remove.version)) return std::unexpected{stale(remove.kind, remove.id)};
    versions.insert_or_assign(std::move(name), 0);
  }
  if (!change.remember) return {};
  const auto found = remembered_.find(change.remember->key);
  if (found != remembered_.end() && found->second.expires > now_()) return std::unexpected{repeated()};
  return {};
}

void Registry::change(Change change, Then<Status> then) {
  if (Status fits = judge(change); !fits) return then(fail_with(fits));
  for (Record& put : change.puts) records_.insert_or_assign({put.kind, put.id}, std::move(put));
  for (const RecordName& remove : change.removes) {
    records_.erase({remove.kind, remove.id});
    last_used_.erase(remove.id);
  }
  for (AuditEntry& entry : change.audit) {
    const auto seq = static_cast<std::int64_t>(log_.size()) + 1;
    last_ = audit::hash(last_, seq, entry);
    log_.push_back({.seq = seq, .entry = std::move(entry), .hash = audit::to_text(last_)});
  }
  if (change.remember) remembered_.insert_or_assign(change.remember->key, std::move(*change.remember));
  then({});
}

void Registry::used(std::vector<LastUsed> uses, Then<Status> then) {
  for (const auto& [id, time] : uses) {
    std::int64_t& kept = last_used_.try_emplace(id, time).first->second;
    kept = std::max(kept, time);
  }
  then({});
}

void Registry::recall(std::string key, Then<Result<std::optional<Remembered>>> then) {
  const auto found = remembered_.find(key);
  if (found == remembered_.end() || found->second.expires <= now_()) return then(std::nullopt);
  then(found->second);
}

void Registry::audit(std::int64_t before, std::size_t limit, Then<Result<std::vector<AuditLine>>> then) {
  std::vector<AuditLine> out;
  for (std::size_t i = log_.size(); i-- > 0 && out.size() < limit;) {
    if (before == 0 || log_[i].seq < before) out.push_back(log_[i]);
  }
  then(std::move(out));
}

void Registry::verify(std::string head, Then<Result<AuditVerdict>> then) {
  audit::Check check{std::move(head)};
  for (const AuditLine& line : log_) check.add(line);
  then(check.verdict());
}

}  // namespace cardea::store::memory
