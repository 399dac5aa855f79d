// Topology: what a file declares: queues, topics, subscriptions, and their options.
//
//   [queues.orders]
//   max_attempts = 3
//
//   [topics."orders.events"]           # a name with a dot stands in quotes
//
//   [subscriptions.billing]
//   topic = "orders.events"
//   start = "earliest"                 # of several topics: topics = ["orders.events", "returns.events"]
//
// The words are those of the HTTP API and, with dashes, of the command line. Which options there are, and what they may
// be, is the broker's to say: this reads names and values, and remembers where each stands.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include <boost/json/object.hpp>
#include <boost/json/value.hpp>

#include "lazaret/types.h"

namespace lazaret::cli {

namespace json = boost::json;

/// "queue", and "queues" as in the HTTP API.
std::string name_of(Kind kind);
std::string plural_of(Kind kind);

struct DeclaredOption {
  std::string name;
  json::value value;
  std::string place;  // "topology.toml:7"
};

struct Declared {
  Kind kind = Kind::queue;
  std::string name;
  std::string place;
  std::vector<DeclaredOption> options;

  /// "queue orders"
  std::string title() const { return name_of(kind) + " " + name; }
  /// "topology.toml:7: queues.orders.max_attempts"
  std::string place_of(const DeclaredOption& option) const;
  /// The option, or nullptr.
  const DeclaredOption* find(std::string_view option) const;
  struct Reference {
    const DeclaredOption* option;
    std::string name;
  };
  /// What it refers to: its topic, what it is beside.
  std::vector<Reference> references() const;
  json::object body() const;
};

/// What a file declares, each behind what it refers to, and otherwise in the order of the file. "-" is standard input.
/// Throws BAD_REQUEST with file, line and key.
std::vector<Declared> read_topology(const std::string& file);

}  // namespace lazaret::cli
