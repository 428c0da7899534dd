import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import {
  acknowledgementFor,
  losing,
  passphraseWrap,
  requestCode,
} from '../../src/accounts/keyring/key-holders.ts'
import type { KeyStep } from '../../src/accounts/keyring/key-step.ts'
import { hashToken } from '../../src/accounts/session-token.ts'
import { Failure } from '../../src/core/errors.ts'
import type { DeskRoute } from '../../src/desk/http/routes.ts'
import { recipientOf } from '../../src/encryption/age-x25519.ts'
import type { Identity } from '../../src/encryption/types.ts'
import { cookieOf, editorAddress, type Newsroom, openNewsroom } from '../support/newsroom.ts'
import { offlineDesk } from '../support/storage.ts'
import { tip } from '../support/submissions.ts'

const colleague = 'wanja@newsroom.test'
const friend = 'friend@elsewhere.test'
const passphrase = 'hippo margin violet tractor'
const other = 'lantern gravel oyster bishop'
const third = 'compass walnut drizzle anchor'
const minute = 60_000

/** Every route that changes who opens what, and what has to be proved for it. A new one has to be entered here. */
const changing: Record<string, Record<string, string>> = {
  '/desk/account/pgp': { key: 'any' },
  '/desk/account/pgp/look-up': {},
  '/desk/keys/former': { passphrase },
  '/desk/keys/give-up': {},
  '/desk/keys/let-in': { email: colleague },
  '/desk/keys/recovery': { replace: 'yes' },
  '/desk/keys/stop': {},
  '/desk/settings/confidential-by-mail': { may: 'yes', revision: '0' },
  '/desk/team': { email: friend, role: 'admin' },
  '/desk/team/remove': { email: colleague },
  '/desk/team/reset': { email: colleague },
  '/desk/team/role': { email: colleague, role: 'admin' },
}

/** What outlives a session besides. */
const lasting: Record<string, Record<string, string>> = {
  '/desk/account/passkeys': { passkey: '{}' },
  '/desk/account/passkeys/remove': { id: 'x' },
  '/desk/account/passphrase': { passphrase: other, again: other },
  '/desk/account/pgp/remove': {},
  '/desk/account/recovery-codes': {},
  '/desk/account/totp': { secret: 'A'.repeat(32), code: '000000' },
  '/desk/account/totp/remove': {},
  '/desk/api-tokens': { name: 'mine', hourlyLimit: '0', hookUrl: '' },
  '/desk/api-tokens/revoke': { name: 'mine' },
  '/desk/submissions/:reference/export': { way: 'for-key', recipient: `age1${'q'.repeat(58)}` },
  '/desk/team/pgp-key/remove': { email: colleague },
  '/desk/settings/escalation': { hours: '24', revision: '0' },
  '/desk/settings/retention': { revision: '0' },
  '/desk/settings/reply-wait': { seconds: '120', revision: '0' },
  '/desk/settings/letters/:name': { subject: 'S', body: 'B', revision: '0' },
  '/desk/submissions/:reference/erase': { revision: '1' },
}

async function setUp(newsroom: Newsroom, email: string): Promise<string> {
  const link = newsroom.application.setUpLinks.find((one) => one.email === email)?.link ?? ''
  const chosen = { passphrase, again: passphrase }
  const answer = await newsroom.http().post(new URL(link).pathname).type('form').send(chosen).expect(303)
  return cookieOf(answer.headers, 'barua')
}

async function mailedSignIn(newsroom: Newsroom, email = editorAddress): Promise<string> {
  const editor = await newsroom.application.storage.editors.byEmail(email)
  const link = await newsroom.application.signInLink(editor?.id ?? '')
  return cookieOf((await newsroom.http().post(new URL(link).pathname).expect(303)).headers, 'barua')
}

async function signIn(newsroom: Newsroom, email: string, words: string): Promise<string> {
  const fields = { email, passphrase: words, way: 'passphrase' }
  const answer = await newsroom.http().post('/desk/sign-in').type('form').send(fields).expect(303)
  return cookieOf(answer.headers, 'barua')
}

async function opens(newsroom: Newsroom, reference: string, cookie: string): Promise<boolean> {
  const { text } = await newsroom.http().get(`/desk/submissions/${reference}`).set('cookie', cookie)
  return text.includes(tip().title)
}

