"""What a learner has reached after each pass over a text, whatever the learner itself reports on its way."""

from typing import Any

from emnlp import IncrementalEM
from emnlp.engines import engine


def curve(model: Any, corpus: Any) -> list[float]:
    """Fit a model; return the exact objective of its parameters after each pass, in nats an item."""
    found, batches = [], []

    def watch(done: int, step: Any) -> None:
        batches.extend([] if batches else model.index(model.corpus(corpus)))
        before = isinstance(model.learner, IncrementalEM) and done < model.max_iter  # yields before an M-step
        params = model.maximize(step.state.total, step.params) if before else step.params
        exact = engine(1).likelihood(model, model.theta(params), batches) + model.penalty(params)
        found.append(exact / model.trace_.n_items)

    model.fit(corpus, callback=watch)
    return found[:-1] if isinstance(model.learner, IncrementalEM) else found[1:]
