// Hello, Welcome, and what either side may say at any time.
#include <algorithm>

#include "base/text_encoding.h"
#include "wire/protobuf_frame.h"

namespace lazaret::wire {

void fill(v1::Problem* problem, const base::Status& status) {
  const base::ErrorInfo& info = base::error_info(status.code());
  problem->set_number(static_cast<std::uint32_t>(status.code()));
  problem->set_code(std::string(info.name));
  problem->set_fault(std::string(to_string(info.fault)));
  problem->set_retry(std::string(to_string(info.retry)));
  problem->set_retry_after_ms(status.retry_after_ms());
  // A file name in it may be anything.
  problem->set_text(base::to_utf8(status.text()));
  problem->set_limit(status.limit());
  problem->set_value(status.limit_value());
}

/// An error that this version does not know keeps its text and counts as INTERNAL.
base::Status status_of(const v1::Problem& problem) {
  if (problem.number() == 0) return {};
  base::Code code = static_cast<base::Code>(problem.number());
  if (base::error_info(code).code != code) code = base::Code::INTERNAL;
  return base::Status(code, problem.text())
      .with_limit(problem.limit(), problem.value())
      .with_retry_after_ms(problem.retry_after_ms());
}

std::vector<std::string> features() {
  return {std::string(kFeatureTime),         std::string(kFeatureRequests), std::string(kFeatureTransactions),
          std::string(kFeaturePriority),     std::string(kFeatureAsks),     std::string(kFeatureAsksAlong),
          std::string(kFeatureAsksTogether), std::string(kFeatureSchedules)};
}

std::vector<std::string> features_of_both(const std::vector<std::string>& theirs) {
  std::vector<std::string> both = features();
  std::erase_if(both,
                [&](const std::string& one) { return std::find(theirs.begin(), theirs.end(), one) == theirs.end(); });
  return both;
}

OutFrame encode(const Hello& frame) {
  v1::Hello out;
  out.set_version_least(frame.version_least);
  out.set_version_most(frame.version_most);
  for (const std::string& feature : frame.features) out.add_features(feature);
  v1::Instance* instance = out.mutable_instance();
  instance->set_id(frame.instance.id.raw().data(), 16);
  instance->set_name(frame.instance.name);
  instance->set_host(frame.instance.host);
  instance->set_version(frame.instance.version);
  out.set_speaks_started(frame.instance.speaks_started);
  if (frame.resume) {
    out.mutable_resume()->set_session(frame.resume->session.value);
    out.mutable_resume()->set_consumers(frame.resume->consumers);
    out.mutable_resume()->set_connections(frame.resume->connections);
  }
  return to_frame(FrameType::hello, out);
}

template <>
base::Result<Hello> decode<Hello>(const Frame& frame) {
  const auto in = parse_header<v1::Hello>(frame);
  if (in == nullptr) return bad_frame("HELLO cannot be decoded");
  const auto id = base::Uuid::from_raw(in->instance().id());
  if (!id || id->is_nil()) return bad_frame("HELLO needs an instance id of sixteen bytes");
  for (const std::string* text : {&in->instance().name(), &in->instance().host(), &in->instance().version()}) {
    if (text->size() > 200) return bad_frame("name, host and version of an instance have at most 200 bytes each");
  }
  Hello out;
  out.version_least = in->version_least();
  out.version_most = in->version_most();
  out.features.assign(in->features().begin(), in->features().end());
  out.instance = {*id, in->instance().name(), in->instance().host(), in->instance().version(), in->speaks_started()};
  if (in->has_resume()) {
    out.resume = Hello::Resume{model::SessionId(in->resume().session()), in->resume().consumers(),
                               std::max(in->resume().connections(), 1u)};
  }
  return out;
}

OutFrame encode(const Welcome& frame) {
  v1::Welcome out;
  out.set_version(frame.version);
  for (const std::string& feature : frame.features) out.add_features(feature);
  out.set_session(frame.session.value);
  v1::Limits* limits = out.mutable_limits();
  limits->set_max_message_bytes(frame.max_message_bytes);
  limits->set_max_header_bytes(frame.max_header_bytes);
  limits->set_max_frame_bytes(frame.max_frame_bytes);
  limits->set_max_batch_items(frame.max_batch_items);
  limits->set_max_publish_window(frame.max_publish_window);
  out.set_heartbeat_ms(static_cast<std::uint32_t>(frame.heartbeat.count() / 1000));
  out.set_admin_address(frame.admin_address);
  out.set_broker_instance(frame.broker_instance.raw().data(), 16);
  out.set_shard_map_version(1);
  out.set_broker_version(frame.broker_version);
  return to_frame(FrameType::welcome, out);
}

template <>
base::Result<Welcome> decode<Welcome>(const Frame& frame) {
  const auto in = parse_header<v1::Welcome>(frame);
  if (in == nullptr) return bad_frame("WELCOME cannot be decoded");
  Welcome out;
  out.version = in->version();
  out.features.assign(in->features().begin(), in->features().end());
  out.session = model::SessionId(in->session());
  out.max_message_bytes = in->limits().max_message_bytes();
  out.max_header_bytes = in->limits().max_header_bytes();
  out.max_frame_bytes = in->limits().max_frame_bytes();
  out.max_batch_items = in->limits().max_batch_items();
  out.max_publish_window = in->limits().max_publish_window();
  out.heartbeat = std::chrono::milliseconds(in->heartbeat_ms());
  out.admin_address = in->admin_address();
  out.broker_instance = base::Uuid::from_raw(in->broker_instance()).value_or(base::Uuid());
  out.broker_version = in->broker_version();
  return out;
}

OutFrame encode(const Ping& frame) {
  v1::Ping out;
  out.set_number(frame.number);
  return to_frame(FrameType::ping, out);
}
template <>
base::Result<Ping> decode<Ping>(const Frame& frame) {
  const auto in = parse_header<v1::Ping>(frame);
  if (in == nullptr) return bad_frame("PING cannot be decoded");
  return Ping{in->number()};
}

OutFrame encode(const Pong& frame) {
  v1::Pong out;
  out.set_number(frame.number);
  return to_frame(FrameType::pong, out);
}
template <>
base::Result<Pong> decode<Pong>(const Frame& frame) {
  const auto in = parse_header<v1::Pong>(frame);
  if (in == nullptr) return bad_frame("PONG cannot be decoded");
  return Pong{in->number()};
}

OutFrame encode(const Goodbye&) { return to_frame(FrameType::goodbye, v1::Goodbye()); }

OutFrame encode(const Error& frame) {
  v1::Error out;
  out.set_request(frame.request);
  fill(out.mutable_problem(), frame.status);
  return to_frame(FrameType::error, out);
}
template <>
base::Result<Goodbye> decode<Goodbye>(const Frame& frame) {
  if (parse_header<v1::Goodbye>(frame) == nullptr) return bad_frame("GOODBYE cannot be decoded");
  return Goodbye{};
}
template <>
base::Result<Error> decode<Error>(const Frame& frame) {
  const auto in = parse_header<v1::Error>(frame);
  if (in == nullptr) return bad_frame("ERROR cannot be decoded");
  return Error{in->request(), status_of(in->problem())};
}

OutFrame encode(const Closing& frame) {
  v1::Closing out;
  fill(out.mutable_problem(), frame.status);
  return to_frame(FrameType::closing, out);
}
template <>
base::Result<Closing> decode<Closing>(const Frame& frame) {
  const auto in = parse_header<v1::Closing>(frame);
  if (in == nullptr) return bad_frame("CLOSING cannot be decoded");
  return Closing{status_of(in->problem())};
}

}  // namespace lazaret::wire
