// lazaret answer TICKET
#include <iostream>

#include "commands.h"
#include "line_reader.h"
#include "name_value.h"
#include "output.h"

namespace lazaret::cli {
namespace {

using base::Code;

struct Given {
  std::string ticket;
  std::string file = "-";
  std::optional<std::string> body;
  std::optional<std::string> decline;
  bool progress = false;
  Message message;
  std::vector<std::string> headers;
};

bool tell(const Connection& connection, Given& given, const ReplyTicket& ticket) {
  if (given.decline) return connection.connect().answer(ticket, Verdict::decline(*given.decline));
  given.message.headers = pairs_of(given.headers, "--header");
  bool cut = false;
  given.message.body = Body(given.body ? *given.body : LineReader(given.file).rest(cut));
  if (cut) fail(Code::MESSAGE_TOO_LARGE, "the input is larger than any broker takes");
  Client client = connection.connect();
  if (given.progress) return client.progress(ticket, std::move(given.message));
  return client.answer(ticket, Verdict::answer(std::move(given.message)));
}

void answer(const Connection& connection, Given& given, int& exit_status) {
  const auto ticket = ReplyTicket::parse(given.ticket);
  if (!ticket) fail(Code::USAGE, "\"" + given.ticket + "\" is no ticket: it is QUEUE/ID, as LAZARET_TICKET has it");
  const bool told = tell(connection, given, *ticket);
  if (connection.json) {
    print_json({{"told", told}});
  } else if (!told) {
    std::cerr << "lazaret: the request had ended before\n";
  }
  exit_status = told ? 0 : 1;
}

}  // namespace

void add_answer_command(CLI::App& app, const Connection& connection, int& exit_status) {
  CLI::App* command = app.add_subcommand("answer", "Answer a request by its ticket, hours or days later too");
  const auto given = std::make_shared<Given>();
  command->add_option("ticket", given->ticket, "As LAZARET_TICKET has it, of respond and consume")
      ->required()
      ->type_name("TICKET");
  auto* file = command->add_option("--file", given->file,
                                   "Read the answer from this; standard input when it is - or "
                                   "not given");
  file->type_name("FILE");
  auto* body = command->add_option("--body", given->body, "The answer itself")->type_name("TEXT")->excludes(file);
  auto* decline = command->add_option("--decline", given->decline, "The answer is no, and why: no case, no retry")
                      ->type_name("REASON")
                      ->excludes(file)
                      ->excludes(body);
  command->add_flag("--progress", given->progress, "It is a note on the way: the request stays open")
      ->excludes(decline);
  Message& message = given->message;
  // A decline has its reason, and nothing else that goes out.
  command->add_option("--type", message.type, "Type of the answer")->type_name("TEXT")->excludes(decline);
  command->add_option("--content-type", message.content_type, "E.g. application/json")
      ->type_name("TEXT")
      ->excludes(decline);
  command->add_option("--header", given->headers, "A header; may be given any number of times")
      ->type_name("NAME=VALUE")
      ->allow_extra_args(false)
      ->excludes(decline);
  command->footer(
      "Exit status: 0 the requester is told; 1 the request had ended before: a late answer is kept for whoever asks\n"
      "again; 66 the request is forgotten, or never was.");
  command->callback([&connection, &exit_status, given] { answer(connection, *given, exit_status); });
}

}  // namespace lazaret::cli
