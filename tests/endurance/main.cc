// Copyright 2026 The le_messaging Authors
// SPDX-License-Identifier: Apache-2.0
//
// Kills thousands of real processes while they communicate over Unix sockets.
// Checks that the surviving processes are unharmed.

#include <fcntl.h>
#include <sys/resource.h>
#include <unistd.h>

#include <algorithm>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <functional>
#include <memory>
#include <random>
#include <string>
#include <vector>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "tests/endurance/child.h"
#include "tests/endurance/hardship.h"
#include "tests/endurance/roles.h"
#include "tests/endurance/survivor.h"

namespace le {
namespace endurance {
namespace {

constexpr char kBindings[] = "<*>.* -> <self>.*\n";
// The number of kills of the directory between two checks of the survivors.
constexpr uint64_t kStepsPerLook = 10;

struct Options {
  uint64_t kills = 1000;
  uint64_t directory_kills = 100;
  uint64_t sessions = 10000;
  uint64_t connections = 5000;
  uint64_t strangers = 200;
  uint64_t steps = 300;
  uint64_t seed = 1;
  std::string only;
};

// KillAtEachStep() asks a server up to this many times whether a client has
// opened its session again. Far fewer questions are enough.
constexpr int kMostQuestions = 1000000;

std::vector<long> Counts(Child* child) {
  std::vector<long> counts;
  for (const auto& word : absl::StrSplit(child->Ask("counts"), ' ')) {
    counts.push_back(std::atol(std::string(word).c_str()));
  }
  return counts;
}

class Endurance {
 public:
  explicit Endurance(const Options& options)
      : options_(options), random_(options.seed) {}

  void KillClients() {
    Directory directory(kBindings);
    Child server({"server", "echo"});
    server.Expect("ready");
    Survivor survivor("server", server.pid(), SettledDescriptors(server.pid()));
    Survivor introducer("directory", directory.pid(),
                        directory.idle_descriptors() + 1);
    constexpr size_t kClients = 4;
    std::vector<std::unique_ptr<Child>> clients(kClients);
    const uint64_t rest_every = std::max<uint64_t>(options_.kills / 10, 1);
    for (uint64_t kills = 0; kills < options_.kills; ++kills) {
      std::unique_ptr<Child>& client = clients[random_() % kClients];
      // Some clients are killed before they have opened a session, some while
      // they send.
      if (client != nullptr && random_() % 4 != 0) client->Expect("busy");
      client = nullptr;  // dies
      client =
          std::make_unique<Child>(std::vector<std::string>{"client", "echo"});
      if ((kills + 1) % rest_every != 0) continue;
      for (auto& other : clients) other = nullptr;
      if (server.Ask("quiet") != "quiet") Fail("the server died");
      survivor.Look();
      introducer.Look();
    }
    const std::vector<long> counts = Counts(&server);
    if (counts[0] != counts[1]) Fail("opens and closes do not pair up");
    std::printf("  %llu kills; %ld sessions opened and closed, %ld messages\n",
                static_cast<unsigned long long>(options_.kills), counts[0],
                counts[2]);
    std::printf("  %s\n  %s\n", survivor.Report().c_str(),
                introducer.Report().c_str());
  }

  void KillServers() {
    Directory directory(kBindings);
    std::vector<std::unique_ptr<Child>> servers(2);
    for (auto& server : servers) StartServer(&server);
    Child client({"steady", "echo", "5"});
    client.Expect("ready");
    // A client that is opening a session has a file descriptor for that. So the
    // file descriptors are counted while the client is quiet.
    if (client.Ask("quiet") != "quiet") Fail("the client died");
    Survivor survivor("client", client.pid(), SettledDescriptors(client.pid()));
    Survivor introducer(
        "directory", directory.pid(),
        directory.idle_descriptors() + static_cast<int>(servers.size()));
    const uint64_t rest_every = std::max<uint64_t>(options_.kills / 10, 1);
    for (uint64_t kills = 0; kills < options_.kills; ++kills) {
      std::unique_ptr<Child>& server = servers[random_() % servers.size()];
      server = nullptr;  // dies
      StartServer(&server);
      if ((kills + 1) % rest_every != 0) continue;
      if (client.Ask("quiet") != "quiet") Fail("the client died");
      survivor.Look();
      introducer.Look();
    }
    const std::vector<long> counts = Counts(&client);
    if (counts[2] != counts[3]) Fail("a request did not complete once");
    std::printf(
        "  %llu kills; %ld opens, %ld closes reported; %ld requests, as many "
        "completions, %ld of them NULL\n",
        static_cast<unsigned long long>(options_.kills), counts[0], counts[1],
        counts[2], counts[4]);
    std::printf("  %s\n  %s\n", survivor.Report().c_str(),
                introducer.Report().c_str());
  }

