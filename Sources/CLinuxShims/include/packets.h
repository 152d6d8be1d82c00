// SPDX-License-Identifier: Apache-2.0
// Packet sockets and the protocol headers around them, which Swift's Glibc module leaves out.
#pragma once
#define _GNU_SOURCE 1
#include <net/if.h>
#include <net/if_arp.h>
#include <netinet/icmp6.h>
#include <netinet/ip_icmp.h>
#include <netpacket/packet.h>
#include <linux/if_ether.h>
#include <sys/socket.h>

/// The most frames of one call below.
enum { vervet_slice_length = 64 };

/// sendmmsg(2) of `count` frames of `length` bytes that follow one another, all to `target`. The number sent, or -1 with errno.
int vervet_send_slice(int descriptor, const void *frames, size_t length, int count, const void *target, unsigned size);

/// SIOCADDMULTI (`joins` not 0) or SIOCDELMULTI: a static hardware multicast address of a device, 6 bytes. 0, or -1 with errno.
int vervet_multicast_membership(const char *device, const unsigned char *hardware, int joins);

/// sendmmsg(2) of `count` ICMPv6 packets of `length` bytes that follow one another to all nodes on the link of `interface`, each
/// from its own of the 16-byte addresses in `sources` (IPV6_PKTINFO). The number sent, or -1 with errno.
int vervet_send_advertisements(int descriptor, const void *packets, size_t length, const void *sources, int count,
                               unsigned interface);

/// Makes a packet socket (SOCK_DGRAM) take nothing but ARP replies that were sent to us alone, and that tell `target` (ours) of
/// `sender`: all else costs nobody a waking. Both are 4 bytes of IPv4 address as on the wire. 0, or -1 with errno.
int vervet_accept_arp_replies(int descriptor, const unsigned char *sender, const unsigned char *target);

/// ETHTOOL_GSET: the speed of a device in Mbit/s; 0 when it tells none.
unsigned vervet_link_speed(const char *device);

/// The most datagrams of one call below.
enum { vervet_batch_length = 16 };

/// A datagram as vervet_receive_batch() leaves it: what does not fit into `bytes` and `control` is cut off.
struct vervet_datagram {
    struct sockaddr_storage source;
    size_t length;
    size_t control_length;
    _Alignas(16) unsigned char control[128];
    unsigned char bytes[256];
};

/// recvmmsg(2) without waiting: takes up to `count` datagrams that are there. Their number, or -1 with errno.
int vervet_receive_batch(int descriptor, struct vervet_datagram *datagrams, int count);
