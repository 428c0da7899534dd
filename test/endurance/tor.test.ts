import assert from 'node:assert/strict'
import { readFile } from 'node:fs/promises'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { describe, test } from 'node:test'
import { anotherBrowser, withBrowser, skip as withoutBrowser } from '../support/browser.ts'
import { openNewsroom } from '../support/newsroom.ts'
import { tip } from '../support/submissions.ts'
import { startTor, skip as withoutTor } from '../support/tor.ts'

/** What docs/onion.md says to put into `torrc`, with this folder and port. */
async function documented(port: number): Promise<string> {
  const text = await readFile(new URL('../../docs/onion.md', import.meta.url), 'utf8')
  const torrc = /```torrc\n([^`]+)```/.exec(text)?.[1] ?? assert.fail('there is no torrc in docs/onion.md')
  assert.match(torrc, /\/var\/lib\/tor\/barua\n/)
  assert.match(torrc, /127\.0\.0\.1:3000\n/)
  return torrc.replace('/var/lib/tor/barua', '%/barua').replace('127.0.0.1:3000', `127.0.0.1:${port}`)
}

describe('by Tor', { ...withoutBrowser, ...withoutTor }, () => {
  withBrowser()

  test('a source sends a tip to the documented onion service, and reads along', async (t) => {
    const server = createServer()
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', () => resolve()))
    t.after(() => {
      server.closeAllConnections()
      server.close()
    })
    const tor = await startTor(t, await documented((server.address() as AddressInfo).port))
    const site = `http://${tor.hostname}`
    const newsroom = await openNewsroom(t, { PUBLIC_URL: 'https://news.test', ONION_URL: site })
    server.on('request', newsroom.application.web)
    const { socksPort } = await tor.join()

    const page = await anotherBrowser(t, { proxy: { server: `socks5://127.0.0.1:${socksPort}` } })
    page.setDefaultTimeout(60_000)
    await page.goto(`${site}/`)
    await page.getByText(`${site}/`).waitFor()
    await page.getByRole('link', { name: /News tip/ }).click()
    await page.locator('#body').fill(tip().body)
    const content = {
      name: 'books.txt',
      mimeType: 'text/plain',
      buffer: Buffer.from('paid twice\n'.repeat(20_000)),
    }
    await page.locator('#other-files').setInputFiles(content)
    await page.getByRole('button', { name: 'Send' }).click()
    await page.waitForURL(`${site}/receipt`)
    const receipt = (await page.locator('#receipt').textContent()) ?? ''
    await page.getByText(`${site}/status`).waitFor()
    await page.getByRole('link', { name: 'read our answer and write to us again' }).click()
    await page.getByLabel('Receipt').fill(receipt)
    await page.getByRole('button', { name: 'Open' }).click()
    await page.getByLabel('Your message').fill('They come on Sundays too.')
    await page.getByRole('button', { name: 'Send' }).click()
    await page.getByText('Your message has arrived.').waitFor()
    assert.equal(page.url(), `${site}/status`)
    const [submission] = await newsroom.all()
    const messages = await newsroom.application.storage.submissions.conversation(
      submission?.id ?? '',
      newsroom.keys,
    )
    assert.deepEqual(
      messages.map(({ content: { fields } }) => fields.body),
      [tip().body, 'They come on Sundays too.'],
    )
    assert.deepEqual(await newsroom.openedFiles(), [content.buffer])
  })
})
