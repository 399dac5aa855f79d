// HTTP requests as far as they are text: targets, parameters, origins, message objects.
#include "admin/message_json.h"
#include "admin/origin_check.h"
#include "admin/request.h"
#include "fuzz/target.h"

namespace lazaret::fuzz {

std::vector<std::string> seeds() {
  return {"/api/v1/queues?max=10&cursor=abc", "/api/v1/hospital/cases/0-1-2-3/body?x=%41%zz",
          "localhost:7351\nhttp://localhost:7351", R"({"type":"a","headers":{"k":"v"},"body":"text","priority":3})",
          R"({"id":"01a20df2-c64a-7044-88ee-363ac21a8e88","body_base64":"AAEC"})"};
}

}  // namespace lazaret::fuzz

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace lazaret;
  const std::string text(reinterpret_cast<const char*>(data), size);
  admin::Request request;
  request.target = text;
  if (admin::split_target(request).ok()) {
    (void)admin::number_parameter(request, "max", 10, 1, 1000).ok();
    (void)admin::flag_parameter(request, "force").ok();
  }
  const std::size_t line = text.find('\n');
  request.hosts = {text.substr(0, line)};
  if (line != std::string::npos) request.origins = {text.substr(line + 1)};
  for (const char* bound : {"127.0.0.1", "0.0.0.0"}) {
    (void)admin::OriginCheck(bound, {"broker.internal"}).check(request).ok();
  }
  if (const auto message = admin::read_message_json(text); message.ok()) {
    LZ_ASSERT(wire::decode_envelope(wire::encode_envelope(message->envelope)).ok());
  }
  return 0;
}
