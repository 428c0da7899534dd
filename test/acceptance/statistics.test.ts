import assert from 'node:assert/strict'
import { test } from 'node:test'
import { daysBetween, median } from '../../src/statistics/model.ts'
import { openNewsroom } from '../support/newsroom.ts'
import { storyAngle, tip } from '../support/submissions.ts'

const hour = 3_600_000

/** The cells of the row that begins with this heading. */
function row(page: string, heading: string): string[] {
  const found = new RegExp(`<th scope="row">${heading}</th>((?:<td>[^<]*</td>)+)`).exec(page)?.[1] ?? ''
  return [...found.matchAll(/<td>([^<]*)<\/td>/g)].map((cell) => cell[1] as string)
}

test('the figures at a glance are those of the letterbox, each as a table too', async (t) => {
  const newsroom = await openNewsroom(t)
  const today = new Date(newsroom.now()).toISOString().slice(0, 10)
  const [a, b, c] = [
    await newsroom.submit('story-angle', storyAngle()),
    await newsroom.submit('story-angle', storyAngle()),
    await newsroom.submit('news-tip', tip()),
  ]
  newsroom.passTime(2 * hour)
  const move = async (reference: string, state: string) =>
    newsroom.act(`/desk/submissions/${reference}/move`, { state, ...(await newsroom.seen(reference)) })
  await newsroom.deskPage(`/desk/submissions/${a.reference}`)
  newsroom.passTime(3 * hour)
  await move(a.reference, 'accepted')
  await move(b.reference, 'declined')
  const page = await newsroom.deskPage('/desk/glance')
  assert.ok(page.match(/<svg class="plot"/g)?.length === 4)
  assert.deepEqual(row(page, today), ['0', '0', '1', '2', '0'])
  assert.deepEqual(row(page, 'up to a day'), ['1'])
  assert.deepEqual(row(page, 'Story angle'), ['1', '1', '50 %'])
  assert.match(page, /<th scope="row">Story angle<\/th><td>2<\/td><td>2 h<\/td><td>5 h<\/td>/)
  assert.ok(c)
})

test('a day that is over is counted once and kept', async (t) => {
  const newsroom = await openNewsroom(t)
  await newsroom.submit('story-angle', storyAngle())
  const today = new Date(newsroom.now()).toISOString().slice(0, 10)
  newsroom.passTime(25 * hour)
  for (let i = 0; i < 2; i++) {
    const page = await newsroom.deskPage('/desk/glance')
    assert.deepEqual(row(page, today), ['0', '0', '0', '1', '0'])
  }
})

test('medians and days', () => {
  assert.equal(median([]), undefined)
  assert.equal(median([3, 1, 2]), 2)
  assert.equal(median([4, 1, 2, 3]), 2.5)
  const days = daysBetween(Date.parse('2026-02-27T23:00:00Z'), Date.parse('2026-03-01T01:00:00Z'))
  assert.deepEqual(days, ['2026-02-27', '2026-02-28', '2026-03-01'])
})
