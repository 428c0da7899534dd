// Fills a desk with made-up pieces: npm run seed. It works on the same storage as the server, and while it runs.
import { hash, randomBytes } from 'node:crypto'
import { existsSync } from 'node:fs'
import { Readable } from 'node:stream'
import { pino } from 'pino'
import sharp from 'sharp'
import { setUpLines } from '../src/accounts/first-run.ts'
import { createApplication } from '../src/app/app.ts'
import { readConfig } from '../src/config.ts'
import { newId } from '../src/core/ids.ts'
import { type Channel, channels, type Kind, kinds } from '../src/db/values.ts'
import { answer, both, type ChangeOf, claim, move, note, tag } from '../src/editorial/actions.ts'
import { decisions, fill, stateAfter, valuesFor } from '../src/editorial/letter-templates.ts'
import type { Recipients } from '../src/encryption/types.ts'
import type { NewRecord } from '../src/submissions/intake-record.ts'
import { type Content, isConfidentialKind, type Submission, summaryOf } from '../src/submissions/model.ts'
import { newReference } from '../src/submissions/receipt.ts'
import {
  answerText,
  chance,
  fieldsOf,
  furtherText,
  noteText,
  pick,
  type Random,
  tag as tagOf,
} from './submissions.ts'

const day = 86_400_000
const submissions = Number(process.argv[2] ?? 200)
const span = 60 * day

if (existsSync('.env')) process.loadEnvFile('.env')
const config = readConfig(process.env)
const application = await createApplication(config, {
  now: Date.now,
  random: Math.random,
  log: pino({ level: 'silent' }),
})
await application.openDesk({ isStart: false })
for (const line of setUpLines(application.setUpLinks)) process.stdout.write(`${line}\n`)
const { storage, files } = application
const random = generator(Number(process.argv[3] ?? 1))
const team = [
  ...(await storage.editors.active()),
  await storage.editors.add('wanja@example.org', 'editor', Date.now()),
  await storage.editors.add('otto@example.org', 'editor', Date.now()),
]
const now = Date.now()

for (let i = submissions; i > 0; i--) {
  // The last few came in just now; the rest are spread over two months.
  const age = i <= 10 ? i * 7 * 60_000 : day / 8 + (i / submissions) ** 2 * span
  await makeSubmission(Math.round(now - age))
}
await application.stop()
process.stdout.write(`${submissions} made-up submissions are at the desk.\n`)

async function makeSubmission(at: number): Promise<void> {
  const kind = pick(random, kinds)
  const channel = kind === 'guest-post' ? 'form' : pick(random, channels)
  const submission = await receive(kind, channel, at)
  if (now - at < day || chance(random, 0.12)) return
  await work(submission, at + Math.round(random() * 2 * day))
}

async function receive(kind: Kind, channel: Channel, at: number): Promise<Submission> {
  const fields = fieldsOf(random, kind, channel)
  const submissionId = newId(at)
  const isConfidential = isConfidentialKind(kind)
  const desk = await storage.recipientsStore.desk()
  const recipients = isConfidential ? { contextId: submissionId, sender: null, desk } : undefined
  const pictures = chance(random, 0.3) ? await Promise.all([1, 2].map(() => picture(recipients))) : []
  const content: Content = {
    fields,
    files: Object.fromEntries(
      pictures.map(({ id }, i) => [id, { name: `picture ${i + 1}.jpg`, caption: 'Seen from the road' }]),
    ),
    ...(channel === 'telegram' && { telegram: { chatId: Math.floor(random() * 1e9), messageId: 1 } }),
  }
  const receipt = hash('sha256', randomBytes(20), 'base64url')
  await record({
    idempotencyKey: { source: 'seed', key: submissionId },
    submissionId,
    submission: {
      reference: newReference(),
      receiptHash: receipt,
      kind,
      channel,
      summary: summaryOf(content, pictures.length),
      senders: [],
      isConfidential,
      contextId: submissionId,
      senderRecipient: null,
    },
    messageId: newId(at),
    author: 'sender',
    content,
    attachments: pictures,
    jobs: isConfidential ? [] : pictures.map(({ id }) => ({ type: 'preview', attachmentId: id })),
    at,
  })
  if (chance(random, 0.15)) await writeAgain(submissionId, at + day / 3)
  return (await storage.submissions.byId(submissionId)) as Submission
}

