import assert from 'node:assert/strict'
import { DatabaseSync } from 'node:sqlite'
import { type TestContext, test } from 'node:test'
import { runCommand } from '../../src/cli/commands.ts'
import { readConfig } from '../../src/config.ts'
import { coarseId } from '../../src/core/ids.ts'
import { createPace } from '../../src/core/pace.ts'
import { retentionRounds } from '../../src/retention/run.ts'
import { defaultRetention, RetentionRules } from '../../src/submissions/retention-rules.ts'
import { canary, everyByte, found } from '../support/canary.ts'
import { inboundMail } from '../support/mail.ts'
import { editorAddress, type Newsroom, openNewsroom } from '../support/newsroom.ts'
import { guestPost, png, storyAngle, tip } from '../support/submissions.ts'

const day = 86_400_000

/** Days pass, and what has to be looked after is, once on each. */
async function daysPass(newsroom: Newsroom, days: number): Promise<void> {
  for (let i = 0; i < days; i++) await newsroom.pause(day)
}

async function isThere(newsroom: Newsroom, reference: string): Promise<boolean> {
  return (await newsroom.application.storage.submissions.byReference(reference)) !== undefined
}

async function move(newsroom: Newsroom, reference: string, state: string): Promise<void> {
  const answer = await newsroom.act(`/desk/submissions/${reference}/move`, {
    ...(await newsroom.seen(reference)),
    state,
  })
  assert.equal(answer.status, 303, answer.text)
}

test('what was not accepted is erased after its time, a week after its editors were told', async (t) => {
  const newsroom = await openNewsroom(t)
  const { reference, receipt } = await newsroom.submit('expose', tip(), [{ name: 'a.png', content: png() }])
  const accepted = await newsroom.submit('expose')
  const post = await newsroom.submit('guest-post')
  const marked = await newsroom.submit('story-angle', { ...storyAngle(), confidential: 'yes' })
  await newsroom.workOff()
  await move(newsroom, accepted.reference, 'accepted')

  await daysPass(newsroom, 82)
  const warnings = () =>
    newsroom.mailsTo(editorAddress).filter(({ subject }) => /erased soon/.test(subject ?? ''))
  assert.equal(warnings().length, 0)
  await daysPass(newsroom, 2)
  const [warning, ...others] = warnings()
  assert.equal(others.length, 0, 'one mail of both')
  assert.match(warning?.subject ?? '', /^2 pieces will be erased soon$/)
  assert.match(warning?.text ?? '', new RegExp(reference))
  assert.match(warning?.text ?? '', new RegExp(marked.reference))
  const page = await newsroom.deskPage('/desk/retention')
  assert.match(page, new RegExp(reference))

  await daysPass(newsroom, 5)
  assert.ok(await isThere(newsroom, reference))
  await daysPass(newsroom, 4)
  assert.equal(await isThere(newsroom, reference), false)
  assert.equal(await isThere(newsroom, marked.reference), false)
  assert.ok(await isThere(newsroom, accepted.reference), 'what was accepted stays')
  assert.ok(await isThere(newsroom, post.reference), 'a guest post stays')
  await newsroom.http().post('/status').type('form').send({ receipt }).expect(404)
  assert.deepEqual(await newsroom.storedFiles(), [])
  assert.equal(warnings().length, 1)
})

test('whatever happens to a piece begins its time anew, and a hold keeps it', async (t) => {
  const newsroom = await openNewsroom(t)
  const [written, kept, held, left] = [
    await newsroom.submit('news-tip'),
    await newsroom.submit('news-tip'),
    await newsroom.submit('news-tip'),
    await newsroom.submit('news-tip'),
  ]
  await daysPass(newsroom, 85)
  await newsroom.writeAgain(written.receipt, 'There is more to say of it.')
  const cookie = await newsroom.signIn()
  const shown = await newsroom.http().get(`/desk/submissions/${kept.reference}`).set('cookie', cookie)
  assert.match(shown.text, /It will be erased on <strong>\d{4}-\d\d-\d\d<\/strong>/)
  assert.equal((await newsroom.act(`/desk/submissions/${kept.reference}/keep`, {}, cookie)).status, 303)
  const hold = { hold: 'yes' }
  assert.equal((await newsroom.act(`/desk/submissions/${held.reference}/hold`, hold, cookie)).status, 303)
  await daysPass(newsroom, 10)
  for (const { reference } of [written, kept, held]) assert.ok(await isThere(newsroom, reference))
  assert.equal(await isThere(newsroom, left.reference), false)

  await daysPass(newsroom, 90)
  assert.equal(await isThere(newsroom, written.reference), false)
  assert.equal(await isThere(newsroom, kept.reference), false)
  assert.ok(await isThere(newsroom, held.reference))
  await newsroom.act(`/desk/submissions/${held.reference}/hold`, { hold: 'no' })
  await daysPass(newsroom, 100)
  assert.equal(await isThere(newsroom, held.reference), false)
})

