import type { ContentAccess } from '../encryption/types.ts'

/** Something that an editor wrote down for colleagues. */
export type Note = { id: string; editorId: string; body: string; access: ContentAccess; createdAt: number }
