// ReplyWait: that a session waits for a reply. It is over when the reply is there, when the time of the request is, or
// when the front stops; however it ends, whoever asked takes nobody's place at the request any more.
//
// Threading: the I/O thread.
#pragma once

#include <functional>
#include <memory>

#include <boost/asio/io_context.hpp>
#include <boost/asio/steady_timer.hpp>

#include "admin/awaited_reply.h"

namespace lazaret::admin {

class ReplyWait {
 public:
  /// `wake` is called once, when it is over; not after this object is gone.
  ReplyWait(boost::asio::io_context& io, std::shared_ptr<AwaitedReply> awaited, std::function<void()> wake);
  ~ReplyWait();
  ReplyWait(const ReplyWait&) = delete;
  ReplyWait& operator=(const ReplyWait&) = delete;

  bool is_over() const { return alarm_->is_over; }
  /// It is over now.
  void end() { alarm_->ring(); }

 private:
  /// Shared with what has come too late to be told that nobody waits.
  struct Alarm {
    explicit Alarm(boost::asio::io_context& io) : timer(io) {}
    void ring();

    boost::asio::steady_timer timer;
    std::function<void()> wake;
    bool is_over = false;
  };

  const std::shared_ptr<AwaitedReply> awaited_;
  const std::shared_ptr<Alarm> alarm_;
};

}  // namespace lazaret::admin
