/* Copyright 2026 The le_messaging Authors
 * SPDX-License-Identifier: Apache-2.0
 *
 * le_fdMonitor.h: file descriptors on the event loop.
 *
 * A monitor belongs to the thread that created it: elsewhere, and with a stale
 * reference, every call is fatal. Events are those of poll(). They are
 * level-triggered: the handler is called each turn for as long as one holds.
 */

#ifndef LE_FDMONITOR_H_INCLUDE_GUARD
#define LE_FDMONITOR_H_INCLUDE_GUARD

#include <poll.h>

#include "le_basics.h"

#ifdef __cplusplus
extern "C" {
#endif

typedef struct le_fdMonitor* le_fdMonitor_Ref_t;

/* Gets all events that hold, of those that are enabled, and POLLERR, POLLHUP and
 * POLLRDHUP, which always are. May delete the monitor. */
typedef void (*le_fdMonitor_HandlerFunc_t)(int fd, short events);

/* Watches a descriptor, which must stay open until the monitor is deleted. A regular
 * file is always ready. Fatal: not a descriptor, one that this thread monitors already,
 * a NULL handler. */
le_fdMonitor_Ref_t le_fdMonitor_Create(const char* name, int fd,
                                       le_fdMonitor_HandlerFunc_t handlerFunc,
                                       short events);

/* Adds to, or takes from, what is watched for. */
void le_fdMonitor_Enable(le_fdMonitor_Ref_t monitorRef, short events);
void le_fdMonitor_Disable(le_fdMonitor_Ref_t monitorRef, short events);

/* Whether the descriptor may keep the system awake; noted, and without effect here. */
void le_fdMonitor_SetDeferrable(le_fdMonitor_Ref_t monitorRef,
                                bool isDeferrable);

/* A pointer of the user's. Get: inside a monitor's handler only (elsewhere: fatal). */
void le_fdMonitor_SetContextPtr(le_fdMonitor_Ref_t monitorRef,
                                void* contextPtr);
void* le_fdMonitor_GetContextPtr(void);

/* The monitor whose handler is running; elsewhere fatal. */
le_fdMonitor_Ref_t le_fdMonitor_GetMonitor(void);

/* The descriptor. */
int le_fdMonitor_GetFd(le_fdMonitor_Ref_t monitorRef);

/* Ends it; its handler is not called any more. The descriptor stays open. */
void le_fdMonitor_Delete(le_fdMonitor_Ref_t monitorRef);

#ifdef __cplusplus
}
#endif

#endif /* LE_FDMONITOR_H_INCLUDE_GUARD */
