import type { Database } from '../../../db/open.ts'
import { draftAnswers } from './answers.ts'
import { draftCollection } from './collect.ts'
import { draftFinish } from './finish.ts'
import { draftReads } from './read.ts'
import type { DraftWriteContext } from './rows.ts'

export type DraftStore = ReturnType<typeof draftStore>

/** What chats are adding to before it is sent. `quiet` is the usual quiet time in milliseconds. */
export function draftStore(db: Database, { quiet, ...writing }: DraftWriteContext & { quiet: number }) {
  return {
    ...draftReads(db, writing.processKey),
    ...draftCollection(db, writing, quiet),
    ...draftAnswers(db, writing),
    ...draftFinish(db, writing, quiet),
  }
}