test('spam goes after thirty days, and nobody is told', async (t) => {
  const newsroom = await openNewsroom(t)
  const { reference } = await newsroom.submit('guest-post')
  await move(newsroom, reference, 'spam')
  await daysPass(newsroom, 29)
  assert.ok(await isThere(newsroom, reference))
  await daysPass(newsroom, 2)
  assert.equal(await isThere(newsroom, reference), false)
  assert.ok(newsroom.mailsTo(editorAddress).every(({ subject }) => !/erased soon/.test(subject ?? '')))
})

test('admins say how long each kind is kept, and what cannot be is refused', async (t) => {
  const newsroom = await openNewsroom(t)
  const { reference } = await newsroom.submit('guest-post')
  const cookie = await newsroom.signIn()
  const days = Object.fromEntries(Object.entries(defaultRetention).map(([rule, n]) => [rule, String(n)]))
  const save = (rules: object) =>
    newsroom.act('/desk/settings/retention', { ...days, revision: '0', ...rules }, cookie)
  for (const wrong of ['7', '-1', 'often', '', '1.5'])
    assert.equal((await save({ 'guest-post': wrong })).status, 422, wrong)
  assert.equal((await save({ 'guest-post': '10' })).status, 303)
  assert.equal((await save({ 'guest-post': '20' })).status, 409, 'somebody was faster')
  await daysPass(newsroom, 9)
  assert.ok(await isThere(newsroom, reference))
  await daysPass(newsroom, 3)
  assert.equal(await isThere(newsroom, reference), false)
})

test('without rules everything stays', () => {
  const none = Object.fromEntries(Object.keys(defaultRetention).map((rule) => [rule, 0]))
  assert.deepEqual(RetentionRules.parse(none), none)
})

