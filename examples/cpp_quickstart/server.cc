// Copyright 2026 The le_messaging Authors
// SPDX-License-Identifier: Apache-2.0

#include <cctype>
#include <cstdio>

#include "examples/cpp_quickstart/file_facts.h"

constexpr uint64_t kMaxBytes = 1 << 20;

static void Count(int fd, FileFacts* facts) {
  char buffer[4096];
  bool in_word = false;
  facts->lines = facts->words = facts->bytes = 0;
  // The client chooses the file. For a pipe, read() might wait for ever, but
  // pread() fails. A file such as /dev/zero never ends, and other clients would
  // wait meanwhile. So only the first kMaxBytes bytes are counted.
  while (facts->bytes < kMaxBytes) {
    const ssize_t size =
        pread(fd, buffer, sizeof(buffer), static_cast<off_t>(facts->bytes));
    if (size <= 0) break;
    facts->bytes += static_cast<uint64_t>(size);
    for (const char c : absl::string_view(buffer, static_cast<size_t>(size))) {
      const bool blank = isspace(static_cast<unsigned char>(c)) != 0;
      facts->lines += c == '\n';
      facts->words += !blank && !in_word;
      in_word = !blank;
    }
  }
}

static void OnMessage(le::Message message) {
  const FileFacts* const received = message.As<FileFacts>();
  const absl::StatusOr<le::Peer> peer = message.peer();
  if (received == nullptr || !peer.ok()) return;  // the message is released
  if (!message.needs_response()) {
    printf("server: pid %d says \"%.63s\"\n", peer->process, received->text);
    return;
  }
  const le::UniqueFd fd = message.TakeDescriptor();
  if (!fd) return;  // no response: the client's request fails
  FileFacts* const facts = message.Write<FileFacts>();
  Count(fd.get(), facts);
  facts->server_pid = getpid();
  // A message that the client did not request.
  le::Message push = message.NewMessage();
  *push.Write<FileFacts>() = {FileFacts::kNews,       0, 0, 0, 0,
                              "one more file counted"};
  std::move(push).Send().IgnoreError();  // fails only if the session is closed
  std::move(message).Respond().IgnoreError();
}

int main() {
  setlinebuf(stdout);
  le::Loop loop;
  auto service = le::Service::Create("fileFacts", kFileFacts);
  if (!service.ok() || !service->OnMessage(OnMessage).ok() ||
      !service->Advertise().ok() || !loop.RunUntilSignal(SIGTERM).ok()) {
    return EXIT_FAILURE;
  }
  printf("server: stopped\n");
}
