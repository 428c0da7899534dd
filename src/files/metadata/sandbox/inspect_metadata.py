"""What a file tells besides what it shows, as rows of what kind of thing it is, its name and its value."""

import json
import re
import subprocess
import zipfile

from exit_codes import Unreadable

MOST_READ = 64 * 1024 * 1024
NAMES = re.compile(
    rb'(?:author|userName|displayName|refreshedBy|lastModifiedBy)="([^"]{1,200})"'
    rb'|<(?:\w+:)?(?:author|creator|initial-creator|lastModifiedBy)(?:\s[^>]*)?>([^<]{1,200})<'
)
COMMENTS = re.compile(rb'<(?:w:comment|comment|threadedComment|p:cm|office:annotation)[\s>]')
CHANGES = re.compile(rb'<(?:w:ins|w:del|w:moveFrom|w:moveTo|w:\w+Change|text:changed-region)[\s>]')
THUMBNAIL = re.compile(r'^(?:docProps/thumbnail|Thumbnails/)')
PICTURES = re.compile(r'\.(?:jpe?g|png|gif|tiff?|webp|heic)$', re.I)


def look(given):
    rows = tags_of(given)
    if zipfile.is_zipfile(given):
        rows += parts_of(given)
    return rows


def tags_of(given):
    """As exiftool reads and sorts them: its second family says what a tag is about."""
    done = subprocess.run(
        ['exiftool', '-json', '-a', '-q', '-G1:2', '-api', 'largefilesupport=1', given],
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        check=False,
    )
    try:
        told = json.loads(done.stdout)[0]
    except (ValueError, IndexError) as error:
        raise Unreadable() from error
    rows = []
    for key, value in told.items():
        place, _, rest = key.partition(':')
        about, _, name = rest.partition(':')
        if name:
            rows.append({'place': place, 'about': about, 'name': name, 'value': text_of(value)})
    return rows


def parts_of(given):
    counts = {'Comments': 0, 'Tracked changes': 0, 'Pictures in it': 0, 'Thumbnail': 0}
    names = set()
    left = MOST_READ
    with zipfile.ZipFile(given) as archive:
        for member in archive.infolist():
            if THUMBNAIL.search(member.filename):
                counts['Thumbnail'] += 1
            elif PICTURES.search(member.filename):
                counts['Pictures in it'] += 1
            if not member.filename.endswith('.xml') or member.file_size > left:
                continue
            left -= member.file_size
            text = archive.read(member)
            counts['Comments'] += len(COMMENTS.findall(text))
            counts['Tracked changes'] += len(CHANGES.findall(text))
            names.update((one[0] or one[1]).decode('utf-8', 'replace').strip() for one in NAMES.findall(text))
    found = [row('Document', name, str(count)) for name, count in counts.items() if count]
    return found + [row('Author', 'Name', name) for name in sorted(names - {''})[:20]]


def row(about, name, value):
    return {'place': 'Document', 'about': about, 'name': name, 'value': value}


def text_of(value):
    return ', '.join(map(text_of, value)) if isinstance(value, list) else str(value)[:200]