test('of what was erased no byte is left: rows, files, previews, words in the index, waiting and kept mails', async (t) => {
  // Mail is kept as files here, and it carries clear pieces.
  const newsroom = await openNewsroom(t, { SMTP_URL: '' })
  const gone: string[] = []
  const word = () => {
    gone.push(canary())
    return gone.at(-1) as string
  }
  const staying = canary()
  await newsroom.submit('story-angle', {
    ...storyAngle(),
    title: `${staying} stays`,
    body: `${staying} `.repeat(2000),
  })
  const references: string[] = []
  for (let i = 0; i < 12; i++) {
    const post = { ...guestPost(), title: word(), body: `${word()} `.repeat(i * 300 + 20), byline: word() }
    const files = [
      { name: `${word()}.txt`, content: `${word()} `.repeat(3000) },
      { name: `${word()}.png`, content: png() },
    ]
    const sent = await newsroom.submit('guest-post', post, files)
    references.push(sent.reference)
    await newsroom.writeAgain(sent.receipt, `${word()} `.repeat(200))
    await newsroom.workOff()
    const seen = await newsroom.seen(sent.reference)
    await newsroom.act(`/desk/submissions/${sent.reference}/note`, { ...seen, note: word() })
    await newsroom.act(`/desk/submissions/${sent.reference}/tag`, { ...seen, tag: word() })
    await newsroom.act(`/desk/submissions/${sent.reference}/answer`, {
      ...(await newsroom.seen(sent.reference)),
      body: word(),
    })
    // Every other one is erased while something of it waits in the outbox still.
    if (i % 2) await newsroom.workOff()
  }
  await newsroom.application.workOnce()
  assert.ok(found(await everyByte(newsroom.folder), gone).length > gone.length / 2, 'it was there')

  const cookie = await newsroom.signIn()
  for (const reference of references) {
    const at = `/desk/submissions/${reference}/erase`
    const asked = await newsroom.http().get(at).set('cookie', cookie)
    assert.match(asked.text, /It cannot be brought back/)
    const answer = await newsroom.act(at, await newsroom.seen(reference), cookie)
    assert.equal(answer.status, 303, answer.text)
  }
  while ((await newsroom.application.workOnce()) > 0);
  const disk = await everyByte(newsroom.folder)
  assert.deepEqual(found(disk, gone), [])
  // An index writes of neighbouring words only how they differ, and in small letters.
  assert.deepEqual(
    gone.filter((one) => disk.includes(one.slice(-9).toLowerCase())),
    [],
  )
  assert.ok(found(await everyByte(newsroom.folder), [staying]).length > 0, 'what stays is there')
  assert.equal((await newsroom.storedFiles()).length, 0)
  const search = await newsroom.deskPage(`/desk?q=${staying}`)
  assert.match(search, /<mark>/)

  // Nothing in the database names them, but for the trail.
  const db = new DatabaseSync(`${newsroom.settings.DATA_DIR}/barua.db`, { readOnly: true })
  t.after(() => db.close())
  const { n } = db.prepare(`select count(*) as n from submissions`).get() as { n: number }
  assert.equal(n, 1)
  for (const table of [
    'messages',
    'attachments',
    'notes',
    'tags',
    'history',
    'jobs',
    'idempotency_keys',
    'attention',
  ]) {
    const rows = db.prepare(`select * from ${table}`).all()
    assert.ok(rows.length <= 8, `${table} has ${rows.length} rows`)
  }
})

test('a piece of Telegram and one of mail go with all that the doors remember of them', async (t) => {
  const newsroom = await openNewsroom(t, inboundMail)
  const chat = newsroom.chat(8111)
  await chat.say('There is a leak at the water works, and nobody looks after it.')
  await chat.press('Send')
  await newsroom.workOff()
  await newsroom.receiveMail({
    to: 'tips@newsroom.test',
    subject: 'The works',
    text: 'There is more to know of the works.',
  })
  await newsroom.workOff()
  const cookie = await newsroom.signIn()
  for (const { reference } of await newsroom.all()) {
    const answer = await newsroom.act(
      `/desk/submissions/${reference}/erase`,
      await newsroom.seen(reference),
      cookie,
    )
    assert.equal(answer.status, 303)
  }
  await newsroom.application.workOnce()
  const db = new DatabaseSync(`${newsroom.settings.DATA_DIR}/barua.db`, { readOnly: true })
  t.after(() => db.close())
  const tables = [
    'submissions',
    'messages',
    'idempotency_keys',
    'chat_submissions',
    'chat_answers',
    'mail_threads',
    'drafts',
    'draft_items',
    'erasures',
    'erased_files',
  ]
  for (const table of tables) assert.deepEqual(db.prepare(`select * from ${table}`).all(), [], table)
  // The door is open still.
  await chat.say('And here is something else that you may want to know.')
  await chat.press('Send')
  await newsroom.workOff()
  assert.equal(await newsroom.submissionCount(), 1)
})

test('erasing that is broken off goes on at the next start', async (t) => {
  const newsroom = await openNewsroom(t)
  const { reference } = await newsroom.submit('expose', tip(), [
    { name: 'a.png', content: png() },
    { name: 'b.png', content: png(2, 2) },
  ])
  const submission = await newsroom.submission(reference)
  const { storage } = newsroom.application
  await storage.erasures.erase(submission, null, 'retention', newsroom.now())
  assert.equal((await storage.erasures.files('', 10)).filter(({ sort }) => sort === 'file').length, 2)
  await newsroom.restart()
  assert.equal((await newsroom.storedFiles()).length, 2)
  await newsroom.application.workOnce()
  assert.deepEqual(await newsroom.storedFiles(), [])
  assert.equal((await newsroom.application.storage.erasures.beginToWipe('', 10)).count, 0)
})