/** All that decides who opens what: who is in, under what, with which keys; whose PGP keys; who has an account. */
async function whoOpens({ application: { storage } }: Newsroom): Promise<string> {
  const holders = (await storage.keyRing.holders()).filter(({ standing }) => standing !== 'waiting')
  const editors = (await storage.editors.active()).map(({ email, role }) => `${email} ${role}`)
  const wraps = await Promise.all(holders.map(({ id }) => storage.keyRing.wrapsOf(id)))
  const pgp = [...(await storage.pgpKeys.all()).keys()]
  const byMail = (await storage.settings.confidentialByMail()).value
  const passphrases = await Promise.all(
    (await storage.editors.active()).map(({ id }) => storage.factors.passphrase(id)),
  )
  return JSON.stringify({
    holders,
    wraps,
    editors,
    pgp,
    byMail,
    passphrases,
    key: await storage.keyRing.current(),
  })
}

function pathOf(route: DeskRoute, reference: string): string {
  return route.path.replace(':reference', reference).replace(/:\w+/g, 'x')
}

test('a session begun by a mailed link changes nothing that opens, by no route', async (t) => {
  const newsroom = await openNewsroom(t, { EDITORS: `${editorAddress},${colleague}` })
  const mine = await setUp(newsroom, editorAddress)
  await setUp(newsroom, colleague)
  const { reference } = await newsroom.submit('news-tip')
  await newsroom.act('/desk/settings/confidential-by-mail', { may: 'yes', revision: '0' }, mine)
  const before = await whoOpens(newsroom)
  const cookie = await mailedSignIn(newsroom)
  const fieldsOf = { ...lasting, ...changing }
  const routes = newsroom.application.deskRoutes.filter(({ method }) => method === 'post')
  // Twice: with what was asked for the first time, something may be possible the second time.
  for (let round = 0; round < 2; round++) {
    for (const route of routes.filter(({ path }) => path !== '/desk/sign-out')) {
      const fields = { ...fieldsOf[route.path], forgotten: 'yes' }
      const answer = await newsroom.act(pathOf(route, reference), fields, cookie)
      assert.ok(answer.status < 500, `${route.path}: ${answer.status}`)
      if (route.path in changing) assert.equal(answer.status, 403, route.path)
      assert.equal(await whoOpens(newsroom), before, `${route.path} has changed who opens`)
    }
  }
  // What they asked for waits, and holds nothing, also when the key is changed.
  const { keyRing } = newsroom.application
  const editor = await newsroom.application.storage.editors.byEmail(editorAddress)
  assert.ok(await keyRing.requestOf(editor?.id ?? ''))
  await keyRing.together((step) => step.rotate())
  const later = await newsroom.submit('news-tip')
  assert.equal(await opens(newsroom, later.reference, cookie), false)
  const refused = await newsroom
    .http()
    .post('/desk/sign-in')
    .type('form')
    .send({ email: editorAddress, passphrase: other, way: 'passphrase' })
  assert.equal(refused.status, 401, 'the passphrase that waits signs nobody in')
  newsroom.passTime(25 * 60 * minute)
  const next = await mailedSignIn(newsroom)
  const renewed = await newsroom.act('/desk/keys/begin-anew', { passphrase: other }, next)
  assert.equal(renewed.status, 403, 'a colleague decides')
  const theirs = await signIn(newsroom, editorAddress, passphrase)
  assert.ok(await opens(newsroom, later.reference, theirs))
  // Whoever has the passphrase ends it by a new one.
  const chosen = { passphrase: 'pebble winter? orchid canoe', again: 'pebble winter? orchid canoe' }
  assert.equal((await newsroom.act('/desk/account/passphrase', chosen, theirs)).status, 303)
  assert.equal(await keyRing.requestOf(editor?.id ?? ''), undefined)
})

