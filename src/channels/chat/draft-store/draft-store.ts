import type { Database } from '../../../db/open.ts'
import { openPieceAnswers } from './answers.ts'
import { openPieceGathering } from './collect.ts'
import { openPieceEnding } from './finish.ts'
import { openPieceReading } from './read.ts'
import type { PieceWriting } from './rows.ts'

export type OpenPieceStore = ReturnType<typeof openPieceStore>

/** What chats are adding to before it is sent. `quiet` is the usual quiet time in milliseconds. */
export function openPieceStore(db: Database, { quiet, ...writing }: PieceWriting & { quiet: number }) {
  return {
    ...openPieceReading(db, writing.memory),
    ...openPieceGathering(db, writing, quiet),
    ...openPieceAnswers(db, writing),
    ...openPieceEnding(db, writing, quiet),
  }
}
