// lazaret respond NAME -- CMD
#include <iostream>

#include "command_error.h"
#include "command_outcome.h"
#include "commands.h"
#include "consumer_name.h"
#include "consuming.h"
#include "output.h"

namespace lazaret::cli {
namespace {

using base::Code;

struct Given {
  std::string queue;
  std::string type;
  std::string content_type;
  std::vector<std::string> publish_to;
  bool by_ticket = false;  // the command leaves the answer to whoever has its ticket
  std::optional<milliseconds> retry_after;
  std::optional<milliseconds> drain;
  ConsumerName as;
  ConsumingOptions options;
};

/// What a command exits with whose answer is no.
constexpr int kDeclines = 65;

/// What the command wrote is the answer, and what goes out with it elsewhere.
Consuming::Outcome reply_of(CommandEnd end, const Delivery& delivery, const Given& given) {
  if (end.exit == kDeclines) return {Verdict::decline(reason_of(end)), {}};
  if (end.exit != 0 || given.by_ticket) return outcome_of(end, given.retry_after.value_or(kRetryAfter));
  if (end.output_cut) return {Verdict::fail("the command wrote more than any message may have"), {}};
  Message answer;
  answer.body = Body(std::move(end.output));
  answer.type = given.type;
  answer.content_type = given.content_type;
  Message copy;
  copy.body = answer.body;
  copy.key = delivery.message().key;
  Verdict verdict = Verdict::answer(std::move(answer));
  for (const std::string& place : given.publish_to) verdict = std::move(verdict).publish(place, copy);
  return {std::move(verdict), {}};
}

void respond(const Connection& connection, Given& given, const std::vector<std::string>& command, int& exit_status) {
  if (command.empty()) fail(Code::USAGE, "respond needs -- CMD ARG…");
  if (given.drain) given.options.drain = *given.drain;
  given.options.json = connection.json;
  CommandProcess process(command, !given.by_ticket);
  Consuming consuming(connection.connect(given.as.options()), given.options,
                      [&](const Delivery& delivery) { return reply_of(process.run(delivery), delivery, given); });
  const Consuming::Totals totals = consuming.run(given.queue);
  if (!connection.json && !output_is_closed()) {
    std::cerr << (given.by_ticket ? "taken " : "answered ") << totals.done << ", declined " << totals.declined
              << ", failed " << totals.failed << ", released " << totals.released << "\n";
  }
  end_with(totals, connection.json, process, exit_status);
}

}  // namespace

void add_respond_command(CLI::App& app, const Connection& connection, const std::vector<std::string>& command,
                         int& exit_status) {
  CLI::App* responder = app.add_subcommand("respond", "Answer the requests to a queue: run a command for each");
  const auto given = std::make_shared<Given>();
  responder->add_option("name", given->queue, "Name of the queue")->required()->type_name("NAME");
  responder->add_option("--type", given->type, "Type of the answers")->type_name("TEXT");
  responder->add_option("--content-type", given->content_type, "E.g. application/json")->type_name("TEXT");
  CLI::Option* ticket =
      responder->add_flag("--ticket", given->by_ticket,
                          "Exit status 0 does not answer: the message is done, and whoever has the ticket answers "
                          "later");
  responder->add_option("--count", given->options.count, "End after so many deliveries")
      ->type_name("N")
      ->check(at_least_one());
  add_duration(*responder, "--idle-exit", given->options.idle_exit,
               "End when for so long nothing was delivered and nothing in hand");
  responder->add_option("--concurrency", given->options.concurrency, "Requests that are worked on at a time (1)")
      ->type_name("N")
      ->check(CLI::Range(1, 1024));
  responder->add_option("--prefetch", given->options.prefetch, "Requests that may be here and not yet settled (32)")
      ->type_name("N")
      ->check(CLI::Range(1, 65536));
  responder
      ->add_option("--accept", given->options.accepts,
                   "Take requests of this type only, e.g. price.asked, price.#, price.asked@2 or 'price.#@>=2' (the "
                   "number that schema_id ends with); may be repeated")
      ->type_name("TYPE")
      ->allow_extra_args(false);
  responder
      ->add_option("--publish-to", given->publish_to,
                   "Publish the answer to this queue or topic as well, in one atomic write with it; may be given "
                   "several times")
      ->type_name("NAME")
      ->allow_extra_args(false)
      ->excludes(ticket);
  given->as.add_options(*responder);
  add_duration(*responder, "--retry-after", given->retry_after,
               "When a command exits with 75, the next attempt comes after this (30s)");
  add_duration(*responder, "--drain", given->drain, "After a signal, what has begun may take so long (25s)");
  responder->footer(
      "-- CMD ARG…: run this for each request. The body is on its standard input, the envelope in the environment, as\n"
      "consume has it. Exit status 0 answers with what it wrote to standard output; 65 declines, and the end of "
      "standard\n"
      "error is the reason: no case, no retry. Everything else is as with consume. A command whose requester waits no\n"
      "more is asked to end. LAZARET_TICKET is the right to answer, also later and from elsewhere, and to say "
      "something\n"
      "on the way: see lazaret answer.");
  responder->callback(
      [&connection, &exit_status, &command, given] { respond(connection, *given, command, exit_status); });
}

}  // namespace lazaret::cli
