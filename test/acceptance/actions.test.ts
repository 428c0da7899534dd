import assert from 'node:assert/strict'
import { test } from 'node:test'
import { editorAddress, openNewsroom } from '../support/newsroom.ts'
import { guestPost, storyAngle, tip } from '../support/submissions.ts'

const second = 'second@newsroom.test'
const two = { EDITORS: `${editorAddress},${second}` }

test('claiming takes a piece into review; a colleague who comes second is told who has it', async (t) => {
  const newsroom = await openNewsroom(t, two)
  const { reference } = await newsroom.submit('news-tip', tip())
  const path = `/desk/submissions/${reference}`
  const [first, other] = [await newsroom.signIn(), await newsroom.signIn(second)]
  assert.equal((await newsroom.act(`${path}/claim`, {}, first)).status, 303)
  const { state, assigneeId } = await newsroom.submission(reference)
  assert.equal(state, 'in-review')
  assert.equal(assigneeId, (await newsroom.application.storage.editors.byEmail(editorAddress))?.id)
  assert.equal((await newsroom.act(`${path}/claim`, {}, other)).status, 409)
  const mine = await newsroom.http().get('/desk?view=mine').set('cookie', first)
  assert.ok(mine.text.includes(reference))
  const theirs = await newsroom.http().get('/desk?view=mine').set('cookie', other)
  assert.ok(!theirs.text.includes(reference))
  assert.equal((await newsroom.act(`${path}/release`, {}, other)).status, 409)
  await newsroom.act(`${path}/release`, {}, first)
  assert.equal((await newsroom.submission(reference)).assigneeId, null)
})

test('of two claims at the same moment one wins', async (t) => {
  const newsroom = await openNewsroom(t, two)
  const { reference } = await newsroom.submit('news-tip', tip())
  const cookies = [await newsroom.signIn(), await newsroom.signIn(second)]
  const claim = (cookie: string) => newsroom.act(`/desk/submissions/${reference}/claim`, {}, cookie)
  const answers = await Promise.all(cookies.map(claim))
  assert.deepEqual(answers.map((answer) => answer.status).sort(), [303, 409])
})

test('notes that are written at the same moment are all kept', async (t) => {
  const newsroom = await openNewsroom(t)
  const { reference } = await newsroom.submit('news-tip', tip())
  const cookie = await newsroom.signIn()
  const notes = Array.from({ length: 8 }, (_, i) => `Note ${i}`)
  const answers = await Promise.all(
    notes.map((note) => newsroom.act(`/desk/submissions/${reference}/note`, { note }, cookie)),
  )
  assert.ok(answers.every((answer) => answer.status === 303))
  const { id } = await newsroom.submission(reference)
  const kept = await newsroom.application.storage.notes.of(id, newsroom.keys)
  assert.deepEqual(kept.map((note) => note.body).sort(), notes)
})

test('who is given a piece by a colleague gets a mail about it, and who takes it themselves gets none', async (t) => {
  const newsroom = await openNewsroom(t, two)
  const { reference } = await newsroom.submit('story-angle', storyAngle())
  await newsroom.workOff()
  const { storage } = newsroom.application
  const id = (await storage.editors.byEmail(second))?.id ?? ''
  const path = `/desk/submissions/${reference}/assign`
  await newsroom.act(path, { editor: id, ...(await newsroom.seen(reference)) })
  await newsroom.workOff()
  const mails = newsroom.mailsTo(second).filter((mail) => mail.text?.includes('has given you'))
  assert.equal(mails.length, 1)
  assert.ok(mails[0]?.text?.includes(`/desk/submissions/${reference}`))
  await newsroom.act(path, { editor: id, ...(await newsroom.seen(reference)) }, await newsroom.signIn(second))
  await newsroom.workOff()
  assert.equal(newsroom.mailsTo(second).filter((mail) => mail.text?.includes('has given you')).length, 1)
})

