"""The XML of office documents, without what tells of whoever wrote it. Changes are taken as accepted."""

import io
import posixpath
import re
import xml.etree.ElementTree as ET
from typing import NamedTuple, Pattern

from exit_codes import Unreadable


class Scheme(NamedTuple):
    """Names of elements and attributes, as `prefix:name`, with the prefix that the standard uses."""

    namespaces: dict
    # Left out with all that is in them.
    left_out: Pattern
    # Left out, but for what is in them.
    unwrapped: Pattern
    attributes: Pattern


OPEN_XML = Scheme(
    namespaces={
        'w': 'http://schemas.openxmlformats.org/wordprocessingml/2006/main',
        'w14': 'http://schemas.microsoft.com/office/word/2010/wordml',
        'w15': 'http://schemas.microsoft.com/office/word/2012/wordml',
        'w16cex': 'http://schemas.microsoft.com/office/word/2018/wordml/cex',
        'x': 'http://schemas.openxmlformats.org/spreadsheetml/2006/main',
        'x15ac': 'http://schemas.microsoft.com/office/spreadsheetml/2010/11/ac',
        'xr': 'http://schemas.microsoft.com/office/spreadsheetml/2014/revision',
        'p': 'http://schemas.openxmlformats.org/presentationml/2006/main',
        'p14': 'http://schemas.microsoft.com/office/powerpoint/2010/main',
        'a16': 'http://schemas.microsoft.com/office/drawing/2014/main',
        'c': 'http://schemas.openxmlformats.org/drawingml/2006/chart',
    },
    left_out=re.compile(
        r'^(?:w:(?:del|moveFrom|\w+Change|cell(?:Ins|Del|Merge)|(?:comment|move\w+|customXml\w+)Range(?:Start|End)'
        r'|commentReference|rsids?|nsid|attachedTemplate|docVars|mailMerge|trackRevisions|proofState)'
        r'|w1[45]:docId|x15ac:absPath|x:(?:fileSharing|legacyDrawing|legacyDrawingHF)'
        r'|xr:revisionPtr|p14:(?:creationId|modifyId)|a16:creationId|c:externalData)$'
    ),
    unwrapped=re.compile(r'^w:(?:ins|moveTo)$'),
    attributes=re.compile(
        r'^(?:w:(?:rsid\w*|author|date|initials)|w14:(?:paraId|textId)|xr\d*:\w+|(?:x:)?refreshed(?:By|Date\w*))$'
    ),
)

OPEN_DOCUMENT = Scheme(
    namespaces={
        'office': 'urn:oasis:names:tc:opendocument:xmlns:office:1.0',
        'text': 'urn:oasis:names:tc:opendocument:xmlns:text:1.0',
        'table': 'urn:oasis:names:tc:opendocument:xmlns:table:1.0',
        'meta': 'urn:oasis:names:tc:opendocument:xmlns:meta:1.0',
        'dc': 'http://purl.org/dc/elements/1.1/',
        'officeooo': 'http://openoffice.org/2009/office',
        'loext': 'urn:org:documentfoundation:names:experimental:office:xmlns:loext:1.0',
    },
    left_out=re.compile(
        r'^(?:office:(?:annotation|annotation-end|scripts|meta)|text:(?:tracked-changes|change|change-start|change-end)'
        r'|table:tracked-changes|meta:[\w-]+|dc:[\w-]+)$'
    ),
    unwrapped=re.compile(r'^$'),
    attributes=re.compile(r'^(?:officeooo|meta|dc):'),
)

XLINK = '{http://www.w3.org/1999/xlink}href'
LINK_OUTSIDE = re.compile(r'^(?:https?|mailto|tel):', re.I)
# A picture's name is often that of the file it was, and older programs write its whole path beside it.
FILE_NAME = re.compile(r'[\\/]|\.\w{2,5}$')
NOWHERE = 'about:blank'


