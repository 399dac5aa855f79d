#include "engine/desk.h"

#include <utility>

namespace lazaret::engine {
namespace {

/// The request that an answer belongs to; 0 for what nobody asked for.
std::uint64_t request_of(const model::Answer& answer) {
  return std::visit(
      [](const auto& one) -> std::uint64_t {
        if constexpr (requires { one.request; }) {
          return one.request;
        } else {
          return 0;
        }
      },
      answer);
}

/// What a responder says on the way to its reply: a desk has nobody who listens to that.
bool is_note(const model::Answer& answer) {
  const auto* replied = std::get_if<model::Replied>(&answer);
  return replied != nullptr && !replied->final;
}

}  // namespace

std::shared_ptr<Desk> Desk::open(Engine& engine) {
  std::shared_ptr<Desk> desk(new Desk(engine));
  desk->session_ = engine.open_desk(desk);
  return desk;
}

void Desk::close() {
  std::unordered_map<std::uint64_t, Callback> left;
  {
    const std::lock_guard lock(mutex_);
    if (closed_) return;
    closed_ = true;
    left = std::move(waiting_);
  }
  engine_->end_session(session_, Engine::End::goodbye);
  for (auto& [request, then] : left) then(model::Done{request, base::Status(base::Code::SHUTTING_DOWN), 0});
}

std::uint64_t Desk::remember(Callback then) {
  {
    const std::lock_guard lock(mutex_);
    if (!closed_) {
      waiting_.emplace(++last_request_, std::move(then));
      return last_request_;
    }
  }
  then(model::Done{0, base::Status(base::Code::SHUTTING_DOWN), 0});
  return 0;
}

void Desk::leave(model::ShardId shard, const model::LeaveRequest& leave) {
  {
    const std::lock_guard lock(mutex_);
    if (closed_ || waiting_.erase(leave.origin.request) == 0) return;  // it has ended
  }
  engine_->submit(session_, shard, leave, 0);
}

void Desk::tell(std::vector<model::Answer>&& answers) {
  for (model::Answer& answer : answers) {
    if (is_note(answer)) continue;
    Callback then;
    {
      const std::lock_guard lock(mutex_);
      const auto it = waiting_.find(request_of(answer));
      if (it == waiting_.end()) continue;
      then = std::move(it->second);
      waiting_.erase(it);
    }
    then(std::move(answer));
  }
}

}  // namespace lazaret::engine
