// SPDX-License-Identifier: (MIT OR GPL-2.0-only)
/*
 * The way of channel data that never reaches a socket: what comes in at an interface and fits a route exactly goes on to
 * where the route leads. Whatever else comes in, or is not understood to the last byte, goes up as it is.
 *
 * One flat run of instructions: no calls, no relocations. The maps are named by numbers that the loader replaces.
 * docs/kernel.md tells what is in them; src/turn/kernel/layout.rs has the same structures for the other side.
 */
#include "relay.h"

/* Where the route leads, and what it does with the channel header. */
struct way {
    struct route *in;  /* the route that the packet fits */
    struct route *out; /* the same, or that of the allocation whose relayed address the packet is for */
    struct tally *counts[2];
    __u32 len; /* bytes of data */
};

static __always_inline struct tally *valid(const struct route *route, __u64 now)
{
    struct tally *tally = bpf_map_lookup_elem(TALLIES, &route->tally);

    return tally && tally->until > now ? tally : 0;
}

/* Finds the way, or says 0. */
static __always_inline int find(struct flow *flow, const struct packet *packet, struct way *way)
{
    struct flow within = {};
    __u64 now;

    way->in = 0;
    way->len = packet->len;
    if (packet->len >= CHANNEL_HEADER && (packet->head[0] & 0xC0) == 0x40) {
        flow->channel = *(__be16 *)packet->head;
        way->in = bpf_map_lookup_elem(ROUTES, flow);
        if (way->in) {
            way->len = bpf_ntohs(*(__be16 *)(packet->head + 2));
            /* Padding, which nobody needs to send over UDP, is for the socket. */
            if (way->len + CHANNEL_HEADER != packet->len)
                return 0;
        }
    }
    if (!way->in) {
        flow->channel = 0;
        way->in = bpf_map_lookup_elem(ROUTES, flow);
        if (!way->in)
            return 0;
    }
    now = bpf_ktime_get_ns();
    way->out = way->in;
    way->counts[0] = valid(way->in, now);
    way->counts[1] = 0;
    if (!way->counts[0])
        return 0;
    if (way->in->inside) {
        __builtin_memcpy(within.ends, way->in->ends, sizeof(within.ends));
        within.ports = way->in->ports;
        within.inside = 1;
        way->out = bpf_map_lookup_elem(ROUTES, &within);
        if (!way->out)
            return 0;
        way->counts[1] = valid(way->out, now);
        if (!way->counts[1])
            return 0;
    }
    return 1;
}

/* Whether the packet may leave as large as it will be. */
static __always_inline int fits(struct __sk_buff *skb, const struct route *out, __u32 size)
{
    __u32 mtu_or_size = size;

    /* What a path bears beyond that is for the socket to find out: routers do not fragment IPv6. */
    if (out->v6 && size > IPV6_MIN_MTU)
        return 0;
    return bpf_check_mtu(skb, out->ifindex, &mtu_or_size, 0, 0) == 0;
}

/* Moves the payload, which begins at `at`, by four bytes, and makes the packet so much longer or shorter. */
static __always_inline int move_payload(struct __sk_buff *skb, __u32 at, __u32 len, int longer)
{
    __u8 chunk[CHUNK] = {};
    __u32 from = longer ? at : at + CHANNEL_HEADER, to = longer ? at + CHANNEL_HEADER : at;
    __u32 whole = len / CHUNK, rest = len % CHUNK, i;

    if (longer && bpf_skb_change_tail(skb, skb->len + CHANNEL_HEADER, 0))
        return -1;
    if (rest > 0 && longer) {
        if (bpf_skb_load_bytes(skb, from + whole * CHUNK, chunk, rest) ||
            bpf_skb_store_bytes(skb, to + whole * CHUNK, chunk, rest, BPF_F_RECOMPUTE_CSUM))
            return -1;
    }
    for (i = 0; i < MOST_CHUNKS; i++) {
        __u32 n = longer ? whole - 1 - i : i;

        if (i >= whole)
            break;
        if (bpf_skb_load_bytes(skb, from + n * CHUNK, chunk, CHUNK) ||
            bpf_skb_store_bytes(skb, to + n * CHUNK, chunk, CHUNK, BPF_F_RECOMPUTE_CSUM))
            return -1;
    }
    if (rest > 0 && !longer) {
        if (bpf_skb_load_bytes(skb, from + whole * CHUNK, chunk, rest) ||
            bpf_skb_store_bytes(skb, to + whole * CHUNK, chunk, rest, BPF_F_RECOMPUTE_CSUM))
            return -1;
    }
    return longer ? 0 : bpf_skb_change_tail(skb, skb->len - CHANNEL_HEADER, 0);
}

/*
 * Makes or takes away the room of a channel header. The short way moves the headers, so that the payload stays where
 * it is. But where a card is to complete the checksum, the kernel remembers the place of the UDP header, which must not
 * move then: the payload does.
 */
