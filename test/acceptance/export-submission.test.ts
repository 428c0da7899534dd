import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { buffer } from 'node:stream/consumers'
import { type TestContext, test } from 'node:test'
import { promisify } from 'node:util'
import { recipientOf } from '../../src/encryption/age-x25519.ts'
import { opener, withAge } from '../support/age.ts'
import { everyByte } from '../support/canary.ts'
import { type Newsroom, openNewsroom } from '../support/newsroom.ts'
import { newIdentity, offlineDesk } from '../support/storage.ts'
import { guestPost, png, storyAngle, tip } from '../support/submissions.ts'

const run = promisify(execFile)
const plates = { name: 'plates & more.txt', content: 'KBX 412, KCA 007\n'.repeat(20_000) }

async function takeAlong(
  newsroom: Newsroom,
  reference: string,
  fields: Record<string, string>,
  cookie?: string,
) {
  const response = await newsroom
    .http()
    .post(`/desk/submissions/${reference}/export`)
    .set('cookie', cookie ?? (await newsroom.signIn()))
    .set('sec-fetch-site', 'same-origin')
    .type('form')
    .send(fields)
    .buffer(true)
    .parse((stream, done) => {
      buffer(stream as unknown as NodeJS.ReadableStream).then(
        (bytes) => done(null, bytes),
        (error) => done(error, ''),
      )
    })
  return { ...response, status: response.status, body: response.body as Buffer, headers: response.headers }
}

/** Unpacks with the tar of the system. */
async function unpacked(t: TestContext, archive: Buffer): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'barua-tar-'))
  t.after(() => rm(folder, { recursive: true, force: true }))
  await writeFile(join(folder, 'archive.tar'), archive)
  await run('tar', ['-xf', 'archive.tar'], { cwd: folder })
  await rm(join(folder, 'archive.tar'))
  return folder
}

async function conversation(newsroom: Newsroom) {
  const { reference, receipt } = await newsroom.submit('news-tip', tip(), [
    plates,
    { name: 'gate.png', content: png() },
  ])
  const at = `/desk/submissions/${reference}`
  await newsroom.writeAgain(receipt, 'The green ones.')
  await newsroom.act(`${at}/note`, { ...(await newsroom.seen(reference)), note: 'Ask the gatekeeper.' })
  return reference
}

test(
  'a sealed piece goes out as a tar of what is stored, and opens offline with age and tar',
  withAge,
  async (t) => {
    const desk = offlineDesk()
    const newsroom = await openNewsroom(t, { OFFLINE_DESK_KEY: desk.recipient })
    const { reference } = await newsroom.submit('news-tip', tip(), [
      plates,
      { name: 'gate.png', content: png() },
    ])
    const { body, headers, status } = await takeAlong(newsroom, reference, { way: 'sealed' })
    assert.equal(status, 200)
    assert.match(headers['content-disposition'] ?? '', new RegExp(`${reference}\\.tar`))
    assert.ok(!body.includes('Fuel vanishes') && !body.includes('KBX 412') && !body.includes('plates'))

    const folder = await unpacked(t, body)
    const inside = join(folder, reference)
    await writeFile(join(folder, 'desk.key'), `${desk.identity}\n`)
    // As the page in it says, with the key where one is.
    await run('sh', [join(reference, 'open.sh'), 'desk.key'], { cwd: folder })
    const opened = await everyByte(inside)
    for (const words of ['Fuel vanishes from the depot', 'two trucks leave', 'plates & more.txt'])
      assert.ok(opened.includes(words), words)
    const files = await readdir(join(inside, 'files'))
    const contents = await Promise.all(
      files
        .filter((name) => !name.includes('.'))
        .map((name) => readFile(join(inside, 'files', name), 'utf8')),
    )
    assert.ok(contents.includes(plates.content))
    const refused = await takeAlong(newsroom, reference, { way: 'for-key', recipient: desk.recipient })
    assert.equal(refused.status, 403, 'here it cannot be opened')
  },
)

test('a piece is sealed for a key from outside, and opens with it only', withAge, async (t) => {
  const newsroom = await openNewsroom(t)
  const reference = await conversation(newsroom)
  const identity = newIdentity()
  const asked = { way: 'for-key', recipient: ` ${recipientOf(identity)} ` }
  const { body, status } = await takeAlong(newsroom, reference, asked)
  assert.equal(status, 200)
  assert.ok(!body.includes('two trucks leave'))
  const openWith = await opener(t)
  await assert.rejects(openWith(body, newIdentity()))
  const folder = await unpacked(t, await openWith(body, identity))
  const inside = join(folder, reference)
  const page = await readFile(join(inside, 'read-me.txt'), 'utf8')
  for (const words of ['two trucks leave', 'The green ones.', 'Ask the gatekeeper.', 'Where: The depot'])
    assert.ok(page.includes(words), words)
  const submission = JSON.parse(await readFile(join(inside, 'piece.json'), 'utf8'))
  assert.equal(submission.messages.length, 2)
  assert.equal(submission.messages[0].files[0].name, plates.name)
  assert.equal(await readFile(join(inside, submission.messages[0].files[0].file), 'utf8'), plates.content)
  assert.deepEqual(await readFile(join(inside, submission.messages[0].files[1].file)), png())
})

