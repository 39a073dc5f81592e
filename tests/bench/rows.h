// What the rows of a benchmark are made of.
#pragma once

#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <string>
#include <vector>

#include "sandbox/base/deadline.h"

namespace caisson {

using Micros = std::chrono::duration<double, std::micro>;

// Percentiles of one thing that was done many times.
class Times {
 public:
  void add(Clock::duration time) { times_.push_back(Micros(time).count()); }
  void add_us(double time_us) { times_.push_back(time_us); }
  double at(double share) {
    std::sort(times_.begin(), times_.end());
    return times_.at(static_cast<std::size_t>(share * static_cast<double>(times_.size() - 1)));
  }

 private:
  std::vector<double> times_;
};

inline void row(const std::string& what, double median_us, double p99_us,
                const std::string& against = "", double reference_us = 0) {
  fmt::print("{:<44} p50 {:>10.0f} us   p99 {:>10.0f} us", what, median_us, p99_us);
  if (reference_us > 0) {
    fmt::print("   {:>7.2f} x {}", median_us / reference_us, against);
  }
  fmt::print("\n");
  std::fflush(stdout);
}

// What it should be, and whether it is.
inline void bar(const std::string& what, double value, const std::string& unit, double limit,
                bool at_least = false) {
  const bool met = at_least ? value >= limit : value <= limit;
  fmt::print("    {:<58} {:>9.2f} {:<4} {} {:g}  {}\n", what, value, unit,
             at_least ? ">=" : "<=", limit, met ? "met" : "MISSED");
  std::fflush(stdout);
}

}  // namespace caisson
