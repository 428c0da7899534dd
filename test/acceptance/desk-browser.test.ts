import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import type { Page } from 'playwright-core'
import { removeEditor } from '../support/accounts.ts'
import { lookAtAll, skip, type Visit, visit, withBrowser } from '../support/browser.ts'
import { editorAddress } from '../support/newsroom.ts'
import { guestPost, onePagePdf, png, storyAngle, tip } from '../support/submissions.ts'

const second = 'second@newsroom.test'

/** Follows the sign-in link of the editor's latest mail. */
async function signIn({ newsroom, site }: Visit, page: Page, email = editorAddress): Promise<void> {
  await page.goto(await newsroom.signInLink(email))
  await page.getByRole('button', { name: 'Later' }).click()
  await page.waitForURL((url) => url.href.startsWith(`${site}/desk`) && !url.href.includes('sign-in'))
}

describe('the desk in a real browser', skip, () => {
  withBrowser()

  for (const scripts of [false, true]) {
    test(`a contributor submits, an editor claims, answers and accepts, and the contributor sees it (scripts ${scripts ? 'on' : 'off'})`, async (t) => {
      const visited = await visit(t, { scripts })
      const { newsroom, site, page, complaints, another } = visited
      const { links: _, consent: __, ...fields } = guestPost()
      await page.goto(`${site}/submit/guest-post`)
      for (const [name, value] of Object.entries(fields)) await page.locator(`[name=${name}]`).fill(value)
      await page.getByLabel('I wrote this').check()
      await page.getByRole('button', { name: 'Send' }).click()
      await page.waitForURL(`${site}/receipt`)
      const receipt = (await page.locator('#receipt').textContent()) ?? ''
      await newsroom.workOff()

      const desk = await another()
      await desk.setViewportSize({ width: 360, height: 780 })
      const mails = newsroom.mailsTo(editorAddress)
      const linkIn = (subject: RegExp, shape: RegExp) =>
        shape.exec(mails.find((mail) => subject.test(mail.subject ?? ''))?.text ?? '')?.[0] ?? ''
      await desk.goto(linkIn(/^Guest post/, /http\S+\/desk\/submissions\/\S+/))
      await desk.goto(linkIn(/^Sign in/, /http\S+\/desk\/sign-in\/\S+/))
      await desk.getByLabel('Passphrase', { exact: true }).fill('five words of my own')
      await desk.getByLabel('Repeat passphrase').fill('five words of my own')
      await desk.getByRole('button', { name: 'Set passphrase and sign in' }).click()
      await desk.getByRole('heading', { level: 1, name: fields.title }).waitFor()
      await desk.getByRole('button', { name: 'Claim' }).click()
      await desk.getByText('with editor').waitFor()
      await desk.getByLabel('Answer the sender').fill('Which wharf do you mean in the second paragraph?')
      await desk.getByRole('button', { name: 'Send' }).click()
      await desk.getByText('By mail: on its way').waitFor()
      await desk.getByRole('link', { name: 'Accept' }).click()
      await desk.getByText(`We are taking “${fields.title}”`).first().waitFor()
      await desk.getByRole('button', { name: 'Send and accept' }).click()
      await desk.getByText('The letter will be sent in ten seconds.').first().waitFor()
      newsroom.passTime(10_000)
      await newsroom.workOff()

      const subjects = newsroom.mailsTo(fields.email).map((mail) => mail.subject)
      assert.equal(subjects.length, 3)
      assert.equal(subjects[2], `We are taking “${fields.title}”`)
      await page.goto(`${site}/status`)
      await page.getByLabel('Receipt').fill(receipt)
      await page.getByRole('button', { name: 'Open' }).click()
      await page.getByText('Accepted').first().waitFor()
      await page.getByText('Which wharf do you mean').waitFor()
      await page.getByText('We are glad to take it').waitFor()
      assert.deepEqual(complaints, [])
    })
  }

  test('the waiting pile is gone through by keys, and new pieces appear by themselves', async (t) => {
    const visited = await visit(t, { scripts: true })
    const { newsroom, page, complaints } = visited
    for (const title of ['The first piece', 'The second piece', 'The third piece'])
      await newsroom.submit('story-angle', { ...storyAngle(), title })
    await signIn(visited, page)
    const keys = (...all: string[]) =>
      all.reduce((before, key) => before.then(() => page.keyboard.press(key)), Promise.resolve())
    await keys('j', 'j', 'k', 'x')
    assert.ok(await page.getByLabel('Choose The third piece').isChecked())
    // What is confidential stands where its minute began.
    newsroom.passTime(60_000)
    await newsroom.submit('news-tip', { ...tip(), title: 'Just came in' })
    await page.getByRole('link', { name: 'Just came in' }).waitFor()
    assert.ok(await page.getByLabel('Choose The third piece').isChecked(), 'what was ticked stays')
    await keys('x', 'c')
    await page.getByText('3', { exact: true }).first().waitFor()
    assert.equal(
      (await newsroom.all()).find((row) => row.summary.title === 'The third piece')?.state,
      'in-review',
    )

    await keys('j', 'j', 'o')
    await page.getByRole('heading', { level: 1, name: 'The second piece' }).waitFor()
    await keys('a')
    await page.getByRole('button', { name: 'Send and accept' }).click()
    await page.getByRole('heading', { level: 1, name: 'The first piece' }).waitFor()
    await page.getByRole('button', { name: 'Undo' }).click()
    await page.getByRole('heading', { level: 1, name: 'The second piece' }).waitFor()
    await page.getByText('Taken back, not sent').waitFor()
    await keys('c')
    await page.getByText('with editor').waitFor()
    await keys('/')
    await page.waitForURL(/\/desk#q$/)
    await page.locator('#q:focus').waitFor()
    await page.keyboard.type('typewriters')
    await keys('Enter')
    await page.waitForURL(/q=typewriters/)
    await page.locator('main').click({ position: { x: 2, y: 2 } })
    await keys('?')
    await page.getByRole('heading', { level: 1, name: 'Help' }).waitFor()
    assert.deepEqual(complaints, [])
  })

  test('who else has a piece open is shown by name, while they do', async (t) => {
    const visited = await visit(t, { scripts: true, env: { EDITORS: `${editorAddress},${second}` } })
    const { newsroom, site, page, complaints, another } = visited
    const { reference } = await newsroom.submit('news-tip', tip())
    await newsroom.act('/desk/account/name', { name: 'Otto <b>' }, await newsroom.signIn(second))
    const other = await another()
    await signIn(visited, page)
    await signIn(visited, other, second)
    await page.goto(`${site}/desk/submissions/${reference}`)
    // Whoever goes on before their page has its stream cannot be seen to go.
    const opened = other.waitForResponse(/events\?submission/)
    await other.goto(`${site}/desk/submissions/${reference}`)
    await opened
    await page.getByText('Open at this moment: Otto <b>').waitFor()
    await other.getByText('Open at this moment: editor').waitFor()
    const streaming = other.waitForResponse(/events\?submission/)
    await other.getByRole('button', { name: 'Claim' }).click()
    await streaming
    await page.getByText('Something has changed here').waitFor()
    await other.goto(`${site}/desk`)
    await page.locator('#others').filter({ hasNotText: 'Otto' }).waitFor()
    assert.deepEqual(complaints, [])
  })

  test('a session that has ended closes its open pages', async (t) => {
    const visited = await visit(t, { scripts: true, env: { EDITORS: `${editorAddress},${second}` } })
    const { newsroom, page } = visited
    await signIn(visited, page, second)
    await removeEditor(newsroom.application.storage, second)
    await page.waitForURL(/sign-in/, { timeout: 40_000 })
  })

  test('a passkey is the second factor', async (t) => {
    const visited = await visit(t, { scripts: true })
    const { newsroom, site, page, complaints } = visited
    const devtools = await page.context().newCDPSession(page)
    await devtools.send('WebAuthn.enable')
    await devtools.send('WebAuthn.addVirtualAuthenticator', {
      options: {
        protocol: 'ctap2',
        transport: 'internal',
        hasResidentKey: true,
        hasUserVerification: true,
        isUserVerified: true,
        automaticPresenceSimulation: true,
      },
    })
    await signIn(visited, page)
    await page.goto(`${site}/desk/account/passkeys`)
    await page.getByLabel('Its name').fill('My laptop')
    await page.getByRole('button', { name: 'Add it' }).click()
    await page.getByRole('heading', { name: 'Recovery codes' }).waitFor()
    await page.goto(`${site}/desk/account`)
    await page.getByText('My laptop').first().waitFor()
    const words = 'five words of my own'
    await newsroom.act('/desk/account/passphrase', { passphrase: words, again: words }, await cookieOf(page))
    await page.context().clearCookies()
    await page.goto(`${site}/desk/sign-in`)
    await page.getByLabel('Your e-mail address').fill(editorAddress)
    await page.getByLabel('Passphrase', { exact: true }).fill(words)
    await page.getByRole('button', { name: 'Sign in' }).click()
    await page.getByRole('button', { name: 'Use your passkey' }).click()
    await page.waitForURL(`${site}/desk`)
    await page.goto(`${site}/desk/account`)
    await page.getByRole('button', { name: 'Remove My laptop' }).click()
    await page.getByText('Your passkeys have been changed.').waitFor()
    assert.equal(await page.getByText('Recovery codes').count(), 0)
    assert.deepEqual(complaints, [])
  })

  test('nothing that is stored runs: hostile words in every field, name and file, on every page', async (t) => {
    const visited = await visit(t, {
      scripts: true,
      env: { NEWSROOM_NAME: '</title><script>alert("n")</script>' },
    })
    const { newsroom, site, page, complaints } = visited
    const evil = (mark: string) =>
      `"><img src=x onerror=alert('${mark}')><script>alert('${mark}')</script>'{{7*7}}<%= 7*7 %>`
    const everywhere = {
      title: evil('t').slice(0, 150),
      name: evil('n').slice(0, 100),
      language: '<svg onload=alert(1)>',
      body: `${evil('b')}\n\n[click](javascript:alert(1)) ![x](https://evil.test/x.png) <https://evil.test> [a](https://evil.test "x\\" onclick=alert(1)")\n\n\`\`\`<script>\n# <b>h</b>\n<iframe src=//evil.test></iframe>`,
      links: 'https://evil.test/"><script>alert(1)</script>',
    }
    const files = [
      { name: `${evil('f')}.png`, content: png() },
      { name: '<b>x.txt', content: evil('txt') },
      { name: 'x.pdf', content: onePagePdf(evil('pdf')) },
    ]
    const post = await newsroom.submit(
      'guest-post',
      {
        ...guestPost(),
        ...everywhere,
        standfirst: evil('s'),
        byline: evil('y').slice(0, 150),
        bio: evil('o'),
        category: evil('c').slice(0, 100),
        interest: evil('i'),
        caption: evil('c'),
      },
      files,
    )
    const secret = await newsroom.submit('expose', {
      ...tip(),
      ...everywhere,
      place: evil('p'),
      when: evil('w').slice(0, 200),
      evidence: evil('e'),
    })
    await newsroom.chat().send({
      text: evil('tg'),
      entities: [{ type: 'text_link', offset: 0, length: 4, url: `javascript:alert(1)${evil('url')}` }],
      unknown: evil('raw'),
      from: {
        id: 1,
        is_bot: false,
        first_name: evil('first'),
        last_name: '<script>',
        language_code: '<b>',
      },
    })
    await newsroom.receiveUpdate({ update_id: 8, strange: evil('u') })
    const path = `/desk/submissions/${post.reference}`
    await newsroom.act('/desk/account/name', { name: evil('e').slice(0, 80) })
    await newsroom.act(`${path}/note`, { note: evil('note') })
    await newsroom.act(`${path}/answer`, { body: evil('answer'), ...(await newsroom.seen(post.reference)) })
    await newsroom.act('/desk/settings/letters/accepted', {
      subject: '<script>alert(1)</script> {{title}}',
      body: `${'<script>alert(2)</script>'} {{name}}`,
      revision: '0',
      isOn: 'yes',
    })
    newsroom.passTime(11_000)
    await newsroom.workOff()
    await signIn(visited, page)
    const article = await newsroom.deskPage(path)
    const words = [...article.matchAll(/href="(\/desk\/attachments\/[\w-]+\/words)"/g)].map(
      (found) => found[1] as string,
    )
    assert.equal(words.length, 2)
    const chat = (await newsroom.all()).find((row) => row.channel === 'telegram')?.reference
    const pages = [
      '/desk',
      '/desk?view=all',
      '/desk?view=all&q=script+alert',
      path,
      `/desk/submissions/${secret.reference}`,
      `/desk/submissions/${chat}`,
      `${path}/letter/accepted`,
      ...words,
      '/desk/unread',
      '/desk/deliveries',
      '/desk/glance',
      '/desk/account',
      '/desk/account/totp',
      '/desk/account/passkeys',
      '/desk/team',
      '/desk/settings',
      '/desk/settings/letters/accepted',
      '/desk/help',
      '/',
      '/submit/guest-post',
    ]
    for (const one of pages) {
      const answer = await page.goto(site + one, { waitUntil: 'load' })
      assert.equal(answer?.status(), 200, one)
      const alien = await page.evaluate(
        'document.querySelectorAll(\'main script, main iframe, main img:not([src^="/desk/attachments/"]), main [onclick], main [onerror], a[href^="javascript:" i]\').length',
      )
      assert.equal(alien, 0, one)
    }
    await page.goto(`${site}/status`)
    await page.getByLabel('Receipt').fill(post.receipt)
    await page.getByRole('button', { name: 'Open' }).click()
    await page.getByText('Write again').waitFor()
    await sleep(200)
    assert.deepEqual(complaints, [])
    for (const mail of newsroom.mailServer.mails) {
      assert.ok(!/<script|<img/i.test(String(mail.html).replace(/&lt;/g, '')), mail.subject ?? '')
      assert.ok(!mail.raw.split('\r\n\r\n')[0]?.includes('\nBcc'), mail.subject ?? '')
    }
  })

  test('every page of the desk is accessible, light and dark, and nothing scrolls sideways on a small phone', async (t) => {
    const visited = await visit(t, { scripts: true, env: { EDITORS: `${editorAddress},${second}` } })
    const { newsroom, site, complaints, page } = visited
    const wide = {
      ...tip(),
      title: '<img src=x onerror=alert(1)>',
      body: `${'w'.repeat(300)} <script>alert(2)</script>`,
    }
    const files = [
      { name: 'bank.png', content: png() },
      { name: `${'n'.repeat(120)}.txt`, content: 'x'.repeat(400) },
    ]
    const post = await newsroom.submit(
      'guest-post',
      {
        ...guestPost(),
        body: `# Head\n\n> quoted\n\n\`${'c'.repeat(200)}\`\n\n| a | b |\n|---|---|\n| 1 | 2 |\n\n${guestPost().body}`,
      },
      files,
    )
    const secret = await newsroom.submit('expose', wide)
    const person = newsroom.chat()
    const said = await person.say({
      text: 'The ward has no oxygen.',
      quote: { text: `All wards are well.\n${'w'.repeat(200)}`, position: 0 },
      unknown: { wide: 'w'.repeat(300) },
    })
    await person.say({ video: { file_id: 'v', file_unique_id: 'v', file_size: 3e8, file_name: 'ward.mp4' } })
    await person.press('Send')
    await newsroom.workOff()
    await person.edit(said, { text: 'The ward has had no oxygen since Monday.' })
    const upload =
      /\/upload\/[\w-]{48}/.exec(
        person
          .heard()
          .map(({ text }) => text)
          .join(),
      )?.[0] ?? ''
    const chat = (await newsroom.all()).find(({ channel }) => channel === 'telegram')?.reference
    await newsroom.receiveUpdate({ update_id: 1, something: '<script>alert(3)</script>' })
    const path = `/desk/submissions/${post.reference}`
    await newsroom.workOff()
    newsroom.mailServer.refuse.recipient = 550
    await newsroom.act(`${path}/claim`, {})
    for (const tag of ['weekend', 'x'.repeat(40)]) await newsroom.act(`${path}/tag`, { tag })
    await newsroom.act(`${path}/note`, { note: 'A note for colleagues.' })
    await newsroom.act(`${path}/answer`, {
      body: 'An answer that does not arrive.',
      ...(await newsroom.seen(post.reference)),
    })
    newsroom.passTime(11_000)
    await newsroom.workOff()
    await newsroom.writeAgain(post.receipt, 'I forgot to say something.')
    const cookie = await newsroom.signIn()
    const article = await newsroom.deskPage(path)
    const words = /href="(\/desk\/attachments\/[\w-]+\/words)"/.exec(article)?.[1]
    const open = (where: string) => async (on: Page) => on.goto(site + where)
    const pages: Record<string, (on: Page) => Promise<unknown>> = {
      'desk-inbox': open('/desk?view=all'),
      async 'desk-filters'(on) {
        await on.goto(`${site}/desk?view=all&kind=expose&tag=weekend`)
      },
      'desk-search': open('/desk?view=all&q=river'),
      'desk-empty': open('/desk?view=spam'),
      'desk-telegram': open('/desk/telegram'),
      'desk-api-tokens': open('/desk/api-tokens'),
      async 'desk-api-token-made'(on) {
        await on.goto(`${site}/desk/api-tokens`)
        await on.fill('#name', `Bridge ${Math.random()}`)
        await on.click('main button:text("Make")')
      },
      async 'desk-api-token-faulty'(on) {
        await on.goto(`${site}/desk/api-tokens`)
        await on.fill('#name', '<b>')
        await on.click('main button:text("Make")')
      },
      'api-description': open('/api/v1'),
      upload: open(upload),
      async 'upload-faulty'(on) {
        await on.goto(`${site}${upload}`)
        await on.setInputFiles('#chosen', {
          name: 'run',
          mimeType: 'x/y',
          buffer: Buffer.from('\x7fELF\x02\x01\x01'),
        })
        await on.click('main button')
      },
      async 'status-with-chat'(on) {
        await on.goto(`${site}/status`)
        await on.fill('#receipt', secret.receipt)
        await on.click('main button')
      },
      'desk-chat-piece': open(`/desk/submissions/${chat}`),
      'desk-guest-post': open(path),
      async 'desk-more'(on) {
        await on.goto(site + path)
        await on.getByText('More', { exact: true }).click()
        await on.getByText('History', { exact: true }).click()
      },
      async 'desk-menu'(on) {
        await on.goto(`${site}/desk/help`)
        await on.getByText('Menu', { exact: true }).click()
      },
      'desk-expose': open(`/desk/submissions/${secret.reference}`),
      'desk-letter': open(`${path}/letter/accepted`),
      'desk-letter-confidential': open(`/desk/submissions/${secret.reference}/letter/declined`),
      async 'desk-conflict'(on) {
        await on.goto(site + path)
        await on.getByLabel('Answer the sender').fill('Words that must not be lost.')
        await on.evaluate("document.querySelector('#answer [name=revision]').value = '1'")
        await on.getByRole('button', { name: 'Send' }).click()
        await on.getByText('This changed while you were working').first().waitFor()
      },
      'desk-words': open(words ?? ''),
      'desk-deliveries': open('/desk/deliveries?state=failed'),
      'desk-glance': open('/desk/glance'),
      'desk-account': open('/desk/account'),
      async 'desk-account-fault'(on) {
        await on.goto(`${site}/desk/account`)
        await on.locator('#new-passphrase').fill('short')
        await on.locator('#again').fill('short')
        await on.getByRole('button', { name: 'Set passphrase' }).click()
      },
      'desk-totp': open('/desk/account/totp'),
      'desk-passkey': open('/desk/account/passkeys'),
      'desk-team': open('/desk/team'),
      'desk-settings': open('/desk/settings'),
      'desk-letter-setting': open('/desk/settings/letters/please-change'),
      async 'desk-letter-setting-fault'(on) {
        await on.goto(`${site}/desk/settings/letters/declined`)
        await on.locator('#body').fill('{{nothing}}')
        await on.getByRole('button', { name: 'Keep' }).click()
      },
      'desk-unread': open('/desk/unread'),
      'desk-help': open('/desk/help'),
      'desk-not-found': open('/desk/submissions/AAAA-AAAA'),
    }
    await page.close()
    await lookAtAll(visited, pages, cookie)
    assert.deepEqual(
      complaints.filter((one) => !/status of (404|409|415|422)/.test(one)),
      [],
    )
  })
})

async function cookieOf(page: Page): Promise<string> {
  const cookies = await page.context().cookies()
  return cookies.map(({ name, value }) => `${name}=${value}`).join('; ')
}
