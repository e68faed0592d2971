#pragma once
// One configuration, made ready: what a request may know of it.

#include <memory>
#include <span>
#include <string>

#include "access/client_address.h"
#include "access/directory.h"
#include "access/vouching.h"
#include "catalog/catalog.h"
#include "dialect/translate.h"
#include "execute/executor.h"
#include "execute/upstream.h"
#include "pipeline/upload.h"

namespace cardea::pipeline {

/// Immutable, shared by all workers, pinned by each request from its head to its record: a reload never changes a request under
/// way.
struct Snapshot {
  std::shared_ptr<const catalog::Catalog> catalog;
  execute::Upstreams upstreams;
  access::OriginRules origins;
  struct Addresses {
    access::TrustedProxies proxies;
    net::IpList allow, deny;  ///< of clients; an empty `allow` is all
  } addresses;
  access::Peer reach = access::Peer::local;  ///< who can reach the listeners
  bool metrics_served = true;
  bool metrics_need_key = true;
  bool metrics_automatic = false;  ///< they need one besides whenever the gateway asks callers for one
  std::size_t body_bytes_max = std::size_t{32} << 20;
  std::uint64_t upload_bytes_max = std::uint64_t{520} << 20;  ///< of a body that is kept on disk until it is sent
  FileLimits file_limits;
  std::string spool_directory;                 ///< where; it exists
  bool passthrough = true;                     ///< every key may use all that a provider's key may
  bool passthrough_automatic = false;          ///< and that only while there is but one caller
  net::Duration total_timeout = net::forever;  ///< of a chat request, from its head on
  execute::AttemptLimits attempt;
  execute::WebLimits web;  ///< of files by URL
  struct Responses {
    bool stored = true;  ///< unless a request says otherwise
    std::chrono::seconds retention{};
  } responses;
  access::VouchingSettings vouching;
  std::string models_json;  ///< the answer of GET /v1/models
};

/// What translations may know of a model. A model of which the catalog says nothing is not judged.
[[nodiscard]] dialect::Abilities abilities_of(const catalog::ModelInfo* info, std::string_view dialect);

/// Body of GET /v1/models in OpenAI's shape.
[[nodiscard]] std::string render_models(std::span<const catalog::Entry> models);
/// One row of it.
[[nodiscard]] std::string render_model(const catalog::Entry& entry);

}  // namespace cardea::pipeline
