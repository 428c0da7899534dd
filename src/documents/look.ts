import type { Style } from '../submissions/formatted-text.ts'
import type { Shift } from './shifted.ts'

/** How a document says that characters look; undefined is what it does not speak of. */
export type Look = {
  isStrong?: boolean | undefined
  isEmphasis?: boolean | undefined
  isStruck?: boolean | undefined
  isHidden?: boolean | undefined
  shift?: Shift | 'none' | undefined
  /** A font whose letters are pictures; empty for any other. */
  font?: string | undefined
}

/** Looks laid over each other: the first that speaks of something counts. */
export function laidOver(...looks: Look[]): Look {
  const spoken = looks
    .toReversed()
    .flatMap((look) => Object.entries(look).filter(([, value]) => value !== undefined))
  return Object.fromEntries(spoken)
}

/** The style of a run. Headings are bold in any case. */
export function styleOf(
  { isStrong, isEmphasis, isStruck }: Look,
  href: string | undefined,
  heading: number | undefined,
): Style {
  return {
    ...(isStrong && heading === undefined && { isStrong }),
    ...(isEmphasis && { isEmphasis }),
    ...(isStruck && { isStruck }),
    ...(href !== undefined && { href }),
  }
}

/** An address of the web, a mailbox or a telephone; undefined for any other, which leads nowhere from here. */
export function addressOf(target: string | undefined): string | undefined {
  const address = target?.trim() ?? ''
  return /^(?:https?|mailto|tel):/i.test(address) ? address.replace(/\s/g, encodeURIComponent) : undefined
}
