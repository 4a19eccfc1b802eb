// Copyright 2026 The le_messaging Authors
// SPDX-License-Identifier: Apache-2.0
//
// Flow control (docs/flow-control.md): with the default limits no message is
// lost, although more are sent at once than a queue holds. No cycle of senders
// waits for ever.

#include <unistd.h>

#include <algorithm>
#include <cstdlib>
#include <fstream>
#include <string>
#include <utility>
#include <vector>

#include "event/base/sanitizers.h"
#include "le_eventLoop_ext.h"
#include "tests/scenarios/util.h"

namespace le {
namespace messaging {
namespace testing {
namespace {

class FlowTest : public ::testing::TestWithParam<Setting> {};
INSTANTIATE_TEST_SUITE_P(Everywhere, FlowTest, AllSettings(), SettingName);

constexpr size_t kKiB = 1024;
constexpr size_t kMiB = 1024 * kKiB;

le_msg_ProtocolRef_t SizedProtocol(size_t size) {
  return le_msg_GetProtocolRef(("bytes " + std::to_string(size)).c_str(), size);
}

// A message with a number. Its last byte is set, so that its full size is sent.
le_msg_MessageRef_t NewNumber(le_msg_SessionRef_t session, uint32_t number) {
  le_msg_MessageRef_t message = le_msg_CreateMsg(session);
  auto* const payload = static_cast<uint8_t*>(le_msg_GetPayloadPtr(message));
  std::memcpy(payload, &number, sizeof(number));
  payload[le_msg_GetMaxPayloadSize(message) - 1] = 1;
  return message;
}

uint32_t NumberOf(le_msg_MessageRef_t message) {
  uint32_t number;
  std::memcpy(&number, le_msg_GetPayloadPtr(message), sizeof(number));
  EXPECT_EQ(static_cast<uint8_t*>(le_msg_GetPayloadPtr(
                message))[le_msg_GetMaxPayloadSize(message) - 1],
            1);
  return number;
}

// Makes numbered requests, and counts the answers. The answers must arrive in
// order.
class Asker {
 public:
  explicit Asker(size_t size) : client_("echo", SizedProtocol(size)) {
    client_.on_close = [] { ADD_FAILURE() << "the session was closed"; };
    client_.Open();
  }

  void Ask() {
    le_msg_RequestResponse(
        NewNumber(client_.ref(), asked_++),
        [](le_msg_MessageRef_t response, void* context) {
          static_cast<Asker*>(context)->OnResponse(response);
        },
        this);
  }
  uint32_t asked() const { return asked_; }
  uint32_t answered() const { return answered_; }
  TestClient* client() { return &client_; }
  std::function<void()> on_answer = [] {};

 private:
  void OnResponse(le_msg_MessageRef_t response) {
    if (response == nullptr) {
      ADD_FAILURE() << "request " << answered_++ << " was not answered";
      return;
    }
    EXPECT_EQ(NumberOf(response), answered_);
    ++answered_;
    le_msg_ReleaseMsg(response);
    on_answer();
  }

  TestClient client_;
  uint32_t asked_ = 0;
  uint32_t answered_ = 0;
};

void EchoUntilDone(Party* party, size_t size) {
  TestService service("echo", SizedProtocol(size));
  service.on_close = [](le_msg_SessionRef_t session) {
    EXPECT_EQ(le_msg_GetCloseReason(session), LE_MSG_CLOSE_BY_PEER);
  };
  service.Advertise();
  party->RunLoopUntil("done");
}

// A factor for the numbers or the sizes of messages: `bazel test
// //tests/scenarios:flow_test --test_env=LE_FLOW_COUNT=10
// --test_env=LE_FLOW_SIZE=10`.
uint32_t TimesOf(const char* variable) {
  const char* const text = std::getenv(variable);
  return text == nullptr ? 1 : static_cast<uint32_t>(std::stoul(text));
}

// Measures by how much this process's memory in RAM has grown since the
// constructor, at its peak.
class PeakMemory {
 public:
  PeakMemory() {
    std::ofstream("/proc/self/clear_refs") << "5";
    start_ = Bytes("VmRSS:");
  }
  size_t growth() const { return Bytes("VmHWM:") - start_; }

 private:
  static size_t Bytes(const std::string& key) {
    std::ifstream status("/proc/self/status");
    for (std::string line; std::getline(status, line);) {
      if (line.compare(0, key.size(), key) != 0) continue;
      return std::stoul(line.substr(key.size())) * kKiB;
    }
    return 0;
  }

