import assert from 'node:assert/strict'
import { test } from 'node:test'
import { runCommand } from '../../src/cli/commands.ts'
import { readConfig } from '../../src/config.ts'
import { cookieOf, editorAddress, type Newsroom, openNewsroom } from '../support/newsroom.ts'
import { offlineDesk } from '../support/storage.ts'
import { tip } from '../support/submissions.ts'

const passphrase = 'five words of my own'
const minute = 60_000

/** Opens a link as a person does, with the passphrase they choose. */
async function setUp(newsroom: Newsroom, link: string, chosen = passphrase): Promise<string> {
  const { pathname } = new URL(link)
  const page = await newsroom.http().get(pathname).expect(200)
  assert.match(page.text, /name="passphrase"/)
  const answer = await newsroom
    .http()
    .post(pathname)
    .type('form')
    .send({ passphrase: chosen, again: chosen })
    .expect(303)
  return cookieOf(answer.headers, 'barua')
}

async function signIn(newsroom: Newsroom, email: string, given = passphrase): Promise<string> {
  const fields = { email, passphrase: given, way: 'passphrase' }
  const answer = await newsroom.http().post('/desk/sign-in').type('form').send(fields).expect(303)
  return cookieOf(answer.headers, 'barua')
}

/** Signs in by a mailed link, which bears no key. */
async function mailedSignIn(newsroom: Newsroom, email: string): Promise<string> {
  const editor = await newsroom.application.storage.editors.byEmail(email)
  const link = await newsroom.application.signInLink(editor?.id ?? '')
  const answer = await newsroom.http().post(new URL(link).pathname).expect(303)
  return cookieOf(answer.headers, 'barua')
}

async function page(newsroom: Newsroom, path: string, cookie: string): Promise<string> {
  return (await newsroom.http().get(path).set('cookie', cookie)).text
}

const linkIn = (text = '') => /https?:\/\/\S+\/desk\/sign-in\/[\w-]+/.exec(text)?.[0] ?? ''

test('the first link is a key until it is used; then the passphrase is', async (t) => {
  const newsroom = await openNewsroom(t)
  const { reference } = await newsroom.submit('news-tip')
  const [first] = newsroom.application.setUpLinks
  assert.equal(first?.email, editorAddress)
  await newsroom.workOff()
  const mail = newsroom.mailsTo(editorAddress).find(({ subject }) => /Sign in/.test(subject ?? ''))
  assert.equal(linkIn(mail?.text), first?.link)
  assert.match(mail?.text ?? '', /it is a key/)
  const short = { passphrase: 'short', again: 'short' }
  await newsroom
    .http()
    .post(new URL(first?.link ?? '').pathname)
    .type('form')
    .send(short)
    .expect(422)
  const cookie = await setUp(newsroom, first?.link ?? '')
  assert.match(await page(newsroom, `/desk/submissions/${reference}`, cookie), new RegExp(tip().title))
  await newsroom
    .http()
    .get(new URL(first?.link ?? '').pathname)
    .expect(404)
  const again = await signIn(newsroom, editorAddress)
  assert.match(await page(newsroom, `/desk/submissions/${reference}`, again), new RegExp(tip().title))
  assert.match(await page(newsroom, '/desk', again), new RegExp(tip().title))
})

test('a link from the mailbox opens nothing that is sealed, until the passphrase does', async (t) => {
  const newsroom = await openNewsroom(t)
  const { reference } = await newsroom.submit('news-tip')
  await setUp(newsroom, newsroom.application.setUpLinks[0]?.link ?? '')
  const cookie = await mailedSignIn(newsroom, editorAddress)
  const at = `/desk/submissions/${reference}`
  const locked = await page(newsroom, at, cookie)
  assert.doesNotMatch(locked, new RegExp(tip().title))
  assert.match(locked, /This session is locked/)
  assert.doesNotMatch(await page(newsroom, '/desk', cookie), new RegExp(tip().title))
  // Nobody answers whom they cannot know.
  const seen = await newsroom.seen(reference)
  const refused = await newsroom.act(`${at}/answer`, { ...seen, body: 'Who are you?' }, cookie)
  assert.equal(refused.status, 403)
  const wrong = await newsroom.act('/desk/keys/unlock', { passphrase: 'not that one at all' }, cookie)
  assert.equal(wrong.status, 422)
  const right = await newsroom.act('/desk/keys/unlock', { passphrase, back: reference }, cookie)
  assert.equal(right.headers.location, at)
  assert.match(await page(newsroom, at, cookie), new RegExp(tip().title))
})

