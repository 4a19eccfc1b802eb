// Copyright 2026 The le_messaging Authors
// SPDX-License-Identifier: Apache-2.0

#include "messaging/testing/thread_setting.h"

#include <unistd.h>

#include <cstdio>
#include <cstdlib>
#include <map>
#include <memory>
#include <mutex>
#include <thread>
#include <utility>
#include <vector>

#include "directory/client.h"
#include "directory/in_process_directory.h"
#include "directory/server.h"
#include "event/os_process.h"
#include "event/process.h"
#include "messaging/facade/local_parts.h"
#include "messaging/session/runtime.h"
#include "messaging/testing/party_loop.h"
#include "messaging/testing/party_process.h"
#include "messaging/testing/signal_board.h"
#include "transports/loopback/loopback.h"
#include "transports/unix_socket/unix_socket.h"

namespace le {
namespace messaging {
namespace testing {
namespace {

// A directory, and the parts of a Runtime by which a party uses it.
class World {
 public:
  virtual ~World() = default;
  virtual Runtime::Parts PartsFor(event::Process* process) = 0;
  virtual void StartDirectory() {}
  virtual void StopDirectory() {}
};

class LoopbackWorld final : public World {
 public:
  explicit LoopbackWorld(const std::string& bindings) {
    EXPECT_TRUE(directory_.SetBindings(bindings).ok());
  }
  Runtime::Parts PartsFor(event::Process* process) override {
    transports_.push_back(
        std::make_unique<transports::LoopbackTransport>(&network_, process));
    Runtime::Parts parts;
    parts.introducer = directory_.IntroducerFor(transports_.back().get());
    return parts;
  }

 private:
  transports::LoopbackNetwork network_;
  std::vector<std::unique_ptr<transports::LoopbackTransport>> transports_;
  directory::InProcessDirectory directory_{event::OsProcess::Get()};
};

class UnixWorld final : public World {
 public:
  explicit UnixWorld(std::string bindings) : bindings_(std::move(bindings)) {
    EXPECT_NE(mkdtemp(folder_), nullptr);
    StartDirectory();
  }
  ~UnixWorld() override {
    StopDirectory();
    EXPECT_EQ(rmdir(folder_), 0) << "something was left in " << folder_;
  }

  Runtime::Parts PartsFor(event::Process* process) override {
    auto endpoint = std::make_shared<Endpoint>(process, address());
    Runtime::Parts parts;
    parts.introducer =
        std::shared_ptr<directory::Introducer>(endpoint, &endpoint->client);
    return parts;
  }

  void StartDirectory() override {
    ready_ = std::make_unique<SignalBoard>();
    thread_ = std::thread([this] {
      event::Thread::Binding binding(&process_, "directory");
      event::Loop* const loop = binding.thread()->loop();
      directory::OsUsers users;
      directory::DirectoryServer server(&process_, loop, &users, {});
      EXPECT_TRUE(server.Load(bindings_, "bindings").ok());
      transports::UnixTransport transport(&process_);
      const absl::Status listening = server.Listen(&transport, address());
      EXPECT_TRUE(listening.ok()) << listening;
      loop_ = loop;
      ready_->Signal("ready");
      loop->Run();
    });
    ready_->Await("ready");
  }
  void StopDirectory() override {
    if (!thread_.joinable()) return;
    loop_->Stop();
    thread_.join();
  }

 private:
  struct Endpoint {
    Endpoint(event::Process* process, const std::string& address)
        : transport(process), client(process, &transport, address) {}
    transports::UnixTransport transport;
    directory::DirectoryClient client;
  };
  std::string address() const { return std::string(folder_) + "/directory"; }

  const std::string bindings_;
  char folder_[32] = "/tmp/le_scenario_XXXXXX";
  PartyProcess process_;
  std::unique_ptr<SignalBoard> ready_;
  event::Loop* loop_ = nullptr;
  std::thread thread_;
};

class ThreadRun {
 public:
  ThreadRun(const Scenario& scenario, Wire wire) : scenario_(scenario) {
    if (wire == Wire::kLoopback) {
      world_ = std::make_unique<LoopbackWorld>(scenario.bindings());
    } else {
      world_ = std::make_unique<UnixWorld>(scenario.bindings());
    }
  }

  void Run() {
    for (const auto& role : scenario_.roles()) {
      if (role->start == Scenario::Start::kAtOnce) Start(role->name);
    }
    // Threads that start during these joins are joined too.
    for (size_t i = 0;; ++i) {
      std::thread thread;
      {
        std::lock_guard<std::mutex> lock(mutex_);
        if (i == threads_.size()) break;
        thread = std::move(threads_[i]);
      }
      thread.join();
    }
  }

  void Start(const std::string& name) {
    for (const auto& role : scenario_.roles()) {
      if (role->name != name) continue;
      auto process = std::make_unique<PartyProcess>();
      PartyProcess* const raw = process.get();
      std::lock_guard<std::mutex> lock(mutex_);
      Runtime::Parts parts = world_->PartsFor(raw);
      parts.make_local_introducer =
          MakerOfLocalIntroducer(raw, &transports::NewLoopback);
      Runtime::Install(raw, std::move(parts));
      processes_.push_back(std::move(process));
      const Scenario::Role* const chosen = role.get();
      threads_.emplace_back([this, raw, chosen] {
        event::Thread::Binding binding(raw, chosen->name);
        ThreadParty party(this);
        chosen->body(&party);
        if (!::testing::Test::HasFatalFailure()) return;
        // The other parties may wait for this one without end. Threads cannot
        // be killed.
        std::fprintf(stderr, "party '%s' has failed: the test program ends\n",
                     chosen->name.c_str());
        std::fflush(nullptr);
        _exit(EXIT_FAILURE);
      });
      return;
    }
    FAIL() << "no party is called " << name;
  }

 private:
  class ThreadParty final : public Party {
   public:
    explicit ThreadParty(ThreadRun* run) : run_(run) {}
    void Signal(const std::string& event) override {
      run_->board_.Signal(event);
    }
    void Await(const std::string& event) override { run_->board_.Await(event); }
    void RunLoopUntil(const std::string& event) override {
      run_->board_.RunLoopUntil(event);
    }
    void RunLoopUntil(const std::function<bool()>& condition) override {
      RunTurnsUntil(condition);
    }
    void Kill(const std::string&) override {
      GTEST_FAIL() << "threads cannot be killed";
    }
    void Start(const std::string& party) override { run_->Start(party); }
    void KillDirectory() override { run_->world_->StopDirectory(); }
    void StartDirectory() override { run_->world_->StartDirectory(); }

   private:
    ThreadRun* const run_;
  };

  const Scenario& scenario_;
  SignalBoard board_;
  std::unique_ptr<World> world_;
  std::mutex mutex_;
  std::vector<std::unique_ptr<PartyProcess>> processes_;
  std::vector<std::thread> threads_;
};

}  // namespace

void RunInThreads(const Scenario& scenario, Wire wire) {
  ThreadRun(scenario, wire).Run();
}

}  // namespace testing
}  // namespace messaging
}  // namespace le
