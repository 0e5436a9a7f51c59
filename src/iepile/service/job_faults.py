"""What went wrong in a job, in words for those who handed it in."""

from __future__ import annotations

import errno
import logging
from pathlib import Path

from iepile.errors import IepileError, InputError

logger = logging.getLogger(__name__)


def told(error: Exception, id_: str, folder: Path) -> str:
    """The error of a job, without where things lie on the server. What we did not think of goes to the log.

    Args:
        folder: that of all jobs.
    """
    if isinstance(error, OSError) and error.errno in (errno.ENOSPC, errno.EDQUOT):
        problem = "the disk of the service is full; make room and resume the job"
    elif isinstance(error, InputError):
        problem = "; ".join(part for part in (error.problem, error.fix) if part)
    elif isinstance(error, IepileError):
        problem = " ".join(str(error).split())
    else:
        logger.error("job %s failed", id_, exc_info=error)
        problem = f"a fault of the service ({type(error).__name__}); its log tells more"
    for path in (folder / id_, folder):
        problem = problem.replace(f"{path}/", "").replace(str(path), "the job")
    return problem
