// lazaret request NAME --deadline D, and lazaret request NAME --reply-to QUEUE
#include <unistd.h>

#include <iostream>

#include "base/duration_text.h"
#include "commands.h"
#include "line_reader.h"
#include "message_json.h"
#include "model/limits.h"
#include "name_value.h"
#include "output.h"

namespace lazaret::cli {
namespace {

using base::Code;
using base::Status;

// The exit status says how it ended.
constexpr int kDeclined = 10;
constexpr int kFailed = 11;
constexpr int kTimedOut = 75;

struct Given {
  std::string queue;
  std::string file = "-";
  std::optional<std::string> body;
  std::optional<milliseconds> deadline;
  Message message;
  std::vector<std::string> headers;
  std::string id;
  std::string reply_to;
  std::vector<std::string> context;
};

std::string sentence_of(const Reply& reply) {
  switch (reply.outcome) {
    case Outcome::answered: break;
    case Outcome::declined: return "declined: " + printable(reply.reason);
    case Outcome::failed: return "failed: " + printable(reply.reason) + " (case " + reply.case_id + ")";
    case Outcome::timed_out: break;
  }
  switch (reply.reached) {
    case Reached::unknown: break;
    case Reached::not_delivered: return "timed out: no handler has begun on it, and none will";
    case Reached::started: return "timed out: a handler has begun, or may have begun; it may still happen";
    case Reached::settled: return "timed out: a handler has finished, without a reply";
  }
  return "timed out: how far it got is not known";
}

int exit_of(Outcome outcome) {
  switch (outcome) {
    case Outcome::answered: return 0;
    case Outcome::declined: return kDeclined;
    case Outcome::failed: return kFailed;
    case Outcome::timed_out: return kTimedOut;
  }
  return 1;
}

void print_answer(const Message& message) {
  if (is_terminal(STDOUT_FILENO)) return print_line(printable(message.body.view(), true));
  print(message.body.view());
}

/// Of a time that nobody can wait for something else would be made, without a word.
void check_deadline(milliseconds deadline, bool durable) {
  constexpr auto kMost = std::chrono::duration_cast<milliseconds>(model::limits::kRequestTimeMost);
  if (durable && deadline < milliseconds(1)) fail(Code::BAD_REQUEST, "--deadline: must be a millisecond or more");
  if (deadline <= kMost) return;
  fail(Status(Code::BAD_REQUEST, "--deadline: must be " + base::format_duration(kMost) + " or less, not " +
                                     base::format_duration(deadline))
           .with_limit("deadline_seconds", std::chrono::duration_cast<std::chrono::seconds>(kMost).count()));
}

/// Prints the receipt: the reply goes to a queue.
void ask(const Connection& connection, Given& given) {
  const Headers context = pairs_of(given.context, "--context");
  const Receipt receipt = connection.connect().ask(
      {given.queue, std::move(given.message), given.deadline.value_or(milliseconds(0))}, given.reply_to, context);
  if (connection.json) {
    return print_json({{"id", receipt.id.to_string()}, {"offset", receipt.offset}, {"duplicate", receipt.duplicate}});
  }
  print_line("asked: " + receipt.id.to_string() + (receipt.duplicate ? ", as before" : ""));
}

void request(const Connection& connection, Given& given, int& exit_status) {
  const bool durable = !given.reply_to.empty();
  if (!given.deadline && !durable) fail(Code::USAGE, "request needs --deadline DURATION, or --reply-to QUEUE");
  if (!given.context.empty() && !durable) fail(Code::USAGE, "--context comes back with a reply: it needs --reply-to");
  if (given.deadline) check_deadline(*given.deadline, durable);
  if (!given.id.empty()) {
    const auto id = MessageId::parse(given.id);
    if (!id || id->is_nil()) fail(Code::USAGE, "--id " + given.id + ": must be a UUID");
    given.message.id = *id;
  }
  given.message.headers = pairs_of(given.headers, "--header");
  bool cut = false;
  given.message.body = Body(given.body ? *given.body : LineReader(given.file).rest(cut));
  if (cut) fail(Code::MESSAGE_TOO_LARGE, "the input is larger than any broker takes");
  if (durable) return ask(connection, given);
  Client client = connection.connect().within(*given.deadline);
  if (!connection.json) {
    client = client.on_progress(
        [](const Reply& note) { std::cerr << "lazaret: " + printable(note.message.body.view()) + "\n"; });
  }
  const Reply reply = client.request(given.queue, std::move(given.message));
  if (connection.json) {
    print_json(reply_json(reply));
  } else if (reply.outcome == Outcome::answered) {
    print_answer(reply.message);
  } else {
    std::cerr << "lazaret: " + sentence_of(reply) + "\n";
  }
  exit_status = exit_of(reply.outcome);
}

}  // namespace

void add_request_command(CLI::App& app, const Connection& connection, int& exit_status) {
  CLI::App* command = app.add_subcommand("request", "Ask the service behind a queue, and wait for its reply");
  const auto given = std::make_shared<Given>();
  command->add_option("name", given->queue, "Name of the queue")->required()->type_name("NAME");
  add_duration(*command, "--deadline", given->deadline,
               "The reply must come within this time; past it the request is not delivered any more");
  command
      ->add_option("--reply-to", given->reply_to,
                   "Do not wait: the reply goes to this queue, days later too (--deadline is a year unless given)")
      ->type_name("QUEUE");
  command
      ->add_option("--context", given->context,
                   "With --reply-to: comes back with the reply, and the responder never sees it; repeatable")
      ->type_name("NAME=VALUE")
      ->allow_extra_args(false);
  auto* file = command->add_option("--file", given->file, "Read this; standard input when it is - or not given");
  file->type_name("FILE");
  command->add_option("--body", given->body, "The body itself")->type_name("TEXT")->excludes(file);
  Message& message = given->message;
  command->add_option("--key", message.key, "Key of the message")->type_name("TEXT");
  command->add_option("--type", message.type, "What kind of request it is, e.g. price.asked")->type_name("TEXT");
  command->add_option("--schema-id", message.schema_id, "Which schema the body follows, e.g. price.asked@2")
      ->type_name("TEXT");
  command->add_option("--priority", message.priority, "0 to 9: of what is ready, the highest is delivered first")
      ->type_name("N")
      ->check(CLI::Range(0, 9));
  command->add_option("--header", given->headers, "A header; may be given any number of times")
      ->type_name("NAME=VALUE")
      ->allow_extra_args(false);
  command->add_option("--id", given->id, "Id of the request: with the same one it is asked once")->type_name("UUID");
  command->add_option("--correlation-id", message.correlation_id, "What this request belongs to")->type_name("TEXT");
  command->add_option("--content-type", message.content_type, "E.g. application/json")->type_name("TEXT");
  command->footer(
      "Exit status: 0 answered, with the body of the answer on standard output; 10 declined; 11 failed: the request "
      "is\n"
      "a case in the hospital; 75 timed out. With --json one object says how it ended, whichever way that is.\n"
      "With --reply-to the request and its reply outlive this command: 0 says that it is on the broker's disk.");
  command->callback([&connection, &exit_status, given] { request(connection, *given, exit_status); });
}

}  // namespace lazaret::cli
