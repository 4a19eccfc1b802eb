// Copyright 2026 The le_messaging Authors
// SPDX-License-Identifier: Apache-2.0
//
// Destroys each kind of object in each kind of callback. Two processes use the
// C++ API to exchange messages. A seed decides the actions of each callback:
// destroy, create, send, cancel or close. The test fails in these cases:
//  - A closure runs after its object was destroyed.
//  - A closure that may run once runs twice.
//  - A closure still exists at the end.
//  - No seed has destroyed a certain kind of object in a certain kind of
//    callback. (Not checked if a variable below is set.)
// LE_TORTURE_SEEDS sets the number of seeds. LE_TORTURE_SEED selects one seed.

#include <array>
#include <cstdlib>
#include <memory>
#include <random>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "gtest/gtest.h"
#include "le/messaging.h"
#include "messaging/testing/scenario.h"

namespace le {
namespace {

using messaging::testing::Party;
using messaging::testing::RunScenario;
using messaging::testing::Scenario;
using messaging::testing::Setting;

constexpr Protocol kProtocol = {"torture", 64};

enum Object {
  kClient,
  kCall,
  kService,
  kTimer,
  kLoop,
  kMessage,
  kSession,
  kObjects
};
// The callback in which an object is destroyed.
enum Site {
  kResponse,
  kOpened,
  kClientMessage,
  kClosed,
  kReopened,
  kServiceMessage,
  kSessionOpened,
  kSessionClosed,
  kExpiry,
  kTask,
  kClosureGone,
  kEnd,
  kSites
};

// How often each object was destroyed at each site.
using Coverage = std::array<std::array<int, kObjects>, kSites>;

class World {
 public:
  World(std::string own, std::string other, uint64_t seed, Coverage* coverage)
      : own_(std::move(own)),
        other_(std::move(other)),
        random_(seed),
        coverage_(coverage) {
    for (int object = 0; object < kObjects; ++object) {
      Create(static_cast<Object>(object));
    }
    Act();
  }

  // Destroys all objects, in an order that the seed decides.
  void End() {
    ending_ = true;
    std::vector<int> order;
    for (int object = 0; object < kObjects; ++object) order.push_back(object);
    std::shuffle(order.begin(), order.end(), random_);
    for (const int object : order) Destroy(static_cast<Object>(object), kEnd);
  }
  void ExpectNothingLeft() { EXPECT_EQ(closures_, 0); }

 private:
  struct Life {
    bool over = false;
  };
  using LifePtr = std::shared_ptr<Life>;

  // A member of each closure. It counts the closures and checks their calls.
  class Probe {
   public:
    Probe(World* world, std::vector<LifePtr> lives)
        : world_(world), lives_(std::move(lives)) {
      ++world_->closures_;
    }
    Probe(Probe&& other) noexcept
        : world_(std::exchange(other.world_, nullptr)),
          lives_(std::move(other.lives_)) {}
    ~Probe() {
      if (world_ == nullptr) return;
      --world_->closures_;
      world_->OnClosureGone();
    }
    void Run(Site site, bool once) {
      for (const LifePtr& life : lives_) {
        EXPECT_FALSE(life->over)
            << "a closure was called after its object was destroyed, at site "
            << site;
      }
      EXPECT_FALSE(once && std::exchange(has_run_, true)) << site;
      // Tick() may destroy this closure and its member lives_.
      const std::vector<LifePtr> keep = lives_;
      world_->Tick(site);
    }

   private:
    World* world_;
    std::vector<LifePtr> lives_;
    bool has_run_ = false;
  };

  auto Closure(Object object, Site site, bool once = false) {
    return [probe = Probe(this, {lives_[object]}), site,
            once](auto&&...) mutable { probe.Run(site, once); };
  }

  int Roll(int sides) { return static_cast<int>(random_() % sides); }

  // ---- Actions of a callback ----
  void Tick(Site site) {
    site_ = site;
    // Sessions are also destroyed when acts_left_ is 0, because they are
    // created late.
    if (!ending_ && Roll(8) == 0) Destroy(kSession, site);
    const int acts = Roll(4);
    for (int i = 0; i < acts; ++i) Act();
  }
  void OnClosureGone() {
    if (depth_ > 2 || ending_) return;
    ++depth_;
    if (Roll(8) == 0)
      Destroy(static_cast<Object>(Roll(kObjects)), kClosureGone);
    --depth_;
  }
  void Act() {
    if (ending_ || --acts_left_ < 0) return;
    const auto object = static_cast<Object>(Roll(kObjects));
    switch (Roll(12)) {
      case 0:
        Destroy(object, site_);
        break;
      case 1:
      case 2:
        Destroy(object, site_);
        Create(object);
        break;
      case 3:
      case 4:
      case 5:
        Create(object);
        break;
      case 6:
        if (client_ != nullptr) client_->Close().IgnoreError();
        break;
      case 7:
        OpenClient();
        break;
      case 8:
        SendSomething();
        break;
      case 9:
        if (session_) {
          if (Roll(2) == 0) {
            session_->Close().IgnoreError();
          } else {
            session_->NewMessage().Send().IgnoreError();
          }
        }
        break;
      case 10:
        if (call_ != nullptr) {
          Roll(2) == 0 ? EndCall() : call_->Detach();
        }
        break;
      case 11:
        SetHandlers();
        break;
    }
  }