test('whoever has not set up is told by a sign-in mail where the link for that is, and is led into no dead end', async (t) => {
  const newsroom = await openNewsroom(t, { SMTP_URL: '' })
  await newsroom.workOff()
  const mails = await newsroom.keptMails()
  assert.equal(mails.length, 1)
  // The first one is kept as a file, beside what a key would open.
  const [mail = ''] = mails.map((one) => one.replace(/=\r\n/g, '').replace(/=3D/g, '='))
  assert.match(mail, /You have not set up your place/)
  assert.match(mail, /npm run barua -- editor reset editor@newsroom\.test/)
  assert.notEqual(linkIn(mail), newsroom.application.setUpLinks[0]?.link)

  const cookie = cookieOf(
    (
      await newsroom
        .http()
        .post(new URL(linkIn(mail)).pathname)
        .expect(303)
    ).headers,
    'barua',
  )
  assert.match(await page(newsroom, '/desk', cookie), /You have not set up your place yet/)
  assert.match(await page(newsroom, '/desk/keys', cookie), /editor reset editor@newsroom\.test/)
  // Nothing would be lost: a passphrase is enough, and opens what comes from then on.
  const chosen = { passphrase, again: passphrase }
  assert.doesNotMatch(await page(newsroom, '/desk/account', cookie), /name="forgotten"/)
  assert.equal((await newsroom.act('/desk/account/passphrase', chosen, cookie)).status, 303)
  const { reference } = await newsroom.submit('news-tip')
  const again = await signIn(newsroom, editorAddress)
  for (const one of [cookie, again])
    assert.match(await page(newsroom, `/desk/submissions/${reference}`, one), new RegExp(tip().title))
})

test('where something is sealed already, whoever begins anew without their link has to say that it is lost', async (t) => {
  const newsroom = await openNewsroom(t)
  const { reference } = await newsroom.submit('news-tip')
  const cookie = await mailedSignIn(newsroom, editorAddress)
  const chosen = { passphrase, again: passphrase }
  assert.equal((await newsroom.act('/desk/account/passphrase', chosen, cookie)).status, 422)
  assert.match(await page(newsroom, '/desk/account', cookie), /The link that I was given to set up is lost/)
  // With it all is well still.
  const mine = await setUp(newsroom, newsroom.application.setUpLinks[0]?.link ?? '')
  assert.match(await page(newsroom, `/desk/submissions/${reference}`, mine), new RegExp(tip().title))
})

