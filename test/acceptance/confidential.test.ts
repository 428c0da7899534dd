import assert from 'node:assert/strict'
import { readFile, rename, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { test } from 'node:test'
import { textCipher } from '../../src/encryption/age-text.ts'
import { receiptIdentity } from '../../src/submissions/receipt-key.ts'
import { opener, withAge } from '../support/age.ts'
import { type Newsroom, openNewsroom } from '../support/newsroom.ts'
import { offlineDesk } from '../support/storage.ts'
import { png, storyAngle, tip } from '../support/submissions.ts'

function rows(newsroom: Newsroom, query: string): Record<string, string>[] {
  const db = new DatabaseSync(join(newsroom.settings.DATA_DIR, 'barua.db'), { readOnly: true })
  try {
    return db.prepare(query).all() as Record<string, string>[]
  } finally {
    db.close()
  }
}

function change(newsroom: Newsroom, statement: string, ...values: string[]): void {
  const db = new DatabaseSync(join(newsroom.settings.DATA_DIR, 'barua.db'))
  db.prepare(statement).run(...values)
  db.close()
}

const file = { name: 'plates.txt', content: 'KBX 412, KCA 007\n'.repeat(20_000) }

test(
  'the age command opens every sealed thing, with the desk’s key and with the receipt’s',
  withAge,
  async (t) => {
    const newsroom = await openNewsroom(t)
    const openWith = await opener(t)
    const { reference, receipt } = await newsroom.submit('news-tip', tip(), [file])
    const at = `/desk/submissions/${reference}`
    await newsroom.act(`${at}/answer`, { ...(await newsroom.seen(reference)), body: 'Which trucks?' })
    await newsroom.act(`${at}/note`, { ...(await newsroom.seen(reference)), note: 'The gatekeeper?' })
    await newsroom.writeAgain(receipt, 'The green ones.')
    const [desk = ''] = await newsroom.keys()
    const sender = receiptIdentity(receipt)
    const texts = rows(newsroom, 'select content from messages order by id').map(
      ({ content }) => content ?? '',
    )
    assert.equal(texts.length, 3)
    const said = ['two trucks leave', 'Which trucks?', 'The green ones.']
    for (const [i, text] of texts.entries()) {
      for (const identity of [desk, sender])
        assert.ok((await openWith(text, identity)).toString().includes(said[i] ?? 'none'))
    }
    // What editors say among themselves is theirs.
    const [note] = rows(newsroom, 'select content from notes')
    assert.match((await openWith(note?.content ?? '', desk)).toString(), /The gatekeeper/)
    await assert.rejects(openWith(note?.content ?? '', sender))
    const [path = ''] = await newsroom.storedFiles()
    for (const identity of [desk, sender])
      assert.ok((await openWith(await readFile(path), identity)).equals(Buffer.from(file.content)))
  },
)

test('the receipt opens the conversation, and no other receipt does', async (t) => {
  const newsroom = await openNewsroom(t)
  const one = await newsroom.submit('expose', tip(), [file])
  const other = await newsroom.submit('expose')
  const { messages } = await newsroom.status(one.receipt)
  assert.equal(messages[0].body, tip().body)
  assert.equal(messages[0].files[0].name, file.name)
  const stored = rows(newsroom, 'select receipt_hash from submissions order by id')
  change(newsroom, 'update submissions set receipt_hash = id')
  change(
    newsroom,
    'update submissions set receipt_hash = ? where reference = ?',
    stored[1]?.receipt_hash ?? '',
    one.reference,
  )
  // Whoever changes the database so that their receipt leads to another piece reads nothing of it.
  const stolen = await newsroom.status(other.receipt)
  assert.equal(stolen.reference, one.reference)
  assert.equal(stolen.messages[0].body, '')
})

test('a sender has any kind sealed; then it is in no index, no mail and no preview', async (t) => {
  const newsroom = await openNewsroom(t)
  const picture = { name: 'corner.png', content: png() }
  const sent = await newsroom.submit('story-angle', { confidential: 'yes', ...storyAngle() }, [picture])
  await newsroom.workOff()
  assert.ok(!(await newsroom.databaseText()).includes('mended typewriters'))
  assert.equal((await newsroom.storedFiles()).length, 1)
  assert.ok(!newsroom.mailServer.mails.some((mail) => /typewriter/.test(mail.raw)))
  const page = await newsroom.deskPage(`/desk/submissions/${sent.reference}`)
  assert.match(page, /mended typewriters/)
  const thumb = /\/desk\/attachments\/[\w-]+\/picture/.exec(page)?.[0] ?? assert.fail('no preview')
  const shown = await newsroom
    .http()
    .get(thumb)
    .set('cookie', await newsroom.signIn())
    .expect(200)
  assert.equal(shown.headers['content-type'], 'image/webp')
  assert.equal(shown.headers['cache-control'], 'no-store')
  assert.equal((await newsroom.storedFiles()).length, 1, 'the preview is kept nowhere')
})

test('what is cut, changed or put in another’s place is refused, and the rest stays readable', async (t) => {
  const newsroom = await openNewsroom(t)
  const files = ['first', 'second'].map((name) => ({ name: `${name}.txt`, content: name.repeat(100_000) }))
  const { reference, receipt } = await newsroom.submit('news-tip', tip(), files)
  await newsroom.writeAgain(receipt, 'One more thing.')
  const strange = await newsroom.submit('news-tip', { body: 'Something else, told by somebody else.' }, [
    { name: 'third.txt', content: 'third' },
  ])
  const cookie = await newsroom.signIn()
  const download = (id: string) => newsroom.http().get(`/desk/attachments/${id}`).set('cookie', cookie)
  const kept = rows(
    newsroom,
    `select a.id, s.reference from attachments a join messages m on m.id = message_id
     join submissions s on s.id = m.submission_id order by a.id`,
  )
  const [first = '', second = '', third = ''] = kept.map(({ id }) => id ?? '')
  const path = async (id: string) =>
    (await newsroom.storedFiles()).find((one) => one.endsWith(id)) ?? assert.fail(`${id} is not there`)
  assert.equal((await download(first)).text, files[0]?.content)
  // A bit is flipped in the second half: what comes before it may pass, and then the answer breaks off.
  const bytes = await readFile(await path(first))
  await writeFile(await path(first), bytes.with(400_000, (bytes[400_000] ?? 0) ^ 1))
  await assert.rejects(download(first), /aborted|terminated|hang up/)
  await writeFile(await path(first), bytes.subarray(0, 300_000))
  await assert.rejects(download(first), /aborted|terminated|hang up/)
  await writeFile(await path(first), bytes.subarray(0, 100))
  assert.equal((await download(first)).status, 409)
  // Two files of one piece change places, and one with that of another piece.
  await writeFile(await path(first), bytes)
  const [a, b] = [await path(second), await path(third)]
  await rename(a, `${a}.away`)
  await rename(b, a)
  await rename(`${a}.away`, b)
  for (const id of [second, third]) assert.equal((await download(id)).status, 409)
  const [opening, further] = rows(
    newsroom,
    `select m.id, content from messages m join submissions s on s.id = submission_id
     where reference = '${reference}' order by m.id`,
  )
  const [theirs] = rows(
    newsroom,
    `select m.id, content from messages m join submissions s on s.id = submission_id
     where reference = '${strange.reference}'`,
  )
  change(newsroom, 'update messages set content = ? where id = ?', theirs?.content ?? '', opening?.id ?? '')
  const page = await newsroom.deskPage(`/desk/submissions/${reference}`)
  assert.match(page, /Damaged: this is not what was sealed/)
  assert.doesNotMatch(page, /told by somebody else/)
  assert.match(page, /One more thing/)
  const told = await newsroom.status(receipt)
  assert.deepEqual(
    told.messages.map(({ body }: { body: string }) => body),
    ['', 'One more thing.'],
  )
  change(newsroom, 'update messages set content = ? where id = ?', 'nothing sealed', further?.id ?? '')
  const broken = await newsroom.http().get(`/desk/submissions/${reference}`).set('cookie', cookie)
  assert.equal(broken.status, 200)
})

test('within one conversation nothing opens in another’s place, and what was sealed before still opens', async (t) => {
  const newsroom = await openNewsroom(t)
  const { reference, receipt } = await newsroom.submit('news-tip', tip())
  const at = `/desk/submissions/${reference}`
  await newsroom.act(`${at}/note`, { ...(await newsroom.seen(reference)), note: 'The gatekeeper lies?' })
  await newsroom.act(`${at}/answer`, { ...(await newsroom.seen(reference)), body: 'Which trucks?' })
  await newsroom.writeAgain(receipt, 'The green ones.')
  const [note] = rows(newsroom, 'select id, content from notes')
  const messages = rows(newsroom, 'select id, content from messages order by id')
  const [opening, answer, further] = messages
  const swaps: [string, string | undefined, string | undefined, RegExp][] = [
    ['messages', answer?.id, note?.content, /The gatekeeper lies\?.*The gatekeeper lies/s],
    ['messages', answer?.id, further?.content, /The green ones.*The green ones/s],
    ['messages', further?.id, opening?.content, /leave the county depot.*leave the county depot/s],
    ['notes', note?.id, further?.content, /The green ones.*The green ones/s],
  ]
  for (const [table, id = '', content = '', twice] of swaps) {
    const [{ content: before = '' } = {}] = rows(newsroom, `select content from ${table} where id = '${id}'`)
    change(newsroom, `update ${table} set content = ? where id = ?`, content, id)
    const page = await newsroom.deskPage(at)
    assert.match(page, /Damaged: this is not what was sealed/, `${table} ${twice}`)
    assert.doesNotMatch(page, twice)
    change(newsroom, `update ${table} set content = ? where id = ?`, before, id)
  }
  assert.doesNotMatch(await newsroom.deskPage(at), /Damaged/)
  // Texts that were sealed before say their conversation only.
  const { storage } = newsroom.application
  const submission = await newsroom.submission(reference)
  const recipients = await storage.recipientsStore.ofOne(submission.id)
  assert.ok(recipients)
  const said = { contextId: recipients.contextId, value: { fields: { body: 'Sealed long ago.' }, files: {} } }
  const old = await textCipher.encrypt(JSON.stringify(said), [recipients.desk])
  change(newsroom, 'update messages set content = ? where id = ?', old, further?.id ?? '')
  assert.match(await newsroom.deskPage(at), /Sealed long ago/)
})

test('with a key that is kept elsewhere the desk shows envelopes, and hands out what is sealed', async (t) => {
  const desk = offlineDesk()
  const newsroom = await openNewsroom(t, { OFFLINE_DESK_KEY: desk.recipient })
  const { reference, receipt } = await newsroom.submit('news-tip', tip(), [file])
  assert.deepEqual(newsroom.application.setUpLinks, [])
  const page = await newsroom.deskPage(`/desk/submissions/${reference}`)
  assert.match(page, /It opens where the desk’s key is kept/)
  assert.doesNotMatch(page, new RegExp(tip().title))
  assert.equal((await newsroom.status(receipt)).messages[0].body, tip().body)
  const submission = await newsroom.submission(reference)
  const [message] = await newsroom.application.storage.submissions.conversation(submission.id, desk.keys)
  assert.equal(message?.content.fields.body, tip().body)
})

test('what only the process knew is lost with it, seen, and made good by whoever has the key', async (t) => {
  const newsroom = await openNewsroom(t)
  const address = 'gatekeeper@contributor.test'
  const { reference } = await newsroom.submit('news-tip', { ...tip(), email: address })
  await newsroom.workOff()
  const told = newsroom.mailsTo(address).length
  const at = `/desk/submissions/${reference}`
  await newsroom.act(`${at}/answer`, { ...(await newsroom.seen(reference)), body: 'Which trucks?' })
  await newsroom.restart()
  await newsroom.pause(11_000)
  assert.equal(newsroom.mailsTo(address).length, told)
  const page = await newsroom.deskPage(at)
  assert.match(page, /was lost when Barua was started anew/)
  const retry = /\/desk\/deliveries\/[\w-]+\/retry/.exec(page)?.[0] ?? assert.fail('nothing to try again')
  await newsroom.act(retry, { back: reference })
  await newsroom.pause(0)
  assert.equal(newsroom.mailsTo(address).length, told + 1)
  assert.match(newsroom.mailsTo(address).at(-1)?.subject ?? '', /There is an answer/)
})

test('what a chat had gathered before a restart is received sealed, and goes on', async (t) => {
  const newsroom = await openNewsroom(t)
  const chat = newsroom.chat()
  newsroom.telegram.files.set('gate', png())
  await chat.say('Two trucks left at night.')
  const photo = [{ file_id: 'gate', file_unique_id: 'g', width: 10, height: 10 }]
  await chat.say({ photo, caption: 'The gate' })
  await newsroom.restart()
  await chat.say('And one came back.')
  await chat.press('Send')
  await newsroom.workOff()
  assert.equal(await newsroom.submissionCount(), 1)
  const [sent] = await newsroom.all()
  assert.equal(sent?.summary.title, 'Two trucks left at night. The gate And one came back.')
  const page = await newsroom.deskPage(`/desk/submissions/${sent?.reference}`)
  for (const words of ['Two trucks left at night.', 'The gate', 'And one came back.', 'photo.jpg'])
    assert.ok(page.includes(words), words)
  const receipt = chat.receipt()
  await newsroom.writeAgain(receipt, 'By the form now.')
  await newsroom.application.reEncryption.settled()
  const { messages } = await newsroom.status(receipt)
  assert.deepEqual(
    messages.map(({ body }: { body: string }) => body),
    // An editor has come in since, so that the receipt opens also what was sealed before there was one.
    ['Two trucks left at night.\n\nThe gate\n\nAnd one came back.', 'By the form now.'],
  )
})
