import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import {
  openDocument,
  paragraph,
  run,
  textOf,
  type WordContent,
  wordDocument,
  zipOf,
} from '../../test/support/documents.ts'

/** What a case is about, the document, and the text that it says. */
type WordCase = [what: string, content: WordContent | string, text: string]
type OpenCase = [what: string, content: Parameters<typeof openDocument>[0] | string, text: string]

function inWord(about: string, cases: WordCase[]): void {
  test(`Word: ${about}`, async () => {
    for (const [what, content, text] of cases) {
      const document = wordDocument(typeof content === 'string' ? { body: content } : content)
      assert.equal(await textOf('article.docx', document), text, what)
    }
  })
}

function inOpenDocument(about: string, cases: OpenCase[]): void {
  test(`OpenDocument: ${about}`, async () => {
    for (const [what, content, text] of cases) {
      const document = openDocument(typeof content === 'string' ? { text: content } : content)
      assert.equal(await textOf('article.odt', document), text, what)
    }
  })
}

const deletions =
  '\n\n* * *\n\n[Words were deleted with changes tracked. They are in the original file only.]'

inWord('characters keep their sense', [
  [
    'above the line',
    paragraph(run('10') + run('6', '<w:vertAlign w:val="superscript"/>') + run(' km')),
    '10⁶ km',
  ],
  [
    'in pieces',
    paragraph(
      run('x') +
        run('n', '<w:vertAlign w:val="superscript"/>') +
        run('+k', '<w:vertAlign w:val="superscript"/>'),
    ),
    'x^n+k^',
  ],
  ['below the line', paragraph(run('H') + run('2', '<w:vertAlign w:val="subscript"/>') + run('O')), 'H₂O'],
  [
    'struck',
    paragraph(run('It is ') + run('not', '<w:strike/>') + run(' so', '<w:dstrike/>') + run(' safe')),
    'It is ~~not so~~ safe',
  ],
  [
    'not struck',
    paragraph(run('It is ') + run('very', '<w:strike w:val="0"/>') + run(' safe')),
    'It is very safe',
  ],
  [
    'by a style',
    {
      body:
        paragraph(run('10') + run('6', '<w:rStyle w:val="Up"/>')) +
        paragraph('It is safe', '<w:pStyle w:val="Gone"/>'),
      styles:
        '<w:style w:type="character" w:styleId="Higher"><w:rPr><w:vertAlign w:val="superscript"/></w:rPr></w:style><w:style w:type="character" w:styleId="Up"><w:basedOn w:val="Higher"/></w:style><w:style w:type="paragraph" w:styleId="Gone"><w:rPr><w:strike/></w:rPr></w:style>',
    },
    '10⁶\n\n~~It is safe~~',
  ],
  [
    'symbols',
    paragraph(
      '<w:r><w:sym w:font="Wingdings" w:char="F0E0"/></w:r>' +
        run(' J', '<w:rFonts w:ascii="Wingdings"/>') +
        '<w:r><w:sym w:font="Odd" w:char="F041"/></w:r>',
    ),
    '→ ☺[symbol: Odd, F041]',
  ],
  [
    'blanks',
    paragraph(
      '<w:r><w:tab/><w:t>a</w:t><w:br/><w:t>b</w:t><w:noBreakHyphen/><w:t xml:space="preserve">c  d</w:t></w:r>',
    ),
    'a\nb\u2011c  d',
  ],
  [
    'signs of Markdown',
    paragraph('# of dead: 5') + paragraph('2 * 3 * 4, __init__, &lt;b&gt;') + paragraph('1986. A year'),
    '# of dead: 5\n\n2 * 3 * 4, __init__, <b>\n\n1986. A year',
  ],
  [
    'a reading',
    paragraph(
      '<w:r><w:ruby><w:rubyPr/><w:rt><w:r><w:t>kan</w:t></w:r></w:rt><w:rubyBase><w:r><w:t>漢</w:t></w:r></w:rubyBase></w:ruby></w:r>',
    ),
    '漢(kan)',
  ],
])

