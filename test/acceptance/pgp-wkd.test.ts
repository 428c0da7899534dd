import assert from 'node:assert/strict'
import type { ServerResponse } from 'node:http'
import { type TestContext, test } from 'node:test'
import { isPublic } from '../../src/core/public-fetch.ts'
import { type Gpg, openGpg, withGpg } from '../support/gpg.ts'
import { editorAddress, type Newsroom, openNewsroom } from '../support/newsroom.ts'
import { openKeyDirectory } from '../support/wkd.ts'

const curve25519 = ['ed25519', 'cv25519'] as const
/** The SHA-1 of `editor`, as the draft writes it. */
const hashed = 'ipy3jgbfcbs4n6q5x1r75ushafu5c1n8'

async function withDirectory(t: TestContext) {
  const directory = await openKeyDirectory(t)
  const newsroom = await openNewsroom(t, {}, directory.internet)
  const cookie = await newsroom.signIn()
  const lookUp = () => newsroom.act('/desk/account/pgp/look-up', {}, cookie)
  return { directory, newsroom, lookUp, gpg: openGpg(t) }
}

function binary(gpg: Gpg, ...names: string[]): Buffer {
  return gpg.run(['--export', ...names])
}

async function keptKey({ application }: Newsroom) {
  const editor = await application.storage.editors.byEmail(editorAddress)
  return application.storage.pgpKeys.of(editor?.id ?? '')
}

test(
  'a key is looked up at the editor’s own domain, when they ask for it and not before',
  withGpg,
  async (t) => {
    const { directory, newsroom, lookUp, gpg } = await withDirectory(t)
    gpg.makeKey(editorAddress, curve25519)
    directory.key = binary(gpg)
    assert.match(
      await newsroom.deskPage('/desk/account/pgp'),
      /the server of <strong>newsroom\.test<\/strong> sees/,
    )
    assert.deepEqual(directory.asked, [])
    assert.equal((await lookUp()).headers.location, '/desk/account/pgp?saved=found')
    assert.deepEqual(directory.asked, [
      `openpgpkey.newsroom.test/.well-known/openpgpkey/newsroom.test/hu/${hashed}?l=editor`,
    ])
    const page = await newsroom.deskPage('/desk/account/pgp')
    assert.ok(page.replaceAll(' ', '').includes(gpg.fingerprint(editorAddress)))
    assert.match(page, /<dd>Curve25519<\/dd>/)
    assert.match(page, /Found at your domain/)
    // What goes out from then on opens with it.
    gpg.import(
      (
        await newsroom
          .http()
          .get('/desk/newsroom-key.asc')
          .set('cookie', await newsroom.signIn())
          .responseType('blob')
      ).body,
    )
    newsroom.mailServer.mails.length = 0
    await newsroom.submit('story-angle')
    await newsroom.workOff()
    const { signedBy } = await gpg.open(newsroom.mailsTo(editorAddress)[0]?.raw ?? '')
    assert.equal(signedBy, gpg.fingerprint('barua@newsroom.test'))
  },
)

test('a domain without a host for keys is asked itself', withGpg, async (t) => {
  const { directory, newsroom, lookUp, gpg } = await withDirectory(t)
  gpg.makeKey(editorAddress, curve25519)
  directory.key = binary(gpg)
  directory.hosts = ['newsroom.test']
  assert.equal((await lookUp()).status, 303)
  assert.deepEqual(directory.asked, [`newsroom.test/.well-known/openpgpkey/hu/${hashed}?l=editor`])
  assert.equal((await keptKey(newsroom))?.fingerprint, gpg.fingerprint(editorAddress))
})

test(
  'of what is published only names of that address count, and the first key that is good',
  withGpg,
  async (t) => {
    const { directory, newsroom, lookUp, gpg } = await withDirectory(t)
    gpg.makeKey(`Old <${editorAddress}>`, curve25519, 'seconds=1')
    gpg.makeKey('Somebody <somebody@else.test>', curve25519)
    gpg.makeKey(`Otto <${editorAddress.toUpperCase()}>`, curve25519)
    gpg.run(['--quick-add-uid', 'Otto', 'Somebody else <boss@newsroom.test>'])
    newsroom.passTime(2000)
    directory.key = binary(gpg)
    assert.equal((await lookUp()).status, 303)
    const kept = await keptKey(newsroom)
    assert.equal(kept?.fingerprint, gpg.fingerprint('Otto'))
    assert.deepEqual(kept?.names, [`Otto <${editorAddress.toUpperCase()}>`])
  },
)

