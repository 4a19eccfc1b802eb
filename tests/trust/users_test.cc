// Copyright 2026 The le_messaging Authors
// SPDX-License-Identifier: Apache-2.0
//
// Which directory a process trusts, with real users, sockets and programs. The
// C API sends nothing to a directory of an unprivileged stranger. If a program
// has more rights than its caller, it ignores the caller's environment.

#include <fcntl.h>
#include <linux/capability.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <spawn.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <sys/xattr.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <fstream>
#include <functional>
#include <string>
#include <thread>
#include <vector>

#include "absl/strings/str_cat.h"
#include "directory/place.h"
#include "directory/testing/small_world.h"
#include "event/base/log.h"
#include "event/process.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "le_messaging_ext.h"
#include "legato.h"

extern char** environ;

namespace le {
namespace {

using ::testing::AllOf;
using ::testing::Contains;
using ::testing::HasSubstr;

// Neither user runs this test. They need not be in the user database.
constexpr uid_t kStranger = 65534;
constexpr uid_t kCaller = 12345;

// This number of connections shows that a client keeps retrying.
constexpr int kTries = 4;

// Exit statuses of a child if this machine does not permit a step of the test.
constexpr int kNoOtherUser = 100;
constexpr int kNoNamespace = 101;
constexpr int kNoCapabilities = 102;

// The exit status of a child that could not execute its program.
constexpr int kNotExecuted = 103;

// The paths of programs, from this test's arguments.
std::string* g_asker = nullptr;
std::string* g_directoryd = nullptr;
std::string* g_sdir = nullptr;

// Runs `body` in a child, which executes a program or ends. Returns the exit
// status of the child, or -1 if a signal ended it. *said is the output.
int RunInChild(const std::function<void()>& body, std::string* said) {
  int output[2];
  EXPECT_EQ(pipe2(output, O_CLOEXEC), 0);
  const pid_t child = fork();
  if (child == 0) {
    dup2(output[1], STDOUT_FILENO);
    dup2(output[1], STDERR_FILENO);
    body();
    _exit(kNotExecuted);
  }
  close(output[1]);
  said->clear();
  char part[1024];
  for (ssize_t size; (size = read(output[0], part, sizeof(part))) > 0;) {
    said->append(part, static_cast<size_t>(size));
  }
  close(output[0]);
  int status = 0;
  EXPECT_EQ(waitpid(child, &status, 0), child);
  return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

// A folder for XDG_RUNTIME_DIR. Its subfolder is for the socket of a directory.
class Place {
 public:
  Place() {
    EXPECT_NE(mkdtemp(runtime_), nullptr) << std::strerror(errno);
    EXPECT_EQ(chmod(runtime_, 0755), 0);
    EXPECT_EQ(mkdir(folder().c_str(), 0755), 0);
  }
  ~Place() {
    StopDirectory();
    for (const char* name : {"/directory", "/lock", "/bindings"}) {
      unlink((folder() + name).c_str());
    }
    rmdir(folder().c_str());
    for (const std::string& file : files_) unlink(file.c_str());
    EXPECT_EQ(rmdir(runtime_), 0) << "the test has left files in " << runtime_;
  }
  Place(const Place&) = delete;
  Place& operator=(const Place&) = delete;

  // Creates a symbolic link to folder() that belongs to `user`. The destructor
  // removes the link.
  std::string LinkOf(uid_t user) {
    files_.push_back(runtime() + "/link");
    EXPECT_EQ(symlink(folder().c_str(), files_.back().c_str()), 0);
    EXPECT_EQ(lchown(files_.back().c_str(), user, user), 0);
    return files_.back();
  }

  std::string runtime() const { return runtime_; }
  std::string folder() const { return runtime() + "/le_messaging"; }
  std::string address() const { return folder() + "/directory"; }

  // Starts directoryd as the user of this test. Returns once it listens.
  void StartDirectory() {
    // directoryd refuses a folder of another user than root and its own.
    ASSERT_EQ(chown(folder().c_str(), geteuid(), getegid()), 0);
    std::ofstream(folder() + "/bindings") << "<*>.* -> <self>.*\n";
    int output[2];
    ASSERT_EQ(pipe2(output, O_CLOEXEC), 0);
    posix_spawn_file_actions_t actions;
    posix_spawn_file_actions_init(&actions);
    posix_spawn_file_actions_adddup2(&actions, output[1], STDOUT_FILENO);
    const std::string place = "--socket_dir=" + folder();
    const std::string bindings = "--bindings=" + folder() + "/bindings";
    char* argv[] = {&(*g_directoryd)[0], const_cast<char*>(place.c_str()),
                    const_cast<char*>(bindings.c_str()), nullptr};
    ASSERT_EQ(
        posix_spawn(&directory_, argv[0], &actions, nullptr, argv, environ), 0);
    posix_spawn_file_actions_destroy(&actions);
    close(output[1]);
    char line[256];
    EXPECT_GT(read(output[0], line, sizeof(line)), 0) << "directoryd died";
    close(output[0]);
  }

  // Copies asker into a folder that all users can read.
  std::string CopyAsker() {
    const std::string to = runtime() + "/asker";
    files_.push_back(to);
    std::ofstream(to, std::ios::binary)
        << std::ifstream(*g_asker, std::ios::binary).rdbuf();
    EXPECT_EQ(chmod(to.c_str(), 0755), 0);
    return to;
  }

 private:
  void StopDirectory() {
    if (directory_ <= 0) return;
    kill(directory_, SIGKILL);
    waitpid(directory_, nullptr, 0);
  }

  char runtime_[32] = "/tmp/le_trust_XXXXXX";
  pid_t directory_ = 0;
  std::vector<std::string> files_;
};

// ---- A directory of another user -------------------------------------------

std::vector<std::string>* g_log = nullptr;

class StrangersDirectoryTest : public ::testing::Test {
 protected:
  void SetUp() override {
    // Only root may listen as another user. Root trusts only root's directory.
    if (geteuid() != 0) GTEST_SKIP() << "only root can be another user";
    if (seteuid(kStranger) != 0) {
      GTEST_SKIP() << "there is no other user here: " << std::strerror(errno);
    }
    ASSERT_EQ(seteuid(0), 0);
    ASSERT_EQ(chown(place_.folder().c_str(), kStranger, kStranger), 0);
    unsetenv("LE_MESSAGING_DIR");
    setenv("XDG_RUNTIME_DIR", place_.runtime().c_str(), 1);
    // The kernel records the effective user at listen().
    ASSERT_EQ(seteuid(kStranger), 0);
    struct sockaddr_un address = {};
    address.sun_family = AF_UNIX;
    std::snprintf(address.sun_path, sizeof(address.sun_path), "%s",
                  place_.address().c_str());
    listener_ = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);
    ASSERT_EQ(bind(listener_, reinterpret_cast<struct sockaddr*>(&address),
                   sizeof(address)),
              0);
    ASSERT_EQ(listen(listener_, 64), 0);
    ASSERT_EQ(seteuid(0), 0);
    g_log = &log_;
    event::SetLogSink([](event::LogLevel level, absl::string_view text) {
      g_log->push_back(absl::StrCat(event::LogLevelName(level), " ", text));
    });
  }
  void TearDown() override {
    event::SetLogSink(nullptr);
    if (listener_ >= 0) close(listener_);
  }

  // Waits for the next client. The client must close its connection without
  // sending.
  void ExpectAVisitorSaysNothing() {
    const int visitor = accept4(listener_, nullptr, nullptr, SOCK_CLOEXEC);
    ASSERT_GE(visitor, 0);
    char word[4096];
    EXPECT_EQ(recv(visitor, word, sizeof(word), 0), 0);
    close(visitor);
  }
  bool HasVisitor() {
    struct pollfd poll_one = {listener_, POLLIN, 0};
    return poll(&poll_one, 1, 0) > 0;
  }
  // Replaces the stranger's directory by root's.
  void StartATrustedOne() {
    close(listener_);
    listener_ = -1;
    ASSERT_EQ(unlink(place_.address().c_str()), 0);
    place_.StartDirectory();
  }

  // Runs the calling thread's loop until the condition holds. Checks it after
  // each event of the loop and of the listening socket.
  void RunLoopUntil(const std::function<bool()>& condition) {
    for (;;) {
      while (le_event_ServiceLoop() == LE_OK) {
      }
      if (condition()) return;
      struct pollfd polls[] = {{le_event_GetFd(), POLLIN, 0},
                               {listener_, POLLIN, 0}};
      poll(polls, 2, -1);
    }
  }

  static le_msg_ProtocolRef_t Protocol() {
    return le_msg_GetProtocolRef("trust", 8);
  }
  auto Distrust(const char* begin) const {
    return AllOf(HasSubstr(begin), HasSubstr(place_.folder()),
                 HasSubstr("runs as user 65534, which is not trusted"));
  }

  Place place_;
  int listener_ = -1;
  std::vector<std::string> log_;
  const directory::NoSystemFolder no_system_folder_;
};

TEST_F(StrangersDirectoryTest, TryOpenFails) {
  const le_msg_SessionRef_t session = le_msg_CreateSession(Protocol(), "try");
  EXPECT_EQ(le_msg_TryOpenSessionSync(session), LE_COMM_ERROR);
  ExpectAVisitorSaysNothing();
  EXPECT_THAT(
      log_,
      Contains(Distrust("WARNING interface 'try': cannot open a session: ")));
  EXPECT_EQ(le_msg_TryOpenSessionSyncTimed(session, LE_MSG_NO_TIMEOUT),
            LE_COMM_ERROR);
  ExpectAVisitorSaysNothing();
  EXPECT_FALSE(HasVisitor());
  StartATrustedOne();
  EXPECT_EQ(le_msg_TryOpenSessionSync(session), LE_NOT_FOUND);
  le_msg_DeleteSession(session);
}

TEST_F(StrangersDirectoryTest, AnOpeningWaitsForATrustedDirectory) {
  const le_msg_ServiceRef_t service = le_msg_CreateService(Protocol(), "wait");
  le_msg_AdvertiseService(service);
  const le_msg_SessionRef_t session = le_msg_CreateSession(Protocol(), "wait");
  bool is_open = false;
  le_msg_OpenSession(
      session,
      [](le_msg_SessionRef_t, void* is_open) {
        *static_cast<bool*>(is_open) = true;
      },
      &is_open);
  int visitors = 0;
  RunLoopUntil([&] {
    for (; HasVisitor(); ++visitors) ExpectAVisitorSaysNothing();
    return visitors >= 2 * kTries && log_.size() >= 2;  // logged after a second
  });
  EXPECT_FALSE(is_open);
  EXPECT_THAT(log_, Contains(Distrust("WARNING service 'wait': cannot be "
                                      "advertised for now: ")));
  EXPECT_THAT(log_, Contains(Distrust("WARNING interface 'wait': waiting: ")));
  StartATrustedOne();
  RunLoopUntil([&] { return is_open; });
  le_msg_DeleteSession(session);
  le_msg_DeleteService(service);
}

TEST_F(StrangersDirectoryTest, ABlockedOpeningWaitsForATrustedDirectory) {
  const le_msg_ServiceRef_t service = le_msg_CreateService(Protocol(), "block");
  const le_msg_SessionRef_t session = le_msg_CreateSession(Protocol(), "block");
  EXPECT_EQ(le_msg_OpenSessionSyncTimed(session, 50), LE_TIMEOUT);
  while (HasVisitor()) ExpectAVisitorSaysNothing();
  char cause[1000];
  EXPECT_EQ(le_msg_GetWaitReason(session, cause, sizeof(cause)),
            LE_MSG_WAIT_NOT_TRUSTED);
  EXPECT_THAT(std::string(cause), Distrust("the directory at "));
  le_msg_AdvertiseService(service);
  std::thread other([this] {
    for (int i = 0; i < kTries; ++i) ExpectAVisitorSaysNothing();
    StartATrustedOne();
  });
  le_msg_OpenSessionSync(session);
  other.join();
  le_msg_DeleteSession(session);
  le_msg_DeleteService(service);
}

// A directory of a stranger is trusted if LE_MESSAGING_DIR names its folder.
TEST_F(StrangersDirectoryTest, ANamedDirectoryIsTrusted) {
  setenv("LE_MESSAGING_DIR", place_.folder().c_str(), 1);
  const le_msg_SessionRef_t session = le_msg_CreateSession(Protocol(), "named");
  EXPECT_EQ(le_msg_TryOpenSessionSyncTimed(session, 0), LE_TIMEOUT);
  unsetenv("LE_MESSAGING_DIR");
  const int visitor = accept4(listener_, nullptr, nullptr, SOCK_CLOEXEC);
  char word[4096];
  EXPECT_GT(recv(visitor, word, sizeof(word), 0), 0);
  close(visitor);
  le_msg_DeleteSession(session);
}

// sdir has the C API's rules of trust. It prints why it has not asked the
// directory.
TEST_F(StrangersDirectoryTest, SdirSaysNothingToIt) {
  if (access("/run/le_messaging", F_OK) == 0) {
    GTEST_SKIP() << "sdir finds this machine's /run/le_messaging";
  }
  std::string said;
  const int status = RunInChild(
      [] { execl(g_sdir->c_str(), "sdir", "list", nullptr); }, &said);
  EXPECT_EQ(status, EXIT_FAILURE);
  EXPECT_THAT(said, Distrust("sdir: the directory at "));
  ExpectAVisitorSaysNothing();
  EXPECT_FALSE(HasVisitor());
}

// ---- Folders ---------------------------------------------------------------

class FolderTest : public ::testing::Test {
 protected:
  void SetUp() override {
    if (geteuid() != 0) GTEST_SKIP() << "only root can be another user";
    if (chown(place_.folder().c_str(), kCaller, kCaller) != 0) {
      GTEST_SKIP() << "there is no other user here: " << std::strerror(errno);
    }
  }

