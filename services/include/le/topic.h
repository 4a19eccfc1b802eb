// Copyright 2026 The le_messaging Authors
// SPDX-License-Identifier: Apache-2.0
//
// le/topic.h: the same items for many streams.

#ifndef LE_MESSAGING_SERVICES_LE_TOPIC_H_
#define LE_MESSAGING_SERVICES_LE_TOPIC_H_

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <list>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "le/serve.h"

namespace le {

// The policy of a le::Topic for a slow stream. A stream is slow if the topic no
// longer keeps the stream's next item, because `kept_items` newer items were
// published.
enum class SlowStream {
  // The stream continues with the items that are kept. To get the newest item
  // at once, a slow client needs a small CallOptions::Window(): it first gets
  // the items that its window has let through.
  kSkipsItems,
  kEnds,  // the stream ends with ResourceExhausted
};

// Pushes each item to all its streams:
//
//   void Watch(const Nothing&, le::Sink<State> sink) override {
//     states_.AddWithKept(std::move(sink));
//   }
//   le::Topic<State> states_{le::SlowStream::kSkipsItems, /*kept_items=*/1};
//   ...
//   states_.Publish(state);
//
// A topic keeps copies of the last `kept_items` items, once for all streams. If
// a stream is not ready for an item, the loop pushes the item later, provided
// that the topic still keeps it. The client's CallOptions::Window() limits the
// items that were pushed to a stream, but not handled by the client.
//
// If the client cancels a stream, the topic drops the stream. When the server
// drains, all streams end with Unavailable. If an item is too large or lacks a
// required field, each stream that should get it ends with the error of
// Sink::Push().
//
// Only the thread of the server may use a topic. It may destroy the topic at
// any time, before or after the server. Then the streams end with Unavailable.
template <typename T>
class Topic {
 public:
  // `kept_items` is at least 1: 0 means 1.
  Topic(SlowStream policy, size_t kept_items)
      : policy_(policy), max_kept_(std::max<size_t>(kept_items, 1)) {}
  Topic(const Topic&) = delete;
  Topic& operator=(const Topic&) = delete;

  // Adds a stream, which gets the items that are published later. Replaces the
  // closures of Sink::OnCancel() and Sink::OnReady().
  void Add(Sink<T> sink) { AddFrom(published_, std::move(sink)); }
  // As Add(), but the stream first gets the items that are kept. If the topic
  // keeps one item, this item is the present value.
  void AddWithKept(Sink<T> sink) {
    AddFrom(published_ - kept_.size(), std::move(sink));
  }

  // Keeps a copy of the item, and pushes the item to all streams.
  void Publish(const T& item) {
    if (kept_.size() < max_kept_) {
      kept_.push_back(item);
    } else {
      kept_[published_ % max_kept_] = item;
    }
    ++published_;
    for (auto it = streams_.begin(); it != streams_.end();) Push(it++);
  }

  // Ends all streams. A stream loses the items that were not pushed to it yet.
  void EndAll(const absl::Status& status = absl::OkStatus()) {
    while (!streams_.empty()) {
      std::move(streams_.front().sink).End(status);
      streams_.pop_front();
    }
  }

  // The number of streams.
  size_t size() const { return streams_.size(); }

 private:
  struct Stream {
    Sink<T> sink;
    uint64_t next;  // the number of the item to push next
  };

  void AddFrom(uint64_t first, Sink<T> sink) {
    streams_.push_front({std::move(sink), first});
    const auto stream = streams_.begin();
    absl::Status status = stream->sink.CancelOnDrain();
    if (status.ok()) {
      status = stream->sink.OnCancel([this, stream] { EndCancelled(stream); });
    }
    // The sink is cancelled already, or empty.
    if (!status.ok()) return EndCancelled(stream);
    // The error may be Aborted: there is room again. Push() below uses the
    // room.
    stream->sink.OnReady([this, stream] { Push(stream); }).IgnoreError();
    Push(stream);
  }

  // If the client has cancelled the stream, it ignores the status.
  void EndCancelled(typename std::list<Stream>::iterator stream) {
    if (stream->sink) {
      std::move(stream->sink)
          .End(absl::UnavailableError("the server is ending"));
    }
    streams_.erase(stream);
  }

  // Pushes the items that were not pushed to the stream yet. May end the
  // stream.
  void Push(typename std::list<Stream>::iterator stream) {
    const uint64_t first_kept = published_ - kept_.size();
    absl::Status status;
    if (stream->next < first_kept) {
      if (policy_ == SlowStream::kEnds) {
        status = absl::ResourceExhaustedError("the client reads too slowly");
      }
      stream->next = first_kept;
    }
    while (status.ok() && stream->next < published_) {
      status = stream->sink.Push(kept_[stream->next % max_kept_]);
      if (absl::IsResourceExhausted(status)) return;  // OnReady() continues
      ++stream->next;
    }
    if (status.ok()) return;
    std::move(stream->sink).End(status);
    streams_.erase(stream);
  }

  const SlowStream policy_;
  const size_t max_kept_;
  std::vector<T> kept_;  // item n is at n % max_kept_
  uint64_t published_ = 0;
  std::list<Stream> streams_;
};

}  // namespace le

#endif  // LE_MESSAGING_SERVICES_LE_TOPIC_H_
