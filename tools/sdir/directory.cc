// Copyright 2026 The le_messaging Authors
// SPDX-License-Identifier: Apache-2.0

#include "tools/sdir/directory.h"

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/types/optional.h"
#include "directory/client.h"
#include "directory/place.h"
#include "directory/program.h"
#include "event/peer_log.h"
#include "tools/sdir/text.h"

namespace le {
namespace sdir {

using directory::kFailed;
using directory::kNoDirectory;
using directory::kOutOfTime;
using directory::proto::FromDirectory;
using directory::proto::ListPart;
using directory::proto::ToDirectory;
using transports::IoResult;

void Fail(int status, const std::string& error) {
  std::fflush(stdout);
  std::fprintf(stderr, "sdir: %s\n", error.c_str());
  std::exit(status);
}

std::shared_ptr<directory::Introducer> NewIntroducer(const std::string& flag,
                                                     std::string service) {
  struct Parts {
    Parts(event::Process* process, absl::optional<std::string> address,
          std::string service)
        : transport(process),
          client(process, &transport, std::move(address), std::move(service)) {}
    transports::UnixTransport transport;
    directory::DirectoryClient client;
  };
  event::Process* const process = event::Process::Current();
  absl::optional<std::string> address;
  if (!flag.empty()) {
    const absl::StatusOr<directory::Place> place =
        directory::FindPlace(process, flag);
    if (!place.ok()) Fail(kFailed, std::string(place.status().message()));
    address = place->address();
  }
  const auto parts =
      std::make_shared<Parts>(process, std::move(address), std::move(service));
  return std::shared_ptr<directory::Introducer>(parts, &parts->client);
}

Directory::Directory(const std::string& flag) : flag_(flag) {
  const absl::Status connected = Connect(absl::InfiniteFuture());
  if (connected.ok()) return;
  Fail(absl::IsUnavailable(connected) ? kNoDirectory : kFailed,
       std::string(connected.message()));
}

Directory::Directory(const std::string& flag, ToDirectory request,
                     event::Instant deadline)
    : flag_(flag) {
  FromDirectory answer;
  directory::BackOff back_off;
  const std::unique_ptr<event::Parker> parker = process_->CreateParker();
  bool said_why = false;
  for (;;) {
    const absl::Status connected = Connect(deadline);
    if (connected.ok() && TrySay(request) && TryHear(&answer, deadline)) return;
    if (!connected.ok() && !std::exchange(said_why, true)) {
      std::fprintf(stderr, "sdir: waiting: %s\n",
                   std::string(connected.message()).c_str());
    }
    const event::Instant now = process_->Now();
    if (now >= deadline) {
      Fail(kOutOfTime,
           absl::StrCat("timeout: ",
                        connected.ok() ? HasClosed() : connected.message()));
    }
    parker->Park(std::min(deadline, now + back_off.Next(process_->Random())));
  }
}

void Directory::Say(ToDirectory message) {
  if (TrySay(std::move(message))) return;
  // The directory may have sent a reason before it closed.
  FromDirectory answer;
  Receive(&answer, absl::InfinitePast());
  Fail(kFailed, HasClosed());
}

void Directory::Inspect(const directory::ServiceKey& service, pid_t pid) {
  ToDirectory request;
  directory::proto::Inspect* const inspect = request.mutable_inspect();
  inspect->set_service_uid(service.uid);
  inspect->set_interface_name(service.name);
  inspect->set_pid(pid);
  directory::ToProto(transports::Dialect(), inspect->mutable_dialect());
  Say(std::move(request));
  connection_->SetTrust(transports::Connection::Trust::kNoDescriptors,
                        event::kUnknownPeer, {});
}

FromDirectory Directory::Hear() {
  return Hear(process_->Now() + kAnswerTimeout);
}

FromDirectory Directory::HearEvent() { return Hear(absl::InfiniteFuture()); }

void Directory::HearDone() {
  const FromDirectory message = Hear();
  if (!message.done().text().empty()) {
    std::printf("%s\n",
                EscapedText(names_.InText(message.done().text())).c_str());
  }
}

FromDirectory Directory::Hear(event::Instant deadline) {
  FromDirectory message;
  switch (Receive(&message, deadline)) {
    case IoResult::kOk:
      return message;
    case IoResult::kWouldBlock:
      Fail(kFailed, DoesNotAnswer());
    case IoResult::kNotIdle:
    case IoResult::kClosed:
      break;
  }
  Fail(kFailed, HasClosed());
}

std::string Directory::DoesNotAnswer() const {
  return absl::StrCat("the directory at '", address_,
                      "' does not answer: it is stopped, or busy");
}

std::string Directory::HasClosed() const {
  return absl::StrCat("the directory at '", address_,
                      "' has closed the connection: it has ended, or it does "
                      "not serve this request");
}

absl::Status Directory::Connect(event::Instant deadline) {
  const event::Instant end =
      std::min(deadline, process_->Now() + kAnswerTimeout);
  const std::unique_ptr<event::Parker> parker = process_->CreateParker();
  directory::BackOff back_off;
  for (;;) {
    absl::Status connected = TryConnect();
    const event::Instant now = process_->Now();
    if (!absl::IsAborted(connected) || now >= end) return connected;
    parker->Park(
        std::min(end, now + back_off.NextAfter(connected, process_->Random())));
  }
}

absl::Status Directory::TryConnect() {
  const absl::StatusOr<directory::Place> place =
      directory::FindPlace(process_, flag_);
  if (!place.ok()) return place.status();
  address_ = place->address();
  absl::StatusOr<std::unique_ptr<transports::Connection>> connection =
      transport_.Connect(address_);
  if (absl::IsAborted(connection.status())) {
    return absl::AbortedError(DoesNotAnswer());
  }
  if (!connection.ok()) {
    return absl::UnavailableError(absl::StrCat(
        "there is no directory: ", connection.status().message(), " (",
        directory::IsItRunning(process_, connection.status()), ")"));
  }
  connection_ = *std::move(connection);
  const absl::StatusOr<event::Credentials> who = connection_->peer();
  if (!who.ok()) return who.status();
  owner_ = *who;
  absl::Status trusted = directory::CheckTrust(process_, *place, *who);
  if (trusted.ok()) return trusted;
  return absl::Status(trusted.code(),
                      absl::StrCat(trusted.message(), " (user ", who->uid,
                                   " is ", names_.User(who->uid), ")"));
}

bool Directory::TrySay(ToDirectory message) {
  // If the socket has no room, the frames are sent during the wait for the
  // answer. The queue may be long, since this process trusts the directory.
  transports::SendLimits limits;
  limits.bytes = size_t{64} << 20;
  connection_->SetSendLimits(limits);
  return directory::SendControl(connection_.get(), std::move(message)) ==
         IoResult::kOk;
}

bool Directory::TryHear(FromDirectory* message, event::Instant deadline) {
  const IoResult received = Receive(message, deadline);
  if (received == IoResult::kWouldBlock) {
    Fail(kOutOfTime, absl::StrCat("timeout: the service is not offered, or the "
                                  "directory at '",
                                  address_, "' does not answer"));
  }
  return received == IoResult::kOk;
}

IoResult Directory::Receive(FromDirectory* message, event::Instant deadline) {
  transports::IncomingFrame frame;
  const IoResult received = connection_->Receive(&frame, pool_.get(), deadline);
  if (received != IoResult::kOk) return received;
  if (!directory::ParseControl(frame, message)) {
    Fail(kFailed, absl::StrCat("the process at '", address_,
                               "' is no directory, or of another version"));
  }
  if (message->has_refusal()) {
    Fail(kFailed, EscapedText(names_.InText(message->refusal().text())));
  }
  return received;
}

ListPart Directory::AskForList() {
  ToDirectory request;
  request.mutable_list();
  Say(std::move(request));
  ListPart whole;
  bool last = false;
  while (!last) {
    const FromDirectory part = Hear();
    whole.MergeFrom(part.list());
    last = part.list().last();
  }
  return whole;
}

std::string Directory::WhereAndWhose() {
  return absl::StrCat(address_, " of ", names_.User(owner_.uid), ", made by ",
                      names_.Process(owner_.pid));
}

ListPart AskForList(const std::string& flag) {
  return Directory(flag).AskForList();
}

}  // namespace sdir
}  // namespace le
