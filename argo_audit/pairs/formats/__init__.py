"""The formats that preference pairs come in, one module for each family.

    >>> from argo_audit.pairs.formats.registry import detect
    >>> detect({"prompt": "Hi", "chosen": "Hello!", "rejected": "Go away."}).name
    'trl'

A format is a pydantic model of one row (`rows.Row`), whose fields are the columns it reads and
whose `labelled` says which pair and labels they are; what is no field is named as unused. Another
one is a module with such a model, named in `registry.FORMATS`, with its line in docs/formats.md;
containers (JSON lines, CSV, Parquet, the hub), ids, votes, error messages and `--skip-invalid` are
the same for all.
"""
