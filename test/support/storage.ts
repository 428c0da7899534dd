import { randomBytes } from 'node:crypto'
import type { StorageContext } from '../../src/app/stores.ts'
import { fileKeyIn, hashOfKey, headerFor, headerSize, nobody } from '../../src/encryption/age-header.ts'
import { createFileCipher } from '../../src/encryption/age-stream.ts'
import { textCipher } from '../../src/encryption/age-text.ts'
import { identityOf, recipientOf } from '../../src/encryption/age-x25519.ts'
import { processKey } from '../../src/encryption/process-key.ts'
import type { Identity, Keys } from '../../src/encryption/types.ts'
import type { AgeCipher } from '../../src/files/age-file.ts'
import { newReceipt } from '../../src/submissions/receipt.ts'
import { receiptIdentity } from '../../src/submissions/receipt-key.ts'

/** What storage is made with, where a test looks into the database beside the program. */
export function storageParts(now: () => number = Date.now): StorageContext {
  return {
    now,
    cipher: textCipher,
    processKey: processKey(),
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
export function fileCipher(): AgeCipher & { close(): Promise<void> } {
  return { ...createFileCipher(), headerSize, headerFor, fileKeyIn, hashOfKey, nobody }
}
