import assert from 'node:assert/strict'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { type TestContext, test } from 'node:test'
import { Validator } from '@seriousme/openapi-schema-validator'
import { Webhook } from 'standardwebhooks'
import { hashToken, newToken } from '../../src/accounts/api-token.ts'
import { runCommand } from '../../src/cli/commands.ts'
import { readConfig } from '../../src/config.ts'
import { kinds } from '../../src/db/values.ts'
import { fieldsOf, type Newsroom, openNewsroom } from '../support/newsroom.ts'
import { guestPost, png, tip } from '../support/submissions.ts'

const body = { kind: 'news-tip', body: 'Two trucks leave the depot every Friday night.', sender: 'wa:17' }

async function bridge(newsroom: Newsroom, more: { hourlyLimit?: number; hookUrl?: string } = {}) {
  const token = newToken()
  const { hourlyLimit = 0, hookUrl = null } = more
  const name = `bridge ${Math.random()}`
  const { apiTokens } = newsroom.application.storage
  const made = await apiTokens.add(
    { name, hourlyLimit, hookUrl, tokenHash: hashToken(token) },
    newsroom.now(),
  )
  const send = (given: object, key?: string, path = '/api/v1/submissions') => {
    const request = newsroom.http().post(path).set('authorization', `Bearer ${token}`)
    if (key !== undefined) request.set('idempotency-key', key)
    return request.send(given)
  }
  const read = (reference: string, receipt: string) =>
    newsroom
      .http()
      .get(`/api/v1/submissions/${reference}`)
      .set('authorization', `Bearer ${token}`)
      .set('barua-receipt', receipt)
  return { name, token, made, send, read }
}

test('a piece comes in by the API, and state and answers are read with its receipt', async (t) => {
  const newsroom = await openNewsroom(t)
  const { send, read } = await bridge(newsroom)
  const { body: received } = await send(body, 'message-1').expect(201)
  assert.match(received.reference, /^[\dA-Z]{4}-[\dA-Z]{4}$/)
  assert.equal(received.statusUrl, 'http://localhost:3000/status')
  const { reference, receipt } = received
  await newsroom.act(`/desk/submissions/${reference}/answer`, {
    body: 'Which depot?',
    ...(await newsroom.seen(reference)),
  })
  newsroom.passTime(11_000)
  const again = `/api/v1/submissions/${reference}/messages`
  await send({ body: 'The one by the river.' }, 'message-2', again).set('barua-receipt', receipt).expect(201)
  await send({ body: 'The one by the river.' }, 'message-2', again).set('barua-receipt', receipt).expect(200)
  await send({ body: 'Another one.' }, 'message-2', again).set('barua-receipt', receipt).expect(409)
  const { body: told } = await read(reference, receipt).expect(200)
  assert.equal(told.state, 'waiting')
  assert.deepEqual(
    told.messages.map((message: { author: string; body: string }) => [message.author, message.body]),
    [
      ['sender', body.body],
      ['editor', 'Which depot?'],
      ['sender', 'The one by the river.'],
    ],
  )
  await read(reference, 'AAAA-AAAA-AAAA-AAAA-AAAA-AAAA').expect(404)
  await read('AAAA-AAAA', receipt).expect(404)
  const [submission] = await newsroom.all()
  assert.equal(submission?.channel, 'api')
})

test('the same key and body is the same answer, also at the same moment; another body is refused', async (t) => {
  const newsroom = await openNewsroom(t)
  const { send } = await bridge(newsroom)
  const answers = await Promise.all(Array.from({ length: 10 }, () => send(body, 'k')))
  assert.equal(new Set(answers.map(({ text }) => text)).size, 1)
  assert.deepEqual(answers.map(({ status }) => status).toSorted(), [...Array(9).fill(200), 201])
  const refused = await send(
    { ...body, body: 'Three trucks leave the depot every Friday night.' },
    'k',
  ).expect(409)
  assert.equal(refused.body.error.code, 'conflict')
  await send(body, 'another key').expect(201)
  await send(body).expect(201)
  assert.equal(await newsroom.submissionCount(), 3)
  const other = await bridge(newsroom)
  await other.send(body, 'k').expect(201)
  await newsroom.restart()
  assert.equal((await send(body, 'k').expect(200)).text, answers[0]?.text)
})

