"""`iepile kg`: a table of what can be done with a graph; each action's module is loaded when it is called."""

from __future__ import annotations

import difflib
import sys
from collections.abc import Sequence
from importlib import import_module
from typing import Any, NamedTuple

from iepile.cli.command import guarded, run_command
from iepile.cli.show import summary


class Action(NamedTuple):
    """What stands after `iepile kg`."""

    config: str
    function: str
    positional: tuple[str, ...]
    about: str


ACTIONS = {
    "info": Action("search:InfoConfig", "graph_shown:info", ("graph",), "what a graph holds"),
    "find": Action("search:FindConfig", "graph_shown:find", ("graph", "name"), "facts, with their sentences"),
    "path": Action("search:PathConfig", "graph_shown:path", ("graph", "start", "end"), "how two things hang together"),
    "query": Action("querying:QueryConfig", "graph_shown:query", ("graph", "query"), "ask in SQL, SPARQL or Cypher"),
    "export": Action("exporting:ExportConfig", "exporting:export", ("graph", "output_file"), "in a form for others"),
    "push": Action("neo4j_push:PushConfig", "graph_shown:pushed", ("graph",), "into a Neo4j database"),
    "merge": Action("entity_merging:MergeConfig", "entity_merging:merge_graph", ("graph",), "things that are one"),
    "unmerge": Action("unmerging:UnmergeConfig", "unmerging:unmerge_graph", ("graph",), "take merges back"),
    "merges": Action("merge_list:MergesConfig", "graph_shown:merges", ("graph",), "merges with their reasons"),
    "check": Action("checking:CheckConfig", "checking:check_graph", ("graph",), "hold it against a schema"),
    "remove": Action("removing:RemoveConfig", "removing:remove", ("graph",), "take documents out"),
    "view": Action("view:ViewConfig", "view:view", ("input_file", "output_file"), "a page to look at"),
    "ccks2023": Action("ccks2023:Ccks2023Config", "ccks2023:convert", (), "answers in brackets to lists of triples"),
}
"""Action -> where its settings and its work are: a module of `iepile.graph`, or of this package if it prints itself."""


def kg(argv: Sequence[str]) -> int:
    """Facts to a graph; and what can be done with one."""
    if argv and argv[0] in ACTIONS:
        action = ACTIONS[argv[0]]
        shown = action.function.startswith("graph_shown:")
        work = _loaded(f"iepile.cli.{action.function}" if shown else f"iepile.graph.{action.function}")
        return run_command(f"kg {argv[0]}", _loaded(f"iepile.graph.{action.config}"),
                           work if shown else lambda c: summary(work(c)), argv[1:], action.positional)
    if argv and argv[0] == "forms":
        from iepile.cli.graph_shown import FormsConfig, show_forms

        return run_command("kg forms", FormsConfig, show_forms, argv[1:])
    if argv and not argv[0].startswith("-"):
        near = difflib.get_close_matches(argv[0], ACTIONS, 1)
        print(f"error: no action {argv[0]!r}{f'; did you mean {near[0]}?' if near else ''}\n  expected: "
              f"{', '.join(ACTIONS)}, forms; or --input_file and --output_file, to make a graph", file=sys.stderr)
        return 2
    if any(a in ("-h", "--help") for a in argv):
        width = max(map(len, ACTIONS))
        about = {name: a.about for name, a in ACTIONS.items()} | {"forms": "forms that a graph is written in"}
        actions = "\n".join([*(f"  iepile kg {name:<{width}}  {what}" for name, what in about.items()), ""])
        guarded(lambda: print(actions, flush=True))
    from iepile.cli.graph_shown import made
    from iepile.graph.build import KgConfig

    return run_command("kg", KgConfig, made, argv)


def _loaded(name: str) -> Any:
    module, _, attribute = name.partition(":")
    return getattr(import_module(module), attribute)
