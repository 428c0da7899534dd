import assert from 'node:assert/strict'
import { type TestContext, test } from 'node:test'
import { defaultPolicy } from '../../src/accounts/notification-policy.ts'
import { inboundMail, replyTo } from '../support/mail.ts'
import type { ReceivedMail } from '../support/mail-server.ts'
import { editorAddress, type Newsroom, openNewsroom } from '../support/newsroom.ts'
import { tip } from '../support/submissions.ts'

const second = 'second@newsroom.test'
const third = 'third@newsroom.test'
const day = 24 * 3_600_000
const unread = 'Replies to this email are not read.'
const misses = 'Please answer at the desk: a reply to this email does not reach the sender.'
const welcome = 'You can also reply to this email.'

/** Every kind of mail that goes out, by what only it says. */
const kinds = {
  'sign-in': /^Open this link to/,
  notice: /^(?:--- Write.*\n\n+)?A new guest post has come in\./,
  'notice of what is confidential': /News tip \S+ has come in\./,
  assignment: /A colleague has given you/,
  receipt: /^What you sent to The Newsroom has arrived[\s\S]*Receipt: /,
  'receipt of what is confidential': /neither the receipt nor anything you wrote is in this mail/,
  answer: /^May we call you\?/,
  'answer to what is confidential': /^There is an answer to what you sent/,
  digest: /This came in since your last digest/,
  'erasure warning': /^If nobody does anything with them/,
} as const

/** A newsroom that has sent every kind of mail that it can; what each says, by its kind. */
async function sentAll(t: TestContext, env: Record<string, string>) {
  const newsroom = await openNewsroom(t, { EDITORS: [editorAddress, second, third].join(), ...env })
  const { editors } = newsroom.application.storage
  const digesting = await editors.byEmail(third)
  const policy = { ...defaultPolicy, rhythm: 'digest' as const, hours: [8], timeZone: 'Africa/Nairobi' }
  await editors.setPolicy(digesting?.id ?? '', policy, newsroom.now())
  const { reference } = await newsroom.submit('guest-post')
  const secret = await newsroom.submit('news-tip', { ...tip(), email: 'source@example.org' })
  await newsroom.workOff()
  await answer(newsroom, reference)
  await answer(newsroom, secret.reference)
  await newsroom.act(`/desk/submissions/${reference}/assign`, {
    ...(await newsroom.seen(reference)),
    editor: (await editors.byEmail(second))?.id ?? '',
  })
  for (let passed = 0; passed < 85; passed++) await newsroom.pause(day)
  const mails = Object.entries(kinds).map(([kind, says]): [string, ReceivedMail] => {
    const mail = newsroom.mailServer.mails.find(({ text }) => says.test(text ?? ''))
    return [kind, mail ?? assert.fail(`no ${kind} was sent`)]
  })
  return { newsroom, mails }
}

function addressIn(header: string | undefined): string {
  return /[^\s<>]+@[^\s<>]+/.exec(header ?? '')?.[0] ?? ''
}

const isToSender = (kind: string) => /receipt|answer/.test(kind)
const isConfidential = (kind: string) => kind.includes('confidential')

test('where replies are read by nobody every mail says so, and names no address for them', async (t) => {
  const { mails } = await sentAll(t, {})
  for (const [kind, { text = '', html, replyTo, returnPath }] of mails) {
    assert.equal(replyTo, undefined, kind)
    assert.equal(returnPath, 'barua@newsroom.test', kind)
    const said = kind.includes('notice') || kind === 'assignment' ? misses : unread
    assert.ok(text.endsWith(`\n\n${said}`), `${kind}: ${text}`)
    assert.ok(String(html).includes(said), kind)
    assert.doesNotMatch(text, /You can also reply|Write above this line|by replying/, kind)
  }
})

test('where people read the replies, they and what bounces go there', async (t) => {
  const people = 'letters@newsroom.test'
  const { mails } = await sentAll(t, { EMAIL_REPLY_ADDRESS: people })
  for (const [kind, { text = '', html, replyTo, returnPath }] of mails) {
    assert.deepEqual([replyTo?.text, returnPath], [people, people], kind)
    assert.ok(!text.includes(unread) && !String(html).includes(unread), kind)
    assert.equal(text.includes(welcome), isToSender(kind) && !isConfidential(kind), `${kind}: ${text}`)
    // What goes there does not reach the sender, and nobody is told that it would.
    assert.equal(text.includes(misses), kind.includes('notice') || kind === 'assignment', kind)
    assert.doesNotMatch(text, /Write above this line/, kind)
  }
})

test('where mail comes in, a reply goes where the mail says, and one that the mail does not ask for is kept', async (t) => {
  const { newsroom, mails } = await sentAll(t, inboundMail)
  const bounces = /^barua\+b[\da-f]{45}@newsroom\.test$/
  for (const [kind, mail] of mails) {
    assert.match(mail.returnPath, bounces, kind)
    const text = mail.text ?? ''
    assert.ok(!text.includes(misses), kind)
    assert.equal(text.includes(welcome), isToSender(kind) && !isConfidential(kind), kind)
    assert.equal(text.includes(unread), mail.replyTo === undefined, kind)
    const to = addressIn(mail.replyTo?.text) || 'barua@newsroom.test'
    const became = await newsroom.receiveMail(replyTo(mail, `A reply to the ${kind}.`, { to }))
    const expected = mail.replyTo ? (isToSender(kind) ? 'joined' : 'done') : 'kept'
    assert.equal(became, expected, kind)
    const unquoted = { text: `Words about the ${kind}, and nothing quoted.` }
    if (!mail.replyTo)
      assert.equal(await newsroom.receiveMail(replyTo(mail, '', { to, ...unquoted })), 'kept')
  }
  assert.equal(await newsroom.submissionCount(), 2)
})

test('whoever wrote by mail may reply as long as mail comes in, and is told when it does not any more', async (t) => {
  const newsroom = await openNewsroom(t, inboundMail)
  await newsroom.receiveMail({ to: 'stories@newsroom.test', text: 'A story.' })
  await newsroom.workOff()
  const receipt = () => newsroom.mailsTo('jane@example.org').at(-1)
  assert.ok(receipt()?.text?.endsWith(welcome))
  await newsroom.receiveMail({ to: 'stories@newsroom.test', text: 'Another story.' })
  await newsroom.restart({ EMAIL_LISTEN: '' })
  await newsroom.workOff()
  assert.equal(receipt()?.replyTo, undefined)
  assert.ok(receipt()?.text?.endsWith(unread))
})

async function answer(newsroom: Newsroom, reference: string) {
  const { revision } = await newsroom.seen(reference)
  await newsroom.act(`/desk/submissions/${reference}/answer`, { body: 'May we call you?', revision })
  await newsroom.pause(11_000)
}
