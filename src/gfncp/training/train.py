"""Training: one loop for any objective and simulator, on any device, resumable to the bit.

Each step averages the gradients of several batches. A batch is a function of (seed, its number in the step,
iteration) alone, so a resumed run needs no random state, and processes, which share the batches of a step,
change nothing but the time.
"""

from collections.abc import Iterator
from contextlib import ExitStack, nullcontext
from pathlib import Path
from signal import SIGTERM
from time import monotonic
from typing import Any

import torch
from accelerate import Accelerator
from jaxtyping import Float
from rich.console import Console
from torch import Tensor, nn

from gfncp.checkpoints import load_configuration, read_weights, save, weights_for
from gfncp.configuration import Configuration
from gfncp.configuration.encoders import EmbeddedPictures
from gfncp.metrics import scores
from gfncp.networks.encoders import EmbeddedEncoder, without_embedding
from gfncp.objectives.batch import Batch, Objective, Terms
from gfncp.seeds import VALIDATION, seeded
from gfncp.training.batches import Batches
from gfncp.training.interruption import exit_code, on_termination, stopping_at_once
from gfncp.training.optimizers import OPTIMIZERS, set_learning_rate
from gfncp.training.preparation import Simulator, make_simulators, prepare_embedding
from gfncp.training.progress import WriteScalar, progress, scalars
from gfncp.training.run_state import BEST, opened, restore, store, store_if_best
from gfncp.training.throughput import Throughput

MOST_LOST = 180  # seconds of training between two stored states, at most
DTYPES = {"float32": torch.float32, "bfloat16": torch.bfloat16}


class Loss(nn.Module):
    """Objective of a network as a module, which accelerate wraps for several processes.

    Args:
        dtype: of matrix products.
    """

    def __init__(self, network: nn.Module, objective: Objective, dtype: torch.dtype = torch.float32) -> None:
        super().__init__()
        self.network = network
        self.objective = objective
        self.dtype = dtype

    def forward(self, batch: Batch, generator: torch.Generator) -> Terms:
        with torch.autocast(batch.x.device.type, self.dtype, enabled=self.dtype != torch.float32):
            return self.objective(self.network, batch, generator)


def train(
    configuration: Configuration,
    folder: Path,
    data: Path | None = None,
    accelerator: Accelerator | None = None,
    wandb: str | None = None,
    workers: int = 0,
) -> nn.Module:
    """Train, or go on with, the run in ``folder``.

    Its checkpoint is there after every ``save_every`` steps, and every three minutes. What is refused leaves
    nothing in ``folder``.

    Args:
        data: folder of the images that the configuration names, None downloads them; or embeddings.
        accelerator: a new one, which says where to train; None takes what the machine has.
        wandb: project of Weights & Biases that gets the scalars too; None for none.
        workers: processes that draw batches ahead, for each process that trains; they change nothing but the
            time. With 0, batches are drawn when they are needed.

    Raises:
        ValueError: ``folder`` holds a run with another configuration, or what is there is damaged; the
            initial checkpoint is of another network; or the processes cannot share the batches of a step.
        FloatingPointError: the loss or a weight is not finite; the last checkpoint is kept.
        OSError: ``folder`` cannot be written to; the last checkpoint is kept.
        SystemExit: once the state is stored, with code 143 on SIGTERM, 130 on SIGINT.
    """
    options = configuration.training
    accelerator = accelerator or Accelerator()
    if options.accumulate % accelerator.num_processes:
        raise ValueError(
            f"training.accumulate={options.accumulate}: {accelerator.num_processes} processes share so many "
            "batches in each step; accepted are multiples of their number"
        )
    torch.manual_seed(configuration.seed)
    model: Any = configuration.build()  # an energy network, or one of another method
    optimizers = OPTIMIZERS[options.optimizer](model, options.learning_rate)
    start = kept = restore(model, optimizers, configuration, folder)
    if start == 0 and options.initial is not None:
        start_from(model, options.initial)
    objective = configuration.objective.build()
    loss, *optimizers = accelerator.prepare(Loss(model, objective, DTYPES[options.precision]), *optimizers)
    signals: list[int] = []

    def end(number: int) -> None:
        signals.append(number)
        accelerator.set_trigger()

    with (
        opened(configuration, folder) if accelerator.is_main_process else nullcontext(),
        scalars(accelerator, folder, start, wandb) as write_scalar,
        progress(accelerator) as bar,
        ExitStack() as stack,
    ):
        with stopping_at_once(lambda: bar.console.print("stopped; the same command starts again")):
            prepare_embedding(configuration, model.encoder, folder, data, accelerator, bar)
            simulate, simulate_validation = make_simulators(configuration, model.encoder, data)
        batches = Batches(configuration, simulate, accelerator)
        drawn = batches.stream(start, workers)
        task = bar.add_task("training", total=options.iterations, completed=start, loss=float("nan"))
        stack.enter_context(on_termination(end))
        stored = monotonic()
        throughput = Throughput(accelerator.device, DTYPES[options.precision])
        for iteration in range(start, options.iterations):
            share = iteration / options.iterations
            set_learning_rate(optimizers, options.learning_rate, options.final_learning_rate, share)
            loss.zero_grad()
            with throughput.iteration(iteration):
                terms = accumulate(loss, drawn, batches.per_step, accelerator)
            throughput.sets += int(terms.pop("sets").sum())
            check_losses(terms["loss"], configuration.seed, iteration, _keeps(folder, kept))
            if options.clip is not None:
                accelerator.clip_grad_norm_(loss.parameters(), options.clip)
            for optimizer in optimizers:
                optimizer.step()

            done = iteration + 1
            bar.update(task, advance=1, loss=terms["loss"].mean().item())
            for name, values in terms.items():
                write_scalar(f"training/{name}", values.mean().item(), done)
            terminated = accelerator.check_trigger()  # in any of the processes
            due = done % options.save_every == 0 or done == options.iterations
            late = accelerator.is_main_process and monotonic() - stored >= MOST_LOST
            if accelerator.is_main_process and (due or terminated or late):
                check_weights(model, iteration, _keeps(folder, kept))
                found = {}
                if due:
                    found = validate(configuration, model, objective, simulate_validation, accelerator.device)
                    if options.keep == "lowest-loss":
                        store_if_best(model, folder, found["loss"])
                report(done, found, throughput.report(), write_scalar, bar.console)
                store(model, optimizers, configuration, folder, done)
                stored = monotonic()
            if due or terminated or late:
                kept = done
            if terminated:
                stopped = f"stopped; {_keeps(folder, done)}, and the same command goes on"
                bar.console.print(stopped, markup=False, soft_wrap=True)
                raise SystemExit(exit_code(signals[0] if signals else SIGTERM))
        if options.keep == "lowest-loss":
            accelerator.wait_for_everyone()
            model.load_state_dict(read_weights(Path(folder) / BEST, model))
            if accelerator.is_main_process:
                save(model, configuration, folder)
    return model.eval()


