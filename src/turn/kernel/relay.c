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
    __u32 versions[2]; /* of both, as they were found */
    __u8 inside;       /* they are two */
    __u32 len;         /* bytes of data */
};

/*
 * Whether a moment is yet to come. To look at the clock costs as much as to look up a route: what it said, in units of
 * 2^30 nanoseconds, is good for the rest of the tick, unless the moment is near. Both are in one word, whose halves
 * belong together whoever writes it.
 */
static __always_inline int is_ahead(__u64 moment)
{
    __u32 first = 0, tick = bpf_jiffies64();
    __u64 *seen = bpf_map_lookup_elem(CLOCK, &first);
    __u64 last = seen ? *seen : 0, now;

    if (last && (__u32)last == tick && moment >> 30 > (last >> 32) + 1)
        return 1;
    now = bpf_ktime_get_ns();
    seen = bpf_map_lookup_elem(CLOCK, &first);
    if (seen)
        *seen = now >> 30 << 32 | tick;
    return moment > now;
}

/* What version a route has. It is read before whatever was read before it is trusted, and before what is read next. */
static __always_inline __u32 version_of(struct route *route)
{
    return __sync_fetch_and_add(&route->version, 0);
}

/* A number that the loader replaces: the compiler shall not reckon with this one. */
static __always_inline __u64 as_loaded(__u64 number)
{
    asm volatile("" : "+r"(number));
    return number;
}

static __always_inline __u32 chain_of(const struct flow *flow)
{
    __u64 sum = 0;
    int i;

    for (i = 0; i < 5; i++) {
        __u64 secret = as_loaded(SECRET + i);

        sum += (flow->words[i] ^ secret) * (secret | 1);
    }
    /* Each bit gets something of all others: flows that differ in little shall not fall together. */
    for (i = 0; i < 2; i++)
        sum = (sum ^ sum >> 32) * SPREAD;
    return sum >> as_loaded(SHIFT);
}

/* The route of a flow, if it has one. */
static __always_inline struct route *look_up(const struct flow *flow, __u32 *version)
{
    __u32 at = chain_of(flow), i;
    __u32 *next = bpf_map_lookup_elem(CHAINS, &at);
    struct route *route;

    if (!next)
        return 0;
    for (i = 0; i < LONGEST && *next; i++) {
        at = *next - 1;
        route = bpf_map_lookup_elem(ROUTES, &at);
        if (!route)
            return 0;
        *version = version_of(route);
        if (!((route->flow.words[0] ^ flow->words[0]) | (route->flow.words[1] ^ flow->words[1]) |
              (route->flow.words[2] ^ flow->words[2]) | (route->flow.words[3] ^ flow->words[3]) |
              (route->flow.words[4] ^ flow->words[4])))
            return route;
        next = &route->next;
    }
    return 0;
}

/* Finds the way, or says 0. */
static __always_inline int find(struct flow *flow, const struct packet *packet, struct way *way)
{
    struct flow within = {};

    way->in = 0;
    way->len = packet->len;
    if (packet->len >= CHANNEL_HEADER && (packet->head & 0xC0) == 0x40) {
        flow->channel = packet->head;
        way->in = look_up(flow, &way->versions[0]);
        if (way->in) {
            way->len = bpf_ntohs(packet->head >> 16);
            /* Padding, which nobody needs to send over UDP, is for the socket. */
            if (way->len + CHANNEL_HEADER != packet->len)
                return 0;
        }
    }
    if (!way->in) {
        flow->channel = 0;
        way->in = look_up(flow, &way->versions[0]);
    }
    if (!way->in || !is_ahead(way->in->until))
        return 0;
    way->out = way->in;
    way->inside = way->in->inside;
    if (way->inside) {
        __builtin_memcpy(within.ends, way->in->ends, sizeof(within.ends));
        within.ports = way->in->ports;
        within.inside = 1;
        way->out = look_up(&within, &way->versions[1]);
        if (!way->out || !is_ahead(way->out->until))
            return 0;
    }
    return 1;
}

