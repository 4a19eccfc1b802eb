// Copyright 2026 The le_messaging Authors
// SPDX-License-Identifier: Apache-2.0

#include "tests/benchmarks/raw.h"

#include <pthread.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <cstdio>
#include <cstring>

#include "tests/benchmarks/party.h"

namespace le {
namespace benchmarks {
namespace {

char g_buffer[1 << 20];

// ---- Messages --------------------------------------------------------------

// The size of one piece. A message that is sent in pieces fills g_buffer.
constexpr size_t kPiece = 65536;

bool SendPieces(size_t size) {
  for (size_t at = 0; at < size; at += kPiece) {
    if (send(kLink, g_buffer + at, kPiece, MSG_NOSIGNAL) < 0) return false;
  }
  return true;
}
bool ReceivePieces(size_t size) {
  for (size_t at = 0; at < size; at += kPiece) {
    if (recv(kLink, g_buffer + at, kPiece, 0) != ssize_t{kPiece}) return false;
  }
  return true;
}

void BePieceServer() {
  Say("ready");
  while (ReceivePieces(sizeof(g_buffer)) && SendPieces(sizeof(g_buffer))) {
  }
  _exit(0);
}

class PiecePipe final : public Pipe {
 public:
  bool Send(char type, size_t size) override {
    std::memset(g_buffer, type, size);
    return SendPieces(size);
  }
  bool Receive(size_t size) override { return ReceivePieces(size); }
};

// Lets the send buffer hold whole messages, if the system permits it.
void EnlargeSendBuffer() {
  const int bytes = 2 * sizeof(g_buffer);
  if (setsockopt(kLink, SOL_SOCKET, SO_SNDBUFFORCE, &bytes, sizeof(bytes)) !=
      0) {
    setsockopt(kLink, SOL_SOCKET, SO_SNDBUF, &bytes, sizeof(bytes));
  }
}

void BeServer(bool with_epoll) {
  int epoll = -1;
  if (with_epoll) {
    epoll = epoll_create1(EPOLL_CLOEXEC);
    struct epoll_event event = {};
    event.events = EPOLLIN;
    epoll_ctl(epoll, EPOLL_CTL_ADD, kLink, &event);
  }
  Say("ready");
  for (;;) {
    if (with_epoll) {
      struct epoll_event events[16];
      epoll_wait(epoll, events, 16, -1);
    }
    const ssize_t size = recv(kLink, g_buffer, sizeof(g_buffer), 0);
    if (size <= 0) _exit(0);
    if (g_buffer[0] == kEcho &&
        send(kLink, g_buffer, static_cast<size_t>(size), MSG_NOSIGNAL) < 0) {
      _exit(0);
    }
  }
}

class RawPipe final : public Pipe {
 public:
  bool Send(char type, size_t size) override {
    std::memset(g_buffer, type, size);
    return send(kLink, g_buffer, size, MSG_NOSIGNAL) ==
           static_cast<ssize_t>(size);
  }
  bool Receive(size_t size) override {
    return recv(kLink, g_buffer, sizeof(g_buffer), 0) ==
           static_cast<ssize_t>(size);
  }
};

// ---- Opening by way of a third process -------------------------------------

struct sockaddr_un Address(const std::string& path) {
  struct sockaddr_un address = {};
  address.sun_family = AF_UNIX;
  std::snprintf(address.sun_path, sizeof(address.sun_path), "%s", path.c_str());
  return address;
}

void BeIntroducer(const std::string& path) {
  const int listener = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);
  const struct sockaddr_un address = Address(path);
  if (bind(listener, reinterpret_cast<const struct sockaddr*>(&address),
           sizeof(address)) != 0 ||
      listen(listener, 64) != 0) {
    _exit(1);
  }
  Say("ready");
  for (;;) {
    const int fd = accept4(listener, nullptr, nullptr, SOCK_CLOEXEC);
    if (fd < 0) _exit(1);
    char byte = 0;
    struct iovec data = {&byte, 1};
    alignas(struct cmsghdr) char control[CMSG_SPACE(sizeof(int))] = {};
    struct msghdr message = {};
    message.msg_iov = &data;
    message.msg_iovlen = 1;
    message.msg_control = control;
    message.msg_controllen = sizeof(control);
    struct cmsghdr* const header = CMSG_FIRSTHDR(&message);
    header->cmsg_level = SOL_SOCKET;
    header->cmsg_type = SCM_RIGHTS;
    header->cmsg_len = CMSG_LEN(sizeof(int));
    std::memcpy(CMSG_DATA(header), &fd, sizeof(fd));
    if (sendmsg(kLink, &message, MSG_NOSIGNAL) < 0) _exit(0);
    close(fd);
  }
}

void BeHost() {
  Say("ready");
  for (;;) {
    char byte;
    struct iovec data = {&byte, 1};
    alignas(struct cmsghdr) char control[CMSG_SPACE(sizeof(int))];
    struct msghdr message = {};
    message.msg_iov = &data;
    message.msg_iovlen = 1;
    message.msg_control = control;
    message.msg_controllen = sizeof(control);
    if (recvmsg(kLink, &message, MSG_CMSG_CLOEXEC) <= 0) _exit(0);
    const struct cmsghdr* const header = CMSG_FIRSTHDR(&message);
    if (header == nullptr) _exit(1);
    int fd;
    std::memcpy(&fd, CMSG_DATA(header), sizeof(fd));
    char text[16] = "hello";
    send(fd, text, sizeof(text), MSG_NOSIGNAL);
    if (recv(fd, text, sizeof(text), 0) != 0) _exit(1);
    close(fd);
  }
}

void BeOpener(const std::string& path) {
  const struct sockaddr_un address = Address(path);
  auto open_close = [&address] {
    const int fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);
    char text[16];
    const bool good =
        connect(fd, reinterpret_cast<const struct sockaddr*>(&address),
                sizeof(address)) == 0 &&
        recv(fd, text, sizeof(text), 0) > 0;
    close(fd);
    return good;
  };
  Say("ready");
  for (;;) Say(TimeEach(NextCommand(), open_close));
}

// ---- Two threads -----------------------------------------------------------

struct Handover {
  pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
  pthread_cond_t asked = PTHREAD_COND_INITIALIZER;
  pthread_cond_t answered = PTHREAD_COND_INITIALIZER;
  bool has_request = false, has_response = false;
  char request[64], response[64];
};
Handover g_handover;

void* Answer(void*) {
  Handover& h = g_handover;
  char message[sizeof(h.request)];
  pthread_mutex_lock(&h.mutex);
  for (;;) {
    while (!h.has_request) pthread_cond_wait(&h.asked, &h.mutex);
    h.has_request = false;
    std::memcpy(message, h.request, sizeof(message));
    // As in a real server, the lock is free while the server works.
    pthread_mutex_unlock(&h.mutex);
    pthread_mutex_lock(&h.mutex);
    std::memcpy(h.response, message, sizeof(message));
    h.has_response = true;
    pthread_cond_signal(&h.answered);
  }
  return nullptr;
}

bool Ask() {
  Handover& h = g_handover;
  char message[sizeof(h.request)];
  std::memset(message, kEcho, sizeof(message));
  pthread_mutex_lock(&h.mutex);
  std::memcpy(h.request, message, sizeof(message));
  h.has_request = true;
  pthread_cond_signal(&h.asked);
  while (!h.has_response) pthread_cond_wait(&h.answered, &h.mutex);
  h.has_response = false;
  std::memcpy(message, h.response, sizeof(message));
  pthread_mutex_unlock(&h.mutex);
  return message[0] == kEcho;
}

void BeHandover() {
  pthread_t thread;
  if (pthread_create(&thread, nullptr, &Answer, nullptr) != 0) _exit(1);
  Say("ready");
  for (;;) Say(TimeEach(NextCommand(), &Ask));
}

}  // namespace

bool PlayRaw(const std::vector<std::string>& words) {
  const std::string& role = words[0];
  const std::string how = words.size() > 1 ? words[1] : "";
  if (how == "large") EnlargeSendBuffer();
  if (role == "raw_server" && how == "pieces") BePieceServer();
  if (role == "raw_server") BeServer(how == "epoll");
  if (role == "raw_client" && how == "pieces") {
    PiecePipe pipe;
    ObeyCommands(&pipe);
  }
  if (role == "raw_client") {
    RawPipe pipe;
    ObeyCommands(&pipe);
  }
  if (role == "raw_introducer" && words.size() > 1) BeIntroducer(words[1]);
  if (role == "raw_host") BeHost();
  if (role == "raw_opener" && words.size() > 1) BeOpener(words[1]);
  if (role == "handover") BeHandover();
  return false;
}

}  // namespace benchmarks
}  // namespace le
