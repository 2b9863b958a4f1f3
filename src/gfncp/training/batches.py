"""Batches of a run, each a function of the seed, its number in the step and the iteration alone."""

from collections.abc import Iterator

import torch
from accelerate import Accelerator
from torch.utils.data import DataLoader, Dataset

from gfncp.configuration import Configuration
from gfncp.configuration.sources import Simulator
from gfncp.configuration.training import Training
from gfncp.objectives.batch import Batch, draw_steps
from gfncp.seeds import seeded


class Batches(Dataset[tuple[Batch, torch.Generator]]):
    """Batches of a run that this process computes, on the CPU, each with the rest of its random stream.

    Args:
        simulate: simulator that draws the sets.
    """

    def __init__(self, configuration: Configuration, simulate: Simulator, accelerator: Accelerator) -> None:
        self.configuration = configuration
        self.simulate = simulate
        self.per_step = configuration.training.accumulate // accelerator.num_processes
        self.first = accelerator.process_index * self.per_step

    def __len__(self) -> int:
        return self.configuration.training.iterations * self.per_step

    def __getitem__(self, index: int) -> tuple[Batch, torch.Generator]:
        iteration, own = divmod(index, self.per_step)
        options = self.configuration.training
        generator = seeded(self.configuration.seed, self.first + own, iteration)
        batch = draw_batch(options, self.simulate, generator, iteration / options.iterations)
        return batch, generator

    def stream(self, iteration: int, workers: int) -> Iterator[tuple[Batch, torch.Generator]]:
        """Yield the batches from an iteration on."""
        rest = range(iteration * self.per_step, len(self))
        if workers and rest:
            self[rest[0]]  # a simulator may prepare data at its first call: do it here, once for all workers
        return iter(DataLoader(self, batch_size=None, sampler=rest, num_workers=workers))


def draw_batch(options: Training, simulate: Simulator, generator: torch.Generator, progress: float) -> Batch:
    """Draw sets of one random size."""
    points = draw_points(options, generator)
    sets = options.batch
    if options.batch_points is not None:
        sets = max(1, min(sets, options.batch_points // points))
    x, labels, *rest = simulate(sets, points, generator)
    steps = None
    if options.sampled_steps is not None and options.sampled_steps < points - 1:
        steps = draw_steps(sets, points, options.sampled_steps, generator)
    return Batch(x, labels, steps, progress, *rest)


def draw_points(options: Training, generator: torch.Generator) -> int:
    """Draw the number of points of a batch's sets."""
    low, high = options.points
    if options.points_drawn == "uniformly":
        return int(torch.randint(low, high + 1, (1,), generator=generator))
    share = torch.rand((), dtype=torch.float64, generator=generator)
    return min(int(low * ((high + 1) / low) ** share), high)
