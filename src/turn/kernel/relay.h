/* SPDX-License-Identifier: (MIT OR GPL-2.0-only) */
/* What relay.c reads and writes: the maps, the helpers of the kernel's, and a packet taken apart. */
#ifndef RELAY_H
#define RELAY_H

#include <linux/bpf.h>

#undef __always_inline
#define __always_inline inline __attribute__((always_inline))

#define bpf_htons(n) ((__be16)__builtin_bswap16(n))
#define bpf_ntohs(n) __builtin_bswap16(n)
#define bpf_htonl(n) __builtin_bswap32(n)

/* Numbers of the Internet's, which linux/in.h and others would bring with much that a program here cannot have. */
enum {
    ETH_HLEN = 14,
    ETH_P_IP = 0x0800,
    ETH_P_IPV6 = 0x86DD,
    AF_INET = 2,
    AF_INET6 = 10,
    IPPROTO_UDP = 17,
    IPV4_HEADER = 20,
    IPV6_HEADER = 40,
    UDP_HEADER = 8,
    CHANNEL_HEADER = 4,
};

/* Of bpf_skb_adjust_room (Linux 6.3): what is shortened becomes a packet of that family. Some headers do not have it yet. */
enum { TO_IPV4 = 1 << 7, TO_IPV6 = 1 << 8 };

/* What the program answers: on to the next program and the stack, or nowhere. */
enum { UP = -1, LOST = 2 };

/* How a payload is moved: in pieces, up to the size of a jumbo frame. */
enum { CHUNK = 256, MOST_CHUNKS = 36 };

/* The maps. The loader knows these numbers and puts descriptors in their place. */
#define ROUTES ((void *)0x70A5701E5A000001ULL)
#define CHAINS ((void *)0x70A5701E5A000002ULL)
#define CLOCK ((void *)0x70A5701E5A000003ULL)
/* Likewise: how many of 64 bits are not of the number of a chain; and secrets, by which flows are spread over them. */
#define SHIFT 0x70A5701E5A000010ULL
#define SECRET 0x70A5701E5A000011ULL /* and four more */
/* An odd number without a pattern in its bits. */
#define SPREAD 0xD6E8FEB86659FD93ULL
/* How many routes of a chain are looked at. */
enum { LONGEST = 8 };

/*
 * The ends of a packet that comes in, and its channel. IPv4 addresses are mapped ones (::ffff:192.0.2.1), whose sum is
 * that of the address alone.
 */
struct flow {
    union {
        struct {
            __u32 ends[8]; /* source and destination */
            __u32 ports;   /* likewise; everything is in the network's order */
            __be16 channel; /* 0 for a packet from a peer */
            __u16 inside;   /* it has come from another allocation, and not from outside */
        };
        __u64 words[5];
    };
};

/*
 * An element of the first map, which the server has in its memory, as it has the second. There begin the chains of routes
 * whose flows fell together. A map of the kernel's that does this by itself takes 40 ns more: its functions return one
 * from the other, which is dear on processors that are kept from guessing where to.
 */
struct route {
    __u64 until; /* CLOCK_MONOTONIC in nanoseconds; 0 for never */
    __u64 packets;
    __u64 bytes;
    __u32 most;    /* bytes of an IP packet that may leave so */
    __u32 version; /* odd while the rest is written anew, and another one after it */
    __u32 next;    /* the number of the next in this chain, counted from 1 */
    __u32 ifindex;
    struct flow flow; /* what goes this way, and how it goes on: */
    __u32 ends[8];
    __u32 hop[4]; /* the next hop's address */
    __u32 ports;
    __be16 channel; /* 0 for a packet to a peer */
    __u8 v6;        /* leaves by IPv6 */
    __u8 inside;    /* the peer is another allocation here: its route says how it goes on, or nobody does */
};

struct ipv4_header {
    __u8 version, tos;
    __be16 total, id, fragment;
    __u8 ttl, protocol;
    __u16 check;
    __be32 src, dst;
};

struct ipv6_header {
    __be32 first;
    __be16 payload;
    __u8 next, hops;
    __u32 ends[8];
};

struct udp_header {
    __u32 ports;
    __be16 length;
    __u16 check;
};

