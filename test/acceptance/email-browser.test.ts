import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import type { Page } from 'playwright-core'
import { lookAtAll, skip, visit, withBrowser } from '../support/browser.ts'
import { inboundMail, replyTo } from '../support/mail.ts'
import { editorAddress, type Newsroom } from '../support/newsroom.ts'
import { png, storyAngle } from '../support/submissions.ts'

const evil = (mark: string) => `<script>alert('${mark}')</script><img src=x onerror="alert('${mark}')">`

async function latest(newsroom: Newsroom): Promise<string> {
  const [listed] = await newsroom.all()
  return listed?.reference ?? assert.fail('nothing has come in')
}

/** A piece by the form, an editor's answer by mail with a file, and two replies that were held. */
async function conversation(newsroom: Newsroom) {
  const { reference, receipt } = await newsroom.submit('story-angle', {
    ...storyAngle(),
    email: 'amina@example.org',
  })
  await newsroom.workOff()
  // Several notices leave at once, in any order.
  const notice = newsroom.mailsTo(editorAddress).find(({ subject }) => /typewriter/.test(subject ?? ''))
  assert.ok(notice)
  const attachments = [{ filename: `${'long-name-'.repeat(9)}.txt`, content: 'Who else saw it?' }]
  await newsroom.receiveMail(replyTo(notice, 'Thank you. May we call you?', { attachments }))
  await newsroom.receiveMail(
    replyTo(notice, `${evil('held')} Do not trust her.`, { from: 'friend@example.net' }),
  )
  await newsroom.receiveMail(replyTo(notice, '/publish it'))
  await newsroom.pause(121_000)
  return { reference, receipt }
}

