import assert from 'node:assert/strict'
import { test } from 'node:test'
import { editorAddress, openNewsroom } from '../support/newsroom.ts'
import { photoUpdate, png, storyAngle } from '../support/submissions.ts'

test('the ledger tells every delivery’s life, and what failed is tried again by hand', async (t) => {
  const newsroom = await openNewsroom(t)
  await newsroom.workOff()
  newsroom.mailServer.refuse.recipient = 451
  const { reference } = await newsroom.submit('story-angle', storyAngle())
  await newsroom.workOff()
  const inTrouble = await newsroom.deskPage('/desk')
  assert.ok(inTrouble.includes('Mail has been failing'))
  newsroom.mailServer.refuse.recipient = 550
  newsroom.passTime(60_000)
  await newsroom.workOff()
  const ledger = await newsroom.deskPage('/desk/deliveries?state=failed')
  assert.match(ledger, /receipt mail to the sender<\/strong>, about <a href="[^"]+">[\w-]+/)
  assert.match(
    ledger,
    /tried [\d: -]+ UTC: <span class="why">smtp-451<\/span>; tried [\d: -]+ UTC: <span class="why">smtp-550/,
  )
  assert.ok(
    (await newsroom.deskPage('/desk')).includes('deliveries have</strong> failed') ||
      (await newsroom.deskPage('/desk')).includes('failed. <a'),
  )

  newsroom.mailServer.refuse.recipient = undefined
  const ids = [...ledger.matchAll(/deliveries\/([\w-]+)\/retry/g)].map((found) => found[1] as string)
  assert.equal(ids.length, 2, 'the receipt and the notice')
  for (const id of ids) assert.equal((await newsroom.act(`/desk/deliveries/${id}/retry`, {})).status, 303)
  assert.equal((await newsroom.act(`/desk/deliveries/${ids[0]}/retry`, {})).status, 409)
  await newsroom.workOff()
  const receipt = newsroom.mailsTo(storyAngle().email)
  assert.equal(receipt.length, 1)
  assert.ok(
    receipt[0]?.text?.includes(reference) && !receipt[0].text.includes('Receipt:'),
    'the receipt itself is forgotten by then',
  )
  assert.ok(
    newsroom.mailsTo(editorAddress).some((mail) => mail.subject === `Story angle: ${storyAngle().title}`),
  )
  const calm = await newsroom.deskPage('/desk')
  assert.ok(!calm.includes('failed') && !calm.includes('failing'))
  assert.ok((await newsroom.deskPage(`/desk/submissions/${reference}`)).includes('had it tried again'))
})

test('a failed delivery can be let be, and the banner goes', async (t) => {
  const newsroom = await openNewsroom(t)
  await newsroom.workOff()
  newsroom.mailServer.refuse.recipient = 550
  const { reference } = await newsroom.submit('story-angle', { ...storyAngle(), email: '' })
  await newsroom.workOff()
  const ledger = await newsroom.deskPage('/desk/deliveries?state=failed')
  const id = /deliveries\/([\w-]+)\/drop/.exec(ledger)?.[1]
  const answer = await newsroom.act(`/desk/deliveries/${id}/drop`, { back: reference })
  assert.equal(answer.headers.location, `/desk/submissions/${reference}#deliveries`)
  assert.ok(!(await newsroom.deskPage('/desk')).includes('failed'))
})

test('a file that could not be fetched is fetched when an editor asks for it', async (t) => {
  const newsroom = await openNewsroom(t)
  await newsroom.chat().send({ photo: photoUpdate(1, 'late').message.photo, caption: 'With a photo' })
  const [{ reference = '' } = {}] = await newsroom.all()
  const page = await newsroom.deskPage(`/desk/submissions/${reference}`)
  assert.ok(page.includes('could not be fetched'))
  newsroom.telegram.files.set('late', png())
  const id = /deliveries\/([\w-]+)\/retry/.exec(page)?.[1]
  await newsroom.act(`/desk/deliveries/${id}/retry`, {})
  await newsroom.workOff()
  const again = await newsroom.deskPage(`/desk/submissions/${reference}`)
  assert.match(again, /<img src="\/desk\/attachments\/[\w-]+\/picture" alt="photo\.jpg"/)
})

test('the ledger pages by key', async (t) => {
  const newsroom = await openNewsroom(t)
  // Each with a mailbox of its own, for one gets three receipts a day.
  for (let i = 0; i < 55; i++)
    await newsroom.submit('story-angle', { ...storyAngle(), email: `sender${i}@contributor.test` })
  const first = await newsroom.deskPage('/desk/deliveries')
  const next = /href="([^"]+)" rel="next"/.exec(first)?.[1]?.replaceAll('&amp;', '&') ?? ''
  const second = await newsroom.deskPage(next)
  const count = (page: string) => page.match(/class="state pending"/g)?.length ?? 0
  // 55 receipts and the sign-in mail of the first start.
  assert.equal(count(first) + count(second), 56)
})