/* The heads of a packet that leaves; the last word is there only in one on a channel. */
struct ipv4_frame {
    struct ipv4_header ip;
    struct udp_header udp;
    __u32 channel;
};

struct ipv6_frame {
    struct ipv6_header ip;
    struct udp_header udp;
    __u32 channel;
};

static void *(*bpf_map_lookup_elem)(void *map, const void *key) = (void *)BPF_FUNC_map_lookup_elem;
static __u64 (*bpf_ktime_get_ns)(void) = (void *)BPF_FUNC_ktime_get_ns;
static __u64 (*bpf_jiffies64)(void) = (void *)BPF_FUNC_jiffies64;
static long (*bpf_skb_pull_data)(struct __sk_buff *skb, __u32 len) = (void *)BPF_FUNC_skb_pull_data;
static long (*bpf_skb_load_bytes)(const void *skb, __u32 at, void *to, __u32 len) = (void *)BPF_FUNC_skb_load_bytes;
static long (*bpf_skb_store_bytes)(struct __sk_buff *skb, __u32 at, const void *from, __u32 len,
                                   __u64 flags) = (void *)BPF_FUNC_skb_store_bytes;
static long (*bpf_skb_change_head)(struct __sk_buff *skb, __u32 len, __u64 flags) = (void *)BPF_FUNC_skb_change_head;
static long (*bpf_skb_change_tail)(struct __sk_buff *skb, __u32 len, __u64 flags) = (void *)BPF_FUNC_skb_change_tail;
static long (*bpf_skb_change_proto)(struct __sk_buff *skb, __be16 proto, __u64 flags) =
    (void *)BPF_FUNC_skb_change_proto;
static long (*bpf_skb_adjust_room)(struct __sk_buff *skb, __s32 by, __u32 mode, __u64 flags) =
    (void *)BPF_FUNC_skb_adjust_room;
static long (*bpf_l4_csum_replace)(struct __sk_buff *skb, __u32 at, __u64 from, __u64 to, __u64 flags) =
    (void *)BPF_FUNC_l4_csum_replace;
static long (*bpf_redirect_neigh)(__u32 ifindex, struct bpf_redir_neigh *hop, int size,
                                  __u64 flags) = (void *)BPF_FUNC_redirect_neigh;

/* A packet taken apart. */
struct packet {
    __u64 ends;   /* the sum of the addresses */
    __u32 head;   /* the first bytes of the payload, where there are so many */
    __u32 len;    /* bytes of payload */
    __u32 ports;
    __be16 udp_length;
    __u16 check;
    __u8 v6, tos, ttl;
    __u8 may_be_partial; /* the checksum may be one that is yet to be completed */
};

static __always_inline __u32 folded(__u64 sum)
{
    sum = (sum & 0xFFFFFFFF) + (sum >> 32);
    return (sum & 0xFFFFFFFF) + (sum >> 32);
}

static __always_inline __u16 to_16(__u64 sum)
{
    sum = folded(sum);
    sum = (sum & 0xFFFF) + (sum >> 16);
    return (sum & 0xFFFF) + (sum >> 16);
}

/* Of whole words, as few as a header has. */
static __always_inline __u16 sum_of(const void *bytes, __u32 len)
{
    const __u32 *words = bytes;
    __u64 sum = 0;
    __u32 i;

    for (i = 0; i < len / 4; i++)
        sum += words[i];
    return to_16(sum);
}

static __always_inline int parse_v4(const struct ipv4_header *ip, __u32 size, struct flow *flow, struct packet *packet)
{
    /* Options, fragments, another length than the frame's: not for us. */
    if (ip->version != 0x45 || ip->protocol != IPPROTO_UDP || ip->fragment & bpf_htons(0xBFFF) ||
        bpf_ntohs(ip->total) + ETH_HLEN != size || sum_of(ip, sizeof(*ip)) != 0xFFFF)
        return 0;
    flow->ends[2] = flow->ends[6] = bpf_htonl(0xFFFF);
    flow->ends[3] = ip->src;
    flow->ends[7] = ip->dst;
    packet->tos = ip->tos;
    packet->ttl = ip->ttl;
    return 1;
}

