// Copyright 2026 The le_messaging Authors
// SPDX-License-Identifier: Apache-2.0

#include "messaging/testing/replay.h"

#include <unistd.h>

#include <cstdint>
#include <fstream>
#include <string>
#include <utility>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "gtest/gtest-spi.h"
#include "gtest/gtest.h"
#include "le/service.h"
#include "messaging/machine/wire.h"
#include "messaging/recording/pcapng.h"
#include "messaging/testing/scenario.h"

namespace le {
namespace messaging {
namespace testing {
namespace {

constexpr size_t kMaxBytes = 64;

class File {
 public:
  // A recording in which a service has answered each request with the text of
  // the request and `suffix`.
  explicit File(const std::string& suffix) {
    std::string bytes = Header();
    for (uint64_t id = 1; id <= 6; ++id) {
      const uint32_t session = id % 2 == 0 ? 7 : 3;
      const std::string text = absl::StrCat("request ", id);
      bytes += Block(session, id, kRequestFrame, 0, text);
      bytes += Block(session, id, kResponseFrame,
                     inspection::TapRecord::kToClient, text + suffix);
    }
    std::ofstream(path_, std::ios::binary) << bytes;
  }
  // A recording of `messages` messages of a client. The first is a request, and
  // has a response.
  explicit File(int messages) {
    std::string bytes = Header();
    bytes += Block(/*session=*/3, /*id=*/1, kRequestFrame, 0, "");
    bytes += Block(/*session=*/3, /*id=*/1, kResponseFrame,
                   inspection::TapRecord::kToClient, "");
    for (int i = 1; i < messages; ++i) {
      bytes += Block(/*session=*/3, /*id=*/0, kMessageFrame, 0,
                     std::string(kMaxBytes, 'x'));
    }
    std::ofstream(path_, std::ios::binary) << bytes;
  }
  ~File() { unlink(path_.c_str()); }
  const std::string& path() const { return path_; }

 private:
  static std::string Header() {
    recording::Recording recording;
    recording.service = "<root>.echo";
    recording.protocol_id = "echo/1";
    recording.max_message_size = kMaxBytes;
    return recording::PcapngHeader(recording);
  }
  static std::string Block(uint32_t session, uint64_t id, uint8_t type,
                           uint8_t flags, const std::string& text) {
    recording::RecordedFrame frame;
    frame.record.at_ns = static_cast<int64_t>(id) * 1000000000;
    frame.record.id = id;
    frame.record.session = session;
    frame.record.payload_bytes = static_cast<uint32_t>(text.size());
    frame.record.captured_bytes = frame.record.payload_bytes;
    frame.record.type = type | kLengthWasSet;
    frame.record.flags = flags;
    frame.payload = text;
    return recording::PcapngBlock(frame);
  }

  const std::string path_ =
      absl::StrCat(::testing::TempDir(), "/replay_test.", getpid(), ".pcapng");
};

// Answers each request with the text of the request and "!".
void Serve(Party* party) {
  absl::StatusOr<Service> service =
      Service::Create("echo", {"echo/1", kMaxBytes});
  ASSERT_TRUE(service.ok()) << service.status();
  const absl::Status set = service->OnMessage([](Message request) {
    const std::string text(request.text());
    ASSERT_TRUE(request.Assign(text + "!").ok());
    ASSERT_TRUE(std::move(request).Respond().ok());
  });
  ASSERT_TRUE(set.ok()) << set;
  ASSERT_TRUE(service->Advertise().ok());
  party->RunLoopUntil("done");
}

class ReplayTest : public ::testing::TestWithParam<Setting> {};
INSTANTIATE_TEST_SUITE_P(Everywhere, ReplayTest, AllSettings(), SettingName);

TEST_P(ReplayTest, TheSameResponsesPass) {
  Scenario scenario;
  scenario.Add("server", Serve);
  scenario.Add("client", [](Party* party) {
    const File file("!");
    ReplayFile(file.path());
    party->Signal("done");
  });
  RunScenario(scenario, GetParam());
}

TEST_P(ReplayTest, EachDifferentResponseFails) {
  Scenario scenario;
  scenario.Add("server", Serve);
  scenario.Add("client", [](Party* party) {
    ::testing::TestPartResultArray failures;
    {
      ::testing::ScopedFakeTestPartResultReporter reporter(&failures);
      const File file("?");
      ReplayFile(file.path());
    }
    EXPECT_EQ(failures.size(), 6);
    party->Signal("done");
  });
  RunScenario(scenario, GetParam());
}

// The recording ends with more messages than a queue holds.
TEST_P(ReplayTest, NoMessageIsLostAtTheEnd) {
  static constexpr int kCount = 15000;
  Scenario scenario;
  scenario.Add("server", [](Party* party) {
    absl::StatusOr<Service> service =
        Service::Create("echo", {"echo/1", kMaxBytes});
    ASSERT_TRUE(service.ok()) << service.status();
    int received = 0;
    bool closed = false;
    const absl::Status set = service->OnMessage([&](Message message) {
      ++received;
      if (message.needs_response()) {
        EXPECT_TRUE(std::move(message).Respond().ok());
      }
    });
    ASSERT_TRUE(set.ok()) << set;
    ASSERT_TRUE(service->OnSessionClosed([&](Session) { closed = true; }).ok());
    ASSERT_TRUE(service->Advertise().ok());
    party->RunLoopUntil([&] { return closed; });
    EXPECT_EQ(received, kCount);
  });
  scenario.Add("client", [](Party*) {
    const File file(kCount);
    ReplayFile(file.path());
  });
  RunScenario(scenario, GetParam(), /*seeds=*/1);
}

TEST(ReplayFileTest, AMissingFileFails) {
  EXPECT_FATAL_FAILURE(ReplayFile("/nowhere/file.pcapng"), "cannot read");
}

}  // namespace
}  // namespace testing
}  // namespace messaging
}  // namespace le
