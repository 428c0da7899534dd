import { randomBytes } from 'node:crypto'
import type { StorageContext } from '../../src/app/stores.ts'
import { fileKeyIn, headerFor, headerSize, markOfKey, nobody } from '../../src/encryption/age-header.ts'
import { fileSealer } from '../../src/encryption/age-stream.ts'
import { textSealer } from '../../src/encryption/age-text.ts'
import { identityOf, recipientOf } from '../../src/encryption/age-x25519.ts'
import { processMemory } from '../../src/encryption/process-key.ts'
import type { Identity, Keys } from '../../src/encryption/types.ts'
import type { FileSealing } from '../../src/files/age-file.ts'
import { newReceipt } from '../../src/submissions/receipt.ts'
import { receiptIdentity } from '../../src/submissions/receipt-key.ts'

/** What storage is made with, where a test looks into the database beside the program. */
export function storageParts(now: () => number = Date.now): StorageContext {
  return {
    now,
    sealer: textSealer,
    memory: processMemory(),
    newReceipt() {
      const receipt = newReceipt()
      return { receipt, recipient: recipientOf(receiptIdentity(receipt)) }
    },
  }
}

/** A desk key that a test keeps: what the program seals for it, the test can open. */
export function offlineDesk() {
  const identity = newIdentity()
  const keys: Keys = async () => [identity]
  return { identity, recipient: recipientOf(identity), keys }
}

export function newIdentity(): Identity {
  return identityOf(new Uint8Array(randomBytes(32)))
}

/** Seals files as the program does. */
export function fileSealing(): FileSealing & { close(): Promise<void> } {
  return { ...fileSealer(), headerSize, headerFor, fileKeyIn, markOfKey, nobody }
}