test('a piece moves by the table only', async (t) => {
  const newsroom = await openNewsroom(t)
  const { reference } = await newsroom.submit('news-tip', tip())
  const move = async (state: string) => {
    const fields = { state, ...(await newsroom.seen(reference)) }
    return (await newsroom.act(`/desk/submissions/${reference}/move`, fields)).status
  }
  assert.equal(await move('spam'), 303)
  assert.equal(await move('accepted'), 409)
  assert.equal(await move('nowhere'), 422)
  assert.equal(await move('waiting'), 303)
  assert.equal(await move('declined'), 303)
  assert.equal((await newsroom.submission(reference)).state, 'declined')
})

test('a save that lost a race says so, shows both versions, and loses no word', async (t) => {
  const newsroom = await openNewsroom(t, two)
  const { reference, receipt } = await newsroom.submit('story-angle', storyAngle())
  const path = `/desk/submissions/${reference}/answer`
  const seen = await newsroom.seen(reference)
  await newsroom.writeAgain(receipt, 'Wait: his name is Baraka.')
  const words = 'Thank you <b>very</b> much.'
  const lost = await newsroom.act(path, { body: words, ...seen })
  assert.equal(lost.status, 409)
  assert.ok(lost.text.includes('Wait: his name is Baraka.'), 'what is there now')
  assert.ok(lost.text.includes('Thank you &lt;b&gt;very&lt;/b&gt; much.</textarea>'), 'what was to be sent')
  const [sent] = (await newsroom.status(receipt)).messages.slice(2)
  assert.equal(sent, undefined)
  // The form of that page sends it all the same, on top of what is there now.
  const revision = /name="revision" value="(\d+)"/.exec(lost.text)?.[1] ?? ''
  assert.equal((await newsroom.act(path, { body: words, revision })).status, 303)
  newsroom.passTime(10_000)
  assert.equal((await newsroom.status(receipt)).messages.at(-1).body, words)
  assert.equal((await newsroom.act(path, { body: words, revision: '' })).status, 409)
})

test('a letter page that was opened on an older reading sends nothing over what has changed', async (t) => {
  const newsroom = await openNewsroom(t, two)
  const { reference } = await newsroom.submit('story-angle', storyAngle())
  const path = `/desk/submissions/${reference}`
  const read = await newsroom.deskPage(path)
  const link = /href="([^"]*letter\/accepted[^"]*)"/.exec(read)?.[1]?.replaceAll('&amp;', '&') ?? ''
  await newsroom.act(`${path}/claim`, {}, await newsroom.signIn(second))
  const page = await newsroom.deskPage(link)
  assert.ok(page.includes('Something has changed here') && page.includes('with <strong>second</strong>'))
  const revision = /name="revision" value="(\d+)"/.exec(page)?.[1] ?? ''
  const typed = { decision: 'accepted', title: 'Yes', body: 'We take it.', revision }
  const preview = await newsroom.act(`${path}/letter`, { ...typed, way: 'preview' })
  assert.equal(/name="revision" value="(\d+)"/.exec(preview.text)?.[1], revision)
  const lost = await newsroom.act(`${path}/letter`, { ...typed, way: 'send' })
  assert.equal(lost.status, 409)
  assert.ok(lost.text.includes('We take it.') && lost.text.includes('claimed it'))
  assert.equal((await newsroom.submission(reference)).state, 'in-review')
})

