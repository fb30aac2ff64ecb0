import subprocess
import sys

_HEAVY = ("pydantic", "contracts.envelope", "service_kit", "structlog", "fastapi")


def test_a_parser_process_begins_without_the_libraries_of_the_service():
    """It understands mail and nothing else: with them its start takes three times as long, and a mail may wait."""
    asked = f"import sys, ingest_email.parsing.parser_worker; print([n for n in {_HEAVY!r} if n in sys.modules])"
    done = subprocess.run([sys.executable, "-c", asked], capture_output=True, text=True, check=True)  # noqa: S603 - ours

    assert done.stdout.strip() == "[]"
