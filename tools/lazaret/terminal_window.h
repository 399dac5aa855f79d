// TerminalWindow: the whole window of a terminal, as long as the object lives. What was in it comes back at the end.
//
// Threading: the thread of the io_context.
#pragma once

#include <termios.h>

#include <cstddef>
#include <functional>
#include <string>
#include <vector>

#include <boost/asio/io_context.hpp>
#include <boost/asio/posix/stream_descriptor.hpp>

namespace lazaret::cli {

class TerminalWindow {
 public:
  struct Size {
    std::size_t columns = 80, lines = 24;
  };

  /// Standard output is a terminal. Keys are read where standard input is one too: `key` gets each as it is pressed,
  /// and '\0' when the terminal has gone.
  TerminalWindow(boost::asio::io_context& io, std::function<void(char)> key);
  ~TerminalWindow();
  TerminalWindow(const TerminalWindow&) = delete;
  TerminalWindow& operator=(const TerminalWindow&) = delete;

  Size size() const;
  /// In place of what is shown; the lines fit `size`. Throws Error when the terminal does not take it.
  void draw(const std::vector<std::string>& lines);
  /// Gives the terminal back and takes it again, before and after this process is stopped (Ctrl-Z).
  void leave();
  void enter();

 private:
  void await_key();

  const std::function<void(char)> key_;
  boost::asio::posix::stream_descriptor keys_;
  char pressed_ = 0;
  bool reads_keys_ = false;
  bool entered_ = false;
  termios before_{};  // of standard input, when reads_keys_
};

}  // namespace lazaret::cli
