import pytest
import torch
import torch.nn.functional as F

from gfncp.methods import dac
from gfncp.methods.anchors import visit_clusters
from gfncp.networks.encoders import VectorEncoder
from gfncp.objectives.batch import Batch
from gfncp.simulators import GaussianMixtures

SMALL = {"hidden": 16, "inducing": 4, "heads": 2, "blocks": 2}


@pytest.fixture(params=[dac.DACNetwork, dac.AnchoredDACNetwork])
def network(request):
    return request.param(VectorEncoder(2, 10.0), **SMALL)


def run_filter(network, features, left, anchor):
    anchors = (anchor,) if isinstance(network, dac.AnchoredDACNetwork) else ()
    return network.filter(features, left, *anchors)


def test_filters_are_equivariant(network, generator):
    features = torch.randn(2, 9, 2, generator=generator)
    left = torch.rand(2, 9, generator=generator) < 0.8
    anchor = torch.tensor([4, 2])
    order = torch.randperm(9, generator=generator)
    found = run_filter(network, features, left, anchor)
    moved = run_filter(network, features[:, order], left[:, order], order.argsort()[anchor])
    keep = left[:, order]
    torch.testing.assert_close(moved.logits[keep], found.logits[:, order][keep])
    torch.testing.assert_close(moved.gaussian.mean, found.gaussian.mean)


def test_filters_see_only_what_is_left(network, generator):
    features = torch.randn(2, 9, 2, generator=generator)
    left = torch.rand(2, 9, generator=generator) < 0.7
    left[:, 0] = True
    anchor = torch.zeros(2, dtype=torch.long)
    other = torch.where(left[..., None], features, 3.0)
    found, again = (run_filter(network, f, left, anchor) for f in (features, other))
    torch.testing.assert_close(found.logits[left], again.logits[left])


def test_min_filtering_does_not_depend_on_the_order_of_points(generator):
    network = dac.DACNetwork(VectorEncoder(2, 10.0), **SMALL)
    x = 10 * torch.randn(4, 20, 2, generator=generator)
    everyone = torch.ones(4, 20, dtype=torch.bool)
    with torch.no_grad():  # an untrained filter keeps or takes everything: spread its logits around 0
        network.find.logit.weight *= 100
        network.find.logit.bias -= network.filter(network.encoder(x, everyone), everyone).logits.mean()
    order = torch.randperm(20, generator=generator)
    labels, moved = network.predict(x), network.predict(x[:, order])
    assert (labels.amax(1) > 0).any()
    same = labels[:, :, None] == labels[:, None, :]
    assert torch.equal(moved[:, :, None] == moved[:, None, :], same[:, order][:, :, order])


def test_filtering_ends_with_every_point_in_a_cluster(network, monkeypatch):
    """A filter that finds nothing takes a point at a time; what is left after all rounds is one cluster."""
    monkeypatch.setattr(dac, "ROUNDS", 8)
    torch.nn.init.zeros_(network.find.logit.weight)
    x = torch.randn(2, 14, 2)
    mask = torch.arange(14) < torch.tensor([[14], [6]])
    torch.nn.init.constant_(network.find.logit.bias, -1.0)
    labels = network.predict(x, mask)
    sizes = torch.bincount(labels[0])
    assert sizes.sort().values.tolist() == [1] * 8 + [6]
    assert labels[1, :6].tolist() == list(range(6))
    torch.nn.init.constant_(network.find.logit.bias, 1.0)
    assert (network.predict(x, mask)[mask] == 0).all()


def test_cross_entropies_equal_a_loop_over_clusters(generator):
    logits = torch.randn(3, 8, generator=generator)
    left = torch.rand(3, 8, generator=generator) < 0.7
    left[:, 0] = True
    names = torch.where(left, torch.randint(4, (3, 8), generator=generator), -1)
    names[0, 0] = 3
    rest = dac.Rest(torch.zeros(3, 8, 2), names, torch.zeros(3, dtype=torch.long))
    values = dac.cross_entropies(logits, rest)
    for b in range(3):
        for k in range(4):
            here = left[b]
            expected = F.binary_cross_entropy_with_logits(logits[b, here], (names[b, here] == k).float())
            torch.testing.assert_close(values[b, k], expected)


def test_compacting_keeps_what_is_left(generator):
    left = torch.rand(11, 9, generator=generator) < torch.rand(11, 1, generator=generator)
    left[4] = False
    seen = torch.zeros_like(left)
    sizes = []
    for sets, index in dac.group_by_size(left):
        kept = left[sets].gather(1, index)
        sizes.append(index.shape[1])
        assert index.shape[1] == left[sets].sum(1).max()
        seen[sets] = torch.zeros_like(left[sets]).scatter(1, index, kept)
        assert (kept[:, :-1] >= kept[:, 1:]).all()  # points first, padding after
    assert torch.equal(seen, left)
    assert sizes == sorted(sizes)


@pytest.mark.parametrize("anchored", [False, True])
def test_losses_equal_a_loop_over_sets(anchored, generator):
    kinds = (dac.AnchoredDACNetwork, dac.AnchoredDACLoss) if anchored else (dac.DACNetwork, dac.DACLoss)
    network, loss = kinds[0](VectorEncoder(2, 10.0), **SMALL), kinds[1]()
    x, labels = GaussianMixtures(n_clusters=(1, 4))(6, 15, generator)
    terms = loss(network, Batch(x, labels), torch.Generator().manual_seed(3))

    same = torch.Generator().manual_seed(3)
    visited, anchors = visit_clusters(labels, same)
    gone = (torch.rand(6, generator=same) * (labels.amax(1) + 1)).long()
    features = network.encoder(x, torch.ones(6, 15, dtype=torch.bool))
    bce, nll = [], []
    for b in range(6):
        left = visited[b] >= gone[b]
        assert left.any()
        rest, names = features[b : b + 1, left], visited[b, left]
        everyone = torch.ones(1, len(names), dtype=torch.bool)
        if anchored:
            anchor = anchors[b, gone[b]]
            at = left[:anchor].sum()[None]
            found = network.filter(rest, everyone, at)
            candidates = [int(visited[b, anchor])]
        else:
            found = network.filter(rest, everyone)
            candidates = names.unique().tolist()
        each = {
            k: F.binary_cross_entropy_with_logits(found.logits[0], (names == k).float()) for k in candidates
        }
        best = min(each, key=lambda k: each[k].item())
        bce.append(each[best])
        nll.append(-found.gaussian.log_prob(rest)[0, names == best].mean())
    torch.testing.assert_close(terms["cross_entropy"], torch.stack(bce).mean())
    torch.testing.assert_close(terms["nll"], torch.stack(nll).mean())
    torch.testing.assert_close(terms["loss"], torch.stack(bce).mean() + torch.stack(nll).mean())
