import { createHash, generateKeyPairSync, type KeyObject, randomBytes, sign } from 'node:crypto'
import { hashToken } from '../../src/accounts/session-token.ts'
import { passkeyWrap } from '../../src/accounts/webauthn.ts'
import type { Identity } from '../../src/encryption/types.ts'
import type { Newsroom } from './newsroom.ts'

/** A passkey in software: it signs as an authenticator does, https://www.w3.org/TR/webauthn-3/#sctn-op-get-assertion */
export type TestPasskey = {
  id: string
  /** What it makes of the salt: base64 of 32 bytes. */
  prf: string
  /** Its answer to what a page asks it to sign. */
  answer(page: string): string
}

const site = { origin: 'http://localhost:3000', id: 'localhost' }

/** Gives an editor a passkey, which opens for them what is sealed if an identity is kept under it. */
export async function givePasskey(newsroom: Newsroom, email: string, opens: boolean): Promise<TestPasskey> {
  const { storage, keyRing } = newsroom.application
  const editor = await storage.editors.byEmail(email)
  const editorId = editor?.id ?? ''
  const { publicKey, privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' })
  const id = randomBytes(16).toString('base64url')
  const secret = randomBytes(32)
  const passkey = {
    id,
    editorId,
    publicKey: coseKey(publicKey).toString('base64url'),
    counter: 0,
    name: 'In software',
    host: site.id,
    createdAt: newsroom.now(),
  }
  await keyRing.together(({ accounts }) => accounts.addPasskey(passkey))
  if (opens) {
    const token = (await newsroom.signInLink(email)).split('/').at(-1) ?? ''
    const identity = await keyRing.unwrap(hashToken(token), token)
    await keyRing.together((step) => step.wrapUnder('passkey', secret, passkeyWrap(id), identity as Identity))
  }
  return { id, prf: secret.toString('base64'), answer: (page) => answerTo(page, id, privateKey) }
}

function answerTo(page: string, id: string, key: KeyObject): string {
  const options = /data-options="([^"]+)"/.exec(page)?.[1]?.replaceAll('&quot;', '"') ?? '{}'
  const { challenge } = JSON.parse(options) as { challenge: string }
  const client = Buffer.from(JSON.stringify({ type: 'webauthn.get', challenge, origin: site.origin }))
  const presentAndVerified = 5
  const data = Buffer.concat([sha256(site.id), Buffer.from([presentAndVerified, 0, 0, 0, 0])])
  const signature = sign('sha256', Buffer.concat([data, sha256(client)]), key)
  return JSON.stringify({
    id,
    rawId: id,
    type: 'public-key',
    clientExtensionResults: {},
    response: {
      clientDataJSON: client.toString('base64url'),
      authenticatorData: data.toString('base64url'),
      signature: signature.toString('base64url'),
    },
  })
}

/** An ES256 key as COSE writes it (RFC 9053, 7.1.1). */
function coseKey(key: KeyObject): Buffer {
  const { x = '', y = '' } = key.export({ format: 'jwk' })
  const [left, right] = [x, y].map((one) => Buffer.from(one, 'base64url')) as [Buffer, Buffer]
  return Buffer.concat([
    Buffer.from('a5010203262001215820', 'hex'),
    left,
    Buffer.from('225820', 'hex'),
    right,
  ])
}

function sha256(bytes: string | Buffer): Buffer {
  return createHash('sha256').update(bytes).digest()
}
