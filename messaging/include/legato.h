/* Copyright 2026 The le_messaging Authors
 * SPDX-License-Identifier: Apache-2.0
 *
 * legato.h: includes the headers of Legato's API that this library implements,
 * and the system headers that programs for Legato rely on. Include it first,
 * because it defines _GNU_SOURCE. docs/porting.md lists the implemented APIs.
 */

#ifndef LEGATO_H_INCLUDE_GUARD
#define LEGATO_H_INCLUDE_GUARD

#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif

#include <assert.h>
#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <fts.h>
#include <grp.h>
#include <inttypes.h>
#include <libgen.h>
#include <limits.h>
#include <math.h>
#include <mntent.h>
#include <poll.h>
#include <pthread.h>
#include <sched.h>
#include <semaphore.h>
#include <signal.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/reboot.h>
#include <sys/resource.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/sysinfo.h>
#include <sys/sysmacros.h>
#include <sys/time.h>
#include <sys/types.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <sys/xattr.h>
#include <syslog.h>
#include <time.h>
#include <unistd.h>

#include "le_args.h"
#include "le_basics.h"
#include "le_cdata.h"
#include "le_clock.h"
#include "le_doublyLinkedList.h"
#include "le_eventLoop.h"
#include "le_fdMonitor.h"
#include "le_hashmap.h"
#include "le_log.h"
#include "le_mem.h"
#include "le_messaging.h"
#include "le_mutex.h"
#include "le_pack.h"
#include "le_print.h"
#include "le_safeRef.h"
#include "le_semaphore.h"
#include "le_signals.h"
#include "le_singlyLinkedList.h"
#include "le_test.h"
#include "le_thread.h"
#include "le_timer.h"
#include "le_utf8.h"

#endif /* LEGATO_H_INCLUDE_GUARD */
