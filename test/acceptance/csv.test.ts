import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { cellOf } from '../../src/export/csv-cell.ts'
import { openNewsroom } from '../support/newsroom.ts'
import { storyAngle } from '../support/submissions.ts'

const calculated = ['=', '+', '-', '@', '＝', '＋', '－', '＠', '﹦', '﹢', '﹣', '﹫']

/** The cells that a program reads which takes this for the separator, and knows of quotes at the beginning of a cell only. */
function cellsOf(csv: string, separator: string): string[] {
  const cells: string[] = []
  let cell = ''
  let isQuoted = false
  let isBeginning = true
  for (let at = 0; at < csv.length; at++) {
    const letter = csv[at] as string
    if (isBeginning && letter === '"') isQuoted = true
    else if (isQuoted && letter === '"' && csv[at + 1] === '"') cell += csv[at++]
    else if (isQuoted && letter === '"') isQuoted = false
    else if (!isQuoted && (letter === separator || letter === '\n' || letter === '\r')) {
      cells.push(cell)
      cell = ''
      isBeginning = true
      continue
    } else cell += letter
    isBeginning = false
  }
  return [...cells, cell]
}

/** As spreadsheets do: blanks, quotes and what is not seen are passed over. */
function isFormula(cell: string): boolean {
  const seen = cell.replace(/^[\s"\p{Cc}\p{Default_Ignorable_Code_Point}]+/u, '')
  return calculated.some((sign) => seen.startsWith(sign))
}

const hostile = [
  ...calculated.flatMap((sign) => [`${sign}1+1`, ` ${sign}1`, `"${sign}1`, `\u200b${sign}1`, `a;${sign}1`]),
  'a;=1+1',
  'a; \t"=1+1',
  'a;"=1+1&"',
  'a\t=1+1',
  'a;;=1',
  'a\n=1+1',
  'a\r\n@SUM(1)',
  'a\u2028=1',
  '\0=1+1',
  'a;\0=1',
  '\ufeff=1+1',
  '";=1+1;"',
  '","=1+1',
  '=HYPERLINK("https://example.org";"a")',
]

test('no cell of a list is a formula, whatever separates the cells for whoever reads it', async (t) => {
  const newsroom = await openNewsroom(t)
  const cookie = await newsroom.signIn()
  for (const text of hostile) {
    // One line only, as titles and names are.
    const line = `${text.replace(/[\r\n\u2028\0]+/g, ' ')}xxx`
    await newsroom.submit('story-angle', { ...storyAngle(), title: line, name: line })
  }
  const { body } = await newsroom
    .http()
    .get('/desk/export.csv?view=all')
    .set('cookie', cookie)
    .buffer(true)
    .parse((response, done) => {
      let whole = ''
      response.on('data', (submission) => (whole += submission))
      response.on('end', () => done(null, whole))
    })
  const csv = String(body).replace(/^\ufeff/, '')
  for (const separator of [',', ';', '\t'])
    for (const cell of cellsOf(csv, separator))
      assert.ok(!isFormula(cell), `${JSON.stringify(separator)}: ${cell}`)
  // Nobody's words are changed where they are exact.
  const json = await newsroom.http().get('/desk/export.json?view=all').set('cookie', cookie)
  const titles = (json.body as { title: string }[]).map(({ title }) => title)
  assert.ok(titles.includes('a;=1+1xxx'))
})

test('whatever stands in a cell, no part of it is a formula, and nothing is lost from it', () => {
  const bits = fc.constantFrom(
    ...calculated,
    ';',
    ',',
    '\t',
    '\n',
    '\r',
    '"',
    "'",
    ' ',
    '\u200b',
    '\0',
    'a',
    '1',
  )
  fc.assert(
    fc.property(fc.array(bits), (parts) => {
      const text = parts.join('')
      const cell = cellOf(text)
      const line = `"x","${cell.replaceAll('"', '""')}","y"`
      for (const separator of [';', '\t', ','])
        for (const one of cellsOf(line, separator))
          assert.ok(!isFormula(one), JSON.stringify([text, separator]))
      assert.equal(cell.replaceAll("'", ''), text.replaceAll("'", '').replaceAll('\0', ''))
    }),
    { numRuns: 3000 },
  )
})

test('ordinary words stay as they are', () => {
  for (const text of [
    'The bridge – closed, -3 degrees',
    'Amina W. Mwangi <amina@example.org>',
    "It's 5 + 5; that is 10",
    'a - b = c',
    'first;second',
    'Élan “vital”',
  ])
    assert.equal(cellOf(text), text)
})
