// Copyright 2026 The le_messaging Authors
// SPDX-License-Identifier: Apache-2.0

#include "event/testing/sim.h"

#include <errno.h>

#include <functional>
#include <memory>
#include <set>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "event/base/log.h"
#include "event/base/mutex.h"
#include "event/loop_test_util.h"
#include "event/process.h"
#include "gtest/gtest.h"

namespace le {
namespace event {
namespace {

using Outcome = Simulation::Outcome;

// Sets a flag when it is destroyed.
class Witness {
 public:
  explicit Witness(bool* gone) : gone_(gone) {}
  ~Witness() { *gone_ = true; }

 private:
  bool* const gone_;
};

Loop* MyLoop() { return Thread::Current()->loop(); }
Parker* MyParker() { return Thread::Current()->parker(); }
void Sleep(absl::Duration time) {
  const Instant until = Process::Current()->Now() + time;
  while (Process::Current()->Now() < until) MyParker()->Park(until);
}

TEST(SimTest, ThreadsBelongToTheirProcesses) {
  Simulation sim(1);
  SimProcess* const a = sim.AddProcess("a", {0, 10, 20});
  SimProcess* const b = sim.AddProcess("b", {77, 11, 21});
  EXPECT_NE(a->credentials().pid, 0);
  a->SetEnv("X", "y");
  std::set<uint64_t> tokens;
  for (SimProcess* process : {a, b}) {
    sim.Spawn(process, "main", [process, &tokens] {
      EXPECT_EQ(Process::Current(), process);
      EXPECT_EQ(Thread::Current()->name(), "main");
      EXPECT_EQ(process->GetEnv("X"), process->name() == "a" ? "y" : "");
      tokens.insert(Thread::Current()->token());
    });
  }
  EXPECT_EQ(sim.Run(), Outcome::kEnded);
  EXPECT_EQ(tokens.size(), 2u);
  EXPECT_TRUE(a->ended());
  EXPECT_EQ(b->credentials().uid, 11u);
}

// Runs threads that use timers, posts, parkers and YieldPoint(). Returns the
// trace.
std::string TraceOf(uint64_t seed) {
  Simulation sim(seed);
  sim.EnableTrace();
  SimProcess* const process = sim.AddProcess("p", {});
  std::vector<Loop*> loops(3, nullptr);
  int posted = 0;
  for (int i = 0; i < 3; ++i) {
    sim.Spawn(process, absl::StrCat("t", i), [&, i] {
      loops[i] = MyLoop();
      FnTask task([&, i] {
        sim.Note(absl::StrCat("task ", i));
        if (++posted == 3) {
          for (Loop* loop : loops) loop->Stop();
        }
      });
      FnTimer timer([&, i] {
        Process::Current()->YieldPoint();
        while (loops[(i + 1) % 3] == nullptr) Sleep(absl::Milliseconds(1));
        loops[(i + 1) % 3]->Post(&task);
      });
      MyLoop()->StartTimer(&timer, MyLoop()->Now() + absl::Seconds(i));
      MyLoop()->Run();
      sim.Note(absl::StrCat("random ", sim.Random(1000)));
      // Keep the loop alive for a time, because another thread may still be
      // inside its Post().
      Sleep(absl::Seconds(9));
    });
  }
  EXPECT_EQ(sim.Run(), Outcome::kEnded) << sim.Report();
  return sim.trace();
}

TEST(SimTest, TheSameSeedGivesTheSameRun) {
  std::set<std::string> traces;
  for (uint64_t seed = 0; seed < 20; ++seed) {
    const std::string trace = TraceOf(seed);
    EXPECT_FALSE(trace.empty());
    EXPECT_EQ(TraceOf(seed), trace);
    traces.insert(trace);
  }
  EXPECT_GT(traces.size(), 15u);
}

TEST(SimTest, SomeSeedFindsARace) {
  std::set<int> results;
  for (uint64_t seed = 0; seed < 50; ++seed) {
    Simulation sim(seed);
    SimProcess* const process = sim.AddProcess("p", {});
    int counter = 0;
    for (int i = 0; i < 2; ++i) {
      sim.Spawn(process, "t", [&] {
        const int read = counter;
        Process::Current()->YieldPoint();
        counter = read + 1;
      });
    }
    EXPECT_EQ(sim.Run(), Outcome::kEnded);
    results.insert(counter);
  }
  EXPECT_EQ(results, (std::set<int>{1, 2}));
}

TEST(SimTest, TimeIsVirtualAndStopsAtTheLimit) {
  Simulation sim(3);
  SimProcess* const process = sim.AddProcess("p", {});
  const Instant begin = sim.Now();
  std::vector<int64_t> hours;
  sim.Spawn(process, "main", [&] {
    FnTimer* self = nullptr;
    FnTimer timer([&] {
      hours.push_back(absl::ToInt64Hours(MyLoop()->Now() - begin));
      MyLoop()->StartTimer(self, MyLoop()->Now() + absl::Hours(1));
    });
    self = &timer;
    MyLoop()->StartTimer(&timer, begin + absl::Hours(1));
    MyLoop()->Run();
  });
  EXPECT_EQ(sim.RunFor(absl::Minutes(150)), Outcome::kTimeLimit);
  EXPECT_EQ(sim.Now(), begin + absl::Minutes(150));
  EXPECT_EQ(hours, (std::vector<int64_t>{1, 2}));
  EXPECT_EQ(sim.RunFor(absl::Minutes(30)), Outcome::kTimeLimit);
  EXPECT_EQ(hours.size(), 3u);
}

TEST(SimTest, ADeadlockIsReportedByName) {
  Simulation sim(4);
  SimProcess* const process = sim.AddProcess("p", {});
  bool stop = false;
  sim.Spawn(process, "stuck", [&] {
    while (!stop) MyParker()->Park(absl::InfiniteFuture());
  });
  sim.Spawn(process, "waits", [] { MyLoop()->Run(); });
  EXPECT_EQ(sim.Run(), Outcome::kBlocked);
  const std::string report = sim.Report();
  EXPECT_NE(report.find("p/stuck#1 waits for its parker"), std::string::npos)
      << report;
  EXPECT_NE(report.find("p/waits#2 waits for its loop"), std::string::npos)
      << report;
}

TEST(SimTest, AnEndlessRunIsStopped) {
  Simulation sim(5);
  sim.SetStepLimit(100);
  sim.Spawn(sim.AddProcess("p", {}), "main", [] {
    for (;;) Sleep(absl::Seconds(1));
  });
  EXPECT_EQ(sim.Run(), Outcome::kStepLimit);
}

TEST(SimTest, RunStepsStopsAfterEachStep) {
  Simulation sim(6);
  SimProcess* const process = sim.AddProcess("p", {});
  int yields = 0;
  sim.Spawn(process, "main", [&] {
    for (; yields < 5; ++yields) Process::Current()->YieldPoint();
  });
  int steps = 0;
  while (sim.RunSteps(1) == Outcome::kSteps) {
    EXPECT_EQ(yields, steps);
    ++steps;
  }
  EXPECT_EQ(yields, 5);
}

TEST(SimTest, PingPongOfParkersUnderManySeeds) {
  for (uint64_t seed = 0; seed < 50; ++seed) {
    Simulation sim(seed);
    SimProcess* const process = sim.AddProcess("p", {});
    Parker* parkers[2] = {nullptr, nullptr};
    int turn = 0;
    for (int i = 0; i < 2; ++i) {
      sim.Spawn(process, "t", [&, i] {
        parkers[i] = MyParker();
        while (turn < 20) {
          if (turn % 2 == i) {
            ++turn;
            if (parkers[1 - i] != nullptr) parkers[1 - i]->Unpark();
          } else {
            MyParker()->Park(absl::InfiniteFuture());
          }
        }
        if (parkers[1 - i] != nullptr) parkers[1 - i]->Unpark();
        parkers[i] = nullptr;
      });
    }
    ASSERT_EQ(sim.Run(), Outcome::kEnded) << sim.Report();
  }
}

TEST(SimTest, ALoopServesItsNestedLoop) {
  Simulation sim(7);
  SimProcess* const process = sim.AddProcess("p", {});
  std::string seen;
  Loop* nested = nullptr;
  sim.Spawn(process, "main", [&] {
    nested = Thread::Current()->control_loop();
    FnTask first([&] {
      seen += "a";
      // Serve only the nested loop, like a blocking call.
      EXPECT_TRUE(nested->RunTurn(absl::InfiniteFuture()));
      seen += "c";
    });
    MyLoop()->Post(&first);
    while (seen.size() < 4) MyLoop()->RunTurn(absl::InfiniteFuture());
  });
  sim.Spawn(process, "other", [&] {
    FnTask inner([&] { seen += "b"; }), later([&] { seen += "d"; });
    while (seen.empty()) Sleep(absl::Seconds(1));
    nested->Post(&inner);
    while (seen.size() < 3) Sleep(absl::Seconds(1));
    nested->Post(&later);
    while (seen.size() < 4) Sleep(absl::Seconds(1));
  });
  EXPECT_EQ(sim.Run(), Outcome::kEnded) << sim.Report();
  EXPECT_EQ(seen, "abcd");
}

TEST(SimTest, ALoopServesTheWorkLeftInItsNestedLoop) {
  Simulation sim(7);
  std::string seen;
  sim.Spawn(sim.AddProcess("p", {}), "main", [&] {
    Loop* const nested = Thread::Current()->control_loop();
    FnTimer timer([&] { seen += "t"; });
    nested->StartTimer(&timer, nested->Now() + absl::Seconds(5));
    EXPECT_TRUE(MyLoop()->RunTurn(absl::InfiniteFuture()));
    EXPECT_EQ(seen, "t");
    EXPECT_EQ(nested->Now(), timer.deadline());
    // While the nested loop runs alone, its turn posts another task. Expected:
    // the outer loop serves that task.
    FnTask second([&] { seen += "2"; });
    FnTask first([&] { nested->Post(&second); });
    nested->Post(&first);
    EXPECT_TRUE(nested->RunTurn(absl::InfiniteFuture()));
    while (seen.size() < 2) MyLoop()->RunTurn(absl::InfiniteFuture());
    EXPECT_EQ(seen, "t2");
    FnHook hook([&] { seen += "h"; });
    nested->AtTurnEnd(&hook);
    MyLoop()->RunTurn(absl::InfinitePast());
    EXPECT_EQ(seen, "t2h");
  });
  EXPECT_EQ(sim.Run(), Outcome::kEnded) << sim.Report();
}

TEST(SimTest, ASimLoopHasNoFileDescriptors) {
  Simulation sim(8);
  sim.Spawn(sim.AddProcess("p", {}), "main", [] {
    class Never : public Watch {
      void OnReady(uint32_t) override {}
    } watch;
    EXPECT_FALSE(MyLoop()->AddWatch(&watch, 0, Watch::kReadable));
    EXPECT_EQ(errno, ENOSYS);
    EXPECT_EQ(MyLoop()->GetFd(), -1);
  });
  EXPECT_EQ(sim.Run(), Outcome::kEnded);
}

TEST(SimTest, ThreadsStartThreadsAndJoinThem) {
  for (uint64_t seed = 0; seed < 20; ++seed) {
    Simulation sim(seed);
    std::string seen;
    sim.Spawn(sim.AddProcess("p", {}), "main", [&] {
      Process* const process = Process::Current();
      auto child = process->StartThread("child", [&seen, process] {
        Thread::Current()->AddDestructor([&seen] { seen += "d"; });
        Sleep(absl::Seconds(1));
        Thread::Current()->End();
        process->ExitThread();
      });
      child->Join();
      seen += "j";
    });
    EXPECT_EQ(sim.Run(), Outcome::kEnded) << sim.Report();
    EXPECT_EQ(seen, "dj");
  }
}

// Two threads increment a count. Each reads the count in one critical section
// of `outer`, and writes it in another. An increment is lost only if a switch
// happens between the two sections. `inner` is locked only inside `outer`, so
// its release must not switch.
TEST(SimTest, SwitchesWhereTheLastLockIsReleased) {
  int lost = 0;
  for (uint64_t seed = 0; seed < 20; ++seed) {
    Simulation sim(seed);
    SimProcess* const process = sim.AddProcess("p", {});
    Mutex outer, inner;
    int count = 0;
    bool inside = false;
    for (int i = 0; i < 2; ++i) {
      sim.Spawn(process, "t", [&] {
        for (int n = 0; n < 5; ++n) {
          int seen;
          {
            const MutexLock lock(&outer);
            EXPECT_FALSE(inside) << "a switch where a lock is held";
            inside = true;
            { const MutexLock nested(&inner); }
            seen = count;
            inside = false;
          }
          const MutexLock lock(&outer);
          count = seen + 1;
        }
      });
    }
    ASSERT_EQ(sim.Run(), Outcome::kEnded) << sim.Report();
    lost += count < 10 ? 1 : 0;
  }
  EXPECT_GT(lost, 0);
  // The controller may also use a Mutex.
  Mutex free;
  { const MutexLock lock(&free); }
}

TEST(SimTest, AThreadThatIsKilledWhereItReleasesALockDoesNotThrow) {
  for (uint64_t seed = 0; seed < 50; ++seed) {
    Simulation sim(seed);
    sim.KillAtYieldPoints(true);
    SimProcess* const victim = sim.AddProcess("victim", {});
    bool dead = false;
    sim.Spawn(victim, "t", [&] {
      Mutex mutex;
      for (;;) {
        for (int i = 0; i < 3; ++i) {
          const MutexLock lock(&mutex);
          EXPECT_FALSE(dead);
        }
        Sleep(absl::Seconds(1));
      }
    });
    sim.Spawn(sim.AddProcess("killer", {}), "main", [&] {
      for (uint64_t i = sim.Random(20); i > 0; --i) {
        Process::Current()->YieldPoint();
      }
      sim.Kill(victim);
      dead = true;
    });
    EXPECT_EQ(sim.Run(), Outcome::kEnded) << sim.Report();
  }
}

TEST(SimTest, AKilledProcessUnwindsAndRunsNoUserCode) {
  Simulation sim(9);
  SimProcess* const process = sim.AddProcess("p", {});
  bool stack_gone = false, state_gone = false, exited = false;
  bool user_code = false;
  struct State : ModuleState {
    explicit State(bool* gone) : witness(gone) {}
    Witness witness;
  };
  process->OnExit([&] { exited = true; });
  sim.Spawn(process, "main", [&] {
    Witness witness(&stack_gone);
    Process::Current()->State<State>(
        [&] { return std::make_unique<State>(&state_gone); });
    Thread::Current()->AddDestructor([&] { user_code = true; });
    Thread::Current()->AddExitHook([&] { user_code = true; });
    while (!user_code) MyParker()->Park(absl::InfiniteFuture());
    user_code = true;
  });
  sim.Spawn(process, "loop", [&] {
    MyLoop()->Run();
    user_code = true;
  });
  EXPECT_EQ(sim.Run(), Outcome::kBlocked);
  EXPECT_FALSE(process->ended());
  sim.Kill(process);
  EXPECT_TRUE(process->ended());
  EXPECT_TRUE(stack_gone);
  EXPECT_TRUE(state_gone);
  EXPECT_TRUE(exited);
  EXPECT_FALSE(user_code);
  EXPECT_EQ(sim.Run(), Outcome::kEnded);
}

TEST(SimTest, AProcessThatNeverRanCanBeKilled) {
  Simulation sim(10);
  SimProcess* const a = sim.AddProcess("a", {});
  SimProcess* const b = sim.AddProcess("b", {});
  bool ran = false;
  sim.Spawn(a, "main", [&] { ran = true; });
  sim.Kill(a);
  sim.Kill(b);
  EXPECT_TRUE(a->ended());
  EXPECT_TRUE(b->ended());
  EXPECT_FALSE(ran);
}

TEST(SimTest, OneProcessKillsAnotherAtAnyStep) {
  for (uint64_t seed = 0; seed < 100; ++seed) {
    Simulation sim(seed);
    sim.KillAtYieldPoints(seed % 2 == 0);
    SimProcess* const victim = sim.AddProcess("victim", {});
    SimProcess* const killer = sim.AddProcess("killer", {});
    bool dead = false;
    bool ran_after_death = false;
    for (int i = 0; i < 2; ++i) {
      sim.Spawn(victim, "t", [&] {
        for (;;) {
          Process::Current()->YieldPoint();
          MyLoop()->RunTurn(Process::Current()->Now() + absl::Seconds(1));
          if (dead) ran_after_death = true;
        }
      });
    }
    sim.Spawn(killer, "main", [&] {
      for (uint64_t i = sim.Random(20); i > 0; --i) {
        Process::Current()->YieldPoint();
      }
      sim.Kill(victim);
      EXPECT_TRUE(victim->ended());
      dead = true;
    });
    EXPECT_EQ(sim.Run(), Outcome::kEnded) << sim.Report();
    EXPECT_FALSE(ran_after_death);
  }
}

TEST(SimTest, AThreadMayCallDieWhileItsProcessIsKilled) {
  for (uint64_t seed = 0; seed < 20; ++seed) {
    Simulation sim(seed);
    SimProcess* const process = sim.AddProcess("p", {});
    bool dying = false;
    sim.Spawn(process, "other", [&] {
      while (!dying) Process::Current()->YieldPoint();
      process->Die("too late");
    });
    sim.Spawn(process, "main", [&] {
      for (int i = 0; i < 5; ++i) Process::Current()->YieldPoint();
      dying = true;
      sim.Kill(process);
    });
    EXPECT_EQ(sim.Run(), Outcome::kEnded) << sim.Report();
    EXPECT_TRUE(process->ended());
    EXPECT_TRUE(process->death_message().empty());
  }
}

TEST(SimTest, DieEndsTheWholeProcess) {
  Simulation sim(11);
  SimProcess* const process = sim.AddProcess("p", {});
  static LogSink former;
  former = SetLogSink([](LogLevel, absl::string_view) {});
  bool other_gone = false, returned = false;
  sim.Spawn(process, "other", [&] {
    Witness witness(&other_gone);
    MyLoop()->Run();
  });
  sim.Spawn(process, "main", [&] {
    Sleep(absl::Seconds(1));
    Misuse("le_some_Function", "wrong");
    returned = true;
  });
  EXPECT_EQ(sim.Run(), Outcome::kEnded);
  SetLogSink(former);
  EXPECT_EQ(process->death_message(), "le_some_Function: wrong");
  EXPECT_TRUE(process->ended());
  EXPECT_TRUE(other_gone);
  EXPECT_FALSE(returned);
  EXPECT_NE(sim.Report().find("p died: le_some_Function: wrong"),
            std::string::npos);
}

TEST(SimTest, DestructorsOfAKilledThreadMayWait) {
  Simulation sim(12);
  SimProcess* const process = sim.AddProcess("p", {});
  struct Waits {
    ~Waits() {
      Process::Current()->YieldPoint();
      MyParker()->Park(absl::InfiniteFuture());
      MyLoop()->RunTurn(absl::InfinitePast());
    }
  };
  sim.Spawn(process, "main", [&] {
    Waits waits;
    MyLoop()->Run();
  });
  EXPECT_EQ(sim.Run(), Outcome::kBlocked);
  sim.Kill(process);
  EXPECT_TRUE(process->ended());
}

TEST(SimTest, TheSimulationKillsTheRemainingProcesses) {
  bool gone = false;
  {
    Simulation sim(13);
    sim.Spawn(sim.AddProcess("p", {}), "main", [&] {
      Witness witness(&gone);
      MyLoop()->Run();
    });
    EXPECT_EQ(sim.Run(), Outcome::kBlocked);
  }
  EXPECT_TRUE(gone);
}

TEST(SimTest, EachYieldPointIsAStep) {
  Simulation sim(14);
  SimProcess* const process = sim.AddProcess("p", {});
  for (int i = 0; i < 4; ++i) {
    sim.Spawn(process, "t", [] {
      for (int n = 0; n < 1000; ++n) Process::Current()->YieldPoint();
    });
  }
  EXPECT_EQ(sim.Run(), Outcome::kEnded);
  EXPECT_GE(sim.steps(), 4000u);
}

}  // namespace
}  // namespace event
}  // namespace le
