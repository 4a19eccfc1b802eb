// Copyright 2026 The le_messaging Authors
// SPDX-License-Identifier: Apache-2.0
//
// The C API: the program's arguments.

#include <algorithm>
#include <cstddef>
#include <cstdio>
#include <cstdlib>
#include <deque>
#include <functional>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "event/base/log.h"
#include "event/os_process.h"
#include "event/process.h"
#include "event/user_code.h"
#include "le_args.h"
#include "le_utf8.h"

using le::event::CallUser;
using le::event::CheckNotForked;
using le::event::Misuse;
using le::event::Process;

namespace {

struct Names {
  absl::string_view short_name;  // "": none
  absl::string_view long_name;
};

absl::string_view OrEmpty(const char* text) {
  return text == nullptr ? absl::string_view() : absl::string_view(text);
}

Names NamesOf(const char* short_name, const char* long_name) {
  return {OrEmpty(short_name), OrEmpty(long_name)};
}

bool IsNegativeNumber(absl::string_view argument) {
  double number;
  // The second byte is checked, because SimpleAtod() accepts "-inf" and "-nan".
  return argument.size() > 1 && argument[0] == '-' &&
         (absl::ascii_isdigit(argument[1]) || argument[1] == '.') &&
         absl::SimpleAtod(argument, &number);
}

enum class Kind { kFlag, kInt, kString };

// An option, and the action for its value.
struct Option {
  Names names;
  Kind kind;
  std::function<void(const char* text, int number)> take;
};

class Arguments final : public le::event::ModuleState {
 public:
  static Arguments* Get(const char* function) {
    CheckNotForked(function);
    return Process::Current()->State<Arguments>(
        [] { return std::make_unique<Arguments>(); });
  }

  void Add(Names names, Kind kind, std::function<void(const char*, int)> take) {
    options.push_back({names, kind, std::move(take)});
  }

  // Passes the value of the option's first occurrence to `take`.
  le_result_t Find(Names names, Kind kind,
                   const std::function<void(const char*, int)>& take) const {
    const Option option{names, kind, take};
    for (size_t i = 0; i < arguments.size(); ++i) {
      if (!Matches(arguments[i], names)) continue;
      size_t skipped = 0;
      const le_result_t result = Apply(option, i, &skipped);
      return result == LE_NOT_FOUND || result == LE_UNSUPPORTED
                 ? LE_FORMAT_ERROR
                 : result;
    }
    return LE_NOT_FOUND;
  }

  void Scan();

  std::string program;
  std::vector<absl::string_view> arguments;  // each has a final 0
  // A deque, because an option must not move when another one is added.
  std::deque<Option> options;
  std::vector<le_arg_StringCallbackFunc_t> positional;
  bool allows_more = false;
  bool allows_less = false;
  le_arg_ErrorHandlerFunc_t error_handler = nullptr;
  bool exits_on_error = true;
  le_result_t scan_result = LE_OK;
  bool scanning = false;

 private:
  static bool IsOption(absl::string_view argument) {
    return absl::StartsWith(argument, "-") && argument != "-" &&
           argument != "--";
  }
  // Returns whether the argument is an option with one of these names.
  static bool Matches(absl::string_view argument, const Names& names) {
    if (!IsOption(argument)) return false;
    if (!absl::StartsWith(argument, "--")) {
      return !names.short_name.empty() &&
             argument.substr(1) == names.short_name;
    }
    argument.remove_prefix(2);
    return !names.long_name.empty() &&
           argument.substr(0, argument.find('=')) == names.long_name;
  }

  // A negative number is an option only if a registered option has this name.
  bool IsPositional(absl::string_view argument) const {
    return !IsOption(argument) ||
           (IsNegativeNumber(argument) &&
            std::none_of(options.begin(), options.end(),
                         [argument](const Option& option) {
                           return Matches(argument, option.names);
                         }));
  }

