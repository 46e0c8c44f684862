"""The process that trains: `python -m chat.tuning.trainer JOB.json`, also under `accelerate launch`.

It needs no Django and no database. It goes on from its last checkpoint, tells its progress on standard output, one JSON
object a line after `PROGRESS`, and ends when whoever started it does.
"""

import json
import os
import sys
import time
from dataclasses import dataclass
from pathlib import Path
from threading import Thread
from typing import Any

from chat.tuning import rows_file, settings
from chat.tuning.settings import TuningSettings

PROGRESS = "tuning-progress "
FINISHED = "trained.json"
TELL_EVERY_S = 0.5


@dataclass(frozen=True)
class Job:
    """What is to be trained: `rows` are files that are learnt one after the other; `folder` holds what comes of it."""

    rows: tuple[Path, ...]
    base: str
    folder: Path
    settings: TuningSettings

    @property
    def adapter(self) -> Path:
        return self.folder / "adapter"

    def stage(self, number: int) -> Path:
        return self.folder / f"stage-{number}"

    def as_json(self) -> dict[str, Any]:
        rows = [str(path) for path in self.rows]
        return {"rows": rows, "base": self.base, "folder": str(self.folder), "settings": self.settings.as_json()}


def read_job(path: Path) -> Job:
    given = json.loads(path.read_text(encoding="utf-8"))
    return Job(tuple(map(Path, given["rows"])), given["base"], Path(given["folder"]), settings.read(given["settings"]))


def main() -> None:
    end_with_the_parent()
    job = read_job(Path(sys.argv[1]))
    os.environ.setdefault("HF_HUB_OFFLINE", "1")
    os.environ.setdefault("TOKENIZERS_PARALLELISM", "false")
    began = time.monotonic()
    told = [_train_stage(job, number) for number in range(len(job.rows))]
    if _is_main():
        last = told[-1] | {"left_out": sum(each["left_out"] for each in told), "rows": sum(e["rows"] for e in told)}
        last["seconds"] = round(time.monotonic() - began, 1)
        (job.folder / FINISHED).write_text(json.dumps(last), encoding="utf-8")


def _train_stage(job: Job, number: int) -> dict[str, Any]:
    """Learn one file, on top of what was learnt from the one before; what is done already is not done again."""
    done = job.stage(number) / FINISHED
    if done.exists():
        told: dict[str, Any] = json.loads(done.read_text(encoding="utf-8"))
        return told
    from transformers import AutoTokenizer

    tokenizer = AutoTokenizer.from_pretrained(job.base)
    rows = rows_file.read(job.rows[number])
    fitting = [row for row in rows if _tokens(tokenizer, row) <= job.settings.length]
    if not fitting:
        raise SystemExit(f"None of the {len(rows)} rows fits into {job.settings.length} tokens: raise the length.")
    # Only now: what cannot be trained is told at once.
    import torch
    from trl import SFTTrainer

    cuda = torch.cuda.is_available()
    model = _model(job, number, cuda)
    trainer = SFTTrainer(
        model=model,
        args=_arguments(job, number, cuda, len(fitting)),
        train_dataset=_dataset(fitting),
        processing_class=tokenizer,
        callbacks=[_telling(number, len(job.rows))],
    )
    trainer.train(resume_from_checkpoint=_last_checkpoint(job.stage(number)))
    losses = [entry["loss"] for entry in trainer.state.log_history if "loss" in entry]
    told = {
        "steps": trainer.state.global_step,
        "loss": round(losses[-1], 4) if losses else None,
        "rows": len(fitting),
        "left_out": len(rows) - len(fitting),
        "device": torch.cuda.get_device_name() if cuda else "cpu",
    }
    last = number == len(job.rows) - 1
    trainer.save_model(str(job.adapter if last else job.stage(number) / "adapter"))
    if _is_main():
        done.write_text(json.dumps(told), encoding="utf-8")
    trainer.accelerator.wait_for_everyone()
    return told


