import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { gzipSync } from 'node:zlib'
import type { Page } from 'playwright-core'
import { lookAtAll, skip, visit, withBrowser } from '../support/browser.ts'
import { editorAddress } from '../support/newsroom.ts'
import { guestPost, png, tip } from '../support/submissions.ts'

describe('in a real browser', skip, () => {
  withBrowser()

  test('a contributor sends a guest post with a picture, with scripts off, and an editor reads it at the desk', async (t) => {
    const { newsroom, site, page, complaints } = await visit(t)
    await page.goto(site)
    await page.getByRole('link', { name: /Guest post/ }).click()
    const { links, consent: _, ...fields } = guestPost()
    for (const [name, value] of Object.entries(fields)) await page.locator(`[name=${name}]`).fill(value)
    await page.locator('[name=links]').fill(links)
    await page.getByLabel('I wrote this').check()
    await page.locator('#picture-0').setInputFiles({ name: 'bank.png', mimeType: 'image/png', buffer: png() })
    await page.getByLabel('Caption').first().fill('The bank in May')
    await page.getByRole('button', { name: 'Send' }).click()
    await page.waitForURL(`${site}/receipt`)
    const receipt = (await page.locator('#receipt').textContent()) ?? ''
    assert.match(receipt, /^([\dA-Z]{4}-){5}[\dA-Z]{4}$/)

    await page.goto(`${site}/status`)
    await page.getByLabel('Receipt').fill(receipt)
    await page.getByRole('button', { name: 'Open' }).click()
    await page.getByLabel('Your message').fill('One more thing: the bank floods in April.')
    await page.getByRole('button', { name: 'Send' }).click()
    await page.getByText('Your message has arrived.').waitFor()

    await newsroom.workOff()
    const link = /\/desk\/sign-in\/[\w-]+/.exec(newsroom.mailsTo(editorAddress)[0]?.text ?? '')?.[0]
    await page.goto(site + link)
    await page.getByLabel('Passphrase', { exact: true }).fill('five words of my own')
    await page.getByLabel('Repeat passphrase').fill('five words of my own')
    await page.getByRole('button', { name: 'Set passphrase and sign in' }).click()
    await page.waitForURL(`${site}/desk`)
    await page.getByRole('link', { name: fields.title as string }).click()
    await page.getByText('One more thing: the bank floods in April.').waitFor()
    await page.getByText('The bank in May').waitFor()
    const download = page.waitForEvent('download')
    await page.getByRole('link', { name: 'bank.png', exact: true }).click()
    assert.equal((await download).suggestedFilename(), 'bank.png')
    await page.getByText('Menu', { exact: true }).click()
    await page.getByRole('button', { name: 'Sign out' }).click()
    await page.goto(`${site}/desk`)
    await page.waitForURL(`${site}/desk/sign-in`)
    assert.deepEqual(complaints, [])
  })

  test('after a fault every typed value is there, and the fault stands beside its field', async (t) => {
    const { site, page } = await visit(t)
    await page.goto(`${site}/submit/news-tip`)
    await page.locator('#title').fill('A title that is kept')
    await page.locator('#body').fill('Words that are kept, long enough.')
    await page.locator('#links').fill('no address at all')
    await page.locator('#other-files').setInputFiles({ name: 'a.png', mimeType: 'image/png', buffer: png() })
    await page.getByRole('button', { name: 'Send' }).click()
    await page.getByText('It has not been sent yet').waitFor()
    assert.equal(await page.locator('#title').inputValue(), 'A title that is kept')
    assert.equal(await page.locator('#body').inputValue(), 'Words that are kept, long enough.')
    assert.equal(await page.locator('#links').inputValue(), 'no address at all')
    assert.match((await page.locator('#links-fault').textContent()) ?? '', /full web address/)
    await page.getByText('Please choose your files again.').waitFor()
  })

  test('every page is accessible, light and dark, and nothing scrolls sideways on a small phone', async (t) => {
    const visited = await visit(t)
    const { newsroom, site, page, complaints } = visited
    const hostile = {
      ...tip(),
      title: '<img src=x onerror=alert(1)>',
      body: `${'w'.repeat(300)} <script>alert(2)</script> "'{{7*7}}`,
    }
    const { receipt } = await newsroom.submit('expose', hostile, [{ name: '<b>"x.png', content: png() }])
    const editor = await newsroom.application.storage.editors.byEmail(editorAddress)
    const link = new URL(await newsroom.application.signInLink(editor?.id ?? '')).pathname

    const open = (path: string) => async (where: Page) => {
      await where.goto(site + path)
    }
    const pages: Record<string, (where: Page) => Promise<void>> = {
      letterbox: open('/'),
      'guest-post': open('/submit/guest-post'),
      expose: open('/submit/expose'),
      'story-angle': open('/submit/story-angle'),
      async errors(where) {
        await where.goto(`${site}/submit/guest-post`)
        await where
          .locator('form[enctype]')
          .evaluate((form: { noValidate: boolean }) => (form.noValidate = true))
        await where.locator('#title').fill('x')
        await where
          .locator('#picture-0')
          .setInputFiles({ name: 'x.png', mimeType: 'image/png', buffer: png() })
        await where.getByRole('button', { name: 'Send' }).click()
        await where.getByText('It has not been sent yet').waitFor()
      },
      async receipt(where) {
        await where.goto(`${site}/submit/news-tip`)
        await where.locator('#body').fill('Just a few words, so that there is a receipt.')
        await where.getByRole('button', { name: 'Send' }).click()
        await where.waitForURL(`${site}/receipt`)
      },
      'receipt-gone': open('/receipt'),
      status: open('/status'),
      async conversation(where) {
        await where.goto(`${site}/status`)
        await where.getByLabel('Receipt').fill(receipt)
        await where.getByRole('button', { name: 'Open' }).click()
      },
      'not-found': open('/nothing/here'),
      'sign-in': open('/desk/sign-in'),
      'sign-in-link': open(link),
    }
    await page.close()
    await lookAtAll(visited, pages, await newsroom.signIn())
    assert.deepEqual(
      complaints.filter((one) => !one.includes('422') && !one.includes('404')),
      [],
    )
  })

  test('the policy is kept by the browser itself: no complaint on any page', async (t) => {
    const { newsroom, site, page, complaints } = await visit(t)
    await newsroom.submit('news-tip', { ...tip(), title: '<script src=//evil.test></script>' })
    for (const path of ['/', '/submit/guest-post', '/status', '/receipt', '/desk/sign-in'])
      await page.goto(site + path)
    assert.deepEqual(complaints, [])
  })

  test('the form page weighs at most 20 KB compressed in all', async (t) => {
    const { site, page } = await visit(t)
    let weight = 0
    page.on('response', async (response) => {
      weight += gzipSync(await response.body()).length
    })
    await page.goto(`${site}/submit/guest-post`, { waitUntil: 'networkidle' })
    assert.ok(weight > 1000 && weight <= 20_000, `${weight} bytes`)
  })
})
