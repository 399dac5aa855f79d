// InTurn: what two of something took or did, measured in turn, so that what disturbs the machine disturbs both.
//
//   const InTurn starts(3, [&] { return seconds_to_start(empty); }, [&] { return seconds_to_start(full); });
//   EXPECT_LT(starts.with(), starts.without() + 1.0);
//
// Threading: one thread.
#pragma once

#include <algorithm>
#include <chrono>
#include <vector>

#include "integration/support/broker.h"

namespace lazaret::testing {

class InTurn {
 public:
  /// `rounds` is odd. Whoever is first changes from round to round.
  template <class Without, class With>
  InTurn(int rounds, Without without, With with) {
    for (int round = 0; round < rounds; ++round) {
      if (round % 2 == 0) without_.push_back(without());
      with_.push_back(with());
      if (round % 2 != 0) without_.push_back(without());
    }
  }
  // Medians.
  double without() const { return median(without_); }
  double with() const { return median(with_); }
  double ratio() const { return with() / without(); }

 private:
  static double median(std::vector<double> values) {
    const auto middle = values.begin() + static_cast<std::ptrdiff_t>(values.size() / 2);
    std::nth_element(values.begin(), middle, values.end());
    return *middle;
  }

  std::vector<double> without_;
  std::vector<double> with_;
};

/// From kill -9 to ready.
inline double seconds_to_start(Broker& broker) {
  broker.kill9();
  const auto begun = std::chrono::steady_clock::now();
  broker.start();
  return std::chrono::duration<double>(std::chrono::steady_clock::now() - begun).count();
}

}  // namespace lazaret::testing
