"""Training: one loop for any objective and simulator, on any device, resumable to the bit.

A batch is a function of (seed, rank, iteration) alone, so a resumed run needs no random state.
"""

import json
from collections.abc import Callable
from pathlib import Path

import torch
from accelerate import Accelerator
from jaxtyping import Float, UInt8
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn
from safetensors import safe_open
from safetensors.torch import load_file, save_file
from torch import Tensor, nn
from torch.utils.tensorboard import SummaryWriter

from gfncp import simulators
from gfncp.checkpoints import save, seeded, write_atomically
from gfncp.configuration import Configuration
from gfncp.encoders import EmbeddedEncoder, prepared
from gfncp.evaluation.metrics import scores
from gfncp.objectives import Batch, draw_steps
from gfncp.pretraining import pretrain
from gfncp.schedules import cosine
from gfncp.sources import images

Simulator = Callable[[int, int, torch.Generator], tuple[torch.Tensor, torch.Tensor]]
HELD_OUT = 10_000  # the last images of the training split are kept for validation
VALIDATION_POINTS = 300
VIEWS_STREAM = 2**31 + 3  # apart from all other streams
IMAGES_AT_ONCE = 5000  # augmented and embedded


def make_simulators(
    configuration: Configuration, encoder: nn.Module, data: Path | None
) -> tuple[Simulator, Simulator]:
    """What yields training batches, and what yields validation sets."""
    values = configuration.data.model_dump()
    kind = values.pop("kind")
    if kind == "gaussian-mixtures":
        mixtures = simulators.GaussianMixtures(**values)
        return mixtures, mixtures
    x, classes = images(values.pop("dataset"), "train", data)
    held_out = simulators.WholeClasses(prepared(encoder, x[-HELD_OUT:]), classes[-HELD_OUT:], values["alpha"])
    x = x[: values.pop("images")]
    if kind == "neighbour-embeddings":
        views = embedded_views(encoder, x, values.pop("views"), seeded(configuration.seed, VIEWS_STREAM))
        return simulators.NeighbourEmbeddings(views, **values), held_out
    training = {
        "augmented-images": simulators.AugmentedImages,
        "neighbour-images": simulators.NeighbourImages,
    }[kind](x, **values)
    return training, held_out


def embedded_views(
    encoder: EmbeddedEncoder, x: UInt8[Tensor, "images height width"], views: int, generator: torch.Generator
) -> Float[Tensor, "views images features"]:
    """Embeddings of images as they are, and of ``views - 1`` augmentations of each."""
    parts = x.split(IMAGES_AT_ONCE)
    augmented = [
        torch.cat([encoder.embed(simulators.augment(part / 255, generator)) for part in parts])
        for _ in range(views - 1)
    ]
    return torch.stack([prepared(encoder, x), *augmented])


def prepare_embedding(
    configuration: Configuration, encoder: nn.Module, folder: Path, data: Path | None, bar: Progress
) -> None:
    """Pre-train the encoder's embedding, if it has one, or take it from ``folder`` if that is done."""
    if not isinstance(encoder, EmbeddedEncoder):
        return
    path = Path(folder) / "embedding.safetensors"
    if not path.exists():
        options = configuration.encoder.pretraining
        x, _ = images(configuration.data.dataset, "train", data)
        task = bar.add_task("pre-training", total=options.iterations, loss=float("nan"))
        pretrain(
            encoder.embedding,
            x[: configuration.data.images],
            **options.model_dump(),
            seed=configuration.seed,
            report=lambda iteration, loss: bar.update(task, completed=iteration, loss=loss),
        )
        write_atomically(path, lambda file: save_file(encoder.embedding.state_dict(), file))
    encoder.embedding.load_state_dict(load_file(path))


