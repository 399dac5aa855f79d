// Replay jobs of a real broker: over HTTP and on the command line, and over a kill.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <atomic>
#include <functional>

#include "integration/support/api.h"
#include "integration/support/http.h"
#include "integration/support/inbox.h"
#include "lazaret/lazaret.h"

namespace lazaret::testing {
namespace {

using namespace std::chrono_literals;
using boost::json::object;
using ::testing::Each;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::Not;
using ::testing::Pair;
using ::testing::SizeIs;

class ReplayJobs : public ::testing::Test {
 protected:
  ReplayJobs() : client_(Client::connect(broker_.url(), {.name = "operator", .drain = 5s})) {}

  /// So many messages of the queue, whose bodies are their numbers, become cases.
  void admit(const std::string& queue, int count) {
    client_.ensure({.name = queue, .max_attempts = 3, .backoff_initial = 10ms});
    const std::int64_t before = QueueView(broker_, queue)["in_hospital"];
    std::atomic<int> refused{0};
    for (int i = 0; i < count; ++i) {
      client_.async_publish(queue, {.body = std::to_string(i), .type = "order.created"},
                            [&](error_code code, const Receipt&) { refused += code ? 1 : 0; });
    }
    const Consumer sick = client_.consume(queue, [](Delivery&) { return Verdict::reject("no such table"); });
    ASSERT_TRUE(eventually([&] { return QueueView(broker_, queue)["in_hospital"] == before + count; }));
    ASSERT_EQ(refused, 0);
  }
  HttpAnswer post(const std::string& path, const std::string& body = "{}") {
    return http(broker_.admin(), "POST", "/api/v1/hospital/replays" + path, body);
  }
  /// Creates a job; its id.
  std::string create(const std::string& body) {
    const HttpAnswer answer = post("", body);
    EXPECT_EQ(answer.status, 202) << answer.body;
    const std::string id = text_of(answer.json(), "id");
    EXPECT_EQ(answer.headers.at("location"), "/api/v1/hospital/replays/" + id);
    return id;
  }
  object job(const std::string& id) { return api(broker_, "/hospital/replays/" + id).as_object(); }
  std::string state(const std::string& id) { return text_of(job(id), "state"); }
  std::int64_t outcome(const std::string& id, const std::string& name) {
    return job(id).at("outcomes").at(name).to_number<std::int64_t>();
  }
  /// For a test that fails.
  std::string progress(const std::string& id) { return broker_.cli({"--json", "hospital", "replays", "show", id}).out; }
  bool becomes(const std::string& id, const std::string& wanted) {
    return eventually([&] { return state(id) == wanted; });
  }
  std::size_t cases_in(const std::string& state) {
    return broker_.cli_json({"hospital", "list", "--state", state}).size();
  }

