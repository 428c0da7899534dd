"""PDF and office documents: mat2 takes the archive apart, cleans the pictures in it and puts it together anew.

Three things of mat2 are done here in its place, for it moves tables to a document's end, leaves the thumbnail and
the names at comments, and drops what numbers a list: which parts are kept, which are left out, and what is taken out
of those that are kept. A part that is neither known to be harmless nor known to be left out stops the cleaning.
"""

import os
import re
import zipfile

from exit_codes import NotCleanable, TooLarge, Unreadable
from markup import OPEN_DOCUMENT, OPEN_XML, clean_markup, without_parts

# Its parts import one another in a circle, which only opens from here.
from libmat2 import parser_factory  # noqa: F401, I001
from libmat2 import office, pdf

MOST_UNPACKED = 256 * 1024 * 1024

# What a reader of the document needs.
OPEN_XML_KEPT = (
    r'^\[Content_Types\]\.xml$',
    r'^_rels/\.rels$',
    r'^(?:word|xl|ppt)/(?:[\w-]+/)*_rels/[\w-]+\.xml\.rels$',
    r'^word/(?:document|styles|stylesWithEffects|settings|fontTable|numbering|footnotes|endnotes|header\d*|footer\d*)\.xml$',
    r'^xl/(?:workbook|sharedStrings|styles|calcChain)\.xml$',
    r'^xl/(?:worksheets/sheet|chartsheets/sheet|tables/table|pivotTables/pivotTable)\d+\.xml$',
    r'^xl/pivotCache/pivotCache(?:Definition|Records)\d+\.xml$',
    r'^ppt/(?:presentation|tableStyles)\.xml$',
    r'^ppt/(?:slides/slide|slideLayouts/slideLayout|slideMasters/slideMaster)\d+\.xml$',
    r'^ppt/(?:notesSlides/notesSlide|notesMasters/notesMaster|handoutMasters/handoutMaster)\d+\.xml$',
    r'^(?:word|xl|ppt)/theme/theme(?:Override)?\d+\.xml$',
    r'^(?:word|xl|ppt)/charts/(?:chart|style|colors)\d*\.xml$',
    r'^(?:word|xl|ppt)/drawings/drawing\d+\.xml$',
    r'^(?:word|xl|ppt)/diagrams/(?:data|layout|quickStyle|colors|drawing)\d*\.xml$',
)
# What tells of whoever wrote it, and with what.
OPEN_XML_LEFT_OUT = (
    r'^docProps/',
    r'^docMetadata/',
    r'^customXml/',
    r'^\[trash\]/',
    r'^word/(?:comments\w*|people|webSettings)\.xml$',
    r'^xl/(?:comments|threadedComments|persons|revisions)/',
    r'^xl/comments\d*\.xml$',
    r'^ppt/(?:comments|changesInfos|tags)/',
    r'^ppt/(?:commentAuthors|authors|revisionInfo|viewProps|presProps)\.xml$',
    r'^(?:word|xl|ppt)/printerSettings/',
    r'^(?:word|xl)/drawings/\w+\.vml$',
)
OPEN_DOCUMENT_KEPT = (r'^META-INF/manifest\.xml$', r'^content\.xml$', r'^styles\.xml$', r'^mimetype$')
OPEN_DOCUMENT_LEFT_OUT = (
    r'^(?:meta|settings)\.xml$',
    r'^manifest\.rdf$',
    r'^layout-cache$',
    r'^(?:Configurations2|Thumbnails|Basic|Dialogs|Scripts|ObjectReplacements)/',
)
# Recordings inside a document would be cleaned less well than by themselves.
RECORDINGS = re.compile(r'\.(?:mp3|mp4|m4a|m4v|mov|wav|avi|wmv|wma|ogg|flac|aiff?|mpe?g)$', re.I)


def clean_pdf(given):
    """Every page becomes a picture of itself: what lay beneath, beside and behind it stays behind."""
    return cleaned_by(parser(pdf.PDFParser, given))


def clean_office(given, extension):
    check(given)
    kind = OpenXml if extension in ('docx', 'xlsx', 'pptx') else OpenDocument
    return cleaned_by(parser(kind, given))


def parser(kind, given):
    try:
        return kind(given)
    except ValueError as error:
        raise Unreadable() from error


def cleaned_by(one):
    try:
        is_clean = one.remove_all()
    except RuntimeError as error:
        raise NotCleanable() from error
    if not is_clean:
        raise NotCleanable()
    return one.output_filename


def check(given):
    """A bomb is known by what it says it unpacks to; no more than that is ever unpacked."""
    try:
        with zipfile.ZipFile(given) as archive:
            members = archive.infolist()
    except (zipfile.BadZipFile, OSError) as error:
        raise Unreadable() from error
    if sum(member.file_size for member in members) > MOST_UNPACKED:
        raise TooLarge()
    names = [member.filename for member in members]
    if len(set(names)) < len(names):
        raise NotCleanable()


def patterns(texts):
    return {re.compile(text) for text in texts}


class Parts:
    """What mat2 asks of every part of an archive."""

    mimetypes = set()  # Found by name only: mat2's own readers stay what they are.

    def is_left_out(self, name):
        return any(pattern.search(name) for pattern in self.files_to_omit)

    def _specific_cleanup(self, full_path):
        name = self.name_of(full_path)
        if RECORDINGS.search(name):
            return False
        if self.is_left_out(name) or not name.endswith(('.xml', '.rels')):
            return True
        with open(full_path, 'rb') as file:
            text = clean_markup(file.read(), self.scheme)
        if self.is_index(name):
            text = without_parts(text, name, self.is_left_out)
        with open(full_path, 'wb') as file:
            file.write(text)
        return True

    @staticmethod
    def name_of(full_path):
        """mat2 unpacks into a folder of its own beneath /tmp."""
        return os.path.relpath(full_path, '/tmp').split('/', 1)[1]


class OpenXml(Parts, office.MSOfficeParser):
    scheme = OPEN_XML

    def __init__(self, filename):
        super().__init__(filename)
        self.files_to_keep = patterns(OPEN_XML_KEPT)
        self.files_to_omit = patterns(OPEN_XML_LEFT_OUT)

    @staticmethod
    def is_index(name):
        return name.endswith('.rels') or name == '[Content_Types].xml'


class OpenDocument(Parts, office.LibreOfficeParser):
    scheme = OPEN_DOCUMENT

    def __init__(self, filename):
        super().__init__(filename)
        self.files_to_keep = patterns(OPEN_DOCUMENT_KEPT)
        self.files_to_omit = patterns(OPEN_DOCUMENT_LEFT_OUT)

    @staticmethod
    def is_index(name):
        return name == 'META-INF/manifest.xml'
