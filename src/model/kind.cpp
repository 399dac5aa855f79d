#include "model/kind.h"

namespace lazaret::model {

std::string_view name_of(Kind kind) {
  switch (kind) {
    case Kind::queue: return "queue";
    case Kind::topic: return "topic";
    case Kind::subscription: return "subscription";
  }
  return "queue";
}

std::string_view name_of(Start start) { return start == Start::earliest ? "earliest" : "latest"; }

std::optional<Start> start_of(std::string_view name) {
  for (const Start start : {Start::latest, Start::earliest}) {
    if (name == name_of(start)) return start;
  }
  return std::nullopt;
}

}  // namespace lazaret::model
