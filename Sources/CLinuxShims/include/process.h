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

/// pidfd_open(2): a descriptor that becomes readable when the process ends. -1 with errno on failure.
int vervet_pidfd_open(pid_t pid);

/// posix_spawn(3) flag: the child gets a session of its own (GNU extension).
enum { vervet_posix_spawn_setsid = 0x80 };

/// pipe2(2): both ends close-on-exec, the reading end (0) non-blocking. 0, or -1 with errno.
int vervet_pipe(int ends[2]);

/// posix_spawn_file_actions_addclosefrom_np(3), a GNU extension; `actions` is a posix_spawn_file_actions_t.
int vervet_spawn_close_from(void *actions, int first);

/// accept4(2) with the new socket close-on-exec and non-blocking. -1 with errno on failure.
int vervet_accept(int listener);

/// memfd_create(2): an anonymous file in memory, close-on-exec. -1 with errno on failure.
int vervet_memory_file(const char *name);

/// fork(2), which Swift hides because most processes have threads: only for one that has none.
pid_t vervet_fork(void);

/// close_range(2) of the descriptors from `first` to `last`. 0, or -1 with errno.
int vervet_close_range(unsigned first, unsigned last);

/// Makes all threads take memory from one pool (mallopt(3), M_ARENA_MAX); returns 0 when that is not possible.
int vervet_use_one_memory_pool(void);

/// Keeps memory of 128 KiB and more out of the pools for good: it is new and untouched each time, and given back when it
/// is freed (mallopt(3), M_MMAP_THRESHOLD). Returns 0 when that is not possible.
int vervet_map_large_memory(void);

/// Lets go of the program's and its libraries' pages of code and constants (madvise(2) MADV_DONTNEED): what is still needed comes back from
/// the page cache, what only the start needed does not. Before mlockall(2), which forbids it.
void vervet_forget_code(void);

/// Becomes another user for good, keeping only the capabilities of the mask (capabilities(7), numbers below 32).
int vervet_become(uid_t user, gid_t group, const gid_t *others, int count, unsigned capabilities);
