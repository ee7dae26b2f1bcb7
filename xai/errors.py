"""The error of a request that cannot be fulfilled, as one sentence. Nothing else."""


class UserError(Exception):
    """One sentence: what was given, what is allowed, what to do.

    Pages show it in place; the command line prints it and exits with 2.
    """
