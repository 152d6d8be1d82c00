// SPDX-License-Identifier: Apache-2.0
// Process, namespace and scheduling calls whose prototypes are hidden from Swift (GNU extensions, variadics, macros).
#pragma once
#include <sys/types.h>
#include <sys/wait.h>

/// setns(2): moves the calling thread into the network namespace that `descriptor` refers to. 0, or -1 with errno.
int vervet_setns_network(int descriptor);

/// unshare(2) with CLONE_NEWNET for the calling thread. 0, or -1 with errno.
int vervet_unshare_network(void);

/// prctl(2) PR_SET_NAME: the calling thread's name, at most 15 bytes.
int vervet_set_thread_name(const char *name);

/// prctl(2) PR_SET_PDEATHSIG: `signal` is sent to the calling process when its parent ends.
int vervet_set_parent_death_signal(int signal);

/// Exit status of a wait status that WIFEXITED holds for; -1 otherwise.
int vervet_exit_status(int status);

/// Terminating signal of a wait status that WIFSIGNALED holds for; 0 otherwise.
int vervet_terminating_signal(int status);

/// syslog(3) with a fixed "%s" format.
void vervet_syslog(int priority, const char *text);
