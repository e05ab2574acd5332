"""The zoo: every factor in every slot of every model. A new row here brings all of test_zoo.py."""

from dataclasses import dataclass
from functools import partial

from hypothesis import strategies as st

from emnlp import IBM1, IBM2, Aligner, Bitext, Categorical, Diagonal, Dirichlet, Fixed, Uniform

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


def project(factor, params):
    """Return the allowed parameters next to these; a factor whose parameters are constrained has its case here."""
    if isinstance(factor, Diagonal):
        return factor.adopt(params)
    return factor.support.normalise(params) if isinstance(factor, Categorical) else params


@dataclass(frozen=True)
class Row:
    """A way to make a model, and how long the sentences are on which its latent structures can be enumerated."""

    make: partial
    longest: int = 3

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
