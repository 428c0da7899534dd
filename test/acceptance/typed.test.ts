import assert from 'node:assert/strict'
import { randomUUID } from 'node:crypto'
import { describe, type TestContext, test } from 'node:test'
import type { Page } from 'playwright-core'
import { skip, type Visit, visit, withBrowser } from '../support/browser.ts'
import { inboundMail, replyTo } from '../support/mail.ts'
import { editorAddress, type Newsroom, openNewsroom } from '../support/newsroom.ts'
import { storyAngle, tip } from '../support/submissions.ts'

const second = 'otto@newsroom.test'

/** A button that sends a form, by its place among all of the page, and the boxes that go with it. */
type Sending = { index: number; action: string; what: string; boxes: string[] }

/** Every button of a page that sends a form by POST, but signing out: that is leaving. */
async function buttonsOf(page: Page): Promise<Sending[]> {
  return page.evaluate(`[...document.querySelectorAll('button')].flatMap((button, index) => {
    const action = button.getAttribute('formaction') ?? button.form?.getAttribute('action') ?? ''
    if (button.form?.method !== 'post' || action.endsWith('/sign-out')) return []
    const boxes = [...button.form.elements].filter((box) => ${isBox}).map(({ name }) => name)
    return [{ index, action: new URL(action, location.href).pathname, what: button.name + ' ' + button.value, boxes }]
  })`)
}

/** What somebody writes in, and is no secret: the passphrase, codes and the recovery sheet are never shown again. */
const isBox = `/^(text|textarea|email|number|url|search)$/.test(box.type) && !box.disabled && !['sheet', 'code'].includes(box.name)`

/** Types into every box of the page; gives what, by the names of the boxes. */
async function fillAll(page: Page, mark: string): Promise<Record<string, string>> {
  return page.evaluate(`(() => {
    const typed = {}
    for (const box of document.querySelectorAll('main input, main textarea')) {
      if (box.type === 'password' || ['sheet', 'code'].includes(box.name)) box.value = 'a secret of mine'
      else if (${isBox} && box.form?.method === 'post') {
        const number = String(1000 + Object.keys(typed).length)
        const word = '${mark} ' + box.name + number
        box.value = typed[box.name] =
          box.type === 'number' ? number
          : box.type === 'email' ? word.replaceAll(/[^\\w]/g, '.') + '@example.org'
          : box.type === 'url' ? 'https://example.org/' + number
          : box.type === 'textarea' && box.name !== 'recipient' ? word + '\\n<b>& more</b>\\n“words”' : word
      }
    }
    return typed
  })()`)
}

/** Presses a button as a hand does, whatever lies above it. */
async function press(page: Page, { index }: Sending): Promise<void> {
  await Promise.all([
    page.waitForNavigation(),
    page.evaluate(`(() => {
      const button = document.querySelectorAll('button')[${index}]
      button.form.noValidate = true
      button.form.requestSubmit(button)
    })()`),
  ])
}

/** All that stands in boxes of the page. */
async function shown(page: Page): Promise<string[]> {
  return page.evaluate(
    `[...document.querySelectorAll('main textarea, main input:not([type=hidden])')].map(({ value }) => value.replaceAll('\\r', ''))`,
  )
}

async function textOf(page: Page, where = 'main'): Promise<string> {
  return (await page.locator(where).textContent()) ?? ''
}

const map = { name: 'map.txt', mimeType: 'text/plain', buffer: Buffer.from('A map.') }

async function enter(page: Page, { newsroom, site }: Visit): Promise<string> {
  const cookie = await newsroom.signIn()
  const [name, value] = cookie.split('=') as [string, string]
  await page.context().addCookies([{ name, value, url: site }])
  return cookie
}

/** A submission on whose page all is that can be: tags, a held mail, an answer to be undone, a failed delivery. */
async function busy(newsroom: Newsroom): Promise<string> {
  // Of a sender of its own, for what is marked as spam says something of the next; and not one of a burst.
  newsroom.passTime(20 * 60_000)
  const email = `amina-${randomUUID()}@example.org`
  const { reference } = await newsroom.submit('story-angle', { ...storyAngle(), email })
  await newsroom.workOff()
  const path = `/desk/submissions/${reference}`
  const notice = newsroom.mailsTo(editorAddress).findLast(({ replyTo: to }) => to)
  assert.ok(notice)
  await newsroom.receiveMail(replyTo(notice, 'Do not trust her.', { from: 'friend@example.net' }))
  await newsroom.receiveMail(replyTo(notice, 'She is right.', { from: 'cousin@example.net' }))
  await newsroom.act(`${path}/tag`, { tag: 'harbour' })
  newsroom.mailServer.refuse.recipient = 550
  await newsroom.act(`${path}/answer`, { body: 'It will not arrive.', ...(await newsroom.seen(reference)) })
  // On a busy machine a lease may be lost when the clock jumps, and what was in hand is taken up again.
  const hasFailed = async () =>
    (await newsroom.application.storage.jobs.page({ state: 'failed', size: 1 })).length > 0
  await newsroom.pause(11_000)
  for (let again = 0; again < 20 && !(await hasFailed()); again++) await newsroom.pause(11_000)
  assert.ok(await hasFailed())
  newsroom.mailServer.refuse.recipient = undefined
  await newsroom.act(`${path}/claim`, {})
  return reference
}

