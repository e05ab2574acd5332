"""What a fitted HMM aligner says, read off its parameters once more, for the references that know no model."""

from collections import Counter

import numpy as np
from reference import jump_rows

from emnlp import Bitext, Jump, PooledJump
from emnlp.models import states


def letters(*pairs):
    """A bitext whose words are letters."""
    return Bitext.from_pairs([(list(source), list(target)) for source, target in pairs])


def classes_of(model, bitext, sentence):
    """The class of each state: the most frequent words have one each; 0 is the others', and the start's is the last."""
    counts = Counter(word for source, _ in bitext for word in source)
    best = [word for word, _ in counts.most_common(getattr(model.jump, "n_words", 0))]
    return [1 + len(best), *(1 + best.index(word) if word in best else 0 for word in sentence)]


def rows_of(model, bitext, sentence):
    """P(i | m) of a sentence, by the model's parameters, which are written down here once more."""
    n, params = len(sentence), model.params_["jump"]
    if isinstance(model.jump, Jump | PooledJump):
        width = model.jump.width
        if isinstance(model.jump, Jump):
            common, by_class = np.split(params, [3 * width + 1])
            weights = common * by_class.reshape(-1, 3 * width + 1)
        else:
            weights = params.reshape(-1, 3 * width + 1)
        return jump_rows(weights, classes_of(model, bitext, sentence), width)
    longest = min(states.TABLE_LONGEST, max(len(source) for source, _ in bitext))
    theta = model.theta(model.params_)["jump"]
    if n > longest:  # never seen
        return [{i: 1 / (n + 1) for i in range(1, n + 2)} for m in range(n + 1)]
    first = sum((each + 1) ** 2 for each in range(1, n))
    return [{i: theta[first + m * (n + 1) + i - 1] for i in range(1, n + 2)} for m in range(n + 1)]


def emissions_of(model, source, target):
    """P(word j | component i): by the lexicon, or what the docstrings say of words and pairs that it has not."""
    theta, lexicon, share = model.theta(model.params_)["lexical"], model.lexicon, 1 / len(model.target_vocabulary_)

    def p(e, f):
        condition = 0 if e is None else 1 + model.source_vocabulary_.id(e)
        outcome = model.target_vocabulary_.id(f)
        if e is not None and (condition == 0 or outcome < 0):  # not seen in training
            return max(0.5, share) if e == f else share if condition == 0 else 1e-100
        if outcome < 0:
            return 1e-70
        slot = lexicon.support.slot(condition, outcome)
        return max(theta[slot], 1e-99) if slot >= 0 else 1e-100

    return [[p(e, f) for f in target] for e in [None, *source]]


def story(model, bitext, source, target):
    """What `reference.hmm` is told of a sentence pair."""
    p_null = model.theta(model.params_)["null"][1]
    return rows_of(model, bitext, source), emissions_of(model, source, target), p_null
