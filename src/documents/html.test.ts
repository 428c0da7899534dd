import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { formattedOfHtml, textOfHtml } from './html.ts'

/** HTML, and the text that it says. */
type Case = [html: string, text: string]

function sayTheSame(what: string, cases: Case[]): void {
  test(what, () => {
    for (const [html, text] of cases) assert.equal(textOfHtml(html), text, html)
  })
}

sayTheSame('digits above and below the line stay apart from those beside them', [
  ['<p>It cost 10<sup>6</sup> shillings.</p>', 'It cost 10⁶ shillings.'],
  ['<p>2<sup>-3</sup> and x<sup>(n+1)</sup></p>', '2⁻³ and x⁽ⁿ⁺¹⁾'],
  ['<p>CO<sub>2</sub> and x<sub>max</sub></p>', 'CO₂ and x~max~'],
  ['<p>10<span style="vertical-align: super">9</span></p>', '10⁹'],
  ['<p>a<sup>b</sup></p>', 'a^b^'],
  ['<p>the 5<sup>th</sup> and the 21<sup>st</sup></p>', 'the 5th and the 21st'],
  ['<p>knew<sup><a href="#n1">12</a></sup> of it<sup>[3]</sup></p>', 'knew¹² of it[3]'],
  ['<p><sup>10<sup>6</sup></sup></p>', '¹⁰⁶'],
])

sayTheSame('what is struck out is marked, and what was put in its place is said', [
  ['<p>It is <s>not</s> safe.</p>', 'It is ~~not~~ safe.'],
  [
    '<p>It is <strike>not</strike> <del>never</del> <ins>always</ins> safe.</p>',
    'It is ~~not~~ ~~never~~ always safe.',
  ],
  ['<p>It is <span style="text-decoration:line-through">not</span> safe.</p>', 'It is ~~not~~ safe.'],
  [
    '<p>It is <span style="text-decoration-line:underline line-through">not </span>safe.</p>',
    'It is ~~not~~ safe.',
  ],
  [
    '<style>span.s2 {text-decoration: line-through}</style><p>It is <span class="s2">not</span> safe.</p>',
    'It is ~~not~~ safe.',
  ],
  [
    '<style>@media print {.s2 {text-decoration: line-through}}</style><p class="s2">It is safe.</p>',
    'It is safe.',
  ],
  ['<p>It is <s>not</s><s> at all</s> safe.</p>', 'It is ~~not at all~~ safe.'],
  ['<p>~~ 5</p>', '~~ 5'],
])

sayTheSame('emphasis is what the reader sees, whichever way it is written', [
  ['<p>It <b>must</b> <i>stay</i>, <strong><em>now</em></strong>.</p>', 'It **must** *stay*, ***now***.'],
  ['<p><span style="font-weight:700">Sub-head</span></p><p>Words.</p>', '**Sub-head**\n\nWords.'],
  ['<b style="font-weight:normal"><p>Pasted from elsewhere.</p></b>', 'Pasted from elsewhere.'],
  ['<b><p>One</p><p>Two</p></b>', '**One**\n\n**Two**'],
  ['<p>un<b>believ</b>able, <b> so </b>it is<b> </b>.</p>', 'un**believ**able, **so** it is .'],
  ['<h2><b>All of it</b></h2><h3>A <b>part</b></h3>', '## All of it\n\n### A **part**'],
])