test('an invitation, and a passphrase, by a session that waits to be let in: nothing', async (t) => {
  const newsroom = await openNewsroom(t)
  await setUp(newsroom, editorAddress)
  const cookie = await mailedSignIn(newsroom)
  await newsroom.act(
    '/desk/account/passphrase',
    { passphrase: other, again: other, forgotten: 'yes' },
    cookie,
  )
  const { keyRing, storage } = newsroom.application
  const { id } = (await storage.editors.byEmail(editorAddress)) ?? { id: '' }
  // Even confirmed, as if the second passphrase had been given by mistake: what waits is not in.
  await newsroom.http().get('/desk/account/pgp').set('cookie', cookie).expect(200)
  const invite = await newsroom.act('/desk/team', { email: friend, confirmation: other }, cookie)
  assert.equal(invite.status, 403)
  assert.equal(await storage.editors.byEmail(friend), undefined)
  const request = await keyRing.requestOf(id)
  const again = await newsroom.act(
    '/desk/account/passphrase',
    { passphrase: other, again: other, forgotten: 'yes' },
    cookie,
  )
  assert.equal(again.status, 409)
  assert.equal((await keyRing.requestOf(id))?.id, request?.id)
  // Nor does anybody fill mailboxes with requests.
  const ask = { passphrase: other, again: other, forgotten: 'yes' }
  const statuses: number[] = []
  for (let i = 0; i < 6; i++)
    statuses.push((await newsroom.act('/desk/account/passphrase', ask, cookie)).status)
  assert.equal(statuses.at(-1), 429)
})

test('what outlives a session asks for the passphrase again, by every route', async (t) => {
  const newsroom = await openNewsroom(t, { EDITORS: `${editorAddress},${colleague}` })
  const cookie = await setUp(newsroom, editorAddress)
  await setUp(newsroom, colleague)
  const { reference } = await newsroom.submit('news-tip')
  newsroom.passTime(6 * minute)
  const before = await whoOpens(newsroom)
  const asked = new Set<string>()
  for (const route of newsroom.application.deskRoutes) {
    if (route.method !== 'post' || route.path === '/desk/sign-out') continue
    const fields = { ...lasting, ...changing }[route.path] ?? {}
    const { status, text } = await newsroom.act(pathOf(route, reference), fields, cookie)
    if (status === 403 && text.includes('Confirm it’s you')) asked.add(route.path)
    newsroom.passTime(1000)
  }
  asked.delete('/desk/confirm')
  assert.deepEqual([...asked].sort(), Object.keys({ ...lasting, ...changing }).sort())
  assert.equal(await whoOpens(newsroom), before)
  for (const path of ['/desk/account/totp', '/desk/account/passkeys'])
    await newsroom.http().get(path).set('cookie', cookie).expect(403)

  const role = { email: colleague, role: 'admin' }
  newsroom.passTime(minute)
  const wrong = await newsroom.act('/desk/team/role', { ...role, confirmation: 'not that one' }, cookie)
  assert.deepEqual([wrong.status, await whoOpens(newsroom)], [403, before])
  assert.match(
    wrong.text,
    /name="email" value="wanja@newsroom.test"/,
    'it is asked again, with what was wanted',
  )
  const right = await newsroom.act('/desk/team/role', { ...role, confirmation: passphrase }, cookie)
  assert.equal(right.status, 303)
  const back = { back: '/desk/account/totp', confirmation: passphrase }
  const confirmed = await newsroom.act('/desk/confirm', back, cookie)
  assert.equal(confirmed.headers.location, '/desk/account/totp')
  for (const bad of ['https://elsewhere.test/', '//elsewhere.test', '/desk/account/../../x?y']) {
    const { location } = (await newsroom.act('/desk/confirm', { back: bad }, cookie)).headers
    assert.equal(location, '/desk/account', bad)
  }
  // A few minutes nothing more is asked.
  assert.equal((await newsroom.act('/desk/team/role', { ...role, role: 'editor' }, cookie)).status, 303)
  newsroom.passTime(6 * minute)
  for (let i = 0; i < 5; i++)
    await newsroom.act('/desk/team/role', { ...role, confirmation: 'guess' }, cookie)
  assert.equal(
    (await newsroom.act('/desk/team/role', { ...role, confirmation: passphrase }, cookie)).status,
    429,
  )
})

test('nobody at an open desk sets another passphrase by saying that theirs is forgotten', async (t) => {
  const newsroom = await openNewsroom(t, { EDITORS: `${editorAddress},${colleague}` })
  const cookie = await setUp(newsroom, editorAddress)
  await setUp(newsroom, colleague)
  newsroom.passTime(6 * minute)
  const before = await whoOpens(newsroom)
  const chosen = { passphrase: other, again: other, forgotten: 'yes' }
  const answer = await newsroom.act('/desk/account/passphrase', chosen, cookie)
  assert.equal(answer.headers.location, '/desk/keys?saved=asked', 'it waits, as it would by a mailed link')
  assert.equal(await whoOpens(newsroom), before)
  assert.ok(await signIn(newsroom, editorAddress, passphrase))
})