const answerToUndo = async (newsroom: Newsroom, reference: string) =>
  newsroom.act(`/desk/submissions/${reference}/answer`, {
    body: 'To be undone.',
    ...(await newsroom.seen(reference)),
  })

async function desk(t: TestContext) {
  const visited = await visit(t, {
    env: { ...inboundMail, EDITORS: `${editorAddress},${second}`, WEBHOOK_HOSTS: 'example.org' },
  })
  return { ...visited, visited, reference: await busy(visited.newsroom) }
}

describe('what is typed at the desk', skip, () => {
  withBrowser()

  test('comes back from every form of every page whose session has ended', async (t) => {
    const { newsroom, page, site, visited, reference } = await desk(t)
    const made = await newsroom.act('/desk/api-tokens', { name: 'Bridge', hourlyLimit: '10', hookUrl: '' })
    assert.equal(made.status, 200)
    const { reference: encrypted } = await newsroom.submit('news-tip', tip())
    const pages = [
      `/desk/submissions/${reference}`,
      `/desk/submissions/${encrypted}`,
      `/desk/submissions/${reference}/letter/accepted`,
      `/desk/submissions/${reference}/letter/please-change`,
      `/desk/submissions/${reference}/erase`,
      '/desk?view=all',
      '/desk/deliveries?state=failed',
      '/desk/account',
      '/desk/account/pgp',
      '/desk/account/totp',
      '/desk/account/passkeys',
      '/desk/team',
      '/desk/settings',
      ...['receipt', 'accepted', 'declined', 'please-change'].map((name) => `/desk/settings/letters/${name}`),
      '/desk/api-tokens',
      '/desk/keys',
      '/desk/retention',
      '/desk/telegram',
    ]
    let walked = 0
    const actions = new Set<string>()
    for (const path of pages) {
      await enter(page, visited)
      await page.goto(site + path)
      // One button is enough for each form and address.
      const buttons = new Map((await buttonsOf(page)).map((one) => [one.action + one.boxes.length, one]))
      for (const button of buttons.values()) {
        const cookie = await enter(page, visited)
        await page.goto(site + path)
        const typed = await fillAll(page, 'Long words')
        await newsroom.act('/desk/sign-out', {}, cookie)
        await press(page, button)
        const where = `${path}: ${button.action}`
        const text = await textOf(page)
        assert.match(text, /sign in/i, where)
        assert.doesNotMatch(await page.content(), /a secret of mine/)
        const there = await shown(page)
        for (const name of button.boxes) {
          assert.ok(there.includes(typed[name] ?? ''), `${where}: ${name} is lost`)
          walked += 1
        }
        actions.add(button.action.replace(/[\dA-Z]{4}-[\dA-Z]{4}/, ':reference'))
      }
    }
    assert.ok(walked > 60, `${walked} boxes`)
    // A form that is on none of these pages has to be added to them.
    const declared = newsroom.application.deskRoutes.filter(
      ({ method, access }) => method === 'post' && access !== 'anyone',
    )
    const unseen = declared
      .map(({ path }) => path)
      .filter((path) => {
        const shape = new RegExp(
          `^${path.replace(':reference', ':reference').replace(/:(id|name)/g, '[\\w-]+')}$`,
        )
        return ![...actions].some((action) => shape.test(action))
      })
    assert.deepEqual(unseen.toSorted(), withoutBoxes.toSorted())
  })

  test('and is sent from there after signing in again, answers with files too', async (t) => {
    const { newsroom, page, site, visited, reference } = await desk(t)
    const stored = await newsroom.storedFiles()
    const cookie = await enter(page, visited)
    await page.goto(`${site}/desk/submissions/${reference}`)
    await page.locator('#body').fill('May we call you <tomorrow>?')
    await page.locator('#note').fill('She wrote to us in May.')
    await page.locator('#answer-files').setInputFiles(map)
    await newsroom.act('/desk/sign-out', {}, cookie)
    await page.getByRole('button', { name: 'Send', exact: true }).click()
    await page.getByText('What you wrote has not been sent').waitFor()
    await page.getByText('Files, to be chosen again').waitFor()
    await enter(page, visited)
    await page.getByRole('button', { name: 'Send again' }).click()
    // The answer has gone out; the note, which was not to be saved yet, is in its box.
    await page.getByText('May we call you <tomorrow>?').waitFor()
    assert.equal(await page.locator('#body').inputValue(), '')
    assert.equal(await page.locator('#note').inputValue(), 'She wrote to us in May.')
    assert.deepEqual(await newsroom.storedFiles(), stored)
  })

  test('stays on the page of a submission when any other form there is sent', async (t) => {
    const { newsroom, page, site, visited, reference } = await desk(t)
    await enter(page, visited)
    await answerToUndo(newsroom, reference)
    await page.goto(`${site}/desk/submissions/${reference}`)
    const spends: Record<string, string[]> = { tag: ['tag'], note: ['note'], answer: ['body'] }
    const seen = new Set<string>()
    const count = (await buttonsOf(page)).length
    for (let place = 0; place < count; place++) {
      // What was done by one button is done with: the next is pressed on the page of another submission.
      const own = await busy(newsroom)
      await enter(page, visited)
      await answerToUndo(newsroom, own)
      await page.goto(`${site}/desk/submissions/${own}`)
      const button = (await buttonsOf(page))[place] ?? assert.fail('a button is missing')
      const what = button.action.split('/').at(-1) ?? ''
      // An archive is saved, and the page stays as it is.
      if (what === 'export') continue
      const typed = await fillAll(page, 'Words')
      await page.locator('#answer-files').setInputFiles(map)
      await press(page, button)
      const settled = `held-${new URL(page.url()).searchParams.get('quarantined')}`
      const spent = what === 'held' ? [settled] : (spends[what] ?? [])
      const there = await shown(page)
      for (const [name, text] of Object.entries(typed))
        assert.equal(there.includes(text), !spent.includes(name), `${what} ${button.what}: ${name}`)
      if (what !== 'answer') assert.match(await textOf(page, '#answer'), /map\.txt/, what)
      seen.add(what)
    }
    assert.deepEqual(
      [...seen].toSorted(),
      'answer assign confidential drop held hold move note release retry tag undo untag'.split(' '),
    )
  })

  test('stays when something cannot be done, and beside it stands why', async (t) => {
    const { newsroom, page, site, visited, reference } = await desk(t)
    await enter(page, visited)
    const errors: Record<string, [string, string, RegExp]> = {
      'a tag of signs': ['#tag', '???', /1 to 40 letters/],
      'a key that is none': ['#recipient', 'age1nonsense', /no key to seal for/],
    }
    for (const [what, [box, text, why]] of Object.entries(errors)) {
      await page.goto(`${site}/desk/submissions/${reference}`)
      const typed = { ...(await fillAll(page, 'Words')) }
      await page.evaluate(`document.querySelector('${box}').value = '${text}'`)
      const button = (await buttonsOf(page)).find(({ action, what: value }) =>
        box === '#tag' ? action.endsWith('/tag') : action.endsWith('/export') && value.endsWith('for-key'),
      )
      assert.ok(button, what)
      await press(page, button)
      assert.match(await textOf(page), why)
      const there = await shown(page)
      for (const name of ['body', 'note']) assert.ok(there.includes(typed[name] ?? ''), `${what}: ${name}`)
      assert.ok(there.includes(text), what)
    }
    // A colleague was faster: both can be seen, and one goes on with all of it.
    await page.goto(`${site}/desk/submissions/${reference}`)
    const typed = await fillAll(page, 'Words')
    await newsroom.act(`/desk/submissions/${reference}/note`, { note: 'I have called her.' })
    const send = (await buttonsOf(page)).find(({ action }) => action.endsWith('/answer'))
    assert.ok(send)
    await press(page, send)
    await page.getByText('This changed while you were working').first().waitFor()
    const there = await shown(page)
    for (const [name, text] of Object.entries(typed)) assert.ok(there.includes(text), name)
    await page.getByRole('button', { name: 'Back to the submission' }).click()
    assert.equal(await page.locator('#body').inputValue(), typed.body)
    assert.equal(await page.locator('#note').inputValue(), typed.note)
  })

  test('is kept by scripts on pages with several forms, and no secret is', async (t) => {
    const visited = await visit(t, { scripts: true, env: { EDITORS: `${editorAddress},${second}` } })
    const { page, site, complaints } = visited
    await enter(page, visited)
    await page.goto(`${site}/desk/team`)
    await page.locator('#email').fill('new@example.org')
    await page.locator('summary', { hasText: 'Change' }).last().click()
    await page.getByRole('button', { name: 'Change to admin' }).last().click()
    await page.getByText('Role changed').waitFor()
    assert.equal(await page.locator('#email').inputValue(), 'new@example.org')
    await page.goto(`${site}/desk/account`)
    await page.locator('#new-passphrase').fill('five words of my own')
    await page.locator('#your-name').fill('Otto')
    await page.getByRole('button', { name: 'End my other sessions' }).click()
    await page.getByText('Your other sessions have ended').waitFor()
    assert.equal(await page.locator('#your-name').inputValue(), 'Otto')
    assert.equal(await page.locator('#new-passphrase').inputValue(), '')
    assert.equal(await page.evaluate('sessionStorage.length'), 0)
    assert.deepEqual(complaints, [])
  })
})

