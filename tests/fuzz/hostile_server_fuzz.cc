// Copyright 2026 The le_messaging Authors
// SPDX-License-Identifier: Apache-2.0
//
// A directory and a server that violate the protocol talk to a live client.
// Each request completes once, and the client keeps no resource for these
// peers.

#include <sys/socket.h>
#include <sys/un.h>

#include <cstring>

#include "directory/control_frame.h"
#include "event/base/log.h"
#include "event/base/unique_fd.h"
#include "le_messaging_ext.h"
#include "legato.h"
#include "messaging/machine/wire.h"
#include "tests/fuzz/raw_socket.h"
#include "tests/one_thread/world.h"

namespace le {
namespace {

using fuzz::Input;
using fuzz::RawSocket;
using fuzz::Require;
using testing::OneThreadWorld;

constexpr size_t kMessageBytes = 200;
constexpr int kRequests = 3;

class Scene {
 public:
  static Scene* Get() {
    static Scene* const scene = new Scene;
    return scene;
  }

  void Play(Input input) {
    const int before = testing::OpenDescriptors();
    completions_ = asked_ = 0;
    client_->Do([this] {
      session_ = le_msg_CreateSession(
          le_msg_GetProtocolRef("fuzzed", kMessageBytes), "service");
      le_msg_SetSessionCloseHandler(
          session_, [](le_msg_SessionRef_t, void*) {}, nullptr);
      le_msg_SetSessionRecvHandler(
          session_,
          [](le_msg_MessageRef_t message, void*) {
            le_msg_ReleaseMsg(message);
          },
          nullptr);
      le_msg_OpenSession(session_, &Scene::OnOpen, this);
    });
    {
      RawSocket socket;
      socket.Adopt(accept4(listener_.get(), nullptr, nullptr,
                           SOCK_CLOEXEC | SOCK_NONBLOCK));
      while (!input.empty()) Act(&socket, &input);
      world_.Settle();
    }
    client_->Do([this] { le_msg_DeleteSession(session_); });
    world_.Settle();
    Require(completions_ == asked_, "each request completes once");
    // Close the connections of openings that the client has retried.
    for (int fd; (fd = accept4(listener_.get(), nullptr, nullptr,
                               SOCK_CLOEXEC | SOCK_NONBLOCK)) >= 0;) {
      RawSocket unwanted(fd);
    }
    Require(testing::WaitForOpenDescriptors(before), "no descriptor is left");
  }

 private:
  Scene() {
    event::SetLogSink([](event::LogLevel, absl::string_view) {});
    const std::string address = world_.folder() + "/hostile";
    listener_.reset(
        socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
    struct sockaddr_un at = {};
    at.sun_family = AF_UNIX;
    std::memcpy(at.sun_path, address.data(), address.size());
    Require(bind(listener_.get(), reinterpret_cast<struct sockaddr*>(&at),
                 sizeof(at)) == 0 &&
                listen(listener_.get(), 16) == 0,
            "the hostile directory listens");
    client_ = world_.Add("client", address);
    // The loops are never destroyed, so they are created before file
    // descriptors are counted.
    client_->Do([] { event::Thread::Current()->control_loop(); });
  }

  static void OnOpen(le_msg_SessionRef_t session, void* context) {
    auto* const self = static_cast<Scene*>(context);
    for (int i = 0; i < kRequests; ++i) {
      ++self->asked_;
      le_msg_RequestResponse(
          le_msg_CreateMsg(session),
          [](le_msg_MessageRef_t response, void* context) {
            ++static_cast<Scene*>(context)->completions_;
            if (response != nullptr) le_msg_ReleaseMsg(response);
          },
          self);
    }
  }

  void Act(RawSocket* socket, Input* input) {
    const uint8_t what = input->Byte();
    switch (what % 9) {
      case 0: {
        messaging::Hello hello;
        if (what / 9 % 8 == 7) hello.version = input->Number();
        socket->Send(RawSocket::Frame(
            messaging::kHelloFrame, 0,
            std::string(reinterpret_cast<const char*>(&hello), sizeof(hello))));
        return;
      }
      case 1: {
        // A response to a request, perhaps to one that was never made.
        const uint64_t slot = input->Byte() % 5;
        const uint64_t id = (uint64_t{1} + input->Byte() % 2) << 32 | slot;
        socket->Send(RawSocket::Frame(what / 9 % 2 == 0
                                          ? messaging::kResponseFrame
                                          : messaging::kUnansweredFrame,
                                      id, input->Bytes(input->Byte())));
        return;
      }
      case 2:
        socket->Send(RawSocket::Frame(messaging::kMessageFrame, 0,
                                      input->Bytes(input->Byte())),
                     input->Byte() % 3);
        return;
      case 3:
        socket->Send(RawSocket::NearlyAFrame(input), input->Byte() % 5);
        return;
      case 4:
        SayAsDirectory(socket, input);
        return;
      case 5:
        socket->Send(input->Bytes(input->Byte()));
        return;
      case 6:
        socket->HalfClose(what / 9 % 2 == 0);
        return;
      case 7:
        socket->Receive();
        return;
      default:
        world_.Settle();
    }
  }

  static void SayAsDirectory(RawSocket* socket, Input* input) {
    const std::string bytes = input->Bytes(input->Byte());
    directory::proto::FromDirectory message;
    // OTHER_PROTOCOL is documented to end the client's process.
    if (message.ParseFromString(bytes) &&
        message.refusal().code() == directory::proto::OTHER_PROTOCOL) {
      return;
    }
    socket->Send(RawSocket::Frame(directory::kControlFrame, 0, bytes));
  }

  OneThreadWorld world_;
  event::UniqueFd listener_;
  OneThreadWorld::Party* client_ = nullptr;
  le_msg_SessionRef_t session_ = nullptr;
  int asked_ = 0;
  int completions_ = 0;
};

}  // namespace
}  // namespace le

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  le::Scene::Get()->Play(le::fuzz::Input(data, size));
  return 0;
}