test('an editor without passphrase and passkey has nothing to be asked for', async (t) => {
  const newsroom = await openNewsroom(t)
  const cookie = await newsroom.signIn()
  newsroom.passTime(6 * minute)
  const chosen = { passphrase, again: passphrase }
  assert.equal((await newsroom.act('/desk/account/passphrase', chosen, cookie)).status, 303)
})

test('what changes who may come in is in the trail, and is mailed to whom it concerns', async (t) => {
  const newsroom = await openNewsroom(t, { EDITORS: `${editorAddress},${colleague}` })
  const cookie = await setUp(newsroom, editorAddress)
  const hers = await setUp(newsroom, colleague)
  await newsroom.act('/desk/account/name', { name: 'eve@example.org' }, hers)
  await newsroom.act('/desk/account/passphrase', { passphrase: other, again: other }, hers)
  await newsroom.act('/desk/team/role', { email: colleague, role: 'admin' }, cookie)
  await newsroom.act('/desk/api-tokens', { name: 'bot', hourlyLimit: '10', hookUrl: '' }, cookie)
  await newsroom.act('/desk/keys/recovery', {}, cookie)
  await newsroom.act('/desk/settings/reply-wait', { seconds: '60', revision: '0' }, cookie)
  await newsroom.act('/desk/settings/confidential-by-mail', { may: 'yes', revision: '0' }, cookie)
  await newsroom.workOff()
  const saidTo = (email: string) =>
    newsroom
      .mailsTo(email)
      .flatMap(({ text }) => /^(You, or|editor@|eve@)([\s\S]*?)\.\n\nWhen:/m.exec(text ?? '')?.[0] ?? [])
      .map((said) => said.replace(/\s+/g, ' '))
  const isSaid = (email: string, words: RegExp) => saidTo(email).filter((said) => words.test(said)).length
  const her = String.raw`eve@example\.org <wanja@newsroom\.test>`
  for (const [words, told, toldHer] of [
    [/^You, .* set a new passphrase\./, 1, 2],
    [new RegExp(`changed the role: ${her}\\.`), 1, 1],
    [/added an API token\./, 1, 1],
    [/made a new recovery sheet\. Any earlier sheet stopped working\./, 1, 1],
    [/changed whether encrypted email includes confidential text\./, 1, 1],
    [/changed a setting/, 0, 0],
  ] as const)
    assert.deepEqual([isSaid(editorAddress, words), isSaid(colleague, words)], [told, toldHer], String(words))
  const { text } = await newsroom.http().get('/desk/trail').set('cookie', cookie)
  for (const words of [
    'signed in',
    'set a new passphrase',
    'changed the role',
    'added an API token',
    'made a new recovery sheet',
    'changed a setting',
  ])
    assert.ok(text.includes(words), words)
  assert.match(text, /<strong>eve@example\.org &lt;wanja@newsroom\.test&gt;<\/strong> set a new passphrase/)
  assert.match(text, /changed the role.*eve@example\.org &lt;wanja@newsroom\.test&gt; admin/)
})

test('a removed editor’s recovery sheet opens nothing that comes later, and only an admin makes one', async (t) => {
  const newsroom = await openNewsroom(t, { EDITORS: `${editorAddress},${colleague}` })
  const mine = await setUp(newsroom, editorAddress)
  const hers = await setUp(newsroom, colleague)
  const early = await newsroom.submit('news-tip')
  assert.equal((await newsroom.act('/desk/keys/recovery', {}, hers)).status, 403)
  const made = await newsroom.act('/desk/keys/recovery', {}, mine)
  const sheet = /AGE-[\w -]{60,90}/.exec(made.text)?.[0].replace(/\s/g, '') ?? ''
  const { keyRing, storage } = newsroom.application
  assert.notDeepEqual(await keyRing.keysOf(sheet)(), [])
  await newsroom.act('/desk/team/remove', { email: colleague }, mine)
  const late = await newsroom.submit('news-tip')
  const current = await storage.recipientsStore.desk()
  const opened = await keyRing.keysOf(sheet)()
  assert.ok(!opened.some((one) => recipientOf(one) === current))
  const locked = await mailedSignIn(newsroom)
  assert.equal((await newsroom.act('/desk/keys/sheet', { sheet }, locked)).status, 422)
  for (const { reference } of [early, late]) assert.ok(await opens(newsroom, reference, mine))
  const keys = await newsroom.http().get('/desk/keys').set('cookie', mine)
  assert.match(keys.text, /There is none/)
  await newsroom.workOff()
  assert.match(
    newsroom
      .mailsTo(editorAddress)
      .map(({ text }) => text)
      .join(),
    /recovery sheet stopped working: make a new\s+one/,
  )
})

