// Copyright 2026 The le_messaging Authors
// SPDX-License-Identifier: Apache-2.0
//
// The C API: traces.

#include <atomic>
#include <cstdarg>
#include <map>
#include <memory>
#include <string>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "event/base/log.h"
#include "event/base/mutex.h"
#include "event/os_process.h"
#include "event/process.h"
#include "le_log.h"
#include "legato/format.h"

using le::event::CheckNotForked;
using le::event::Misuse;
using le::event::Mutex;
using le::event::MutexLock;
using le::event::Process;

struct le_log_Trace {
  std::string keyword;
  std::atomic<bool> enabled{false};
};

namespace {

class Traces final : public le::event::ModuleState {
 public:
  le_log_Trace* Get(const std::string& keyword) {
    MutexLock lock(&mutex_);
    std::unique_ptr<le_log_Trace>& trace = traces_[keyword];
    if (trace == nullptr) {
      trace = std::make_unique<le_log_Trace>();
      trace->keyword = keyword;
      const std::string list = Process::Current()->GetEnv("LE_LOG_TRACE");
      for (const absl::string_view name : absl::StrSplit(list, ':')) {
        // The component before the slash is ignored.
        if (!name.empty() && name.substr(name.rfind('/') + 1) == keyword) {
          trace->enabled = true;
        }
      }
    }
    return trace.get();
  }

 private:
  Mutex mutex_;
  std::map<std::string, std::unique_ptr<le_log_Trace>> traces_
      ABSL_GUARDED_BY(mutex_);
};

le_log_Trace* Checked(const char* function, le_log_TraceRef_t trace) {
  CheckNotForked(function);
  if (trace == nullptr) Misuse(function, "the trace is NULL");
  return trace;
}

}  // namespace

le_log_TraceRef_t le_log_GetTraceRef(const char* keyword) {
  CheckNotForked(__func__);
  if (keyword == nullptr) Misuse(__func__, "the keyword is NULL");
  return Process::Current()
      ->State<Traces>([] { return std::make_unique<Traces>(); })
      ->Get(keyword);
}

bool le_log_IsTraceEnabled(le_log_TraceRef_t traceRef) {
  return traceRef != nullptr &&
         traceRef->enabled.load(std::memory_order_relaxed);
}

void le_log_EnableTrace(le_log_TraceRef_t traceRef) {
  Checked(__func__, traceRef)->enabled = true;
}

void le_log_DisableTrace(le_log_TraceRef_t traceRef) {
  Checked(__func__, traceRef)->enabled = false;
}

void le_log_Trace_(le_log_TraceRef_t traceRef, const char* file, unsigned line,
                   const char* function, const char* format, ...) {
  va_list arguments;
  va_start(arguments, format);
  const std::string text = le::legato::FormatV(format, arguments);
  va_end(arguments);
  le::event::Log(le::event::LogLevel::kInfo,
                 absl::StrCat("[", traceRef->keyword, "] ", file, ":", line,
                              " ", function, "() ", text));
}
