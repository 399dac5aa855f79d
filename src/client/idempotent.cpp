#include "lazaret/idempotent.h"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <deque>
#include <filesystem>
#include <string_view>

#include "base/crc32c.h"
#include "client/blocking.h"

namespace lazaret {
namespace {

using base::Code;
using base::Status;

/// How long a message waits whose handler still runs for an earlier delivery of it.
constexpr milliseconds kInHand{1000};

/// The last so many ids.
/// Threading: one at a time.
class RecentIds {
 public:
  explicit RecentIds(std::size_t capacity) : capacity_(std::max<std::size_t>(capacity, 1)) {}
  bool contains(const MessageId& id) const { return ids_.contains(id); }
  /// False when it is there already.
  bool add(const MessageId& id) {
    if (!ids_.insert(id).second) return false;
    order_.push_back(id);
    if (order_.size() <= capacity_) return true;
    ids_.erase(order_.front());
    order_.pop_front();
    return true;
  }
  const std::deque<MessageId>& in_order() const { return order_; }
  std::size_t capacity() const { return capacity_; }

 private:
  const std::size_t capacity_;
  std::set<MessageId> ids_;
  std::deque<MessageId> order_;
};

class MemoryStore : public IdempotencyStore {
 public:
  explicit MemoryStore(std::size_t capacity) : ids_(capacity) {}
  bool contains(const MessageId& id) override {
    const std::lock_guard lock(mutex_);
    return ids_.contains(id);
  }
  void remember(const MessageId& id) override {
    const std::lock_guard lock(mutex_);
    ids_.add(id);
  }

 private:
  std::mutex mutex_;
  RecentIds ids_;  // GUARDED_BY(mutex_)
};

// --- A file ----------------------------------------------------------------------------------------------------------
//
//   16 bytes  "lazaret ids v1.\n"
//   20 bytes  an id, and its CRC-32C, little-endian; the oldest first
//   …
//
// Each record is synced before the next one is written, so only the last can be torn, which nobody was told of.

constexpr std::string_view kMagic = "lazaret ids v1.\n";
constexpr std::size_t kIdBytes = 16;
constexpr std::size_t kRecordBytes = kIdBytes + 4;

std::string record_of(const MessageId& id) {
  std::string record(reinterpret_cast<const char*>(id.bytes.data()), kIdBytes);
  const std::uint32_t crc = base::crc32c(record);
  for (int shift = 0; shift < 32; shift += 8) record += static_cast<char>(crc >> shift & 0xff);
  return record;
}

class FileStore : public IdempotencyStore {
 public:
  FileStore(const std::string& path, std::size_t capacity) : path_(path), ids_(capacity) {
    try {
      open();
      read();
    } catch (...) {
      if (file_ >= 0) ::close(file_);
      throw;
    }
  }
  ~FileStore() override {
    if (file_ >= 0) ::close(file_);
  }

  bool contains(const MessageId& id) override {
    const std::lock_guard lock(mutex_);
    check();
    return ids_.contains(id);
  }

  /// One record at a time is written and not synced: so only the last can be torn.
  void remember(const MessageId& id) override {
    const std::lock_guard lock(mutex_);
    check();
    if (!ids_.add(id)) return;
    write(file_, record_of(id));
    if (::fdatasync(file_) != 0) break_off("cannot be synced");
    if (++records_ >= 2 * ids_.capacity()) write_anew();
  }

 private:
  [[noreturn]] void refuse(Code code, const std::string& why) const { detail::raise(Status(code, path_ + ": " + why)); }
  [[noreturn]] void break_off(const char* what) {
    broken_ = true;
    refuse(Code::STORAGE_FAILED, std::string(what) + ": " + std::strerror(errno));
  }
  void check() const {
    if (broken_) refuse(Code::STORAGE_FAILED, "an earlier write failed");
  }

