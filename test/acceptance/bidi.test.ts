import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import fc from 'fast-check'
import { isolated } from '../../src/core/bidi.ts'
import { skip, visit, withBrowser } from '../support/browser.ts'
import { guestPost } from '../support/submissions.ts'

const controls = ['\u202a', '\u202b', '\u202c', '\u202d', '\u202e', '\u2066', '\u2067', '\u2068', '\u2069']

/** How many embeddings and isolates are open after a text that is one paragraph, by the rules of UAX 9; -1 if it ended one that was around it. */
function openAfter(text: string): number {
  const open: string[] = []
  for (const letter of text) {
    if (/[\u202a\u202b\u202d\u202e]/.test(letter)) open.push('embedding')
    else if (/[\u2066-\u2068]/.test(letter)) open.push('isolate')
    else if (letter === '\u202c') {
      if (open.length === 0) return -1
      if (open.at(-1) === 'embedding') open.pop()
    } else if (letter === '\u2069') {
      const from = open.lastIndexOf('isolate')
      if (from < 0) return -1
      open.length = from
    }
  }
  return open.length
}

test('whatever directions a text sets, they end with it, and end nothing around it', () => {
  const bits = fc.constantFrom(...controls, 'a', 'ש', '1', ' ', '\n')
  fc.assert(
    fc.property(fc.array(bits), (letters) => {
      const text = letters.join('')
      const shown = isolated(text)
      for (const line of shown.split('\n')) assert.equal(openAfter(line), 0, JSON.stringify([text, shown]))
      const plain = (one: string) => one.replace(/[\u202a-\u202e\u2066-\u2069]/g, '')
      assert.equal(plain(shown), plain(text))
      if (plain(text) === text) assert.equal(shown, text)
    }),
    { numRuns: 2000 },
  )
})

describe('directions in a real browser', skip, () => {
  withBrowser()

  test('a title that turns what follows turns nothing but itself', async (t) => {
    const { newsroom, site, page } = await visit(t)
    const turned = 'The mill \u202eis closed'
    const { reference } = await newsroom.submit('guest-post', {
      ...guestPost(),
      title: turned,
      name: `Amina \u2067\u202e`,
      byline: 'Amina \u202eMwangi',
    })
    const [name, value] = (await newsroom.signIn()).split('=') as [string, string]
    await page.context().addCookies([{ name, value, url: site }])
    for (const path of [
      '/desk?view=all',
      `/desk/submissions/${reference}`,
      `/desk/submissions/${reference}/letter/accepted`,
    ]) {
      await page.goto(site + path)
      // In an element that runs from left to right a later word stands to the right of an earlier one.
      const turnedAround =
        await page.evaluate(`[...document.querySelectorAll('p, li, h1, label, dd')].flatMap((block) => {
        const walker = document.createTreeWalker(block, NodeFilter.SHOW_TEXT)
        const places = []
        for (let node = walker.nextNode(); node; node = walker.nextNode()) {
          if (node.parentElement.closest('h1, .title, .byline, .lead, .words, .mail dd') || !node.data.trim()) continue
          for (const { index, 0: word } of node.data.matchAll(/[A-Za-z]{3,}/g)) {
            const range = document.createRange()
            range.setStart(node, index)
            range.setEnd(node, index + 1)
            const first = range.getBoundingClientRect()
            range.setStart(node, index + word.length - 1)
            range.setEnd(node, index + word.length)
            const last = range.getBoundingClientRect()
            if (Math.abs(first.top - last.top) < 2 && last.left < first.left) places.push(word)
          }
        }
        return places
      })`)
      assert.deepEqual(turnedAround, [], path)
    }
    // In a letter the title stands within our own words.
    const subject = await page.locator('#title').inputValue()
    assert.equal(subject, 'We are taking “\u2068The mill \u202eis closed\u202c\u2069”')
  })
})
