"""scikit-learn's own checks of estimators."""

import os

# Read by scipy when it is imported; one of the checks needs it, and is skipped without.
os.environ.setdefault("SCIPY_ARRAY_API", "1")

import pytest

pytest.importorskip("sklearn", minversion="1.6")

from sklearn.utils.estimator_checks import estimator_checks_generator

from kith.sklearn import KithClassifier, KithNeighbors, KithRegressor, KithTransformer

ESTIMATORS = [
    KithNeighbors(),
    KithNeighbors(index="graph", recall=None),
    KithNeighbors(index="forest", recall=None),
    KithNeighbors(metric="cosine", index="exact"),
    KithTransformer(),
    KithTransformer(mode="connectivity", metric="manhattan"),
    KithClassifier(),
    KithClassifier(weights="distance", n_neighbors=3),
    KithRegressor(),
    KithRegressor(weights="distance"),
]


def checks():
    for estimator in ESTIMATORS:
        for instance, check in estimator_checks_generator(estimator):
            name = getattr(check, "func", check).__name__
            # It skips itself for whatever has no decision_function(), like all voters.
            if name.endswith("decision_function") and not hasattr(instance, "decision_function"):
                continue
            yield pytest.param(instance, check, id=f"{estimator}-{name}")


@pytest.mark.parametrize(("estimator", "check"), list(checks()))
@pytest.mark.filterwarnings("ignore")
def test_check(estimator, check):
    check(estimator)


def test_checks_are_many():
    assert len(list(checks())) > 30 * len(ESTIMATORS)
