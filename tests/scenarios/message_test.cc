// Copyright 2026 The le_messaging Authors
// SPDX-License-Identifier: Apache-2.0
//
// Messages: payloads, lengths, descriptors, order, and room.

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>

#include "tests/scenarios/util.h"

namespace le {
namespace messaging {
namespace testing {
namespace {

class MessageTest : public ::testing::TestWithParam<Setting> {};
INSTANTIATE_TEST_SUITE_P(Everywhere, MessageTest, AllSettings(), SettingName);

TEST_P(MessageTest, PayloadIsZeroBeyondTheSentBytes) {
  Scenario scenario;
  scenario.Add("server", [](Party* party) {
    TestService service("echo");
    service.on_message = [](le_msg_MessageRef_t message) {
      // The response is shorter than the request whose buffer it uses.
      SetText(message, "no");
      le_msg_Respond(message);
    };
    service.Advertise();
    party->RunLoopUntil("done");
  });
  scenario.Add("client", [](Party* party) {
    TestClient client("echo");
    client.Open();
    for (int round = 0; round < 3; ++round) {
      le_msg_MessageRef_t message = le_msg_CreateMsg(client.ref());
      char* payload = static_cast<char*>(le_msg_GetPayloadPtr(message));
      EXPECT_EQ(le_msg_GetMaxPayloadSize(message), kTextSize);
      EXPECT_EQ(std::string(payload, kTextSize), std::string(kTextSize, '\0'));
      EXPECT_EQ(reinterpret_cast<uintptr_t>(payload) % alignof(max_align_t),
                0u);
      std::memset(payload, 'x', kTextSize);
      le_msg_MessageRef_t response = le_msg_RequestSyncResponse(message);
      ASSERT_NE(response, nullptr);
      EXPECT_EQ(std::string(static_cast<char*>(le_msg_GetPayloadPtr(response)),
                            kTextSize),
                "no" + std::string(kTextSize - 2, '\0'));
      EXPECT_EQ(le_msg_GetPayloadSize(response), kTextSize);
      EXPECT_FALSE(le_msg_NeedsResponse(response));
      EXPECT_EQ(le_msg_GetSession(response), client.ref());
      le_msg_ReleaseMsg(response);
    }
    party->Signal("done");
  });
  RunScenario(scenario, GetParam());
}

// The receiver gets the length that the sender has set. If none was set, the
// length is the maximum, also in a response. Bytes beyond a set length are not
// sent.
TEST_P(MessageTest, Lengths) {
  Scenario scenario;
  scenario.Add("server", [](Party* party) {
    TestService service("echo");
    service.on_message = [](le_msg_MessageRef_t message) {
      const size_t size = le_msg_GetPayloadSize(message);
      const std::string text = TextOf(message);
      SetText(message, std::to_string(size) + text);
      if (text == "set") le_msg_SetPayloadSize(message, 4);
      le_msg_Respond(message);
    };
    service.Advertise();
    party->RunLoopUntil("done");
  });
  scenario.Add("client", [](Party* party) {
    TestClient client("echo");
    client.Open();
    le_msg_MessageRef_t message = NewText(client.ref(), "not set");
    le_msg_MessageRef_t response = le_msg_RequestSyncResponse(message);
    EXPECT_EQ(TextOf(response), "256not set");
    EXPECT_EQ(le_msg_GetPayloadSize(response), kTextSize);
    le_msg_ReleaseMsg(response);

    message = NewText(client.ref(), "set, but not this");
    le_msg_SetPayloadSize(message, 3);
    response = le_msg_RequestSyncResponse(message);
    EXPECT_EQ(TextOf(response), "3set");
    EXPECT_EQ(le_msg_GetPayloadSize(response), 4u);
    le_msg_ReleaseMsg(response);

    message = NewText(client.ref(), "anything");
    le_msg_SetPayloadSize(message, 0);
    response = le_msg_RequestSyncResponse(message);
    EXPECT_EQ(TextOf(response), "0");
    EXPECT_EQ(le_msg_GetPayloadSize(response), kTextSize);
    le_msg_ReleaseMsg(response);
    party->Signal("done");
  });
  RunScenario(scenario, GetParam());
}

TEST_P(MessageTest, PayloadsOfAllSizes) {
  const std::vector<size_t> sizes = {0, 1, 64, 65536, 1 << 20, 3 << 20};
  Scenario scenario;
  scenario.Add("server", [sizes](Party* party) {
    std::vector<std::unique_ptr<TestService>> services;
    for (size_t size : sizes) {
      const std::string name = "size" + std::to_string(size);
      services.push_back(std::make_unique<TestService>(
          name, le_msg_GetProtocolRef(name.c_str(), size)));
      services.back()->Advertise();
    }
    party->RunLoopUntil("done");
  });
  scenario.Add("client", [sizes](Party* party) {
    for (size_t size : sizes) {
      const std::string name = "size" + std::to_string(size);
      TestClient client(name, le_msg_GetProtocolRef(name.c_str(), size));
      client.Open();
      le_msg_MessageRef_t message = le_msg_CreateMsg(client.ref());
      auto* payload = static_cast<uint8_t*>(le_msg_GetPayloadPtr(message));
      for (size_t i = 0; i < size; ++i) {
        payload[i] = static_cast<uint8_t>(i * 7 + (i >> 8) + 1);
      }
      le_msg_MessageRef_t response = le_msg_RequestSyncResponse(message);
      ASSERT_NE(response, nullptr);
      payload = static_cast<uint8_t*>(le_msg_GetPayloadPtr(response));
      size_t wrong = 0;
      for (size_t i = 0; i < size; ++i) {
        wrong += payload[i] != static_cast<uint8_t>(i * 7 + (i >> 8) + 1);
      }
      EXPECT_EQ(wrong, 0u) << size;
      le_msg_ReleaseMsg(response);
      client.Delete();
    }
    party->Signal("done");
  });
  RunScenario(scenario, GetParam(), 5);
}

int PipeWith(const std::string& text) {
  int ends[2];
  EXPECT_EQ(pipe2(ends, O_CLOEXEC), 0);
  EXPECT_EQ(write(ends[1], text.data(), text.size()),
            static_cast<ssize_t>(text.size()));
  close(ends[1]);
  return ends[0];
}

std::string ReadAll(int fd) {
  char buffer[100];
  const ssize_t size = read(fd, buffer, sizeof(buffer));
  close(fd);
  return size < 0 ? "(error)" : std::string(buffer, size);
}

// A request and its response may each have a descriptor. le_msg_GetFd() returns
// the request's descriptor even after the response's descriptor was set.
TEST_P(MessageTest, DescriptorsTravelBothWays) {
  Scenario scenario;
  scenario.Add("server", [](Party* party) {
    TestService service("echo");
    service.on_message = [](le_msg_MessageRef_t message) {
      le_msg_SetFd(message, PipeWith("answer"));
      const int fd = le_msg_GetFd(message);
      EXPECT_GE(fd, 0);
      EXPECT_EQ(fcntl(fd, F_GETFD), FD_CLOEXEC);
      EXPECT_EQ(ReadAll(fd), "question");
      EXPECT_EQ(le_msg_GetFd(message), -1) << "handed over twice";
      le_msg_Respond(message);
    };
    service.Advertise();
    party->RunLoopUntil("done");
  });
  scenario.Add("client", [](Party* party) {
    TestClient client("echo");
    client.Open();
    le_msg_MessageRef_t message = NewText(client.ref(), "x");
    const int fd = PipeWith("question");
    le_msg_SetFd(message, fd);
    le_msg_MessageRef_t response = le_msg_RequestSyncResponse(message);
    ASSERT_NE(response, nullptr);
    EXPECT_EQ(ReadAll(le_msg_GetFd(response)), "answer");
    EXPECT_EQ(le_msg_GetFd(response), -1);
    le_msg_ReleaseMsg(response);
    party->Signal("done");
  });
  RunScenario(scenario, GetParam(), 5);
}

// The library closes a descriptor that is not fetched or never sent. Then the
// other end of its pipe reads the end of file.
TEST_P(MessageTest, UnfetchedDescriptorsAreClosed) {
  Scenario scenario;
  scenario.Add("server", EchoServerBody);
  scenario.Add("client", [](Party* party) {
    TestClient client("echo");
    client.Open();
    for (bool sent : {true, false}) {
      int ends[2];
      ASSERT_EQ(pipe2(ends, O_CLOEXEC), 0);
      le_msg_MessageRef_t message = NewText(client.ref(), "x");
      le_msg_SetFd(message, ends[1]);  // the writing end
      if (sent) {
        le_msg_Send(message);
        EXPECT_EQ(Ask(client.ref(), "received by now"), "received by now");
      } else {
        le_msg_ReleaseMsg(message);
      }
      EXPECT_EQ(ReadAll(ends[0]), "") << "some writing end is still open";
    }
    party->Signal("done");
  });
  RunScenario(scenario, GetParam(), 5);
}

// A client sends far more messages than any queue holds. It waits for room, no
// message is lost, and the order is kept.
TEST_P(MessageTest, AFloodArrivesCompletelyAndInOrder) {
  constexpr int kMessages = 20000;
  Scenario scenario;
  scenario.Add("server", [](Party* party) {
    TestService service("echo");
    int seen = 0;
    service.on_message = [&](le_msg_MessageRef_t message) {
      if (le_msg_NeedsResponse(message)) {
        SetText(message, std::to_string(seen));
        le_msg_Respond(message);
        return;
      }
      int number;
      std::memcpy(&number, le_msg_GetPayloadPtr(message), sizeof(number));
      EXPECT_EQ(number, seen + 1);
      ++seen;
      le_msg_ReleaseMsg(message);
    };
    service.Advertise();
    party->RunLoopUntil("done");
  });
  scenario.Add("client", [](Party* party) {
    TestClient client("echo");
    client.Open();
    for (int i = 1; i <= kMessages; ++i) {
      le_msg_MessageRef_t message = le_msg_CreateMsg(client.ref());
      char* payload = static_cast<char*>(le_msg_GetPayloadPtr(message));
      std::memcpy(payload, &i, sizeof(i));
      payload[kTextSize - 1] = 'x';  // makes the library send the full size
      le_msg_Send(message);
    }
    EXPECT_EQ(Ask(client.ref(), "how many?"), std::to_string(kMessages));
    party->Signal("done");
  });
  RunScenario(scenario, GetParam(), 2);
}

// Any thread may send and request. The messages of one thread keep their order.
TEST_P(MessageTest, AnyThreadMaySend) {
  Scenario scenario;
  scenario.Add("server", [](Party* party) {
    TestService service("echo");
    std::vector<int> last(3, 0);
    service.on_message = [&](le_msg_MessageRef_t message) {
      const std::string text = TextOf(message);
      if (!le_msg_NeedsResponse(message)) {
        const int thread = text[0] - '0';
        const int number = std::stoi(text.substr(2));
        EXPECT_EQ(number, ++last[thread]) << "thread " << thread;
        le_msg_ReleaseMsg(message);
      } else {
        le_msg_Respond(message);
      }
    };
    service.Advertise();
    party->RunLoopUntil("done");
    EXPECT_EQ(last, (std::vector<int>{50, 50, 50}));
  });
  scenario.Add("client", [](Party* party) {
    TestClient client("echo");
    client.Open();
    struct Work {
      le_msg_SessionRef_t session;
      int number;
    };
    std::vector<Work> work = {
        {client.ref(), 0}, {client.ref(), 1}, {client.ref(), 2}};
    std::vector<le_thread_Ref_t> threads;
    for (Work& w : work) {
      threads.push_back(le_thread_Create(
          "sender",
          [](void* context) -> void* {
            auto* w = static_cast<Work*>(context);
            for (int i = 1; i <= 50; ++i) {
              le_msg_Send(NewText(w->session, std::to_string(w->number) + " " +
                                                  std::to_string(i)));
            }
            return nullptr;
          },
          &w));
      le_thread_SetJoinable(threads.back());
      le_thread_Start(threads.back());
    }
    for (le_thread_Ref_t thread : threads) le_thread_Join(thread, nullptr);
    EXPECT_EQ(Ask(client.ref(), "after them"), "after them");
    party->Signal("done");
  });
  RunScenario(scenario, GetParam());
}

// If the program has added a reference to a message, it can read the payload
// after the message was sent.
TEST_P(MessageTest, ReferencesKeepAMessage) {
  Scenario scenario;
  scenario.Add("server", EchoServerBody);
  scenario.Add("client", [](Party* party) {
    TestClient client("echo");
    client.Open();
    le_msg_MessageRef_t message = NewText(client.ref(), "kept");
    le_msg_AddRef(message);
    le_msg_MessageRef_t response = le_msg_RequestSyncResponse(message);
    ASSERT_NE(response, nullptr);
    EXPECT_EQ(TextOf(message), "kept");
    EXPECT_EQ(TextOf(response), "kept");
    le_msg_ReleaseMsg(message);
    // A message stays valid after its session was deleted.
    client.Delete();
    EXPECT_EQ(TextOf(response), "kept");
    EXPECT_EQ(le_msg_GetMaxPayloadSize(response), kTextSize);
    le_msg_ReleaseMsg(response);
    party->Signal("done");
  });
  RunScenario(scenario, GetParam());
}

// A handler sends messages, which the library gathers. Then the handler closes
// the session, deletes it, or ends its thread. Expected: the server receives
// the messages, since the transport has room for them.
TEST_P(MessageTest, EachEndOfASessionDeliversSentMessages) {
  Scenario scenario;
  scenario.Add("server", [](Party* party) {
    TestService service("echo");
    std::vector<std::string> received;
    int closes = 0;
    service.on_message = [&](le_msg_MessageRef_t message) {
      received.push_back(TextOf(message));
      if (le_msg_NeedsResponse(message)) {
        le_msg_Respond(message);
      } else {
        le_msg_ReleaseMsg(message);
      }
    };
    service.on_close = [&](le_msg_SessionRef_t) { ++closes; };
    service.Advertise();
    party->RunLoopUntil([&] { return closes == 3; });
    EXPECT_EQ(received,
              (std::vector<std::string>{"close", "1", "2", "3", "delete", "1",
                                        "2", "3", "end", "1", "2", "3"}));
  });
  scenario.Add("client", [](Party* party) {
    // Leave in a handler, so that all messages but the first are gathered.
    auto leave = [party](const char* how, std::function<void(TestClient*)> go) {
      TestClient client("echo");
      client.Open();
      bool gone = false;
      client.Request(how, [&](le_msg_MessageRef_t) {
        for (const char* text : {"1", "2", "3"}) {
          le_msg_Send(NewText(client.ref(), text));
        }
        gone = true;
        go(&client);
      });
      party->RunLoopUntil([&] { return gone; });
    };
    leave("close",
          [](TestClient* client) { le_msg_CloseSession(client->ref()); });
    leave("delete", [](TestClient* client) { client->Delete(); });
    auto end = [](void*) -> void* {
      const le_msg_SessionRef_t session =
          le_msg_CreateSession(TextProtocol(), "echo");
      le_msg_OpenSessionSync(session);
      le_msg_RequestResponse(
          NewText(session, "end"),
          [](le_msg_MessageRef_t response, void* session) {
            le_msg_ReleaseMsg(response);
            for (const char* text : {"1", "2", "3"}) {
              le_msg_Send(
                  NewText(static_cast<le_msg_SessionRef_t>(session), text));
            }
            le_thread_Exit(nullptr);
          },
          session);
      le_event_RunLoop();
      return nullptr;
    };
    const le_thread_Ref_t thread = le_thread_Create("leaves", end, nullptr);
    le_thread_SetJoinable(thread);
    le_thread_Start(thread);
    le_thread_Join(thread, nullptr);
  });
  RunScenario(scenario, GetParam());
}

// A message is held during a blocking call, and its payload is never read. A
// new message contains no bytes of the held message.
TEST_P(MessageTest, AHeldMessageLeavesNoBytesBehind) {
  constexpr size_t kLarge = 64 * 1024, kSome = 1000;
  Scenario scenario;
  scenario.Add("server", [](Party* party) {
    TestService service("echo", le_msg_GetProtocolRef("large", kLarge));
    service.on_message = [&](le_msg_MessageRef_t message) {
      const le_msg_MessageRef_t news =
          le_msg_CreateMsg(le_msg_GetSession(message));
      std::memset(le_msg_GetPayloadPtr(news), 'x', kSome);
      le_msg_Send(news);
      le_msg_Respond(message);
    };
    service.Advertise();
    party->RunLoopUntil("done");
  });
  scenario.Add("client", [](Party* party) {
    TestClient client("echo", le_msg_GetProtocolRef("large", kLarge));
    bool told = false;
    client.on_message = [&](le_msg_MessageRef_t message) {
      told = true;
      le_msg_ReleaseMsg(message);
    };
    client.Open();
    le_msg_ReleaseMsg(
        le_msg_RequestSyncResponse(le_msg_CreateMsg(client.ref())));
    party->RunLoopUntil([&] { return told; });
    for (int i = 0; i < 3; ++i) {
      const le_msg_MessageRef_t message = le_msg_CreateMsg(client.ref());
      const char* const payload =
          static_cast<const char*>(le_msg_GetPayloadPtr(message));
      EXPECT_EQ(std::count(payload, payload + kLarge, '\0'),
                static_cast<ptrdiff_t>(kLarge));
      le_msg_ReleaseMsg(message);
    }
    party->Signal("done");
  });
  RunScenario(scenario, GetParam());
}

// After le_msg_TrySend() has refused a message, the program may write to the
// message through a pointer that it got before.
TEST_P(MessageTest, ARefusedMessageMayBeChanged) {
  Scenario scenario;
  scenario.Add("server", [](Party* party) {
    TestService service("echo");
    std::string last;
    service.on_message = [&](le_msg_MessageRef_t message) {
      last.assign(static_cast<char*>(le_msg_GetPayloadPtr(message)), kTextSize);
      le_msg_ReleaseMsg(message);
    };
    service.on_close = [&](le_msg_SessionRef_t) { party->Signal("closed"); };
    service.Advertise();
    party->RunLoopUntil("open");
    party->Await("changed");
    party->RunLoopUntil("closed");
    EXPECT_EQ(last, "n" + std::string(kTextSize - 2, '\0') + "w");
  });
  scenario.Add("client", [](Party* party) {
    TestClient client("echo");
    client.Open();
    party->Signal("open");
    le_msg_MessageRef_t message;
    char* payload;
    do {
      message = le_msg_CreateMsg(client.ref());
      payload = static_cast<char*>(le_msg_GetPayloadPtr(message));
      payload[0] = 'n';
    } while (le_msg_TrySend(message) == LE_OK);
    payload[kTextSize - 1] = 'w';
    party->Signal("changed");
    bool sent = false;
    client.on_room = [&] { sent = le_msg_TrySend(message) == LE_OK; };
    party->RunLoopUntil([&] { return sent; });
    for (int i = 0; i < 3; ++i) {
      message = le_msg_CreateMsg(client.ref());
      payload = static_cast<char*>(le_msg_GetPayloadPtr(message));
      EXPECT_EQ(std::count(payload, payload + kTextSize, '\0'),
                static_cast<ptrdiff_t>(kTextSize));
      le_msg_ReleaseMsg(message);
    }
  });
  RunScenario(scenario, GetParam(), /*seeds=*/1);
}

// After le_msg_GetPayloadForReading() the program must not write, and after
// le_msg_GetPayloadForWriting() it may write only the bytes that it asked for.
// Neither the receiver nor a later message gets bytes of an earlier message.
TEST_P(MessageTest, PayloadsForReadingAndWriting) {
  constexpr size_t kLarge = 100 * 1024;
  static constexpr size_t kSizes[] = {kLarge, 1000, 0, 1, 70000, 300};
  const auto protocol = [] { return le_msg_GetProtocolRef("large", kLarge); };
  const auto is_zero_from = [](const void* payload, size_t from) {
    const char* const bytes = static_cast<const char*>(payload);
    return std::count(bytes + from, bytes + kLarge, '\0') ==
           static_cast<ptrdiff_t>(kLarge - from);
  };
  Scenario scenario;
  scenario.Add("server", [=](Party* party) {
    TestService service("echo", protocol());
    service.on_message = [&](le_msg_MessageRef_t message) {
      size_t size;
      const void* const request = le_msg_GetPayloadForReading(message, &size);
      EXPECT_TRUE(is_zero_from(request, size)) << size;
      EXPECT_EQ(request, le_msg_GetPayloadForReading(message, nullptr));
      // The first half of the request becomes the response.
      void* const response = le_msg_GetPayloadForWriting(message, size / 2);
      EXPECT_EQ(response, request);
      std::memset(response, 'r', size / 4);
      EXPECT_EQ(le_msg_GetPayloadForWriting(message, kLarge + 1), nullptr);
      EXPECT_EQ(le_msg_GetPayloadSize(message), size / 2);
      le_msg_Respond(message);
    };
    service.Advertise();
    party->RunLoopUntil("done");
  });
  scenario.Add("client", [=](Party* party) {
    TestClient client("echo", protocol());
    client.Open();
    for (const size_t size : kSizes) {
      le_msg_MessageRef_t message = le_msg_CreateMsg(client.ref());
      void* const request = le_msg_GetPayloadForWriting(message, size);
      EXPECT_EQ(request, le_msg_GetPayloadForWriting(message, size));
      EXPECT_EQ(le_msg_GetPayloadSize(message), size);
      std::memset(request, 'q', size);
      message = le_msg_RequestSyncResponse(message);
      ASSERT_NE(message, nullptr);
      size_t response_size;
      const void* const response =
          le_msg_GetPayloadForReading(message, &response_size);
      EXPECT_EQ(response_size, size / 2);
      EXPECT_EQ(
          std::string(static_cast<const char*>(response), response_size),
          std::string(size / 4, 'r') + std::string(size / 2 - size / 4, 'q'));
      EXPECT_TRUE(is_zero_from(response, response_size)) << size;
      le_msg_ReleaseMsg(message);
      for (int i = 0; i < 3; ++i) {
        message = le_msg_CreateMsg(client.ref());
        EXPECT_TRUE(is_zero_from(le_msg_GetPayloadPtr(message), 0)) << size;
        le_msg_ReleaseMsg(message);
      }
    }
    party->Signal("done");
  });
  RunScenario(scenario, GetParam());
}

// A server may respond to each message, also to one that is not a request.
TEST_P(MessageTest, RespondingToAOneWayMessageIsHarmless) {
  Scenario scenario;
  scenario.Add("server", [](Party* party) {
    TestService service("echo");
    service.on_message = [](le_msg_MessageRef_t message) {
      le_msg_SetFd(message, open("/dev/null", O_RDONLY | O_CLOEXEC));
      le_msg_Respond(message);
    };
    service.Advertise();
    party->RunLoopUntil("done");
  });
  scenario.Add("client", [](Party* party) {
    TestClient client("echo");
    client.Open();
    const le_msg_MessageRef_t with_descriptor =
        NewText(client.ref(), "no request");
    le_msg_SetFd(with_descriptor, open("/dev/null", O_RDONLY | O_CLOEXEC));
    le_msg_Send(with_descriptor);
    le_msg_Send(NewText(client.ref(), "none either"));
    EXPECT_EQ(Ask(client.ref(), "a request"), "a request");
    le_msg_Respond(NewText(client.ref(), "of my own"));
    EXPECT_EQ(Ask(client.ref(), "another"), "another");
    party->Signal("done");
  });
  RunScenario(scenario, GetParam());
}

}  // namespace
}  // namespace testing
}  // namespace messaging
}  // namespace le