test('a clear piece goes out as it is, a confidential one never', async (t) => {
  const newsroom = await openNewsroom(t)
  const post = await newsroom.submit('guest-post', guestPost(), [{ name: 'river.png', content: png() }])
  const { body, status } = await takeAlong(newsroom, post.reference, { way: 'opened' })
  assert.equal(status, 200)
  const inside = join(await unpacked(t, body), post.reference)
  assert.ok((await readFile(join(inside, 'read-me.txt'), 'utf8')).includes('The river was the first road'))
  assert.deepEqual(await readFile(join(inside, 'files/01-river.png')), png())

  const secret = await newsroom.submit('news-tip')
  assert.equal((await takeAlong(newsroom, secret.reference, { way: 'opened' })).status, 403)
  assert.equal((await takeAlong(newsroom, post.reference, { way: 'sealed' })).status, 409)
  assert.equal((await takeAlong(newsroom, secret.reference, { way: 'elsewhere' })).status, 422)
  for (const recipient of ['', 'age1', `${recipientOf(newIdentity())}x`, newIdentity()])
    assert.equal((await takeAlong(newsroom, secret.reference, { way: 'for-key', recipient })).status, 422)
  const locked = await newsroom.http().get('/desk')
  assert.equal(locked.status, 303)
})

test('a session that is locked takes nothing along but what is sealed', async (t) => {
  const newsroom = await openNewsroom(t)
  const reference = await conversation(newsroom)
  const editor = await newsroom.application.storage.editors.byEmail('editor@newsroom.test')
  const link = new URL(await newsroom.application.signInLink(editor?.id ?? ''))
  const answer = await newsroom.http().post(link.pathname).expect(303)
  const cookie = /barua=[^;]+/.exec(String(answer.headers['set-cookie']))?.[0] ?? ''
  const recipient = recipientOf(newIdentity())
  assert.equal((await takeAlong(newsroom, reference, { way: 'for-key', recipient }, cookie)).status, 403)
  assert.equal((await takeAlong(newsroom, reference, { way: 'sealed' }, cookie)).status, 200)
})

test('what left is in the trail', async (t) => {
  const newsroom = await openNewsroom(t)
  const { reference } = await newsroom.submit('expose')
  const recipient = recipientOf(newIdentity())
  await takeAlong(newsroom, reference, { way: 'sealed' })
  await takeAlong(newsroom, reference, { way: 'for-key', recipient })
  await newsroom.deskPage('/desk/export.csv')
  const file = { name: 'a.png', content: png() }
  const submission = await newsroom.submit('story-angle', storyAngle(), [file])
  const [message] = await newsroom.application.storage.submissions.conversation(
    (await newsroom.submission(submission.reference)).id,
  )
  const id = message?.attachments[0]?.id
  await newsroom.deskPage(`/desk/attachments/${id}/clean`)
  await newsroom.act(`/desk/attachments/${id}`, {})
  // Of what is encrypted too; and that its page has said what it tells.
  const encrypted = await newsroom.submit('expose', tip(), [file])
  const [first] = await newsroom.application.storage.submissions.conversation(
    (await newsroom.submission(encrypted.reference)).id,
    newsroom.keys,
  )
  const its = first?.attachments[0]?.id
  await newsroom.deskPage(`/desk/attachments/${its}`)
  await newsroom.act(`/desk/attachments/${its}`, {})
  const told = (await newsroom.application.storage.audit.page(30)).filter(
    ({ action }) => action !== 'signed-in',
  )
  assert.deepEqual(
    told.reverse().map(({ action, reference: of, detail }) => [action, of, detail]),
    [
      ['exported', reference, 'sealed'],
      ['exported', reference, `for ${recipient}`],
      ['exported', null, 'csv'],
      ['downloaded', submission.reference, `clean ${id}`],
      ['downloaded', submission.reference, `original ${id}`],
      ['opened', encrypted.reference, null],
      ['downloaded', encrypted.reference, `original ${its}`],
    ],
  )
})
