// Copyright 2026 The le_messaging Authors
// SPDX-License-Identifier: Apache-2.0
//
// Fuzzes the data that sdir reads from a service: its descriptors, and a
// message of each method. The input is the service's FileDescriptorSet, the
// bytes of a message, and in the last byte the size of this message.

#include <memory>
#include <string>

#include "google/protobuf/message.h"
#include "tests/fuzz/input.h"
#include "tools/sdir/typed_service.h"

namespace le {
namespace {

void Fuzz(std::string descriptors) {
  std::string bytes;
  if (!descriptors.empty()) {
    const auto size = static_cast<uint8_t>(descriptors.back());
    descriptors.pop_back();
    const size_t at =
        descriptors.size() - std::min<size_t>(size, descriptors.size());
    bytes = descriptors.substr(at);
    descriptors.resize(at);
  }
  const auto typed = sdir::TypedService::Read(descriptors, "p.S/1");
  if (!typed.ok()) return;
  fuzz::Require(!(*typed)->Text().empty(), "its files can be printed");
  for (const char* const name : {"M", "N"}) {
    const auto method = (*typed)->FindMethod(name);
    if (!method.ok()) continue;
    (*typed)->FromJson(bytes, method->request).IgnoreError();
    const auto message = (*typed)->NewMessage(method->response);
    if (!message->ParsePartialFromString(bytes)) continue;
    const auto json = sdir::TypedService::ToJson(*message);
    fuzz::Require(!json.ok() || json->find('\n') == std::string::npos,
                  "a message is one line");
  }
}

}  // namespace
}  // namespace le

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  le::Fuzz(std::string(reinterpret_cast<const char*>(data), size));
  return 0;
}
