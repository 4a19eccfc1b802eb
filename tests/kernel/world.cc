// Copyright 2026 The le_messaging Authors
// SPDX-License-Identifier: Apache-2.0

#include "tests/kernel/world.h"

#include <errno.h>
#include <sys/epoll.h>
#include <sys/socket.h>

#include <algorithm>

namespace le {
namespace kernel_test {
namespace {

bool IsPoll(Op op) { return op == Op::kPoll || op == Op::kEpollWait; }

bool IsReceive(Op op) { return op == Op::kRecv || op == Op::kRecvMsg; }

bool IsSend(Op op) { return op == Op::kSend || op == Op::kSendMsg; }

// Whether a packet that the call sends would be empty.
bool SendsEmpty(const Step& step) {
  return (IsSend(step.op) || step.op == Op::kWrite) && step.args[0] == 0;
}

// Whether the step may end its process, by SIGKILL or SIGPIPE.
bool MayDie(const Step& step) {
  return step.op == Op::kKill || step.op == Op::kWrite ||
         (IsSend(step.op) && (step.args[1] & MSG_NOSIGNAL) == 0);
}

int FilesMadeBy(const Step& step) {
  switch (step.op) {
    case Op::kGetSockOpt:
      return step.args[0] == kPeerPidFd ? 1 : 0;
    case Op::kSocketPair:
    case Op::kPipe:
      return 2;
    case Op::kSocket:
    case Op::kAccept:
    case Op::kEpollCreate:
    case Op::kEventFd:
    case Op::kTimerFd:
      return 1;
    default:
      return 0;
  }
}

bool Intersect(const std::set<int>& a, const std::set<int>& b) {
  return std::any_of(a.begin(), a.end(),
                     [&b](int one) { return b.count(one) > 0; });
}

}  // namespace

bool MaySleep(const Step& step) {
  switch (step.op) {
    case Op::kConnect:
    case Op::kAccept:
    case Op::kRead:
    case Op::kWrite:
      return true;
    case Op::kSend:
    case Op::kSendMsg:
    case Op::kRecv:
    case Op::kRecvMsg:
      return (step.args[1] & MSG_DONTWAIT) == 0;
    case Op::kEpollWait:
      return step.args[1] != 0;
    case Op::kPoll:
      return step.args[0] != 0;
    default:
      return false;
  }
}

int PathOf(const Step& step) {
  return static_cast<int>(static_cast<uint64_t>(step.args[0]) % kPathCount);
}

World::World(const Program& program, bool own_users)
    : own_users_(own_users), processes_(program.uids.size()) {
  bound_.fill(-1);
}

int World::FdOf(int process, int variable) const {
  if (variable < 0 || variable >= variables()) return -1;
  const Variable& known = variables_[static_cast<size_t>(variable)];
  return known.process == process ? known.fd : -1;
}

int World::TagOf(int process, int variable) const {
  const auto& files = processes_[process].files;
  const auto it = files.find(FdOf(process, variable));
  return it == files.end() ? 0 : it->second;
}

const File& World::file(int tag) const {
  return files_[static_cast<size_t>(tag)];
}

bool World::CanBeWoken(const Step& step) const {
  std::set<int> tags = Watched(step.process, step);
  const int tag = TagOf(step.process, step.fd);
  if (tag > 0) tags.insert(tag);
  int other;
  return std::any_of(tags.begin(), tags.end(), [&](int one) {
    return VariableOf(one, &other, step.process) >= 0 ||
           VariableOf(file(one).peer, &other, step.process) >= 0;
  });
}

int World::VariableOf(int tag, int* process, int except) const {
  if (tag <= 0) return -1;
  for (int i = 0; i < variables(); ++i) {
    const int owner = variables_[static_cast<size_t>(i)].process;
    if (owner < 0 || owner == except || processes_[owner].dead ||
        processes_[owner].blocked || TagOf(owner, i) != tag) {
      continue;
    }
    *process = owner;
    return i;
  }
  return -1;
}

int World::PathOfFile(int tag) const {
  const auto it = std::find(bound_.begin(), bound_.end(), tag);
  return it == bound_.end() ? -1 : static_cast<int>(it - bound_.begin());
}

int World::ReceiverOf(int tag) const {
  return file(tag).peer >= 0 ? file(tag).peer : file(tag).listener;
}

bool World::Reaches(int from, int to) const {
  std::set<int> seen;
  std::vector<int> left = {from};
  while (!left.empty()) {
    const int tag = left.back();
    left.pop_back();
    if (tag == to) return true;
    if (!seen.insert(tag).second) continue;
    left.insert(left.end(), file(tag).holds.begin(), file(tag).holds.end());
  }
  return false;
}

void World::AddWatched(int tag, std::set<int>* watched) const {
  if (tag <= 0 || !watched->insert(tag).second) return;
  for (int one : file(tag).watches) AddWatched(one, watched);
}

std::set<int> World::Watched(int process, const Step& step) const {
  std::set<int> watched;
  if (step.op == Op::kEpollWait) AddWatched(TagOf(process, step.fd), &watched);
  for (int variable : step.fds) AddWatched(TagOf(process, variable), &watched);
  return watched;
}

// The files whose readiness the step may change when its call completes after a
// sleep.
std::set<int> World::Touched(int process, const Step& step) const {
  std::set<int> touched;
  const int tag = TagOf(process, step.fd);
  if (tag <= 0) return touched;
  touched.insert(tag);
  if (step.op == Op::kConnect) touched.insert(bound_[PathOf(step)]);
  if (IsSend(step.op) || step.op == Op::kWrite) touched.insert(ReceiverOf(tag));
  touched.erase(-1);
  return touched;
}

bool World::MayBothSleep(int a, const Step& of_a, int b,
                         const Step& of_b) const {
  if (IsPoll(of_a.op) && IsPoll(of_b.op)) return true;
  if (IsPoll(of_a.op)) {
    return !Intersect(Watched(a, of_a), Touched(b, of_b));
  }
  if (IsPoll(of_b.op)) return MayBothSleep(b, of_b, a, of_a);
  if (of_a.op == Op::kConnect && of_b.op == Op::kConnect) {
    return PathOf(of_a) != PathOf(of_b);
  }
  if (TagOf(a, of_a.fd) != TagOf(b, of_b.fd)) return true;
  return (IsReceive(of_a.op) && IsSend(of_b.op)) ||
         (IsSend(of_a.op) && IsReceive(of_b.op));
}

// Whether the call may close a socket with an unread empty packet, or cause
// such a close at a time that this class does not know.
bool World::MayEndWithEmpty(const Step& step) const {
  const ProcessView& process = processes_[step.process];
  const int tag = TagOf(step.process, step.fd);
  if (SendsEmpty(step)) {
    // A socket that was sent in a packet may be closed together with the
    // packet.
    const int receiver = tag > 0 ? ReceiverOf(tag) : -1;
    if (receiver <= 0 ||
        std::any_of(files_.begin(), files_.end(), [receiver](const File& file) {
          return file.holds.count(receiver) > 0;
        })) {
      return true;
    }
  }
  for (int variable : step.fds) {
    const int sent = TagOf(step.process, variable);
    if (step.op == Op::kSendMsg && sent > 0 && file(sent).may_have_empty) {
      return true;
    }
  }
  // Without a free file descriptor an accept may close the new socket.
  if (step.op == Op::kClose || (step.op == Op::kAccept && process.limited)) {
    return tag > 0 && file(tag).may_have_empty;
  }
  return MayDie(step) && std::any_of(process.files.begin(), process.files.end(),
                                     [this](const auto& entry) {
                                       return file(entry.second).may_have_empty;
                                     });
}

// Whether a sleeping process watches a pidfd. If the process of that pidfd
// ends, the sleeping process wakes before the controller has waited for the
// dead one. The model has no time between these two events.
bool World::IsPidFdAwaited() const {
  for (int i = 0; i < process_count(); ++i) {
    const ProcessView& process = processes_[i];
    if (!process.blocked) continue;
    for (int tag : Watched(i, process.step)) {
      if (file(tag).kind == Kind::kPidFd) return true;
    }
  }
  return false;
}

bool World::IsCertain(const Step& step) const {
  // Without a free tag the created file cannot be identified.
  if (FilesMadeBy(step) > 0 && !HasTags()) return false;
  if (MayEndWithEmpty(step)) return false;
  if (MayDie(step) && IsPidFdAwaited()) return false;
  if (step.op == Op::kEpollCtl) {
    // The call may change the events that a sleeping process waits for.
    return std::none_of(processes_.begin(), processes_.end(),
                        [](const ProcessView& other) { return other.blocked; });
  }
  if (step.op == Op::kKill) {
    // If the victim is killed while its send waits for room, the send may still
    // succeed: there may be room for it, but too little room to wake a sender.
    const ProcessView& victim = processes_[step.process];
    return !victim.blocked || !IsSend(victim.step.op);
  }
  if (step.op == Op::kTimerSet) {
    // If the deadline is in the past, this step polls until the timer expires.
    // A process that is asleep in a read may consume the expiry first. Then the
    // poll would never end.
    const int tag = TagOf(step.process, step.fd);
    for (int i = 0; i < process_count(); ++i) {
      const ProcessView& other = processes_[i];
      if (other.blocked && other.step.op == Op::kRead &&
          TagOf(i, other.step.fd) == tag) {
        return false;
      }
    }
  }
  if (step.op == Op::kSendMsg) {
    // RLIMIT_NOFILE also limits the descriptors in flight of all processes of
    // the user.
    if (!own_users_ && processes_[step.process].limited && !step.fds.empty()) {
      return false;
    }
    const int tag = TagOf(step.process, step.fd);
    const int receiver = tag > 0 ? ReceiverOf(tag) : -1;
    for (int variable : step.fds) {
      const int sent = TagOf(step.process, variable);
      if (sent > 0 && receiver > 0 && Reaches(sent, receiver)) return false;
    }
  }
  if (!MaySleep(step)) return true;
  for (int i = 0; i < process_count(); ++i) {
    if (processes_[i].blocked &&
        !MayBothSleep(i, processes_[i].step, step.process, step)) {
      return false;
    }
  }
  return true;
}

void World::Begin(int index, const Step& step, Request* request) {
  request->op = step.op;
  request->fd = FdOf(step.process, step.fd);
  std::copy(step.args.begin(), step.args.end(), request->args);
  request->fd_count = 0;
  const int repeat =
      step.op == Op::kSendMsg ? std::max<int>(1, step.args[3]) : 1;
  for (int i = 0; i < repeat; ++i) {
    for (size_t j = 0; j < step.fds.size(); ++j) {
      if (request->fd_count == kMaxFds) break;
      request->fds[request->fd_count] = FdOf(step.process, step.fds[j]);
      request->events[request->fd_count++] =
          j < step.events.size() ? step.events[j] : 0;
    }
  }
  request->payload = static_cast<uint32_t>(index);
  for (int i = 0; i < 2; ++i) {
    request->tags[i] = next_tag_;
    if (i < FilesMadeBy(step)) ++next_tag_;
  }
  if (step.op == Op::kSendMsg) {
    const int tag = TagOf(step.process, step.fd);
    const int receiver = tag > 0 ? ReceiverOf(tag) : -1;
    for (int variable : step.fds) {
      const int sent = TagOf(step.process, variable);
      if (sent > 0 && receiver > 0) files_[receiver].holds.insert(sent);
    }
  }
  ProcessView& process = processes_[step.process];
  process.blocked = true;
  process.step = step;
  process.step_index = index;
}

void World::End(const Step& step, const Response& response) {
  ProcessView& process = processes_[step.process];
  process.blocked = false;
  if (step.op == Op::kClose) {
    process.files.erase(FdOf(step.process, step.fd));
    return;
  }
  for (int i = 0; i < response.fd_count; ++i) {
    const int tag = response.tags[i];
    process.files[response.fds[i]] = tag;
    if (i >= static_cast<int>(step.out.size())) continue;
    const size_t variable = static_cast<size_t>(step.out[i]);
    if (variable >= variables_.size()) variables_.resize(variable + 1);
    variables_[variable] = {step.process, response.fds[i]};
  }
  const int tag = TagOf(step.process, step.fd);
  if (response.error == EAGAIN &&
      (IsReceive(step.op) || step.op == Op::kRead)) {
    files_[tag].may_have_empty = false;
  }
  if (response.error != 0) return;
  if (SendsEmpty(step) && tag > 0 && ReceiverOf(tag) > 0) {
    files_[ReceiverOf(tag)].may_have_empty = true;
  }
  const int made = response.fd_count > 0 ? response.tags[0] : 0;
  switch (step.op) {
    case Op::kSocket:
      files_[made].kind = Kind::kSocket;
      return;
    case Op::kSocketPair:
    case Op::kPipe:
      for (int i = 0; i < 2; ++i) {
        files_[response.tags[i]].kind =
            step.op == Op::kPipe ? Kind::kPipe : Kind::kSocket;
        files_[response.tags[i]].peer = response.tags[1 - i];
      }
      return;
    case Op::kSetLimit:
      process.limited = true;
      return;
    case Op::kBind:
      bound_[PathOf(step)] = tag;
      return;
    case Op::kListen:
      files_[tag].kind = Kind::kListener;
      return;
    case Op::kConnect:
      files_[tag].listener = bound_[PathOf(step)];
      if (files_[tag].listener > 0) {
        files_[files_[tag].listener].pending.push_back(tag);
      }
      return;
    case Op::kAccept: {
      files_[made].kind = Kind::kSocket;
      files_[made].holds = files_[tag].holds;
      files_[made].may_have_empty = files_[tag].may_have_empty;
      std::vector<int>& pending = files_[tag].pending;
      if (pending.empty()) return;
      files_[made].peer = pending.front();
      files_[pending.front()].peer = made;
      pending.erase(pending.begin());
      return;
    }
    case Op::kEpollCreate:
      files_[made].kind = Kind::kEpoll;
      return;
    case Op::kEpollCtl:
      if (step.args[0] == EPOLL_CTL_ADD) {
        files_[tag].watches.insert(TagOf(step.process, step.fds[0]));
      }
      return;
    case Op::kGetSockOpt:
      if (made > 0) files_[made].kind = Kind::kPidFd;
      return;
    case Op::kEventFd:
      files_[made].kind = Kind::kEventFd;
      return;
    case Op::kTimerFd:
      files_[made].kind = Kind::kTimerFd;
      return;
    default:
      return;
  }
}

}  // namespace kernel_test
}  // namespace le
