// Copyright 2026 The le_messaging Authors
// SPDX-License-Identifier: Apache-2.0
//
// A user without privileges attacks a real directory or a service. Other users
// must not be affected: they open sessions while the attack goes on. If an
// opening blocks, this test exceeds its time limit.
//
// Each attack prints the longest turn of the directory's thread. A time depends
// on the machine, so only the target `turns` compares it with a bound.

#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <sys/eventfd.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <fstream>
#include <functional>
#include <string>
#include <vector>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/strip.h"
#include "directory/control_frame.h"
#include "gtest/gtest.h"
#include "le_messaging_ext.h"
#include "legato.h"
#include "messaging/machine/wire.h"
#include "transports/framing/framing.h"
#include "transports/wire_version.h"

#ifndef SO_PASSRIGHTS
#define SO_PASSRIGHTS 83  // since Linux 6.16; older headers do not name it
#endif

namespace le {
namespace {

using transports::FrameHeader;

// These users need not be in the user database.
constexpr uid_t kAttacker = 23456;
constexpr uid_t kHonest = 12345;
constexpr uid_t kOther = 12346;
constexpr uid_t kOwner = 11111;  // runs the directory

// The directory's limit of file descriptors. `--descriptors=N` sets it.
rlim_t g_descriptors = 256;
// The longest turn in microseconds of processor time. `--max_turn_us=N` sets
// it. 0: no bound.
uint64_t g_max_turn_us = 0;
// The service's limit of file descriptors: a common default.
constexpr rlim_t kServiceDescriptors = 1024;

std::string* g_directoryd = nullptr;

// ---- Clients and servers without the library -------------------------------

int Connect(const std::string& address) {
  const int fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);
  struct sockaddr_un to = {};
  to.sun_family = AF_UNIX;
  std::memcpy(to.sun_path, address.data(), address.size());
  if (connect(fd, reinterpret_cast<struct sockaddr*>(&to), sizeof(to)) != 0) {
    close(fd);
    return -1;
  }
  return fd;
}

// `sent`: a file descriptor to attach, or -1.
bool Say(int fd, directory::proto::ToDirectory message, int sent = -1) {
  message.set_version(directory::kControlVersion);
  const std::string text = message.SerializeAsString();
  FrameHeader header;
  header.type = directory::kControlFrame;
  header.flags = sent < 0 ? 0 : FrameHeader::kDescriptor;
  header.length = static_cast<uint32_t>(text.size());
  struct iovec parts[2] = {{&header, sizeof(header)},
                           {const_cast<char*>(text.data()), text.size()}};
  alignas(struct cmsghdr) char control[CMSG_SPACE(sizeof(sent))] = {};
  struct msghdr packet = {};
  packet.msg_iov = parts;
  packet.msg_iovlen = 2;
  if (sent >= 0) {
    packet.msg_control = control;
    packet.msg_controllen = sizeof(control);
    struct cmsghdr* const c = CMSG_FIRSTHDR(&packet);
    c->cmsg_level = SOL_SOCKET;
    c->cmsg_type = SCM_RIGHTS;
    c->cmsg_len = CMSG_LEN(sizeof(sent));
    std::memcpy(CMSG_DATA(c), &sent, sizeof(sent));
  }
  return sendmsg(fd, &packet, MSG_NOSIGNAL) > 0;
}

directory::proto::ToDirectory Open(const std::string& name) {
  directory::proto::ToDirectory message;
  auto* const client = message.mutable_open()->mutable_client();
  client->set_interface_name(name);
  client->set_protocol_id("attack");
  client->set_max_message_size(8);
  message.mutable_open()->set_wait(true);
  return message;
}

directory::proto::ToDirectory Advertise(
    const std::string& name, const std::string& protocol = "attack") {
  directory::proto::ToDirectory message;
  auto* const service = message.mutable_advertise()->mutable_service();
  service->set_interface_name(name);
  service->set_protocol_id(protocol);
  service->set_max_message_size(8);
  return message;
}

// ---- The fixture -----------------------------------------------------------

class HostileUsersTest : public ::testing::Test {
 protected:
  void SetUp() override {
    if (geteuid() != 0) GTEST_SKIP() << "only root can be another user";
    const pid_t probe = fork();
    if (probe == 0) _exit(setresuid(kHonest, kHonest, kHonest) == 0 ? 0 : 1);
    int status = 0;
    waitpid(probe, &status, 0);
    if (status != 0) GTEST_SKIP() << "there is no other user here";
    ASSERT_NE(mkdtemp(folder_), nullptr);
    ASSERT_EQ(chmod(folder_, 0755), 0);
    ASSERT_EQ(chown(folder_, kOwner, kOwner), 0);
    StartDirectory();
    setenv("LE_MESSAGING_DIR", folder_, 1);
    service_ = Run(kHonest, [](int done) {
      const struct rlimit files = {kServiceDescriptors, kServiceDescriptors};
      if (setrlimit(RLIMIT_NOFILE, &files) != 0) _exit(1);
      le_msg_AdvertiseService(
          le_msg_CreateService(le_msg_GetProtocolRef("honest", 8), "honest"));
      Done(done);
      le_event_RunLoop();
    });
    ASSERT_FALSE(HasFailure());
  }
  void TearDown() override {
    for (const pid_t child : {attacker_, service_, directory_}) {
      if (child <= 0) continue;
      kill(child, SIGKILL);
      waitpid(child, nullptr, 0);
    }
    if (directory_ > 0) ReportTurns();
    for (const char* name :
         {"/directory", "/lock", "/bindings", "/directoryd", "/turns"}) {
      unlink((folder_ + std::string(name)).c_str());
    }
    if (directory_ > 0) {
      EXPECT_EQ(rmdir(folder_), 0);
    }
  }

