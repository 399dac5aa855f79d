// The audit trail of a real broker: what operators and services did is there, by whom; it outlives a kill -9, and
// whatever is done to an export of it is found.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <atomic>
#include <boost/json/parse.hpp>
#include <boost/json/serialize.hpp>
#include <filesystem>
#include <thread>

#include "integration/support/api.h"
#include "integration/support/error_of.h"
#include "integration/support/http.h"
#include "lazaret/lazaret.h"

namespace lazaret::testing {
namespace {

namespace json = boost::json;
using namespace std::chrono_literals;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;
using Fields = std::map<std::string, std::string>;

/// A call of the trail: its two entries.
struct Call {
  json::value began;
  json::value ended;  // null: it has no end
};

class Audit : public ::testing::Test {
 protected:
  Audit() : client(Client::connect(broker.url(), {.name = "billing", .timeout = 60s})) {}

  /// A case of this queue, whose message says `body`.
  std::string admit(const std::string& queue, const std::string& body) {
    client.ensure(QueueSpec{.name = queue});
    Message message{.body = body};
    message.content_type = "application/json";
    client.publish(queue, std::move(message));
    const Consumer consumer = client.consume(queue, [](Delivery&) { return Verdict::reject("no good"); });
    EXPECT_TRUE(eventually([&] { return !cases_of(broker, queue).empty(); }));
    return text_of(cases_of(broker, queue).back(), "id");
  }
  HttpAnswer as(const std::string& actor, const std::string& method, const std::string& path,
                const std::string& body = "", Fields fields = {}) const {
    fields["X-Lazaret-Actor"] = actor;
    return http(broker.admin(), method, "/api/v1/" + path, body, fields);
  }
  json::array entries(const std::string& query = "limit=1000") const {
    return http(broker.admin(), "GET", "/api/v1/audit?" + query).json().at("items").as_array();
  }
  /// The newest call of this operation on this; both null when there is none.
  Call call(const std::string& operation, const std::string& target) const {
    Call found;
    for (const json::value& entry : entries()) {
      if (text_of(entry, "operation") != operation || text_of(entry, "target") != target) continue;
      if (text_of(entry, "phase") == "ended") {
        if (found.ended.is_null()) found.ended = entry;
      } else {
        found.began = entry;
        return found;
      }
    }
    return found;
  }
  Outcome verify(std::vector<std::string> more = {}) const {
    more.insert(more.begin(), {"audit", "verify"});
    return broker.cli(more);
  }
  /// The export, as a file, with its lines changed.
  std::string exported(const std::function<void(std::vector<std::string>&)>& change) const {
    std::vector<std::string> lines;
    for (const json::value& entry : broker.cli_json({"audit", "list"})) lines.push_back(json::serialize(entry));
    change(lines);
    std::string text;
    for (const std::string& line : lines) text += line + "\n";
    const std::string path = broker.dir() / "audit.jsonl";
    write_file(path, text);
    return path;
  }

  Broker broker;
  Client client;
};

TEST_F(Audit, WhatAnOperatorDoesToACaseIsThere) {
  const std::string id = admit("orders", R"({"country":"s3cret"})");
  ASSERT_EQ(as("ann", "GET", "hospital/cases/" + id).status, 200);
  ASSERT_EQ(as("ann", "PATCH", "hospital/cases/" + id,
               R"({"merge":{"country":"NL"},"headers":{"mended":"s3cret"},"note":"left out","by":"bob"})",
               {{"If-Match", "\"0\""}})
                .status,
            200);
  EXPECT_EQ(as("ann", "PATCH", "hospital/cases/" + id, R"({"body":"{}"})", {{"If-Match", "\"0\""}}).status, 412);
  // Whoever writes an edit sees again and again what would differ: it is one look.
  for (const std::string country : {"s", "s3", "s3cret"}) {
    const HttpAnswer preview = as("ann", "POST", "hospital/cases/" + id + "/diff",
                                  R"({"merge":{"country":")" + country + "\"}}", {{"If-Match", "\"1\""}});
    EXPECT_EQ(preview.status, 200) << preview.body;
  }
  EXPECT_EQ(entries("operation=previewEdit").size(), 2u) << "its beginning and its end";
  ASSERT_EQ(as("carl", "POST", "hospital/cases/" + id + "/discard", R"({"reason":"no use"})").status, 200);

