"""Trains the tiny model and writes its directory.

python -m sv_eval.backends.sensevoice.training --synthetic DIR --emodb DIR --out DIR [--seed N]
"""

from __future__ import annotations

import argparse
import sys
import time
from dataclasses import asdict
from pathlib import Path
from typing import Any

from sv_eval.backends.sensevoice.training.corpora import EMODB_TEST_SPEAKERS, EMODB_TRAIN_SPEAKERS, Example

DEMO = Path(__file__).resolve().parents[3] / "datasets" / "demo"
NONSPEECH_CLIPS = 180
# Synthetic voices that a --hold-out run keeps for development: three of each language and sex.
DEVELOPMENT_VOICES = tuple(f"train_{place}{n}" for place in ("en_f", "en_m", "zh_f", "zh_m") for n in (1, 2, 3))


def main(arguments: list[str] | None = None) -> int:
    """Runs the command; returns its exit code."""
    parser = argparse.ArgumentParser(prog="python -m sv_eval.backends.sensevoice.training", description=__doc__)
    parser.add_argument("--synthetic", type=Path, required=True, help="folder of prepare.py --part train")
    parser.add_argument("--emodb", type=Path, required=True, help="folder of EmoDB's wav files, or the one above")
    parser.add_argument("--out", type=Path, required=True, help="model directory to write")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--steps", type=int, help="instead of the recipe's number")
    parser.add_argument("--threads", type=int, default=2, help="of torch; results can differ with their number")
    parser.add_argument(
        "--hold-out",
        default="",
        metavar="SPEAKER,...",
        help="development run: keep these of EmoDB's training speakers, and some synthetic voices, for a score "
        "during training; the test speakers and the demo clips are then not looked at",
    )
    options = parser.parse_args(arguments)
    wrong = [s for s in options.hold_out.split(",") if s and s not in EMODB_TRAIN_SPEAKERS]
    if wrong:
        known = ", ".join(EMODB_TRAIN_SPEAKERS)
        parser.error(f"--hold-out takes training speakers ({known}), not {', '.join(wrong)}")
    train(options)
    return 0


def train(options: argparse.Namespace) -> None:
    """Reads, fits, writes and scores."""
    import torch

    from sv_eval.backends.sensevoice.training import corpora, evaluation, export
    from sv_eval.backends.sensevoice.training.card import Outcome, model_card, write_card
    from sv_eval.backends.sensevoice.training.features import Cmvn, stacked
    from sv_eval.backends.sensevoice.training.fitting import Recipe, fitted
    from sv_eval.backends.sensevoice.training.vocabulary import vocabulary

    torch.set_num_threads(options.threads)
    recipe = Recipe() if options.steps is None else Recipe(steps=options.steps)
    held_out = tuple(s for s in options.hold_out.split(",") if s)
    speech = corpora.synthetic(options.synthetic)
    emodb = corpora.emodb(options.emodb, EMODB_TRAIN_SPEAKERS, copies=True)
    pieces = vocabulary((e.language, e.transcript or "") for e in speech)
    parts = {
        "synthetic": [e for e in speech if not held_out or e.speaker not in DEVELOPMENT_VOICES],
        "emodb": [e for e in emodb if e.speaker not in held_out],
        "nonspeech": corpora.nonspeech(NONSPEECH_CLIPS, options.seed),
    }
    development = {
        "synthetic": [e for e in speech if held_out and e.speaker in DEVELOPMENT_VOICES],
        "emodb": [e for e in emodb if e.speaker in held_out],
    }
    # Every fifth synthetic clip, so that real speech has a say in the statistics.
    cmvn = Cmvn.of([e.mels[0] for e in parts["synthetic"][::5]] + [e.mels[0] for e in parts["emodb"]])

    def watch(network: Any) -> None:
        for name, examples in development.items():
            if examples:
                show(f"development {name}", examples, evaluation.answers(network, cmvn, examples))

    started = time.perf_counter()
    network = fitted(parts, pieces, cmvn, recipe, options.seed, watch)
    training_s = time.perf_counter() - started
    export.write_model(network, pieces, cmvn, recipe.encoder, options.out)
    clips = []
    for example in speech[:: len(speech) // 12] + emodb[::40]:
        mels = torch.from_numpy(example.mels[0])[None]
        clips.append(cmvn(stacked(mels, torch.tensor([mels.shape[1]]))[0])[0])
    gaps = export.parity(network, options.out, clips)
    print(f"largest differences of logits: {gaps}")
    if held_out:
        return

    demo = corpora.synthetic(DEMO)
    real = corpora.emodb(options.emodb, EMODB_TEST_SPEAKERS, copies=False)
    outcomes = [
        Outcome(corpus="demo", split="all", examples=demo, answers=evaluation.answers(network, cmvn, demo)),
        Outcome(
            corpus="emodb",
            split=f"speakers {' '.join(EMODB_TEST_SPEAKERS)}",
            examples=real,
            answers=evaluation.answers(network, cmvn, real),
        ),
    ]
    for outcome in outcomes:
        show(f"held out {outcome.corpus}", outcome.examples, outcome.answers)
    rate = evaluation.token_error_rate(demo, outcomes[0].answers, pieces)
    print(f"demo token error rate {rate:.3f}")
    card = model_card(
        command="python -m sv_eval.backends.sensevoice.training --synthetic DIR --emodb DIR"
        " --out backends/sensevoice/tiny"
        f" --seed {options.seed} --threads {options.threads}",
        seed=options.seed,
        training_s=training_s,
        parameters=sum(p.numel() for p in network.parameters()),
        corpora=parts,
        outcomes=outcomes,
        parity=gaps,
        recipe=asdict(recipe),
    )
    card["results"]["demo_token_error_rate"] = round(rate, 4)
    write_card(card, options.out / "model_card.yaml")


def show(title: str, examples: list[Example], said: list[Any]) -> None:
    """Prints the UAR and the confusion matrix."""
    from sv_eval.backends.sensevoice.training.evaluation import confusion, table, uar

    counts = confusion(examples, said)
    print(f"{title}: {len(examples)} clips, UAR {uar(counts):.4f}\n{table(counts)}", flush=True)


if __name__ == "__main__":
    sys.exit(main())
