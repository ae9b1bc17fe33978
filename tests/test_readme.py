"""The README says what the program does."""

import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent


def test_the_readmes_tables_are_those_of_the_parameter_table() -> None:
    found = subprocess.run([sys.executable, str(ROOT / "tools" / "tables"), "--check"], timeout=60)
    assert found.returncode == 0, "run tools/tables"


def test_the_files_the_readme_names_exist() -> None:
    import re

    text = (ROOT / "README.md").read_text(encoding="utf-8")
    named = set(re.findall(r"\]\((?!http|#)([\w./-]+)\)", text)) | set(
        re.findall(r"`((?:tools|presets|docs)/[\w./-]+)`", text)
    )
    assert len(named) > 5
    missing = [name for name in sorted(named) if not (ROOT / name).exists()]
    assert not missing