sayTheSame('a table keeps every cell in its column', [
  [
    '<table><tr><td>Ward</td><td>Votes</td><td>Spoilt</td></tr><tr><td>Mill</td><td>1,200</td><td></td></tr><tr><td>Lake</td><td>&nbsp;</td><td>7</td></tr></table>',
    '| Ward | Votes | Spoilt |\n| Mill | 1,200 |  |\n| Lake |  | 7 |',
  ],
  [
    '<table class=MsoTableGrid><tr><td><p class=MsoNormal>Mill<o:p></o:p></p></td><td><p><o:p>&nbsp;</o:p></p></td></tr><tr><td><p>&nbsp;</p></td><td><p>7</p></td></tr></table>',
    '| Mill |  |\n|  | 7 |',
  ],
  ['<table><caption>Results</caption><tr><th>A<th>B<tr><td>1<td></table>', 'Results\n\n| A | B |\n| 1 |  |'],
  [
    '<table><tr><th colspan=2>Votes</th><th>Turnout</th></tr><tr><td>valid</td><td>spoilt</td><td>61%</td></tr></table>',
    '| Votes |  | Turnout |\n| valid | spoilt | 61% |',
  ],
  [
    '<table><tr><td rowspan=2>Kisumu</td><td>5</td></tr><tr><td>7</td></tr><tr><td>Nakuru</td><td>9</td></tr></table>',
    '| Kisumu | 5 |\n| ″ | 7 |\n| Nakuru | 9 |',
  ],
  [
    '<table><tr><td>Mill</td><td><p>1,200</p><p>(recount)</p></td></tr><tr><td>Lake</td><td><ul><li>7<li>8</ul></td></tr></table>',
    '| Mill | 1,200 / (recount) |\n| Lake | - 7 / - 8 |',
  ],
  [
    '<table><tbody style="text-decoration:line-through"><tr><td>a</td><td>b</td></tr><tr><td>c</td><td>d</td></tr></table>',
    '| ~~a~~ | ~~b~~ |\n| ~~c~~ | ~~d~~ |',
  ],
  [
    '<table><tr><td>a</td>stray<td>b</td></tr><tr><td>c</td><td>d</td></tr></table>',
    'stray\n\n| a | b |\n| c | d |',
  ],
])

sayTheSame('a table that only places things on the page is read one after the other', [
  ['<table><tr><td><h2>Head</h2><p>One.</p><p>Two.</p></td></tr></table>', '## Head\n\nOne.\n\nTwo.'],
  [
    '<table role=presentation><tr><td>One</td><td>Two</td></tr><tr><td>Three</td></tr></table>',
    'One\n\nTwo\n\nThree',
  ],
  [
    '<table><tr><td width=20></td><td><p>One</p></td><td></td></tr><tr><td></td><td><p>Two</p></td></tr></table>',
    'One\n\nTwo',
  ],
  [
    '<table><tr><td><table><tr><td>a</td><td>b</td></tr><tr><td>c</td><td>d</td></tr></table></td><td>side</td></tr></table>',
    '| a | b |\n| c | d |\n\nside',
  ],
  ['<table><tr><td>Left<br>lines</td><td>Right<br>lines</td></tr></table>', 'Left\nlines\n\nRight\nlines'],
])

sayTheSame('lists are counted as they are seen', [
  ['<ul><li>bread</li><li>work<ul><li>at night</li></ul></li></ul>', '- bread\n- work\n  - at night'],
  ['<ol start=3><li>x</li><li>y</li></ol>', '3. x\n4. y'],
  ['<ol type=a><li>x</li><li value=26>y</li><li>z</li></ol>', 'a. x\nz. y\naa. z'],
  ['<ol style="list-style-type:upper-roman" start=4><li>x<li>y</ol>', 'IV. x\nV. y'],
  ['<ol reversed><li>x<li>y</ol>', '2. x\n1. y'],
  ['<ol><li>x<ol type=i><li>y</ol><li>z</ol>', '1. x\n  i. y\n2. z'],
  ['<ul><li><p>one</p><p>more of it</p></li><li>two</li></ul>', '- one\n  more of it\n- two'],
  ['<ol><li>one<br>line two</li></ol>', '1. one\n   line two'],
  ['<dl><dt>Term</dt><dd>Meaning</dd></dl>', 'Term\nMeaning'],
])

sayTheSame('what cannot be said in characters is named in its place', [
  ['<img src="https://example.org/a.png">', '[picture]'],
  ['<p>See <img src="cid:1" alt="the broken bridge"> here.</p>', 'See [picture: the broken bridge] here.'],
  [
    '<figure><img alt="A lorry"><figcaption>At the gate</figcaption></figure>',
    '[picture: A lorry]\nAt the gate',
  ],
  ['<p>Yes <img alt="😀"></p>', 'Yes 😀'],
  ['<p>x</p><img width=1 height=1 src="https://example.org/seen.gif">', 'x'],
  ['<svg><title>Votes by ward</title><text>12</text></svg>', '[picture: Votes by ward]'],
  [
    '<video title="Clip"><source src="https://example.org/1.mp4"></video>',
    '[video: Clip, https://example.org/1.mp4]',
  ],
  ['<audio src="blob:1"></audio>', '[audio]'],
  ['<iframe src="https://example.org/map"></iframe>', '[frame: https://example.org/map]'],
  ['<object data="a.swf"></object><object><p>Other words</p></object>', '[object]\n\nOther words'],
  [
    '<p>a<span hidden>b</span></p><div style="DISPLAY: none !important">c</div>',
    'a[hidden text]\n\n[hidden text]',
  ],
  ['<div style="display:none">&nbsp; </div><p>x</p>', 'x'],
])

