#pragma once
// What changes the gateway itself, as the pipeline calls it: who asks, and what for, is known by then.

#include <string>
#include <string_view>

#include "access/principal.h"
#include "base/error.h"
#include "catalog/catalog.h"
#include "net/loop.h"
#include "net/task.h"
#include "pipeline/routes.h"
#include "wire/http1.h"

namespace cardea::pipeline {

/// Longest body of an administrative request.
inline constexpr std::size_t admin_bytes_max = std::size_t{1} << 20;

/// Lives until the answer is there.
struct AdminCall {
  const Route& route;          ///< `form` says what is done
  std::string_view parameter;  ///< of the path, undecoded
  const wire::RequestHead& head;
  std::string_view body;
  const access::Principal& principal;  ///< its role is enough for the route's policy
  std::string_view address;            ///< the client's
  std::string_view request_id;
  std::int64_t now;  ///< Unix seconds
  const catalog::Catalog& catalog;
  net::Loop& loop;
};

struct AdminAnswer {
  unsigned status = 200;
  std::string body;
  std::string_view content_type = "application/json";
  std::string etag, location;  ///< empty: none
};

/// Any worker's thread; outlives them.
class Administration {
 public:
  [[nodiscard]] virtual net::Task<Result<AdminAnswer>> answer(const AdminCall& call) = 0;

 protected:
  ~Administration() = default;
};

/// Body of an error as problem details (RFC 9457), with `errors` of {field, message, fix} where a field is at fault.
[[nodiscard]] std::string problem_details(const Error& error, std::string_view request_id);
inline constexpr std::string_view problem_type = "application/problem+json";
/// Header line of everything that the administration says.
inline constexpr std::string_view no_store = "cache-control: no-store\r\n";

}  // namespace cardea::pipeline