test('a refused repeat with a file leaves no file', async (t) => {
  const newsroom = await openNewsroom(t)
  const { send } = await bridge(newsroom)
  const files = [{ name: 'gate.png', content: png().toString('base64') }]
  await send({ ...body, files }, 'k').expect(201)
  await send({ ...body, files }, 'k').expect(200)
  await send({ ...body, files: [{ ...files[0], name: 'other.png' }] }, 'k').expect(409)
  assert.equal((await newsroom.storedFiles()).length, 1)
})

test('every kind is taken as its form is', async (t) => {
  const newsroom = await openNewsroom(t)
  const { send } = await bridge(newsroom)
  for (const kind of kinds) {
    const { links, ...fields } = fieldsOf(kind) as { links?: string }
    await send({ kind, ...fields, ...(links && { links: links.split('\n') }) }).expect(201)
  }
  const { links: _, consent: __, ...post } = guestPost()
  const failing = await send({ kind: 'guest-post', ...post, title: 'x' }).expect(422)
  assert.deepEqual(Object.keys(failing.body.error.fields).toSorted(), ['consent', 'title'])
  await send({ kind: 'guest-post', ...post, consent: true }).expect(201)
  await send({ kind: 'poem', body: 'x' }).expect(422)
})

test('files come as base64 or multipart, within the limits', async (t) => {
  const newsroom = await openNewsroom(t, { MAX_FILE_BYTES: '5000', MAX_SUBMISSION_BYTES: '8000' })
  const { send, token, read } = await bridge(newsroom)
  const file = (name: string, content: Buffer) => ({ name, content: content.toString('base64') })
  const { body: received } = await send({
    ...body,
    files: [{ ...file('../a.png', png()), caption: 'The gate' }],
  }).expect(201)
  const { body: told } = await read(received.reference, received.receipt)
  assert.deepEqual(told.messages[0].files[0], {
    name: 'a.png',
    state: 'kept',
    size: png().length,
    type: 'image/png',
  })
  await send({ ...body, files: [file('big.txt', Buffer.alloc(6000, 'a'))] }).expect(413)
  await send({
    ...body,
    files: [file('a.txt', Buffer.alloc(4500, 'a')), file('b.txt', Buffer.alloc(4500, 'b'))],
  }).expect(413)
  await send({
    ...body,
    files: [file('run', Buffer.from('\x7fELF\x02\x01\x01\0\0\0\0\0\0\0\0\0\x02\0\x3e\0'))],
  }).expect(415)
  await send({ ...body, files: [{ name: 'x', content: '%%%' }] }).expect(422)
  await send({ ...body, files: Array(11).fill(file('a.txt', Buffer.from('a'))) }).expect(422)
  const multipart = () =>
    newsroom
      .http()
      .post('/api/v1/submissions')
      .set('authorization', `Bearer ${token}`)
      .set('idempotency-key', 'm')
  const form = () =>
    multipart()
      .field('kind', 'news-tip')
      .field('body', body.body)
      .field('links', 'https://a.example\nhttps://b.example')
  const first = await form().attach('files', png(), 'gate.png').expect(201)
  const second = await form().attach('files', png(), 'gate.png').expect(200)
  assert.equal(first.text, second.text)
  await form().attach('files', Buffer.alloc(6000, 'a'), 'big.txt').expect(413)
  assert.equal((await newsroom.storedFiles()).length, 2)
})

test('without a good token nothing is taken in; a revoked one is none', async (t) => {
  const newsroom = await openNewsroom(t)
  const { send, token, name } = await bridge(newsroom)
  for (const authorization of ['', 'Bearer', 'Bearer wrong', `Basic ${token}`, `Bearer ${token}x`]) {
    const refused = await newsroom
      .http()
      .post('/api/v1/submissions')
      .set('authorization', authorization)
      .send(body)
    assert.equal(refused.status, 401, authorization)
    assert.equal(refused.body.error.code, 'unauthorized')
  }
  await newsroom.http().get('/metrics').set('authorization', 'Bearer wrong').expect(401)
  const metrics = await newsroom.http().get('/metrics').set('authorization', `Bearer ${token}`).expect(200)
  assert.match(metrics.text, /barua_submissions_total/)
  await newsroom.application.storage.apiTokens.revoke(name, newsroom.now())
  await send(body).expect(401)
  assert.equal(await newsroom.submissionCount(), 0)
  assert.ok(!(await newsroom.databaseText()).includes(token))
})

