import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import type { Page } from 'playwright-core'
import { lookAtAll, skip, visit, withBrowser } from '../support/browser.ts'
import { editorAddress } from '../support/newsroom.ts'
import { png, tip } from '../support/submissions.ts'

const day = 86_400_000
const second = 'wanja@newsroom.test'

describe('how pieces are kept, in a real browser', skip, () => {
  withBrowser()

  test('every page about keeping is accessible, light and dark, and nothing scrolls sideways on a small phone', async (t) => {
    const visited = await visit(t, { scripts: true, env: { EDITORS: `${editorAddress},${second}` } })
    const { newsroom, site, complaints } = visited
    const old = [await newsroom.submit('expose'), await newsroom.submit('news-tip')]
    newsroom.passTime(84 * day)
    await newsroom.application.workOnce()
    const { reference, receipt } = await newsroom.submit('expose', tip(), [{ name: 'a.png', content: png() }])
    const held = await newsroom.submit('guest-post')
    const cookie = await newsroom.signIn()
    await newsroom.act(`/desk/submissions/${held.reference}/hold`, { hold: 'yes' }, cookie)
    await newsroom.http().get(`/desk/submissions/${reference}`).set('cookie', cookie)
    const leaving = await newsroom.submit('expose')
    await newsroom.http().post('/status/leave').type('form').send({ receipt: leaving.receipt }).expect(200)
    const open = (where: string) => async (on: Page) => on.goto(site + where)
    const unfolded = (where: string) => async (on: Page) => {
      await on.goto(site + where)
      await on.evaluate('for (const one of document.querySelectorAll("main details")) one.open = true')
    }
    const pages = {
      'kept-list': open('/desk/retention'),
      'kept-warned': unfolded(`/desk/submissions/${old[0]?.reference}`),
      'kept-held': unfolded(`/desk/submissions/${held.reference}`),
      'kept-left': open(`/desk/submissions/${leaving.reference}`),
      'kept-erase': open(`/desk/submissions/${reference}/erase`),
      'kept-trail': open('/desk/trail'),
      'kept-settings': open('/desk/settings'),
      async 'kept-settings-fault'(on: Page) {
        await on.goto(`${site}/desk/settings`)
        await on.getByLabel('Exposé').fill('3')
        await on.locator('form[action$="/retention"] button').click()
        await on.getByText('0 for as long as').waitFor()
      },
      async 'kept-status'(on: Page) {
        await on.goto(`${site}/status`)
        await on.getByLabel('Receipt').fill(receipt)
        await on.locator('main button').first().click()
        await on.getByText('Delete my side').first().click()
      },
    }
    await lookAtAll(visited, pages, cookie)
    // What was asked for in vain is said on its own page.
    const isExpected = (said: string) => /422|409/.test(said)
    assert.deepEqual(
      complaints.filter((said) => !isExpected(said)),
      [],
    )
  })

  test('a piece is kept for longer, held, marked and erased by clicking, without scripts', async (t) => {
    const { newsroom, site, page, complaints } = await visit(t)
    const { reference } = await newsroom.submit('story-angle')
    const link = new URL(await newsroom.signInLink())
    await page.goto(site + link.pathname)
    await page
      .getByRole('button', { name: /Later|Sign in/ })
      .first()
      .click()
    await page.goto(`${site}/desk/submissions/${reference}`)
    await page.getByText('More', { exact: true }).click()
    await page.getByRole('button', { name: 'Mark as confidential' }).click()
    await page.getByText('How long it is kept').click()
    await page.getByRole('button', { name: 'Put a hold on it' }).click()
    await page.getByText('How long it is kept').click()
    await page.getByRole('button', { name: 'Lift the hold' }).click()
    await page.getByText('How long it is kept').click()
    await page.getByRole('button', { name: 'Keep it for longer' }).click()
    assert.equal((await newsroom.submission(reference)).isConfidential, true)
    await page.getByText('How long it is kept').click()
    await page.getByRole('link', { name: 'Erase it' }).click()
    await page.getByRole('button', { name: 'Erase it for good' }).click()
    await page.getByText(`${reference} is erased.`).waitFor()
    assert.equal(await newsroom.submissionCount(), 0)
    assert.deepEqual(complaints, [])
  })

  test('a sender deletes their side by clicking, without scripts', async (t) => {
    const { newsroom, site, page, complaints } = await visit(t)
    const { receipt } = await newsroom.submit('expose')
    await page.goto(`${site}/status`)
    await page.getByLabel('Receipt').fill(receipt)
    await page.locator('main button').first().click()
    await page.getByText('Delete my side', { exact: true }).click()
    await page.getByRole('button', { name: 'Delete my side for good' }).click()
    await page.getByText('Your side is deleted').first().waitFor()
    await page.goto(`${site}/status`)
    await page.getByLabel('Receipt').fill(receipt)
    await page.locator('main button').first().click()
    await page.getByText('No submission has this receipt').first().waitFor()
    assert.deepEqual(
      complaints.filter((said) => !said.includes('404')),
      [],
    )
  })
})
