"""Step 2: train the student to give the teacher's embeddings and scores.

The student starts by imitating the teacher layer by layer (`start`), or where an earlier training ended;
then all of it learns. The recipe is fixed beforehand: so many epochs over folds 1 to 4, learning rate
down a cosine. With ``--validate``, fold 4 is left out of training and its figures are printed after each
epoch.
"""

from __future__ import annotations

import math
import os
import time

import numpy as np
import torch
import torch.nn.functional as F  # noqa: N812
from codecarbon import OfflineEmissionsTracker
from tqdm import tqdm

from course_utils import energy
from makers import files

from .common import TEST_FOLD, VALIDATION_FOLD, argument_parser
from .network import Mini, Yamnet, choose_device, load_teacher
from .start import start_from

TEMPERATURE = 2.0
WEIGHTS = {"square": 1.0, "cosine": 2.0, "scores": 0.5, "ranking": 0.25}


def losses(
    embeddings: torch.Tensor,
    logits: torch.Tensor,
    wanted: torch.Tensor,
    wanted_logits: torch.Tensor,
) -> dict[str, torch.Tensor]:
    """Compute the terms of the loss.

    Parameters
    ----------
    embeddings, wanted : Tensor, shape (..., 1024)
        The student's and the teacher's.
    logits, wanted_logits : Tensor, shape (..., 521)

    Returns
    -------
    dict of str to Tensor
        ``square``: squared error of the embedding relative to its squared length, which is fifty
        times larger in silence than elsewhere; ``cosine``: 1 - cosine similarity; ``scores``:
        divergence of the 521 scores from the teacher's, summed over classes, so that the few
        classes that sound are not drowned by the hundreds that don't; ``ranking``: divergence of
        the softened softmax over classes (Hinton et al. 2015), which asks for the right order.
    """
    soft = torch.sigmoid(wanted_logits)
    entropy = F.binary_cross_entropy_with_logits(wanted_logits, soft, reduction="none")
    crossed = F.binary_cross_entropy_with_logits(logits, soft, reduction="none")
    order, wanted_order = (F.log_softmax(x / TEMPERATURE, dim=-1) for x in (logits, wanted_logits))
    ranking = F.kl_div(order, wanted_order, reduction="none", log_target=True)
    return {
        "square": ((embeddings - wanted).square().sum(-1) / wanted.square().sum(-1)).mean(),
        "cosine": 1 - F.cosine_similarity(embeddings, wanted, dim=-1).mean(),
        "scores": (crossed - entropy).sum(-1).mean(),
        "ranking": TEMPERATURE**2 * ranking.sum(-1).mean(),
    }


@torch.no_grad()
def validate(student: Mini, teacher: Yamnet, log_mel: np.ndarray, wanted: np.ndarray) -> dict[str, float]:
    """Compare student and teacher on whole clips.

    Parameters
    ----------
    student : Mini
    teacher : Yamnet
    log_mel : ndarray, shape (n_clips, n_spectra, 64)
    wanted : ndarray, shape (n_clips, n_patches, 1024)
        The teacher's embeddings.

    Returns
    -------
    dict of str to float
        ``top1``, ``top5``: share of clips where the teacher's highest mean score is the student's
        first, among its first five; ``cosine``: mean over frames.
    """
    device = next(student.parameters()).device
    student.eval()
    spectra = torch.from_numpy(log_mel.astype(np.float32)).to(device)
    target = torch.from_numpy(wanted.astype(np.float32)).to(device)
    found = torch.cat([student.embed(batch) for batch in spectra.split(16)])
    student.train()
    ours = torch.sigmoid(student.classifier(found)).mean(1)
    best = torch.sigmoid(teacher.classifier(target)).mean(1).argmax(1, keepdim=True)
    hits = ours.topk(5, dim=1).indices == best
    return {
        "top1": hits[:, 0].float().mean().item(),
        "top5": hits.any(1).float().mean().item(),
        "cosine": F.cosine_similarity(found, target, dim=-1).mean().item(),
    }


