import { createHash } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { Eta } from 'eta'
import { roleNames } from '../accounts/editor.ts'
import { rhythmNames } from '../accounts/notification-policy.ts'
import { isolated } from '../core/bidi.ts'
import { channels, jobStates, kinds, roles, states } from '../db/values.ts'
import { letterNames } from '../editorial/letter-templates.ts'
import { jobLabels, jobStateNames, skipReasons } from '../jobs/job.ts'
import { hasPreview, isText } from '../submissions/attachment.ts'
import { jobErrorNames, rejections } from '../submissions/file-refusal.ts'
import { viewNames } from '../submissions/inbox.ts'
import {
  channelNames,
  detailFields,
  encryptionNames,
  filesOf,
  kindNames,
  rawMailOf,
  titleOf,
} from '../submissions/model.ts'
import { senderStateNames, stateNames } from '../submissions/states.ts'
import { unreadableNames } from '../submissions/unreadable.ts'

export const viewsFolder = fileURLToPath(new URL('../../views', import.meta.url))

export type Render = (view: string, data?: Record<string, unknown>) => string

/** What every page knows. */
type PageFrame = {
  base: string
  /** What is at the host of these pages: the letterbox, the desk, or both of them. */
  host: 'letterbox' | 'desk' | 'both'
  /** Where the letterbox is, seen from these pages: a path of their host, or an address of another one. */
  letterbox: string
  newsroom: string
  /** The onion address, where there is one. */
  onionUrl: string | undefined
}

/**
 * Renders views by name, such as `form/form`. Everything interpolated is escaped; every page is given the base
 * path, the newsroom's name and the assets' version.
 */
export function pageRenderer(frame: PageFrame, assets: Assets): Render {
  const eta = new Eta({ views: viewsFolder, cache: true, autoTrim: [false, 'nl'], escapeFunction: escaped })
  const known = { ...frame, ...formats, ...words, assets: assets.version }
  return (view, data = {}) => eta.render(view, { ...known, ...data })
}

/** As Eta escapes, but one sign after the other: a text of nothing but signs would hold up everybody for a while. */
function escaped(value: unknown): string {
  return String(value)
    .replaceAll('&', '&amp;')
    .replaceAll('<', '&lt;')
    .replaceAll('>', '&gt;')
    .replaceAll('"', '&quot;')
    .replaceAll("'", '&#39;')
}

/** A file that pages need, as it is served. */
export type Asset = { name: string; type: string; content: Buffer }
export type Assets = { files: Asset[]; version: string }

/**
 * The style sheets, the desk's scripts and the icon, and a name for their version, so that browsers may keep them for
 * good.
 */
export function readAssets(): Assets {
  const files = [
    { name: 'style.css', type: 'text/css; charset=utf-8' },
    { name: 'desk.css', type: 'text/css; charset=utf-8' },
    { name: 'desk.js', type: 'text/javascript; charset=utf-8' },
    { name: 'passkey.js', type: 'text/javascript; charset=utf-8' },
    { name: 'icon.svg', type: 'image/svg+xml' },
  ].map((file) => ({ ...file, content: readFileSync(join(viewsFolder, file.name)) }))
  const hash = createHash('sha256')
  for (const { content } of files) hash.update(content)
  return { files, version: hash.digest('base64url').slice(0, 12) }
}

const words = {
  kinds,
  kindNames,
  channels,
  channelNames,
  states,
  stateNames,
  senderStateNames,
  viewNames,
  roles,
  roleNames,
  rhythmNames,
  letterNames,
  jobLabels,
  jobStates,
  jobStateNames,
  skipReasons,
  jobErrorNames,
  hasPreview,
  detailFields,
  rawMailOf,
  isText,
  titleOf,
  isolated,
  unreadableNames,
  encryptionNames,
  rejections,
}

const minute = 60_000
const hour = 60 * minute
const day = 24 * hour

const unknownTime = 'at an unknown time'

/** Undefined for what is no time that a date can have: no page fails for one. */
function isoOf(at: number): string | undefined {
  const date = new Date(at)
  return Number.isNaN(date.getTime()) ? undefined : date.toISOString()
}

/** How figures are shown, on pages and in mail. */
export const formats = {
  filesOf,
  /** Bytes as people read them. */
  bytes(count: number): string {
    if (count < 1024) return `${count} bytes`
    const units = ['KB', 'MB', 'GB']
    let size = count / 1024
    while (size >= 1000 && units.length > 1) {
      size /= 1024
      units.shift()
    }
    return `${size < 10 ? Number(size.toFixed(1)) : Math.round(size)} ${units[0]}`
  },
  /** How long that is, in the largest unit that fits. Milliseconds. */
  duration(ms: number): string {
    if (ms < minute) return 'under a minute'
    if (ms < hour) return `${Math.floor(ms / minute)} min`
    if (ms < 2 * day) return `${Math.floor(ms / hour)} h`
    return `${Math.floor(ms / day)} days`
  },
  /** For machines. */
  iso(at: number): string {
    return isoOf(at) ?? ''
  },
  /** A day in UTC. */
  date(at: number): string {
    return isoOf(at)?.slice(0, 10) ?? unknownTime
  },
  /** A time in UTC, to the minute: the reader's zone is not known without a script. */
  time(at: number): string {
    const iso = isoOf(at)
    return iso === undefined ? unknownTime : `${iso.slice(0, 16).replace('T', ' ')} UTC`
  },
}
