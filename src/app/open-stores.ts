import type { Config } from '../config.ts'
import { newId } from '../core/ids.ts'
import { readSecrets, type Secrets, secretsFor } from '../db/secrets.ts'
import { fileKeyIn, hashOfKey, headerFor, headerSize, nobody } from '../encryption/age-header.ts'
import { createFileCipher, type FileCipher } from '../encryption/age-stream.ts'
import { textCipher } from '../encryption/age-text.ts'
import { recipientOf } from '../encryption/age-x25519.ts'
import { processKey } from '../encryption/process-key.ts'
import { diskRoom } from '../files/disk-room.ts'
import { pair } from '../files/pairing.ts'
import { type FileStore, fileStore } from '../files/store.ts'
import { newReceipt } from '../submissions/receipt.ts'
import { receiptIdentity } from '../submissions/receipt-key.ts'
import type { Outside } from './context.ts'
import { openStorage, type Storage } from './stores.ts'

/** Everything that is kept: the database, the files, the secrets. */
type Stores = { storage: Storage; files: FileStore; fileCipher: FileCipher; secrets: Secrets }

/** Opens what is kept, once it is certain that it belongs together. @throws StartError where it does not */
export async function openStores(config: Config, outside: Outside): Promise<Stores> {
  const { storage, files, fileCipher } = await opened(config, outside)
  try {
    await pair({
      installation: storage.installation,
      files,
      keptAmong: storage.submissions.keptAmong,
      spokenOf: storage.submissions.keptFiles,
      now: outside.now,
    })
    await files.prepare()
    const secrets = await secretsFor(config.DATA_DIR, storage.installation)
    return { storage, files, fileCipher, secrets }
  } catch (error) {
    await fileCipher.close()
    await storage.close()
    throw error
  }
}

/** What adopting came to. */
type Adopted = {
  /** Files that the database speaks of and that are not there, of how many. */
  missing: number
  spokenOf: number
  /** The secrets are others than before. */
  hasOtherSecrets: boolean
}

/** Takes what the configuration names as belonging together from now on: for a restore, where nobody else can tell. */
export async function adoptStores(config: Config, outside: Outside): Promise<Adopted> {
  const { storage, files, fileCipher } = await opened(config, outside)
  try {
    const before = await storage.installation.read()
    const isNew = await storage.installation.isNew()
    await files.prepare()
    const secrets = await readSecrets(config.DATA_DIR)
    const id = newId(outside.now())
    await files.claimAgain(id)
    await storage.installation.adopt(id, secrets.mark, outside.now())
    const hasOtherSecrets = before?.secretsFingerprint
      ? before.secretsFingerprint !== secrets.mark
      : secrets.isNew && !isNew
    return { ...(await missingFiles(storage, files)), hasOtherSecrets }
  } finally {
    await fileCipher.close()
    await storage.close()
  }
}

async function missingFiles(
  storage: Storage,
  files: FileStore,
): Promise<{ missing: number; spokenOf: number }> {
  let [missing, spokenOf] = [0, 0]
  for await (const ids of storage.submissions.allKeptFiles()) {
    spokenOf += ids.length
    missing += ids.length - (await files.haveAmong(ids)).size
  }
  return { missing, spokenOf }
}

async function opened(config: Config, outside: Outside) {
  const storage = await openStorage(config.DATABASE_URL, {
    now: outside.now,
    cipher: textCipher,
    processKey: processKey(config.MEMORY_KEY),
    offline: config.OFFLINE_DESK_KEY,
    newReceipt() {
      const receipt = newReceipt()
      return { receipt, recipient: recipientOf(receiptIdentity(receipt)) }
    },
    quiet: config.TELEGRAM_QUIET_SECONDS * 1000,
    onWaiting: () =>
      outside.log.warn('the database does not answer yet, or is locked: waiting up to a minute'),
  })
  const fileCipher = createFileCipher()
  const files = fileStore(
    config.UPLOADS_DIR,
    { ...fileCipher, headerSize, headerFor, fileKeyIn, hashOfKey, nobody },
    diskRoom(config.UPLOADS_DIR, config.DISK_RESERVE, outside.roomIn),
  )
  return { storage, files, fileCipher }
}