  // Kills a client just before each of its system calls, and a server just
  // before each of its first `steps` system calls. Each step has a new process.
  void KillAtEachStep() {
    Directory directory(kBindings);
    Child server({"server", "echo"});
    server.Expect("ready");
    Survivor serving("server", server.pid(), SettledDescriptors(server.pid()));
    Survivor introducing("directory", directory.pid(),
                         directory.idle_descriptors() + 1);
    int steps = 0;
    std::string said;
    while (said != "whole") {
      Child client({"mortal", absl::StrCat(++steps), "once", "echo"});
      said = client.Hear();
    }
    if (server.Ask("quiet") != "quiet") Fail("the server died");
    serving.Look();
    introducing.Look();
    const std::vector<long> served = Counts(&server);
    if (served[0] != served[1]) Fail("opens and closes do not pair up");

    Child client({"steady", "mortal", "1"});
    for (uint64_t step = 1; step <= options_.steps; ++step) {
      // The client sends requests without end, so the server reaches each step.
      Child mortal({"mortal", absl::StrCat(step), "server", "mortal"});
      while (!mortal.Hear().empty()) {
      }
    }
    Child last({"server", "mortal"});
    last.Expect("ready");
    client.Expect("ready");
    // Until the client opens a session with `last`, it may not know that the
    // last `mortal` has died.
    for (int asked = 0; Counts(&last)[0] == 0; ++asked) {
      if (asked == kMostQuestions) Fail("the client opens no session again");
    }
    if (client.Ask("quiet") != "quiet") Fail("the client died");
    const std::vector<long> counts = Counts(&client);
    if (counts[2] != counts[3]) Fail("a request did not complete once");
    if (counts[0] != counts[1] + 1) Fail("opens and closes do not pair up");
    std::printf(
        "  a client at each of %d steps, %ld sessions of which were opened and "
        "closed\n  a server at each of %llu steps; %ld opens, %ld requests, as "
        "many completions, %ld of them NULL\n",
        steps, served[0], static_cast<unsigned long long>(options_.steps),
        counts[0], counts[2], counts[4]);
  }

  void KillDirectory() {
    Directory directory(kBindings);
    Child server({"server", "echo", "other"});
    server.Expect("ready");
    Child client({"steady", "echo", "5"});
    client.Expect("ready");
    Survivor serving("server", server.pid(), SettledDescriptors(server.pid()));
    Survivor asking("client", client.pid(), SettledDescriptors(client.pid()));
    for (uint64_t kills = 0; kills < options_.directory_kills; ++kills) {
      directory.Kill();
      // This client waits until a directory runs and the server offers its
      // service there again.
      Child late({"idle", "other", "1"});
      directory.Start();
      late.Expect("1");
      late.Kill();
    }
    server.Say("counts");
    server.Hear();
    const std::vector<long> counts = Counts(&client);
    if (counts[1] != 0) Fail("a live session was lost with the directory");
    serving.Look();
    asking.Look();
    std::printf(
        "  %llu kills; %ld requests of live sessions meanwhile, and no live "
        "session closed; each new session opened\n",
        static_cast<unsigned long long>(options_.directory_kills), counts[2]);
    std::printf("  %s\n  %s\n", serving.Report().c_str(),
                asking.Report().c_str());
  }

