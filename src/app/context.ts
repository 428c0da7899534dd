import type { Logger } from 'pino'
import type { KeyRing } from '../accounts/keyring/keyring.ts'
import type { ReEncryption } from '../confidentiality/re-encryption.ts'
import { type Config, siteAddresses } from '../config.ts'
import type { Pace } from '../core/pace.ts'
import type { Internet } from '../core/public-fetch.ts'
import { deskAddress, written } from '../core/public-urls.ts'
import type { Secrets } from '../db/secrets.ts'
import type { Queue } from '../db/values.ts'
import type { FileCipher } from '../encryption/age-stream.ts'
import type { RoomIn } from '../files/disk-room.ts'
import type { Cleaner } from '../files/metadata/cleaner.ts'
import type { FileStore } from '../files/store.ts'
import type { LeaseTimes } from '../jobs/lease-holder.ts'
import type { Metrics } from '../web/metrics.ts'
import type { Assets, Render } from '../web/pages.ts'
import type { Bodies } from '../web/request-bodies.ts'
import type { Readiness } from './readiness.ts'
import type { Storage } from './stores.ts'

/** What is outside the program and its configuration. */
export type Outside = {
  /** The clock on the wall, which may be set at any time. */
  now: () => number
  /** Milliseconds of a clock that only runs on; the process's own, unless a test has one. */
  monotonic?: () => number
  /** How long leases of jobs are borne to stand still; as usual, unless a test is in a hurry. */
  leaseTimes?: LeaseTimes
  random: () => number
  log: Logger
  /** How much room a disk has; as the system says, unless a test says something else. */
  roomIn?: RoomIn
  /** Where keys of editors are looked up; the public net, unless a test has one of its own. */
  internet?: Internet
}

/** What several parts of the program are made with. */
export type App = {
  config: Config
  outside: Outside
  storage: Storage
  files: FileStore
  fileCipher: FileCipher
  secrets: Secrets
  /** Who holds the desk key. */
  keyRing: KeyRing
  /** The turns of all that is done beside the requests. */
  pace: Pace
  /** What is encrypted for an earlier key is re-encrypted by it. */
  reEncryption: ReEncryption
  /** Makes clean copies of files. */
  cleaner: Cleaner
  metrics: Metrics
  /** What requests hold in memory. */
  bodies: Bodies
  /** Whether submissions can be taken in. */
  readiness: Readiness
  /** Pages of the letterbox, and of the desk where that has no address of its own. */
  render: Render
  /** Pages of the desk. */
  renderDesk: Render
  assets: Assets
  /** Wakes a carrier’s worker: something may be due. */
  nudge: (queue: Queue) => void
  /** Tells whoever looks at the desk that something there is new. */
  changed: () => void
}

/** Where the letterbox is, as its address is written in mails: without a slash at the end. */
export function siteUrl(config: Config): string {
  return written(config.PUBLIC_URL)
}

/** Where the desk is, in the same way; its pages begin with `/desk` there. */
export function deskSiteUrl(config: Config): string {
  return written(deskAddress(siteAddresses(config)))
}

/** The same of its onion address, where it has one. */
export function onionSiteUrl(config: Config): string | undefined {
  return config.ONION_URL && written(config.ONION_URL)
}

export const hour = 3_600_000
