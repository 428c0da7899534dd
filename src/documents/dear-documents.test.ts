import assert from 'node:assert/strict'
import { Readable } from 'node:stream'
import { test } from 'node:test'
import { openDocument, paragraph, run, textOf, wordDocument, zipOf } from '../../test/support/documents.ts'
import { stepsOf } from '../../test/support/steps.ts'
import { mailReader } from '../channels/email/parser-pool.ts'
import { fairTurns } from '../core/fair-turns.ts'

type Hostile = (size: number) => Promise<Buffer> | Buffer

const times = (count: number, write: (i: number) => string) =>
  Array.from({ length: count }, (_, i) => write(i)).join('')
const nested = (depth: number, open: string, close: string, within: string) =>
  open.repeat(depth) + within + close.repeat(depth)
const cell = (within: string, more = '') => `<table:table-cell ${more}>${within}</table:table-cell>`
const table = (within: string) => `<table:table><table:table-row>${within}</table:table-row></table:table>`
const wordCell = (within: string) => `<w:tc>${within}</w:tc>`
const tracked = (n: number) => `<text:p text:style-name="S">${n}</text:p>`

/** Documents that grow with their size, in every way in which reading them might cost more than that. */
const openDocuments: Record<string, Hostile> = {
  'paragraphs of a style with many properties': (n) =>
    openDocument({
      text: times(n, tracked),
      styles: `<style:style style:name="S" style:family="paragraph">${times(n, () => '<style:tab-stop/>')}<style:text-properties/></style:style>`,
    }),
  'items of a list with many levels': (n) =>
    openDocument({
      text: `<text:list text:style-name="L">${times(n, () => '<text:list-item><text:p>a</text:p></text:list-item>')}</text:list>`,
      styles: `<text:list-style style:name="L">${times(n, (i) => `<text:list-level-style-number text:level="${n - i}" style:num-format="1"/>`)}</text:list-style>`,
    }),
  'items after a long number': (n) =>
    openDocument({
      text: `<text:list text:style-name="L">${times(n, () => '<text:list-item><text:p>a</text:p></text:list-item>')}</text:list>`,
      styles: `<text:list-style style:name="L"><text:list-level-style-number text:level="1" style:num-format="1" style:num-prefix="${'('.repeat(n)}"/></text:list-style>`,
    }),
  'shapes within shapes': (n) =>
    openDocument({
      text: nested(
        Math.min(n, 2000),
        '<draw:rect>',
        '</draw:rect>',
        times(n, () => '<text:p>a</text:p>'),
      ),
    }),
  'boxes within boxes': (n) =>
    openDocument({
      text: nested(
        Math.min(n, 1000),
        '<draw:frame><draw:text-box>',
        '</draw:text-box></draw:frame>',
        times(n, () => '<text:p>a</text:p>'),
      ),
    }),
  'groups of rows within each other': (n) =>
    openDocument({
      text: `<table:table>${nested(
        Math.min(n, 2000),
        '<table:table-rows>',
        '</table:table-rows>',
        times(n, () => `<table:table-row>${cell('<text:p>a</text:p>')}</table:table-row>`),
      )}</table:table>`,
    }),
  'many references to one object': async (n) =>
    zipOf({
      'content.xml': `<office:document-content><office:body><office:text><text:p>${times(n, () => '<draw:frame><draw:object xlink:href="./O"/></draw:frame>')}</text:p></office:text></office:body></office:document-content>`,
      'O/content.xml': `<math>${times(n, () => '<mi>a</mi>')}</math>`,
    }),
  'words in sections that are hidden': (n) =>
    openDocument({
      text: times(n, () => '<text:section text:display="none"><text:p>a</text:p></text:section>'),
    }),
}

const wordDocuments: Record<string, Hostile> = {
  'paragraphs of a style with many properties': (n) =>
    wordDocument({
      body: times(n, () => paragraph(run('a'), '<w:pStyle w:val="S"/>')),
      styles: `<w:style w:type="paragraph" w:styleId="S">${times(n, () => '<w:tab/>')}<w:rPr/></w:style>`,
    }),
  'rows in controls within each other': (n) =>
    wordDocument({
      body: `<w:tbl>${nested(
        Math.min(n, 2000),
        '<w:sdt>',
        '</w:sdt>',
        times(n, () => `<w:tr>${wordCell(paragraph(run('a')))}</w:tr>`),
      )}</w:tbl>`,
    }),
  'a field that asks and asks': (n) =>
    wordDocument({
      body: `<w:p><w:r><w:fldChar w:fldCharType="begin"/></w:r>${times(n, () => '<w:r><w:instrText>         </w:instrText></w:r><w:r><w:fldChar w:fldCharType="separate"/></w:r>')}</w:p>`,
    }),
  'drawings within drawings': (n) =>
    wordDocument({
      body: paragraph(
        nested(
          Math.min(n, 1000),
          '<w:pict><w:txbxContent>',
          '</w:txbxContent></w:pict>',
          times(n, () => run('a')),
        ),
      ),
    }),
  'tables within tables': (n) =>
    wordDocument({
      body: nested(
        Math.min(n / 4, 120),
        '<w:tbl><w:tr><w:tc>',
        '</w:tc></w:tr></w:tbl>',
        times(n, () => paragraph(run('a'))),
      ),
    }),
}

