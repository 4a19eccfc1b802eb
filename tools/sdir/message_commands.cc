// Copyright 2026 The le_messaging Authors
// SPDX-License-Identifier: Apache-2.0
//
// The commands that show, record and replay messages.

#include <sys/types.h>
#include <unistd.h>

#include <cstdint>
#include <cstdio>
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
#include "tools/sdir/trace.h"
#include "tools/sdir/typed_service.h"

namespace le {
namespace sdir {

using directory::kFailed;
using directory::proto::Described;
using recording::RecordedFrame;
using recording::Recording;

namespace {

// Decodes the messages of a service, if the service is typed. The constructor
// opens and closes a session. Create the decoder before the tap, so that this
// session does not appear in the tap.
class Decoder {
 public:
  Decoder(const Command& command, const Described& service) {
    const auto caller = OpenSession(command, service, kAnswerTimeout);
    if (!caller.ok()) return;
    auto read = (*caller)->Introspect(kAnswerTimeout);
    if (read.ok()) typed_ = *std::move(read);
  }

  // Empty: the message cannot be decoded.
  std::string operator()(const RecordedFrame& frame) const {
    return typed_ == nullptr ? ""
                             : DescribeMessage(typed_.get(), frame.payload);
  }

 private:
  std::unique_ptr<TypedService> typed_;
};

// After --timeout, the records that are already in the ring are read for at
// most this time.
constexpr absl::Duration kDrain = absl::Seconds(1);

std::unique_ptr<Tap> BeginTap(const Command& command,
                              const std::string& service) {
  directory::OsUsers users;
  directory::UserContext context;
  context.users = &users;
  const auto key = directory::ParseService(service, context);
  if (!key.ok()) Misused(std::string(key.status().message()));
  pid_t client = 0;
  const absl::optional<std::string> pid = command.Value("--client");
  if (pid.has_value() && (!absl::SimpleAtoi(*pid, &client) || client <= 0)) {
    Misused(absl::StrCat("'", *pid, "' is not a process ID"));
  }
  auto tap = std::make_unique<Tap>(command.socket_dir(), *key, client);
  std::fprintf(stderr, "sdir: messages of %s from now on. Ctrl-C ends.\n",
               EscapedLine(service).c_str());
  return tap;
}

// Calls `on_record` for each record, until --timeout or the end of the tap. The
// records have times since 1970. Writes all output whenever nothing is left to
// read.
template <typename OnRecord>
void ForEachRecord(const Command& command, Tap* tap, OnRecord on_record) {
  event::Process* const process = event::Process::Current();
  const event::Instant end =
      process->Now() + command.Timeout().value_or(absl::InfiniteDuration());
  const int64_t since_1970 =
      absl::ToUnixNanos(absl::Now()) - absl::ToUnixNanos(process->Now());
  RecordedFrame frame;
  for (;;) {
    const Tap::Result result = tap->Next(&frame.record, &frame.payload);
    if (result == Tap::Result::kEnd) {
      std::fprintf(stderr, "sdir: the server has ended the tap\n");
      break;
    }
    const event::Instant now = process->Now();
    const bool is_of_time = result == Tap::Result::kRecord &&
                            now < end + kDrain &&
                            absl::FromUnixNanos(frame.record.at_ns) <= end;
    if (now >= end && !is_of_time) break;
    if (result == Tap::Result::kRecord) {
      frame.record.at_ns += since_1970;
      on_record(frame);
    } else {
      FlushOutput();
    }
  }
  if (tap->lost_since_last_record() > 0) {
    std::fprintf(stderr, "sdir: %u messages were lost at the end\n",
                 tap->lost_since_last_record());
  }
}

}  // namespace

int RunTap(Command* command) {
  const std::string service = command->NextName("SERVICE");
  command->End();
  const bool json = command->WantsJson();
  const Decoder decode(*command, AskForDescription(*command, service));
  directory::OsUsers users;
  Names names(&users);
  Latencies latencies;
  const std::unique_ptr<Tap> tap = BeginTap(*command, service);
  ForEachRecord(*command, tap.get(), [&](const RecordedFrame& frame) {
    const auto format = json ? TapJson : TapText;
    std::fputs(format(frame.record, frame.payload, decode(frame),
                      latencies.Take(frame.record),
                      absl::FromUnixNanos(frame.record.at_ns), &names)
                   .c_str(),
               stdout);
  });
  return directory::kDone;
}

int RunTrace(Command* command) {
  const std::string service = command->NextName("SERVICE");
  command->End();
  const Described described = AskForDescription(*command, service);
  const Decoder decode(*command, described);
  // The file is emptied only if there is a tap.
  const std::unique_ptr<Tap> tap = BeginTap(*command, service);
  Output output(*command);
  directory::OsUsers users;
  Names names(&users);
  Trace trace(names.Named(described.service()), static_cast<uint32_t>(getpid()),
              &names);
  ForEachRecord(*command, tap.get(), [&](const RecordedFrame& frame) {
    trace.Add(frame.record, decode(frame));
    output.Write(trace.TakeBytes());
  });
  output.Write(trace.TakeBytes());
  output.Flush();
  return directory::kDone;
}

int RunRecord(Command* command) {
  const std::string service = command->NextName("SERVICE");
  command->End();
  const Described described = AskForDescription(*command, service);
  Recording recording;
  recording.service = described.service();
  recording.protocol_id = described.protocol_id();
  recording.max_message_size = described.max_message_size();
  // The file is emptied only if there is a tap.
  const std::unique_ptr<Tap> tap = BeginTap(*command, service);
  Output output(*command);
  output.Write(recording::PcapngHeader(recording));
  ForEachRecord(*command, tap.get(), [&](const RecordedFrame& frame) {
    output.Write(recording::PcapngBlock(frame));
  });
  output.Flush();
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
    Misused(absl::StrCat("'", *speed,
                         "' is not a speed: expected a number from 0"));
  }
  options.timeout = command->Timeout().value_or(options.timeout);
  const absl::StatusOr<Recording> recording =
      recording::ParsePcapng(ReadAll(file));
  if (!recording.ok()) FailWith(recording.status());
  const Described described = AskForDescription(*command, service);
  if (described.protocol_id() != recording->protocol_id ||
      described.max_message_size() != recording->max_message_size) {
    Fail(kFailed, absl::StrCat("cannot replay: the messages are of protocol '",
                               EscapedLine(recording->protocol_id), "' (",
                               recording->max_message_size,
                               " bytes), and the service has protocol '",
                               EscapedLine(described.protocol_id()), "' (",
                               described.max_message_size(), " bytes)"));
  }
  InstallIntroducer(*command, described.service());
  recording::ReplayCounts counts;
  const absl::Status status = recording::Replay(
      *recording, options,
      [](const std::string& difference) {
        std::printf("%s\n", EscapedLine(difference).c_str());
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
