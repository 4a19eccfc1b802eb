// Copyright 2026 The le_messaging Authors
// SPDX-License-Identifier: Apache-2.0
//
// In a build with AddressSanitizer, these uses of a payload end the process:
//  - beyond its end;
//  - after its message was sent or released.

#include <string>
#include <vector>

#include "event/base/asan.h"
#include "gtest/gtest.h"
#include "le_messaging_ext.h"
#include "legato.h"

namespace {

constexpr char kError[] = "AddressSanitizer: ";

class PayloadTest : public ::testing::Test {
 protected:
  void SetUp() override {
    if (!le::event::kAsan) GTEST_SKIP() << "not built with AddressSanitizer";
  }

  static le_msg_ProtocolRef_t Protocol(size_t size = 64) {
    return le_msg_GetProtocolRef(("of " + std::to_string(size)).c_str(), size);
  }
  // An open session with a service of this thread. The service keeps what it
  // receives.
  static le_msg_SessionRef_t OpenSession(size_t size = 64) {
    const le_msg_ServiceRef_t service =
        le_msg_CreateService(Protocol(size), "service");
    le_msg_SetServiceRecvHandler(service, &Keep, nullptr);
    le_msg_AdvertiseService(service);
    const le_msg_SessionRef_t session =
        le_msg_CreateSession(Protocol(size), "service");
    le_msg_OpenSessionSync(session);
    return session;
  }
  static void Keep(le_msg_MessageRef_t message, void*) {
    if (message != nullptr) kept_.push_back(message);
  }

  // Sends messages of one byte to the service. Returns the last one that it
  // receives.
  static le_msg_MessageRef_t Receive(size_t size, size_t count = 1) {
    const le_msg_SessionRef_t session = OpenSession(size);
    for (size_t i = 0; i < count; ++i) {
      const le_msg_MessageRef_t message = le_msg_CreateMsg(session);
      static_cast<char*>(le_msg_GetPayloadPtr(message))[0] = 1;
      le_msg_SetPayloadSize(message, 1);
      le_msg_Send(message);
    }
    while (kept_.size() < count) le_event_ServiceLoop();
    return kept_.back();
  }
  // Returns a response.
  static le_msg_MessageRef_t ReceiveResponse(size_t size) {
    le_msg_RequestResponse(le_msg_CreateMsg(OpenSession(size)), &Keep, nullptr);
    while (kept_.empty()) le_event_ServiceLoop();
    const le_msg_MessageRef_t request = kept_.back();
    kept_.clear();
    static_cast<char*>(le_msg_GetPayloadPtr(request))[0] = 1;
    le_msg_Respond(request);
    while (kept_.empty()) le_event_ServiceLoop();
    return kept_.back();
  }
  static char* PayloadOf(le_msg_MessageRef_t message) {
    return static_cast<char*>(le_msg_GetPayloadPtr(message));
  }
  static void WriteBeyond(le_msg_MessageRef_t message) {
    PayloadOf(message)[le_msg_GetMaxPayloadSize(message)] = 1;
  }
  static void WriteAfterRelease(le_msg_MessageRef_t message) {
    char* const payload = PayloadOf(message);
    payload[0] = 1;
    le_msg_ReleaseMsg(message);
    payload[0] = 1;
  }

  static inline std::vector<le_msg_MessageRef_t> kept_;
};

TEST_F(PayloadTest, Created) {
  static char* payload;
  payload = nullptr;
  static le_msg_MessageRef_t message;
  const auto make = [](size_t size = 61) {
    le_msg_SessionRef_t session = le_msg_CreateSession(
        le_msg_GetProtocolRef(("of " + std::to_string(size)).c_str(), size),
        "service");
    message = le_msg_CreateMsg(session);
    payload = static_cast<char*>(le_msg_GetPayloadPtr(message));
    payload[0] = payload[size - 1] = 1;
  };
  for (const size_t size : {1, 61, 64, 65536}) {
    EXPECT_DEATH(
        {
          make(size);
          payload[size] = 1;
        },
        kError);
  }
  EXPECT_DEATH(
      {
        make();
        le_msg_ReleaseMsg(message);
        payload[0] = 1;
      },
      kError);
  EXPECT_DEATH(
      {
        make();
        le_msg_Send(message);
        payload[0] = 1;
      },
      kError);
  EXPECT_DEATH(
      {
        make();
        le_msg_RequestResponse(message, nullptr, nullptr);
        payload[60] = 1;
      },
      kError);
  // The message was sent, and is queued at the peer.
  EXPECT_DEATH(
      {
        message = le_msg_CreateMsg(OpenSession());
        payload = static_cast<char*>(le_msg_GetPayloadPtr(message));
        le_msg_Send(message);
        payload[0] = 1;
      },
      kError);
  // Another message is created before the use.
  EXPECT_DEATH(
      {
        make();
        char* const former = payload;
        le_msg_ReleaseMsg(message);
        make();
        former[0] = 1;
      },
      kError);
  EXPECT_DEATH(
      {
        char* const object =
            static_cast<char*>(le_mem_ForceAlloc(le_mem_CreatePool("x", 8)));
        object[8] = 1;
      },
      kError);
}

TEST_F(PayloadTest, Received) {
  for (const size_t size : {1, 61, 64, 65536}) {
    EXPECT_DEATH(WriteBeyond(Receive(size)), kError) << size;
    EXPECT_DEATH(WriteAfterRelease(Receive(size)), kError) << size;
    EXPECT_DEATH(WriteBeyond(ReceiveResponse(size)), kError) << size;
    EXPECT_DEATH(WriteAfterRelease(ReceiveResponse(size)), kError) << size;
  }
}

// When the buffers of a protocol have more than 64 MiB, received payloads that
// are much shorter than the protocol's maximum are packed: only the received
// bytes are kept. A packed message gets a buffer in le_msg_GetPayloadPtr().
TEST_F(PayloadTest, ReceivedAndPacked) {
  constexpr size_t kLargest = size_t{16} << 20;
  constexpr size_t kMoreThanUnpacked = 8;
  EXPECT_DEATH(WriteBeyond(Receive(kLargest, kMoreThanUnpacked)), kError);
  EXPECT_DEATH(WriteAfterRelease(Receive(kLargest, kMoreThanUnpacked)), kError);
}

// A request's payload becomes the payload of its response.
TEST_F(PayloadTest, Responded) {
  EXPECT_DEATH(
      {
        le_msg_RequestResponse(le_msg_CreateMsg(OpenSession()), &Keep, nullptr);
        while (kept_.empty()) le_event_ServiceLoop();
        char* const payload = PayloadOf(kept_.back());
        payload[0] = 1;
        le_msg_Respond(kept_.back());
        payload[0] = 1;
      },
      kError);
}

}  // namespace

int main(int argc, char** argv) {
  ::testing::InitGoogleTest(&argc, argv);
  // Each death test gets a new process, so that it has no threads and services
  // of other tests.
  ::testing::FLAGS_gtest_death_test_style = "threadsafe";
  return RUN_ALL_TESTS();
}
