// Copyright 2026 The le_messaging Authors
// SPDX-License-Identifier: Apache-2.0
//
// Destroys each kind of typed object in each kind of callback, in orders that a
// seed decides, as destruction_test.cc of messaging/cpp does. Also checks that
// each call and each stream ends exactly once, or at most once if it is
// cancelled or its client is destroyed. No item may arrive after the end.
// LE_TORTURE_SEEDS sets the number of seeds. LE_TORTURE_SEED selects one seed.

#include <algorithm>
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
#include "services/tests/facts.le.h"

namespace files {
namespace {

using le::messaging::testing::Party;
using le::messaging::testing::RunScenario;
using le::messaging::testing::Scenario;
using le::messaging::testing::Setting;

enum Object { kClient, kCall, kStream, kServer, kReply, kSink, kObjects };
// The callback in which an object is destroyed.
enum Site {
  kDone,
  kItem,
  kStreamEnd,
  kOpened,
  kClosed,
  kCountMethod,
  kWatchMethod,
  kLogMethod,
  kReplyCancelled,
  kSinkCancelled,
  kSinkReady,
  kDrained,
  kTask,
  kClosureGone,
  kEnd,
  kSites
};

// How often an object was destroyed at a site.
using Coverage = std::array<std::array<int, kObjects>, kSites>;

class World {
 public:
  World(std::string own, std::string other, uint64_t seed, Coverage* coverage)
      : own_(std::move(own)),
        other_(std::move(other)),
        random_(seed),
        coverage_(coverage) {
    Create(kServer);
    Create(kClient);
    Create(kCall);
    Create(kStream);
    Act();
  }

  void Tick(Site site) {
    site_ = site;
    // Replies and sinks are also destroyed when acts_left_ is 0, because they
    // are created late.
    if (!ending_ && Roll(4) == 0) Destroy(Roll(2) == 0 ? kReply : kSink, site);
    const int acts = Roll(4);
    for (int i = 0; i < acts; ++i) Act();
  }
  // Destroys all objects, in an order that the seed decides.
  void End() {
    ending_ = true;
    std::vector<int> order;
    for (int object = 0; object < kObjects; ++object) order.push_back(object);
    std::shuffle(order.begin(), order.end(), random_);
    for (const int object : order) Destroy(static_cast<Object>(object), kEnd);
  }
  void ExpectNothingLeft() {
    EXPECT_EQ(closures_, 0);
    EXPECT_EQ(implementations_, 0);
  }

 private:
  // The life of an object.
  struct Life {
    bool ends = false;  // the object is being destroyed or cancelled
    bool over = false;  // the object was destroyed or cancelled
    bool told = false;  // the end of the call or stream was reported
  };
  using LifePtr = std::shared_ptr<Life>;
  enum class Calls { kAny, kAtMostOne, kExactlyOne };

  // A member of each closure. Counts the closures and checks their calls.
  class Probe {
   public:
    Probe(World* world, Calls calls, std::vector<LifePtr> lives)
        : world_(world), calls_(calls), lives_(std::move(lives)) {
      ++world_->closures_;
    }
    Probe(Probe&& other) noexcept
        : world_(std::exchange(other.world_, nullptr)),
          calls_(other.calls_),
          has_run_(other.has_run_),
          lives_(std::move(other.lives_)) {}
    ~Probe() {
      if (world_ == nullptr) return;
      --world_->closures_;
      bool lives = true;
      for (const LifePtr& life : lives_) lives = lives && !life->ends;
      EXPECT_FALSE(calls_ == Calls::kExactlyOne && !has_run_ && lives)
          << "the end was not reported";
      world_->OnClosureGone();
    }
    void Run(Site site) {
      for (const LifePtr& life : lives_) {
        EXPECT_FALSE(life->over)
            << "a closure was called after its object was destroyed, at site "
            << site;
      }
      EXPECT_FALSE(calls_ != Calls::kAny && std::exchange(has_run_, true))
          << site;
      if (site == kItem) {
        EXPECT_FALSE(lives_.back()->told) << "an item arrived after the end";
      }
      if (calls_ == Calls::kExactlyOne) lives_.back()->told = true;
      // Keeps the lives, because this closure may be destroyed below.
      const std::vector<LifePtr> keep = lives_;
      world_->Tick(site);
    }

   private:
    World* world_;
    Calls calls_;
    bool has_run_ = false;
    std::vector<LifePtr> lives_;
  };
  friend class Probe;

