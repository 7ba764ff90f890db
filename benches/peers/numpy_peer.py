"""The plain flow in NumPy, in lock-step: one step of every contact at a time.

Types come from alias tables and waits from tables of conditional means over 2^16 cells of equal
probability, so a step is a handful of gathers; contacts that left are taken out of the arrays.
"""

import time

import numpy as np

DAY = 86_400e6
CELLS = 1 << 16
EXIT = -1


def waits(law, parameters, rng):
    """Mean wait [µs] within each of the cells, from 64 quantiles per cell of a large sample."""
    if law == "exponential":
        draw = rng.standard_exponential(CELLS * 64) * parameters["mean_days"]
    elif law == "weibull":
        draw = rng.weibull(parameters["shape"], CELLS * 64) * parameters["scale_days"]
    elif law == "gamma":
        shape = parameters["shape"]
        draw = rng.gamma(shape, parameters["mean_days"] / shape, CELLS * 64)
    elif law == "log_normal":
        normal = rng.standard_normal(CELLS * 64)
        draw = parameters["median_days"] * np.exp(parameters["sigma"] * normal)
    else:
        raise SystemExit(f"the peers do not know the law {law}")
    draw.sort()
    return draw.reshape(CELLS, 64).mean(axis=1) * DAY


def alias(weights):
    """Alias table: parts of 2^32 that belong to the slot's own event, and the other event."""
    left = np.array(weights) * len(weights)
    parts, other = np.full(len(left), 2**32 - 1, np.uint64), np.arange(len(left))
    small = [i for i, w in enumerate(left) if w < 1]
    large = [i for i, w in enumerate(left) if w >= 1]
    while small and large:
        poor, rich = small.pop(), large[-1]
        parts[poor], other[poor] = int(left[poor] * 2**32), rich
        left[rich] -= 1 - left[poor]
        if left[rich] < 1:
            small.append(large.pop())
    return parts, other


class Tables:
    """The flow as flat arrays."""

    def __init__(self, flow, rng):
        self.entry = flow.entry
        levels = flow.levels
        self.wait = np.concatenate([waits(level.law, level.parameters, rng) for level in levels])
        first, slots, parts, own, other, kind, to = [], [], [], [], [], [], []
        for level in levels:
            weights = [p * (1 - level.exits) for _, p in level.mix] + [level.exits]
            table_parts, table_other = alias(weights)
            first.append(len(kind))
            slots.append(len(weights))
            own.append(np.arange(len(weights)) + len(kind))
            other.append(table_other + len(kind))
            parts.append(table_parts)
            kind += [k for k, _ in level.mix] + [EXIT]
            to += [level.after(k, levels) for k, _ in level.mix] + [level.own]
        self.first, self.slots = np.array(first), np.array(slots, np.uint64)
        self.parts = np.concatenate(parts)
        self.events = np.stack([np.concatenate(own), np.concatenate(other)], axis=1).ravel()
        self.kind, self.to = np.array(kind, np.int16), np.array(to)
        # Answers by level and type; few pairs have any.
        self.answers = {}
        self.asks = np.zeros((len(levels), len(flow.names)), bool)
        for level in levels:
            for asked, answers in level.answers.items():
                self.asks[level.own, asked] = True
                for then, p, law, parameters in answers:
                    if level.after(then, levels) != level.own and level.retention:
                        raise SystemExit("an answer that moves a contact: not in the subset")
                    entry = (then, p, waits(law, parameters, rng))
                    self.answers.setdefault((level.own, asked), []).append(entry)
        level_of = np.concatenate([np.full(n, i) for i, n in enumerate(slots)])
        self.event_asks = np.array(
            [k != EXIT and self.asks[level, k] for level, k in zip(level_of, kind)]
        )


