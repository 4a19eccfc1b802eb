// Copyright 2026 The le_messaging Authors
// SPDX-License-Identifier: Apache-2.0

#include "tests/kernel/generator.h"

#include <fcntl.h>
#include <linux/sockios.h>
#include <poll.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/timerfd.h>

#include <algorithm>

#include "tests/kernel/real_machine.h"

namespace le {
namespace kernel_test {
namespace {

int BaseWeight(Op op) {
  switch (op) {
    case Op::kSend:
    case Op::kSendMsg:
    case Op::kRecv:
    case Op::kRecvMsg:
      return 14;
    case Op::kSocketPair:
    case Op::kConnect:
    case Op::kAccept:
    case Op::kPoll:
    case Op::kClose:
      return 6;
    case Op::kEpollCtl:
    case Op::kEpollWait:
      return 10;
    case Op::kKill:
    case Op::kUnlink:
    case Op::kChmod:
      return 1;
    case Op::kRead:
    case Op::kWrite:
      return 8;
    default:
      return 3;
  }
}

bool HasPassRights() {
  static const bool has = HasSocketOption(kPassRights);
  return has;
}

bool HasPeerPidFd() {
  static const bool has = HasSocketOption(kPeerPidFd);
  return has;
}

}  // namespace

Generator::Generator(uint64_t seed)
    : state_(seed * 0x9e3779b97f4a7c15u + 0x632be59bd9b4e019u) {
  left_ = 10 + Below(60);
  blocking_ = Below(10);
  for (int i = 0; i < kOpCount; ++i) {
    weights_[i] =
        BaseWeight(static_cast<Op>(i)) * OneOf({0, 1, 1, 2, 2, 4, 10});
    total_ += weights_[i];
  }
  weights_[0] += 1;
  total_ += 1;
}

uint64_t Generator::Random() {
  uint64_t z = (state_ += 0x9e3779b97f4a7c15u);
  z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
  z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
  return z ^ (z >> 31);
}

int Generator::Below(int bound) {
  return static_cast<int>(Random() % static_cast<uint64_t>(bound));
}

std::vector<int> Generator::Uids() {
  process_count_ = 1 + Below(3) + (OneIn(3) ? 1 : 0);
  std::vector<int> uids;
  for (int i = 0; i < process_count_; ++i) {
    uids.push_back(OneIn(2) ? 1 : OneOf({0, 2}));
  }
  return uids;
}

bool Generator::Next(const World& world, Step* step) {
  // Leave out steps that RunProgram() would skip.
  for (int tries = 0; tries < 30; ++tries) {
    if (!Propose(world, step)) return false;
    const ProcessView& process = world.process(step->process);
    if (!process.dead && (!process.blocked || step->op == Op::kKill) &&
        world.IsCertain(*step)) {
      return true;
    }
  }
  if (ending_) return Next(world, step);
  left_ = 0;
  return Next(world, step);
}

bool Generator::Propose(const World& world, Step* step) {
  if (planned_.empty()) {
    if (ending_) return false;
    if (left_ <= 0) {
      ending_ = true;
      PlanEnd(world);
    } else {
      std::vector<int> idle;
      for (int i = 0; i < world.process_count(); ++i) {
        if (!world.process(i).dead && !world.process(i).blocked) {
          idle.push_back(i);
        }
      }
      if (idle.empty()) {
        left_ = 0;
        return Propose(world, step);
      }
      Plan(world, idle[Below(static_cast<int>(idle.size()))]);
    }
  }
  --left_;
  *step = planned_.front();
  planned_.pop_front();
  return true;
}

// At the end, each process reads the state of its files. Then one process after
// another is killed.
void Generator::PlanEnd(const World& world) {
  int count = 4;
  for (int i = 0; i < world.process_count(); ++i) {
    if (!world.process(i).files.empty()) {
      count = std::max(count, world.process(i).files.rbegin()->first + 1);
    }
  }
  count = std::min(count, 60);
  const auto look = [this, &world, count] {
    for (int i = 0; i < world.process_count(); ++i) {
      planned_.push_back(Make(i, Op::kPollAll, -1, {count}));
    }
  };
  look();
  for (int i = 0; i < world.process_count(); ++i) {
    for (int variable : Variables(world, i)) {
      if (world.file(world.TagOf(i, variable)).kind == Kind::kSocket) {
        const File& file = world.file(world.TagOf(i, variable));
        for (int times = file.may_have_empty ? 20 : 1; times > 0; --times) {
          planned_.push_back(
              Make(i, Op::kRecvMsg, variable, {1000, MSG_DONTWAIT, 200}));
        }
      } else if (world.file(world.TagOf(i, variable)).kind == Kind::kEpoll) {
        planned_.push_back(Make(i, Op::kEpollWait, variable, {16, 0}));
      }
    }
  }
  const int first = Below(world.process_count());
  for (int i = 0; i < world.process_count(); ++i) {
    planned_.push_back(Make((first + i) % world.process_count(), Op::kKill));
    look();
  }
}

std::vector<int> Generator::Variables(const World& world, int process) const {
  std::vector<int> variables;
  for (int i = 0; i < world.variables(); ++i) {
    if (world.TagOf(process, i) > 0) variables.push_back(i);
  }
  return variables;
}

int Generator::PickAny(const World& world, int process) {
  const std::vector<int> variables = Variables(world, process);
  if (variables.empty() || OneIn(60)) {
    return next_variable_ > 0 ? Below(next_variable_) : 0;
  }
  return variables[Below(static_cast<int>(variables.size()))];
}

int Generator::PickStream(const World& world, int process) {
  std::vector<int> fitting;
  for (int variable : Variables(world, process)) {
    const Kind kind = world.file(world.TagOf(process, variable)).kind;
    if (kind == Kind::kEventFd || kind == Kind::kTimerFd ||
        kind == Kind::kPipe) {
      fitting.push_back(variable);
    }
  }
  if (fitting.empty() || OneIn(10)) {
    return OneIn(3) ? Pick(world, process, Kind::kSocket) : -1;
  }
  return fitting[Below(static_cast<int>(fitting.size()))];
}

int Generator::Pick(const World& world, int process, Kind kind) {
  if (OneIn(30)) return PickAny(world, process);
  // Mostly choose connected sockets.
  const bool connected = kind == Kind::kSocket && !OneIn(10);
  std::vector<int> fitting;
  for (int variable : Variables(world, process)) {
    const File& file = world.file(world.TagOf(process, variable));
    if (file.kind == kind &&
        (!connected || file.peer >= 0 || file.listener >= 0)) {
      fitting.push_back(variable);
    }
  }
  if (fitting.empty()) return OneIn(8) ? PickAny(world, process) : -1;
  return fitting[Below(static_cast<int>(fitting.size()))];
}

Step Generator::Make(int process, Op op, int fd,
                     std::initializer_list<int64_t> args) {
  Step step;
  step.process = process;
  step.op = op;
  step.fd = fd;
  std::copy(args.begin(), args.end(), step.args.begin());
  return step;
}

int64_t Generator::Size() {
  if (OneIn(12)) return 0;
  if (OneIn(3)) return 1 + Below(1 << Below(18));
  return OneOf<int64_t>({1, 7, 8, 64, 64, 64, 300, 1000, 4000, 4100, 20000,
                         60000, 150000, 212960, 212961, 240000});
}

int64_t Generator::SendFlags() {
  return (Below(10) < blocking_ ? 0 : MSG_DONTWAIT) |
         (OneIn(12) ? 0 : MSG_NOSIGNAL);
}

int64_t Generator::ReceiveFlags() {
  return (Below(10) < blocking_ ? 0 : MSG_DONTWAIT) |
         (OneIn(6) ? MSG_PEEK : 0) | (OneIn(6) ? MSG_TRUNC : 0) |
         (OneIn(10) ? MSG_CMSG_CLOEXEC : 0);
}

int64_t Generator::ControlSize() {
  return OneOf<int64_t>(
      {0, 10, 16, 20, 24, 24, 28, 32, 40, 56, 64, 200, 200, 200, 1400});
}

int64_t Generator::EpollEvents() {
  int64_t events = OneOf<int64_t>(
      {EPOLLIN, EPOLLIN | EPOLLOUT, EPOLLOUT, 0, EPOLLIN | EPOLLRDHUP});
  return events | (OneIn(2) ? int64_t{EPOLLET} : 0);
}

// A process listens, a process (sometimes the same one) connects, and the
// listening process usually accepts.
void Generator::PlanMeeting(const World& world) {
  const int server = Below(world.process_count());
  const int client = OneIn(4) ? server : Below(world.process_count());
  const int path = Below(kPathCount);
  int listener = Pick(world, server, Kind::kListener);
  int64_t at = world.PathOfFile(world.TagOf(server, listener));
  if (at < 0 || OneIn(6)) {
    at = path;
    listener = NewVariable();
    Step socket = Make(server, Op::kSocket);
    socket.out = {listener};
    planned_.push_back(socket);
    planned_.push_back(Make(server, Op::kUnlink, -1, {at}));
    planned_.push_back(Make(server, Op::kBind, listener, {at}));
    if (!OneIn(4)) planned_.push_back(Make(server, Op::kChmod, -1, {at, 0777}));
    planned_.push_back(
        Make(server, Op::kListen, listener, {OneOf<int64_t>({0, 1, 2, 5})}));
    if (OneIn(4)) {
      planned_.push_back(
          Make(server, Op::kSetSockOpt, listener, {SO_PASSCRED, 1}));
    }
  }
  const bool waits = client != server && OneIn(3);
  Step accept = Make(server, Op::kAccept, listener,
                     {OneIn(4) ? int64_t{SOCK_NONBLOCK} : 0});
  accept.out = {NewVariable()};
  if (waits) planned_.push_back(accept);
  for (int clients = 1 + Below(3); clients > 0; --clients) {
    Step socket =
        Make(client, Op::kSocket, -1, {OneIn(4) ? int64_t{SOCK_NONBLOCK} : 0});
    socket.out = {NewVariable()};
    planned_.push_back(socket);
    planned_.push_back(Make(client, Op::kConnect, socket.out[0], {at}));
    if (!waits && !OneIn(3)) {
      accept.out = {NewVariable()};
      planned_.push_back(accept);
    }
  }
}

// If a process sleeps, tries to plan a step that wakes it.
void Generator::PlanWake(const World& world) {
  std::vector<int> sleeping;
  for (int i = 0; i < world.process_count(); ++i) {
    if (world.process(i).blocked) sleeping.push_back(i);
  }
  if (sleeping.empty()) return;
  const int who = sleeping[Below(static_cast<int>(sleeping.size()))];
  const Step& step = world.process(who).step;
  int tag = world.TagOf(who, step.fd);
  if (step.op == Op::kPoll && !step.fds.empty()) {
    tag = world.TagOf(who, step.fds[Below(static_cast<int>(step.fds.size()))]);
  }
  if (step.op == Op::kEpollWait && !world.file(tag).watches.empty()) {
    const std::set<int>& watches = world.file(tag).watches;
    tag = *std::next(watches.begin(), Below(static_cast<int>(watches.size())));
  }
  if (tag <= 0) return;
  int process;
  const int same = world.VariableOf(tag, &process);
  if (same >= 0 && OneIn(4)) {
    return planned_.push_back(Make(
        process, OneOf({Op::kShutdown, Op::kWrite, Op::kRead}), same, {8, 1}));
  }
  const int peer = world.VariableOf(world.file(tag).peer, &process);
  if (peer < 0) return;
  if (world.file(tag).kind == Kind::kPipe) {
    return planned_.push_back(Make(process,
                                   OneOf({Op::kWrite, Op::kRead, Op::kClose}),
                                   peer, {Size(), 1}));
  }
  Step wake = Make(
      process,
      OneOf({Op::kSend, Op::kSendMsg, Op::kRecvMsg, Op::kRecv, Op::kSend,
             Op::kSendMsg, Op::kRecvMsg, Op::kRecv, Op::kShutdown, Op::kClose}),
      peer, {Size(), MSG_DONTWAIT | MSG_NOSIGNAL});
  if (wake.op == Op::kShutdown) wake.args = {Below(3)};
  if (wake.op == Op::kRecvMsg) wake.args[2] = 200;
  planned_.push_back(wake);
}

// One process sends one or two file descriptors to another.
void Generator::PlanPass(const World& world, int process) {
  const int from = Pick(world, process, Kind::kSocket);
  int receiver;
  const int to =
      world.VariableOf(world.file(world.TagOf(process, from)).peer, &receiver);
  if (from < 0 || to < 0) return;
  Step send =
      Make(process, Op::kSendMsg, from, {8, MSG_DONTWAIT | MSG_NOSIGNAL});
  for (int i = 1 + Below(2); i > 0; --i) {
    const int stream = OneIn(2) ? PickStream(world, process) : -1;
    send.fds.push_back(stream >= 0 ? stream : PickAny(world, process));
  }
  planned_.push_back(send);
  Step receive = Make(receiver, Op::kRecvMsg, to, {1000, MSG_DONTWAIT, 200});
  for (int i = 0; i < 3; ++i) receive.out.push_back(NewVariable());
  planned_.push_back(receive);
}

void Generator::Plan(const World& world, int process) {
  if (OneIn(2)) PlanWake(world);
  if (OneIn(10)) PlanPass(world, process);
  if (OneIn(25)) PlanFill(world, process);
  if (!planned_.empty()) return;
  if (world.HasTags() && (world.process(process).files.empty() || OneIn(40))) {
    return PlanMeeting(world);
  }
  for (int tries = 0; tries < 100; ++tries) {
    int at = Below(total_);
    int op = 0;
    while (at >= weights_[op]) at -= weights_[op++];
    const size_t before = planned_.size();
    PlanOne(world, process, static_cast<Op>(op));
    if (planned_.size() == before)
      PlanMissing(world, process, static_cast<Op>(op));
    if (!planned_.empty()) return;
  }
  planned_.push_back(Make(process, Op::kPollAll, -1, {30}));
}

void Generator::PlanMissing(const World& world, int process, Op op) {
  if (!world.HasTags() || OneIn(3)) return;
  switch (op) {
    case Op::kEpollCtl:
    case Op::kEpollWait: {
      PlanOne(world, process, Op::kEpollCreate);
      if (planned_.empty()) return;
      const int epoll = planned_.back().out[0];
      for (int i = 1 + Below(3); i > 0; --i) {
        Step add = Make(process, Op::kEpollCtl, epoll,
                        {EPOLL_CTL_ADD, EpollEvents(), Below(1000)});
        add.fds = {PickAny(world, process)};
        planned_.push_back(add);
      }
      return;
    }
    case Op::kTimerSet:
      return PlanOne(world, process, Op::kTimerFd);
    case Op::kRead:
    case Op::kWrite:
      return PlanOne(world, process,
                     OneOf({Op::kPipe, Op::kEventFd, Op::kTimerFd}));
    default:
      return;
  }
}

void Generator::PlanOne(const World& world, int process, Op op) {
  const auto out = [this](int count) {
    std::vector<int> variables;
    for (int i = 0; i < count; ++i) variables.push_back(NewVariable());
    return variables;
  };
  Step step = Make(process, op);
  const int64_t nonblock = Below(10) < blocking_ ? 0 : SOCK_NONBLOCK;
  switch (op) {
    case Op::kSocket:
    case Op::kSocketPair:
    case Op::kPipe:
      if (!world.HasTags()) return;
      step.args[0] = OneIn(3) ? nonblock : 0;
      step.out = out(op == Op::kSocket ? 1 : 2);
      break;
    case Op::kBind:
    case Op::kConnect:
      step.fd = Pick(world, process, Kind::kSocket);
      step.args[0] = Below(kPathCount);
      break;
    case Op::kListen:
      step.fd =
          Pick(world, process, OneIn(2) ? Kind::kSocket : Kind::kListener);
      step.args[0] = OneOf<int64_t>({0, 1, 1, 2, 5, -1});
      break;
    case Op::kAccept:
      if (!world.HasTags()) return;
      step.fd = Pick(world, process, Kind::kListener);
      if (world.file(world.TagOf(process, step.fd)).pending.empty() &&
          !OneIn(4)) {
        return;
      }
      step.args[0] = nonblock;
      step.out = out(1);
      break;
    case Op::kSend:
    case Op::kSendMsg: {
      step.fd = Pick(world, process, Kind::kSocket);
      step.args[0] = Size();
      step.args[1] = SendFlags();
      if (op == Op::kSendMsg) {
        if (OneIn(4)) step.args[2] = OneOf<int64_t>({1, 1, 1, 2, 3});
        for (int i = OneIn(3) ? 0 : 1 + Below(OneIn(4) ? 8 : 2); i > 0; --i) {
          step.fds.push_back(PickAny(world, process));
        }
        if (OneIn(20)) {
          step.args[3] = OneOf<int64_t>({10, 30, 126, 253, 254});
        }
      }
      // Sometimes repeat the send, so that the receiver may become full.
      const int times = OneIn(6) ? 1 + Below(12) : 1;
      if (step.fd < 0) return;
      for (int i = 1; i < times; ++i) planned_.push_back(step);
      left_ += times - 1;
      break;
    }
    case Op::kRecv:
      step.fd = Pick(world, process, Kind::kSocket);
      step.args[0] = OneOf<int64_t>({0, 1, 64, 1000, 250000});
      step.args[1] = ReceiveFlags();
      break;
    case Op::kRecvMsg: {
      step.fd = Pick(world, process, Kind::kSocket);
      step.args[0] = OneOf<int64_t>({0, 1, 64, 1000, 250000});
      step.args[1] = ReceiveFlags();
      step.args[2] = ControlSize();
      step.out = out(4);
      const int times = OneIn(6) ? 1 + Below(6) : 1;
      if (step.fd < 0) return;
      for (int i = 1; i < times; ++i) {
        planned_.push_back(step);
        step.out = out(2);
      }
      left_ += times - 1;
      break;
    }
    case Op::kRead:
    case Op::kWrite:
      step.fd = PickStream(world, process);
      step.args[0] = OneIn(6) ? Size() : 8;
      if (op == Op::kWrite) {
        step.args[1] = OneOf<int64_t>({0, 1, 1, 5, -2, -1});
        // write() to a socket may raise SIGPIPE, so mostly avoid it.
        const int tag = world.TagOf(process, step.fd);
        const Kind kind = world.file(tag).kind;
        if (kind == Kind::kSocket && !OneIn(10)) return;
        // Linux before 6.9 accepts more than eight bytes.
        if (kind == Kind::kEventFd) step.args[0] = OneIn(10) ? 7 : 8;
      }
      break;
    case Op::kShutdown:
      step.fd =
          Pick(world, process, OneIn(4) ? Kind::kListener : Kind::kSocket);
      step.args[0] = Below(OneIn(20) ? 4 : 3);
      break;
    case Op::kClose:
      step.fd = PickAny(world, process);
      break;
    case Op::kDup:
      step.fd = PickAny(world, process);
      step.out = out(1);
      break;
    case Op::kFcntl:
      step.fd = PickAny(world, process);
      step.args[0] = OneOf<int64_t>({F_GETFL, F_SETFL, F_SETFL, F_GETFD});
      step.args[1] = OneOf<int64_t>({0, O_NONBLOCK});
      break;
    case Op::kIoctl: {
      step.fd =
          Pick(world, process, OneIn(10) ? Kind::kListener : Kind::kSocket);
      const Kind kind = world.file(world.TagOf(process, step.fd)).kind;
      // The project calls ioctl() only for sockets.
      if (kind != Kind::kSocket && kind != Kind::kListener) return;
      step.args[0] = OneOf<int64_t>({SIOCOUTQ, FIONREAD, TIOCGSID});
      break;
    }
    case Op::kSetSockOpt:
      step.fd =
          Pick(world, process, OneIn(4) ? Kind::kListener : Kind::kSocket);
      step.args[0] =
          OneOf<int64_t>({SO_SNDBUF, SO_SNDBUF, SO_PASSCRED, kPassRights});
      if (step.args[0] == kPassRights && !HasPassRights()) return;
      step.args[1] =
          step.args[0] == SO_SNDBUF
              ? OneOf<int64_t>({0, 1, 2304, 4000, 10000, 50000, 106496})
              : OneOf<int64_t>({0, 1, 1});
      break;
    case Op::kGetSockOpt:
      step.fd =
          Pick(world, process, OneIn(4) ? Kind::kListener : Kind::kSocket);
      step.args[0] = OneOf<int64_t>({SO_PEERCRED, SO_PEERCRED, SO_ERROR,
                                     SO_ERROR, SO_SNDBUF, SO_PASSCRED,
                                     kPassRights, kPeerPidFd, kPeerPidFd});
      if (step.args[0] == kPassRights && !HasPassRights()) return;
      if (step.args[0] == kPeerPidFd) {
        if (!HasPeerPidFd() || !world.HasTags()) return;
        step.out = out(1);
      }
      break;
    case Op::kGetSockName:
      step.fd =
          Pick(world, process, OneIn(2) ? Kind::kListener : Kind::kSocket);
      break;
    case Op::kEpollCreate:
      if (!world.HasTags()) return;
      step.out = out(1);
      break;
    case Op::kEpollCtl:
      step.fd = Pick(world, process, Kind::kEpoll);
      step.args[0] =
          OneOf<int64_t>({EPOLL_CTL_ADD, EPOLL_CTL_ADD, EPOLL_CTL_ADD,
                          EPOLL_CTL_MOD, EPOLL_CTL_DEL});
      step.fds = {PickAny(world, process)};
      step.args[1] = EpollEvents();
      step.args[2] = Below(1000);
      break;
    case Op::kEpollWait:
      step.fd = Pick(world, process, Kind::kEpoll);
      step.args[0] = OneOf<int64_t>({1, 2, 8, 16});
      step.args[1] = Below(10) < blocking_ ? -1 : 0;
      break;
    case Op::kEventFd:
      if (!world.HasTags()) return;
      step.args[0] = OneOf<int64_t>({0, 0, 3});
      step.args[1] = (nonblock != 0 ? int64_t{EFD_NONBLOCK} : 0);
      step.out = out(1);
      break;
    case Op::kTimerFd:
      if (!world.HasTags()) return;
      step.args[0] = nonblock != 0 ? int64_t{TFD_NONBLOCK} : 0;
      step.out = out(1);
      planned_.push_back(step);
      if (!OneIn(3)) {
        planned_.push_back(
            Make(process, Op::kTimerSet, step.out[0], {Below(3)}));
      }
      return;
    case Op::kTimerSet:
      step.fd = Pick(world, process, Kind::kTimerFd);
      step.args[0] = Below(3);
      break;
    case Op::kPoll:
      step.args[0] = Below(10) < blocking_ ? -1 : 0;
      for (int i = 1 + Below(4); i > 0; --i) {
        step.fds.push_back(PickAny(world, process));
        step.events.push_back(OneOf<int>(
            {POLLIN, POLLIN | POLLOUT, POLLOUT, POLLIN | POLLRDHUP, 0}));
      }
      AddPlanned(world, step);
      return;
    case Op::kPollAll:
      step.args[0] = 30;
      break;
    case Op::kSetLimit:
      step.args[0] = OneOf<int64_t>({3, 8, 12, 20, 50, 100});
      break;
    case Op::kUnlink:
      step.args[0] = Below(kPathCount);
      break;
    case Op::kChmod:
      step.args[0] = Below(kPathCount);
      step.args[1] = OneOf<int64_t>({0777, 0700, 0666, 0400});
      break;
    case Op::kKill:
      step.process = Below(world.process_count());
      break;
  }
  if (InfoOf(op).takes_fd && step.fd < 0) return;
  AddPlanned(world, step);
}

// Plans the step. If no other process could end the sleep of the step, usually
// makes the step non-blocking. A read or write stays blocking, and is sometimes
// left out.
void Generator::AddPlanned(const World& world, Step step) {
  if (MaySleep(step) && step.op != Op::kConnect && step.op != Op::kAccept &&
      !OneIn(6) && !world.CanBeWoken(step)) {
    switch (step.op) {
      case Op::kSend:
      case Op::kSendMsg:
      case Op::kRecv:
      case Op::kRecvMsg:
        step.args[1] |= MSG_DONTWAIT;
        break;
      case Op::kPoll:
        step.args[0] = 0;
        break;
      case Op::kEpollWait:
        step.args[1] = 0;
        break;
      default:
        if (OneIn(3)) return;
        break;
    }
  }
  planned_.push_back(step);
}

// A process sends several packets, so that the receiver may have no room.
void Generator::PlanFill(const World& world, int process) {
  const int fd = Pick(world, process, Kind::kSocket);
  if (fd < 0) return;
  if (OneIn(2)) {
    planned_.push_back(Make(process, Op::kSetSockOpt, fd,
                            {SO_SNDBUF, OneOf<int64_t>({0, 2304, 4000})}));
  }
  Step send = Make(process, OneOf({Op::kSend, Op::kSendMsg}), fd,
                   {OneOf<int64_t>({1, 300, 2000, 4000}), MSG_NOSIGNAL});
  if (!world.CanBeWoken(send)) send.args[1] |= MSG_DONTWAIT;
  for (int i = 5 + Below(8); i > 0; --i) planned_.push_back(send);
}

}  // namespace kernel_test
}  // namespace le
