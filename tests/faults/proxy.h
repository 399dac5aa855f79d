// Proxy: a bad network between clients and a broker, on loopback. Forwards what comes, until a test says otherwise.
//
//   Proxy proxy(broker.broker());
//   Client client = Client::connect(proxy.url());
//   proxy.reset_all();                             // as a router that forgets its connections
//   proxy.cut_after(Proxy::Way::to_broker, 17);    // after 17 more bytes the connection is at its end
//   proxy.silence();                               // as a cable that is pulled: nobody is told anything
//
// Threading: any thread; one of its own forwards. What a call says is in force when it returns.
#pragma once

#include <array>
#include <boost/asio/awaitable.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/steady_timer.hpp>
#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <thread>

namespace lazaret::testing {

class Proxy {
 public:
  enum class Way : std::uint8_t { to_broker, to_client };
  /// How a connection that is cut ends for both sides.
  enum class Ending : std::uint8_t { reset, close };

  /// `broker` is HOST:PORT. It need not be there: a client that comes then is reset.
  explicit Proxy(const std::string& broker);
  ~Proxy();
  Proxy(const Proxy&) = delete;
  Proxy& operator=(const Proxy&) = delete;

  std::string address() const { return "127.0.0.1:" + std::to_string(port_); }
  std::string url() const { return "lazaret://" + address(); }

  /// Ends all connections.
  void reset_all();
  /// The connections of now end when so many more bytes have gone that way; none beyond them arrives.
  void cut_after(Way way, std::size_t bytes, Ending ending = Ending::reset);
  /// The same for each connection that is made from now on, counted from its first byte.
  void cut_new_after(Way way, std::size_t bytes);
  void cut_no_more();
  /// On the connections of now nothing goes that way any more.
  void freeze(Way way);
  /// Freezes all connections and those that are made until `speak`, both ways. Those of before `speak` stay dead.
  void silence();
  void speak();
  /// At most so many bytes at a time go that way, and then nothing for a while, on all connections.
  void trickle(Way way, std::size_t bytes, std::chrono::milliseconds pause);

  /// Taken so far.
  std::size_t connections();
  /// That neither side has ended.
  std::size_t open();

 private:
  using tcp = boost::asio::ip::tcp;
  struct Flow {
    std::optional<std::size_t> left;  // until it is cut
    bool frozen = false;
  };
  struct Link;
  using LinkRef = std::shared_ptr<Link>;
  struct Pace {
    std::size_t bytes = 64u << 10;
    std::chrono::milliseconds pause{0};
  };

  void call(std::function<void()> what);
  boost::asio::awaitable<void> accept();
  boost::asio::awaitable<void> serve(LinkRef link);
  boost::asio::awaitable<void> pump(LinkRef link, Way way);
  /// Both sides hear of it at once.
  static void end(Link& link, Ending ending);

  boost::asio::io_context io_{1};
  tcp::acceptor acceptor_;
  std::uint16_t port_;
  tcp::endpoint broker_;
  std::array<Pace, 2> paces_;
  std::array<std::optional<std::size_t>, 2> cut_new_;
  bool silent_ = false;
  std::size_t connections_ = 0;
  std::set<LinkRef> links_;
  std::thread thread_;
};

}  // namespace lazaret::testing
