// Copyright 2026 The le_messaging Authors
// SPDX-License-Identifier: Apache-2.0

#include "tests/endurance/hardship.h"

#include <dirent.h>
#include <sched.h>
#include <sys/resource.h>

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <memory>
#include <set>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/strip.h"
#include "tests/endurance/child.h"
#include "tests/endurance/survivor.h"

namespace le {
namespace endurance {
namespace {

constexpr char kBindings[] = "<*>.* -> <self>.*\n";

// While this object exists, the process `pid` cannot create a file descriptor.
// The process can still use its open descriptors.
class Famine {
 public:
  explicit Famine(pid_t pid) : pid_(pid) {
    std::set<rlim_t> taken;
    if (DIR* const fds = opendir(absl::StrCat("/proc/", pid, "/fd").c_str())) {
      while (const dirent* const entry = readdir(fds)) {
        if (entry->d_name[0] != '.') {
          taken.insert(static_cast<rlim_t>(std::atoi(entry->d_name)));
        }
      }
      closedir(fds);
    }
    rlim_t first_free = 0;
    while (taken.count(first_free) != 0) ++first_free;
    struct rlimit limit;
    if (prlimit(pid, RLIMIT_NOFILE, nullptr, &usual_) != 0) {
      Fail("a process's limit cannot be read");
    }
    limit = usual_;
    limit.rlim_cur = first_free;
    Set(limit);
  }
  ~Famine() { Set(usual_); }
  Famine(const Famine&) = delete;
  Famine& operator=(const Famine&) = delete;

 private:
  void Set(const struct rlimit& limit) {
    if (prlimit(pid_, RLIMIT_NOFILE, &limit, nullptr) != 0) {
      Fail("a process's limit cannot be set");
    }
  }