  // Runs `body` in a child of user `uid`, and waits until it has called Done()
  // or returned. A child whose `body` has returned waits to be killed.
  pid_t Run(uid_t uid, const std::function<void(int)>& body) {
    int done[2];
    EXPECT_EQ(pipe2(done, O_CLOEXEC), 0);
    const pid_t child = fork();
    if (child == 0) {
      prctl(PR_SET_PDEATHSIG, SIGKILL);
      const rlim_t count = std::max<rlim_t>(4096, 2 * g_descriptors);
      const struct rlimit many = {count, count};
      if (setrlimit(RLIMIT_NOFILE, &many) != 0 ||
          setresgid(uid, uid, uid) != 0 || setresuid(uid, uid, uid) != 0) {
        _exit(1);
      }
      body(done[1]);
      Done(done[1]);
      for (;;) pause();
    }
    close(done[1]);
    char byte;
    EXPECT_EQ(read(done[0], &byte, 1), 1) << "it died";
    close(done[0]);
    return child;
  }
  static void Done(int fd) {
    if (write(fd, "x", 1) != 1) _exit(1);
  }
  void Attack(const std::function<void(const std::string& address)>& body) {
    attacker_ = Run(kAttacker, [&](int) { body(address()); });
  }
  // Repeats the attack until the end of the test.
  void AttackAllTheTime(
      const std::function<void(const std::string& address)>& body) {
    attacker_ = Run(kAttacker, [&](int done) {
      body(address());
      Done(done);
      for (;;) body(address());
    });
  }

