"""Where gradients beat EM, and where not: the objective after so many E-steps, on the same model from the same start.

    python experiments/gradient_or_em.py [CORPUS] [--states K] [--steps N] [--seeds N]

Two taggers: plain tables (as `Categorical` by EM, as indicators with kappa 0 by gradients: the same likelihood), and
features of spelling (kappa 1), by EM with 10 L-BFGS iterations an M-step, L-BFGS on the likelihood, and conjugate
gradients on it (Salakhutdinov, Roweis & Ghahramani 2003). Objectives in nats a token, mean over seeds.
"""

import argparse
import time
from typing import Any

import numpy as np

from emnlp import EM, HMM, DirectGradient, Logistic
from emnlp.cli.evaluate_tag import read_tagged
from emnlp.models.tagrecipes import SPELLING

AT = (5, 10, 20, 50, 100)


def run(text: Any, steps: int, seed: int, states: int, **settings: Any) -> tuple[list[float], float]:
    """Return the best objective within each number of E-steps, and the CPU seconds of one."""
    seen: list[tuple[int, float]] = []
    model = HMM(states, max_iter=steps, random_state=seed, n_jobs=-1, **settings)
    calls, expect = [0], HMM.expect

    def counted(self: Any, *args: Any) -> float:
        calls[0] += 1
        return expect(self, *args)

    HMM.expect = counted  # type: ignore[method-assign]
    begin = time.process_time()
    try:
        model.fit(text, callback=lambda done, step: seen.append((calls[0], step.objective)))
    finally:
        HMM.expect = expect  # type: ignore[method-assign]
    each = seen[0][0]  # batches of an E-step
    found = [max((value for n, value in seen if n <= at * each), default=np.nan) for at in AT]
    return found, (time.process_time() - begin) / (calls[0] / each)


def main(args: Any) -> None:
    text = read_tagged(args.corpus, "xpos").text
    table, spelt = Logistic(kappa=0.0, spread=1.0), Logistic(SPELLING, kappa=1.0)
    plain = {"initial": table, "transition": table, "emission": table}
    features = {"initial": Logistic(), "transition": Logistic(), "emission": spelt}
    recipes: dict[str, dict[str, Any]] = {
        "tables, EM": {},
        "tables, L-BFGS": {**plain, "learner": DirectGradient()},
        "tables, conjugate gradients": {**plain, "learner": DirectGradient("cg")},
        "features, EM": {**features, "learner": EM()},
        "features, L-BFGS": {**features, "learner": DirectGradient()},
        "features, conjugate gradients": {**features, "learner": DirectGradient("cg")},
    }
    print(f"{text}; {args.states} states, {args.seeds} seeds")
    print(f"{'E-steps':32}" + "".join(f"{at:>10}" for at in AT) + f"{'CPU s each':>12}")
    for name, settings in recipes.items():
        runs = [run(text, args.steps, seed, args.states, **settings) for seed in range(args.seeds)]
        mean = np.mean([found for found, _ in runs], axis=0) / len(text.ids)
        print(
            f"{name:32}" + "".join(f"{value:10.4f}" for value in mean) + f"{np.mean([c for _, c in runs]):12.3f}",
            flush=True,
        )


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("corpus", nargs="?", default="nltk:treebank")
    parser.add_argument("--states", type=int, default=45)
    parser.add_argument("--steps", type=int, default=100)
    parser.add_argument("--seeds", type=int, default=2)
    main(parser.parse_args())
