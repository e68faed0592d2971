#pragma once
// Stored responses: what a request goes on from, what becomes of its answer.

#include <functional>
#include <string>

#include "base/error.h"
#include "store/objects.h"
#include "store/responses.h"

namespace cardea::pipeline {

class Administration;

/// Where the pipeline keeps what outlives a request.
struct Stores {
  store::ResponseStore& responses;
  store::ObjectStore& objects;
  std::function<void(const Error&)> on_failure;  ///< told of answers that could not be kept; any thread
  Administration* administration = nullptr;      ///< null: there is none
};

/// Longest time that the store is waited for.
inline constexpr std::chrono::seconds store_patience{5};

/// What one request of the Responses API has to do with the store.
struct Keeping {
  enum class What : std::uint8_t {
    nothing,
    link,   ///< the upstream keeps the answer: only where it is, so that it is found, and by its owner alone
    whole,  ///< the upstream speaks another dialect and keeps nothing: all of it
  } what = What::nothing;
  std::string id;        ///< of an answer that is kept whole
  std::string input;     ///< all that was asked for it, earlier turns included
  std::string previous;  ///< the answer kept here that the request goes on from; empty: of none
  std::string body;      ///< the request with what went before, and with items that it only names; empty: as the client wrote it
};

}  // namespace cardea::pipeline
