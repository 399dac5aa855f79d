// Discards and restores of many cases: of all that match a filter, of all that there are, or of these.
//
// One call changes a bounded number, and whoever wants the rest calls again with the cursor that it answers. That says
// when the first call came, and where in the list of cases, which goes from the newest admission to the oldest, the
// last one ended. So all calls of one cursor are about what was there at first: no case comes twice, also none that was
// refused, and none that has come since.
#include <algorithm>
#include <charconv>
#include <set>

#include "admin/case_filter.h"
#include "admin/case_message.h"
#include "admin/desk_wait.h"
#include "admin/handlers.h"
#include "admin/json_text.h"
#include "admin/routes.h"
#include "base/text_encoding.h"
#include "model/key_hold.h"
#include "model/limits.h"

namespace lazaret::admin {
namespace {

using base::Code;
using base::Result;
using base::Status;
using model::CaseRecord;
using model::CaseState;
namespace limits = model::limits;
using Clock = std::chrono::steady_clock;

/// How long a call looks for cases, where few of those that it looks at match; how long it goes on changing them; and
/// how long a dry run counts. Beyond, there may be more.
constexpr std::chrono::seconds kChooseFor{5};
constexpr std::chrono::seconds kActFor{10};
constexpr std::chrono::seconds kCountFor{5};

enum class Treatment : std::uint8_t { discard, restore };
constexpr std::string_view done_word(Treatment treatment) {
  return treatment == Treatment::discard ? "discarded" : "restored";
}
constexpr CaseState state_before(Treatment treatment) {
  return treatment == Treatment::discard ? CaseState::admitted : CaseState::discarded;
}

struct Asked {
  Treatment treatment = Treatment::discard;
  model::CaseQuery query;
  std::optional<std::vector<std::string>> ids;  // in place of the query, each once
  std::string reason;
  std::string by;  // who asks
  bool dry_run = false;
  base::Instant began;  // when the first call came
  std::string place;    // in the list; "": at its beginning
};

// --- What is asked ---------------------------------------------------------------------------------------------------

std::string cursor_at(base::Instant began, const std::string& place) { return std::to_string(began.us) + "." + place; }

Status read_cursor(const json::object& body, base::Instant now, Asked& asked) {
  const auto cursor = text_field(body, "cursor");
  if (!cursor.ok()) return cursor.status();
  asked.began = now;
  if (cursor->empty()) return {};
  const char* behind = cursor->data() + cursor->size();
  const auto [end, error] = std::from_chars(cursor->data(), behind, asked.began.us);
  if (error != std::errc() || end == behind || *end != '.') {
    return Status(Code::BAD_REQUEST, "the cursor is not one of ours");
  }
  asked.place.assign(end + 1, behind);
  return {};
}

Status read_ids(const json::value& value, std::vector<std::string>& ids) {
  if (!value.is_array()) return Status(Code::BAD_REQUEST, "ids must be an array of ids of cases");
  if (value.get_array().size() > limits::kCasesTogether) {
    return Status(Code::BAD_REQUEST, "ids must be at most " + std::to_string(limits::kCasesTogether))
        .with_limit("ids", static_cast<std::int64_t>(limits::kCasesTogether));
  }
  std::set<std::string> known;
  for (const json::value& one : value.get_array()) {
    if (!one.is_string()) return Status(Code::BAD_REQUEST, "ids must be an array of ids of cases");
    const std::string id(one.get_string());
    if (known.insert(id).second) ids.push_back(id);
  }
  return {};
}

/// A filter is understood as of when the first call came: "-2h" means the same in all that follow.
Status read_filter(const Broker& broker, const json::value& filter, Asked& asked) {
  if (!filter.is_string()) return Status(Code::BAD_REQUEST, "filter must be a text");
  auto query = model::parse_case_query(filter.get_string(), asked.began);
  if (!query.ok()) return query.status();
  if (query->terms.empty()) {
    return Status(Code::BAD_REQUEST, "a filter without terms would mean every case: \"all\": true says that");
  }
  asked.query = std::move(*query);
  return broker.config.mask.check(asked.query);
}

Status read_choice(const Broker& broker, const json::object& body, Asked& asked) {
  const json::value* filter = body.if_contains("filter");
  const json::value* ids = body.if_contains("ids");
  const auto all = flag_field(body, "all");
  if (!all.ok()) return all.status();
  if ((filter != nullptr ? 1 : 0) + (ids != nullptr ? 1 : 0) + (*all ? 1 : 0) != 1) {
    return Status(Code::BAD_REQUEST, "give one of filter, ids, and \"all\": true: which cases are meant");
  }
  if (ids != nullptr) {
    if (body.contains("cursor")) return Status(Code::BAD_REQUEST, "ids need no cursor: one call is for all of them");
    return read_ids(*ids, asked.ids.emplace());
  }
  if (filter != nullptr) LZ_RETURN_IF_ERROR(read_filter(broker, *filter, asked));
  model::with_state(asked.query, state_before(asked.treatment));
  return {};
}

Result<Asked> read_asked(const Broker& broker, const Request& request, Treatment treatment) {
  const auto body = treatment == Treatment::discard
                        ? parse_object(request.body, {"filter", "ids", "all", "reason", "cursor", "dry_run"})
                        : parse_object(request.body, {"filter", "ids", "all", "cursor", "dry_run"});
  if (!body.ok()) return body.status();
  Asked asked;
  asked.treatment = treatment;
  LZ_RETURN_IF_ERROR(read_cursor(*body, broker.engine.now(), asked));
  LZ_RETURN_IF_ERROR(read_choice(broker, *body, asked));
  auto reason = text_field(*body, "reason");
  if (!reason.ok()) return reason.status();
  LZ_RETURN_IF_ERROR(check_bytes("reason", *reason, limits::kDiscardReasonBytes));
  asked.reason = std::move(*reason);
  auto by = actor_of({}, request);
  if (!by.ok()) return by.status();
  asked.by = std::move(*by);
  const auto dry_run = flag_field(*body, "dry_run");
  if (!dry_run.ok()) return dry_run.status();
  asked.dry_run = *dry_run;
  return asked;
}

// --- What it would be ------------------------------------------------------------------------------------------------

Result<Response> count(Broker& broker, const Asked& asked) {
  std::uint64_t total = 0;
  std::string place = asked.place;
  if (asked.ids) {
    for (const std::string& id : *asked.ids) {
      const auto record = find_case(broker, id);
      if (!record.ok() && record.code() != Code::NOT_FOUND) return record.status();
      total += record.ok() && record->state == state_before(asked.treatment) ? 1 : 0;
    }
  } else {
    const auto until = Clock::now() + kCountFor;
    do {
      const auto page = broker.engine.store().count_cases(asked.query, place);
      if (!page.ok()) return page.status();
      total += page->count;
      place = page->cursor;
    } while (!place.empty() && Clock::now() < until);
  }
  // Whoever goes on from here changes nothing that has come since it was counted.
  const std::string cursor = asked.ids ? "" : cursor_at(asked.began, asked.place);
  const bool at_least = !place.empty();
  return json_response(200, json::object{{"total", total}, {"at_least", at_least}, {"cursor", text_or_null(cursor)}});
}

// --- Choosing --------------------------------------------------------------------------------------------------------

/// Cases that go to their shards at a time, and where the list goes on behind them.
struct Wave {
  std::vector<CaseRecord> cases;
  std::string next;  // "": there are no more
};

/// It was admitted, or discarded, when the first call had come already. One that was restored or recalled meanwhile
/// has the time of its admission from before.
bool is_newer(const CaseRecord& record, const Asked& asked) {
  if (asked.treatment == Treatment::restore) return record.closed_at > asked.began;
  if (record.admitted_at > asked.began) return true;
  if (record.history.empty()) return false;
  const model::CaseEvent& last = record.history.back();
  const bool came_back = last.what == model::CaseChange::restored || last.what == model::CaseChange::recalled;
  return came_back && last.at > asked.began;
}

/// All of them, before the first is changed.
Result<std::vector<Wave>> choose(Broker& broker, const Asked& asked) {
  std::vector<Wave> waves;
  std::size_t chosen = 0;
  std::string place = asked.place;
  const auto until = Clock::now() + kChooseFor;
  do {
    auto page = broker.engine.store().list_cases(asked.query, place, limits::kCasesAtOnce);
    if (!page.ok()) return page.status();
    std::erase_if(page->cases, [&asked](const CaseRecord& record) { return is_newer(record, asked); });
    chosen += page->cases.size();
    place = page->cursor;
    if (page->cases.empty() && !waves.empty()) {
      waves.back().next = place;
    } else {
      waves.push_back({std::move(page->cases), place});
    }
  } while (!place.empty() && chosen + limits::kCasesAtOnce <= limits::kCasesTogether && Clock::now() < until);
  return waves;
}

// --- Changing --------------------------------------------------------------------------------------------------------

/// "0-1-2-7", "0-1-2-7..9": ascending, and no longer than the audit trail keeps of one text.
std::string compact(std::vector<model::CaseId> ids) {
  std::sort(ids.begin(), ids.end());
  std::string text;
  for (std::size_t at = 0; at < ids.size() && text.size() <= limits::kAuditTextBytes;) {
    std::size_t last = at;
    const auto follows = [&ids](std::size_t one) {
      model::CaseId next = ids[one];
      next.offset = next.offset.next();
      return one + 1 < ids.size() && ids[one + 1] == next;
    };
    while (follows(last)) ++last;
    text += (text.empty() ? "" : " ") + ids[at].to_string();
    if (last > at) text += ".." + std::to_string(ids[last].offset.value);
    at = last + 1;
  }
  return text;
}

/// What became of the cases of a call.
class Results {
 public:
  explicit Results(Treatment treatment) : done_(done_word(treatment)) {}

