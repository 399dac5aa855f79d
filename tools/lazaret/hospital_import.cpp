#include "hospital_import.h"

#include <cstdio>

#include <boost/json/parse.hpp>

#include "http_client.h"
#include "line_reader.h"
#include "output.h"

namespace lazaret::cli {
namespace {

using base::Code;

/// What goes in one request: few enough that the broker answers soon, and together below what it calls large. A line
/// that is larger goes alone.
constexpr std::size_t kBatchLines = 100;
constexpr std::size_t kBatchBytes = 512u << 10;
constexpr std::chrono::seconds kDeadline{60};
constexpr int kBadInput = 65;
/// Some editors put it before a text in UTF-8. It says nothing.
constexpr std::string_view kByteOrderMark = "\xEF\xBB\xBF";

struct ImportOptions {
  std::string file;
  std::string to;
};

/// What is only shown, and may be many times as large as the message: the broker would pass it over.
void leave_out_what_is_shown(json::value& line) {
  json::object* one = line.if_object();
  if (one == nullptr) return;
  one->erase("edits");
  json::value* message = one->if_contains("message");
  if (message != nullptr && message->is_object()) message->get_object().erase("body_protobuf");
}

/// What earlier attempts said of this; false: they said nothing. The last one is why there is a case.
bool leave_out_of_earlier(json::value& line, std::string_view field) {
  json::object* one = line.if_object();
  json::value* attempts = one == nullptr ? nullptr : one->if_contains("attempts");
  if (attempts == nullptr || !attempts->is_array()) return false;
  bool any = false;
  json::array& list = attempts->get_array();
  for (std::size_t i = 0; i + 1 < list.size(); ++i) {
    json::object* attempt = list[i].if_object();
    const json::value* said = attempt == nullptr ? nullptr : attempt->if_contains(field);
    if (said == nullptr || said->is_null()) continue;
    (*attempt)[field] = nullptr;
    any = true;
  }
  return any;
}

/// The lines of a file on their way, and what became of each.
class Import {
 public:
  Import(const Connection& connection, std::string to)
      : connection_(connection), to_(std::move(to)), http_(connection.admin_address()) {}

  void add(std::uint64_t number, const std::string& line) {
    boost::system::error_code error;
    json::value value = json::parse(line, error);
    if (error) return refuse(number, "BAD_REQUEST", "it is not JSON: " + error.message());
    leave_out_what_is_shown(value);
    if (!numbers_.empty() && bytes_ + line.size() > kBatchBytes) send();
    numbers_.push_back(number);
    items_.push_back(std::move(value));
    bytes_ += line.size();
    if (numbers_.size() == kBatchLines) send();
  }

  void refuse(std::uint64_t number, const std::string& code, const std::string& because) {
    count(number, {{"result", "refused"}, {"id", nullptr}, {"code", code}, {"because", because}});
  }

  void send() {
    send(numbers_, items_);
    numbers_.clear();
    items_.clear();
    bytes_ = 0;
    progress_.show("imported " + std::to_string(imported_) + ", skipped " + std::to_string(skipped_));
  }

  int finish() {
    send();
    progress_.clear();
    if (!connection_.json) {
      print_line("imported " + counted(imported_, "case") + ", skipped " + std::to_string(skipped_) + ", refused " +
                 std::to_string(refused_));
    }
    return refused_ == 0 ? 0 : kBadInput;
  }

 private:
  /// A line with which the broker takes none of them is found by sending each for itself; the others go on.
  void send(const std::vector<std::uint64_t>& numbers, const json::array& items) {
    if (numbers.empty()) return;
    json::object body{{"items", items}};
    if (!to_.empty()) body["to"] = to_;
    json::value answer;
    try {
      answer = http_.request("POST", target({"hospital", "import"}), body, kDeadline).body;
    } catch (const Error& error) {
      if (exit_of(error.problem) != kBadInput) throw;
      if (numbers.size() == 1) return send_less(numbers.front(), items.front(), error.problem);
      for (std::size_t i = 0; i < numbers.size(); ++i) send({numbers[i]}, json::array{items[i]});
      return;
    }
    const json::value* results = answer.is_object() ? answer.get_object().if_contains("items") : nullptr;
    if (results == nullptr || !results->is_array() || results->get_array().size() != numbers.size()) {
      fail(Code::BAD_FRAME, "what the broker says of the import is not what it was asked");
    }
    for (std::size_t i = 0; i < numbers.size(); ++i) count(numbers[i], results->get_array()[i].as_object());
  }

