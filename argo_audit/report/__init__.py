"""The audit: what was learned about a reward model, as `audit.md`, figures and `audit.html`.

    from argo_audit.findings.inputs import AuditInputs, load_run
    from argo_audit.report.spec import write_audit

    runs = tuple(load_run(folder) for folder in run_folders)
    write_audit(AuditInputs(title, runs, stored, evaluations), Path("out/audit"), store_root)

`spec` assembles one section per file: `summary` (which `verdict` begins), `biases`, `provenance`,
`progress` (Figure 2), `compare` (Figures 3 and 4), `structure` (Figure 5), `labels` (Figure 6),
`recovery`, `repeat`. Their numbers come from `curves`, `evolution`, `stances` and `assessment`,
and all of them ask `facts`, the inputs joined.
`check` reads a finished audit back and lists what does not hold in it; `page` renders it as HTML.
"""
