// A blocking TCP connection to loopback: what is written gathers until flush(), what is read until it is eaten.
#pragma once

#include <arpa/inet.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cstdint>
#include <cstring>
#include <stdexcept>
#include <string>
#include <string_view>
#include <vector>

namespace peers {

class Socket {
 public:
  explicit Socket(int port) : fd_(::socket(AF_INET, SOCK_STREAM, 0)) {
    sockaddr_in to{};
    to.sin_family = AF_INET;
    to.sin_port = htons(static_cast<std::uint16_t>(port));
    to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    if (::connect(fd_, reinterpret_cast<const sockaddr*>(&to), sizeof to) != 0) {
      ::close(fd_);
      throw std::runtime_error("nobody listens on port " + std::to_string(port));
    }
    const int on = 1;
    ::setsockopt(fd_, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
  }
  ~Socket() { ::close(fd_); }
  Socket(const Socket&) = delete;

  /// What flush() will send.
  std::string out;
  void flush() {
    for (std::size_t at = 0; at < out.size();) {
      const ssize_t sent = ::send(fd_, out.data() + at, out.size() - at, MSG_NOSIGNAL);
      if (sent <= 0) throw std::runtime_error("the broker hung up");
      at += static_cast<std::size_t>(sent);
    }
    out.clear();
  }

  /// What has been read and not eaten; valid until the next read.
  std::string_view in() const { return {in_.data() + begin_, end_ - begin_}; }
  void eat(std::size_t bytes) { begin_ += bytes; }
  /// Reads once, waiting at most so many microseconds; false when nothing came.
  bool read(std::int64_t most_us) {
    pollfd ready{fd_, POLLIN, 0};
    const timespec wait{most_us / 1'000'000, most_us % 1'000'000 * 1000};
    if (::ppoll(&ready, 1, &wait, nullptr) <= 0) return false;
    std::memmove(in_.data(), in_.data() + begin_, end_ - begin_);
    end_ -= begin_;
    begin_ = 0;
    if (in_.size() - end_ < kLeastRoom) in_.resize(in_.size() + kRoom);
    const ssize_t got = ::recv(fd_, in_.data() + end_, in_.size() - end_, 0);
    if (got <= 0) throw std::runtime_error("the broker hung up");
    end_ += static_cast<std::size_t>(got);
    return true;
  }

 private:
  static constexpr std::size_t kRoom = 256u << 10;
  static constexpr std::size_t kLeastRoom = 64u << 10;

  const int fd_;
  std::vector<char> in_ = std::vector<char>(kRoom);
  std::size_t begin_ = 0;
  std::size_t end_ = 0;
};

}  // namespace peers