def _model(job: Job, number: int, cuda: bool) -> Any:
    """The base with an adapter to train: a new one, or that of the stage before."""
    import torch
    from peft import LoraConfig, PeftModel, get_peft_model, prepare_model_for_kbit_training
    from transformers import AutoModelForCausalLM, BitsAndBytesConfig

    chosen = job.settings
    options: dict[str, Any] = {"dtype": torch.bfloat16 if cuda else torch.float32}
    if cuda and chosen.four_bit:
        options["device_map"] = {"": int(os.environ.get("LOCAL_RANK", "0"))}
        options["quantization_config"] = BitsAndBytesConfig(
            load_in_4bit=True,
            bnb_4bit_quant_type="nf4",
            bnb_4bit_use_double_quant=True,
            bnb_4bit_compute_dtype=torch.bfloat16,
        )
    model = AutoModelForCausalLM.from_pretrained(job.base, **options)
    if "quantization_config" in options:
        model = prepare_model_for_kbit_training(model, use_gradient_checkpointing=chosen.gradient_checkpointing)
    if number:
        return PeftModel.from_pretrained(model, str(job.stage(number - 1) / "adapter"), is_trainable=True)
    lora = LoraConfig(
        r=chosen.rank,
        lora_alpha=chosen.alpha,
        lora_dropout=chosen.dropout,
        target_modules=list(chosen.projections),
        task_type="CAUSAL_LM",
    )
    torch.manual_seed(chosen.seed)
    return get_peft_model(model, lora)


def _arguments(job: Job, number: int, cuda: bool, rows: int) -> Any:
    from trl import SFTConfig

    chosen = job.settings
    return SFTConfig(
        output_dir=str(job.stage(number)),
        num_train_epochs=chosen.epochs,
        learning_rate=chosen.learning_rate,
        warmup_steps=0.03,
        per_device_train_batch_size=min(chosen.batch, rows),
        gradient_accumulation_steps=chosen.accumulate,
        max_length=chosen.length,
        # Short questions beside short ones: half of a batch would else be padding.
        train_sampling_strategy="group_by_length",
        completion_only_loss=True,
        use_cpu=not cuda,
        bf16=cuda,
        gradient_checkpointing=cuda and chosen.gradient_checkpointing,
        dataloader_pin_memory=cuda,
        logging_steps=5,
        logging_first_step=True,
        save_steps=0.1,
        save_total_limit=2,
        seed=chosen.seed,
        data_seed=chosen.seed,
        report_to="none",
        disable_tqdm=True,
    )


def _dataset(rows: list[dict[str, Any]]) -> Any:
    from datasets import Dataset, disable_progress_bars

    disable_progress_bars()
    return Dataset.from_list(rows)


def _tokens(tokenizer: Any, row: dict[str, Any]) -> int:
    return len(tokenizer.apply_chat_template([*row["prompt"], *row["completion"]], tokenize=True, return_dict=False))


def _telling(stage: int, stages: int) -> Any:
    """Tells the parent how far it is: a step's number, how many there are, and the loss as it was last measured."""
    from transformers import TrainerCallback

    class Telling(TrainerCallback):
        loss: float | None = None
        told_at = 0.0

        def on_log(self, args: Any, state: Any, control: Any, logs: Any = None, **others: Any) -> None:
            self.loss = (logs or {}).get("loss", self.loss)

        def on_step_end(self, args: Any, state: Any, control: Any, **others: Any) -> None:
            now = time.monotonic()
            if state.is_world_process_zero and (
                now - self.told_at > TELL_EVERY_S or state.global_step == state.max_steps
            ):
                self.told_at = now
                told = {
                    "stage": stage, "stages": stages, "step": state.global_step, "steps": state.max_steps,
                    "loss": self.loss,
                }  # fmt: skip
                print(PROGRESS + json.dumps(told), flush=True)

    return Telling()


def _last_checkpoint(folder: Path) -> str | None:
    """The newest that was written to its end: one that was being written when the process was killed is passed over."""
    found = sorted(folder.glob("checkpoint-*"), key=lambda path: int(path.name.rpartition("-")[2]), reverse=True)
    whole = (path for path in found if _is_whole(path))
    return str(next(whole, "")) or None


def _is_whole(checkpoint: Path) -> bool:
    try:
        json.loads((checkpoint / "trainer_state.json").read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return False
    return (checkpoint / "optimizer.pt").exists() and (checkpoint / "adapter_model.safetensors").exists()


def _is_main() -> bool:
    return os.environ.get("RANK", "0") == "0"


def end_with_the_parent() -> None:
    """Standard input stays open as long as the parent lives: two that work in one folder would spoil it."""

    def wait() -> None:
        # Not through sys.stdin: its lock, held by a thread, would abort the interpreter at its own end.
        while os.read(0, 1024):
            pass
        os._exit(1)

    Thread(target=wait, daemon=True).start()


if __name__ == "__main__":
    main()
