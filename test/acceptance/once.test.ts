import assert from 'node:assert/strict'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { test } from 'node:test'
import { editorAddress, fieldsOf, openNewsroom } from '../support/newsroom.ts'
import { png, storyAngle, textUpdate, tip } from '../support/submissions.ts'

test('the same update gives the same submission, and its receipt is told once', async (t) => {
  const newsroom = await openNewsroom(t, { TELEGRAM_BOT_TOKEN: '' })
  const update = textUpdate(11, 'The bridge has been closed since yesterday.')
  const first = await newsroom.receiveUpdate(update).expect(200)
  const second = await newsroom.receiveUpdate(update).expect(200)
  assert.match(first.body.text, /Receipt: /)
  assert.match(second.body.text, /^Received before\. Reference: /)
  await newsroom.restart()
  const third = await newsroom.receiveUpdate(update).expect(200)
  assert.equal(third.body.text, second.body.text)
  assert.equal(await newsroom.submissionCount(), 1)
  const receipt = /Receipt: (\S+)/.exec(first.body.text)?.[1] ?? ''
  assert.equal((await newsroom.status(receipt)).messages.length, 1)
})

test('the same update at the same moment, many times, is one submission', async (t) => {
  const newsroom = await openNewsroom(t, { TELEGRAM_BOT_TOKEN: '' })
  const update = textUpdate(12, 'The bridge has been closed since yesterday.')
  const answers = await Promise.all(Array.from({ length: 20 }, () => newsroom.receiveUpdate(update)))
  assert.equal(answers.filter((answer) => /Receipt: /.test(answer.body.text)).length, 1)
  assert.equal(new Set(answers.map(({ body }) => /Reference: (\S+)/.exec(body.text)?.[1])).size, 1)
  assert.equal(await newsroom.submissionCount(), 1)
  await newsroom.workOff()
  assert.equal(
    newsroom.mailsTo(editorAddress).filter((mail) => mail.subject?.startsWith('News tip')).length,
    1,
  )
})

test('a form that is sent twice at the same moment is one submission with one set of files', async (t) => {
  const newsroom = await openNewsroom(t)
  const fields = { ...tip(), nonce: await newsroom.nonce() }
  const file = { name: 'gate.png', content: png() }
  const sent = await Promise.all([1, 2, 3].map(() => newsroom.submit('news-tip', fields, [file])))
  assert.deepEqual(sent[1], sent[0])
  assert.deepEqual(sent[2], sent[0])
  assert.equal(await newsroom.submissionCount(), 1)
  assert.equal((await newsroom.storedFiles()).length, 1)
})

test('the answer is the same after a restart', async (t) => {
  const newsroom = await openNewsroom(t)
  const fields = { ...tip(), nonce: await newsroom.nonce() }
  const before = await newsroom.submit('news-tip', fields)
  await newsroom.restart()
  assert.deepEqual(await newsroom.submit('news-tip', fields), before)
})

test('a form that was changed and sent again loses neither wording', async (t) => {
  const newsroom = await openNewsroom(t)
  const nonce = await newsroom.nonce()
  const first = await newsroom.submit('news-tip', { ...tip(), nonce })
  const changed = { ...tip(), body: 'It was three trucks, not two, that left without papers.', nonce }
  const file = { name: 'third truck.png', content: png() }
  const second = await newsroom.submit('news-tip', changed, [file])
  const third = await newsroom.submit('news-tip', changed, [file])
  assert.deepEqual(second, first)
  assert.deepEqual(third, first)
  assert.equal(await newsroom.submissionCount(), 1)
  const { messages } = await newsroom.status(first.receipt)
  assert.deepEqual(
    messages.map((message: { body: string }) => message.body),
    [tip().body, changed.body],
  )
  assert.equal(messages[1].files.length, 1)
  assert.equal((await newsroom.storedFiles()).length, 1)
})

test('forms without a nonce, or with one that is not ours, are submissions of their own', async (t) => {
  const newsroom = await openNewsroom(t)
  const receipts = new Set<string>()
  for (const nonce of [undefined, undefined, 'chosen-by-somebody', 'chosen-by-somebody']) {
    receipts.add((await newsroom.submit('news-tip', { ...tip(), ...(nonce && { nonce }) })).receipt)
  }
  assert.equal(receipts.size, 4)
  assert.equal(await newsroom.submissionCount(), 4)
})

test('a nonce that crosses kinds never puts a confidential piece into one that is not', async (t) => {
  const newsroom = await openNewsroom(t)
  const nonce = await newsroom.nonce('/submit/story-angle')
  const open = await newsroom.submit('story-angle', { ...storyAngle(), nonce })
  const secret = await newsroom.submit('expose', { ...tip(), body: 'What nobody may read in a mail.', nonce })
  assert.notEqual(secret.receipt, open.receipt)
  await newsroom.workOff()
  assert.ok(!newsroom.mailServer.mails.some((mail) => mail.raw.includes('What nobody may read')))
})

for (const kind of ['news-tip', 'guest-post'] as const) {
  test(`a ${kind} that was sent before an upgrade changed its digest is not doubled, and loses no change`, async (t) => {
    const newsroom = await openNewsroom(t)
    const nonce = await newsroom.nonce()
    const fields = { ...fieldsOf(kind), nonce }
    const file = { name: 'gate.png', content: png() }
    const first = await newsroom.submit(kind, fields, [file])
    const db = new DatabaseSync(join(newsroom.settings.DATA_DIR, 'barua.db'))
    db.exec("update idempotency_keys set digest = 'as it was made before'")
    db.close()
    assert.deepEqual(await newsroom.submit(kind, fields, [file]), first)
    const { messages } = await newsroom.status(first.receipt)
    assert.equal(messages.length, 1)
    assert.deepEqual(await newsroom.submit(kind, { ...fields, title: 'Another title' }, [file]), first)
    assert.equal((await newsroom.status(first.receipt)).messages.length, 2)
    assert.equal(await newsroom.submissionCount(), 1)
  })
}