def clean_markup(text, scheme):
    """@raise Unreadable if it is no XML, or speaks of things outside it"""
    root, prefixes = parsed(text)
    known = {address: name for name, address in scheme.namespaces.items()}
    take_out(root, scheme, known)
    return written(root, prefixes)


def parsed(text):
    try:
        prefixes = [pair for _, pair in ET.iterparse(io.BytesIO(text), ('start-ns',))]
        return ET.fromstring(text), prefixes
    except ET.ParseError as error:
        raise Unreadable() from error


def take_out(element, scheme, known):
    for name in list(element.attrib):
        if scheme.attributes.search(short(name, known)):
            del element.attrib[name]
    anonymous(element)
    kept = []
    for child in element:
        name = short(child.tag, known)
        take_out(child, scheme, known)
        if scheme.left_out.search(name):
            keep_tail(child, kept, element)
        elif scheme.unwrapped.search(name):
            kept.extend(child)
            keep_tail(child, kept, element)
        else:
            kept.append(child)
    element[:] = kept


def keep_tail(left, kept, parent):
    """Text that follows an element belongs to it here, and must not go with it."""
    if not left.tail:
        return
    if kept:
        kept[-1].tail = (kept[-1].tail or '') + left.tail
    else:
        parent.text = (parent.text or '') + left.tail


def anonymous(element):
    tag = element.tag.rsplit('}', 1)[-1]
    if tag in ('cNvPr', 'docPr'):
        if FILE_NAME.search(element.get('name', '')):
            element.set('name', 'Picture')
        if FILE_NAME.search(element.get('descr', '')):
            element.set('descr', '')
    if tag == 'Relationship' and element.get('TargetMode') == 'External':
        is_hyperlink = element.get('Type', '').endswith('/hyperlink')
        if not (is_hyperlink and LINK_OUTSIDE.search(element.get('Target', ''))):
            element.set('Target', NOWHERE)
    link = element.get(XLINK)
    if link and (re.match(r'file:|/|[a-z]:[\\/]|\.\./', link, re.I) or (tag != 'a' and LINK_OUTSIDE.search(link))):
        element.set(XLINK, NOWHERE)


def short(name, known):
    if not name.startswith('{'):
        return name
    address, local = name[1:].split('}', 1)
    # Revisions of Excel have a namespace for each year.
    prefix = 'xr' if '/spreadsheetml/' in address and '/revision' in address else known.get(address, '')
    return prefix + ':' + local


def written(root, prefixes):
    """With every prefix that was there: values of attributes speak of them too, such as formulas."""
    for prefix, address in prefixes:
        if not re.match(r'ns\d+$', prefix):
            ET.register_namespace(prefix, address)
    text = ET.tostring(root, encoding='unicode')
    head = text[: text.index('>')]
    missing = {}
    for prefix, address in prefixes:
        if prefix and 'xmlns:%s=' % prefix not in head:
            missing.setdefault(prefix, address)
    added = ''.join(' xmlns:%s="%s"' % (prefix, quoted(address)) for prefix, address in missing.items())
    at = re.match(r'<[^\s/>]+', text).end()
    return ('<?xml version="1.0" encoding="UTF-8" standalone="yes"?>\n' + text[:at] + added + text[at:]).encode()


def quoted(value):
    return value.replace('&', '&amp;').replace('<', '&lt;').replace('"', '&quot;')


def without_parts(text, name, is_left_out):
    """An index of parts, without those that are left out."""
    root, prefixes = parsed(text)
    folder = posixpath.dirname(posixpath.dirname(name))
    for entry in list(root):
        values = [value for key, value in entry.attrib.items() if key.rsplit('}', 1)[-1] in ('PartName', 'Target', 'full-path')]
        if entry.get('TargetMode') != 'External' and any(is_left_out(part_name(value, folder)) for value in values):
            root.remove(entry)
    return written(root, prefixes)


def part_name(value, folder):
    return value[1:] if value.startswith('/') else posixpath.normpath(posixpath.join(folder, value))