  // Checks that other users can open sessions. Each opens twenty, one after
  // another.
  void ExpectOthersAreServed() {
    ExpectServed(kHonest);  // the service's own user
    ExpectServed(kOther);
  }
  void ExpectServed(uid_t uid) {
    const pid_t client = fork();
    if (client == 0) {
      if (setresgid(uid, uid, uid) != 0 || setresuid(uid, uid, uid) != 0) {
        _exit(1);
      }
      for (int i = 0; i < 20; ++i) {
        const le_msg_SessionRef_t session =
            le_msg_CreateSession(le_msg_GetProtocolRef("honest", 8), "honest");
        le_msg_OpenSessionSync(session);
        le_msg_DeleteSession(session);
      }
      _exit(0);
    }
    int status = -1;
    EXPECT_EQ(waitpid(client, &status, 0), client);
    EXPECT_EQ(status, 0);
    EXPECT_EQ(waitpid(directory_, &status, WNOHANG), 0) << "it has ended";
  }
  // Checks that root gets an answer to the request of `sdir list`.
  void ExpectRootMayAdminister() {
    const int admin = Connect(address());
    directory::proto::ToDirectory list;
    list.mutable_list();
    ASSERT_TRUE(Say(admin, list));
    directory::proto::FromDirectory message;
    do {
      char answer[65536 + 64];
      ASSERT_GT(recv(admin, answer, sizeof(answer), 0), 0);
      FrameHeader header;
      std::memcpy(&header, answer, sizeof(header));
      ASSERT_TRUE(message.ParseFromArray(answer + sizeof(header),
                                         static_cast<int>(header.length)));
      ASSERT_TRUE(message.has_list()) << message.refusal().text();
    } while (!message.list().last());
    close(admin);
  }

  std::string address() const { return folder_ + std::string("/directory"); }

  // Replaces the service by another one of the same name.
  void ReplaceService(const std::function<void(int)>& body) {
    kill(service_, SIGKILL);
    waitpid(service_, nullptr, 0);
    service_ = Run(kHonest, body);
  }
  pid_t attacker_ = 0;
  pid_t service_ = 0;

 private:
  // The directory's user has no privileges, so that the kernel's limits apply.
  void StartDirectory() {
    std::ofstream(folder_ + std::string("/bindings"))
        << "<*>.honest -> <" << kHonest << ">.honest\n"
        << "<" << kAttacker << ">.honest -> <" << kHonest << ">.honest\n"
        << "<" << kAttacker << ">.* -> <" << kAttacker << ">.*\n";
    // The directory's user needs a copy in a folder that all users can read.
    const std::string program = absl::StrCat(folder_, "/directoryd");
    std::ofstream(program, std::ios::binary)
        << std::ifstream(*g_directoryd, std::ios::binary).rdbuf();
    ASSERT_EQ(chmod(program.c_str(), 0755), 0);
    // See measured_directoryd.cc.
    std::ofstream(turns(), std::ios::binary) << std::string(24, '\0');
    ASSERT_EQ(chown(turns().c_str(), kOwner, kOwner), 0);
    int output[2];
    ASSERT_EQ(pipe2(output, O_CLOEXEC), 0);
    const std::string place = absl::StrCat("--socket_dir=", folder_);
    const std::string bindings =
        absl::StrCat("--bindings=", folder_, "/bindings");
    directory_ = fork();
    if (directory_ == 0) {
      prctl(PR_SET_PDEATHSIG, SIGKILL);
      const struct rlimit files = {g_descriptors, g_descriptors};
      setenv("LE_TURNS", turns().c_str(), 1);
      dup2(output[1], STDOUT_FILENO);
      if (setrlimit(RLIMIT_NOFILE, &files) != 0 ||
          setresgid(kOwner, kOwner, kOwner) != 0 ||
          setresuid(kOwner, kOwner, kOwner) != 0) {
        _exit(1);
      }
      execl(program.c_str(), program.c_str(), place.c_str(), bindings.c_str(),
            nullptr);
      _exit(1);
    }
    close(output[1]);
    char line[256];
    EXPECT_GT(read(output[0], line, sizeof(line)), 0) << "directoryd died";
    close(output[0]);
  }

  std::string turns() const { return folder_ + std::string("/turns"); }
  void ReportTurns() {
    uint64_t turns[3] = {};  // nanoseconds of the longest, the count, blocked
    std::ifstream(this->turns(), std::ios::binary)
        .read(reinterpret_cast<char*>(turns), sizeof(turns));
    const uint64_t longest_us = turns[0] / 1000;
    std::printf("longest of %llu turns: %llu us; turns that waited: %llu\n",
                static_cast<unsigned long long>(turns[1]),
                static_cast<unsigned long long>(longest_us),
                static_cast<unsigned long long>(turns[2]));
    EXPECT_GT(turns[1], 0u);
    if (g_max_turn_us > 0) {
      EXPECT_LE(longest_us, g_max_turn_us);
    }
  }

