"""How large a benchmark is, and the trials it is made of.

    trial = Plan(seeds=5).trial("A", 0)                        # the organism, on RM labels
    trial = Plan(seeds=5).budget_trial("A", 0, "best-of-n")

Settings of search, policy and reward model are the package's own defaults at the time of the run.
"""

from pathlib import Path

from pydantic import Field

from argo_audit.organism.populations import PopulationName
from argo_audit.policies.policy_names import EMBEDDED, policy_model
from argo_audit.policies.policy_settings import settings_of
from argo_audit.records import Record
from argo_audit.reward_models.checkpoint import fingerprint_folder
from argo_audit.reward_models.training_settings import TrainingConfig
from argo_audit.search.search_settings import SearchConfig
from benchmarks.trials import Arm, Trial
from benchmarks.worlds import RM, WorldSpec

POPULATIONS: tuple[PopulationName, ...] = ("A", "B")


class Plan(Record):
    """Sizes. `seeds` are those of `organism` and `budget`, `label_seeds` those of `labels`.

    Searches of `organism` take `steps`, those of `budget` `budget_steps`, which is enough to see
    who is faster; both draw on the same worlds, of whose prompts `share` goes to dev and as much
    to held-out.

    `label_pairs` is how many pairs a world of `labels` is drawn from: three fifths of them are
    train pairs. `label_steps` is the length of its searches, of which there are many: two per seed,
    label agreement and number of train pairs.
    """

    seeds: int = Field(default=5, ge=1)
    pairs: int = 4500
    share: float = 0.1
    steps: int = 100
    budget_steps: int = 40
    label_seeds: int = Field(default=3, ge=1)
    label_pairs: int = 3800
    label_steps: int = 16
    train_pairs: tuple[int, ...] = (50, 200, 800, 2000)
    label_agreements: tuple[float, ...] = (0.6, 0.675, 0.9)

    def world(self, population: PopulationName, seed: int) -> WorldSpec:
        """The organism's world at its usual size and noise."""
        training = TrainingConfig(seed=seed)
        return WorldSpec(
            population=population,
            seed=seed,
            pairs=self.pairs,
            share=self.share,
            training=training,
        )

    def trial(self, population: PopulationName, seed: int) -> Trial:
        """One ARGO search of `organism` on that world, by the reward model's labels."""
        return new_trial(self.world(population, seed), RM, self.steps)

    def budget_trial(self, population: PopulationName, seed: int, arm: Arm) -> Trial:
        """One search of `budget` on that world, by the reward model's labels."""
        return new_trial(self.world(population, seed), RM, self.budget_steps, arm)


QUICK = Plan(
    seeds=1,
    pairs=300,
    share=0.2,
    steps=3,
    budget_steps=3,
    label_seeds=1,
    label_pairs=300,
    label_steps=3,
    train_pairs=(50,),
    label_agreements=(0.675,),
)


def new_trial(world: WorldSpec, source: str, steps: int, arm: Arm = "argo") -> Trial:
    """A search on `world` with the package's settings and the world's seed.

    Best-of-N asks the explore prompt as often as ARGO asks all its prompt variants together.
    """
    model = policy_model(EMBEDDED)
    search = SearchConfig(steps=steps, seed=world.seed)
    if arm == "best-of-n":
        explore = tuple("explore" for _ in search.feedback.variants)
        feedback = search.feedback.model_copy(update={"variants": explore})
        search = search.model_copy(update={"feedback": feedback})
    return Trial(
        world=world,
        source=source,
        arm=arm,
        search=search,
        policy=settings_of(model).model_copy(update={"seed": world.seed}),
        writer=fingerprint_folder(Path(model)),
    )