  // Passes the value of the argument at `index` to the option's action. If the
  // value is the next argument, sets *skipped to 1.
  le_result_t Apply(const Option& option, size_t index, size_t* skipped) const;
  // Reports an error. Returns how many arguments after `index` Scan() must
  // skip.
  size_t Complain(size_t index, le_result_t error);
};

le_result_t Arguments::Apply(const Option& option, size_t index,
                             size_t* skipped) const {
  const absl::string_view argument = arguments[index];
  const char* value = nullptr;
  if (absl::StartsWith(argument, "--")) {
    const size_t equals = argument.find('=');
    if (equals != argument.npos) value = argument.data() + equals + 1;
  } else if (option.kind != Kind::kFlag && index + 1 < arguments.size()) {
    value = arguments[index + 1].data();
    *skipped = 1;
  }
  if (option.kind == Kind::kFlag) {
    if (value != nullptr) return LE_UNSUPPORTED;
    option.take(nullptr, 0);
    return LE_OK;
  }
  if (value == nullptr) return LE_NOT_FOUND;
  int number = 0;
  if (option.kind == Kind::kInt) {
    const le_result_t parsed = le_utf8_ParseInt(&number, value);
    if (parsed != LE_OK) return parsed;
  }
  option.take(value, number);
  return LE_OK;
}

size_t Arguments::Complain(size_t index, le_result_t error) {
  if (scan_result == LE_OK) scan_result = error;
  if (error_handler != nullptr) {
    const size_t skipped = CallUser("the error handler of arguments", [&] {
      return error_handler(index, error);
    });
    return std::min(skipped, arguments.size());  // the sum must not wrap around
  }
  const char* what = "unexpected argument";
  if (error == LE_NOT_FOUND) what = "a value is missing";
  if (error == LE_FORMAT_ERROR) what = "the value is not a whole number";
  if (error == LE_OUT_OF_RANGE) what = "the value is out of range";
  if (error == LE_UNSUPPORTED) what = "this option takes no value";
  if (error == LE_OVERFLOW) what = "too many arguments";
  if (error == LE_UNDERFLOW) what = "too few arguments";
  if (index < arguments.size()) {
    std::fprintf(stderr, "%s: %s: %s\n", program.c_str(), what,
                 arguments[index].data());
  } else {
    std::fprintf(stderr, "%s: %s\n", program.c_str(), what);
  }
  if (exits_on_error) std::exit(EXIT_FAILURE);
  return 0;
}

void Arguments::Scan() {
  scanning = true;
  scan_result = LE_OK;
  size_t position = 0;
  for (size_t i = 0; i < arguments.size(); ++i) {
    if (IsPositional(arguments[i])) {
      if (position < positional.size() ||
          (allows_more && !positional.empty())) {
        positional[std::min(position, positional.size() - 1)](
            arguments[i].data());
      } else {
        i += Complain(i, LE_OVERFLOW);
      }
      ++position;
      continue;
    }
    le_result_t result = LE_BAD_PARAMETER;
    size_t skipped = 0;
    // A callback may register further options. They do not apply to the current
    // argument.
    const size_t registered = options.size();
    for (size_t at = 0; at < registered; ++at) {
      if (!Matches(arguments[i], options[at].names)) continue;
      result = Apply(options[at], i, &skipped);
      if (result != LE_OK) break;
    }
    i += result == LE_OK ? skipped : Complain(i, result);
  }
  if (position < positional.size() && !allows_less) {
    Complain(arguments.size(), LE_UNDERFLOW);
  }
  options.clear();
  positional.clear();
  allows_more = allows_less = false;
  scanning = false;
}

// For functions that a callback of le_arg_Scan() must not call.
Arguments* NotScanning(const char* function) {
  Arguments* const all = Arguments::Get(function);
  if (all->scanning) Misuse(function, "called in a callback of le_arg_Scan()");
  return all;
}

template <typename Pointer>
Pointer Checked(const char* function, Pointer pointer) {
  CheckNotForked(function);
  if (pointer == nullptr) Misuse(function, "a pointer is NULL");
  return pointer;
}

}  // namespace

void le_arg_SetArgs(size_t argc, const char** argv) {
  Arguments* const all = NotScanning(__func__);
  if (argc != 0) Checked(__func__, argv);
  all->arguments.clear();
  all->program.clear();
  for (size_t i = 0; i < argc; ++i) {
    const absl::string_view argument = Checked(__func__, argv[i]);
    if (i == 0) {
      all->program = std::string(argument.substr(argument.rfind('/') + 1));
    } else {
      all->arguments.push_back(argument);
    }
  }
}