async function writeAgain(submissionId: string, at: number): Promise<void> {
  await record({
    idempotencyKey: { source: 'seed', key: newId(at) },
    submissionId,
    messageId: newId(at),
    author: 'sender',
    content: { fields: { body: furtherText(random) }, files: {} },
    attachments: [],
    jobs: [],
    at,
  })
}

async function record(one: NewRecord): Promise<void> {
  const [outcome] = await storage.record([one])
  if (outcome && 'error' in outcome) throw outcome.error
}

/** What editors did with it: opened, claimed, tagged, noted, answered, decided. Nothing of it is sent. */
async function work(first: Submission, at: number): Promise<void> {
  const editorId = pick(random, team).id
  await storage.attention.open(first.id, editorId, at)
  let submission = await apply(first, editorId, at, claim({ submission: first, editorId, at }))
  const action = () => ({ submission, editorId, at })
  if (chance(random, 0.4)) submission = await apply(submission, editorId, at, tag(action(), tagOf(random)))
  if (chance(random, 0.3)) {
    const body = noteText(random)
    submission = await apply(submission, editorId, at, note(body))
  }
  if (chance(random, 0.4)) {
    const body = answerText(random)
    submission = await apply(submission, editorId, at, answer(action(), { body }, [], {}, undefined))
  }
  if (chance(random, 0.15)) return
  if (chance(random, 0.05)) await apply(submission, editorId, at + day, move(action(), 'spam'))
  else await decide(submission, editorId, Math.min(now, at + Math.round(random() * 3 * day)))
}

async function decide(submission: Submission, editorId: string, at: number): Promise<void> {
  const decision = pick(random, decisions)
  const { value: letter } = await storage.settings.letter(decision)
  const opening = await storage.submissions.opening(submission.id)
  const values = valuesFor(submission, opening?.content.fields ?? { body: '' }, config.NEWSROOM_NAME)
  const action = { submission, editorId, at }
  const said = { id: newId(at), title: fill(letter.subject, values), body: fill(letter.body, values) }
  const moved = submission.state === stateAfter[decision] ? undefined : move(action, stateAfter[decision])
  const written = answer(action, said, [], {}, undefined)
  await apply(submission, editorId, at, moved ? both(moved, written) : written)
}

async function apply(
  submission: Submission,
  editorId: string,
  at: number,
  change: ChangeOf,
): Promise<Submission> {
  return storage.work.apply({ ...change, submissionId: submission.id, editorId, at })
}

async function picture(recipients: Recipients | undefined) {
  const channel = () => Math.floor(60 + random() * 160)
  const [width, height] = chance(random, 0.5) ? [600, 400] : [400, 600]
  const background = { r: channel(), g: channel(), b: channel() }
  const noise = { type: 'gaussian' as const, mean: 128, sigma: 30 }
  const jpeg = await sharp({ create: { width, height, channels: 3, background, noise } })
    .jpeg()
    .toBuffer()
  const written = await files.stage(Readable.from([jpeg]), {
    isEncrypted: recipients !== undefined,
    maxBytes: jpeg.length,
    typeOf: async () => 'image/jpeg',
  })
  const encrypted = await files.keep([written.id], recipients)
  const as = encrypted.get(written.id)
  return { ...written, ...(as && { mark: as.mark, desk: as.desk }) }
}

/** The same numbers for the same seed: mulberry32. */
function generator(seed: number): Random {
  let state = seed
  return () => {
    state = (state + 0x6d2b79f5) | 0
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state)
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32
  }
}
