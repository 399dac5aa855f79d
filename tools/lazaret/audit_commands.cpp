// lazaret audit list|verify: what was done, by whom; and whether the trail of it is whole.
#include "audit_entries.h"
#include "commands.h"
#include "line_reader.h"
#include "stopped_broker.h"

namespace lazaret::cli {
namespace {

using base::Code;
using model::AuditChain;

// --- list -----------------------------------------------------------------------------------------------------------

struct ListOptions {
  std::string actor, operation, target, since, until;
};

/// "200", "409 STALE_VERSION"
std::string end_cell(const json::object& ended) {
  const std::string code = cell(ended, "code");
  return cell(ended, "status") + (code == "-" ? "" : " " + code);
}

/// Calls in a table, the newest first: of each the end comes before its beginning.
class CallTable {
 public:
  void add(const json::object& entry) {
    if (cell(entry, "phase") == "ended") {
      // Those whose beginning does not come are few: it is older than what is kept, or was trimmed just now.
      ends_[cell(entry, "began")] = end_cell(entry);
      return;
    }
    const auto end = ends_.find(cell(entry, "number"));
    table_.add({cell(entry, "called_at"), cell(entry, "actor"), cell(entry, "peer"), cell(entry, "operation"),
                end == ends_.end() ? "unknown end" : end->second, cell(entry, "target")});
    if (end != ends_.end()) ends_.erase(end);
  }
  void print() { table_.print(); }

 private:
  Table table_{"CALLED", "ACTOR", "FROM", "OPERATION", "END", "ON"};
  std::map<std::string, std::string> ends_;  // by the number of the beginning
};

void list(const Connection& connection, const ListOptions& given) {
  HttpClient http(connection.admin_address());
  Query query{{"limit", "1000"}};
  for (const auto& [name, value] :
       {std::pair{"actor", &given.actor}, std::pair{"operation", &given.operation}, std::pair{"target", &given.target},
        std::pair{"since", &given.since}, std::pair{"until", &given.until}}) {
    if (!value->empty()) query.emplace_back(name, *value);
  }
  CallTable table;
  http.each_item(
      {"audit"}, query,
      [&](const json::object& entry) {
        if (connection.json) return print_json(entry);
        table.add(entry);
      },
      [&] {
        if (!connection.json) table.print();
      });
}

// --- verify ---------------------------------------------------------------------------------------------------------

struct VerifyOptions {
  std::string data_dir, file, head;
};

std::string entries(std::uint64_t count) { return std::to_string(count) + (count == 1 ? " entry" : " entries"); }

/// What is found of one trail, wherever it is read from.
struct Verified {
  AuditChain chain;
  std::optional<std::string> broken{};
  /// A point that was kept elsewhere, and whether it was met.
  std::optional<model::AuditPoint> kept{};
  bool met = false;
  /// What the broker says that the ends are; an export does not say it.
  std::optional<model::AuditPoint> anchor{};
  std::optional<model::AuditPoint> head{};
  /// The anchor as it was seen last, also where the oldest entry need not stand behind it.
  std::optional<model::AuditPoint> trimmed_to{};

  /// False: it is broken, and nothing more need be read.
  bool add(const model::AuditEntry& entry) {
    if (kept && entry.number == kept->number) {
      met = true;
      if (entry.hash != kept->hash) {
        broken = "entry " + std::to_string(entry.number) + " is not the one that was kept: the trail was made anew";
      }
    }
    if (!broken) broken = chain.add(entry);
    return !broken;
  }

  /// Of the kept point, which no entry is at.
  std::optional<std::string> missing() const {
    const std::string entry = "entry " + std::to_string(kept->number) + ", which was kept,";
    if (trimmed_to && trimmed_to->number == kept->number) {
      if (trimmed_to->hash == kept->hash) return std::nullopt;
      return entry + " was another one: the trail was made anew";
    }
    if (trimmed_to && trimmed_to->number > kept->number) {
      return entry + " was trimmed: nothing tells any more whether the trail goes on from it. Keep a newer one";
    }
    return entry + " is not there";
  }