test('what the domain does otherwise is said in plain words, and nothing is kept', withGpg, async (t) => {
  const { directory, newsroom, lookUp, gpg } = await withDirectory(t)
  gpg.makeKey('somebody@else.test', curve25519)
  gpg.makeKey(editorAddress, curve25519)
  const own = binary(gpg, editorAddress)
  gpg.makeKey(`signs <${editorAddress}>`, ['ed25519'])
  const errors: Record<string, [Partial<typeof directory>, RegExp]> = {
    nothing: [{}, /publishes no key for your address/],
    garbage: [{ key: Buffer.from('Hello, I am a web page.') }, /no PGP key that can be read/],
    'another one’s key': [{ key: binary(gpg, 'somebody@else.test') }, /no key for your address/],
    'a private key': [{ key: gpg.run(['--export-secret-keys', editorAddress]) }, /no key for your address/],
    'a key that can only sign': [{ key: binary(gpg, 'signs') }, /no part for that/],
    'too much': [{ key: Buffer.alloc(300_000) }, /too large for a key/],
    'no end': [{ answer: (res) => pourInto(res) }, /too large/],
    'a redirect': [
      { answer: (res) => res.writeHead(302, { location: 'https://newsroom.test/elsewhere' }).end() },
      /did not give a key/,
    ],
    'an error': [{ answer: (res) => res.writeHead(500).end() }, /did not give a key/],
    'half an answer': [
      {
        answer: (res) => {
          res.writeHead(200, { 'content-length': '1000' }).write('half')
          setTimeout(() => res.destroy(), 20)
        },
      },
      /cannot be reached/,
    ],
    'no answer': [{ answer: (res) => res.destroy() }, /cannot be reached/],
    'no such domain': [{ hosts: [] }, /is not known/],
  }
  const usual = { key: undefined, answer: undefined, hosts: directory.hosts }
  for (const [what, [errorCode, words]] of Object.entries(errors)) {
    Object.assign(directory, usual, errorCode)
    const { status, text } = await lookUp()
    assert.equal(status, 422, what)
    assert.match(text, words, what)
    assert.equal(await keptKey(newsroom), undefined, what)
  }
  assert.ok(
    directory.asked.every((one) => !one.includes('elsewhere')),
    'no redirect is followed',
  )
  // A server that cannot prove that it is the domain's is not believed.
  Object.assign(directory, usual, { key: own })
  const { ca, ...untrusted } = directory.internet
  Object.assign(directory.internet, { ...untrusted, ca: undefined })
  assert.match((await lookUp()).text, /cannot be reached by https/)
  directory.internet.ca = ca as string
  assert.equal((await lookUp()).status, 303)
})

test('a domain that leads into our own network is not asked', withGpg, async (t) => {
  const { directory, newsroom, lookUp } = await withDirectory(t)
  directory.internet.isAllowed = isPublic
  const { status, text } = await lookUp()
  assert.equal(status, 422)
  assert.match(text, /not on the public net, so it has not been asked/)
  assert.deepEqual(directory.asked, [])
  assert.equal(await keptKey(newsroom), undefined)
})

test('a key that its owner revoked is found revoked, and not used any more', withGpg, async (t) => {
  const { directory, newsroom, lookUp, gpg } = await withDirectory(t)
  const key = gpg.makeKey(editorAddress, curve25519)
  await newsroom.act('/desk/account/pgp', { key })
  gpg.revoked(editorAddress)
  directory.key = binary(gpg)
  assert.equal((await lookUp()).status, 303)
  assert.match(await newsroom.deskPage('/desk'), /Your PGP key<\/strong> has been revoked/)
})

function pourInto(res: ServerResponse): void {
  const pouring = setInterval(() => res.write(Buffer.alloc(65_536)), 1)
  res.on('close', () => clearInterval(pouring))
}
