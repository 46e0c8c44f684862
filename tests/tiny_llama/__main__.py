"""python -m tests.tiny_llama FOLDER: make the model in a folder."""

import sys
from pathlib import Path

from tests.tiny_llama.training import make


def main() -> int:
    if len(sys.argv) != 2:
        print("Usage: python -m tests.tiny_llama FOLDER", file=sys.stderr)
        return 2
    folder = Path(sys.argv[1])
    folder.mkdir(parents=True, exist_ok=True)
    make(folder)
    print(f"made {folder}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
