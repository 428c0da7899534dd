import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import { test } from 'node:test'
import { cookieOf, editorAddress, type Newsroom, openNewsroom } from '../support/newsroom.ts'
import { givePasskey, type TestPasskey } from '../support/passkey.ts'
import { tip } from '../support/submissions.ts'

const colleague = 'wanja@newsroom.test'
const passphrase = 'five words of my own'

async function mailedLink(newsroom: Newsroom, email = editorAddress): Promise<string> {
  const editor = await newsroom.application.storage.editors.byEmail(email)
  return new URL(await newsroom.application.signInLink(editor?.id ?? '')).pathname
}

/** Signs in by a mailed link, up to the second factor. */
async function begin(newsroom: Newsroom, email = editorAddress): Promise<string> {
  const answer = await newsroom
    .http()
    .post(await mailedLink(newsroom, email))
    .expect(303)
  return cookieOf(answer.headers, 'barua')
}

/** Signs in by a mailed link and a passkey, which gives this secret. */
async function signIn(newsroom: Newsroom, passkey: TestPasskey, prf: string): Promise<string> {
  const cookie = await begin(newsroom)
  const { text } = await newsroom.http().get('/desk/second-factor').set('cookie', cookie)
  const fields = { passkey: passkey.answer(text), prf }
  const answer = await newsroom.act('/desk/second-factor', fields, cookie)
  assert.equal(answer.headers.location, '/desk', answer.text)
  return cookieOf(answer.headers, 'barua')
}

async function page(newsroom: Newsroom, path: string, cookie: string): Promise<string> {
  return (await newsroom.http().get(path).set('cookie', cookie).expect(200)).text
}

async function opens(newsroom: Newsroom, reference: string, cookie: string): Promise<boolean> {
  return (await page(newsroom, `/desk/submissions/${reference}`, cookie)).includes(tip().title)
}

test('a mailed link and a passkey open what is sealed; with a wrong secret they only sign in', async (t) => {
  const newsroom = await openNewsroom(t)
  const { reference } = await newsroom.submit('news-tip')
  const passkey = await givePasskey(newsroom, editorAddress, true)
  const open = await signIn(newsroom, passkey, passkey.prf)
  assert.ok(await opens(newsroom, reference, open))
  assert.doesNotMatch(await page(newsroom, '/desk', open), /You have no passphrase yet/)
  const wrong = [randomBytes(32).toString('base64'), '', 'AAAA', passkey.prf.toLowerCase()]
  for (const prf of wrong) {
    const locked = await signIn(newsroom, passkey, prf)
    assert.equal(await opens(newsroom, reference, locked), false)
    assert.match(await page(newsroom, '/desk', locked), /This session is locked/)
  }
  const { prf } = passkey
  const kept = (await newsroom.databaseText()) + newsroom.logged.join('')
  for (const form of [prf, Buffer.from(prf, 'base64').toString('latin1'), prf.replace(/=+$/, '')])
    assert.ok(!kept.includes(form), 'the secret is kept nowhere')
})

test('a locked session is unlocked by a passkey that signs what it was asked, once', async (t) => {
  const newsroom = await openNewsroom(t)
  const { reference } = await newsroom.submit('news-tip')
  const passkey = await givePasskey(newsroom, editorAddress, true)
  const cookie = await signIn(newsroom, passkey, '')
  const unlock = (fields: Record<string, string>) => newsroom.act('/desk/keys/passkey', fields, cookie)
  const asked = await page(newsroom, '/desk/keys', cookie)
  assert.match(asked, /Unlock with a passkey/)
  const once = passkey.answer(asked)
  assert.equal((await unlock({ passkey: once, prf: randomBytes(32).toString('base64') })).status, 422)
  // The answer was given; the right secret beside it comes too late.
  assert.equal((await unlock({ passkey: once, prf: passkey.prf })).status, 422)
  assert.equal((await unlock({ prf: passkey.prf })).status, 422)
  assert.equal(await opens(newsroom, reference, cookie), false)
  const again = passkey.answer(await page(newsroom, '/desk/keys', cookie))
  const right = await unlock({ passkey: again, prf: passkey.prf, back: reference })
  assert.equal(right.headers.location, `/desk/submissions/${reference}`)
  assert.ok(await opens(newsroom, reference, cookie))
  assert.doesNotMatch(await page(newsroom, '/desk/keys', cookie), /Unlock/)
})

