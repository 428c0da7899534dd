import assert from 'node:assert/strict'
import { existsSync, readFileSync } from 'node:fs'
import { mkdir } from 'node:fs/promises'
import { createServer } from 'node:http'
import { createRequire } from 'node:module'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import { after, before, type TestContext } from 'node:test'
import { type Browser, type BrowserContextOptions, chromium, type Page } from 'playwright-core'
import { type Newsroom, openNewsroom } from './newsroom.ts'

const program = ['/usr/bin/chromium', '/usr/bin/chromium-browser', '/usr/bin/google-chrome'].find((path) =>
  existsSync(path),
)
export const skip = program ? {} : { skip: 'Chromium is not installed: apt-get install chromium' }
const axe = readFileSync(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8')
/** Where to leave pictures of every page, for somebody to look at. */
const pictures = process.env.BARUA_PICTURES

const looks = [
  [360, 'light'],
  [360, 'dark'],
  [1280, 'light'],
  [1280, 'dark'],
] as const

let browser: Browser

/** Starts Chromium for the tests of a suite, and ends it. */
export function withBrowser(): void {
  before(async () => {
    const args = [
      '--no-sandbox',
      '--disable-gpu',
      '--disable-background-networking',
      '--disable-component-update',
      '--disable-sync',
    ]
    browser = await chromium.launch({ executablePath: program as string, args })
  })
  after(() => browser?.close())
}

/** A page of a browser of its own, with scripts off unless asked for. */
export async function anotherBrowser(t: TestContext, options: BrowserContextOptions = {}): Promise<Page> {
  const context = await browser.newContext({ javaScriptEnabled: false, locale: 'en', ...options })
  t.after(() => context.close())
  return context.newPage()
}

export type Visit = {
  newsroom: Newsroom
  site: string
  page: Page
  complaints: string[]
  /** Another browser, with nothing in it. */
  another(): Promise<Page>
}

/** The product listening on localhost, a page, and all that its pages complained of. Scripts are off unless asked for. */
export async function visit(
  t: TestContext,
  { scripts = false, env = {} }: { scripts?: boolean; env?: Record<string, string> } = {},
): Promise<Visit> {
  const server = createServer()
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', () => resolve()))
  const site = `http://localhost:${(server.address() as AddressInfo).port}`
  const newsroom = await openNewsroom(t, { PUBLIC_URL: site, ...env })
  server.on('request', newsroom.application.web)
  const complaints: string[] = []
  const another = async () => {
    return watched(await anotherBrowser(t, { javaScriptEnabled: scripts }), site, complaints)
  }
  const page = await another()
  t.after(() => {
    newsroom.application.closeStreams()
    server.closeAllConnections()
    server.close()
  })
  return { newsroom, site, page, complaints, another }
}

function watched(page: Page, site: string, complaints: string[]): Page {
  // Chromium's advice about password forms is none about ours: the form that it means has a user name.
  page.on('console', (message) => {
    if (!message.text().startsWith('[DOM]')) complaints.push(message.text())
  })
  page.on('pageerror', (error) => complaints.push(String(error)))
  page.on('dialog', (dialog) => {
    complaints.push(`dialog: ${dialog.message()}`)
    void dialog.dismiss()
  })
  page.on('request', (request) => {
    if (!request.url().startsWith(site)) complaints.push(`request: ${request.url()}`)
  })
  return page
}

/**
 * Looks at every page, light and dark, on a small phone and on a screen: nothing scrolls sideways, axe finds nothing
 * against WCAG 2.2 AA, and nothing is complained of. With BARUA_PICTURES set, leaves a picture of each.
 */
export async function lookAtAll(
  { site, complaints }: Visit,
  pages: Record<string, (where: Page) => Promise<unknown>>,
  cookie: string,
): Promise<void> {
  const [name, value] = cookie.split('=') as [string, string]
  if (pictures) await mkdir(pictures, { recursive: true })
  // Colours do not depend on the width, nor the layout on the colours: two of the four show both of each.
  const chosen = pictures
    ? looks
    : looks.filter(([width, scheme]) => (width === 360) === (scheme === 'light'))
  for (const [width, colorScheme] of chosen) {
    // The policy is off here only so that axe can be put into the page from outside.
    const context = await browser.newContext({
      colorScheme,
      viewport: { width, height: 800 },
      bypassCSP: true,
    })
    await context.addCookies([{ name, value, url: site }])
    const where = watched(await context.newPage(), site, complaints)
    for (const [what, go] of Object.entries(pages)) {
      await go(where)
      await lookAt(where, `${what}-${width}-${colorScheme}`)
    }
    await context.close()
  }
}

async function lookAt(page: Page, what: string): Promise<void> {
  if (pictures) await page.screenshot({ path: join(pictures, `${what}.png`), fullPage: true })
  const wide = await page.evaluate('document.documentElement.scrollWidth - window.innerWidth')
  assert.ok((wide as number) <= 0, `${what} scrolls sideways by ${wide} px`)
  // On a screen as tall as the page nothing lies beneath the bar that stays in sight while one scrolls.
  const { width } = page.viewportSize() as { width: number }
  const height = (await page.evaluate('document.documentElement.scrollHeight')) as number
  await page.setViewportSize({ width, height: Math.max(800, height) })
  await page.evaluate(axe)
  const found = (await page.evaluate(
    "axe.run({ runOnly: ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa', 'best-practice'] })",
  )) as { violations: { id: string; nodes: { html: string }[] }[] }
  const violations = found.violations.map(
    ({ id, nodes }) => `${id}: ${nodes.map((node) => node.html).join(' ')}`,
  )
  assert.deepEqual(violations, [], what)
  await page.setViewportSize({ width, height: 800 })
}
