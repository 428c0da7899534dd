import assert from 'node:assert/strict'
import { readFile } from 'node:fs/promises'
import { describe, test } from 'node:test'
import type { Page } from 'playwright-core'
import { lookAtAll, skip, visit, withBrowser } from '../support/browser.ts'
import { tip } from '../support/submissions.ts'
import { tellingFiles, withCleaning } from '../support/telling-files.ts'

describe('clean copies in a real browser', { ...withCleaning, ...skip }, () => {
  withBrowser()

  test('an editor saves a clean copy, reads what the original tells, and saves that too (scripts off)', async (t) => {
    const visited = await visit(t)
    const { newsroom, site, page, complaints } = visited
    const word = 'Kanarienvogel'
    const sent = (await tellingFiles(word)).filter(({ name }) => /photo|heic|docx|mp4|pdf/.test(name))
    const { reference } = await newsroom.submit('news-tip', tip(), [
      ...sent,
      { name: 'plates.txt', content: 'KBX 412' },
      { name: 'a-long-name-of-an-old-document-that-somebody-wrote.rtf', content: '{\\rtf1 old words}' },
    ])
    await page.goto(await newsroom.signInLink())
    await page.getByRole('button', { name: 'Later' }).click()
    const at = `${site}/desk/submissions/${reference}`
    const saved = async (press: Promise<void>) => {
      const [download] = await Promise.all([page.waitForEvent('download'), press])
      return { name: download.suggestedFilename(), content: await readFile(await download.path()) }
    }
    await page.goto(at)
    const copy = await saved(page.getByRole('link', { name: 'phone.heic', exact: true }).click())
    assert.equal(copy.name, 'phone.jpg')
    assert.ok(!copy.content.includes(word))
    await page.getByRole('link', { name: 'Original… of photo.jpg' }).click()
    await page.getByText('Where it was made').waitFor()
    await page.getByText(`Serial Number: ${word} serial`).first().waitFor()
    const original = await saved(page.getByRole('button', { name: 'Download the original' }).click())
    assert.deepEqual(original, { name: 'photo.jpg', content: sent[0]?.content })
    await page.goto(at)
    await page.getByText('Not cleaned: files of this type cannot be cleaned').waitFor()
    assert.deepEqual(complaints, [])

    const addresses = await page
      .getByRole('link', { name: /^Original… of/ })
      .evaluateAll((links) => (links as unknown as { href: string }[]).map(({ href }) => href))
    const shown = (where: string) => (one: Page) => one.goto(where)
    const originals = Object.fromEntries(addresses.map((where, i) => [`clean-original-${i}`, shown(where)]))
    const cookie = await newsroom.signIn()
    await lookAtAll(
      visited,
      {
        'clean-piece': shown(at),
        ...originals,
        'clean-help': shown(`${site}/desk/help`),
        'clean-form': shown(`${site}/submit/news-tip`),
        'clean-form-guest': shown(`${site}/submit/guest-post`),
      },
      cookie,
    )
  })
})