test('an answer goes out by mail in the thread of the receipt, and stands on the status page', async (t) => {
  const newsroom = await openNewsroom(t)
  const { reference, receipt } = await newsroom.submit('story-angle', storyAngle())
  await newsroom.workOff()
  const body = 'Where is his corner?\n\nWe would like to send a photographer.'
  await newsroom.act(`/desk/submissions/${reference}/answer`, { body, ...(await newsroom.seen(reference)) })
  await newsroom.workOff()
  const to = storyAngle().email
  assert.equal(newsroom.mailsTo(to).length, 1, 'it can still be taken back')
  assert.equal((await newsroom.status(receipt)).messages.length, 1)
  newsroom.passTime(10_000)
  await newsroom.workOff()
  const [receiptMail, answer] = newsroom.mailsTo(to)
  assert.ok(answer)
  assert.ok(answer.text?.includes(body) && String(answer.html).includes('photographer'))
  assert.equal(String(answer.references), String(receiptMail?.references))
  assert.equal(answer.subject, `Re: ${receiptMail?.subject}`)
  assert.equal(answer.headers.get('auto-submitted'), undefined, 'a person wrote it')
  const told = (await newsroom.status(receipt)).messages.at(-1)
  assert.deepEqual([told.author, told.body], ['editor', body])
  const page = await newsroom.deskPage(`/desk/submissions/${reference}`)
  assert.match(page, /By mail: sent \d{4}-/)
})

test('an answer about a confidential piece is read with the receipt only', async (t) => {
  const newsroom = await openNewsroom(t)
  const fields = { ...tip(), email: 'source@somewhere.test' }
  const { reference, receipt } = await newsroom.submit('expose', fields)
  const body = 'Canary: can we meet at the depot?'
  await newsroom.act(`/desk/submissions/${reference}/answer`, { body, ...(await newsroom.seen(reference)) })
  newsroom.passTime(10_000)
  await newsroom.workOff()
  const mails = newsroom.mailsTo('source@somewhere.test')
  assert.equal(mails.length, 2)
  for (const mail of mails) {
    for (const canary of ['Canary', 'depot', fields.title])
      assert.ok(!(mail.raw + mail.text + mail.html).includes(canary), canary)
  }
  assert.equal((await newsroom.status(receipt)).messages.at(-1).body, body)
})

test('an answer to a Telegram sender goes to the chat, cut where Telegram needs it', async (t) => {
  const newsroom = await openNewsroom(t)
  const chat = newsroom.chat(9009)
  await chat.send('The bridge at the mill is closed.')
  const before = chat.heard().length
  const [{ reference = '' } = {}] = await newsroom.all()
  const body = `${'First. '.repeat(500)}\n\n${'Second. '.repeat(300)}`
  await newsroom.act(`/desk/submissions/${reference}/answer`, { body, ...(await newsroom.seen(reference)) })
  newsroom.passTime(10_000)
  newsroom.telegram.errors.push({ status: 429, retryAfter: 30, method: 'sendMessage' })
  await newsroom.workOff()
  assert.equal(chat.heard().length, before)
  newsroom.passTime(31_000)
  await newsroom.workOff()
  assert.deepEqual(
    chat
      .heard()
      .slice(before)
      .map(({ text }) => text.slice(0, 6)),
    ['First.', 'Second'],
  )
  const said = chat.heard().slice(before)
  assert.equal(said.map(({ text }) => text).join('\n\n'), body.trim().replace(' \n\n', '\n\n'))
})

test('a Telegram sender who has blocked the bot is a failed delivery that editors see', async (t) => {
  const newsroom = await openNewsroom(t)
  await newsroom.chat().send('The bridge at the mill is closed.')
  const [{ reference = '' } = {}] = await newsroom.all()
  const fields = { body: 'Since when?', ...(await newsroom.seen(reference)) }
  await newsroom.act(`/desk/submissions/${reference}/answer`, fields)
  newsroom.passTime(10_000)
  newsroom.telegram.errors.push({ status: 403, method: 'sendMessage' })
  await newsroom.workOff()
  const page = await newsroom.deskPage(`/desk/submissions/${reference}`)
  assert.ok(page.includes('By Telegram: did not reach the sender, telegram-403'))
  assert.ok((await newsroom.deskPage('/desk?view=all')).includes('failed delivery'))
})

