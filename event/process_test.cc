// Copyright 2026 The le_messaging Authors
// SPDX-License-Identifier: Apache-2.0

#include "event/process.h"

#include <fcntl.h>
#include <pthread.h>
#include <sched.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#include <atomic>
#include <string>
#include <thread>
#include <vector>

#include "event/base/log.h"
#include "event/base/sys.h"
#include "event/epoll_loop.h"
#include "event/os_process.h"
#include "gtest/gtest.h"

namespace le {
namespace event {
namespace {

class ProcessTest : public testing::Test {
 protected:
  static void SetUpTestSuite() {
    testing::FLAGS_gtest_death_test_style = "threadsafe";
  }
};
using ProcessDeathTest = ProcessTest;

TEST_F(ProcessTest, TheDefaultProcessIsTheRealOne) {
  Process* const process = Process::Current();
  EXPECT_EQ(process, OsProcess::Get());
  EXPECT_EQ(process->credentials().pid, getpid());
  EXPECT_EQ(process->credentials().uid, geteuid());
  EXPECT_NE(process->Random(), process->Random());
  EXPECT_FALSE(process->killed());
  setenv("LE_PROCESS_TEST", "x", 1);
  EXPECT_EQ(process->GetEnv("LE_PROCESS_TEST"), "x");
  EXPECT_EQ(process->GetEnv("LE_PROCESS_TEST_UNSET"), "");
  process->UnsetEnv("LE_PROCESS_TEST");
  EXPECT_EQ(process->GetEnv("LE_PROCESS_TEST"), "");
}

TEST_F(ProcessTest, RandomWorksWithoutGetRandom) {
  class NoRandom : public sys::Interceptor {
   public:
    NoRandom() { sys::SetInterceptor(this); }
    ~NoRandom() override { sys::SetInterceptor(nullptr); }
    int FailCall(const sys::Call& call) override {
      return std::string(call.name) == "GetRandom" ? ENOSYS : 0;
    }
  } no_random;
  EXPECT_NE(OsProcess::Get()->Random(), OsProcess::Get()->Random());
}

// A stranger may cause such failures again and again.
TEST_F(ProcessTest, FailedThreadStartsDoNotFillTheLog) {
  pthread_attr_t former, without_room;
  ASSERT_EQ(pthread_getattr_default_np(&former), 0);
  ASSERT_EQ(pthread_attr_init(&without_room), 0);
  ASSERT_EQ(pthread_attr_setstacksize(&without_room, size_t{1} << 60), 0);
  ASSERT_EQ(pthread_setattr_default_np(&without_room), 0);
  static int lines;
  lines = 0;
  const LogSink sink = SetLogSink([](LogLevel, absl::string_view) { ++lines; });
  constexpr int kThreads = 1000;
  for (int i = 0; i < kThreads; ++i) {
    EXPECT_EQ(OsProcess::Get()->StartThread("none", [] {}), nullptr);
  }
  SetLogSink(sink);
  pthread_setattr_default_np(&former);
  EXPECT_GT(lines, 0);
  EXPECT_LT(lines, kThreads / 2);
}

// The usual overflow user. The tests do not change this setting of the kernel.
constexpr uid_t kOverflowUser = 65534;

TEST_F(ProcessTest, TheOverflowUserExistsOnlyIfSomeUsersAreUnmapped) {
  OsProcess* const process = OsProcess::Get();
  // In the initial user namespace, which has a fixed name, all users are
  // mapped.
  char name[64] = {};
  ASSERT_GT(readlink("/proc/self/ns/user", name, sizeof(name) - 1), 0);
  if (std::string(name) == "user:[4026531837]") {
    EXPECT_FALSE(process->IsOverflowUser(kOverflowUser));
  }
  EXPECT_FALSE(process->IsOverflowUser(0));
  constexpr int kNoNamespace = 100;
  const uid_t me = geteuid();
  const pid_t child = fork();
  if (child == 0) {
    if (unshare(CLONE_NEWUSER) != 0) _exit(kNoNamespace);
    if (!process->IsOverflowUser(kOverflowUser)) _exit(1);
    if (process->IsOverflowUser(kOverflowUser - 1)) _exit(2);
    const int map = open("/proc/self/uid_map", O_WRONLY | O_CLOEXEC);
    const std::string line = "7 " + std::to_string(me) + " 1";
    if (map < 0 || write(map, line.data(), line.size()) < 0) {
      _exit(kNoNamespace);
    }
    if (!process->IsOverflowUser(kOverflowUser)) _exit(3);
    if (process->IsOverflowUser(7)) _exit(4);
    _exit(0);
  }
  int status = 0;
  ASSERT_EQ(waitpid(child, &status, 0), child);
  ASSERT_TRUE(WIFEXITED(status));
  if (WEXITSTATUS(status) == kNoNamespace) {
    GTEST_SKIP() << "no user namespace is permitted here";
  }
  EXPECT_EQ(WEXITSTATUS(status), 0);
}

TEST_F(ProcessTest, WithoutProcTheOverflowUserCountsAsUnmapped) {
  class NoProc : public sys::Interceptor {
   public:
    NoProc() { sys::SetInterceptor(this); }
    ~NoProc() override { sys::SetInterceptor(nullptr); }
    int FailCall(const sys::Call& call) override {
      const std::string name = call.name;
      return name == "Open" || name == "Stat" ? ENOENT : 0;
    }
  } no_proc;
  EXPECT_TRUE(OsProcess::Get()->IsOverflowUser(kOverflowUser));
  EXPECT_FALSE(OsProcess::Get()->IsOverflowUser(0));
}

TEST_F(ProcessTest, StartedThreadsEndInOrder) {
  struct State : ModuleState {
    explicit State(std::string* seen) : seen(seen) {}
    ~State() override { *seen += "s"; }
    std::string* seen;
  };
  std::string seen;
  auto handle = OsProcess::Get()->StartThread("worker", [&seen] {
    Thread* const thread = Thread::Current();
    EXPECT_EQ(thread->name(), "worker");
    EXPECT_EQ(thread->StateOrNull<State>(), nullptr);
    State* const state =
        thread->State<State>([&] { return std::make_unique<State>(&seen); });
    EXPECT_EQ(thread->StateOrNull<State>(), state);
    thread->AddDestructor([&seen] { seen += "1"; });
    const uintptr_t gone = thread->AddDestructor([&seen] { seen += "?"; });
    thread->AddDestructor([&seen] { seen += "2"; });
    thread->RemoveDestructor(gone);
    thread->AddExitHook([&seen, thread] {
      EXPECT_EQ(Thread::Current(), thread);
      seen += "h";
    });
    thread->control_loop();
    seen += "b";
  });
  handle->Join();
  EXPECT_EQ(seen, "bh21s");
}

TEST_F(ProcessTest, ExitThreadEndsTheThreadLikeAReturn) {
  std::string seen;
  auto handle = OsProcess::Get()->StartThread("worker", [&seen] {
    Thread::Current()->AddDestructor([&seen] { seen += "d"; });
    Thread::Current()->End();
    OsProcess::Get()->ExitThread();
    seen += "?";
  });
  handle->Join();
  EXPECT_EQ(seen, "d");
}

TEST_F(ProcessTest, ForeignThreadsAreAdoptedAndCleanedUp) {
  std::string seen;
  std::thread thread([&seen] {
    EXPECT_EQ(Thread::CurrentOrNull(), nullptr);
    Thread* const adopted = Thread::Current();
    EXPECT_EQ(Thread::CurrentOrNull(), adopted);
    EXPECT_EQ(adopted->process(), OsProcess::Get());
    adopted->loop();
    adopted->AddDestructor([&seen] { seen += "d"; });
  });
  thread.join();
  EXPECT_EQ(seen, "d");
  EXPECT_EQ(Thread::Current()->name(), "main");
}

TEST_F(ProcessTest, TokensDiffer) {
  const uint64_t mine = Thread::Current()->token();
  uint64_t other = mine;
  std::thread([&other] { other = Thread::Current()->token(); }).join();
  EXPECT_NE(mine, other);
}

TEST_F(ProcessTest, ParkAndUnpark) {
  auto parker = OsProcess::Get()->CreateParker();
  EXPECT_FALSE(parker->Park(absl::InfinitePast()));
  parker->Unpark();
  parker->Unpark();
  EXPECT_TRUE(parker->Park(absl::InfinitePast()));
  EXPECT_FALSE(parker->Park(absl::InfinitePast()));
  const Instant deadline = MonotonicNow() + absl::Milliseconds(2);
  while (parker->Park(deadline)) {
  }
  EXPECT_GE(MonotonicNow(), deadline);
}

TEST_F(ProcessTest, ParkersLoseNoWake) {
  constexpr int kRounds = 20000;
  auto ping = OsProcess::Get()->CreateParker();
  auto pong = OsProcess::Get()->CreateParker();
  std::atomic<int> count{0};
  std::thread other([&] {
    for (int i = 0; i < kRounds; ++i) {
      while (count.load() != 2 * i + 1) ping->Park(absl::InfiniteFuture());
      count.fetch_add(1);
      pong->Unpark();
    }
  });
  for (int i = 0; i < kRounds; ++i) {
    count.fetch_add(1);
    ping->Unpark();
    while (count.load() != 2 * i + 2) pong->Park(absl::InfiniteFuture());
  }
  other.join();
}

TEST_F(ProcessTest, StatesAreDestroyedInReverseOrder) {
  static std::string* seen = nullptr;
  std::string s;
  seen = &s;
  struct A : ModuleState {
    ~A() override { *seen += "A"; }
  };
  struct B : ModuleState {
    ~B() override { *seen += "B"; }
  };
  ModuleStates states;
  states.Get<A>([] { return std::make_unique<A>(); });
  states.Get<B>([] { return std::make_unique<B>(); });
  EXPECT_NE(states.Find<A>(), nullptr);
  states.Clear();
  EXPECT_EQ(s, "BA");
  EXPECT_EQ(states.Find<A>(), nullptr);
}

TEST_F(ProcessDeathTest, TheChildOfAForkMayNotUseTheLibrary) {
  Thread::Current();
  EXPECT_EXIT(
      {
        Thread::Current();
        const pid_t child = fork();
        if (child == 0) {
          Thread::Current();
          _exit(7);
        }
        int status = 0;
        waitpid(child, &status, 0);
        _exit(WIFEXITED(status) ? WEXITSTATUS(status) : 99);
      },
      testing::ExitedWithCode(EXIT_FAILURE), "child of a fork");
}

TEST_F(ProcessDeathTest, TheChildOfAForkHasItsOwnPid) {
  EXPECT_EXIT(
      {
        OsProcess* const process = OsProcess::Get();
        const pid_t parent = process->credentials().pid;
        const pid_t child = fork();
        if (child == 0) {
          const pid_t pid = process->credentials().pid;
          _exit(pid == getpid() && pid != parent ? 7 : 8);
        }
        int status = 0;
        waitpid(child, &status, 0);
        _exit(WIFEXITED(status) ? WEXITSTATUS(status) : 99);
      },
      testing::ExitedWithCode(7), "");
}

TEST_F(ProcessDeathTest, FatalRunsTheTurnEndHooks) {
  class SayIt : public TurnEndHook {
   public:
    void OnTurnEnd() override { Log(LogLevel::kError, "sent"); }
  };
  class Die : public Task {
   public:
    void Run() override {
      static SayIt hook;
      Thread::Current()->loop()->AtTurnEnd(&hook);
      Fatal("enough");
    }
  };
  EXPECT_EXIT(
      {
        Die die;
        Thread::Current()->loop()->Post(&die);
        Thread::Current()->loop()->Run();
      },
      testing::ExitedWithCode(EXIT_FAILURE), "enough(.|\n)*sent");
}

TEST_F(ProcessDeathTest, TwoThreadsMayCallFatalAtOnce) {
  EXPECT_EXIT(
      {
        std::thread a([] { Fatal("one"); });
        std::thread b([] { Fatal("two"); });
        a.join();
        b.join();
      },
      testing::ExitedWithCode(EXIT_FAILURE), "one|two");
}

}  // namespace
}  // namespace event
}  // namespace le
