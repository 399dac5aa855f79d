#include "bench_measure.h"

#include <sys/resource.h>

#include <algorithm>
#include <boost/asio/connect.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/beast/core.hpp>
#include <boost/beast/http.hpp>
#include <boost/json/parse.hpp>
#include <cmath>
#include <stdexcept>

namespace lazaret::cli {

BrokerUsage broker_usage(const std::string& admin) {
  namespace beast = boost::beast;
  namespace http = beast::http;
  boost::asio::io_context io;
  beast::tcp_stream stream(io);
  const std::size_t colon = admin.rfind(':');
  if (colon == std::string::npos) throw std::runtime_error("'" + admin + "' is not HOST:PORT");
  boost::asio::ip::tcp::resolver resolver(io);
  stream.connect(resolver.resolve(admin.substr(0, colon), admin.substr(colon + 1)));
  http::request<http::empty_body> request{http::verb::get, "/api/v1/status", 11};
  request.set(http::field::host, admin);
  http::write(stream, request);
  beast::flat_buffer buffer;
  http::response<http::string_body> response;
  http::read(stream, buffer, response);
  if (response.result() != http::status::ok) throw std::runtime_error("GET /api/v1/status: " + response.body());
  const boost::json::value status = boost::json::parse(response.body());
  const boost::json::object& process = status.at("process").as_object();
  BrokerUsage usage;
  usage.cpu_seconds = process.at("cpu_seconds_total").to_number<double>();
  usage.disk_write_bytes = process.at("disk_write_bytes_total").to_number<std::uint64_t>();
  usage.resident_bytes = process.at("resident_bytes").to_number<std::uint64_t>();
  const boost::json::object& store = status.at("store").as_object();
  usage.syncs = store.at("syncs_total").to_number<std::uint64_t>();
  usage.log_bytes = store.at("written_bytes_total").to_number<std::uint64_t>();
  return usage;
}

double own_cpu_seconds() {
  rusage spent{};
  ::getrusage(RUSAGE_SELF, &spent);
  const auto seconds = [](const timeval& time) {
    return static_cast<double>(time.tv_sec) + static_cast<double>(time.tv_usec) / 1e6;
  };
  return seconds(spent.ru_utime) + seconds(spent.ru_stime);
}

void Latencies::report(const std::string& name, boost::json::object& out) const {
  std::vector<double> sorted = us_;
  std::sort(sorted.begin(), sorted.end());
  const auto quantile = [&](double q) -> std::int64_t {
    if (sorted.empty()) return std::int64_t{0};
    // The smallest latency that this share of all did not exceed.
    const auto rank = static_cast<std::size_t>(std::ceil(q * static_cast<double>(sorted.size())));
    return std::llround(sorted[std::max<std::size_t>(rank, 1) - 1]);
  };
  out[name + "_p50_us"] = quantile(0.5);
  out[name + "_p99_us"] = quantile(0.99);
  out[name + "_p999_us"] = quantile(0.999);
  out[name + "_max_us"] = quantile(1);
  out[name + "_n"] = sorted.size();
}

}  // namespace lazaret::cli
