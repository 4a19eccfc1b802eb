// Copyright 2026 The le_messaging Authors
// SPDX-License-Identifier: Apache-2.0
//
// The simulated kernel gives the same results as the real one.

#include <string>

#include "gtest/gtest.h"
#include "tests/kernel/call.h"
#include "tests/kernel/differ.h"
#include "tests/kernel/model_machine.h"
#include "tests/kernel/program.h"
#include "tests/kernel/real_machine.h"

namespace le {
namespace kernel_test {
namespace {

class DifferentialTest : public ::testing::Test {
 protected:
  void ExpectSame(const std::string& text) {
    Program program;
    ASSERT_TRUE(ParseProgram(text, &program)) << text;
    EXPECT_EQ(differ_.Compare(program), "");
  }

  RealMachine real_;
  ModelMachine model_;
  Differ differ_{&real_, &model_};
};

TEST_F(DifferentialTest, RandomPrograms) {
  for (uint64_t seed = 1; seed <= 300; ++seed) {
    const std::string difference = differ_.CompareSeed(seed);
    ASSERT_EQ(difference, "");
  }
  // A program with varying results does not test the model.
  EXPECT_LE(differ_.uncertain(), 5u);
}

// Each program below once showed a difference.

TEST_F(DifferentialTest, BindChecksThePathFirst) {
  ExpectSame(R"(uids 1
      0 v0 = Socket
      0 Bind v0
      0 Bind v0
      0 Bind v0 path=1
      0 v1 = Socket
      0 Bind v1 path=1)");
}

TEST_F(DifferentialTest, AListenerIsItsOwnPeer) {
  ExpectSame(R"(uids 1
      0 v0 = Socket
      0 GetSockOpt v0 option=17
      0 Bind v0
      0 Listen v0
      0 GetSockOpt v0 option=17)");
}

TEST_F(DifferentialTest, AShutdownDoesNotWakeAWaitingConnect) {
  ExpectSame(R"(uids 1 1
      0 v0 = Socket
      0 Bind v0
      0 Listen v0
      1 v1 = Socket
      1 Connect v1
      1 v2 = Socket
      1 Connect v2
      0 Shutdown v0 how=2
      0 Close v0)");
}

TEST_F(DifferentialTest, AGreaterBacklogWakesAWaitingConnect) {
  ExpectSame(R"(uids 1 1
      0 v0 = Socket
      0 Bind v0
      0 Listen v0
      1 v1 = Socket
      1 Connect v1
      1 v2 = Socket
      1 Connect v2
      0 Listen v0 backlog=2)");
}

TEST_F(DifferentialTest, OnlyABlockingAcceptReportsTheShutdown) {
  ExpectSame(R"(uids 1
      0 v0 = Socket
      0 Bind v0
      0 Listen v0
      0 Shutdown v0
      0 Accept v0
      0 Fcntl v0 command=4 value=2048
      0 Accept v0)");
}

TEST_F(DifferentialTest, TheLastWatchIsReportedFirst) {
  ExpectSame(R"(uids 1
      0 v0,v1 = SocketPair
      0 v2 = Dup v0
      0 v3 = EpollCreate
      0 EpollCtl v3 operation=1 events=1 data=1 fds=v0
      0 EpollCtl v3 operation=1 events=1 data=2 fds=v2
      0 Send v1 size=1
      0 EpollWait v3 count=8)");
}

TEST_F(DifferentialTest, AnExitClosesTheHighestDescriptorFirst) {
  ExpectSame(R"(uids 1 1
      1 v0 = Socket
      1 Bind v0
      1 Listen v0
      0 v1 = Socket
      0 Connect v1
      1 v2 = Accept v0
      0 v3 = Socket
      0 Connect v3
      1 v4 = Dup v0
      0 v5 = EpollCreate
      0 EpollCtl v5 operation=1 events=2147483649 data=1 fds=v1
      0 EpollCtl v5 operation=1 events=2147483649 data=2 fds=v3
      1 Kill
      0 EpollWait v5 count=1
      0 EpollWait v5 count=1)");
}

TEST_F(DifferentialTest, OnlyMuchRoomWakesASender) {
  ExpectSame(R"(uids 1 1
      1 v0 = Socket
      1 Bind v0
      1 Listen v0 backlog=1
      0 v1 = Socket
      0 Connect v1
      1 v2 = Accept v0
      0 SetSockOpt v1 option=7 value=1
      0 Send v1 size=1000
      0 Send v1 size=1000
      0 Send v1 size=1000
      1 Recv v2 size=1000
      1 Recv v2 size=1000
      1 Recv v2 size=1000
      1 Recv v2 size=1000)");
}

TEST_F(DifferentialTest, AShrinkingBufferDoesNotWakeTheSender) {
  ExpectSame(R"(uids 1 1
      1 v0 = Socket
      1 Bind v0
      1 Listen v0 backlog=1
      0 v1 = Socket
      0 Connect v1
      1 v2 = Accept v0
      1 SendMsg v2 size=1 fds=v2
      0 v3 = RecvMsg v1 size=1 control=64
      0 Send v3 size=60000
      0 Send v3 size=60000
      0 Send v3 size=60000
      0 Send v3 size=60000
      0 Send v3 size=60000
      1 SetSockOpt v2 option=7 value=1
      1 PollAll count=8)");
}

TEST_F(DifferentialTest, ASocketMayAskForCredentialsAfterAccept) {
  ExpectSame(R"(uids 1
      0 v0 = Socket
      0 Bind v0
      0 Listen v0 backlog=1
      0 v1 = Socket
      0 Connect v1
      0 Send v1 size=1
      0 v2 = Accept v0
      0 Send v1 size=1
      0 SetSockOpt v2 option=16 value=1
      0 RecvMsg v2 size=1 control=64
      0 RecvMsg v2 size=1 control=64)");
}

TEST_F(DifferentialTest, AFailedConnectNamesTheSocket) {
  ExpectSame(R"(uids 1
      0 v0 = Socket
      0 SetSockOpt v0 option=16 value=1
      0 Connect v0
      0 GetSockName v0)");
}

TEST_F(DifferentialTest, ASendThatFailsLateReleasesItsRoom) {
  ExpectSame(R"(uids 1
      0 v0,v1 = SocketPair
      0 v2,v3 = SocketPair
      0 SetLimit value=12
      0 SendMsg v0 size=1 repeat=13 fds=v2
      0 v4 = EpollCreate
      0 EpollCtl v4 operation=1 events=2147483652 fds=v3
      0 EpollWait v4 count=1
      0 EpollWait v4 count=1
      0 SendMsg v3 size=1 flags=16384 fds=v4
      0 EpollWait v4 count=1)");
}

TEST_F(DifferentialTest, CredentialsAreCheckedBeforeTheWait) {
  ExpectSame(R"(uids 0 0
      1 v0 = Socket
      1 Bind v0
      1 Listen v0 backlog=1
      0 v1 = Socket
      0 Connect v1
      1 v2 = Accept v0
      0 SendMsg v1 size=200000
      0 SendMsg v1 size=200000
      0 SendMsg v1 size=1 cred=2
      1 Kill
      0 SendMsg v1 size=1 flags=16384 cred=2
      0 SendMsg v1 size=1 flags=16384 cred=2)");
}

TEST_F(DifferentialTest, AcceptNeedsAFreeDescriptorFirst) {
  ExpectSame(R"(uids 1
      0 v0 = EventFd
      0 SetLimit value=1
      0 Accept v0
      0 Close v0
      0 Accept v0)");
}

TEST_F(DifferentialTest, AnEventFdThatIsFullWaits) {
  ExpectSame(R"(uids 1 1
      1 v0 = Socket
      1 Bind v0
      1 Listen v0 backlog=1
      0 v1 = Socket
      0 Connect v1
      1 v2 = Accept v0
      1 v3 = EventFd initial=3
      1 SendMsg v2 size=1 fds=v3
      0 v4 = RecvMsg v1 size=1 control=64
      0 Write v4 size=8 value=-2
      0 PollAll count=8
      1 Read v3 size=8
      1 Read v3 size=8)");
}

TEST_F(DifferentialTest, AListenerHasNoCountOfUnreadBytes) {
  ExpectSame(R"(uids 1
      0 v0 = Socket
      0 Bind v0
      0 Ioctl v0 request=21531
      0 Listen v0
      0 Ioctl v0 request=21521
      0 Ioctl v0 request=21531)");
}

TEST_F(DifferentialTest, ThePidFdOfAnEndedPeerHangsUp) {
  if (!HasSocketOption(kPeerPidFd)) GTEST_SKIP();
  ExpectSame(R"(uids 1 1
      0 v0 = Socket
      0 Bind v0
      0 Listen v0
      1 v1 = Socket
      1 Connect v1
      0 v2 = Accept v0
      0 v3 = GetSockOpt v2 option=77
      0 PollAll count=8
      1 Kill
      0 PollAll count=8
      0 v4 = GetSockOpt v2 option=77)");
}

TEST_F(DifferentialTest, AWaitingCallOfAKilledProcessEndsFirst) {
  ExpectSame(R"(uids 0 0
      1 v0 = Socket
      1 Bind v0 path=2
      1 Listen v0
      0 v2 = Socket
      0 Connect v2 path=2
      1 v3 = Accept v0
      0 v4 = Socket
      0 Connect v4 path=2
      1 v5 = Accept v0
      0 v6 = EpollCreate
      0 EpollCtl v6 operation=1 events=2147483649 fds=v4
      0 EpollCtl v6 operation=1 events=1 data=1 fds=v2
      1 Poll timeout=-1 fds=v5 events=1
      0 EpollWait v6 count=1 timeout=-1
      1 Kill)");
}

TEST_F(DifferentialTest, AReadOfNoBytesDoesNotWait) {
  ExpectSame(R"(uids 1
      0 v0,v1 = SocketPair
      0 Read v0
      0 Send v1 size=1
      0 Read v0
      0 Read v0 size=1)");
}

TEST_F(DifferentialTest, ASocketMayRefuseFiles) {
  if (!HasSocketOption(kPassRights)) GTEST_SKIP();
  ExpectSame(R"(uids 1
      0 v0,v1 = SocketPair
      0 SetSockOpt v1 option=83
      0 GetSockOpt v1 option=83
      0 SendMsg v0 size=1 flags=64 fds=v0
      0 SendMsg v0 size=1 flags=64 fds=v9
      0 SendMsg v0 flags=64
      0 RecvMsg v1 size=8 flags=64)");
}

}  // namespace
}  // namespace kernel_test
}  // namespace le