  auto Closure(Site site, Calls calls, std::vector<LifePtr> lives) {
    return [probe = Probe(this, calls, std::move(lives)),
            site](auto&&...) mutable { probe.Run(site); };
  }

  // The server owns this object.
  class Implementation final : public FileFactsService {
   public:
    explicit Implementation(World* world) : world_(world) {
      ++world_->implementations_;
    }
    ~Implementation() override { --world_->implementations_; }

    void Count(const CountRequest& request, le::Reply<Facts> reply) override {
      const LifePtr life = Begin();
      reply->set_text("text");
      if (request.number() % 3 == 0) {
        world_->Destroy(kReply, kCountMethod);
        world_->Keep(std::move(reply));
      } else if (request.number() % 3 == 1) {
        std::move(reply).Send();
      }
      // Otherwise the reply is dropped.
      world_->Tick(kCountMethod);
      EXPECT_EQ(request.name(), "the request")
          << "the request was destroyed while its method used it";
    }
    void Watch(const CountRequest& request, le::Sink<Facts> sink) override {
      const LifePtr life = Begin();
      if (request.number() == 0) {
        world_->topic_->Add(std::move(sink));
      } else {
        world_->Destroy(kSink, kWatchMethod);
        world_->Keep(std::move(sink));
      }
      world_->Push();
      world_->Tick(kWatchMethod);
      EXPECT_EQ(request.name(), "the request");
    }
    void Log(const Line&, const le::Caller& caller) override {
      const LifePtr life = Begin();
      EXPECT_TRUE(caller.session());
      world_->Tick(kLogMethod);
    }
    void CountFile(const CountRequest&, le::UniqueFd,
                   le::Reply<Facts>) override {}
    void OpenFile(const CountRequest&, le::ReplyWithFd<Facts>) override {}
    void CopyFile(const CountRequest&, le::UniqueFd,
                  le::ReplyWithFd<Facts>) override {}
    void WatchFile(const CountRequest&, le::UniqueFd,
                   le::Sink<Facts>) override {}
    void Deliver(const Line&, le::UniqueFd, const le::Caller&) override {}

   private:
    LifePtr Begin() {
      EXPECT_FALSE(world_->lives_[kServer]->over)
          << "a method was called after its server was destroyed";
      return world_->lives_[kServer];
    }
    World* const world_;
  };

  int Roll(int sides) { return static_cast<int>(random_() % sides); }
  std::unique_ptr<le::Topic<Facts>> NewTopic() {
    return std::make_unique<le::Topic<Facts>>(
        Roll(2) == 0 ? le::SlowStream::kSkipsItems : le::SlowStream::kEnds,
        1 + Roll(2));
  }
  CountRequest Request() {
    CountRequest request;
    request.set_name("the request");
    request.set_number(static_cast<uint32_t>(Roll(6)));
    return request;
  }
  le::CallOptions Options() {
    le::CallOptions options;
    if (Roll(4) == 0) options.Timeout(absl::Milliseconds(Roll(10)));
    if (Roll(2) == 0) options.Window(1 + Roll(3), 100);
    return options;
  }

  void OnClosureGone() {
    if (depth_ > 2 || ending_) return;
    ++depth_;
    if (Roll(8) == 0) {
      Destroy(static_cast<Object>(Roll(kObjects)), kClosureGone);
    }
    --depth_;
  }
  void Act() {
    if (ending_ || --acts_left_ < 0) return;
    const auto object = static_cast<Object>(Roll(kObjects));
    switch (Roll(15)) {
      case 0:
        Destroy(object, site_);
        break;
      case 1:
        Destroy(object, site_);
        Create(object);
        break;
      case 2:
      case 3:
      case 4:
        Create(object);
        break;
      case 5:
        if (client_ != nullptr) client_->Close().IgnoreError();
        break;
      case 6:
        OpenClient();
        break;
      case 7:
      case 8:
        if (client_ != nullptr) client_->Log(Line()).IgnoreError();
        break;
      case 9:
      case 10:
        Push();
        break;
      case 11:
        FinishSomething();
        break;
      case 12:
        if (stream_ != nullptr) {
          Roll(2) == 0 ? stream_->Pause() : stream_->Resume();
        }
        if (call_ != nullptr && Roll(2) == 0) call_->Detach();
        break;
      case 13:
        SetHandlers();
        break;
      case 14:
        if (server_ != nullptr && Roll(4) == 0) {
          server_
              ->Drain(Closure(kDrained, Calls::kAtMostOne, {lives_[kServer]}))
              .IgnoreError();
        }
        break;
    }
  }

