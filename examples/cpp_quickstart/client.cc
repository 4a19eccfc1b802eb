// Copyright 2026 The le_messaging Authors
// SPDX-License-Identifier: Apache-2.0
//
// client FILE TIMES: ends after TIMES servers have served it.

#include <err.h>

#include <cinttypes>
#include <cstdio>
#include <cstdlib>

#include "examples/cpp_quickstart/file_facts.h"

// Returns a request that carries the open file.
static le::Message NewRequest(const le::Client& client, const char* file) {
  le::Message request = client.NewMessage();
  request.Write<FileFacts>()->kind = FileFacts::kCount;
  le::UniqueFd fd(open(file, O_RDONLY | O_CLOEXEC));
  if (!request.SetDescriptor(std::move(fd)).ok()) perror(file);
  return request;
}

static void SayFacts(const char* how, const le::Message& response) {
  const FileFacts* const facts = response.As<FileFacts>();
  if (facts == nullptr) return;
  printf("client: %s: %" PRIu64 " lines, %" PRIu64 " words, %" PRIu64
         " bytes, counted by pid %d\n",
         how, facts->lines, facts->words, facts->bytes, facts->server_pid);
}

int main(int argc, char** argv) {
  if (argc != 3) errx(EXIT_FAILURE, "arguments: FILE TIMES");
  setlinebuf(stdout);
  const char* const file = argv[1];
  int times_left = atoi(argv[2]);
  le::Loop loop;
  absl::StatusOr<le::Client> client = le::Client::Create("facts", kFileFacts);
  if (!client.ok()) return EXIT_FAILURE;

  const auto on_response = [&](absl::StatusOr<le::Message> response) {
    if (!response.ok()) return;  // the session has closed and will reopen
    SayFacts("asynchronously", *response);
    puts("client: served");
    if (--times_left == 0) loop.Stop();
  };
  const auto on_open = [&](const absl::Status& opened) {
    if (!opened.ok()) return loop.Stop();  // the service has another protocol
    puts("client: the session is open");
    le::Message greeting = client->NewMessage();
    *greeting.Write<FileFacts>() = {FileFacts::kGreeting, 0, 0, 0, 0,
                                    "good morning"};
    std::move(greeting).Send().IgnoreError();
    const absl::StatusOr<le::Message> response =
        client->Request(NewRequest(*client, file), absl::Seconds(30));
    if (!response.ok()) return;
    SayFacts("synchronously", *response);
    client
        ->RequestAsync(NewRequest(*client, file), absl::Seconds(30),
                       on_response)
        .Detach();
  };
  const bool ready =
      client
          ->OnMessage([](const le::Message& push) {
            if (const FileFacts* const news = push.As<FileFacts>()) {
              printf("client: news from the server: %.63s\n", news->text);
            }
          })
          .ok() &&
      client
          ->OnClosed([](le::CloseReason) {
            puts("client: the session has closed");
            puts("client: waiting for the service");
          })
          .ok() &&
      client->KeepOpen(on_open).ok();
  puts("client: waiting for the service");
  return ready && loop.Run().ok() && times_left == 0 ? EXIT_SUCCESS
                                                     : EXIT_FAILURE;
}
