/** Why a mail could not be read. */
export const unreadableNames = {
  broken: 'its parts cannot be told apart',
  'past-limits': 'it has too many parts, or headers that are too long',
  'took-too-long': 'reading it took too long',
  'too-much-memory': 'reading it took too much memory',
} as const

export type UnreadableReason = keyof typeof unreadableNames
