#include "server/twin_dialer.h"

#include "net/memory.h"

namespace cardea::server {

net::Task<Result<std::unique_ptr<net::Stream>>> TwinDialer::dial(net::Origin origin, net::DialOptions options) {
  if (origin.scheme != net::Origin::Scheme::memory) {
    co_return co_await network_.dial(std::move(origin), std::move(options));
  }
  auto [near, far] = net::memory_pair(loop_);
  twin_.serve(std::move(far));
  co_return std::move(near);
}

}  // namespace cardea::server
