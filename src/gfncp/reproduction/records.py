"""Records of measurements: JSON files that commands leave under ``records/``."""

import json
from pathlib import Path

from gfncp.checkpoints import load_configuration
from gfncp.configuration import parse_stored


def read_records(folder: Path, kind: str = "evaluation") -> list[dict]:
    """Return the records of one kind in ``folder`` and below it, in the order of their paths."""
    records = [json.loads(path.read_text(encoding="utf-8")) for path in sorted(folder.rglob("*.json"))]
    return [record for record in records if isinstance(record, dict) and record.get("kind") == kind]


def records_of(checkpoint: Path, records: list[dict]) -> list[dict]:
    """Return the records of a checkpoint as it is: of its name and its present configuration."""
    name, configuration = checkpoint.name, load_configuration(checkpoint)
    return [
        record
        for record in records
        if record["checkpoint"] == name and parse_stored(record["configuration"]) == configuration
    ]