  char folder_[32] = "/tmp/le_attacked_XXXXXX";
  pid_t directory_ = 0;
};

// ---- Attacks ---------------------------------------------------------------

// A file descriptor whose last close() blocks for ten minutes.
int NewLastingDescriptor() {
  const int listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  struct sockaddr_in here = {};
  here.sin_family = AF_INET;
  here.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  socklen_t size = sizeof(here);
  if (bind(listener, reinterpret_cast<struct sockaddr*>(&here), size) != 0 ||
      listen(listener, 1) != 0 ||
      getsockname(listener, reinterpret_cast<struct sockaddr*>(&here), &size) !=
          0) {
    _exit(1);
  }
  const int sender = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  if (connect(sender, reinterpret_cast<struct sockaddr*>(&here), size) != 0) {
    _exit(1);
  }
  accept(listener, nullptr, nullptr);  // the peer never reads
  const std::string much(65536, 'x');
  while (send(sender, much.data(), much.size(), MSG_DONTWAIT) > 0) {
  }
  const struct linger lasting = {1, 600};
  setsockopt(sender, SOL_SOCKET, SO_LINGER, &lasting, sizeof(lasting));
  return sender;
}

TEST_F(HostileUsersTest, ADescriptorWhoseCloseBlocks) {
  Attack([](const std::string& address) {
    for (int i = 0; i < 4; ++i) {
      const int sender = NewLastingDescriptor();
      // If it was sent, the directory makes the last close() of the descriptor.
      if (Say(Connect(address), Open("x"), sender)) close(sender);
    }
  });
  ExpectOthersAreServed();
  ExpectRootMayAdminister();
}

// A client that the service has not accepted can send no descriptors, except if
// the server's library lacks the capability kLetsDescriptorsIn: that library
// could not let them in later.
TEST_F(HostileUsersTest, DescriptorsForAServiceThatHasNotTakenTheClient) {
  const int probe = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);
  const int off = 0;
  const bool refuses =
      setsockopt(probe, SOL_SOCKET, SO_PASSRIGHTS, &off, sizeof(off)) == 0;
  close(probe);
  if (!refuses) GTEST_SKIP() << "this kernel cannot";
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
      // The introduction stays unread.
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

// Sends descriptors whose close blocks to a service. Some are in messages that
// the service has received, and some are unread. The service is stopped
// (SIGSTOP) while the attacker sends. So the service makes the last close(),
// which blocks. Otherwise the attacker would make it, and block itself.
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
  EXPECT_EQ(read(sent[0], &byte, 1), 1) << "it died";
  ASSERT_EQ(kill(service_, SIGCONT), 0);
  for (const int fd : {go[0], go[1], sent[0]}) close(fd);
  ExpectOthersAreServed();
}

// Twenty users (they may be the subordinate ones of one person) send descriptors
// whose close blocks, five each. These would occupy 80 closing threads and more.
// Expected: an honest user's descriptors are closed meanwhile.
TEST_F(HostileUsersTest, ManyUsersWhoseClosesBlock) {
  constexpr int kUsers = 20;
  constexpr int kDescriptors = 5;
  // Refuses descriptors of no session, and fetches none.
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
    EXPECT_EQ(read(sent[0], &byte, 1), 1) << "one died";
  }
  ASSERT_EQ(kill(service_, SIGCONT), 0);
  for (const int fd : {go[0], go[1], sent[0]}) close(fd);
  // More descriptors than may wait for their close.
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

// ---- Limits ----------------------------------------------------------------