test('a hold, a deed or a message that comes at the last moment keeps a piece', async (t) => {
  const newsroom = await openNewsroom(t)
  const { retention, erasures, settings } = newsroom.application.storage
  const [held, written] = [await newsroom.submit('news-tip'), await newsroom.submit('news-tip')]
  await daysPass(newsroom, 85)
  newsroom.passTime(8 * day)
  const { value: rules } = await settings.retention()
  const { submissions: over } = await retention.over(rules, undefined, 10, newsroom.now())
  assert.equal(over.length, 2)
  await newsroom.act(`/desk/submissions/${held.reference}/hold`, { hold: 'yes' })
  await newsroom.writeAgain(written.receipt, 'One thing more, just in time.')
  for (const sent of over) assert.equal(await erasures.erase(sent, null, 'retention', newsroom.now()), false)
  assert.ok((await isThere(newsroom, held.reference)) && (await isThere(newsroom, written.reference)))
})

/** A piece from a chat, which gathers a reply to an editor's answer. */
async function replying(t: TestContext) {
  const newsroom = await openNewsroom(t)
  const chat = newsroom.chat()
  const receipt = await chat.send('The clinic has no oxygen.')
  const { reference } = await newsroom.status(receipt)
  const at = `/desk/submissions/${reference}`
  await newsroom.act(`${at}/answer`, { body: 'Which clinic?', ...(await newsroom.seen(reference)) })
  await newsroom.pause(11_000)
  const asked = chat.heard().at(-1)?.message_id
  await chat.say({ text: 'The one at the market.', reply_to_message: { message_id: asked } })
  return { newsroom, chat, receipt, reference, at }
}

test('a reply that is being written keeps a piece until it has come in', async (t) => {
  const { newsroom, receipt, reference, at } = await replying(t)
  const refused = await newsroom.act(`${at}/erase`, await newsroom.seen(reference))
  assert.equal(refused.status, 409)
  assert.match(refused.text, /is on its way just now/)
  await newsroom.pause(2 * 60_000)
  const { messages } = await newsroom.status(receipt)
  assert.equal(messages.at(-1).body, 'The one at the market.')
  assert.equal((await newsroom.act(`${at}/erase`, await newsroom.seen(reference))).status, 303)
  assert.equal(await newsroom.submissionCount(), 0)
})

test('a reply goes in however long its worker was away, and one that was discarded goes with its piece', async (t) => {
  const { newsroom, chat, reference, at } = await replying(t)
  newsroom.passTime(20 * 60_000)
  assert.equal((await newsroom.act(`${at}/erase`, await newsroom.seen(reference))).status, 409)
  await chat.press('Discard')
  assert.equal((await newsroom.act(`${at}/erase`, await newsroom.seen(reference))).status, 303)
  const db = new DatabaseSync(`${newsroom.settings.DATA_DIR}/barua.db`, { readOnly: true })
  t.after(() => db.close())
  for (const table of ['drafts', 'draft_items'])
    assert.deepEqual(db.prepare(`select * from ${table}`).all(), [], table)
})

test('a mail that is being written about a piece keeps it until that is done: it may be kept as a file', async (t) => {
  const newsroom = await openNewsroom(t)
  await newsroom.submit('guest-post')
  const [submission] = await newsroom.all()
  assert.ok(submission)
  const { jobs, erasures } = newsroom.application.storage
  const at = newsroom.now()
  await newsroom.application.storage.leases.begin('a worker')
  const taken = (await jobs.lease('mail', 'a worker', { count: 100, now: at })) ?? []
  assert.ok(taken.length > 0)
  assert.equal(await erasures.erase(submission, null, 'retention', at), false)
  await jobs.settle(taken.map(({ id }) => ({ id, state: 'sent', at, lease: 'a worker' })))
  assert.equal(await erasures.erase(submission, null, 'retention', at), true)
})

