#include "sandbox/session/pool_plan.h"

#include <gtest/gtest.h>

#include <ostream>

namespace caisson {

static void PrintTo(const PoolPlan& plan, std::ostream* out) {
  *out << "expire " << plan.expire << " start " << plan.start << " look again at "
       << plan.look_again.time_since_epoch().count() / 1000000000 << " s";
}

namespace {

using namespace std::chrono_literals;

Clock::time_point at(std::chrono::seconds time) {
  return Clock::time_point(time);
}

struct Case {
  const char* name;
  PoolState state;  // looked at when the clock says 1000 s
  PoolPlan plan;
};

// Three wait, two are started at once, each waits for at most 100 s.
const PoolSettings settings{3, 2, 100s, 0ms, 1s, 8s};
constexpr auto never = Clock::time_point::max();

const Case cases[] = {
    {"an empty pool starts as many as it may at once", {}, {0, 2, never}},
    {"starts under way count", {{}, 1, 0, {}, {}}, {0, 1, never}},
    {"and bound what is started", {{}, 2, 0, {}, {}}, {0, 0, never}},
    {"one is missing", {{at(950s), at(960s)}, 0, 0, {}, {}}, {0, 1, at(1050s)}},
    {"one is missing and on its way", {{at(950s), at(960s)}, 1, 0, {}, {}}, {0, 0, at(1050s)}},
    {"full: look again when the oldest is too old",
     {{at(950s), at(960s), at(970s)}, 0, 0, {}, {}},
     {0, 0, at(1050s)}},
    {"the oldest is too old and is replaced",
     {{at(900s), at(960s), at(970s)}, 0, 0, {}, {}},
     {1, 1, at(1060s)}},
    {"all are too old", {{at(1s), at(2s), at(3s)}, 0, 0, {}, {}}, {3, 2, never}},
    {"more than wanted",
     {{at(950s), at(960s), at(970s), at(980s)}, 0, 0, {}, {}},
     {1, 0, at(1050s)}},
    {"after a failure it waits", {{}, 0, 2, at(999s), {}}, {0, 0, at(1001s)}},
    {"and then tries with one alone", {{}, 0, 1, at(998s), {}}, {0, 1, never}},
    {"not while that one is under way", {{}, 1, 1, at(998s), {}}, {0, 0, never}},
    {"longer with each failure", {{}, 0, 3, at(998s), {}}, {0, 0, at(1002s)}},
    {"and not without end", {{}, 0, 1000, at(999s), {}}, {0, 0, at(1007s)}},
};

TEST(PoolPlan, Table) {
  for (const auto& each : cases) {
    EXPECT_EQ(plan_pool(settings, each.state, at(1000s)), each.plan) << each.name;
  }
}

TEST(PoolPlan, AStartDoesNotGetInTheWayOfWhoeverHasJustTakenOne) {
  PoolState state{{at(950s), at(960s)}, 0, 0, {}, at(1000s) - 10ms};
  EXPECT_EQ(plan_pool(settings, state, at(1000s)), (PoolPlan{0, 0, at(1000s) + 20ms}));
  EXPECT_EQ(plan_pool(settings, state, at(1000s) + 20ms).start, 1U);
  state.ready.clear();  // the next one would have to wait
  EXPECT_EQ(plan_pool(settings, state, at(1000s)).start, 2U);
}

TEST(PoolPlan, APoolThatNobodyUsesEmptiesItself) {
  auto idle = settings;
  idle.max_idle = 50s;
  PoolState state{{at(950s), at(960s), at(970s)}, 0, 0, {}, at(960s)};
  EXPECT_EQ(plan_pool(idle, state, at(1000s)), (PoolPlan{0, 0, at(1010s)}));
  EXPECT_EQ(plan_pool(idle, state, at(1010s)), (PoolPlan{3, 0, never}));
  state.ready.clear();
  EXPECT_EQ(plan_pool(idle, state, at(2000s)), (PoolPlan{0, 0, never}));
  state.last_use = at(2000s);
  EXPECT_EQ(plan_pool(idle, state, at(2000s)), (PoolPlan{0, 2, at(2050s)}));
}

}  // namespace
}  // namespace caisson
