import numpy as np
import pytest
import torch
from sklearn.linear_model import LogisticRegression
from torch import nn

from modelzoo.training.head import StandardisedLinear


@pytest.fixture
def embeddings() -> np.ndarray[tuple[int, int], np.dtype[np.float32]]:
    random = np.random.default_rng(0)
    values = random.normal(3, 2, (200, 12)).astype(np.float32)
    values[:, 3] = 5 + 1e-6 * random.normal(size=200)  # hardly varies on these images
    return values


def test_folded_weights_do_the_same_on_raw_embeddings(
    embeddings: np.ndarray[tuple[int, int], np.dtype[np.float32]],
) -> None:
    head = StandardisedLinear.of(embeddings, 4)
    nn.init.normal_(head.linear.weight)
    nn.init.normal_(head.linear.bias)
    classifier = nn.Linear(12, 4)

    head.fold_into(classifier)

    vectors = torch.from_numpy(embeddings)
    torch.testing.assert_close(classifier(vectors), head(vectors), rtol=1e-4, atol=1e-4)


def test_images_unlike_the_training_images_get_no_giant_logits(
    embeddings: np.ndarray[tuple[int, int], np.dtype[np.float32]],
) -> None:
    # A masked image moves every feature by about the others' spread, the nearly constant one too.
    head = StandardisedLinear.of(embeddings, 4)
    nn.init.constant_(head.linear.weight, 1.0)

    logits = head(torch.from_numpy(embeddings + 2))

    assert logits.abs().max() < 12 * 5


def test_a_network_that_answers_nothing_gives_finite_logits() -> None:
    head = StandardisedLinear.of(np.zeros((5, 3), np.float32), 2)

    assert torch.isfinite(head(torch.zeros(1, 3))).all()


def test_it_learns_what_logistic_regression_learns(
    embeddings: np.ndarray[tuple[int, int], np.dtype[np.float32]],
) -> None:
    labels = (embeddings[:, 0] + embeddings[:, 1] > 6).astype(np.int64)
    head = StandardisedLinear.of(embeddings, 2)
    optimizer = torch.optim.LBFGS(head.parameters(), max_iter=200)
    vectors, truth = torch.from_numpy(embeddings), torch.from_numpy(labels)

    def loss() -> torch.Tensor:
        optimizer.zero_grad()
        value = nn.functional.cross_entropy(head(vectors), truth)
        value.backward()
        return value

    optimizer.step(loss)

    theirs = LogisticRegression(C=1e6, max_iter=5000).fit(embeddings, labels).predict(embeddings)
    assert (head(vectors).argmax(1).numpy() == theirs).mean() > 0.99
