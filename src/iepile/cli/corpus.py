"""`iepile generate`, `import`, `convert`, `validate`."""

from __future__ import annotations

from collections.abc import Sequence

from iepile.cli.command import Retired, run_command
from iepile.cli.show import summary
from iepile.errors import IepileError


def generate(argv: Sequence[str]) -> int:
    """Make annotated example documents."""
    from iepile.corpus.synthetic.write import GenerateConfig, write_documents

    return run_command("generate", GenerateConfig, lambda c: summary(write_documents(c)), argv)


def import_(argv: Sequence[str]) -> int:
    """Read a raw data set."""
    from iepile.corpus.importing import ImportConfig, import_documents

    return run_command("import", ImportConfig, lambda c: summary(import_documents(c)), argv,
                       positional=("src_path", "tgt_path"))


def convert(argv: Sequence[str]) -> int:
    """Documents to instruction rows."""
    from iepile.corpus.convert import ConvertConfig
    from iepile.corpus.convert import convert as run

    return run_command("convert", ConvertConfig, lambda c: summary(run(c)), Retired({}, {}).strip(argv))


def validate(argv: Sequence[str]) -> int:
    """Check a data file."""
    from iepile.corpus.validate import ValidateConfig
    from iepile.corpus.validate import validate as run

    def check(config: ValidateConfig) -> None:
        result = run(config)
        if result.bad:
            shown = "\n".join(result.problems)
            more = result.bad - len(result.problems)
            raise IepileError(f"{result.bad} of {result.records} records are bad\n{shown}"
                              + (f"\nand {more} more (--limit)" if more else ""))
        summary(result)

    return run_command("validate", ValidateConfig, check, argv, positional=("file",))
