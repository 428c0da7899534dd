import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { kinds } from '../../src/db/values.ts'
import { openNewsroom } from '../support/newsroom.ts'

const hour = 3_600_000

/** What is said in a conversation, in the order in which it is said. Each moves the clock back first. */
const turns = [
  'The first words.',
  'more from the sender',
  'an answer',
  'a note',
  'more again',
  'a last answer',
]

for (const kind of kinds) {
  describe(`a clock that goes back while people write about ${kind}`, () => {
    for (const step of [-2000, -hour, -400 * 24 * hour]) {
      test(`by ${step / 1000} seconds each time: the conversation stays in its order, and its sender is known`, async (t) => {
        const newsroom = await openNewsroom(t)
        const { reference, receipt } = await newsroom.submit(kind)
        const before = await opening()
        const at = `/desk/submissions/${reference}`
        const back = () => newsroom.passTime(step)
        back()
        await newsroom.writeAgain(receipt, turns[1] ?? '')
        back()
        await act(`${at}/answer`, { body: turns[2] ?? '' })
        back()
        await act(`${at}/note`, { note: turns[3] ?? '' })
        back()
        await newsroom.writeAgain(receipt, turns[4] ?? '')
        back()
        await act(`${at}/answer`, { body: turns[5] ?? '' })

        const { id } = await newsroom.submission(reference)
        const { submissions } = newsroom.application.storage
        const said = await submissions.conversation(id, newsroom.keys)
        assert.deepEqual(
          said.slice(1).map(({ content }) => content.fields.body),
          turns.slice(1).filter((turn) => turn !== 'a note'),
        )
        const shown = await newsroom.deskPage(at)
        const places = turns.slice(1).map((turn) => shown.indexOf(turn, shown.indexOf('>Conversation')))
        assert.deepEqual(
          places,
          places.toSorted((a, b) => a - b),
          'the desk shows another order',
        )
        assert.deepEqual(await opening(), before)
        // An answer can be taken back for ten seconds.
        newsroom.passTime(11_000)
        const { messages } = await newsroom.status(receipt)
        assert.equal(messages.at(-1).body, turns[5])

        async function opening() {
          const { id } = await newsroom.submission(reference)
          return (await newsroom.application.storage.submissions.opening(id, newsroom.keys))?.content
        }

        async function act(path: string, typed: Record<string, string>): Promise<void> {
          const seen = await newsroom.seen(reference)
          const done = await newsroom.act(path, { ...seen, ...typed })
          assert.equal(done.status, 303, `${path} ${done.text}`)
        }
      })
    }
  })
}

test('the history stays in its order too', async (t) => {
  const newsroom = await openNewsroom(t)
  const { reference } = await newsroom.submit('guest-post')
  for (const action of ['claim', 'note']) {
    newsroom.passTime(-hour)
    const seen = await newsroom.seen(reference)
    const done = await newsroom.act(`/desk/submissions/${reference}/${action}`, {
      ...seen,
      ...(action === 'note' && { note: 'A word.' }),
    })
    assert.equal(done.status, 303, done.text)
  }
  const { id } = await newsroom.submission(reference)
  const history = await newsroom.application.storage.history.of(id)
  assert.deepEqual(
    history.map(({ action }) => action).filter((action) => action !== 'moved'),
    ['claimed', 'noted'],
  )
})
