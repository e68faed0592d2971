#pragma once
// One answer that another thread gives to a coroutine.

#include <functional>
#include <memory>
#include <optional>
#include <utility>

#include "net/scope.h"

namespace cardea::net {

/// Made by the coroutine that will wait, on its loop. The sender goes to the other side, which calls it once, from any thread, at
/// once or much later: the coroutine, its request or the whole loop may be gone by then. `T`: a Result or a Status.
///     net::Handover<Result<bool>> removed{loop};
///     store.remove(id, owner, removed.sender());
///     Result<bool> answer = co_await removed.receive();
template <class T>
class Handover {
 public:
  explicit Handover(Loop& loop) : loop_{loop}, state_{std::make_shared<State>(loop)} {}

  [[nodiscard]] std::move_only_function<void(T)> sender() {
    return [state = state_, mailbox = loop_.mailbox()](T value) {
      mailbox->post([state, value = std::move(value)]() mutable {
        state->value.emplace(std::move(value));
        state->arrived.set();
      });
    };
  }
  /// What was sent; Kind::timed_out when it did not come in time, or the scope's reason. Once.
  [[nodiscard]] Task<T> receive(Duration patience = forever) {
    Status arrived = co_await state_->arrived.wait(patience);
    if (!arrived) co_return fail_with(arrived);
    co_return std::move(*state_->value);
  }

 private:
  struct State {
    explicit State(Loop& loop) : arrived{loop} {}
    Event arrived;
    std::optional<T> value;
  };
  Loop& loop_;
  std::shared_ptr<State> state_;
};

}  // namespace cardea::net
