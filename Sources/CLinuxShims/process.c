// SPDX-License-Identifier: Apache-2.0
#define _GNU_SOURCE 1
#include "process.h"

#include <sched.h>
#include <sys/prctl.h>
#include <syslog.h>

int vervet_setns_network(int descriptor) { return setns(descriptor, CLONE_NEWNET); }

int vervet_unshare_network(void) { return unshare(CLONE_NEWNET); }

int vervet_set_thread_name(const char *name) { return prctl(PR_SET_NAME, name, 0, 0, 0); }

int vervet_set_parent_death_signal(int signal) { return prctl(PR_SET_PDEATHSIG, signal, 0, 0, 0); }

int vervet_exit_status(int status) { return WIFEXITED(status) ? WEXITSTATUS(status) : -1; }

int vervet_terminating_signal(int status) { return WIFSIGNALED(status) ? WTERMSIG(status) : 0; }

void vervet_syslog(int priority, const char *text) { syslog(priority, "%s", text); }
