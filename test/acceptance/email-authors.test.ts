import assert from 'node:assert/strict'
import { test } from 'node:test'
import { inboundMail } from '../support/mail.ts'
import { openNewsroom } from '../support/newsroom.ts'

const [jane, ali, amina] = ['jane@example.org', 'ali@example.org', 'amina@example.org']

/** Headers, who is named, and who is answered. */
const cases: [header: string[], named: string, answered: string | undefined][] = [
  [[`From: Jane Mwangi <${jane}>`], 'Jane Mwangi', jane],
  [[`From: Jane <${jane}>, Ali <${ali}>`], 'Jane and Ali', jane],
  [[`From: Jane <${jane}>, Ali <${ali}>`, `Sender: ${ali.toUpperCase()}`], 'Jane and Ali', ali],
  [[`From: Jane <${jane}>, Ali <${ali}>`, 'Sender: office@example.org'], 'Jane and Ali', jane],
  [
    [`From: Jane <${jane}>, ${ali},\r\n =?utf-8?Q?Amina_M=C3=BCller?= <${amina}>`],
    `Jane, ${ali} and Amina Müller`,
    jane,
  ],
  [[`From: The writers: Jane <${jane}>, Ali <${ali}>;`], 'Jane and Ali', jane],
  [[`From: Jane <${jane}>, J. Mwangi <${jane.toUpperCase()}>`], 'Jane', jane],
]

test('of a mail by several all are named, and the one is answered who has sent it', async (t) => {
  const newsroom = await openNewsroom(t, inboundMail)
  for (const [index, [header, named, answered]] of cases.entries()) {
    // No address is answered more than three times a day.
    newsroom.passTime(24 * 3_600_000)
    await newsroom.workOff()
    newsroom.mailServer.mails.length = 0
    const lines = [...header, `Subject: Number ${index}`, '', 'What the river took.']
    const to = ['opinion@newsroom.test']
    assert.equal(await newsroom.receiveMail(lines.join('\r\n'), { to }), 'received')
    await newsroom.workOff()
    const [newest] = await newsroom.all()
    const { submissions } = newsroom.application.storage
    const opening = await submissions.opening(newest?.id ?? '', newsroom.keys)
    const { name, byline, email } = opening?.content.fields ?? {}
    assert.deepEqual([name, byline, email], [named, named, answered], header.join())
    const told = newsroom.mailServer.mails.map(({ recipient }) => recipient)
    assert.deepEqual(
      told.filter((one) => one.endsWith('@example.org')).map((one) => one.toLowerCase()),
      [answered?.toLowerCase()],
      header.join(),
    )
  }
})

test('at the desk it is said who they all are, and whom an answer goes to', async (t) => {
  const newsroom = await openNewsroom(t, inboundMail)
  const header = [`From: Jane <${jane}>, Ali <b@example.org>`, `Sender: ${jane}`, `Reply-To: ${amina}`]
  const mail = [...header, 'Subject: The river', '', 'What the river took.'].join('\r\n')
  assert.equal(await newsroom.receiveMail(mail, { to: ['stories@newsroom.test'] }), 'received')
  await newsroom.workOff()
  const [newest] = await newsroom.all()
  const page = await newsroom.deskPage(`/desk/submissions/${newest?.reference}`)
  const shown = `From Jane &lt;${jane}&gt;, Ali &lt;b@example.org&gt;; answers go to ${amina}`
  assert.ok(page.includes(shown), page)
  assert.deepEqual(newsroom.mailsTo(amina), [], 'nobody is mailed because somebody else has named them')
})
