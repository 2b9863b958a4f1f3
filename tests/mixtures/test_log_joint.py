"""The joint probability of labels and points, and the sums that it is made of."""

import torch

from gfncp.mixtures.conjugate import KnownCovariance, NormalInverseWishart, cluster_sums, log_joint, log_mass


def test_log_joint_is_free_of_order_and_names():
    generator = torch.Generator().manual_seed(2)
    x = 4 * torch.randn(30, 2, dtype=torch.float64, generator=generator)
    labels = torch.randint(5, (4, 30), generator=generator)
    model = NormalInverseWishart.weak(x)
    value = log_joint(x, labels, model, 1.0)
    order = torch.randperm(30, generator=generator)
    torch.testing.assert_close(log_joint(x[order], labels[:, order], model, 1.0), value)
    torch.testing.assert_close(log_joint(x, 4 - labels, model, 1.0), value)


def test_one_set_and_a_set_for_each_clustering_agree():
    x = torch.randn(9, 2, dtype=torch.float64, generator=torch.Generator().manual_seed(3))
    labels = torch.arange(9).repeat(3, 1) % torch.tensor([[1], [2], [3]])
    model = NormalInverseWishart.weak(x)
    torch.testing.assert_close(
        log_joint(x.expand(3, -1, -1), labels, model, 0.7), log_joint(x, labels, model, 0.7)
    )


def test_negative_labels_belong_to_no_cluster():
    sums = cluster_sums(torch.tensor([[0, -1, 1]]), 2, torch.tensor([[1.0], [10.0], [100.0]]))
    assert sums[0, :, 0].tolist() == [1.0, 100.0]


def test_ratios_of_joints_are_those_of_the_changed_clusters():
    x = torch.randn(6, 2, dtype=torch.float64, generator=torch.Generator().manual_seed(4))
    model, apart, together = (
        KnownCovariance(2.0),
        torch.tensor([0, 1, 1, 2, 0, 2]),
        torch.tensor([0, 1, 1, 0, 0, 0]),
    )
    sums = cluster_sums(apart, 3, model.statistics(x))
    expected = log_mass(sums[[0, 2]], model, 0.7).sum() - log_mass(sums[[0, 2]].sum(0), model, 0.7)
    found = log_joint(x, apart, model, 0.7) - log_joint(x, together, model, 0.7)
    torch.testing.assert_close(found, expected)
