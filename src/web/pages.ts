import { createHash } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { Eta } from 'eta'
import { deliveryStateNames, purposeNames } from '../delivery.ts'
import { channelNames, kindNames, senderStateNames, sideFields, stateNames } from '../submission.ts'

export type Render = (view: string, data?: Record<string, unknown>) => string

/** What every page knows. */
export type PageFrame = { base: string; newsroom: string }

/**
 * Renders views by name, such as `form/form`. Everything interpolated is escaped; every page is given the base
 * path, the newsroom's name and the style sheet's version.
 */
export function pageRenderer(folder: string, frame: PageFrame): Render {
  const eta = new Eta({ views: folder, cache: true, autoTrim: [false, 'nl'] })
  const assets = styleSheet(folder).version
  const known = { ...frame, ...formats, ...words, assets }
  return (view, data = {}) => eta.render(view, { ...known, ...data })
}

/** The one style sheet, and a name for its version, so that browsers may keep it for good. */
export function styleSheet(folder: string): { css: Buffer; version: string } {
  const css = readFileSync(join(folder, 'style.css'))
  return { css, version: createHash('sha256').update(css).digest('base64url').slice(0, 12) }
}

const words = {
  kindNames,
  channelNames,
  stateNames,
  senderStateNames,
  purposeNames,
  deliveryStateNames,
  sideFields,
}

/** How figures are shown, on pages and in mail. */
export const formats = {
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
  /** A time in UTC, to the minute: the reader's zone is not known without a script. */
  time(at: number): string {
    return `${new Date(at).toISOString().slice(0, 16).replace('T', ' ')} UTC`
  },
}
