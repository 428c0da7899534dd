import { randomBytes } from 'node:crypto'
import { newReceipt } from '../../src/receipt.ts'
import type { Identity, Keys } from '../../src/seal.ts'
import { fileSealer } from '../../src/sealing/files.ts'
import { fileKeyIn, headerFor, headerSize, markOfKey, nobody } from '../../src/sealing/header.ts'
import { processMemory } from '../../src/sealing/memory.ts'
import { receiptIdentity } from '../../src/sealing/receipt-key.ts'
import { textSealer } from '../../src/sealing/text.ts'
import { identityOf, recipientOf } from '../../src/sealing/x25519.ts'
import type { FileSealing } from '../../src/storage/age-file.ts'
import type { StorageParts } from '../../src/storage/storage.ts'

/** What storage is made with, where a test looks into the database beside the program. */
export function storageParts(now: () => number = Date.now): StorageParts {
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
