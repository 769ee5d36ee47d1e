"""A contestant of train_step.py: TRL's GRPOTrainer with the generation of transformers.

Runs in an interpreter that has TRL 1.16 and need not have evalkit. A turn is one batch of samples
with its optimizer steps, all that the trainer does for it, logging included. It has what TRL needs
to do no more than the others: float32 without autocast, no gradient checkpointing, no reference
model. The reward compares the last boxed text with the answer.

usage: python benchmarks/trl_train.py MODEL PROBLEMS.jsonl OUT
"""

import json
import re
import sys
from pathlib import Path
from typing import Any

from datasets import Dataset
from transformers import AutoTokenizer, TrainerCallback
from trl import GRPOConfig, GRPOTrainer
from turns import GROUP_SIZE, LR, NUM_NEW_TOKENS, NUM_PROMPTS, NUM_UPDATES, Turns

_END = "<|im_end|>"  # the trainer needs an end token; it is never sampled


class _TakesTurns(TrainerCallback):
    def __init__(self, turns: Turns) -> None:
        self._turns = turns

    def on_step_end(self, args: Any, state: Any, control: Any, **kwargs: Any) -> None:
        if state.global_step % NUM_UPDATES == 0:
            self._turns.finish()


def main() -> None:
    model, problems, out = sys.argv[1:]
    turns = Turns()
    rows = [json.loads(line) for line in Path(problems).read_text().splitlines()[:NUM_PROMPTS]]
    tokenizer = AutoTokenizer.from_pretrained(model)
    tokenizer.eos_token = _END
    config = GRPOConfig(
        output_dir=out,
        max_steps=10**6,  # until there are no more turns
        per_device_train_batch_size=NUM_PROMPTS * GROUP_SIZE // NUM_UPDATES,
        steps_per_generation=NUM_UPDATES,
        num_generations=GROUP_SIZE,
        max_completion_length=NUM_NEW_TOKENS,
        generation_kwargs={"min_new_tokens": NUM_NEW_TOKENS},
        learning_rate=LR,
        lr_scheduler_type="constant",
        weight_decay=0.1,
        beta=0.0,
        bf16=False,
        use_cpu=True,
        gradient_checkpointing=False,
        model_init_kwargs={"dtype": "float32"},
        logging_steps=NUM_UPDATES,
        save_strategy="no",
        report_to="none",
        disable_tqdm=True,
    )
    trainer = GRPOTrainer(
        model=model,
        reward_funcs=_solved,
        args=config,
        train_dataset=Dataset.from_list([_row(one) for one in rows]),
        processing_class=tokenizer,
        callbacks=[_TakesTurns(turns)],
    )
    trainer.train()


def _row(problem: dict[str, str]) -> dict[str, Any]:
    prompt = [{"role": "user", "content": problem["question"]}]
    return {"prompt": prompt, "answer": problem["answer"]}


def _solved(completions: list[Any], answer: list[str], **_: Any) -> list[float]:
    boxed = [re.findall(r"\\boxed\{(.*?)\}", one[0]["content"]) for one in completions]
    return [float(found[-1:] == [wanted]) for found, wanted in zip(boxed, answer, strict=True)]


if __name__ == "__main__":
    main()