/** Forms of buttons, and of secrets: nothing is typed there that could be shown again. */
const withoutBoxes = [
  '/desk/account/passkeys/remove',
  '/desk/account/pgp/remove',
  '/desk/account/recovery-codes',
  '/desk/account/totp/remove',
  '/desk/attachments/:id',
  '/desk/confirm',
  '/desk/keys/begin-anew',
  '/desk/keys/former',
  '/desk/keys/give-up',
  '/desk/keys/let-in',
  '/desk/keys/passkey',
  '/desk/keys/sheet',
  '/desk/keys/stop',
  '/desk/keys/unlock',
  '/desk/submissions/:reference/look',
  '/desk/team/pgp-key/remove',
  '/desk/undo',
]

const path = (reference: string, what: string) => `/desk/submissions/${reference}/${what}`

test('comes back from a form that another site seems to have sent, and cannot be sent from there', async (t) => {
  const newsroom = await openNewsroom(t)
  const { reference } = await newsroom.submit('story-angle', storyAngle())
  const cookie = await newsroom.signIn()
  const ask = (what: string) => newsroom.http().post(path(reference, what)).set('cookie', cookie)
  const answers = {
    foreign: await ask('note')
      .set('sec-fetch-site', 'cross-site')
      .type('form')
      .send({ note: 'Long & words' }),
    'foreign, with files': await ask('answer')
      .set('sec-fetch-site', 'cross-site')
      .field('body', 'Long & words')
      .attach('files', Buffer.from('a'), 'a.txt'),
    'an old browser, without the token': await ask('note')
      .type('form')
      .send({ note: 'Long & words', token: 'x' }),
    'an old browser, with files': await ask('answer')
      .field('body', 'Long & words')
      .attach('files', Buffer.from('a'), 'a.txt'),
  }
  for (const [what, { status, text }] of Object.entries(answers)) {
    assert.equal(status, 403, what)
    assert.match(text, /readonly>\s*Long &amp; words<\/textarea>/, what)
    assert.doesNotMatch(text, /Send again/, what)
  }
  assert.deepEqual(await newsroom.storedFiles(), [])
  // Signed out, an old browser does not say that the form is ours either.
  const out = await newsroom
    .http()
    .post(path(reference, 'note'))
    .set('cookie', 'x=y')
    .type('form')
    .send({ note: 'Words' })
  assert.equal(out.status, 401)
  assert.match(out.text, /readonly>\s*Words<\/textarea>/)
})

