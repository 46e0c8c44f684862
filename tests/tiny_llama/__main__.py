"""python -m tests.tiny_llama FOLDER: make the model in a folder."""

import os
import sys
from pathlib import Path


def main() -> int:
    if len(sys.argv) != 2:
        print("Usage: python -m tests.tiny_llama FOLDER", file=sys.stderr)
        return 2
    # The prompts come from the platform's own code, which reads settings; nothing is signed with this key.
    os.environ.setdefault("SECRET_KEY", "only-for-making-a-model")
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "switchboard.settings")
    import django

    django.setup()
    from tests.tiny_llama.conversations import Conversations
    from tests.tiny_llama.training import make

    folder = Path(sys.argv[1])
    folder.mkdir(parents=True, exist_ok=True)
    make(folder, Conversations.read())
    print(f"made {folder}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
