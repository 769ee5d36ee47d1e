"""A full disk, in the words of evalkit, whichever library met it."""

import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from safetensors import SafetensorError

from evalkit.jsonl import write_error


@contextmanager
def writing(target: Path) -> Iterator[None]:
    """Raises RunError, saying what is wrong with the disk, where something cannot be written."""
    try:
        yield
    except OSError as error:
        raise write_error(target, error) from error
    except SafetensorError as error:
        number = re.search(r"os error (\d+)", str(error))
        reason = OSError(int(number[1]) if number else 0, str(error))
        raise write_error(target, reason) from error
