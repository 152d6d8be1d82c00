// SPDX-License-Identifier: Apache-2.0
// Perl-compatible regular expressions on bytes (libpcre2-8).
#pragma once
#define PCRE2_CODE_UNIT_WIDTH 8
#include <pcre2.h>
