#include "simulation/coverage.h"

#include <array>
#include <utility>

#include "simulation/kind_name.h"
#include "simulation/walk.h"

namespace lazaret::simulation {
namespace {

/// The codes that the core answers with. A code that it learns belongs here; `add` shows one that is missing.
constexpr std::array kCoreCodes = {
    base::Code::BAD_REQUEST,      base::Code::INVALID_NAME,     base::Code::INVALID_OPTION,
    base::Code::NOT_FOUND,        base::Code::OPTIONS_MISMATCH, base::Code::NOT_EMPTY,
    base::Code::IN_USE,           base::Code::LEASE_LOST,       base::Code::SEQUENCE_REUSED,
    base::Code::SEQUENCE_TOO_OLD, base::Code::CASE_BUSY,        base::Code::DESTINATION_NEEDED,
    base::Code::ALREADY_EXISTS,   base::Code::SHUTTING_DOWN,    base::Code::RESOURCE_EXHAUSTED,
    base::Code::LIMIT_REACHED,    base::Code::ALREADY_ANSWERED, base::Code::DEADLINE_EXCEEDED,
    base::Code::STALE_VERSION,    base::Code::NO_CONSUMER,
};

struct CodeVisitor {
  std::set<base::Code>& codes;
  void operator()(base::Code code) { codes.insert(code); }
  void operator()(std::uint64_t) {}
  void operator()(std::string_view) {}
};

template <class Variant, std::size_t... I>
void name_missing(const std::string& kind, const std::set<std::size_t>& reached, std::vector<std::string>& out,
                  std::index_sequence<I...>) {
  const auto look = [&]<std::size_t J>() {
    if (!reached.contains(J)) out.push_back(kind + " " + kind_name(typeid(std::variant_alternative_t<J, Variant>)));
  };
  (look.template operator()<I>(), ...);
}
template <class Variant>
void name_missing(const std::string& kind, const std::set<std::size_t>& reached, std::vector<std::string>& out) {
  name_missing<Variant>(kind, reached, out, std::make_index_sequence<std::variant_size_v<Variant>>());
}

}  // namespace

void Coverage::event(model::ShardId, base::Instant, const core::Event::What& what) {
  kinds_of_events_.insert(what.index());
  ++events_;
}

void Coverage::group(const model::MutationGroup& group) {
  for (const model::Mutation& mutation : group.mutations) kinds_of_mutations_.insert(mutation.index());
}

void Coverage::effect(model::ShardId, const core::Effect& effect) {
  kinds_of_effects_.insert(effect.index());
  const auto* tell = std::get_if<core::Tell>(&effect);
  if (tell == nullptr) return;
  kinds_of_answers_.insert(tell->answer.index());
  CodeVisitor visitor{codes_};
  walk(tell->answer, visitor);
}

void Coverage::add(const Coverage& other) {
  kinds_of_events_.insert(other.kinds_of_events_.begin(), other.kinds_of_events_.end());
  kinds_of_effects_.insert(other.kinds_of_effects_.begin(), other.kinds_of_effects_.end());
  kinds_of_answers_.insert(other.kinds_of_answers_.begin(), other.kinds_of_answers_.end());
  kinds_of_mutations_.insert(other.kinds_of_mutations_.begin(), other.kinds_of_mutations_.end());
  codes_.insert(other.codes_.begin(), other.codes_.end());
  events_ += other.events_;
  confirms_held_ += other.confirms_held_;
}

std::vector<std::string> Coverage::missing() const {
  std::vector<std::string> out;
  name_missing<core::Event::What>("event", kinds_of_events_, out);
  name_missing<core::Effect>("effect", kinds_of_effects_, out);
  name_missing<model::Answer>("answer", kinds_of_answers_, out);
  name_missing<model::Mutation>("mutation", kinds_of_mutations_, out);
  // It takes a log of 16,384 messages with holes; hospital_test.cpp and queues_test.cpp tell that story.
  std::erase(out, "mutation DropEvacuated");
  for (const base::Code code : kCoreCodes) {
    if (!codes_.contains(code)) out.push_back("error " + std::string(base::error_info(code).name));
  }
  if (confirms_held_ == 0) out.push_back("a confirm that is held");
  return out;
}

}  // namespace lazaret::simulation
