import assert from 'node:assert/strict'
import { test } from 'node:test'
import { compose } from '../../../test/support/mail.ts'
import { tidyFileName } from '../../files/name.ts'
import { attachedMailName } from './attached-mail-name.ts'

const names: [header: string, name: string][] = [
  ['Subject: The bridge', 'The bridge.eml'],
  ['From: a@example.org\nSUBJECT:   Re: The   bridge', 'Re - The bridge.eml'],
  ['Subject: Minutes of 12/03, part A\\B', 'Minutes of 12 - 03, part A - B.eml'],
  ['Subject: a long subject\r\n that is folded', 'a long subject that is folded.eml'],
  ['Subject: =?utf-8?B?RGllIEJyw7xja2U=?= =?iso-8859-1?Q?_f=E4llt?=', 'Die Brücke fällt.eml'],
  ['Subject: =?koi8-r?B?7c/T1A==?=', 'Мост.eml'],
  ['Subject: Daraja limefungwa – nani alijua?', 'Daraja limefungwa – nani alijua.eml'],
  ['Subject: report.exe', 'report.exe.eml'],
  ['Subject: ../../etc/passwd', 'etc - passwd.eml'],
  ['Subject: \u202egnp.exe', 'gnp.exe.eml'],
  ['Subject: ...', 'attached mail.eml'],
  ['Subject:', 'attached mail.eml'],
  ['From: a@example.org', 'attached mail.eml'],
]

test('an attached mail is named by its subject, and the name stays as it is where files are kept', async () => {
  for (const [header, name] of names) {
    const given = await attachedMailName(Buffer.from(`${header}\r\n\r\nSubject: not this`))
    assert.equal(given, name, header)
    assert.equal(tidyFileName(given), name)
  }
})

test('it is named so however little of it there is, and in whatever letters', async () => {
  const latin = Buffer.from('Subject: Die Br\xfccke\r\n\r\n', 'latin1')
  assert.equal(await attachedMailName(latin), 'Die Brücke.eml')
  const cyrillic = Buffer.from('Subject: \xcc\xee\xf1\xf2 \xe7\xe0\xea\xf0\xfb\xf2\r\n\r\n', 'latin1')
  assert.equal(await attachedMailName(cyrillic), 'Мост закрыт.eml')
  const wrong = Buffer.from('Subject: =?us-ascii?Q?Br=FCcke?=\r\n\r\n')
  assert.equal(await attachedMailName(wrong), 'Brücke.eml')
  const cut = Buffer.from('Subject: Brücke\r\nX-Long: ü').subarray(0, -1)
  assert.equal(await attachedMailName(cut), 'Brücke.eml')
  const composed = await compose({ to: 'a@example.org', subject: 'Wörter '.repeat(40), text: 'x' })
  const long = await attachedMailName(composed)
  assert.match(long, /^(?:Wörter )+W?\S*….eml$/)
  assert.equal(tidyFileName(long), long)
  assert.equal(await attachedMailName(Buffer.alloc(100_000, 'x')), 'attached mail.eml')
  const endless = Buffer.from(`Subject: x\n${' more\n'.repeat(500_000)}`)
  assert.equal(await attachedMailName(endless), 'attached mail.eml')
  assert.equal(await attachedMailName(Buffer.alloc(0)), 'attached mail.eml')
  assert.equal(await attachedMailName(Buffer.from('\r\n\r\nSubject: Late')), 'Late.eml')
})
