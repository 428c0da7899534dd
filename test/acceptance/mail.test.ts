import assert from 'node:assert/strict'
import { test } from 'node:test'
import { openMailServer } from '../support/mail-server.ts'
import { editorAddress, openNewsroom } from '../support/newsroom.ts'
import { guestPost, png, storyAngle, tip } from '../support/submissions.ts'

const hour = 3_600_000
const aboutSubmissions = (newsroom: Awaited<ReturnType<typeof openNewsroom>>, address = editorAddress) =>
  newsroom.mailsTo(address).filter((mail) => !mail.subject?.startsWith('Sign in'))

test('each editor gets one mail with the whole guest post', async (t) => {
  const newsroom = await openNewsroom(t, { EDITORS: `${editorAddress},second@newsroom.test` })
  const { reference } = await newsroom.submit(
    'guest-post',
    { ...guestPost(), caption: 'The bank', credit: 'A. M.' },
    [{ name: 'bank.png', content: png() }],
  )
  await newsroom.workOff()
  for (const address of [editorAddress, 'second@newsroom.test']) {
    const [mail, ...more] = aboutSubmissions(newsroom, address)
    assert.ok(mail && more.length === 0, address)
    assert.equal(mail.subject, `Guest post: ${guestPost().title}`)
    for (const part of [mail.text ?? '', String(mail.html)]) {
      for (const said of [
        guestPost().title,
        guestPost().standfirst,
        guestPost().byline,
        guestPost().bio,
        reference,
      ]) {
        assert.ok(part.includes(said), said)
      }
      assert.ok(part.includes('Nobody asks for it back because nobody remembers it.'))
      assert.ok(part.includes(`http://localhost:3000/desk/submissions/${reference}`))
      assert.match(part, /bank\.png \(\d+ bytes\)/)
      assert.ok(part.includes('The bank') && part.includes('A. M.'))
    }
    assert.equal(mail.headers.get('auto-submitted'), 'auto-generated')
    assert.match(mail.messageId ?? '', /^<[\da-f-]{36}@newsroom\.test>$/)
    assert.match(String(mail.references), /^<[\da-f-]{36}@newsroom\.test>$/)
    assert.equal(mail.from?.text, '"Barua" <barua@newsroom.test>')
  }
})

test('mails about one submission share their References; a further message is told of in the same thread', async (t) => {
  const newsroom = await openNewsroom(t)
  const { receipt, reference } = await newsroom.submit('story-angle', storyAngle())
  await newsroom.workOff()
  await newsroom.deskPage(`/desk/submissions/${reference}`)
  await newsroom.writeAgain(receipt, 'He is called Baraka.')
  newsroom.passTime(5 * 60_000)
  await newsroom.workOff()
  const [first, second] = aboutSubmissions(newsroom)
  assert.ok(first && second)
  assert.equal(String(second.references), String(first.references))
  assert.notEqual(second.messageId, first.messageId)
  assert.equal(second.subject, `Re: ${first.subject}`)
  assert.ok(second.text?.includes('He is called Baraka.'))
})

for (const kind of ['expose', 'news-tip'] as const) {
  test(`a mail about a confidential piece (${kind}) carries nothing of it`, async (t) => {
    const newsroom = await openNewsroom(t)
    const fields = { ...tip(), name: 'Canary Name', email: 'source@canary.test' }
    const sent = await newsroom.submit(kind, fields, [{ name: 'canary-file.png', content: png() }])
    await newsroom.workOff()
    await newsroom.deskPage(`/desk/submissions/${sent.reference}`)
    await newsroom.writeAgain(sent.receipt, 'Canary further words')
    newsroom.passTime(5 * 60_000)
    await newsroom.workOff()
    const mails = [...aboutSubmissions(newsroom), ...newsroom.mailsTo('source@canary.test')]
    assert.equal(mails.length, 3)
    for (const mail of mails) {
      const said = mail.raw + mail.text + mail.html
      for (const canary of [
        fields.title,
        fields.body,
        fields.place,
        fields.evidence,
        'Canary',
        'canary-file',
        sent.receipt,
      ]) {
        assert.ok(!said.includes(canary), `${mail.subject}: ${canary}`)
      }
      assert.ok(said.includes(sent.reference))
    }
    assert.match(
      aboutSubmissions(newsroom)[0]?.subject ?? '',
      new RegExp(`^(Exposé|News tip): ${sent.reference}$`),
    )
  })
}

