"""What the program costs by itself, and what its maps take: asked of the kernel (bpf(2)), on a server's own program."""

import contextlib
import ctypes
import os
import platform
import socket
import statistics
import struct
from pathlib import Path

BPF_PROG_TEST_RUN, BPF_PROG_GET_FD_BY_ID, BPF_ENABLE_STATS = 10, 13, 32
# Of the system call.
NUMBER = {"x86_64": 321, "aarch64": 280}.get(platform.machine())
TC_ACT_REDIRECT, UP = 7, 0xFFFFFFFF
LIBC = ctypes.CDLL(None, use_errno=True)


def bpf(command, attributes):
    done = LIBC.syscall(NUMBER, command, attributes, len(attributes))
    if done < 0:
        raise OSError(ctypes.get_errno(), f"bpf command {command}")
    return done


def descriptors(pid):
    """What /proc says of each descriptor of a process that is the kernel path's: {its name there: figure}."""
    for entry in Path(f"/proc/{pid}/fdinfo").iterdir():
        try:
            fields = dict(line.split(":", 1) for line in entry.read_text().splitlines() if ":" in line)
        except OSError:
            continue
        if "map_id" in fields or "prog_id" in fields and "link_type" not in fields:
            yield {name: value.strip() for name, value in fields.items()}


def memory(pid):
    """Bytes that the kernel keeps for the maps of a process."""
    maps = {fields["map_id"]: int(fields["memlock"]) for fields in descriptors(pid) if "map_id" in fields}
    return sum(maps.values())


@contextlib.contextmanager
def counting():
    """Meanwhile the kernel counts how long programs run."""
    fd = bpf(BPF_ENABLE_STATS, ctypes.create_string_buffer(4))
    try:
        yield
    finally:
        os.close(fd)


def run_time(pid):
    """Nanoseconds of one run of a process's program; None where the kernel does not count."""
    fields = next(fields for fields in descriptors(pid) if "prog_id" in fields)
    runs = int(fields.get("run_cnt", 0))
    return int(fields["run_time_ns"]) / runs if runs else None


class Program:
    """The program of a server, in this process."""

    def __init__(self, pid):
        number = next(int(fields["prog_id"]) for fields in descriptors(pid) if "prog_id" in fields)
        room = ctypes.create_string_buffer(struct.pack("=I", number), 144)
        self.fd = bpf(BPF_PROG_GET_FD_BY_ID, room)

    def median(self, frame, interface, answer, times=20_000):
        """Nanoseconds of one run on a frame that comes in at an interface; each run has the frame as it was."""
        context = ctypes.create_string_buffer(bytes(40) + struct.pack("=I", interface), 192)
        data = ctypes.create_string_buffer(frame, len(frame))
        room = ctypes.create_string_buffer(144)
        durations = []
        for _ in range(times):
            struct.pack_into("=IIIIQQIIIIQ", room, 0, self.fd, 0, len(frame), 0, ctypes.addressof(data), 0, 1, 0,
                             len(context), 0, ctypes.addressof(context))
            bpf(BPF_PROG_TEST_RUN, room)
            got, duration = struct.unpack_from("=I", room, 4)[0], struct.unpack_from("=I", room, 36)[0]
            if got != answer:
                raise AssertionError(f"the program answers {got}, not {answer}")
            durations.append(duration)
        return statistics.median(durations)


def sum_of(data):
    total = sum(struct.unpack(f"!{len(data) // 2}H", data[:len(data) & ~1])) + (data[-1] << 8 if len(data) % 2 else 0)
    while total >> 16:
        total = (total & 0xFFFF) + (total >> 16)
    return total


def frame(mac, source, target, payload):
    """An Ethernet frame with a UDP packet in it."""
    family = socket.AF_INET6 if ":" in source[0] else socket.AF_INET
    ends = socket.inet_pton(family, source[0]) + socket.inet_pton(family, target[0])
    length = 8 + len(payload)
    udp = struct.pack("!HHHH", source[1], target[1], length, 0) + payload
    check = ~sum_of(ends + struct.pack("!HH", 17, length) + udp) & 0xFFFF or 0xFFFF
    udp = udp[:6] + struct.pack("!H", check) + udp[8:]
    if family == socket.AF_INET6:
        kind, ip = 0x86DD, struct.pack("!IHBB", 6 << 28, length, 17, 64) + ends
    else:
        kind, ip = 0x0800, struct.pack("!BBHHHBBH", 0x45, 0, 20 + length, 0, 0, 64, 17, 0) + ends
        ip = ip[:10] + struct.pack("!H", ~sum_of(ip) & 0xFFFF) + ip[12:]
    return bytes.fromhex(mac.replace(":", "")) + b"\2\0\0\0\0\0" + struct.pack("!H", kind) + ip + udp
