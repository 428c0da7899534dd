import assert from 'node:assert/strict'
import { once } from 'node:events'
import { createServer, type IncomingMessage } from 'node:http'
import { type AddressInfo, connect } from 'node:net'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { type TestContext, test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import type { DeskRoute } from '../../src/desk/http/routes.ts'
import { removeEditor } from '../support/accounts.ts'
import { editorAddress, type Newsroom, openNewsroom } from '../support/newsroom.ts'
import { routesOf } from '../support/routes.ts'
import { png, storyAngle } from '../support/submissions.ts'

const plain = 'plain@newsroom.test'
const removed = 'removed@newsroom.test'

async function desk(t: TestContext) {
  const newsroom = await openNewsroom(t, { EDITORS: `${editorAddress},${plain},${removed}` })
  const { reference } = await newsroom.submit('story-angle', storyAngle(), [
    { name: 'a.png', content: png() },
  ])
  await newsroom.workOff()
  const { id } = await newsroom.submission(reference)
  const [message] = await newsroom.application.storage.submissions.conversation(id, newsroom.keys)
  const cookies = {
    'signed out': '',
    editor: await newsroom.signIn(plain),
    'removed editor': await newsroom.signIn(removed),
    admin: await newsroom.signIn(),
  }
  await removeEditor(newsroom.application.storage, removed)
  const values: Record<string, string> = {
    reference,
    id: message?.attachments[0]?.id ?? '',
    name: 'accepted',
    decision: 'accepted',
    link: 'no-such-link',
  }
  const pathOf = (route: DeskRoute) =>
    route.path.replace(/:(\w+)/g, (_, name: string) => values[name] ?? assert.fail(`what is ${name}?`))
  return { newsroom, cookies, pathOf }
}

function ask(newsroom: Newsroom, { method }: DeskRoute, path: string, cookie: string, from = 'same-origin') {
  const request = newsroom.http()[method](path).set('cookie', cookie).set('accept', 'text/html')
  if (method === 'get') return request
  return request.set('sec-fetch-site', from).type('form').send({})
}

/** Streams stay open: what matters is how they begin. */
async function statusOf(request: ReturnType<typeof ask>): Promise<number> {
  return new Promise((resolve, reject) => {
    request.buffer(false).parse((response, done) => {
      const stream = response as unknown as IncomingMessage
      resolve(stream.statusCode ?? 0)
      stream.destroy()
      done(null, '')
    })
    request.then((answer) => resolve(answer.status), reject)
  })
}

test('every route of the desk is declared, and every declared one is there', async (t) => {
  const newsroom = await openNewsroom(t)
  const real = routesOf(newsroom.application)
  const declared = newsroom.application.deskRoutes.map(({ method, path }) => `${method} ${path}`)
  const atDesk = real.filter((route) => /^\w+ \/(desk|metrics)/.test(route))
  assert.deepEqual(atDesk.toSorted(), declared.toSorted())
  assert.equal(new Set(declared).size, declared.length)
  // What is not the desk's is known by name, so that a new door does not slip past.
  assert.deepEqual(
    real.filter((route) => !atDesk.includes(route) && !route.includes('/assets/')).toSorted(),
    [
      'get /',
      'get /api,/api/v1',
      'get /api/v1/openapi.json',
      'get /api/v1/submissions/:reference',
      'get /api/v1/submissions/:reference/files/:file',
      'get /healthz',
      'get /readyz',
      'get /receipt',
      'get /status',
      'get /submit/:kind',
      'get /upload/:token',
      'post /api/v1/submissions',
      'post /api/v1/submissions/:reference/messages',
      'post /status',
      'post /status/file',
      'post /status/leave',
      'post /submit/:kind',
      'post /upload/:token',
      'post /webhooks/telegram',
    ],
  )
})

test('every route lets in whom it declares, and nobody else', async (t) => {
  const { newsroom, cookies, pathOf } = await desk(t)
  for (const route of newsroom.application.deskRoutes) {
    const path = pathOf(route)
    const may: Record<string, boolean> = {
      'signed out': route.access === 'anyone',
      editor: route.access !== 'admin',
      'removed editor': route.access === 'anyone',
      admin: true,
    }
    for (const [who, cookie] of Object.entries(cookies)) {
      // Signing out ends the session that the rest of the walk needs.
      if (route.path === '/desk/sign-out') continue
      const status = await statusOf(ask(newsroom, route, path, cookie))
      const said = `${who}: ${route.method} ${route.path} gave ${status}`
      assert.ok(status < 500, said)
      if (may[who]) assert.ok(![401, 403].includes(status) || route.access === 'anyone', said)
      else if (who === 'editor') assert.equal(status, 403, said)
      else if (route.method === 'post' || route.path === '/metrics') assert.equal(status, 401, said)
      else assert.equal(status, 303, said)
    }
  }
})

test('no route takes a form from another site’s page', async (t) => {
  const { newsroom, cookies, pathOf } = await desk(t)
  for (const route of newsroom.application.deskRoutes.filter(({ method }) => method === 'post')) {
    const path = pathOf(route)
    for (const from of ['cross-site', 'same-site']) {
      const { status } = await ask(newsroom, route, path, cookies.admin, from)
      assert.equal(status, 403, `${route.path} from ${from}`)
    }
    if (route.access === 'anyone') continue
    // A browser too old to say where a form comes from has to give the form's token.
    const old = newsroom.http().post(path).set('cookie', cookies.admin).set('origin', 'null').type('form')
    assert.equal((await old.send({ token: 'guessed' })).status, 403, `${route.path} without a token`)
  }
  const page = await newsroom.http().get('/desk/account').set('cookie', cookies.admin)
  const token = /name="token" value="([^"]+)"/.exec(page.text)?.[1]
  const old = newsroom.http().post('/desk/account/name').set('cookie', cookies.admin).set('origin', 'null')
  assert.equal((await old.type('form').send({ token, name: 'Anna' })).status, 303)
})

