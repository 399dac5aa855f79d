// A look of `lazaret top` as lines for people: the broker above, then a row for each queue and subscription.
//
// Threading: none of its own.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

#include "top_look.h"

namespace lazaret::cli {

struct TopHeading {
  std::string address;  // HOST:PORT
  std::string interval;
  std::string_view order;  // of kTopOrders
  /// Why there was no later look; "": this is the last one that was due.
  std::string problem;
};

/// `columns` and `lines` of the window that it has to fit into; 0: there is no such bound. Where rows do not fit, the
/// last line says how many are missing; where columns do not, first names are cut, then what is right.
std::vector<std::string> top_lines(const TopLook& look, const TopHeading& heading, std::size_t columns,
                                   std::size_t lines);

/// "950 B", "1.2 GiB"
std::string bytes_text(double bytes);
/// "9.5", "120": a digit behind the point where there is room.
std::string rate_text(double rate);
/// "12s", "3m", "5h", "2d": the largest unit only. What lies in the future is "0s".
std::string age_text(base::Duration age);

}  // namespace lazaret::cli
