import type { Action, State } from '../db/values.ts'

/**
 * What somebody did with a submission, as its history tells it. `detail` names the state, tag, editor or purpose it was
 * about, never what anybody wrote.
 */
export type HistoryEntry = {
  id: string
  submissionId: string
  /** Null where Barua did it by itself. */
  editorId: string | null
  action: Action
  detail: string | null
  at: number
}

export type NewEntry = Pick<HistoryEntry, 'action'> & { detail?: string }

/** How a move is kept in the detail of its entry. */
export function moveDetail(from: State, to: State): string {
  return `${from} ${to}`
}
