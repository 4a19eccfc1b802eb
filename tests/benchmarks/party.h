// Copyright 2026 The le_messaging Authors
// SPDX-License-Identifier: Apache-2.0

// The children's side: talks to the parent, measures times, and counts
// allocations. A program that links this library gets a malloc() that counts,
// except in a sanitizer's build.

#ifndef LE_MESSAGING_TESTS_BENCHMARKS_PARTY_H_
#define LE_MESSAGING_TESTS_BENCHMARKS_PARTY_H_

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

namespace le {
namespace benchmarks {

// The file descriptors with which a child is started.
constexpr int kParent = 3;    // one word in a packet, in both directions
constexpr int kCounters = 4;  // a page of Counters
constexpr int kLink = 5;      // to another child, if the role needs one

// The environment variable with the child's user ID. If it is unset, the child
// keeps its parent's user.
constexpr char kUser[] = "LE_PARTY_USER";

// The parent can read these at any time, even while the child is blocked.
struct Counters {
  std::atomic<uint64_t> allocations;
  std::atomic<uint64_t> counted;  // 0: not counted in this build
};

// Must be called first in main(). Shares the counters, raises the limit of file
// descriptors, and becomes the user of kUser.
void BeParty();

// For children that allocate large messages. Makes free() keep the top of the
// heap. Otherwise free() may return this memory to the system, and malloc()
// asks for it again. Then the measured costs vary by chance.
void KeepFreedMemory();

void Say(const std::string& word);

// A command of the parent: "KIND SIZE OPERATIONS".
struct Command {
  char kind[32] = "";
  size_t size = 0;
  int64_t operations = 0;

  bool Is(const char* other) const;
  // The number of operations that come first and are not timed.
  int64_t warm_up() const { return operations / 8 + 1; }
};
// Waits for the next command. Ends the program when the parent has ended.
Command NextCommand();
// Reads a command from a word that has been received.
Command ParseCommand(const char* word);

int64_t Nanoseconds();

// Measures the time of one command's operations. Only its constructor and
// Report() allocate.
class Stopwatch {
 public:
  // A lap is `lap` operations. Report() gives the median of all laps, as a time
  // per operation. Other work on the machine disturbs a median less than a
  // mean. If `lap` is 0, Report() gives the mean of all operations.
  Stopwatch(const Command& command, int64_t lap);
  void Start();
  void Lap();
  void Stop();
  // Reports to the parent: nanoseconds per operation, allocations of this
  // process, the number of operations including the warm-up, and the longest
  // lap in nanoseconds.
  std::string Report();

 private:
  int64_t operations_;
  int64_t all_operations_;
  int64_t operations_per_lap_;
  std::vector<uint32_t> laps_;
  size_t lap_ = 0;
  int64_t start_ = 0, last_ = 0, total_ = 0;
  uint64_t allocations_ = 0;
};

// Repeats an operation and times it. The operation returns whether it
// succeeded.
template <typename Operation>
std::string TimeEach(const Command& command, Operation operation) {
  Stopwatch watch(command, 1);
  for (int64_t i = command.warm_up(); i > 0; --i) {
    if (!operation()) return "failed";
  }
  watch.Start();
  for (int64_t i = command.operations; i > 0; --i) {
    if (!operation()) return "failed";
    watch.Lap();
  }
  watch.Stop();
  return watch.Report();
}

// The number of pipelined requests in flight.
constexpr int64_t kOutstanding = 64;
// The most one-way messages that a child sends before it returns to its loop.
constexpr int64_t kBurst = 256;

// The first byte of a message says whether its sender wants a response. Some of
// the compared libraries have no other way to express this.
constexpr char kEcho = 'e';
constexpr char kOneWay = 'o';

// One end of a connection. Sends and receives messages one by one.
class Pipe {
 public:
  virtual ~Pipe() = default;
  // Sends a message of `size` bytes that are all `type`.
  virtual bool Send(char type, size_t size) = 0;
  // Receives a message of `size` bytes.
  virtual bool Receive(size_t size) = 0;
};

// Reports that this child is ready, then executes commands until the parent
// ends: sync, pipelined, one_way.
[[noreturn]] void ObeyCommands(Pipe* pipe);

}  // namespace benchmarks
}  // namespace le

#endif  // LE_MESSAGING_TESTS_BENCHMARKS_PARTY_H_
