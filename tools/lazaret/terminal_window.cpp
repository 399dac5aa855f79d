#include "terminal_window.h"

#include <fcntl.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include <boost/asio/buffer.hpp>

#include "output.h"

namespace lazaret::cli {
namespace {

namespace asio = boost::asio;

// xterm's, which every terminal of today knows.
constexpr std::string_view kEnter = "\x1b[?1049h\x1b[?25l\x1b[2J";  // other screen, no cursor, empty
constexpr std::string_view kLeave = "\x1b[?25h\x1b[?1049l";
constexpr std::string_view kTopLeft = "\x1b[H";
constexpr std::string_view kClearLine = "\x1b[2K";
constexpr std::string_view kClearBelow = "\x1b[J";

}  // namespace

TerminalWindow::TerminalWindow(asio::io_context& io, std::function<void(char)> key) : key_(std::move(key)), keys_(io) {
  if (is_terminal(STDIN_FILENO) && ::tcgetattr(STDIN_FILENO, &before_) == 0) {
    // Opened anew: what is set on a duplicate of the descriptor would hold for the shell as well, which has it too.
    const int own = ::open("/proc/self/fd/0", O_RDONLY | O_NOCTTY | O_CLOEXEC);
    if (own >= 0) keys_.assign(own);
    reads_keys_ = own >= 0;
  }
  enter();
  await_key();
}

TerminalWindow::~TerminalWindow() { leave(); }

void TerminalWindow::enter() {
  if (reads_keys_) {
    termios raw = before_;
    raw.c_lflag &= ~static_cast<tcflag_t>(ICANON | ECHO);
    ::tcsetattr(STDIN_FILENO, TCSANOW, &raw);
  }
  entered_ = true;
  print(kEnter);
}

void TerminalWindow::leave() {
  if (!entered_) return;
  entered_ = false;
  // A terminal that takes nothing any more has nothing to be restored either.
  [[maybe_unused]] const ssize_t ignored = ::write(STDOUT_FILENO, kLeave.data(), kLeave.size());
  if (reads_keys_) ::tcsetattr(STDIN_FILENO, TCSANOW, &before_);
}

TerminalWindow::Size TerminalWindow::size() const {
  winsize window{};
  if (::ioctl(STDOUT_FILENO, TIOCGWINSZ, &window) != 0 || window.ws_col == 0 || window.ws_row == 0) return {};
  return {window.ws_col, window.ws_row};
}

void TerminalWindow::draw(const std::vector<std::string>& lines) {
  // Each line is cleared before it is written: behind a line that fills the window its last character would go.
  std::string text(kTopLeft);
  for (const std::string& line : lines) {
    if (&line != lines.data()) text += "\r\n";
    text += kClearLine;
    text += line;
  }
  if (lines.size() < size().lines) {
    text += "\r\n";
    text += kClearBelow;
  }
  print(text);
}

void TerminalWindow::await_key() {
  if (!reads_keys_) return;
  keys_.async_read_some(asio::buffer(&pressed_, 1), [this](boost::system::error_code error, std::size_t got) {
    if (error == asio::error::operation_aborted) return;
    const char key = error || got == 0 ? '\0' : pressed_;
    if (key != '\0') await_key();
    key_(key);
  });
}

}  // namespace lazaret::cli