  // ---- Objects ----
  void Destroy(Object object, Site site) {
    const LifePtr life = lives_[object];
    switch (object) {
      case kClient:
        if (client_ == nullptr) return;
        client_ = nullptr;
        break;
      case kCall:
        if (call_ == nullptr) return;
        ++(*coverage_)[site][object];
        EndCall();
        return;
      case kService:
        if (service_ == nullptr) return;
        service_ = nullptr;
        break;
      case kTimer:
        if (timer_ == nullptr) return;
        timer_ = nullptr;
        break;
      case kLoop:
        if (loop_ == nullptr) return;
        loop_ = nullptr;
        break;
      case kMessage:
        if (message_ == nullptr) return;
        message_ = nullptr;
        break;
      case kSession:
        if (session_ == nullptr) return;
        session_ = nullptr;
        break;
      case kObjects:
        return;
    }
    ++(*coverage_)[site][object];
    if (life != nullptr) life->over = true;
  }
  // Destroying a detached call does not destroy its closure, which belongs to
  // the client.
  void EndCall() {
    const LifePtr life = call_life_;
    const bool was_pending = call_->pending();
    call_ = nullptr;
    if (was_pending && life != nullptr) life->over = true;
  }

  void Create(Object object) {
    switch (object) {
      case kClient: {
        if (client_ != nullptr) return;
        lives_[kClient] = std::make_shared<Life>();
        absl::StatusOr<Client> client = Client::Create(other_, kProtocol);
        ASSERT_TRUE(client.ok()) << client.status();
        client_ = std::make_unique<Client>(*std::move(client));
        SetHandlers();
        OpenClient();
        break;
      }
      case kCall:
        Request();
        break;
      case kService: {
        if (service_ != nullptr) return;
        absl::StatusOr<Service> service = Service::Create(own_, kProtocol);
        ASSERT_TRUE(service.ok()) << service.status();
        lives_[kService] = std::make_shared<Life>();
        service_ = std::make_unique<Service>(*std::move(service));
        service_
            ->OnMessage([probe = Probe(this, {lives_[kService]}),
                         this](Message message) mutable {
              OnServiceMessage(std::move(message));
              probe.Run(kServiceMessage, false);
            })
            .IgnoreError();
        service_->OnSessionOpened(Closure(kService, kSessionOpened))
            .IgnoreError();
        if (service_ == nullptr) return;
        service_->OnSessionClosed(Closure(kService, kSessionClosed))
            .IgnoreError();
        if (service_ == nullptr) return;
        service_->Advertise().IgnoreError();
        break;
      }
      case kTimer:
        if (timer_ == nullptr) {
          lives_[kTimer] = std::make_shared<Life>();
          timer_ = std::make_unique<Timer>(Closure(kTimer, kExpiry));
        }
        if (Roll(2) == 0) {
          timer_->Start(absl::Milliseconds(Roll(20))).IgnoreError();
        } else {
          timer_->StartPeriodic(absl::Milliseconds(1 + Roll(20))).IgnoreError();
        }
        break;
      case kLoop:
        if (loop_ == nullptr) {
          lives_[kLoop] = std::make_shared<Life>();
          loop_ = std::make_unique<Loop>();
        }
        loop_->sender().Post(Closure(kLoop, kTask, true)).IgnoreError();
        break;
      case kMessage:
        if (client_ != nullptr) {
          message_ = std::make_unique<Message>(client_->NewMessage());
        }
        break;
      case kSession:
      case kObjects:
        break;
    }
  }

