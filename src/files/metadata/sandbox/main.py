"""What runs in the sandbox: `main.py clean|look EXTENSION` reads a file from its input and writes to its output, which
is the clean copy, or what the file tells about itself as JSON. `main.py programs` says which programs are there.

Nothing is written to the output before the whole copy is made. How it ends says why there is none.
"""

import errno
import json
import os
import resource
import shutil
import sys

from exit_codes import NOT_CLEANABLE, TOO_LARGE, UNREADABLE, NotCleanable, TooLarge

MIB = 1024 * 1024
LIMITS = {
    resource.RLIMIT_AS: 1536 * MIB,
    resource.RLIMIT_FSIZE: 256 * MIB,
    resource.RLIMIT_CPU: 60,
    resource.RLIMIT_NOFILE: 256,
    # Threads count too, and ffmpeg begins some for each core.
    resource.RLIMIT_NPROC: 256,
    resource.RLIMIT_CORE: 0,
}


def main(job, extension=''):
    if job == 'programs':
        return print(json.dumps(programs()))
    limit()
    # A name of our own: nothing that a sender said becomes a path, or an option of a program.
    given = '/tmp/given.' + extension
    with open(given, 'wb') as file:
        shutil.copyfileobj(sys.stdin.buffer, file)
    if job == 'look':
        from inspect_metadata import look

        return print(json.dumps(look(given)))
    with open(clean(given, extension), 'rb') as made:
        shutil.copyfileobj(made, sys.stdout.buffer)


def limit():
    for what, most in LIMITS.items():
        resource.setrlimit(what, (most, most))


def programs():
    try:
        from libmat2 import parser_factory  # noqa: F401

        has_mat2 = True
    except (ImportError, ValueError):
        has_mat2 = False
    found = {name: shutil.which(name) is not None for name in ('ffmpeg', 'exiftool', 'heif-convert')}
    return {'mat2': has_mat2, **found}


def clean(given, extension):
    if extension == 'pdf':
        from document import clean_pdf

        return clean_pdf(given)
    if extension in ('docx', 'xlsx', 'pptx', 'odt', 'ods', 'odp', 'odg'):
        from document import clean_office

        return clean_office(given, extension)
    if extension in ('heic', 'heif'):
        from recording import picture_of

        return picture_of(given)
    from recording import clean_recording

    return clean_recording(given, extension)


def ending_of(error):
    if isinstance(error, NotCleanable):
        return NOT_CLEANABLE
    is_full = isinstance(error, OSError) and error.errno in (errno.ENOSPC, errno.EFBIG, errno.ENOMEM)
    return TOO_LARGE if is_full or isinstance(error, (MemoryError, TooLarge)) else UNREADABLE


if __name__ == '__main__':
    try:
        main(*sys.argv[1:])
        sys.stdout.flush()
    except Exception as error:  # noqa: BLE001 - a file from a stranger may break a parser in any way
        # What an error says may hold words of the file.
        os._exit(ending_of(error))
