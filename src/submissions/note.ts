import type { SealState } from '../encryption/types.ts'

/** Something that an editor wrote down for colleagues. */
export type Note = { id: string; editorId: string; body: string; seal: SealState; createdAt: number }
