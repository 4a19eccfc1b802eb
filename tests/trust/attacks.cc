// Copyright 2026 The le_messaging Authors
// SPDX-License-Identifier: Apache-2.0

#include "tests/trust/attacks.h"

#include <fcntl.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

#include <cstdio>
#include <cstdlib>
#include <deque>

#include "absl/strings/str_cat.h"
#include "tests/trust/plain_peer.h"
#include "tests/trust/protocol_attacker.h"

namespace le {
namespace trust {
namespace {

using Address = const std::string&;

void CloseAll(const std::vector<int>& fds) {
  for (const int fd : fds) close(fd);
}

// Connects, sends a request and closes, `peers` times.
void Repeat(Address address, size_t peers,
            const directory::proto::ToDirectory& request, int sent = -1) {
  for (size_t i = 0; i < peers; ++i) {
    const int fd = Connect(address);
    Say(fd, request, sent);
    close(fd);
  }
}

// For comparison: takes processor time, and leaves the directory alone.
void Spin(Address, size_t) {
  for (volatile int i = 0; i < 1000000; ++i) {
  }
}

void ConnectAndClose(Address address, size_t peers) {
  for (size_t i = 0; i < peers; ++i) close(Connect(address));
}

// Keeps more silent connections than the directory allows a user. Each further
// connection replaces the oldest one.
void SilentConnections(Address address, size_t peers) {
  static std::deque<int>* const held = new std::deque<int>;
  for (size_t i = 0; i < peers; ++i) {
    held->push_back(Connect(address));
    if (held->size() <= 1200) continue;
    close(held->front());
    held->pop_front();
  }
}

void TryOpenNothing(Address address, size_t peers) {
  directory::proto::ToDirectory open = Open("nobody's");
  open.mutable_open()->set_wait(false);
  Repeat(address, peers, open);
}

void WaitForNothing(Address address, size_t peers) {
  std::vector<int> clients;
  for (size_t i = 0; i < peers; ++i) {
    clients.push_back(Connect(address));
    Say(clients.back(), Open("nobody's"));
  }
  CloseAll(clients);
}

void AdvertiseAgain(Address address, size_t peers) {
  Repeat(address, peers, Advertise("s"));
}

void AskForLists(Address address, size_t peers) {
  directory::proto::ToDirectory list;
  list.mutable_list();
  for (size_t i = 0; i < peers; ++i) {
    const int fd = Connect(address);
    Say(fd, list);
    char answer[1024];
    recv(fd, answer, sizeof(answer), 0);
    close(fd);
  }
}

// Sends an epoll, a folder, a socket and a pipe.
void SendDescriptors(Address address, size_t peers) {
  static const std::vector<int>* const kinds = [] {
    int ends[2] = {-1, -1};
    if (pipe(ends) != 0) _exit(1);
    const int listener = socket(AF_UNIX, SOCK_SEQPACKET, 0);
    // The kernel chooses an abstract address.
    const sockaddr address = {AF_UNIX, {}};
    if (bind(listener, &address, sizeof(sa_family_t)) != 0 ||
        listen(listener, 1) != 0) {
      _exit(1);
    }
    return new std::vector<int>{epoll_create1(0), open("/", O_RDONLY), listener,
                                ends[0]};
  }();
  for (const int kind : *kinds) {
    Repeat(address, peers / kinds->size(), Open("x"), kind);
  }
}

// The attacker's server does not read, so it accepts no client.
void NeverAccept(Address address, size_t peers) {
  static const int server = Connect(address);
  static const bool said = Say(server, Advertise("deaf"));
  if (!said) _exit(1);
  Repeat(address, peers, Open("deaf"));
}

// Waiting clients send the first part of a frame, and never the rest.
void PartsOfFrames(Address address, size_t peers) {
  std::vector<int> clients;
  for (size_t i = 0; i < peers; ++i) {
    clients.push_back(Connect(address));
    Say(clients.back(), Open("later"));
  }
  for (const int client : clients) {
    struct {
      FrameHeader header;
      char bytes[10] = {};
    } part;
    part.header.type = 1;
    part.header.flags = FrameHeader::kFragmented;
    part.header.length = 1000;
    send(client, &part, sizeof(part), MSG_NOSIGNAL);
  }
  // This server is for the clients that still wait.
  const int server = Connect(address);
  Say(server, Advertise("later"));
  CloseAll(clients);
  close(server);
}

// Servers of one name, with two protocols, end together while clients wait.
void ManyStandBys(Address address, size_t peers) {
  std::vector<int> all;
  for (size_t i = 0; i < peers; ++i) {
    all.push_back(Connect(address));
    Say(all.back(), Advertise("s", i % 2 == 0 ? "one" : "other"));
    all.push_back(Connect(address));
    Say(all.back(), Open("s"));
  }
  CloseAll(all);
}

// Many clients wait for a server. The server offers its service, receives at
// most 32 packets, and ends.
void ServerComesAndGoes(Address address, size_t peers) {
  std::vector<int> clients;
  for (size_t i = 0; i < peers; ++i) {
    clients.push_back(Connect(address));
    Say(clients.back(), Open("s"));
  }
  const int server = Connect(address);
  const struct timeval patience = {0, 100 * 1000};
  setsockopt(server, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof(patience));
  Say(server, Advertise("s"));
  for (int i = 0; i < 32; ++i) {
    char packet[1024];
    if (recv(server, packet, sizeof(packet), 0) <= 0) break;
  }
  close(server);
  CloseAll(clients);
}

// Each peer breaks the protocol. The directory logs some of these errors.
void BreakTheProtocol(Address address, size_t peers) {
  for (size_t i = 0; i < peers; ++i) {
    const int peer = Connect(address);
    if (i % 2 == 0) {
      send(peer, "not a frame at all", 18, MSG_NOSIGNAL);
    } else {
      Say(peer, Advertise("s"));
      Say(peer, Advertise("s"));
    }
    close(peer);
  }
}

void DoAnything(Address address, size_t peers) {
  static ProtocolAttacker* const attacker = new ProtocolAttacker(address, 1);
  for (size_t i = 0; i < peers; ++i) attacker->Act();
}

}  // namespace

const std::vector<Attack>& AllAttacks() {
  static const auto* const attacks = new std::vector<Attack>{
      {"spin", "only takes processor time", &Spin},
      {"connect", "connects and closes", &ConnectAndClose},
      {"silent", "1,200 silent connections, replaced", &SilentConnections},
      {"try_open", "asks for a service that nobody offers", &TryOpenNothing},
      {"wait", "waits for a service that nobody offers", &WaitForNothing},
      {"deaf", "opens its own service, which never reads", &NeverAccept},
      {"advertise", "advertises and closes", &AdvertiseAgain},
      {"stand_bys", "stand-bys and clients that end together", &ManyStandBys},
      {"comes_and_goes", "a server of many clients comes and goes",
       &ServerComesAndGoes},
      {"list", "asks for lists", &AskForLists},
      {"descriptors", "sends file descriptors", &SendDescriptors},
      {"parts", "sends parts of frames", &PartsOfFrames},
      {"errors", "breaks the protocol", &BreakTheProtocol},
      {"anything", "speaks the protocol at random", &DoAnything},
  };
  return *attacks;
}

const Attack& FindAttack(const std::string& name) {
  for (const Attack& attack : AllAttacks()) {
    if (attack.name == name) return attack;
  }
  std::fprintf(stderr, "no attack '%s'\n", name.c_str());
  std::exit(EXIT_FAILURE);
}

}  // namespace trust
}  // namespace le
