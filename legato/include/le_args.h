/* Copyright 2026 The le_messaging Authors
 * SPDX-License-Identifier: Apache-2.0
 *
 * le_args.h: the arguments of the program.
 *
 * An option has a short name ("-c 12") or a long one ("--count=12"), or both; either may be
 * NULL. An option without a value is a flag. An argument that is no option is positional;
 * so are "-", all behind "--", and a negative number ("-5", "-0.5") that is not the short
 * name of an option. The functions for one option look at all arguments. le_arg_Scan() goes
 * through all of them once, and does what was registered before. Its callbacks may register
 * more, for the arguments behind the present one.
 *
 * The main thread. Names must stay as they are. //messaging:component_main sets the
 * arguments.
 */

#ifndef LE_ARGS_H_INCLUDE_GUARD
#define LE_ARGS_H_INCLUDE_GUARD

#include "le_basics.h"

#ifdef __cplusplus
extern "C" {
#endif

/* Says what the arguments are: those of main(). Fatal: argv is NULL, and argc is not 0. */
void le_arg_SetArgs(size_t argc, const char** argv);

/* The program's name: the last part of its path. "" if it is not known. */
const char* le_arg_GetProgramName(void);
/* The number of arguments, without the program's name, and one of them. NULL: there are
 * fewer. */
size_t le_arg_NumArgs(void);
const char* le_arg_GetArg(size_t argIndex);

/* Whether there is a flag; the value of an option. LE_NOT_FOUND: the arguments do not have
 * it. LE_FORMAT_ERROR: a flag has a value, an option has none or it is no whole number.
 * LE_OUT_OF_RANGE: it does not fit into an int. Fatal: the variable is NULL. */
le_result_t le_arg_GetFlagOption(const char* shortName, const char* longName);
le_result_t le_arg_GetIntOption(int* varPtr, const char* shortName,
                                const char* longName);
le_result_t le_arg_GetStringOption(const char** varPtr, const char* shortName,
                                   const char* longName);

/* Register a variable that le_arg_Scan() sets. It stays as it is if the arguments do not
 * have the option. Fatal: NULL. */
void le_arg_SetFlagVar(bool* varPtr, const char* shortName,
                       const char* longName);
void le_arg_SetIntVar(int* varPtr, const char* shortName, const char* longName);
void le_arg_SetStringVar(const char** varPtr, const char* shortName,
                         const char* longName);

/* Register a function that le_arg_Scan() calls each time it meets the option. Fatal:
 * NULL. */
typedef void (*le_arg_FlagCallbackFunc_t)(void);
typedef void (*le_arg_IntCallbackFunc_t)(int value);
typedef void (*le_arg_StringCallbackFunc_t)(const char* value);
void le_arg_SetFlagCallback(le_arg_FlagCallbackFunc_t func,
                            const char* shortName, const char* longName);
void le_arg_SetIntCallback(le_arg_IntCallbackFunc_t func, const char* shortName,
                           const char* longName);
void le_arg_SetStringCallback(le_arg_StringCallbackFunc_t func,
                              const char* shortName, const char* longName);

/* Registers a function for the next positional argument: the first that is registered gets
 * the first one, and so on. There must be as many arguments as functions, unless one of the
 * next two is called: with more arguments, the last function gets the rest; with fewer, the
 * last functions are not called. */
void le_arg_AddPositionalCallback(le_arg_StringCallbackFunc_t func);
void le_arg_AllowMorePositionalArgsThanCallbacks(void);
void le_arg_AllowLessPositionalArgsThanCallbacks(void);

/* What to do with a wrong argument. Returns how many arguments behind it to skip. Codes:
 *   LE_BAD_PARAMETER  an unknown option
 *   LE_NOT_FOUND      its value is missing
 *   LE_FORMAT_ERROR, LE_OUT_OF_RANGE   its value is no whole number, or no int
 *   LE_UNSUPPORTED    a flag has a value
 *   LE_OVERFLOW, LE_UNDERFLOW   too many, or too few, positional arguments
 */
typedef size_t (*le_arg_ErrorHandlerFunc_t)(size_t argIndex,
                                            le_result_t errorCode);
/* Sets it. NULL, and at first: a text goes to standard error, and the process ends with
 * EXIT_FAILURE, or goes on scanning if le_arg_SetExitOnError(false) says so. */
void le_arg_SetErrorHandler(le_arg_ErrorHandlerFunc_t errorHandlerFunc);
void le_arg_SetExitOnError(bool exitOnError);

/* Goes through the arguments. Afterwards what was registered is forgotten. */
void le_arg_Scan(void);
/* The first error of the last scan, else LE_OK. */
le_result_t le_arg_GetScanResult(void);

#ifdef __cplusplus
}
#endif

#endif /* LE_ARGS_H_INCLUDE_GUARD */