test('comes back when there is too much, too often, or the storage is away', async (t) => {
  const newsroom = await openNewsroom(t, {
    SUBMIT_LIMIT: '1',
    MAX_SUBMISSION_BYTES: '2000000',
    STATUS_LIMIT: '1',
  })
  const { reference } = await newsroom.submit('story-angle', storyAngle())
  const cookie = await newsroom.signIn()
  const large = Buffer.alloc(7_000_000, 'text ')
  const answer = await newsroom
    .http()
    .post(path(reference, 'answer'))
    .set('cookie', cookie)
    .set('sec-fetch-site', 'same-origin')
    .field('body', 'Words to keep')
    .field('note', 'A note to keep')
    .attach('files', large, 'large.txt')
  assert.equal(answer.status, 413)
  assert.match(answer.text, /Words to keep<\/textarea>[\s\S]*A note to keep<\/textarea>/)

  const { body } = tip()
  const form = await newsroom
    .http()
    .post('/submit/news-tip')
    .field('body', body)
    .attach('files', large, 'large.txt')
  assert.equal(form.status, 429, 'one was enough for this hour')
  assert.ok(form.text.includes(`${body}</textarea>`))
  assert.match(form.text, /Send again/)
  const plain = await newsroom
    .http()
    .post('/submit/news-tip')
    .type('form')
    .send({ body, evidence: 'I saw it.' })
  assert.equal(plain.status, 429)
  assert.ok(plain.text.includes(`${body}</textarea>`) && plain.text.includes('I saw it.</textarea>'))

  const wrong = { receipt: 'AAAA-AAAA-AAAA-AAAA-AAAA-AAAA', message: 'One thing more.' }
  for (const status of [404, 429]) {
    const told = await newsroom.http().post('/status').type('form').send(wrong)
    assert.equal(told.status, status)
    assert.ok(told.text.includes('One thing more.</textarea>'), String(status))
  }

  newsroom.application.storage.notes.of = async () => {
    throw new Error('the disk is away')
  }
  const away = await newsroom.act(
    path(reference, 'note'),
    { note: 'Note', body: 'Answer', tag: 'Tag' },
    cookie,
  )
  assert.equal(away.status, 503)
  for (const word of ['Note', 'Answer', 'Tag']) assert.ok(away.text.includes(`${word}</textarea>`), word)
})

