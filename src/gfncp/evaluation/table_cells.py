"""Cells of tables: numbers with their standard errors, targets, and machines."""

SMALL = 0.0005  # p-values below have an exponent


def number(value: float | None, digits: int = 3) -> str:
    """Return a number with ``digits`` decimals, or a dash for None."""
    return "–" if value is None else f"{value:.{digits}f}"


def with_error(value: float | None, error: float | None, digits: int = 3) -> str:
    """Return a number with its standard error, if it has one."""
    return number(value, digits) + ("" if error is None else f" ± {error:.{digits}f}")


def format_p_value(value: float | None) -> str:
    """Return a p-value with three decimals, or as a power of ten where it is small."""
    return f"{value:.0e}" if value is not None and value < SMALL else number(value)


def judged(target: dict) -> tuple[str, str, str]:
    """Return the value of a target, its bound, and the verdict."""
    wanted = target["wanted"].replace("<=", "≤").replace(">=", "≥")
    verdict = "met" if target["met"] else "**missed**"
    return with_error(target["value"], target["error"]), wanted, verdict


def how_many_met(targets: list[dict]) -> str:
    """Return a sentence on the number of targets that are met."""
    return f"{sum(target['met'] for target in targets)} of {len(targets)} targets are met."


def machine(record: dict) -> str:
    """Return threads, processor and version of PyTorch from a record of a benchmark on a CPU."""
    threads = f"{record['threads']} thread{'s' if record['threads'] > 1 else ''}"
    processor = record.get("processor", "a CPU")  # older records lack it
    cores = f" ({record['cores']} cores)" if "cores" in record else ""
    return f"{threads} of {processor}{cores}, PyTorch {record['torch']}"
