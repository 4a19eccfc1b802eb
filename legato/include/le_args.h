/* Copyright 2026 The le_messaging Authors
 * SPDX-License-Identifier: Apache-2.0
 *
 * le_args.h: the arguments of the program.
 *
 * An option has a short name ("-c 12"), a long name ("--count=12"), or both. A
 * missing name is NULL. An option without a value is a flag. An argument that
 * is not an option is positional. These are positional too: "-", "--", and a
 * negative number ("-5", "-0.5") that is not the short name of an option.
 * Options and positional arguments may be in any order. As in Legato, "--" does
 * not end the options.
 *
 * The functions for one option use its first occurrence. le_arg_Scan()
 * processes all arguments once: it sets the registered variables and calls the
 * registered functions (the callbacks). A callback may register more variables
 * and functions for the arguments after the current one. A C++ exception that
 * leaves a callback is fatal.
 *
 * Call these functions on the main thread. Names are not copied: a name must
 * not change before le_arg_Scan() returns. The strings of argv are not copied
 * either. //messaging:component_main sets the arguments.
 */

#ifndef LE_ARGS_H_INCLUDE_GUARD
#define LE_ARGS_H_INCLUDE_GUARD

#include "le_basics.h"

#ifdef __cplusplus
extern "C" {
#endif

/* Sets the arguments to those of main(). If argc is 0, argv may be NULL. Fatal:
 * argv or one of its argc strings is NULL; a call in a callback of
 * le_arg_Scan(). */
void le_arg_SetArgs(size_t argc, const char** argv);

/* The program's name: the last part of its path. "" if the name is not
 * known. */
const char* le_arg_GetProgramName(void);
/* The number of arguments, without the program's name. le_arg_GetArg() returns
 * the argument with this index, or NULL if there are fewer arguments. */
size_t le_arg_NumArgs(void);
const char* le_arg_GetArg(size_t argIndex);

/* Search for a flag, or for the value of an option.
 *   LE_NOT_FOUND     the arguments do not have the option
 *   LE_FORMAT_ERROR  a flag has a value; an option has no value; the value of
 *                    an int option is not a whole number
 *   LE_OUT_OF_RANGE  the value does not fit into an int
 * Fatal: varPtr is NULL. */
le_result_t le_arg_GetFlagOption(const char* shortName, const char* longName);
le_result_t le_arg_GetIntOption(int* varPtr, const char* shortName,
                                const char* longName);
le_result_t le_arg_GetStringOption(const char** varPtr, const char* shortName,
                                   const char* longName);

/* Register a variable that le_arg_Scan() sets. The variable does not change if
 * the arguments do not have the option. Fatal: varPtr is NULL. */
void le_arg_SetFlagVar(bool* varPtr, const char* shortName,
                       const char* longName);
void le_arg_SetIntVar(int* varPtr, const char* shortName, const char* longName);
void le_arg_SetStringVar(const char** varPtr, const char* shortName,
                         const char* longName);

/* Register a function that le_arg_Scan() calls for each occurrence of the
 * option. Fatal: func is NULL. */
typedef void (*le_arg_FlagCallbackFunc_t)(void);
typedef void (*le_arg_IntCallbackFunc_t)(int value);
typedef void (*le_arg_StringCallbackFunc_t)(const char* value);
void le_arg_SetFlagCallback(le_arg_FlagCallbackFunc_t func,
                            const char* shortName, const char* longName);
void le_arg_SetIntCallback(le_arg_IntCallbackFunc_t func, const char* shortName,
                           const char* longName);
void le_arg_SetStringCallback(le_arg_StringCallbackFunc_t func,
                              const char* shortName, const char* longName);

/* Registers a callback for the next positional argument: the callback that was
 * registered first gets the first argument, and so on. Normally the number of
 * positional arguments must be equal to the number of callbacks. The next two
 * functions change this rule. If more arguments are allowed, the last callback
 * gets all further arguments. If fewer arguments are allowed, a callback
 * without an argument is not called. Fatal: func is NULL. */
void le_arg_AddPositionalCallback(le_arg_StringCallbackFunc_t func);
void le_arg_AllowMorePositionalArgsThanCallbacks(void);
void le_arg_AllowLessPositionalArgsThanCallbacks(void);

/* Handles a wrong argument. Returns how many arguments le_arg_Scan() skips
 * after the wrong one. The error codes are:
 *   LE_BAD_PARAMETER  an unknown option
 *   LE_NOT_FOUND      the option has no value
 *   LE_FORMAT_ERROR   the value is not a whole number
 *   LE_OUT_OF_RANGE   the value does not fit into an int
 *   LE_UNSUPPORTED    a flag has a value
 *   LE_OVERFLOW, LE_UNDERFLOW   too many, or too few, positional arguments */
typedef size_t (*le_arg_ErrorHandlerFunc_t)(size_t argIndex,
                                            le_result_t errorCode);
/* Sets the error handler. NULL, the default: each error is written to standard
 * error, and the process ends with EXIT_FAILURE. After
 * le_arg_SetExitOnError(false), the scan continues after an error. */
void le_arg_SetErrorHandler(le_arg_ErrorHandlerFunc_t errorHandlerFunc);
void le_arg_SetExitOnError(bool exitOnError);

/* Processes the arguments, and then removes everything that was registered.
 * Fatal: a call in a callback of this function. */
void le_arg_Scan(void);
/* The first error of the last scan, or LE_OK. */
le_result_t le_arg_GetScanResult(void);

#ifdef __cplusplus
}
#endif

#endif /* LE_ARGS_H_INCLUDE_GUARD */