constexpr uint32_t kMaxFds = 8;
constexpr size_t kRequests = 4 * kMaxFds;
constexpr int kTurns = 100;
std::vector<le_msg_MessageRef_t>* g_kept = nullptr;

// Fetches all descriptors after many turns of the loop, in which more could
// arrive. Responds once all requests have arrived.
void FetchAll(void* turns, void*) {
  const auto left = reinterpret_cast<intptr_t>(turns);
  if (left > 0) {
    le_event_QueueFunction(&FetchAll, reinterpret_cast<void*>(left - 1),
                           nullptr);
    return;
  }
  for (const le_msg_MessageRef_t message : *g_kept)
    close(le_msg_GetFd(message));
  if (g_kept->size() < kRequests) return;
  for (const le_msg_MessageRef_t message : *g_kept) le_msg_Respond(message);
}

// A client may send more descriptors than the service keeps for one user. The
// further messages wait, and no session ends.
TEST_F(HostileUsersTest, MoreDescriptorsThanAServiceKeeps) {
  ReplaceService([](int done) {
    g_kept = new std::vector<le_msg_MessageRef_t>;
    const le_msg_ServiceRef_t service =
        le_msg_CreateService(le_msg_GetProtocolRef("honest", 8), "honest");
    le_msg_ServiceLimits_t limits = {};
    limits.structSize = sizeof(limits);
    limits.maxFdsPerUser = kMaxFds;
    le_msg_SetServiceLimits(service, &limits);
    le_msg_SetServiceRecvHandler(
        service,
        [](le_msg_MessageRef_t message, void*) {
          g_kept->push_back(message);
          if (g_kept->size() % kMaxFds != 0) return;
          FetchAll(reinterpret_cast<void*>(intptr_t{kTurns}), nullptr);
        },
        nullptr);
    le_msg_AdvertiseService(service);
    Done(done);
    le_event_RunLoop();
  });
  attacker_ = Run(kOther, [](int done) {
    static size_t responses = 0;
    static int done_by = done;
    // Two sessions, which share the user's limit.
    for (int s = 0; s < 2; ++s) {
      const le_msg_SessionRef_t session =
          le_msg_CreateSession(le_msg_GetProtocolRef("honest", 8), "honest");
      le_msg_OpenSessionSync(session);
      for (uint32_t i = 0; i < 2 * kMaxFds; ++i) {
        const le_msg_MessageRef_t message = le_msg_CreateMsg(session);
        le_msg_SetFd(message, eventfd(0, EFD_CLOEXEC));
        le_msg_RequestResponse(
            message,
            [](le_msg_MessageRef_t response, void*) {
              if (response == nullptr) _exit(1);
              le_msg_ReleaseMsg(response);
              if (++responses == kRequests) Done(done_by);
            },
            nullptr);
      }
    }
    le_event_RunLoop();
  });
}

// ---- Memory of a service ---------------------------------------------------

// The service answers a message that begins with 'a', and keeps others.
constexpr size_t kLargeBytes = size_t{1} << 20;
constexpr size_t kUserMib = 4;

le_msg_ProtocolRef_t Large() {
  return le_msg_GetProtocolRef("large", kLargeBytes);
}

void OfferLargeService() {
  const le_msg_ServiceRef_t service = le_msg_CreateService(Large(), "honest");
  le_msg_ServiceLimits_t limits = {};
  limits.structSize = sizeof(limits);
  limits.maxBytesPerUser = kUserMib << 20;
  le_msg_SetServiceLimits(service, &limits);
  le_msg_SetServiceRecvHandler(
      service,
      [](le_msg_MessageRef_t message, void*) {
        auto* const payload = static_cast<char*>(le_msg_GetPayloadPtr(message));
        if (payload[0] == 'a') return le_msg_Respond(message);
        std::memset(payload, 'x', kLargeBytes);
      },
      nullptr);
  le_msg_AdvertiseService(service);
}