  const pid_t pid_;
  struct rlimit usual_ = {};
};

void ExpectAnswered(Child* asker) {
  const std::string time = asker->Ask("time");
  if (std::atof(time.c_str()) <= 0) {
    Fail(absl::StrCat("an open session is not served any more: '", time, "'"));
  }
}

// Checks that a new client can open a session and is answered.
void ExpectOpens(const std::string& name) {
  Child newcomer({"idle", name, "1"});
  newcomer.Expect("1");
  if (newcomer.Ask("quiet") != "1") Fail("a newcomer is not answered");
}

void StarvedServer(Directory* directory) {
  Child server({"server", "echo"});
  server.Expect("ready");
  Child asker({"asker", "echo"});
  asker.Expect("ready");
  const long before = directory->Introductions();
  auto famine = std::make_unique<Famine>(server.pid());
  std::vector<std::unique_ptr<Child>> waiting;
  for (int i = 0; i < 3; ++i) {
    waiting.push_back(
        std::make_unique<Child>(std::vector<std::string>{"idle", "echo", "1"}));
  }
  while (directory->Introductions() < before + 3) sched_yield();
  ExpectRest("a server without a descriptor left", server.pid());
  ExpectAnswered(&asker);
  for (const auto& child : waiting) {
    if (child->HasSpoken()) Fail("a session opened without a descriptor");
  }
  famine = nullptr;
  for (const auto& child : waiting) {
    child->Expect("1");
    if (child->Ask("quiet") != "1")
      Fail("a client that waited is not answered");
  }
  // If the server drops an introduction, the directory introduces the client
  // again, so there are more than three.
  const long introductions = directory->Introductions() - before;
  if (introductions != 3) {
    Fail(absl::StrCat(introductions, " introductions instead of 3"));
  }
  std::printf(
      "  server: 3 introductions left unread, and served once there were "
      "descriptors; the open session answered meanwhile\n");
}

void StarvedClient() {
  Child server({"server", "echo"});
  server.Expect("ready");
  Child client({"visitor", "echo", "echo"});
  client.Expect("ready");
  auto famine = std::make_unique<Famine>(client.pid());
  if (client.Ask("try") != "none") {
    Fail("a session opened without a descriptor");
  }
  client.Say("wait");
  client.Expect("waits");
  ExpectRest("a client without a descriptor left", client.pid());
  if (client.Ask("ask") != "answered") {
    Fail("an open session is not served any more");
  }
  if (client.HasSpoken()) Fail("a session opened without a descriptor");
  famine = nullptr;
  client.Expect("open");
  std::printf(
      "  client: waited for a descriptor, and opened once there was one; the "
      "open session answered meanwhile\n");
}

void StarvedDirectory(Directory* directory) {
  Child server({"server", "echo"});
  server.Expect("ready");
  Child asker({"asker", "echo"});
  asker.Expect("ready");
  auto famine = std::make_unique<Famine>(directory->pid());
  std::vector<std::unique_ptr<Child>> waiting;
  for (int i = 0; i < 3; ++i) {
    waiting.push_back(
        std::make_unique<Child>(std::vector<std::string>{"idle", "echo", "1"}));
  }
  Child other({"server", "other"});
  // A server reports "ready" without waiting for the directory's answer.
  other.Expect("ready");
  ExpectRest("a directory without a descriptor left", directory->pid());
  ExpectAnswered(&asker);
  famine = nullptr;
  for (const auto& child : waiting) child->Expect("1");
  ExpectOpens("other");
  std::printf(
      "  directory: 3 clients and a server waited in its backlog, and were "
      "served "
      "once there were descriptors\n");
}

struct Stranger {
  const char* where;
  const char* how;
};
constexpr Stranger kStrangers[] = {
    {"directory", "silent"},  {"directory", "half_close"},
    {"directory", "deaf"},    {"directory", "one_byte"},
    {"directory", "fds"},     {"client", "half_close"},
    {"client", "deaf"},       {"client", "one_byte"},
    {"client", "fds"},        {"server", "silent"},
    {"server", "half_close"}, {"server", "deaf"},
    {"server", "one_byte"},   {"server", "fds"},
};

}  // namespace

void RunOutOfDescriptors() {
  Directory directory(kBindings);
  StarvedServer(&directory);
  StarvedClient();
  StarvedDirectory(&directory);
}

void MeetStrangers(uint64_t count) {
  Directory directory(kBindings);
  Child server({"server", "echo"});
  server.Expect("ready");
  Child asker({"asker", "echo"});
  asker.Expect("ready");
  Child client({"visitor", "echo", "strange"});
  client.Expect("ready");
  Survivor serving("server", server.pid(), SettledDescriptors(server.pid()));
  Survivor visiting("client", client.pid(), SettledDescriptors(client.pid()));
  // The additional descriptor is the server's connection to the directory.
  Survivor introducing("directory", directory.pid(),
                       directory.idle_descriptors() + 1);
  const auto meet = [&](const Stranger& kind) {
    Child stranger({"stranger", kind.where, kind.how, absl::StrCat(count)});
    if (kind.where == std::string("server")) {
      stranger.Expect("ready");
      std::string told;
      for (uint64_t i = 0; i < count; ++i) told = client.Ask("visit");
      if (told != "visited") Fail(absl::StrCat("the client said ", told));
    } else {
      stranger.Expect("busy");
    }
    ExpectAnswered(&asker);
    ExpectOpens("echo");
    if (client.Ask("ask") != "answered") Fail("the client is not answered");
    ExpectRest("the server", server.pid());
    ExpectRest("the client", client.pid());
    ExpectRest("the directory", directory.pid());
    stranger.Kill();
    if (client.Ask("ask") != "answered") Fail("the client is not answered");
  };
  // The allocator may keep memory that the first round has used. A leak grows
  // in the second round, too.
  for (const Stranger& kind : kStrangers) meet(kind);
  for (const Stranger& kind : kStrangers) {
    meet(kind);
    serving.Look();
    visiting.Look();
    introducing.Look();
    std::printf("  %llu at the %s: %s\n",
                static_cast<unsigned long long>(count),
                kind.where == std::string("client")   ? "server"
                : kind.where == std::string("server") ? "client"
                                                      : "directory",
                kind.how);
  }
  std::printf("  %s\n  %s\n  %s\n", serving.Report().c_str(),
              visiting.Report().c_str(), introducing.Report().c_str());
}

void Exec() {
  Directory directory(kBindings);
  Child server({"server", "echo"});
  server.Expect("ready");
  // The descriptors that every child has.
  Child plain({"descriptors"});
  const std::string usual = plain.Hear();
  Child rich({"executor", "echo"});
  const std::string had = rich.Hear();
  const std::string inherited = rich.Hear();
  if (inherited != usual) {
    Fail(absl::StrCat("a program should have the descriptors ", usual,
                      ", and has ", inherited));
  }
  std::printf("  of the descriptors %s a program got %s\n", had.c_str(),
              inherited.c_str());
}

}  // namespace endurance
}  // namespace le
