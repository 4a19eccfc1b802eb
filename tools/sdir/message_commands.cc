// Copyright 2026 The le_messaging Authors
// SPDX-License-Identifier: Apache-2.0
//
// The commands that look at messages, and send them again.

#include <sys/types.h>

#include <cerrno>
#include <cstdint>
#include <cstdio>
#include <cstring>
#include <memory>
#include <string>
#include <utility>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "absl/time/time.h"
#include "absl/types/optional.h"
#include "directory/bindings.h"
#include "directory/control_frame.h"
#include "directory/program.h"
#include "directory/users.h"
#include "event/process.h"
#include "messaging/recording/pcapng.h"
#include "messaging/recording/replayer.h"
#include "tools/sdir/caller.h"
#include "tools/sdir/command.h"
#include "tools/sdir/commands.h"
#include "tools/sdir/described_service.h"
#include "tools/sdir/directory.h"
#include "tools/sdir/file.h"
#include "tools/sdir/names.h"
#include "tools/sdir/tap.h"
#include "tools/sdir/tap_format.h"
#include "tools/sdir/text.h"
#include "tools/sdir/typed_service.h"

namespace le {
namespace sdir {

using directory::kFailed;
using directory::proto::Described;
using recording::RecordedFrame;
using recording::Recording;

namespace {

// Calls `on_record` for each record, until --timeout or the end of the tap. The
// time of a record is one of the system's clock. Writes all output whenever
// nothing is left to read.
template <typename OnRecord>
void ForEachRecord(const Command& command, const std::string& service,
                   OnRecord on_record) {
  directory::OsUsers users;
  directory::UserContext context;
  context.users = &users;
  const auto key = directory::ParseService(service, context);
  if (!key.ok()) Misused(std::string(key.status().message()));
  pid_t client = 0;
  const absl::optional<std::string> pid = command.Value("--client");
  if (pid.has_value() && (!absl::SimpleAtoi(*pid, &client) || client <= 0)) {
    Misused(absl::StrCat("'", *pid, "' is not the number of a process"));
  }
  event::Process* const process = event::Process::Current();
  const event::Instant end =
      process->Now() + command.Timeout().value_or(absl::InfiniteDuration());
  Tap tap(command.socket_dir(), *key, client);
  const int64_t since_1970 =
      absl::ToUnixNanos(absl::Now()) - absl::ToUnixNanos(process->Now());
  RecordedFrame frame;
  auto result = Tap::Result::kNothingYet;
  while (process->Now() < end && result != Tap::Result::kEnd) {
    result = tap.Next(&frame.record, &frame.payload);
    if (result == Tap::Result::kRecord) {
      frame.record.at_ns += since_1970;
      on_record(frame);
    } else if (std::fflush(nullptr) != 0) {
      return;  // the output has no reader
    }
  }
  if (tap.lost_at_end() > 0) {
    std::fprintf(stderr, "sdir: %u messages were lost at the end\n",
                 tap.lost_at_end());
  }
  if (result == Tap::Result::kEnd) {
    std::fprintf(stderr, "sdir: the server has ended the tap\n");
  }
}

}  // namespace

int RunTap(Command* command) {
  const std::string service = command->NextName("SERVICE");
  command->End();
  const bool json = command->WantsJson();
  // Before the tap, in which this session would appear.
  std::unique_ptr<TypedService> typed;
  {
    const auto caller = OpenSession(
        *command, AskForDescription(*command, service), kAnswerTimeout);
    if (caller.ok()) {
      auto read = (*caller)->Introspect(kAnswerTimeout);
      if (read.ok()) typed = *std::move(read);
    }
  }
  directory::OsUsers users;
  Names names(&users);
  Latencies latencies;
  ForEachRecord(*command, service, [&](const RecordedFrame& frame) {
    const std::string decoded =
        typed == nullptr ? "" : DescribeMessage(typed.get(), frame.payload);
    const auto format = json ? TapJson : TapText;
    std::fputs(format(frame.record, frame.payload, decoded,
                      latencies.Take(frame.record),
                      absl::FromUnixNanos(frame.record.at_ns), &names)
                   .c_str(),
               stdout);
  });
  return directory::kDone;
}

int RunRecord(Command* command) {
  const std::string service = command->NextName("SERVICE");
  const std::string file = command->Next("FILE");
  command->End();
  const Described described = AskForDescription(*command, service);
  Recording recording;
  recording.service = described.service();
  recording.protocol_id = described.protocol_id();
  recording.max_message_size = described.max_message_size();
  std::FILE* const output =
      file == "-" ? stdout : std::fopen(file.c_str(), "wbe");
  const auto check = [&](bool written) {
    if (written) return;
    Fail(kFailed,
         absl::StrCat("cannot write ", file, ": ", std::strerror(errno)));
  };
  const auto write = [&](const std::string& bytes) {
    check(output != nullptr &&
          std::fwrite(bytes.data(), 1, bytes.size(), output) == bytes.size());
  };
  write(recording::PcapngHeader(recording));
  ForEachRecord(*command, service, [&](const RecordedFrame& frame) {
    write(recording::PcapngBlock(frame));
  });
  check(std::fflush(output) == 0);
  return directory::kDone;
}

int RunReplay(Command* command) {
  const std::string file = command->Next("FILE");
  const std::string service = command->NextName("SERVICE");
  command->End();
  recording::ReplayOptions options;
  options.interface = "sdir";
  const absl::optional<std::string> speed = command->Value("--speed");
  if (speed.has_value() &&
      (!absl::SimpleAtod(*speed, &options.speed) || !(options.speed >= 0))) {
    Misused(absl::StrCat("'", *speed, "' is not a speed"));
  }
  options.timeout = command->Timeout().value_or(options.timeout);
  const absl::StatusOr<Recording> recording =
      recording::ParsePcapng(ReadAll(file));
  if (!recording.ok()) FailWith(recording.status());
  const Described described = AskForDescription(*command, service);
  if (described.protocol_id() != recording->protocol_id ||
      described.max_message_size() != recording->max_message_size) {
    Fail(kFailed, absl::StrCat("the messages are of protocol '",
                               EscapedText(recording->protocol_id), "' (",
                               recording->max_message_size,
                               " bytes), and the service has protocol '",
                               EscapedText(described.protocol_id()), "' (",
                               described.max_message_size(), " bytes)"));
  }
  InstallIntroducer(*command, described.service());
  recording::ReplayCounts counts;
  const absl::Status status = recording::Replay(
      *recording, options,
      [](const std::string& difference) {
        std::printf("%s\n", EscapedText(difference).c_str());
      },
      &counts);
  if (!status.ok()) FailWith(status);
  std::printf(
      "%llu messages sent, %llu skipped; %llu responses are the same, "
      "%llu differ, %llu were not recorded\n",
      static_cast<unsigned long long>(counts.sent),
      static_cast<unsigned long long>(counts.skipped),
      static_cast<unsigned long long>(counts.same),
      static_cast<unsigned long long>(counts.different),
      static_cast<unsigned long long>(counts.unknown));
  return counts.different > 0 ? directory::kNo : directory::kDone;
}

}  // namespace sdir
}  // namespace le