// Opens sessions of that service.
std::vector<int> OpenSessions(const std::string& address, size_t count) {
  directory::proto::ToDirectory open = Open("honest");
  open.mutable_open()->mutable_client()->set_protocol_id("large");
  open.mutable_open()->mutable_client()->set_max_message_size(kLargeBytes);
  std::vector<int> sessions;
  while (sessions.size() < count) {
    sessions.push_back(Connect(address));
    if (!Say(sessions.back(), open)) _exit(1);
    char packet[1024];
    do {
      if (recv(sessions.back(), packet, sizeof(packet), 0) <= 0) _exit(1);
    } while (packet[1] != messaging::kHelloFrame);
  }
  return sessions;
}

// Sends on each session the packets that `packet` returns for 0, 1, 2 ..., up to
// an empty one. Returns when all are sent, or when the service seems to receive
// nothing more.
void SendAll(const std::vector<int>& sessions,
             const std::function<std::string(size_t)>& packet) {
  constexpr int kPatienceMs = 500;
  std::vector<struct pollfd> polled;
  for (const int session : sessions) polled.push_back({session, POLLOUT, 0});
  std::vector<size_t> sent(sessions.size());
  while (poll(polled.data(), polled.size(), kPatienceMs) > 0) {
    for (size_t i = 0; i < polled.size(); ++i) {
      if (polled[i].revents == 0) continue;
      const std::string next = packet(sent[i]);
      if (next.empty()) {
        polled[i].fd = -1;
      } else if (send(polled[i].fd, next.data(), next.size(),
                      MSG_NOSIGNAL | MSG_DONTWAIT) > 0) {
        ++sent[i];
      } else if (errno != EAGAIN) {
        _exit(1);
      }
    }
  }
}

// Another user gets an answer to each of many large requests. The service reads
// the attacker's packets meanwhile.
void ExpectAnswers() {
  const pid_t client = fork();
  if (client == 0) {
    if (setresgid(kOther, kOther, kOther) != 0 ||
        setresuid(kOther, kOther, kOther) != 0) {
      _exit(1);
    }
    const le_msg_SessionRef_t session = le_msg_CreateSession(Large(), "honest");
    le_msg_OpenSessionSync(session);
    for (int i = 0; i < 200; ++i) {
      const le_msg_MessageRef_t message = le_msg_CreateMsg(session);
      std::memset(le_msg_GetPayloadPtr(message), 'a', kLargeBytes / 4);
      const le_msg_MessageRef_t response = le_msg_RequestSyncResponse(message);
      if (response == nullptr) _exit(1);
      le_msg_ReleaseMsg(response);
    }
    _exit(0);
  }
  int status = -1;
  EXPECT_EQ(waitpid(client, &status, 0), client);
  EXPECT_EQ(status, 0);
}

// Sanitizers keep freed memory, and have memory of their own.
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
constexpr bool kMeasuresMemory = false;
#else
constexpr bool kMeasuresMemory = true;
#endif

// The resident memory of a process.
size_t MibOf(pid_t process) {
  std::ifstream file(absl::StrCat("/proc/", process, "/statm"));
  size_t all = 0;
  size_t resident = 0;
  file >> all >> resident;
  return resident * static_cast<size_t>(sysconf(_SC_PAGESIZE)) >> 20;
}

// Of a message on each of 64 sessions, all but the end is sent.
TEST_F(HostileUsersTest, PartsOfMessages) {
  ReplaceService([](int done) {
    OfferLargeService();
    Done(done);
    le_event_RunLoop();
  });
  const size_t before = MibOf(service_);
  Attack([](const std::string& address) {
    SendAll(OpenSessions(address, 64), [](size_t index) {
      constexpr size_t kPartBytes = 32768;
      FrameHeader header;
      header.type = messaging::kMessageFrame;
      header.flags =
          index == 0 ? FrameHeader::kFragmented : FrameHeader::kContinuation;
      header.length = index == 0 ? kLargeBytes : kPartBytes;
      header.id = 7;
      if (index == kLargeBytes / kPartBytes - 1) return std::string();
      return std::string(reinterpret_cast<const char*>(&header),
                         sizeof(header)) +
             std::string(kPartBytes, 'x');
    });
  });
  ExpectAnswers();
  if (kMeasuresMemory) {
    EXPECT_LT(MibOf(service_), before + kUserMib + 12);
  }
}

