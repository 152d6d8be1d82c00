// SPDX-License-Identifier: Apache-2.0
// syslog(3), which is variadic and keeps its tag by reference.
#pragma once

/// Writes one line as `tag[pid]: text`. `priority` includes the facility.
void vervet_syslog_as(const char *tag, int priority, const char *text);
