import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Installation } from '../db/installation-store.ts'
import { pair } from './pairing.ts'

/** Two machines that have nothing yet: the other one takes its steps whenever it is asked for the nth thing. */
function stores(othersTurn: number) {
  let inFolder: string | undefined
  let installation: Installation | undefined
  let asked = 0
  const begin = async (filesId: string) => {
    installation ??= { filesId, isJoined: false, secretsFingerprint: null }
    return installation
  }
  const claim = async (id: string) => {
    inFolder ??= id
    return inFolder
  }
  const join = async () => {
    installation = { ...(installation as Installation), isJoined: true }
  }
  /** The other machine starts, from its first step to its last, just before this one takes its nth. */
  const inTurn =
    <A extends unknown[], T>(step: (...given: A) => Promise<T>) =>
    async (...given: A): Promise<T> => {
      asked += 1
      if (asked === othersTurn) {
        await claim((await begin('theirs')).filesId)
        await join()
      }
      return step(...given)
    }
  return {
    parts: {
      installation: { read: inTurn(async () => installation), begin: inTurn(begin), join: inTurn(join) },
      files: {
        root: 'uploads',
        owner: inTurn(async () => inFolder),
        claim: inTurn(claim),
        sample: async () => [],
        haveAmong: async () => new Set<string>(),
      },
      keptAmong: async () => new Set<string>(),
      spokenOf: async () => [],
      now: () => 0,
    },
    agreed: () => installation?.isJoined === true && installation.filesId === inFolder,
  }
}

test('whenever another machine starts on the same new stores, both agree', async () => {
  for (let turn = 1; turn <= 6; turn++) {
    const { parts, agreed } = stores(turn)
    await pair(parts)
    assert.ok(agreed(), `before step ${turn}`)
  }
})