  // Expects that directoryd does not start in `folder`.
  void ExpectRefused(const std::string& folder) {
    const pid_t child = fork();
    if (child == 0) {
      const std::string place = "--socket_dir=" + folder;
      execl(g_directoryd->c_str(), "directoryd", place.c_str(), nullptr);
      _exit(kNotExecuted);
    }
    int status = 0;
    ASSERT_EQ(waitpid(child, &status, 0), child);
    ASSERT_TRUE(WIFEXITED(status));
    EXPECT_EQ(WEXITSTATUS(status), EXIT_FAILURE);
    EXPECT_NE(access((folder + "/lock").c_str(), F_OK), 0);
  }

  Place place_;
};

// Only root can make another user the owner of the system's folder. So a
// directory of that owner is trusted.
TEST_F(FolderTest, TheOwnerOfTheSystemsFolderIsTrustedThere) {
  constexpr uid_t kOther = 23456;
  event::Process* const process = event::Process::Current();
  const event::Credentials owner{1, kCaller, kCaller};
  directory::Place at;
  at.folder = place_.folder();
  at.kind = directory::Place::Kind::kSystem;
  EXPECT_TRUE(directory::CheckTrust(process, at, owner).ok());
  EXPECT_FALSE(directory::CheckTrust(process, at, {1, kOther, kOther}).ok());
  EXPECT_TRUE(directory::CheckTrust(process, at, {1, 0, 0}).ok());
  at.kind = directory::Place::Kind::kUser;
  EXPECT_FALSE(directory::CheckTrust(process, at, owner).ok());
  // Other users could put a socket into a writable folder.
  at.kind = directory::Place::Kind::kSystem;
  ASSERT_EQ(chmod(place_.folder().c_str(), 0775), 0);
  EXPECT_FALSE(directory::CheckTrust(process, at, owner).ok());
  ASSERT_EQ(chmod(place_.folder().c_str(), 0755), 0);
  at.folder = place_.LinkOf(geteuid());
  EXPECT_FALSE(directory::CheckTrust(process, at, owner).ok());
}

// The folder's owner could replace a socket that clients already trust.
TEST_F(FolderTest, NoDirectoryRunsInAFolderOfAnotherUser) {
  ExpectRefused(place_.folder());
}

// The link's owner could make the link point to another folder.
TEST_F(FolderTest, NoDirectoryRunsBehindALinkOfAnotherUser) {
  ASSERT_EQ(chown(place_.folder().c_str(), geteuid(), getegid()), 0);
  ExpectRefused(place_.LinkOf(kStranger));
}

// Any user could put a socket into a folder that every user may write to, while
// no directory runs.
TEST_F(FolderTest, NoDirectoryRunsWhereEveryUserMayWrite) {
  ASSERT_EQ(chown(place_.folder().c_str(), geteuid(), getegid()), 0);
  for (const mode_t mode : {0777, 01777, 0757}) {
    ASSERT_EQ(chmod(place_.folder().c_str(), mode), 0);
    ExpectRefused(place_.folder());
  }
}

// A user that owns a parent folder or may write to it could replace the folder.
// Then directoryd could change a file in another folder.
TEST_F(FolderTest, NoDirectoryRunsBelowAFolderOfAnotherUser) {
  ASSERT_EQ(chmod(place_.folder().c_str(), 0777), 0);
  ASSERT_EQ(chown(place_.folder().c_str(), geteuid(), getegid()), 0);
  ExpectRefused(place_.folder() + "/made");
  ASSERT_EQ(chown(place_.folder().c_str(), kCaller, kCaller), 0);
  ASSERT_EQ(chmod(place_.folder().c_str(), 01777), 0);
  ExpectRefused(place_.folder() + "/made");
  EXPECT_NE(access((place_.folder() + "/made").c_str(), F_OK), 0);
}

// A client that has no permission to enter the folder logs this reason.
TEST_F(FolderTest, TheErrorNamesAFolderThatMayNotBeEntered) {
  place_.StartDirectory();
  ASSERT_EQ(chmod(place_.folder().c_str(), 0700), 0);
  const std::string asker = place_.CopyAsker();
  std::string said;
  const int status = RunInChild(
      [&] {
        if (setresgid(kCaller, kCaller, kCaller) != 0 ||
            setresuid(kCaller, kCaller, kCaller) != 0) {
          _exit(kNoOtherUser);
        }
        setenv("LE_MESSAGING_DIR", place_.folder().c_str(), 1);
        execl(asker.c_str(), "asker", nullptr);
      },
      &said);
  EXPECT_EQ(status, 0) << said;
  EXPECT_THAT(said,
              HasSubstr(absl::StrCat(
                  "interface 'asker': cannot open a session: no directory at '",
                  place_.address(), "': Permission denied")));
}

// ---- Programs with more rights than their callers --------------------------

const char* WhyNot(int status) {
  switch (status) {
    case kNoOtherUser:
      return "there is no other user here";
    case kNoNamespace:
      return "no user namespace is permitted here";
    case kNoCapabilities:
      return "files have no capabilities here";
  }
  return nullptr;
}

// Moves the calling child into a new user namespace, as user `uid`. This needs
// no privileges.
void EnterNamespaceAs(uid_t uid) {
  const std::string map = absl::StrCat(uid, " ", geteuid(), " 1");
  const std::string group_map = absl::StrCat(uid, " ", getegid(), " 1");
  if (unshare(CLONE_NEWUSER) != 0) _exit(kNoNamespace);
  const std::pair<const char*, std::string> texts[] = {
      {"/proc/self/setgroups", "deny"},
      {"/proc/self/uid_map", map},
      {"/proc/self/gid_map", group_map}};
  for (const auto& text : texts) {
    const int file = open(text.first, O_WRONLY | O_CLOEXEC);
    if (file < 0 || write(file, text.second.data(), text.second.size()) < 0) {
      _exit(kNoNamespace);
    }
    close(file);
  }
}

// In a user namespace, a stranger and root may both be the overflow user. So
// directoryd accepts folders of the overflow user above its own, but not this
// one: every user may write to its parent, so a stranger could have made it.
TEST_F(FolderTest, NoDirectoryOfANamespaceRunsBelowAFolderOfAStranger) {
  const std::string of_stranger = place_.folder() + "/made";
  const std::string folder = of_stranger + "/d";
  ASSERT_EQ(mkdir(of_stranger.c_str(), 0755), 0);
  ASSERT_EQ(mkdir(folder.c_str(), 0755), 0);
  ASSERT_EQ(chown(of_stranger.c_str(), kCaller, kCaller), 0);
  ASSERT_EQ(chown(place_.folder().c_str(), geteuid(), getegid()), 0);
  ASSERT_EQ(chmod(place_.folder().c_str(), 01777), 0);
  std::string said;
  const int status = RunInChild(
      [&] {
        EnterNamespaceAs(0);
        const std::string place = "--socket_dir=" + folder;
        execl(g_directoryd->c_str(), "directoryd", place.c_str(), nullptr);
      },
      &said);
  rmdir(folder.c_str());
  rmdir(of_stranger.c_str());
  if (const char* why = WhyNot(status)) GTEST_SKIP() << why;
  EXPECT_EQ(status, EXIT_FAILURE);
  EXPECT_THAT(said, HasSubstr("/made belongs to user "));
}

void SetCapability(const std::string& file) {
  struct vfs_cap_data capabilities = {};
  capabilities.magic_etc = VFS_CAP_REVISION_2 | VFS_CAP_FLAGS_EFFECTIVE;
  capabilities.data[0].permitted = 1u << CAP_NET_BIND_SERVICE;
  if (setxattr(file.c_str(), "security.capability", &capabilities,
               sizeof(capabilities), 0) != 0) {
    _exit(kNoCapabilities);
  }
}

enum class Rights { kCallers, kMore };

class EnvironmentTest : public ::testing::TestWithParam<const char*> {
 protected:
  void SetUp() override {
    if (access("/run/le_messaging", F_OK) == 0) {
      GTEST_SKIP() << "this machine has /run/le_messaging, which is "
                      "used if the environment names no folder";
    }
    struct statvfs system;
    ASSERT_EQ(statvfs(place_.runtime().c_str(), &system), 0);
    if ((system.f_flag & ST_NOSUID) != 0) {
      GTEST_SKIP() << "/tmp is mounted nosuid: no program has rights there";
    }
    if (prctl(PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0) == 1) {
      GTEST_SKIP() << "this process may not get new privileges";
    }
    place_.StartDirectory();
    asker_ = place_.CopyAsker();
  }

