"""Step 2: train the student to give the teacher's embeddings and scores.

The student starts as the teacher with thin layers (`network.student_from_teacher`). Its first
blocks, which are the teacher's own, stay as they are, and so does its classifier; the rest learns.
The recipe is fixed beforehand: so many epochs over folds 1 to 4, learning rate down a cosine. With
``--validate``, fold 4 is left out of training and its figures are printed after each epoch.
"""

from __future__ import annotations

import math
import time

import numpy as np
import torch
import torch.nn.functional as F  # noqa: N812
from tqdm import tqdm

from .common import argument_parser, quiet_tensorflow, teacher_folder
from .network import STUDENT_CLASSIFIER_RANK, STUDENT_RANKS, Network, load_teacher
from .network import student_from_teacher as from_teacher

VALIDATION_FOLD = 4


def losses(
    embeddings: torch.Tensor,
    logits: torch.Tensor,
    wanted: torch.Tensor,
    wanted_logits: torch.Tensor,
) -> dict[str, torch.Tensor]:
    """Compute the terms of the loss.

    Parameters
    ----------
    embeddings, wanted : Tensor, shape (n, 1024)
        The student's and the teacher's.
    logits, wanted_logits : Tensor, shape (n, 521)

    Returns
    -------
    dict of str to Tensor
        ``square``: squared error of the embedding relative to its squared length, which is fifty
        times larger in silence than elsewhere; ``cosine``: 1 - cosine similarity; ``scores``:
        divergence of the 521 scores from the teacher's, summed over classes, so that the few
        classes that sound are not drowned by the hundreds that don't; ``top``: Huber loss on the
        logits of the teacher's ten highest classes.
    """
    soft = torch.sigmoid(wanted_logits)
    entropy = F.binary_cross_entropy_with_logits(wanted_logits, soft, reduction="none")
    crossed = F.binary_cross_entropy_with_logits(logits, soft, reduction="none")
    top = wanted_logits.topk(10, dim=1).indices
    return {
        "square": ((embeddings - wanted).square().sum(1) / wanted.square().sum(1)).mean(),
        "cosine": 1 - F.cosine_similarity(embeddings, wanted, dim=1).mean(),
        "scores": (crossed - entropy).sum(1).mean(),
        "top": F.smooth_l1_loss(logits.gather(1, top), wanted_logits.gather(1, top)),
    }


WEIGHTS = {"square": 1.0, "cosine": 2.0, "scores": 0.5, "top": 0.5}


@torch.no_grad()
def validate(
    student: Network, teacher: Network, patches: np.ndarray, wanted: np.ndarray, frames: int = 10
) -> dict[str, float]:
    """Compare student and teacher on whole clips.

    Parameters
    ----------
    student, teacher : Network
    patches : ndarray, shape (n_clips * frames, 96, 64)
    wanted : ndarray, shape (n_clips * frames, 1024)
        The teacher's embeddings.
    frames : int
        Frames of one clip.

    Returns
    -------
    dict of str to float
        ``top1``, ``top5``: share of clips where the teacher's highest mean score is the student's
        first, among its first five; ``cosine``: mean over frames.
    """
    device = next(student.parameters()).device
    student.eval()
    found = []
    for start in range(0, len(patches), 250):
        x = torch.from_numpy(patches[start : start + 250].astype(np.float32)).to(device)
        found.append(student(x)[0].cpu())
    found, target = torch.cat(found), torch.from_numpy(wanted.astype(np.float32))
    ours = torch.sigmoid(student.logits(found.to(device))).cpu().unflatten(0, (-1, frames)).mean(1)
    theirs = torch.sigmoid(teacher.logits(target)).unflatten(0, (-1, frames)).mean(1)
    best = theirs.argmax(1, keepdim=True)
    hits = ours.topk(5, dim=1).indices == best
    return {
        "top1": hits[:, 0].float().mean().item(),
        "top5": hits.any(1).float().mean().item(),
        "cosine": F.cosine_similarity(found, target, dim=1).mean().item(),
    }