test('whoever forgets their passphrase is let in by a colleague, and by nobody else', async (t) => {
  const newsroom = await openNewsroom(t)
  const { reference } = await newsroom.submit('expose')
  const at = `/desk/submissions/${reference}`
  const mine = await setUp(newsroom, newsroom.application.setUpLinks[0]?.link ?? '')
  await newsroom.act('/desk/team', { email: 'wanja@newsroom.test', role: 'editor' }, mine)
  await newsroom.workOff()
  const invited = linkIn(newsroom.mailsTo('wanja@newsroom.test')[0]?.text)
  const hers = await setUp(newsroom, invited, 'words that are hers alone')
  assert.match(await page(newsroom, at, hers), new RegExp(tip().title))
  const cookie = await mailedSignIn(newsroom, 'wanja@newsroom.test')
  const chosen = { passphrase: 'other words of hers now', again: 'other words of hers now' }
  // Without the words it is a new passphrase, and asks for the one there is.
  assert.equal((await newsroom.act('/desk/account/passphrase', chosen, cookie)).status, 403)
  const forgotten = await newsroom.act('/desk/account/passphrase', { ...chosen, forgotten: 'yes' }, cookie)
  assert.equal(forgotten.status, 303)
  assert.doesNotMatch(await page(newsroom, at, cookie), new RegExp(tip().title))
  assert.match(await page(newsroom, at, cookie), /A colleague has to let you in/)
  // What she had before goes on opening, for it may not have been her who asked.
  const before = await signIn(newsroom, 'wanja@newsroom.test', 'words that are hers alone')
  assert.match(await page(newsroom, at, before), new RegExp(tip().title))
  const keys = await page(newsroom, '/desk/keys', mine)
  assert.match(keys, /to reset a forgotten passphrase, with no more than an email link/)
  const other = { email: 'wanja@newsroom.test', request: 'none' }
  assert.equal((await newsroom.act('/desk/keys/let-in', other, mine)).status, 409)
  const request = /name="request" value="([\w-]{36})"/.exec(keys)?.[1] ?? ''
  const code = /class="code">(\d{3} \d{3})</.exec(await page(newsroom, '/desk/keys', cookie))?.[1] ?? ''
  await newsroom.act('/desk/keys/let-in', { email: 'wanja@newsroom.test', request, code }, mine)
  assert.equal((await newsroom.http().get('/desk').set('cookie', before)).status, 303)
  assert.match(await page(newsroom, at, cookie), new RegExp(tip().title))
  const later = await signIn(newsroom, 'wanja@newsroom.test', chosen.passphrase)
  assert.match(await page(newsroom, at, later), new RegExp(tip().title))
})

test('the recovery sheet is the last way in; a new one ends it', async (t) => {
  const newsroom = await openNewsroom(t)
  const { reference } = await newsroom.submit('news-tip')
  const mine = await setUp(newsroom, newsroom.application.setUpLinks[0]?.link ?? '')
  const sheet = async () => {
    const { text } = await newsroom.act('/desk/keys/recovery', { replace: 'yes' }, mine)
    return /AGE-[\w -]{60,90}/.exec(text)?.[0] ?? assert.fail('no key is on the sheet')
  }
  const old = await sheet()
  assert.equal((await newsroom.act('/desk/keys/recovery', {}, mine)).status, 422)
  const current = await sheet()
  const locked = await mailedSignIn(newsroom, editorAddress)
  assert.equal((await newsroom.act('/desk/keys/sheet', { sheet: old }, locked)).status, 422)
  assert.equal((await newsroom.act('/desk/keys/sheet', { sheet: 'AGE-SECRET-KEY-1' }, locked)).status, 422)
  assert.equal((await newsroom.act('/desk/keys/sheet', { sheet: current }, locked)).status, 303)
  assert.match(await page(newsroom, `/desk/submissions/${reference}`, locked), new RegExp(tip().title))
})

test('whoever is removed does not hold the key that what comes next is sealed for', async (t) => {
  const newsroom = await openNewsroom(t)
  const mine = await setUp(newsroom, newsroom.application.setUpLinks[0]?.link ?? '')
  const before = await newsroom.submit('news-tip')
  await newsroom.act('/desk/team', { email: 'otto@newsroom.test', role: 'editor' }, mine)
  await newsroom.workOff()
  await setUp(newsroom, linkIn(newsroom.mailsTo('otto@newsroom.test')[0]?.text))
  const { storage, keyRing } = newsroom.application
  const otto = await storage.editors.byEmail('otto@newsroom.test')
  assert.equal((await keyRing.standing()).editors.get(otto?.id ?? ''), true)
  const held = await storage.recipientsStore.desk()
  await newsroom.act('/desk/team/remove', { email: 'otto@newsroom.test' }, mine)
  assert.notEqual(await storage.recipientsStore.desk(), held)
  assert.equal((await keyRing.standing()).editors.has(otto?.id ?? ''), false)
  const after = await newsroom.submit('news-tip')
  for (const { reference } of [before, after])
    assert.match(await page(newsroom, `/desk/submissions/${reference}`, mine), new RegExp(tip().title))
})