test('a decision is shown as the exact mail it will be, and goes as that', async (t) => {
  const newsroom = await openNewsroom(t)
  const { reference, receipt } = await newsroom.submit('guest-post', guestPost())
  await newsroom.workOff()
  const path = `/desk/submissions/${reference}`
  const shown = await newsroom.deskPage(`${path}/letter/accepted`)
  assert.ok(shown.includes(`We are taking “${guestPost().title}”`) && shown.includes(guestPost().email))
  const typed = { decision: 'accepted', title: 'Yes to “the river”', body: 'Dear Amina,\n\nyes & thank you.' }
  const again = await newsroom.act(`${path}/letter`, { ...typed, way: 'preview' })
  const preview = /<pre tabindex="0">([\s\S]*?)<\/pre>/.exec(again.text)?.[1]?.replaceAll('&amp;', '&')
  assert.equal((await newsroom.submission(reference)).state, 'waiting', 'a preview decides nothing')
  await newsroom.act(`${path}/letter`, { ...typed, way: 'send', ...(await newsroom.seen(reference)) })
  assert.equal((await newsroom.status(receipt)).state, 'waiting', 'what can be taken back is not told')
  newsroom.passTime(10_000)
  await newsroom.workOff()
  const mail = newsroom.mailsTo(guestPost().email)[1]
  assert.equal(mail?.subject, typed.title)
  assert.equal(mail?.text?.trim(), preview)
  const { state, messages } = await newsroom.status(receipt)
  assert.deepEqual(
    [state, messages.at(-1).title, messages.at(-1).body],
    ['accepted', typed.title, typed.body],
  )
})

test('a decision without a letter sends none, and one can ask for a change twice', async (t) => {
  const newsroom = await openNewsroom(t)
  const { reference, receipt } = await newsroom.submit('guest-post', guestPost())
  const path = `/desk/submissions/${reference}/letter`
  for (const body of ['Please shorten it.', 'A little more, please.']) {
    const fields = {
      decision: 'please-change',
      title: 'A question',
      body,
      ...(await newsroom.seen(reference)),
    }
    assert.equal((await newsroom.act(path, fields)).status, 303)
  }
  const silent = {
    decision: 'declined',
    way: 'silent',
    body: 'never said',
    ...(await newsroom.seen(reference)),
  }
  assert.equal((await newsroom.act(path, silent)).status, 303)
  newsroom.passTime(10_000)
  await newsroom.workOff()
  assert.equal(newsroom.mailsTo(guestPost().email).length, 3, 'the receipt and two questions')
  assert.equal((await newsroom.status(receipt)).state, 'declined')
})

test('for ten seconds a decision can be taken back, and nobody outside has seen anything of it', async (t) => {
  const newsroom = await openNewsroom(t, two)
  const { reference, receipt } = await newsroom.submit('guest-post', guestPost())
  await newsroom.workOff()
  const decide = async () =>
    newsroom.act(`/desk/submissions/${reference}/letter`, {
      decision: 'declined',
      title: 'No',
      body: 'Not this time.',
      ...(await newsroom.seen(reference)),
    })
  const undo = (cookie?: string) => newsroom.act('/desk/undo', { references: reference }, cookie)
  const done = await decide()
  assert.match(done.headers.location ?? '', new RegExp(`undo=${reference}`))
  assert.equal((await undo(await newsroom.signIn(second))).status, 409, 'only who did it takes it back')
  newsroom.passTime(9_000)
  assert.equal((await undo()).status, 303)
  assert.equal((await newsroom.submission(reference)).state, 'waiting')
  newsroom.passTime(60_000)
  await newsroom.workOff()
  assert.equal(newsroom.mailsTo(guestPost().email).length, 1)
  assert.equal((await newsroom.status(receipt)).messages.length, 1)
  const page = await newsroom.deskPage(`/desk/submissions/${reference}`)
  assert.ok(
    page.includes('Taken back, not sent') && page.includes('Not this time.'),
    'the words are not lost',
  )

  await decide()
  newsroom.passTime(10_001)
  assert.equal((await undo()).status, 409)
  await newsroom.workOff()
  assert.equal(newsroom.mailsTo(guestPost().email).length, 2)
})

