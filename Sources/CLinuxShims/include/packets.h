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
