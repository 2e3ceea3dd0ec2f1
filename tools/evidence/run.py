"""Measures a model: `python -m evidence.run --model DIR [--shared DIR] [--engine tokenscope|torch] --out FILE`, in `tools/`.

Makes the tasks, has the engine answer them, scores the answers and writes the numbers with the model's samples as JSON.
"""
from __future__ import annotations

import argparse
import json
import subprocess
import tempfile
from pathlib import Path

from .score import failure_notes, score
from .tasks import Task, all_tasks

ENGINE = Path(__file__).with_name("engine.mjs")


def answer_with_tokenscope(model: Path, tasks: list[Task]) -> list[Task]:
    with tempfile.TemporaryDirectory() as folder:
        asked, answered = Path(folder, "tasks.jsonl"), Path(folder, "answers.jsonl")
        asked.write_text("\n".join(json.dumps(task) for task in tasks) + "\n")
        subprocess.run(["node", str(ENGINE), str(model.resolve()), str(asked), str(answered)], check=True)
        return [json.loads(line) for line in answered.read_text().splitlines()]


def answer_with_torch(model: Path, tasks: list[Task]) -> list[Task]:
    from .twin import Twin

    return Twin(model).answer(tasks)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--model", type=Path, required=True)
    parser.add_argument("--shared", type=Path, help="folder that holds corpus/; without it real text is not measured")
    parser.add_argument("--engine", choices=["tokenscope", "torch"], default="tokenscope")
    parser.add_argument("--kinds", help="only these kinds of task, separated by commas")
    parser.add_argument("--out", type=Path)
    parser.add_argument("--failures", action="store_true", help="also print where rejected stories broke")
    args = parser.parse_args()

    vocabulary = json.loads((args.model / "config.json").read_text())["vocab_size"]
    kinds = args.kinds.split(",") if args.kinds else None
    tasks = [task for task in all_tasks(vocabulary, args.shared) if kinds is None or task["kind"] in kinds]
    answer = answer_with_tokenscope if args.engine == "tokenscope" else answer_with_torch
    answered = answer(args.model, tasks)
    scores = {"engine": args.engine, **score(answered)}
    print(json.dumps(scores, indent=1))
    stories = [task for task in answered if task["kind"] == "story"]
    if args.failures:
        print("\n".join(json.dumps(note, ensure_ascii=False) for note in failure_notes(stories)))
    if args.out:
        samples = [{field: task[field] for field in ("prompt", "seed", "temperature", "text")}
                   for task in answered if task["kind"] == "sample"]
        args.out.write_text(json.dumps({**scores, "samples": samples}, indent=1, ensure_ascii=False) + "\n")


if __name__ == "__main__":
    main()