test('a token sends no more in an hour than it may', async (t) => {
  const newsroom = await openNewsroom(t)
  const { send } = await bridge(newsroom, { hourlyLimit: 3 })
  for (const key of ['1', '2', '3']) await send(body, key).expect(201)
  const refused = await send(body, '4').expect(429)
  assert.ok(Number(refused.headers['retry-after']) > 0)
  await (await bridge(newsroom)).send(body).expect(201)
})

test('what is no JSON object, too large or from another type is refused as JSON', async (t) => {
  const newsroom = await openNewsroom(t)
  const { token } = await bridge(newsroom)
  const post = (type: string, raw: string) =>
    newsroom
      .http()
      .post('/api/v1/submissions')
      .set('authorization', `Bearer ${token}`)
      .set('content-type', type)
      .send(raw)
  assert.equal((await post('application/json', '{"kind":')).status, 422)
  assert.equal((await post('application/json', '[]')).status, 415)
  assert.equal((await post('text/plain', 'x')).status, 415)
  assert.equal((await post('application/json', `{"x":"${'y'.repeat(17 * 1024 * 1024)}"}`)).status, 413)
  const { body: refused } = await post('application/json', '{}')
  assert.equal(refused.error.code, 'invalid')
})

async function receiver(t: TestContext) {
  const got: { headers: Record<string, string>; body: string }[] = []
  const state = { got, status: 200, url: '' }
  const server = createServer(async (req, res) => {
    let text = ''
    for await (const chunk of req) text += chunk
    got.push({ headers: req.headers as Record<string, string>, body: text })
    res.writeHead(state.status, state.status === 302 ? { location: 'http://127.0.0.1:1/' } : {}).end()
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', () => resolve()))
  t.after(() => server.close())
  state.url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/answers`
  return state
}

test('an answer is posted to the bot, signed as Standard Webhooks says, until it is taken', async (t) => {
  const hook = await receiver(t)
  const newsroom = await openNewsroom(t, { WEBHOOK_HOSTS: '127.0.0.1' })
  const { send, made } = await bridge(newsroom, { hookUrl: hook.url })
  const { body: received } = await send(body, 'message-1').expect(201)
  hook.status = 503
  await newsroom.act(`/desk/submissions/${received.reference}/answer`, {
    body: 'Which depot?',
    ...(await newsroom.seen(received.reference)),
  })
  await newsroom.pause(11_000)
  hook.status = 200
  await newsroom.pause(60_000)
  assert.equal(hook.got.length, 2)
  const [first, second] = hook.got
  assert.equal(first?.headers['webhook-id'], second?.headers['webhook-id'])
  const verifier = new Webhook(newsroom.application.hookSecretOf(made))
  // The library’s own clock is the real one: of the newsroom’s only the difference has passed.
  t.mock.timers.enable({ apis: ['Date'], now: newsroom.now() })
  const told = verifier.verify(second?.body ?? '', second?.headers ?? {}) as Record<string, unknown>
  t.mock.timers.reset()
  const { data } = told as { data: { reference: string; sender: string; message: { body: string } } }
  assert.equal(data.reference, received.reference)
  assert.equal(data.sender, 'wa:17')
  assert.equal(data.message.body, 'Which depot?')
  const page = await newsroom.deskPage(`/desk/submissions/${received.reference}`)
  assert.match(page, /By the bot that sent it: sent/)
})

test('answers go to the configured hosts only, and follow no redirect', async (t) => {
  const hook = await receiver(t)
  const newsroom = await openNewsroom(t, { WEBHOOK_HOSTS: '127.0.0.1' })
  const { send } = await bridge(newsroom, { hookUrl: hook.url })
  const { body: received } = await send(body).expect(201)
  const answer = async () => {
    await newsroom.act(`/desk/submissions/${received.reference}/answer`, {
      body: 'Which depot?',
      ...(await newsroom.seen(received.reference)),
    })
    await newsroom.pause(11_000)
  }
  hook.status = 302
  await answer()
  assert.match(await newsroom.deskPage(`/desk/submissions/${received.reference}`), /webhook-unreachable/)
  const before = hook.got.length
  await newsroom.restart({ WEBHOOK_HOSTS: 'bridge.example' })
  await answer()
  await newsroom.pause(60_000)
  assert.equal(hook.got.length, before)
  assert.match(await newsroom.deskPage(`/desk/submissions/${received.reference}`), /webhook-host-not-allowed/)
})

test('the description is sound OpenAPI 3.1, and says what is really taken', async (t) => {
  const newsroom = await openNewsroom(t)
  const { body: described } = await newsroom.http().get('/api/v1/openapi.json').expect(200)
  assert.match(described.openapi, /^3\.1\./)
  const checked = await new Validator().validate(structuredClone(described))
  assert.deepEqual(checked.errors ?? [], [])
  assert.equal(checked.valid, true)
  const { schemas } = described.components
  assert.deepEqual(schemas.GuestPost.required.toSorted(), [
    'body',
    'byline',
    'consent',
    'email',
    'kind',
    'title',
  ])
  assert.equal(schemas.NewsTip.properties.body.minLength, 20)
  const names = new Set(Object.keys(schemas))
  for (const [, name = ''] of JSON.stringify(described).matchAll(/#\/components\/schemas\/(\w+)/g))
    assert.ok(names.has(name), name)
  const page = await newsroom.http().get('/api/v1').expect(200)
  for (const name of names) assert.ok(page.text.includes(`id="${name}"`), name)
  assert.ok(!/(?:src|href)="https?:/.test(page.text))
})

test('tokens are made, listed and revoked in the shell and at the desk', async (t) => {
  const newsroom = await openNewsroom(t, { WEBHOOK_HOSTS: 'bridge.example' })
  const shell = async (...args: string[]) => {
    const lines: string[] = []
    const code = await runCommand(
      args,
      readConfig(newsroom.settings),
      (line) => lines.push(line),
      AbortSignal.timeout(60_000),
    )
    return { code, lines }
  }
  const post = (token = '') =>
    newsroom.http().post('/api/v1/submissions').set('authorization', `Bearer ${token}`).send(body)
  const added = await shell('token', 'add', 'Signal bridge', '--limit', '5')
  await post(added.lines.at(-1)).expect(201)
  assert.equal((await shell('token', 'add', 'Signal bridge')).code, 1)
  assert.equal((await shell('token', 'add', 'x', '--webhook', 'https://evil.example/')).code, 1)
  assert.equal((await shell('token', 'add', 'y', '--webhook', 'https://bridge.example/in')).code, 0)
  assert.match((await shell('token', 'list')).lines.join('\n'), /Signal bridge, 5 an hour, last used 20/)
  assert.equal((await shell('token', 'revoke', 'Signal bridge')).code, 0)
  assert.equal((await shell('token', 'revoke', 'Signal bridge')).code, 1)
  await post(added.lines.at(-1)).expect(401)
  const made = await newsroom.act('/desk/api-tokens', {
    name: 'Form',
    hourlyLimit: '10',
    hookUrl: 'https://bridge.example/in',
  })
  const token = /id="new-token">(barua_[\w-]+)</.exec(made.text)?.[1]
  assert.match(made.text, /id="new-secret">whsec_/)
  await post(token).expect(201)
  assert.ok(!(await newsroom.deskPage('/desk/api-tokens')).includes(token ?? ''))
  assert.equal((await newsroom.act('/desk/api-tokens', { name: 'Form', hourlyLimit: '10' })).status, 409)
  assert.equal((await newsroom.act('/desk/api-tokens', { name: '', hourlyLimit: '-1' })).status, 422)
  await newsroom.act('/desk/api-tokens/revoke', { name: 'Form' })
  await post(token).expect(401)
})

test('an API piece of a confidential kind is in no mail', async (t) => {
  const newsroom = await openNewsroom(t)
  const { send } = await bridge(newsroom)
  await send({ kind: 'expose', ...tip(), body: 'What nobody may read in a mail.' }).expect(201)
  await newsroom.workOff()
  assert.ok(newsroom.mailServer.mails.length > 0)
  assert.ok(!newsroom.mailServer.mails.some((mail) => mail.raw.includes('nobody may read')))
})
