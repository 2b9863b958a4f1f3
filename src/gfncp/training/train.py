"""Training: one loop for any objective and simulator, on any device, resumable to the bit.

Each step averages the gradients of several batches. A batch is a function of (seed, its number in the step,
iteration) alone, so a resumed run needs no random state, and processes, which share the batches of a step,
change nothing but the time.
"""

from collections.abc import Iterator
from contextlib import ExitStack, nullcontext
from functools import partial
from pathlib import Path
from typing import Any

import torch
from accelerate import Accelerator
from jaxtyping import Float
from torch import Tensor, nn

from gfncp.checkpoints import load_configuration, read_weights, save, weights_for
from gfncp.configuration import Configuration
from gfncp.configuration.encoder import EmbeddedPictures
from gfncp.networks.encoders import EmbeddedEncoder, without_embedding
from gfncp.networks.interfaces import Network
from gfncp.objectives.batch import Batch, Objective, Terms
from gfncp.training.batches import Batches
from gfncp.training.ending import ended_from_outside
from gfncp.training.finite import check_losses
from gfncp.training.interruption import exit_code, stopping_at_once
from gfncp.training.keeper import Keeper
from gfncp.training.log import Log
from gfncp.training.optimizers import OPTIMIZERS, set_learning_rate
from gfncp.training.precision import DTYPES, products_in
from gfncp.training.preparation import prepare_embedding
from gfncp.training.progress import progress, scalars
from gfncp.training.run_state import BEST, opened, restore
from gfncp.training.throughput import Throughput
from gfncp.training.validation import validate


class Loss(nn.Module):
    """Objective of a network as a module, which accelerate wraps for several processes.

    Args:
        dtype: type of the numbers in matrix products.
    """

    def __init__(self, network: Network, objective: Objective, dtype: torch.dtype = torch.float32) -> None:
        super().__init__()
        self.network = network
        self.objective = objective
        self.dtype = dtype

    def forward(self, batch: Batch, generator: torch.Generator) -> Terms:
        with products_in(self.dtype, batch.x.device):
            return self.objective(self.network, batch, generator)


def train(
    configuration: Configuration,
    folder: Path,
    data: Path | None = None,
    accelerator: Accelerator | None = None,
    wandb: str | None = None,
    workers: int = 0,
) -> Network:
    """Train, or go on with, the run in ``folder``.

    The checkpoint is written after every ``save_every`` steps, and every three minutes. A run that is refused
    leaves nothing in ``folder``.

    Args:
        data: folder of the images that the configuration names; None downloads them. Or a file of embeddings.
        accelerator: a new one, with the device and processes to train with; None for what the machine has.
        wandb: project of Weights & Biases that gets the scalars too; None for no such project.
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
    check_shared(options.accumulate, accelerator.num_processes)
    torch.manual_seed(configuration.seed)
    model: Any = configuration.build()  # an energy network, or one of another method
    optimizers = OPTIMIZERS[options.optimizer](model, options.learning_rate)
    start = restore(model, optimizers, configuration, folder)
    if start == 0 and options.initial is not None:
        move_towards(model, options.initial, 1.0)
    objective, dtype = configuration.objective.build(), DTYPES[options.precision]
    loss, *optimizers = accelerator.prepare(Loss(model, objective, dtype), *optimizers)
    with (
        opened(configuration, folder) if accelerator.is_main_process else nullcontext(),
        scalars(accelerator, folder, start, wandb) as write_scalar,
        progress(accelerator) as bar,
        ExitStack() as stack,
    ):
        with stopping_at_once(lambda: bar.console.print("stopped; the same command starts again")):
            prepare_embedding(configuration, model.encoder, folder, data, accelerator, bar)
            simulate, held_out = configuration.data.make_simulators(model.encoder, data, configuration.seed)
        batches = Batches(configuration, simulate, accelerator)
        drawn = batches.stream(start, workers)
        ended = stack.enter_context(ended_from_outside(accelerator))
        throughput = Throughput(accelerator.device, dtype)
        log = Log(bar, write_scalar, throughput, start, options.iterations)
        measure = partial(validate, configuration, model, objective, held_out, accelerator.device)
        main = accelerator.is_main_process
        keeper = Keeper(configuration, folder, model, optimizers, measure, log.report, main, start)

        for iteration in range(start, options.iterations):
            share = iteration / options.iterations
            set_learning_rate(optimizers, options.learning_rate, options.final_learning_rate, share)
            loss.zero_grad()
            with throughput.iteration(iteration):
                terms = accumulate(loss, drawn, batches.per_step, accelerator)
            check_losses(terms["loss"], configuration.seed, iteration, keeper.kept)
            if options.clip is not None:
                accelerator.clip_grad_norm_(loss.parameters(), options.clip)
            for optimizer in optimizers:
                optimizer.step()

            log.step(iteration + 1, terms)
            signal = ended()
            keeper.after(iteration + 1, ends=signal is not None)
            if signal is not None:
                stopped = f"stopped; {keeper.kept}, and the same command goes on"
                bar.console.print(stopped, markup=False, soft_wrap=True)
                raise SystemExit(exit_code(signal))

        if options.keep != "last":
            accelerator.wait_for_everyone()
            if options.keep == "lowest-loss":
                model.load_state_dict(read_weights(Path(folder) / BEST, model))
            elif options.initial is not None:
                move_towards(model, options.initial, 0.5)
            if accelerator.is_main_process:
                save(model, configuration, folder)
    return model.eval()


def check_shared(batches: int, processes: int) -> None:
    """Refuse numbers of processes that cannot share the batches of a step.

    Raises:
        ValueError: they would have unequal shares.
    """
    if batches % processes:
        raise ValueError(
            f"training.accumulate={batches}: {processes} processes share so many batches in each step; "
            "accepted are multiples of their number"
        )


def move_towards(model: Network, checkpoint: str, share: float) -> None:
    """Move weights towards a checkpoint's; it may be of what is behind the network's embedding.

    Args:
        share: of the way.

    Raises:
        ValueError: there is no such checkpoint, or it is of another network.
    """
    try:
        embeds = isinstance(load_configuration(checkpoint).encoder, EmbeddedPictures)
        if isinstance(model.encoder, EmbeddedEncoder) and not embeds:
            model = without_embedding(model)
        own, weights = model.state_dict(), weights_for(model, checkpoint)
    except ValueError as error:
        raise ValueError(f"training.initial={checkpoint!r}: {error}") from None
    for name, weight in weights.items():
        if weight.is_floating_point():  # the others are counters of batches
            weight = own[name].lerp(weight.to(own[name].device), share)
        own[name].copy_(weight)


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