inWord('changes, comments and what is hidden are not said as text', [
  [
    'tracked changes',
    paragraph(
      `${run('It is ')}<w:del w:id="1"><w:r><w:delText>not </w:delText></w:r></w:del><w:ins w:id="2">${run('very ')}</w:ins>${run('safe.')}`,
    ),
    `It is very safe.${deletions}`,
  ],
  [
    'what was moved',
    paragraph(
      `<w:moveFrom w:id="1">${run('first ')}</w:moveFrom>${run('second ')}<w:moveTo w:id="2">${run('first')}</w:moveTo>`,
    ),
    'second first',
  ],
  [
    'a deleted end of a paragraph',
    paragraph('One ', '<w:rPr><w:del w:id="1"/></w:rPr>') + paragraph('sentence.'),
    'One sentence.',
  ],
  [
    'a deleted row',
    `<w:tbl><w:tr><w:tc>${paragraph('a')}</w:tc><w:tc>${paragraph('b')}</w:tc></w:tr><w:tr><w:trPr><w:del w:id="1"/></w:trPr><w:tc>${paragraph('c')}</w:tc><w:tc>${paragraph('d')}</w:tc></w:tr></w:tbl>`,
    `| a | b |${deletions}`,
  ],
  [
    'a comment',
    paragraph(
      `<w:commentRangeStart w:id="0"/>${run('The clerk')}<w:commentRangeEnd w:id="0"/><w:r><w:commentReference w:id="0"/></w:r>${run(' knew.')}`,
    ),
    'The clerk[comment] knew.',
  ],
  [
    'hidden text',
    paragraph(run('Seen') + run(' un', '<w:vanish/>') + run('seen', '<w:vanish/>') + run(' again')),
    'Seen[hidden text] again',
  ],
])

inWord('notes stand at the end, and leave their mark in the sentence', [
  [
    'footnotes and endnotes',
    {
      body: paragraph(
        `${run('Sold')}<w:r><w:footnoteReference w:id="2"/></w:r>${run(' in 2019')}<w:r><w:endnoteReference w:id="1"/></w:r>${run(', again')}<w:r><w:footnoteReference w:id="3"/></w:r>`,
      ),
      footnotes: `<w:footnote w:id="0" w:type="separator"><w:p/></w:footnote><w:footnote w:id="3">${paragraph('Later.')}</w:footnote><w:footnote w:id="2">${paragraph(`<w:r><w:footnoteRef/></w:r>${run('\tThe register.')}`)}${paragraph('Page 4.')}</w:footnote>`,
      endnotes: `<w:endnote w:id="1">${paragraph('Asked twice.')}</w:endnote>`,
    },
    'Sold[1] in 2019[i], again[2]\n\n* * *\n\n[1] The register.\n\nPage 4.\n\n[i] Asked twice.\n\n[2] Later.',
  ],
  [
    'a mark of its own',
    {
      body: paragraph(
        `${run('Sold')}<w:r><w:rPr><w:vertAlign w:val="superscript"/></w:rPr><w:footnoteReference w:customMarkFollows="1" w:id="1"/><w:t>†</w:t></w:r>`,
      ),
      footnotes: `<w:footnote w:id="1">${paragraph('The register.')}</w:footnote>`,
    },
    'Sold[†]\n\n* * *\n\n[†] The register.',
  ],
  [
    'headers',
    {
      body: `${paragraph('Words.')}<w:sectPr><w:headerReference w:type="default" r:id="header"/></w:sectPr>`,
      header: paragraph('Draft of Jane'),
    },
    'Words.\n\n* * *\n\n[header: Draft of Jane]',
  ],
])

const cell = (text: string, properties = '') =>
  `<w:tc><w:tcPr>${properties}</w:tcPr>${paragraph(text)}</w:tc>`

inWord('tables keep every cell in its column', [
  [
    'empty and merged cells',
    `<w:tbl><w:tr><w:trPr><w:tblHeader/></w:trPr>${cell('Ward')}${cell('Votes', '<w:gridSpan w:val="2"/>')}</w:tr><w:tr>${cell('Mill', '<w:vMerge w:val="restart"/>')}${cell('')}${cell('7')}</w:tr><w:tr>${cell('', '<w:vMerge/>')}${cell('8')}${cell('')}</w:tr></w:tbl>`,
    '| Ward | Votes |  |\n| Mill |  | 7 |\n| ″ | 8 |  |',
  ],
  [
    'rows in a control, and a table in a cell',
    `<w:tbl><w:sdt><w:sdtContent><w:tr>${cell('a')}<w:tc><w:tbl><w:tr>${cell('b')}${cell('c')}</w:tr></w:tbl>${paragraph('d')}</w:tc></w:tr></w:sdtContent></w:sdt></w:tbl>`,
    'a\n\n| b | c |\n\nd',
  ],
  [
    'rows that begin further in',
    `<w:tbl><w:tr>${cell('a')}${cell('b')}</w:tr><w:tr><w:trPr><w:gridBefore w:val="1"/></w:trPr>${cell('c')}</w:tr></w:tbl>`,
    '| a | b |\n|  | c |',
  ],
])