  // Kills a directory just before each of `steps` system calls, and starts
  // another directory after each kill. The first of these calls is the mkdir()
  // that creates the directory's folder.
  void KillDirectoryAtEachStep() {
    Directory directory(kBindings);
    Child server({"server", "echo", "other"});
    server.Expect("ready");
    Child client({"steady", "echo", "2"});
    client.Expect("ready");
    Survivor serving("server", server.pid(), SettledDescriptors(server.pid()));
    Survivor asking("client", client.pid(), SettledDescriptors(client.pid()));
    std::unique_ptr<Child> reopener;
    for (uint64_t step = 1; step <= options_.steps; ++step) {
      if (reopener == nullptr) {
        reopener = std::make_unique<Child>(
            std::vector<std::string>{"reopener", "other"});
      }
      directory.Kill();
      // This client waits for a directory and for the service "late". Meanwhile
      // the other processes reconnect.
      Child waiting({"once", "late"});
      if (!directory.StartStepwise()) {
        std::printf("  not done: this process may not trace another\n");
        return;
      }
      directory.MakeSteps((step - 1) / 2);
      Child late({"server", "late"});
      late.Expect("ready");
      // The new server gives the directory work, so that it reaches each step.
      directory.MakeSteps(step - 1 - (step - 1) / 2);
      directory.Kill();
      directory.Start();
      waiting.Expect("whole");
      if (step % kStepsPerLook != 0) continue;
      reopener = nullptr;
      serving.Look();
      asking.Look();
    }
    reopener = nullptr;
    serving.Look();
    if (client.Ask("quiet") != "quiet") Fail("the client died");
    asking.Look();
    const std::vector<long> counts = Counts(&client);
    if (counts[1] != 0) Fail("a live session was lost with the directory");
    if (counts[2] != counts[3]) Fail("a request did not complete once");
    std::printf(
        "  a directory at each of %llu steps; %ld requests of live sessions "
        "meanwhile, as many completions, and no live session closed; each "
        "client that waited was served\n",
        static_cast<unsigned long long>(options_.steps), counts[2]);
    std::printf("  %s\n  %s\n", serving.Report().c_str(),
                asking.Report().c_str());
  }

  void ManySessions() {
    Directory directory(kBindings);
    Child server({"server", "echo"});
    server.Expect("ready");
    const Usage before = UsageOf(server.pid());
    struct rlimit limit;
    getrlimit(RLIMIT_NOFILE, &limit);
    constexpr uint64_t kClients = 4;
    const uint64_t each = std::min<uint64_t>(options_.sessions / kClients,
                                             (limit.rlim_max - 100) / kClients);
    std::vector<std::unique_ptr<Child>> clients;
    for (uint64_t i = 0; i < kClients; ++i) {
      clients.push_back(std::make_unique<Child>(
          std::vector<std::string>{"idle", "echo", absl::StrCat(each)}));
    }
    for (auto& client : clients) client->Expect(absl::StrCat(each));
    const Usage full = UsageOf(server.pid());
    for (auto& client : clients) {
      const std::string answered = client->Ask("quiet");
      if (answered != absl::StrCat(each)) {
        Fail(absl::StrCat(answered, " of ", each, " sessions were answered"));
      }
    }
    clients.clear();
    if (server.Ask("quiet") != "quiet") Fail("the server died");
    const Usage after = UsageOf(server.pid());
    std::printf(
        "  %llu sessions on one server, each answered; %.2f KiB each; %d "
        "descriptors, %d afterwards\n",
        static_cast<unsigned long long>(each * kClients),
        static_cast<double>(full.resident_kib - before.resident_kib) /
            static_cast<double>(each * kClients),
        full.descriptors, after.descriptors);
    if (after.descriptors != before.descriptors) Fail("descriptors are left");
  }

  void FloodConnections() {
    Directory directory("<*>.echo -> <self>.echo\n");
    Child server({"server", "echo"});
    server.Expect("ready");
    Child shut({"shut", absl::StrCat(options_.connections)});
    const std::string connected = shut.Hear();
    // 65534 is the user "nobody", which differs from the user that floods.
    Child honest({"opener", "echo", "65534"});
    const std::string answer = honest.Hear();
    if (answer == "no other user") {
      std::printf("  not done: this process cannot become another user\n");
      return;
    }
    if (answer.empty() || answer == "unanswered") {
      Fail("another user was not served");
    }
    std::printf(
        "  %s silent connections of one user; another opened a session and was "
        "answered in %.1f ms\n",
        connected.c_str(), std::atof(answer.c_str()) / 1000);
    // The hammers fill the directory's backlog, which all users share.
    std::vector<std::unique_ptr<Child>> hammers;
    for (int i = 0; i < 2; ++i) {
      hammers.push_back(
          std::make_unique<Child>(std::vector<std::string>{"hammer"}));
      hammers.back()->Expect("busy");
    }
    std::vector<double> times;
    for (int i = 0; i < 9; ++i) {
      Child late({"opener", "echo", "65534"});
      times.push_back(std::atof(late.Hear().c_str()) / 1000);
    }
    std::sort(times.begin(), times.end());
    if (times[0] <= 0) Fail("another user was not served");
    std::printf(
        "  2 processes that connect without end; another opened a session and "
        "was answered in %.1f ms (median), %.1f ms (the longest of 9)\n",
        times[times.size() / 2], times.back());
  }