  void Destroy(Object object, Site site) {
    const LifePtr life = lives_[object];
    switch (object) {
      case kClient:
        if (client_ == nullptr) return;
        life->ends = true;
        client_ = nullptr;
        break;
      case kCall:
        if (call_ == nullptr) return;
        // Destroying a detached call does not destroy its closure, which
        // belongs to the client.
        life->ends = call_->pending();
        call_ = nullptr;
        life->over = life->ends;
        ++(*coverage_)[site][object];
        return;
      case kStream:
        if (stream_ == nullptr) return;
        life->ends = stream_->pending();
        stream_ = nullptr;
        life->over = life->ends;
        ++(*coverage_)[site][object];
        return;
      case kServer:
        if (server_ == nullptr) return;
        life->ends = true;
        server_ = nullptr;
        break;
      case kReply:
        if (reply_ == nullptr) return;
        life->ends = true;
        reply_ = nullptr;
        break;
      case kSink:
        if (sink_ == nullptr) return;
        life->ends = true;
        sink_ = nullptr;
        break;
      case kObjects:
        return;
    }
    ++(*coverage_)[site][object];
    life->over = true;
  }

  void Create(Object object) {
    switch (object) {
      case kClient: {
        if (client_ != nullptr) return;
        lives_[kClient] = std::make_shared<Life>();
        absl::StatusOr<FileFactsClient> client =
            FileFactsClient::Create(other_);
        ASSERT_TRUE(client.ok()) << client.status();
        client_ = std::make_unique<FileFactsClient>(*std::move(client));
        SetHandlers();
        OpenClient();
        break;
      }
      case kCall: {
        if (client_ == nullptr) return;
        auto life = std::make_shared<Life>();
        le::Call call = client_->CountAsync(
            Request(), Options(),
            Closure(kDone, Calls::kExactlyOne, {lives_[kClient], life}));
        EXPECT_TRUE(call.status().ok()) << call.status();
        Destroy(kCall, site_);
        lives_[kCall] = life;
        call_ = std::make_unique<le::Call>(std::move(call));
        break;
      }
      case kStream: {
        if (client_ == nullptr) return;
        auto life = std::make_shared<Life>();
        le::Stream stream = client_->Watch(
            Request(), Options(),
            Closure(kItem, Calls::kAny, {lives_[kClient], life}),
            Closure(kStreamEnd, Calls::kExactlyOne, {lives_[kClient], life}));
        EXPECT_TRUE(stream.status().ok()) << stream.status();
        Destroy(kStream, site_);
        lives_[kStream] = life;
        stream_ = std::make_unique<le::Stream>(std::move(stream));
        break;
      }
      case kServer: {
        if (server_ != nullptr) return;
        lives_[kServer] = std::make_shared<Life>();
        absl::StatusOr<le::Server> server =
            le::Serve(own_, std::make_unique<Implementation>(this));
        ASSERT_TRUE(server.ok()) << server.status();
        server_ = std::make_unique<le::Server>(*std::move(server));
        break;
      }
      case kReply:
      case kSink:
      case kObjects:
        break;
    }
  }

