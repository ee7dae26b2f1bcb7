"""What the commands of `python -m xai` do. Runs and files are read here; xai knows neither."""
