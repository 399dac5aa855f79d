// protobuf prints a line for every text that is not UTF-8; millions of inputs would be millions of lines.
#include <google/protobuf/stubs/logging.h>

namespace {
[[maybe_unused]] const auto kSilenced = google::protobuf::SetLogHandler(nullptr);
}  // namespace
