"""The judge without a model: a rubric read as wishes about features of a response."""
