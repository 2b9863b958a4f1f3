"""What scikit-learn asks of every estimator, by its own checks."""

import pytest
from sklearn.utils.estimator_checks import parametrize_with_checks

from gfncp import GFNCP
from gfncp.checkpoints import DEFAULT, PRETRAINED

SHUFFLED = "clusters are named in the order of the rows, which it shuffles"
RENAMED = {"check_sample_weight_equivalence_on_dense_data": SHUFFLED}


@pytest.mark.filterwarnings("ignore:X lacks values")
@pytest.mark.skipif(not (PRETRAINED / DEFAULT).is_dir(), reason="needs the default checkpoint")
@parametrize_with_checks(
    [GFNCP(n_samples=3, random_state=0)], expected_failed_checks=lambda estimator: RENAMED
)
def test_the_estimator_passes_scikit_learns_checks(estimator, check):
    check(estimator)
