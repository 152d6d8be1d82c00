// SPDX-License-Identifier: Apache-2.0
#include "taglog.h"

#include <syslog.h>

void vervet_syslog_as(const char *tag, int priority, const char *text) {
    openlog(tag, LOG_PID, LOG_DAEMON);
    syslog(priority, "%s", text);
    closelog(); // forgets `tag`, which belongs to the caller
}
