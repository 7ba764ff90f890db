#!/usr/bin/env python3
"""Writes the sample log beside this file: invented, but shaped like exports of a CRM and an ERP.

Standard library only, one fixed seed: the same files every time, with Python 3.9 or later.
"""

import csv
import datetime as dt
import pathlib
import random

HERE = pathlib.Path(__file__).parent
START = dt.date(2024, 1, 1)
MONTHS = 24
RANDOM = random.Random(20240101)

INDUSTRIES = ["Machinery", "Logistics", "Food", "Chemicals"]
ROLES = [("Decision Maker", 3), ("Technical Evaluator", 2), ("User", 1), ("Purchasing", 2)]
# Activity, channel, direction, weight in a quiet month.
ACTIVITIES = [
    ("Phone call", "phone", "out", 5),
    ("Email", "email", "out", 7),
    ("Site visit", "in person", "out", 1.2),
    ("Support case", "portal", "in", 2),
    ("Case escalated", "portal", "in", 0.4),
    ("Quarterly review", "in person", "out", 0.8),
    ("Webinar attended", "web", "in", 0.7),
    ("Complaint", "email", "in", 0.3),
]


def month(index):
    return dt.date(START.year + index // 12, index % 12 + 1, 1)


def moment_in(index, after=None):
    """A working hour in a month, not before `after`."""
    first = month(index)
    last = month(index + 1) - dt.timedelta(days=1)
    if after and after > first:
        first = after
    day = first + dt.timedelta(days=RANDOM.randrange((last - first).days + 1))
    minute = RANDOM.randrange(9 * 60, 17 * 60)
    return dt.datetime.combine(day, dt.time(minute // 60, minute % 60))


def us(date):
    return date.strftime("%m/%d/%Y")


def main():
    accounts, contacts, activities, months = [], [], [], []
    case = 100_000
    for number in range(1, 121):
        key = f"ACC-{number:04d}"
        joined = RANDOM.choice([0] * 6 + list(range(1, 18)))
        start = month(joined) + dt.timedelta(days=RANDOM.randrange(25))
        if joined == 0:  # customers before the log begins keep their true start
            start = START - dt.timedelta(days=RANDOM.randrange(30, 2000))
        seats = round(RANDOM.lognormvariate(3.5, 0.8)) + 1
        people = []
        for person in range(RANDOM.choice([1, 2, 2, 3, 3, 4, 5])):
            role, weight = RANDOM.choice(ROLES)
            people.append(f"{key}-P{person + 1}")
            contacts.append([people[-1], key, role, weight, us(start)])
        bond = RANDOM.gauss(0, 0.6)
        fee = 25 * seats
        end = None
        for index in range(joined, MONTHS):
            bond = 0.9 * bond + RANDOM.gauss(0, 0.35)
            bad = 0
            for _ in range(max(0, round(RANDOM.gauss(3.2 + bond, 1.5)))):
                weights = [
                    w * (2.718 ** (-0.8 * bond) if name in ("Case escalated", "Complaint") else 1)
                    for name, _, _, w in ACTIVITIES
                ]
                name, channel, way, _ = RANDOM.choices(ACTIVITIES, weights)[0]
                bad += name in ("Case escalated", "Complaint")
                when = moment_in(index, start)
                case += 1
                person = RANDOM.choice(people + [""])
                owner = f"U{RANDOM.randrange(1, 13):02d}"
                activities.append([case, key, person, name, when, way, channel, owner])
            bond -= 0.25 * bad
            revenue = fee * 2.718 ** (0.15 * bond + RANDOM.gauss(0, 0.1))
            margin = revenue * RANDOM.uniform(0.38, 0.46)
            months.append([key, month(index), revenue, margin, 4 * bad + RANDOM.uniform(5, 15)])
            if RANDOM.random() < 0.012 * 2.718 ** (-1.1 * bond):
                end = month(index + 1)
                break
        industry = RANDOM.choice(INDUSTRIES)
        reason = RANDOM.choice(["Competitor", "Price", "Service"]) if end else ""
        accounts.append([key, industry, seats, us(start), us(end) if end else "", reason])

    activities.sort(key=lambda row: row[0])
    rows = [
        [a[0], a[1], a[2], a[3], a[4].strftime("%m/%d/%Y %H:%M"), a[5], a[6], a[7]]
        for a in activities
    ]
    dirty(rows)
    ledger = [
        [key, when.strftime("%Y-%m"), f"{revenue:.2f}", f"{margin:.2f}", f"{service:.2f}"]
        for key, when, revenue, margin, service in months
    ]
    ledger[100][2] = "NaN"
    ledger.insert(901, list(ledger[900]))

    write("accounts.csv", "Account Number,Industry,Seats,Customer Since,Closed On,Loss Reason", accounts)
    write("contacts.csv", "Contact ID,Account Number,Buying Role,Weight,Added On", contacts)
    write(
        "interactions.csv",
        "Activity ID,Account Number,Contact ID,Activity Type,Activity Date,In/Out,Channel,Owner",
        rows,
    )
    write("outcomes.csv", "Account Number,Month,Net Sales,Gross Margin,Service Cost", ledger)


def dirty(rows):
    """Eleven rows that no ingest may accept, as documented in README.md."""
    rows[200][3] = "Phone cal"
    rows[400][3] = ""
    rows[600][4] = "13/32/2024 10:00"
    rows[800][4] = "03/10/2024 02:30"  # New York put its clocks forward over this time
    rows[1000][1] = "ACC-9999"
    rows[1200][2] = "ACC-0001-P99" if rows[1200][1] != "ACC-0001" else "ACC-0002-P99"
    rows[1400][4] = "01/05/1999 09:00"
    rows[1600][1] = ""
    rows.insert(1801, list(rows[1800]))
    rows.insert(2001, list(rows[2000]))
    rows[2200] = rows[2200][:5]


def write(name, header, rows):
    with open(HERE / name, "w", newline="", encoding="utf-8") as file:
        out = csv.writer(file, lineterminator="\n")
        out.writerow(header.split(","))
        out.writerows(rows)


if __name__ == "__main__":
    main()
