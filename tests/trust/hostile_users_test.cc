// Copyright 2026 The le_messaging Authors
// SPDX-License-Identifier: Apache-2.0
//
// A user without privileges attacks a real directory or a service. Other users
// must not be affected: they open sessions while the attack goes on. If an
// opening blocks, this test exceeds its time limit.
//
// Each test prints the longest turn of the directory's thread. A time depends
// on the machine, so only the target `turns` compares it with a bound.

#include "tests/trust/hostile_users.h"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/eventfd.h>
#include <sys/ioctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <string>
#include <vector>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/strip.h"
#include "directory/control_frame.h"
#include "gtest/gtest.h"
#include "le_messaging_ext.h"
#include "legato.h"
#include "transports/framing/framing.h"

#ifndef SO_PASSRIGHTS
#define SO_PASSRIGHTS 83  // since Linux 6.16; older headers do not name it
#endif

namespace le {
namespace trust {

rlim_t g_descriptors = 256;
uint64_t g_max_turn_us = 0;
std::string* g_directoryd = nullptr;

namespace {

TEST_F(HostileUsersTest, ADescriptorWhoseCloseBlocks) {
  Attack([](const std::string& address) {
    for (int i = 0; i < 4; ++i) {
      const int sender = NewLastingDescriptor();
      // If the descriptor was sent, the directory makes its last close().
      if (Say(Connect(address), Open("x"), sender)) close(sender);
    }
  });
  ExpectOthersAreServed();
  ExpectRootMayAdminister();
}

// A client that the service has not accepted can send no descriptors.
// Exception: the server's library lacks the capability kLetsDescriptorsIn. Such
// a library could not let descriptors in later.
TEST_F(HostileUsersTest, DescriptorsForAServiceThatHasNotTakenTheClient) {
  const int probe = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);
  const int off = 0;
  const bool refuses =
      setsockopt(probe, SOL_SOCKET, SO_PASSRIGHTS, &off, sizeof(off)) == 0;
  close(probe);
  if (!refuses) GTEST_SKIP() << "this kernel cannot refuse descriptors";
  Attack([](const std::string& address) {
    for (const uint64_t capabilities :
         {uint64_t{0}, transports::kLetsDescriptorsIn}) {
      const std::string name = absl::StrCat("s", capabilities);
      const int server = Connect(address);
      directory::proto::ToDirectory advertise = Advertise(name);
      advertise.mutable_advertise()->mutable_dialect()->set_capabilities(
          capabilities);
      Say(server, advertise);
      const int client = Connect(address);
      Say(client, Open(name));
      // Read the packets before the introduction, which stays unread.
      char packet[1024];
      for (;;) {
        if (recv(server, packet, sizeof(packet), MSG_PEEK) <= 0) _exit(1);
        if (static_cast<uint8_t>(packet[1]) == directory::kIntroductionFrame) {
          break;
        }
        recv(server, packet, sizeof(packet), 0);
      }
      const bool sent = Say(client, Open(name), STDIN_FILENO);
      if (sent != (capabilities == 0)) _exit(1);
    }
  });
}

// A service gets descriptors whose close blocks. The attacker closes every
// second session after its sends, so some descriptors are unread when their
// session ends. The service is stopped (SIGSTOP) until the attacker has sent
// all descriptors and has closed its own copies. So the last close() of each
// descriptor is in the service, and blocks there.
TEST_F(HostileUsersTest, DescriptorsForAServiceWhoseCloseBlocks) {
  ExpectOthersAreServed();
  int go[2];
  int sent[2];
  ASSERT_EQ(pipe2(go, O_CLOEXEC), 0);
  ASSERT_EQ(pipe2(sent, O_CLOEXEC), 0);
  attacker_ = Run(kAttacker, [&](int done) {
    std::vector<le_msg_SessionRef_t> sessions;
    for (int i = 0; i < 8; ++i) {
      sessions.push_back(
          le_msg_CreateSession(le_msg_GetProtocolRef("honest", 8), "honest"));
      le_msg_OpenSessionSync(sessions.back());
    }
    Done(done);
    char byte;
    if (read(go[0], &byte, 1) != 1) _exit(1);
    bool closes = false;
    for (le_msg_SessionRef_t session : sessions) {
      for (int k = 0; k < 4; ++k) {
        const le_msg_MessageRef_t message = le_msg_CreateMsg(session);
        le_msg_SetFd(message, NewLastingDescriptor());
        le_msg_Send(message);
      }
      le_msg_Flush(session);
      if (closes) le_msg_CloseSession(session);
      closes = !closes;
    }
    Done(sent[1]);
  });
  ASSERT_EQ(kill(service_, SIGSTOP), 0);
  int status = 0;
  ASSERT_EQ(waitpid(service_, &status, WUNTRACED), service_);
  Done(go[1]);
  close(sent[1]);
  char byte;
  EXPECT_EQ(read(sent[0], &byte, 1), 1) << "the attacker died";
  ASSERT_EQ(kill(service_, SIGCONT), 0);
  for (const int fd : {go[0], go[1], sent[0]}) close(fd);
  ExpectOthersAreServed();
}

// Twenty users each send five descriptors whose close blocks. (One person may
// have many users: subordinate uids.) The closes occupy all shared closing
// threads, and one more thread for each of these users (transports/closer.h).
// Expected: the descriptors of an honest user are closed while these closes
// block.
TEST_F(HostileUsersTest, ManyUsersWhoseClosesBlock) {
  constexpr int kUsers = 20;
  constexpr int kDescriptors = 5;
  // The service of the fixture refuses no descriptors, and fetches none.
  ExpectOthersAreServed();
  std::vector<pid_t> attackers;
  int go[2];
  int sent[2];
  ASSERT_EQ(pipe2(go, O_CLOEXEC), 0);
  ASSERT_EQ(pipe2(sent, O_CLOEXEC), 0);
  for (int user = 0; user < kUsers; ++user) {
    attackers.push_back(
        Run(kAttacker + static_cast<uid_t>(user), [&](int done) {
          const le_msg_SessionRef_t session = le_msg_CreateSession(
              le_msg_GetProtocolRef("honest", 8), "honest");
          le_msg_OpenSessionSync(session);
          Done(done);
          char byte;
          if (read(go[0], &byte, 1) != 1) _exit(1);
          for (int k = 0; k < kDescriptors; ++k) {
            const le_msg_MessageRef_t message = le_msg_CreateMsg(session);
            le_msg_SetFd(message, NewLastingDescriptor());
            le_msg_Send(message);
          }
          le_msg_Flush(session);
          Done(sent[1]);
        }));
  }
  // As in the test above, the service makes the last close().
  ASSERT_EQ(kill(service_, SIGSTOP), 0);
  int status = 0;
  ASSERT_EQ(waitpid(service_, &status, WUNTRACED), service_);
  for (int user = 0; user < kUsers; ++user) Done(go[1]);
  close(sent[1]);
  char byte;
  for (int user = 0; user < kUsers; ++user) {
    EXPECT_EQ(read(sent[0], &byte, 1), 1) << "an attacker died";
  }
  ASSERT_EQ(kill(service_, SIGCONT), 0);
  for (const int fd : {go[0], go[1], sent[0]}) close(fd);
  // The honest user sends more descriptors than may wait for their close.
  const pid_t honest = Run(kOther, [](int) {
    const le_msg_SessionRef_t session =
        le_msg_CreateSession(le_msg_GetProtocolRef("honest", 8), "honest");
    le_msg_OpenSessionSync(session);
    for (int i = 0; i < 200; ++i) {
      const le_msg_MessageRef_t message = le_msg_CreateMsg(session);
      le_msg_SetFd(message, eventfd(0, EFD_CLOEXEC));
      le_msg_Send(message);
    }
    // The service has no handler, so it releases the request.
    le_msg_RequestSyncResponse(le_msg_CreateMsg(session));
  });
  ExpectOthersAreServed();
  attackers.push_back(honest);
  for (const pid_t child : attackers) {
    kill(child, SIGKILL);
    waitpid(child, nullptr, 0);
  }
}

// Each of many sessions sends without end. Expected: another user is served,
// and so is each of these sessions.
TEST_F(HostileUsersTest, ManySessionsThatSendWithoutEnd) {
  ExpectOthersAreServed();
  attacker_ = Run(kAttacker, [](int done) {
    constexpr int kSessions = 200;
    static int answers = 0;
    static int done_by = done;
    static std::vector<le_msg_SessionRef_t> sessions;
    for (int i = 0; i < kSessions; ++i) {
      sessions.push_back(
          le_msg_CreateSession(le_msg_GetProtocolRef("honest", 8), "honest"));
      le_msg_OpenSessionSync(sessions.back());
    }
    for (le_msg_SessionRef_t session : sessions) {
      le_msg_RequestResponse(
          le_msg_CreateMsg(session),
          [](le_msg_MessageRef_t, void*) {
            if (++answers == kSessions) Done(done_by);
          },
          nullptr);
    }
    struct Flood {
      static void Run(void*, void*) {
        for (le_msg_SessionRef_t session : sessions) {
          const le_msg_MessageRef_t message = le_msg_CreateMsg(session);
          if (le_msg_TrySend(message) != LE_OK) le_msg_ReleaseMsg(message);
        }
        le_event_QueueFunction(&Run, nullptr, nullptr);
      }
    };
    le_event_QueueFunction(&Flood::Run, nullptr, nullptr);
    le_event_RunLoop();
  });
  ExpectOthersAreServed();
}

// Servers do not read. The directory sends sockets of clients to them, until it
// has no descriptors left or the kernel refuses to send more.
TEST_F(HostileUsersTest, ServersThatDoNotRead) {
  Attack([](const std::string& address) {
    for (int i = 0; i < 16; ++i) {
      const std::string name = absl::StrCat("s", i);
      Say(Connect(address), Advertise(name));
      for (int k = 0; k < 300; ++k) {
        const int client = Connect(address);
        if (client < 0) break;
        Say(client, Open(name));
        close(client);
      }
    }
  });
  ExpectOthersAreServed();
  ExpectRootMayAdminister();
}

// Each server does not read, and shuts down its sending direction. The
// directory learns that the server has ended, while the kernel keeps the sent
// sockets in the server's queue.
TEST_F(HostileUsersTest, ServersThatGoAndLeaveTheirQueues) {
  Attack([](const std::string& address) {
    for (int i = 0; i < 60; ++i) {
      const int server = Connect(address);
      if (server < 0 || !Say(server, Advertise("s"))) break;
      std::vector<int> clients;
      for (int k = 0; k < 32; ++k) {
        clients.push_back(Connect(address));
        Say(clients.back(), Open("s"));
      }
      // Wait until most introductions are in the queue. FIONREAD counts bytes,
      // not packets, so this is an estimate. Once the user has no quota left,
      // there is no introduction.
      struct pollfd introduction = {server, POLLIN, 0};
      poll(&introduction, 1, 20);
      int bytes = 0;
      for (int tries = 0; tries < 20; ++tries) {
        if (ioctl(server, FIONREAD, &bytes) != 0 || bytes > 32 * 16) break;
        sched_yield();
      }
      for (const int client : clients) close(client);
      shutdown(server, SHUT_WR);
    }
  });
  ExpectOthersAreServed();
  ExpectRootMayAdminister();
}

TEST_F(HostileUsersTest, AsManyConnectionsAsItGets) {
  Attack([](const std::string& address) {
    for (rlim_t i = 0; i < 2 * g_descriptors; ++i) {
      const int fd = Connect(address);
      if (i % 2 == 0) Say(fd, Open("nobody's"));
    }
  });
  ExpectOthersAreServed();
  ExpectRootMayAdminister();
}

TEST_F(HostileUsersTest, PartsOfFrames) {
  AttackAllTheTime("parts");
  ExpectOthersAreServed();
  ExpectRootMayAdminister();
}

// A connection sends a request a byte at a time. Expected: the directory closes
// the connection, because only an administrator's request may arrive in parts.
// If the directory read on, a user could keep many connections readable all the
// time. The directory would then accept only one new connection in each pass
// over them.
TEST_F(HostileUsersTest, ARequestInParts) {
  Attack([](const std::string& address) {
    const int fd = Connect(address);
    FrameHeader header;
    header.type = directory::kControlFrame;
    header.flags = FrameHeader::kFragmented;
    header.length = directory::kMaxAnswerBytes;
    for (size_t sent = 0;; ++sent) {
      std::string packet(sizeof(header) + 1, 'x');
      std::memcpy(&packet[0], &header, sizeof(header));
      if (send(fd, packet.data(), packet.size(), MSG_NOSIGNAL) < 0) break;
      // A socket keeps fewer packets than this. So the directory has read on.
      if (sent == 8000) _exit(1);
      header.flags = FrameHeader::kContinuation;
      header.length = 1;
    }
  });
  ExpectOthersAreServed();
  ExpectRootMayAdminister();
}

TEST_F(HostileUsersTest, ManyStandBys) {
  AttackAllTheTime("stand_bys");
  ExpectOthersAreServed();
  ExpectRootMayAdminister();
}

TEST_F(HostileUsersTest, ManyClientsOfAServerThatComesAndGoes) {
  AttackAllTheTime("comes_and_goes");
  ExpectOthersAreServed();
  ExpectRootMayAdminister();
}

TEST_F(HostileUsersTest, PeersThatBreakTheProtocol) {
  AttackAllTheTime("errors");
  ExpectOthersAreServed();
  ExpectRootMayAdminister();
}

}  // namespace
}  // namespace trust
}  // namespace le

int main(int argc, char** argv) {
  ::testing::InitGoogleTest(&argc, argv);
  for (; argc > 2; --argc) {
    absl::string_view option = argv[argc - 1];
    if (!(absl::ConsumePrefix(&option, "--descriptors=") &&
          absl::SimpleAtoi(option, &le::trust::g_descriptors)) &&
        !(absl::ConsumePrefix(&option, "--max_turn_us=") &&
          absl::SimpleAtoi(option, &le::trust::g_max_turn_us))) {
      break;
    }
  }
  if (argc != 2) {
    std::fprintf(stderr,
                 "to be run by Bazel: hostile_users_test DIRECTORYD "
                 "[--descriptors=N] [--max_turn_us=N]\n");
    return EXIT_FAILURE;
  }
  le::trust::g_directoryd = new std::string(argv[1]);
  return RUN_ALL_TESTS();
}
