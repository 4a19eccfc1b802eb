// Copyright 2026 The le_messaging Authors
// SPDX-License-Identifier: Apache-2.0
//
// Inspections of servers, with real processes and users: sdir shows what each
// server has done and which one hangs. Only administrators may inspect, and a
// server that lies harms neither sdir nor the directory.

#include <fcntl.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "directory/control_frame.h"
#include "directory/inspection_frame.h"
#include "directory/tap_ring.h"
#include "event/process.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "le_messaging_ext.h"
#include "legato.h"
#include "messaging/testing/processes.h"
#include "transports/unix_socket/unix_socket.h"

namespace le {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::Not;
using transports::Connection;
using transports::IncomingFrame;
using transports::IoResult;

constexpr uid_t kStranger = 12345;  // need not be in the user database
constexpr size_t kMessageBytes = 64;

le_msg_ProtocolRef_t Protocol() {
  return le_msg_GetProtocolRef("inspected", kMessageBytes);
}

// ---- Children --------------------------------------------------------------

void Respond(le_msg_MessageRef_t message, void*) {
  if (le_msg_NeedsResponse(message)) {
    le_msg_Respond(message);
  } else {
    le_msg_ReleaseMsg(message);
  }
}

void Keep(le_msg_MessageRef_t, void*) {}

[[noreturn]] void Serve(const char* name,
                        void (*handler)(le_msg_MessageRef_t, void*)) {
  const le_msg_ServiceRef_t service = le_msg_CreateService(Protocol(), name);
  le_msg_SetServiceRecvHandler(service, handler, nullptr);
  le_msg_AdvertiseService(service);
  le_event_RunLoop();
}

le_msg_MessageRef_t NewRequest(le_msg_SessionRef_t session) {
  const le_msg_MessageRef_t message = le_msg_CreateMsg(session);
  std::memset(le_msg_GetPayloadPtr(message), 'x', kMessageBytes);
  return message;
}

// An end of a connection to the directory, without the library's client.
class RawPeer {
 public:
  explicit RawPeer(const std::string& folder) {
    auto connected = transport_.Connect(folder + "/directory");
    while (absl::IsAborted(connected.status())) {  // the backlog is full
      connected = transport_.Connect(folder + "/directory");
    }
    if (!connected.ok()) _exit(1);
    connection_ = *std::move(connected);
  }
  void Say(directory::proto::ToDirectory message) {
    directory::SendControl(connection_.get(), std::move(message));
  }
  void Advertise(const std::string& name) {
    directory::proto::ToDirectory message;
    auto* const service = message.mutable_advertise()->mutable_service();
    service->set_interface_name(name);
    service->set_protocol_id("inspected");
    service->set_max_message_size(kMessageBytes);
    directory::ToProto(transports::Dialect(),
                       message.mutable_advertise()->mutable_dialect());
    Say(std::move(message));
  }
  void Inspect(const std::string& name) {
    directory::proto::ToDirectory message;
    message.mutable_inspect()->set_service_uid(geteuid());
    message.mutable_inspect()->set_interface_name(name);
    directory::ToProto(transports::Dialect(),
                       message.mutable_inspect()->mutable_dialect());
    Say(std::move(message));
  }
  IncomingFrame Hear() {
    IncomingFrame frame;
    if (connection_->Receive(&frame, pool_.get(), absl::InfiniteFuture()) !=
        IoResult::kOk) {
      frame.payload.reset();
    }
    return frame;
  }
  Connection* connection() { return connection_.get(); }