async function isLinear(what: string, name: string, document: Hostile): Promise<void> {
  const [small, large] = [await document(1000), await document(4000)]
  await textOf(name, small).catch(() => undefined)
  const steps = [
    await stepsOf(() => textOf(name, small).catch(() => undefined)),
    await stepsOf(() => textOf(name, large).catch(() => undefined)),
  ] as const
  assert.ok(steps[1] < steps[0] * 6, `${what}: ${steps[0]} steps, and ${steps[1]} for four times as much`)
}

test('what a document costs grows as its size does: OpenDocument', async () => {
  for (const [what, document] of Object.entries(openDocuments)) await isLinear(what, 'a.odt', document)
})

test('what a document costs grows as its size does: Word', async () => {
  for (const [what, document] of Object.entries(wordDocuments)) await isLinear(what, 'a.docx', document)
})

test('cells that are repeated within cells that are repeated are not multiplied', async () => {
  const repeated = 'table:number-columns-repeated="100"'
  const text = nested(
    8,
    `<table:table><table:table-row><table:table-cell ${repeated}>`,
    '</table:table-cell></table:table-row></table:table>',
    '<text:p>word</text:p>',
  )
  const made = await textOf('a.odt', openDocument({ text: table(cell(text)) }))
  assert.ok(made?.includes('word') && made.length <= 100_000)
})

test('one note, header or part that is named many times is read once', async () => {
  const note = await textOf(
    'a.docx',
    wordDocument({
      body: paragraph(times(300, () => '<w:r><w:footnoteReference w:id="1"/></w:r>')),
      footnotes: `<w:footnote w:id="1">${paragraph(run('The note.'))}</w:footnote>`,
    }),
  )
  assert.equal(note?.match(/The note\./g)?.length, 1)
})

test('more XML than anybody writes, or what is none, is left to people', async () => {
  for (const text of [
    times(700_000, () => '<a/>'),
    `<text:p ${times(700_000, (i) => `a${i}=""`)}/>`,
    '<text:p>never closed',
    '<text:p></text:h>',
    '</text:p>'.repeat(10),
  ])
    await assert.rejects(textOf('a.odt', openDocument({ text })), Error)
})

test('who sends much takes turns with who sends little', async () => {
  const inTurn = fairTurns(1)
  const first = Promise.withResolvers<void>()
  const done: string[] = []
  const all = [
    inTurn('many', () => first.promise),
    ...[1, 2, 3, 4].map((i) => inTurn('many', async () => done.push(`many ${i}`))),
    inTurn('one', async () => done.push('one')),
    inTurn('two', async () => done.push('two')),
    inTurn('one', async () => done.push('one again')),
  ]
  first.resolve()
  await Promise.all(all)
  assert.deepEqual(done, ['many 1', 'one', 'two', 'many 2', 'one again', 'many 3', 'many 4'])
})

test('mails do not wait for documents, and one sender’s documents not for all of another’s', async (t) => {
  const reader = mailReader({
    ours: { addresses: ['letterbox@newsroom.test'], names: [] },
    takeFile: () => assert.fail('there is no file'),
  })
  t.after(() => reader.close())
  const dear = await openDocument({ text: times(40_000, () => '<text:p>a</text:p>') })
  const done: string[] = []
  const article = async (sender: string, document: Buffer, name: string) => {
    await reader.article('a.odt', sender, async () => Readable.from([document]))
    done.push(name)
  }
  const mail = async () => {
    await reader.read(
      Readable.from([Buffer.from('From: a@b.test\r\nSubject: tip\r\n\r\nThe bridge is closed.\r\n')]),
      [],
    )
    done.push('mail')
  }
  const small = await openDocument({ text: '<text:p>An article.</text:p>' })
  await Promise.all([
    ...[1, 2, 3, 4, 5, 6].map((i) => article('many@a.test', dear, `dear ${i}`)),
    article('one@b.test', small, 'small'),
    mail(),
  ])
  assert.ok(done.indexOf('mail') <= 1, done.join(', '))
  assert.ok(done.indexOf('small') <= 3, done.join(', '))
})
