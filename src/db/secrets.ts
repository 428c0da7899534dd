import { createHmac, createSecretKey, hkdfSync, type KeyObject, randomBytes } from 'node:crypto'
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { z } from 'zod'
import { isThere } from '../core/durable-file.ts'
import { makeOnce } from '../core/made-once.ts'
import { StartError } from '../core/start-error.ts'
import type { InstallationStore } from './installation-store.ts'

const Versioned = z.object({ key: z.base64().length(44), telegramWebhookSecret: z.string().min(1) })

export type Secrets = {
  telegramWebhookSecret: string
  /** True if they were made just now: the webhook's secret is shown this once. */
  isNew: boolean
  /** By what they are known again; it tells nothing of them. */
  mark: string
  /** A key for one purpose only, derived from the one that is kept. */
  keyFor(
    use: 'receipt' | 'nonce' | 'reply' | 'sender' | 'account' | 'totp' | 'chat' | 'one-time' | 'webhook',
  ): KeyObject
}

/**
 * Reads the secrets of this newsroom, which are made at the first start and never leave `DATA_DIR`. Beside a database that
 * has been used they are never made anew: authenticator apps, links, threads and repeats hang on them.
 * @throws StartError where they are missing, broken, or not those that this database was used with
 */
export async function secretsFor(
  dataDir: string,
  installation: Pick<InstallationStore, 'read' | 'isNew' | 'keepSecretsFingerprint'>,
): Promise<Secrets> {
  const { secretsFingerprint = null } = (await installation.read()) ?? {}
  const path = secretsPath(dataDir)
  const isFirst = secretsFingerprint === null && (await installation.isNew())
  if (!isFirst && !(await isThere(path))) throw missing(path)
  const secrets = await readSecrets(dataDir)
  if ((await installation.keepSecretsFingerprint(secrets.mark)) !== secrets.mark) throw ofAnother(path)
  return secrets
}

/** Reads the secrets that are there, or makes them. @throws StartError where they are broken */
export async function readSecrets(dataDir: string): Promise<Secrets> {
  const path = secretsPath(dataDir)
  const isNew = await makeOnce(path, () => `${JSON.stringify(newSecrets(), null, 2)}\n`)
  const { key, telegramWebhookSecret } = keptIn(await readFile(path, 'utf8'), path)
  const master = Buffer.from(key, 'base64')
  const keyFor = (use: string) => createSecretKey(Buffer.from(hkdfSync('sha256', master, '', use, 32)))
  const mark = createHmac('sha256', keyFor('mark')).digest('base64url')
  return { telegramWebhookSecret, isNew, mark, keyFor }
}

function keptIn(text: string, path: string): z.infer<typeof Versioned> {
  try {
    return Versioned.parse(JSON.parse(text))
  } catch {
    throw new StartError(`${path} is not what Barua wrote there. Put it back from a backup.`)
  }
}

function secretsPath(dataDir: string): string {
  return join(dataDir, 'secrets.json')
}

function missing(path: string): StartError {
  return new StartError(
    [
      `${path} is missing, and this database has been used with it.`,
      'Without it authenticator apps, links and threads are dead, and what is sent twice is there twice. Put it back from a backup.',
      'If it is lost for good, this goes on with new secrets, and says what that means:',
      '  npm run barua -- storage adopt',
    ].join('\n'),
  )
}

function ofAnother(path: string): StartError {
  return new StartError(
    [
      `${path} is not the one that this database has been used with.`,
      'Every machine that works on a database needs the same secrets.json. Put it back from a backup, or copy it from another machine.',
      'If it is lost for good, this goes on with the one that is here, and says what that means:',
      '  npm run barua -- storage adopt',
    ].join('\n'),
  )
}

function newSecrets(): z.infer<typeof Versioned> {
  return {
    key: randomBytes(32).toString('base64'),
    telegramWebhookSecret: randomBytes(24).toString('base64url'),
  }
}