// Small requests, which the service does not answer. It writes to each.
TEST_F(HostileUsersTest, RequestsThatAServiceKeeps) {
  ReplaceService([](int done) {
    OfferLargeService();
    Done(done);
    le_event_RunLoop();
  });
  const size_t before = MibOf(service_);
  Attack([](const std::string& address) {
    SendAll(OpenSessions(address, 4), [](size_t index) {
      if (index == 100) return std::string();
      FrameHeader header;
      header.type = messaging::kRequestFrame | messaging::kLengthWasSet;
      header.length = 1;
      header.id = index + 1;
      return std::string(reinterpret_cast<const char*>(&header),
                         sizeof(header)) +
             "k";
    });
  });
  ExpectAnswers();
  if (kMeasuresMemory) {
    // The service's pool has 64 MiB before messages are packed.
    EXPECT_LT(MibOf(service_), before + 64 + kUserMib + 12);
  }
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

// Waiting clients send the first part of a frame, which nobody completes.
TEST_F(HostileUsersTest, PartsOfFrames) {
  AttackAllTheTime([](const std::string& address) {
    std::vector<int> clients;
    for (rlim_t i = 0; i < g_descriptors / 4; ++i) {
      clients.push_back(Connect(address));
      Say(clients.back(), Open("later"));
    }
    for (const int client : clients) {
      struct {
        FrameHeader header;
        char bytes[10] = {};
      } part;
      part.header.type = 1;
      part.header.flags = FrameHeader::kFragmented;
      part.header.length = 1000;
      send(client, &part, sizeof(part), MSG_NOSIGNAL);
    }
    // This server is for the clients that still wait.
    const int server = Connect(address);
    Say(server, Advertise("later"));
    for (const int client : clients) close(client);
    close(server);
  });
  ExpectOthersAreServed();
  ExpectRootMayAdminister();
}

// A request that is sent a byte at a time. A user's connections would be readable
// without end, and for each pass over them one connection is accepted.
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
      // More than the kernel keeps for a socket: the directory reads on.
      if (sent == 8000) _exit(1);
      header.flags = FrameHeader::kContinuation;
      header.length = 1;
    }
  });
  ExpectOthersAreServed();
  ExpectRootMayAdminister();
}

// Servers of one name, with two protocols, end together while clients wait.
TEST_F(HostileUsersTest, ManyStandBys) {
  AttackAllTheTime([](const std::string& address) {
    std::vector<int> peers;
    for (rlim_t i = 0; i < g_descriptors / 4; ++i) {
      peers.push_back(Connect(address));
      Say(peers.back(), Advertise("s", i % 2 == 0 ? "one" : "other"));
      peers.push_back(Connect(address));
      Say(peers.back(), Open("s"));
    }
    for (const int peer : peers) close(peer);
  });
  ExpectOthersAreServed();
  ExpectRootMayAdminister();
}

// Many clients wait for a server. The server offers its service, closes all
// connections, and ends.
TEST_F(HostileUsersTest, ManyClientsOfAServerThatComesAndGoes) {
  AttackAllTheTime([](const std::string& address) {
    std::vector<int> clients;
    for (rlim_t i = 0; i < g_descriptors / 4; ++i) {
      clients.push_back(Connect(address));
      Say(clients.back(), Open("s"));
    }
    const int server = Connect(address);
    const struct timeval patience = {0, 100 * 1000};
    setsockopt(server, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof(patience));
    Say(server, Advertise("s"));
    for (int i = 0; i < 32; ++i) {
      char packet[1024];
      if (recv(server, packet, sizeof(packet), 0) <= 0) break;
    }
    close(server);
    for (const int client : clients) close(client);
  });
  ExpectOthersAreServed();
  ExpectRootMayAdminister();
}

