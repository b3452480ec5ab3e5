"""Manifests: YAML with positions, schemas, includes, the model."""