def _keeps(folder: Path, iteration: int) -> str:
    """Say what a run that ends can go on from."""
    return f"{folder} keeps the state of iteration {iteration}"


def check_losses(losses: Float[Tensor, "batches"], seed: int, iteration: int, keeps: str) -> None:
    """Refuse losses of a step that are not finite, those of other processes included.

    Raises:
        FloatingPointError: naming the first such batch by its random stream.
    """
    bad = (~losses.isfinite()).nonzero().flatten().tolist()
    if bad:
        raise FloatingPointError(
            f"the loss is {losses[bad[0]].item()} at iteration {iteration}, whose batch is "
            f"drawn with seeded({seed}, {bad[0]}, {iteration}); {keeps}"
        )


def check_weights(model: nn.Module, iteration: int, keeps: str) -> None:
    """Refuse weights that are not finite, before they replace those that are stored.

    Raises:
        FloatingPointError: a weight is not.
    """
    if not all(parameter.isfinite().all() for parameter in model.parameters()):
        raise FloatingPointError(f"the weights are not finite after iteration {iteration}; {keeps}")


def report(
    done: int,
    validation: dict[str, float],
    speed: dict[str, float],
    write_scalar: WriteScalar,
    console: Console,
) -> None:
    """Write and print the figures of a validation, which may be none, and the speed of training."""
    for name, value in validation.items():
        write_scalar(f"validation/{name}", value, done)
        console.print(f"iteration {done}: validation {name} {value:.3f}")
    for name, value in speed.items():
        write_scalar(f"speed/{name}", value, done)
    console.print(
        f"iteration {done}: {speed['sets_per_second']:.0f} sets/s, {speed['share_of_peak']:.1%} of the peak"
    )


def start_from(model: nn.Module, checkpoint: str) -> None:
    """Copy a checkpoint's weights into a network of the same shape, or into what is behind its embedding."""
    try:
        embeds = isinstance(load_configuration(checkpoint).encoder, EmbeddedPictures)
        if isinstance(model.encoder, EmbeddedEncoder) and not embeds:
            model = without_embedding(model)
        model.load_state_dict(weights_for(model, checkpoint))
    except ValueError as error:
        raise ValueError(f"training.initial={checkpoint!r}: {error}") from None


def validate(
    configuration: Configuration,
    model: Any,
    objective: Objective,
    simulate: Simulator,
    device: torch.device,
) -> dict[str, float]:
    """Return the loss of sets that are the same each time, and the scores of the model's clusterings."""
    sets, points = configuration.training.validation_sets, configuration.data.test_points
    x, labels, *rest = simulate(sets, points, seeded(configuration.seed, VALIDATION))
    held_out = Batch(x, labels, None, 1.0, *rest).to(device)
    with torch.no_grad():
        loss = objective(model, held_out, seeded(configuration.seed, VALIDATION))["loss"]
    return {"loss": float(loss), **scores(labels, model.predict(held_out.x, held_out.mask).cpu())}


def accumulate(
    loss: nn.Module,
    drawn: Iterator[tuple[Batch, torch.Generator]],
    batches: int,
    accelerator: Accelerator,
) -> dict[str, Float[Tensor, "batches"]]:
    """Add the gradient of a step's mean loss, to which each process contributes; return all batches' terms.

    Beside the objective's, ``sets`` is the number of sets of each batch.

    Args:
        drawn: the batches of this process.
        batches: number of them that this process computes.
    """
    done: list[Terms] = []
    for left in reversed(range(batches)):
        batch, generator = next(drawn)
        # Gradients of processes are averaged once, at the last of their batches.
        with accelerator.no_sync(loss) if left else nullcontext():
            terms = loss(batch.to(accelerator.device), generator)
            accelerator.backward(terms["loss"] / batches)
        terms["sets"] = torch.tensor(float(len(batch.labels)), device=accelerator.device)
        done.append({name: value.detach().float() for name, value in terms.items()})
    held = {name: torch.stack([terms[name] for terms in done]) for name in done[0]}
    every: Any = accelerator.gather(held)  # process by process, so in the order of the batches' numbers
    return every
