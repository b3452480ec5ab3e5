"""`flypast completion`: a script for the shell."""

import click
from click.shell_completion import get_completion_class

from .options import command as flypast_command
from .terminal import TERMINAL


@flypast_command("completion", examples='eval "$(flypast completion bash)"')
@click.argument("shell", type=click.Choice(["bash", "zsh", "fish"]))
def command(shell: str) -> None:
    """Print the script for completion in a shell."""
    from .main import flypast
    from .shells import register

    register()
    kind = get_completion_class(shell)
    if kind is None:
        raise click.UsageError(f"no completion for {shell}")
    TERMINAL.data(kind(flypast, {}, "flypast", "_FLYPAST_COMPLETE").source())
