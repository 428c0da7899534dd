import { createSecretKey, hkdfSync, type KeyObject, randomBytes } from 'node:crypto'
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { z } from 'zod'
import { makeOnce } from './made-once.ts'

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
  const isNew = await makeOnce(path, () => `${JSON.stringify(newSecrets(), null, 2)}\n`)
  const { key, telegramWebhookSecret } = Kept.parse(JSON.parse(await readFile(path, 'utf8')))
  const master = Buffer.from(key, 'base64')
  const keyFor = (purpose: string) =>
    createSecretKey(Buffer.from(hkdfSync('sha256', master, '', purpose, 32)))
  return { telegramWebhookSecret, isNew, keyFor }
}

function newSecrets(): z.infer<typeof Kept> {
  return {
    key: randomBytes(32).toString('base64'),
    telegramWebhookSecret: randomBytes(24).toString('base64url'),
  }
}
