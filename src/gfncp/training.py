"""Training: one loop for any objective and simulator, on any device, resumable to the bit.

A batch is a function of (seed, rank, iteration) alone, so a resumed run needs no random state.
"""

from contextlib import ExitStack
from pathlib import Path
from typing import Any

import torch
from accelerate import Accelerator
from torch import nn

from gfncp.checkpoints import load, remove_drafts, save_configuration, seeded
from gfncp.configuration import Configuration, Training
from gfncp.evaluation.metrics import scores
from gfncp.interruption import TERMINATED, on_termination
from gfncp.objectives import Batch, Objective, Terms, draw_steps
from gfncp.optimizers import OPTIMIZERS, set_learning_rate
from gfncp.preparation import Simulator, make_simulators, prepare_embedding
from gfncp.progress import progress, scalars
from gfncp.run_state import restore, store

VALIDATION_STREAM = 2**31


class Loss(nn.Module):
    """An objective of a network as a module: what accelerate wraps for precision and processes."""

    def __init__(self, network: nn.Module, objective: Objective) -> None:
        super().__init__()
        self.network = network
        self.objective = objective

    def forward(self, batch: Batch, generator: torch.Generator) -> Terms:
        return self.objective(self.network, batch, generator)


def train(
    configuration: Configuration,
    folder: Path,
    data: Path | None = None,
    accelerator: Accelerator | None = None,
) -> nn.Module:
    """Train, or go on with, the run in ``folder``; its checkpoint is there after every ``save_every`` steps.

    Args:
        data: folder of the images that the configuration names, None downloads them; or embeddings.
        accelerator: a new one, which says where to train; None takes what the machine has.

    Raises:
        ValueError: ``folder`` holds a run with another configuration, or what is there is damaged; or the
            initial checkpoint is of another network.
        FloatingPointError: the loss or a weight is not finite; the last checkpoint is kept.
        OSError: ``folder`` cannot be written to; the last checkpoint is kept.
        SystemExit: with code 143, on SIGTERM, once the state is stored.
    """
    options = configuration.training
    accelerator = accelerator or Accelerator()
    torch.manual_seed(configuration.seed)
    model: Any = configuration.build()  # of one kind or another
    optimizers = OPTIMIZERS[options.optimizer](model, options.learning_rate)
    start = kept = restore(model, optimizers, configuration, folder)
    if start == 0 and options.initial is not None:
        start_from(model, options.initial)
    if accelerator.is_main_process:
        remove_drafts(folder)
        save_configuration(configuration, folder)  # what cannot be written to is noticed now
    rank = accelerator.process_index
    objective = configuration.objective.build()
    loss, *optimizers = accelerator.prepare(Loss(model, objective), *optimizers)

    with (
        scalars(accelerator, folder, start) as write_scalar,
        progress(accelerator) as bar,
        ExitStack() as stack,
    ):
        prepare_embedding(configuration, model.encoder, folder, data, accelerator, bar)
        simulate, simulate_validation = make_simulators(configuration, model.encoder, data)
        task = bar.add_task("training", total=options.iterations, completed=start, loss=float("nan"))
        stack.enter_context(on_termination(accelerator.set_trigger))
        for iteration in range(start, options.iterations):
            share = iteration / options.iterations
            set_learning_rate(optimizers, options.learning_rate, options.final_learning_rate, share)
            generator = seeded(configuration.seed, rank, iteration)
            batch = draw_batch(options, simulate, generator, accelerator.device, share)
            terms = loss(batch, generator)
            if not torch.isfinite(terms["loss"]):
                raise FloatingPointError(
                    f"the loss is {terms['loss'].item()} at iteration {iteration}, whose batch is drawn with "
                    f"seeded({configuration.seed}, {rank}, {iteration}); {folder} keeps the state of "
                    f"iteration {kept}"
                )
            loss.zero_grad()
            accelerator.backward(terms["loss"])
            if options.clip is not None:
                accelerator.clip_grad_norm_(loss.parameters(), options.clip)
            for optimizer in optimizers:
                optimizer.step()
            done = iteration + 1
            bar.update(task, advance=1, loss=terms["loss"].item())
            for name, value in terms.items():
                write_scalar(f"training/{name}", value.item(), done)
            terminated = accelerator.check_trigger()  # in any of the processes
            due = done % options.save_every == 0 or done == options.iterations
            if accelerator.is_main_process and (due or terminated):
                if not all(parameter.isfinite().all() for parameter in model.parameters()):
                    raise FloatingPointError(
                        f"the weights are not finite after iteration {iteration}; "
                        f"{folder} keeps the state of iteration {kept}"
                    )
                found = (
                    validate(configuration, model, objective, simulate_validation, accelerator.device)
                    if due
                    else {}
                )
                for name, value in found.items():
                    write_scalar(f"validation/{name}", value, done)
                    bar.console.print(f"iteration {done}: validation {name} {value:.3f}")
                store(model, optimizers, configuration, folder, done)
            if due or terminated:
                kept = done
            if terminated:
                bar.console.print(f"terminated; {folder} keeps the state of iteration {done}", markup=False)
                raise SystemExit(TERMINATED)
    return model.eval()


def start_from(model: nn.Module, checkpoint: str) -> None:
    """Copy a checkpoint's weights into a network of the same shape."""
    try:
        model.load_state_dict(load(checkpoint).state_dict())
    except RuntimeError as error:
        reason = str(error).split("\n")[1].strip()
        raise ValueError(f"training.initial={checkpoint!r}: holds another network ({reason})") from None


def validate(
    configuration: Configuration,
    model: Any,
    objective: Objective,
    simulate: Simulator,
    device: torch.device,
) -> dict[str, float]:
    """The loss of sets that are the same each time, and the scores of the model's clusterings of them."""
    sets, points = configuration.training.validation_sets, configuration.data.test_points
    x, labels = simulate(sets, points, seeded(configuration.seed, VALIDATION_STREAM))
    held_out = Batch(x.to(device), labels.to(device))
    with torch.no_grad():
        loss = objective(model, held_out, seeded(configuration.seed, VALIDATION_STREAM))["loss"]
    return {"loss": float(loss), **scores(labels, model.predict(held_out.x).cpu())}


def draw_batch(
    options: Training, simulate: Simulator, generator: torch.Generator, device: torch.device, progress: float
) -> Batch:
    """Sets of one random size."""
    points = draw_points(options, generator)
    sets = options.batch
    if options.batch_points is not None:
        sets = max(1, min(sets, options.batch_points // points))
    x, labels = simulate(sets, points, generator)
    steps = None
    if options.sampled_steps is not None and options.sampled_steps < points - 1:
        steps = draw_steps(sets, points, options.sampled_steps, generator).to(device)
    return Batch(x.to(device), labels.to(device), steps, progress)


def draw_points(options: Training, generator: torch.Generator) -> int:
    low, high = options.points
    if options.points_drawn == "uniformly":
        return int(torch.randint(low, high + 1, (1,), generator=generator))
    share = torch.rand((), dtype=torch.float64, generator=generator)
    return min(int(low * ((high + 1) / low) ** share), high)
