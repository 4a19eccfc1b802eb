// Copyright 2026 The le_messaging Authors
// SPDX-License-Identifier: Apache-2.0
//
// The stage of hostile_users_test: a directory, a service, and users.

#ifndef LE_MESSAGING_TESTS_TRUST_HOSTILE_USERS_H_
#define LE_MESSAGING_TESTS_TRUST_HOSTILE_USERS_H_

#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <fstream>
#include <functional>
#include <string>

#include "absl/strings/str_cat.h"
#include "directory/control_frame.h"
#include "gtest/gtest.h"
#include "le_messaging_ext.h"
#include "legato.h"
#include "tests/trust/attacks.h"
#include "tests/trust/plain_peer.h"
#include "transports/framing/framing.h"

namespace le {
namespace trust {

using transports::FrameHeader;

// These users need not be in the user database.
constexpr uid_t kAttacker = 23456;
constexpr uid_t kHonest = 12345;
constexpr uid_t kOther = 12346;
constexpr uid_t kOwner = 11111;  // runs the directory

// The directory's limit of file descriptors. `--descriptors=N` sets it.
extern rlim_t g_descriptors;
// The bound for the longest turn, in microseconds of processor time.
// `--max_turn_us=N` sets it. 0: no bound.
extern uint64_t g_max_turn_us;
// The service's limit of file descriptors: a common default.
constexpr rlim_t kServiceDescriptors = 1024;

extern std::string* g_directoryd;

// The body of HostileUsersTest::Run() calls this when Run() may return.
inline void Done(int fd) {
  if (write(fd, "x", 1) != 1) _exit(1);
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
    EXPECT_EQ(read(done[0], &byte, 1), 1) << "the child died";
    close(done[0]);
    return child;
  }
  void Attack(const std::function<void(const std::string& address)>& body) {
    attacker_ = Run(kAttacker, [&](int) { body(address()); });
  }
  // Repeats one of AllAttacks() until the end of the test.
  void AttackAllTheTime(const std::string& name) {
    attacker_ = Run(kAttacker, [&](int done) {
      const auto run = FindAttack(name).run;
      const auto peers = static_cast<size_t>(g_descriptors / 4);
      run(address(), peers);
      Done(done);
      for (;;) run(address(), peers);
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
    EXPECT_EQ(waitpid(directory_, &status, WNOHANG), 0)
        << "the directory has ended";
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

  // Replaces the service by one that `body` offers under the same name.
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
    // The directory's user needs a copy of the program in a folder that all
    // users can read.
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
inline int NewLastingDescriptor() {
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

}  // namespace trust
}  // namespace le

#endif  // LE_MESSAGING_TESTS_TRUST_HOSTILE_USERS_H_