  /// Another process may have replaced the file between our open and our lock: then it is not the one that counts.
  void open() {
    struct stat ours {};
    struct stat there {};
    do {
      if (file_ >= 0) ::close(file_);
      file_ = ::open(path_.c_str(), O_RDWR | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
      if (file_ < 0) break_off("cannot be opened");
      if (::flock(file_, LOCK_EX | LOCK_NB) != 0) refuse(Code::DIRECTORY_LOCKED, "another process has it open");
    } while (::fstat(file_, &ours) != 0 || ::stat(path_.c_str(), &there) != 0 || ours.st_ino != there.st_ino);
  }

  void read() {
    std::string text;
    char piece[64 << 10];
    ssize_t got = 0;
    while ((got = ::read(file_, piece, sizeof(piece))) > 0 || (got < 0 && errno == EINTR)) {
      if (got > 0) text.append(piece, static_cast<std::size_t>(got));
    }
    if (got < 0) refuse(Code::STORAGE_FAILED, std::string("cannot be read: ") + std::strerror(errno));
    if (text.size() < kMagic.size() && kMagic.starts_with(text)) return begin();
    if (!text.starts_with(kMagic)) refuse(Code::STORAGE_DAMAGED, "is no file of message ids");
    std::size_t at = kMagic.size();
    for (; at + kRecordBytes <= text.size(); at += kRecordBytes) {
      MessageId id;
      std::memcpy(id.bytes.data(), text.data() + at, kIdBytes);
      if (record_of(id) != text.substr(at, kRecordBytes)) break;
      ids_.add(id);
      ++records_;
    }
    if (text.size() - at > kRecordBytes) refuse(Code::STORAGE_DAMAGED, "byte " + std::to_string(at) + " on");
    if (at < text.size() && ::ftruncate(file_, static_cast<off_t>(at)) != 0) {
      refuse(Code::STORAGE_FAILED, std::string("cannot be cut: ") + std::strerror(errno));
    }
  }

  /// A new file, or one whose maker died before its first sync.
  void begin() {
    if (::ftruncate(file_, 0) != 0) break_off("cannot be cut");
    write(file_, kMagic);
    sync_new(file_);
  }

  void write(int file, std::string_view bytes) {
    while (!bytes.empty()) {
      const ssize_t written = ::write(file, bytes.data(), bytes.size());
      if (written < 0 && errno == EINTR) continue;
      if (written < 0) break_off("cannot be written");
      bytes.remove_prefix(static_cast<std::size_t>(written));
    }
  }

  /// The file's bytes, and that it is there.
  void sync_new(int file) {
    if (::fsync(file) != 0) break_off("cannot be synced");
    const auto folder = std::filesystem::absolute(path_).parent_path();
    const int directory = ::open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    const bool synced = directory >= 0 && ::fsync(directory) == 0;
    if (directory >= 0) ::close(directory);
    if (!synced) break_off("its folder cannot be synced");
  }

  /// Half of what the file holds is forgotten: the rest goes to a new one, which takes its place when it is whole.
  void write_anew() {
    const std::string fresh = path_ + ".new";
    const int file = ::open(fresh.c_str(), O_RDWR | O_CREAT | O_TRUNC | O_APPEND | O_CLOEXEC, 0600);
    if (file < 0) break_off("its successor cannot be opened");
    std::string text(kMagic);
    for (const MessageId& id : ids_.in_order()) text += record_of(id);
    const int old = std::exchange(file_, file);
    const bool locked = ::flock(file_, LOCK_EX | LOCK_NB) == 0;
    if (locked) write(file_, text);
    const bool replaced = locked && ::fsync(file_) == 0 && ::rename(fresh.c_str(), path_.c_str()) == 0;
    ::close(old);
    if (!replaced) break_off("cannot be replaced");
    sync_new(file_);
    records_ = ids_.in_order().size();
  }

  const std::string path_;
  int file_ = -1;
  std::mutex mutex_;
  RecentIds ids_;            // GUARDED_BY(mutex_)
  std::size_t records_ = 0;  // GUARDED_BY(mutex_): in the file
  bool broken_ = false;      // GUARDED_BY(mutex_)
};

}  // namespace

std::shared_ptr<IdempotencyStore> ids_in_memory(std::size_t capacity) {
  return std::make_shared<MemoryStore>(capacity);
}

std::shared_ptr<IdempotencyStore> ids_in_file(const std::string& path, std::size_t capacity) {
  return std::make_shared<FileStore>(path, capacity);
}

namespace detail {

HandledOnce::Turn::Turn(HandledOnce& of, const MessageId& id) : of_(of), id_(id) {
  {
    const std::lock_guard lock(of_.mutex_);
    if (!of_.in_hand_.insert(id_).second) {
      state_ = State::in_hand;
      return;
    }
  }
  try {
    if (!of_.store_->contains(id_)) return;
  } catch (...) {
    give_back();
    throw;
  }
  give_back();
  state_ = State::handled_before;
}

HandledOnce::Turn::~Turn() {
  if (state_ == State::mine) give_back();
}

void HandledOnce::Turn::give_back() {
  const std::lock_guard lock(of_.mutex_);
  of_.in_hand_.erase(id_);
}

Verdict HandledOnce::Turn::instead() const {
  return state_ == State::handled_before ? Verdict::done() : Verdict::release(kInHand);
}

Verdict HandledOnce::Turn::ended(Verdict verdict) {
  if (verdict.kind() == Verdict::Kind::done) of_.store_->remember(id_);
  return verdict;
}

}  // namespace detail
}  // namespace lazaret