const numbering = (levels: string, more = '') =>
  `<w:abstractNum w:abstractNumId="0">${levels}</w:abstractNum><w:num w:numId="1"><w:abstractNumId w:val="0"/></w:num>${more}`
const level = (depth: number, format: string, text: string, start = 1) =>
  `<w:lvl w:ilvl="${depth}"><w:start w:val="${start}"/><w:numFmt w:val="${format}"/><w:lvlText w:val="${text}"/></w:lvl>`
const item = (text: string, depth = 0, list = 1) =>
  paragraph(text, `<w:numPr><w:ilvl w:val="${depth}"/><w:numId w:val="${list}"/></w:numPr>`)

inWord('lists and headings are counted as they are seen', [
  [
    'bullets',
    {
      body: item('bread') + item('work') + item('at night', 1),
      numbering: numbering(level(0, 'bullet', '•') + level(1, 'bullet', 'o')),
    },
    '- bread\n- work\n  - at night',
  ],
  [
    'numbers of numbers',
    {
      body:
        item('one') +
        item('one one', 1) +
        item('one two', 1) +
        paragraph('Between.') +
        item('two') +
        item('two one', 1),
      numbering: numbering(level(0, 'decimal', '%1.', 7) + level(1, 'lowerLetter', '%1.%2)')),
    },
    '7. one\n  7.a) one one\n  7.b) one two\n\nBetween.\n\n8. two\n  8.a) two one',
  ],
  [
    'a list that begins anew',
    {
      body: item('one') + item('two') + item('four', 0, 2),
      numbering: numbering(
        level(0, 'upperRoman', '(%1)'),
        '<w:num w:numId="2"><w:abstractNumId w:val="0"/><w:lvlOverride w:ilvl="0"><w:startOverride w:val="4"/></w:lvlOverride></w:num>',
      ),
    },
    '(I) one\n(II) two\n(IV) four',
  ],
  [
    'headings by their styles',
    {
      body:
        paragraph('The mill', '<w:pStyle w:val="T"/>') +
        paragraph(run('What happened', '<w:b/>'), '<w:pStyle w:val="H2"/>') +
        paragraph('Outlined', '<w:outlineLvl w:val="2"/>') +
        paragraph('He did.', '<w:pStyle w:val="Q"/>') +
        paragraph(run('Sub-head', '<w:b/>')),
      styles:
        '<w:style w:type="paragraph" w:styleId="T"><w:name w:val="Title"/></w:style><w:style w:type="paragraph" w:styleId="H2"><w:name w:val="heading 2"/><w:pPr><w:numPr><w:ilvl w:val="0"/><w:numId w:val="1"/></w:numPr></w:pPr></w:style><w:style w:type="paragraph" w:styleId="Q"><w:name w:val="Quote"/></w:style>',
      numbering: numbering(level(0, 'decimal', '%1.')),
    },
    '# The mill\n\n## 1. What happened\n\n### Outlined\n\n> He did.\n\n**Sub-head**',
  ],
])

const math = (content: string) => paragraph(`${run('so ')}<m:oMath>${content}</m:oMath>`)
const letter = (text: string) => `<m:r><m:t>${text}</m:t></m:r>`

inWord('equations are said in one line', [
  [
    'a power',
    math(`${letter('E=m')}<m:sSup><m:e>${letter('c')}</m:e><m:sup>${letter('2')}</m:sup></m:sSup>`),
    'so [equation: E=mc²]',
  ],
  [
    'a fraction',
    math(`<m:f><m:num>${letter('a+b')}</m:num><m:den>${letter('2')}</m:den></m:f>`),
    'so [equation: (a+b)/2]',
  ],
  ['a root', math(`<m:rad><m:deg/><m:e>${letter('x')}</m:e></m:rad>`), 'so [equation: √x]'],
  [
    'a sum of what is in brackets',
    math(
      `<m:nary><m:naryPr><m:chr m:val="∑"/></m:naryPr><m:sub>${letter('k=1')}</m:sub><m:sup>${letter('n')}</m:sup><m:e><m:d><m:dPr><m:begChr m:val="["/><m:endChr m:val="]"/></m:dPr><m:e>${letter('k')}</m:e></m:d></m:e></m:nary>`,
    ),
    'so [equation: ∑_(k=1)ⁿ [k]]',
  ],
])