test('notes and tags are for editors; no way leads from them to the sender', async (t) => {
  const newsroom = await openNewsroom(t)
  const { reference, receipt } = await newsroom.submit('story-angle', storyAngle())
  const path = `/desk/submissions/${reference}`
  await newsroom.act(`${path}/note`, { note: 'Canary note: we had this in May.' })
  await newsroom.act(`${path}/tag`, { tag: '  Photo   Desk ' })
  assert.equal((await newsroom.act(`${path}/tag`, { tag: '<script>' })).status, 422)
  newsroom.passTime(60_000)
  await newsroom.workOff()
  const page = await newsroom.deskPage(path)
  assert.ok(
    page.includes('Canary note') && page.includes('Note, for editors only') && page.includes('photo desk'),
  )
  assert.ok((await newsroom.deskPage('/desk?tag=photo+desk')).includes(reference))
  assert.ok(!JSON.stringify(await newsroom.status(receipt)).includes('Canary'))
  assert.ok(!newsroom.mailServer.mails.some((mail) => mail.raw.includes('Canary')))
  await newsroom.act(`${path}/untag`, { tag: 'photo desk' })
  assert.ok(!(await newsroom.deskPage('/desk?tag=photo+desk')).includes(reference))
})

test('what follows spam from the same sender still comes in and is marked, but rings for nobody', async (t) => {
  const newsroom = await openNewsroom(t)
  const noticesNow = () => newsroom.mailsTo(editorAddress).filter((mail) => mail.subject?.startsWith('Story'))
  const first = await newsroom.submit('story-angle', storyAngle())
  await newsroom.workOff()
  const move = async (state: string) =>
    newsroom.act(`/desk/submissions/${first.reference}/move`, {
      state,
      ...(await newsroom.seen(first.reference)),
    })
  await move('spam')
  const second = await newsroom.submit('story-angle', { ...storyAngle(), email: 'Reader@Contributor.test' })
  await newsroom.workOff()
  assert.equal(noticesNow().length, 1)
  const inbox = await newsroom.deskPage('/desk')
  assert.ok(inbox.includes(second.reference) && inbox.includes('spam before'))
  assert.equal((await newsroom.status(first.receipt)).state, 'waiting')
  newsroom.passTime(10_000)
  assert.equal((await newsroom.status(first.receipt)).state, 'spam')

  await move('waiting')
  await newsroom.submit('story-angle', storyAngle())
  await newsroom.workOff()
  assert.equal(noticesNow().length, 2, 'it was no spam after all')

  await move('spam')
  await newsroom.act('/desk/undo', { references: first.reference })
  await newsroom.submit('story-angle', storyAngle())
  await newsroom.workOff()
  assert.equal(noticesNow().length, 3, 'it was a slip')
})

test('many pieces are moved at once, with their letters, and taken back at once', async (t) => {
  const newsroom = await openNewsroom(t)
  const sent = await Promise.all([1, 2, 3].map(() => newsroom.submit('story-angle', storyAngle())))
  await newsroom.workOff()
  const references = sent.map((one) => one.reference)
  const [first = ''] = references
  await newsroom.act(`/desk/submissions/${first}/move`, {
    state: 'declined',
    ...(await newsroom.seen(first)),
  })
  newsroom.passTime(11_000)
  const done = await newsroom.act('/desk/bulk', {
    references,
    what: 'declined with letter',
    list: 'view=waiting',
  })
  assert.match(done.headers.location ?? '', /done=2&left=1/)
  const page = await newsroom.deskPage(done.headers.location ?? '')
  assert.ok(page.includes('2 pieces') && page.includes('Undo'))
  await newsroom.act('/desk/undo', { references: references.join(',') })
  newsroom.passTime(11_000)
  await newsroom.workOff()
  assert.deepEqual((await newsroom.all()).map((row) => row.state).sort(), ['declined', 'waiting', 'waiting'])
  assert.equal(newsroom.mailsTo(storyAngle().email).length, 3, 'receipts only')
  await newsroom.act('/desk/bulk', { references, what: 'claim' })
  assert.equal((await newsroom.all()).filter((row) => row.assigneeId !== null).length, 3)
  assert.equal((await newsroom.act('/desk/bulk', { references, what: 'nonsense' })).status, 422)
})

