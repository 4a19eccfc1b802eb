// Copyright 2026 The le_messaging Authors
// SPDX-License-Identifier: Apache-2.0
//
// A hostile peer on plain sockets. On each connection it mostly begins with a
// legal part of the protocol, as a client, a server or an administrator. Then
// it sends anything. A seed decides its actions.

#ifndef LE_MESSAGING_TESTS_TRUST_PROTOCOL_ATTACKER_H_
#define LE_MESSAGING_TESTS_TRUST_PROTOCOL_ATTACKER_H_

#include <array>
#include <cstdint>
#include <random>
#include <string>
#include <vector>

#include "directory/control_frame.h"
#include "transports/framing/framing.h"

namespace le {
namespace trust {

// The number of names that the attackers offer: "s0", "s1", ...
constexpr uint32_t kOfferedNames = 3;

class ProtocolAttacker {
 public:
  ProtocolAttacker(std::string address, uint64_t seed)
      : address_(std::move(address)), random_(seed) {}
  ~ProtocolAttacker();
  ProtocolAttacker(const ProtocolAttacker&) = delete;
  ProtocolAttacker& operator=(const ProtocolAttacker&) = delete;

  // Makes the next move on one of its connections. Never blocks.
  void Act();

 private:
  static constexpr size_t kConnections = 12;

  uint32_t Below(uint32_t bound) {
    return static_cast<uint32_t>(random_() % bound);
  }
  bool OneIn(uint32_t n) { return Below(n) == 0; }
  std::string Bytes(size_t size);
  std::string Text();

  // ---- Legal prefixes ----
  void Connect(int* fd);
  void BeClient(int* fd);
  void BeServer(int* fd);
  void BeAdministrator(int fd);
  void TakeIntroduction(int fd);
  void SayHello(int fd);
  void SpeakInASession(int fd);

  // ---- Anything ----
  void LieAsADirectory(int fd);
  void SendAnyFrame(int fd);
  void SendParts(int fd);
  void SetSomeOption(int fd);

  void Describe(directory::proto::Description* description, std::string name,
                directory::proto::Dialect* dialect);
  void Say(int fd, directory::proto::ToDirectory message);
  std::string Frame(uint8_t type, const std::string& payload,
                    uint16_t flags = 0);
  // If the frame announces a file descriptor, mostly attaches file descriptors.
  // Otherwise sometimes attaches some, if `may_attach` is true. Attaches
  // credentials sometimes if `may_attach` is true, and always if it is false.
  void Send(int fd, const std::string& packet, bool may_attach = true);
  int NewDescriptor();
  int AnyConnection() { return connections_[Below(kConnections)]; }
  void Adopt(int* to, int fd);

  const std::string address_;
  std::mt19937_64 random_;
  std::array<int, kConnections> connections_ = NoConnections();

  static std::array<int, kConnections> NoConnections() {
    std::array<int, kConnections> none;
    none.fill(-1);
    return none;
  }
};

}  // namespace trust
}  // namespace le

#endif  // LE_MESSAGING_TESTS_TRUST_PROTOCOL_ATTACKER_H_
