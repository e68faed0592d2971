#pragma once
// What a request holds by URL becomes bytes, where its upstream wants those.

#include <functional>
#include <string>
#include <vector>

#include "dialect/wanted.h"
#include "execute/web.h"

namespace cardea::pipeline {

/// How it is done for one request. What it refers to must live until it is.
struct Bringing {
  execute::WebFetcher& web;
  const execute::WebLimits& limits;
  std::size_t bytes_max;                                        ///< of all files together
  std::function<std::string(const std::string&)> field;         ///< WantedBytes::field as the caller said it
  dialect::Allow allow = dialect::Allow::no_change_of_meaning;  ///< any_loss: what cannot be fetched stays a URL
};

/// Fetches and puts them all, several at a time, each URL once. Error: bad_request with the caller's field, for what cannot be
/// fetched and for what is not what it should be; unavailable; or the scope's reason.
[[nodiscard]] net::Task<Status> bring(std::vector<dialect::WantedBytes>& wanted, const Bringing& how);

}  // namespace cardea::pipeline
