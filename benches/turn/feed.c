/* Frames by the batch, without a system call for each: XDP's test run with live frames (Linux 5.18), where a small program
 * makes of each copy of one frame that of the next flow. Another one takes them at the other host, and counts. */
#include <errno.h>
#include <linux/bpf.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "feed.h"
#include "load.h"

/* Of headers newer than some systems have. */
enum { BATCH = 64, TCX_INGRESS = 46 };

static int bpf(int command, union bpf_attr *attr) {
    return (int)syscall(SYS_bpf, command, attr, sizeof(*attr));
}

static int make_array(unsigned value, unsigned count) {
    union bpf_attr attr;
    int fd;

    memset(&attr, 0, sizeof(attr));
    attr.map_type = BPF_MAP_TYPE_ARRAY;
    attr.key_size = sizeof(uint32_t);
    attr.value_size = value;
    attr.max_entries = count;
    fd = bpf(BPF_MAP_CREATE, &attr);
    if (fd < 0) {
        die("a map");
    }
    return fd;
}

static int element(int command, int map, uint32_t key, const void *value) {
    union bpf_attr attr;

    memset(&attr, 0, sizeof(attr));
    attr.map_fd = (uint32_t)map;
    attr.key = (uintptr_t)&key;
    attr.value = (uintptr_t)value;
    return bpf(command, &attr);
}

static void put(int map, uint32_t key, const void *value) {
    if (element(BPF_MAP_UPDATE_ELEM, map, key, value) != 0) {
        die("an element of a map");
    }
}

/* -- the programs -------------------------------------------------------------------------------------------------- */

/* What both know. */
struct progress {
    uint32_t next, flows;
    uint64_t sent, arrived;
    uint64_t window; /* how far the one may be ahead of the other */
};

enum { NEXT = 0, FLOWS = 4, SENT = 8, ARRIVED = 16, WINDOW = 24 };

#define LOAD(size, to, from, at) {BPF_LDX | BPF_MEM | (size), to, from, at, 0}
#define STORE(size, to, at, from) {BPF_STX | BPF_MEM | (size), to, from, at, 0}
#define MOVE(to, from) {BPF_ALU64 | BPF_MOV | BPF_X, to, from, 0, 0}
#define SET(to, n) {BPF_ALU64 | BPF_MOV | BPF_K, to, 0, 0, n}
#define ADD(to, n) {BPF_ALU64 | BPF_ADD | BPF_K, to, 0, 0, n}
#define MAP(to, fd) {BPF_LD | BPF_DW | BPF_IMM, to, BPF_PSEUDO_MAP_FD, 0, fd}, {0, 0, 0, 0, 0}
#define LOOK_UP {BPF_JMP | BPF_CALL, 0, 0, 0, BPF_FUNC_map_lookup_elem}
#define IF(what, a, b, skip) {BPF_JMP | (what) | BPF_X, a, b, skip, 0}
#define IF_NOT_0(a, skip) {BPF_JMP | BPF_JNE | BPF_K, a, 0, skip, 0}
#define EXIT {BPF_JMP | BPF_EXIT, 0, 0, 0, 0}
#define COPY(size, at) LOAD(size, BPF_REG_4, BPF_REG_0, at), STORE(size, BPF_REG_2, at, BPF_REG_4)

#define OPERATE(op, to, from) {BPF_ALU64 | (op) | BPF_X, to, from, 0, 0}
/* The element whose number is in the stack, or the end. */
#define FIND(fd) MAP(BPF_REG_1, fd), MOVE(BPF_REG_2, BPF_REG_10), ADD(BPF_REG_2, -4), LOOK_UP, IF_NOT_0(BPF_REG_0, 1), EXIT
#define FIND_FIRST(fd) SET(BPF_REG_1, 0), STORE(BPF_W, BPF_REG_10, -4, BPF_REG_1), FIND(fd)

static int load_program(unsigned type, const struct bpf_insn *program, size_t size) {
    union bpf_attr attr;
    int fd;

    memset(&attr, 0, sizeof(attr));
    attr.prog_type = type;
    attr.insns = (uintptr_t)program;
    attr.insn_cnt = (uint32_t)(size / sizeof(*program));
    attr.license = (uintptr_t) "GPL";
    fd = bpf(BPF_PROG_LOAD, &attr);
    if (fd < 0) {
        die("a program of the generator's");
    }
    return fd;
}

