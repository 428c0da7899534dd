import { createSecretKey, hkdfSync, type KeyObject, randomBytes } from 'node:crypto'
import { access, link, mkdir, readFile, rm, writeFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { z } from 'zod'
import { syncFolder } from './files.ts'

const Kept = z.object({ key: z.base64().length(44), telegramWebhookSecret: z.string().min(1) })

export type Secrets = {
  telegramWebhookSecret: string
  /** True if they were made just now: the webhook's secret is shown this once. */
  isNew: boolean
  /** A key for one purpose only, derived from the one that is kept. */
  keyFor(
    purpose: 'receipt' | 'nonce' | 'reply' | 'sender' | 'account' | 'totp' | 'chat' | 'one-time' | 'webhook',
  ): KeyObject
}

/** Reads the secrets of this newsroom, which are made at the first start and never leave `DATA_DIR`. */
export async function readSecrets(dataDir: string): Promise<Secrets> {
  const path = join(dataDir, 'secrets.json')
  const isNew = await makeIfMissing(path)
  const { key, telegramWebhookSecret } = Kept.parse(JSON.parse(await readFile(path, 'utf8')))
  const master = Buffer.from(key, 'base64')
  const keyFor = (purpose: string) =>
    createSecretKey(Buffer.from(hkdfSync('sha256', master, '', purpose, 32)))
  return { telegramWebhookSecret, isNew, keyFor }
}

/** Whole or not at all: written under another name first, and linked to its own only when it is on the disk. */
async function makeIfMissing(path: string): Promise<boolean> {
  if (await isThere(path)) return false
  const folder = dirname(path)
  await mkdir(folder, { recursive: true, mode: 0o700 })
  const draft = `${path}.${randomBytes(6).toString('hex')}`
  await writeFile(draft, `${JSON.stringify(newSecrets(), null, 2)}\n`, { mode: 0o600, flush: true })
  try {
    await link(draft, path)
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'EEXIST') return false
    throw error
  } finally {
    await rm(draft)
  }
  await syncFolder(folder)
  return true
}

function newSecrets(): z.infer<typeof Kept> {
  return {
    key: randomBytes(32).toString('base64'),
    telegramWebhookSecret: randomBytes(24).toString('base64url'),
  }
}

async function isThere(path: string): Promise<boolean> {
  return access(path).then(
    () => true,
    () => false,
  )
}