test('what would be lost for good is named with its number, and has to be typed', async (t) => {
  const newsroom = await openNewsroom(t)
  const mine = await setUp(newsroom, editorAddress)
  for (let i = 0; i < 3; i++) await newsroom.submit('news-tip')
  const { storage, keyRing, signInLink } = newsroom.application
  const otto = await storage.editors.add('otto@newsroom.test', 'admin', Date.now())
  const link = await keyRing.together(async (step) =>
    signInLink(otto.id, (await step.admit(otto.id, [])).identity, step),
  )
  const chosen = { passphrase: other, again: other }
  const begun = await newsroom.http().post(new URL(link).pathname).type('form').send(chosen).expect(303)
  const his = cookieOf(begun.headers, 'barua')
  await newsroom.submit('news-tip')
  for (const path of ['/desk/team/reset', '/desk/team/remove']) {
    const asked = await newsroom.act(path, { email: editorAddress }, his)
    assert.equal(asked.status, 409)
    assert.match(asked.text, /type <strong>lose 3 submissions<\/strong>/)
    for (const words of ['yes', 'lose 2 submissions', 'lose submissions', 'lose 4 submissions'])
      assert.equal((await newsroom.act(path, { email: editorAddress, losing: words }, his)).status, 409)
  }
  assert.ok((await keyRing.standing()).editors.get((await storage.editors.byEmail(editorAddress))?.id ?? ''))
  await newsroom.http().get('/desk').set('cookie', mine).expect(200)
  const meant = { email: editorAddress, losing: 'lose 3 submissions' }
  assert.equal((await newsroom.act('/desk/team/remove', meant, his)).status, 303)
})

test('a link that bears a key, and whose editor started over without it, still opens what it alone does', async (t) => {
  const newsroom = await openNewsroom(t)
  const early = await newsroom.submit('news-tip')
  const link = new URL(newsroom.application.setUpLinks[0]?.link ?? '').pathname
  const first = await mailedSignIn(newsroom)
  const chosen = { passphrase: other, again: other, forgotten: 'yes' }
  assert.equal((await newsroom.act('/desk/account/passphrase', chosen, first)).status, 303)
  newsroom.passTime(25 * 60 * minute)
  const locked = await mailedSignIn(newsroom)
  const begun = await newsroom.act('/desk/keys/begin-anew', { passphrase: other }, locked)
  assert.equal(begun.status, 303)
  const late = await newsroom.submit('news-tip')
  assert.ok(await opens(newsroom, late.reference, locked))
  assert.equal(await opens(newsroom, early.reference, locked), false)
  await newsroom.http().get(link).expect(404)
  // It is no way past the passphrase that there is now; in its editor's session it opens what it did.
  const fields = { passphrase, again: passphrase }
  assert.equal((await newsroom.act(link, fields, locked)).headers.location, '/desk/keys?saved=former')
  for (const { reference } of [early, late]) assert.ok(await opens(newsroom, reference, locked))
  const again = await signIn(newsroom, editorAddress, other)
  for (const { reference } of [early, late]) assert.ok(await opens(newsroom, reference, again))
})

test('a new passphrase ends the links that were mailed before, and all other sessions', async (t) => {
  const newsroom = await openNewsroom(t)
  const mine = await setUp(newsroom, editorAddress)
  const { storage, signInLink } = newsroom.application
  const { id } = (await storage.editors.byEmail(editorAddress)) ?? { id: '' }
  const link = new URL(await signInLink(id)).pathname
  const elsewhere = await mailedSignIn(newsroom)
  await newsroom.http().get(link).expect(200)
  const chosen = { passphrase: other, again: other }
  assert.equal((await newsroom.act('/desk/account/passphrase', chosen, mine)).status, 303)
  await newsroom.http().post(link).expect(404)
  assert.equal((await newsroom.http().get('/desk').set('cookie', elsewhere)).status, 303)
  await newsroom.http().get('/desk').set('cookie', mine).expect(200)
})