test('nothing of the desk is kept by a browser or a proxy, but small pictures by the browser alone', async (t) => {
  const { newsroom, cookies, pathOf } = await desk(t)
  for (const route of newsroom.application.deskRoutes.filter(({ method }) => method === 'get')) {
    if (route.path === '/desk/events') continue
    const { headers, status } = await ask(newsroom, route, pathOf(route), cookies.admin)
    const expected = route.path.endsWith('/picture') && status === 200 ? 'private, max-age=3600' : 'no-store'
    assert.equal(headers['cache-control'], expected, route.path)
  }
})

/** These write: into the trail, what was counted of a day that is over, a challenge for a passkey. */
const writing = ['/desk/export.csv', '/desk/export.json', '/desk/glance', '/desk/account/passkeys']

test('the pages that only show are made while something else writes', async (t) => {
  const newsroom = await openNewsroom(t)
  await newsroom.submit('story-angle', storyAngle())
  await newsroom.workOff()
  const cookie = await newsroom.signIn()
  const other = new DatabaseSync(join(newsroom.settings.DATA_DIR, 'barua.db'))
  other.exec('begin immediate')
  // Somebody of ours waits to write, and everybody who writes waits behind them.
  const submitted = newsroom.submit('story-angle', storyAngle())
  await sleep(200)
  const narrowed = ['view=all', 'view=all&tag=x', 'view=all&kind=expose', 'view=all&q=words', 'view=mine&q=a']
  const paths = newsroom.application.deskRoutes
    .filter(({ method, path }) => method === 'get' && !path.includes(':') && path !== '/desk/events')
    .filter(({ path }) => !writing.includes(path))
    .map(({ path }) => path)
    .concat(narrowed.map((query) => `/desk?${query}`))
  const waited: string[] = []
  for (const path of paths) {
    const shown = statusOf(newsroom.http().get(path).set('cookie', cookie).set('accept', 'text/html'))
    const status = await Promise.race([shown, sleep(1000)])
    if (status === undefined) waited.push(path)
    shown.catch(() => undefined)
  }
  other.close()
  await submitted
  assert.deepEqual(waited, [])
})

test('who comes is asked before a body is read: whoever is nobody is answered while it has not come yet', async (t) => {
  const newsroom = await openNewsroom(t)
  const server = createServer(newsroom.application.web).listen(0, '127.0.0.1')
  t.after(() => {
    server.closeAllConnections()
    server.close()
  })
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo
  const open = ['/submit/:kind', '/status', '/status/leave', '/status/file']
  const anyone = newsroom.application.deskRoutes.filter(({ access }) => access === 'anyone')
  const guarded = routesOf(newsroom.application)
    .filter((route) => route.startsWith('post '))
    .map((route) => route.slice('post '.length))
    .filter((path) => !open.includes(path) && !anyone.some((route) => route.path === path))
  assert.ok(guarded.length > 40)
  for (const path of [...guarded, '/desk/nowhere', '/nowhere']) {
    const socket = connect(port, '127.0.0.1')
    socket.write(
      `POST ${path.replace(/:\w+/g, 'aaaa')} HTTP/1.1\r\nHost: x\r\nContent-Type: application/x-www-form-urlencoded\r\n` +
        'Content-Length: 1000000\r\n\r\nbody=',
    )
    const [answer] = await Promise.race([once(socket, 'data'), sleep(2000, [''])])
    socket.destroy()
    assert.match(String(answer), /^HTTP\/1.1 40[14] /, path)
  }
})
