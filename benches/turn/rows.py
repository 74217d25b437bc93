"""The rows of the table: what is measured, and what it should be."""

import statistics
from dataclasses import dataclass, field

OURS, CEILING = "pjauth", "bare loop"
# Modes of the generator that take long and vary little.
ONCE = ("handshake", "idle", "held")
# Servers that are measured only when they are named on the command line, or are installed.
ABSENT = {
    "coturn": "not installed",
    "webrtc-rs": "benches/turn/run.sh --crates builds it from crates.io",
    "turn-server": "benches/turn/run.sh --crates builds it from crates.io",
}


def why_not(name, mode):
    """Why a server cannot be measured in a mode, or None."""
    if name == CEILING and mode not in ("channel", "rtt", "stream"):
        return "not a TURN server"
    if name in ("webrtc-rs", "turn-server") and mode == "stream":
        return "has no TCP relays"
    if name == "turn-server" and mode in ("channel", "send", "rtt"):
        return "reaches no peers but its own clients"
    if name != OURS and mode == "held":
        return "holds no requests"
    return None


@dataclass(frozen=True)
class Goal:
    """Ours compared with `bound`, or with `bound` times another server's figure or another row's."""
    text: str
    bound: float
    server: str = None
    row: str = None
    is_upper: bool = False

    def ratio(self, table, row):
        """How ours compares; None where the other was not measured."""
        ours = table[row].get(OURS)
        other = 1
        if self.server:
            other = table[row].get(self.server)
        elif self.row:
            other = next((measured.get(OURS) for of, measured in table.items() if of.id == self.row), None)
        return ours / other if ours is not None and other else None

    def is_reached(self, ratio):
        if ratio is None:
            return None
        return ratio <= self.bound if self.is_upper else ratio >= self.bound

    def verdict(self, ratio):
        if ratio is None:
            return "-"
        word = "yes" if self.is_reached(ratio) else "NO"
        return f"{word} ({ratio:.2f})" if self.server or self.row else word


def at_least(share, server):
    return Goal(f">= {share} x {server}", share, server=server)


def as_row(share, row, what):
    return Goal(f">= {share} x {what}", share, row=row)


@dataclass(frozen=True)
class Row:
    id: str
    title: str
    arguments: str  # the generator's; rows with the same are measured together
    key: str = "per_cpu_second"  # in the generator's answer
    goals: tuple = field(default=())

    @property
    def mode(self):
        return self.arguments.split()[0]

    def figure(self, answer):
        if self.key == "growth":
            return answer["resident_after"] - answer["resident_before"]
        return answer[self.key]

    def over_rounds(self, figures):
        """One figure for those of all rounds."""
        return min(figures) if self.mode == "rtt" else statistics.median(figures)


ROWS = [
    Row("channel-160", "ChannelData, 160 bytes, 50 allocations", "channel", goals=(at_least(0.95, CEILING),)),
    Row("channel-1200", "ChannelData, 1200 bytes, 50 allocations", "channel --size 1200 --window 96",
        goals=(at_least(0.95, CEILING),)),
    Row("bursts", "ChannelData, 160 bytes, one flow, bursts of 32", "channel --flows 1 --burst 32",
        goals=(at_least(1, CEILING),)),
    # As at 50, but no two packets of one allocation come in the same batch, so that none can be joined.
    Row("channel-64", "ChannelData, 160 bytes, 64 allocations", "channel --flows 64", goals=(at_least(0.95, CEILING),)),
    Row("channel-1000", "ChannelData, 160 bytes, 1000 allocations", "channel --flows 1000",
        goals=(as_row(0.9, "channel-160", "that at 50"), at_least(0.95, CEILING))),
    Row("channel-5000", "ChannelData, 160 bytes, 5000 allocations", "channel --flows 5000",
        goals=(as_row(0.9, "channel-160", "that at 50"), at_least(0.95, CEILING))),
    Row("between", "between two allocations, 160 bytes", "between",
        goals=(at_least(2, "coturn"), at_least(1, "turn-server"))),
    Row("send", "Send indications, 160 bytes", "send", goals=(at_least(1.3, "coturn"),)),
    Row("handshakes", "allocate handshakes", "handshake --flows 1000", goals=(Goal(">= 40,000", 40_000),)),
    Row("growth", "resident growth by 80,000 handshakes, KiB", "handshake --flows 1000", "growth",
        (Goal("<= 8192", 8192, is_upper=True),)),
    Row("idle", "resident size of an idle allocation, KiB", "idle --flows 5000", "kib_each",
        (Goal("<= 8", 8, is_upper=True),)),
    Row("held", "speed kept beside 100,000 held requests", "held", "kept", (Goal(">= 0.9", 0.9),)),
    Row("stream-1", "TCP relay, bytes, one connection, writes of 16 KiB", "stream --flows 1 --seconds 2",
        goals=(at_least(1.5, "coturn"), at_least(0.8, CEILING))),
    Row("stream-50", "TCP relay, bytes, 50 connections, writes of 16 KiB", "stream --seconds 2",
        goals=(at_least(1.5, "coturn"), at_least(0.8, CEILING))),
    Row("rtt-median", "round trip at low load, median, us", "rtt --flows 1", "median_us",
        (Goal("<= coturn", 1, server="coturn", is_upper=True),)),
    Row("rtt-p99", "round trip at low load, 99th percentile, us", "rtt --flows 1", "p99_us",
        (Goal("<= coturn", 1, server="coturn", is_upper=True),)),
]
