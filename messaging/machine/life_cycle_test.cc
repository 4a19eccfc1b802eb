// Copyright 2026 The le_messaging Authors
// SPDX-License-Identifier: Apache-2.0
//
// Tries every event in every state. `none` in a table: the event is ignored.

#include "messaging/machine/life_cycle.h"

#include "gtest/gtest.h"

namespace le {
namespace messaging {
namespace {

TEST(ClientLifeTest, EveryEventInEveryState) {
  using S = ClientState;
  using Cell = absl::optional<S>;
  const Cell none;
  const Cell closed = S::kClosed, opening = S::kOpening, open = S::kOpen,
             closing = S::kClosing, ended = S::kEnded, deleted = S::kDeleted;
  const Cell table[kClientStates][kClientEvents] = {
      // Open, Introduced, GiveUp, End, Told, Close, Retire, Delete
      /* closed  */ {opening, none, none, none, none, none, ended, deleted},
      /* opening */ {none, open, closed, none, none, closed, ended, deleted},
      /* open    */ {none, none, none, closing, none, closed, ended, deleted},
      /* closing */ {opening, none, none, none, closed, closed, ended, deleted},
      /* ended   */ {none, none, none, none, none, none, none, deleted},
      /* deleted */ {none, none, none, none, none, none, none, none},
  };
  for (int state = 0; state < kClientStates; ++state) {
    for (int event = 0; event < kClientEvents; ++event) {
      EXPECT_EQ(Next(static_cast<ClientState>(state),
                     static_cast<ClientEvent>(event)),
                table[state][event])
          << "state " << state << ", event " << event;
    }
  }
}

TEST(ServerLifeTest, EveryEventInEveryState) {
  using S = ServerState;
  using Cell = absl::optional<S>;
  const Cell none;
  const Cell open = S::kOpen, closing = S::kClosing, telling = S::kTelling,
             gone = S::kGone;
  const Cell table[kServerStates][kServerEvents] = {
      //             Announce End   Tell  Told
      /* arriving */ {open, gone, none, none},
      /* open     */ {none, closing, none, none},
      /* closing  */ {none, none, telling, none},
      /* telling  */ {none, none, none, gone},
      /* gone     */ {none, none, none, none},
  };
  for (int state = 0; state < kServerStates; ++state) {
    for (int event = 0; event < kServerEvents; ++event) {
      const ServerLife life{static_cast<S>(state), CloseReason::kKilled};
      const absl::optional<ServerLife> next =
          Next(life, static_cast<ServerEvent>(event), CloseReason::kSlowReader);
      const Cell expected = table[state][event];
      ASSERT_EQ(next.has_value(), expected.has_value())
          << "state " << state << ", event " << event;
      if (!next.has_value()) continue;
      EXPECT_EQ(next->state, *expected);
      // Only kEnd sets the reason. A later kEnd is ignored.
      const bool ends = static_cast<ServerEvent>(event) == ServerEvent::kEnd;
      EXPECT_EQ(next->reason,
                ends ? CloseReason::kSlowReader : CloseReason::kKilled);
    }
  }
}

TEST(ServiceLifeTest, EveryEventInEveryState) {
  using S = ServiceState;
  using Cell = absl::optional<S>;
  const Cell none;
  const Cell hidden = S::kHidden, advertised = S::kAdvertised,
             ended = S::kEnded, deleted = S::kDeleted;
  const Cell table[kServiceStates][kServiceEvents] = {
      //               Advertise  Hide    Retire  Delete
      /* hidden     */ {advertised, none, ended, deleted},
      /* advertised */ {none, hidden, ended, deleted},
      /* ended      */ {none, none, none, deleted},
      /* deleted    */ {none, none, none, none},
  };
  for (int state = 0; state < kServiceStates; ++state) {
    for (int event = 0; event < kServiceEvents; ++event) {
      EXPECT_EQ(Next(static_cast<S>(state), static_cast<ServiceEvent>(event)),
                table[state][event])
          << "state " << state << ", event " << event;
    }
  }
}

}  // namespace
}  // namespace messaging
}  // namespace le
