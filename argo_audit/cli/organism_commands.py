"""`argo-audit organism …`: the embedded world with known answers."""

from typing import Annotated

import typer

from argo_audit.audits.demo_settings import DemoConfig
from argo_audit.cli.fields import option
from argo_audit.cli.terminal import OutOption, SeedOption, say
from argo_audit.errors import needs_train

organism_app = typer.Typer(help="The embedded world with known answers.", no_args_is_help=True)


@organism_app.command("build")
def organism_build(
    out: OutOption,
    pairs: Annotated[int, typer.Option(min=1, help="Pairs per population.")] = 3000,
    label_agreement: Annotated[float, option(DemoConfig, "label_agreement")] = 0.675,
    seed: SeedOption = 0,
) -> None:
    """Write two populations with planted preferences: pairs, raw labels and the answer key."""
    from argo_audit.files import check_free
    from argo_audit.organism.world import build, write_population

    check_free(out)
    for name in ("A", "B"):
        population = build(name, pairs, seed, label_agreement)
        write_population(population, out / name)
        say(
            f"{out / name}: {len(population.pairs)} pairs, {population.manifest.prompts} "
            f"prompts, {len(population.manifest.spec.preferences)} planted preferences"
        )


@organism_app.command("writer")
def organism_writer(out: OutOption, seed: SeedOption = 0) -> None:
    """Build an embedded rubric writer, by the two stages of the shipped one; about 30 minutes."""
    from argo_audit.files import check_free

    check_free(out)
    with needs_train("building the rubric writer"):
        from argo_audit.organism.teaching import WriterConfig
        from argo_audit.organism.writer import build_writer
    build_writer(out, WriterConfig(seed=seed))
    say(f"{out}: the rubric writer")