const drawn = (content: string) => paragraph(`<w:r><w:drawing>${content}</w:drawing></w:r>`)

inWord('what cannot be said in characters is named in its place', [
  [
    'a picture',
    paragraph(
      `${run('See ')}<w:r><w:drawing><wp:inline><wp:docPr id="1" name="Picture 1" descr="the bridge"/><a:graphic><a:graphicData uri="x/picture"><pic:pic/></a:graphicData></a:graphic></wp:inline></w:drawing></w:r>${run(' here')}`,
    ),
    'See [picture: the bridge] here',
  ],
  [
    'a chart',
    drawn(
      '<wp:docPr title="Votes"/><a:graphicData uri="http://schemas.openxmlformats.org/drawingml/2006/chart"/>',
    ),
    '[chart: Votes]',
  ],
  [
    'an old picture',
    paragraph('<w:r><w:pict><v:shape alt="A lorry"><v:imagedata/></v:shape></w:pict></w:r>'),
    '[picture: A lorry]',
  ],
  [
    'an old equation',
    paragraph('<w:r><w:object><o:OLEObject ProgID="Equation.3"/></w:object></w:r>'),
    '[equation]',
  ],
  [
    'a line across the page',
    `${paragraph('a')}${paragraph('<w:r><w:pict><v:rect o:hr="t"/></w:pict></w:r>')}${paragraph('b')}`,
    'a\n\n* * *\n\nb',
  ],
  [
    'a box, once for programs of every age',
    paragraph(
      `${run('Beside.')}<w:r><mc:AlternateContent><mc:Choice Requires="wps"><w:drawing><wps:txbx><w:txbxContent>${paragraph('In a box.')}</w:txbxContent></wps:txbx></w:drawing></mc:Choice><mc:Fallback><w:pict><w:txbxContent>${paragraph('In a box.')}</w:txbxContent></w:pict></mc:Fallback></mc:AlternateContent></w:r>`,
    ) + paragraph('After.'),
    'Beside.\n\nIn a box.\n\nAfter.',
  ],
])

const field = (instruction: string, result: string) =>
  `<w:r><w:fldChar w:fldCharType="begin"/></w:r><w:r><w:instrText> ${instruction} </w:instrText></w:r><w:r><w:fldChar w:fldCharType="separate"/></w:r>${run(result)}<w:r><w:fldChar w:fldCharType="end"/></w:r>`

inWord('fields, links and controls are read for what they show', [
  [
    'links',
    {
      body: paragraph(
        `<w:hyperlink r:id="l1">${run('the register')}</w:hyperlink>${run(' and ')}${field('HYPERLINK "https://example.org/b"', 'a field')}${run(', ')}<w:fldSimple w:instr="PAGE">${run('3')}</w:fldSimple>`,
      ),
      links: { l1: 'https://example.org/a' },
    },
    '[the register](https://example.org/a) and [a field](https://example.org/b), 3',
  ],
  [
    'a link that leads nowhere',
    { body: paragraph(`<w:hyperlink r:id="l1">${run('here')}</w:hyperlink>`), links: { l1: 'javascript:x' } },
    'here',
  ],
  [
    'boxes of a form',
    paragraph(
      `<w:r><w:fldChar w:fldCharType="begin"><w:ffData><w:checkBox><w:default w:val="0"/><w:checked/></w:checkBox></w:ffData></w:fldChar></w:r><w:r><w:fldChar w:fldCharType="end"/></w:r>${run(' yes')}`,
    ),
    '[x] yes',
  ],
  [
    'controls and tags',
    `<w:sdt><w:sdtPr><w:text/></w:sdtPr><w:sdtContent>${paragraph(`<w:smartTag>${run('Kisumu')}</w:smartTag>`)}</w:sdtContent></w:sdt>`,
    'Kisumu',
  ],
])

const style = (name: string, properties: string, more = '') =>
  `<style:style style:name="${name}" style:family="text" ${more}><style:text-properties ${properties}/></style:style>`
const span = (name: string, text: string) => `<text:span text:style-name="${name}">${text}</text:span>`

