import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import type { Page } from 'playwright-core'
import { plugIn } from '../support/authenticator.ts'
import { lookAtAll, skip, type Visit, visit, withBrowser } from '../support/browser.ts'
import { cookieOf, editorAddress } from '../support/newsroom.ts'
import { tip } from '../support/submissions.ts'

const passphrase = 'five words of my own'

/** What some browsers do: of a new passkey they only say that it could give a secret. */
const withoutSecretAtFirst = `
  const create = navigator.credentials.create.bind(navigator.credentials)
  navigator.credentials.create = async (options) => {
    const credential = await create(options)
    credential.getClientExtensionResults = () => ({ prf: { enabled: true } })
    return credential
  }
`

async function follow({ site, newsroom }: Visit, page: Page, bearsKey: boolean): Promise<void> {
  const editor = await newsroom.application.storage.editors.byEmail(editorAddress)
  const link = bearsKey
    ? await newsroom.signInLink()
    : await newsroom.application.signInLink(editor?.id ?? '')
  await page.goto(site + new URL(link).pathname)
  await page.getByRole('button', { name: bearsKey ? 'Later' : 'Sign in' }).click()
}

async function addPasskey({ site }: Visit, page: Page): Promise<void> {
  await page.goto(`${site}/desk/account/passkeys`)
  await page.getByLabel('Its name').fill('My laptop')
  await page.getByRole('button', { name: 'Add it' }).click()
  await page.getByRole('heading', { name: 'Recovery codes' }).waitFor()
  await page.goto(`${site}/desk/account`)
}

describe('passkeys in a real browser', skip, () => {
  withBrowser()

  test('a passkey opens what is sealed, as the second factor and in a session that is locked', async (t) => {
    const visited = await visit(t, { scripts: true })
    const { newsroom, site, page, complaints } = visited
    const { reference } = await newsroom.submit('news-tip', tip())
    const bodies: string[] = []
    page.on('request', (request) => bodies.push(`${request.url()} ${request.postData() ?? ''}`))
    await plugIn(page, true)
    await follow(visited, page, true)
    await addPasskey(visited, page)
    await page.getByText(/unlocks confidential submissions; since/).waitFor()
    assert.equal(await page.getByText('You have no passphrase yet').count(), 0)

    await page.context().clearCookies()
    await follow(visited, page, false)
    await page.getByRole('button', { name: 'Use your passkey' }).click()
    await page.waitForURL(`${site}/desk`)
    await page.getByRole('link', { name: tip().title }).waitFor()

    await page.context().clearCookies()
    await follow(visited, page, false)
    // As a browser that knows nothing of it.
    await page.locator('[data-passkey]').evaluate((form: { dataset: { salt: string } }) => {
      form.dataset.salt = 'another salt'
    })
    await page.getByRole('button', { name: 'Use your passkey' }).click()
    await page.getByText('This session is locked').waitFor()
    await page.goto(`${site}/desk/submissions/${reference}`)
    await page.getByRole('link', { name: 'Unlock it' }).click()
    await page.getByRole('button', { name: 'Unlock with a passkey' }).click()
    await page.waitForURL(`${site}/desk/submissions/${reference}`)
    await page.getByRole('heading', { name: tip().title }).waitFor()
    const secrets = bodies.flatMap((body) => /prf=([^&]+)/.exec(body)?.[1] ?? [])
    assert.ok(
      secrets.length >= 4 && secrets.every((one) => decodeURIComponent(one).length === 44),
      'in bodies',
    )
    for (const one of secrets) assert.ok(!newsroom.logged.join('').includes(decodeURIComponent(one)))
    assert.ok(
      bodies.every((body) => !/prf=/.test(body.split(' ')[0] ?? '')),
      'in no address',
    )
    assert.deepEqual(complaints, [])
  })

  test('a browser that gives the secret only with a signature is asked for one at once', async (t) => {
    const visited = await visit(t, { scripts: true })
    const { newsroom, site, page, complaints } = visited
    await newsroom.submit('news-tip', tip())
    const devtools = await plugIn(page, true)
    let signed = 0
    devtools.on('WebAuthn.credentialAsserted', () => (signed += 1))
    await page.addInitScript(withoutSecretAtFirst)
    await follow(visited, page, true)
    await addPasskey(visited, page)
    await page.getByText(/unlocks confidential submissions; since/).waitFor()
    assert.equal(signed, 1)
    await page.context().clearCookies()
    await follow(visited, page, false)
    await page.getByRole('button', { name: 'Use your passkey' }).click()
    await page.waitForURL(`${site}/desk`)
    await page.getByRole('link', { name: tip().title }).waitFor()
    assert.deepEqual(complaints, [])
  })

  test('a passkey that gives no secret proves who signs in, and opens nothing', async (t) => {
    const visited = await visit(t, { scripts: true })
    const { newsroom, site, page, complaints } = visited
    await newsroom.submit('news-tip', tip())
    await plugIn(page, false)
    await follow(visited, page, true)
    await addPasskey(visited, page)
    await page.getByText(/signs you in, unlocks nothing; since/).waitFor()
    const cookie = cookieOf({ 'set-cookie': await sessionOf(page) }, 'barua')
    await newsroom.act('/desk/account/passphrase', { passphrase, again: passphrase }, cookie)
    await page.context().clearCookies()
    await follow(visited, page, false)
    await page.getByRole('button', { name: 'Use your passkey' }).click()
    await page.getByText('This session is locked').waitFor()
    await page.goto(`${site}/desk/keys`)
    assert.equal(await page.getByRole('button', { name: 'Unlock with a passkey' }).count(), 0)
    await page.getByLabel('Your passphrase').fill(passphrase)
    await page.getByRole('button', { name: 'Unlock' }).click()
    await page.getByText('Your session is unlocked').waitFor()
    assert.deepEqual(complaints, [])
  })

  test('the pages about passkeys are accessible, light and dark, and nothing scrolls sideways on a small phone', async (t) => {
    const visited = await visit(t, { scripts: true })
    const { newsroom, site, page, complaints } = visited
    await plugIn(page, true)
    await follow(visited, page, true)
    await addPasskey(visited, page)
    const open = await sessionOf(page)
    await page.context().clearCookies()
    await follow(visited, page, false)
    await page.getByRole('heading', { name: 'One more step' }).waitFor()
    const waiting = await sessionOf(page)
    const { text } = await newsroom.act('/desk/account/recovery-codes', {}, open)
    const code = /<li class="code">([\w-]+)</.exec(text)?.[1] ?? ''
    await page.getByLabel('Code').fill(code)
    await page.getByRole('button', { name: 'Sign in' }).click()
    await page.waitForURL(`${site}/desk`)
    const locked = await sessionOf(page)
    const at = (path: string) => async (where: Page) => where.goto(site + path)
    await lookAtAll(
      visited,
      { 'passkey-account': at('/desk/account'), 'passkey-add': at('/desk/account/passkeys') },
      open,
    )
    assert.notEqual(waiting, locked)
    await lookAtAll(
      visited,
      { 'passkey-keys': at('/desk/keys'), 'passkey-add-locked': at('/desk/account/passkeys') },
      locked,
    )
    // Of the locked session the passkey is asked for first.
    assert.deepEqual(
      complaints.filter((one) => !one.includes('403')),
      [],
    )
  })
})

async function sessionOf(page: Page): Promise<string> {
  const found = (await page.context().cookies()).find(({ name }) => name === 'barua')
  return `barua=${found?.value ?? ''}`
}