test('a piece of any size is erased, and one that cannot be holds up none of the others', async (t) => {
  const newsroom = await openNewsroom(t)
  const [large, small] = [await newsroom.submit('expose'), await newsroom.submit('expose')]
  const { id } = await newsroom.submission(large.reference)
  const db = new DatabaseSync(`${newsroom.settings.DATA_DIR}/barua.db`)
  t.after(() => db.close())
  const { id: message } = db.prepare('select id from messages where submission_id = ?').get(id) as {
    id: string
  }
  db.exec('begin')
  const insert = db.prepare(
    "insert into attachments (id, message_id, position, state) values (?, ?, ?, 'failed')",
  )
  for (let i = 0; i < 12_000; i++) insert.run(coarseId(i), message, i)
  db.exec('commit')
  await daysPass(newsroom, 84)
  await daysPass(newsroom, 8)
  assert.equal(await isThere(newsroom, large.reference), false)
  assert.equal(await isThere(newsroom, small.reference), false)
  assert.equal((await newsroom.application.storage.erasures.files('', 10)).length, 0)
})

test('a week is counted from a warning for the rules of today, that somebody who is there was sent', async (t) => {
  const second = 'second@newsroom.test'
  const newsroom = await openNewsroom(t, { EDITORS: `${editorAddress},${second}` })
  const { settings } = newsroom.application.storage
  const warnings = () =>
    newsroom.mailServer.mails.filter(({ subject }) => /erased soon/.test(subject ?? '')).length
  const { reference } = await newsroom.submit('news-tip')
  await newsroom.workOff()
  // Whoever claimed it has gone: everybody else is told.
  await newsroom.act(`/desk/submissions/${reference}/claim`, {}, await newsroom.signIn(second))
  await move(newsroom, reference, 'declined')
  await newsroom.act('/desk/team/remove', { email: second })
  await daysPass(newsroom, 85)
  assert.equal(warnings(), 1)
  await settings.saveRetention({ ...defaultRetention, 'news-tip': 200 }, 0, newsroom.now())
  await daysPass(newsroom, 106)
  assert.equal(warnings(), 1)
  assert.ok(await isThere(newsroom, reference))
  await daysPass(newsroom, 4)
  assert.equal(warnings(), 2, 'it is told of anew')
  await daysPass(newsroom, 8)
  assert.equal(await isThere(newsroom, reference), false)

  // While a warning does not leave, nothing is erased; whoever lets it be has it so.
  const other = await newsroom.submit('news-tip')
  await newsroom.workOff()
  await daysPass(newsroom, 190)
  await newsroom.mailServer.close()
  await daysPass(newsroom, 20)
  assert.ok(await isThere(newsroom, other.reference))
  const page = await newsroom.deskPage('/desk/deliveries?state=failed')
  assert.match(page, /word to an editor of what will be erased/)
  for (const [drop = ''] of page.matchAll(/\/desk\/deliveries\/[\w-]+\/drop/g)) await newsroom.act(drop, {})
  await daysPass(newsroom, 2)
  assert.equal(await isThere(newsroom, other.reference), false)
})

test('an editor hears of what they have claimed, however much others have', async (t) => {
  const second = 'second@newsroom.test'
  const newsroom = await openNewsroom(t, { EDITORS: `${editorAddress},${second}` })
  const { storage } = newsroom.application
  const { reference } = await newsroom.submit('news-tip')
  await newsroom.workOff()
  await newsroom.act(`/desk/submissions/${reference}/claim`, {}, await newsroom.signIn(second))
  const db = new DatabaseSync(`${newsroom.settings.DATA_DIR}/barua.db`)
  t.after(() => db.close())
  const [first] = await storage.editors.active()
  const at = newsroom.now() - day
  db.exec('begin')
  const add =
    db.prepare(`insert into submissions (id, reference, receipt_hash, kind, channel, state, created_at, updated_at,
    active_at, assignee_id, context_id) values (?, ?, ?, 'news-tip', 'form', 'in-review', ?, ?, ?, ?, '')`)
  for (let i = 0; i < 1200; i++)
    add.run(coarseId(at), `other ${i}`, `other ${i}`, at, at, at, first?.id ?? '')
  db.exec('commit')
  await daysPass(newsroom, 85)
  const mails = newsroom.mailsTo(second).filter(({ subject }) => /erased soon/.test(subject ?? ''))
  assert.equal(mails.length, 1)
  assert.match(mails[0]?.text ?? '', new RegExp(reference))
  assert.equal(
    newsroom.mailsTo(editorAddress).filter(({ subject }) => /erased soon/.test(subject ?? '')).length,
    1,
  )
})

