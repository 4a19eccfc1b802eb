// Copyright 2026 The le_messaging Authors
// SPDX-License-Identifier: Apache-2.0
//
// Tests the parts of differential_test: Differ, RunProgram(), ParseProgram()
// and Shrink(). Every Machine here uses the real kernel. None is the model.

#include <errno.h>

#include <algorithm>
#include <string>
#include <vector>

#include "event/base/sanitizers.h"
#include "gtest/gtest.h"
#include "tests/kernel/differ.h"
#include "tests/kernel/generator.h"
#include "tests/kernel/program.h"
#include "tests/kernel/real_machine.h"
#include "tests/kernel/run.h"
#include "tests/kernel/shrink.h"

namespace le {
namespace kernel_test {
namespace {

// The real kernel with one wrong result: RecvMsg with MSG_TRUNC returns at most
// the size of the buffer, even if the message is larger.
class Liar final : public Machine {
 public:
  void Begin(const std::vector<int>& uids) override { real_.Begin(uids); }
  void End() override { real_.End(); }
  int Pid(int process) override { return real_.Pid(process); }
  unsigned Uid(int process) override { return real_.Uid(process); }
  unsigned Gid(int process) override { return real_.Gid(process); }
  const std::string& directory() const override { return real_.directory(); }
  void Issue(int process, const Request& request) override {
    request_ = request;
    real_.Issue(process, request);
  }
  void Kill(int process) override { real_.Kill(process); }
  void Settle() override { real_.Settle(); }
  State state(int process) override { return real_.state(process); }
  const Response& response(int process) override {
    response_ = real_.response(process);
    if (request_.op == Op::kRecvMsg && response_.result > request_.args[0]) {
      response_.result = request_.args[0];
    }
    return response_;
  }

 private:
  RealMachine real_;
  Request request_;
  Response response_;
};

TEST(MachineryTest, TheRealKernelAgreesWithItself) {
  RealMachine one;
  RealMachine other;
  Differ differ(&one, &other);
  for (uint64_t seed = 1; seed <= 50; ++seed) {
    EXPECT_EQ(differ.CompareSeed(seed), "");
  }
  EXPECT_GT(differ.steps(), 1000u);
#ifndef LE_TSAN
  // ThreadSanitizer's runtime sleeps, which looks like a call that waits.
  EXPECT_EQ(differ.uncertain(), 0u);
#endif
}

TEST(MachineryTest, FindsAndShrinksADifference) {
#ifdef LE_TSAN
  GTEST_SKIP()
      << "ThreadSanitizer's runtime sleeps, which looks like a call that "
         "waits";
#endif
  RealMachine real;
  Liar liar;
  Differ differ(&real, &liar);
  std::string difference;
  for (uint64_t seed = 1; seed <= 2000 && difference.empty(); ++seed) {
    difference = differ.CompareSeed(seed);
  }
  ASSERT_NE(difference, "");
  Program program;
  ASSERT_TRUE(ParseProgram(
      difference.substr(0, difference.find("# The results")), &program))
      << difference;
  // The program has a connection, a send and a receive: 3 steps with a socket
  // pair, 8 with a connection of two processes.
  EXPECT_LE(program.steps.size(), 8u) << difference;
  EXPECT_NE(differ.Compare(program), "");
}

TEST(MachineryTest, ASleepingProcessIsRecognised) {
  RealMachine real;
  Program program;
  ASSERT_TRUE(ParseProgram(R"(uids 0 0
      0 v0 = Socket
      0 Bind v0 path=1
      0 Listen v0 backlog=1
      0 v1 = Accept v0
      0 Close v0
      1 v2 = Socket
      1 Connect v2 path=1)",
                           &program));
  const Trace trace = RunProgram(&real, program);
  ASSERT_EQ(trace.size(), 8u);
  EXPECT_EQ(trace[3].fate, Entry::Fate::kSleeps);
  EXPECT_EQ(trace[4].fate, Entry::Fate::kSkipped);
  // The connect wakes the process.
  EXPECT_EQ(trace[6].at, 6);
  EXPECT_EQ(trace[6].step, 3);
  EXPECT_EQ(trace[6].fate, Entry::Fate::kReturned);
  EXPECT_EQ(trace[7].step, 6);
}

TEST(MachineryTest, ADeathByASignalIsRecognised) {
  RealMachine real;
  Program program;
  ASSERT_TRUE(ParseProgram(R"(uids 0
      0 v0,v1 = Pipe
      0 Close v0
      0 Write v1 size=1)",
                           &program));
  const Trace trace = RunProgram(&real, program);
  ASSERT_EQ(trace.size(), 3u);
  EXPECT_EQ(trace[2].fate, Entry::Fate::kDied);
}

TEST(MachineryTest, ReceivedDescriptorsHaveTheTagsOfTheirFiles) {
  RealMachine real;
  Program program;
  ASSERT_TRUE(ParseProgram(R"(uids 0
      0 v0,v1 = SocketPair
      0 v2 = EventFd
      0 SendMsg v0 size=1 fds=v2
      0 v3 = RecvMsg v1 size=1 control=200)",
                           &program));
  const Trace trace = RunProgram(&real, program);
  ASSERT_EQ(trace.size(), 4u);
  const std::vector<int64_t>& made = trace[1].answer;
  const std::vector<int64_t>& received = trace[3].answer;
  ASSERT_EQ(received[2], 1);
  EXPECT_NE(received[3], made[3]);
  EXPECT_EQ(received[4], made[4]);
}

TEST(MachineryTest, ParseProgramReadsTheTextOfToString) {
  for (uint64_t seed = 1; seed <= 20; ++seed) {
    RealMachine real;
    Generator generator(seed);
    Program program;
    program.uids = generator.Uids();
    RunProgram(&real, &program, [&generator](const World& world, Step* step) {
      return generator.Next(world, step);
    });
    Program read;
    ASSERT_TRUE(ParseProgram(ToString(program), &read)) << ToString(program);
    EXPECT_EQ(ToString(read), ToString(program));
  }
}

TEST(MachineryTest, ParseProgramRefusesOtherText) {
  Program program;
  EXPECT_FALSE(ParseProgram("", &program));
  EXPECT_FALSE(ParseProgram("uids 0\n1 EpollCreate", &program));
  EXPECT_FALSE(ParseProgram("uids 0\n0 Fly", &program));
  EXPECT_FALSE(ParseProgram("uids 0\n0 Listen v0 depth=1", &program));
  EXPECT_FALSE(ParseProgram("uids 0\n0 Poll fds=v0", &program));
}

TEST(ShrinkTest, KeepsOnlyTheStepsThatMatter) {
  Program program;
  ASSERT_TRUE(ParseProgram(R"(uids 0 1
      1 v0,v1 = SocketPair
      1 Send v0 size=3000 flags=64
      1 Recv v1 size=10
      1 Close v0)",
                           &program));
  const Program small = Shrink(program, [](const Program& one) {
    return std::any_of(one.steps.begin(), one.steps.end(),
                       [](const Step& step) {
                         return step.op == Op::kSend && step.args[0] >= 100;
                       });
  });
  EXPECT_EQ(ToString(small), "uids 0\n0 Send v0 size=3000\n");
}

}  // namespace
}  // namespace kernel_test
}  // namespace le
