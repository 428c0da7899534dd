import { createPrivateKey, createPublicKey, generateKeyPair } from 'node:crypto'
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { makeOnce } from '../core/made-once.ts'

const name = 'dkim.pem'

/** The private key that outgoing mail is signed with, as PEM; undefined until one is made. */
export async function readDkimKey(dataDir: string): Promise<string | undefined> {
  try {
    return await readFile(join(dataDir, name), 'utf8')
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined
    throw error
  }
}

/** The key, made if there is none yet: RSA of 2048 bits, which every receiver checks (RFC 8301). */
export async function makeDkimKey(dataDir: string): Promise<string> {
  const path = join(dataDir, name)
  await makeOnce(path, newKey)
  return readFile(path, 'utf8')
}

async function newKey(): Promise<string> {
  const { privateKey } = await promisify(generateKeyPair)('rsa', { modulusLength: 2048 })
  return privateKey.export({ type: 'pkcs8', format: 'pem' }).toString()
}

/** The public half, as DNS holds it (RFC 6376, 3.6.1). */
export function dkimRecord(privateKey: string): string {
  const publicKey = createPublicKey(createPrivateKey(privateKey))
  return `v=DKIM1; k=rsa; p=${publicKey.export({ type: 'spki', format: 'der' }).toString('base64')}`
}
