"""The zoo: every factor in every slot of every model. A new row here brings all of test_zoo.py."""

from dataclasses import dataclass
from functools import partial

from hypothesis import strategies as st

from emnlp import (
    IBM1,
    IBM2,
    Agreement,
    Aligner,
    Backoff,
    Bitext,
    Categorical,
    Diagonal,
    Dirichlet,
    Fixed,
    HMMAligner,
    Jump,
    PooledJump,
    Uniform,
)
from emnlp.factors.backoff import Prefix

FACTORS = {
    "categorical": Categorical(),
    "map": Categorical(alpha=1.5),
    "dirichlet": Dirichlet(alpha=0.3),
    "uniform": Uniform(),
}
NULLS = {
    "fixed": Fixed(0.2),
    "learned": Categorical(),
    "smoothed": Categorical(alpha=3.0),
    "dirichlet": Dirichlet(alpha=2.0),
}
JUMPS = {
    "jump": Jump(words=2, width=2),
    "wide": Jump(words=0, width=10),
    "pooled": PooledJump(width=3),
    **FACTORS,
}
"""How the HMM aligner jumps: by words and buckets, clipped and not, and by a table."""


def project(factor, params):
    """Return the allowed parameters next to these; a factor whose parameters are constrained has its case here."""
    if isinstance(factor, Diagonal):
        return factor.adopt(params)
    return factor.support.normalise(params) if isinstance(factor, Categorical) else params


@dataclass(frozen=True)
class Row:
    """A way to make a model, and how long the sentences are on which its latent structures can be enumerated.

    `monotone` says whether EM promises that the objective never falls.
    """

    make: partial
    longest: int = 3
    monotone: bool = True

    def model(self, **settings):
        """Return a fresh model."""
        return self.make(**settings)


ROWS = {}
for kind in (IBM1, IBM2):
    for lexical_name, lexical in FACTORS.items():
        for position_name, position in FACTORS.items():
            name = f"{kind.__name__}-{lexical_name}-{position_name}"
            ROWS[name] = Row(partial(kind, lexical=lexical, position=position))
    for null_name, null in NULLS.items():
        ROWS[f"{kind.__name__}-null-{null_name}"] = Row(partial(kind, null=null))
        ROWS[f"{kind.__name__}-dirichlet-null-{null_name}"] = Row(
            partial(kind, lexical=Dirichlet(alpha=0.3), null=null)
        )


def _aligner(kind, one, other, **settings):
    parts = {"forward": one, "reverse": other}
    return Aligner(**{name: None if each is None else kind(**each) for name, each in parts.items()}, **settings)


ROWS |= {
    "Aligner-IBM1": Row(partial(_aligner, IBM1, {}, {}), 2),
    "Aligner-IBM2-mixed": Row(partial(_aligner, IBM2, {"null": Fixed(0.1)}, {"lexical": Dirichlet(alpha=0.3)}), 2),
    "Aligner-forward": Row(partial(_aligner, IBM2, {"null": Categorical()}, None)),
    "Aligner-reverse": Row(partial(_aligner, IBM1, None, {"lexical": Dirichlet(alpha=0.1)})),
}
for null_name, null in NULLS.items():
    ROWS[f"IBM2-diagonal-null-{null_name}"] = Row(partial(IBM2, position=Diagonal(), null=null))
ROWS |= {
    "IBM2-fast-align": Row(partial(IBM2, lexical=Dirichlet(alpha=0.01), position=Diagonal(), null=Fixed(0.08))),
    "IBM2-diagonal-bounded": Row(partial(IBM2, position=Diagonal(1.0, bounds=(0.5, 1.5)), null=Fixed(0.2))),
    "Aligner-diagonal": Row(partial(_aligner, IBM2, *2 * ({"position": Diagonal(), "null": Fixed(0.1)},)), 2),
}

HMM = partial(HMMAligner, beam=0.0)
for k, (lexical_name, lexical) in enumerate(FACTORS.items()):
    for m, (jump_name, jump) in enumerate(JUMPS.items()):
        null_name = list(NULLS)[(k + m) % len(NULLS)]
        make = partial(HMM, lexical=lexical, jump=jump, null=NULLS[null_name])
        ROWS[f"HMM-{lexical_name}-{jump_name}-{null_name}"] = Row(make, monotone=jump_name != "pooled")
COARSE = Categorical(backoff=Backoff(2.0, Prefix(1), Prefix(1), 0.5))
ROWS |= {
    "IBM1-backoff": Row(partial(IBM1, lexical=COARSE), monotone=False),
    "HMM-backoff": Row(partial(HMM, lexical=COARSE, jump=Jump(words=1, width=1)), monotone=False),
    "Aligner-HMM": Row(partial(_aligner, HMM, {"jump": Jump(words=1, width=2)}, {"jump": Categorical()}), 2),
}


def _agreement(kind, one, other, **settings):
    return Agreement(forward=kind(**one), reverse=kind(**other), **settings)


for rounds in (0, 2):
    each = {"lexical": Dirichlet(0.1), "null": Fixed(0.1)}, {"null": Categorical()}
    for kind in (IBM1, HMM):
        name = f"Agreement-{'HMM' if kind is HMM else 'IBM1'}-{rounds}"
        ROWS[name] = Row(partial(_agreement, kind, *each, rounds=rounds), 2, monotone=False)
ROWS["Agreement-HMM-backoff"] = Row(
    partial(_agreement, HMM, {"lexical": COARSE}, {"jump": Categorical()}, rounds=1, step=0.5), 2, monotone=False
)


def bitexts(longest):
    """Bitexts small enough to enumerate: empty sentences, sentences of one word, repeated words among them."""
    source = st.lists(st.sampled_from("abc"), max_size=longest)
    target = st.lists(st.sampled_from("xyz"), max_size=longest)
    pairs = st.lists(st.tuples(source, target), min_size=1, max_size=4)
    return pairs.filter(lambda each: any(s and t for s, t in each)).map(Bitext.from_pairs)


EXAMPLE = Bitext.from_pairs(
    [
        (["a", "b", "a"], ["x", "y"]),
        ([], ["x"]),
        (["b"], ["y", "y", "z"]),
        (["a", "c"], []),
        (["c", "b"], ["z", "y"]),
        (["c"], ["z"]),
        (["a", "b", "a"], ["x", "x"]),
    ]
)
