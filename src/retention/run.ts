import type { EditorStore } from '../accounts/editor-store.ts'
import type { Pace } from '../core/pace.ts'
import type { Versioned } from '../editorial/letter-templates.ts'
import type { RetentionRules } from '../submissions/retention-rules.ts'

type ExpiringSubmission = { id: string; revision: number }

/** Where a walk has come. */
type RetentionPlace = { at: number; id: string }
type RetentionPage = { submissions: ExpiringSubmission[]; next: RetentionPlace | undefined }
type Walk = (
  rules: RetentionRules,
  after: RetentionPlace | undefined,
  most: number,
  now: number,
) => Promise<RetentionPage>

type RetentionContext = {
  rules: () => Promise<Versioned<RetentionRules>>
  retention: {
    warn(rules: RetentionRules, editorIds: string[], most: number, now: number): Promise<number>
    over: Walk
    oldSpam: Walk
    /** True while a warning has not reached somebody. */
    isWarning(): Promise<boolean>
  }
  editors: Pick<EditorStore, 'active'>
  erase: (submission: ExpiringSubmission, editorId: null, why: string, at: number) => Promise<boolean>
  onError: (error: unknown) => void
  now: () => number
}

const warnedAtOnce = { first: 50, most: 200 }

/** Erased one by one, so few that new rules soon hold. */
const erasedAtOnce = 20

/** Tells editors of what will be erased within a week, and erases what has been kept for long enough. */
export function retentionRounds({ rules, retention, editors, erase, onError, now }: RetentionContext) {
  return { warn, eraseOver }

  /** Tells editors of what will be erased. Says of how many submissions. */
  async function warn(pace: Pace): Promise<number> {
    const { value } = await rules()
    const ids = (await editors.active()).map(({ id }) => id)
    return pace.steps((most) => retention.warn(value, ids, most, now()), warnedAtOnce)
  }

  /** Erases what has been kept for long enough. Says how many submissions. */
  async function eraseOver(pace: Pace): Promise<number> {
    return (await eraseAlong(pace, retention.over)) + (await eraseAlong(pace, retention.oldSpam))
  }

  /**
   * As they were when it was looked: what happened to one since keeps it. One that cannot be erased holds up none of the
   * others. It is looked again and again whether it may go on: rules may change while much is erased.
   */
  async function eraseAlong(pace: Pace, walk: Walk): Promise<number> {
    let erased = 0
    let after: RetentionPlace | undefined
    do {
      // A week is counted from a mail that has left; one that failed is shown at the desk.
      if (await retention.isWarning()) return erased
      const { value } = await rules()
      const from = after
      const page = await pace.turn(() => walk(value, from, erasedAtOnce, now()))
      await pace.each(page.submissions, async (submission) => {
        const isErased = await erase(submission, null, 'retention', now()).catch(onError)
        if (isErased) erased += 1
      })
      after = page.next
    } while (after)
    return erased
  }
}
