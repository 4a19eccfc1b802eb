// Copyright 2026 The le_messaging Authors
// SPDX-License-Identifier: Apache-2.0

#include "messaging/message/protocol.h"

#include <utility>

#include "absl/strings/str_cat.h"
#include "event/base/log.h"
#include "messaging/machine/limits.h"
#include "messaging/session/session.h"

namespace le {
namespace messaging {

Protocol::Protocol(std::string id, size_t max_message_size)
    : id_(std::move(id)),
      max_message_size_(max_message_size),
      pool_(new MessagePool(this, /*source=*/nullptr)),
      warn_at_(kDefaultPoolMessages * kPoolGrowthWarningFactor) {}

Protocol::~Protocol() { pool_->Unref(); }

void Protocol::OnMessageMade(Session* session) {
  size_t warn_of = 0;
  {
    std::lock_guard<std::mutex> lock(mutex_);
    if (++made_ > warn_at_) {
      warn_of = made_;
      warn_at_ *= kPoolGrowthWarningFactor;
    }
  }
  if (warn_of == 0) return;
  event::Log(event::LogLevel::kWarning,
             absl::StrCat("protocol '", id_, "': ", warn_of,
                          " messages are in use; the latest is for "
                          "interface '",
                          session->interface()->name,
                          "': are messages being released?"));
}

void Protocol::Reserve(size_t messages) {
  pool_->buffers()->Reserve(messages);
  std::lock_guard<std::mutex> lock(mutex_);
  for (; made_ < messages; ++made_) pool_->Add();
  warn_at_ = messages * kPoolGrowthWarningFactor;
}

}  // namespace messaging
}  // namespace le
