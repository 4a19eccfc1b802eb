// Copyright 2026 The le_messaging Authors
// SPDX-License-Identifier: Apache-2.0
//
// A client that violates the protocol talks to a live directory and a live
// server. Other clients are still served. Neither the directory nor the server
// keeps a resource for the hostile client.

#include "directory/control_frame.h"
#include "event/base/log.h"
#include "le_messaging_ext.h"
#include "legato.h"
#include "tests/fuzz/raw_socket.h"
#include "tests/one_thread/world.h"

namespace le {
namespace {

using fuzz::Input;
using fuzz::RawSocket;
using fuzz::Require;
using testing::OneThreadWorld;

constexpr size_t kMessageBytes = 200;
constexpr size_t kSockets = 6;

le_msg_ProtocolRef_t Protocol() {
  return le_msg_GetProtocolRef("fuzzed", kMessageBytes);
}

void Answer(le_msg_MessageRef_t message, void*) {
  if (le_msg_NeedsResponse(message)) {
    le_msg_Respond(message);
  } else {
    le_msg_ReleaseMsg(message);
  }
}

// One Scene is used for all inputs.
class Scene {
 public:
  static Scene* Get() {
    static Scene* const scene = new Scene;
    return scene;
  }

  void Play(Input input) {
    const int before = testing::OpenDescriptors();
    {
      RawSocket sockets[kSockets];
      while (!input.empty()) {
        const uint8_t what = input.Byte();
        Act(what / kSockets, &sockets[what % kSockets], &input);
      }
    }
    CheckThatOthersAreServed();
    Require(testing::WaitForOpenDescriptors(before), "no descriptor is left");
  }

 private:
  Scene() {
    event::SetLogSink([](event::LogLevel, absl::string_view) {});
    server_ = world_.Add("server");
    server_->Do([] {
      const le_msg_ServiceRef_t service =
          le_msg_CreateService(Protocol(), "service");
      le_msg_SetServiceRecvHandler(service, &Answer, nullptr);
      le_msg_AdvertiseService(service);
    });
    honest_ = world_.Add("honest");
    honest_->Do([this] {
      session_ = le_msg_CreateSession(Protocol(), "service");
      le_msg_OpenSession(
          session_,
          [](le_msg_SessionRef_t, void* open) {
            *static_cast<bool*>(open) = true;
          },
          &open_);
    });
    Require(world_.RunUntil([this] { return open_; }),
            "an honest session opens");
  }

  void Act(int what, RawSocket* socket, Input* input) {
    switch (what % 11) {
      case 0:
        socket->Connect(world_.address());
        return;
      case 1:
        SayToDirectory(socket, [&](directory::proto::ToDirectory* message) {
          Describe(message->mutable_open()->mutable_client(), "service");
          message->mutable_open()->set_wait(input->Byte() % 2 == 0);
        });
        return;
      case 2:
        SayToDirectory(socket, [&](directory::proto::ToDirectory* message) {
          Describe(message->mutable_advertise()->mutable_service(), "other");
        });
        return;
      case 3:
        socket->Send(RawSocket::NearlyAFrame(input, directory::kControlFrame));
        return;
      case 4:
        socket->Send(RawSocket::NearlyAFrame(input), input->Byte() % 5);
        return;
      case 5:
        // A valid message or request.
        socket->Send(RawSocket::Frame(static_cast<uint8_t>(2 + what % 2),
                                      input->Byte(),
                                      input->Bytes(input->Byte())));
        return;
      case 6:
        socket->Send(input->Bytes(input->Byte()), input->Byte() % 3);
        return;
      case 7:
        socket->HalfClose(input->Byte() % 2 == 0);
        return;
      case 8:
        socket->Close();
        return;
      case 9:
        socket->Receive();
        return;
      default:
        world_.Settle();
    }
  }

  template <typename Fill>
  static void SayToDirectory(RawSocket* socket, Fill fill) {
    directory::proto::ToDirectory message;
    message.set_version(directory::kControlVersion);
    fill(&message);
    socket->Send(RawSocket::Frame(directory::kControlFrame, 0,
                                  message.SerializeAsString()));
  }
  static void Describe(directory::proto::Description* description,
                       const char* name) {
    description->set_interface_name(name);
    description->set_protocol_id("fuzzed");
    description->set_max_message_size(kMessageBytes);
  }

  void CheckThatOthersAreServed() {
    int answers = 0;
    honest_->Do([this, &answers] {
      le_msg_RequestResponse(
          le_msg_CreateMsg(session_),
          [](le_msg_MessageRef_t response, void* answers) {
            Require(response != nullptr, "an honest client is answered");
            le_msg_ReleaseMsg(response);
            ++*static_cast<int*>(answers);
          },
          &answers);
    });
    Require(world_.RunUntil([&] { return answers == 1; }),
            "an honest client is answered");
    world_.Settle();
  }

  OneThreadWorld world_;
  OneThreadWorld::Party* server_ = nullptr;
  OneThreadWorld::Party* honest_ = nullptr;
  le_msg_SessionRef_t session_ = nullptr;
  bool open_ = false;
};

}  // namespace
}  // namespace le

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  le::Scene::Get()->Play(le::fuzz::Input(data, size));
  return 0;
}