  void Flood() {
    Directory directory(kBindings);
    Child server({"server", "echo"});
    server.Expect("ready");
    Child asker({"asker", "echo"});
    asker.Expect("ready");
    std::vector<double> ratios;
    std::string lines;
    for (int round = 0; round < 5; ++round) {
      const double idle = std::atof(asker.Ask("time").c_str());
      Child flooder({"flooder", "echo"});
      flooder.Expect("busy");
      const double flooded = std::atof(asker.Ask("time").c_str());
      ratios.push_back(flooded / idle);
      absl::StrAppend(&lines, round == 0 ? "" : ", ",
                      static_cast<int64_t>(idle), " -> ",
                      static_cast<int64_t>(flooded));
    }
    std::sort(ratios.begin(), ratios.end());
    std::printf("  median round trip, idle and flooded (us): %s; ratio %.2f\n",
                lines.c_str(), ratios[ratios.size() / 2]);
  }

 private:
  static void StartServer(std::unique_ptr<Child>* server) {
    *server =
        std::make_unique<Child>(std::vector<std::string>{"server", "echo"});
    (*server)->Expect("ready");
  }

  const Options options_;
  std::mt19937_64 random_;
};

bool Parse(int argc, char** argv, Options* options) {
  for (int i = 1; i < argc; ++i) {
    const std::pair<std::string, std::string> flag =
        absl::StrSplit(argv[i], absl::MaxSplits('=', 1));
    bool good = true;
    if (flag.first == "--kills") {
      good = absl::SimpleAtoi(flag.second, &options->kills);
    } else if (flag.first == "--directory_kills") {
      good = absl::SimpleAtoi(flag.second, &options->directory_kills);
    } else if (flag.first == "--sessions") {
      good = absl::SimpleAtoi(flag.second, &options->sessions);
    } else if (flag.first == "--connections") {
      good = absl::SimpleAtoi(flag.second, &options->connections);
    } else if (flag.first == "--strangers") {
      good = absl::SimpleAtoi(flag.second, &options->strangers);
    } else if (flag.first == "--steps") {
      good = absl::SimpleAtoi(flag.second, &options->steps);
    } else if (flag.first == "--seed") {
      good = absl::SimpleAtoi(flag.second, &options->seed);
    } else if (flag.first == "--only") {
      options->only = flag.second;
    } else {
      good = false;
    }
    if (good) continue;
    std::fprintf(
        stderr,
        "cannot understand %s\n"
        "usage: endurance [--kills=N] [--directory_kills=N] "
        "[--sessions=N]\n"
        "                 [--connections=N] [--strangers=N] [--steps=N] "
        "[--seed=S]\n"
        "                 [--only=PART]\n",
        argv[i]);
    return false;
  }
  return true;
}

int Main(int argc, char** argv) {
  if (argc > 2 && std::string(argv[1]) == "--role") {
    return PlayRole({argv + 2, argv + argc});
  }
  Options options;
  if (!Parse(argc, argv, &options)) return 2;
  // The children must not inherit descriptors that this process has inherited.
  for (int fd = STDERR_FILENO + 1; fd < 1024; ++fd) {
    fcntl(fd, F_SETFD, FD_CLOEXEC);
  }
  // Raises the limit of file descriptors, which children inherit.
  struct rlimit limit;
  getrlimit(RLIMIT_NOFILE, &limit);
  limit.rlim_cur = limit.rlim_max;
  setrlimit(RLIMIT_NOFILE, &limit);
  Endurance endurance(options);
  const std::vector<std::pair<std::string, std::function<void()>>> parts = {
      {"kill_clients", [&] { endurance.KillClients(); }},
      {"kill_servers", [&] { endurance.KillServers(); }},
      {"kill_at_each_step", [&] { endurance.KillAtEachStep(); }},
      {"kill_directory", [&] { endurance.KillDirectory(); }},
      {"kill_directory_at_each_step",
       [&] { endurance.KillDirectoryAtEachStep(); }},
      {"many_sessions", [&] { endurance.ManySessions(); }},
      {"flood_connections", [&] { endurance.FloodConnections(); }},
      {"flood", [&] { endurance.Flood(); }},
      {"no_descriptors", [] { RunOutOfDescriptors(); }},
      {"strangers", [&] { MeetStrangers(options.strangers); }},
      {"exec", [] { Exec(); }},
  };
  for (const auto& part : parts) {
    if (!options.only.empty() && options.only != part.first) continue;
    std::printf("%s\n", part.first.c_str());
    std::fflush(stdout);
    part.second();
    std::fflush(stdout);
  }
  std::printf("passed\n");
  return 0;
}

}  // namespace
}  // namespace endurance
}  // namespace le

int main(int argc, char** argv) { return le::endurance::Main(argc, argv); }