  // Runs `prepare` in a child, and executes asker there. The environment names
  // the directory. Returns the exit status; said_ is the output.
  int Execute(const std::function<void()>& prepare) {
    const std::string variable = GetParam();
    const std::string value =
        variable + "=" +
        (variable == "LE_MESSAGING_DIR" ? place_.folder() : place_.runtime());
    char* const arguments[] = {&asker_[0], nullptr};
    char* const environment[] = {const_cast<char*>(value.c_str()), nullptr};
    return RunInChild(
        [&] {
          prepare();
          execve(arguments[0], arguments, environment);
        },
        &said_);
  }

  void ExpectFound() {
    EXPECT_THAT(said_, HasSubstr("secure: 0, result: LE_NOT_FOUND"));
  }
  void ExpectLedNowhere() {
    EXPECT_THAT(said_, AllOf(HasSubstr("secure: 1, result: LE_COMM_ERROR"),
                             HasSubstr("neither LE_MESSAGING_DIR nor "
                                       "XDG_RUNTIME_DIR is set")));
  }

  Place place_;
  std::string asker_;
  std::string said_;
};
INSTANTIATE_TEST_SUITE_P(Each, EnvironmentTest,
                         ::testing::Values("LE_MESSAGING_DIR",
                                           "XDG_RUNTIME_DIR"),
                         [](const auto& info) { return info.param; });

TEST_P(EnvironmentTest, AnyProgramButASetUidOneUsesTheVariable) {
  if (geteuid() != 0) GTEST_SKIP() << "only root can be another user";
  const auto become_the_caller = [] {
    if (setresgid(kCaller, kCaller, kCaller) != 0 ||
        setresuid(kCaller, kCaller, kCaller) != 0) {
      _exit(kNoOtherUser);
    }
  };
  const int status = Execute(become_the_caller);
  if (WhyNot(status) != nullptr) GTEST_SKIP() << WhyNot(status);
  EXPECT_EQ(status, 0) << said_;
  ExpectFound();
  ASSERT_EQ(chown(asker_.c_str(), kStranger, kStranger), 0);
  ASSERT_EQ(chmod(asker_.c_str(), S_ISUID | 0755), 0);
  EXPECT_EQ(Execute(become_the_caller), 0) << said_;
  ExpectLedNowhere();
}

// This test needs neither other users nor root.
TEST_P(EnvironmentTest, AnyProgramButOneWithCapabilitiesUsesTheVariable) {
  constexpr uid_t kNoRoot = 5;
  for (Rights rights : {Rights::kCallers, Rights::kMore}) {
    const int status = Execute([&] {
      EnterNamespaceAs(0);
      if (rights == Rights::kMore) SetCapability(asker_);
      EnterNamespaceAs(kNoRoot);
    });
    if (WhyNot(status) != nullptr) GTEST_SKIP() << WhyNot(status);
    EXPECT_EQ(status, 0) << said_;
    if (rights == Rights::kMore) {
      ExpectLedNowhere();
    } else {
      ExpectFound();
    }
  }
}

}  // namespace
}  // namespace le

int main(int argc, char** argv) {
  ::testing::InitGoogleTest(&argc, argv);
  if (argc != 4) {
    std::fprintf(stderr,
                 "to be run by Bazel: users_test ASKER DIRECTORYD SDIR\n");
    return EXIT_FAILURE;
  }
  le::g_asker = new std::string(argv[1]);
  le::g_directoryd = new std::string(argv[2]);
  le::g_sdir = new std::string(argv[3]);
  return RUN_ALL_TESTS();
}
