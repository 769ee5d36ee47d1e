"""`evalkit run --dry-run`: what would be sent, and how much of it."""

from rich.console import Console
from rich.panel import Panel
from rich.text import Text

from evalkit.runner import TaskPreview, preview
from evalkit.spec import RunSpec


def show_preview(spec: RunSpec) -> None:
    plan, tasks = preview(spec)
    console = Console(highlight=False, markup=False, soft_wrap=True)
    console.print(f"protocol: {plan.protocol_label}")
    for one in tasks:
        _show_task(console, one)
    total = sum(one.num_problems * one.plan.task.n for one in tasks)
    console.print(f"{total:,} samples in all. All checks passed; nothing was generated.")


def _show_task(console: Console, one: TaskPreview) -> None:
    task, sampling = one.plan.task, one.plan.task.sampling
    text = one.prompt.text or "(the server renders the messages)"
    title = f"{task.name}: first prompt, {len(one.prompt.token_ids)} tokens"
    console.print(Panel(Text(text), title=Text(title), title_align="left"))
    console.print(
        f"  data ok: {task.data.num_problems} problems, {task.data.pin}\n"
        f"  {one.num_problems} problems × {task.n} = {one.num_problems * task.n:,} samples; "
        f"longest prompt {one.longest_prompt} tokens, at most {sampling.max_tokens} new ones\n"
        f"  temperature {sampling.temperature}, top_p {sampling.top_p}, top_k {sampling.top_k}; "
        f"grader {task.grader}\n"
    )
