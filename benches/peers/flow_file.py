"""Reads flow.toml and catalogue.csv for the peers: names become positions, nothing is checked."""

import csv
import tomllib
from pathlib import Path


class Level:
    """One level: a wait law, events with probabilities, answers by type."""

    def __init__(self, written, kinds, levels, triggers):
        if written.get("clock", "reset") != "reset":
            raise SystemExit("the peers know clock `reset` only")
        (self.law, self.parameters), = written["wait"].items()
        self.retention = written["stage"] == "retention"
        self.exits = sum(e["probability"] for e in written.get("exits", []))
        self.mix = [(kinds[name], p) for name, p in written["mix"].items() if p > 0]
        self.answers = {}
        for answer in written.get("follow_ups", []):
            (law, parameters), = answer["wait"].items()
            entry = (kinds[answer["then"]], answer["probability"], law, parameters)
            self.answers.setdefault(kinds[answer["after"]], []).append(entry)
        self.own = levels[written["name"]]
        self.triggers = triggers

    def after(self, kind, levels):
        """Level after an interaction of type `kind` here."""
        to = self.triggers.get(kind, self.own)
        return self.own if self.retention and not levels[to].retention else to


class Flow:
    """All levels; contacts begin at `entry`, the level of new customers."""

    def __init__(self, folder):
        folder = Path(folder)
        written = tomllib.loads((folder / "flow.toml").read_text())
        with open(folder / written["catalogue"], newline="") as file:
            rows = [row for row in csv.DictReader(file) if not row["segment_id"]]
        self.names = [row["interaction_type"] for row in rows]
        kinds = {name: position for position, name in enumerate(self.names)}
        levels = {level["name"]: at for at, level in enumerate(written["levels"])}
        triggers = {
            kinds[row["interaction_type"]]: levels[row["trigger_to"]]
            for row in rows
            if row["trigger_to"]
        }
        self.levels = [Level(level, kinds, levels, triggers) for level in written["levels"]]
        self.entry = levels[written["retention_entry"]]
