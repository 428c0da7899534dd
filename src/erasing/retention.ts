import type { RetentionRules } from '../retention.ts'

type Piece = { id: string; revision: number }

export type RetentionParts = {
  rules: () => Promise<RetentionRules>
  retention: {
    warn(rules: RetentionRules, editorIds: string[], most: number, now: number): Promise<number>
    over(rules: RetentionRules, most: number, now: number): Promise<Piece[]>
    /** True while a warning has not reached somebody. */
    isWarning(): Promise<boolean>
  }
  editors: { active(): Promise<{ id: string }[]> }
  erase: (piece: Piece, editorId: null, why: string, at: number) => Promise<boolean>
  onTrouble: (error: unknown) => void
  rest: () => Promise<void>
  now: () => number
}

const atOnce = 100

/**
 * Erases what has been kept for long enough, and tells editors of what will be within a week. Gives how many editors may be
 * mailed of, and how many pieces were erased.
 */
export async function lookAfterRetention(parts: RetentionParts): Promise<{ warned: number; erased: number }> {
  const rules = await parts.rules()
  return { warned: await warn(parts, rules), erased: await erase(parts, rules) }
}

async function warn({ retention, editors, rest, now }: RetentionParts, rules: RetentionRules) {
  const ids = (await editors.active()).map(({ id }) => id)
  let warned = 0
  for (;;) {
    const count = await retention.warn(rules, ids, atOnce, now())
    warned += count
    if (count < atOnce) return warned
    await rest()
  }
}

/** As they were when it was looked: what happened to one since keeps it. One that cannot be erased holds up none of the others. */
async function erase(
  { retention, erase: eraseOne, onTrouble, rest, now }: RetentionParts,
  rules: RetentionRules,
) {
  // A week is counted from a mail that has left; one that failed is shown at the desk.
  if (await retention.isWarning()) return 0
  let erased = 0
  for (;;) {
    const pieces = await retention.over(rules, atOnce, now())
    let count = 0
    for (const piece of pieces) {
      try {
        if (await eraseOne(piece, null, 'retention', now())) count += 1
      } catch (error) {
        onTrouble(error)
      }
    }
    erased += count
    if (pieces.length < atOnce || count === 0) return erased
    await rest()
  }
}
