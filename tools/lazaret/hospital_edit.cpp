// lazaret hospital edit|diff|compare|restore
#include "hospital_edit.h"

#include <algorithm>
#include <fstream>
#include <iostream>
#include <iterator>

#include <boost/json/parse.hpp>

#include "base/text_encoding.h"
#include "commands.h"
#include "hospital_cases.h"
#include "many_cases.h"
#include "message_view.h"
#include "name_value.h"

namespace lazaret::cli {
namespace {

using base::Code;

struct EditOptions {
  std::string id;
  std::string body_file;
  bool as_json = false;
  std::string merge;
  std::vector<std::string> headers;
  std::vector<std::string> removed_headers;
  std::optional<std::string> content_type;
  std::optional<std::uint32_t> version;
  std::string by;
  std::string note;
  bool dry_run = false;
};

std::string contents_of(const std::string& file) {
  if (file == "-") return {std::istreambuf_iterator<char>(std::cin), {}};
  std::ifstream in(file, std::ios::binary);
  if (!in) fail(Code::USAGE, "cannot read " + file);
  return {std::istreambuf_iterator<char>(in), {}};
}

/// As the API takes it.
json::object edit_of(const EditOptions& given) {
  json::object edit;
  if (given.as_json && given.body_file.empty()) fail(Code::USAGE, "--as-json says what is in the --body-file");
  if (!given.body_file.empty()) {
    const std::string body = contents_of(given.body_file);
    // Bytes stay bytes, also where they happen to be text: of protobuf a text is what it is to say.
    if (!given.as_json) {
      edit["body_base64"] = base::to_base64(body);
    } else if (base::is_utf8(body)) {
      edit["body"] = body;
    } else {
      fail(Code::USAGE, given.body_file + " is not JSON: it is not even UTF-8");
    }
  }
  if (!given.merge.empty()) {
    boost::system::error_code error;
    edit["merge"] = json::parse(given.merge, error);
    if (error) fail(Code::USAGE, "--merge is not JSON: " + error.message());
  }
  json::object headers;
  for (const std::string& name : given.removed_headers) headers[name] = nullptr;
  for (const auto& [name, value] : pairs_of(given.headers, "--header")) {
    json::value& slot = headers[name];
    if (!slot.is_array()) slot.emplace_array();
    slot.get_array().emplace_back(value);
  }
  if (!headers.empty()) edit["headers"] = std::move(headers);
  if (given.content_type) edit["content_type"] = *given.content_type;
  if (edit.empty()) {
    fail(Code::USAGE, "give --body-file, --merge, --header, --remove-header or --content-type: what is to be changed");
  }
  if (!given.by.empty()) edit["by"] = given.by;
  if (!given.note.empty()) edit["note"] = given.note;
  return edit;
}

bool any_differs(const json::array& lines) {
  return std::any_of(lines.begin(), lines.end(),
                     [](const json::value& line) { return cell(line.as_object(), "kind") != "same"; });
}

/// What differs, as people know it from other tools; of what stays the same three lines around.
void print_difference(const json::array& lines) {
  constexpr std::size_t kAround = 3;
  const auto kind = [&](std::size_t at) { return cell(lines[at].as_object(), "kind"); };
  std::size_t shown_to = 0;
  for (std::size_t at = 0; at < lines.size(); ++at) {
    if (kind(at) == "same") continue;
    for (std::size_t near = std::max(shown_to, at < kAround ? 0 : at - kAround); near < at + kAround + 1; ++near) {
      if (near >= lines.size() || (near > at && kind(near) != "same")) break;
      const std::string mark = kind(near) == "same" ? "  " : kind(near) == "removed" ? "- " : "+ ";
      const json::value* text = lines[near].as_object().if_contains("text");
      print_line(mark + (text != nullptr && text->is_string() ? printable(std::string_view(text->get_string())) : ""));
      shown_to = near + 1;
    }
  }
}

void print_or_say_same(const json::array& lines) {
  if (!any_differs(lines)) print_line("nothing differs");
  print_difference(lines);
}

std::uint32_t version_in(const json::value& found) {
  const json::value* version = found.is_object() ? found.get_object().if_contains("version") : nullptr;
  return version != nullptr && version->is_int64() ? static_cast<std::uint32_t>(version->get_int64()) : 0;
}

/// Of an edit that came too late: what has become of the message that it was meant for.
void print_what_changed_meanwhile(const json::object& refusal) {
  const json::value* difference = refusal.if_contains("difference");
  const json::array* lines = difference == nullptr ? nullptr : difference->if_array();
  if (lines == nullptr || !any_differs(*lines)) return;
  print_line("- version " + cell(refusal, "expected"));
  print_line("+ version " + cell(refusal, "version"));
  print_difference(*lines);
}

void make_edit(const Connection& connection, const EditOptions& given) {
  HttpClient http(connection.admin_address());
  const json::object change = edit_of(given);
  const std::uint32_t seen =
      given.version ? *given.version : version_in(http.get(target({"hospital", "cases", given.id}, without_body())));
  const Query headers = {{"If-Match", '"' + std::to_string(seen) + '"'}};
  if (given.dry_run) {
    const auto preview =
        http.request("POST", target({"hospital", "cases", given.id, "diff"}), change, HttpClient::kDeadline, headers);
    if (connection.json) return print_json(preview.body);
    return print_or_say_same(preview.body.as_object().at("lines").as_array());
  }
  const json::value now =
      http.request("PATCH", target({"hospital", "cases", given.id}), change, HttpClient::kDeadline, headers).body;
  if (connection.json) return print_json(now);
  const std::uint32_t version = version_in(now);
  if (version == seen) {
    return print_line("that changes nothing: case " + given.id + " stays at version " + std::to_string(version));
  }
  print_line("case " + given.id + " is at version " + std::to_string(version));
  const json::value difference = http.get(target({"hospital", "cases", given.id, "diff"},
                                                 {{"from", std::to_string(seen)}, {"to", std::to_string(version)}}));
  const json::value* lines = difference.is_object() ? difference.get_object().if_contains("lines") : nullptr;
  if (lines != nullptr && lines->is_array()) print_difference(lines->get_array());
}

void edit(const Connection& connection, const EditOptions& given) {
  try {
    make_edit(connection, given);
  } catch (const Refused& refused) {
    if (!connection.json) print_what_changed_meanwhile(refused.document);
    throw;
  }
}

struct DiffOptions {
  std::string id;
  std::optional<std::uint32_t> from, to;
};

void diff(const Connection& connection, const DiffOptions& given) {
  Query versions;
  if (given.from) versions.emplace_back("from", std::to_string(*given.from));
  if (given.to) versions.emplace_back("to", std::to_string(*given.to));
  HttpClient http(connection.admin_address());
  const json::object found = http.get(target({"hospital", "cases", given.id, "diff"}, versions)).as_object();
  if (connection.json) return print_json(found);
  print_line("- version " + cell(found, "from"));
  print_line("+ version " + cell(found, "to"));
  print_or_say_same(found.at("lines").as_array());
  const json::value* masked = found.if_contains("masked_differs");
  if (masked != nullptr && masked->is_bool() && masked->get_bool()) print_line("what is masked differs too");
}

void compare(const Connection& connection, const std::string& id) {
  HttpClient http(connection.admin_address());
  const json::object found = http.get(target({"hospital", "cases", id, "acknowledged"})).as_object();
  if (connection.json) return print_json(found);
  const json::object* message = found.at("message").if_object();
  if (message == nullptr) {
    print_line("no message of its type was acknowledged there that is still kept");
    return;
  }
  print_line("- " + cell(*message, "id") + ", acknowledged, at offset " + cell(*message, "offset"));
  print_line("+ the message of case " + id);
  print_or_say_same(found.at("lines").as_array());
}

int restore(const Connection& connection, const ChosenCases& given) {
  if (given.ids.empty()) return treat_many(connection, given, {"restore", "restored", "admitted"});
  HttpClient http(connection.admin_address());
  const auto ids = given.choose(http, "restore");
  CaseResults results(connection, "restored", ids.size());
  for (const std::string& id : ids) {
    results.run(id, [&] {
      return http.request("POST", target({"hospital", "cases", id, "restore"}), {}).body.as_object();
    });
  }
  return results.finish();
}

}  // namespace

void add_hospital_edit(CLI::App& hospital, const Connection& connection) {
  CLI::App* command = hospital.add_subcommand("edit", "Change the message of a case; every version is kept");
  const auto given = std::make_shared<EditOptions>();
  command->add_option("id", given->id, "The case")->required()->type_name("ID");
  command->add_option("--body-file", given->body_file, "The new body as a whole; - for standard input")
      ->type_name("FILE");
  command->add_flag("--as-json", given->as_json,
                    "The body is protobuf, and the --body-file has JSON of what it is to say, as show prints it");
  command
      ->add_option("--merge", given->merge,
                   "A merge patch of the JSON in the body, or of what protobuf says (RFC 7396): null takes a field out")
      ->type_name("JSON");
  command->add_option("--header", given->headers, "In place of all headers of that name; repeatable")
      ->type_name("NAME=VALUE")
      ->allow_extra_args(false);
  command->add_option("--remove-header", given->removed_headers, "All headers of that name go; repeatable")
      ->type_name("NAME")
      ->allow_extra_args(false);
  command->add_option("--content-type", given->content_type, "The media type of the body")->type_name("TYPE");
  command
      ->add_option("--if-version", given->version,
                   "Only if the message is at this version; the one that it has when it is not given")
      ->type_name("N")
      ->check(whole_number());
  command->add_option("--by", given->by, "Who edits; kept with the version")->type_name("TEXT");
  command->add_option("--note", given->note, "Why; kept with the version")->type_name("TEXT");
  command->add_flag("--dry-run", given->dry_run, "Show what would differ, and change nothing");
  command->callback([&connection, given] { edit(connection, *given); });
}

void add_hospital_diff(CLI::App& hospital, const Connection& connection) {
  CLI::App* command = hospital.add_subcommand("diff", "What differs between two versions of the message of a case");
  const auto given = std::make_shared<DiffOptions>();
  command->add_option("id", given->id, "The case")->required()->type_name("ID");
  command->add_option("--from", given->from, "From this version; 0, what was published, when it is not given")
      ->type_name("N");
  command->add_option("--to", given->to, "To this version; the newest when it is not given")->type_name("N");
  command->callback([&connection, given] { diff(connection, *given); });
}

void add_hospital_compare(CLI::App& hospital, const Connection& connection) {
  CLI::App* command = hospital.add_subcommand(
      "compare", "What differs from the newest message of its type that was acknowledged there");
  const auto id = std::make_shared<std::string>();
  command->add_option("id", *id, "The case")->required()->type_name("ID");
  command->callback([&connection, id] { compare(connection, *id); });
}

void add_hospital_restore(CLI::App& hospital, const Connection& connection, int& exit_status) {
  CLI::App* command = hospital.add_subcommand("restore", "Take discards back, until case_retention is over");
  const auto cases = std::make_shared<ChosenCases>();
  cases->add_options(*command, "discarded");
  command->callback([&connection, &exit_status, cases] { exit_status = restore(connection, *cases); });
}

}  // namespace lazaret::cli
