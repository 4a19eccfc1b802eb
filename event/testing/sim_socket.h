// Copyright 2026 The le_messaging Authors
// SPDX-License-Identifier: Apache-2.0
//
// The simulated kernel's sockets: AF_UNIX, SOCK_SEQPACKET.
//
// A SimSocketFile is an open file. It refers to a SimSock, as do peers and
// packets. A SimSock has no open file before accept() and after the close.

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

// Shared by all sockets of a kernel.
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
  int charge = 0;              // bytes of the sender's buffer that it uses
  event::Ref<SimSock> sender;  // the socket whose buffer it uses
  bool has_credentials = false;
  Credentials credentials;
  std::vector<SimFileRef> files;
  uid_t files_user = 0;  // the user charged for them
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
  // Call this before the address is resolved.
  void BeforeConnect() { AutoBindIfAsked(); }
  // Connects to `listener`; null: no socket listens there. -EAGAIN: the backlog
  // is full.
  int Connect(SimSock* listener, const Credentials& caller);
  bool CanConnect() const;  // whether a listener's backlog has room
  // For a listener. Incremented whenever threads that wait for its backlog are
  // woken. A shutdown does not wake them.
  uint64_t backlog_wakes() const { return backlog_wakes_; }
  // Takes the next connection. -EAGAIN: there is none. After a shutdown a
  // blocking accept (`waits`) fails with another error.
  int Accept(event::Ref<SimSock>* accepted, bool waits);
  bool CanAccept() const;

  // Sending takes three steps, in the kernel's order: BeforeSend() checks the
  // socket's state, CheckSize() the message's size, and Send() the rest.
  int BeforeSend();
  int CheckSize(size_t size);
  // Moves the bytes and files out of `packet`. The caller may have at most
  // `most_in_flight` files in flight. -EAGAIN: the buffer is full.
  int Send(SimPacket* packet, const Credentials& caller, size_t most_in_flight);
  bool CanSend() const;
  // 0: *packet is the next packet, or null at the end of the stream. The packet
  // stays until PopPacket().
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
  // SO_RCVTIMEO.
  void SetReceiveTimeout(absl::Duration timeout) { receive_timeout_ = timeout; }
  absl::Duration receive_timeout() const { return receive_timeout_; }
  int TakeError();
  int unsent() const { return charged_; }
  // The number of FIONREAD.
  int unread_bytes() const {
    size_t bytes = 0;
    for (const SimPacket& packet : packets_) bytes += packet.bytes.size();
    return static_cast<int>(bytes);
  }
  State state() const { return state_; }
  // The peer's credentials. Null: unknown. For a listener: its own credentials.
  const Credentials* peer() const { return has_peer_ ? &peer_who_ : nullptr; }
  const std::string& name() const { return name_; }
  void SetFile(SimSocketFile* file) { file_ = file; }
  SimSocketFile* file() const { return file_; }
  void AddKept(std::vector<SimFile*>* kept) const;
  void DropPackets();
  // Called when its file has ended. `never_accepted`: it had no file.
  void Close(bool never_accepted);

 private:
  ~SimSock();
  void Wake(uint32_t events);
  void AutoBindIfAsked();
  void OnPacketGone(int charge);
  void Drop(SimPacket* packet);
  bool writable(int further = 0) const {
    // The kernel's count begins at one.
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
  event::Ref<SimInode> inode_;  // the path that it is bound to
  std::deque<SimPacket> packets_;
  std::deque<event::Ref<SimSock>> connections_;  // a listener's backlog
  size_t backlog_ = 0;
  uint64_t backlog_wakes_ = 0;
  int shutdown_ = 0;  // a sum of 1 (reading) and 2 (writing)
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
