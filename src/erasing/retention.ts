import type { RetentionRules } from '../retention.ts'

export type RetentionParts = {
  rules: () => Promise<RetentionRules>
  retention: {
    warn(rules: RetentionRules, editorIds: string[], most: number, now: number): Promise<number>
    over(rules: RetentionRules, most: number, now: number): Promise<{ id: string }[]>
  }
  editors: { active(): Promise<{ id: string }[]> }
  erase: (submissionId: string, editorId: null, why: string, at: number) => Promise<boolean>
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

async function erase({ retention, erase: eraseOne, rest, now }: RetentionParts, rules: RetentionRules) {
  let erased = 0
  for (;;) {
    const pieces = await retention.over(rules, atOnce, now())
    for (const { id } of pieces) if (await eraseOne(id, null, 'retention', now())) erased += 1
    if (pieces.length < atOnce) return erased
    await rest()
  }
}