test('the shell makes an editor who opens what comes from then on, and loses nothing unasked', async (t) => {
  const newsroom = await openNewsroom(t)
  const shell = async (line: string) => {
    const lines: string[] = []
    const config = readConfig(newsroom.settings)
    const { signal } = new AbortController()
    const code = await runCommand(line.split(' '), config, (text) => lines.push(text), signal)
    return { code, text: lines.join('\n'), last: lines.at(-1) ?? '' }
  }
  const early = await newsroom.submit('news-tip')
  const added = await shell('editor add wanja@newsroom.test')
  const late = await newsroom.submit('news-tip')
  const cookie = await setUp(newsroom, added.last)
  const open = (reference: string) => page(newsroom, `/desk/submissions/${reference}`, cookie)
  assert.doesNotMatch(await open(early.reference), new RegExp(tip().title))
  assert.match(await open(late.reference), new RegExp(tip().title))
  const refused = await shell(`editor reset ${editorAddress}`)
  assert.equal(refused.code, 1)
  assert.match(refused.text, /nobody will ever open those pieces again/)
  assert.match(refused.last, /add --lose-what-is-sealed 1$/)
  for (const wrong of ['', ' 2', ' 1 2', ' all'])
    assert.equal((await shell(`editor reset ${editorAddress} --lose-what-is-sealed${wrong}`)).code, 1)
  assert.equal((await shell(`editor remove ${editorAddress}`)).code, 1)
  assert.equal((await shell(`editor reset ${editorAddress} --lose-what-is-sealed 1`)).code, 0)
})

