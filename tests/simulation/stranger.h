// Copyright 2026 The le_messaging Authors
// SPDX-License-Identifier: Apache-2.0
//
// A program that does not use the library: it speaks to the directory, and to the
// servers and clients that it is introduced to, by plain system calls. It begins
// what the protocols allow and stops anywhere, or breaks them.

#ifndef LE_MESSAGING_TESTS_SIMULATION_STRANGER_H_
#define LE_MESSAGING_TESTS_SIMULATION_STRANGER_H_

#include <cstddef>
#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "tests/simulation/world.h"

namespace le {
namespace simulation {

class Stranger {
 public:
  // What it offers, and what it says where only a directory speaks.
  static constexpr char kService[] = "s";
  static constexpr char kLie[] = "a lie";

  // `directory`: the path of its socket.
  Stranger(World* world, std::string directory);
  // Acts as often as a client does, then holds its connections for ever.
  void Run();
  // Offers kService, and deceives its clients until it is over.
  void Serve(const std::function<bool()>& is_over);

 private:
  // -1: there is no directory, or no descriptor.
  int Connect();
  void Act(int fd);
  // The connection of the next client; -1: none has come. Closes the offer and
  // makes it -1 if the directory has gone.
  int TakeClient(int* offer);
  void Deceive(int client);
  std::string Lie(uint16_t flags);
  void SendOpen(int fd);
  void SendAdvertise(int fd, const std::string& service,
                     const std::string& protocol);
  // A frame whose header says `length`, with `bytes` of it.
  void SendFrame(int fd, uint8_t type, uint16_t flags, size_t length,
                 const std::string& bytes);
  void SendBytes(int fd, const std::string& bytes);
  std::string AnyBytes(size_t limit);
  void Pause();

  World* const world_;
  const std::string directory_;
  std::vector<int> sockets_;
};

}  // namespace simulation
}  // namespace le

#endif  // LE_MESSAGING_TESTS_SIMULATION_STRANGER_H_
