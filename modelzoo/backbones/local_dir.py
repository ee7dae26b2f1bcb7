"""Names of the two files that timm's "local-dir:" form of a network consists of."""

MODEL = "model.safetensors"
MODEL_CONFIG = "config.json"
