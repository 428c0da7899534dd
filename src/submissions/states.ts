import type { State } from '../db/values.ts'

export const stateNames: Record<State, string> = {
  waiting: 'Waiting',
  'in-review': 'In review',
  accepted: 'Accepted',
  declined: 'Declined',
  spam: 'Spam',
}

/** What the sender is told of the state. */
export const senderStateNames: Record<State, string> = {
  waiting: 'Waiting to be read',
  'in-review': 'Being read',
  accepted: 'Accepted',
  declined: 'Declined',
  spam: 'Declined',
}

/** The whole life of a submission: from each state, where it may go. */
const moves: Record<State, readonly State[]> = {
  waiting: ['in-review', 'accepted', 'declined', 'spam'],
  'in-review': ['waiting', 'accepted', 'declined', 'spam'],
  accepted: ['in-review', 'declined'],
  declined: ['in-review', 'accepted'],
  spam: ['waiting'],
}

export function canMove(from: State, to: State): boolean {
  return moves[from].includes(to)
}

/** The states that a submission in this state may be moved to. */
export function movesFrom(state: State): readonly State[] {
  return moves[state]
}

/**
 * For so long after an editor's decision or answer at the desk it can be taken back, and the sender is told nothing of
 * it.
 */
export const undoTime = 10_000
