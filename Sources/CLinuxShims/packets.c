// SPDX-License-Identifier: Apache-2.0
#define _GNU_SOURCE 1
#include "packets.h"

#include <string.h>

int vervet_send_slice(int descriptor, const void *frames, size_t length, int count, const void *target, unsigned size)
{
    struct mmsghdr messages[vervet_slice_length];
    struct iovec parts[vervet_slice_length];
    if (count > vervet_slice_length)
        count = vervet_slice_length;
    memset(messages, 0, sizeof messages);
    for (int i = 0; i < count; i++) {
        parts[i].iov_base = (char *)frames + (size_t)i * length;
        parts[i].iov_len = length;
        messages[i].msg_hdr.msg_name = (void *)target;
        messages[i].msg_hdr.msg_namelen = size;
        messages[i].msg_hdr.msg_iov = &parts[i];
        messages[i].msg_hdr.msg_iovlen = 1;
    }
    return sendmmsg(descriptor, messages, (unsigned)count, 0);
}
