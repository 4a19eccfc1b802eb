/* Copyright 2026 The le_messaging Authors
 * SPDX-License-Identifier: Apache-2.0
 *
 * le_mutex.h: mutexes within a process. Any thread. A stale reference is always
 * fatal.
 */

#ifndef LE_MUTEX_H_INCLUDE_GUARD
#define LE_MUTEX_H_INCLUDE_GUARD

#include "le_basics.h"

#ifdef __cplusplus
extern "C" {
#endif

typedef struct le_mutex* le_mutex_Ref_t;

/* Create a mutex. The thread that holds a recursive mutex may lock it again,
 * and must unlock it once for each lock. */
le_mutex_Ref_t le_mutex_CreateRecursive(const char* name);
le_mutex_Ref_t le_mutex_CreateNonRecursive(const char* name);

/* Deletes a mutex. Fatal: a thread holds it, or waits for it. */
void le_mutex_Delete(le_mutex_Ref_t mutexRef);

/* Waits until no other thread holds the mutex, and locks it. Fatal: the mutex
 * is not recursive, and the calling thread holds it. */
void le_mutex_Lock(le_mutex_Ref_t mutexRef);
/* Locks the mutex without waiting. LE_WOULD_BLOCK: another thread holds the
 * mutex, or the calling thread holds it and it is not recursive. */
le_result_t le_mutex_TryLock(le_mutex_Ref_t mutexRef);
/* Unlocks the mutex. Fatal: the calling thread does not hold it. */
void le_mutex_Unlock(le_mutex_Ref_t mutexRef);

/* Declares, at file scope, a variable for a mutex, and functions Lock() and
 * Unlock() for this mutex. The macro needs no semicolon after it. */
#define LE_MUTEX_DECLARE_REF(refName)                       \
  static le_mutex_Ref_t refName;                            \
  static inline void Lock(void) { le_mutex_Lock(refName); } \
  static inline void Unlock(void) { le_mutex_Unlock(refName); }

/* A mutex for the initialization of code that ifgen (Legato's code generator)
 * has generated. The reference is valid before any code of the program runs,
 * and the first use creates the mutex. */
extern le_mutex_Ref_t le_ifgen_InitMutexRef;

#ifdef __cplusplus
}
#endif

#endif /* LE_MUTEX_H_INCLUDE_GUARD */
