// lazaret hospital watch, and hospital alerts: what happens in the hospital, as it happens, and what was told of it.
#include <csignal>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/signal_set.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/json/parse.hpp>

#include "base/duration_text.h"
#include "case_watch.h"
#include "commands.h"
#include "event_reader.h"
#include "hospital_cases.h"

namespace lazaret::cli {
namespace {

namespace asio = boost::asio;
using base::Code;

constexpr std::chrono::seconds kLookEvery{1};
constexpr std::chrono::seconds kLookPatience{5};

struct WatchOptions {
  std::vector<std::string> filters;
  std::uint64_t count = 0;  // 0: no end
  std::optional<milliseconds> idle_exit;
};

/// One thread: events as they come, the list once a second.
class Watching {
 public:
  Watching(const Connection& connection, const WatchOptions& options)
      : connection_(connection),
        options_(options),
        address_(connection.admin_address()),
        http_(address_),
        cases_(joined(options.filters), broker_time()),
        events_(io_, address_, [this](std::string_view name, std::string_view data) { take_event(name, data); }) {}

  void run() {
    signals_.add(SIGINT);
    signals_.add(SIGTERM);
    signals_.async_wait([this](boost::system::error_code error, int) {
      if (!error) stop();
    });
    look();  // a mistake in the filter ends it here
    await_look();
    // A filter is about cases: who has given one wants those only.
    if (options_.filters.empty()) {
      asio::co_spawn(io_, events_.run(), [](const std::exception_ptr& failed) {
        if (failed) std::rethrow_exception(failed);
      });
    }
    io_.run();
  }

 private:
  base::Instant broker_time() {
    const json::value status = http_.get(target({"status"}));
    const auto now = base::parse_rfc3339(std::string_view(status.at("time").as_string()));
    if (!now.ok()) fail(Code::BAD_FRAME, address_ + " does not say what time it is");
    return *now;
  }

  void await_look() {
    if (stopped_) return;
    timer_.expires_after(kLookEvery);
    timer_.async_wait([this](boost::system::error_code error) {
      if (error || stopped_) return;
      try {
        look();
        lost_ = false;
      } catch (const Error& error_of_broker) {
        // It comes back, or somebody ends this.
        if (!std::exchange(lost_, true)) report(error_of_broker.problem, connection_.json);
      }
      if (options_.idle_exit && std::chrono::steady_clock::now() - last_printed_ >= *options_.idle_exit) stop();
      await_look();
    });
  }

  void look() {
    const std::string most = std::to_string(CaseWatch::kMost);
    const Query query{{"limit", most}, {"filter", cases_.filter()}};
    const json::value page = http_.request("GET", target({"hospital", "cases"}, query), {}, kLookPatience).body;
    for (const json::object& one : cases_.take(page.at("items").as_array())) print_case(one);
  }

  void take_event(std::string_view name, std::string_view data) {
    if (name != "alert" || stopped_) return;
    boost::system::error_code error;
    const json::value alert = json::parse({data.data(), data.size()}, error);
    if (error || !alert.is_object()) return;
    const json::object& one = alert.get_object();
    if (connection_.json) {
      print_json(json::object{{"event", "alert"}, {"alert", one}});
    } else {
      print_line(cell(one, "at") + "  alert  " + cell(one, "kind") + "  " + cell(one, "sentence"));
    }
    printed();
  }

  void print_case(const json::object& one) {
    if (stopped_) return;
    if (connection_.json) {
      print_json(json::object{{"event", "case"}, {"case", one}});
    } else {
      const std::string error = cell(one, "error_type") == "-" ? "" : cell(one, "error_type") + ": ";
      print_line(cell(one, "admitted_at") + "  case   " + cell(one, "id") + "  " + cell(one, "subscription") + "  " +
                 cell(one, "reason") + "  " + cell(one, "type") + "  " + error + cell(one, "error_message"));
    }
    printed();
  }

  void printed() {
    last_printed_ = std::chrono::steady_clock::now();
    if (++count_ == options_.count || output_is_closed()) stop();
  }

  void stop() {
    stopped_ = true;
    signals_.cancel();
    timer_.cancel();
    events_.stop();
    io_.stop();
  }

  const Connection& connection_;
  const WatchOptions& options_;
  const std::string address_;
  HttpClient http_;
  CaseWatch cases_;
  asio::io_context io_{1};
  asio::signal_set signals_{io_};
  asio::steady_timer timer_{io_};
  EventReader events_;
  std::chrono::steady_clock::time_point last_printed_ = std::chrono::steady_clock::now();
  std::uint64_t count_ = 0;
  bool lost_ = false;
  bool stopped_ = false;
};

std::string deliveries_of(const json::object& alert) {
  std::string text;
  for (const json::value& value : alert.at("deliveries").as_array()) {
    const json::object& one = value.as_object();
    text += (text.empty() ? "" : ", ") + cell(one, "receiver") + " " + cell(one, "outcome");
    if (cell(one, "outcome") != "delivered") text += " (" + cell(one, "last_answer") + ")";
  }
  return text.empty() ? "-" : text;
}

void list_alerts(const Connection& connection) {
  HttpClient http(connection.admin_address());
  Table table{"AT", "KIND", "QUEUE", "OWNER", "TOLD", "SENTENCE"};
  http.each_item(
      {"alerts"}, {{"limit", "1000"}},
      [&](const json::object& one) {
        if (connection.json) return print_json(one);
        table.add({cell(one, "at"), cell(one, "kind"), cell(one, "subscription"), cell(one, "owner"),
                   deliveries_of(one), cell(one, "sentence")});
      },
      [&] {
        if (!connection.json) table.print();
      });
}

}  // namespace

void add_watch_commands(CLI::App& hospital, const Connection& connection) {
  CLI::App* watching = hospital.add_subcommand(
      "watch", "New cases and alerts as they come; with --filter only cases. Ends with a signal, exit status 0");
  const auto options = std::make_shared<WatchOptions>();
  add_filter_option(*watching, options->filters);
  watching->add_option("--count", options->count, "End after so many lines")->type_name("N")->check(at_least_one());
  add_duration(*watching, "--idle-exit", options->idle_exit, "End when nothing came for so long");
  watching->callback([&connection, options] { Watching(connection, *options).run(); });

  CLI::App* listing = hospital.add_subcommand("alerts", "Alerts, the newest first, and who was told of them");
  listing->callback([&connection] { list_alerts(connection); });
}

}  // namespace lazaret::cli