static __always_inline int make_room(struct __sk_buff *skb, const struct packet *packet, const struct way *way)
{
    int longer = way->out->channel != 0;
    __u32 at = ETH_HLEN + (way->out->v6 ? IPV6_HEADER : IPV4_HEADER) + UDP_HEADER;

    if (longer == (packet->len != way->len))
        return 0;
    if (packet->may_be_partial)
        return move_payload(skb, at, way->len, longer);
    if (longer)
        return bpf_skb_adjust_room(skb, CHANNEL_HEADER, BPF_ADJ_ROOM_NET, BPF_F_ADJ_ROOM_NO_CSUM_RESET);
    if (bpf_skb_adjust_room(skb, -CHANNEL_HEADER, BPF_ADJ_ROOM_NET, BPF_F_ADJ_ROOM_NO_CSUM_RESET))
        return -1;
    /* A sum over the whole packet (CHECKSUM_COMPLETE) went without the ports, which the headers still have. */
    bpf_csum_update(skb, packet->ports);
    return 0;
}

/* Writes the headers anew and corrects the checksum by what has changed. */
static __always_inline int write_headers(struct __sk_buff *skb, const struct flow *flow, const struct packet *packet,
                                         const struct way *way)
{
    const struct route *out = way->out;
    __u32 length = UDP_HEADER + way->len + (out->channel ? CHANNEL_HEADER : 0);
    __u32 udp = ETH_HLEN + (out->v6 ? IPV6_HEADER : IPV4_HEADER);
    __u32 old_channel = *(__u32 *)packet->head;
    __u64 pseudo = 0, plain = 0;
    struct udp_head tail = {out->ports, bpf_htons(length), packet->check,
                            (__u32)out->channel | (__u32)bpf_htons(way->len) << 16};
    int i;

    if (out->v6) {
        struct {
            struct ipv6_header ip;
            struct udp_head udp;
        } head = {};

        head.ip.first = bpf_htonl(6u << 28 | (__u32)packet->tos << 20);
        head.ip.payload = tail.length;
        head.ip.next = IPPROTO_UDP;
        head.ip.hops = packet->ttl - 1;
        __builtin_memcpy(head.ip.ends, out->ends, sizeof(head.ip.ends));
        head.udp = tail;
        if (bpf_skb_store_bytes(skb, ETH_HLEN, &head, sizeof(head) - (out->channel ? 0 : CHANNEL_HEADER), 0))
            return -1;
    } else {
        struct {
            struct ipv4_header ip;
            struct udp_head udp;
        } head = {};

        head.ip.version = 0x45;
        head.ip.tos = packet->tos;
        head.ip.total = bpf_htons(IPV4_HEADER + length);
        /* Without the DF bit, and so with an identification of its own among those from this address. */
        head.ip.id = bpf_get_prandom_u32();
        head.ip.ttl = packet->ttl - 1;
        head.ip.protocol = IPPROTO_UDP;
        head.ip.src = out->ends[3];
        head.ip.dst = out->ends[7];
        head.ip.check = ~sum_of(&head.ip, sizeof(head.ip));
        head.udp = tail;
        if (bpf_skb_store_bytes(skb, ETH_HLEN, &head, sizeof(head) - (out->channel ? 0 : CHANNEL_HEADER), 0))
            return -1;
    }
    for (i = 0; i < 8; i++)
        pseudo += (__u64)out->ends[i] + (__u32)~flow->ends[i];
    pseudo += (__u64)tail.length + (__u16)~packet->udp_length;
    plain = (__u64)out->ports + (__u32)~packet->ports + tail.length + (__u16)~packet->udp_length;
    plain += out->channel ? tail.channel : 0;
    plain += packet->len != way->len ? (__u32)~old_channel : 0;
    if (bpf_l4_csum_replace(skb, udp + 6, 0, folded(pseudo), BPF_F_PSEUDO_HDR | BPF_F_MARK_MANGLED_0))
        return -1;
    return bpf_l4_csum_replace(skb, udp + 6, 0, folded(plain), BPF_F_MARK_MANGLED_0);
}

static __always_inline void count(struct tally *tally, __u32 len)
{
    __sync_fetch_and_add(&tally->packets, 1);
    __sync_fetch_and_add(&tally->bytes, len);
}

__attribute__((section("tc"), used)) int relay(struct __sk_buff *skb)
{
    struct bpf_redir_neigh hop = {};
    struct packet packet = {};
    struct flow flow = {};
    struct way way;
    __u32 size;

    if (!parse(skb, &flow, &packet) || !find(&flow, &packet, &way))
        return UP;
    size = (way.out->v6 ? IPV6_HEADER : IPV4_HEADER) + UDP_HEADER + way.len + (way.out->channel ? CHANNEL_HEADER : 0);
    if (!fits(skb, way.out, size) || (way.out->v6 && packet.check == 0))
        return UP;
    /* From here on the packet is no longer what it was: it leaves, or it is lost. */
    if (way.out->v6 != packet.v6 && bpf_skb_change_proto(skb, bpf_htons(way.out->v6 ? ETH_P_IPV6 : ETH_P_IP), 0))
        return LOST;
    if (make_room(skb, &packet, &way) || write_headers(skb, &flow, &packet, &way))
        return LOST;
    count(way.counts[0], way.len);
    if (way.counts[1])
        count(way.counts[1], way.len);
    hop.nh_family = way.out->v6 ? AF_INET6 : AF_INET;
    if (way.out->v6)
        __builtin_memcpy(hop.ipv6_nh, way.out->hop, sizeof(hop.ipv6_nh));
    else
        hop.ipv4_nh = way.out->hop[3];
    return bpf_redirect_neigh(way.out->ifindex, &hop, sizeof(hop), 0);
}
