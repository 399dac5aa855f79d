// What the core does for alerts: it has them written. Who looks, and who is told, is src/alerts.
#include <utility>

#include "core/shard_state.h"

namespace lazaret::core {

void Shard::State::on(model::SaveAlerts& command) {
  mutate(model::PutAlerts{std::move(command.change)}, true);
  done(command.origin, {});
}

}  // namespace lazaret::core
