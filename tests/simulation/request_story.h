// RequestStory: the fixture of stories about requests, which are asked of the queue "prices".
#pragma once

#include "simulation/story.h"

namespace lazaret::simulation {

class RequestStory : public Story {
 protected:
  RequestStory() { world.create_queue("prices", once()); }

  static model::QueueOptions once() {
    model::QueueOptions options;
    options.max_attempts = 1;
    return options;
  }
  void crash() {
    world.kill_broker();
    world.start_broker();
    world.settle();
  }
  /// What the shard knows of requests, on the disk.
  std::size_t known() { return world.store().requests(world.queue("prices").subscription); }
  model::Done answer_by_ticket(std::uint64_t number, const model::ResponderReplyRef& reply) {
    model::AnswerRequest answer;
    answer.subscription = world.queue("prices").subscription;
    answer.id = Client::id_of(number);
    answer.reply = reply;
    return world.ask<model::Done>(world.queue("prices").shard, answer);
  }
};

}  // namespace lazaret::simulation
