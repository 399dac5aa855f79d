// lazaret consume NAME
#include <unistd.h>

#include <iostream>

#include "command_outcome.h"
#include "commands.h"
#include "consumer_name.h"
#include "consuming.h"
#include "message_json.h"
#include "output.h"

namespace lazaret::cli {
namespace {

using base::Code;

struct Given {
  std::string queue;
  std::string shell;
  bool print = false;
  bool no_started = false;
  std::vector<std::string> publish_to;
  std::optional<milliseconds> retry_after;
  std::optional<milliseconds> drain;
  ConsumerName as;
  ConsumingOptions options;
};

/// Acked only when standard output has taken it.
Consuming::Outcome print_message(const Delivery& delivery, bool as_json, std::mutex& printing) {
  const std::lock_guard lock(printing);
  if (as_json) {
    print_json(message_json(delivery));
  } else if (is_terminal(STDOUT_FILENO)) {
    print_line(printable(delivery.message().body.view(), true));
  } else {
    print_line(delivery.message().body.view());
  }
  return {};
}

/// What the command wrote goes out with the ack; nothing, if it wrote nothing.
Consuming::Outcome publish_output(CommandEnd& end, const Delivery& delivery, const std::vector<std::string>& to,
                                  milliseconds retry_after) {
  Consuming::Outcome outcome = outcome_of(end, retry_after);
  if (outcome.verdict.kind() != Verdict::Kind::done || end.output.empty()) return outcome;
  if (end.output_cut) return {Verdict::fail("the command wrote more than a message may have", "output"), {}};
  const Body body(std::move(end.output));
  for (const std::string& place : to) {
    Message message;
    message.body = body;
    message.key = delivery.message().key;
    outcome.verdict = std::move(outcome.verdict).publish(place, std::move(message));
  }
  return outcome;
}

void consume(const Connection& connection, Given& given, const std::vector<std::string>& command, int& exit_status) {
  const int ways = (given.print ? 1 : 0) + (given.shell.empty() ? 0 : 1) + (command.empty() ? 0 : 1);
  if (ways != 1) fail(Code::USAGE, "consume needs exactly one of --print, --exec SHELL and -- CMD ARG…");
  if (given.drain) given.options.drain = *given.drain;
  given.options.json = connection.json;
  const milliseconds retry_after = given.retry_after.value_or(kRetryAfter);
  if (given.print && !given.publish_to.empty()) fail(Code::USAGE, "--publish-to takes the output of a command");
  CommandProcess process(command.empty() ? std::vector<std::string>{"/bin/sh", "-c", given.shell} : command,
                         !given.publish_to.empty());
  std::mutex printing;
  Consuming::Worker worker = [&process, &given, retry_after](const Delivery& delivery) {
    CommandEnd end = process.run(delivery);
    return given.publish_to.empty() ? outcome_of(end, retry_after)
                                    : publish_output(end, delivery, given.publish_to, retry_after);
  };
  if (given.print) {
    worker = [&printing, as_json = connection.json](const Delivery& delivery) {
      return print_message(delivery, as_json, printing);
    };
  }

  Options options = given.as.options();
  options.announce_started = !given.no_started;
  Consuming consuming(connection.connect(options), given.options, std::move(worker));
  const Consuming::Totals totals = consuming.run(given.queue);
  if (!connection.json && !given.print && !output_is_closed()) {
    std::cerr << "consumed " << totals.done << ", failed " << totals.failed << ", rejected " << totals.rejected
              << ", released " << totals.released << "\n";
  }
  end_with(totals, connection.json, process, exit_status);
}

}  // namespace

void add_consume_command(CLI::App& app, const Connection& connection, const std::vector<std::string>& command,
                         int& exit_status) {
  CLI::App* consumer =
      app.add_subcommand("consume", "Take messages off a queue: run a command for each, or print them");
  const auto given = std::make_shared<Given>();
  consumer->add_option("name", given->queue, "Name of the queue")->required()->type_name("NAME");
  consumer->add_option("--exec", given->shell, "Run this in a shell for each message")->type_name("SHELL");
  consumer->add_flag("--print", given->print, "Print each message, then ack it");
  consumer->add_option("--count", given->options.count, "End after so many deliveries")
      ->type_name("N")
      ->check(at_least_one());
  add_duration(*consumer, "--idle-exit", given->options.idle_exit,
               "End when for so long nothing was delivered and nothing in hand");
  consumer->add_option("--concurrency", given->options.concurrency, "Messages that are worked on at a time (1)")
      ->type_name("N")
      ->check(CLI::Range(1, 1024));
  consumer->add_option("--prefetch", given->options.prefetch, "Messages that may be here and not yet settled (32)")
      ->type_name("N")
      ->check(CLI::Range(1, 65536));
  consumer
      ->add_option("--accept", given->options.accepts,
                   "Take messages of this type only, e.g. order.created, order.#, order.created@2 or 'order.#@>=2' ("
                   "the number that schema_id ends with); may be repeated")
      ->type_name("TYPE")
      ->allow_extra_args(false);
  given->as.add_options(*consumer);
  consumer->add_flag("--no-started", given->no_started, "Do not tell the broker when work on a message begins");
  add_duration(*consumer, "--retry-after", given->retry_after,
               "When a command exits with 75, the next attempt comes after this (30s)");
  consumer
      ->add_option("--publish-to", given->publish_to,
                   "Publish what the command writes to its standard output to this queue or topic, in one atomic "
                   "write with the ack; may be given several times")
      ->type_name("NAME")
      ->allow_extra_args(false);
  add_duration(*consumer, "--drain", given->drain, "After a signal, what has begun may take so long (25s)");
  consumer->footer(
      "-- CMD ARG…: run this for each message (in place of --exec). The body is on its standard input, the envelope "
      "in\n"
      "LAZARET_MSG_ID, _SOURCE, _OFFSET, _KEY, _TYPE, _ATTEMPT, _CORRELATION_ID and _HEADER_<NAME>; of a reply to a\n"
      "durable request also in _REQUEST, _STATUS, _REASON, _CASE_ID and _CONTEXT_<NAME>. Exit status 0 acks,\n"
      "65 rejects, 75 fails the attempt with a later retry, any other or a signal fails the attempt. The error is\n"
      "what the last stack on standard error says (Python, Java, Node, .NET, Go, Ruby, Rust, C++), else its last "
      "line.\n"
      "126 and 127 (it cannot be run) end the consumer. A command that runs when lazaret\n"
      "ends, in whatever way, is killed with everything it has started.");
  consumer->callback(
      [&connection, &exit_status, &command, given] { consume(connection, *given, command, exit_status); });
}

}  // namespace lazaret::cli
