// Copyright 2026 The le_messaging Authors
// SPDX-License-Identifier: Apache-2.0

#include "tests/simulation/loopback_world.h"

#include <map>
#include <memory>
#include <string>
#include <utility>

#include "absl/strings/str_cat.h"
#include "directory/client.h"
#include "directory/server.h"
#include "directory/testing/numbered_users.h"
#include "messaging/facade/local_parts.h"
#include "messaging/session/runtime.h"
#include "tests/simulation/administrator.h"
#include "transports/loopback/loopback.h"

namespace le {
namespace simulation {

using event::SimProcess;

namespace {

constexpr char kAddress[] = "directory";

// Describes a server with too many introductions, or a service with too many
// stand-bys. "": there is none.
std::string ExceededLimit(const directory::Registry& registry,
                          const directory::Limits& limits) {
  std::map<std::pair<uid_t, std::string>, uint32_t> stand_bys;
  for (const auto& [id, server] : registry.servers()) {
    if (server.ordered + server.on_their_way.size() > limits.introductions) {
      return absl::StrCat("the server of '", server.key.name,
                          "' has more introductions than a server may have");
    }
    if (server.state != directory::ServerState::kOffering &&
        ++stand_bys[{server.key.uid, server.key.name}] > limits.stand_bys) {
      return absl::StrCat("too many servers stand by for '", server.key.name,
                          "'");
    }
  }
  return "";
}

}  // namespace

// Loads new bindings on the directory's loop.
class LoopbackWorld::Reload final : public event::Task {
 public:
  Reload(LoopbackWorld* world, directory::DirectoryServer* server)
      : world_(world),
        server_(server),
        loop_(event::Thread::Current()->loop()) {}

  void Order() {
    if (!posted_) loop_->Post(this);
    posted_ = true;
  }
  void Run() override {
    posted_ = false;
    Load();
  }
  void Load() {
    const auto loaded = server_->Load(world_->BindingsText(), "bindings");
    if (!loaded.ok()) world_->referee()->Fail(loaded.status().ToString());
    world_->BindingsAreLoaded();
  }

 private:
  LoopbackWorld* const world_;
  directory::DirectoryServer* const server_;
  event::Loop* const loop_;
  bool posted_ = false;
};

LoopbackWorld::LoopbackWorld(const Plan& plan)
    : World(plan), descriptors_(referee()) {
  event::sys::SetInterceptor(&descriptors_);
}

LoopbackWorld::~LoopbackWorld() { event::sys::SetInterceptor(nullptr); }

SimProcess* LoopbackWorld::AddProcess(const std::string& name, uid_t uid) {
  return sim()->AddProcess(name, {0, uid, uid});
}

void LoopbackWorld::SpawnDirectory(SimProcess* process) {
  auto transport = std::make_shared<FaultyTransport>(
      &network_, process, &weather_, referee(), &descriptors_);
  process->OnExit([this, process, transport] {
    transport->CloseAll();
    if (process->killed()) descriptors_.ProcessWasKilled(process);
  });
  Spawn(process, [this, process, transport] {
    directory::NumberedUsers users;
    event::Loop* const loop = event::Thread::Current()->loop();
    directory::DirectoryServer::Options options;
    if (plan().small_queues) {
      options.limits.introductions = 2;
      options.limits.stand_bys = 1;
    }
    const directory::Limits limits = options.limits;
    directory::DirectoryServer server(process, loop, &users, options);
    // The former directory is dead, so its address must be free.
    const absl::Status listening = server.Listen(transport.get(), kAddress);
    if (!listening.ok()) referee()->Fail(listening.ToString());
    reload_ = std::make_unique<Reload>(this, &server);
    struct Gone {
      LoopbackWorld* const world;
      ~Gone() { world->reload_.reset(); }
    } gone{this};
    reload_->Load();
    for (;;) {  // until it is killed
      loop->RunTurn(absl::InfiniteFuture());
      std::string wrong = server.Discrepancy();
      if (wrong.empty()) wrong = ExceededLimit(server.registry(), limits);
      if (!wrong.empty()) referee()->Fail("the directory: " + wrong);
    }
  });
}

void LoopbackWorld::Prepare(SimProcess* process) {
  struct Way {
    Way(transports::LoopbackNetwork* network, SimProcess* process,
        const Weather* weather, Referee* referee, Descriptors* descriptors)
        : transport(network, process, weather, referee, descriptors),
          client(process, &transport, kAddress) {}
    FaultyTransport transport;
    directory::DirectoryClient client;
  };
  auto way = std::make_shared<Way>(&network_, process, &weather_, referee(),
                                   &descriptors_);
  process->OnExit([this, process, way] {
    way->transport.CloseAll();
    if (process->killed()) {
      descriptors_.ProcessWasKilled(process);
    } else {
      descriptors_.ProcessEndedByItself(process);
    }
  });
  messaging::Runtime::Parts parts;
  parts.introducer = std::shared_ptr<directory::Introducer>(way, &way->client);
  parts.make_local_introducer =
      messaging::MakerOfLocalIntroducer(process, &transports::NewLoopback);
  messaging::Runtime::Install(process, std::move(parts));
}

void LoopbackWorld::LoadBindings() {
  if (reload_ != nullptr) reload_->Order();
}

void LoopbackWorld::BeginTroubles() {
  if (plan().break_connections) weather_.break_one_in = 400;
  if (plan().few_descriptors) {
    weather_.no_descriptor_one_in = 60;
    descriptors_.SetShortage(10);
  }
  if (plan().small_queues) weather_.max_frames = 1 + Roll(6);
  if (plan().inspects) SpawnAdministrator();
}

void LoopbackWorld::SpawnAdministrator() {
  SimProcess* const process = NewProcess("administrator", 0);
  auto transport = std::make_shared<FaultyTransport>(
      &network_, process, &weather_, referee(), &descriptors_);
  process->OnExit([this, process, transport] {
    transport->CloseAll();
    descriptors_.ProcessEndedByItself(process);
  });
  Spawn(process, [this, transport] {
    Administrator(this, transport.get(), kAddress, Services(), &descriptors_)
        .Run();
  });
}

void LoopbackWorld::EndTroubles() {
  weather_ = Weather();
  descriptors_.SetShortage(0);
}

std::string LoopbackWorld::Leftovers() {
  return descriptors_.left() == 0
             ? ""
             : absl::StrCat(descriptors_.left(), " descriptors are left");
}

}  // namespace simulation
}  // namespace le
