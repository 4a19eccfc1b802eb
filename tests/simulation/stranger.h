// Copyright 2026 The le_messaging Authors
// SPDX-License-Identifier: Apache-2.0
//
// A program that does not use the library. It sends to the directory, to
// servers and to clients by plain system calls. It begins valid exchanges and
// stops at any point, or breaks the protocols.

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
  // The name of the stranger's service.
  static constexpr char kService[] = "s";
  // The name of the stranger's service that receives no clients.
  static constexpr char kFull[] = "full";
  // The text in forged frames of the directory.
  static constexpr char kLie[] = "a lie";

  // `directory`: the path of the directory's socket.
  Stranger(World* world, std::string directory);
  // Acts as often as a client does, then keeps its connections open for ever.
  void Run();
  // Offers kService, and deceives its clients until `is_over` is true.
  void Serve(const std::function<bool()>& is_over);
  // Offers kFull, receives nothing there, and opens it again and again.
  void Flood();
  // Checks that the directory has closed the connections that it must close.
  void CheckClosed();

 private:
  // Returns -1 if there is no directory, or no free file descriptor.
  int Connect();
  void Act(int fd);
  // Sends an open request that waits for ever, because its name has no binding.
  // Then sends a part of a frame.
  void SendPartWhileWaiting(int fd);
  // Returns the connection of the next client; -1: there is none. If the
  // directory has closed the connection `*offer`, closes it too and sets it to
  // -1.
  int TakeClient(int* offer);
  void Deceive(int client);
  std::string Lie(uint16_t flags);
  bool SendOpen(int fd, const std::string& interface_name);
  void SendAdvertise(int fd, const std::string& service,
                     const std::string& protocol);
  // Sends a frame whose header has `length`, but with `bytes` as its payload.
  // False: the kernel has refused it.
  bool SendFrame(int fd, uint8_t type, uint16_t flags, size_t length,
                 const std::string& bytes);
  bool SendBytes(int fd, const std::string& bytes);
  // Sends a file descriptor whose close takes long.
  void SendDescriptor(int fd);
  bool SendPart(int fd);
  std::string AnyInterface();
  std::string AnyBytes(size_t limit);
  void Pause();

  World* const world_;
  const std::string directory_;
  std::vector<int> sockets_;
  std::vector<int> out_of_turn_;  // the directory must close these
};

}  // namespace simulation
}  // namespace le

#endif  // LE_MESSAGING_TESTS_SIMULATION_STRANGER_H_
