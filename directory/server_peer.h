// Copyright 2026 The le_messaging Authors
// SPDX-License-Identifier: Apache-2.0

#ifndef LE_MESSAGING_DIRECTORY_SERVER_PEER_H_
#define LE_MESSAGING_DIRECTORY_SERVER_PEER_H_

#include <deque>
#include <memory>
#include <new>
#include <string>
#include <utility>

#include "absl/strings/str_cat.h"
#include "directory/control_frame.h"
#include "directory/server.h"
#include "event/peer_log.h"

namespace le {
namespace directory {

inline proto::OfferState ToProto(ServerState state) {
  switch (state) {
    case ServerState::kOffering:
      return proto::OFFERED;
    case ServerState::kStandingBy:
      return proto::STANDING_BY;
    case ServerState::kOtherProtocol:
      return proto::OFFERED_WITH_OTHER_PROTOCOL;
  }
  return proto::OFFERED;
}

// One connection to the directory. DirectoryServer::Remove() destroys the peer.
// If the peer lingers, OnExpiry() destroys it.
class DirectoryServer::Peer final : private transports::Connection::Observer,
                                    private event::Timer {
 public:
  enum class Role { kNone, kClient, kServer, kAdmin };

  // The charges of the peer. The connection itself holds the charge for the
  // connection.
  struct Charges {
    Quota::Charge silent;   // until the peer's first message
    bool reserved = false;  // from the reserve: the peer may only administer
  };

  Peer(DirectoryServer* directory, PeerId id, PeerIdentity identity,
       std::unique_ptr<transports::Connection> connection, Charges charges);
  ~Peer() override;

  PeerId id() const { return id_; }
  const PeerIdentity& identity() const { return identity_; }
  proto::Party party() const {
    proto::Party party;
    party.set_uid(identity_.uid);
    party.set_pid(identity_.pid);
    party.set_interface_name(interface_name);
    return party;
  }
  std::unique_ptr<transports::Connection>* connection_slot() {
    return &connection_;
  }

  Role role = Role::kNone;
  bool lost = false;            // its connection is or must be closed
  bool waits = false;           // a client whose Open has `wait` set
  bool inspects = false;        // an administrator that inspects a server
  std::string loaded;           // an administrator: the parts of a text so far
  uint64_t missed = 0;          // a monitor: events since the last one sent
  std::string told;             // a client: the cause that was sent last
  transports::Dialect dialect;  // of a client's or a server's library
  std::string interface_name;   // of a client or a server
  std::unique_ptr<List> list;

  // Reads the messages that have arrived (mostly one). The loop watches the
  // connection only after that.
  void Begin() { Read(); }

  // Watches the connection. False: the connection cannot be watched. If the
  // connection was passed to a server, does nothing and returns true.
  bool Watch() {
    if (connection_ == nullptr || watched_) return true;
    const absl::Status attached = connection_->Attach(directory_->loop_, this);
    watched_ = attached.ok();
    return attached.ok();
  }
  void Unwatch() {
    if (watched_) connection_->Detach();
    watched_ = false;
  }

  template <typename Fill>
  void Say(Fill fill) {
    if (connection_ == nullptr) return;
    proto::FromDirectory message;
    fill(&message);
    if (SendControl(connection_.get(), std::move(message)) !=
        transports::IoResult::kOk) {
      // The peer does not read, or has closed its connection. It must not miss
      // a message, so the caller removes a peer that is `lost`.
      lost = true;
    }
  }
  // A refused inspection is not noted: only the administrator that inspects has
  // caused the refusal.
  void Refuse(proto::RefusalCode code, const std::string& text) {
    Say([&](proto::FromDirectory* message) {
      message->mutable_refusal()->set_code(code);
      message->mutable_refusal()->set_text(text);
    });
    lost = true;
    if (!inspects) directory_->NoteRefusal(party(), code, text);
  }

  // A removed server that is kept for its unreceived introductions only.
  bool lingers() const { return !leftovers_.empty(); }

  // An upper bound of the introductions that this server has not received.
  size_t Unreceived() const {
    return connection_ == nullptr ? 0 : connection_->unreceived_descriptors();
  }
  void NotifyWhenReceived() { connection_->NotifyWhenReceived(); }

  // For a server that is removed. Keeps the connection, because the number of
  // introductions in the kernel can be read only from an open socket. False:
  // the kernel holds none.
  bool Linger(std::deque<Registry::Client> on_their_way) {
    leftovers_ = std::move(on_their_way);
    return LookAtLeftovers();
  }

  // Refuses a peer that has sent more than its role allows.
  void RefuseOutOfTurn() {
    Refuse(proto::INVALID, "the peer has sent more than its role allows");
  }

  // Called when the peer has sent its first message, and when it is removed.
  void EndHalfOpen() {
    if (!half_open_) return;
    half_open_ = false;
    if (running()) directory_->loop_->StopTimer(this);
    charges_.silent.Release();
  }

 private:
  void OnReadable() override { Read(); }
  void OnReceived() override { directory_->LookAtServer(id_); }
  void OnDrained() override;
  void OnExpiry() override;

  // Drops the introductions that the server has received. False: none is left.
  bool LookAtLeftovers();
  // Receives the messages that have arrived. May destroy this peer.
  void Read();
  // Everything that has arrived was read. May destroy this peer.
  void OnAllRead();
  // Destroys this peer.
  void OnClosed();
  transports::IoResult Receive(proto::ToDirectory* message, bool* is_control);
  // Handles a message. May destroy this peer.
  void Handle(const proto::ToDirectory& message);

  DirectoryServer* const directory_;
  const PeerId id_;
  const PeerIdentity identity_;
  std::unique_ptr<transports::Connection> connection_;
  bool watched_ = false;
  Charges charges_;
  bool half_open_ = true;  // the peer has sent nothing yet
  std::deque<Registry::Client> leftovers_;
};

}  // namespace directory
}  // namespace le

#endif  // LE_MESSAGING_DIRECTORY_SERVER_PEER_H_
