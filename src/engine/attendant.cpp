#include "engine/attendant.h"

#include "engine/thread_name.h"

namespace lazaret::engine {

void Attendant::start() {
  thread_ = std::thread([this] { run(); });
}

void Attendant::stop() {
  {
    const std::lock_guard lock(mutex_);
    stopping_ = true;
  }
  wake_.notify_one();
  if (thread_.joinable()) thread_.join();
}

void Attendant::run() {
  name_thread("attendant");
  std::unique_lock lock(mutex_);
  while (!wake_.wait_for(lock, period_, [this] { return stopping_; })) {
    lock.unlock();
    tick_();
    lock.lock();
  }
}

}  // namespace lazaret::engine
