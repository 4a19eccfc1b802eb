// Copyright 2026 The le_messaging Authors
// SPDX-License-Identifier: Apache-2.0

#include <unistd.h>

#include <list>

#include "absl/strings/ascii.h"
#include "examples/quickstart/quickstart.h"

namespace quickstart {

constexpr uint64_t kMaxBytes = 1 << 20;

class FileFactsServer final : public FileFactsService {
 public:
  void Greet(const Text& greeting, const le::Caller& caller) override {
    printf("server: pid %d says \"%s\"\n", caller.process(),
           greeting.text().c_str());
  }

  void Count(const Nothing&, le::UniqueFd fd, le::Reply<Facts> reply) override {
    char buffer[4096], last = ' ';
    ssize_t size = 0;
    // The client chooses the file. For a pipe, read() might wait for ever, but
    // pread() fails. A file such as /dev/zero never ends, and other clients
    // would wait meanwhile. So only the first kMaxBytes bytes are counted.
    while (reply->bytes() < kMaxBytes &&
           (size = pread(fd.get(), buffer, sizeof(buffer), reply->bytes())) >
               0) {
      reply->set_bytes(reply->bytes() + size);
      for (const char c : absl::string_view(buffer, size)) {
        if (c == '\n') reply->set_lines(reply->lines() + 1);
        if (absl::ascii_isspace(last) && !absl::ascii_isspace(c)) {
          reply->set_words(reply->words() + 1);
        }
        last = c;
      }
    }
    if (size < 0) {
      return std::move(reply).Fail(absl::ErrnoToStatus(errno, "pread"));
    }
    reply->set_server_pid(getpid());
    Text news;
    news.set_text("one more file counted");
    // Sends the news, and removes the sinks of clients that have left. A slow
    // client misses this item.
    watchers_.remove_if(
        [&](auto& sink) { return absl::IsCancelled(sink.Push(news)); });
    std::move(reply).Send();
  }

  void WatchNews(const Nothing&, le::Sink<Text> sink) override {
    watchers_.push_back(std::move(sink));
  }

 private:
  std::list<le::Sink<Text>> watchers_;
};

std::unique_ptr<FileFactsService> NewFileFacts() {
  return std::make_unique<FileFactsServer>();
}

}  // namespace quickstart
