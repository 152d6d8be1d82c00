// SPDX-License-Identifier: Apache-2.0
#define _GNU_SOURCE 1
#include "packets.h"

#include <errno.h>
#include <linux/ethtool.h>
#include <linux/filter.h>
#include <linux/sockios.h>
#include <netinet/in.h>
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

int vervet_accept_arp_replies(int descriptor, const unsigned char *sender, const unsigned char *target)
{
    // RFC 826: the hardware address's length is at 4, the operation at 6; then the sender's hardware and protocol address at 8,
    // then the target's: with the length in the index register all places can be told.
    const unsigned their = (unsigned)sender[0] << 24 | (unsigned)sender[1] << 16 | (unsigned)sender[2] << 8 | sender[3];
    const unsigned our = (unsigned)target[0] << 24 | (unsigned)target[1] << 16 | (unsigned)target[2] << 8 | target[3];
    struct sock_filter code[] = {
        BPF_STMT(BPF_LD | BPF_W | BPF_ABS, (unsigned)(SKF_AD_OFF + SKF_AD_PKTTYPE)),
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, PACKET_HOST, 0, 12),
        BPF_STMT(BPF_LD | BPF_H | BPF_ABS, 6),
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, ARPOP_REPLY, 0, 10),
        BPF_STMT(BPF_LD | BPF_B | BPF_ABS, 4),
        BPF_STMT(BPF_MISC | BPF_TAX, 0),
        BPF_STMT(BPF_LD | BPF_W | BPF_IND, 8),
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, their, 0, 6),
        BPF_STMT(BPF_MISC | BPF_TXA, 0),
        BPF_STMT(BPF_ALU | BPF_LSH | BPF_K, 1),
        BPF_STMT(BPF_MISC | BPF_TAX, 0),
        BPF_STMT(BPF_LD | BPF_W | BPF_IND, 12),
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, our, 0, 1),
        BPF_STMT(BPF_RET | BPF_K, 256),
        BPF_STMT(BPF_RET | BPF_K, 0),
    };
    struct sock_fprog program = {.len = sizeof code / sizeof code[0], .filter = code};
    return setsockopt(descriptor, SOL_SOCKET, SO_ATTACH_FILTER, &program, sizeof program);
}

unsigned vervet_link_speed(const char *device)
{
    struct ethtool_cmd command = {.cmd = ETHTOOL_GSET};
    struct ifreq request = {.ifr_data = (void *)&command};
    if (strlen(device) >= sizeof request.ifr_name)
        return 0;
    strcpy(request.ifr_name, device);
    int descriptor = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    if (descriptor < 0)
        return 0;
    int result = ioctl(descriptor, SIOCETHTOOL, &request);
    close(descriptor);
    unsigned speed = result == 0 ? ethtool_cmd_speed(&command) : 0;
    return speed == (unsigned)SPEED_UNKNOWN || speed == 0xffff ? 0 : speed;
}

int vervet_send_advertisements(int descriptor, const void *packets, size_t length, const void *sources, int count,
                               unsigned interface)
{
    struct mmsghdr messages[vervet_slice_length];
    struct iovec parts[vervet_slice_length];
    union {
        char bytes[CMSG_SPACE(sizeof(struct in6_pktinfo))];
        struct cmsghdr header;
    } controls[vervet_slice_length];
    struct sockaddr_in6 nodes = {.sin6_family = AF_INET6, .sin6_scope_id = interface};
    nodes.sin6_addr.s6_addr[0] = 0xff; // ff02::1, all nodes on the link
    nodes.sin6_addr.s6_addr[1] = 0x02;
    nodes.sin6_addr.s6_addr[15] = 0x01;
    if (count > vervet_slice_length)
        count = vervet_slice_length;
    memset(messages, 0, sizeof messages);
    memset(controls, 0, sizeof controls);
    for (int i = 0; i < count; i++) {
        parts[i].iov_base = (char *)packets + (size_t)i * length;
        parts[i].iov_len = length;
        messages[i].msg_hdr.msg_name = &nodes;
        messages[i].msg_hdr.msg_namelen = sizeof nodes;
        messages[i].msg_hdr.msg_iov = &parts[i];
        messages[i].msg_hdr.msg_iovlen = 1;
        messages[i].msg_hdr.msg_control = controls[i].bytes;
        messages[i].msg_hdr.msg_controllen = sizeof controls[i].bytes;
        struct cmsghdr *header = CMSG_FIRSTHDR(&messages[i].msg_hdr);
        header->cmsg_level = IPPROTO_IPV6;
        header->cmsg_type = IPV6_PKTINFO;
        header->cmsg_len = CMSG_LEN(sizeof(struct in6_pktinfo));
        struct in6_pktinfo info = {.ipi6_ifindex = interface};
        memcpy(&info.ipi6_addr, (const char *)sources + (size_t)i * 16, 16);
        memcpy(CMSG_DATA(header), &info, sizeof info);
    }
    return sendmmsg(descriptor, messages, (unsigned)count, 0);
}

int vervet_receive_batch(int descriptor, struct vervet_datagram *datagrams, int count)
{
    struct mmsghdr messages[vervet_batch_length];
    struct iovec parts[vervet_batch_length];
    if (count > vervet_batch_length)
        count = vervet_batch_length;
    memset(messages, 0, sizeof messages);
    for (int i = 0; i < count; i++) {
        parts[i].iov_base = datagrams[i].bytes;
        parts[i].iov_len = sizeof datagrams[i].bytes;
        messages[i].msg_hdr.msg_name = &datagrams[i].source;
        messages[i].msg_hdr.msg_namelen = sizeof datagrams[i].source;
        messages[i].msg_hdr.msg_iov = &parts[i];
        messages[i].msg_hdr.msg_iovlen = 1;
        messages[i].msg_hdr.msg_control = datagrams[i].control;
        messages[i].msg_hdr.msg_controllen = sizeof datagrams[i].control;
    }
    int taken = recvmmsg(descriptor, messages, (unsigned)count, MSG_DONTWAIT, NULL);
    for (int i = 0; i < taken; i++) {
        datagrams[i].length = messages[i].msg_len;
        datagrams[i].control_length = messages[i].msg_hdr.msg_controllen;
    }
    return taken;
}
