// Copyright 2026 The le_messaging Authors
// SPDX-License-Identifier: Apache-2.0

// Measures the peers, le_messaging and bare sockets on the same work in the
// same rounds.

#include <sys/socket.h>
#include <unistd.h>

#include <cstdio>
#include <memory>
#include <string>
#include <tuple>
#include <utility>
#include <vector>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "tests/benchmarks/child.h"
#include "tests/benchmarks/figures.h"
#include "tests/benchmarks/stage.h"

namespace le {
namespace benchmarks {
namespace {

struct Work {
  const char* title;
  const char* kind;
  size_t size;
  int64_t operations;
  bool is_rate;  // false: the result is a time
};
constexpr Work kWorks[] = {
    {"sync 64 B, us", "sync", 64, 400, false},
    {"sync 64 KiB, us", "sync", 65536, 200, false},
    // This number of operations is enough to reach the steady state.
    {"pipelined 64 B, /s", "pipelined", 64, 6000, true},
    {"one-way 64 B, /s", "one_way", 64, 4000, true},
    {"one-way 1 KiB, /s", "one_way", 1024, 4000, true},
};

enum class Meeting { kLink, kAddress };

struct Peer {
  const char* title;
  const char* program;
  Meeting meeting;
};
constexpr Peer kPeers[] = {
    {"nng (PAIR)", "nng_party", Meeting::kAddress},
    {"ZeroMQ (DEALER, ROUTER)", "zmq_party", Meeting::kAddress},
    {"sd-bus, peer to peer", "sd_bus_party", Meeting::kLink},
    {"Cap'n Proto", "capnp_party", Meeting::kLink},
    {"gRPC", "grpc_party", Meeting::kAddress},
};

struct Parties {
  Child* client = nullptr;
  Child* server = nullptr;
};

// The results of all parties for one kind of work.
struct Column {
  std::vector<std::string> cells;  // of raw, ours, the peers
};

class Contest {
 public:
  explicit Contest(int rounds) : rounds_(rounds), cpu_(UsableCpus()[0]) {}

  Column Measure(const Work& work) {
    Column column;
    // Each peer has its own Stage, with raw in the same rounds. So a peer that
    // fails does not stop the others.
    for (int who = -1; who < static_cast<int>(std::size(kPeers)); ++who) {
      Stage stage(rounds_);
      const Directory* const directory = stage.StartDirectory(
          absl::StrCat("<", getuid(), ">.* -> <self>.*\n"), cpu_);
      const Parties raw = Start(&stage, "unix_party", Meeting::kLink,
                                SOCK_SEQPACKET, {"raw_server"}, {"raw_client"});
      const Parties other = who < 0 ? StartOurs(&stage, directory, work)
                                    : StartPeer(&stage, directory, kPeers[who]);
      std::vector<Series> series;
      if (stage.ok()) {
        series = stage.Compare({Of(raw, work), Of(other, work)});
      }
      if (!stage.ok()) {
        std::fprintf(stderr, "%s, %s: %s\n",
                     who < 0 ? "le_messaging" : kPeers[who].title, work.title,
                     stage.error().c_str());
        series.resize(2);
      }
      if (who < 0) column.cells.push_back(Cell(work, series[0], series[0]));
      column.cells.push_back(Cell(work, series[0], series[1]));
    }
    return column;
  }

 private:
  Parties Start(Stage* stage, const std::string& program, Meeting meeting,
                int link_type, std::vector<std::string> server_words,
                std::vector<std::string> client_words) {
    Parties parties;
    if (!stage->ok()) return parties;
    ChildSpec server, client;
    const bool ours = program == "unix_party";
    server.program = client.program = FindProgram(
        absl::StrCat("tests/benchmarks/", ours ? "" : "peers/", program));
    server.cpu = client.cpu = cpu_;
    server.words = std::move(server_words);
    client.words = std::move(client_words);
    if (meeting == Meeting::kLink) {
      std::tie(server.link, client.link) = stage->Link(link_type);
    }
    parties.server = stage->Start(server);
    parties.client = stage->Start(client);
    return parties;
  }
  Parties StartOurs(Stage* stage, const Directory* directory,
                    const Work& work) {
    Parties parties;
    if (!stage->ok()) return parties;
    ChildSpec spec;
    spec.program = FindProgram("tests/benchmarks/unix_party");
    spec.cpu = cpu_;
    spec.folder = directory->folder();
    const std::string size = absl::StrCat(work.size);
    spec.words = {"server", "echo", size};
    parties.server = stage->Start(spec);
    spec.words[0] = work.is_rate ? "looper" : "client";
    parties.client = stage->Start(spec);
    return parties;
  }
  Parties StartPeer(Stage* stage, const Directory* directory,
                    const Peer& peer) {
    if (!stage->ok()) return Parties();
    const std::string address = directory->folder() + kRawName;
    return Start(stage, peer.program, peer.meeting, SOCK_STREAM,
                 {"server", address}, {"client", address});
  }
  static Variant Of(const Parties& parties, const Work& work) {
    Variant variant;
    variant.client = parties.client;
    variant.others = {parties.server};
    variant.kind = work.kind;
    variant.size = work.size;
    variant.operations = work.operations;
    return variant;
  }
  static std::string Cell(const Work& work, const Series& raw,
                          const Series& own) {
    const double ns = Median(own.ns);
    return absl::StrCat(FormatFigure(work.is_rate ? 1e9 / ns : ns / 1e3), " (",
                        FormatFigure(Median(Ratios(raw.ns, own.ns))), ")");
  }

  const int rounds_;
  const int cpu_;
};

int Main(int argc, char** argv) {
  int rounds = 11;
  for (int i = 1; i < argc; ++i) {
    const absl::string_view argument = argv[i];
    if (argument.substr(0, 9) == "--rounds=" &&
        absl::SimpleAtoi(argument.substr(9), &rounds) && rounds > 0) {
      continue;
    }
    std::fputs("peers [--rounds=N]\n", stderr);
    return 2;
  }
  std::vector<std::vector<std::string>> table = {
      {"speed (against raw)"}, {"raw SEQPACKET"}, {"le_messaging"}};
  for (const Peer& peer : kPeers) table.push_back({peer.title});
  std::vector<size_t> figures;
  Contest contest(rounds);
  for (const Work& work : kWorks) {
    std::fprintf(stderr, "%s\n", work.title);
    const Column column = contest.Measure(work);
    figures.push_back(table[0].size());
    table[0].push_back(work.title);
    for (size_t i = 0; i < column.cells.size(); ++i) {
      table[i + 1].push_back(column.cells[i]);
    }
  }
  std::printf("client and server on one CPU; medians of %d rounds\n\n%s",
              rounds, FormatColumns(table, figures).c_str());
  return 0;
}

}  // namespace
}  // namespace benchmarks
}  // namespace le

int main(int argc, char** argv) { return le::benchmarks::Main(argc, argv); }