  void SetHandlers() {
    if (client_ == nullptr) return;
    client_->OnMessage(Closure(kClient, kClientMessage)).IgnoreError();
    if (client_ == nullptr) return;  // the replaced closure destroyed it
    client_->OnClosed(Closure(kClient, kClosed)).IgnoreError();
    if (client_ == nullptr) return;
    if (Roll(2) == 0) {
      client_->KeepOpen(Closure(kClient, kReopened)).IgnoreError();
    } else {
      client_->Close().IgnoreError();
    }
  }
  void OpenClient() {
    if (client_ == nullptr) return;
    const absl::Duration timeout =
        Roll(4) == 0 ? absl::Milliseconds(Roll(10)) : absl::InfiniteDuration();
    client_->OpenAsync(timeout, Closure(kClient, kOpened, true)).IgnoreError();
  }
  void Request() {
    if (client_ == nullptr) return;
    Message message = client_->NewMessage();
    ASSERT_TRUE(message.Assign(Roll(3) == 0 ? "keep" : "echo").ok());
    auto life = std::make_shared<Life>();
    const absl::Duration timeout =
        Roll(4) == 0 ? absl::Milliseconds(Roll(10)) : absl::InfiniteDuration();
    Call call = client_->RequestAsync(
        std::move(message), timeout,
        [probe = Probe(this, {lives_[kClient], life})](
            absl::StatusOr<Message>) mutable { probe.Run(kResponse, true); });
    EXPECT_TRUE(call.status().ok()) << call.status();
    if (call_ != nullptr) EndCall();
    call_life_ = lives_[kCall] = life;
    call_ = std::make_unique<Call>(std::move(call));
  }
  void SendSomething() {
    if (message_ != nullptr) {
      if (message_->needs_response()) {
        std::move(*message_).Respond().IgnoreError();
      } else {
        message_->TrySend().IgnoreError();
      }
    } else if (client_ != nullptr) {
      client_->NewMessage().Send().IgnoreError();
    }
  }
  void OnServiceMessage(Message message) {
    session_ = std::make_unique<Session>(Session::Of(message));
    message.NewMessage().Send().IgnoreError();  // a push
    if (!ending_) Create(kLoop);                // a task
    if (message.text() == "keep") {
      message_ = std::make_unique<Message>(std::move(message));
    } else if (message.needs_response()) {
      std::move(message).Respond().IgnoreError();
    }
  }

  const std::string own_;
  const std::string other_;
  std::mt19937_64 random_;
  Coverage* const coverage_;
  int acts_left_ = 300;
  int depth_ = 0;
  int closures_ = 0;
  bool ending_ = false;
  Site site_ = kTask;
  std::array<LifePtr, kObjects> lives_;
  LifePtr call_life_;

  std::unique_ptr<Client> client_;
  std::unique_ptr<Call> call_;
  std::unique_ptr<Service> service_;
  std::unique_ptr<Timer> timer_;
  std::unique_ptr<Loop> loop_;
  std::unique_ptr<Message> message_;
  std::unique_ptr<Session> session_;
};

void Torture(Party* party, const std::string& own, const std::string& other,
             uint64_t seed, Coverage* coverage) {
  World world(own, other, seed, coverage);
  bool ended = false;
  Timer end([&] {
    if (!std::exchange(ended, true)) {
      world.End();
    } else {
      party->Signal(own);
    }
  });
  // At the second expiry, all callbacks that were due have been delivered.
  EXPECT_TRUE(end.StartPeriodic(absl::Milliseconds(200)).ok());
  party->RunLoopUntil(own);
  world.ExpectNothingLeft();
}

TEST(DestructionTest, AnyObjectMayBeDestroyedAtAnyMoment) {
  const char* const count = std::getenv("LE_TORTURE_SEEDS");
  const char* const only = std::getenv("LE_TORTURE_SEED");
  const uint64_t first = only == nullptr ? 1 : std::strtoull(only, nullptr, 10);
  const uint64_t last =
      only != nullptr
          ? first
          : (count == nullptr ? 4000 : std::strtoull(count, nullptr, 10));
  Coverage coverage = {};
  for (uint64_t seed = first; seed <= last && !HasFailure(); ++seed) {
    Scenario scenario;
    scenario.Add("a", [&](Party* party) {
      Torture(party, "a", "b", 2 * seed, &coverage);
    });
    scenario.Add("b", [&](Party* party) {
      Torture(party, "b", "a", 2 * seed + 1, &coverage);
    });
    setenv("LE_SEED", absl::StrCat(seed).c_str(), 1);
    RunScenario(scenario, Setting::kSimulated, 1);
    EXPECT_FALSE(HasFailure()) << "to replay: LE_TORTURE_SEED=" << seed;
  }
  // If the environment chooses the seeds, they may be too few for all cases.
  if (only != nullptr || count != nullptr) return;
  for (int site = 0; site < kSites; ++site) {
    for (int object = 0; object < kObjects; ++object) {
      EXPECT_GT(coverage[site][object], 0)
          << "object " << object << " was never destroyed at site " << site;
    }
  }
}

}  // namespace
}  // namespace le
