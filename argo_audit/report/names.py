"""What populations, label sources and runs are called, in figures (plain) and in text (escaped).

>>> sentence_case(plain_population("A"))
'Population A'
"""

from argo_audit.records import HUMAN
from argo_audit.report.markdown import escape, visible
from argo_audit.report.trained import Trained


def plain_population(population: str) -> str:
    """A population as figures name it."""
    return f"population {population}" if population else "all pairs"


def plain_label(source: str) -> str:
    """A label source as figures name it."""
    return "raw labels" if source == HUMAN else source


def population_name(population: str) -> str:
    """A population as the text names it, escaped."""
    return escape(plain_population(population))


def label_name(source: str) -> str:
    """A label source as the text names it, escaped."""
    return escape(plain_label(source))


def panel_title(population: str, source: str) -> str:
    """A panel of a figure, on two lines: whose pairs, measured against what."""
    who, labels = sentence_case(plain_population(population)), plain_label(source)
    return f"{visible(who)},\nagainst {visible(labels)}"


def run_name(trained: Trained) -> str:
    """A run as tables head it, escaped."""
    name = sentence_case(population_name(trained.population))
    return f"{name}, trained on {label_name(trained.label_source)}"


def sentence_case(text: str) -> str:
    """`text` with its first letter in upper case."""
    return text[:1].upper() + text[1:]