 private:
  transports::UnixTransport transport_{event::Process::Current()};
  const transports::BufferPool::Ptr pool_ =
      transports::BufferPool::Create(directory::kMaxControlBytes);
  std::unique_ptr<Connection> connection_;
};

bool SendBytes(Connection* to, uint8_t type, const std::string& bytes) {
  transports::OutgoingFrame frame;
  frame.type = type;
  frame.payload = absl::MakeConstSpan(
      reinterpret_cast<const uint8_t*>(bytes.data()), bytes.size());
  return to->Send(frame) == IoResult::kOk;
}

// Offers a service, and does `lie` with the connection of each inspector.
[[noreturn]] void ServeLies(const std::string& folder, const std::string& name,
                            const std::function<void(Connection*)>& lie) {
  RawPeer server(folder);
  server.Advertise(name);
  std::vector<std::unique_ptr<Connection>> inspectors;
  const auto pool = transports::BufferPool::Create(4096);
  for (;;) {
    IncomingFrame frame = server.Hear();
    if (!frame.payload) _exit(1);
    if (frame.connection == nullptr) continue;
    IncomingFrame request;
    frame.connection->Receive(&request, pool.get(), absl::InfiniteFuture());
    lie(frame.connection.get());
    if (frame.connection != nullptr) {
      inspectors.push_back(std::move(frame.connection));
    }
  }
}

std::string SnapshotBytes(bool last) {
  inspection::proto::Answer answer;
  answer.mutable_snapshot()->mutable_service()->set_interface_name("x");
  answer.mutable_snapshot()->add_sessions()->set_pid(-5);
  answer.mutable_snapshot()->set_last(last);
  return answer.SerializeAsString();
}

int Occurrences(const std::string& text, const std::string& of) {
  int count = 0;
  for (size_t at = text.find(of); at != std::string::npos;
       at = text.find(of, at + of.size())) {
    ++count;
  }
  return count;
}

// ---- The fixture -----------------------------------------------------------

class InspectionTest : public ::testing::Test {
 protected:
  InspectionTest() {
    EXPECT_TRUE(directory_.Start());
    EXPECT_EQ(chmod(directory_.folder().c_str(), 0755), 0);
  }
  ~InspectionTest() override {
    for (const pid_t child : children_) {
      kill(child, SIGKILL);
      waitpid(child, nullptr, 0);
    }
    EXPECT_TRUE(directory_.Remove());
  }

  pid_t Run(const std::function<void()>& body) {
    const pid_t child = fork();
    if (child == 0) {
      prctl(PR_SET_PDEATHSIG, SIGKILL);
      setenv("LE_MESSAGING_DIR", directory_.folder().c_str(), 1);
      body();
      _exit(0);
    }
    children_.push_back(child);
    return child;
  }
  // Returns once the service is offered.
  pid_t RunServer(const std::string& name, const std::function<void()>& body) {
    const pid_t child = Run(body);
    EXPECT_EQ(Sdir("wait '<" + std::to_string(geteuid()) + ">." + name + "'"),
              "");
    return child;
  }
  // Returns once `body` has returned. The child then waits to be killed.
  pid_t RunClient(const std::function<void()>& body) {
    int done[2];
    EXPECT_EQ(pipe2(done, O_CLOEXEC), 0);
    const pid_t child = Run([&] {
      body();
      if (write(done[1], "x", 1) != 1) _exit(1);
      for (;;) pause();
    });
    close(done[1]);
    char byte;
    EXPECT_EQ(read(done[0], &byte, 1), 1) << "the client died";
    close(done[0]);
    return child;
  }
  // Returns the output of sdir.
  std::string Sdir(const std::string& arguments) {
    const std::string command = absl::StrCat(
        messaging::testing::FindProgram("tools/sdir/sdir"),
        " --socket_dir=", directory_.folder(), " ", arguments, " 2>&1");
    FILE* const pipe = popen(command.c_str(), "r");
    std::string output;
    char part[4096];
    for (size_t size; (size = fread(part, 1, sizeof(part), pipe)) > 0;) {
      output.append(part, size);
    }
    EXPECT_EQ(pclose(pipe), 0) << output;
    return output;
  }
  // Repeats the command until each server answers within a second, sdir's
  // timeout. On a busy machine an answer may be late.
  std::string SdirInTime(const std::string& arguments) {
    std::string output;
    do {
      output = Sdir(arguments);
    } while (Occurrences(output, "does not answer") > 0);
    return output;
  }

