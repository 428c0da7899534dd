import { Readable } from 'node:stream'
import type { NodeWebStream } from 'openpgp'
import type { Protection } from './key.ts'

type EncryptContext = {
  /** The public key kept for this address; undefined where there is none. */
  keyFor: (address: string) => Promise<string | undefined>
  /** What we sign with. */
  newsroomKey: () => Promise<string>
  now: () => number
}

/** Says how mail to an address leaves: signed and encrypted where a key is kept for it, and never as it is then. */
export function protecting(app: EncryptContext) {
  return async (address: string): Promise<Protection> => {
    const armoredKey = await app.keyFor(address)
    if (armoredKey === undefined) return { way: 'as-it-is' }
    if (!(await isUsable(armoredKey, app.now()))) return { way: 'contentless' }
    return {
      way: 'encrypted',
      encrypt: async (mail) => encrypt(mail, armoredKey, await app.newsroomKey(), app.now()),
    }
  }
}

async function isUsable(armoredKey: string, now: number): Promise<boolean> {
  const { readKey } = await import('openpgp')
  return readKey({ armoredKey })
    .then((key) => key.getEncryptionKey(undefined, new Date(now)))
    .then(
      () => true,
      () => false,
    )
}

/** Streams, so that a mail with large files takes no more memory than a small one. */
async function encrypt(
  mail: AsyncIterable<Uint8Array>,
  armoredKey: string,
  signingKey: string,
  now: number,
): Promise<AsyncIterable<string>> {
  const { createMessage, encrypt, readKey, readPrivateKey } = await import('openpgp')
  const date = new Date(now)
  const armored = await encrypt({
    message: await createMessage({
      binary: Readable.toWeb(Readable.from(mail)) as NodeWebStream<Uint8Array>,
      date,
    }),
    encryptionKeys: await readKey({ armoredKey }),
    signingKeys: await readPrivateKey({ armoredKey: signingKey }),
    date,
  })
  return Readable.fromWeb(armored)
}
