// Copyright 2026 The le_messaging Authors
// SPDX-License-Identifier: Apache-2.0
//
// The messages between client and server of a simulation. They have enough
// fields to show that nothing was lost, doubled, mixed up or reordered.

#ifndef LE_MESSAGING_TESTS_SIMULATION_PAYLOAD_H_
#define LE_MESSAGING_TESTS_SIMULATION_PAYLOAD_H_

#include <algorithm>
#include <cstdint>
#include <cstring>

#include "le_messaging.h"
#include "tests/simulation/world.h"

namespace le {
namespace simulation {

// The commands to the server.
enum class Command : uint32_t {
  kAnswer,
  kHold,  // answer later
  kPush,  // send some messages first
  // For a server that misbehaves:
  kDrop,   // release unanswered
  kClose,  // close the session
  kKill,   // LE_KILL_CLIENT
  kDeleteService,
  // Answer when a message of another thread of this session has come.
  kAwait,
};
constexpr uint64_t kCommands = 7;  // that a client draws
constexpr uint64_t kGoodCommands = 3;

struct Payload {
  static constexpr uint32_t kMagic = 0x51e57a9e;

  uint32_t magic;
  Command command;
  // From the client:
  int32_t client;
  int32_t session;
  uint64_t incarnation;  // of that session: how often it has been opened
  uint32_t thread;       // 0: the main one
  uint32_t has_descriptor;
  uint64_t is_second;  // 1: the message has been sent before
  uint64_t sequence;   // of that incarnation and thread, from 1
  uint64_t request;    // 0: none
  uint32_t pushes;     // wanted
  // From the server:
  uid_t server_uid;
  uint64_t push;      // of that session, from 1; 0: a response
  uint64_t received;  // messages of that incarnation and thread
  char service[8];
  // The sequence number, in a message that is sent a second time; else 0. So
  // the second sending has bytes that the first one had not.
  uint64_t tail;
  uint32_t awaited;  // the thread, with kAwait
  // How many bytes behind this have the value that FillOf() says.
  uint32_t filled;
};

// With its header more than what a socket takes at once.
constexpr uint32_t kFilledBytes = 256 * 1024;

inline int FillOf(const Payload& payload) {
  return static_cast<int>((payload.sequence * 31 + payload.thread) & 0x7f) | 1;
}

// Makes it a large message.
inline void Fill(Payload* payload) {
  payload->filled = kFilledBytes;
  std::memset(payload + 1, FillOf(*payload), payload->filled);
}

// Whether its bytes are those of Fill(), if it is one.
inline bool IsFilled(const Payload& payload) {
  const auto* const filled = reinterpret_cast<const uint8_t*>(&payload + 1);
  const int value = FillOf(payload);
  return std::all_of(filled, filled + payload.filled,
                     [value](uint8_t byte) { return byte == value; });
}

inline size_t MaxMessageSize(const Plan& plan) {
  return sizeof(Payload) + (plan.sends_large() ? kFilledBytes : 16);
}

inline le_msg_ProtocolRef_t SimProtocol(const Plan& plan) {
  return le_msg_GetProtocolRef("simulated", MaxMessageSize(plan));
}

inline Payload* PayloadOf(le_msg_MessageRef_t message) {
  return static_cast<Payload*>(le_msg_GetPayloadPtr(message));
}

}  // namespace simulation
}  // namespace le

#endif  // LE_MESSAGING_TESTS_SIMULATION_PAYLOAD_H_