  messaging::testing::DirectoryProcess directory_{"<*>.* -> <self>.*\n"};
  std::vector<pid_t> children_;
};

TEST_F(InspectionTest, ShowsTheActivityOfEachSession) {
  RunServer("echo", [] { Serve("echo", Respond); });
  const pid_t client = RunClient([] {
    const auto session = le_msg_CreateSession(Protocol(), "echo");
    le_msg_OpenSessionSync(session);
    for (int i = 0; i < 3; ++i) {
      le_msg_ReleaseMsg(le_msg_RequestSyncResponse(NewRequest(session)));
    }
    le_msg_Send(NewRequest(session));
    // When this request has its response, the message before it has arrived.
    le_msg_ReleaseMsg(le_msg_RequestSyncResponse(NewRequest(session)));
  });
  EXPECT_THAT(
      SdirInTime("list --sessions --json"),
      AllOf(HasSubstr(
                absl::StrCat("\"sessions\":[{\"number\":1,\"pid\":", client)),
            HasSubstr("\"messagesIn\":5,\"bytesIn\":320,\"requests\":4,"
                      "\"messagesOut\":4,\"bytesOut\":256,\"unanswered\":0"),
            HasSubstr("\"busyNs\":"), Not(HasSubstr("\"problem\""))));
}

TEST_F(InspectionTest, ShowsRequestsWithoutAResponse) {
  RunServer("keeper", [] { Serve("keeper", Keep); });
  RunClient([] {
    const auto session = le_msg_CreateSession(Protocol(), "keeper");
    le_msg_OpenSessionSync(session);
    le_msg_RequestResponse(
        NewRequest(session), [](le_msg_MessageRef_t, void*) {}, nullptr);
  });
  std::string list;
  do {
    list = Sdir("list --sessions");  // the request may arrive late
  } while (list.find("in 1 messages (64 bytes)") == std::string::npos);
  EXPECT_THAT(
      list,
      HasSubstr("requests without a response, and open streams: 1, for "));
}

// The server that hangs is neither the first nor the last that sdir asks.
TEST_F(InspectionTest, FindsTheServerThatHangs) {
  RunServer("good", [] { Serve("good", Respond); });
  const pid_t hung = RunServer("hung", [] { Serve("hung", Respond); });
  RunServer("well", [] { Serve("well", Respond); });
  kill(hung, SIGSTOP);
  const std::string problem = "\"problem\":\"does not answer";
  EXPECT_THAT(Sdir("list --sessions --json '<*>.hung'"), HasSubstr(problem));
  EXPECT_THAT(SdirInTime("list --sessions --json '<*>.good'"),
              AllOf(HasSubstr("\"sessions\":[]"), Not(HasSubstr(problem))));
  EXPECT_EQ(Occurrences(Sdir("list --sessions"),
                        "PROBLEM: does not answer: it is stopped by a signal"),
            1);
  kill(hung, SIGCONT);
  // After SIGCONT the server may run late.
  while (Occurrences(Sdir("list --sessions --json"), "problem") > 0) {
  }
}

// When a server has not received four inspections, the directory refuses the
// next one. sdir still reports that the server is stopped, and does not list
// this refusal among the refused clients. After SIGCONT the server answers.
TEST_F(InspectionTest, AHungServerMayBeAskedAgainAndAgain) {
  const pid_t hung = RunServer("hung", [] { Serve("hung", Respond); });
  kill(hung, SIGSTOP);
  for (int i = 0; i < 6; ++i) {
    EXPECT_THAT(Sdir("list --sessions"),
                AllOf(HasSubstr("does not answer: it is stopped by a signal"),
                      Not(HasSubstr("REFUSED"))));
  }
  kill(hung, SIGCONT);
  // The server may receive the introductions late.
  while (Occurrences(Sdir("list --sessions"), "PROBLEM") > 0) {
  }
}

TEST_F(InspectionTest, EightMayInspectAServiceAtATime) {
  RunServer("echo", [] { Serve("echo", Respond); });
  // A process that uses the library's objects must not fork later.
  RunClient([this] {
    const auto ask = [](RawPeer* peer) {
      peer->Inspect("echo");
      peer->Hear();  // Introduced
      inspection::proto::Request request;
      request.mutable_snapshot();
      inspection::Send(peer->connection(), request);
      inspection::proto::Answer answer;
      if (!inspection::Parse(peer->Hear(), &answer)) _exit(1);
      return answer;
    };
    std::vector<std::unique_ptr<RawPeer>> peers;
    for (int i = 0; i < 8; ++i) {
      peers.push_back(std::make_unique<RawPeer>(directory_.folder()));
      if (!ask(peers.back().get()).has_snapshot()) _exit(1);
    }
    auto ninth = std::make_unique<RawPeer>(directory_.folder());
    if (ask(ninth.get()).refusal() !=
        "8 administrators inspect this service already: no more can") {
      _exit(1);
    }
    peers.pop_back();
    // The server may learn only later that an inspector has closed its
    // connection.
    do {
      ninth = std::make_unique<RawPeer>(directory_.folder());
    } while (ask(ninth.get()).has_refusal());
  });
}

TEST_F(InspectionTest, AStrangerMayNot) {
  if (geteuid() != 0) GTEST_SKIP() << "only root can be another user";
  RunServer("echo", [] { Serve("echo", Respond); });
  const pid_t stranger = Run([this] {
    if (setresuid(kStranger, kStranger, kStranger) != 0) _exit(100);
    RawPeer peer(directory_.folder());
    directory::proto::ToDirectory message;
    message.mutable_inspect()->set_interface_name("echo");
    peer.Say(std::move(message));
    directory::proto::FromDirectory answer;
    if (!directory::ParseControl(peer.Hear(), &answer)) _exit(1);
    _exit(answer.refusal().code() == directory::proto::NOT_PERMITTED ? 0 : 1);
  });
  int status = 0;
  EXPECT_EQ(waitpid(stranger, &status, 0), stranger);
  children_.pop_back();
  EXPECT_EQ(status, 0);
}

// A server sends wrong answers to an inspector. sdir shows a problem, or only
// the part of the answer that it can use. The directory and other servers are
// not affected.
TEST_F(InspectionTest, NoLieOfAServerDoesHarm) {
  RunServer("honest", [] { Serve("honest", Respond); });
  const auto junk = [](Connection* to) {
    SendBytes(to, inspection::kInspectionFrame, "\xff\xff\xff\xff");
  };
  const auto frame_of_the_directory = [](Connection* to) {
    directory::proto::FromDirectory lie;
    lie.mutable_refusal()->set_text("a lie");
    directory::SendControl(to, lie);
  };
  const auto message_of_a_session = [](Connection* to) {
    SendBytes(to, 2, "x");
  };
  const auto close = [](Connection* to) { to->Close(); };
  const auto too_large = [](Connection* to) {
    SendBytes(to, inspection::kInspectionFrame, std::string(1 << 20, 'x'));
  };
  const auto descriptor = [](Connection* to) {
    const std::string bytes = SnapshotBytes(true);
    int ends[2];
    if (pipe2(ends, O_CLOEXEC) != 0) _exit(1);
    event::UniqueFd fd(ends[0]);
    transports::OutgoingFrame frame;
    frame.type = inspection::kInspectionFrame;
    frame.payload = absl::MakeConstSpan(
        reinterpret_cast<const uint8_t*>(bytes.data()), bytes.size());
    frame.descriptor = &fd;
    to->Send(frame);
  };
  const auto twice = [](Connection* to) {
    SendBytes(to, inspection::kInspectionFrame, SnapshotBytes(true));
    SendBytes(to, inspection::kInspectionFrame, SnapshotBytes(true));
  };
  const auto never_last = [](Connection* to) {
    SendBytes(to, inspection::kInspectionFrame, SnapshotBytes(false));
  };
  const auto empty_parts = [](Connection* to) {
    inspection::proto::Answer answer;
    answer.mutable_snapshot();
    const std::string bytes = answer.SerializeAsString();
    while (SendBytes(to, inspection::kInspectionFrame, bytes)) {
    }
  };
  const auto sessions_without_end = [](Connection* to) {
    inspection::proto::Answer answer;
    for (int i = 0; i < 6000; ++i) answer.mutable_snapshot()->add_sessions();
    const std::string bytes = answer.SerializeAsString();
    while (SendBytes(to, inspection::kInspectionFrame, bytes)) {
      if (!to->Wait(Connection::kWritable, absl::InfiniteFuture())) return;
    }
  };
  const auto time_without_bounds = [](Connection* to) {
    inspection::proto::Answer answer;
    answer.mutable_snapshot()->set_at_ns(INT64_MAX);
    answer.mutable_snapshot()->set_last(true);
    SendBytes(to, inspection::kInspectionFrame, answer.SerializeAsString());
  };
  const std::pair<std::function<void(Connection*)>, std::string> lies[] = {
      {junk, "\"problem\":\"answers with a message that is not"},
      {frame_of_the_directory,
       "\"problem\":\"answers with a message that is not"},
      {message_of_a_session,
       "\"problem\":\"answers with a message that is not"},
      {close, "\"problem\":\"has closed the connection"},
      {too_large, "\"problem\":\"has closed the connection"},
      {descriptor, "\"sessions\":[{\"number\":0,\"pid\":-5"},
      {twice, "\"sessions\":[{\"number\":0,\"pid\":-5"},
      {never_last, "\"problem\":\"does not answer"},
      {empty_parts, "\"problem\":\"answers with a message that is not"},
      {sessions_without_end, "\"problem\":\"sends more than sdir accepts"},
      {time_without_bounds, "\"problem\":\"answers with a message that is not"},
  };
  int number = 0;
  for (const auto& lie : lies) {
    const std::string name = absl::StrCat("liar", ++number);
    RunServer(name, [&] { ServeLies(directory_.folder(), name, lie.first); });
    const std::string list = "list --sessions --json '<*>." + name + "'";
    const bool answers = Occurrences(lie.second, "does not answer") == 0;
    EXPECT_THAT(answers ? SdirInTime(list) : Sdir(list), HasSubstr(lie.second))
        << name;
  }
  EXPECT_THAT(SdirInTime("list --sessions --json '<*>.honest'"),
              HasSubstr("\"sessions\":[]"));
}

TEST_F(InspectionTest, AProcessMayOfferAServiceTwice) {
  RunServer("twice", [this] {
    RawPeer first(directory_.folder());  // does not answer
    first.Advertise("twice");
    // The directory may read the offers of two connections in any order.
    while (Occurrences(Sdir("list --json"), "twice\"") < 1) {
    }
    Serve("twice", Respond);
  });
  while (Occurrences(Sdir("list --json"), "twice\"") < 2) {
  }
  const std::string list = Sdir("list --sessions --json");
  EXPECT_EQ(Occurrences(list, "does not answer"), 2) << list;
  const std::string metrics = Sdir("metrics");
  EXPECT_EQ(Occurrences(metrics, "le_messaging_service_answers{"), 1)
      << metrics;
}

TEST_F(InspectionTest, ServersThatHangDoNotHideOthers) {
  for (const char* name : {"a", "m", "z"}) {
    kill(RunServer(name, [name] { Serve(name, Respond); }), SIGSTOP);
    const std::string good = absl::StrCat(name, "_good");
    RunServer(good, [&good] { Serve(good.c_str(), Respond); });
  }
  // On a busy machine another server may be late, too.
  int silent;
  do {
    silent = Occurrences(Sdir("list --sessions --json"), "does not answer");
  } while (silent > 3);
  EXPECT_EQ(silent, 3);
}

// When 64 servers of a user have not answered, sdir does not ask the other
// servers of this user. So the command takes two seconds at most, and not a
// second for each 64 servers.
TEST_F(InspectionTest, AUserWithManySilentServersIsNotAskedForAll) {
  RunServer("last", [this] {
    std::vector<std::unique_ptr<RawPeer>> peers;
    for (int i = 0; i < 130; ++i) {
      peers.push_back(std::make_unique<RawPeer>(directory_.folder()));
      peers.back()->Advertise(i < 129 ? absl::StrCat("silent", i) : "last");
    }
    for (;;) pause();
  });
  std::string list;
  do {
    list = Sdir("list --sessions --json");
  } while (Occurrences(list, "\"problem\"") < 130);
  // When a server has not answered in time, the next one is asked.
  const int asked = Occurrences(list, "does not answer");
  EXPECT_GE(asked, 64);
  EXPECT_LT(asked, 2 * 64);
  EXPECT_EQ(Occurrences(list, "was not asked: 64 servers of its user"),
            130 - asked);
}

// A file that is not a ring could end the server by a fault, or stop it in a
// call that blocks.
TEST_F(InspectionTest, ATapNeedsARing) {
  RunServer("echo", [] { Serve("echo", Respond); });
  RunClient([this] {
    const auto inspect = [this] {
      auto peer = std::make_unique<RawPeer>(directory_.folder());
      peer->Inspect("echo");
      peer->Hear();  // Introduced
      inspection::proto::Request ready;
      ready.mutable_ready();
      inspection::Send(peer->connection(), ready);
      peer->Hear();
      return peer;
    };
    const auto tap = [](RawPeer* peer, event::UniqueFd file,
                        int32_t client = 0) {
      inspection::proto::Request request;
      request.mutable_tap()->set_client_pid(client);
      inspection::Send(peer->connection(), request, file ? &file : nullptr);
      inspection::proto::Answer answer;
      if (!inspection::Parse(peer->Hear(), &answer)) _exit(1);
      return answer.has_tapped();
    };
    const auto peer = inspect();
    int ends[2];
    if (pipe2(ends, O_CLOEXEC) != 0) _exit(1);
    if (tap(peer.get(), {}) || tap(peer.get(), event::UniqueFd(ends[0])) ||
        tap(peer.get(),
            event::UniqueFd(open("/dev/zero", O_RDWR | O_CLOEXEC)))) {
      _exit(1);
    }
    // A connection may tap once. If no client has the tap's pid, the tap shows
    // nothing.
    const le_msg_SessionRef_t session =
        le_msg_CreateSession(Protocol(), "echo");
    le_msg_OpenSessionSync(session);
    event::UniqueFd file;
    auto first =
        inspection::TapReader::Create(inspection::kMinRingBytes, &file);
    if (!first.ok() || !tap(peer.get(), std::move(file))) _exit(1);
    auto again =
        inspection::TapReader::Create(inspection::kMinRingBytes, &file);
    if (!again.ok() || tap(peer.get(), std::move(file))) _exit(1);
    const auto other = inspect();
    auto second =
        inspection::TapReader::Create(inspection::kMinRingBytes, &file);
    if (!second.ok() || !tap(other.get(), std::move(file), getpid())) _exit(1);
    const auto another = inspect();
    auto third =
        inspection::TapReader::Create(inspection::kMinRingBytes, &file);
    if (!third.ok() || !tap(another.get(), std::move(file), 1)) _exit(1);
    le_msg_ReleaseMsg(le_msg_RequestSyncResponse(NewRequest(session)));
    const auto records = [](inspection::TapReader* ring) {
      inspection::TapRecord record;
      std::string payload;
      int count = 0;
      while (ring->Next(&record, &payload) ==
             inspection::TapReader::Result::kRecord) {
        if (payload != std::string(kMessageBytes, 'x')) _exit(1);
        ++count;
      }
      return count;
    };
    // A request and its response are two records. The response may arrive
    // before it is copied, so at least one record is expected.
    if (records(first->get()) < 1 || records(second->get()) < 1 ||
        records(third->get()) != 0) {
      _exit(1);
    }
  });
}

TEST_F(InspectionTest, NoLieOfATappedServerDoesHarm) {
  inspection::proto::Answer refusal, tapped, ready;
  refusal.set_refusal("\033no");
  tapped.mutable_tapped();
  ready.mutable_ready();
  const auto send = [](const std::string& bytes, int times = 1) {
    return [=](Connection* to) {
      for (int i = 0; i < times; ++i) {
        SendBytes(to, inspection::kInspectionFrame, bytes);
      }
    };
  };
  const std::string junk = "the server violates the format of a tap\n";
  const std::pair<std::function<void(Connection*)>, std::string> lies[] = {
      {send("\xff\xff"), junk},
      {send(SnapshotBytes(true)), junk},
      {send(refusal.SerializeAsString()), "sdir: \\x1bno\n"},
      {send(tapped.SerializeAsString()), junk},
      {send(ready.SerializeAsString(), 2), junk},
      {[=](Connection* to) {
         send(ready.SerializeAsString())(to);
         send(tapped.SerializeAsString(), 2)(to);
       },
       junk},
      {[](Connection* to) { SendBytes(to, 2, "x"); }, junk},
      {[](Connection* to) { to->Close(); }, "has closed the connection\n"},
  };
  int number = 0;
  for (const auto& lie : lies) {
    const std::string name = absl::StrCat("liar", ++number);
    RunServer(name, [&] { ServeLies(directory_.folder(), name, lie.first); });
    EXPECT_THAT(Sdir(absl::StrCat("record '<", geteuid(), ">.", name,
                                  "' -o /dev/null 2>&1 || true")),
                HasSubstr(lie.second))
        << name;
  }
}

}  // namespace
}  // namespace le
