// Copyright 2026 The le_messaging Authors
// SPDX-License-Identifier: Apache-2.0

#include "event/base/log.h"

#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <locale.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <string>
#include <vector>

#include "event/base/die.h"
#include "event/base/sys.h"
#include "gtest/gtest.h"

namespace le {
namespace event {
namespace {

std::vector<std::string>* g_lines = nullptr;

void Collect(LogLevel level, absl::string_view message) {
  errno = EIO;
  g_lines->push_back(absl::StrCat(LogLevelName(level), " ", message));
}

class LogTest : public testing::Test {
 protected:
  void SetUp() override {
    g_lines = &lines_;
    SetLogSink(&Collect);
    SetLogLevel(LogLevel::kInfo);
  }
  void TearDown() override { SetLogSink(nullptr); }
  std::vector<std::string> lines_;
};

TEST_F(LogTest, LevelsBelowTheThresholdAreNotWritten) {
  EXPECT_FALSE(LogEnabled(LogLevel::kDebug));
  Log(LogLevel::kDebug, "no");
  Log(LogLevel::kInfo, "yes");
  EXPECT_EQ(lines_, std::vector<std::string>{"INFO yes"});
}

TEST_F(LogTest, KeepsErrno) {
  errno = EAGAIN;
  Log(LogLevel::kError, "x");
  EXPECT_EQ(errno, EAGAIN);
  EXPECT_EQ(lines_.size(), 1u);
}

TEST(LogDeathTest, MisuseNamesTheFunctionAndEndsTheProcess) {
  EXPECT_EXIT(Misuse("le_msg_Respond", "message ", 7, " owes none"),
              testing::ExitedWithCode(EXIT_FAILURE),
              "EMERGENCY .*: le_msg_Respond: message 7 owes none");
}

TEST(LogDeathTest, OneMessageIsOneLine) {
  EXPECT_EXIT(Fatal("a\nEMERGENCY b"), testing::ExitedWithCode(EXIT_FAILURE),
              "a EMERGENCY b");
}

TEST(LogDeathTest, FatalCallsTheDieFunction) {
  EXPECT_EXIT(
      {
        SetDieFunction([](absl::string_view) { _exit(42); });
        Fatal("so be it");
      },
      testing::ExitedWithCode(42), "so be it");
}

// ---- Standard error in trouble ----

// Each test runs in a child process, which changes its own standard error. If
// the test passes, the child exits with kPassed. If the log waits for a reader,
// the test hangs.
constexpr int kPassed = 42;

#define EXPECT_IN_CHILD(...)          \
  EXPECT_EXIT(                        \
      {                               \
        SetLogLevel(LogLevel::kInfo); \
        ([&] __VA_ARGS__());          \
        _exit(kPassed);               \
      },                              \
      testing::ExitedWithCode(kPassed), "")

// If the condition is false, ends the child. The exit status depends on the
// source line.
#define REQUIRE(condition) \
  if (!(condition)) _exit(static_cast<int>(__LINE__ % 200 + 43))

// Reads the bytes that were written to `fd` so far.
std::string Drain(int fd) {
  fcntl(fd, F_SETFL, O_NONBLOCK);
  std::string text;
  char part[65536];
  for (ssize_t size; (size = read(fd, part, sizeof(part))) > 0;) {
    text.append(part, static_cast<size_t>(size));
  }
  return text;
}

bool Contains(const std::string& text, const std::string& part) {
  return text.find(part) != std::string::npos;
}

// Replaces standard error by a pipe. Returns the pipe's reading end.
int PipeAsStandardError() {
  int fds[2];
  REQUIRE(pipe(fds) == 0 && dup2(fds[1], STDERR_FILENO) == STDERR_FILENO);
  close(fds[1]);
  return fds[0];
}

// Logs more lines than standard error can hold, reads everything from `reader`,
// and logs again. Expected: the next line is preceded by the number of dropped
// lines.
void OverfillAndRead(int reader) {
  constexpr int kLines = 20000;
  const int flags = fcntl(STDERR_FILENO, F_GETFL);
  for (int i = 0; i < kLines; ++i) Log(LogLevel::kInfo, std::string(100, 'x'));
  std::string text;
  for (std::string more; !(more = Drain(reader)).empty();) text += more;
  const auto written = std::count(text.begin(), text.end(), '\n');
  REQUIRE(written > 0 && written < kLines);
  Log(LogLevel::kInfo, "there is room again");
  text = Drain(reader);
  REQUIRE(Contains(text, absl::StrCat(" ", kLines - written,
                                      " log lines could not be written")));
  REQUIRE(Contains(text, "there is room again"));
  Log(LogLevel::kInfo, "after the number");
  REQUIRE(!Contains(Drain(reader), "could not be written"));
  REQUIRE(fcntl(STDERR_FILENO, F_GETFL) == flags);
}

TEST(StandardErrorDeathTest, AFullPipeDropsLinesAndCountsThem) {
  EXPECT_IN_CHILD({ OverfillAndRead(PipeAsStandardError()); });
}

// Makes open() fail, as if standard error belonged to another user.
class NoOpen final : public sys::Interceptor {
 public:
  int FailCall(const sys::Call& call) override {
    return strcmp(call.name, "Open") == 0 ? EACCES : 0;
  }
};

TEST(StandardErrorDeathTest, APipeThatCannotBeReopenedDropsLinesAndCountsThem) {
  EXPECT_IN_CHILD({
    static NoOpen no_open;
    sys::SetInterceptor(&no_open);
    OverfillAndRead(PipeAsStandardError());
  });
}

TEST(StandardErrorDeathTest, AFullSocketDropsLinesAndCountsThem) {
  EXPECT_IN_CHILD({
    int fds[2];
    REQUIRE(socketpair(AF_UNIX, SOCK_STREAM, 0, fds) == 0);
    dup2(fds[1], STDERR_FILENO);
    OverfillAndRead(fds[0]);
  });
}

// Replaces standard error by a terminal, which is opened with `flags`. Returns
// the end that reads what the terminal shows.
int TerminalAsStandardError(int flags) {
  const int reader = posix_openpt(O_RDWR | O_NOCTTY);
  REQUIRE(reader >= 0 && grantpt(reader) == 0 && unlockpt(reader) == 0);
  const int terminal = open(ptsname(reader), flags);
  REQUIRE(terminal >= 0 && dup2(terminal, STDERR_FILENO) == STDERR_FILENO);
  return reader;
}

// Logs more than a terminal can hold. Expected: no line blocks.
void Overfill(int reader) {
  for (int i = 0; i < 2000; ++i) Log(LogLevel::kInfo, std::string(i, 'x'));
  REQUIRE(!Drain(reader).empty());
}

// When the terminal is nearly full, it has room for only a part of a line.
// Writing the rest of the line would block.
TEST(StandardErrorDeathTest, AFullTerminalDoesNotBlock) {
  EXPECT_IN_CHILD({
    const int reader = TerminalAsStandardError(O_RDWR | O_NOCTTY);
    Overfill(reader);
  });
}

// Makes each open() of standard error fail, as if it were a terminal of another
// user. The next open() opens the controlling terminal.
class NoOpenOfStandardError final : public sys::Interceptor {
 public:
  int FailCall(const sys::Call& call) override {
    if (strcmp(call.name, "Open") != 0) return 0;
    return opens_++ % 2 == 0 ? EACCES : 0;
  }

