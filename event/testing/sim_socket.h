// Copyright 2026 The le_messaging Authors
// SPDX-License-Identifier: Apache-2.0
//
// The simulated kernel's sockets: AF_UNIX, SOCK_SEQPACKET.
//
// A SimSocketFile is an open file that refers to a SimSock. Peers and packets
// also refer to a SimSock. A SimSock that is not accepted yet, or is closed,
// has no SimSocketFile.
//
// CanConnect(), CanAccept(), CanSend() and CanReceive() return true if a
// blocking call would not have to wait.

#ifndef LE_MESSAGING_EVENT_TESTING_SIM_SOCKET_H_
#define LE_MESSAGING_EVENT_TESTING_SIM_SOCKET_H_

#include <sys/socket.h>
#include <sys/types.h>

#include <cstddef>
#include <cstdint>
#include <deque>
#include <map>
#include <string>
#include <vector>

#include "event/base/ref.h"
#include "event/process.h"
#include "event/testing/sim_file.h"

namespace le {
namespace event {

class SimSock;
class SimSocketFile;
struct SimInode;

// The state that all sockets of a kernel share.
struct SimSockets {
  int default_send_buffer = 212992;
  int max_send_buffer = 212992;
  std::map<uid_t, size_t> in_flight;
  uint32_t next_abstract_name = 0;
  SimFiles* files = nullptr;
};

// A packet that was sent and not received.
struct SimPacket {
  std::vector<uint8_t> bytes;
  int charge = 0;              // bytes of the sender's send buffer
  event::Ref<SimSock> sender;  // the socket that was charged
  bool has_credentials = false;
  Credentials credentials;
  std::vector<SimFileRef> files;
  uid_t files_user = 0;  // the user that was charged
};

class SimSock final {
 public:
  enum class State { kUnconnected, kListening, kConnected };

  SimSock(SimSockets* sockets, const Credentials& owner);
  void Ref() { ++references_; }
  void Unref() {
    if (--references_ == 0) delete this;
  }

  static void Pair(SimSock* a, SimSock* b);
  void Bind(std::string name, const event::Ref<SimInode>& inode);
  int Listen(const Credentials& listener, int backlog);
  // Call it before the address is resolved.
  void BeforeConnect() { AutoBindIfAsked(); }
  // Connects to `listener`, which is null if no socket listens at the address.
  // Returns -EAGAIN if the backlog is full.
  int Connect(SimSock* listener, const Credentials& caller);
  bool CanConnect() const;  // only for a listener
  // Only for a listener. Incremented whenever threads that wait for room in the
  // backlog are woken. A shutdown does not wake them.
  uint64_t backlog_wakes() const { return backlog_wakes_; }
  // Removes and returns the next connection, or returns -EAGAIN. After a
  // shutdown a blocking accept (`waits`) returns -EINVAL instead.
  int Accept(event::Ref<SimSock>* accepted, bool waits);
  bool CanAccept() const;

  // Sending has three steps, in Linux's order. BeforeSend() checks the socket's
  // state, CheckSize() checks the message's size, and Send() makes the other
  // checks and sends.
  int BeforeSend();
  int CheckSize(size_t size);
  // Moves the bytes and files out of `packet`. Refuses a packet with files if
  // the caller's user already has more than `most_in_flight` files in flight.
  // Returns -EAGAIN if the send buffer is full.
  int Send(SimPacket* packet, const Credentials& caller, size_t most_in_flight);
  bool CanSend() const;
  // Returns 0 and sets *packet to the next packet, or to null at the end of the
  // stream. The packet stays in the socket until PopPacket().
  int Receive(SimPacket** packet);
  void PopPacket();
  bool CanReceive() const;

  int Shutdown(int how);
  uint32_t Poll() const;
  void SetSendBuffer(int bytes);
  int send_buffer() const { return send_buffer_; }
  void SetPassCredentials(bool on) { pass_credentials_ = on; }
  bool pass_credentials() const { return pass_credentials_; }
  void SetPassRights(bool on) { pass_rights_ = on; }
  bool pass_rights() const { return pass_rights_; }
  // The value of SO_RCVTIMEO.
  void SetReceiveTimeout(absl::Duration timeout) { receive_timeout_ = timeout; }
  absl::Duration receive_timeout() const { return receive_timeout_; }
  int TakeError();
  int unsent() const { return charged_; }
  // The result of FIONREAD.
  int unread_bytes() const {
    size_t bytes = 0;
    for (const SimPacket& packet : packets_) bytes += packet.bytes.size();
    return static_cast<int>(bytes);
  }
  State state() const { return state_; }
  // The credentials of the peer, or null if they are unknown. A listener
  // returns its own credentials.
  const Credentials* peer() const { return has_peer_ ? &peer_who_ : nullptr; }
  const std::string& name() const { return name_; }
  void SetFile(SimSocketFile* file) { file_ = file; }
  SimSocketFile* file() const { return file_; }
  void AddKept(std::vector<SimFile*>* kept) const;
  void DropPackets();
  // Called when the socket's file is closed. With `never_accepted`, called when
  // the listener is closed before it accepts the socket, which then has no
  // file.
  void Close(bool never_accepted);

 private:
  ~SimSock();
  void Wake(uint32_t events);
  void AutoBindIfAsked();
  void OnPacketGone(int charge);
  void Drop(SimPacket* packet);
  bool writable(int further = 0) const {
    // Linux's count of charged bytes begins at 1, so add 1.
    return state_ != State::kListening &&
           (charged_ + 1 + further) * 4 <= send_buffer_;
  }

  SimSockets* const sockets_;
  int references_ = 1;
  State state_ = State::kUnconnected;
  const Credentials owner_;
  Credentials peer_who_;
  bool has_peer_ = false;
  event::Ref<SimSock> peer_;
  SimSocketFile* file_ = nullptr;
  std::string name_;
  event::Ref<SimInode> inode_;  // the inode that it is bound to
  std::deque<SimPacket> packets_;
  std::deque<event::Ref<SimSock>> connections_;  // a listener's backlog
  size_t backlog_ = 0;
  uint64_t backlog_wakes_ = 0;
  int shutdown_ = 0;  // 1 (reading) + 2 (writing)
  int error_ = 0;
  int charged_ = 0;
  int send_buffer_;
  bool pass_credentials_ = false;
  bool pass_rights_ = true;
  absl::Duration receive_timeout_ = absl::InfiniteDuration();
  bool closed_ = false;
};

class SimSocketFile final : public SimFile {
 public:
  SimSocketFile(SimFiles* all, event::Ref<SimSock> sock);
  const char* kind() const override { return "socket"; }
  uint32_t Poll() override { return sock_->Poll(); }
  mode_t mode() const override { return 0140777; }
  void AddKept(std::vector<SimFile*>* kept) const override {
    sock_->AddKept(kept);
  }
  void DropKept() override { sock_->DropPackets(); }
  SimSock* sock() const { return sock_.get(); }

 protected:
  ~SimSocketFile() override;

 private:
  friend class SimSock;
  const event::Ref<SimSock> sock_;
};

}  // namespace event
}  // namespace le

#endif  // LE_MESSAGING_EVENT_TESTING_SIM_SOCKET_H_
