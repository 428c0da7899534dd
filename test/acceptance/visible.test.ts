import assert from 'node:assert/strict'
import { test } from 'node:test'
import { inboundMail } from '../support/mail.ts'
import { openNewsroom } from '../support/newsroom.ts'
import { guestPost, storyAngle } from '../support/submissions.ts'

const nothing = '\u200b\u3164\u2800\u00ad'

test('a title that shows nothing is asked for again by the form and the API', async (t) => {
  const newsroom = await openNewsroom(t)
  const fields = { ...guestPost(), title: nothing, byline: nothing, standfirst: nothing }
  const refused = await newsroom.post('guest-post', fields)
  assert.equal(refused.status, 422)
  assert.deepEqual(Object.keys(refused.body.error.fields).toSorted(), ['byline', 'title'])
  const { body: made } = await newsroom
    .act('/desk/api-tokens', { name: 'Bridge', hourlyLimit: '0', hookUrl: '' })
    .then(({ text }) => ({ body: /id="new-token">([^<]+)/.exec(text)?.[1] ?? '' }))
  const byApi = await newsroom
    .http()
    .post('/api/v1/submissions')
    .set('authorization', `Bearer ${made}`)
    .send({ ...storyAngle(), kind: 'story-angle', title: nothing })
  assert.equal(byApi.status, 422, byApi.text)
  assert.ok(byApi.body.error.fields.title)
  assert.equal(await newsroom.submissionCount(), 0)
})

test('a subject that shows nothing is none: the first words stand in its place', async (t) => {
  const newsroom = await openNewsroom(t, inboundMail)
  await newsroom.receiveMail({
    to: 'stories@newsroom.test',
    subject: nothing,
    text: 'The ferryman has rowed for fifty years.',
  })
  const [row] = await newsroom.all()
  assert.equal(row?.summary.title, 'The ferryman has rowed for fifty years.')
  const page = await newsroom.deskPage(`/desk/submissions/${row?.reference}`)
  assert.ok(page.includes(`<h1>${row?.reference}</h1>`))
})

test('a subject that is too long for a title says so, and stands whole beside the text', async (t) => {
  const newsroom = await openNewsroom(t, inboundMail)
  const subject = `The ferryman ${'who rowed and rowed '.repeat(12)}and the last word`
  await newsroom.receiveMail({ to: 'stories@newsroom.test', subject, text: 'He has rowed for fifty years.' })
  const [row] = await newsroom.all()
  assert.match(row?.summary.title ?? '', /^The ferryman who .{100,}…$/)
  const page = await newsroom.deskPage(`/desk/submissions/${row?.reference}`)
  assert.ok(page.includes(`In full</dt><dd class="words">Title: ${subject}</dd>`))
})