  /// A case of very many attempts with long texts: without those of the earlier ones it fits.
  void send_less(std::uint64_t number, const json::value& item, const Problem& problem) {
    json::value less = item;
    const bool is_too_large = problem.code == base::error_info(Code::MESSAGE_TOO_LARGE).name;
    for (const char* const field : {"error_details", "error_message"}) {
      if (!is_too_large || !leave_out_of_earlier(less, field)) continue;
      note(number, "it is too large with the " + std::string(field) + " of its earlier attempts: they are left out");
      return send({number}, json::array{std::move(less)});
    }
    refuse(number, problem.code, problem.text);
  }

  void note(std::uint64_t number, const std::string& text) {
    if (connection_.json) {
      noted_ = text;  // with the result, which comes next
      return;
    }
    progress_.clear();
    const std::string line = "line " + std::to_string(number) + ": " + text + "\n";
    std::fwrite(line.data(), 1, line.size(), stderr);
  }

  void count(std::uint64_t number, const json::object& result) {
    const std::string what = cell(result, "result");
    imported_ += what == "imported" ? 1 : 0;
    skipped_ += what == "skipped" ? 1 : 0;
    refused_ += what == "refused" ? 1 : 0;
    show(number, result);
  }

  /// For people only what they have to look at.
  void show(std::uint64_t number, json::object result) {
    if (connection_.json) {
      result["line"] = number;
      if (!noted_.empty() && result["because"].is_null()) result["because"] = noted_;
      noted_.clear();
      return print_json(result);
    }
    if (cell(result, "result") != "refused") return;
    progress_.clear();
    const std::string sentence = "line " + std::to_string(number) + ": " + cell(result, "because");
    report(problem_of(base::Status(code_of(cell(result, "code")), sentence)), false);
  }

  static Code code_of(const std::string& name) {
    const base::ErrorInfo* info = base::find_error(name);
    return info == nullptr ? Code::BAD_REQUEST : info->code;
  }

  const Connection& connection_;
  const std::string to_;
  HttpClient http_;
  Progress progress_;
  std::vector<std::uint64_t> numbers_;  // of the lines in `items_`
  json::array items_;
  std::size_t bytes_ = 0;
  std::string noted_;  // of the line that is sent again
  std::uint64_t imported_ = 0;
  std::uint64_t skipped_ = 0;
  std::uint64_t refused_ = 0;
};

int import_file(const Connection& connection, const ImportOptions& given) {
  LineReader reader(given.file);
  Import import(connection, given.to);
  std::string line;
  bool too_long = false;
  for (std::uint64_t number = 1; reader.next(line, too_long); ++number) {
    if (number == 1 && line.starts_with(kByteOrderMark)) line.erase(0, kByteOrderMark.size());
    if (too_long) {
      import.refuse(number, "MESSAGE_TOO_LARGE",
                    "it has more than " + std::to_string(LineReader::kLineBytes) + " bytes");
    } else if (line.find_first_not_of(" \t\r") != std::string::npos) {
      import.add(number, line);
    }
  }
  return import.finish();
}

}  // namespace

void add_hospital_import(CLI::App& hospital, const Connection& connection, int& exit_status) {
  CLI::App* command = hospital.add_subcommand(
      "import", "Cases that `hospital export` has written, perhaps elsewhere, become cases here; none of them twice");
  const auto given = std::make_shared<ImportOptions>();
  command->add_option("file", given->file, "JSON Lines; - for standard input")->required()->type_name("FILE");
  command->add_option("--to", given->to, "Into this queue or subscription, whatever the lines say")->type_name("NAME");
  command->callback([&connection, &exit_status, given] { exit_status = import_file(connection, *given); });
}

}  // namespace lazaret::cli
