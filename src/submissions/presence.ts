/** For so long it is waited what else comes, before anybody is told: long enough to notice a burst. */
export const settlingTime = 2000

/** What an editor has seen and heard of a submission. */
export type Attention = {
  openedAt: number | null
  notifiedAt: number | null
  /** They have opened it since its sender last wrote. */
  hasSeenAll: boolean
}
