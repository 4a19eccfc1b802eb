// Copyright 2026 The le_messaging Authors
// SPDX-License-Identifier: Apache-2.0
//
// Fuzzes a directory with control messages of clients, servers and
// administrators. The messages arrive in any order. Some have a changed byte,
// and some are random bytes.

#include <memory>
#include <vector>

#include "directory/testing/small_world.h"
#include "event/base/log.h"
#include "tests/fuzz/input.h"

namespace le {
namespace {

using directory::Speaker;
using fuzz::Input;
using fuzz::Require;

directory::proto::ToDirectory Message(Input* input) {
  static const char* const kNames[] = {"a", "b", "<*>.*", "<1>.a", "", "*"};
  auto name = [input] { return kNames[input->Byte() % 6]; };
  const uint8_t kind = input->Byte();
  switch (kind % 8) {
    case 0: {
      directory::proto::ToDirectory open = directory::OpenMessage(
          directory::Interface(name()), input->Byte() % 2 == 0);
      if (kind / 8 % 4 == 1) open.mutable_open()->set_service(name());
      return open;
    }
    case 1:
      return directory::AdvertiseMessage(
          directory::Interface(name(), input->Byte() % 4 == 0 ? "q" : "p"));
    case 2:
      return directory::BindMessage(name(), name());
    case 3:
      return directory::UnbindMessage(name());
    case 4:
      return kind / 8 % 4 == 1 ? directory::DescribeMessage(name(), name())
                               : directory::WaitMessage(name());
    case 5:
      return directory::LoadMessage(input->Bytes(input->Byte()),
                                    input->Byte() % 2 == 0);
    case 6:
      return directory::ListMessage();
    default:
      return directory::MonitorMessage();
  }
}

void Fuzz(Input input) {
  directory::SmallWorld world;
  world.Run([&] {
    world.Start();
    std::vector<std::unique_ptr<Speaker>> speakers(4);
    while (!input.empty()) {
      const uint8_t what = input.Byte();
      std::unique_ptr<Speaker>& speaker = speakers[what % speakers.size()];
      if (speaker == nullptr || what / 4 % 8 == 0) {
        speaker = std::make_unique<Speaker>(
            &world, what / 32 % 2 == 0 ? directory::SmallWorld::kSelf : 7u);
        continue;
      }
      if (what / 4 % 8 == 1) {
        const uint8_t type = input.Byte();
        speaker->SayBytes(input.Bytes(input.Byte()), type);
      } else if (what / 4 % 8 == 2) {
        // A message with one changed byte.
        std::string bytes = Message(&input).SerializeAsString();
        if (!bytes.empty()) bytes[input.Byte() % bytes.size()] ^= input.Byte();
        speaker->SayBytes(bytes);
      } else {
        speaker->Say(Message(&input));
      }
      if (what % 2 == 0) speaker->Hear();
    }
    speakers.clear();
    world.Settle();
    // The directory still serves new peers.
    Speaker honest(&world, directory::SmallWorld::kSelf);
    Require(honest.Ask(directory::ListMessage()) == "list",
            "the directory answers a new peer");
    Require(honest.heard().list().waiting_size() == 0 &&
                honest.heard().list().services_size() == 0,
            "a peer that has disconnected is forgotten");
  });
}

}  // namespace
}  // namespace le

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  le::event::SetLogSink([](le::event::LogLevel, absl::string_view) {});
  le::Fuzz(le::fuzz::Input(data, size));
  return 0;
}
