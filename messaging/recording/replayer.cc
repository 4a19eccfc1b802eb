// Copyright 2026 The le_messaging Authors
// SPDX-License-Identifier: Apache-2.0

#include "messaging/recording/replayer.h"

#include <algorithm>
#include <map>
#include <set>
#include <utility>

#include "absl/status/statusor.h"
#include "absl/strings/escaping.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "absl/types/optional.h"
#include "event/process.h"
#include "le/client.h"
#include "le/loop.h"
#include "le/timer.h"
#include "le_messaging_ext.h"
#include "messaging/machine/wire.h"

namespace le {
namespace recording {

using inspection::TapRecord;

namespace {

constexpr size_t kShownBytes = 64;

absl::string_view WithoutZeros(absl::string_view payload) {
  const size_t last = payload.find_last_not_of('\0');
  return payload.substr(0, last == absl::string_view::npos ? 0 : last + 1);
}

std::string Shown(absl::string_view payload) {
  return absl::StrCat(absl::BytesToHexString(payload.substr(0, kShownBytes)),
                      payload.size() > kShownBytes ? "..." : "");
}

class Replayer {
 public:
  Replayer(const Recording& recording, const ReplayOptions& options,
           const std::function<void(const std::string&)>& on_difference,
           ReplayCounts* counts)
      : recording_(recording),
        options_(options),
        interface_(
            options.interface.empty()
                ? recording.service.substr(recording.service.find('.') + 1)
                : options.interface),
        on_difference_(on_difference),
        counts_(counts) {
    for (const RecordedFrame& frame : recording_.frames) {
      if (IsResponse(frame)) {
        responses_[{frame.record.session, frame.record.id}] = &frame;
      }
      last_frames_[frame.record.session] = &frame;
    }
  }

  absl::Status Run() {
    event::Process* const process = event::Process::Current();
    const event::Instant begin = process->Now();
    for (const RecordedFrame& frame : recording_.frames) {
      const TapRecord& record = frame.record;
      if (IsResponse(frame)) {
        RunUntilAnswered({record.session, record.id});
      } else if ((record.flags & TapRecord::kToClient) == 0) {
        if (options_.speed > 0) {
          const absl::Duration at = absl::Nanoseconds(
              record.at_ns - recording_.frames.front().record.at_ns);
          RunLoopFor(begin + at / options_.speed - process->Now());
        }
        absl::Status sent = Send(frame);
        if (!sent.ok()) return sent;
      }
      if (last_frames_[record.session] == &frame) {
        absl::Status ended = EndSession(record.session);
        if (!ended.ok()) return ended;
      }
    }
    // Now wait for the requests whose response was not recorded.
    while (!open_.empty()) RunUntilAnswered(*open_.begin());
    while (!sessions_.empty()) {
      absl::Status ended = EndSession(sessions_.begin()->first);
      if (!ended.ok()) return ended;
    }
    return absl::OkStatus();
  }

 private:
  using Key = std::pair<uint32_t, uint64_t>;  // the session and the request

  static bool IsResponse(const RecordedFrame& frame) {
    const uint8_t type = messaging::PlainType(frame.record.type);
    return type == messaging::kResponseFrame ||
           type == messaging::kUnansweredFrame;
  }

  void RunLoopFor(absl::Duration time) {
    if (time <= absl::ZeroDuration()) return;
    Timer timer([this] { loop_.Stop(); });
    timer.Start(time).IgnoreError();
    loop_.Run().IgnoreError();
  }
  void RunUntilAnswered(Key request) {
    if (open_.count(request) == 0) return;
    awaited_ = request;
    loop_.Run().IgnoreError();
    awaited_.reset();
  }

  // Called after the last frame of each session. Otherwise a recording with
  // very many sessions, one after another, would keep all of them open. A
  // session with open requests is kept. A close loses queued messages, so this
  // function first waits until none is queued.
  absl::Status EndSession(uint32_t number) {
    const auto open = open_.lower_bound({number, 0});
    if (open != open_.end() && open->first == number) return absl::OkStatus();
    const auto it = sessions_.find(number);
    if (it == sessions_.end()) return absl::OkStatus();
    event::Process* const process = event::Process::Current();
    const event::Instant end = process->Now() + options_.timeout;
    const le_msg_SessionRef_t session = CoreOf(it->second)->session();
    while (le_msg_GetQueuedBytes(session) > 0) {
      if (process->Now() >= end) {
        return absl::DeadlineExceededError(
            "the service has not received all messages in time");
      }
      RunLoopFor(absl::Milliseconds(1));
    }
    const le_msg_CloseReason_t reason = le_msg_GetCloseReason(session);
    sessions_.erase(it);
    if (reason == LE_MSG_CLOSE_NONE) return absl::OkStatus();
    return absl::UnavailableError(absl::StrCat(
        "the service may have lost messages: the session was closed: ",
        le_msg_GetCloseReasonTxt(reason)));
  }