test('no passkey but the editor’s own signs in or unlocks', async (t) => {
  const newsroom = await openNewsroom(t, { EDITORS: `${editorAddress},${colleague}` })
  const { reference } = await newsroom.submit('news-tip')
  const mine = await givePasskey(newsroom, editorAddress, true)
  const hers = await givePasskey(newsroom, colleague, true)
  const waiting = await begin(newsroom)
  const { text } = await newsroom.http().get('/desk/second-factor').set('cookie', waiting)
  const other = { passkey: hers.answer(text), prf: hers.prf }
  assert.equal((await newsroom.act('/desk/second-factor', other, waiting)).status, 401)
  // Her passkey under the name of mine.
  const asked = (await newsroom.http().get('/desk/second-factor').set('cookie', waiting)).text
  const renamed = hers.answer(asked).replaceAll(hers.id, mine.id)
  const forged = { passkey: renamed, prf: mine.prf }
  assert.equal((await newsroom.act('/desk/second-factor', forged, waiting)).status, 401)
  const cookie = await signIn(newsroom, mine, '')
  const keys = await page(newsroom, '/desk/keys', cookie)
  const unlock = { passkey: hers.answer(keys), prf: hers.prf }
  assert.equal((await newsroom.act('/desk/keys/passkey', unlock, cookie)).status, 422)
  // Nor does anybody take from a colleague what is kept under theirs.
  const open = await signIn(newsroom, mine, mine.prf)
  await newsroom.act('/desk/account/passkeys/remove', { id: hers.id }, open)
  const wanja = await newsroom.application.storage.editors.byEmail(colleague)
  assert.deepEqual(await newsroom.application.keyRing.waysOf(wanja?.id ?? ''), ['passkey'])
  // What one session was asked, the same passkey does not answer in another.
  const elsewhere = await signIn(newsroom, mine, '')
  const theirs = mine.answer(await page(newsroom, '/desk/keys', cookie))
  await page(newsroom, '/desk/keys', elsewhere)
  const carried = await newsroom.act('/desk/keys/passkey', { passkey: theirs, prf: mine.prf }, elsewhere)
  assert.equal(carried.status, 422)
  assert.equal(await opens(newsroom, reference, elsewhere), false)
})

test('a passkey that only proves opens too, once it was used beside the passphrase', async (t) => {
  const newsroom = await openNewsroom(t)
  const { reference } = await newsroom.submit('news-tip')
  const chosen = { passphrase, again: passphrase }
  await newsroom.act('/desk/account/passphrase', chosen)
  const passkey = await givePasskey(newsroom, editorAddress, false)
  const proven = await signIn(newsroom, passkey, passkey.prf)
  assert.equal(await opens(newsroom, reference, proven), false)
  assert.doesNotMatch(await page(newsroom, '/desk/keys', proven), /Unlock with a passkey/)
  assert.match(await page(newsroom, '/desk/account', proven), /signs you in, unlocks nothing/)
  const fields = { email: editorAddress, passphrase, way: 'passphrase' }
  const begun = await newsroom.http().post('/desk/sign-in').type('form').send(fields).expect(303)
  const waiting = cookieOf(begun.headers, 'barua')
  const { text } = await newsroom.http().get('/desk/second-factor').set('cookie', waiting)
  const factor = { passkey: passkey.answer(text), prf: passkey.prf }
  const done = await newsroom.act('/desk/second-factor', factor, waiting)
  const open = cookieOf(done.headers, 'barua')
  assert.ok(await opens(newsroom, reference, open))
  assert.match(await page(newsroom, '/desk/account', open), /unlocks confidential submissions/)
  assert.ok(await opens(newsroom, reference, await signIn(newsroom, passkey, passkey.prf)))
})

test('a passkey that is removed opens nothing; the last that opens is not removed; a reset takes all', async (t) => {
  const newsroom = await openNewsroom(t)
  await newsroom.submit('news-tip')
  const passkey = await givePasskey(newsroom, editorAddress, true)
  const { storage, keyRing, signInLink } = newsroom.application
  const editor = await storage.editors.byEmail(editorAddress)
  const id = editor?.id ?? ''
  assert.deepEqual(await keyRing.waysOf(id), ['passkey'])
  const open = await signIn(newsroom, passkey, passkey.prf)
  const remove = () => newsroom.act('/desk/account/passkeys/remove', { id: passkey.id }, open)
  const refused = await remove()
  assert.equal(refused.status, 422)
  assert.match(refused.text, /Set a passphrase first/)
  await newsroom.act('/desk/account/passphrase', { passphrase, again: passphrase }, open)
  assert.equal((await remove()).status, 303)
  assert.deepEqual(await keyRing.waysOf(id), ['passphrase'])
  assert.equal(await keyRing.unwrap(`passkey ${passkey.id}`, Buffer.from(passkey.prf, 'base64')), undefined)
  await givePasskey(newsroom, editorAddress, true)
  const opened = await newsroom.keys()
  // The only one who opens anything goes on with a link, which has to be said.
  await keyRing.together(async (step) => {
    await step.accounts.resetFactors(id)
    await step.forget(id)
    await signInLink(id, (await step.admit(id, opened)).identity, step)
  }, 'lose 1 submission')
  assert.deepEqual(await keyRing.waysOf(id), ['link'])
  assert.deepEqual(await storage.factors.passkeys(id), [])
})
