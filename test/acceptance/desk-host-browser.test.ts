import assert from 'node:assert/strict'
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { describe, type TestContext, test } from 'node:test'
import type { Page } from 'playwright-core'
import { plugIn } from '../support/authenticator.ts'
import { anotherBrowser, skip, withBrowser } from '../support/browser.ts'
import { openNewsroom } from '../support/newsroom.ts'
import { tip } from '../support/submissions.ts'

/**
 * A newspaper's site with a script of somebody else's in it, and Barua under a path of it, as one server in front hands it
 * on. Chromium finds every name under `localhost` on this machine, and calls it secure.
 */
async function newspaper(t: TestContext, hasDeskHost: boolean) {
  const seen: { url: string; cookies: string }[] = []
  const server = createServer()
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', () => resolve()))
  const { port } = server.address() as AddressInfo
  const paper = `http://news.localhost:${port}`
  const ownHost = `http://desk.localhost:${port}`
  const newsroom = await openNewsroom(t, {
    PUBLIC_URL: `${paper}/tips`,
    ...(hasDeskHost && { DESK_URL: ownHost }),
  })
  server.on('request', (req: IncomingMessage, res: ServerResponse) => {
    const isPaper = req.headers.host === new URL(paper).host
    if (isPaper) seen.push({ url: req.url ?? '', cookies: req.headers.cookie ?? '' })
    if (!isPaper || req.url?.startsWith('/tips')) return newsroom.application.web(req, res)
    res.setHeader('content-type', 'text/html')
    res.end('<!doctype html><title>The paper</title><h1>The paper</h1>')
  })
  t.after(() => {
    newsroom.application.closeStreams()
    server.closeAllConnections()
    server.close()
  })
  const desk = hasDeskHost ? `${ownHost}/desk` : `${paper}/tips/desk`
  const page = await anotherBrowser(t, { javaScriptEnabled: true })
  await page.goto(await newsroom.signInLink())
  await page.getByRole('button', { name: 'Later' }).click()
  await page.waitForURL(desk)
  const { reference } = await sentTip(newsroom, new URL(paper).host)
  return { newsroom, page, paper, desk, reference, seen }
}

async function sentTip({ http }: Awaited<ReturnType<typeof openNewsroom>>, host: string) {
  const sent = http().post('/tips/submit/news-tip').set({ host, accept: 'application/json' })
  return (await sent.type('form').send(tip()).expect(201)).body as { reference: string }
}

/** What a script of the newspaper's page reads at an address, with the editor's cookies; a word if it may not. */
function readByScript(page: Page, url: string): Promise<string> {
  return page.evaluate(
    `fetch(${JSON.stringify(url)}, { credentials: 'include' }).then((answer) => answer.text(), () => 'refused')`,
  )
}

describe('a newspaper’s page and the desk, in a real browser', skip, () => {
  withBrowser()

  test('with a host of its own, the desk tells a script of the newspaper nothing and takes nothing from it', async (t) => {
    const { newsroom, page, paper, desk, reference, seen } = await newspaper(t, true)
    const submission = `/submissions/${reference}`
    const live = page.waitForResponse((answer) => answer.url().startsWith(`${desk}/events`))
    await page.goto(desk + submission)
    await page.getByRole('heading', { name: tip().title }).waitFor()
    assert.equal((await live).status(), 200, 'live updates come from the desk’s host')

    await page.goto(`${paper}/`)
    assert.equal(await readByScript(page, desk + submission), 'refused')
    assert.match(await readByScript(page, `${paper}/tips/desk${submission}`), /There is no such page/)
    assert.match(await readByScript(page, `${paper}/desk${submission}`), /The paper/)
    const framed = `new Promise((resolve) => {
      const frame = document.createElement('iframe')
      frame.src = ${JSON.stringify(desk + submission)}
      frame.onload = () => resolve(String(frame.contentDocument?.body?.textContent ?? 'closed'))
      document.body.append(frame)
    })`
    assert.equal(await page.evaluate(framed), 'closed')
    const sent = page.waitForResponse((answer) => answer.url() === `${desk}/account/name`)
    await page.evaluate(`(() => {
      const form = document.createElement('form')
      Object.assign(form, { method: 'post', action: ${JSON.stringify(`${desk}/account/name`)} })
      document.body.append(form)
      form.submit()
    })()`)
    assert.equal((await sent).status(), 403)
    await page.getByText('another site’s page').waitFor()
    assert.ok(
      seen.length > 0 && seen.every(({ cookies }) => !cookies.includes('barua=')),
      'no session in its log',
    )
    // The editor is still in, and the script's form has done nothing.
    await page.goto(`${desk}/account`)
    await page.getByRole('heading', { name: 'Your account' }).waitFor()
    assert.equal((await newsroom.application.storage.editors.active())[0]?.name, '')
  })

  test('under a path of the newspaper’s host its script reads the desk, as the set-up warns, but its server gets no session', async (t) => {
    const { page, paper, desk, reference, seen } = await newspaper(t, false)
    await page.goto(`${paper}/`)
    await page.goto(`${paper}/tips/status`)
    await page.goto(`${paper}/`)
    assert.match(await readByScript(page, `${desk}/submissions/${reference}`), new RegExp(tip().title))
    const outside = seen.filter(({ url }) => !url.startsWith('/tips/desk'))
    assert.ok(outside.length >= 3 && outside.every(({ cookies }) => !cookies.includes('barua=')))
  })

  test('a passkey is made for the desk’s host, and signs in there', async (t) => {
    const { newsroom, page, desk } = await newspaper(t, true)
    await plugIn(page, true)
    await page.goto(`${desk}/account/passkeys`)
    await page.getByLabel('Its name').fill('My laptop')
    await page.getByRole('button', { name: 'Add it' }).click()
    await page.getByRole('heading', { name: 'Recovery codes' }).waitFor()
    await page.context().clearCookies()
    const [editor] = await newsroom.application.storage.editors.active()
    await page.goto(await newsroom.application.signInLink(editor?.id ?? ''))
    await page.getByRole('button', { name: 'Sign in' }).click()
    await page.getByRole('button', { name: 'Use your passkey' }).click()
    await page.waitForURL(desk)
    await page.getByRole('link', { name: tip().title }).waitFor()
    const [passkey] = await newsroom.application.storage.factors.passkeys(editor?.id ?? '')
    assert.equal(passkey?.host, 'desk.localhost')
  })
})
