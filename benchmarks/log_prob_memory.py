"""Peak memory and seconds of `token_log_probs` for a large vocabulary, against the naive way.

Log-probabilities and entropies of 8,192 tokens, and the gradients of hidden states and head, each way
in a process of its own. The naive way makes all logits at once: log_softmax, gather, entropy. A peak
is what comes on top of the inputs, gradients included. On a GPU the matrices are in bfloat16, else
in float32. Exits 1 where the two ways disagree, 2 where there is too little memory for the naive one.

usage: python benchmarks/log_prob_memory.py [--tokens 8192] [--vocabulary 152000] [--hidden 1536]
"""

import argparse
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import torch
from torch import Tensor

from evalkit.train.token_log_probs import TokenLogProbs, token_log_probs

_NAIVE_COPIES = 3.2
"""Of the float32 logits, that the naive way holds at a time, the gradient of the head among them."""
_TOLERANCES = {torch.float32: 1e-4, torch.bfloat16: 2e-2}  # of the largest value


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--tokens", type=int, default=8192)
    parser.add_argument("--vocabulary", type=int, default=152_000)
    parser.add_argument("--hidden", type=int, default=1536)
    parser.add_argument("--child", choices=_WAYS, help="measure only this way, in this process")
    parser.add_argument("--save", type=Path, help="where the child writes what it computed")
    options = parser.parse_args()
    if options.child:
        _measure(options)
        return
    needed = _NAIVE_COPIES * 4 * options.tokens * options.vocabulary
    if needed > _free_bytes():
        print(f"the naive way needs {needed / 2**30:.1f} GiB of free memory; use fewer --tokens")
        sys.exit(2)
    with tempfile.TemporaryDirectory() as folder:
        files = [_in_child(way, Path(folder) / way) for way in _WAYS]
        _compare(*[torch.load(file) for file in files])


def _in_child(way: str, file: Path) -> Path:
    command = [sys.executable, *sys.argv, "--child", way, "--save", str(file)]
    subprocess.run(command, check=True)
    return file


def _measure(options: argparse.Namespace) -> None:
    torch.manual_seed(0)
    device = "cuda" if torch.cuda.is_available() else "cpu"
    dtype = torch.bfloat16 if device == "cuda" else torch.float32
    shapes = (options.tokens, options.hidden), (options.vocabulary, options.hidden)
    hidden, head = (torch.randn(shape, device=device, dtype=dtype) for shape in shapes)
    head /= options.hidden**0.5  # logits of standard deviation 1
    for matrix in (hidden, head):
        matrix.requires_grad_()
    targets = torch.randint(options.vocabulary, (options.tokens,), device=device)
    before = _peak_bytes()
    started = time.monotonic()
    found = _WAYS[options.child](hidden, head, targets)
    found.log_prob.mean().backward()
    peak = _peak_bytes() - before
    print(
        f"{options.child}: {peak / 2**20:,.0f} MiB, {time.monotonic() - started:.1f} s", flush=True
    )
    assert found.entropy is not None
    assert hidden.grad is not None
    assert head.grad is not None
    values = [found.log_prob.detach(), found.entropy, hidden.grad, head.grad[targets]]
    torch.save([one.cpu() for one in values], options.save)


def _chunked(hidden: Tensor, head: Tensor, targets: Tensor) -> TokenLogProbs:
    return token_log_probs(hidden, head, targets, entropy_temperature=1.0)


def _naive(hidden: Tensor, head: Tensor, targets: Tensor) -> TokenLogProbs:
    log_probs = (hidden @ head.T).float().log_softmax(dim=1)
    with torch.no_grad():
        entropy = -(log_probs.exp() * log_probs).sum(dim=1)
    return TokenLogProbs(log_probs.gather(1, targets[:, None]).squeeze(1), entropy)


_WAYS = {"token_log_probs": _chunked, "naive": _naive}


def _compare(found: list[Tensor], expected: list[Tensor]) -> None:
    names = ("log-probabilities", "entropies", "gradient of states", "gradient of head")
    for name, one, other in zip(names, found, expected, strict=True):
        difference = ((one - other).abs().max() / other.abs().max()).item()
        print(f"{name}: largest difference {difference:.1e} of the largest value")
        if not difference < _TOLERANCES[other.dtype]:
            sys.exit(1)


def _peak_bytes() -> int:
    if torch.cuda.is_available():
        torch.cuda.synchronize()
        return torch.cuda.max_memory_allocated()
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024


def _free_bytes() -> int:
    if torch.cuda.is_available():
        return torch.cuda.mem_get_info()[0]
    import psutil

    return int(psutil.virtual_memory().available)


if __name__ == "__main__":
    main()
