"""Speed of training: what is counted, is counted right."""

import pytest
import torch

from gfncp.training.throughput import COUNTED, Throughput


def test_operations_of_counted_iterations_are_those_of_their_products():
    throughput = Throughput(torch.device("cpu"), torch.float32)
    throughput.peak = 1.0
    a = torch.ones(4, 6)
    for number in range(2 * COUNTED):
        with throughput.iteration(number):
            a @ a.T
        throughput.sets += 3
    seconds = throughput.seconds
    report = throughput.report()
    assert report["sets_per_second"] * seconds == torch.tensor(3.0 * 2 * COUNTED)
    per_iteration = report["share_of_peak"] * seconds / (2 * COUNTED)
    torch.testing.assert_close(torch.tensor(per_iteration), torch.tensor(2.0 * 4 * 4 * 6))
    assert throughput.sets == throughput.iterations == 0


def test_a_report_without_counted_iterations_takes_the_last_ones():
    throughput = Throughput(torch.device("cpu"), torch.float32)
    throughput.peak = 1.0
    with throughput.iteration(0):
        torch.ones(2, 3) @ torch.ones(3, 5)
    throughput.report()
    with throughput.iteration(1):
        pass
    seconds = max(throughput.seconds, 1e-9)
    assert throughput.report()["share_of_peak"] * seconds == pytest.approx(2 * 2 * 3 * 5)
