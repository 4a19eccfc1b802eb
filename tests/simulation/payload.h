// Copyright 2026 The le_messaging Authors
// SPDX-License-Identifier: Apache-2.0
//
// The messages between client and server of a simulation. Their fields show
// whether a message was lost, duplicated, mixed up or reordered.

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
  // For any server: answer when a message of another thread of the client has
  // arrived.
  kAwait,
};
constexpr uint64_t kCommands = 7;  // clients choose among the first seven
constexpr uint64_t kGoodCommands = 3;

struct Payload {
  static constexpr uint32_t kMagic = 0x51e57a9e;

  uint32_t magic;
  Command command;
  // Set by the client:
  int32_t client;
  int32_t session;
  uint64_t incarnation;  // the number of the session's opening, from 1
  uint32_t thread;       // 0: the main thread
  uint32_t has_descriptor;
  uint64_t is_second;  // 1: the message has been sent before
  uint64_t sequence;   // in that incarnation and thread, from 1
  uint64_t request;    // the number of the request; 0: a one-way message
  uint32_t pushes;     // the number of pushes that the server must send
  // Set by the server:
  uid_t server_uid;
  // The number of the push in that incarnation, from 1; 0: a response.
  uint64_t push;
  uint64_t received;  // the number of messages from that incarnation and thread
  char service[8];
  // In a message that is sent a second time, the sequence number; otherwise 0.
  // So the two sendings differ in their last bytes too.
  uint64_t tail;
  uint32_t awaited;  // with kAwait: the thread whose message is awaited
  // The number of bytes after this structure that have the value FillOf().
  uint32_t filled;
};

// A message of this size does not fit into a socket's buffer.
constexpr uint32_t kFilledBytes = 256 * 1024;

inline int FillOf(const Payload& payload) {
  return static_cast<int>((payload.sequence * 31 + payload.thread) & 0x7f) | 1;
}

// Fills the bytes after the payload, which makes the message large.
inline void Fill(Payload* payload) {
  payload->filled = kFilledBytes;
  std::memset(payload + 1, FillOf(*payload), payload->filled);
}

// Whether the bytes after the payload are those of Fill(). True if there are
// none.
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