test('where a sheet alone opens something, the removal of an editor leaves it that, and nothing more', async (t) => {
  const newsroom = await openNewsroom(t, { EDITORS: `${editorAddress},${colleague}` })
  const mine = await setUp(newsroom, editorAddress)
  const hers = await setUp(newsroom, colleague)
  const early = await newsroom.submit('news-tip')
  const made = await newsroom.act('/desk/keys/recovery', {}, mine)
  const sheet = /AGE-[\w -]{60,90}/.exec(made.text)?.[0].replace(/\s/g, '') ?? ''
  const { keyRing, storage, signInLink } = newsroom.application
  // All that both editors held goes: what they are given anew opens only what comes from then on.
  for (const email of [editorAddress, colleague]) {
    const { id } = (await storage.editors.byEmail(email)) ?? { id: '' }
    await keyRing.together(async (step) => {
      await step.forget(id)
      const { identity } = await step.admit(id, [])
      const secret = `words of ${email}`
      await step.wrapUnder('passphrase', secret, passphraseWrap(id), identity)
    })
  }
  assert.equal(await opens(newsroom, early.reference, hers), false)
  const { id } = (await storage.editors.byEmail(editorAddress)) ?? { id: '' }
  const identity = (await keyRing.unwrap(passphraseWrap(id), `words of ${editorAddress}`)) ?? ''
  const link = new URL(await signInLink(id, identity)).pathname
  const begun = await newsroom.http().post(link).type('form').send({ way: 'later' }).expect(303)
  const again = cookieOf(begun.headers, 'barua')
  assert.equal((await newsroom.act('/desk/team/remove', { email: colleague }, again)).status, 303)
  const late = await newsroom.submit('news-tip')
  const locked = await mailedSignIn(newsroom)
  assert.equal((await newsroom.act('/desk/keys/sheet', { sheet }, locked)).status, 422, 'it lets nobody in')
  assert.equal(await opens(newsroom, early.reference, again), false)
  assert.equal((await newsroom.act('/desk/keys/sheet', { sheet }, again)).status, 303)
  for (const { reference } of [early, late]) assert.ok(await opens(newsroom, reference, again))
})

test('with a key that is kept elsewhere, a mailed link sets no PGP key, and a forgotten passphrase waits', async (t) => {
  const newsroom = await openNewsroom(t, {
    EDITORS: `${editorAddress},${colleague}`,
    OFFLINE_DESK_KEY: offlineDesk().recipient,
  })
  const first = await mailedSignIn(newsroom)
  assert.equal((await newsroom.act('/desk/account/pgp', { key: 'any' }, first)).status, 403)
  const chosen = { passphrase, again: passphrase }
  assert.equal((await newsroom.act('/desk/account/passphrase', chosen, first)).status, 303)
  assert.equal((await newsroom.act('/desk/account/pgp', { key: 'any' }, first)).status, 422)
  await newsroom.act('/desk/account/passphrase', chosen, await mailedSignIn(newsroom, colleague))
  const unverified = await mailedSignIn(newsroom, colleague)
  const renewed = { passphrase: other, again: other, forgotten: 'yes' }
  assert.equal((await newsroom.act('/desk/account/passphrase', renewed, unverified)).status, 303)
  for (const path of ['/desk/account/pgp', '/desk/account/pgp/look-up'])
    assert.equal((await newsroom.act(path, { key: 'any' }, unverified)).status, 403)
  assert.ok(await signIn(newsroom, colleague, passphrase))
  const page = await newsroom.http().get('/desk/keys').set('cookie', first)
  const request = /name="request" value="([\w-]{36})"/.exec(page.text)?.[1] ?? ''
  const code = await codeOf(newsroom, unverified)
  for (const wrong of ['', '000000', String((Number(code) + 1) % 1_000_000).padStart(6, '0')])
    assert.equal(
      (await newsroom.act('/desk/keys/let-in', { email: colleague, request, code: wrong }, first)).status,
      422,
    )
  const granted = await newsroom.act('/desk/keys/let-in', { email: colleague, request, code }, first)
  assert.equal(granted.status, 303)
  assert.ok(await signIn(newsroom, colleague, other))
})

/** The code that whoever asked is shown, to be told to a colleague. */
async function codeOf(newsroom: Newsroom, cookie: string): Promise<string> {
  const { text } = await newsroom.http().get('/desk/keys').set('cookie', cookie)
  return /class="code">(\d{3} \d{3})</.exec(text)?.[1]?.replace(' ', '') ?? ''
}

