// Copyright 2026 The le_messaging Authors
// SPDX-License-Identifier: Apache-2.0

#include "directory/directoryd_usage.h"

namespace le {
namespace directory {
namespace {

constexpr char kSummary[] = "introduces le_messaging clients to their services";

constexpr char kMaxConnections[] =
    "how many connections one user may have at a time. Default: 32768. "
    "directoryd's limit of open files bounds the totals of all users. At its "
    "start directoryd logs these totals, and each option that exceeds its "
    "total. A user may open one more only while it has fewer connections than "
    "are free";

constexpr char kOptionForms[] =
    "An option's value may also be an argument of its own: --socket_dir DIR. "
    "A folder that directoryd makes has mode 0755, and the socket has 0666, "
    "whatever the umask is: the bindings decide which services a client "
    "reaches. If the socket or the lock file is deleted, both are created "
    "again.";

constexpr char kServiceManager[] =
    "A service manager may pass the socket (LISTEN_PID, LISTEN_FDS, as systemd "
    "does). Then connections wait in its backlog while directoryd restarts, "
    "and clients trust the user that has opened the socket. The socket must "
    "have the type SOCK_SEQPACKET, be bound to DIR/directory, and listen. If "
    "it is deleted, directoryd ends. If the manager has set NOTIFY_SOCKET, "
    "directoryd notifies it (Type=notify, watchdog).";

constexpr char kSignals[] =
    "Needs no privileges. Runs until SIGTERM or SIGINT; sessions outlive it. "
    "Ignores SIGPIPE and SIGXFSZ. A SIGHUP during the start is handled after "
    "the start.";

}  // namespace

const Usage& DirectorydUsage() {
  static const auto* const usage = new Usage{
      "directoryd",
      8,
      kSummary,
      {},
      {
          {"--socket_dir", "DIR",
           "the folder of the socket; made if it is missing. Default: the "
           "first of $LE_MESSAGING_DIR, /run/le_messaging if it exists, "
           "$XDG_RUNTIME_DIR/le_messaging"},
          {"--bindings", "FILE",
           "the bindings, one in each line: "
           "'<USER>.CLIENT_INTERFACE -> <USER>.SERVICE'. Read again on SIGHUP "
           "and by 'sdir load'. Without this option and --bindings_dir there "
           "are no bindings until sdir adds some. At the start, a line with an "
           "unknown user is skipped with a warning; later it is an error, and "
           "nothing changes"},
          {"--bindings_dir", "DIR",
           "a folder of such files. Each file NAME.bindings is read, in the "
           "order of the names, together with FILE. If one of them has an "
           "error, "
           "nothing changes. Links are errors. 'sdir bind --persist' writes "
           "DIR/50-sdir.bindings, if directoryd may write there"},
          {"--max_connections", "N", kMaxConnections},
          {"--max_half_open", "N",
           "the same for connections that have sent nothing yet. Default: "
           "1024"},
          {"--max_waiting", "N",
           "the same for clients that wait. Default: 16384"},
          {"--max_services", "N", "the same for services. Default: 16384"},
          {"--half_open_seconds", "N",
           "how long a connection may send nothing. Default: 30"},
          {"--help", nullptr, "this text", "-h"},
          {"--help_as", "FORMAT",
           "this text as man, or a completion for bash, zsh or fish"},
          {"--version", nullptr, "prints the version"},
      },
      {kOptionForms, kServiceManager, kSignals},
      {{kDone, "ended by a signal"},
       {kFailed, "directoryd cannot start or continue"},
       {kMisused, "the arguments are wrong"}},
      {"sdir 1", "le_bindings 5", "le_messaging 7"}};
  return *usage;
}

}  // namespace directory
}  // namespace le