 private:
  int opens_ = 0;
};

TEST(StandardErrorDeathTest, AFullTerminalOfAnotherUserDoesNotBlock) {
  EXPECT_IN_CHILD({
    REQUIRE(setsid() > 0);
    const int reader = TerminalAsStandardError(O_RDWR);  // controls this child
    static NoOpenOfStandardError no_open;
    sys::SetInterceptor(&no_open);
    Overfill(reader);
  });
}

// A terminal of another user that is not the controlling terminal, as after
// `su -c`.
TEST(StandardErrorDeathTest, AFullTerminalThatCannotBeReopenedDoesNotBlock) {
  EXPECT_IN_CHILD({
    const int reader = TerminalAsStandardError(O_RDWR | O_NOCTTY);
    static NoOpen no_open;
    sys::SetInterceptor(&no_open);
    Overfill(reader);
  });
}

bool IsPending(int signal) {
  sigset_t pending;
  sigpending(&pending);
  return sigismember(&pending, signal) != 0;
}

bool IsBlocked(int signal) {
  sigset_t mask;
  pthread_sigmask(SIG_BLOCK, nullptr, &mask);
  return sigismember(&mask, signal) != 0;
}

TEST(StandardErrorDeathTest, AClosedReaderDoesNotEndTheProcess) {
  EXPECT_IN_CHILD({
    close(PipeAsStandardError());
    Log(LogLevel::kInfo, "x");
    REQUIRE(!IsPending(SIGPIPE) && !IsBlocked(SIGPIPE));
    int fds[2];
    REQUIRE(socketpair(AF_UNIX, SOCK_STREAM, 0, fds) == 0);
    dup2(fds[1], STDERR_FILENO);
    close(fds[0]);
    Log(LogLevel::kInfo, "x");
    REQUIRE(!IsPending(SIGPIPE) && !IsBlocked(SIGPIPE));
  });
}

// The pipe cannot be opened again, so the log writes to standard error itself,
// which raises SIGPIPE. Expected: the log removes the signal that its own write
// raised. A signal that was pending before stays pending.
TEST(StandardErrorDeathTest, RemovesOnlyTheSignalOfItsOwnWrite) {
  EXPECT_IN_CHILD({
    static NoOpen no_open;
    sys::SetInterceptor(&no_open);
    close(PipeAsStandardError());
    Log(LogLevel::kInfo, "x");
    REQUIRE(!IsPending(SIGPIPE) && !IsBlocked(SIGPIPE));
    sigset_t pipe_signal;
    sigemptyset(&pipe_signal);
    sigaddset(&pipe_signal, SIGPIPE);
    pthread_sigmask(SIG_BLOCK, &pipe_signal, nullptr);
    Log(LogLevel::kInfo, "x");
    REQUIRE(!IsPending(SIGPIPE) && IsBlocked(SIGPIPE));
    raise(SIGPIPE);
    Log(LogLevel::kInfo, "x");
    REQUIRE(IsPending(SIGPIPE) && IsBlocked(SIGPIPE));
  });
}

TEST(StandardErrorDeathTest, AFileAtItsSizeLimitDropsLinesAndCountsThem) {
  EXPECT_IN_CHILD({
    FILE* const file = tmpfile();
    REQUIRE(file != nullptr);
    dup2(fileno(file), STDERR_FILENO);
    struct rlimit limit = {0, RLIM_INFINITY};
    REQUIRE(setrlimit(RLIMIT_FSIZE, &limit) == 0);
    Log(LogLevel::kInfo, "x");
    Log(LogLevel::kInfo, "x");
    REQUIRE(!IsPending(SIGXFSZ) && !IsBlocked(SIGXFSZ));
    limit.rlim_cur = RLIM_INFINITY;
    REQUIRE(setrlimit(RLIMIT_FSIZE, &limit) == 0);
    Log(LogLevel::kInfo, "more");
    char text[1000] = "";
    REQUIRE(pread(STDERR_FILENO, text, sizeof(text) - 1, 0) > 0);
    REQUIRE(Contains(text, " 2 log lines could not be written\n"));
    REQUIRE(Contains(text, "more\n"));
  });
}

TEST(StandardErrorDeathTest, FatalDoesNotBlock) {
  EXPECT_EXIT(
      {
        SetLogLevel(LogLevel::kInfo);
        const int reader = PipeAsStandardError();
        for (int i = 0; i < 2000; ++i) {
          Log(LogLevel::kInfo, std::string(100, 'x'));
        }
        static_cast<void>(reader);
        Fatal("the end");
      },
      testing::ExitedWithCode(EXIT_FAILURE), "");
}

TEST(StandardErrorDeathTest, TheLongestLineAndTheCountFitIntoPipeBuf) {
  EXPECT_IN_CHILD({
    const int reader = PipeAsStandardError();
    for (int i = 0; i < 2000; ++i) Log(LogLevel::kInfo, std::string(100, 'x'));
    Drain(reader);
    static std::string name(200, 'n');
    program_invocation_short_name = &name[0];
    Log(LogLevel::kEmergency, std::string(10000, 'y'));
    const std::string text = Drain(reader);
    REQUIRE(Contains(text, "could not be written\n"));
    REQUIRE(text.size() <= PIPE_BUF && Contains(text, "y [cut]\n"));
  });
}

// ---- The level that the environment asks for ----

// Ends the process with kPassed if `least` is the least level that is logged.
[[noreturn]] void LogEachLevel(LogLevel least) {
  for (const LogLevel level : {LogLevel::kDebug, LogLevel::kInfo,
                               LogLevel::kWarning, LogLevel::kError}) {
    REQUIRE(LogEnabled(level) == (level >= least));
    Log(level, "a line");
  }
  _exit(kPassed);
}

// The threadsafe style executes this program anew for each death test.
TEST(LogLevelDeathTest, TheEnvironmentSetsIt) {
  testing::FLAGS_gtest_death_test_style = "threadsafe";
  const struct {
    const char* value;
    LogLevel least;
  } cases[] = {{"error", LogLevel::kError},
               {"debug", LogLevel::kDebug},
               {"no level", LogLevel::kInfo}};
  for (const auto& one : cases) {
    setenv("LE_LOG_LEVEL", one.value, 1);
    EXPECT_EXIT(LogEachLevel(one.least), testing::ExitedWithCode(kPassed),
                absl::StrCat("^", LogLevelName(one.least), " .*: a line"));
  }
  unsetenv("LE_LOG_LEVEL");
  testing::FLAGS_gtest_death_test_style = "fast";
}

// Makes JOURNAL_STREAM name standard error if `added` is 0, otherwise another
// file. Logs a line, and ends the process with kPassed.
[[noreturn]] void LogToJournal(ino_t added) {
  struct stat info;
  REQUIRE(fstat(STDERR_FILENO, &info) == 0);
  const std::string stream =
      absl::StrCat(info.st_dev, ":", info.st_ino + added);
  setenv("JOURNAL_STREAM", stream.c_str(), 1);
  Log(LogLevel::kWarning, "a line");
  _exit(kPassed);
}

TEST(JournalDeathTest, LinesHaveAPriorityInTheJournalOnly) {
  testing::FLAGS_gtest_death_test_style = "threadsafe";
  EXPECT_EXIT(LogToJournal(0), testing::ExitedWithCode(kPassed),
              "^<4>WARNING .*: a line");
  EXPECT_EXIT(LogToJournal(1), testing::ExitedWithCode(kPassed),
              "^WARNING .*: a line");
  testing::FLAGS_gtest_death_test_style = "fast";
}

TEST(LogLevelTest, LevelNamesDoNotDependOnTheLocale) {
  // Make a Turkish locale with an encoding of single bytes. In this locale, 'i'
  // is not the lower case of 'I'.
  const std::string folder = testing::TempDir();
  const std::string locale = folder + "/tr_TR";
  if (std::system(("localedef -c -i tr_TR -f ISO-8859-9 " + locale +
                   " > /dev/null 2>&1")
                      .c_str()) != 0) {
    GTEST_SKIP() << "no localedef, or no Turkish";
  }
  setenv("LOCPATH", folder.c_str(), 1);
  ASSERT_NE(setlocale(LC_ALL, "tr_TR"), nullptr);
  ASSERT_NE(tolower('I'), 'i');
  LogLevel level = LogLevel::kEmergency;
  EXPECT_TRUE(ParseLogLevel("warning", &level));
  EXPECT_EQ(level, LogLevel::kWarning);
  EXPECT_FALSE(ParseLogLevel("warn", &level));
  setlocale(LC_ALL, "C");
}

}  // namespace
}  // namespace event
}  // namespace le
