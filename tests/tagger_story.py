"""What an HMM for tagging says, told with dense matrices, and small texts to say it of."""

from collections import Counter

import numpy as np

from emnlp import TagDictionary

TREE = [
    [("the", "D"), ("can", "N"), ("can", "V")],
    [("a", "D"), ("run", "N")],
    [("run", "V")],
    [("dogs", "N"), ("run", "V"), ("the", "D"), ("can", "N")],
]

PARTLY = [[(word, tag if k % 2 else None) for k, (word, tag) in enumerate(s)] for s in TREE] + [[], [("new", None)]]
DICTIONARY = TagDictionary({"run": ("N", "V"), "can": ("V", "N", "D"), "new": ("X",)})


def ragged(seed, n=40, types=12, longest=15):
    """Random sentences of very different lengths, blank and repeated ones among them."""
    rng = np.random.default_rng(seed)
    sents = [[f"w{k}" for k in rng.integers(types, size=size)] for size in rng.integers(1, longest + 1, n)]
    return [[], *sents, [], sents[3], sents[0][:1], sents[3], []]


def story(model, rows, allowed=None):
    """The log-likelihood and the posteriors of a sentence of which emission rows, (L, K), are given, unscaled."""
    n_states, p = len(model.states_), model.probabilities()
    transition = p["transition"].reshape(n_states, -1)
    final = transition[:, -1] if model.ends else np.ones(n_states)
    rows = np.array(rows) * (1 if allowed is None else np.array(allowed, float))
    alpha, beta = [p["initial"] * rows[0]], [final]
    for row in rows[1:]:
        alpha.append(alpha[-1] @ transition[:, :n_states] * row)
    for row in rows[:0:-1]:
        beta.insert(0, transition[:, :n_states] @ (row * beta[0]))
    joint = np.array(alpha) * np.array(beta)
    return np.log(joint[0].sum()), joint / joint.sum(axis=1, keepdims=True)


def emissions(model, text, sentence):
    """P(word | state) of each token; of an unknown one, the mean of the words that are rarest in the training text."""
    table = model.probabilities()["emission"].reshape(-1, len(model.states_))
    counts = Counter(word for each in text for word in each)
    rare = [word for word, n in counts.items() if n == min(counts.values())]
    unknown = np.mean([table[model.vocabulary_.id(word)] for word in rare], axis=0)
    return [table[model.vocabulary_.id(word)] if word in counts else unknown for word in sentence]


def check_allowed(model, corpus):
    """Posteriors are 0 where a tag or the dictionary says so, and nothing predicted lies there."""
    decoding = model.decoding
    for how in ("posterior", "viterbi"):
        model.decoding = how
        everything = zip(corpus, model.predict(corpus), model.predict_proba(corpus), model.draw(corpus), strict=True)
        for sentence, states, posterior, drawn in everything:
            for (word, tag), state, row, other in zip(sentence, states, posterior, drawn, strict=True):
                entry = (corpus.dictionary or {}).get(word)
                names = [tag] if tag else entry or model.states_.words
                may = [name in names for name in model.states_]
                assert row[~np.array(may)].sum() == 0
                assert may[state]
                assert may[other]
    model.decoding = decoding


def near(found, expected, n):
    """Compare frequencies in `n` draws with probabilities, to within five standard deviations."""
    expected = np.clip(expected, 0, 1)
    assert (np.abs(np.asarray(found) / n - expected) <= 5 * np.sqrt(expected * (1 - expected) / n) + 1e-9).all()
