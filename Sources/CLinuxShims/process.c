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
#include <elf.h>
#include <grp.h>
#include <link.h>
#include <malloc.h>
#include <linux/capability.h>
#include <stdint.h>
#include <sys/syscall.h>
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

static int forget_object(struct dl_phdr_info *object, size_t size, void *context) {
    (void)size;
    (void)context;
    long page = sysconf(_SC_PAGESIZE);
    for (int index = 0; index < object->dlpi_phnum; index++) {
        const ElfW(Phdr) *segment = &object->dlpi_phdr[index];
        // What the loader changed (relocations) lies in segments that can be written, also where it is read-only by now.
        if (segment->p_type != PT_LOAD || (segment->p_flags & PF_W)) continue;
        uintptr_t begin = (object->dlpi_addr + segment->p_vaddr + page - 1) & -(uintptr_t)page;
        uintptr_t end = (object->dlpi_addr + segment->p_vaddr + segment->p_memsz) & -(uintptr_t)page;
        if (begin < end) madvise((void *)begin, end - begin, MADV_DONTNEED);
    }
    return 0;
}

void vervet_forget_code(void) { dl_iterate_phdr(forget_object, NULL); }

int vervet_become(uid_t user, gid_t group, const gid_t *others, int count, unsigned capabilities) {
    struct __user_cap_header_struct header = {.version = _LINUX_CAPABILITY_VERSION_3, .pid = 0};
    struct __user_cap_data_struct data[2] = {{.effective = capabilities, .permitted = capabilities, .inheritable = capabilities}};
    if (prctl(PR_SET_KEEPCAPS, 1, 0, 0, 0) != 0 || setgroups(count, others) != 0) return -1;
    if (setresgid(group, group, group) != 0 || setresuid(user, user, user) != 0) return -1;
    return (int)syscall(SYS_capset, &header, data);
}

int vervet_use_one_memory_pool(void) { return mallopt(M_ARENA_MAX, 1); }

int vervet_map_large_memory(void) { return mallopt(M_MMAP_THRESHOLD, 128 * 1024); }
