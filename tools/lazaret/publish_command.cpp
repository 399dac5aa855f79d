// lazaret publish NAME
#include <boost/uuid/name_generator_sha1.hpp>
#include <boost/uuid/uuid.hpp>

#include <algorithm>

#include "base/duration_text.h"
#include "commands.h"
#include "line_reader.h"
#include "message_json.h"
#include "name_value.h"
#include "publish_together.h"
#include "publishing.h"

namespace lazaret::cli {
namespace {

using base::Code;
using base::Status;

/// A publish outlasts a restart of the broker; after so long it is given up.
constexpr std::chrono::minutes kPatience{5};

struct Given {
  std::string queue;
  std::string file = "-";
  std::optional<std::string> body;
  bool jsonl = false;
  bool messages = false;
  bool together = false;
  Message message;  // what the options say of every message
  std::vector<std::string> headers;
  std::optional<milliseconds> delay, ttl;
  std::string at;
  std::string id;
  std::string producer_id;
  std::uint64_t from_index = 0;
};

MessageId uuid_option(const std::string& name, const std::string& text) {
  if (text.empty()) return {};
  const auto id = MessageId::parse(text);
  if (!id || id->is_nil()) fail(Code::USAGE, name + " " + text + ": must be a UUID");
  return *id;
}

void read_times(Given& given) {
  if (given.delay && !given.at.empty()) fail(Code::USAGE, "--delay and --at say the same: give one of them");
  given.message.delay = given.delay.value_or(milliseconds(0));
  given.message.ttl = given.ttl.value_or(milliseconds(0));
  if (given.at.empty()) return;
  const auto time = base::parse_rfc3339(given.at);
  if (!time.ok()) fail(Code::USAGE, "--at " + given.at + ": must be a time such as 2030-01-31T08:00:00Z");
  given.message.deliver_at = std::chrono::system_clock::time_point(std::chrono::microseconds(time->us));
}

/// Numbers what is published under a producer id of the caller's, and gives each message the id that it had when it
/// was published before.
class Numbering {
 public:
  Numbering(MessageId producer, std::string queue) : producer_(producer), queue_(std::move(queue)) {}

  void apply(std::uint64_t index, Message& message) const {
    if (producer_.is_nil()) return;
    message.sequence = index + 1;
    if (!message.id.is_nil()) return;
    boost::uuids::uuid space;
    std::copy(producer_.bytes.begin(), producer_.bytes.end(), space.begin());
    const auto made = boost::uuids::name_generator_sha1(space)(queue_ + "/" + std::to_string(message.sequence));
    std::copy(made.begin(), made.end(), message.id.bytes.begin());
  }

