// SPDX-License-Identifier: Apache-2.0
#define _GNU_SOURCE 1
#include "packets.h"

#include <errno.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

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

int vervet_multicast_membership(const char *device, const unsigned char *hardware, int joins)
{
    struct ifreq request = {0};
    if (strlen(device) >= sizeof request.ifr_name) {
        errno = ENODEV;
        return -1;
    }
    strcpy(request.ifr_name, device);
    memcpy(request.ifr_hwaddr.sa_data, hardware, 6);
    int descriptor = socket(AF_PACKET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    if (descriptor < 0)
        return -1;
    int result = ioctl(descriptor, joins ? SIOCADDMULTI : SIOCDELMULTI, &request);
    int code = errno;
    close(descriptor);
    errno = code;
    return result;
}