def main() -> None:
    """Run the step."""
    parser = argument_parser(__doc__, "name", "seed")
    parser.add_argument("--epochs", type=int, default=15, help="an epoch is all its rounds once")
    parser.add_argument("--batch", type=int, default=16, help="signals of 5 s")
    parser.add_argument("--rate", type=float, default=2e-3, help="highest learning rate")
    parser.add_argument("--begin", help="name of the checkpoint whose student goes on learning; default: a new one")
    parser.add_argument("--skip", type=int, default=0, help="how many rounds to leave out at the beginning")
    parser.add_argument("--rounds", type=int, help="how many rounds to learn from; default: all others")
    parser.add_argument("--validate", action="store_true", help="leave fold 4 out and test on it")
    args = parser.parse_args()
    torch.manual_seed(args.seed)
    device = choose_device()

    rounds = sorted(path.name[6:8] for path in args.work.glob("folds_??.npy"))
    rounds = rounds[args.skip :][: args.rounds]
    if not rounds:
        raise FileNotFoundError(
            f"No folds_??.npy in {args.work} from round {args.skip} on: run makers.distillation.teacher first."
        )
    log_mel = [np.load(args.work / f"log_mel_{r}.npy", mmap_mode="r") for r in rounds]
    wanted = [np.load(args.work / f"embeddings_{r}.npy", mmap_mode="r") for r in rounds]
    folds = [np.load(args.work / f"folds_{r}.npy") for r in rounds]
    beyond = VALIDATION_FOLD if args.validate else TEST_FOLD
    index = np.array([(r, i) for r, fold in enumerate(folds) for i in np.flatnonzero(fold < beyond)])
    plain = np.load(args.work / "folds_00.npy") == VALIDATION_FOLD
    held_out = [np.load(args.work / f"{name}_00.npy", mmap_mode="r")[plain] for name in ("log_mel", "embeddings")]

    recipe = {key: getattr(args, key) for key in ("begin", "skip", "validate", "seed", "batch", "rate")}
    recipe |= {"rounds": len(rounds), "signals": len(index)}
    steps = len(index) // args.batch
    if not steps:
        raise ValueError(
            f"{len(index)} signals do not fill a batch of {args.batch}: more rounds, or a smaller --batch."
        )

    teacher = load_teacher(args.teacher, args.work).network
    student = Mini()
    checkpoint = args.work / f"{args.name}.pt"
    state = {"epoch": 0, "minutes": 0.0, "kwh": 0.0, "before": None}
    if checkpoint.exists():
        state = torch.load(checkpoint, map_location="cpu", weights_only=True)
        if state["recipe"] != recipe:
            raise ValueError(
                f"{checkpoint} was trained by another recipe, {state['recipe']}, not {recipe}: "
                "delete it to start over, or choose another --name."
            )
        student.load_state_dict(state["student"])
    elif args.begin:
        source = args.work / f"{args.begin}.pt"
        if not source.exists():
            raise FileNotFoundError(f"There is no {source}: run makers.distillation.train --name {args.begin} first.")
        earlier = torch.load(source, map_location="cpu", weights_only=True)
        if earlier["epoch"] < earlier["epochs"]:
            raise RuntimeError(
                f"{source} is not trained to its end: run makers.distillation.train --name {args.begin}."
            )
        if args.validate and not earlier["recipe"]["validate"]:
            raise ValueError(f"{source} has learned from fold {VALIDATION_FOLD}: it cannot be validated on it.")
        student.load_state_dict(earlier["student"])
        kept = ("epochs", "minutes", "kwh", "measured", "computer")
        state["before"] = {key: earlier[key] for key in kept} | earlier["recipe"]
    else:
        some = np.random.default_rng(args.seed).choice(len(index), min(150, len(index)), replace=False)
        fit = np.stack([log_mel[r][i] for r, i in index[some]]).astype(np.float32)
        start_from(teacher, student.eval(), torch.from_numpy(fit))
        student.train()
    student = student.to(device, memory_format=torch.channels_last)
    readout = teacher.to(device).classifier
    optimiser = torch.optim.AdamW(student.parameters(), lr=args.rate)
    if "optimiser" in state:
        optimiser.load_state_dict(state["optimiser"])
    elif args.validate:
        print("start", validate(student, teacher, *held_out))
    total, warm = args.epochs * steps, 200

    for epoch in range(state["epoch"], args.epochs):
        began = time.time()
        tracker = OfflineEmissionsTracker(country_iso_code="DEU", save_to_file=False, log_level="error")
        tracker.start()
        order = np.random.default_rng([args.seed, epoch]).permutation(len(index))
        mean = dict.fromkeys(WEIGHTS, 0.0)
        bar = tqdm(range(steps), desc=f"epoch {epoch + 1} of {args.epochs}", mininterval=5)
        for step in bar:
            now = epoch * steps + step
            rate = args.rate * min(1, (now + 1) / warm) * 0.5 * (1 + math.cos(math.pi * now / total))
            for group in optimiser.param_groups:
                group["lr"] = rate
            batch = index[order[step * args.batch : (step + 1) * args.batch]]
            x, y = (
                torch.from_numpy(np.stack([kept[r][i] for r, i in batch]).astype(np.float32)).to(device)
                for kept in (log_mel, wanted)
            )
            embeddings = student.embed(x)
            terms = losses(embeddings, student.classifier(embeddings), y, readout(y))
            loss = sum(WEIGHTS[k] * v for k, v in terms.items())
            optimiser.zero_grad()
            loss.backward()
            torch.nn.utils.clip_grad_norm_(student.parameters(), 1.0)
            optimiser.step()
            for k, v in terms.items():
                mean[k] += (v.item() - mean[k]) / min(step + 1, 200)
            bar.set_postfix({k: f"{v:.3f}" for k, v in mean.items()}, refresh=False)
        tracker.stop()
        state = {
            "student": student.state_dict(),
            "optimiser": optimiser.state_dict(),
            "epoch": epoch + 1,
            "minutes": state["minutes"] + (time.time() - began) / 60,
            "kwh": state["kwh"] + tracker.final_emissions_data.energy_consumed,
            "epochs": args.epochs,
            "recipe": recipe,
            "before": state["before"],
            "measured": energy.summary(tracker)["measured"],
            "computer": torch.cuda.get_device_name() if device.type == "cuda" else f"{os.cpu_count()} CPU cores",
        }
        with files.replacing(checkpoint) as part:
            torch.save(state, part)
        report = {k: round(v, 4) for k, v in mean.items()}
        if args.validate:
            report |= validate(student, teacher, *held_out)
        print(f"epoch {epoch + 1}: {state['minutes']:.1f} min, {state['kwh']:.4f} kWh", report, flush=True)


if __name__ == "__main__":
    main()
