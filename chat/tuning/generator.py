"""The process that asks an adapter and its base without a server: `python -m chat.tuning.generator JOB.json`.

The job names `base`, `adapter`, `questions` (JSONL: {"prompt": [messages]} a line), `answers` (written: {"tuned": text,
"base": text} a line) and `longest`, in tokens. Like the trainer it needs no Django, and ends with its parent.
"""

import json
import os
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from chat.tuning.trainer import PROGRESS, end_with_the_parent

BATCH = 16


def main() -> None:
    end_with_the_parent()
    job = json.loads(Path(sys.argv[1]).read_text(encoding="utf-8"))
    os.environ.setdefault("HF_HUB_OFFLINE", "1")
    lines = Path(job["questions"]).read_text(encoding="utf-8").splitlines()
    prompts = [json.loads(line)["prompt"] for line in lines]
    tokenizer, model = _load(job["base"], job["adapter"])
    total = 2 * len(prompts)
    tuned = _answers(tokenizer, model, prompts, job["longest"], 0, total)
    with model.disable_adapter():
        base = _answers(tokenizer, model, prompts, job["longest"], len(prompts), total)
    pairs = [{"tuned": first, "base": second} for first, second in zip(tuned, base, strict=True)]
    written = "".join(json.dumps(pair, ensure_ascii=False) + "\n" for pair in pairs)
    Path(job["answers"]).write_text(written, encoding="utf-8")


def _load(base: str, adapter: str) -> tuple[Any, Any]:
    import torch
    from peft import PeftModel
    from transformers import AutoModelForCausalLM, AutoTokenizer

    cuda = torch.cuda.is_available()
    tokenizer = AutoTokenizer.from_pretrained(base, padding_side="left")
    tokenizer.pad_token = tokenizer.pad_token or tokenizer.eos_token
    model = AutoModelForCausalLM.from_pretrained(base, dtype=torch.bfloat16 if cuda else torch.float32)
    tuned = PeftModel.from_pretrained(model, adapter).to("cuda" if cuda else "cpu")
    return tokenizer, tuned.eval()


def _answers(tokenizer: Any, model: Any, prompts: Sequence[Any], longest: int, done: int, total: int) -> list[str]:
    import torch

    answers: list[str] = []
    for start in range(0, len(prompts), BATCH):
        batch = tokenizer.apply_chat_template(
            list(prompts[start : start + BATCH]),
            add_generation_prompt=True,
            padding=True,
            return_tensors="pt",
            return_dict=True,
        ).to(model.device)
        with torch.inference_mode():
            written = model.generate(
                **batch, max_new_tokens=longest, do_sample=False, pad_token_id=tokenizer.pad_token_id
            )
        answers += tokenizer.batch_decode(written[:, batch["input_ids"].shape[1] :], skip_special_tokens=True)
        told = {"stage": 0, "stages": 1, "step": done + len(answers), "steps": total, "loss": None}
        print(PROGRESS + json.dumps(told), flush=True)
    return [answer.strip() for answer in answers]


if __name__ == "__main__":
    main()
