// SPDX-License-Identifier: Apache-2.0
#define _GNU_SOURCE 1
#include "process.h"

#include <fcntl.h>
#include <sched.h>
#include <sys/pidfd.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <spawn.h>
#include <sys/mman.h>
#include <syslog.h>
#include <unistd.h>

int vervet_setns_network(int descriptor) { return setns(descriptor, CLONE_NEWNET); }

int vervet_unshare_network(void) { return unshare(CLONE_NEWNET); }

int vervet_set_thread_name(const char *name) { return prctl(PR_SET_NAME, name, 0, 0, 0); }

int vervet_set_parent_death_signal(int signal) { return prctl(PR_SET_PDEATHSIG, signal, 0, 0, 0); }

int vervet_exit_status(int status) { return WIFEXITED(status) ? WEXITSTATUS(status) : -1; }

int vervet_terminating_signal(int status) { return WIFSIGNALED(status) ? WTERMSIG(status) : 0; }

void vervet_syslog(int priority, const char *text) { syslog(priority, "%s", text); }

int vervet_pidfd_open(pid_t pid) { return pidfd_open(pid, 0); }

int vervet_pipe(int ends[2]) {
    if (pipe2(ends, O_CLOEXEC) != 0) return -1;
    return fcntl(ends[0], F_SETFL, O_NONBLOCK);
}

int vervet_spawn_close_from(void *actions, int first) {
    return posix_spawn_file_actions_addclosefrom_np((posix_spawn_file_actions_t *)actions, first);
}

int vervet_accept(int listener) { return accept4(listener, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK); }

int vervet_memory_file(const char *name) { return memfd_create(name, MFD_CLOEXEC); }

pid_t vervet_fork(void) { return fork(); }

int vervet_close_range(unsigned first, unsigned last) { return close_range(first, last, 0); }