inOpenDocument('characters keep their sense', [
  [
    'above, below and through the line',
    {
      text: `<text:p>10${span('U', '6')} H${span('D', '2')}O, it is ${span('S', 'not')} ${span('N', 'very')} safe</text:p>`,
      styles:
        style('U', 'style:text-position="super 58%"') +
        style('D', 'style:text-position="-33% 58%"') +
        style('S', 'style:text-line-through-style="solid"') +
        style('N', 'style:text-line-through-style="none"'),
    },
    '10⁶ H₂O, it is ~~not~~ very safe',
  ],
  [
    'styles within styles, and of styles',
    {
      text: `<text:p>${span('B', `Bold ${span('I', 'both')}`)} ${span('C', 'child')}</text:p>`,
      styles: style('I', 'fo:font-style="italic"') + style('C', '', 'style:parent-style-name="B"'),
      common: style('B', 'fo:font-weight="bold"'),
    },
    '**Bold *both*** **child**',
  ],
  [
    'blanks',
    '<text:p><text:tab/>Five<text:s text:c="5"/>blanks<text:line-break/>next \n line</text:p>',
    'Five     blanks\nnext line',
  ],
  [
    'signs of XML',
    '<text:p>a &lt; b &amp; &lt;b&gt;c&lt;/b&gt; # of dead</text:p>',
    'a < b & <b>c</b> # of dead',
  ],
  [
    'a reading',
    '<text:p><text:ruby><text:ruby-base>漢</text:ruby-base><text:ruby-text>kan</text:ruby-text></text:ruby></text:p>',
    '漢(kan)',
  ],
  [
    'symbols',
    {
      text: `<text:p>${span('W', 'J')}</text:p>`,
      styles: `<style:font-face style:name="W1" svg:font-family="Wingdings"/>${style('W', 'style:font-name="W1"')}`,
    },
    '☺',
  ],
])

inOpenDocument('changes, comments and what is hidden are not said as text', [
  [
    'comments',
    '<text:p>The clerk<office:annotation><dc:creator>Jane</dc:creator><dc:date>2026-11-01T10:00:00</dc:date><text:p>Check this.</text:p></office:annotation> knew<office:annotation-end/>.</text:p>',
    'The clerk[comment] knew.',
  ],
  [
    'tracked changes',
    '<text:tracked-changes><text:changed-region><text:deletion><office:change-info><dc:creator>J</dc:creator></office:change-info><text:p>gone</text:p></text:deletion></text:changed-region></text:tracked-changes><text:p>Here<text:change text:change-id="1"/> still.</text:p>',
    `Here still.${deletions}`,
  ],
  [
    'changes that only add',
    '<text:tracked-changes><text:changed-region><text:insertion/></text:changed-region></text:tracked-changes><text:p>Here.</text:p>',
    'Here.',
  ],
  [
    'hidden text',
    {
      text: `<text:p>Seen ${span('H', 'unseen')} again</text:p><text:section text:display="none"><text:p>Nobody</text:p></text:section><text:section><text:p>All</text:p></text:section>`,
      styles: style('H', 'text:display="none"'),
    },
    'Seen [hidden text] again\n\n[hidden text]\n\nAll',
  ],
])

const note = (label: string, text: string) =>
  `<text:note><text:note-citation>${label}</text:note-citation><text:note-body><text:p>${text}</text:p></text:note-body></text:note>`

inOpenDocument('notes stand at the end, and leave their mark in the sentence', [
  [
    'notes',
    `<text:p>Sold${note('1', 'The register.')} in 2019${note('i', 'Asked twice.')}.</text:p>`,
    'Sold[1] in 2019[i].\n\n* * *\n\n[1] The register.\n\n[i] Asked twice.',
  ],
  [
    'footers',
    {
      text: '<text:p>Words.</text:p>',
      common:
        '<style:master-page><style:footer><text:p>Draft of Jane</text:p></style:footer></style:master-page>',
    },
    'Words.\n\n* * *\n\n[footer: Draft of Jane]',
  ],
])

const tableCell = (text: string, more = '') =>
  `<table:table-cell ${more}><text:p>${text}</text:p></table:table-cell>`
const listItem = (content: string, more = '') => `<text:list-item ${more}>${content}</text:list-item>`

