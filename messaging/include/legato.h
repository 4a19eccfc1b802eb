/* Copyright 2026 The le_messaging Authors
 * SPDX-License-Identifier: Apache-2.0
 *
 * legato.h: all headers that a program for Legato's low-level messaging needs. The
 * README lists which of Legato's APIs are implemented.
 */

#ifndef LEGATO_H_INCLUDE_GUARD
#define LEGATO_H_INCLUDE_GUARD

#include <assert.h>
#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <limits.h>
#include <poll.h>
#include <signal.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/types.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "le_basics.h"
#include "le_clock.h"
#include "le_eventLoop.h"
#include "le_fdMonitor.h"
#include "le_log.h"
#include "le_mem.h"
#include "le_messaging.h"
#include "le_semaphore.h"
#include "le_test.h"
#include "le_thread.h"
#include "le_timer.h"

#endif /* LEGATO_H_INCLUDE_GUARD */
