import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import type { Page } from 'playwright-core'
import { lookAtAll, skip, visit, withBrowser } from '../support/browser.ts'
import { canary, everyByte, found } from '../support/canary.ts'
import { type Newsroom, openNewsroom } from '../support/newsroom.ts'
import { png, storyAngle, tip } from '../support/submissions.ts'

type Sent = { name: string; content: Buffer | string }

/** Answers as the desk's own form does. */
async function answer(
  newsroom: Newsroom,
  reference: string,
  given: { body: string; files: Sent[]; fields?: Record<string, string>; cookie?: string },
) {
  const request = newsroom
    .http()
    .post(`/desk/submissions/${reference}/answer`)
    .set('cookie', given.cookie ?? (await newsroom.signIn()))
    .set('sec-fetch-site', 'same-origin')
  const fields = { ...(await newsroom.seen(reference)), body: given.body, ...given.fields }
  for (const [name, value] of Object.entries(fields)) request.field(name, String(value))
  for (const { name, content } of given.files) request.attach('files', Buffer.from(content), name)
  return request
}

test('files that an editor chooses go with the answer, by mail and on the status page', async (t) => {
  const newsroom = await openNewsroom(t)
  const { reference, receipt } = await newsroom.submit('story-angle', storyAngle())
  await newsroom.workOff()
  const files = [
    { name: 'map.png', content: png(30, 20) },
    { name: '../fee agreement.txt', content: 'Ten thousand shillings.' },
  ]
  const sent = await answer(newsroom, reference, { body: 'Please see the map.', files })
  assert.equal(sent.status, 303, sent.text)
  await newsroom.pause(11_000)
  const mail = newsroom.mailsTo(storyAngle().email).at(-1)
  assert.deepEqual(
    mail?.attachments.map(({ filename, content }) => [filename, content.equals(png(30, 20))]),
    [
      ['map.png', true],
      ['fee agreement.txt', false],
    ],
  )
  const told = (await newsroom.status(receipt)).messages.at(-1)
  assert.deepEqual(
    told.files.map(({ name }: { name: string }) => name),
    ['map.png', 'fee agreement.txt'],
  )
})

test('with an answer about a confidential piece they are sealed from the start', async (t) => {
  const newsroom = await openNewsroom(t)
  const { reference, receipt } = await newsroom.submit('expose', { ...tip(), email: 'amina@example.org' })
  const words = [canary(), canary()]
  const [name, content] = words as [string, string]
  const body = 'What we know so far.'
  const sent = await answer(newsroom, reference, { body, files: [{ name: `${name}.txt`, content }] })
  assert.equal(sent.status, 303, sent.text)
  await newsroom.pause(11_000)
  assert.deepEqual(found(await everyByte(newsroom.folder), words), [])
  assert.ok(newsroom.mailServer.mails.every(({ raw }) => words.every((word) => !raw.includes(word))))
  const told = (await newsroom.status(receipt)).messages.at(-1)
  assert.equal(told.files[0].name, `${name}.txt`)
  assert.deepEqual((await newsroom.openedFiles()).map(String), [content])
})

test('a file that cannot be taken keeps the answer back, with its words; so does a colleague who was faster', async (t) => {
  const newsroom = await openNewsroom(t, { MAX_FILE_BYTES: '1000' })
  const { reference, receipt } = await newsroom.submit('story-angle', storyAngle())
  const good = { name: 'a.txt', content: 'a' }
  const rejections = [
    [
      { name: 'run.exe', content: Buffer.concat([Buffer.from('MZ'), Buffer.alloc(300, 1)]) },
      /run\.exe.*cannot be taken/,
    ],
    [{ name: 'long.txt', content: 'x'.repeat(1001) }, /long\.txt.*too large/],
  ] as const
  for (const [file, why] of rejections) {
    const refused = await answer(newsroom, reference, { body: 'Here you <are>.', files: [good, file] })
    assert.equal(refused.status, 422)
    assert.match(refused.text, why)
    assert.match(refused.text, /Nothing has been sent[\s\S]*Please choose the files again/)
    assert.match(refused.text, /<textarea[^>]*>\s*Here you &lt;are&gt;\./)
  }
  const empty = await answer(newsroom, reference, { body: ' ', files: [good] })
  assert.equal(empty.status, 422)
  const late = await answer(newsroom, reference, {
    body: 'Words to keep.',
    files: [good],
    fields: { revision: '7' },
  })
  assert.equal(late.status, 409)
  assert.match(late.text, /Words to keep\.[\s\S]*Files, to be chosen again/)
  const cookie = await newsroom.signIn()
  for (const [how, value] of [
    ['stale', { token: 'not-this-one' }],
    ['many', {}],
  ] as const) {
    const files = how === 'many' ? Array.from({ length: 11 }, () => good) : [good]
    const request = newsroom.http().post(`/desk/submissions/${reference}/answer`).set('cookie', cookie)
    for (const [name, field] of Object.entries({ body: 'x', ...value })) request.field(name, field)
    for (const { name, content } of files) request.attach('files', Buffer.from(content), name)
    assert.ok((await request).status >= 400, how)
  }
  assert.deepEqual(await newsroom.storedFiles(), [])
  assert.equal((await newsroom.status(receipt)).messages.length, 1)
})