inOpenDocument('tables, lists and headings', [
  [
    'empty, merged and repeated cells',
    `<table:table><table:table-header-rows><table:table-row>${tableCell('Ward')}${tableCell('Votes', 'table:number-columns-spanned="2"')}<table:covered-table-cell/></table:table-row></table:table-header-rows><table:table-row>${tableCell('Mill', 'table:number-rows-spanned="2"')}${tableCell('')}${tableCell('7')}</table:table-row><table:table-row><table:covered-table-cell/>${tableCell('8', 'table:number-columns-repeated="2"')}</table:table-row></table:table>`,
    '| Ward | Votes |  |\n| Mill |  | 7 |\n| ″ | 8 | 8 |',
  ],
  [
    'a list of no style',
    `<text:list>${listItem('<text:p>bread</text:p>')}${listItem(`<text:p>work</text:p><text:list>${listItem('<text:p>at night</text:p>')}</text:list>`)}</text:list>`,
    '- bread\n- work\n  - at night',
  ],
  [
    'lists that are counted',
    {
      text: `<text:list text:style-name="L" xml:id="a">${listItem(`<text:p>one</text:p><text:list>${listItem('<text:p>sub</text:p>')}</text:list>`)}${listItem('<text:p>nine</text:p>', 'text:start-value="9"')}</text:list><text:p>Between.</text:p><text:list text:style-name="L" text:continue-list="a">${listItem('<text:p>ten</text:p>')}</text:list><text:list text:style-name="L">${listItem('<text:p>anew</text:p>')}</text:list>`,
      styles:
        '<text:list-style style:name="L"><text:list-level-style-number text:level="1" style:num-format="i" style:num-prefix="(" style:num-suffix=")"/><text:list-level-style-number text:level="2" style:num-format="a" style:num-suffix="." text:display-levels="2"/></text:list-style>',
    },
    '(i) one\n  i.a. sub\n(ix) nine\n\nBetween.\n\n(x) ten\n(i) anew',
  ],
  [
    'headings',
    {
      text: '<text:p text:style-name="Title">The mill</text:p><text:h text:outline-level="1">First</text:h><text:h text:outline-level="8">Deep</text:h><text:p text:style-name="P1">Sub-head</text:p><text:p text:style-name="Quotations">He did.</text:p>',
      styles:
        '<style:style style:name="P1" style:family="paragraph"><style:text-properties fo:font-weight="bold"/></style:style>',
      common:
        '<style:style style:name="Title" style:family="paragraph"/><style:style style:name="Quotations" style:family="paragraph"/><text:outline-style><text:outline-level-style text:level="1" style:num-format="1" style:num-suffix="."/></text:outline-style>',
    },
    '# The mill\n\n# 1. First\n\n###### Deep\n\n**Sub-head**\n\n> He did.',
  ],
])

inOpenDocument('what cannot be said in characters is named in its place', [
  [
    'a picture',
    '<text:p>See <draw:frame draw:name="Image1"><draw:image/><svg:title>Lorry</svg:title><svg:desc>A lorry at the gate</svg:desc></draw:frame> here</text:p>',
    'See [picture: A lorry at the gate] here',
  ],
  [
    'a box',
    '<text:p><draw:frame><draw:text-box><text:p>In a box.</text:p></draw:text-box></draw:frame>Beside.</text:p><text:p>After.</text:p>',
    'Beside.\n\nIn a box.\n\nAfter.',
  ],
  [
    'a shape',
    '<text:p>a<draw:custom-shape><text:p>In a shape.</text:p><draw:enhanced-geometry/></draw:custom-shape></text:p><text:p><draw:line/></text:p>',
    'a\n\nIn a shape.\n\n[drawing]',
  ],
  [
    'an equation',
    '<text:p>so <draw:frame><draw:object><math><mi>a</mi><mo>+</mo><msup><mi>b</mi><mn>2</mn></msup></math></draw:object></draw:frame></text:p>',
    'so [equation: a+b²]',
  ],
  [
    'what is embedded',
    '<text:p><draw:frame><draw:object xlink:href="./Object 1"/><svg:title>Votes</svg:title></draw:frame><draw:frame><draw:object-ole/></draw:frame></text:p>',
    '[embedded object: Votes][embedded object]',
  ],
])

test('an embedded equation is a document within the document', async () => {
  const text = '<text:p>so <draw:frame><draw:object xlink:href="./Object 1"/></draw:frame></text:p>'
  const document = await zipOf({
    'content.xml': `<office:document-content><office:body><office:text>${text}</office:text></office:body></office:document-content>`,
    'Object 1/content.xml':
      '<math xmlns="http://www.w3.org/1998/Math/MathML"><mfrac><mn>1</mn><mi>n</mi></mfrac></math>',
  })
  assert.equal(await textOf('article.odt', document), 'so [equation: 1/n]')
})

