"""Sound and film: their streams are copied into a container of their own, and nothing else of the file is."""

import os
import subprocess

from exit_codes import NotCleanable, Unreadable

# Extension: ffmpeg's name for the container, and what has to be said to it.
CONTAINERS = {
    'mp4': ('mp4', ['-movflags', '+faststart']),
    'mov': ('mov', ['-movflags', '+faststart']),
    'm4a': ('ipod', ['-movflags', '+faststart']),
    '3gp': ('3gp', []),
    'webm': ('webm', []),
    'mkv': ('matroska', []),
    'avi': ('avi', []),
    'mp3': ('mp3', ['-id3v2_version', '0', '-write_id3v1', '0']),
    'ogg': ('ogg', []),
    'flac': ('flac', []),
    'wav': ('wav', []),
    'aac': ('adts', []),
    'amr': ('amr', []),
    'aiff': ('aiff', []),
}
SOUND = ('m4a', 'mp3', 'flac', 'wav', 'aac', 'amr', 'aiff')
# Cameras and programs write into the picture itself, between its parts: there place, serial number and settings may stand.
NOTES_WITHIN = {'h264': '6', 'hevc': '39-40'}
# A film that is a row of JPEG files has the metadata of each.
ROWS_OF_FILES = ('mjpeg', 'png', 'gif', 'webp', 'tiff')


def clean_recording(given, extension):
    container, options = CONTAINERS[extension]
    streams = [] if extension in SOUND else film_options(given)
    made = '/tmp/made.' + extension
    # No picture of a cover, no subtitles (drones write their place there), no data (phones and cameras do), no chapters.
    run(
        ['ffmpeg', '-nostdin', '-v', 'error', '-protocol_whitelist', 'file', '-i', given]
        + ['-map', '0:a?', *streams, '-c', 'copy', '-map_metadata', '-1', '-map_chapters', '-1']
        + ['-fflags', '+bitexact', '-flags', '+bitexact', *options, '-f', container, made]
    )
    return made


def film_options(given):
    found = run(
        ['ffprobe', '-v', 'error', '-protocol_whitelist', 'file', '-select_streams', 'V']
        + ['-show_entries', 'stream=codec_name', '-of', 'csv=p=0', given]
    )
    codecs = [line.strip(',') for line in found.decode('ascii', 'replace').split()]
    if any(codec in ROWS_OF_FILES for codec in codecs):
        raise NotCleanable()
    options = ['-map', '0:V?']
    for place, codec in enumerate(codecs):
        if codec in NOTES_WITHIN:
            options += ['-bsf:v:%d' % place, 'filter_units=remove_types=' + NOTES_WITHIN[codec]]
    return options


def picture_of(given):
    """What a HEIC file shows, as a JPEG. What that tells besides is taken out with its pixels being written anew."""
    run(['heif-convert', '-q', '95', given, '/tmp/made.jpg'])
    # Of several pictures in one file, each becomes a file with a number.
    if not os.path.exists('/tmp/made.jpg'):
        raise NotCleanable()
    return '/tmp/made.jpg'


def run(command):
    done = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, check=False)
    if done.returncode != 0:
        raise Unreadable()
    return done.stdout
