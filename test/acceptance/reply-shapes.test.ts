import assert from 'node:assert/strict'
import { createSecretKey } from 'node:crypto'
import { Readable } from 'node:stream'
import { test } from 'node:test'
import { readMail } from '../../src/channels/email/parse-mail.ts'
import { newId } from '../../src/core/ids.ts'
import { replyDelimiter } from '../../src/outbound-mail/reply-delimiter.ts'
import { compose } from '../support/mail.ts'
import { type Quoted, replyShapes, trickyAnswers } from '../support/reply-shapes.ts'

const at = Date.UTC(2026, 8, 1, 7, 0)
const subject = 'Story angle: The bridge at the mill'
const text = `${replyDelimiter(createSecretKey(Buffer.alloc(32)), '23EE-2F3D')}

A new story angle has come in.
Reference: 23EE-2F3D
Read it at the desk: http://localhost:3000/desk/submissions/23EE-2F3D

The bridge at the mill

The bridge at the mill has been closed since Friday.

* * *
Name: Amina Test
E-mail: amina@example.org`
const quoted: Quoted = {
  at,
  subject,
  text,
  html: text.replace(/^.*$/gm, (line) => `<p>${line}</p>`),
}
const ours = { addresses: ['barua@newsroom.test'], names: ['Barua', 'The Newsroom'] }

async function read(body: { text?: string; html?: string }) {
  const tag = `${newId(at).replaceAll('-', '')}0123456789abc`
  const raw = await compose({
    from: 'Otto Editor <editor@newsroom.test>',
    to: `barua+${tag}@newsroom.test`,
    subject: `Re: ${subject}`,
    ...body,
  })
  const { words } = await readMail(Readable.from([raw]), ours, async (_file, content) => {
    for await (const _ of content);
  })
  return words?.reply ?? assert.fail('no reply')
}

/** HTML has no line ends of its own, and gmail breaks long lines. */
function squeezed(words: string): string {
  return words
    .replace(/\\(?=[^\w\s])/g, '')
    .replace(/\s+/g, ' ')
    .trim()
}

test('what an editor wrote above the mark is sent whole and alone, whatever program and language quotes the notice below', async () => {
  const tally = { whole: 0, quarantined: 0, cut: [] as string[], tooMuch: [] as string[] }
  const answers = Object.entries(trickyAnswers)
  let count = 0
  for (const shape of replyShapes(quoted)) {
    // Every shape with the plain answer, and with two others in turn.
    const others = [1, 2].map((n) => answers[1 + ((count * 2 + n) % (answers.length - 1))])
    count += 1
    for (const [about, words] of [answers[0], ...others] as [string, string][]) {
      const bodies = [
        ['text', { text: shape.text(words) }],
        ...(shape.html && words === trickyAnswers.plain
          ? [
              ['html', { html: shape.html(words) }],
              ['both', { text: shape.text(words), html: shape.html(words) }],
            ]
          : []),
      ] as [string, { text?: string; html?: string }][]
      for (const [form, body] of bodies) {
        const reply = await read(body)
        const name = `${shape.name}, ${form}: ${about}`
        const [said, wanted] = [squeezed(reply.words), squeezed(words)]
        if (reply.doubt) tally.quarantined += 1
        else if (said === wanted) tally.whole += 1
        else if (said.includes(wanted)) tally.tooMuch.push(`${name}\n${reply.words.slice(-300)}`)
        else tally.cut.push(`${name}\n${reply.words.slice(-300)}`)
      }
    }
  }
  if (process.env.SHOW) {
    console.error(count, 'shapes', tally.whole, 'whole', tally.quarantined, 'quarantined')
  }
  assert.deepEqual(tally.cut, [])
  assert.deepEqual(tally.tooMuch, [])
  assert.ok(tally.quarantined <= tally.whole / 50, `${tally.quarantined} of ${tally.whole} in quarantine`)
})
