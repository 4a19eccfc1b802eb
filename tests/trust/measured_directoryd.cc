// Copyright 2026 The le_messaging Authors
// SPDX-License-Identifier: Apache-2.0
//
// This directoryd also measures the turns of its thread. Between two waits its
// loop runs one turn, or a few short ones. So the processor time of the thread
// between two waits is an upper bound of a turn. Processor time does not grow
// while the thread waits, or while other processes run.
//
// The file that LE_TURNS names receives three numbers of 8 bytes: the
// nanoseconds of the longest turn, the count of turns, and the count of turns
// in which the thread has blocked.

#include <fcntl.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <time.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <cstdint>
#include <cstdlib>
#include <cstring>

#include "directory/directoryd.h"
#include "directory/users.h"
#include "event/base/sys.h"

namespace {

struct Turns {
  std::atomic<uint64_t> longest;  // nanoseconds
  std::atomic<uint64_t> count;
  std::atomic<uint64_t> blocked;
};

class Meter final : public le::event::sys::Interceptor {
 public:
  explicit Meter(Turns* turns) : turns_(turns) {}
  int FailCall(const le::event::sys::Call& call) override {
    const bool waits =
        std::strcmp(call.name, "EpollWait") == 0 ||
        std::strcmp(call.name, "EpollPWait2") == 0 ||
        (std::strcmp(call.name, "Poll") == 0 && call.fd_count > 1);
    if (waits) Note();
    return 0;
  }

 private:
  void Note() {
    struct timespec now;
    // The clock function of event/base/sys.h would call this object.
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
    const uint64_t at = static_cast<uint64_t>(now.tv_sec) * 1000000000 +
                        static_cast<uint64_t>(now.tv_nsec);
    struct rusage usage;
    getrusage(RUSAGE_THREAD, &usage);
    const int64_t waits = usage.ru_nvcsw;
    // Before the first wait there is no turn, only the start of the program.
    if (last_ != 0) {
      // One of these voluntary context switches is the loop's own wait.
      if (waits > waits_ + 1) ++turns_->blocked;
      turns_->longest = std::max(turns_->longest.load(), at - last_);
      ++turns_->count;
    }
    last_ = at;
    waits_ = waits;
  }

  Turns* const turns_;
  uint64_t last_ = 0;
  int64_t waits_ = 0;
};

}  // namespace

int main(int argc, char** argv) {
  const char* const name = std::getenv("LE_TURNS");
  const int fd = name == nullptr ? -1 : open(name, O_RDWR | O_CLOEXEC);
  void* const shared = fd < 0 ? MAP_FAILED
                              : mmap(nullptr, sizeof(Turns),
                                     PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
  if (shared == MAP_FAILED) return EXIT_FAILURE;
  close(fd);
  signal(SIGPIPE, SIG_IGN);
  Meter meter(static_cast<Turns*>(shared));
  le::event::sys::SetInterceptor(&meter);
  le::directory::OsUsers users;
  const int status = le::directory::RunDirectoryd(&users, argc, argv);
  le::event::sys::SetInterceptor(nullptr);
  return status;
}
