#include "daemon/logging.h"

#include <google/protobuf/stubs/logging.h>
#include <spdlog/sinks/stdout_sinks.h>
#include <spdlog/spdlog.h>

#include <boost/json/serialize.hpp>
#include <boost/json/value.hpp>

#include "base/duration_text.h"
#include "base/text_encoding.h"

namespace lazaret::daemon {
namespace {

/// {"time": …, "level": …, "message": …}
class JsonLine final : public spdlog::formatter {
 public:
  void format(const spdlog::details::log_msg& message, spdlog::memory_buf_t& line) override {
    const auto time = std::chrono::duration_cast<base::Duration>(message.time.time_since_epoch());
    const auto level = spdlog::level::to_string_view(message.level);
    const boost::json::object object{{"time", base::format_rfc3339(base::Instant{time.count()})},
                                     {"level", boost::json::string_view(level.data(), level.size())},
                                     {"message", base::to_utf8({message.payload.data(), message.payload.size()})}};
    const std::string text = boost::json::serialize(object) + "\n";
    line.append(text.data(), text.data() + text.size());
  }
  std::unique_ptr<spdlog::formatter> clone() const override { return std::make_unique<JsonLine>(); }
};

}  // namespace

void set_up_logging(const Configuration::Log& log) {
  auto logger = std::make_shared<spdlog::logger>("lazaretd", std::make_shared<spdlog::sinks::stderr_sink_mt>());
  logger->set_level(spdlog::level::from_str(log.level));
  logger->flush_on(spdlog::level::trace);
  if (log.format == "json") {
    logger->set_formatter(std::make_unique<JsonLine>());
  } else {
    logger->set_pattern("%Y-%m-%dT%H:%M:%S.%e%z %l %v");
  }
  spdlog::set_default_logger(std::move(logger));
  // It prints a line for every text of a client that is not UTF-8. Whoever sent it gets an error; the log is ours.
  google::protobuf::SetLogHandler(nullptr);
}

}  // namespace lazaret::daemon
