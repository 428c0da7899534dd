import assert from 'node:assert/strict'
import { readFile } from 'node:fs/promises'
import { describe, test } from 'node:test'
import type { Page } from 'playwright-core'
import { lookAtAll, skip, visit, withBrowser } from '../support/browser.ts'
import { guestPost, png, storyAngle, tip } from '../support/submissions.ts'

const onion = 'http://2gzyxa5ihm7nsggfxnu52rck2vv4rvmdlkiu3zzui5du4xyclen53wid.onion'

/** What Tor Browser does without at "Safest". */
const doneWithout = 'script, svg, math, video, audio, canvas, object, embed, iframe, [style], style'

/** Sees that the page needs nothing that is not there, and that what it is made of is to be seen. */
async function standsWithout(page: Page): Promise<void> {
  assert.equal(await page.locator(doneWithout).count(), 0, page.url())
  await page.getByRole('heading', { level: 1 }).waitFor()
}

describe('in Tor Browser at “Safest”', skip, () => {
  withBrowser()

  test('every page for senders works without scripts, SVG, fonts and media: all forms, files, receipt, answers, faults', async (t) => {
    const { newsroom, site, page, complaints } = await visit(t, { env: { ONION_URL: onion } })
    const withheld = new Set<string>()
    await page.route('**/*', async (route) => {
      const isGiven = ['document', 'stylesheet'].includes(route.request().resourceType())
      if (!isGiven) withheld.add(new URL(route.request().url()).pathname.replace(/.*\//, ''))
      await (isGiven ? route.continue() : route.fulfill({ status: 204 }))
    })
    const submissions = {
      'guest-post': guestPost(),
      expose: tip(),
      'news-tip': tip(),
      'story-angle': storyAngle(),
      'human-interest': storyAngle(),
    }
    for (const [kind, fields] of Object.entries(submissions)) {
      await page.goto(`${site}/`)
      await standsWithout(page)
      await page.locator(`a[href$="/submit/${kind}"]`).click()
      await standsWithout(page)
      for (const [name, value] of Object.entries(fields)) {
        const field = page.locator(`form [name=${name}]`)
        if ((await field.getAttribute('type')) === 'checkbox') await field.check()
        else if ((await field.count()) === 1) await field.fill(String(value))
      }
      await page
        .locator('#other-files')
        .setInputFiles({ name: 'a.png', mimeType: 'image/png', buffer: png() })
      await page.getByRole('button', { name: 'Send' }).click()
      await page.waitForURL(`${site}/receipt`)
      await standsWithout(page)
      const receipt = (await page.locator('#receipt').textContent()) ?? ''
      await page.reload()
      await page.getByRole('heading', { name: 'No receipt to show' }).waitFor()
      await page.goto(`${site}/status`)
      await standsWithout(page)
      await page.getByLabel('Receipt').fill(receipt)
      await page.getByRole('button', { name: 'Open' }).click()
      await page.getByLabel('Your message').fill('One more thing.')
      await page.locator('#other-files').setInputFiles({
        name: 'b.txt',
        mimeType: 'text/plain',
        buffer: Buffer.from('a note'),
      })
      await page.getByRole('button', { name: 'Send' }).click()
      await page.getByText('Your message has arrived.').waitFor()
      await standsWithout(page)
    }
    assert.equal(await newsroom.submissionCount(), 5)
    await page.goto(`${site}/submit/news-tip`)
    await page.locator('#body').fill(tip().body)
    await page.locator('#links').fill('no address at all')
    await page.getByRole('button', { name: 'Send' }).click()
    await page.getByText('It has not been sent yet').waitFor()
    await standsWithout(page)
    await page.goto(`${site}/status`)
    await page.getByLabel('Receipt').fill('none')
    await page.getByRole('button', { name: 'Open' }).click()
    await page.getByText('No submission has this receipt').first().waitFor()
    await page.goto(`${site}/nothing/here`)
    await standsWithout(page)
    // The icon of the browser's tab is asked for by the browser itself.
    assert.deepEqual([...withheld], ['icon.svg'])
    assert.deepEqual(
      complaints.filter((one) => !/422|404/.test(one)),
      [],
    )
  })

  test('the pages that name the onion address are accessible, light and dark, and nothing scrolls sideways', async (t) => {
    const inboundMail = {
      EMAIL_LISTEN: 'smtp://127.0.0.1:2525',
      EMAIL_ADDRESSES: 'tips@newsroom.test=news-tip',
    }
    const visited = await visit(t, { env: { ONION_URL: onion, ...inboundMail } })
    const { newsroom, site, complaints } = visited
    const send = (kind: string) => async (where: Page) => {
      await where.goto(`${site}/submit/${kind}`)
      await where.locator('#title').fill(tip().title)
      await where.locator('#body').fill(tip().body)
      await where.getByRole('button', { name: 'Send' }).click()
      await where.waitForURL(`${site}/receipt`)
    }
    const pages = {
      'onion-letterbox': async (where: Page) => where.goto(site),
      'onion-receipt': send('expose'),
      'onion-receipt-clear': send('story-angle'),
    }
    await lookAtAll(visited, pages, await newsroom.signIn())
    assert.deepEqual(complaints, [])
  })

  test('the style sheet fetches nothing', async () => {
    const css = await readFile(new URL('../../views/style.css', import.meta.url), 'utf8')
    assert.doesNotMatch(css, /url\(|@import|@font-face/)
  })
})