/* Within the window, the head of the next flow over that of the frame, which goes up; or the frame is dropped. */
static int load_sender(int progress, int heads) {
    const struct bpf_insn program[] = {
        MOVE(BPF_REG_6, BPF_REG_1),
        FIND_FIRST(progress),
        LOAD(BPF_DW, BPF_REG_1, BPF_REG_0, SENT),
        LOAD(BPF_DW, BPF_REG_2, BPF_REG_0, ARRIVED),
        LOAD(BPF_DW, BPF_REG_3, BPF_REG_0, WINDOW),
        MOVE(BPF_REG_4, BPF_REG_1),
        OPERATE(BPF_SUB, BPF_REG_4, BPF_REG_2),
        IF(BPF_JSLT, BPF_REG_4, BPF_REG_3, 2),
        SET(BPF_REG_0, XDP_DROP),
        EXIT,
        ADD(BPF_REG_1, 1),
        STORE(BPF_DW, BPF_REG_0, SENT, BPF_REG_1),
        LOAD(BPF_W, BPF_REG_7, BPF_REG_0, NEXT),
        LOAD(BPF_W, BPF_REG_9, BPF_REG_0, FLOWS),
        STORE(BPF_W, BPF_REG_10, -4, BPF_REG_7),
        ADD(BPF_REG_7, 1),
        IF(BPF_JLT, BPF_REG_7, BPF_REG_9, 1),
        SET(BPF_REG_7, 0),
        STORE(BPF_W, BPF_REG_0, NEXT, BPF_REG_7),
        FIND(heads),
        LOAD(BPF_W, BPF_REG_2, BPF_REG_6, 0), /* data */
        LOAD(BPF_W, BPF_REG_3, BPF_REG_6, 4), /* data_end */
        MOVE(BPF_REG_1, BPF_REG_2),
        ADD(BPF_REG_1, FEED_HEAD),
        IF(BPF_JLE, BPF_REG_1, BPF_REG_3, 2),
        SET(BPF_REG_0, XDP_ABORTED),
        EXIT,
        COPY(BPF_DW, 0),
        COPY(BPF_DW, 8),
        COPY(BPF_DW, 16),
        COPY(BPF_DW, 24),
        COPY(BPF_DW, 32),
        COPY(BPF_DW, 40),
        SET(BPF_REG_0, XDP_PASS),
        EXIT,
    };

    return load_program(BPF_PROG_TYPE_XDP, program, sizeof(program));
}

/* Counts what arrives, and drops it. */
static int load_receiver(int progress) {
    enum { TC_ACT_SHOT = 2 };
    const struct bpf_insn program[] = {
        FIND_FIRST(progress),
        SET(BPF_REG_1, 1),
        {BPF_STX | BPF_ATOMIC | BPF_DW, BPF_REG_0, BPF_REG_1, ARRIVED, BPF_ADD},
        SET(BPF_REG_0, TC_ACT_SHOT),
        EXIT,
    };

    return load_program(BPF_PROG_TYPE_SCHED_CLS, program, sizeof(program));
}

/* -- feeding ------------------------------------------------------------------------------------------------------- */

void feed_open(struct feed *feed, unsigned flows, unsigned window) {
    struct progress progress = {.flows = flows, .window = window};

    feed->progress = make_array(sizeof(progress), 1);
    feed->heads = make_array(FEED_HEAD, flows);
    put(feed->progress, 0, &progress);
    feed->program = load_sender(feed->progress, feed->heads);
}

void feed_take(const struct feed *feed, unsigned interface) {
    union bpf_attr attr;

    memset(&attr, 0, sizeof(attr));
    attr.link_create.prog_fd = (uint32_t)load_receiver(feed->progress);
    attr.link_create.target_ifindex = interface;
    attr.link_create.attach_type = TCX_INGRESS;
    if (bpf(BPF_LINK_CREATE, &attr) < 0) {
        die("the receiver's program");
    }
}

void feed_head(const struct feed *feed, unsigned flow, const uint8_t *frame) {
    put(feed->heads, flow, frame);
}

static void read_progress(const struct feed *feed, struct progress *progress) {
    if (element(BPF_MAP_LOOKUP_ELEM, feed->progress, 0, progress) != 0) {
        die("what was sent");
    }
}

uint64_t feed_arrived(const struct feed *feed) {
    struct progress progress;

    read_progress(feed, &progress);
    return progress.arrived;
}

void feed_send(const struct feed *feed, unsigned interface, const uint8_t *frame, size_t length, unsigned count) {
    struct xdp_md context = {.data_end = (uint32_t)length, .ingress_ifindex = interface};
    struct progress progress;
    union bpf_attr attr;

    memset(&attr, 0, sizeof(attr));
    attr.test.prog_fd = (uint32_t)feed->program;
    attr.test.data_in = (uintptr_t)frame;
    attr.test.data_size_in = (uint32_t)length;
    attr.test.ctx_in = (uintptr_t)&context;
    attr.test.ctx_size_in = sizeof(context);
    attr.test.repeat = count;
    attr.test.batch_size = BATCH;
    attr.test.flags = BPF_F_TEST_XDP_LIVE_FRAMES;
    /* What has not arrived by now is lost. */
    read_progress(feed, &progress);
    progress.sent = progress.arrived;
    put(feed->progress, 0, &progress);
    if (bpf(BPF_PROG_TEST_RUN, &attr) != 0 && errno != EINTR) {
        die("live frames");
    }
}