test('letters are worded by admins; a wording that lost a race is not lost', async (t) => {
  const newsroom = await openNewsroom(t)
  const path = '/desk/settings/letters/declined'
  const page = await newsroom.deskPage(path)
  assert.ok(
    page.includes('name="revision" value="0"') && page.includes('About “Why our town needs its river back”'),
  )
  const save = (subject: string, body: string, revision: number, isOn = 'yes') =>
    newsroom.act(path, { subject, body, revision: String(revision), isOn })
  assert.equal((await save('No', 'Dear {{name}}, not “{{title}}”.', 0)).status, 303)
  const lost = await save('Nope', 'My wording', 0)
  assert.equal(lost.status, 409)
  assert.ok(lost.text.includes('My wording') && lost.text.includes('Dear {{name}}, not “{{title}}”.'))
  assert.equal((await save('Nope', 'Dear {{nobody}}', 1)).status, 422)
  const { reference } = await newsroom.submit('story-angle', { ...storyAngle(), name: '{{reference}}' })
  const letter = await newsroom.deskPage(`/desk/submissions/${reference}/letter/declined`)
  assert.ok(letter.includes(`Dear {{reference}}, not “${storyAngle().title}”.`), 'a value is no placeholder')
})

test('a newsroom that sends no receipts sends none', async (t) => {
  const newsroom = await openNewsroom(t)
  const wording = { subject: 'Received {{reference}}', body: 'Thank you.', revision: '0', isOn: '' }
  await newsroom.act('/desk/settings/letters/receipt', wording)
  const { reference } = await newsroom.submit('story-angle', storyAngle())
  await newsroom.workOff()
  assert.equal(newsroom.mailsTo(storyAngle().email).length, 0)
  const { id } = await newsroom.submission(reference)
  const jobs = await newsroom.application.storage.jobs.ofSubmission(id)
  const receipt = jobs.find((one) => one.type === 'sender-receipt')
  assert.deepEqual([receipt?.state, receipt?.errorCode], ['dropped', 'letter-off'])
})

test('the history tells who did what, and nothing can change it', async (t) => {
  const newsroom = await openNewsroom(t)
  const { reference } = await newsroom.submit('story-angle', storyAngle())
  const path = `/desk/submissions/${reference}`
  await newsroom.deskPage(path)
  await newsroom.act(`${path}/claim`, {})
  await newsroom.act(`${path}/tag`, { tag: 'weekend' })
  await newsroom.act(`${path}/note`, { note: 'A note' })
  await newsroom.act(`${path}/answer`, { body: 'An answer', ...(await newsroom.seen(reference)) })
  const { id } = await newsroom.submission(reference)
  const history = await newsroom.application.storage.history.of(id)
  assert.deepEqual(
    history.map((entry) => [entry.action, entry.detail]),
    [
      ['opened', null],
      ['claimed', null],
      ['moved', 'waiting in-review'],
      ['tagged', 'weekend'],
      ['noted', null],
      ['answered', null],
    ],
  )
  const page = await newsroom.deskPage(path)
  for (const words of [
    'opened it first',
    'claimed it',
    'moved it from waiting to in review',
    'tagged it “weekend”',
  ])
    assert.ok(page.includes(words), words)
})
