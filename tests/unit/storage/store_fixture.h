// StoreFixture: a data directory of a test's own, with one queue on shard 0, written to as the core would.
#pragma once

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "model/store.h"
#include "storage/rocks_store.h"

namespace lazaret::storage {

class StoreFixture : public ::testing::Test {
 public:
  static model::MessageRef message(std::string body, const std::string& key = "");

 protected:
  StoreFixture();
  ~StoreFixture() override;

  // --- The directory
  void open();
  /// Why it cannot be opened, or OK.
  base::Status try_open(bool accept_loss = false, bool read_only = false);
  void close() { store_.reset(); }
  /// Closes it as a kill would: the directory stays as it was. Nothing is being flushed meanwhile.
  void kill();
  /// Moves everything to tables; when it returns, only the newest log is left.
  void flush();
  void reopen() {
    close();
    open();
  }
  /// Changes raw records behind the store's back, while it is closed: `change(key, value)` gives what to write.
  using Change = std::function<std::string(const std::string& key, std::string value)>;
  void change_records(const std::string& family, const Change& change);
  /// How many keys a column family has, the store being closed.
  std::size_t count_records(const std::string& family);
  /// As in directories of older versions, the tables of cases stand in levels; the store is closed after it.
  void put_in_levels();
  /// Moves everything to tables and flips a bit of `text` in them; the store is closed after it.
  void damage_tables(const std::string& text);
  /// The write-ahead log files that are not empty, oldest first.
  std::vector<std::string> wal_files() const;
  /// Where what was written to a log ends that is not written over an old one.
  static std::uint64_t written_end(const std::string& wal_file);

  // --- Writing
  /// One group of one shard, synced, with its ShardMeta.
  void commit(std::vector<model::Mutation> mutations, std::uint16_t shard = 0);
  /// Publishes these bodies, with the queue's state after it.
  void publish(std::vector<std::string> bodies);
  /// The queue's state, as `state_` has it.
  model::Mutation put_state() const { return model::PutSubscription{state_}; }
  model::SourceState& source() { return state_.sources.front(); }
  /// Makes the message at `offset` a case.
  void admit(std::uint64_t offset, base::Instant at, model::CaseReason reason = model::CaseReason::attempts_exhausted);
  model::CaseId case_id(std::uint64_t offset) const;
  void trim(std::uint64_t begin, std::uint64_t end, const std::vector<std::uint64_t>& evacuate = {});

  // --- Reading
  model::MessagePage read(std::uint64_t from, std::uint64_t until, std::size_t max_messages = 10'000,
                          std::size_t max_bytes = 100u << 20);
  /// The offsets of a page; those of damaged messages are negative (and one less, so that 0 can be).
  static std::vector<std::int64_t> offsets(const model::MessagePage& page);
  static std::vector<std::string> bodies(const model::MessagePage& page);
  std::vector<std::string> findings();
  model::RecoveredQueue recovered();

  std::string dir_;
  std::uint64_t memtable_bytes_ = 8u << 20;
  std::unique_ptr<model::Store> store_;
  model::QueueRecord queue_;
  model::SubscriptionState state_;
  model::LogState log_;
  model::Offset next_;
  std::vector<model::ShardMeta> metas_;
};

}  // namespace lazaret::storage