  const Call look = call("getCase", id);
  EXPECT_EQ(look.began.at("actor"), "ann");
  EXPECT_EQ(look.ended.at("status"), 200);
  const json::array edits = entries("operation=editCase");
  ASSERT_EQ(edits.size(), 4u);
  EXPECT_EQ(edits[0].at("code"), "STALE_VERSION");
  EXPECT_EQ(edits[0].at("actor"), "ann");
  const json::value& edited = edits[2];
  EXPECT_EQ(edited.at("actor"), "bob") << "as the body says";
  EXPECT_EQ(edited.at("peer"), "127.0.0.1");
  EXPECT_EQ(edited.at("before").at("version"), "0");
  EXPECT_EQ(edited.at("after").at("version"), "1");
  EXPECT_EQ(edited.at("after").at("headers_changed"), "mended");
  EXPECT_NE(edited.at("before").at("body_sha256"), edited.at("after").at("body_sha256"));
  EXPECT_EQ(edits[3].at("details").at("note"), "left out");
  const Call discard = call("discardCase", id);
  EXPECT_EQ(discard.began.at("actor"), "carl");
  EXPECT_EQ(discard.began.at("details").at("reason"), "no use");
  EXPECT_EQ(discard.ended.at("status"), 200);
  EXPECT_THAT(json::serialize(json::value(entries())), Not(HasSubstr("s3cret"))) << "nothing that a message says";
  EXPECT_EQ(verify().exit, 0);
  EXPECT_EQ(broker.cli({"check"}).exit, 0);
}

TEST_F(Audit, WhatBecameOfACaseIsThere) {
  const std::string id = admit("orders", "{}");
  const std::string path = "hospital/cases/" + id;
  ASSERT_EQ(as("ann", "POST", path + "/discard", R"({"reason":"no use"})").status, 200);
  EXPECT_EQ(call("discardCase", id).ended.at("before"), (json::object{{"state", "admitted"}, {"version", "0"}}));
  EXPECT_EQ(call("discardCase", id).ended.at("after"),
            (json::object{{"discard_reason", "no use"}, {"state", "discarded"}, {"version", "0"}}));
  ASSERT_EQ(as("ann", "POST", path + "/restore", "{}").status, 200);
  EXPECT_EQ(call("restoreCase", id).ended.at("before").at("state"), "discarded");
  EXPECT_EQ(call("restoreCase", id).ended.at("before").at("discard_reason"), "no use");
  EXPECT_EQ(call("restoreCase", id).ended.at("after").at("state"), "admitted");
  ASSERT_EQ(as("ann", "PATCH", path, R"({"body":"[]"})", {{"If-Match", "\"0\""}}).status, 200);
  ASSERT_EQ(as("ann", "POST", path + "/replay", "{}").status, 200);
  EXPECT_EQ(call("replayCase", id).ended.at("before").at("state"), "admitted");
  EXPECT_EQ(call("replayCase", id).ended.at("after").at("state"), "replaying");
  EXPECT_EQ(call("replayCase", id).ended.at("after").at("version"), "1") << "what was sent";

  ASSERT_EQ(as("ann", "PATCH", "queues/orders", R"({"max_attempts":7})").status, 200);
  ASSERT_EQ(as("ann", "DELETE", "queues/orders?force=true").status, 204);
  EXPECT_EQ(call("deleteQueue", "orders").ended.at("before"), (json::object{{"max_attempts", "7"}}));
  EXPECT_EQ(call("deleteQueue", "orders").ended.at("after"), (json::object{{"deleted", "true"}, {"open_cases", "1"}}));
  EXPECT_EQ(verify().exit, 0);
}

TEST_F(Audit, ALookAtANewVersionIsAnotherLook) {
  const std::string id = admit("orders", "{}");
  const std::string path = "hospital/cases/" + id;
  for (int i = 0; i < 3; ++i) ASSERT_EQ(as("ann", "GET", path + "/body").status, 200);
  EXPECT_EQ(entries("operation=getCaseBody").size(), 2u) << "its beginning and its end";
  EXPECT_EQ(call("getCaseBody", id).ended.at("after"), (json::object{{"version", "0"}}));
  ASSERT_EQ(as("bob", "PATCH", path, R"({"body":"[]"})", {{"If-Match", "\"0\""}}).status, 200);
  for (int i = 0; i < 3; ++i) ASSERT_EQ(as("ann", "GET", path + "/body").status, 200);
  EXPECT_EQ(entries("operation=getCaseBody").size(), 4u) << "what it shows is new";
  EXPECT_EQ(call("getCaseBody", id).ended.at("after"), (json::object{{"version", "1"}}));
}

TEST_F(Audit, AnImportSaysHowManyAndOfWhich) {
  admit("orders", "{}");
  const std::string page = as("ann", "GET", "hospital/export").body;
  ASSERT_EQ(as("ann", "POST", "hospital/import", page).status, 200);
  EXPECT_EQ(call("importCases", "").ended.at("after"),
            (json::object{{"imported", "0"}, {"refused", "0"}, {"skipped", "1"}, {"subscriptions", "orders"}}));
  client.ensure(QueueSpec{.name = "repairs"});
  json::object there = json::parse(page).as_object();
  there["items"].as_array().push_back(json::object());
  there["to"] = "repairs";
  ASSERT_EQ(as("ann", "POST", "hospital/import", json::serialize(there)).status, 200);
  EXPECT_EQ(
      call("importCases", "repairs").ended.at("after"),
      (json::object{
          {"imported", "1"}, {"refused", "1"}, {"skipped", "0"}, {"subscriptions", "orders"}, {"to", "repairs"}}));
  client.remove("repairs", true);
  EXPECT_EQ(call("deleteQueue", "repairs").ended.at("after"), (json::object{{"deleted", "true"}, {"open_cases", "1"}}));
  EXPECT_EQ(verify().exit, 0);
}

TEST_F(Audit, WhatAServiceChangesIsThereAndWhatItMerelyEnsuresIsNot) {
  client.ensure(QueueSpec{.name = "orders"});
  const Call created = call("putQueue", "orders");
  EXPECT_EQ(created.began.at("actor"), "billing");
  EXPECT_EQ(created.began.at("peer"), "127.0.0.1");
  EXPECT_EQ(created.ended.at("after").at("created"), "true");
  const std::size_t before = entries().size();
  client.ensure(QueueSpec{.name = "orders"});
  client.publish("orders", Message{.body = "b"});
  EXPECT_EQ(entries().size(), before) << "nothing was changed";

  ASSERT_EQ(broker.cli({"queue", "update", "orders", "--max-attempts", "7"}).exit, 0);
  ASSERT_EQ(broker.cli({"peek", "orders"}).exit, 0);
  ASSERT_EQ(broker.cli({"queue", "purge", "orders"}).exit, 0);
  EXPECT_EQ(call("patchQueue", "orders").ended.at("before"), (json::object{{"max_attempts", "5"}}));
  EXPECT_EQ(call("patchQueue", "orders").ended.at("after"), (json::object{{"max_attempts", "7"}}));
  EXPECT_EQ(call("peekMessages", "orders").ended.at("status"), 200);
  client.ensure_topic(TopicSpec{.name = "news"});
  client.peek("news");
  EXPECT_EQ(call("peekTopic", "news").began.at("actor"), "billing");
  EXPECT_EQ(call("peekTopic", "news").ended.at("status"), 200);
  EXPECT_EQ(call("purgeQueue", "orders").ended.at("after"), (json::object{{"purged", "1"}}));
  ASSERT_EQ(as("ann", "PATCH", "queues/orders", R"({"paused":true})").status, 200);
  EXPECT_EQ(call("patchQueue", "orders").ended.at("after"), (json::object{{"paused", "true"}}));
  ASSERT_EQ(as("ann", "DELETE", "queues/orders?force=true").status, 204);
  EXPECT_EQ(call("deleteQueue", "orders").ended.at("status"), 204);
  EXPECT_EQ(verify().exit, 0);
}

TEST_F(Audit, GroupsRulesAndJobs) {
  const std::string id = admit("orders", "{}");
  const std::string group = text_of(cases_of(broker, "orders").back(), "group");
  ASSERT_EQ(as("ann", "PATCH", "hospital/groups/" + group, R"({"owner":"ann"})").status, 200);
  EXPECT_EQ(call("updateGroup", group).ended.at("before"), (json::object{{"owner", ""}}));
  EXPECT_EQ(call("updateGroup", group).ended.at("after"), (json::object{{"owner", "ann"}}));
  const auto rule = as("ann", "POST", "hospital/quarantines", R"({"subscription":"orders","type":"bad"})");
  ASSERT_EQ(rule.status, 201);
  const std::string rule_id = text_of(rule.json(), "id");
  EXPECT_EQ(call("addQuarantine", "orders").ended.at("after").at("id"), json::value(rule_id));
  ASSERT_EQ(as("ann", "DELETE", "hospital/quarantines/" + rule_id).status, 200);
  EXPECT_EQ(call("liftQuarantine", rule_id).ended.at("status"), 200);
  EXPECT_EQ(call("liftQuarantine", rule_id).ended.at("before").at("subscription"), "orders") << "whose rule it was";
  const auto job = as("ann", "POST", "hospital/replays", R"({"filter":"queue=orders"})");
  ASSERT_EQ(job.status, 202);
  EXPECT_EQ(call("createReplay", "queue=orders").ended.at("after").at("job"), "1");
  // The job may have ended by then; however that is, it is noted.
  const int paused = as("ann", "POST", "hospital/replays/1/pause", "{}").status;
  EXPECT_EQ(call("pauseReplay", "1").ended.at("status"), paused);
  ASSERT_EQ(as("ann", "GET", "hospital/export?filter=queue%3Dorders").status, 200);
  EXPECT_EQ(call("exportCases", "queue=orders").ended.at("after"), (json::object{{"cases", "1"}}));
}

/// Whoever waits for cases by what bodies say asks once a second, and is there once, however many come.
TEST_F(Audit, AWatchByBodiesIsThereOnce) {
  client.ensure(QueueSpec{.name = "orders"});
  const Consumer consumer = client.consume("orders", [](Delivery&) { return Verdict::reject("no good"); });
  std::atomic<bool> stop = false;
  std::thread failing([&] {
    for (std::uint64_t cases = 1; !stop; ++cases) {
      client.publish("orders", Message{.body = "the total"});
      eventually([&] { return stop || client.show("orders").in_hospital >= cases; });
    }
  });
  const Outcome watched =
      broker.cli({"hospital", "watch", "--filter", "queue=orders body~total", "--count", "3", "--idle-exit", "30s"});
  stop = true;
  failing.join();
  EXPECT_EQ(watched.exit, 0) << watched.err;
  EXPECT_EQ(std::ranges::count(watched.out, '\n'), 3);
  EXPECT_EQ(entries("operation=listCases&limit=1000").size(), 2u);
}

/// An operator can look when publishes are refused; looks do not fill what is left then.
TEST_F(Audit, LooksWriteIntoTheDisksReserveButNotIntoTheLastOfIt) {
  const std::string id = admit("orders", "{}");
  const auto status = [this](const char* name) { return api(broker, "/status").at(name); };
  const auto restart_with_reserve = [this](std::uint64_t bytes) {
    broker.kill9();
    broker.set_environment({{"LAZARET_CFG_STORAGE__DISK_RESERVE_BYTES", std::to_string(bytes)}});
    broker.start();
  };
  restart_with_reserve(std::filesystem::space(broker.data_dir()).available * 4);
  ASSERT_TRUE(eventually([&] { return status("publishes_refused") == true; }));
  EXPECT_EQ(status("looks_refused"), false);
  EXPECT_EQ(as("ann", "GET", "hospital/cases/" + id).status, 200);
  EXPECT_FALSE(call("getCase", id).ended.is_null());
  client.peek("orders");
  ASSERT_EQ(entries("operation=peekMessages").size(), 2u);
  restart_with_reserve(1ull << 50);
  ASSERT_TRUE(eventually([&] { return status("looks_refused") == true; }));
  const HttpAnswer refused = as("bob", "GET", "hospital/cases/" + id);
  EXPECT_EQ(refused.status, 503);
  EXPECT_EQ(refused.json().at("code"), "RESOURCE_EXHAUSTED");
  EXPECT_EQ(as("bob", "GET", "hospital/cases?filter=body~x").status, 503) << "it is a look as well";
  EXPECT_EQ(as("bob", "GET", "hospital/cases?filter=type=x").status, 200) << "that is not noted";
  EXPECT_EQ(as("bob", "GET", "queues/orders/messages").status, 503);
  EXPECT_EQ(error_of([this] { client.peek("orders"); }), errc::exhausted);
  EXPECT_EQ(entries("operation=peekMessages").size(), 2u);
  EXPECT_EQ(as("bob", "POST", "hospital/cases/" + id + "/discard", "{}").status, 200);
  EXPECT_FALSE(call("discardCase", id).ended.is_null());
}

/// Whatever was answered is there; what was under way has at most no end.
TEST_F(Audit, IsWholeAfterAKill) {
  std::atomic<bool> stop = false;
  std::atomic<int> answered = 0;
  std::thread operating([&] {
    while (!stop) {
      try {
        if (as("ann", "PUT", "queues/q" + std::to_string(answered), "{}").status != 201) return;
        ++answered;
      } catch (const std::exception&) {
        return;  // the broker was killed
      }
    }
  });
  EXPECT_TRUE(eventually([&] { return answered >= 20; }));
  broker.kill9();
  stop = true;
  operating.join();
  const Outcome stopped = run_cli({"audit", "verify", "--data-dir", broker.data_dir()});
  EXPECT_EQ(stopped.exit, 0) << stopped.out << stopped.err;
  broker.start();
  EXPECT_EQ(verify().exit, 0);
  EXPECT_EQ(call("putQueue", "q" + std::to_string(answered - 1)).ended.at("status"), 201);
  ASSERT_EQ(as("ann", "PUT", "queues/another", "{}").status, 201);
  EXPECT_EQ(verify().exit, 0) << "it goes on";
  EXPECT_EQ(broker.cli({"check"}).exit, 0);
  EXPECT_EQ(run_cli({"audit", "verify", "--data-dir", broker.data_dir()}).exit, 75) << "a broker runs on it";
}

TEST_F(Audit, WhoItWasIsWhatLazaretSaysOrTheLoginName) {
  const auto look = [&](const std::string& queue, std::vector<std::string> environment) {
    std::vector<std::string> command = {"env", "-u", "LAZARET_ACTOR", "-u", "USER"};
    command.insert(command.end(), environment.begin(), environment.end());
    for (const std::string& word : broker.cli_command({"peek", queue})) command.push_back(word);
    return run(command);
  };
  for (const char* queue : {"named", "user", "login", "odd", "blank"}) client.ensure(QueueSpec{.name = queue});
  ASSERT_EQ(look("named", {"LAZARET_ACTOR=ann", "USER=bob"}).exit, 0);
  EXPECT_EQ(call("peekMessages", "named").began.at("actor"), "ann");
  ASSERT_EQ(look("user", {"USER=bob"}).exit, 0);
  EXPECT_EQ(call("peekMessages", "user").began.at("actor"), "bob");
  // Not every system knows who runs this; then it is the address.
  const std::string login = run({"sh", "-c", "getent passwd \"$(id -u)\" | cut -d: -f1 | tr -d '\\n'"}).out;
  ASSERT_EQ(look("login", {}).exit, 0);
  EXPECT_EQ(text_of(call("peekMessages", "login").began, "actor"), login.empty() ? "127.0.0.1" : login);
  for (const auto& [queue, actor] : {std::pair{"odd", "x\ty"}, std::pair{"blank", "  "}}) {
    const Outcome refused = look(queue, {std::string("LAZARET_ACTOR=") + actor, "USER=bob"});
    EXPECT_EQ(refused.exit, 64) << refused.err;
    EXPECT_THAT(refused.err, HasSubstr("LAZARET_ACTOR must be a name without control characters"));
    EXPECT_TRUE(call("peekMessages", queue).began.is_null()) << "nothing was asked in another name";
  }
}

TEST_F(Audit, IsListedForPeopleAndFiltered) {
  ASSERT_EQ(as("ann", "PUT", "queues/a", "{}").status, 201);
  ASSERT_EQ(as("bob", "PUT", "queues/b", "{}").status, 201);
  ASSERT_EQ(as("ann", "DELETE", "queues/%1b%5b31mnone").status, 404);
  const std::string table = broker.cli({"audit", "list"}).out;
  EXPECT_THAT(table, HasSubstr("putQueue"));
  EXPECT_THAT(table, HasSubstr("404 NOT_FOUND"));
  EXPECT_THAT(table, Not(HasSubstr("\x1b"))) << "what a stranger has sent is no command to a terminal";
  EXPECT_THAT(table, Not(HasSubstr("unknown end")));
  EXPECT_EQ(broker.cli_json({"audit", "list", "--actor", "ann"}).size(), 4u);
  EXPECT_EQ(broker.cli_json({"audit", "--operation", "deleteQueue"}).size(), 2u);
  EXPECT_EQ(broker.cli_json({"audit", "list", "--target", "a", "--since", "-1h"}).size(), 2u);
  EXPECT_THAT(broker.cli_json({"audit", "list", "--until", "-1h"}), IsEmpty());
  EXPECT_EQ(broker.cli({"audit", "list", "--since", "soon"}).exit, 65);
}

TEST_F(Audit, AnExportIsCheckedWithoutABroker) {
  for (const char* name : {"a", "b", "c"}) ASSERT_EQ(as("ann", "PUT", std::string("queues/") + name, "{}").status, 201);
  const auto check = [&](const std::function<void(std::vector<std::string>&)>& change) {
    return run_cli({"audit", "verify", "--file", exported(change)});
  };
  const Outcome whole = check([](auto&) {});
  EXPECT_EQ(whole.exit, 0) << whole.out << whole.err;
  EXPECT_THAT(whole.out, HasSubstr("6 entries, from 1 to 6"));
  EXPECT_EQ(check([](auto& lines) { std::reverse(lines.begin(), lines.end()); }).exit, 0) << "the oldest first";
  const auto broken = [&](const std::function<void(std::vector<std::string>&)>& change) {
    const Outcome outcome = check(change);
    EXPECT_EQ(outcome.exit, 1) << outcome.out << outcome.err;
    return outcome.out;
  };
  EXPECT_THAT(broken([](auto& lines) { lines.erase(lines.begin() + 2); }), HasSubstr("entry 4 is missing"));
  EXPECT_THAT(broken([](auto& lines) { std::swap(lines[1], lines[2]); }), HasSubstr("entry 5 is missing"));
  EXPECT_THAT(broken([](auto& lines) { lines.insert(lines.begin(), lines[0]); }), HasSubstr("out of its place"));
  EXPECT_THAT(broken([](auto& lines) { lines[3].replace(lines[3].find("ann"), 3, "bob"); }),
              HasSubstr("entry 3 was changed"));
  EXPECT_EQ(check([](auto& lines) { lines[0] = "no JSON"; }).exit, 65);

  // What it says beside what is hashed is no part of it, and of a name that is there twice a reader takes either.
  const auto odd = [&](const std::string& more) {
    const Outcome outcome = check([&](auto& lines) { lines[1].insert(1, more); });
    EXPECT_EQ(outcome.exit, 65) << outcome.out;
    EXPECT_EQ(outcome.out, "");
    return outcome.err;
  };
  EXPECT_THAT(odd(R"("extra":"evil",)"), HasSubstr("line 2: this is no entry of an audit trail: \"extra\" is nothing"));
  EXPECT_THAT(odd(R"("actor":"mallory",)"), HasSubstr("line 2: this is no entry of an audit trail: \"actor\" stands"));
  EXPECT_THAT(odd(R"("\u0061ctor":"mallory",)"), HasSubstr("\"actor\" stands there twice"));
  EXPECT_EQ(check([](auto& lines) {
              const std::size_t at = lines[4].find("\"details\":{");
              lines[4].insert(at + 11, R"("x":"1","x":"2")");
            }).exit,
            65);
  EXPECT_EQ(check([](auto& lines) {
              const std::size_t at = lines[0].find("\"status\":") + 9;
              lines[0].replace(at, 3, "4294967497");  // the same in 32 bits
            }).exit,
            65);
  const Outcome nothing = check([](auto& lines) { lines.clear(); });
  EXPECT_EQ(nothing.exit, 65);
  EXPECT_THAT(nothing.err, HasSubstr("there is nothing to verify"));

  // What an export alone cannot show: that its end was cut off. A head that was kept does.
  const std::string said = verify().out;
  const std::string head =
      said.substr(said.find("head: ") + 6, said.find('\n', said.find("head: ")) - said.find("head: ") - 6);
  const std::string cut = exported([](auto& lines) { lines.erase(lines.begin()); });
  EXPECT_EQ(run_cli({"audit", "verify", "--file", cut}).exit, 0);
  EXPECT_EQ(run_cli({"audit", "verify", "--file", cut, "--head", head}).exit, 1);
  EXPECT_EQ(verify({"--head", head}).exit, 0);
  EXPECT_EQ(verify({"--head", "6:" + std::string(64, '0')}).exit, 1);
  EXPECT_EQ(verify({"--head", "six"}).exit, 64);
}

}  // namespace
}  // namespace lazaret::testing
