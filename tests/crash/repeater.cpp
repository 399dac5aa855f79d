#include "crash/repeater.h"

#include <gtest/gtest.h>

#include <boost/asio/use_future.hpp>

#include "integration/support/process.h"

namespace lazaret::crash {

using namespace std::chrono_literals;

Repeater::Repeater(Stage& stage, std::string queue, std::string name, std::uint64_t seed)
    : stage_(stage), queue_(std::move(queue)), name_(std::move(name)), random_(seed), thread_([this] { run(); }) {}

void Repeater::run() {
  while (stage_.wild) {
    const Known known{MessageId::make(), body_of(random_, name_, confirmed_.size(), stage_.longest_body)};
    stage_.history.add({What::published, queue_, known.body, 0, 0, 0, Verdict::none, name_});
    if (random_() % 2 == 0) publish_and_die(known);
    if (!publish(known, false)) return;
    confirmed_.push_back(known);
    if (random_() % 3 == 0) publish(known, true);
    // Most of them were published to a broker that is dead by now, and have been worked off.
    if (random_() % 3 == 0) publish(confirmed_[random_() % confirmed_.size()], true);
    testing::pause_for(milliseconds(random_() % stage_.pace_ms));
  }
}

Message Repeater::message_of(const Known& known) const {
  Message message;
  message.body = known.body;
  message.type = "mix";
  message.id = known.id;
  return message;
}

void Repeater::publish_and_die(const Known& known) {
  try {
    Client dying = Client::connect(stage_.broker.url(), {.name = name_, .drain = 0s});
    const auto nobody_hears = dying.async_publish(queue_, message_of(known), boost::asio::use_future);
    testing::pause_for(milliseconds(random_() % 3));
  } catch (const boost::system::system_error&) {
    // No broker, for the moment.
  }
}

bool Repeater::publish(const Known& known, bool again) {
  while (!stage_.over) {
    try {
      Client client = Client::connect(stage_.broker.url(), {.name = name_, .timeout = 60s});
      const Receipt receipt = client.publish(queue_, message_of(known));
      stage_.history.add({What::confirmed, queue_, known.body, receipt.offset, 0, 0, Verdict::none, name_});
      EXPECT_TRUE(receipt.duplicate || !again) << known.body << " was stored again";
      return true;
    } catch (const boost::system::system_error& error) {
      EXPECT_FALSE(error.code() == retry::pointless) << error.what();
      testing::pause_for(20ms);
    }
  }
  return false;
}

}  // namespace lazaret::crash