static __always_inline int parse_v6(const struct ipv6_header *ip, __u32 size, struct flow *flow, struct packet *packet)
{
    if (bpf_htonl(ip->first) >> 28 != 6 || ip->next != IPPROTO_UDP ||
        bpf_ntohs(ip->payload) + IPV6_HEADER + ETH_HLEN != size)
        return 0;
    __builtin_memcpy(flow->ends, ip->ends, sizeof(flow->ends));
    /* Such an address on the wire is nobody's. */
    if ((!ip->ends[0] && !ip->ends[1] && ip->ends[2] == bpf_htonl(0xFFFF)) ||
        (!ip->ends[4] && !ip->ends[5] && ip->ends[6] == bpf_htonl(0xFFFF)))
        return 0;
    packet->tos = bpf_htonl(ip->first) >> 20;
    packet->ttl = ip->hops;
    packet->v6 = 1;
    return 1;
}

/*
 * Sees to it that so many bytes lie in one piece, where there are so many. What follows compares the ends with numbers
 * that the compiler knows, and no pointer with 0: without CAP_PERFMON, which nobody shall need, the verifier takes
 * nothing else.
 */
static __always_inline void in_one_piece(struct __sk_buff *skb, const __u32 len)
{
    if ((void *)(long)skb->data + len > (void *)(long)skb->data_end)
        bpf_skb_pull_data(skb, len);
}

/* What the headers of UDP and of a channel say; 0 for a packet that goes up. */
static __always_inline int parse_udp(const struct udp_header *udp, const void *end, struct flow *flow,
                                     struct packet *packet)
{
    __u64 pseudo = 0;
    int i;

    if (bpf_ntohs(udp->length) != packet->len + UDP_HEADER || packet->ttl <= 1)
        return 0;
    flow->ports = packet->ports = udp->ports;
    packet->udp_length = udp->length;
    packet->check = udp->check;
    for (i = 0; i < 8; i++)
        packet->ends += flow->ends[i];
    pseudo = to_16(packet->ends + bpf_htons(IPPROTO_UDP) + udp->length);
    packet->may_be_partial = pseudo == udp->check;
    /* No checksum, which IPv6 does not allow; or one that could be either. */
    if (packet->check == 0 && (packet->v6 || pseudo == 0xFFFF))
        return 0;
    if ((void *)udp + UDP_HEADER + CHANNEL_HEADER > end)
        return packet->len < CHANNEL_HEADER;
    packet->head = *(const __u32 *)(udp + 1);
    return 1;
}

/* Takes a packet apart; 0 for one that goes up. */
static __always_inline int parse(struct __sk_buff *skb, struct flow *flow, struct packet *packet)
{
    void *data, *end;

    /* For another host, in a VLAN, or several packets joined. */
    if (skb->pkt_type != 0 || skb->vlan_present || skb->gso_size)
        return 0;
    if (skb->protocol == bpf_htons(ETH_P_IP)) {
        in_one_piece(skb, ETH_HLEN + sizeof(struct ipv4_frame));
        data = (void *)(long)skb->data;
        end = (void *)(long)skb->data_end;
        if (data + ETH_HLEN + IPV4_HEADER + UDP_HEADER > end || !parse_v4(data + ETH_HLEN, skb->len, flow, packet))
            return 0;
        packet->len = skb->len - ETH_HLEN - IPV4_HEADER - UDP_HEADER;
        return parse_udp(data + ETH_HLEN + IPV4_HEADER, end, flow, packet);
    }
    if (skb->protocol == bpf_htons(ETH_P_IPV6)) {
        in_one_piece(skb, ETH_HLEN + sizeof(struct ipv6_frame));
        data = (void *)(long)skb->data;
        end = (void *)(long)skb->data_end;
        if (data + ETH_HLEN + IPV6_HEADER + UDP_HEADER > end || !parse_v6(data + ETH_HLEN, skb->len, flow, packet))
            return 0;
        packet->len = skb->len - ETH_HLEN - IPV6_HEADER - UDP_HEADER;
        return parse_udp(data + ETH_HLEN + IPV6_HEADER, end, flow, packet);
    }
    return 0;
}

#endif