test('a request that a thief puts in the place of another is not the one whose code is told', async (t) => {
  const newsroom = await openNewsroom(t, { EDITORS: `${editorAddress},${colleague}` })
  const first = await setUp(newsroom, editorAddress)
  await setUp(newsroom, colleague)
  const asking = { passphrase: other, again: other, forgotten: 'yes' }
  const hers = await mailedSignIn(newsroom, colleague)
  assert.equal((await newsroom.act('/desk/account/passphrase', asking, hers)).status, 303)
  const code = await codeOf(newsroom, hers)
  await newsroom.workOff()
  assert.ok(
    newsroom.mailsTo(colleague).length > 0 &&
      !JSON.stringify([editorAddress, colleague].map((to) => newsroom.mailsTo(to))).includes(code),
    'no mail tells it',
  )
  // Whoever reads her mail cancels it, and asks in her name.
  const link =
    /\/desk\/keys\/requests\/\S+/.exec(
      newsroom
        .mailsTo(colleague)
        .map(({ text }) => text)
        .join('\n'),
    )?.[0] ?? ''
  await newsroom.http().post(link).set('sec-fetch-site', 'same-origin').expect(303)
  const thief = await mailedSignIn(newsroom, colleague)
  assert.equal(
    (await newsroom.act('/desk/account/passphrase', { ...asking, passphrase: third, again: third }, thief))
      .status,
    303,
  )
  const page = await newsroom.http().get('/desk/keys').set('cookie', first)
  const request = /name="request" value="([\w-]{36})"/.exec(page.text)?.[1] ?? ''
  const refused = await newsroom.act('/desk/keys/let-in', { email: colleague, request, code }, first)
  assert.equal(refused.status, 422)
  assert.match(refused.text, /somebody else has asked in their name/)
  assert.equal(
    (await newsroom.application.keyRing.editorOfRequest(request)) !== undefined,
    true,
    'it still waits',
  )
})

/** What anybody does to the ring, by number: who does it, to whom. */
const Step = fc.record({
  what: fc.constantFrom(
    'admit',
    'invite',
    'admit with nothing',
    'settle',
    'let in',
    'ask',
    'stop',
    'begin anew',
    'give up',
    'forget',
    'expel',
    'sheet',
    'rotate',
    'submit',
    'drop ways',
    'forget and admit',
  ),
  by: fc.nat(3),
  to: fc.nat(3),
  says: fc.constantFrom('nothing', 'too little', 'exactly'),
})