sayTheSame('an equation is said in one line', [
  ['<math><mi>E</mi><mo>=</mo><mi>m</mi><msup><mi>c</mi><mn>2</mn></msup></math>', '[equation: E=mc²]'],
  ['<math alttext="E=mc^2"><mi>E</mi></math>', '[equation: E=mc^2]'],
  [
    '<math><mfrac><mn>1</mn><mrow><mi>n</mi><mo>+</mo><mn>1</mn></mrow></mfrac></math>',
    '[equation: 1/(n+1)]',
  ],
  ['<math><msqrt><mi>x</mi><mo>+</mo><mi>y</mi></msqrt></math>', '[equation: √(x+y)]'],
  ['<math><msubsup><mi>x</mi><mi>k</mi><mi>p</mi></msubsup></math>', '[equation: x_k^p]'],
  [
    '<math><semantics><mrow><mi>a</mi></mrow><annotation encoding="application/x-tex">a</annotation></semantics></math>',
    '[equation: a]',
  ],
])

sayTheSame('blanks and line breaks are as they are seen', [
  ['a<br><br>b<br>c', 'a\n\nb\nc'],
  ['<div>a</div><div>b</div><div><br></div><div>c</div>', 'a\nb\n\nc'],
  ['<div>a</div><div>&nbsp;</div><div>b</div>', 'a\n\nb'],
  ['<p>a<br></p><p> b  \n c </p>', 'a\n\nb c'],
  ['<pre>a  b\n\n   c\n</pre>', 'a  b\n\n   c'],
  ['<p style="white-space: pre-wrap">a  b\n   c</p>', 'a  b\n   c'],
  ['<textarea>one\ntwo</textarea>', 'one\ntwo'],
  ['<details><summary>More</summary>Words</details>', 'More\nWords'],
  ['<p>a</p><hr><p>b</p>', 'a\n\n* * *\n\nb'],
])

sayTheSame('marks that programs make are the marks that people see', [
  ['<p>He said <q>I saw <q>it</q></q>.</p>', 'He said “I saw ‘it’”.'],
  ['<ruby>漢<rt>kan</rt></ruby><ruby>字<rp>(</rp><rt>ji</rt><rp>)</rp></ruby>', '漢(kan)字(ji)'],
  [
    '<p>Thanks <span style="font-family:Wingdings">J</span> <font face="Wingdings">à</font></p>',
    'Thanks ☺ →',
  ],
  ['<p style="font-family:Symbol">·<span style="font-family:Arial">&nbsp;Just</span></p>', '•\u00A0Just'],
  [
    '<p>Name: <input value="Jane"> <input type=checkbox checked> yes <input type=hidden value=k></p>',
    'Name: Jane [x] yes',
  ],
  ['<select><option>One<option selected>Two</select>', 'Two'],
  ['<p>&amp;copy; &copy; &lt;b&gt; &#8364;</p>', '&copy; © <b> €'],
  [
    '<blockquote><p>One</p><blockquote>Two</blockquote></blockquote><p>Three</p>',
    '> One\n>\n> > Two\n\nThree',
  ],
  [
    '<p><a href="tel:+254700000000">Call me</a> <a href="javascript:x()">here</a></p>',
    '[Call me](tel:+254700000000) here',
  ],
])

sayTheSame('characters of the text are none of ours', [
  [
    '<p># of dead: 5</p><p>1. April 2024</p><p>- he said</p><p>*stars* _under_ `code` [b](no) &lt;tag&gt; 3 * 4 \\ a|b</p><p>&gt; greater</p><p>====</p>',
    '# of dead: 5\n\n1. April 2024\n\n- he said\n\n*stars* _under_ `code` [b](no) <tag> 3 * 4 \\ a|b\n\n> greater\n\n====',
  ],
])

