// Copyright 2026 The le_messaging Authors
// SPDX-License-Identifier: Apache-2.0

#include "directory/server_peer.h"

#include <new>

#include "absl/strings/str_cat.h"
#include "directory/server_list.h"

namespace le {
namespace directory {

DirectoryServer::Peer::Peer(DirectoryServer* directory, PeerId id,
                            PeerIdentity identity,
                            std::unique_ptr<transports::Connection> connection,
                            Charges charges)
    : directory_(directory),
      id_(id),
      identity_(identity),
      connection_(std::move(connection)),
      charges_(std::move(charges)) {}

DirectoryServer::Peer::~Peer() = default;

void DirectoryServer::Peer::OnDrained() {
  if (list != nullptr) list->GoOn();
}

void DirectoryServer::Peer::OnExpiry() {
  if (!leftovers_.empty()) {
    if (!LookAtLeftovers()) directory_->peers_.erase(id_);
    return;
  }
  directory_->NoteRefusal(party(), proto::INVALID, "it has sent no request");
  directory_->Remove(id_);
}

bool DirectoryServer::Peer::LookAtLeftovers() {
  // The loop does not watch the connection any more, so nothing else sends the
  // queued bytes.
  connection_->Flush();
  const size_t left = Unreceived();
  while (leftovers_.size() > left) leftovers_.pop_front();
  if (leftovers_.empty()) return false;
  directory_->loop_->StartTimer(this,
                                directory_->loop_->Now() + kLookAtLeftovers);
  return true;
}

void DirectoryServer::Peer::Read() {
  DirectoryServer* const directory = directory_;
  const PeerId id = id_;
  // A server sends nothing after its request. So this server has closed its
  // connection or violated the protocol: remove it. Do not call Receive(),
  // because Receive() may close the directory's end. The kernel reports the
  // unreceived introductions only for an open socket.
  if (role == Role::kServer && Unreceived() > 0) {
    directory->Remove(id);
    return;
  }
  do {
    proto::ToDirectory message;
    bool is_control = false;
    transports::IoResult result = transports::IoResult::kClosed;
    // If Receive() finds no memory, only this connection is closed. After
    // Receive(), a lack of memory ends the directory, because a change of the
    // registry may be incomplete.
    try {
      result = Receive(&message, &is_control);
    } catch (const std::bad_alloc&) {
      directory->NoteRefusal(party(), proto::REFUSED,
                             "no memory for its message");
      directory->Remove(id);
      return;
    }
    switch (result) {
      case transports::IoResult::kWouldBlock:
        return OnAllRead();
      case transports::IoResult::kNotIdle:
      case transports::IoResult::kClosed:
        return OnClosed();
      case transports::IoResult::kOk:
        EndHalfOpen();
        if (is_control) {
          Handle(message);
        } else {
          lost = true;
          directory->NoteRefusal(party(), proto::INVALID,
                                 "it has sent no message for a directory");
        }
        break;
    }
    // If the peer was removed (or lingers), do not use it.
    if (directory->Find(id) != this || lingers()) return;
    if (lost) {
      directory->Remove(id);
      return;
    }
  } while (connection_ != nullptr && connection_->HasBuffered());
  if (!Watch()) directory->Remove(id);
}

void DirectoryServer::Peer::OnAllRead() {
  // Only an administrator's request may arrive in parts. If others could send
  // parts, one user could keep many connections readable all the time. New
  // connections would then be accepted slowly: the loop accepts one in each
  // pass over all readable connections.
  if (connection_->HasPartial() &&
      (role == Role::kClient || role == Role::kServer ||
       !directory_->MayAdminister(identity_.uid))) {
    RefuseOutOfTurn();
    directory_->Remove(id_);
    return;
  }
  if (half_open_ && !running()) {
    directory_->loop_->StartTimer(
        this, directory_->loop_->Now() +
                  (charges_.reserved ? kReservedHalfOpenTime
                                     : directory_->options_.half_open_time));
  }
  if (!Watch()) directory_->Remove(id_);
}

void DirectoryServer::Peer::OnClosed() {
  const absl::Status why = connection_->close_status();
  if (absl::IsUnimplemented(why)) {
    directory_->NoteRefusal(party(), proto::OTHER_VERSION, why.message());
  } else if (why.code() != absl::StatusCode::kUnavailable) {
    directory_->NoteRefusal(party(), proto::INVALID, why.message());
  }
  directory_->Remove(id_);
}

transports::IoResult DirectoryServer::Peer::Receive(proto::ToDirectory* message,
                                                    bool* is_control) {
  transports::IncomingFrame frame;
  transports::BufferPool* const pool =
      (directory_->MayAdminister(identity_.uid) ? directory_->pool_
                                                : directory_->small_pool_)
          .get();
  const transports::IoResult result =
      connection_->Receive(&frame, pool, absl::InfinitePast());
  *is_control =
      result == transports::IoResult::kOk && ParseControl(frame, message);
  return result;
}

void DirectoryServer::Peer::Handle(const proto::ToDirectory& message) {
  if (message.version() != kControlVersion) {
    const std::string text = absl::StrCat(
        "a request of version ", message.version(),
        " came to a directory that understands version ", kControlVersion,
        ": update the program that ",
        message.version() > kControlVersion ? "received" : "sent", " it");
    Refuse(proto::OTHER_VERSION, text);
    return;
  }
  if (charges_.reserved && (message.has_open() || message.has_advertise())) {
    Refuse(proto::LIMIT,
           absl::StrCat(
               "user ", identity_.uid,
               " has reached a limit: this connection may only administer"));
    return;
  }
  const bool first = role == Role::kNone;
  switch (message.what_case()) {
    case proto::ToDirectory::kOpen:
      if (!first) break;
      role = Role::kClient;
      directory_->Open(this, message.open());
      return;
    case proto::ToDirectory::kAdvertise:
      if (!first) break;
      directory_->Advertise(this, message.advertise());
      return;
    case proto::ToDirectory::kDescribe:
      if (!first) break;
      role = Role::kClient;
      directory_->TellDescription(this, message.describe());
      return;
    case proto::ToDirectory::kInspect:
      if (!first) break;
      role = Role::kClient;
      directory_->Inspect(this, message.inspect());
      return;
    case proto::ToDirectory::WHAT_NOT_SET:
      Refuse(proto::INVALID,
             "this directory does not know the request: it may be older than "
             "the program that sent the request");
      return;
    default:
      if (!first && role != Role::kAdmin) break;
      if (first) connection_->SetSendLimits(transports::SendLimits());
      role = Role::kAdmin;
      directory_->Administer(this, message);
      return;
  }
  RefuseOutOfTurn();
}

}  // namespace directory
}  // namespace le