def main() -> None:
    """Run the step."""
    parser = argument_parser(__doc__)
    parser.add_argument("--epochs", type=int, default=6, help="an epoch is all rounds once")
    parser.add_argument("--batch", type=int, default=128)
    parser.add_argument("--rate", type=float, default=1e-3, help="highest learning rate")
    parser.add_argument("--frozen", type=int, default=5, help="first blocks that do not learn")
    parser.add_argument("--threads", type=int, default=0, help="0: torch's own choice")
    parser.add_argument("--steps", type=int, default=0, help="stop an epoch early (for trials)")
    parser.add_argument("--validate", action="store_true", help="leave fold 4 out and test on it")
    parser.add_argument("--name", default="student", help="name of the checkpoint")
    args = parser.parse_args()
    quiet_tensorflow()
    if args.threads:
        torch.set_num_threads(args.threads)
    torch.manual_seed(args.seed)
    rng = np.random.default_rng(args.seed)
    device = torch.device("cuda" if torch.cuda.is_available() else "cpu")

    done = sorted(args.work.glob("folds_??.npy"))
    if not done:
        raise FileNotFoundError(f"No folds_??.npy in {args.work}: run tools.distill.teacher first.")
    names = [path.name[6:8] for path in done]
    patches = [np.load(args.work / f"patches_{r}.npy", mmap_mode="r") for r in names]
    wanted = [np.load(args.work / f"embeddings_{r}.npy", mmap_mode="r") for r in names]
    folds = [np.load(path) for path in done]
    last_fold = VALIDATION_FOLD - args.validate
    index = np.concatenate(
        [
            np.stack([np.full((f <= last_fold).sum(), r), np.flatnonzero(f <= last_fold)], axis=1)
            for r, f in enumerate(folds)
        ]
    )
    held_out = np.flatnonzero(folds[0] == VALIDATION_FOLD)
    teacher = load_teacher(teacher_folder(args.teacher, args.work))
    checkpoint = args.work / f"{args.name}.pt"
    steps = args.steps or len(index) // args.batch
    start = 0
    minutes = 0.0
    state = None
    if checkpoint.exists():
        state = torch.load(checkpoint, map_location=device, weights_only=True)
        student = Network(STUDENT_RANKS, STUDENT_CLASSIFIER_RANK)
        student.load_state_dict(state["student"])
        start, minutes = state["epoch"], state["minutes"]
    else:
        some = rng.choice(len(index), 5000, replace=False)
        fit = np.stack([patches[r][i] for r, i in index[some]]).astype(np.float32)
        student = from_teacher(teacher, torch.from_numpy(fit))
        print("parameters", sum(p.numel() for p in student.parameters()))
        if args.validate:
            print("start", validate(student, teacher, patches[0][held_out], wanted[0][held_out]))
    student = student.to(device, memory_format=torch.channels_last)
    kept = [student.first, *student.blocks[: args.frozen], student.classifier]
    kept += [student.thin] if student.thin is not None else []
    for module in kept:
        module.requires_grad_(False)
    learning = [p for p in student.parameters() if p.requires_grad]
    optimiser = torch.optim.Adam(learning, lr=args.rate)
    if state is not None:
        optimiser.load_state_dict(state["optimiser"])
    readout = teacher.classifier.to(device)
    total, warm = args.epochs * steps, 100

    for epoch in range(start, args.epochs):
        began = time.time()
        student.train()
        order = np.random.default_rng([args.seed, epoch]).permutation(len(index))
        mean = dict.fromkeys(WEIGHTS, 0.0)
        bar = tqdm(range(steps), desc=f"epoch {epoch + 1}", mininterval=5)
        for step in bar:
            now = epoch * steps + step
            rate = args.rate * min(1, (now + 1) / warm) * 0.5 * (1 + math.cos(math.pi * now / total))
            for group in optimiser.param_groups:
                group["lr"] = rate
            batch = index[order[step * args.batch : (step + 1) * args.batch]]
            x = np.stack([patches[r][i] for r, i in batch]).astype(np.float32)
            y = np.stack([wanted[r][i] for r, i in batch]).astype(np.float32)
            x, y = torch.from_numpy(x).to(device), torch.from_numpy(y).to(device)
            with torch.no_grad():
                target = readout(y)
            terms = losses(*student(x, frozen=args.frozen), y, target)
            loss = sum(WEIGHTS[k] * v for k, v in terms.items())
            optimiser.zero_grad()
            loss.backward()
            torch.nn.utils.clip_grad_norm_(learning, 1.0)
            optimiser.step()
            for k, v in terms.items():
                mean[k] += (v.item() - mean[k]) / (step + 1 if step < 200 else 200)
            bar.set_postfix({k: f"{v:.3f}" for k, v in mean.items()}, refresh=False)
        minutes += (time.time() - began) / 60
        partial = checkpoint.with_suffix(".part")
        torch.save(
            {
                "student": student.state_dict(),
                "optimiser": optimiser.state_dict(),
                "epoch": epoch + 1,
                "minutes": minutes,
            },
            partial,
        )
        partial.replace(checkpoint)
        report = {k: round(v, 4) for k, v in mean.items()}
        if args.validate:
            report |= validate(student, teacher, patches[0][held_out], wanted[0][held_out])
        print(f"epoch {epoch + 1}: {minutes:.1f} min", report, flush=True)


if __name__ == "__main__":
    main()
