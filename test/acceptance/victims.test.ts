import assert from 'node:assert/strict'
import { test } from 'node:test'
import { hashToken, newToken } from '../../src/accounts/api-token.ts'
import { defaultLetters, letters } from '../../src/editorial/letter-templates.ts'
import { inboundMail } from '../support/mail.ts'
import { cookieOf, type Newsroom, openNewsroom } from '../support/newsroom.ts'
import { guestPost, storyAngle, tip } from '../support/submissions.ts'

// Anybody can name an address that is somebody else's. Whoever that is gets few mails, with no word of the stranger's.

const victim = 'victim@elsewhere.test'
const planted = 'Claim your prize at evil.example'
const planter = 'Evil Planter'
const words = /evil|planter|prize/i

type Answered = { receipt: string; isUnmailed: boolean }

/** Every way by which an address gets a receipt by mail. */
const ways: Record<string, (newsroom: Newsroom, address: string) => Promise<Answered | undefined>> = {
  async 'the form, a story'(newsroom, email) {
    const fields = { ...storyAngle(), title: planted, name: planter, email }
    const { body } = await newsroom.post('story-angle', fields, [
      { name: 'evil prize.txt', content: planted },
    ])
    return { receipt: body.receipt, isUnmailed: body.mailed === false }
  },
  async 'the form, a guest post'(newsroom, email) {
    const fields = { ...guestPost(), title: planted, byline: planter, name: planter, email }
    const { body } = await newsroom.post('guest-post', fields).expect(201)
    return { receipt: body.receipt, isUnmailed: body.mailed === false }
  },
  async 'the form, a tip'(newsroom, email) {
    const { body } = await newsroom.post('news-tip', { ...tip(), title: planted, name: planter, email })
    return { receipt: body.receipt, isUnmailed: body.mailed === false }
  },
  async 'the form, in confidence'(newsroom, email) {
    const fields = { ...storyAngle(), title: planted, name: planter, email, confidential: 'yes' }
    const { body } = await newsroom.post('story-angle', fields).expect(201)
    return { receipt: body.receipt, isUnmailed: body.mailed === false }
  },
  async 'the API'(newsroom, email) {
    const token = newToken()
    const given = { name: token, hourlyLimit: 0, hookUrl: null, tokenHash: hashToken(token) }
    await newsroom.application.storage.apiTokens.add(given, newsroom.now())
    const { body } = await newsroom
      .http()
      .post('/api/v1/submissions')
      .set('authorization', `Bearer ${token}`)
      .send({ kind: 'story-angle', ...storyAngle(), title: planted, name: planter, email })
      .expect(201)
    return { receipt: body.receipt, isUnmailed: body.mailed === false }
  },
  async 'a mail with a forged sender'(newsroom, email) {
    const mail = {
      from: `${planter} <${email}>`,
      to: 'stories@newsroom.test',
      subject: planted,
      text: planted,
    }
    await newsroom.receiveMail({ ...mail, attachments: [{ filename: 'evil-prize.pages', content: 'PK' }] })
    return undefined
  },
  async 'a mail with a forged sender, to the address for tips'(newsroom, email) {
    const mail = { from: `${planter} <${email}>`, to: 'tips@newsroom.test', subject: planted, text: planted }
    await newsroom.receiveMail(mail)
    return undefined
  },
  async 'a guest post told to the bot'(newsroom, email) {
    const chat = newsroom.chat()
    await chat.say('/guest')
    const answers = [planted, planted, planter, planter]
    for (const answer of answers) await chat.say(answer)
    await chat.say(guestPost().body)
    await chat.press(/next/i)
    for (let i = 0; i < 5; i++) await chat.press(/skip/i)
    await chat.say(email)
    await chat.press(/skip/i)
    await chat.press(/yes/i)
    await chat.press('Send')
    return undefined
  },
}

/** As the newsroom words it, with all there is to fill in. */
async function wordLetters(newsroom: Newsroom): Promise<void> {
  const { settings } = newsroom.application.storage
  for (const name of letters) {
    const { body } = defaultLetters[name]
    const letter = {
      subject: 'For {{name}}: {{title}} ({{reference}})',
      body: `{{name}} {{title}} ${body}`,
      isOn: true,
    }
    await settings.saveLetter(name, letter, 0, newsroom.now())
  }
}