  Broker broker_;
  Client client_;
};

TEST_F(ReplayJobs, AGroupOfAThousandIsReplayedFromTheCommandLineOneFirst) {
  admit("orders", 1000);
  Inbox inbox;
  const Consumer healed = client_.consume("orders", [&](Delivery& delivery) { inbox.add(delivery); });
  const Outcome done =
      broker_.cli({"hospital", "replay", "--filter", "queue=orders", "--rate", "10000", "--wait", "--yes"});
  EXPECT_EQ(done.exit, 0) << done.err;
  EXPECT_THAT(done.err, HasSubstr("1000 cases, 1 goes first, the others at 10000 a second once it is cured"));
  EXPECT_THAT(done.out, HasSubstr("sent 1000 of 1000 cases, discharged 1000"));
  EXPECT_THAT(inbox.counts(), SizeIs(1000));
  EXPECT_THAT(inbox.counts(), Each(Pair(::testing::_, 1)));
  const object first = job("1");
  EXPECT_EQ(first.at("state"), "done");
  EXPECT_EQ(first.at("canary"), 1);
  EXPECT_EQ(first.at("canary_passed"), true);
  EXPECT_EQ(first.at("filter"), "subscription=orders");
  EXPECT_EQ(QueueView(broker_, "orders").wrong_sums(), "");
  EXPECT_EQ(broker_.cli({"check"}).exit, 0);
  EXPECT_EQ(broker_.cli_json({"hospital", "replays", "list"}).size(), 1u);
  EXPECT_EQ(broker_.cli_json({"hospital", "replays", "show", "1", "--outcome", "discharged"}).size(), 1000u);
  EXPECT_EQ(broker_.cli({"hospital", "replays", "show", "7"}).exit, 66);
}

/// Whoever is there takes the first that is sent at once, so what is sent in a wrong order arrives in one.
TEST_F(ReplayJobs, OfAKeyTheFirstGoesFirstHoweverItIsReplayed) {
  const auto ids_of = [&](const std::string& queue) {
    std::vector<std::string> newest_first;
    for (const auto& one : broker_.cli_json({"hospital", "list", "--queue", queue})) {
      newest_first.push_back(text_of(one, "id"));
    }
    return newest_first;
  };
  const auto expect_in_order = [&](const std::string& queue, const std::function<void()>& replay) {
    client_.ensure({.name = queue, .max_attempts = 1, .order_by_key = true});
    for (int i = 0; i < 5; ++i) {
      client_.publish(queue, {.body = std::to_string(i), .key = "customer-7"});
    }
    {
      const Consumer sick = client_.consume(queue, [](Delivery&) { return Verdict::reject("no"); });
      ASSERT_TRUE(eventually([&] { return QueueView(broker_, queue)["in_hospital"] == 5; }));
      // The first fails again: it is the newest admission by now.
      ASSERT_EQ(broker_.cli({"hospital", "replay", ids_of(queue).back(), "--wait"}).exit, 1);
    }
    Inbox inbox;
    const Consumer healed = client_.consume(queue, [&](Delivery& delivery) { inbox.add(delivery); });
    replay();
    ASSERT_TRUE(inbox.reaches(5));
    std::vector<std::string> bodies;
    for (const Received& one : inbox.all()) bodies.push_back(one.message.body.str());
    EXPECT_THAT(bodies, ElementsAre("0", "1", "2", "3", "4")) << queue;
  };
  expect_in_order("one-by-one", [&] {
    EXPECT_EQ(broker_.cli({"hospital", "replay", "--filter", "queue=one-by-one", "--yes"}).exit, 0);
  });
  expect_in_order("by-id", [&] {
    std::vector<std::string> arguments{"hospital", "replay", "--yes"};
    for (const std::string& id : ids_of("by-id")) arguments.push_back(id);
    EXPECT_EQ(broker_.cli(arguments).exit, 0);
  });
  expect_in_order("job-by-filter", [&] { create(R"({"filter": "queue=job-by-filter"})"); });
  expect_in_order("job-with-a-canary", [&] {
    EXPECT_EQ(broker_.cli({"hospital", "replay", "--filter", "queue=job-with-a-canary", "--canary", "2", "--yes"}).exit,
              0);
  });
  expect_in_order("job-by-ids", [&] {
    std::string ids;
    for (const std::string& id : ids_of("job-by-ids")) ids += (ids.empty() ? "\"" : ", \"") + id + "\"";
    create("{\"ids\": [" + ids + "]}");
  });
}

TEST_F(ReplayJobs, AJobSaysWhoHasCreatedIt) {
  admit("orders", 2);
  const std::string said = create(R"({"filter": "", "canary": 0, "by": "ann"})");
  EXPECT_EQ(job(said).at("created_by"), "ann");
  const HttpAnswer header =
      http(broker_.admin(), "POST", "/api/v1/hospital/replays", R"({"filter": ""})", {{"X-Lazaret-Actor", "bert"}});
  EXPECT_EQ(header.json().at("created_by"), "bert");
  const std::string nobody = create(R"({"filter": ""})");
  EXPECT_EQ(job(nobody).at("created_by"), "127.0.0.1");
  broker_.restart();
  EXPECT_EQ(job(said).at("created_by"), "ann");
  EXPECT_THAT(broker_.cli({"hospital", "replays", "list"}).out, HasSubstr("bert"));
  EXPECT_EQ(post("", R"({"filter": "", "by": ")" + std::string(201, 'x') + "\"}").status, 400);
}

TEST_F(ReplayJobs, ADryRunSaysWhatWouldBeAndChangesNothing) {
  admit("orders", 12);
  admit("bills", 2);
  client_.ensure({.name = "repairs"});
  const auto said = [&](std::vector<std::string> arguments) {
    arguments.insert(arguments.begin(), "hospital");
    arguments.emplace_back("--dry-run");
    const Outcome done = broker_.cli(arguments);
    EXPECT_EQ(done.exit, 0) << done.err;
    return done.out;
  };
  EXPECT_EQ(said({"replay", "--filter", "queue=orders"}),
            "would replay 12 cases by a job: 1 goes first, the others at 500 a second once it is cured\n");
  EXPECT_EQ(said({"replay", "--filter", "queue=orders", "--to", "repairs", "--rate", "7"}),
            "would replay 12 cases by a job: to repairs at 7 a second\n");
  EXPECT_EQ(said({"replay", "--filter", "queue=bills"}), "would replay 2 cases\n");
  EXPECT_EQ(said({"replay", "--filter", "queue=bills", "--canary", "2"}),
            "would replay 2 cases by a job: 2 go first, the others at 500 a second once they are cured\n");
  EXPECT_EQ(said({"discard", "--all"}), "would discard 14 cases\n");
  EXPECT_EQ(said({"discard", "--filter", "queue=bills"}), "would discard 2 cases\n");
  const std::string id = text_of(broker_.cli_json({"hospital", "list", "--queue", "bills"}).at(0), "id");
  EXPECT_EQ(said({"discard", id}), "would discard 1 case\n");
  EXPECT_EQ(said({"replay", id}), "would replay 1 case\n");
  const auto planned = broker_.cli_json({"hospital", "replay", "--all", "--dry-run"}).at(0);
  EXPECT_EQ(planned.at("total"), 14);
  EXPECT_EQ(planned.at("job"), true);
  EXPECT_EQ(broker_.cli({"hospital", "discard", "0-999-999-0", "--dry-run"}).exit, 66);
  EXPECT_EQ(broker_.cli({"hospital", "replay", "--all", "--to", "nowhere", "--dry-run"}).exit, 66);
  EXPECT_EQ(broker_.cli({"hospital", "replay", "--all", "--wait", "--dry-run"}).exit, 64);
  EXPECT_EQ(cases_in("admitted"), 14u);
  EXPECT_EQ(api(broker_, "/hospital/replays").at("items").as_array().size(), 0u);
}

TEST_F(ReplayJobs, ManyGoElsewhereByAJobInTheirOrder) {
  admit("orders", 40);
  client_.ensure({.name = "repairs"});
  const Outcome done =
      broker_.cli({"hospital", "replay", "--filter", "queue=orders", "--to", "repairs", "--wait", "--yes"});
  EXPECT_EQ(done.exit, 0) << done.err;
  EXPECT_THAT(done.err, HasSubstr("40 cases, to repairs at 500 a second"));
  EXPECT_THAT(done.out, HasSubstr("sent 40 of 40 cases, discharged 40"));
  EXPECT_EQ(state("1"), "done");
  EXPECT_EQ(job("1").at("to"), "repairs");
  EXPECT_EQ(job("1").at("canary"), 0);
  EXPECT_EQ(QueueView(broker_, "orders")["redirected_total"], 40);
  EXPECT_EQ(QueueView(broker_, "orders").wrong_sums(), "");
  for (const auto& one : broker_.cli_json({"hospital", "list", "--queue", "orders"})) {
    EXPECT_EQ(one.at("redirected_to"), "repairs");
    EXPECT_EQ(one.at("replay_job"), "1");
  }
  Inbox inbox;
  const Consumer there = client_.consume("repairs", [&](Delivery& delivery) { inbox.add(delivery); });
  ASSERT_TRUE(inbox.reaches(40));
  for (std::size_t i = 0; i < 40; ++i) EXPECT_EQ(inbox.at(i).message.body.str(), std::to_string(i));
  EXPECT_EQ(broker_.cli({"check"}).exit, 0);
}

TEST_F(ReplayJobs, AKillInTheMiddleSendsNothingElsewhereTwice) {
  constexpr int kCases = 1000;
  admit("orders", kCases);
  client_.ensure({.name = "repairs"});
  Inbox inbox;
  const Consumer there = client_.consume("repairs", [&](Delivery& delivery) { inbox.add(delivery); });
  const std::string id = create(R"({"filter": "queue=orders", "to": "repairs", "rate": 500})");
  for (const std::size_t reached : {200u, 500u}) {
    ASSERT_TRUE(inbox.reaches(reached));
    broker_.restart();
    ASSERT_TRUE(eventually([&] { return client_.connected(); }));
  }
  ASSERT_TRUE(eventually([&] { return state(id) == "done"; }, 60s)) << progress(id);
  EXPECT_EQ(outcome(id, "discharged"), kCases) << progress(id);
  ASSERT_TRUE(eventually([&] { return inbox.counts().size() == kCases; }));
  EXPECT_EQ(QueueView(broker_, "repairs")["entered_total"], kCases) << "each once";
  EXPECT_EQ(QueueView(broker_, "orders")["redirected_total"], kCases);
  EXPECT_EQ(QueueView(broker_, "orders").wrong_sums(), "");
}

TEST_F(ReplayJobs, WhereNothingIsNothingGoes) {
  admit("orders", 12);
  EXPECT_EQ(post("", R"({"filter": "", "to": "nowhere"})").status, 404);
  EXPECT_EQ(post("", R"({"filter": "", "to": "nowhere", "dry_run": true})").status, 404);
  client_.ensure({.name = "repairs"});
  for (const char* more :
       {R"("canary": 1)", R"("after_version": ">=2")", R"("keep_attempts": true)", R"("stop_at_failure_ratio": 0.5)"}) {
    const HttpAnswer answer = post("", std::string(R"({"filter": "", "to": "repairs", )") + more + "}");
    EXPECT_EQ(answer.status, 400) << more << ": " << answer.body;
  }
  const HttpAnswer planned = post("", R"({"filter": "", "to": "repairs", "dry_run": true})");
  EXPECT_EQ(planned.json().at("total"), 12);
  EXPECT_EQ(planned.json().at("canary"), 0) << "what goes elsewhere waits for no outcome";
  const std::string id = create(R"({"filter": "", "to": "repairs", "rate": 1})");
  ASSERT_TRUE(eventually([&] { return outcome(id, "discharged") >= 1; }));
  ASSERT_EQ(post("/" + id + "/pause").status, 200);
  ASSERT_EQ(broker_.cli({"queue", "delete", "repairs", "--force"}).exit, 0);
  ASSERT_EQ(post("/" + id + "/resume").status, 200);
  ASSERT_TRUE(becomes(id, "stopped"));
  EXPECT_THAT(text_of(job(id), "ended_because"), HasSubstr("repairs"));
  EXPECT_EQ(outcome(id, "refused"), 0);
  EXPECT_EQ(cases_in("admitted") + cases_in("discharged"), 12u);
}

TEST_F(ReplayJobs, ManyKeepTheirAttemptsByAJobWithACanary) {
  client_.ensure({.name = "orders", .max_attempts = 2, .backoff_initial = 10ms, .breaker = false});
  for (int i = 0; i < 12; ++i) client_.publish("orders", {.body = std::to_string(i), .type = "order.created"});
  {
    const Consumer sick = client_.consume("orders", [](Delivery&) { return Verdict::fail("no"); });
    ASSERT_TRUE(eventually([&] { return QueueView(broker_, "orders")["in_hospital"] == 12; }));
  }
  std::atomic<int> attempts{0};
  std::atomic<bool> cured{true};
  const Consumer half_healed = client_.consume("orders", [&](Delivery&) {
    ++attempts;
    return cured.exchange(false) ? Verdict::done() : Verdict::fail("still");
  });
  const Outcome done =
      broker_.cli({"hospital", "replay", "--filter", "queue=orders", "--keep-attempts", "--wait", "--yes"});
  EXPECT_EQ(done.exit, 1);
  EXPECT_THAT(done.err, HasSubstr("12 cases, 1 goes first"));
  EXPECT_EQ(job("1").at("keep_attempts"), true);
  EXPECT_EQ(outcome("1", "discharged"), 1);
  EXPECT_EQ(outcome("1", "relapsed"), 11);
  EXPECT_EQ(attempts, 12) << "of two attempts nothing was left but the one that is always made";
}

TEST_F(ReplayJobs, OverHttpAJobSaysWhatItIsForAndHowFarItIs) {
  admit("orders", 30);
  const HttpAnswer planned = post("", R"({"filter": "queue=orders", "dry_run": true})");
  EXPECT_EQ(planned.status, 200);
  EXPECT_EQ(planned.json().at("total"), 30);
  EXPECT_EQ(planned.json().at("canary"), 1);
  EXPECT_EQ(planned.json().at("rate"), 500);
  EXPECT_EQ(cases_in("replaying"), 0u) << "a dry run changes nothing";

  const std::string id = create(R"({"filter": "queue=orders type=order.created", "canary": 0})");
  ASSERT_TRUE(eventually([&] { return outcome(id, "queued") == 30; })) << "nobody consumes";
  EXPECT_EQ(state(id), "finishing");
  admit("bills", 2);
  EXPECT_EQ(job(id).at("newer").at("count"), 0) << "of another queue";
  const Consumer healed = client_.consume("orders", [](Delivery&) {});
  ASSERT_TRUE(becomes(id, "done"));
  EXPECT_EQ(outcome(id, "discharged"), 30);
  const auto page = api(broker_, "/hospital/replays/" + id + "/cases?limit=20&outcome=discharged");
  EXPECT_EQ(page.at("items").as_array().size(), 20u);
  EXPECT_EQ(page.at("items").at(0).at("case").at("state"), "discharged");
  const auto rest =
      api(broker_, "/hospital/replays/" + id + "/cases?outcome=discharged&cursor=" + text_of(page, "cursor"));
  EXPECT_EQ(rest.at("items").as_array().size(), 10u);
  EXPECT_TRUE(rest.at("cursor").is_null() || text_of(rest, "cursor").empty());
}

TEST_F(ReplayJobs, TheCasesOfAJobAreListedByTheirQueue) {
  admit("orders", 3);
  admit("bills", 2);
  admit("letters", 1);
  const std::string id = create(R"({"filter": "subscription!=letters"})");
  const auto of = [&](const std::string& query) {
    return api(broker_, "/hospital/replays/" + id + "/cases?" + query).at("items").as_array().size();
  };
  ASSERT_TRUE(eventually([&] { return outcome(id, "queued") == 5; })) << progress(id);
  EXPECT_EQ(of("subscription=orders"), 3u);
  EXPECT_EQ(of("subscription=bills&outcome=queued"), 2u);
  EXPECT_EQ(of("subscription=bills&limit=1"), 1u);
  EXPECT_EQ(of("subscription=letters"), 0u) << "it has none of these";
  EXPECT_EQ(broker_.cli_json({"hospital", "replays", "show", id, "--subscription", "bills"}).size(), 2u);
  const auto status = [&](const std::string& name) {
    return http(broker_.admin(), "GET", "/api/v1/hospital/replays/" + id + "/cases?subscription=" + name).status;
  };
  EXPECT_EQ(status("nobody"), 404);
  client_.ensure_topic(TopicSpec{.name = "events"});
  EXPECT_EQ(status("events"), 400) << "a topic has no cases";
}

TEST_F(ReplayJobs, ForAVersionItWaitsForSuchAConsumerAndGoesToNoOther) {
  admit("orders", 30);
  Inbox old_inbox, new_inbox;
  Client old_client = Client::connect(broker_.url(), {.name = "billing", .version = "2.4.1", .drain = 5s});
  const Consumer old = old_client.consume("orders", [&](Delivery& delivery) { old_inbox.add(delivery); });
  const Outcome created =
      broker_.cli({"hospital", "replay", "--filter", "queue=orders", "--after-version", ">= 2.4.2", "--yes"});
  EXPECT_EQ(created.exit, 0) << created.err;
  EXPECT_THAT(created.out, HasSubstr("begins when a consumer of version"));
  ASSERT_TRUE(eventually([&] { return job("1").at("waiting_for_version") == true; })) << progress("1");
  EXPECT_EQ(job("1").at("after_version"), ">= 2.4.2");
  EXPECT_EQ(cases_in("admitted"), 30u) << "nothing has left the hospital";
  EXPECT_THAT(broker_.cli({"why", "orders"}).out, HasSubstr("Replay job 1 waits for a consumer of version"));
  client_.ensure({.name = "others"});
  EXPECT_THAT(broker_.cli({"why", "others"}).out, Not(HasSubstr("Replay job"))) << "it has no case of theirs";
  EXPECT_THAT(broker_.cli({"hospital", "replays", "show", "1"}).out, HasSubstr("waiting_for_version"));
  {
    Client new_client = Client::connect(broker_.url(), {.name = "billing", .version = "2.10.0", .drain = 5s});
    std::atomic<int> failures{0};
    // The second of them fails once: it is tried again where it may go.
    const Consumer fresh = new_client.consume("orders", [&](Delivery& delivery) {
      new_inbox.add(delivery);
      if (new_inbox.counts().size() == 2 && failures++ == 0) throw std::runtime_error("not yet");
    });
    ASSERT_TRUE(becomes("1", "done")) << progress("1");
  }
  EXPECT_EQ(outcome("1", "discharged"), 30) << progress("1");
  EXPECT_THAT(old_inbox.counts(), SizeIs(0));
  EXPECT_THAT(new_inbox.counts(), SizeIs(30));
  client_.publish("orders", {.body = "new", .type = "order.created"});
  EXPECT_TRUE(eventually([&] { return old_inbox.counts().size() == 1; })) << "what is new goes to anybody";
  EXPECT_EQ(broker_.cli({"check"}).exit, 0);
  for (const char* range : {"2.4.2", ">=2 <1", ">=v2", ">=2..4", ">=-1"}) {
    const HttpAnswer wrong = post("", std::string(R"({"filter": "", "after_version": ")") + range + "\"}");
    EXPECT_EQ(wrong.status, 400) << range;
    EXPECT_EQ(text_of(wrong.json(), "code"), "INVALID_OPTION") << wrong.body;
  }
}

TEST_F(ReplayJobs, WhatIsInTheLaneForAVersionWaitsForItOverAKill) {
  admit("orders", 12);
  {
    Client stalling = Client::connect(broker_.url(), {.name = "billing", .version = "2.4.2", .drain = 1s});
    ConsumeOptions one;
    one.prefetch = 1;
    const Consumer fresh = stalling.consume(
        "orders", [](Delivery&) { return Verdict::release(200ms); }, one);
    create(R"({"filter": "queue=orders", "canary": 0, "after_version": ">=2.4.2"})");
    ASSERT_TRUE(eventually([&] { return outcome("1", "queued") == 12; })) << progress("1");
  }
  broker_.kill9();
  broker_.start();
  Inbox old_inbox, new_inbox;
  Client old_client = Client::connect(broker_.url(), {.name = "billing", .version = "2.4.1", .drain = 5s});
  const Consumer old = old_client.consume("orders", [&](Delivery& delivery) { old_inbox.add(delivery); });
  client_.publish("orders", {.body = "new", .type = "order.created"});
  ASSERT_TRUE(eventually([&] { return old_inbox.counts().size() == 1; })) << "it overtakes what waits for a version";
  EXPECT_TRUE(eventually([&] {
    return broker_.cli({"why", "orders"}).out.find("is replayed to versions >=2.4.2 only") != std::string::npos;
  })) << broker_.cli({"why", "orders"}).out;
  Client new_client = Client::connect(broker_.url(), {.name = "billing", .version = "2.4.2", .drain = 5s});
  const Consumer fresh = new_client.consume("orders", [&](Delivery& delivery) { new_inbox.add(delivery); });
  EXPECT_TRUE(becomes("1", "done")) << progress("1");
  EXPECT_EQ(outcome("1", "discharged"), 12);
  EXPECT_THAT(new_inbox.counts(), SizeIs(12));
  EXPECT_THAT(old_inbox.counts(), SizeIs(1));
}

TEST_F(ReplayJobs, CasesThatCameLaterAreCountedAndNotReplayed) {
  admit("orders", 12);
  const std::string id = create(R"({"filter": "queue=orders", "canary": 0, "rate": 1})");
  ASSERT_TRUE(eventually([&] { return outcome(id, "queued") >= 1; }));
  ASSERT_EQ(post("/" + id + "/pause").status, 200);
  {
    client_.publish("orders", {.body = "late"});
    const Consumer sick = client_.consume("orders", [](Delivery&) { return Verdict::reject("still"); });
    ASSERT_TRUE(eventually([&] { return QueueView(broker_, "orders")["ready"] == 0; }));
    ASSERT_TRUE(eventually([&] { return outcome(id, "queued") == 0; })) << "they have relapsed";
  }
  EXPECT_EQ(job(id).at("newer").at("count"), 1) << "and what this job has replayed is not new to it";
  EXPECT_EQ(job(id).at("total"), 12);
}

TEST_F(ReplayJobs, ACanaryThatFailsStopsTheJobWithAllElseUntouched) {
  admit("orders", 200);
  const Consumer sick = client_.consume("orders", [](Delivery&) { return Verdict::fail("still broken"); });
  const Outcome stopped = broker_.cli({"hospital", "replay", "--all", "--yes"});
  EXPECT_EQ(stopped.exit, 1);
  EXPECT_THAT(stopped.err, HasSubstr("has stopped: of the 1 that went first 0 were cured, and 1 had to be"));
  EXPECT_EQ(outcome("1", "relapsed"), 1);
  EXPECT_EQ(outcome("1", "none"), 199);
  EXPECT_EQ(cases_in("admitted"), 200u);
  std::int64_t attempts = 0;
  std::int64_t replays = 0;
  for (const auto& one : broker_.cli_json({"hospital", "list"})) {
    attempts += one.at("attempt_count").to_number<std::int64_t>();
    replays += one.at("replay_count").to_number<std::int64_t>();
  }
  EXPECT_EQ(replays, 1);
  EXPECT_EQ(attempts, 201) << "the canary had one attempt, although the queue allows three";
}

/// The consumer's own record says how often each was delivered.
TEST_F(ReplayJobs, AKillInTheMiddleReplaysNothingTwice) {
  constexpr int kCases = 2000;
  admit("orders", kCases);
  Inbox inbox;
  const Consumer healed = client_.consume("orders", [&](Delivery& delivery) { inbox.add(delivery); });
  const std::string id = create(R"({"filter": "queue=orders", "rate": 1000})");
  for (const std::size_t reached : {300u, 900u}) {
    ASSERT_TRUE(inbox.reaches(reached));
    broker_.restart();
    ASSERT_TRUE(eventually([&] { return client_.connected(); }));
  }
  ASSERT_TRUE(eventually([&] { return state(id) == "done"; }, 60s)) << progress(id);
  EXPECT_EQ(outcome(id, "discharged"), kCases) << progress(id);
  EXPECT_THAT(inbox.counts(), SizeIs(kCases));
  EXPECT_THAT(inbox.counts(), Each(Pair(::testing::_, 1)));
  EXPECT_EQ(cases_in("discharged"), std::size_t{kCases});
  EXPECT_EQ(QueueView(broker_, "orders").wrong_sums(), "");
}

TEST_F(ReplayJobs, APausedJobGoesOnWhereItWasAlsoAfterAKill) {
  admit("orders", 300);
  Inbox inbox;
  const Consumer healed = client_.consume("orders", [&](Delivery& delivery) { inbox.add(delivery); });
  const std::string id = create(R"({"filter": "queue=orders", "rate": 50, "canary": 0})");
  ASSERT_TRUE(inbox.reaches(5));
  EXPECT_EQ(broker_.cli({"hospital", "replays", "pause", id}).exit, 0);
  ASSERT_TRUE(eventually([&] { return outcome(id, "queued") == 0; }));
  EXPECT_EQ(state(id), "paused");
  EXPECT_GT(outcome(id, "none"), 0);
  broker_.restart();
  ASSERT_TRUE(eventually([&] { return client_.connected(); }));
  EXPECT_EQ(state(id), "paused");
  EXPECT_EQ(broker_.cli({"hospital", "replays", "resume", id}).exit, 0);
  ASSERT_TRUE(becomes(id, "done"));
  EXPECT_EQ(outcome(id, "discharged"), 300);
  EXPECT_THAT(inbox.counts(), Each(Pair(::testing::_, 1)));
  EXPECT_EQ(broker_.cli({"hospital", "replays", "pause", id}).exit, 73) << "it is done";
}

TEST_F(ReplayJobs, WhatHasNotBegunIsRecalled) {
  admit("orders", 50);
  const std::string id = create(R"({"filter": "", "canary": 0, "rate": 10000})");
  ASSERT_TRUE(eventually([&] { return outcome(id, "queued") == 50; }));
  EXPECT_EQ(broker_.cli({"hospital", "replays", "recall", id}).exit, 0);
  EXPECT_EQ(state(id), "cancelled");
  ASSERT_TRUE(eventually([&] { return outcome(id, "recalled") == 50; }));
  EXPECT_EQ(cases_in("admitted"), 50u);
  EXPECT_EQ(QueueView(broker_, "orders")["ready"], 0);
  EXPECT_EQ(QueueView(broker_, "orders").wrong_sums(), "");
  ASSERT_TRUE(eventually([&] { return job(id).at("recalling") == false; }));
}

TEST_F(ReplayJobs, ACancelledJobSendsNoMoreAndNotesWhatBecameOfTheRest) {
  admit("orders", 100);
  const std::string id = create(R"({"filter": "queue=orders", "canary": 0, "concurrency": 7})");
  ASSERT_TRUE(eventually([&] { return outcome(id, "queued") == 7; }));
  EXPECT_EQ(broker_.cli({"hospital", "replays", "cancel", id}).exit, 0);
  EXPECT_EQ(outcome(id, "none"), 93);
  const Consumer healed = client_.consume("orders", [](Delivery&) {});
  ASSERT_TRUE(eventually([&] { return outcome(id, "discharged") == 7; }));
  EXPECT_EQ(state(id), "cancelled");
  EXPECT_EQ(cases_in("admitted"), 93u);
}

TEST_F(ReplayJobs, AJobStopsWhenTooManyFail) {
  admit("orders", 200);
  const Consumer sick = client_.consume("orders", [](Delivery&) { return Verdict::reject("still broken"); });
  const std::string id =
      create(R"({"filter": "queue=orders", "canary": 0, "concurrency": 5, "stop_at_failure_ratio": 0.5})");
  ASSERT_TRUE(becomes(id, "stopped"));
  ASSERT_TRUE(eventually([&] { return outcome(id, "queued") == 0; }));
  EXPECT_LT(outcome(id, "relapsed"), 100);
  EXPECT_THAT(text_of(job(id), "ended_because"), HasSubstr("have failed again"));
}

TEST_F(ReplayJobs, CasesAreNamedByTheirIdsAndThoseThatCannotGoAreRefused) {
  admit("orders", 3);
  std::vector<std::string> ids;
  for (const auto& one : broker_.cli_json({"hospital", "list"})) ids.push_back(text_of(one, "id"));
  ASSERT_EQ(broker_.cli({"hospital", "discard", ids[0]}).exit, 0);
  const Consumer healed = client_.consume("orders", [](Delivery&) {});
  const std::string id =
      create("{\"ids\": [\"" + ids[0] + "\", \"" + ids[1] + "\", \"" + ids[2] + "\", \"0-999-999-0\"]}");
  ASSERT_TRUE(becomes(id, "done"));
  EXPECT_EQ(outcome(id, "discharged"), 2);
  EXPECT_EQ(outcome(id, "refused"), 2);
  const auto refused = api(broker_, "/hospital/replays/" + id + "/cases?outcome=refused").at("items").as_array();
  ASSERT_EQ(refused.size(), 2u);
  EXPECT_EQ(refused[0].at("id").as_string(), ids[0]);
  EXPECT_EQ(refused[0].at("because").at("code"), "CASE_BUSY");
  EXPECT_EQ(refused[1].at("because").at("code"), "NOT_FOUND");
  EXPECT_EQ(refused[1].at("case"), nullptr);
}

TEST_F(ReplayJobs, WhatIsNoJobIsRefused) {
  for (const char* body : {"{}", R"({"filter": "", "ids": []})", R"({"filter": "colour=red"})", R"({"ids": ["x"]})",
                           R"({"filter": "", "rate": 0})", R"({"filter": "", "rate": "fast"})",
                           R"({"filter": "", "canary": 1, "canary_needed": 2})", R"({"filter": "", "speed": 1})"}) {
    const HttpAnswer answer = post("", body);
    EXPECT_TRUE(answer.status == 400 || answer.status == 404) << body << ": " << answer.body;
  }
  EXPECT_EQ(post("/1/pause").status, 404);
  EXPECT_EQ(api(broker_, "/hospital/replays").at("items").as_array().size(), 0u);
  const std::string empty = create(R"({"filter": "queue=nobody"})");
  ASSERT_TRUE(becomes(empty, "done"));
  EXPECT_EQ(job(empty).at("total"), 0);
}

}  // namespace
}  // namespace lazaret::testing