test('adding somebody who is an editor already takes no key from them', async (t) => {
  const newsroom = await openNewsroom(t)
  const { reference } = await newsroom.submit('news-tip')
  const add = async () => {
    const lines: string[] = []
    const { signal } = new AbortController()
    const line = ['editor', 'add', editorAddress, 'admin']
    await runCommand(line, readConfig(newsroom.settings), (text) => lines.push(text), signal)
    return lines.at(-1) ?? ''
  }
  // Their first link is the only way to what has come in, and stays so.
  assert.match(await add(), /\/desk\/sign-in\//)
  await setUp(newsroom, newsroom.application.setUpLinks[0]?.link ?? '')
  await add()
  const cookie = await signIn(newsroom, editorAddress)
  assert.match(await page(newsroom, `/desk/submissions/${reference}`, cookie), new RegExp(tip().title))
})

test('the only editor is not removed with the key, and who forgets everything reads what comes next', async (t) => {
  const newsroom = await openNewsroom(t)
  const early = await newsroom.submit('news-tip')
  const mine = await setUp(newsroom, newsroom.application.setUpLinks[0]?.link ?? '')
  await newsroom.application.storage.editors.add('otto@newsroom.test', 'admin', Date.now())
  const removed = await newsroom.act('/desk/team/remove', { email: editorAddress }, mine)
  assert.equal(removed.status, 409)
  const cookie = await mailedSignIn(newsroom, editorAddress)
  const chosen = { passphrase: 'other words of mine now', again: 'other words of mine now', forgotten: 'yes' }
  await newsroom.act('/desk/account/passphrase', chosen, cookie)
  const open = (reference: string, by: string) => page(newsroom, `/desk/submissions/${reference}`, by)
  const meanwhile = await newsroom.submit('news-tip')
  assert.doesNotMatch(await open(meanwhile.reference, cookie), new RegExp(tip().title))
  // Their mailbox is told at once, by which session, and how to stop it.
  await newsroom.workOff()
  const mail = newsroom.mailsTo(editorAddress).find(({ subject }) => /reset a passphrase/.test(subject ?? ''))
  assert.match(mail?.text ?? '', /begun .* by a link in an email/)
  const stop = new URL(/https?:\S+\/desk\/keys\/requests\/\S+/.exec(mail?.text ?? '')?.[0] ?? '').pathname
  await newsroom.http().get(stop).expect(200)
  const renewed = (by: string) => newsroom.act('/desk/keys/begin-anew', { passphrase: chosen.passphrase }, by)
  assert.equal((await renewed(cookie)).status, 409)
  await newsroom.http().post(stop).expect(303)
  newsroom.passTime(25 * 60 * minute)
  const next = await mailedSignIn(newsroom, editorAddress)
  assert.equal((await renewed(next)).status, 409, 'it was stopped')
  await newsroom.act('/desk/account/passphrase', chosen, next)
  newsroom.passTime(25 * 60 * minute)
  const last = await mailedSignIn(newsroom, editorAddress)
  assert.match(await page(newsroom, '/desk/keys', last), /Start over without the 2 earlier submissions/)
  const wrong = await newsroom.act('/desk/keys/begin-anew', { passphrase: 'some words or other' }, last)
  assert.equal(wrong.status, 422)
  assert.equal((await renewed(last)).status, 303)
  const late = await newsroom.submit('news-tip')
  const again = await signIn(newsroom, editorAddress, chosen.passphrase)
  for (const { reference } of [early, meanwhile])
    assert.doesNotMatch(await open(reference, again), new RegExp(tip().title))
  assert.match(await open(late.reference, again), new RegExp(tip().title))
  // What they had before is not gone: the words come back to mind.
  const former = (words: string) => newsroom.act('/desk/keys/former', { passphrase: words }, again)
  assert.equal((await former('some words or other')).status, 422)
  assert.equal((await former(passphrase)).status, 303)
  for (const { reference } of [early, meanwhile, late])
    assert.match(await open(reference, again), new RegExp(tip().title))
  assert.doesNotMatch(await page(newsroom, '/desk/keys', again), /Your earlier passphrase/)
})

test('a session that ends takes its key along', async (t) => {
  const newsroom = await openNewsroom(t)
  const { reference } = await newsroom.submit('news-tip')
  const cookie = await setUp(newsroom, newsroom.application.setUpLinks[0]?.link ?? '')
  newsroom.passTime(31 * minute)
  const gone = await newsroom.http().get(`/desk/submissions/${reference}`).set('cookie', cookie)
  assert.equal(gone.status, 303)
  const again = await signIn(newsroom, editorAddress)
  await newsroom.act('/desk/sign-out', {}, again)
  assert.equal((await newsroom.http().get('/desk/keys').set('cookie', again)).status, 303)
})

test('with a desk key that is kept elsewhere, the shell makes editors and lets them in anew', async (t) => {
  const newsroom = await openNewsroom(t, { OFFLINE_DESK_KEY: offlineDesk().recipient })
  for (const line of ['editor add wanja@newsroom.test', 'editor reset wanja@newsroom.test']) {
    const lines: string[] = []
    const { signal } = new AbortController()
    const print = (text: string) => void lines.push(text)
    assert.equal(await runCommand(line.split(' '), readConfig(newsroom.settings), print, signal), 0)
    const { pathname } = new URL(lines.at(-1) ?? '')
    await newsroom.http().post(pathname).expect(303)
  }
})

test('an admin who does not open everything does not reset the only one who does', async (t) => {
  const newsroom = await openNewsroom(t, { EDITORS: editorAddress })
  const early = await newsroom.submit('news-tip')
  const mine = await setUp(newsroom, newsroom.application.setUpLinks[0]?.link ?? '')
  const { storage, keyRing, signInLink } = newsroom.application
  const otto = await storage.editors.add('otto@newsroom.test', 'admin', Date.now())
  // Otto holds only what comes from now on.
  const link = await keyRing.together(async (step) =>
    signInLink(otto.id, (await step.admit(otto.id, [])).identity, step),
  )
  const his = await setUp(newsroom, link)
  const refused = await newsroom.act('/desk/team/reset', { email: editorAddress }, his)
  assert.equal(refused.status, 409)
  assert.match(await page(newsroom, `/desk/submissions/${early.reference}`, mine), new RegExp(tip().title))
})
