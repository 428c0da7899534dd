import assert from 'node:assert/strict'
import { test } from 'node:test'
import { editorAddress, openNewsroom } from '../support/newsroom.ts'
import { storyAngle, tip } from '../support/submissions.ts'

const second = 'otto@newsroom.test'
const race = 'This changed while you were working'

function titleOf(page: string): string {
  return /<h1[^>]*>([^<]+)/.exec(page)?.[1] ?? ''
}

test('what is not possible is told as that, and nobody is said to have been faster', async (t) => {
  const newsroom = await openNewsroom(t, { EDITORS: `${editorAddress},${second}` })
  const cookie = await newsroom.signIn()
  const { reference } = await newsroom.submit('story-angle', storyAngle())
  const { reference: encrypted } = await newsroom.submit('news-tip', tip())
  await newsroom.workOff()
  const seen = async (one: string) => newsroom.seen(one)
  const at = (one: string, what: string) => `/desk/submissions/${one}/${what}`
  const token = { name: 'Bridge', hourlyLimit: '0', hookUrl: '' }
  await newsroom.act('/desk/api-tokens', token, cookie)
  const { storage } = newsroom.application
  const { id } = await newsroom.submission(reference)
  const [sent] = (await storage.jobs.ofSubmission(id)).filter(({ state }) => state === 'sent')
  const refused: Record<string, [string, Record<string, string>, RegExp]> = {
    'the last admin becomes an editor': [
      '/desk/team/role',
      { email: editorAddress, role: 'editor' },
      /There has to be at least one admin/,
    ],
    'the last admin is removed': ['/desk/team/remove', { email: editorAddress }, /at least one admin/],
    'a token has the name of another': ['/desk/api-tokens', token, /a token of this name already/],
    'codes beside no second factor': ['/desk/account/recovery-codes', {}, /no second factor yet/],
    'a passkey that nobody asked for': ['/desk/account/passkeys', { passkey: '{}' }, /begin again/],
    'a delivery that did not fail is tried again': [
      `/desk/deliveries/${sent?.id}/retry`,
      {},
      /no longer a failed one/,
    ],
    'what is not claimed is given up': [at(reference, 'release'), await seen(reference), /do not have it/],
    'it is moved where it is': [
      at(reference, 'move'),
      { state: 'waiting', ...(await seen(reference)) },
      /cannot be moved/,
    ],
    'it is marked as confidential twice': [
      at(encrypted, 'confidential'),
      await seen(encrypted),
      /confidential already/,
    ],
    'what is clear is taken along as it is sealed': [
      at(reference, 'export'),
      { way: 'sealed' },
      /not sealed/,
    ],
    'what was not done is undone': ['/desk/undo', { references: reference, back: reference }, /too late/i],
  }
  for (const [what, [path, fields, why]] of Object.entries(refused)) {
    const { status, text } = await newsroom.act(path, fields, cookie)
    assert.equal(status, 409, what)
    assert.match(text, why, what)
    assert.doesNotMatch(text, new RegExp(`faster|${race}`, 'i'), what)
  }
})

test('a lost race is told as one, whatever was to be done', async (t) => {
  const newsroom = await openNewsroom(t, { EDITORS: `${editorAddress},${second}` })
  const other = await newsroom.signIn(second)
  const commands: Record<string, Record<string, string>> = {
    answer: { body: 'Words of mine.' },
    move: { state: 'declined' },
    assign: { editor: (await newsroom.application.storage.editors.byEmail(second))?.id ?? '' },
    confidential: {},
    letter: { decision: 'accepted', way: 'send', title: 'Yes', body: 'Words of mine.' },
    claim: {},
    erase: {},
  }
  for (const [what, fields] of Object.entries(commands)) {
    const { reference } = await newsroom.submit('story-angle', storyAngle())
    const before = await newsroom.seen(reference)
    await newsroom.act(`/desk/submissions/${reference}/claim`, {}, other)
    const lost = await newsroom.act(`/desk/submissions/${reference}/${what}`, { ...fields, ...before })
    assert.equal(lost.status, 409, what)
    assert.equal(titleOf(lost.text), race, what)
    assert.ok(lost.text.includes('with otto'), what)
    if (fields.body) assert.ok(lost.text.includes(`${fields.body}</textarea>`), what)
  }
})
