"""The plain flow in SimPy: one process per contact, one per answer on its way."""

import random
import time
from bisect import bisect
from itertools import accumulate

import simpy


def sampler(law, parameters):
    """A function that draws one wait [days]."""
    if law == "exponential":
        rate = 1 / parameters["mean_days"]
        return lambda: random.expovariate(rate)
    if law == "weibull":
        scale, shape = parameters["scale_days"], parameters["shape"]
        return lambda: random.weibullvariate(scale, shape)
    if law == "gamma":
        shape, scale = parameters["shape"], parameters["mean_days"] / parameters["shape"]
        return lambda: random.gammavariate(shape, scale)
    if law == "log_normal":
        from math import log

        mu, sigma = log(parameters["median_days"]), parameters["sigma"]
        return lambda: random.lognormvariate(mu, sigma)
    raise SystemExit(f"the peers do not know the law {law}")


class Place:
    """A level ready for drawing."""

    def __init__(self, level, levels):
        self.wait = sampler(level.law, level.parameters)
        self.exits = level.exits
        self.kinds = [kind for kind, _ in level.mix]
        self.cumulative = list(accumulate(p for _, p in level.mix))
        self.total = self.cumulative[-1]
        self.last = len(self.kinds) - 1
        self.answers = {
            kind: [(then, p, sampler(law, parameters)) for then, p, law, parameters in answers]
            for kind, answers in level.answers.items()
        }
        self.moves = {kind: level.after(kind, levels) for kind in level.triggers}


class Contact:
    """One contact; `version` tells the walk that an answer has moved it meanwhile."""

    def __init__(self, env, number, places, at, rows):
        self.env, self.number, self.places, self.at = env, number, places, at
        self.rows, self.gone = rows, False
        env.process(self.walk())

    def walk(self):
        env, places, append = self.env, self.places, self.rows.append
        uniform, number = random.random, self.number
        while True:
            place = places[self.at]
            yield env.timeout(place.wait())
            if uniform() < place.exits:
                self.gone = True
                return
            position = bisect(place.cumulative, uniform() * place.total, 0, place.last)
            kind = place.kinds[position]
            append((number, kind, env.now))
            if kind in place.answers:
                self.ask(place, kind)
            if kind in place.moves:
                self.at = place.moves[kind]

    def ask(self, place, kind):
        for then, probability, wait in place.answers[kind]:
            if random.random() < probability:
                self.env.process(self.answer(then, wait()))

    def answer(self, kind, wait):
        yield self.env.timeout(wait)
        if self.gone:
            return
        self.rows.append((self.number, kind, self.env.now))
        place = self.places[self.at]
        if kind in place.answers:
            self.ask(place, kind)
        if place.moves.get(kind, self.at) != self.at:
            raise SystemExit("an answer that moves a contact: not in the common subset")


def run(flow, contacts, days, seed):
    """Rows (contact, type, day) and the seconds they took."""
    random.seed(seed)
    places = [Place(level, flow.levels) for level in flow.levels]
    rows = []
    begin = time.perf_counter()
    env = simpy.Environment()
    for number in range(contacts):
        Contact(env, number, places, flow.entry, rows)
    env.run(until=days)
    return rows, time.perf_counter() - begin