  void SetHandlers() {
    if (client_ == nullptr) return;
    client_->OnClosed(Closure(kClosed, Calls::kAny, {lives_[kClient]}))
        .IgnoreError();
    if (client_ == nullptr) return;  // the replaced closure destroyed it
    if (Roll(2) == 0) {
      client_->KeepOpen(Closure(kOpened, Calls::kAny, {lives_[kClient]}))
          .IgnoreError();
    } else {
      client_->Close().IgnoreError();
    }
  }
  void OpenClient() {
    if (client_ == nullptr) return;
    const absl::Duration timeout =
        Roll(4) == 0 ? absl::Milliseconds(Roll(10)) : absl::InfiniteDuration();
    client_
        ->OpenAsync(timeout,
                    Closure(kOpened, Calls::kAtMostOne, {lives_[kClient]}))
        .IgnoreError();
  }
  void Keep(le::Reply<Facts> reply) {
    lives_[kReply] = std::make_shared<Life>();
    reply
        .OnCancel(Closure(kReplyCancelled, Calls::kAtMostOne,
                          {lives_[kServer], lives_[kReply]}))
        .IgnoreError();
    reply_ = std::make_unique<le::Reply<Facts>>(std::move(reply));
  }
  void Keep(le::Sink<Facts> sink) {
    lives_[kSink] = std::make_shared<Life>();
    if (Roll(2) == 0) sink.CancelOnDrain().IgnoreError();
    sink.OnCancel(Closure(kSinkCancelled, Calls::kAtMostOne,
                          {lives_[kServer], lives_[kSink]}))
        .IgnoreError();
    sink.OnReady(
            Closure(kSinkReady, Calls::kAny, {lives_[kServer], lives_[kSink]}))
        .IgnoreError();
    sink_ = std::make_unique<le::Sink<Facts>>(std::move(sink));
  }
  void Push() {
    Facts item;
    item.set_text("an item");
    if (Roll(8) == 0) topic_ = NewTopic();
    topic_->Publish(item);
    for (int pushes = Roll(6); pushes > 0 && sink_ != nullptr; --pushes) {
      sink_->Push(item).IgnoreError();
    }
  }
  void FinishSomething() {
    if (reply_ != nullptr && Roll(2) == 0) {
      lives_[kReply]->ends = true;
      const LifePtr life = lives_[kReply];
      const std::unique_ptr<le::Reply<Facts>> reply = std::move(reply_);
      Roll(2) == 0 ? std::move(*reply).Send()
                   : std::move(*reply).Fail(absl::InternalError("an error"));
      life->over = true;
    } else if (sink_ != nullptr) {
      const LifePtr life = lives_[kSink];
      const std::unique_ptr<le::Sink<Facts>> sink = std::move(sink_);
      std::move(*sink).End();
      life->over = true;
    }
  }

  const std::string own_;
  const std::string other_;
  std::mt19937_64 random_;
  Coverage* const coverage_;
  int acts_left_ = 300;
  int depth_ = 0;
  int closures_ = 0;
  int implementations_ = 0;
  bool ending_ = false;
  Site site_ = kTask;
  std::array<LifePtr, kObjects> lives_;

  std::unique_ptr<FileFactsClient> client_;
  std::unique_ptr<le::Call> call_;
  std::unique_ptr<le::Stream> stream_;
  std::unique_ptr<le::Server> server_;
  std::unique_ptr<le::Reply<Facts>> reply_;
  std::unique_ptr<le::Sink<Facts>> sink_;
  std::unique_ptr<le::Topic<Facts>> topic_ = NewTopic();
};

void Torture(Party* party, const std::string& own, const std::string& other,
             uint64_t seed, Coverage* coverage) {
  World world(own, other, seed, coverage);
  int ticks = 0;
  le::Timer timer([&] {
    // After World::End(), the timer expires once more. Then all callbacks that
    // were due have been delivered.
    constexpr int kTicks = 10;
    ++ticks;
    if (ticks < kTicks) {
      world.Tick(kTask);
    } else if (ticks == kTicks) {
      world.End();
    } else {
      party->Signal(own);
    }
  });
  EXPECT_TRUE(timer.StartPeriodic(absl::Milliseconds(20)).ok());
  party->RunLoopUntil(own);
  world.ExpectNothingLeft();
}

// Returns a case that was not reached. Empty: each case was reached.
std::string Missed(const Coverage& coverage) {
  for (int site = 0; site < kSites; ++site) {
    for (int object = 0; object < kObjects; ++object) {
      // A server that has drained has no open call.
      if (site == kDrained && (object == kReply || object == kSink)) continue;
      if (coverage[site][object] == 0) {
        return absl::StrCat("object ", object, " was never destroyed at site ",
                            site);
      }
    }
  }
  return "";
}

TEST(TypedDestructionTest, AnyObjectMayBeDestroyedAtAnyMoment) {
  const char* const count = std::getenv("LE_TORTURE_SEEDS");
  const char* const only = std::getenv("LE_TORTURE_SEED");
  const uint64_t first = only == nullptr ? 1 : std::strtoull(only, nullptr, 10);
  const uint64_t last =
      only != nullptr
          ? first
          : (count == nullptr ? 2000 : std::strtoull(count, nullptr, 10));
  // Some cases are so rare that more seeds may be needed to reach each case.
  const uint64_t most = only == nullptr && count == nullptr ? 40000 : last;
  Coverage coverage = {};
  for (uint64_t seed = first;
       (seed <= last || (seed <= most && !Missed(coverage).empty())) &&
       !HasFailure();
       ++seed) {
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
  if (only == nullptr && count == nullptr) {
    EXPECT_EQ(Missed(coverage), "");
  }
}

}  // namespace
}  // namespace files
