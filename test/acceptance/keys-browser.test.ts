import assert from 'node:assert/strict'
import { readFile, writeFile } from 'node:fs/promises'
import { describe, test } from 'node:test'
import type { Page } from 'playwright-core'
import { lookAtAll, skip, visit, withBrowser } from '../support/browser.ts'
import { cookieOf, editorAddress } from '../support/newsroom.ts'
import { png, tip } from '../support/submissions.ts'

const colleague = 'wanja@newsroom.test'
const newcomer = 'otto@newsroom.test'

describe('what is sealed, in a real browser', skip, () => {
  withBrowser()

  test('every page about keys is accessible, light and dark, and nothing scrolls sideways on a small phone', async (t) => {
    const visited = await visit(t, {
      scripts: true,
      env: { EDITORS: `${editorAddress},${colleague},${newcomer}` },
    })
    const { newsroom, site, complaints } = visited
    const files = ['whole', 'damaged'].map((name) => ({ name: `${name}.png`, content: png() }))
    const { reference, receipt } = await newsroom.submit('news-tip', tip(), files)
    await newsroom.writeAgain(receipt, 'One more thing: they come on Sundays too.')
    await newsroom.receiveUpdate({ update_id: 1, something: 'strange' })
    const paths = (await newsroom.storedFiles()).toSorted()
    await writeFile(paths.at(-1) ?? '', (await readFile(paths.at(-1) ?? '')).subarray(0, 100))
    const setUp = new URL(newsroom.application.setUpLinks[2]?.link ?? '').pathname
    const cookie = await newsroom.signIn()
    const editor = await newsroom.application.storage.editors.byEmail(colleague)
    const link = async (id = '') => new URL(await newsroom.application.signInLink(id)).pathname
    const words = 'words that are hers alone'
    const hers = newsroom.application.setUpLinks.find(({ email }) => email === colleague)?.link ?? ''
    const chosen = { passphrase: words, again: words }
    await newsroom.http().post(new URL(hers).pathname).type('form').send(chosen).expect(303)
    const again = cookieOf(
      (
        await newsroom
          .http()
          .post(await link(editor?.id))
          .expect(303)
      ).headers,
      'barua',
    )
    const open = (where: string) => async (on: Page) => on.goto(site + where)
    const at = `/desk/submissions/${reference}`
    const opened = {
      'sealed-form': open('/submit/expose'),
      'sealed-form-choice': open('/submit/story-angle'),
      'keys-set-up': open(setUp),
      async 'keys-set-up-fault'(on: Page) {
        await on.goto(site + setUp)
        await on.getByLabel('Passphrase', { exact: true }).fill('short')
        await on.getByLabel('Repeat passphrase').fill('short')
        await on.getByRole('button', { name: 'Set passphrase and sign in' }).click()
      },
      'keys-piece': open(at),
      keys: open('/desk/keys'),
      async 'keys-sheet'(on: Page) {
        await on.goto(`${site}/desk/keys`)
        const replaces = on.locator('[name=replace]')
        if ((await replaces.count()) > 0) await replaces.check()
        await on.locator('form[action$="/recovery"] button').click()
        await on.getByText('lock it away').waitFor()
      },
    }
    await lookAtAll(visited, opened, cookie)
    const closed = {
      'locked-inbox': open('/desk?view=all'),
      'locked-piece': open(at),
      'locked-unread': open('/desk/unread'),
      'locked-account': open('/desk/account'),
      'locked-keys': open(`/desk/keys?back=${reference}`),
      async 'locked-keys-fault'(on: Page) {
        await on.goto(`${site}/desk/keys`)
        await on.getByLabel('Your passphrase', { exact: true }).fill('not this one at all')
        await on.getByRole('button', { name: 'Unlock' }).click()
        await on.getByText('This is not your passphrase').waitFor()
      },
    }
    await lookAtAll(visited, closed, again)
    const next = { passphrase: 'other words of hers now', again: 'other words of hers now', forgotten: 'yes' }
    assert.equal((await newsroom.act('/desk/account/passphrase', next, again)).status, 303)
    const waiting = { 'waiting-keys': open('/desk/keys'), 'waiting-account': open('/desk/account') }
    await lookAtAll(visited, waiting, again)
    const granting = { 'granting-keys': open('/desk/keys'), 'keys-trail': open('/desk/trail') }
    await lookAtAll(visited, granting, cookie)
    assert.deepEqual(
      complaints.filter((one) => !one.includes('422') && !one.includes('409')),
      [],
    )
  })
})
