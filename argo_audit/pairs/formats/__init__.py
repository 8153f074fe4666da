"""The formats that preference pairs come in, one module for each family.

    >>> from argo_audit.pairs.formats.registry import detect
    >>> detect({"prompt": "Hi", "chosen": "Hello!", "rejected": "Go away."}).name
    'trl'

A format is a pydantic model of one row, whose fields are the columns it needs and whose `labelled`
says which pair and labels they are. Another one is a module with such a model, named in
`registry.FORMATS`; containers (JSON lines, CSV, Parquet, the hub), ids, error messages and
`--skip-invalid` are the same for all.
"""