const char* le_arg_GetProgramName(void) {
  return Arguments::Get(__func__)->program.c_str();
}

size_t le_arg_NumArgs(void) {
  return Arguments::Get(__func__)->arguments.size();
}

const char* le_arg_GetArg(size_t argIndex) {
  const Arguments* const all = Arguments::Get(__func__);
  return argIndex < all->arguments.size() ? all->arguments[argIndex].data()
                                          : nullptr;
}

le_result_t le_arg_GetFlagOption(const char* shortName, const char* longName) {
  return Arguments::Get(__func__)->Find(NamesOf(shortName, longName),
                                        Kind::kFlag, [](const char*, int) {});
}

le_result_t le_arg_GetIntOption(int* varPtr, const char* shortName,
                                const char* longName) {
  Checked(__func__, varPtr);
  return Arguments::Get(__func__)->Find(
      NamesOf(shortName, longName), Kind::kInt,
      [varPtr](const char*, int number) { *varPtr = number; });
}

le_result_t le_arg_GetStringOption(const char** varPtr, const char* shortName,
                                   const char* longName) {
  Checked(__func__, varPtr);
  return Arguments::Get(__func__)->Find(
      NamesOf(shortName, longName), Kind::kString,
      [varPtr](const char* text, int) { *varPtr = text; });
}

void le_arg_SetFlagVar(bool* varPtr, const char* shortName,
                       const char* longName) {
  Checked(__func__, varPtr);
  Arguments::Get(__func__)->Add(NamesOf(shortName, longName), Kind::kFlag,
                                [varPtr](const char*, int) { *varPtr = true; });
}

void le_arg_SetIntVar(int* varPtr, const char* shortName,
                      const char* longName) {
  Checked(__func__, varPtr);
  Arguments::Get(__func__)->Add(
      NamesOf(shortName, longName), Kind::kInt,
      [varPtr](const char*, int number) { *varPtr = number; });
}

void le_arg_SetStringVar(const char** varPtr, const char* shortName,
                         const char* longName) {
  Checked(__func__, varPtr);
  Arguments::Get(__func__)->Add(
      NamesOf(shortName, longName), Kind::kString,
      [varPtr](const char* text, int) { *varPtr = text; });
}

void le_arg_SetFlagCallback(le_arg_FlagCallbackFunc_t func,
                            const char* shortName, const char* longName) {
  Checked(__func__, func);
  Arguments::Get(__func__)->Add(NamesOf(shortName, longName), Kind::kFlag,
                                [func](const char*, int) { func(); });
}

void le_arg_SetIntCallback(le_arg_IntCallbackFunc_t func, const char* shortName,
                           const char* longName) {
  Checked(__func__, func);
  Arguments::Get(__func__)->Add(
      NamesOf(shortName, longName), Kind::kInt,
      [func](const char*, int number) { func(number); });
}

void le_arg_SetStringCallback(le_arg_StringCallbackFunc_t func,
                              const char* shortName, const char* longName) {
  Checked(__func__, func);
  Arguments::Get(__func__)->Add(NamesOf(shortName, longName), Kind::kString,
                                [func](const char* text, int) { func(text); });
}

void le_arg_AddPositionalCallback(le_arg_StringCallbackFunc_t func) {
  Checked(__func__, func);
  Arguments::Get(__func__)->positional.push_back(func);
}

void le_arg_AllowMorePositionalArgsThanCallbacks(void) {
  Arguments::Get(__func__)->allows_more = true;
}

void le_arg_AllowLessPositionalArgsThanCallbacks(void) {
  Arguments::Get(__func__)->allows_less = true;
}

void le_arg_SetErrorHandler(le_arg_ErrorHandlerFunc_t errorHandlerFunc) {
  Arguments::Get(__func__)->error_handler = errorHandlerFunc;
}

void le_arg_SetExitOnError(bool exitOnError) {
  Arguments::Get(__func__)->exits_on_error = exitOnError;
}

void le_arg_Scan(void) {
  Arguments* const all = NotScanning(__func__);
  CallUser("a callback of le_arg_Scan()", [all] { all->Scan(); });
}

le_result_t le_arg_GetScanResult(void) {
  return Arguments::Get(__func__)->scan_result;
}
