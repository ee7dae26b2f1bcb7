"""Names of the files of a trained network: timm's "local-dir:" form, or its last layer alone."""

MODEL = "model.safetensors"
MODEL_CONFIG = "config.json"
HEAD = "head.safetensors"  # in place of MODEL: the last layer of a network with ImageNet weights
