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
  const kept = new Set<string>()
  let erased = 0
  for (;;) {
    const pieces = await retention.over(rules, kept.size + atOnce, now())
    const next = pieces.filter(({ id }) => !kept.has(id)).slice(0, atOnce)
    if (next.length === 0) return erased
    for (const piece of next) {
      const isErased = await eraseOne(piece, null, 'retention', now()).catch(onTrouble)
      if (isErased) erased += 1
      else kept.add(piece.id)
    }
    await rest()
  }
}