test('no sequence of steps leaves a key without a way to it, unless that was said', async (t) => {
  const newsroom = await openNewsroom(t, {
    EDITORS: [0, 1, 2, 3].map((i) => `editor${i}@newsroom.test`).join(),
  })
  const { storage, keyRing } = newsroom.application
  const ids = (await storage.editors.active()).map(({ id }) => id)
  await newsroom.submit('news-tip')
  /** Every identity that is anybody's, with how it is had; as a person has their words, the sheet its paper. */
  const secrets = new Map<string, { identity: Identity; id: string }>()
  /** Of a sheet that was replaced the paper may be there still, and opens what it alone does. */
  const sheets = new Set<Identity>()
  let made = 0
  for (const { link } of newsroom.application.setUpLinks) {
    const token = link.split('/').at(-1) ?? ''
    const identity = await keyRing.unwrap(hashToken(token), token)
    if (identity) secrets.set(token, { identity, id: '' })
  }
  /** Which keys somebody can open, by trying it with what they have; `settled` without links, which may not have arrived. */
  const openable = async ({ settled }: { settled: boolean }): Promise<Set<string>> => {
    const identities = new Set<Identity>(sheets)
    for (const { id: holder, recipient, standing } of await storage.keyRing.holders()) {
      if (standing === 'waiting') continue
      const theirs = [...secrets].filter(([, { identity }]) => recipientOf(identity) === recipient)
      for (const { id, way } of await storage.keyRing.wrapsOf(holder)) {
        if (settled && way === 'link') continue
        for (const [secret] of theirs) {
          const identity = await keyRing.unwrap(id, secret)
          if (identity) identities.add(identity)
        }
      }
    }
    const opened = await Promise.all([...identities].map((one) => keyRing.keysOf(one)()))
    return new Set(opened.flat().map(recipientOf))
  }
  const bringing = async (index: number): Promise<Identity[]> => {
    const mine = (await storage.keyRing.holders()).filter(
      ({ editorId, standing }) => editorId === ids[index] && standing === 'in',
    )
    const found = [...secrets.values()].map(({ identity }) => identity)
    const theirs = found.filter((one) => mine.some(({ recipient }) => recipient === recipientOf(one)))
    return (await Promise.all(theirs.map((one) => keyRing.keysOf(one)()))).flat()
  }
  await fc.assert(
    fc.asyncProperty(fc.array(Step, { minLength: 5, maxLength: 12 }), async (sequence) => {
      for (const { what, by, to, says } of sequence) {
        if (what === 'submit') {
          await newsroom.post('news-tip')
          continue
        }
        const [opened, id] = [await bringing(by), ids[to] ?? '']
        const secret = `secret ${++made}`
        const work = async (step: KeyStep): Promise<void> => {
          const settleOn = async (identity: Identity) => {
            secrets.set(secret, { identity, id })
            await step.wrapUnder('passphrase', secret, passphraseWrap(id), identity)
            await step.accounts.setPassphrase(id, secret)
          }
          if (what === 'admit') await settleOn((await step.admit(id, opened)).identity)
          // Nobody knows whether the link arrives.
          if (what === 'invite') {
            const { identity } = await step.admit(id, opened)
            secrets.set(secret, { identity, id })
            await step.wrapUnder('link', secret, `link ${secret}`, identity)
          }
          if (what === 'admit with nothing') await settleOn((await step.admit(id, [])).identity)
          if (what === 'forget and admit') {
            await step.forget(id)
            await settleOn((await step.admit(id, opened)).identity)
          }
          if (what === 'let in')
            await step.letIn(id, opened, { code: requestCode((await step.waitingOf(id))?.id ?? '') })
          if (what === 'ask') {
            const chosen = { hash: secret, secret: Buffer.from(secret) }
            secrets.set(secret, { identity: (await step.askToStartOver(id, chosen, 's')).identity, id })
          }
          if (what === 'stop') await step.stopAsking(id)
          if (what === 'begin anew') {
            const waiting = await step.waitingOf(id)
            const own = [...secrets.values()].find((one) => recipientOf(one.identity) === waiting?.recipient)
            newsroom.passTime(25 * 60 * minute)
            await step.startOver(id, own?.identity ?? [...secrets.values()][0]?.identity ?? '')
          }
          if (what === 'settle') {
            const own = [...secrets.values()].findLast((one) => one.id === id)
            if (own) await settleOn(own.identity)
          }
          if (what === 'give up') await step.giveUpFormer(id)
          if (what === 'forget') await step.forget(id)
          if (what === 'expel') await step.expel(id)
          if (what === 'rotate') await step.rotate()
          if (what === 'drop ways') await step.accounts.dropWraps([passphraseWrap(id)])
          if (what === 'sheet' && opened.length > 0) made_ = await step.recoverySheet(opened)
        }
        let made_: Identity | undefined
        const before = [await openable({ settled: false }), await openable({ settled: true })]
        let acknowledged = says === 'too little' ? losing(0) : ''
        let isRefused = false
        for (let attempts = 0; attempts < 2; attempts++) {
          try {
            await keyRing.together(work, acknowledged)
            if (made_) sheets.add(made_)
            isRefused = false
            break
          } catch (error) {
            if (!(error instanceof Failure) && !/nobody holds keys/.test(String(error))) throw error
            isRefused = true
            if (says !== 'exactly') break
            acknowledged = acknowledgementFor(error) ?? ''
          }
        }
        const after = [await openable({ settled: false }), await openable({ settled: true })]
        const gone = before.flatMap((keys, i) => [...keys].filter((key) => !after[i]?.has(key)))
        const lost = [...new Set(gone)]
        const count = await storage.keyRing.countEncryptedFor(lost)
        if (isRefused) assert.equal(lost.length, 0, `${what} was refused, and changed something`)
        else if (acknowledged === '' || says === 'too little')
          assert.equal(count, 0, `${what} lost ${count} unsaid`)
        else assert.equal(losing(count), acknowledged, what)
      }
    }),
    // One run goes on from where the last one ended, so a shorter sequence shows nothing.
    { numRuns: 20, endOnFailure: true },
  )
})
