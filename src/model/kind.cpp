#include "model/kind.h"

namespace lazaret::model {

std::string_view name_of(Kind kind) {
  switch (kind) {
    case Kind::queue: return "queue";
    case Kind::topic: return "topic";
    case Kind::subscription: return "subscription";
    case Kind::feeder: return "feeder";
  }
  return "queue";
}

}  // namespace lazaret::model