// Each peer breaks the protocol, and each error may be logged.
TEST_F(HostileUsersTest, PeersThatBreakTheProtocol) {
  AttackAllTheTime([](const std::string& address) {
    for (int i = 0; i < 64; ++i) {
      const int peer = Connect(address);
      if (i % 2 == 0) {
        send(peer, "not a frame at all", 18, MSG_NOSIGNAL);
      } else {
        Say(peer, Advertise("s"));
        Say(peer, Advertise("s"));
      }
      close(peer);
    }
  });
  ExpectOthersAreServed();
  ExpectRootMayAdminister();
}

// The attacker opens as many sessions as the service allows. It tries to open
// more than the service has file descriptors for.
TEST_F(HostileUsersTest, AllSessionsOfAService) {
  ExpectOthersAreServed();  // also waits until the service is offered
  Attack([](const std::string&) {
    rlim_t opened = 0;
    le_msg_SessionRef_t refused = nullptr;
    for (rlim_t i = 0; i < kServiceDescriptors - 8; ++i) {
      const le_msg_SessionRef_t session =
          le_msg_CreateSession(le_msg_GetProtocolRef("honest", 8), "honest");
      const le_result_t result = le_msg_TryOpenSessionSync(session);
      if (result == LE_OK) {
        ++opened;
        continue;
      }
      if (result != LE_BUSY) _exit(1);
      if (refused != nullptr) le_msg_DeleteSession(refused);
      refused = session;
    }
    char why[256];
    if (opened < kServiceDescriptors / 4 || opened > kServiceDescriptors / 2 ||
        refused == nullptr ||
        le_msg_GetWaitReason(refused, why, sizeof(why)) !=
            LE_MSG_WAIT_SERVICE_FULL ||
        why != absl::StrCat("user ", kAttacker, " has ", opened,
                            " sessions at the service and may have no more")) {
      _exit(1);
    }
  });
  ExpectOthersAreServed();
  ExpectRootMayAdminister();
}

// All users share a limit that the program has set (`maxSessions`): one user
// may open all these sessions.
TEST_F(HostileUsersTest, AllSessionsThatAProgramHasSet) {
  ReplaceService([](int done) {
    const le_msg_ServiceRef_t service =
        le_msg_CreateService(le_msg_GetProtocolRef("honest", 8), "honest");
    le_msg_ServiceLimits_t limits = {};
    limits.structSize = sizeof(limits);
    limits.maxSessions = 2;
    le_msg_SetServiceLimits(service, &limits);
    le_msg_AdvertiseService(service);
    Done(done);
    le_event_RunLoop();
  });
  Attack([](const std::string&) {
    const auto create = [] {
      return le_msg_CreateSession(le_msg_GetProtocolRef("honest", 8), "honest");
    };
    le_msg_OpenSessionSync(create());  // waits until the service is offered
    if (le_msg_TryOpenSessionSync(create()) != LE_OK ||
        le_msg_TryOpenSessionSync(create()) != LE_BUSY) {
      _exit(1);
    }
  });
}

}  // namespace
}  // namespace le

int main(int argc, char** argv) {
  ::testing::InitGoogleTest(&argc, argv);
  for (; argc > 2; --argc) {
    absl::string_view option = argv[argc - 1];
    if (!(absl::ConsumePrefix(&option, "--descriptors=") &&
          absl::SimpleAtoi(option, &le::g_descriptors)) &&
        !(absl::ConsumePrefix(&option, "--max_turn_us=") &&
          absl::SimpleAtoi(option, &le::g_max_turn_us))) {
      break;
    }
  }
  if (argc != 2) {
    std::fprintf(stderr,
                 "to be run by Bazel: hostile_users_test DIRECTORYD "
                 "[--descriptors=N] [--max_turn_us=N]\n");
    return EXIT_FAILURE;
  }
  le::g_directoryd = new std::string(argv[1]);
  return RUN_ALL_TESTS();
}
