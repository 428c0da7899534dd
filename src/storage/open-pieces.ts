import type { Database } from './database.ts'
import { openPieceAnswers } from './open-piece-answers.ts'
import { openPieceEnding } from './open-piece-ending.ts'
import { openPieceGathering } from './open-piece-gathering.ts'
import { openPieceReading } from './open-piece-reading.ts'
import type { PieceWriting } from './open-piece-rows.ts'

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
