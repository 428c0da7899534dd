import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import type { Formatted } from '../../submissions/formatted-text.ts'
import { pageRenderer, readAssets } from '../../web/pages.ts'
import { articleOf } from './article-blocks.ts'
import { typed } from './typed-text.ts'

const render = pageRenderer(
  { base: '', host: 'both', letterbox: '', newsroom: 'The Newsroom', onionUrl: undefined },
  readAssets(),
)

function shown(body: string, formatted?: Formatted): string {
  const content = { fields: { body }, files: {}, ...(formatted && { email: { formatted } }) }
  return render('desk/article', { article: articleOf(content) })
}

/** What a reader of the page sees, without blanks. */
function seen(page: string): string {
  return page
    .replace(/<[^>]*>/g, '')
    .replace(/&(?:lt|gt|quot|amp|#39);/g, (entity) => entities[entity] ?? '')
    .replace(/\s/g, '')
}

const entities: Record<string, string> = {
  '&lt;': '<',
  '&gt;': '>',
  '&quot;': '"',
  '&amp;': '&',
  '&#39;': "'",
}

test('what people type is shown as they typed it', () => {
  const lines = [
    '# of dead: 5',
    '1986. A great year',
    '- 5 degrees',
    '> 5 dead',
    '2 * 3 * 4, 2**3**4, f**k this, *stars*, _under_, snake_case_name, __init__',
    '\\backslash\\ &amp; <b>tag</b> <!-- x --> `code` ~~~',
    '[1]: https://example.org/register "A title"',
    '[words](https://example.org) ![picture](https://example.org/a.png) <https://example.org>',
    '| Ward | Votes |',
    '|------|-------|',
    'Title',
    '=====',
    '```',
    '* * *',
  ]
  for (const body of [...lines, lines.join('\n'), lines.join('\n\n'), `${lines.join('\n')}\n`])
    assert.equal(seen(shown(body)), body.replace(/\s/g, ''), body)
})

test('blanks at the beginning of a line are kept, and are no sign of anything', () => {
  assert.equal(
    shown('\tA tab before it,\n    and four blanks.\n\n    Four again.'),
    '<div class="set">\n<p dir="auto">\tA tab before it,\n    and four blanks.</p>\n<p dir="auto">    Four again.</p>\n</div>\n',
  )
})

test('whatever is typed, every character is shown, but for marks that nobody types by accident', () => {
  const character = fc.constantFrom(...'ab5é漢#*_->|~`[]()\\!<>&"\'.:=+ \t\n\n')
  fc.assert(
    fc.property(fc.string({ unit: character, maxLength: 200 }), (body) => {
      const text = seen(shown(body))
      const whole = body.replace(/\s/g, '')
      if (!/^##|\*\*/m.test(body)) return assert.equal(text, whole)
      assert.equal(text.replace(/[#*]/g, ''), whole.replace(/[#*]/g, ''))
    }),
    { numRuns: 1000 },
  )
})

test('words between two stars on each side are strong, and lines after two hashes are headings', () => {
  assert.equal(
    shown('## What was promised\n\nIt **must** stay, **now**. 2**3**4 ** x ** (**) and (**)'),
    '<div class="set">\n<h2 dir="auto">What was promised</h2>\n<p dir="auto">It <strong>must</strong> stay, <strong>now</strong>. 2**3**4 ** x ** (**) and (**)</p>\n</div>\n',
  )
})

const long =
  'A paragraph of an article, which goes on for so long that nobody would take it for a heading of anything. '

test('a short line by itself above a paragraph is set as a heading', () => {
  const headings = (text: string) =>
    typed(text).flatMap((block) => (block.kind === 'heading' ? block.runs.map((run) => run.text) : []))
  assert.deepEqual(headings(`${long}\n\nChina-US relations\n\n${long}\n\nWhat next?\n\n${long}`), [
    'China-US relations',
    'What next?',
  ])
  // Pasted without empty lines.
  assert.deepEqual(headings(`${long}\nChina-US relations\n${long}`), ['China-US relations'])
  // Sentences, items, the lines of a verse or an address, what ends the text and what begins it.
  for (const none of [
    `${long}\n\nHe said no.\n\n${long}`,
    `${long}\n\n- bread\n\n${long}`,
    `${long}\n\n5,000\n\n${long}`,
    `${long}\n\nKind regards\n\nJane`,
    `Dear editor\n\n${long}`,
    'The owl and the pussycat\nwent to sea\nin a beautiful pea-green boat',
  ])
    assert.deepEqual(headings(none), [], none)
  // Nothing is moved into another line by it.
  const page = shown(`${long}\nChina-US relations\n${long}`)
  assert.match(page, /<h2 dir="auto">China-US relations<\/h2>/)
})

test('so is a short paragraph of an article whose headings are marked as none', () => {
  const paragraph = (text: string): Formatted[number] => ({ kind: 'paragraph', runs: [{ text }] })
  const article = [
    paragraph(long),
    paragraph('China-US relations'),
    paragraph(long),
    paragraph('He said no.'),
    paragraph(long),
    paragraph('Jane Mwangi\nEditor'),
    paragraph(long),
  ]
  assert.equal(
    shown('', article)
      .match(/<h2[^>]*>[^<]*/g)
      ?.join(),
    '<h2 dir="auto">China-US relations',
  )
  const marked: Formatted = [{ kind: 'heading', level: 2, runs: [{ text: 'Marked' }] }, ...article]
  assert.equal(
    shown('', marked)
      .match(/<h2[^>]*>[^<]*/g)
      ?.join(),
    '<h2 dir="auto">Marked',
  )
})

test('formatting is shown as it came, and says what it must in characters too', () => {
  const page = shown('', [
    { kind: 'heading', level: 1, runs: [{ text: '<The> mill' }] },
    { kind: 'heading', level: 4, runs: [{ text: 'Below' }] },
    {
      kind: 'paragraph',
      runs: [
        { text: 'It is ' },
        { text: 'not ', isStruck: true },
        { text: 'ever', isStruck: true, isStrong: true },
        { text: ' safe', href: 'https://example.org/?a&b' },
      ],
    },
    { kind: 'paragraph', indent: 2, marker: 'iv.', runs: [{ text: 'item' }] },
    { kind: 'paragraph', quoted: 2, runs: [{ text: 'He did.' }] },
    { kind: 'preformatted', runs: [{ text: 'a  b\n c' }] },
    { kind: 'table', rows: [[{ runs: [{ text: 'Ward' }], isHeading: true }, { runs: [] }]] },
    { kind: 'rule' },
  ])
  for (const expected of [
    '<h2 dir="auto">&lt;The&gt; mill</h2>',
    '<h3 dir="auto">Below</h3>',
    '<p dir="auto">It is ~~<s>not </s><strong><s>ever</s>~~</strong><a href="https://example.org/?a&amp;b" rel="noreferrer noopener nofollow" target="_blank"> safe</a></p>',
    '<p dir="auto" class="in-2 item"><span class="marker">iv.</span> item</p>',
    '<blockquote><blockquote><p dir="auto">He did.</p>\n</blockquote></blockquote>',
    '<pre tabindex="0">a  b\n c</pre>',
    '<tr><th dir="auto">Ward</th><td dir="auto"></td></tr>',
    '<hr>',
  ])
    assert.ok(page.includes(expected), `${expected} in ${page}`)
})