 private:
  const MessageId producer_;
  const std::string queue_;
};

Problem too_long() {
  return problem_of(
      Status(Code::MESSAGE_TOO_LARGE, "the message has more than " + std::to_string(LineReader::kLineBytes) + " bytes")
          .with_limit("line_bytes", static_cast<std::int64_t>(LineReader::kLineBytes)));
}

void publish_lines(const Given& given, const Numbering& numbering, LineReader& reader, Publishing& publishing) {
  std::string line;
  bool cut = false;
  std::uint64_t index = 0;
  while (!publishing.broken() && reader.next(line, cut)) {
    if (!cut && line.find_first_not_of(" \t\r") == std::string::npos) continue;
    const std::uint64_t own = index++;
    if (own < given.from_index) continue;
    if (cut) {
      publishing.refuse(own, too_long());
      continue;
    }
    Message message = given.message;
    if (given.messages) {
      auto read = read_message_json(line, given.message);
      if (!read.ok()) {
        publishing.refuse(own, problem_of(read.status()));
        continue;
      }
      message = std::move(*read);
    } else {
      message.body = Body(line);
    }
    numbering.apply(own, message);
    publishing.submit(own, std::move(message));
  }
  // Whoever goes on behind the last that was confirmed may find that this was all.
  if (given.from_index <= index || publishing.broken()) return;
  fail(Code::BAD_REQUEST, "the input has " + counted(index, "message") + ", and --from-index begins with message " +
                              std::to_string(given.from_index) + ": nothing was published");
}

void publish_one(const Given& given, const Numbering& numbering, LineReader* reader, Publishing& publishing) {
  bool cut = false;
  Message message = given.message;
  message.body = Body(reader == nullptr ? *given.body : reader->rest(cut));
  if (cut) return publishing.refuse(given.from_index, too_long());
  numbering.apply(given.from_index, message);
  publishing.submit(given.from_index, std::move(message));
}

void publish_all(const Connection& connection, const Given& given, const Options& options, const Numbering& numbering) {
  LineReader reader(given.file);
  Together together;
  std::string line;
  bool cut = false;
  while (reader.next(line, cut)) {
    if (cut) fail(Code::MESSAGE_TOO_LARGE, too_long().text);
    if (line.find_first_not_of(" \t\r") == std::string::npos) continue;
    Message& message = together.add(line, given.queue, given.message);
    numbering.apply(together.size() - 1, message);
  }
  together.publish(connection.connect(options), connection.json);
}

void publish(const Connection& connection, Given& given, int& exit_status) {
  if (given.queue.empty() && !given.together) fail(Code::USAGE, "publish needs the NAME of a queue or a topic");
  if (given.together && given.from_index > 0) fail(Code::USAGE, "--together publishes all: not with --from-index");
  const bool many = given.jsonl || given.messages || given.together;
  // It may be given with --producer-id: the one message is published under that number then.
  const bool numbered = !given.producer_id.empty();
  if (!many && given.from_index > 0 && !numbered) {
    fail(Code::USAGE, "--from-index is of many messages: it needs --jsonl or --messages, or --producer-id");
  }
  if (many && given.body) fail(Code::USAGE, "--body is one message: not with --jsonl or --messages");
  if (many && !given.id.empty()) fail(Code::USAGE, "--id is of one message: not with --jsonl or --messages");
  given.message.id = uuid_option("--id", given.id);
  given.message.headers = pairs_of(given.headers, "--header");
  read_times(given);
  Options options;
  options.timeout = kPatience;
  options.producer_id = uuid_option("--producer-id", given.producer_id);
  const Numbering numbering(options.producer_id, given.queue);

  if (given.together) return publish_all(connection, given, options, numbering);
  // The file first: a wrong name should not need a broker to be told.
  const auto reader = given.body ? nullptr : std::make_unique<LineReader>(given.file);
  Publishing publishing(connection.connect(options), given.queue, connection.json);
  if (many) {
    publish_lines(given, numbering, *reader, publishing);
  } else {
    publish_one(given, numbering, reader.get(), publishing);
  }
  const Worst worst = publishing.finish();
  if (!worst.any()) return;
  // Only a first connection that fails makes the broker unreachable; later the thing to do is to try again.
  const bool lost = worst.exit_status() == base::error_info(Code::UNREACHABLE).exit;
  exit_status = lost ? base::error_info(Code::OUTCOME_UNKNOWN).exit : worst.exit_status();
  if (connection.json) report(worst.problem(), true);
}

}  // namespace

void add_publish_command(CLI::App& app, const Connection& connection, int& exit_status) {
  CLI::App* command = app.add_subcommand(
      "publish", "Publish a message, or one for every line; each is confirmed when it is on the broker's disk");
  const auto given = std::make_shared<Given>();
  command->add_option("name", given->queue, "Name of the queue or topic")->type_name("NAME");
  auto* file = command->add_option("--file", given->file, "Read this; standard input when it is - or not given");
  file->type_name("FILE");
  command->add_option("--body", given->body, "The body itself")->type_name("TEXT")->excludes(file);
  auto* jsonl = command->add_flag("--jsonl", given->jsonl, "Each line is a body (empty lines are passed over)");
  command->add_flag("--messages", given->messages, "Each line is a message as a JSON object, as peek --json prints it")
      ->excludes(jsonl);
  command
      ->add_flag(
          "--together", given->together,
          "Each line is a message as with --messages, with a member \"to\" (else NAME): all of them are "
          "published in one atomic write, or none. One with \"reply_queue\" is a request, as request --reply-to, "
          "with \"deadline\" and \"context\"")
      ->excludes(jsonl);
  Message& message = given->message;
  command->add_option("--key", message.key, "Key of the message")->type_name("TEXT");
  command->add_option("--type", message.type, "What kind of message it is, e.g. order.created")->type_name("TEXT");
  command->add_option("--schema-id", message.schema_id, "Which schema the body follows, e.g. order.created@2")
      ->type_name("TEXT");
  command->add_option("--header", given->headers, "A header; may be given any number of times")
      ->type_name("NAME=VALUE")
      ->allow_extra_args(false);
  command->add_option("--id", given->id, "Id of the message; a fresh one when not given")->type_name("UUID");
  command->add_option("--correlation-id", message.correlation_id, "What this message belongs to")->type_name("TEXT");
  command->add_option("--content-type", message.content_type, "E.g. application/json")->type_name("TEXT");
  add_duration(*command, "--delay", given->delay, "Not delivered before so long, e.g. 5m");
  command->add_option("--at", given->at, "Not delivered before this time, e.g. 2030-01-31T08:00:00+01:00")
      ->type_name("TIME");
  add_duration(*command, "--ttl", given->ttl, "Not delivered any more so long after it was published, or is due");
  command->add_option("--priority", message.priority, "0 to 9: of what is ready, the highest is delivered first")
      ->type_name("N")
      ->check(CLI::Range(0, 9));
  command->add_flag("--compress", message.compress, "Compress the body with zstd, if that makes it smaller");
  command
      ->add_option("--producer-id", given->producer_id,
                   "Number the messages under this id: publishing the same input again stores nothing twice")
      ->type_name("UUID");
  command
      ->add_option("--from-index", given->from_index,
                   "Begin with this message of the input, counted from 0; with as many as it has nothing is left to do")
      ->type_name("N")
      ->check(whole_number());
  command->callback([&connection, &exit_status, given] { publish(connection, *given, exit_status); });
}

}  // namespace lazaret::cli
