"""The one exception for what a user can put right."""


class PipelineError(Exception):
    """A problem in the input, the parameters or the surroundings.

    Its text is one line that names the thing, the value and the way out; `command.run` prints that line alone.
    """