describe('mail in a real browser', skip, () => {
  withBrowser()

  test('every page that mail changes is accessible, light and dark, and nothing in a mail runs', async (t) => {
    const visited = await visit(t, { scripts: true, env: inboundMail })
    const { newsroom, site, complaints } = visited
    await newsroom.receiveMail({
      to: 'opinion@newsroom.test',
      subject: `Why the mill must stay ${evil('subject')}`,
      from: `"${evil('name').replaceAll('"', '')}" <jane@example.org>`,
      html: `<h2>The mill</h2><p>It <b>must</b> stay. ${evil('html')}</p><ul><li>bread</li><li>work</li></ul><p><a href="javascript:alert(1)">click</a> <a href="https://example.org/${'x'.repeat(200)}">source</a></p>`,
      attachments: [
        { filename: 'mill.png', content: png() },
        { filename: 'run.exe', content: Buffer.concat([Buffer.from('MZ'), Buffer.alloc(300, 1)]) },
        { filename: evil('file'), content: 'text' },
      ],
    })
    await newsroom.workOff()
    const article = await latest(newsroom)
    const quoted = `${evil('words')}\n\n-- \nJane\n${'w'.repeat(300)}\n\nOn Mon, 3 Mar 2025 at 10:00, Otto <otto@example.org> wrote:\n\n> ${evil('quoted')}`
    await newsroom.receiveMail({ to: 'stories@newsroom.test', subject: 'A story', text: quoted })
    const story = await latest(newsroom)
    const parts = '--q\r\n\r\nx\r\n'.repeat(2000)
    const broken = `From: a@example.org\r\nContent-Type: multipart/mixed; boundary=q\r\n\r\n${parts}--q--\r\n`
    // What is confidential stands where its minute began.
    newsroom.passTime(60_000)
    await newsroom.receiveMail(broken, { to: ['tips@newsroom.test'] })
    const unreadable = await latest(newsroom)
    const { reference, receipt } = await conversation(newsroom)
    const open = (where: string) => async (on: Page) => {
      const answer = await on.goto(site + where, { waitUntil: 'load' })
      assert.equal(answer?.status(), 200, where)
      const alien = await on.evaluate(
        'document.querySelectorAll(\'main script, main iframe, main img:not([src^="/desk/attachments/"]), main [onclick], main [onerror], a[href^="javascript:" i]\').length',
      )
      assert.equal(alien, 0, where)
    }
    const pages: Record<string, (on: Page) => Promise<unknown>> = {
      'mail-letterbox': open('/'),
      'mail-article': open(`/desk/submissions/${article}`),
      async 'mail-story'(on) {
        await open(`/desk/submissions/${story}`)(on)
        await on.getByText('Below it: quoted mail').click()
      },
      'mail-unreadable': open(`/desk/submissions/${unreadable}`),
      'mail-held': open(`/desk/submissions/${reference}`),
      'mail-inbox': open('/desk?view=all'),
      async 'mail-status'(on) {
        await on.goto(`${site}/status`)
        await on.fill('#receipt', receipt)
        await on.click('main button')
        await on.getByText('May we call you?').waitFor()
      },
    }
    const cookie = await newsroom.signIn()
    const editor = await newsroom.application.storage.editors.byEmail(editorAddress)
    // As an editor who has set up: nothing is asked of them.
    await newsroom.application.storage.keyRing.together((moves) =>
      moves.setPassphrase(editor?.id ?? '', 'set'),
    )
    await lookAtAll(visited, pages, cookie)
    assert.deepEqual(complaints, [])
  })

  test('pages about a reply that waits are accessible; with scripts off its link stops it', async (t) => {
    const visited = await visit(t, { env: inboundMail })
    const { newsroom, site, page } = visited
    const { reference } = await newsroom.submit('story-angle', {
      ...storyAngle(),
      email: 'amina@example.org',
    })
    await newsroom.workOff()
    const notice = newsroom.mailsTo(editorAddress).find(({ subject }) => /typewriter/.test(subject ?? ''))
    assert.ok(notice)
    const attachments = [
      { filename: `${'long-name-'.repeat(9)}.txt`, content: 'Who else saw it?' },
      { filename: 'otto.vcf', content: 'BEGIN:VCARD' },
    ]
    const words = `Thank you. May we call you?\n\n-- \nOtto ${'w'.repeat(200)}`
    await newsroom.receiveMail(replyTo(notice, words, { attachments }))
    await newsroom.workOff()
    const confirmation = newsroom.mailsTo(editorAddress).at(-1)
    const link = /stop it: (\S+)/.exec(confirmation?.text ?? '')?.[1] ?? assert.fail('no link')
    const open = (where: string) => (on: Page) => on.goto(where, { waitUntil: 'load' })
    const cookie = await newsroom.signIn()
    const unfolded = async (on: Page) => {
      await on.goto(`${site}/desk/submissions/${reference}`, { waitUntil: 'load' })
      await on.getByText('This reply came by email').click()
    }
    await lookAtAll(
      visited,
      {
        'reply-stop': open(link),
        'reply-send': open(`${link}?do=send`),
        'reply-waiting': unfolded,
        'reply-setting': open(`${site}/desk/settings`),
      },
      cookie,
    )
    await page.goto(link)
    await page.getByRole('button', { name: 'Stop it' }).click()
    await page.getByRole('heading', { name: 'This reply was stopped' }).waitFor()
    await lookAtAll(
      visited,
      { 'reply-stopped': open(link), 'reply-quarantined': open(`${site}/desk/submissions/${reference}`) },
      cookie,
    )
    await newsroom.pause(300_000)
    assert.ok(
      newsroom.mailsTo('amina@example.org').every(({ subject }) => /^We received/.test(subject ?? '')),
    )
  })

  test('with scripts off a held reply is sent from the desk, and the sender saves its file from the status page', async (t) => {
    const visited = await visit(t, { env: inboundMail })
    const { newsroom, site, page } = visited
    const { reference, receipt } = await conversation(newsroom)
    const [name, value] = (await newsroom.signIn()).split('=') as [string, string]
    await page.context().addCookies([{ name, value, url: site }])
    await page.goto(`${site}/desk/submissions/${reference}`)
    const held = page.getByRole('listitem').filter({ hasText: 'comes from another address' })
    await held.getByRole('textbox').fill('A friend says otherwise. What do you say?')
    await held.getByRole('button', { name: 'Send as my answer' }).click()
    await page.getByText('A friend says otherwise').waitFor()
    assert.equal(await page.getByRole('button', { name: 'Send it as my answer' }).count(), 1)
    await page.getByRole('button', { name: 'Set it aside' }).click()
    await page.getByText('Dealt with').first().waitFor()
    assert.equal(await page.getByRole('button', { name: 'Send it as my answer' }).count(), 0)
    await newsroom.pause(121_000)
    await page.goto(`${site}/status`)
    await page.getByLabel('Receipt').fill(receipt)
    await page.getByRole('button', { name: 'Open' }).click()
    const saving = page.waitForEvent('download')
    await page.getByRole('button', { name: /long-name/ }).click()
    const download = await saving
    assert.match(download.suggestedFilename(), /^long-name/)
  })
})