def train(configuration: Configuration, folder: Path, data: Path | None = None) -> nn.Module:
    """Train, or go on with, the run in ``folder``; its checkpoint is there after every ``save_every`` steps.

    Args:
        data: folder of the images that the configuration names; None downloads them.

    Raises:
        ValueError: ``folder`` holds a run with another configuration.
        FloatingPointError: the loss is not finite; the last checkpoint is kept.
    """
    options = configuration.training
    accelerator = Accelerator()
    torch.manual_seed(configuration.seed)
    model = configuration.build()
    optimizer = torch.optim.Adam(model.parameters(), lr=options.learning_rate)
    start = restore(model, optimizer, configuration, folder)
    objective = configuration.objective.build()
    rank = accelerator.process_index
    network = accelerator.prepare(model)
    optimizer = accelerator.prepare(optimizer)

    with SummaryWriter(str(folder)) as board, progress(accelerator) as bar:
        prepare_embedding(configuration, model.encoder, folder, data, bar)
        simulate, simulate_validation = make_simulators(configuration, model.encoder, data)
        task = bar.add_task("training", total=options.iterations, completed=start, loss=float("nan"))
        for iteration in range(start, options.iterations):
            done = iteration / options.iterations
            for group in optimizer.param_groups:
                group["lr"] = cosine(options.learning_rate, options.final_learning_rate, done)
            generator = seeded(configuration.seed, rank, iteration)
            batch = draw_batch(configuration, simulate, generator, accelerator.device, done)
            terms = objective(accelerator.unwrap_model(network), batch, generator)
            if not torch.isfinite(terms["loss"]):
                raise FloatingPointError(f"the loss is {float(terms['loss'])} at iteration {iteration}")
            optimizer.zero_grad()
            accelerator.backward(terms["loss"])
            if options.clip is not None:
                accelerator.clip_grad_norm_(network.parameters(), options.clip)
            optimizer.step()
            bar.update(task, advance=1, loss=float(terms["loss"].detach()))
            for name, value in terms.items():
                board.add_scalar(f"training/{name}", float(value.detach()), iteration)
            completed = iteration + 1
            if accelerator.is_main_process and (
                completed % options.save_every == 0 or completed == options.iterations
            ):
                x, labels = simulate_validation(
                    options.validation_sets, VALIDATION_POINTS, seeded(configuration.seed, 2**31)
                )
                predicted = model.predict(x.to(accelerator.device))
                for name, value in scores(labels, predicted.cpu()).items():
                    board.add_scalar(f"validation/{name}", value, completed)
                    bar.console.print(f"iteration {completed}: validation {name} {value:.3f}")
                store(model, optimizer, configuration, folder, completed)
    return model.eval()


def progress(accelerator: Accelerator) -> Progress:
    return Progress(
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TextColumn("loss {task.fields[loss]:.4f}"),
        TimeRemainingColumn(),
        TextColumn("{task.speed} it/s"),
        disable=not accelerator.is_main_process,
    )


def draw_batch(
    configuration, simulate: Simulator, generator: torch.Generator, device, progress: float
) -> Batch:
    options = configuration.training
    points = draw_points(options, generator)
    sets = options.batch
    if options.batch_points is not None:
        sets = max(1, min(sets, options.batch_points // points))
    x, labels = simulate(sets, points, generator)
    steps = None
    if options.sampled_steps is not None and options.sampled_steps < points - 1:
        steps = draw_steps(sets, points, options.sampled_steps, generator).to(device)
    return Batch(x.to(device), labels.to(device), steps, progress)


def draw_points(options, generator: torch.Generator) -> int:
    low, high = options.points
    if options.points_drawn == "uniformly":
        return int(torch.randint(low, high + 1, (1,), generator=generator))
    share = torch.rand((), dtype=torch.float64, generator=generator)
    return min(int(low * ((high + 1) / low) ** share), high)


def store(model: nn.Module, optimizer, configuration: Configuration, folder: Path, iteration: int) -> None:
    """The checkpoint, and what a resumed run needs: weights, Adam's moments, the iteration, in one file."""
    save(model, configuration, folder)
    state = {f"weights/{name}": value.contiguous() for name, value in model.state_dict().items()}
    for index, moments in optimizer.state_dict()["state"].items():
        state |= {f"adam/{index}/{name}": value for name, value in moments.items()}
    about = {"iteration": str(iteration), "configuration": configuration.model_dump_json()}
    write_atomically(Path(folder) / "training.safetensors", lambda path: save_file(state, path, about))


def restore(model: nn.Module, optimizer, configuration: Configuration, folder: Path) -> int:
    """Put the stored state of a run back, if there is one; the number of iterations done."""
    path = Path(folder) / "training.safetensors"
    if not path.exists():
        return 0
    with safe_open(path, "pt") as file:
        about = file.metadata()
        if json.loads(about["configuration"]) != configuration.model_dump(mode="json"):
            raise ValueError(f"{folder}: holds a run with another configuration; choose another folder")
        weights, moments = {}, {}
        for key in file.keys():  # noqa: SIM118 (the file object is no mapping)
            kind, name = key.split("/", 1)
            if kind == "weights":
                weights[name] = file.get_tensor(key)
            else:
                index, name = name.split("/")
                moments.setdefault(int(index), {})[name] = file.get_tensor(key)
    model.load_state_dict(weights)
    optimizer.load_state_dict({**optimizer.state_dict(), "state": moments})
    return int(about["iteration"])