test('a sender who left an address gets the receipt by mail', async (t) => {
  const newsroom = await openNewsroom(t)
  const { reference, receipt } = await newsroom.submit('guest-post', guestPost())
  await newsroom.workOff()
  const [mail, ...more] = newsroom.mailsTo(guestPost().email)
  assert.ok(mail && more.length === 0)
  for (const part of [mail.text ?? '', String(mail.html)]) {
    for (const said of [receipt, reference, '/status']) assert.ok(part.includes(said), said)
  }
  const { target, receipt: kept } =
    (await jobs(newsroom, reference)).find((one) => one.type === 'sender-receipt') ?? {}
  assert.deepEqual(
    { target, kept },
    { target: null, kept: null },
    'what is over forgets its address and its receipt',
  )
})

const greetings: [helo: string, env: Record<string, string>][] = [
  ['letters.example.org', { PUBLIC_URL: 'https://letters.example.org' }],
  ['xn--mller-kva.example', { PUBLIC_URL: 'https://müller.example' }],
  ['newsroom.test', { PUBLIC_URL: 'http://localhost:3000' }],
  ['newsroom.test', { PUBLIC_URL: 'https://192.0.2.7' }],
  ['newsroom.test', { PUBLIC_URL: 'https://[2001:db8::7]' }],
  ['newsroom.test', { PUBLIC_URL: 'http://letterbox:3000' }],
  ['newsroom.test', { PUBLIC_URL: 'http://letterbox.local' }],
  ['xn--mller-kva.example', { MAIL_FROM: 'Barua <barua@Müller.example>' }],
]
for (const [helo, env] of greetings) {
  test(`to another mail server we are ${helo} where it is ${Object.values(env)}`, async (t) => {
    const newsroom = await openNewsroom(t, env)
    await newsroom.submit('story-angle')
    await newsroom.workOff()
    assert.deepEqual([...new Set(newsroom.mailServer.mails.map((mail) => mail.helo))], [helo])
  })
}

test('a mail server that is down for a day loses nothing', async (t) => {
  const newsroom = await openNewsroom(t)
  await newsroom.workOff()
  const port = new URL(newsroom.mailServer.url).port
  await newsroom.mailServer.close()
  const { reference } = await newsroom.submit('story-angle', { ...storyAngle(), email: '' })
  for (let passed = 0; passed < 24 * hour; passed += hour) {
    await newsroom.workOff()
    newsroom.passTime(hour)
  }
  const [waiting] = await jobs(newsroom, reference)
  assert.equal(waiting?.state, 'pending', waiting?.errorCode ?? '')
  assert.ok((waiting?.attempts ?? 0) > 8 && (waiting?.attempts ?? 0) < 40, `${waiting?.attempts} tries`)
  assert.match(waiting?.errorCode ?? '', /^smtp-e(socket|connrefused)$/)
  const again = await openMailServer(Number(port))
  t.after(() => again.close())
  newsroom.passTime(2 * hour)
  await newsroom.workOff()
  assert.equal((await jobs(newsroom, reference))[0]?.state, 'sent')
  assert.equal(again.mails.filter((mail) => mail.subject?.startsWith('Story angle')).length, 1)
})