  size_t start_;
};

// AddressSanitizer and ThreadSanitizer use memory too, so with them the peak is
// not checked.
#if defined(LE_ASAN) || defined(LE_TSAN)
constexpr bool kMeasuresMemory = false;
#else
constexpr bool kMeasuresMemory = true;
#endif

// Memory of the library and the allocator that docs/limits.md does not
// count.
constexpr size_t kSlack = 4 * kMiB;
// The memory of a message of this size that is queued in a client.
size_t MemoryOf(size_t size) { return size + size / 64 + 512; }

// A client makes all requests in one function, and runs its loop afterwards.
void AskAllThenServe(Setting setting, uint32_t count, size_t size) {
  count *= TimesOf("LE_FLOW_COUNT");
  size *= TimesOf("LE_FLOW_SIZE");
  const size_t queue = std::max(kMiB, 2 * size);  // maxQueuedBytes
  Scenario scenario;
  scenario.Add("server", [=](Party* party) {
    const PeakMemory memory;
    EchoUntilDone(party, size);
    if (kMeasuresMemory && setting == Setting::kUnixProcesses) {
      EXPECT_LT(memory.growth(), 2 * queue + kSlack);
    }
  });
  scenario.Add("client", [=](Party* party) {
    const PeakMemory memory;
    Asker asker(size);
    while (asker.asked() < count) asker.Ask();
    party->RunLoopUntil([&] { return asker.answered() == count; });
    party->Signal("done");
    if (kMeasuresMemory && setting == Setting::kUnixProcesses) {
      EXPECT_LT(memory.growth(), count * MemoryOf(size) + queue + kSlack);
    }
  });
  RunScenario(scenario, setting, /*seeds=*/1);
}

TEST_P(FlowTest, ManySmallRequestsAtOnce) {
  AskAllThenServe(GetParam(), 15000, 64);
}
TEST_P(FlowTest, VeryManySmallRequestsAtOnce) {
  AskAllThenServe(GetParam(), 50000, 64);
}
TEST_P(FlowTest, ManyRequestsOf4KiBAtOnce) {
  AskAllThenServe(GetParam(), 5000, 4 * kKiB);
}
TEST_P(FlowTest, ManyRequestsOf64KiBAtOnce) {
  AskAllThenServe(GetParam(), 200, 64 * kKiB);
}
TEST_P(FlowTest, ManyRequestsOf1MiBAtOnce) {
  AskAllThenServe(GetParam(), 20, kMiB);
}

// More requests than may be open at a time. So the thread must read responses
// while it makes requests, although it has a service.
TEST_P(FlowTest, AThreadWithAServiceMakesManyRequests) {
  static constexpr uint32_t kCount = 80000;
  Scenario scenario;
  scenario.Add("server", [](Party* party) { EchoUntilDone(party, 64); });
  scenario.Add("client", [](Party* party) {
    TestService own("own");
    Asker asker(64);
    while (asker.asked() < kCount) asker.Ask();
    party->RunLoopUntil([&] { return asker.answered() == kCount; });
    party->Signal("done");
  });
  RunScenario(scenario, GetParam(), /*seeds=*/1);
}

// A client has three pending requests. When a request completes, its handler
// makes the next request.
TEST_P(FlowTest, ThreeLargeRequestsUnderWay) {
  static constexpr uint32_t kCount = 60, kUnderWay = 3;
  Scenario scenario;
  scenario.Add("server", [](Party* party) { EchoUntilDone(party, kMiB); });
  scenario.Add("client", [](Party* party) {
    Asker asker(kMiB);
    asker.on_answer = [&] {
      if (asker.asked() < kCount) asker.Ask();
    };
    while (asker.asked() < kUnderWay) asker.Ask();
    party->RunLoopUntil([&] { return asker.answered() == kCount; });
    party->Signal("done");
  });
  RunScenario(scenario, GetParam(), /*seeds=*/3);
}

// A server sends all responses at once. Together they are larger than the
// queue, and all must arrive.
TEST_P(FlowTest, ManyRequestsAreAnsweredAtOnce) {
  static constexpr uint32_t kCount = 8;
  Scenario scenario;
  scenario.Add("server", [](Party* party) {
    TestService service("echo", SizedProtocol(kMiB));
    std::vector<le_msg_MessageRef_t> held;
    service.on_message = [&](le_msg_MessageRef_t message) {
      held.push_back(message);
      if (held.size() < kCount) return;
      for (le_msg_MessageRef_t request : held) le_msg_Respond(request);
    };
    service.Advertise();
    party->RunLoopUntil("done");
  });
  scenario.Add("client", [](Party* party) {
    Asker asker(kMiB);
    while (asker.asked() < kCount) asker.Ask();
    party->RunLoopUntil([&] { return asker.answered() == kCount; });
    party->Signal("done");
  });
  RunScenario(scenario, GetParam(), /*seeds=*/3);
}

// A synchronous request receives the responses to earlier asynchronous requests
// too.
TEST_P(FlowTest, ASynchronousRequestBehindMany) {
  static constexpr uint32_t kCount = 3000;
  Scenario scenario;
  scenario.Add("server", [](Party* party) { EchoUntilDone(party, 4 * kKiB); });
  scenario.Add("client", [](Party* party) {
    Asker asker(4 * kKiB);
    while (asker.asked() < kCount) asker.Ask();
    le_msg_MessageRef_t response =
        le_msg_RequestSyncResponse(NewNumber(asker.client()->ref(), 12345));
    ASSERT_NE(response, nullptr);
    EXPECT_EQ(NumberOf(response), 12345u);
    EXPECT_EQ(asker.answered(), 0u) << "a callback ran inside an API call";
    le_msg_ReleaseMsg(response);
    party->RunLoopUntil([&] { return asker.answered() == kCount; });
    party->Signal("done");
  });
  RunScenario(scenario, GetParam(), /*seeds=*/1);
}

// Two programs are clients of each other's services. Each sends more messages
// than a queue holds, in one handler or outside its loop.
void SendToEachOther(Setting setting, bool in_handler) {
  static constexpr uint32_t kCount = 3000;
  static constexpr size_t kSize = 4 * kKiB;
  Scenario scenario;
  auto body = [in_handler](const std::string& mine, const std::string& other) {
    return [in_handler, mine, other](Party* party) {
      TestService service(mine, SizedProtocol(kSize));
      uint32_t received = 0;
      service.on_message = [&](le_msg_MessageRef_t message) {
        EXPECT_EQ(NumberOf(message), received++);
        le_msg_ReleaseMsg(message);
      };
      service.Advertise();
      bool opened = false;
      TestClient client(other, SizedProtocol(kSize));
      client.on_close = [] { ADD_FAILURE() << "the session was closed"; };
      le_msg_OpenSession(
          client.ref(),
          [](le_msg_SessionRef_t, void* context) {
            *static_cast<bool*>(context) = true;
          },
          &opened);
      party->RunLoopUntil([&] { return opened; });
      party->Signal(mine + " is ready");
      party->RunLoopUntil(other + " is ready");
      const auto send = [](void* session, void*) {
        for (uint32_t i = 0; i < kCount; ++i) {
          le_msg_Send(NewNumber(static_cast<le_msg_SessionRef_t>(session), i));
        }
      };
      if (in_handler) {
        le_event_QueueFunction(send, client.ref(), nullptr);
      } else {
        send(client.ref(), nullptr);
      }
      party->RunLoopUntil([&] { return received == kCount; });
      client.on_close = [] {};  // the other program may end first
      party->Signal(mine + " is done");
      party->RunLoopUntil(other + " is done");
    };
  };
  scenario.Add("a", body("to-a", "to-b"));
  scenario.Add("b", body("to-b", "to-a"));
  RunScenario(scenario, setting, /*seeds=*/3);
}
TEST_P(FlowTest, TwoProgramsSendToEachOtherInHandlers) {
  SendToEachOther(GetParam(), /*in_handler=*/true);
}
TEST_P(FlowTest, TwoProgramsSendToEachOtherOutsideHandlers) {
  SendToEachOther(GetParam(), /*in_handler=*/false);
}

// A worker sends a large message on one session while the owner waits for a
// response on another session. The server responds only after it has received
// the large message.
TEST_P(FlowTest, AWorkerSendsWhileTheOwnerWaitsOnAnotherSession) {
  Scenario scenario;
  scenario.Add("server", [](Party* party) {
    TestService service("echo", SizedProtocol(kMiB));
    le_msg_MessageRef_t request = nullptr;
    bool received = false;
    const auto respond = [&] {
      if (request == nullptr || !received) return;
      le_msg_Respond(request);
      request = nullptr;
      received = false;
    };
    service.on_message = [&](le_msg_MessageRef_t message) {
      if (le_msg_NeedsResponse(message)) {
        request = message;
      } else {
        le_msg_ReleaseMsg(message);
        received = true;
      }
      respond();
    };
    service.Advertise();
    party->RunLoopUntil("done");
  });
  scenario.Add("client", [](Party* party) {
    TestClient waiting("echo", SizedProtocol(kMiB));
    TestClient sending("echo", SizedProtocol(kMiB));
    waiting.Open();
    sending.Open();
    const le_thread_Ref_t worker = le_thread_Create(
        "worker",
        [](void* session) -> void* {
          le_msg_Send(NewNumber(static_cast<le_msg_SessionRef_t>(session), 1));
          return nullptr;
        },
        sending.ref());
    le_thread_SetJoinable(worker);
    le_thread_Start(worker);
    le_msg_MessageRef_t response = nullptr;
    EXPECT_EQ(le_msg_RequestSyncResponseTimed(NewNumber(waiting.ref(), 2),
                                              10000, &response),
              LE_OK);
    if (response != nullptr) le_msg_ReleaseMsg(response);
    le_thread_Join(worker, nullptr);
    party->Signal("done");
  });
  RunScenario(scenario, GetParam(), /*seeds=*/20);
}

// A client sends a large message on one session, then opens another session.
// The server offers the service of the other session only after it has received
// the message.
TEST_P(FlowTest, AnOpeningDependsOnAQueuedMessage) {
  Scenario scenario;
  scenario.Add("server", [](Party* party) {
    TestService service("echo", SizedProtocol(kMiB));
    TestService late("late", SizedProtocol(64));
    service.on_message = [&](le_msg_MessageRef_t message) {
      le_msg_ReleaseMsg(message);
      late.Advertise();
    };
    service.Advertise();
    party->RunLoopUntil("done");
  });
  scenario.Add("client", [](Party* party) {
    TestClient sending("echo", SizedProtocol(kMiB));
    sending.Open();
    le_msg_Send(NewNumber(sending.ref(), 1));
    TestClient late("late", SizedProtocol(64));
    EXPECT_EQ(le_msg_OpenSessionSyncTimed(late.ref(), 10000), LE_OK);
    party->Signal("done");
  });
  RunScenario(scenario, GetParam(), /*seeds=*/20);
}

// A worker responds to the request of a client, while the owner of the service
// waits for a response of the service "judge". The judge responds only after
// the client has the worker's response.
TEST_P(FlowTest, AWorkerRespondsWhileTheOwnerWaits) {
  Scenario scenario;
  scenario.Add("judge", [](Party* party) {
    TestService service("judge", SizedProtocol(64));
    le_msg_MessageRef_t request = nullptr;
    bool received = false;
    service.on_message = [&](le_msg_MessageRef_t message) {
      if (le_msg_NeedsResponse(message)) {
        request = message;
      } else {
        le_msg_ReleaseMsg(message);
        received = true;
      }
      if (request == nullptr || !received) return;
      le_msg_Respond(std::exchange(request, nullptr));
    };
    service.Advertise();
    party->RunLoopUntil("done");
  });
  scenario.Add("server", [](Party* party) {
    TestClient judge("judge", SizedProtocol(64));
    judge.Open();
    TestService service("echo", SizedProtocol(kMiB));
    service.on_message = [&](le_msg_MessageRef_t message) {
      const le_thread_Ref_t worker = le_thread_Create(
          "worker",
          [](void* request) -> void* {
            le_msg_Respond(static_cast<le_msg_MessageRef_t>(request));
            return nullptr;
          },
          message);
      le_thread_SetJoinable(worker);
      le_thread_Start(worker);
      le_msg_MessageRef_t verdict = nullptr;
      EXPECT_EQ(le_msg_RequestSyncResponseTimed(NewNumber(judge.ref(), 1),
                                                10000, &verdict),
                LE_OK);
      if (verdict != nullptr) le_msg_ReleaseMsg(verdict);
      le_thread_Join(worker, nullptr);
      party->Signal("judged");
    };
    service.Advertise();
    party->RunLoopUntil("done");
  });
  scenario.Add("client", [](Party* party) {
    TestClient client("echo", SizedProtocol(kMiB));
    TestClient judge("judge", SizedProtocol(64));
    client.Open();
    judge.Open();
    le_msg_MessageRef_t response =
        le_msg_RequestSyncResponse(NewNumber(client.ref(), 1));
    ASSERT_NE(response, nullptr);
    EXPECT_EQ(NumberOf(response), 1u);
    le_msg_ReleaseMsg(response);
    le_msg_Send(NewNumber(judge.ref(), 2));
    party->RunLoopUntil("judged");
    party->Signal("done");
  });
  RunScenario(scenario, GetParam(), /*seeds=*/20);
}

// A client sends a large message to a server, then waits for a response of a
// local service. The thread of the local service waits for a response of the
// server. The server responds only after it has received the large message.
TEST_P(FlowTest, ALocalServiceDependsOnAQueuedMessage) {
  Scenario scenario;
  scenario.Add("server", [](Party* party) {
    TestService service("echo", SizedProtocol(kMiB));
    le_msg_MessageRef_t request = nullptr;
    bool received = false;
    service.on_message = [&](le_msg_MessageRef_t message) {
      if (le_msg_NeedsResponse(message)) {
        request = message;
      } else {
        le_msg_ReleaseMsg(message);
        received = true;
      }
      if (request == nullptr || !received) return;
      le_msg_Respond(std::exchange(request, nullptr));
    };
    service.Advertise();
    party->RunLoopUntil("done");
  });
  scenario.Add("client", [](Party* party) {
    static constexpr size_t kSize = 64;
    le_msg_LocalService_t local;
    le_msg_InitLocalService(
        &local, "inside",
        le_mem_CreatePool("local", LE_MSG_LOCAL_HEADER_SIZE + kSize));
    le_msg_SetServiceRecvHandler(
        &local.service,
        [](le_msg_MessageRef_t message, void*) {
          {
            TestClient asking("echo", SizedProtocol(kMiB));
            asking.Open();
            le_msg_ReleaseMsg(
                le_msg_RequestSyncResponse(NewNumber(asking.ref(), 1)));
          }
          le_msg_Respond(message);
          le_event_StopLoop(nullptr);
        },
        nullptr);
    const le_thread_Ref_t thread = le_thread_Create(
        "local",
        [](void* service) -> void* {
          le_msg_AdvertiseService(static_cast<le_msg_ServiceRef_t>(service));
          le_event_RunLoopUntilStopped();
          le_msg_DeleteService(static_cast<le_msg_ServiceRef_t>(service));
          return nullptr;
        },
        &local.service);
    le_thread_SetJoinable(thread);
    le_thread_Start(thread);
    const le_msg_SessionRef_t waiting = le_msg_CreateLocalSession(&local);
    le_msg_OpenSessionSync(waiting);
    {
      TestClient sending("echo", SizedProtocol(kMiB));
      sending.Open();
      le_msg_Send(NewNumber(sending.ref(), 2));
      le_msg_MessageRef_t response = nullptr;
      EXPECT_EQ(le_msg_RequestSyncResponseTimed(NewNumber(waiting, 3), 10000,
                                                &response),
                LE_OK);
      if (response != nullptr) le_msg_ReleaseMsg(response);
    }
    le_msg_DeleteSession(waiting);
    le_thread_Join(thread, nullptr);
    party->Signal("done");
  });
  RunScenario(scenario, GetParam(), /*seeds=*/20);
}

// A client that does not read loses its session. No other client waits for it.
TEST_P(FlowTest, ASlowReaderBesideAFastOne) {
  static constexpr uint32_t kCount = 2000;
  Scenario scenario;
  scenario.Add("server", [](Party* party) {
    TestService service("echo", SizedProtocol(4 * kKiB));
    le_msg_ServiceLimits_t limits = {};
    limits.structSize = sizeof(limits);
    limits.maxGatheredBytes = 2 * kMiB;
    le_msg_SetServiceLimits(service.ref(), &limits);
    le_msg_SessionRef_t slow = nullptr;
    bool closed = false;
    service.on_message = [&](le_msg_MessageRef_t message) {
      if (!le_msg_NeedsResponse(message)) {
        slow = le_msg_GetSession(message);
        le_msg_ReleaseMsg(message);
        party->Signal("one is slow");
        return;
      }
      if (slow != nullptr) le_msg_Send(NewNumber(slow, 0));
      le_msg_Respond(message);
    };
    service.on_close = [&](le_msg_SessionRef_t session) {
      if (session != slow) return;
      EXPECT_EQ(le_msg_GetCloseReason(session), LE_MSG_CLOSE_SLOW_READER);
      slow = nullptr;
      closed = true;
    };
    service.Advertise();
    party->RunLoopUntil("done");
    EXPECT_TRUE(closed);
  });
  scenario.Add("slow", [](Party* party) {
    TestClient client("echo", SizedProtocol(4 * kKiB));
    client.Open();
    le_msg_Send(NewNumber(client.ref(), 0));
    party->Await("done");
  });
  scenario.Add("fast", [](Party* party) {
    party->Await("one is slow");
    Asker asker(4 * kKiB);
    while (asker.asked() < kCount) asker.Ask();
    party->RunLoopUntil([&] { return asker.answered() == kCount; });
    party->Signal("done");
  });
  RunScenario(scenario, GetParam(), /*seeds=*/1);
}

// A client that reads its messages keeps its session, although many messages
// are sent at once. (Together they are smaller than maxGatheredBytes.)
TEST_P(FlowTest, AReaderIsNotSlow) {
  static constexpr uint32_t kCount = 4000;
  Scenario scenario;
  scenario.Add("server", [](Party* party) {
    TestService service("echo", SizedProtocol(4 * kKiB));
    service.on_message = [&](le_msg_MessageRef_t message) {
      const le_msg_SessionRef_t session = le_msg_GetSession(message);
      for (uint32_t i = 0; i < kCount; ++i) {
        le_msg_Send(NewNumber(session, i));
      }
      le_msg_ReleaseMsg(message);
    };
    service.Advertise();
    party->RunLoopUntil("done");
  });
  scenario.Add("client", [](Party* party) {
    TestClient client("echo", SizedProtocol(4 * kKiB));
    uint32_t received = 0;
    client.on_close = [] { ADD_FAILURE() << "the session was closed"; };
    client.on_message = [&](le_msg_MessageRef_t message) {
      EXPECT_EQ(NumberOf(message), received++);
      le_msg_ReleaseMsg(message);
    };
    client.Open();
    le_msg_Send(NewNumber(client.ref(), 0));
    party->RunLoopUntil([&] { return received == kCount; });
    party->Signal("done");
  });
  RunScenario(scenario, GetParam(), /*seeds=*/3);
}

// The bytes of this process's address space.
size_t AddressSpace() {
  std::ifstream file("/proc/self/statm");
  size_t pages = 0;
  file >> pages;
  return pages * static_cast<size_t>(sysconf(_SC_PAGESIZE));
}

// Small messages need little memory even if the protocol's maximum is large.
TEST_P(FlowTest, SmallMessagesOfALargeProtocolNeedLittleMemory) {
  static constexpr uint32_t kCount = 1000;
  static constexpr size_t kSize = 16 * kMiB;
  Scenario scenario;
  scenario.Add("server", [](Party* party) {
    TestService service("echo", SizedProtocol(kSize));
    std::vector<le_msg_MessageRef_t> held;
    service.on_message = [&](le_msg_MessageRef_t message) {
      held.push_back(message);
      if (held.size() < kCount) return;
      for (le_msg_MessageRef_t request : held) le_msg_Respond(request);
    };
    service.Advertise();
    party->RunLoopUntil("done");
  });
  scenario.Add("client", [](Party* party) {
    TestClient client("echo", SizedProtocol(kSize));
    client.Open();
    const size_t before = AddressSpace();
    uint32_t answers = 0;
    for (uint32_t i = 0; i < kCount; ++i) {
      le_msg_MessageRef_t message = le_msg_CreateMsg(client.ref());
      // Do not touch the payload: to zero 16 MiB for each message takes long.
      le_msg_SetPayloadSize(message, sizeof(i));
      le_msg_RequestResponse(
          message,
          [](le_msg_MessageRef_t response, void* context) {
            ASSERT_NE(response, nullptr);
            ++*static_cast<uint32_t*>(context);
            le_msg_ReleaseMsg(response);
          },
          &answers);
    }
    party->RunLoopUntil([&] { return answers == kCount; });
    EXPECT_LT(AddressSpace(), before + 512 * kMiB);
    party->Signal("done");
  });
  RunScenario(scenario, GetParam(), /*seeds=*/1);
}

}  // namespace
}  // namespace testing
}  // namespace messaging
}  // namespace le