test('what is warned of while the mail about others is being written is told of too', async (t) => {
  const newsroom = await openNewsroom(t)
  const { retention, jobs, editors, settings } = newsroom.application.storage
  const ids = (await editors.active()).map(({ id }) => id)
  const { value: rules } = await settings.retention()
  const warned = () => retention.warn(rules, ids, 10, newsroom.now())
  const waiting = async () =>
    (await jobs.page({ state: 'pending', size: 100 })).filter(({ type }) => type === 'erasure-warning')
  await newsroom.submit('news-tip')
  await newsroom.workOff()
  newsroom.passTime(84 * day)
  assert.equal(await warned(), 1)
  await newsroom.submit('news-tip')
  newsroom.passTime(1)
  await newsroom.application.storage.leases.begin('a worker')
  await jobs.lease('mail', 'a worker', { count: 100, now: newsroom.now() })
  newsroom.passTime(84 * day)
  assert.equal(await warned(), 1)
  assert.equal((await waiting()).length, 2)
  await newsroom.submit('news-tip')
  newsroom.passTime(84 * day)
  assert.equal(await warned(), 1)
  assert.equal((await waiting()).length, 2, 'one that nobody has in hand tells of it')
})

test('rules that change while much is erased hold at once', async (t) => {
  const newsroom = await openNewsroom(t)
  const { storage } = newsroom.application
  const db = new DatabaseSync(`${newsroom.settings.DATA_DIR}/barua.db`)
  t.after(() => db.close())
  const at = newsroom.now() - 100 * day
  const add =
    db.prepare(`insert into submissions (id, reference, receipt_hash, kind, channel, state, created_at, updated_at,
    active_at, warned_at, context_id) values (?, ?, ?, 'news-tip', 'form', 'declined', ?, ?, ?, ?, '')`)
  for (let i = 0; i < 100; i++)
    add.run(coarseId(at), `old ${i}`, `old ${i}`, at, at, at, newsroom.now() - 8 * day)
  const keeping = retentionRounds({
    rules: storage.settings.retention,
    retention: storage.retention,
    editors: storage.editors,
    async erase(...given) {
      const isErased = await storage.erasures.erase(...given)
      const { revision } = await storage.settings.retention()
      if (revision === 0)
        await storage.settings.saveRetention({ ...defaultRetention, 'news-tip': 0 }, 0, newsroom.now())
      return isErased
    },
    onError: assert.ifError,
    now: newsroom.now,
  })
  const pace = createPace({ rest: 0 })
  const erased = await keeping.eraseOver(pace)
  assert.ok(erased > 0 && erased < 50, `${erased} were erased`)
  assert.equal(await keeping.eraseOver(pace), 0)
  assert.equal(await newsroom.submissionCount(), 100 - erased)
})

test('only admins erase, and only what they saw', async (t) => {
  const newsroom = await openNewsroom(t, { EDITORS: `${editorAddress},second@newsroom.test` })
  const { reference, receipt } = await newsroom.submit('news-tip')
  const at = `/desk/submissions/${reference}/erase`
  const seen = await newsroom.seen(reference)
  const other = await newsroom.signIn('second@newsroom.test')
  const isAdmin =
    (await newsroom.application.storage.editors.byEmail('second@newsroom.test'))?.role === 'admin'
  if (isAdmin) {
    const { storage } = newsroom.application
    await storage.editors.setRole((await storage.editors.byEmail('second@newsroom.test'))?.id ?? '', 'editor')
  }
  assert.equal((await newsroom.act(at, seen, other)).status, 403)
  await newsroom.writeAgain(receipt, 'One more thing that you should know.')
  assert.equal((await newsroom.act(at, seen)).status, 409)
  assert.ok(await isThere(newsroom, reference))
})