for (const [way, send] of Object.entries(ways)) {
  test(`by ${way}, an address gets the newsroom’s words and none of the sender’s`, async (t) => {
    const newsroom = await openNewsroom(t, inboundMail)
    await wordLetters(newsroom)
    await send(newsroom, victim)
    await newsroom.workOff()
    const [mail, ...more] = newsroom.mailsTo(victim)
    assert.ok(mail && more.length === 0)
    assert.match(mail.subject ?? '', /^For there: /)
    for (const part of [mail.subject, mail.text, mail.html, mail.headerLines.map(({ line }) => line).join()])
      assert.doesNotMatch(String(part), words)
  })
}

test('one mailbox gets three receipts a day, whatever way they are asked for and however it is written', async (t) => {
  const newsroom = await openNewsroom(t, inboundMail)
  const spellings = ['victim', 'Victim', 'victim+1', 'VICTIM+two', 'vicTim+a+b']
  const answers: (Answered | undefined)[] = []
  for (const [i, send] of [...Object.values(ways), ...Object.values(ways)].entries()) {
    const domain = i % 2 ? 'elsewhere.test' : 'ELSEWHERE.test'
    answers.push(await send(newsroom, `${spellings[i % spellings.length]}@${domain}`))
  }
  await newsroom.workOff()
  const mails = () => newsroom.mailServer.mails.filter(({ recipient }) => /^victim/i.test(recipient)).length
  assert.equal(mails(), 3)
  assert.deepEqual(
    answers.slice(0, 5).map((one) => one?.isUnmailed),
    [false, false, false, true, true],
  )
  // What was sent is there all the same, with its receipt.
  for (const one of answers) if (one) assert.equal((await newsroom.status(one.receipt)).messages.length, 1)
  newsroom.passTime(25 * 3_600_000)
  await ways['the form, a tip']?.(newsroom, victim)
  await newsroom.workOff()
  assert.equal(mails(), 4)
})

test('a mailbox of Gmail is one, however many dots its name has, and by either name of the service', async (t) => {
  const newsroom = await openNewsroom(t)
  for (const to of [
    'v.ictim@gmail.com',
    'vi.ctim@googlemail.com',
    'VIC.TIM+a@gmail.com',
    'v.i.c.t.i.m@Gmail.com',
  ])
    await newsroom.submit('story-angle', { ...storyAngle(), email: to })
  await newsroom.submit('story-angle', { ...storyAngle(), email: 'v.ictim@elsewhere.test' })
  await newsroom.submit('story-angle', { ...storyAngle(), email: 'vi.ctim@elsewhere.test' })
  await newsroom.workOff()
  const to = newsroom.mailServer.mails.map(({ recipient }) => recipient.split('@')[1]?.toLowerCase())
  assert.equal(to.filter((host) => /^g/.test(host ?? '')).length, 3)
  assert.equal(
    to.filter((host) => host === 'elsewhere.test').length,
    2,
    'elsewhere a dot may be another person',
  )
})

test('the page shows the receipt that was not mailed, and says so, also to a double click', async (t) => {
  const newsroom = await openNewsroom(t)
  const nonce = await newsroom.nonce('/submit/story-angle')
  const receiptPage = async (fields: object) => {
    const sent = await newsroom.http().post('/submit/story-angle').type('form').send(fields).expect(303)
    const cookie = cookieOf(sent.headers, 'barua-receipt')
    return (await newsroom.http().get('/receipt').set('cookie', cookie)).text
  }
  const fields = { ...storyAngle(), email: victim }
  for (let i = 0; i < 3; i++) assert.doesNotMatch(await receiptPage(fields), /not sent this receipt by email/)
  for (let i = 0; i < 2; i++) {
    const page = await receiptPage({ ...fields, nonce })
    assert.match(page, /not sent this receipt by email/)
    assert.match(page, /id="receipt">[\dA-Z-]{29}</)
  }
})
