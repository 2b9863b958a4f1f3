import torch

from gfncp.methods.anchors import random_point, visit_clusters


def test_visits_are_a_relabelling_in_the_order_of_anchors(generator):
    labels = torch.tensor([[0, 0, 1, 2, 1, -1], [0, 1, 0, 0, 0, 0]])
    for _ in range(20):
        visited, anchors = visit_clusters(labels, generator)
        same = labels[:, :, None] == labels[:, None, :]
        assert ((visited[:, :, None] == visited[:, None, :]) == same).all()
        assert ((visited < 0) == (labels < 0)).all()
        for row, count in enumerate([3, 2]):
            assert visited[row, anchors[row, :count]].tolist() == list(range(count))


def test_anchors_are_uniform_among_the_remaining_points(generator):
    labels = torch.tensor([0, 0, 0, 1, 1, 2, -1]).expand(15_000, -1)
    visited, anchors = visit_clusters(labels, generator)
    first = torch.bincount(anchors[:, 0], minlength=7) / len(labels)
    torch.testing.assert_close(first, torch.tensor([1, 1, 1, 1, 1, 1, 0]) / 6, atol=0.016, rtol=0)
    after_zero = anchors[visited[:, 0] == 0]  # once the first cluster is gone, 3 points remain
    second = torch.bincount(after_zero[:, 1], minlength=7) / len(after_zero)
    torch.testing.assert_close(second, torch.tensor([0, 0, 0, 1, 1, 1, 0]) / 3, atol=0.024, rtol=0)


def test_a_random_point_is_uniform_among_the_present(generator):
    present = torch.tensor([True, False, True, True, False]).expand(30_000, -1)
    share = torch.bincount(random_point(present, generator), minlength=5) / len(present)
    torch.testing.assert_close(share, torch.tensor([1, 0, 1, 1, 0]) / 3, atol=0.012, rtol=0)
