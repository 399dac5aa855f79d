#include "admin/reply_wait.h"

#include <utility>

#include <boost/asio/post.hpp>

namespace lazaret::admin {

namespace asio = boost::asio;

ReplyWait::ReplyWait(asio::io_context& io, std::shared_ptr<AwaitedReply> awaited, std::function<void()> wake)
    : awaited_(std::move(awaited)), alarm_(std::make_shared<Alarm>(io)) {
  alarm_->wake = std::move(wake);
  alarm_->timer.expires_at(awaited_->until());
  alarm_->timer.async_wait([alarm = alarm_](boost::system::error_code error) {
    if (!error) alarm->ring();
  });
  awaited_->wait([&io, alarm = alarm_] { asio::post(io, [alarm] { alarm->ring(); }); });
}

ReplyWait::~ReplyWait() {
  awaited_->leave();
  alarm_->wake = nullptr;
  alarm_->ring();
}

void ReplyWait::Alarm::ring() {
  if (std::exchange(is_over, true)) return;
  timer.cancel();
  if (wake) wake();
}

}  // namespace lazaret::admin