/* What the header of UDP says of the packet that leaves. */
static __always_inline __u32 udp_length(const struct way *way)
{
    return UDP_HEADER + way->len + (way->out->channel ? CHANNEL_HEADER : 0);
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
 * Makes the head of a packet so much longer or shorter, and one of the other family. What is in it then is to be
 * written anew; what follows it stays where it is. A sum over the whole packet (CHECKSUM_COMPLETE) is not kept: nor does
 * bpf_redirect_neigh, and whoever gets it sums again.
 */
static __always_inline int reshape(struct __sk_buff *skb, int longer, int was_v6, int is_v6)
{
    __u64 flags = BPF_F_ADJ_ROOM_NO_CSUM_RESET;

    if (is_v6 && !was_v6) {
        /* What is too short for that is moved apart. */
        if (bpf_skb_adjust_room(skb, -4, BPF_ADJ_ROOM_MAC, flags | TO_IPV6) == 0)
            longer += 4;
        else if (bpf_skb_change_proto(skb, bpf_htons(ETH_P_IPV6), 0) == 0)
            longer -= IPV6_HEADER - IPV4_HEADER;
        else
            return -1;
    }
    if (was_v6 && !is_v6) {
        /* The kernel moves what lies before: by its length and more, with an instruction that takes 50 ns to start. */
        if (bpf_skb_adjust_room(skb, -12, BPF_ADJ_ROOM_MAC, flags | TO_IPV4))
            return -1;
        longer += 12;
    }
    /* Room before everything costs half of what room within does. */
    if (longer > 0)
        return bpf_skb_change_head(skb, longer, 0);
    return longer < 0 ? bpf_skb_adjust_room(skb, longer, BPF_ADJ_ROOM_MAC, flags) : 0;
}

/* What the packet will say, and what that adds to its checksum: by the pseudo header, and by what it is for itself. */
struct change {
    __be16 length;
    __u32 channel; /* the header of a channel, or 0 */
    __u64 pseudo;
    __u64 plain;
};

static __always_inline struct change change_of(const struct packet *packet, const struct way *way)
{
    const struct route *out = way->out;
    struct change to = {.length = bpf_htons(udp_length(way))};
    int i;

    if (out->channel)
        to.channel = (__u32)out->channel | (__u32)bpf_htons(way->len) << 16;
    for (i = 0; i < 8; i++)
        to.pseudo += out->ends[i];
    /* A multiple of 2^16 - 1, which is nothing here, and larger than what is taken away. */
    to.pseudo += (0xFFFFFFFFull << 16) - packet->ends + to.length + (__u16)~packet->udp_length;
    to.plain = (__u64)out->ports + (__u32)~packet->ports + to.length + (__u16)~packet->udp_length + to.channel;
    if (packet->len != way->len)
        to.plain += (__u32)~packet->head;
    return to;
}

static __always_inline int write_udp(struct udp_header *udp, const void *end, const struct route *out,
                                     const struct change *to, __u16 check)
{
    udp->ports = out->ports;
    udp->length = to->length;
    udp->check = check;
    if (!out->channel)
        return 0;
    if ((void *)udp + UDP_HEADER + CHANNEL_HEADER > end)
        return -1;
    *(__u32 *)(udp + 1) = to->channel;
    return 0;
}

/* Writes the heads, which have the room that they need. */
static __always_inline int write(struct __sk_buff *skb, const struct packet *packet, const struct way *way,
                                 const struct change *to, __u16 check)
{
    void *data = (void *)(long)skb->data, *end = (void *)(long)skb->data_end;
    const struct route *out = way->out;

    if (out->v6) {
        struct ipv6_header *ip = data + ETH_HLEN;

        if (data + ETH_HLEN + IPV6_HEADER + UDP_HEADER > end)
            return -1;
        *(__be16 *)(data + ETH_HLEN - 2) = bpf_htons(ETH_P_IPV6);
        ip->first = bpf_htonl(6u << 28 | (__u32)packet->tos << 20);
        ip->payload = to->length;
        ip->next = IPPROTO_UDP;
        ip->hops = packet->ttl - 1;
        __builtin_memcpy(ip->ends, out->ends, sizeof(ip->ends));
        return write_udp((void *)(ip + 1), end, out, to, check);
    } else {
        /* Without the DF bit, and so with an identification of its own: how many went before, from somewhere on. */
        __u16 id = way->in->packets + out->ports;
        __u32 words[] = {bpf_htonl(0x45u << 24 | packet->tos << 16 | (IPV4_HEADER + udp_length(way))),
                         bpf_htonl((__u32)id << 16),
                         bpf_htonl((packet->ttl - 1u) << 24 | IPPROTO_UDP << 16),
                         out->ends[3],
                         out->ends[7]};
        __u32 *ip = data + ETH_HLEN;

        if (data + ETH_HLEN + IPV4_HEADER + UDP_HEADER > end)
            return -1;
        *(__be16 *)(data + ETH_HLEN - 2) = bpf_htons(ETH_P_IP);
        words[2] |= (__u32)(__u16)~sum_of(words, sizeof(words)) << 16;
        __builtin_memcpy(ip, words, sizeof(words));
        return write_udp((void *)(ip + 5), end, out, to, check);
    }
}

/*
 * Where a card is to complete the checksum, the kernel remembers the place of the UDP header, which must not move: the
 * payload does. And it is the kernel who knows whether that is so, or the checksum only looks like it.
 */
static __always_inline int rewrite_partial(struct __sk_buff *skb, const struct packet *packet, const struct way *way,
                                           const struct change *to)
{
    __u32 ip = way->out->v6 ? IPV6_HEADER : IPV4_HEADER, udp = ETH_HLEN + ip;
    int was_longer = packet->len != way->len, is_longer = way->out->channel != 0;

    if (reshape(skb, ip - (packet->v6 ? IPV6_HEADER : IPV4_HEADER), packet->v6, way->out->v6) ||
        (was_longer != is_longer && move_payload(skb, udp + UDP_HEADER, way->len, is_longer)) ||
        write(skb, packet, way, to, packet->check) ||
        bpf_l4_csum_replace(skb, udp + 6, 0, folded(to->pseudo), BPF_F_PSEUDO_HDR | BPF_F_MARK_MANGLED_0))
        return -1;
    return bpf_l4_csum_replace(skb, udp + 6, 0, folded(to->plain), BPF_F_MARK_MANGLED_0);
}

static __always_inline int rewrite(struct __sk_buff *skb, const struct packet *packet, const struct way *way)
{
    int old = (packet->v6 ? IPV6_HEADER : IPV4_HEADER) + (packet->len != way->len ? CHANNEL_HEADER : 0);
    int new = (way->out->v6 ? IPV6_HEADER : IPV4_HEADER) + (way->out->channel ? CHANNEL_HEADER : 0);
    struct change to = change_of(packet, way);
    __u16 check = 0;

    if (packet->may_be_partial)
        return rewrite_partial(skb, packet, way, &to);
    if (packet->check) {
        check = ~to_16((__u64)(__u16)~packet->check + to.pseudo + to.plain);
        check = check ? check : 0xFFFF;
    }
    return reshape(skb, new - old, packet->v6, way->out->v6) || write(skb, packet, way, &to, check);
}

/* Counts a packet on a route that is what it was when it was found; 0 where it is not. */
static __always_inline int count(struct route *route, __u32 version, __u32 len)
{
    __sync_fetch_and_add(&route->packets, 1);
    __sync_fetch_and_add(&route->bytes, len);
    return version % 2 == 0 && version_of(route) == version;
}

__attribute__((section("tc"), used)) int relay(struct __sk_buff *skb)
{
    struct bpf_redir_neigh hop = {};
    struct packet packet = {};
    struct flow flow = {};
    struct way way;
    __u32 size, ifindex;

    if (!parse(skb, &flow, &packet) || !find(&flow, &packet, &way))
        return UP;
    size = (way.out->v6 ? IPV6_HEADER : IPV4_HEADER) + udp_length(&way);
    /* Too large for where it leads, or without the checksum that IPv6 wants. */
    if (size > way.out->most || (way.out->v6 && packet.check == 0))
        return UP;
    ifindex = way.out->ifindex;
    hop.nh_family = way.out->v6 ? AF_INET6 : AF_INET;
    if (way.out->v6)
        __builtin_memcpy(hop.ipv6_nh, way.out->hop, sizeof(hop.ipv6_nh));
    else
        hop.ipv4_nh = way.out->hop[3];
    /* From here on the packet is no longer what it was: it leaves, or it is lost. */
    if (rewrite(skb, &packet, &way) || !count(way.in, way.versions[0], way.len) ||
        (way.inside && !count(way.out, way.versions[1], way.len)))
        return LOST;
    return bpf_redirect_neigh(ifindex, &hop, sizeof(hop), 0);
}
