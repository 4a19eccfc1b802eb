// Copyright 2026 The le_messaging Authors
// SPDX-License-Identifier: Apache-2.0

#include "tools/sdir/usage.h"

#include <iterator>
#include <vector>

namespace le {
namespace sdir {
namespace {

using directory::CommandInfo;
using directory::OptionInfo;
using directory::StatusInfo;
using directory::Usage;

constexpr char kSummary[] =
    "shows and changes the state of a le_messaging directory";

constexpr char kNotes[] =
    "CLIENT and SERVICE are <USER>.INTERFACE, in quotes. FILTER is the same, "
    "where * stands for any: '<alice>.*'. Options may be anywhere. A value may "
    "follow its option as an argument of its own: --socket_dir DIR. Only root "
    "and the directory's own user may use sdir, except with --as.";

constexpr char kWhereToStart[] =
    "Where to start: explain, if a client gets no service; top, if a service "
    "is slow; list --sessions, for refused programs and servers that hang.";

constexpr StatusInfo kStatuses[] = {
    {0, "done"},
    {1,
     "refused: by the directory, by a called service, or by sdir, which does "
     "not trust the directory; or the directory does not answer within 5 s"},
    {2, "the arguments are wrong"},
    {3,
     "--timeout has expired, or a server has not answered within 5 s. After "
     "--timeout, tap, record and trace end with 0"},
    {4, "explain: the answer is not yes; replay: responses differ"},
    {5, "there is no directory"},
};

const std::vector<OptionInfo>& Options() {
  static const auto* const options = new std::vector<OptionInfo>{
      {"--json", nullptr, "short for --format=json"},
      {"--format", "FORMAT", "text (the default) or json"},
      {"--sessions", nullptr,
       "also asks each server for its sessions; a server that does not answer "
       "within 1 s is marked"},
      {"--once", nullptr, "prints one table; the default without a terminal"},
      {"--textfile", "FILE",
       "replaces FILE atomically, for a collector of text files"},
      {"--output", "FILE",
       "where the output goes. Default, and -: the standard output, unless it "
       "is a terminal",
       "-o"},
      {"--check", nullptr, "only looks for errors"},
      {"--persist", nullptr,
       "also changes the file 50-sdir.bindings in the folder of directoryd's "
       "--bindings_dir. Later loads and restarts keep the change"},
      {"--timeout", "SECONDS", "how long to wait; without it, for ever"},
      {"--as", "INTERFACE",
       "opens the session as this client interface of the calling user, by its "
       "binding. Every user may do this. Without --as, no binding is needed"},
      {"--client", "PID", "only the sessions of this process"},
      {"--speed", "N", "N times as fast as it was recorded; 0: without pauses"},
      {"--fd", "FILE",
       "opens the file for reading, and sends its file descriptor with the "
       "request (-: standard input)"},
      {"--socket_dir", "DIR",
       "where the directory is. Default: the first of $LE_MESSAGING_DIR, "
       "/run/le_messaging if it exists, $XDG_RUNTIME_DIR/le_messaging"},
      {"--help", nullptr, "this text", "-h"},
      {"--version", nullptr, "prints the version"},
  };
  return *options;
}

const std::vector<CommandInfo>& Commands() {
  static const auto* const commands = new std::vector<CommandInfo>{
      {"list",
       "[FILTER]",
       {"--json", "--format", "--sessions"},
       "bindings, services, waiting clients and what they wait for, "
       "introductions made, and the latest requests that were refused"},
      {"explain",
       "CLIENT",
       {},
       "which binding applies, which server offers its service, which clients "
       "wait or were refused lately, and whether CLIENT can open a session"},
      {"top",
       "[FILTER]",
       {"--once"},
       "what services and their busiest clients do each second: rates, the "
       "time to respond, requests without a response, queues. BUSY% is the "
       "percentage of time that the server's event loop spends on the service "
       "or client. Near 100, all clients wait, and the first client is the "
       "cause. MEDIAN and P99 are the time to respond, without the time that a "
       "request waits for the server to receive it. UNANSW is the number of "
       "requests without a response, FOR is how long there have been some. "
       "QUEUE KB is the longest queue of messages to the client so far, FULL "
       "counts messages that found it full, and DROPPED counts messages that "
       "slow clients have lost"},
      {"graph",
       "[FILTER]",
       {"--output"},
       "a page in HTML that shows which clients talk to which services, with "
       "the rates of one second"},
      {"metrics",
       "",
       {"--textfile"},
       "the counters of the directory and of all services, in the format of "
       "OpenMetrics"},
      {"monitor",
       "[FILTER]",
       {"--json", "--format"},
       "prints each event of the directory as a line, until it is stopped"},
      {"bind",
       "CLIENT SERVICE",
       {"--persist"},
       "adds or replaces a binding, until the next load or restart"},
      {"unbind",
       "CLIENT",
       {"--persist"},
       "removes a binding, until the next load or restart. Open sessions stay "
       "open"},
      {"load",
       "[FILE]",
       {"--check"},
       "replaces all bindings by those of FILE (-: standard input), or of the "
       "files that directoryd was started with; on any error nothing changes"},
      {"wait",
       "SERVICE",
       {"--timeout"},
       "returns when SERVICE is offered; also waits for a directory"},
      {"introspect",
       "SERVICE",
       {"--as"},
       "asks a typed service for its .proto files, and prints them"},
      {"call",
       "SERVICE.METHOD [JSON]",
       {"--timeout", "--as", "--fd"},
       "calls a method of a typed service. JSON is the request ({}, if it is "
       "missing; -: standard input). Prints the response, or each item of a "
       "stream, as a line of JSON. Without --timeout, the service must accept "
       "the session and describe itself within 5 s"},
      {"tap",
       "SERVICE",
       {"--json", "--format", "--client", "--timeout"},
       "prints the messages of a service as they happen, with the time from "
       "each request to its response. The messages of a typed service are "
       "decoded. The server logs that it is tapped"},
      {"record",
       "SERVICE",
       {"--output", "--client", "--timeout"},
       "writes the messages in the format pcapng, which Wireshark and replay "
       "read"},
      {"replay",
       "FILE SERVICE",
       {"--speed", "--timeout"},
       "sends the messages of the recorded clients to the service, and prints "
       "the responses that differ from the recorded ones. Messages with file "
       "descriptors are skipped. Without --timeout, each response may take 5 "
       "s"},
      {"trace",
       "SERVICE",
       {"--output", "--client", "--timeout"},
       "writes the requests of a service as a trace, which Perfetto shows: a "
       "span from each request to its response, and a track for each session"},
      {"help",
       "[WHAT]",
       {},
       "this text. WHAT is a command, man (the man page, for 'man -l -'), or "
       "bash, zsh or fish (a completion)"},
  };
  return *commands;
}

}  // namespace

const Usage& SdirUsage() {
  static const auto* const usage =
      new Usage{"sdir",
                1,
                kSummary,
                Commands(),
                Options(),
                {kWhereToStart, kNotes},
                {std::begin(kStatuses), std::end(kStatuses)},
                {"le_bindings 5", "le_messaging 7", "directoryd 8"}};
  return *usage;
}

}  // namespace sdir
}  // namespace le
