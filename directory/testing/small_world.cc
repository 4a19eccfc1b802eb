// Copyright 2026 The le_messaging Authors
// SPDX-License-Identifier: Apache-2.0

#include "directory/testing/small_world.h"

#include <errno.h>
#include <sched.h>
#include <sys/mount.h>

#include <utility>

#include "absl/strings/str_cat.h"
#include "gtest/gtest.h"

namespace le {
namespace directory {

using transports::IoResult;

constexpr uid_t SmallWorld::kSelf;
constexpr char SmallWorld::kAddress[];

void SmallWorld::Run(std::function<void()> body) {
  sim_.Spawn(sim_.AddProcess("test", {0, kSelf, kSelf}), "main",
             [this, body = std::move(body)] {
               loop_ = event::Thread::Current()->loop();
               body();
               server_.reset();
             });
  EXPECT_EQ(static_cast<int>(sim_.Run()),
            static_cast<int>(event::Simulation::Outcome::kEnded))
      << sim_.Report();
}

void SmallWorld::Start(DirectoryServer::Options options, uid_t uid,
                       const std::string& address) {
  server_ = std::make_unique<DirectoryServer>(ProcessOf(uid), loop_, &users_,
                                              std::move(options));
  const absl::StatusOr<std::string> loaded =
      server_->Load(absl::StrCat("<*>.* -> <", kSelf, ">.*"), "bindings");
  EXPECT_TRUE(loaded.ok()) << loaded.status();
  const absl::Status listening = server_->Listen(TransportOf(uid), address);
  EXPECT_TRUE(listening.ok()) << listening;
}

void SmallWorld::Settle() {
  while (loop_->RunTurn(absl::InfinitePast())) {
  }
}

void SmallWorld::Advance(absl::Duration time) {
  const event::Instant end = loop_->Now() + time;
  while (loop_->Now() < end) loop_->RunTurn(end);
  Settle();
}

SmallWorld::Party* SmallWorld::PartyOf(uid_t uid) {
  std::unique_ptr<Party>& party = parties_[uid];
  if (party == nullptr) {
    party = std::make_unique<Party>(
        &network_, sim_.AddProcess(absl::StrCat("user ", uid), {0, uid, uid}));
  }
  return party.get();
}

Speaker::Speaker(SmallWorld* world, uid_t uid, const std::string& address)
    : world_(world), pool_(transports::BufferPool::Create(kMaxControlBytes)) {
  absl::StatusOr<std::unique_ptr<transports::Connection>> connected =
      world->TransportOf(uid)->Connect(address);
  EXPECT_TRUE(connected.ok()) << connected.status();
  if (connected.ok()) connection_ = *std::move(connected);
  world->Settle();
}

void Speaker::Say(const proto::ToDirectory& message) {
  SendControl(connection_.get(), message);
  world_->Settle();
}

bool Speaker::SayBytes(const std::string& bytes, uint8_t type) {
  transports::OutgoingFrame frame;
  frame.type = type;
  frame.payload = absl::MakeConstSpan(
      reinterpret_cast<const uint8_t*>(bytes.data()), bytes.size());
  const bool sent = connection_->Send(frame) == IoResult::kOk;
  world_->Settle();
  return sent;
}

std::string Speaker::Hear() {
  heard_.Clear();
  transports::IncomingFrame frame;
  switch (connection_->Receive(&frame, pool_.get(), absl::InfinitePast())) {
    case IoResult::kWouldBlock:
      return "nothing";
    case IoResult::kNotIdle:
    case IoResult::kClosed:
      return "closed";
    case IoResult::kOk:
      break;
  }
  if (!IsDirectoryFrame(frame.type)) return absl::StrCat("frame ", frame.type);
  if (frame.type == kIntroductionFrame) {
    client_ = std::move(frame.connection);
    return "client";
  }
  if (!ParseControl(frame, &heard_)) return "garbage";
  switch (heard_.what_case()) {
    case proto::FromDirectory::kRefusal:
      return absl::StrCat("refused ",
                          proto::RefusalCode_Name(heard_.refusal().code()),
                          ": ", heard_.refusal().text());
    case proto::FromDirectory::kAdvertiseState:
      return absl::StrCat(
          proto::OfferState_Name(heard_.advertise_state().state()), ": ",
          heard_.advertise_state().text());
    case proto::FromDirectory::kList:
      return "list";
    case proto::FromDirectory::kDone:
      return absl::StrCat("done: ", heard_.done().text());
    case proto::FromDirectory::kWaiting:
      return absl::StrCat("waiting: ", heard_.waiting().text());
    case proto::FromDirectory::kIntroduced:
      return absl::StrCat("introduced to pid ",
                          heard_.introduced().server_pid(), " of user ",
                          heard_.introduced().server_uid());
    case proto::FromDirectory::kDescribed:
      return absl::StrCat(heard_.described().service(), " of pid ",
                          heard_.described().pid(), " has ",
                          heard_.described().protocol_id(), " of ",
                          heard_.described().max_message_size());
    case proto::FromDirectory::kEvent:
      return absl::StrCat("event: ", heard_.event().text());
    default:
      return "garbage";
  }
}

void Speaker::HangUp() {
  connection_.reset();
  world_->Settle();
}

int NoSystemFolder::FailCall(const event::sys::Call& call) {
  return std::string(call.name) == "Stat" ? ENOENT : 0;
}

bool EnterEmptyRun() {
  return (unshare(CLONE_NEWNS) == 0 ||
          unshare(CLONE_NEWUSER | CLONE_NEWNS) == 0) &&
         mount(nullptr, "/", nullptr, MS_REC | MS_PRIVATE, nullptr) == 0 &&
         mount("none", "/run", "tmpfs", 0, nullptr) == 0;
}

InterfaceDescription Interface(const std::string& name,
                               const std::string& protocol, size_t size) {
  InterfaceDescription interface;
  interface.interface_name = name;
  interface.protocol_id = protocol;
  interface.max_message_size = size;
  return interface;
}

namespace {

void Describe(const InterfaceDescription& interface,
              proto::Description* described) {
  described->set_interface_name(interface.interface_name);
  described->set_protocol_id(interface.protocol_id);
  described->set_max_message_size(interface.max_message_size);
}

}  // namespace

proto::ToDirectory OpenMessage(const InterfaceDescription& interface,
                               bool wait) {
  proto::ToDirectory message;
  Describe(interface, message.mutable_open()->mutable_client());
  message.mutable_open()->set_wait(wait);
  return message;
}

proto::ToDirectory AdvertiseMessage(const InterfaceDescription& interface) {
  proto::ToDirectory message;
  Describe(interface, message.mutable_advertise()->mutable_service());
  return message;
}

proto::ToDirectory BindMessage(const std::string& client,
                               const std::string& service) {
  proto::ToDirectory message;
  message.mutable_bind()->set_client(client);
  message.mutable_bind()->set_service(service);
  return message;
}

proto::ToDirectory UnbindMessage(const std::string& client) {
  proto::ToDirectory message;
  message.mutable_unbind()->set_client(client);
  return message;
}

proto::ToDirectory WaitMessage(const std::string& service) {
  proto::ToDirectory message;
  message.mutable_wait()->set_service(service);
  return message;
}

proto::ToDirectory DescribeMessage(const std::string& interface,
                                   const std::string& service) {
  proto::ToDirectory message;
  message.mutable_describe()->set_interface_name(interface);
  message.mutable_describe()->set_service(service);
  return message;
}

proto::ToDirectory LoadMessage(const std::string& text, bool last) {
  proto::ToDirectory message;
  message.mutable_load()->set_text(text);
  message.mutable_load()->set_last(last);
  message.mutable_load()->set_file_name("file");
  return message;
}

proto::ToDirectory ListMessage() {
  proto::ToDirectory message;
  message.mutable_list();
  return message;
}

proto::ToDirectory MonitorMessage() {
  proto::ToDirectory message;
  message.mutable_monitor();
  return message;
}

}  // namespace directory
}  // namespace le