  absl::StatusOr<Client*> SessionOf(uint32_t number) {
    auto it = sessions_.find(number);
    if (it == sessions_.end()) {
      absl::StatusOr<Client> client = Client::Create(
          interface_, {recording_.protocol_id, recording_.max_message_size});
      if (!client.ok()) return client.status();
      absl::Status opened = client->Open(options_.timeout);
      if (!opened.ok()) return opened;
      it = sessions_.emplace(number, *std::move(client)).first;
    }
    return &it->second;
  }

  absl::Status Send(const RecordedFrame& frame) {
    const TapRecord& record = frame.record;
    const uint8_t type = messaging::PlainType(record.type);
    if ((record.flags & TapRecord::kHasDescriptor) != 0 ||
        frame.payload.size() != record.payload_bytes ||
        frame.payload.size() > recording_.max_message_size ||
        (type != messaging::kMessageFrame &&
         type != messaging::kRequestFrame)) {
      ++counts_->skipped;
      return absl::OkStatus();
    }
    const absl::StatusOr<Client*> session = SessionOf(record.session);
    if (!session.ok()) return session.status();
    Message message = (*session)->NewMessage();
    if ((record.type & messaging::kLengthWasSet) != 0) {
      absl::Status assigned = message.Assign(frame.payload);
      if (!assigned.ok()) return assigned;
    } else {
      std::copy(frame.payload.begin(), frame.payload.end(),
                message.buffer().begin());
    }
    ++counts_->sent;
    if (type == messaging::kMessageFrame) {
      return std::move(message).Send(options_.timeout);
    }
    const Key key{record.session, record.id};
    open_.insert(key);
    (*session)
        ->RequestAsync(std::move(message), options_.timeout,
                       [this, key](const absl::StatusOr<Message>& response) {
                         Compare(key, response);
                         open_.erase(key);
                         if (awaited_ == key) loop_.Stop();
                       })
        .Detach();
    (*session)->Flush();
    return absl::OkStatus();
  }

  void Compare(Key request, const absl::StatusOr<Message>& response) {
    const auto it = responses_.find(request);
    if (it == responses_.end()) {
      ++counts_->unknown;
      return;
    }
    const RecordedFrame& recorded = *it->second;
    const bool was_answered =
        messaging::PlainType(recorded.record.type) == messaging::kResponseFrame;
    const bool is_whole =
        recorded.payload.size() == recorded.record.payload_bytes;
    absl::string_view before = recorded.payload;
    absl::string_view now;
    if (response.ok()) {
      now = response->text();
      if (!is_whole) now = now.substr(0, before.size());
      now = WithoutZeros(now);
    }
    before = WithoutZeros(before);
    if (was_answered ? response.ok() && now == before
                     : absl::IsAborted(response.status())) {
      ++counts_->same;
      return;
    }
    ++counts_->different;
    on_difference_(absl::StrCat(
        "#", request.first, " request ", request.second, ": ",
        was_answered ? Shown(before) : "released", " was recorded, now ",
        response.ok() ? Shown(now) : response.status().ToString()));
  }

  const Recording& recording_;
  const ReplayOptions& options_;
  const std::string interface_;
  const std::function<void(const std::string&)>& on_difference_;
  ReplayCounts* const counts_;
  std::map<Key, const RecordedFrame*> responses_;
  std::map<uint32_t, const RecordedFrame*> last_frames_;  // of each session
  std::set<Key> open_;                                    // requests
  absl::optional<Key> awaited_;
  Loop loop_;
  std::map<uint32_t, Client> sessions_;
};

}  // namespace

absl::Status Replay(
    const Recording& recording, const ReplayOptions& options,
    const std::function<void(const std::string&)>& on_difference,
    ReplayCounts* counts) {
  return Replayer(recording, options, on_difference, counts).Run();
}

}  // namespace recording
}  // namespace le
