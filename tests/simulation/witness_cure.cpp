// Witness: what operators do to the messages of cases. An edit leaves the body, by which messages are told apart here,
// and marks its version in the checksum, which nothing else looks at.
#include "model/limits.h"
#include "simulation/witness.h"

namespace lazaret::simulation {

std::uint32_t Witness::mark_of(std::uint32_t version) { return version == 0 ? 0 : kEditedMark + version; }

void Witness::see_case(const model::Mutation& mutation) {
  if (const auto* admit = std::get_if<model::AdmitCase>(&mutation)) admitted_.insert(admit->record.id);
  if (const auto* replay = std::get_if<model::ReplayCase>(&mutation)) {
    lane_versions_[{replay->id.subscription, replay->lane_offset.value}] = replay->version;
  }
  if (const auto* edit = std::get_if<model::EditCase>(&mutation)) {
    if (edit->message->body_crc != mark_of(edit->edit.version)) {
      find("case " + edit->id.to_string() + ": an edit of another version than its editor has seen");
    }
  }
  if (const auto* import = std::get_if<model::ImportCase>(&mutation)) note_import(*import);
  if (const auto* drop = std::get_if<model::DropCase>(&mutation)) {
    const auto record = world_.store().read_case(drop->id);
    if (record.ok() && record->is_open()) find("case " + drop->id.to_string() + " is dropped and open");
    if (Queue* of = queue(drop->id.subscription)) {
      check_drop(*of, *drop);
      of->messages[drop->id.offset.value].was_case = true;
    }
  }
}

/// It was closed for long enough, or so many that were closed later are there. What the store has by now is at least
/// what was known of it when that was decided.
void Witness::check_drop(const Queue& of, const model::DropCase& drop) {
  if (drop.closed_at + of.shortest <= world_.now()) return;
  const model::ClosedCase place{drop.closed_at, drop.id.log, drop.id.offset};
  const auto later = world_.store().read_closed(of.record.shard, of.record.subscription, place, of.fewest_closed);
  if (of.fewest_closed > 0 && later->size() >= of.fewest_closed) return;
  find("case " + drop.id.to_string() + " is dropped too early: " + std::to_string(later->size()) +
       " were closed later");
}

/// It has failed where it comes from; nobody here has had it.
void Witness::note_import(const model::ImportCase& import) {
  Queue* of = queue(import.record.id.subscription);
  if (of == nullptr) return;
  const std::uint64_t offset = import.record.id.offset.value;
  of->messages[offset].imported = true;
  of->messages[offset].failed_elsewhere = import.record.failure_count;
  Blame& blame = of->blames[offset];
  for (const model::Attempt& attempt : import.attempts) blame.history[attempt.number] = attempt.outcome;
  if (import.record.id.log != of->record.log) find(where(*of, offset) + "imported into another log");
  ++imports_[import.record.id.log];
}

/// No two have the same body.
void Witness::hear(model::ShardId, const model::ImportCaseCommand& import) {
  imported_.emplace(import.what->message->body.view(), import.subscription);
}

/// Nobody has it but whose case it is, and only when somebody replays that.
void Witness::check_imported(const Queue& of, const model::Delivered& one, bool from_lane) {
  const auto found = imported_.find(one.message->body.view());
  if (found == imported_.end()) return;
  const std::string at = where(of, one.source_offset.value);
  if (found->second != of.record.subscription) find(at + "came with the case of another subscription");
  if (!from_lane) find(at + "was imported, and is delivered without a replay");
}

/// How many of what was imported it may have passed over, which then counts as filtered: each once, and once more for
/// each time that it was moved.
std::uint64_t Witness::passed_over_most(const Queue& of) const {
  std::uint64_t imports = 0;
  const auto add = [&](model::LogId log) {
    const auto known = imports_.find(log);
    if (known != imports_.end()) imports += known->second;
  };
  if (of.record.reads_topic()) add(of.record.log);
  for (const model::FanInSource& source : of.record.sources) add(source.log);
  return imports * (1 + of.moves_asked);
}

/// What is delivered is the newest version at the time of the replay, and what was published where there was none.
void Witness::check_version(const Queue& of, const model::Delivered& one, bool from_lane) {
  if (one.message == nullptr) return;
  std::uint32_t version = 0;
  if (from_lane) {
    const auto replayed = lane_versions_.find({of.record.subscription, one.offset.value});
    if (replayed != lane_versions_.end()) version = replayed->second;
  }
  const std::uint32_t crc = one.message->body_crc;
  const bool edited = crc > kEditedMark && crc <= kEditedMark + model::limits::kCaseVersions;
  if (edited != (version > 0) || (edited && crc != mark_of(version))) {
    find(where(of, one.source_offset.value) + "not delivered in version " + std::to_string(version));
  }
}

/// Each redirection has published once.
void Witness::finish_redirections() {
  if (!world_.has_queue(kWard)) return;
  const std::uint64_t there = world_.store().end_of(world_.queue(kWard).log).value;
  if (there != world_.store().redirected()) {
    find(std::to_string(world_.store().redirected()) + " cases were sent elsewhere, where " + std::to_string(there) +
         " messages are");
  }
}

/// It is there, or was closed for long.
bool Witness::had_case(const model::CaseId& id) { return admitted_.contains(id); }

/// It enters once more if that is done.
void Witness::hear(model::ShardId, const model::RestoreCaseCommand& restore) {
  if (Queue* of = queue(restore.id.subscription)) of->restored.insert(restore.id.offset.value);
}

}  // namespace lazaret::simulation
