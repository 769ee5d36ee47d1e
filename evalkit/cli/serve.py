"""`evalkit serve`: the options are the fields of ServeSpec."""

import importlib.util
from collections.abc import Mapping
from inspect import Signature
from pathlib import Path
from typing import TYPE_CHECKING, Any, get_type_hints

import typer

from evalkit.cli.options import make_option
from evalkit.server.spec import ServeSpec, make_serve_spec
from evalkit.types import UsageError

if TYPE_CHECKING:
    from evalkit.server.service import Service

_SERVE_HELP = """Serve the graders of `evalkit run` as rewards while a policy trains.

Speaks evalkit's own protocol (/grade) and those of OpenRLHF (/get_reward), slime (/slime), Sandbox
Fusion (/run_code) and NeMo Gym (/verify). /docs describes all of it; /health, /ready and /metrics are
for balancers and Prometheus. Ctrl-C or SIGTERM lets requests under way finish.

Examples:

    evalkit serve

    evalkit serve --graders math,code --tasks aime24,math500 --port 8000

    evalkit serve --host 0.0.0.0 --token-file token.txt --when-full refuse

    curl http://127.0.0.1:8000/grade -H 'Content-Type: application/json' \\

        -d '{"items": [{"target": "1/2", "completion": "so it is \\\\boxed{0.5}"}]}'
"""

_HELP: Mapping[str, Mapping[str, str]] = {
    "Options": {
        "tasks": "Tasks whose problems requests may name, comma-separated.",
        "graders": "Graders for targets that come with a request. Default: math.",
        "protocol": "Protocol whose graders and extraction the tasks get.",
        "config": "YAML file; the command line wins.",
        "data_dir": "Directory with benchmark files.",
        "problems": "For code tasks: problems in LiveCodeBench's schema, JSONL.",
        "thinking_opened": "Prompts end inside the thinking, where a request says nothing.",
        "unclosed_thinking": "no_answer (default) or grade.",
        "grader_workers": "Processes or containers of each grader. Default: one per core.",
        "fallback": "Score where the grader failed and a trainer must get a number. Default: 0.",
    },
    "Access": {
        "host": "Address to listen on. Default: 127.0.0.1, this machine only.",
        "port": "Default: 8000; 0: any that is free.",
        "token_file": "File with the token that clients must send. Default: $EVALKIT_TOKEN.",
        "insecure": "Serve other machines without a token.",
    },
    "Limits": {
        "when_full": "wait (default), or refuse with 429.",
        "max_waiting": "Items in the server at the same time. Default: 20000.",
        "max_batch": "Items of one request. Default: 10000.",
        "max_body_mib": "Size of one body. Default: 64.",
        "max_completion_chars": "Length of one completion. Default: 4000000.",
        "deadline_s": "Seconds after which a request is answered. Default: 100.",
        "body_s": "Seconds for a body to arrive. Default: 30.",
        "drain_s": "Seconds for requests under way at the end. Default: 30.",
    },
}
_AS_TEXT = {"tasks": str | None, "graders": str | None, "config": Path | None}


def register(app: typer.Typer) -> None:
    kinds = {**get_type_hints(ServeSpec), **_AS_TEXT}
    _command.__signature__ = Signature(  # type: ignore[attr-defined]
        [
            make_option(name, kinds[name], text, panel)
            for panel, texts in _HELP.items()
            for name, text in texts.items()
        ]
    )
    app.command("serve", help=_SERVE_HELP)(_command)


def _command(**given: Any) -> None:
    values = {name: value for name, value in given.items() if value is not None}
    spec = make_serve_spec(values, values.pop("config", None))
    for module in ("fastapi", "fastapi_offline", "httptools", "prometheus_client", "uvicorn"):
        if importlib.util.find_spec(module) is None:
            raise UsageError(f"serve needs {module}: pip install 'evalkit[serve]'")
    from evalkit.server.serving import serve

    serve(spec, _report)


def _report(service: "Service", address: str) -> None:
    catalogue = service.catalogue
    typer.echo(f"serving {', '.join(catalogue.graders)} at {address}", err=True)
    if catalogue.tasks:
        typer.echo(f"tasks: {', '.join(catalogue.tasks)}", err=True)
    access = "with a token" if service.token else "without a token"
    typer.echo(f"{access} · description: {address}/docs · stop: Ctrl-C", err=True)
