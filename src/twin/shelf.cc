#include "twin/shelf.h"

#include <algorithm>

#include "base/text.h"
#include "twin/answer.h"
#include "twin/tokens.h"

namespace cardea::twin {

StoredFile Shelf::add(StoredFile file) {
  const std::lock_guard lock{mutex_};
  file.id = hex_id("file-", fingerprint(file.filename, ++count_));
  content_bytes_ += file.content.size();
  files_.push_front(file);
  while (files_.size() > things_max || (content_bytes_ > content_bytes_max && files_.size() > 1)) {
    content_bytes_ -= files_.back().content.size();
    files_.pop_back();
  }
  return file;
}

std::optional<StoredFile> Shelf::file(std::string_view id) const {
  const std::lock_guard lock{mutex_};
  const auto found = std::ranges::find(files_, id, &StoredFile::id);
  return found != files_.end() ? std::optional{*found} : std::nullopt;
}

std::vector<StoredFile> Shelf::files() const {
  const std::lock_guard lock{mutex_};
  std::vector<StoredFile> all;
  for (const auto& file : files_) {
    auto& one = all.emplace_back();
    one.id = file.id;
    one.filename = file.filename;
    one.purpose = file.purpose;
    one.created = file.created;
    one.bytes = file.bytes;
  }
  return all;
}

bool Shelf::remove(std::string_view id) {
  const std::lock_guard lock{mutex_};
  const auto found = std::ranges::find(files_, id, &StoredFile::id);
  if (found == files_.end()) return false;
  content_bytes_ -= found->content.size();
  files_.erase(found);
  return true;
}

StoredBatch Shelf::add(StoredBatch batch) {
  const std::lock_guard lock{mutex_};
  batch.id = hex_id("batch_", fingerprint(batch.input_file, ++count_));
  batches_.push_front(batch);
  if (batches_.size() > things_max) batches_.pop_back();
  return batch;
}

std::optional<StoredBatch> Shelf::batch(std::string_view id, StoredBatch::State next) {
  const std::lock_guard lock{mutex_};
  const auto found = std::ranges::find(batches_, id, &StoredBatch::id);
  if (found == batches_.end()) return std::nullopt;
  if (found->state == StoredBatch::State::fresh) found->state = next;
  return *found;
}

std::vector<StoredBatch> Shelf::batches() const {
  const std::lock_guard lock{mutex_};
  return {batches_.begin(), batches_.end()};
}

StoredJob Shelf::add(StoredJob job) {
  const std::lock_guard lock{mutex_};
  const auto text = cat(hex_id("", fingerprint(job.result, ++count_)), hex_id("", fingerprint(job.result)));
  const auto part = [&](std::size_t at, std::size_t size) { return std::string_view{text}.substr(at, size); };
  job.id = cat(part(0, 8), "-", part(8, 4), "-4", part(13, 3), "-8", part(17, 3), "-", part(20, 12));
  jobs_.push_front(job);
  if (jobs_.size() > things_max) jobs_.pop_back();
  return job;
}

std::optional<StoredJob> Shelf::job(std::string_view id) {
  const std::lock_guard lock{mutex_};
  const auto found = std::ranges::find(jobs_, id, &StoredJob::id);
  if (found == jobs_.end()) return std::nullopt;
  StoredJob before = *found;
  found->seen = true;
  return before;
}

}  // namespace cardea::twin
