#include "alerts/alerts.h"

#include <algorithm>
#include <utility>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/post.hpp>
#include <boost/json/serialize.hpp>

#include "alerts/alert_json.h"
#include "base/assert.h"
#include "engine/thread_name.h"
#include "model/limits.h"

namespace lazaret::alerts {
namespace {

namespace asio = boost::asio;
using base::Instant;
using base::Status;
using model::AlertRecord;
using model::DeliveryOutcome;
using namespace std::chrono_literals;

constexpr auto kLookEvery = 1s;
/// The time up to which all has been looked at is written so often while cases come.
constexpr base::Duration kMarkEvery = 10s;
/// What could not be delivered for so long, over restarts, is given up.
constexpr base::Duration kDeliverableFor = 24h;

std::vector<std::string> names_of(const std::vector<Webhook>& webhooks) {
  std::vector<std::string> names;
  for (const Webhook& webhook : webhooks) names.push_back(webhook.name);
  return names;
}

}  // namespace

Alerts::Alerts(AlertsConfig config, engine::Engine& engine, const hospital::ReplayJobs& replays,
               std::shared_ptr<ShardNews> news, model::KeptAlerts kept, const std::vector<model::GroupRecord>& groups)
    : config_(std::move(config)),
      webhooks_(names_of(config_.webhooks)),
      engine_(engine),
      replays_(replays),
      news_(std::move(news)),
      desk_(engine::Desk::open(engine)),
      log_(kept.alerts, webhooks_),
      random_(config_.seed),
      rules_(config_.case_age, kept, groups, engine.now()),
      saved_mark_(kept.looked_at) {
  begin(kept);
}

base::Result<std::unique_ptr<Alerts>> Alerts::start(AlertsConfig config, engine::Engine& engine,
                                                    const hospital::ReplayJobs& replays,
                                                    std::shared_ptr<ShardNews> news) {
  auto kept = engine.store().read_alerts();
  if (!kept.ok()) return kept.status();
  const auto groups = engine.store().recent_groups(Instant{}, AlertRules::kPaces);
  if (!groups.ok()) return groups.status();
  std::unique_ptr<Alerts> alerts(
      new Alerts(std::move(config), engine, replays, std::move(news), std::move(*kept), *groups));
  alerts->thread_ = std::thread([raw = alerts.get()] {
    engine::name_thread("lz-alerts");
    raw->io_.run();
  });
  return alerts;
}

Alerts::~Alerts() { stop(); }

void Alerts::begin(const model::KeptAlerts& kept) {
  const auto failed = [](const std::exception_ptr& exception) { LZ_ASSERT(exception == nullptr); };
  for (const Webhook& webhook : config_.webhooks) {
    Receiver& one = receivers_.emplace_back(
        io_, webhook, config_.version, random_.next(), [this] { return engine_.now(); },
        [this](const Tried& tried) {
          if (log_.note(tried) && tried.delivery.outcome != DeliveryOutcome::waiting) unsaved_.insert(tried.number);
          if (config_.tried) config_.tried(tried);
        });
    asio::co_spawn(io_, one.run(), failed);
  }
  for (const AlertRecord& alert : kept.alerts) {
    last_ = std::max(last_, alert.number);
    hand_over(alert);
  }
  // From the first start on nothing is overlooked: that is written down before anything can happen.
  asio::post(io_, [this, first = kept.looked_at.us == 0] {
    if (first) save({}, rules_.looked_at(), true);
    wait_for_next_look();
  });
}

void Alerts::stop() {
  if (!thread_.joinable()) return;
  asio::post(io_, [this] {
    stopping_ = true;
    alarm_.cancel();
    for (Receiver& one : receivers_) one.stop();
    if (!saving_) save_rest();
  });
  thread_.join();
  desk_->close();
}

void Alerts::listen(std::function<void(const AlertRecord&)> listener) {
  const std::lock_guard lock(listener_mutex_);
  listener_ = std::move(listener);
}

Receiver* Alerts::receiver(const std::string& name) {
  for (Receiver& one : receivers_) {
    if (one.webhook().name == name) return &one;
  }
  return nullptr;
}

void Alerts::wait_for_next_look() {
  if (stopping_) return;
  alarm_.expires_after(kLookEvery);
  alarm_.async_wait([this](boost::system::error_code cancelled) {
    if (cancelled || stopping_) return;
    if (config_.before_look) config_.before_look();
    look();
    wait_for_next_look();
  });
}

/// A store that cannot be read now is asked again in a second: nothing of it is overlooked.
std::optional<Look> Alerts::see(Instant now) {
  Look seen;
  seen.now = now;
  // Before the store is read: what becomes visible in between is met again.
  seen.seen_until = std::min(engine_.seen_until(), replays_.seen_until());
  auto groups = engine_.store().recent_groups(rules_.looked_at(), model::limits::kGroupsALook);
  if (!groups.ok()) return std::nullopt;
  seen.groups = std::move(*groups);
  seen.jobs = replays_.ended_since(rules_.looked_at());
  if (rules_.oldest_is_due(now)) {
    auto oldest = engine_.store().oldest_open_cases(model::limits::kOldestCases);
    if (!oldest.ok()) return std::nullopt;
    seen.oldest = std::move(*oldest);
  }
  seen.breakers = news_->take_breakers();
  seen.hospitals = news_->take_hospitals();
  seen.is_snoozed = [this, now](model::GroupId id) { return is_snoozed(id, now); };
  return seen;
}

bool Alerts::is_snoozed(model::GroupId id, Instant now) {
  const auto group = engine_.store().read_group(id);
  return group.ok() && model::is_snoozed(group->snooze, now);
}

void Alerts::look() {
  if (saving_) return;  // the shard is behind: what is raised waits for its turn
  const Instant now = engine_.now();
  const auto seen = see(now);
  if (!seen) return;
  std::vector<AlertRecord> raised = rules_.look(*seen);
  for (AlertRecord& alert : raised) complete(alert);
  const bool is_due = !seen->groups.empty() && rules_.looked_at() - saved_mark_ >= kMarkEvery;
  const bool with_mark = !raised.empty() || is_due;
  if (with_mark || !unsaved_.empty()) save(std::move(raised), rules_.looked_at(), with_mark);
}

/// What the rules do not know: a name, whose it is, and who is to be told.
void Alerts::complete(AlertRecord& alert) {
  alert.number = last_ = last_.next();
  alert.id = base::Uuid::v7(alert.at.us / 1000, random_.next(), random_.next());
  std::string to = config_.default_webhook;
  if (const auto queue = engine_.directory().find(alert.subscription); queue != nullptr) {
    alert.owner = queue->options.owner;
    alert.runbook = queue->options.runbook;
    if (receiver(queue->options.alert_to) != nullptr) to = queue->options.alert_to;
  }
  if (alert.group) {
    const auto group = engine_.store().read_group(alert.group);
    if (group.ok() && !group->owner.empty()) alert.owner = group->owner;  // who has taken this cause on
  }
  if (alert.group && !alert.case_id) {
    model::CaseQuery newest;
    model::with_text(newest, model::CaseTerm::Field::group, alert.group.to_string());
    const auto page = engine_.store().list_cases(newest, "", 1);
    if (page.ok() && !page->cases.empty()) alert.case_id = page->cases.front().id;
  }
  const Receiver* who = receiver(to);
  if (who != nullptr && who->webhook().wants(alert.kind)) {
    alert.deliveries.push_back({to, DeliveryOutcome::waiting, 0, {}, ""});
  }
}

void Alerts::save(std::vector<AlertRecord> raised, Instant looked_at, bool with_mark) {
  model::SaveAlerts command;
  command.change.put = raised;
  command.change.forgotten = log_.make_room(raised.size());
  if (with_mark) {
    command.change.looked_at = looked_at;
    command.change.case_age = config_.case_age;
  }
  for (const model::AlertId number : std::exchange(unsaved_, {})) {
    if (auto alert = log_.find(number)) command.change.put.push_back(std::move(*alert));
  }
  saving_ = true;
  // The thread does not end before the answer is here.
  desk_->ask(model::ShardId(0), std::move(command),
             [this, raised = std::move(raised), looked_at, with_mark,
              guard = asio::make_work_guard(io_)](model::Answer&& answer) {
               const auto* done = std::get_if<model::Done>(&answer);
               const bool durable = done != nullptr && done->status.ok();
               asio::post(io_, [this, raised, looked_at, with_mark, durable] {
                 saving_ = false;
                 if (!durable) return;  // the broker stops: it is raised again after the next start
                 if (with_mark) saved_mark_ = looked_at;
                 tell(raised);
                 if (stopping_) save_rest();
               });
             });
}

/// At the end: what has become of alerts since they were written.
void Alerts::save_rest() {
  if (!unsaved_.empty()) save({}, rules_.looked_at(), false);
}

void Alerts::tell(const std::vector<AlertRecord>& raised) {
  for (const AlertRecord& alert : raised) {
    log_.add(alert);
    hand_over(alert);
    const std::lock_guard lock(listener_mutex_);
    if (listener_) listener_(alert);
  }
}

/// To those receivers that have not had it. What cannot reach anybody any more is given up.
void Alerts::hand_over(const AlertRecord& alert) {
  for (const model::AlertDelivery& delivery : alert.deliveries) {
    if (delivery.outcome != DeliveryOutcome::waiting) continue;
    Receiver* who = receiver(delivery.receiver);
    const bool too_old = engine_.now() - alert.at > kDeliverableFor;
    if (who != nullptr && !too_old) {
      who->add(alert.number, alert.id.to_string(), boost::json::serialize(alert_json(alert, config_.public_url)));
      continue;
    }
    Tried gone;
    gone.number = alert.number;
    gone.delivery = delivery;
    gone.delivery.outcome = DeliveryOutcome::failed;
    gone.delivery.last_answer = too_old ? "it could not be delivered for a day" : "there is no such webhook any more";
    log_.note(gone);
    unsaved_.insert(alert.number);
  }
}

}  // namespace lazaret::alerts
