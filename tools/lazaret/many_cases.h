// lazaret hospital discard and restore, of all cases that match a filter or of all that there are: the broker changes a
// bounded number a call, and is called until none is left of those that were there at first.
#pragma once

#include <string>

#include "connection.h"
#include "hospital_cases.h"

namespace lazaret::cli {

struct Treatment {
  std::string verb;   // "discard", "restore"
  std::string done;   // "discarded", "restored"
  std::string state;  // of cases that it was done to
  std::string reason{};
};

/// REQUIRES that the cases are not named by their ids. Says what became of them, and gives the exit status. ^C ends it
/// between two calls: throws CANCELLED, which says how far it came.
int treat_many(const Connection& connection, const ChosenCases& cases, const Treatment& what);

}  // namespace lazaret::cli