test('a document in UTF-16, and one whose parts are named from its root', async () => {
  const xml = `<w:document><w:body>${paragraph('Habari ya mto — ўзбек')}</w:body></w:document>`
  const utf16 = Buffer.concat([Buffer.from([0xff, 0xfe]), Buffer.from(xml, 'utf16le')])
  assert.equal(await textOf('a.docx', zipOf({ 'word/document.xml': utf16 })), 'Habari ya mto — ўзбек')
  const elsewhere = await zipOf({
    '_rels/.rels':
      '<Relationships><Relationship Id="r" Type="http://purl.oclc.org/ooxml/officeDocument/relationships/officeDocument" Target="/text/main.xml"/></Relationships>',
    'text/main.xml': xml,
  })
  assert.equal(await textOf('a.docx', elsewhere), 'Habari ya mto — ўзбек')
})

test('a stranger’s XML does no harm: entities stay as they are, and depth costs no words', async () => {
  const bomb = '<!DOCTYPE x [<!ENTITY a "aaaaaaaaaa"><!ENTITY f SYSTEM "file:///etc/passwd">]>'
  const xml = `${bomb}<w:document><w:body>${paragraph('&a;&f; and so on')}</w:body></w:document>`
  assert.equal(await textOf('a.docx', zipOf({ 'word/document.xml': xml })), '&a;&f; and so on')
  const deep = `${'<w:sdt>'.repeat(3000)}${paragraph('deep words')}${'</w:sdt>'.repeat(3000)}${paragraph('end')}`
  assert.equal(await textOf('a.docx', wordDocument({ body: deep })), 'deep words\n\nend')
  const sections = `${'<text:section>'.repeat(3000)}<text:p>deep words</text:p>${'</text:section>'.repeat(3000)}<text:p>end</text:p>`
  assert.equal(await textOf('a.odt', openDocument({ text: sections })), 'deep words\n\nend')
  assert.equal(await textOf('a.docx', zipOf({ 'other.xml': '<a/>' })), undefined)
  const itself = paragraph('<w:r><w:footnoteReference w:id="1"/></w:r>'.repeat(2))
  const footnotes = `<w:footnote w:id="1">${itself}</w:footnote>`
  assert.match((await textOf('a.docx', wordDocument({ body: itself, footnotes }))) ?? '', /^\[1\]\[4\]\n/)
})

test('a document that is longer than a piece may be is cut at its end, and says so', async () => {
  const text = await textOf('a.docx', wordDocument({ body: paragraph('words and words').repeat(10_000) }))
  assert.ok(text && text.length <= 100_000)
  assert.match(text, /^words and words\n\n/)
  assert.match(text, /\n\n\[This is longer than a piece may be\. The rest is in the document\.\]$/)
  const one = await textOf('a.odt', openDocument({ text: `<text:p>${'words '.repeat(30_000)}</text:p>` }))
  assert.ok(one && one.length > 90_000 && one.length <= 100_000)
  assert.match(one, /The rest is in the document\.\]$/)
})

const looks = ['', '<w:b/>', '<w:i/><w:b/>', '<w:strike/>', '<w:rFonts w:ascii="Arial"/>']
const runs = fc.array(
  fc.tuple(
    fc.string({ unit: fc.constantFrom(...'abé漢*_#>-|~[]()1. \t'), maxLength: 8 }),
    fc.constantFrom(...looks),
  ),
  { maxLength: 5 },
)

test('whatever the runs, no character of a document is lost or comes in another order', async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(runs, { minLength: 1, maxLength: 5 }), async (paragraphs) => {
      const body = paragraphs
        .map((one) => paragraph(one.map(([text, look]) => run(text, look)).join('') || '<w:r/>'))
        .join('')
      const said = [...((await textOf('a.docx', wordDocument({ body }))) ?? '').replace(/\s/g, '')]
      let at = 0
      for (const character of paragraphs
        .flat()
        .map(([text]) => text)
        .join('')
        .replace(/\s/g, '')) {
        at = said.indexOf(character, at) + 1
        assert.ok(at > 0, `${character} is missing`)
      }
    }),
    { numRuns: 100 },
  )
})
