#include "store/memory/responses.h"

#include <algorithm>

namespace cardea::store::memory {

std::uint64_t Responses::size_of(const StoredResponse& response) { return response.input.size() + response.response.size(); }

void Responses::drop_oldest() {
  const auto oldest = std::ranges::min_element(rows_, {}, [](const auto& row) { return row.second.number; });
  bytes_ -= size_of(oldest->second.response);
  rows_.erase(oldest);
}

Status Responses::insert(StoredResponse response) {
  const std::uint64_t size = size_of(response);
  if (size > bytes_max_) return fail(Kind::too_large, "larger than all that may be kept");
  Key key{response.id, response.owner};
  if (const auto same = rows_.find(key); same != rows_.end()) {
    bytes_ -= size_of(same->second.response);
    rows_.erase(same);
  }
  while (bytes_ + size > bytes_max_) drop_oldest();
  bytes_ += size;
  rows_.emplace(std::move(key), Row{++numbers_, std::move(response)});
  return {};
}

FoundResponse Responses::look_up(const std::string& id, const std::string& owner) const {
  FoundResponse found;
  for (auto row = rows_.lower_bound({id, {}}); row != rows_.end() && row->first.first == id; ++row) {
    const StoredResponse& response = row->second.response;
    if (response.expires <= now_) continue;
    if (response.owner == owner) return {FoundResponse::Standing::own, response};
    found.standing = FoundResponse::Standing::foreign;
  }
  return found;
}

void Responses::say(std::move_only_function<void()> answer) {
  if (held_) return waiting_.push_back(std::move(answer));
  answer();
}

void Responses::let_go() {
  held_ = false;
  for (; !waiting_.empty(); waiting_.pop_front()) waiting_.front()();
}

void Responses::put(StoredResponse response, Pace /*pace*/, Then<Status> then) {
  Status done = failure_.empty() ? insert(std::move(response)) : fail(Kind::internal, failure_);
  say([done = std::move(done), then = std::move(then)]() mutable { then(std::move(done)); });
}

void Responses::get(std::string id, std::string owner, Then<Result<FoundResponse>> then) {
  Result<FoundResponse> found = look_up(id, owner);
  if (!failure_.empty()) found = fail(Kind::internal, failure_);
  say([found = std::move(found), then = std::move(then)]() mutable { then(std::move(found)); });
}

void Responses::remove(std::string id, std::string owner, Then<Result<bool>> then) {
  Result<bool> removed = look_up(id, owner).standing == FoundResponse::Standing::own;
  if (!failure_.empty()) removed = fail(Kind::internal, failure_);
  if (removed && *removed) {
    const auto row = rows_.find({std::move(id), std::move(owner)});
    bytes_ -= size_of(row->second.response);
    rows_.erase(row);
  }
  say([removed = std::move(removed), then = std::move(then)]() mutable { then(std::move(removed)); });
}

}  // namespace cardea::store::memory