test('they are none of ours where the formatting is shown either', () => {
  const blocks = formattedOfHtml(
    '<p># of dead: 5</p><p>1. April</p><p>&gt; 5</p><p>*stars* ~~waves~~ **more**</p>',
  )
  assert.deepEqual(
    blocks,
    ['# of dead: 5', '1. April', '> 5', '*stars* ~~waves~~ **more**'].map((text) => ({
      kind: 'paragraph',
      runs: [{ text }],
    })),
  )
})

test('what is left out for its size or its depth is said', () => {
  const said = /left out here: it is too long, or too deeply nested. It is in the original mail/
  const nested = (depth: number) =>
    `<p>first</p>${'<div>'.repeat(depth)}<p>deep <b>words</b></p>${'</div>'.repeat(depth)}<p>last</p>`
  assert.equal(textOfHtml(nested(1000)), 'first\n\ndeep words\n\nlast')
  assert.match(textOfHtml(nested(3000)), /^first/)
  assert.match(textOfHtml(nested(3000)), said)
  const long = textOfHtml('<p>words</p>'.repeat(100_000))
  assert.match(long, /^words/)
  assert.match(long, said)
})

/** Markup of every kind around words, with the words in their order. */
type Tree = { html: string; words: string }

const words = fc
  .string({ unit: fc.constantFrom(...'abé漢 *_#>-|~`[]()\\1.+=&<\n\t"'), minLength: 1, maxLength: 12 })
  .map((text): Tree => ({ html: text.replaceAll('&', '&amp;').replaceAll('<', '&lt;'), words: text }))

const elements =
  'p div b i s u span h2 h3 blockquote ul ol li table tr td th pre section center font code em dl dt dd details summary caption tbody article form label a q'
const { tree } = fc.letrec<{ tree: Tree }>((tie) => ({
  tree: fc.oneof(
    { maxDepth: 6 },
    words,
    fc
      .tuple(fc.constantFrom(...elements.split(' ')), fc.array(tie('tree'), { maxLength: 4 }))
      .map(([name, inner]) => ({
        html: `<${name}>${inner.map(({ html }) => html).join('')}</${name}>`,
        words: inner.map((one) => one.words).join(''),
      })),
  ),
}))

function inked(text: string): string[] {
  return [...text.replace(/\s/gu, '')].sort()
}

/** Every character is among the others, as often as it was. */
function holdsAll(text: string, characters: string[]): boolean {
  const there = inked(text)
  let at = 0
  return characters.every((character) => {
    while (at < there.length && (there[at] ?? '') < character) at += 1
    at += 1
    return there[at - 1] === character
  })
}

test('whatever the markup, no character is lost, in what is written or in what is shown', () => {
  fc.assert(
    fc.property(fc.array(tree, { maxLength: 6 }), (trees) => {
      const html = trees.map((one) => one.html).join('')
      const characters = inked(trees.map((one) => one.words).join(''))
      assert.ok(holdsAll(textOfHtml(html), characters), html)
      const shown = formattedOfHtml(html)
        .flatMap((block) =>
          'runs' in block ? block.runs : 'rows' in block ? block.rows.flat().flatMap(({ runs }) => runs) : [],
        )
        .map(({ text }) => text)
      assert.ok(holdsAll(shown.join(''), characters), html)
    }),
    { numRuns: 2000 },
  )
})

test('hostile HTML takes no longer than as much text', () => {
  const size = 300_000
  const much = (section: string, characters = size) => section.repeat(Math.ceil(characters / section.length))
  const hostile = [
    ...[
      '<p>',
      '<b>x</b>',
      '<td>',
      '<table><tr><td>',
      '<sup>x</sup>',
      '<blockquote>',
      '<ul><li>',
      '<br>',
      '<',
      '&nbsp;',
      '<!--',
    ].map((section) => much(section)),
    `${much('<i>', size / 2)}${much('</b>', size / 2)}`,
    `<table>${much('<tr><td rowspan=65000 colspan=1000>x')}`,
    `<table><tr>${much('<td rowspan=65000>x', 2000)}${much('<tr>')}`,
    `<pre>${much(' \n')}`,
    `a${much(' ')}b`,
    `<p style="${much(';')}">x`,
    `<style>${much('.a{b:c}')}</style><p class=a>x`,
    `<math>${much('<mfrac><mi>x</mi>')}`,
  ]
  for (const html of hostile) {
    const begun = performance.now()
    formattedOfHtml(html)
    const took = performance.now() - begun
    assert.ok(took < 5000, `${html.slice(0, 40)} took ${took} ms`)
  }
})
