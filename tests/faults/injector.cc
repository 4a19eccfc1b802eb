// Copyright 2026 The le_messaging Authors
// SPDX-License-Identifier: Apache-2.0

#include "tests/faults/injector.h"

#include <poll.h>
#include <stdio.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"

// The address is null if the program is linked without UBSan's runtime.
extern "C" void __ubsan_handle_dynamic_type_cache_miss() __attribute__((weak));

namespace le {
namespace faults {
namespace {

using event::sys::Call;

// A run makes some hundreds of calls. If it makes more than this number, it is
// in an endless loop.
constexpr size_t kMaxCalls = 100000;

// The limit has room for standard input, output and error only.
constexpr rlim_t kNoDescriptorLeft = 3;

struct rlimit g_files;
std::string* Label() {
  static auto* const label = new std::string;
  return label;
}

}  // namespace

void SetLabel(const std::string& label) { *Label() = label; }

void GiveUp(const std::string& why) {
  fprintf(stderr, "%s: %s\n", Label()->c_str(), why.c_str());
  fflush(nullptr);
  _exit(1);
}

std::string ToString(const std::vector<Failure>& failures) {
  std::string text;
  for (const Failure& failure : failures) {
    absl::StrAppend(&text, text.empty() ? "" : "; ");
    if (failure.kind == nullptr) {
      absl::StrAppend(&text, "no descriptor left from call ",
                      failure.first + 1);
    } else {
      absl::StrAppend(&text, failure.kind->label, " number ", failure.first + 1,
                      " fails with ", ErrnoName(failure.error));
    }
    if (failure.times == kForATime) {
      absl::StrAppend(&text, ", for a time");
    } else if (failure.times > 1) {
      absl::StrAppend(&text, ", for ", failure.times, " calls");
    }
  }
  return text.empty() ? "nothing fails" : text;
}

Calm::Calm(Injector* injector)
    : injector_(injector), running_before_(injector->running_) {
  injector_->running_ = false;
  injector_->SetExhausted(false);
}

Calm::~Calm() { injector_->running_ = running_before_; }

Injector::Injector() : now_(absl::UnixEpoch() + absl::Seconds(1000)) {
  getrlimit(RLIMIT_NOFILE, &g_files);
  event::sys::SetInterceptor(this);
}

Injector::~Injector() {
  Stop();
  event::sys::SetInterceptor(nullptr);
}

void Injector::Start(const std::vector<Failure>& failures) {
  armed_.clear();
  for (const Failure& failure : failures) {
    armed_.push_back({failure, absl::InfiniteFuture()});
  }
  calls_.clear();
  // The size is always the same, so only the first Start() allocates. If a
  // later Start() allocated, the check for leaks could count that memory.
  count_.assign(Kinds().size(), 0);
  random_.seed();
  injected_ = also_times_ = 0;
  running_ = true;
}

void Injector::Stop() {
  running_ = false;
  SetExhausted(false);
}

void Injector::AlsoFail(const char* call, int error, int times) {
  also_call_ = call;
  also_error_ = error;
  also_times_ = times;
}

void Injector::SetExhausted(bool exhausted) {
  if (exhausted == exhausted_) return;
  exhausted_ = exhausted;
  struct rlimit files = g_files;
  if (exhausted) files.rlim_cur = kNoDescriptorLeft;
  setrlimit(RLIMIT_NOFILE, &files);
}

bool Injector::Applies(Armed* armed, int number) {
  const Failure& failure = armed->failure;
  if (number < failure.first) return false;
  if (failure.times != kForATime) return number - failure.first < failure.times;
  if (armed->end == absl::InfiniteFuture()) armed->end = now_ + kLasts;
  return now_ < armed->end;
}

int Injector::Injected(const Call& call) {
  const Kind* const kind = KindOf(call);
  if (kind == nullptr) {
    unknown_ = absl::StrCat(call.name, " ", call.detail);
    return 0;
  }
  if (calls_.size() > kMaxCalls) GiveUp("the run does not end");
  const int number = static_cast<int>(calls_.size());
  calls_.push_back(kind);
  const int of_kind = count_[static_cast<size_t>(kind - Kinds().data())]++;
  bool exhausted = false;
  int error = 0;
  for (Armed& armed : armed_) {
    if (armed.failure.kind == nullptr) {
      exhausted = Applies(&armed, number) || exhausted;
    } else if (armed.failure.kind == kind && Applies(&armed, of_kind)) {
      error = armed.failure.error;
    }
  }
  if ((exhausted && !exhausted_) || error != 0) ++injected_;
  SetExhausted(exhausted);
  if (error != 0) return error;
  if (also_times_ > 0 && also_call_ == call.name) {
    --also_times_;
    return also_error_;
  }
  return 0;
}

int Injector::FailCall(const Call& call) {
  if (!IsOnInjectorsThread()) return 0;
  if (running_) {
    const int error = Injected(call);
    if (error != 0) return error;
  }
  if (waiter_ != nullptr && MayWait(call)) return waiter_->BeforeWait(call);
  return 0;
}

bool Injector::Clock(struct timespec* now) {
  if (!IsOnInjectorsThread()) return false;
  *now = absl::ToTimespec(now_);
  return true;
}

bool Injector::Random(void* buffer, size_t size) {
  if (!IsOnInjectorsThread()) return false;
  for (size_t i = 0; i < size; ++i) {
    static_cast<uint8_t*>(buffer)[i] = static_cast<uint8_t>(random_());
  }
  return true;
}

bool Injector::CanExhaust() {
  return &__ubsan_handle_dynamic_type_cache_miss == nullptr;
}

bool Injector::MayWait(const Call& call) {
  const absl::string_view name = call.name;
  if (name == "EpollWait") return call.detail != 0;
  if (name == "Poll") return call.detail != 0;
  if (name == "RecvMsg" || name == "Recv") {
    return (call.detail & MSG_DONTWAIT) == 0;
  }
  return name == "EpollPWait2" || name == "FutexWait";
}

bool Injector::IsReady(const Call& call) {
  if (call.fd_count > 0) {
    std::vector<struct pollfd> polled(call.fds, call.fds + call.fd_count);
    return ::poll(polled.data(), polled.size(), 0) > 0;
  }
  if (call.fd < 0) return false;
  struct pollfd poll = {call.fd, POLLIN, 0};
  return ::poll(&poll, 1, 0) > 0;
}

}  // namespace faults
}  // namespace le
