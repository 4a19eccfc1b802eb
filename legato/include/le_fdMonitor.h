/* Copyright 2026 The le_messaging Authors
 * SPDX-License-Identifier: Apache-2.0
 *
 * le_fdMonitor.h: file descriptors on the event loop.
 *
 * A monitor belongs to the thread that created it. A call on another thread, or
 * with a stale reference, is fatal. Events are those of poll(). They are
 * level-triggered: the handler is called in each turn of the loop while an
 * event is present.
 */

#ifndef LE_FDMONITOR_H_INCLUDE_GUARD
#define LE_FDMONITOR_H_INCLUDE_GUARD

#include <poll.h>

#include "le_basics.h"

#ifdef __cplusplus
extern "C" {
#endif

typedef struct le_fdMonitor* le_fdMonitor_Ref_t;

/* Called when the file descriptor is ready. The handler gets all events that
 * are enabled and have occurred. POLLERR, POLLHUP and POLLRDHUP are always
 * enabled. The handler may delete the monitor. */
typedef void (*le_fdMonitor_HandlerFunc_t)(int fd, short events);

/* Creates a monitor of a file descriptor. The file descriptor must stay open
 * until the monitor is deleted. A regular file is always ready. If the kernel
 * refuses fd, an error is logged. If the kernel lacks memory or watches, the
 * loop retries; after any other refusal the handler is never called. Fatal:
 *  - fd is not a file descriptor.
 *  - This thread monitors fd already (not detected for a regular file).
 *  - The handler is NULL. */
le_fdMonitor_Ref_t le_fdMonitor_Create(const char* name, int fd,
                                       le_fdMonitor_HandlerFunc_t handlerFunc,
                                       short events);

/* Adds or removes events. */
void le_fdMonitor_Enable(le_fdMonitor_Ref_t monitorRef, short events);
void le_fdMonitor_Disable(le_fdMonitor_Ref_t monitorRef, short events);

/* In Legato, sets whether the monitor wakes a suspended system. Here it has no
 * effect. */
void le_fdMonitor_SetDeferrable(le_fdMonitor_Ref_t monitorRef,
                                bool isDeferrable);

/* A pointer of the program. le_fdMonitor_GetContextPtr() returns the
 * pointer of the monitor whose handler is running, and is fatal if no handler
 * is running. */
void le_fdMonitor_SetContextPtr(le_fdMonitor_Ref_t monitorRef,
                                void* contextPtr);
void* le_fdMonitor_GetContextPtr(void);

/* The monitor whose handler is running. Fatal: no handler is running. */
le_fdMonitor_Ref_t le_fdMonitor_GetMonitor(void);

/* The file descriptor. */
int le_fdMonitor_GetFd(le_fdMonitor_Ref_t monitorRef);

/* Deletes the monitor. Its handler is not called any more. The file descriptor
 * stays open. */
void le_fdMonitor_Delete(le_fdMonitor_Ref_t monitorRef);

#ifdef __cplusplus
}
#endif

#endif /* LE_FDMONITOR_H_INCLUDE_GUARD */
