// Copyright 2026 The le_messaging Authors
// SPDX-License-Identifier: Apache-2.0
//
// A server for the tests of typed clients, and the scenario that they share.

#ifndef LE_MESSAGING_SERVICES_TESTS_FACILITY_H_
#define LE_MESSAGING_SERVICES_TESTS_FACILITY_H_

#include <fcntl.h>
#include <unistd.h>

#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "gtest/gtest.h"
#include "le/messaging.h"
#include "messaging/testing/scenario.h"
#include "services/tests/facts.le.h"

namespace files {

template <typename T>
T Must(absl::StatusOr<T> result) {
  EXPECT_TRUE(result.ok()) << result.status();
  return *std::move(result);
}

inline CountRequest Named(const std::string& name, uint32_t number = 0) {
  CountRequest request;
  request.set_name(name);
  request.set_number(number);
  return request;
}

// Returns the read end of a pipe that contains `text`.
inline le::UniqueFd FdWith(const std::string& text) {
  int ends[2];
  EXPECT_EQ(pipe2(ends, O_CLOEXEC), 0);
  const le::UniqueFd writer(ends[1]);
  EXPECT_EQ(write(ends[1], text.data(), text.size()),
            static_cast<ssize_t>(text.size()));
  return le::UniqueFd(ends[0]);
}
inline std::string TextOf(const le::UniqueFd& fd) {
  char text[64];
  const ssize_t size = read(fd.get(), text, sizeof(text));
  return std::string(text, size < 0 ? 0 : static_cast<size_t>(size));
}

// The name of a request selects the answer.
class Facility : public FileFactsService {
 public:
  void Count(const CountRequest& request, le::Reply<Facts> reply) override {
    EXPECT_NE(reply.caller().process(), 0);
    EXPECT_TRUE(reply->text().empty()) << "a reused response is not empty";
    const std::string& name = request.name();
    if (name == "fail") {
      return std::move(reply).Fail(
          absl::NotFoundError(std::string(request.number(), 'x')));
    }
    if (name == "fail with ok") {
      return std::move(reply).Fail(absl::OkStatus());
    }
    if (name == "drop") return;
    if (name == "keep") {
      EXPECT_TRUE(reply.OnCancel([this] { ++cancels; }).ok());
      kept.push_back(std::move(reply));
      return;
    }
    if (name == "remaining") {
      const absl::Duration left = reply.remaining();
      reply->set_lines(left == absl::InfiniteDuration()
                           ? 0
                           : static_cast<uint64_t>(absl::ToInt64Seconds(
                                 absl::Ceil(left, absl::Seconds(1)))));
    } else if (name == "user") {
      reply->set_lines(reply.caller().user());
    } else if (name == "cancels") {
      reply->set_lines(static_cast<uint64_t>(cancels));
    } else if (name == "logged") {
      reply->set_text(logged);
    } else if (name == "large") {
      reply->set_text(std::string(request.number(), 'y'));
    } else {
      reply->set_lines(request.number());
      reply->set_text(name);
    }
    std::move(reply).Send();
  }
  void CountFile(const CountRequest&, le::UniqueFd fd,
                 le::Reply<Facts> reply) override {
    reply->set_text(TextOf(fd));
    std::move(reply).Send();
  }
  void OpenFile(const CountRequest& request,
                le::ReplyWithFd<Facts> reply) override {
    reply->set_text(request.name());
    if (request.name() == "fail") {
      return std::move(reply).Fail(absl::NotFoundError("no such file"));
    }
    std::move(reply).Send(request.name() == "closed" ? le::UniqueFd()
                                                     : FdWith("opened"));
  }
  void CopyFile(const CountRequest&, le::UniqueFd fd,
                le::ReplyWithFd<Facts> reply) override {
    std::move(reply).Send(FdWith("copy of " + TextOf(fd)));
  }
  void Watch(const CountRequest& request, le::Sink<Facts> sink) override {
    auto stream = std::make_shared<Pushes>(std::move(sink), request);
    EXPECT_TRUE(
        stream->sink.OnReady([stream = stream.get()] { stream->Continue(); })
            .ok());
    EXPECT_TRUE(stream->sink.OnCancel([this] { ++cancels; }).ok());
    stream->Continue();
    streams.push_back(std::move(stream));
  }
  void WatchFile(const CountRequest&, le::UniqueFd fd,
                 le::Sink<Facts> sink) override {
    Facts item;
    item.set_text(TextOf(fd));
    EXPECT_TRUE(sink.Push(item).ok());
    std::move(sink).End();
  }
  void Log(const Line& line, const le::Caller& caller) override {
    EXPECT_NE(caller.process(), 0);
    EXPECT_TRUE(caller.session());
    logged += line.text();
  }
  void Deliver(const Line& line, le::UniqueFd fd, const le::Caller&) override {
    logged += line.text() + TextOf(fd);
  }

  // Pushes the items 0 to number - 1, and then ends the stream. For the request
  // "endless" the stream does not end. For "hold" nothing is pushed.
  struct Pushes {
    Pushes(le::Sink<Facts> s, const CountRequest& r)
        : sink(std::move(s)), request(r) {}
    void Continue() {
      if (request.name() == "hold") return;
      Facts item;
      item.set_text(request.name() == "wide" ? std::string(8000, 'w') : "item");
      for (; request.name() == "endless" || next < request.number(); ++next) {
        item.set_lines(next);
        const absl::Status pushed = sink.Push(item);
        if (absl::IsCancelled(pushed)) return;
        if (!pushed.ok()) {
          EXPECT_EQ(pushed.code(), absl::StatusCode::kResourceExhausted);
          ++refused;
          return;
        }
      }
      if (sink) {
        std::move(sink).End(request.name() == "fail"
                                ? absl::DataLossError("the end")
                                : absl::OkStatus());
      }
    }
    le::Sink<Facts> sink;
    const CountRequest request;
    uint64_t next = 0;
    int refused = 0;
  };

  std::vector<le::Reply<Facts>> kept;
  std::vector<std::shared_ptr<Pushes>> streams;
  std::string logged;
  int cancels = 0;
};

// Collects the items of a stream.
struct Collected {
  le::OnItem<Facts> OnItem() {
    return [this](const Facts& item) {
      EXPECT_EQ(item.lines(), items) << "an item is out of order";
      EXPECT_EQ(ends, 0) << "an item arrived after the end";
      ++items;
    };
  }
  le::OnEnd OnEnd() {
    return [this](absl::Status status) {
      end = std::move(status);
      ++ends;
    };
  }
  uint64_t items = 0;
  int ends = 0;
  absl::Status end;
};

// Serves until the client is done.
inline void ServerBody(le::messaging::testing::Party* party) {
  Facility facility;
  const le::Server server = Must(le::Serve("facts", &facility));
  party->RunLoopUntil("done");
}

class ServedTest
    : public ::testing::TestWithParam<le::messaging::testing::Setting> {
 protected:
  static void RunClient(void (*body)(le::messaging::testing::Party* party,
                                     FileFactsClient* client)) {
    le::messaging::testing::Scenario scenario;
    scenario.Add("server", ServerBody);
    scenario.Add("client", [body](le::messaging::testing::Party* party) {
      FileFactsClient client = Must(FileFactsClient::Open("facts"));
      body(party, &client);
      party->Signal("done");
    });
    le::messaging::testing::RunScenario(scenario, GetParam());
  }
};

}  // namespace files

#endif  // LE_MESSAGING_SERVICES_TESTS_FACILITY_H_
