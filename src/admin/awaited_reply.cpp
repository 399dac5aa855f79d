#include "admin/awaited_reply.h"

namespace lazaret::admin {

void AwaitedReply::arrive(Reply reply) {
  std::function<void()> wake;
  {
    const std::lock_guard lock(mutex_);
    reply_ = std::move(reply);
    wake = std::exchange(wake_, nullptr);
  }
  if (wake) wake();
}

void AwaitedReply::on_leave(std::function<void()> leave) {
  const std::lock_guard lock(mutex_);
  leave_ = std::move(leave);
}

void AwaitedReply::leave() {
  std::function<void()> leave;
  {
    const std::lock_guard lock(mutex_);
    wake_ = nullptr;
    leave = std::exchange(leave_, nullptr);
  }
  if (leave) leave();
}

void AwaitedReply::wait(std::function<void()> wake) {
  {
    const std::lock_guard lock(mutex_);
    if (!reply_) {
      wake_ = std::move(wake);
      return;
    }
  }
  wake();
}

std::optional<AwaitedReply::Reply> AwaitedReply::reply() const {
  const std::lock_guard lock(mutex_);
  return reply_;
}

}  // namespace lazaret::admin
