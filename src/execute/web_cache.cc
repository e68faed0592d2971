#include "execute/web_cache.h"

namespace cardea::execute {

WebCache::Entry* WebCache::find(const std::string& url) {
  const auto found = entries_.find(url);
  if (found == entries_.end()) return nullptr;
  order_.splice(order_.begin(), order_, found->second);
  return &found->second->second;
}

void WebCache::store(const std::string& url, Entry entry, std::size_t bytes_max) {
  erase(url);
  const std::size_t size = entry.file.bytes->size();
  if (size > bytes_max) return;
  Content& content = contents_[entry.file.sha256];
  if (content.uses++ == 0) {
    content.bytes = entry.file.bytes;
    bytes_ += size;
  }
  entry.file.bytes = content.bytes;
  order_.emplace_front(url, std::move(entry));
  entries_.emplace(order_.front().first, order_.begin());
  while (bytes_ > bytes_max || entries_.size() > entries_max) drop(std::prev(order_.end()));
}

void WebCache::erase(const std::string& url) {
  const auto found = entries_.find(url);
  if (found != entries_.end()) drop(found->second);
}

void WebCache::clear() {
  entries_.clear();
  order_.clear();
  contents_.clear();
  bytes_ = 0;
}

std::shared_ptr<const std::string> WebCache::shared(const net::Digest& sha256, std::shared_ptr<const std::string> bytes) const {
  const auto found = contents_.find(sha256);
  return found != contents_.end() ? found->second.bytes : bytes;
}

void WebCache::drop(Order::iterator entry) {
  const auto content = contents_.find(entry->second.file.sha256);
  if (--content->second.uses == 0) {
    bytes_ -= content->second.bytes->size();
    contents_.erase(content);
  }
  entries_.erase(entry->first);
  order_.erase(entry);
}

}  // namespace cardea::execute