  void changed(const model::CaseId& id) { ids_.push_back(id); }
  void refuse(const std::string& id, const Status& why) {
    ++refused_;
    refusals_.push_back(json::object{
        {"id", base::to_utf8(id)},
        {"because", json::object{{"code", base::error_info(why.code()).name}, {"detail", base::to_utf8(why.text())}}}});
  }
  Response response(const std::string& cursor) && {
    json::array ids;
    for (const model::CaseId& id : ids_) ids.emplace_back(id.to_string());
    Response response = json_response(200, json::object{{done_, ids_.size()},
                                                        {"ids", std::move(ids)},
                                                        {"refused", refused_},
                                                        {"refusals", std::move(refusals_)},
                                                        {"more", !cursor.empty()},
                                                        {"cursor", text_or_null(cursor)}});
    response.change.after = {{std::string(done_), std::to_string(ids_.size())}, {"refused", std::to_string(refused_)}};
    if (!ids_.empty()) response.change.after.emplace_back("cases", compact(std::move(ids_)));
    return response;
  }

 private:
  const std::string_view done_;
  std::vector<model::CaseId> ids_;
  std::uint64_t refused_ = 0;
  json::array refusals_;
};

using Done = Pending<model::CaseDone>;

/// On its way to its shard, or why it cannot be.
Status send_to_shard(Broker& broker, const Asked& asked, const CaseRecord& record, Done& done) {
  const model::ShardId shard = record.id.shard;
  if (asked.treatment == Treatment::discard) {
    done = send<model::CaseDone>(broker.desk, shard, model::DiscardCaseCommand{{}, record.id, asked.reason, asked.by});
    return {};
  }
  LZ_RETURN_IF_ERROR(check_message_kept(broker, record));
  const bool waits = model::holds_key(record);
  model::RestoreCaseCommand restore{{}, record.id, record.key, waits, record.closed_at, asked.by};
  done = send<model::CaseDone>(broker.desk, shard, std::move(restore));
  return {};
}

/// All are sent before the first is waited for: a shard writes what has come together at once.
void act(Broker& broker, const Asked& asked, const std::vector<CaseRecord>& cases, Deadline deadline,
         Results& results) {
  std::vector<Done> pending(cases.size());
  for (std::size_t i = 0; i < cases.size(); ++i) {
    const Status sent = send_to_shard(broker, asked, cases[i], pending[i]);
    if (!sent.ok()) results.refuse(cases[i].id.to_string(), sent);
  }
  for (std::size_t i = 0; i < cases.size(); ++i) {
    if (!pending[i].valid()) continue;
    const auto done = wait(pending[i], deadline);
    if (done.ok()) {
      results.changed(cases[i].id);
    } else {
      results.refuse(cases[i].id.to_string(), done.status());
    }
  }
}

Response treat_ids(Broker& broker, const Request& request, const Asked& asked) {
  Results results(asked.treatment);
  std::vector<CaseRecord> cases;
  for (const std::string& id : *asked.ids) {
    auto record = find_case(broker, id);
    Status status;
    if (!record.ok()) {
      status = record.status();
    } else {
      status = asked.treatment == Treatment::discard ? check_open(*record) : check_discarded(*record);
    }
    if (status.ok()) {
      cases.push_back(std::move(*record));
    } else {
      results.refuse(id, status);
    }
    if (cases.size() < limits::kCasesAtOnce) continue;
    act(broker, asked, cases, request.deadline, results);
    cases.clear();
  }
  act(broker, asked, cases, request.deadline, results);
  return std::move(results).response("");
}

/// Whoever waits is answered in time: what is left by then the next call does.
Result<Response> treat_matching(Broker& broker, const Request& request, const Asked& asked) {
  const auto waves = choose(broker, asked);
  if (!waves.ok()) return waves.status();
  Results results(asked.treatment);
  std::string next;
  const auto until = Clock::now() + kActFor;
  for (const Wave& wave : *waves) {
    act(broker, asked, wave.cases, request.deadline, results);
    next = wave.next;
    if (Clock::now() >= until || broker.stopping) break;
  }
  return std::move(results).response(next.empty() ? "" : cursor_at(asked.began, next));
}

template <Treatment kTreatment>
Result<Response> treat_cases(Broker& broker, const Request& request) {
  const auto asked = read_asked(broker, request, kTreatment);
  if (!asked.ok()) return asked.status();
  if (asked->dry_run) return count(broker, *asked);
  if (asked->ids) return treat_ids(broker, request, *asked);
  return treat_matching(broker, request, *asked);
}

}  // namespace

std::vector<Route> many_cases_routes() {
  return {
      {.method = Method::post,
       .pattern = "/api/v1/hospital/discards",
       .operation = "discardCases",
       .summary =
           "Gives up the messages of the admitted cases that match, of all, or of these; or says how many they are. A "
           "call discards 1,000 at most, and answers where the next one goes on",
       .handler = treat_cases<Treatment::discard>,
       .audited = Audited::change,
       .is_dry_run = asks_for_dry_run_in_body,
       .asks_of_bodies = asked_by_filter_in_body,
       .audit_target = "filter",
       .body = "Discards",
       .outcomes = {{.summary = "What was discarded and what was not; of a dry run how many it would be",
                     .schema = "Discarded"}}},
      {.method = Method::post,
       .pattern = "/api/v1/hospital/restores",
       .operation = "restoreCases",
       .summary =
           "Takes back the discards of the cases that match, of all, or of these; or says how many they are. A call "
           "restores 1,000 at most, and answers where the next one goes on",
       .handler = treat_cases<Treatment::restore>,
       .audited = Audited::change,
       .is_dry_run = asks_for_dry_run_in_body,
       .asks_of_bodies = asked_by_filter_in_body,
       .audit_target = "filter",
       .body = "Restores",
       .outcomes = {{.summary = "What was restored and what was not; of a dry run how many it would be",
                     .schema = "Restored"}}},
  };
}

}  // namespace lazaret::admin