test('the trail tells who opened, moved and erased which piece, and shows when it was changed', async (t) => {
  const newsroom = await openNewsroom(t)
  const { reference } = await newsroom.submit('expose')
  const cookie = await newsroom.signIn()
  const open = () => newsroom.http().get(`/desk/submissions/${reference}`).set('cookie', cookie).expect(200)
  await open()
  await open()
  await newsroom.act(
    `/desk/submissions/${reference}/move`,
    { ...(await newsroom.seen(reference)), state: 'declined' },
    cookie,
  )
  newsroom.passTime(2 * 3_600_000)
  const later = await newsroom.signIn()
  await newsroom.http().get(`/desk/submissions/${reference}`).set('cookie', later).expect(200)
  await newsroom.act(`/desk/submissions/${reference}/erase`, await newsroom.seen(reference), later)
  const { storage } = newsroom.application
  const told = (await storage.audit.page(20, { reference })).reverse()
  assert.deepEqual(
    told.map(({ action, detail }) => [action, detail]),
    [
      ['opened', null],
      ['moved', 'waiting declined'],
      ['opened', null],
      ['erased', 'by-hand'],
    ],
  )
  assert.ok(told.every((entry) => entry.reference === reference && entry.editorId))
  const page = await newsroom.deskPage(`/desk/trail?reference=${reference.toLowerCase()}`)
  assert.equal(page.match(new RegExp(`<td>${reference}</td>`, 'g'))?.length, 4)

  // What is seen beside the page of a piece is told of too.
  const beside = await newsroom.submit('expose', tip(), [{ name: 'a.txt', content: 'Words of a file.' }])
  const [message] = await storage.submissions.conversation(
    (await newsroom.submission(beside.reference)).id,
    newsroom.keys,
  )
  await newsroom.deskPage(`/desk/attachments/${message?.attachments[0]?.id}/words`)
  const another = await newsroom.submit('expose')
  const stale = await newsroom.act(`/desk/submissions/${another.reference}/move`, {
    revision: '9',
    state: 'spam',
  })
  assert.equal(stale.status, 409)
  const ofSubmissions = async () =>
    (await storage.audit.page(10)).filter(({ action }) => action !== 'signed-in').slice(0, 2)
  const latest = (await ofSubmissions()).map(({ action, reference: of }) => [action, of])
  assert.deepEqual(latest, [
    ['opened', another.reference],
    ['opened', beside.reference],
  ])
  // With every sign-in between them.
  const whole = (await storage.audit.page(100)).reverse()

  const lines: string[] = []
  const verify = (...known: string[]) => {
    lines.length = 0
    const config = readConfig(newsroom.settings)
    return runCommand(
      ['audit', 'verify', ...known],
      config,
      (line) => lines.push(line),
      new AbortController().signal,
    )
  }
  assert.equal(await verify(), 0)
  assert.match(lines[0] ?? '', new RegExp(`whole: ${whole.length} lines`))
  const head = lines[1] ?? ''
  assert.equal(await verify(whole[1]?.hash ?? ''), 0)
  assert.equal(await verify('0'.repeat(64)), 1)
  assert.equal(await verify('nonsense'), 1)

  const db = new DatabaseSync(`${newsroom.settings.DATA_DIR}/barua.db`)
  t.after(() => db.close())
  assert.throws(() => db.exec(`update audit_log set action = 'moved' where number = 1`), /append-only/)
  assert.throws(() => db.exec(`delete from audit_log`), /append-only/)
  // Whoever has the database itself can still do it, and it is seen.
  db.exec('drop trigger audit_log_no_update; drop trigger audit_log_no_delete')
  const tampering: [string, string, number][] = [
    [`update audit_log set editor_id = 'somebody' where number = 2`, 'changed', 2],
    [`delete from audit_log where number = 3`, 'left out', 3],
    [`delete from audit_log where number = ${whole.length}`, 'cut off', whole.length],
  ]
  for (const [statement, what, place] of tampering) {
    db.exec(`savepoint before_it`)
    db.exec(statement)
    db.exec('release before_it')
    assert.equal(await verify(), 1, what)
    assert.match(lines[0] ?? '', new RegExp(`line ${place}\\b`), what)
    db.exec('delete from audit_log')
    const insert = db.prepare('insert into audit_log values (?, ?, ?, ?, ?, ?, ?)')
    for (const { number, at, editorId, action, reference: of, detail, hash } of whole)
      insert.run(number, at, editorId, action, of, detail, hash)
    assert.equal(await verify(head), 0)
  }
})
