// Copyright 2026 The le_messaging Authors
// SPDX-License-Identifier: Apache-2.0

#include <unistd.h>

#include <cctype>
#include <cstdio>
#include <vector>

#include "examples/typed_quickstart/file_facts.le.h"
#include "le/messaging.h"

namespace quickstart {

class FileFactsServer final : public FileFactsService {
 public:
  void Greet(const Greeting& greeting, const le::Caller& caller) override {
    printf("server: pid %d says \"%s\"\n", caller.process(),
           greeting.text().c_str());
  }

  void Count(const CountRequest&, le::UniqueFd fd,
             le::Reply<Facts> reply) override {
    char buffer[4096];
    bool in_word = false;
    for (ssize_t size; (size = read(fd.get(), buffer, sizeof(buffer))) > 0;) {
      reply->set_bytes(reply->bytes() + static_cast<uint64_t>(size));
      for (ssize_t i = 0; i < size; ++i) {
        const bool blank = isspace(static_cast<unsigned char>(buffer[i])) != 0;
        if (buffer[i] == '\n') reply->set_lines(reply->lines() + 1);
        if (!blank && !in_word) reply->set_words(reply->words() + 1);
        in_word = !blank;
      }
    }
    reply->set_server_pid(getpid());
    News news;
    news.set_text("one more file counted");
    // A slow client misses this one. One that has gone is forgotten.
    for (auto it = watchers_.begin(); it != watchers_.end();) {
      it = absl::IsCancelled(it->Push(news)) ? watchers_.erase(it) : it + 1;
    }
    std::move(reply).Send();
  }

  void WatchNews(const NewsRequest&, le::Sink<News> sink) override {
    watchers_.push_back(std::move(sink));
  }

 private:
  std::vector<le::Sink<News>> watchers_;
};

}  // namespace quickstart

int main() {
  setlinebuf(stdout);
  le::Loop loop;
  quickstart::FileFactsServer facts;
  const auto stop = le::SignalWatch::Create(SIGTERM, [&] { loop.Stop(); });
  const auto server = le::Serve("fileFacts", &facts);
  if (!stop.ok() || !server.ok() || !loop.Run().ok()) return EXIT_FAILURE;
  puts("server: stopped");
}