test('nobody who is not signed in leaves a file here', async (t) => {
  const newsroom = await openNewsroom(t)
  const { reference } = await newsroom.submit('story-angle', storyAngle())
  const files = [{ name: 'a.txt', content: 'a'.repeat(100_000) }]
  const refused = await answer(newsroom, reference, { body: 'Hello', files, cookie: 'barua=nobody' })
  assert.ok([303, 401, 403].includes(refused.status), String(refused.status))
  assert.deepEqual(await newsroom.storedFiles(), [])
})

describe('an answer with files in a real browser', skip, () => {
  withBrowser()

  test('files are chosen, refused, chosen again and sent, without scripts', async (t) => {
    const visited = await visit(t)
    const { newsroom, site, page } = visited
    const { reference, receipt } = await newsroom.submit('story-angle', storyAngle())
    const [name, value] = (await newsroom.signIn()).split('=') as [string, string]
    await page.context().addCookies([{ name, value, url: site }])
    await page.goto(`${site}/desk/submissions/${reference}`)
    const form = page.locator('#answer')
    const choose = (file: string, mimeType: string, buffer: Buffer) =>
      form.getByLabel('Files').setInputFiles({ name: file, mimeType, buffer })
    await form.getByLabel('Answer the sender').fill('Is this the corner?')
    await choose(
      'run.exe',
      'application/x-msdownload',
      Buffer.concat([Buffer.from('MZ'), Buffer.alloc(300, 1)]),
    )
    await form.getByRole('button', { name: 'Send' }).click()
    await page.getByText('Nothing has been sent.').waitFor()
    assert.equal(await form.getByLabel('Answer the sender').inputValue(), 'Is this the corner?')
    await choose('corner.png', 'image/png', Buffer.from(png(60, 40)))
    await form.getByRole('button', { name: 'Send' }).click()
    await page
      .getByRole('link', { name: /corner\.png/ })
      .first()
      .waitFor()
    await newsroom.pause(11_000)
    const told = (await newsroom.status(receipt)).messages.at(-1)
    assert.deepEqual([told.body, told.files[0].name], ['Is this the corner?', 'corner.png'])
  })

  test('the form and what is wrong with a file are accessible, light and dark', async (t) => {
    const visited = await visit(t, { scripts: true })
    const { newsroom, site, complaints } = visited
    const { reference } = await newsroom.submit('story-angle', storyAngle())
    const cookie = await newsroom.signIn()
    const pages = {
      'answer-form': (page: Page) => page.goto(`${site}/desk/submissions/${reference}#answer`),
      'answer-refused': async (page: Page) => {
        await page.goto(`${site}/desk/submissions/${reference}#answer`)
        await page.locator('#body').fill('Is this the corner?')
        const buffer = Buffer.concat([Buffer.from('MZ'), Buffer.alloc(300, 1)])
        const mimeType = 'application/x-msdownload'
        await page.locator('#answer-files').setInputFiles({ name: 'run.exe', mimeType, buffer })
        await page.locator('#answer').getByRole('button', { name: 'Send' }).click()
        await page.getByText('Nothing has been sent.').waitFor()
      },
    }
    const late = {
      'answer-late': async (page: Page) => {
        await page.goto(`${site}/desk/submissions/${reference}#answer`)
        await page.locator('#body').fill('Is this the corner?')
        await newsroom.act(`/desk/submissions/${reference}/note`, {
          ...(await newsroom.seen(reference)),
          note: 'I have called him.',
        })
        await page.locator('#answer').getByRole('button', { name: 'Send' }).click()
        await page.getByText('Files, to be chosen again').waitFor()
      },
    }
    await lookAtAll(visited, { ...pages, ...late }, cookie)
    // The browser complains of every refusal, as of these.
    const others = complaints.filter((complaint) => !/status of (409|422)/.test(complaint))
    assert.deepEqual(others, [])
  })
})
