import assert from 'node:assert/strict'
import { readFile } from 'node:fs/promises'
import { describe, test } from 'node:test'
import type { Page } from 'playwright-core'
import { lookAtAll, skip, visit, withBrowser } from '../support/browser.ts'
import { openGpg, withGpg } from '../support/gpg.ts'
import { inboundMail } from '../support/mail.ts'
import { editorAddress } from '../support/newsroom.ts'
import { storyAngle } from '../support/submissions.ts'

const colleague = 'wanja@newsroom.test'
const curve25519 = ['ed25519', 'cv25519'] as const
const day = 86_400_000

describe('PGP keys, in a real browser', { ...skip, ...withGpg }, () => {
  withBrowser()

  test('an editor gives a key by pasting it or as a file, sees what it is, and removes it, without scripts', async (t) => {
    const { newsroom, site, page, complaints } = await visit(t)
    const gpg = openGpg(t)
    const key = gpg.makeKey(editorAddress, curve25519)
    const [name = '', value = ''] = (await newsroom.signIn()).split('=')
    await page.context().addCookies([{ name, value, url: site }])
    await page.goto(`${site}/desk/account`)
    await page.getByRole('link', { name: 'Add your PGP key' }).click()
    await page.getByLabel('The public key').fill('this is none')
    await page.getByRole('button', { name: 'Keep it' }).click()
    await page.getByText('This is no PGP key that can be read').waitFor()
    await page.getByLabel('The public key').fill(key)
    await page.getByRole('button', { name: 'Keep it' }).click()
    await page.getByText('All mail to you is encrypted for this key from now on').waitFor()
    await page.getByText(gpg.fingerprint(editorAddress).replace(/(.{4})(?=.)/g, '$1 ')).waitFor()
    await page.getByRole('button', { name: 'Remove it' }).click()
    await page.getByText('Mail to you is not encrypted any more').waitFor()
    await page.getByLabel('Or as a file').setInputFiles({
      name: 'me.gpg',
      mimeType: 'application/octet-stream',
      buffer: gpg.run(['--export', editorAddress]),
    })
    await page.getByRole('button', { name: 'Keep it' }).click()
    await page.getByText('All mail to you is encrypted for this key from now on').waitFor()
    const saving = page.waitForEvent('download')
    await page.getByRole('link', { name: 'Save the newsroom’s key' }).click()
    gpg.import(await readFile(await (await saving).path()))
    assert.match(gpg.fingerprint('barua@newsroom.test'), /^[\dA-F]{40}$/)
    assert.deepEqual(
      complaints.filter((one) => !one.includes('422')),
      [],
    )
  })

  test('every page about them is accessible, light and dark, and nothing scrolls sideways on a small phone', async (t) => {
    const visited = await visit(t, {
      scripts: true,
      env: { EDITORS: `${editorAddress},${colleague}`, ...inboundMail },
    })
    const { newsroom, site, complaints } = visited
    const gpg = openGpg(t)
    await newsroom.submit('story-angle', storyAngle())
    const { reference } = await newsroom.submit('story-angle', storyAngle())
    await newsroom.workOff()
    const to = newsroom.mailsTo(editorAddress).at(-1)?.replyTo?.value[0]?.address ?? ''
    const attachments = [{ contentType: 'application/pgp-encrypted', content: 'Version: 1' }]
    await newsroom.receiveMail({ from: editorAddress, to, attachments })
    const key = gpg.makeKey(`Editor With A Long Name <${editorAddress}>`, curve25519, '10d')
    const other = gpg.makeKey('Wanja <wanja@elsewhere.test>', curve25519, '1d')
    const cookies = [await newsroom.signIn(), await newsroom.signIn(colleague)] as const
    const open = (where: string) => async (on: Page) => on.goto(site + where)
    const none = {
      async 'pgp-fault'(on: Page) {
        await on.goto(`${site}/desk/account/pgp`)
        await on.getByLabel('The public key').fill('this is none')
        await on.getByRole('button', { name: 'Keep it' }).click()
      },
      async 'pgp-not-found'(on: Page) {
        await on.goto(`${site}/desk/account/pgp`)
        await on.getByRole('button', { name: 'Ask my domain' }).click()
      },
      'pgp-held': open(`/desk/submissions/${reference}#conversation-title`),
      'pgp-settings': open('/desk/settings'),
    }
    await lookAtAll(visited, none, cookies[0])
    await newsroom.act('/desk/account/pgp', { key }, cookies[0])
    await newsroom.act('/desk/account/pgp', { key: other }, cookies[1])
    const given = {
      'pgp-given': open('/desk/account/pgp?saved=given'),
      'pgp-account': open('/desk/account'),
    }
    await lookAtAll(visited, given, cookies[0])
    newsroom.passTime(2 * day)
    const [admin, expired] = [await newsroom.signIn(), await newsroom.signIn(colleague)]
    await lookAtAll(visited, { 'pgp-team': open('/desk/team') }, admin)
    await lookAtAll(visited, { 'pgp-expired': open('/desk/account/pgp') }, expired)
    assert.deepEqual(
      complaints.filter((one) => !one.includes('422')),
      [],
    )
  })
})