test('a recipient that is refused for good is not tried again, and is seen at the desk', async (t) => {
  const newsroom = await openNewsroom(t)
  await newsroom.workOff()
  newsroom.mailServer.refuse.recipient = 550
  const { reference } = await newsroom.submit('news-tip', tip())
  await newsroom.workOff()
  const [failed] = await jobs(newsroom, reference)
  assert.deepEqual(
    { ...failed, state: failed?.state },
    { ...failed, state: 'failed', attempts: 1, errorCode: 'smtp-550' },
  )
  assert.ok((await newsroom.deskPage(`/desk/submissions/${reference}`)).includes('smtp-550'))
  assert.ok((await newsroom.deskPage('/desk')).includes('failed delivery'))
})

for (const [what, rejection] of [
  ['recipient is put off', { recipient: 451 }],
  ['message is put off', { message: 452 }],
] as const) {
  test(`a mail whose ${what} is tried again`, async (t) => {
    const newsroom = await openNewsroom(t)
    await newsroom.workOff()
    Object.assign(newsroom.mailServer.refuse, rejection)
    const { reference } = await newsroom.submit('news-tip', tip())
    await newsroom.workOff()
    assert.equal((await jobs(newsroom, reference))[0]?.state, 'pending')
    Object.assign(newsroom.mailServer.refuse, { recipient: undefined, message: undefined })
    newsroom.passTime(60_000)
    await newsroom.workOff()
    assert.equal((await jobs(newsroom, reference))[0]?.state, 'sent')
    assert.equal(aboutSubmissions(newsroom).length, 1)
  })
}

test('after two days the tries end, and that is seen', async (t) => {
  const newsroom = await openNewsroom(t)
  await newsroom.workOff()
  newsroom.mailServer.refuse.recipient = 451
  const { reference } = await newsroom.submit('news-tip', tip())
  for (let day = 0; day < 50; day++) {
    await newsroom.workOff()
    newsroom.passTime(hour)
  }
  assert.equal((await jobs(newsroom, reference))[0]?.state, 'failed')
})

test('a mail whose acceptance was never heard of is repeated once, with the same Message-ID', async (t) => {
  const newsroom = await openNewsroom(t)
  await newsroom.workOff()
  newsroom.mailServer.refuse.cutAfterAccepting = true
  const { reference } = await newsroom.submit('news-tip', tip())
  await newsroom.workOff()
  assert.equal((await jobs(newsroom, reference))[0]?.state, 'pending')
  newsroom.mailServer.refuse.cutAfterAccepting = false
  newsroom.passTime(60_000)
  await newsroom.workOff()
  await newsroom.workOff()
  const ids = aboutSubmissions(newsroom).map((mail) => mail.messageId)
  assert.equal(ids.length, 2)
  assert.equal(new Set(ids).size, 1)
})

test('many mails share a few connections', async (t) => {
  const newsroom = await openNewsroom(t)
  for (let i = 0; i < 20; i++) {
    await newsroom.submit('story-angle', { ...storyAngle(), email: `reader${i}@contributor.test` })
  }
  await newsroom.workOff()
  newsroom.passTime(60_000)
  await newsroom.workOff()
  assert.equal(newsroom.mailServer.mails.length, 41)
  assert.ok(newsroom.mailServer.connections() <= 5, `${newsroom.mailServer.connections()} connections`)
})

test('without a mail server, mails are files that a mail program opens', async (t) => {
  const newsroom = await openNewsroom(t, { SMTP_URL: '' })
  await newsroom.submit('story-angle', storyAngle())
  await newsroom.workOff()
  const mails = await newsroom.keptMails()
  assert.equal(mails.length, 3)
  assert.ok(mails.every((mail) => /^From: /m.test(mail) && /^Message-ID: </m.test(mail)))
})

async function jobs(newsroom: Awaited<ReturnType<typeof openNewsroom>>, reference: string) {
  const { submissions, jobs } = newsroom.application.storage
  const submission = await submissions.byReference(reference)
  assert.ok(submission)
  return (await jobs.ofSubmission(submission.id)).filter((one) => one.type !== 'tell-editors')
}