  void finish() {
    if (broken) return;
    if (chain.count() > 0) {
      if (head) broken = chain.check_newest(*head);
      if (!broken && anchor) broken = chain.check_oldest(*anchor);
    } else if (head && anchor && *head != *anchor) {
      broken = "no entry is left, and the newest must be entry " + std::to_string(head->number);
    }
    if (!broken && kept && !met) broken = missing();
  }
};

/// Page by page; `read` gives one page below a number. What is written or trimmed meanwhile does not matter: the head
/// is that of the first page, the anchor that of the last.
void verify_pages(Verified& verified, const std::function<model::AuditPage(std::uint64_t before)>& read) {
  Progress progress;
  std::uint64_t before = 0;
  do {
    const model::AuditPage page = read(before);
    if (!verified.head) verified.head = page.head;
    verified.anchor = verified.trimmed_to = page.anchor;
    for (const model::AuditEntry& entry : page.entries) {
      if (!verified.add(entry)) return;
    }
    before = page.next;
    progress.show(entries(verified.chain.count()) + " verified");
  } while (before != 0);
  // The rest was trimmed while this read: what is left to say is that it was once there.
  const bool trimmed = verified.chain.count() > 0 && verified.chain.oldest().number <= verified.anchor->number;
  if (trimmed) verified.anchor.reset();
}

void verify_broker(Verified& verified, const Connection& connection) {
  HttpClient http(connection.admin_address());
  verify_pages(verified, [&http](std::uint64_t before) {
    Query query{{"limit", "1000"}};
    if (before != 0) query.emplace_back("cursor", std::to_string(before));
    const json::object answer = http.get(target({"audit"}, query)).as_object();
    model::AuditPage page;
    page.head = audit_point_of(answer.at("head"));
    page.anchor = audit_point_of(answer.at("anchor"));
    for (const json::value& one : answer.at("items").as_array()) page.entries.push_back(audit_entry_of(one));
    if (answer.at("cursor").is_string()) page.next = std::stoull(std::string(answer.at("cursor").get_string()));
    return page;
  });
}

void verify_directory(Verified& verified, const std::string& directory) {
  const auto store = open_stopped(directory);
  verify_pages(verified, [&store](std::uint64_t before) {
    auto page = store->read_audit({}, before, 1000);
    if (!page.ok()) fail(page.status());
    return std::move(*page);
  });
}

model::AuditEntry entry_on(const std::string& line, std::uint64_t number) {
  try {
    return audit_entry_of_line(line);
  } catch (const Error& error) {
    fail(Code::BAD_REQUEST, "line " + std::to_string(number) + ": " + error.problem.text);
  }
}

/// An export: the newest first, as `list` writes it, or turned round.
void verify_file(std::optional<Verified>& verified, const std::string& file,
                 const std::optional<model::AuditPoint>& kept) {
  LineReader lines(file);
  std::optional<model::AuditEntry> first;
  std::string line;
  bool too_long = false;
  for (std::uint64_t number = 1; lines.next(line, too_long); ++number) {
    if (line.empty()) continue;
    const model::AuditEntry entry = entry_on(line, number);
    if (!first) {
      first = entry;
      continue;
    }
    if (!verified) {
      const bool forward = entry.number > first->number;
      verified.emplace(
          Verified{AuditChain(forward ? AuditChain::Order::oldest_first : AuditChain::Order::newest_first)});
      verified->kept = kept;
      if (!verified->add(*first)) return;
    }
    if (!verified->add(entry)) return;
  }
  if (verified) return;
  // Whole would be what whoever emptied it wants to hear.
  if (!first) fail(Code::BAD_REQUEST, file + " has no entry of an audit trail: there is nothing to verify");
  verified.emplace(Verified{AuditChain(AuditChain::Order::newest_first)});
  verified->kept = kept;
  verified->add(*first);
}

void print_verdict(const Connection& connection, const Verified& verified) {
  const AuditChain& chain = verified.chain;
  const bool any = chain.count() > 0;
  if (connection.json) {
    json::object out{{"ok", !verified.broken}, {"entries", chain.count()}};
    out["broken"] = verified.broken ? json::value(json::string(*verified.broken)) : json::value(nullptr);
    out["first"] = any ? json::value(chain.oldest().number) : json::value(nullptr);
    out["head"] = any ? json::value(json::string(text_of(chain.newest()))) : json::value(nullptr);
    return print_json(out);
  }
  if (verified.broken) return print_line("broken: " + *verified.broken);
  if (!any) return print_line("whole: nothing is in it");
  print_line("whole: " + entries(chain.count()) + ", from " + std::to_string(chain.oldest().number) + " to " +
             std::to_string(chain.newest().number));
  print_line("head: " + text_of(chain.newest()));
}

/// True: it is whole.
bool verify(const Connection& connection, const VerifyOptions& given) {
  std::optional<model::AuditPoint> kept;
  if (!given.head.empty()) kept = read_audit_point(given.head);
  std::optional<Verified> verified;
  if (!given.file.empty()) {
    verify_file(verified, given.file, kept);
  } else {
    verified.emplace(Verified{AuditChain(AuditChain::Order::newest_first)});
    verified->kept = kept;
    if (given.data_dir.empty()) {
      verify_broker(*verified, connection);
    } else {
      verify_directory(*verified, given.data_dir);
    }
  }
  verified->finish();
  print_verdict(connection, *verified);
  return !verified->broken;
}

}  // namespace

void add_audit_commands(CLI::App& app, const Connection& connection, int& exit_status) {
  CLI::App* audit = app.add_subcommand("audit", "Who has changed or looked at what; without a command, as list");
  audit->fallthrough();
  const auto options = std::make_shared<ListOptions>();
  const auto add_list_options = [&options](CLI::App& command) {
    command.add_option("--actor", options->actor, "Of this actor")->type_name("TEXT");
    command.add_option("--operation", options->operation, "Of this operation, e.g. editCase")->type_name("NAME");
    command.add_option("--target", options->target, "On exactly this: a queue, a case, a group, a job, a filter")
        ->type_name("TEXT");
    command.add_option("--since", options->since, "Calls that came then or later: a time, a date, or -2h")
        ->type_name("TIME");
    command.add_option("--until", options->until, "Calls that came before")->type_name("TIME");
  };
  add_list_options(*audit);
  CLI::App* listing = audit->add_subcommand(
      "list", "One line a call, the newest first; with --json all entries as they are in the chain, to be exported");
  add_list_options(*listing);
  audit->callback([&connection, options, audit, listing] {
    if (audit->get_subcommands().empty() || listing->parsed()) list(connection, *options);
  });

  CLI::App* verifying = audit->add_subcommand(
      "verify", "Look whether the trail is whole: exit status 0, or 1 with the first entry that is wrong");
  const auto given = std::make_shared<VerifyOptions>();
  CLI::Option* directory =
      verifying->add_option("--data-dir", given->data_dir, "Of a stopped broker, writing nothing")->type_name("DIR");
  verifying->add_option("--file", given->file, "Of an export (audit list --json); - for standard input")
      ->type_name("FILE")
      ->excludes(directory);
  verifying->add_option("--head", given->head, "A head that was printed before: it must still be in the trail")
      ->type_name("NUMBER:HASH");
  verifying->callback([&connection, &exit_status, given] {
    if (!verify(connection, *given)) exit_status = 1;
  });
}

}  // namespace lazaret::cli
