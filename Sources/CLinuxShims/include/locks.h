// SPDX-License-Identifier: Apache-2.0
// flock(2), which Swift hides behind the structure of the same name.
#pragma once
#include <sys/file.h>

/// flock(2): 0, or -1 with errno.
static inline int vervet_flock(int descriptor, int operation) { return flock(descriptor, operation); }
