import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import type { Page } from 'playwright-core'
import { skip, visit, withBrowser } from '../support/browser.ts'
import { inboundMail, replyTo } from '../support/mail.ts'
import { editorAddress } from '../support/newsroom.ts'
import { guestPost, png, storyAngle, tip } from '../support/submissions.ts'

const second = 'otto@newsroom.test'

/** A window of 1280 by 720 at 200 %, one of 1280 by 1024 at 400 % (WCAG 1.4.10), a small phone, and one on its side. */
const sizes = [
  [640, 360],
  [320, 256],
  [320, 640],
  [568, 320],
] as const

/**
 * What of the page cannot be got at: links, buttons and fields that do not come into sight, or that something else lies
 * on; text that is cut off; and whatever makes the page scroll sideways.
 */
const outOfReach = `(() => {
  const found = []
  const named = (one) => one.tagName + ' ' + (one.id || one.name || one.textContent).trim().replace(/\\s+/g, ' ').slice(0, 40)
  if (document.documentElement.scrollWidth > innerWidth) found.push('scrolls sideways by ' + (document.documentElement.scrollWidth - innerWidth))
  const isForEyes = (one) => one.checkVisibility({ visibilityProperty: true }) && !one.closest('.hidden, .skip')
  for (const one of document.querySelectorAll('body *')) {
    const { overflowX } = getComputedStyle(one)
    if (isForEyes(one) && one.tagName !== 'INPUT' && /hidden|clip/.test(overflowX) && one.scrollWidth > one.clientWidth + 1 && !one.closest('svg'))
      found.push('cut off: ' + named(one))
  }
  const scope = document.querySelector('details.menu[open], details.more[open]') ?? document
  for (const one of scope.querySelectorAll('a, button, input:not([type=hidden]), textarea, select, summary')) {
    if (!isForEyes(one)) continue
    one.scrollIntoView({ block: 'center', inline: 'nearest' })
    const [{ left, right, top, bottom }] = one.getClientRects()
    const fits = bottom - top <= innerHeight
    const isIn = left >= -1 && right <= innerWidth + 1 && (!fits || (top >= -1 && bottom <= innerHeight + 1))
    const seen = document.elementFromPoint((left + right) / 2, fits ? (top + bottom) / 2 : innerHeight / 2)
    const isOnTop = seen && (one.contains(seen) || seen.contains(one) || one.labels?.[0]?.contains(seen))
    if (!isIn) found.push('out of sight: ' + named(one))
    else if (!isOnTop) found.push('beneath ' + (seen ? named(seen) : 'nothing') + ': ' + named(one))
  }
  return found
})()`

/** Opens what is folded; what lies above the page one after the other. */
async function look(page: Page, what: string): Promise<string[]> {
  await page.evaluate(
    `for (const one of document.querySelectorAll('details:not(.menu, .more)')) one.open = true`,
  )
  const found: string[] = await page.evaluate(outOfReach)
  for (const overlay of ['.menu', '.more']) {
    const isThere = await page.evaluate(`(() => {
      const one = document.querySelector('details${overlay}')
      if (one) one.open = true
      return one !== null
    })()`)
    if (isThere)
      found.push(...((await page.evaluate(outOfReach)) as string[]).map((one) => `${overlay}: ${one}`))
    await page.evaluate(`document.querySelector('details${overlay}')?.removeAttribute('open')`)
  }
  return found.map((one) => `${what}: ${one}`)
}

describe('at 200 % and on narrow windows', skip, () => {
  withBrowser()

  test('everything of every page can be reached, and nothing is cut off', async (t) => {
    const { newsroom, site, page } = await visit(t, {
      env: { ...inboundMail, EDITORS: `${editorAddress},${second}`, WEBHOOK_HOSTS: 'bridge.example.org' },
    })
    const files = [
      { name: `${'long-'.repeat(30)}.txt`, content: 'text' },
      { name: 'a.png', content: png() },
    ]
    const post = await newsroom.submit(
      'guest-post',
      { ...guestPost(), title: 'Unterwasserarchäologie '.repeat(5) },
      files,
    )
    const { receipt, ...encrypted } = await newsroom.submit('expose', tip(), files)
    const story = await newsroom.submit('story-angle', { ...storyAngle(), email: 'amina@example.org' })
    await newsroom.workOff()
    const notice = newsroom.mailsTo(editorAddress).findLast(({ subject }) => /typewriter/.test(subject ?? ''))
    assert.ok(notice)
    await newsroom.receiveMail(replyTo(notice, 'Do not trust her.', { from: 'friend@example.net' }))
    newsroom.mailServer.refuse.recipient = 550
    const path = `/desk/submissions/${post.reference}`
    for (const tag of ['weekend', 'x'.repeat(40)]) await newsroom.act(`${path}/tag`, { tag })
    await newsroom.act(`${path}/answer`, { body: 'An answer.', ...(await newsroom.seen(post.reference)) })
    await newsroom.pause(11_000)
    await newsroom.act('/desk/api-tokens', { name: 'B'.repeat(40), hourlyLimit: '10', hookUrl: '' })
    const [name, value] = (await newsroom.signIn()).split('=') as [string, string]
    const open = (where: string) => async () => page.goto(site + where)
    const pages: Record<string, () => Promise<unknown>> = {
      'a guest post': open(path),
      'what is confidential': open(`/desk/submissions/${encrypted.reference}`),
      'a held mail': open(`/desk/submissions/${story.reference}`),
      'a letter': open(`${path}/letter/accepted`),
      erasing: open(`${path}/erase`),
      async 'a conflict'() {
        await page.goto(site + path)
        await page.evaluate(`document.querySelector('#answer [name=revision]').value = '1'`)
        await page.locator('#body').fill('Words that must not be lost.')
        await page.getByRole('button', { name: 'Send', exact: true }).click()
      },
      async 'an error'() {
        await page.goto(`${site}/desk/settings`)
        await page.evaluate(`document.querySelector('[name=revision]').value = 'x'`)
        await page.locator('#hours').press('Enter')
      },
      inbox: open('/desk?view=all&kind=expose&tag=weekend'),
      list: open('/desk?view=all'),
      statistics: open('/desk/glance'),
      jobs: open('/desk/deliveries'),
      unread: open('/desk/unread'),
      retention: open('/desk/retention'),
      telegram: open('/desk/telegram'),
      account: open('/desk/account'),
      totp: open('/desk/account/totp'),
      pgp: open('/desk/account/pgp'),
      keys: open('/desk/keys'),
      team: open('/desk/team'),
      settings: open('/desk/settings'),
      'a letter’s wording': open('/desk/settings/letters/accepted'),
      tokens: open('/desk/api-tokens'),
      audit: open('/desk/trail'),
      help: open('/desk/help'),
      letterbox: open('/'),
      form: open('/submit/guest-post'),
      async status() {
        await page.goto(`${site}/status`)
        await page.locator('#receipt').fill(receipt)
        await page.locator('main button').first().click()
      },
      'the API': open('/api/v1'),
    }
    await page.context().addCookies([{ name, value, url: site }])
    const found: string[] = []
    for (const [what, go] of Object.entries(pages)) {
      await go()
      for (const [width, height] of sizes) {
        await page.setViewportSize({ width, height })
        found.push(...(await look(page, `${what} at ${width}×${height}`)))
      }
      await page.setViewportSize({ width: 1280, height: 720 })
    }
    assert.deepEqual(found, [])
  })
})
