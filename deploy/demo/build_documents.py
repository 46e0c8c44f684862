"""Builds a demo business's PDF and Word documents from their Markdown sources."""

import argparse
import sys
from pathlib import Path

import yaml
from document_pdf import write_pdf
from document_source import BadSource, read
from document_word import write_docx


def build(path: Path, output: Path) -> Path:
    """Write the document of one source to a file, or into a folder under the name and suffix of its `url`."""
    source = read(path)
    target = output if output.suffix else output / Path(source.url).name
    writers = {".pdf": write_pdf, ".docx": write_docx}
    if target.suffix not in writers:
        raise BadSource(f"{path}: `url` ({source.url or 'missing'}) or --output must end in .pdf or .docx")
    target.parent.mkdir(parents=True, exist_ok=True)
    writers[target.suffix](source, target)
    return target


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("sources", nargs="+", type=Path, metavar="SOURCE.md")
    parser.add_argument("--output", type=Path, required=True, help="a folder, or for one source a .pdf or .docx file")
    options = parser.parse_args()
    if options.output.suffix and len(options.sources) > 1:
        parser.error("--output must be a folder when there are several sources")
    try:
        for path in options.sources:
            print(build(path, options.output))
    except (BadSource, OSError, yaml.YAMLError) as error:
        print(error, file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