def ask(tables, rng, contact, level, kind, at, end):
    """Answers to the given interactions: contact, type, time."""
    found = []
    key = level * tables.asks.shape[1] + kind
    order = np.argsort(key, kind="stable")
    key = key[order]
    starts = np.flatnonzero(np.r_[True, key[1:] != key[:-1]]) if len(key) else []
    for start, stop in zip(starts, np.r_[starts[1:], len(key)].astype(int)):
        group = order[start:stop]
        pair = divmod(int(key[start]), tables.asks.shape[1])
        for then, p, wait in tables.answers[pair]:
            chosen = group[rng.random(len(group)) < p]
            when = at[chosen] + wait[rng.integers(0, CELLS, len(chosen))]
            in_time = when < end
            chosen, when = chosen[in_time], when[in_time]
            found.append((contact[chosen], np.full(len(chosen), then, np.int16), when))
    if not found:
        return np.empty(0, np.int64), np.empty(0, np.int16), np.empty(0)
    return tuple(np.concatenate(part) for part in zip(*found))


def chunk(tables, rng, first, count, end):
    """Columns of the walks of `count` contacts."""
    contact = np.arange(count)
    level = np.full(count, tables.entry)
    at = np.zeros(count)
    left_at = np.full(count, end)
    rows, questions, moves = [], [], []
    raw = rng.bit_generator.random_raw
    while len(contact):
        bits = raw(len(contact))
        at = at + tables.wait.take((level << 16) | (bits & 0xFFFF).astype(np.int64))
        place = (bits >> np.uint64(32)) * tables.slots.take(level)
        slot = (place >> np.uint64(32)).astype(np.int64) + tables.first.take(level)
        is_other = (place & np.uint64(0xFFFFFFFF)) >= tables.parts.take(slot)
        event = tables.events.take(2 * slot + is_other)
        kind = tables.kind.take(event)
        in_time = at < end
        exits = np.flatnonzero(in_time & (kind == EXIT))
        if len(exits):
            left_at[contact[exits]] = at[exits]
        stays = np.flatnonzero(in_time & (kind != EXIT))
        contact, at, kind, event = contact[stays], at[stays], kind[stays], event[stays]
        level = level[stays]
        rows.append((contact, kind, at))
        asking = np.flatnonzero(tables.event_asks.take(event))
        questions.append((contact[asking], level[asking], kind[asking], at[asking]))
        to = tables.to.take(event)
        moved = np.flatnonzero(to != level)
        moves.append((contact[moved], at[moved], to[moved]))
        level = to
    answers(tables, rng, rows, questions, moves, left_at, end)
    contact, kind, at = (np.concatenate(part) for part in zip(*rows))
    return (contact + first).astype(np.uint32), kind, at.astype(np.int64)


def answers(tables, rng, rows, questions, moves, left_at, end):
    """Appends the answers, generation by generation, while the contact is there."""
    contact, at, to = (np.concatenate(part) for part in zip(*moves))
    span = 2.0 * end
    key = contact * span + at
    order = np.argsort(key)
    key, mover, to = key[order], contact[order], to[order]
    contact, level, kind, at = (np.concatenate(part) for part in zip(*questions))
    while len(contact):
        contact, kind, at = ask(tables, rng, contact, level, kind, at, end)
        here = at < left_at[contact]
        contact, kind, at = contact[here], kind[here], at[here]
        rows.append((contact, kind, at))
        again = np.flatnonzero(tables.asks.any(axis=0).take(kind))
        contact, kind, at = contact[again], kind[again], at[again]
        # The level at which the answer arrives is that of the last move before it.
        last = np.searchsorted(key, contact * span + at) - 1
        known = (last >= 0) & (mover[last] == contact) if len(key) else np.zeros(len(at), bool)
        level = np.where(known, to[last] if len(key) else 0, tables.entry)
        asks = tables.asks[level, kind]
        contact, level, kind, at = contact[asks], level[asks], kind[asks], at[asks]


def run(flow, contacts, days, seed, size):
    """Columns in chunks of `size` contacts, and the seconds they took without the tables."""
    rng = np.random.Generator(np.random.SFC64(seed))
    tables = Tables(flow, rng)
    begin = time.perf_counter()
    columns = [
        chunk(tables, rng, first, min(size, contacts - first), days * DAY)
        for first in range(0, contacts, size)
    ]
    return columns, time.perf_counter() - begin
