"""The names of a run folder's files, and nothing else."""

from modelzoo.backbones.local_dir import HEAD, MODEL, MODEL_CONFIG

__all__ = ["HEAD", "MODEL", "MODEL_CONFIG"]

CONFIG = "config.toml"
STATUS = "status.json"
HISTORY = "history.csv"
SPLIT = "split.csv"
PREDICTIONS = "predictions.parquet"
WEIGHTS = "weights.json"
DATA = "data.json"  # what was doubtful about the data set, and what was not used of it
IMAGES = "images.csv"  # the content hash of each image, to see when one has changed
PRECISION = "precision.json"  # in what numbers the run computes, while it is not done
ENVIRONMENT = "environment.json"
TEMPERATURE = "temperature.json"  # by which the run's logits are divided to calibrate them
LOG = "log.txt"
TRIAL = "trial.json"  # of which sweep a run is a trial, which leaves the test part out
STOP = "stop-after-epoch"  # asks a training that no signal reaches to end after its epoch
NOW = "now"  # what it holds where the training is to end at the next batch
SUBMISSION = "submission.json"  # the target and the job of a run that was sent elsewhere
CHECKPOINT = "checkpoint.safetensors"
NEIGHBOURS = "neighbours.safetensors"  # embeddings of the training images, for ood_percentile
OOD = "ood.csv"  # OOD percentiles of validation and test images
QUALITY = "quality.csv"  # how far maps of this run can be trusted, over its test images
OPERATING_POINT = "operating_point.json"  # the threshold that a person keeps with the run
ENSEMBLE = "ensemble.json"  # in place of a model: the runs that an ensemble joins
CARD = "README.md"  # the model card, as the Hugging Face hub reads it
VALIDITY = "validity.csv"  # what of each method holds on this run's network
MODELS = (MODEL, HEAD, ENSEMBLE)  # one of which a run has that can predict