test('a form that is too large is given back with what was typed into it', async (t) => {
  const newsroom = await openNewsroom(t, { MAX_SUBMISSION_BYTES: '2000000' })
  const request = newsroom
    .http()
    .post('/submit/guest-post')
    .field('title', 'A title of mine')
    .field('body', tip().body)
  const { status, text } = await request.attach('files', Buffer.alloc(7_000_000, 'text '), 'large.txt')
  assert.equal(status, 413)
  assert.ok(text.includes('value="A title of mine"') && text.includes(`${tip().body}</textarea>`))
  assert.deepEqual(await newsroom.storedFiles(), [])
})

test('a search that was asked for without a session is there after signing in', async (t) => {
  const newsroom = await openNewsroom(t)
  const asked = '/desk?view=all&q=the+%22old+mill%22&from=2026-01-01'
  const sent = await newsroom.http().get(asked).set('accept', 'text/html')
  assert.equal(sent.headers.location, '/desk/sign-in')
  const wanted = String(sent.headers['set-cookie']).split(';')[0] ?? ''
  const link = new URL(await newsroom.signInLink()).pathname
  assert.equal((await newsroom.http().post(link).set('cookie', wanted)).headers.location, asked)
  for (const elsewhere of [
    '//evil.example/desk',
    '/desk/../../evil',
    '/desk\\@evil.example',
    'https://evil.example/desk',
    '/desk//evil.example',
  ]) {
    const cookie = `barua-wanted=${encodeURIComponent(elsewhere)}`
    const next = new URL(await newsroom.signInLink()).pathname
    assert.equal(
      (await newsroom.http().post(next).set('cookie', cookie)).headers.location,
      '/desk',
      elsewhere,
    )
  }
})

test('a note that is sent twice from one page is one note; the same words from another are another', async (t) => {
  const newsroom = await openNewsroom(t)
  const { reference } = await newsroom.submit('story-angle', storyAngle())
  const noted = { note: 'Called, no answer.', ...(await newsroom.seen(reference)) }
  const cookie = await newsroom.signIn()
  const answers = await Promise.all([1, 2].map(() => newsroom.act(path(reference, 'note'), noted, cookie)))
  for (const { status } of answers) assert.equal(status, 303)
  const count = async () => {
    const { id } = await newsroom.submission(reference)
    return (await newsroom.application.storage.notes.of(id, newsroom.keys)).length
  }
  assert.equal(await count(), 1)
  await newsroom.act(path(reference, 'note'), { ...noted, ...(await newsroom.seen(reference)) }, cookie)
  assert.equal(await count(), 2)
})

test('a private key that was pasted by mistake is not shown again', async (t) => {
  const newsroom = await openNewsroom(t)
  const key = '-----BEGIN PGP PRIVATE KEY BLOCK-----\n\nlQVYBGaaaa\n-----END PGP PRIVATE KEY BLOCK-----'
  const answer = await newsroom.act('/desk/account/pgp', { key, name: 'a public word' }, 'barua=nobody')
  assert.equal(answer.status, 401)
  assert.ok(answer.text.includes('a public word') && !answer.text.includes('lQVYBGaaaa'))
})
